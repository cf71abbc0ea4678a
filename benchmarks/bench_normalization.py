"""NumPy normalization layers against Keras on the CPU, in training, on feature maps of an early stage of a CNN.

float32 throughout; Keras in graph mode with the settings of the chapters (`runtime.setup`: oneDNN off). A training step
is the forward pass with the batch's statistics and all gradients. NumPy computes on one core, Keras on all.
"""

import numpy as np

from benchmarks.timing import measure, row, table
from utils import runtime
from utils.numpy_layers.batch_norm import BatchNormalization
from utils.numpy_layers.group_norm import GroupNormalization
from utils.numpy_layers.layer_norm import LayerNormalization

GOAL = 1.5  # times Keras, for batch normalization; the others only inform


def rows():
    """Lines of the table of ratios (see `timing.Row`)."""
    runtime.setup()
    import keras

    maps, tokens = (32, 28, 28, 64), (32, 128, 256)
    layers = keras.layers
    return [
        *layer_rows("BatchNormalization", maps, BatchNormalization(64), layers.BatchNormalization(), GOAL),
        *layer_rows("GroupNormalization(32)", maps, GroupNormalization(64), layers.GroupNormalization()),
        *layer_rows("LayerNormalization", tokens, LayerNormalization(256), layers.LayerNormalization()),
    ]


def layer_rows(name, shape, ours, theirs, goal=None):
    """Forward pass and training step of one layer on a random input of this shape."""
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal(shape).astype("float32") for _ in range(2))
    forward, step = keras_calls(theirs, x, dy)
    times = measure(
        {
            "ours, forward": lambda: ours.forward(x, training=True),
            "Keras, forward": forward,
            "ours, step": lambda: (ours.forward(x, training=True), ours.backward(dy)),
            "Keras, step": step,
        }
    )
    text = f"{name}, {'×'.join(map(str, shape))}"
    return [row(f"{text}, {part}", times, f"ours, {part}", f"Keras, {part}", goal) for part in ("forward", "step")]


def keras_calls(layer, x, dy):
    """Two functions that run the Keras layer in graph mode and fetch the results: forward pass, and training step."""
    import tensorflow as tf

    layer.build(x.shape)
    x, dy = tf.constant(x), tf.constant(dy)
    weights = [weight.value for weight in layer.trainable_weights]

    @tf.function
    def forward(x):
        return layer(x, training=True)

    @tf.function
    def step(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return [y, *tape.gradient(y, [x, *weights], output_gradients=dy)]

    return lambda: forward(x).numpy(), lambda: [result.numpy() for result in step(x, dy)]


if __name__ == "__main__":
    print(table(rows()))

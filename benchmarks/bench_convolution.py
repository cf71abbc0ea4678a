"""NumPy convolution (im2col, chunk by chunk) against Keras on the CPU, its own matrix products, and the naive loop.

float32 throughout; Keras in graph mode with the settings of the chapters (`runtime.setup`: oneDNN off). A training step
is the forward pass and all gradients. The matrix products alone bound every im2col implementation from below: for a
step they are X K, Xᵀ dY and dY Kᵀ on ready-made columns, without writing or scattering a single one.
"""

import numpy as np

from benchmarks.timing import measure, row, table
from utils import runtime
from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.conv2d_transpose import Conv2DTranspose
from utils.numpy_layers.depthwise_conv2d import DepthwiseConv2D
from utils.numpy_layers.im2col import im2col
from utils.numpy_layers.naive_conv2d import naive_conv2d

GOAL = 3.0  # times Keras

# batch, height and width, input channels, filters, kernel, stride
LAYERS = [
    (32, 32, 64, 64, 3, 1),
    (32, 16, 128, 128, 3, 1),
    (32, 32, 3, 64, 3, 1),
    (32, 32, 64, 128, 3, 2),
    (32, 32, 64, 128, 1, 1),
]


def rows():
    """Lines of the table of ratios (see `timing.Row`)."""
    runtime.setup()
    lines = []
    for settings in LAYERS:
        lines += conv2d_rows(*settings)
    lines += other_layer_rows()
    lines += naive_rows()
    return lines


def conv2d_rows(batch, size, channels, filters, kernel, stride):
    """Conv2D, padding "same": forward pass and training step against Keras and against the matrix products alone."""
    import keras

    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, size, size, channels)).astype("float32")
    ours = Conv2D(filters, kernel, channels, stride, "same")
    theirs = keras.layers.Conv2D(filters, kernel, stride, "same")
    dy = rng.standard_normal(ours.forward(x).shape).astype("float32")
    cols = im2col(x, kernel, stride, "same")
    matrix, rows_of_dy = ours.params["kernel"].reshape(-1, filters), dy.reshape(-1, filters)
    forward, step = keras_calls(theirs, x, dy)
    times = measure(
        {
            "ours, forward": lambda: ours.forward(x),
            "Keras, forward": forward,
            "products, forward": lambda: cols @ matrix,
            "ours, step": lambda: (ours.forward(x), ours.backward(dy)),
            "Keras, step": step,
            "products, step": lambda: (cols @ matrix, cols.T @ rows_of_dy, rows_of_dy @ matrix.T),
        }
    )
    name = f"Conv2D {kernel}×{kernel}/{stride}, {batch}×{size}×{size}×{channels} → {filters}"
    lines = []
    for part in ("forward", "step"):
        lines.append(row(f"{name}, {part}", times, f"ours, {part}", f"Keras, {part}", GOAL))
        lines.append(row(f"{name}, {part}", times, f"ours, {part}", f"products, {part}"))
    return lines


def other_layer_rows():
    """Training steps of the depthwise and the transposed layer against Keras."""
    import keras

    rng = np.random.default_rng(0)
    x = rng.standard_normal((32, 16, 16, 128)).astype("float32")
    pairs = {
        "DepthwiseConv2D 3×3/1, 32×16×16×128": (
            DepthwiseConv2D(3, 128, padding="same"),
            keras.layers.DepthwiseConv2D(3, padding="same"),
        ),
        "Conv2DTranspose 3×3/2, 32×16×16×128 → 64": (
            Conv2DTranspose(64, 3, 128, 2, "same"),
            keras.layers.Conv2DTranspose(64, 3, 2, "same"),
        ),
    }
    lines = []
    for name, (ours, theirs) in pairs.items():
        dy = rng.standard_normal(ours.forward(x).shape).astype("float32")
        _, step = keras_calls(theirs, x, dy)
        times = measure({"ours": lambda ours=ours, dy=dy: (ours.forward(x), ours.backward(dy)), "Keras, step": step})
        lines.append(row(f"{name}, step", times, "ours", "Keras, step", GOAL))
    return lines


def naive_rows():
    """The definition, one multiplication at a time, on an image small enough to wait for."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 16, 16, 8)).astype("float32")
    layer = Conv2D(16, 3, 8, padding="same", use_bias=False)
    kernel = layer.params["kernel"]
    calls = {"ours": lambda: layer.forward(x), "naive loop": lambda: naive_conv2d(x, kernel, padding="same")}
    times = measure(calls, rounds=3)
    return [row("Conv2D 3×3/1, 1×16×16×8 → 16, forward", times, "ours", "naive loop", 0.01)]


def keras_calls(layer, x, dy):
    """Two functions that run the Keras layer in graph mode and fetch the results: forward pass, and training step."""
    import tensorflow as tf

    layer.build(x.shape)
    x, dy = tf.constant(x), tf.constant(dy)
    weights = [weight.value for weight in layer.trainable_weights]

    @tf.function
    def forward(x):
        return layer(x)

    @tf.function
    def step(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return [y, *tape.gradient(y, [x, *weights], output_gradients=dy)]

    return lambda: forward(x).numpy(), lambda: [result.numpy() for result in step(x, dy)]


if __name__ == "__main__":
    print(table(rows()))

"""NumPy SimpleRNN (forward pass and BPTT) against Keras' SimpleRNN on the CPU, and against its own matrix products.

float32; Keras in graph mode (`tf.function`, no XLA) with the settings of the chapters (`runtime.setup`: oneDNN off). A
training step is the forward pass and the gradients of x, kernel, recurrent_kernel and bias. The matrix products alone
bound every implementation with the same arithmetic from below: 3 of (N, H) by (H, H) for each step, and the input's.
"""

import numpy as np

from benchmarks.timing import measure, row
from utils import runtime
from utils.numpy_layers.rnn import SimpleRNN

GOAL = 1.0  # times Keras: no slower
SIZES = [(128, 29, 16, 256), (32, 28, 28, 64)]  # batch N, steps T, features D, units H


def rows():
    """Lines of the table of ratios (see `timing.Row`)."""
    runtime.setup()
    return [line for size in SIZES for line in rnn_rows(*size)]


def rnn_rows(N, T, D, H):
    """Forward pass and training step, each against Keras; the step also against its matrix products."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((N, T, D)).astype("float32")
    dy = rng.standard_normal((N, T, H)).astype("float32")
    ours = SimpleRNN(H, D, return_sequences=True)
    forward, step = keras_calls(ours, x, dy)
    times = measure(
        {
            "ours, forward": lambda: ours.forward(x),
            "Keras, forward": forward,
            "ours, step": lambda: (ours.forward(x), ours.backward(dy)),
            "Keras, step": step,
            "its matrix products": products(ours, x, dy),
        }
    )
    size = f"N={N} T={T} D={D} H={H}"
    goal = GOAL if (N, T, D, H) == SIZES[0] else None
    return [
        row(f"RNN forward {size}", times, "ours, forward", "Keras, forward"),
        row(f"RNN forward + BPTT {size}", times, "ours, step", "Keras, step", goal),
        row(f"RNN forward + BPTT {size}", times, "ours, step", "its matrix products"),
    ]


def keras_calls(ours, x, dy):
    """Functions that run Keras' layer with the same weights: its forward pass, and its training step."""
    import keras
    import tensorflow as tf

    layer = keras.layers.SimpleRNN(ours.units, return_sequences=True)
    layer.build(x.shape)
    layer.set_weights(list(ours.params.values()))
    x, dy = tf.constant(x), tf.constant(dy)
    weights = [weight.value for weight in layer.trainable_weights]

    @tf.function(jit_compile=False)
    def forward(x):
        return layer(x)

    @tf.function(jit_compile=False)
    def step(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(dy * layer(x))
        return tape.gradient(loss, [x, *weights])

    return lambda: forward(x).numpy(), lambda: [gradient.numpy() for gradient in step(x, dy)]


def products(ours, x, dy):
    """Function that does the matrix products of a training step and nothing else, on arrays that lie ready."""
    N, T, D = x.shape
    H = ours.units
    kernel, recurrent_kernel = ours.params["kernel"], ours.params["recurrent_kernel"]
    xs, states = np.ascontiguousarray(x.transpose(1, 0, 2)), np.ascontiguousarray(dy.transpose(1, 0, 2))
    all_x, all_states = xs.reshape(T * N, D), states.reshape(T * N, H)
    out = np.empty((N, H), "float32")

    def run():
        all_x @ kernel
        for t in range(T):
            np.matmul(states[t], recurrent_kernel, out=out)  # forward
            np.matmul(states[t], recurrent_kernel.T, out=out)  # backward
        all_states.T @ all_states  # recurrent_kernel's gradient
        all_x.T @ all_states  # kernel's
        all_states @ kernel.T  # x's

    return run

"""NumPy LSTM and GRU (forward pass and BPTT) against Keras' layers on the CPU, and against their own matrix products.

float32; Keras in graph mode (`tf.function`, no XLA) with the settings of the chapters (`runtime.setup`: oneDNN off). A
training step is the forward pass and the gradients of x, kernel, recurrent_kernel and bias. The matrix products alone
bound every implementation with the same arithmetic from below: at each step the state's with the recurrent weights,
there and back, and over all steps those of the input and of the weights' gradients.
"""

import numpy as np

from benchmarks.timing import measure, row
from utils import runtime
from utils.numpy_layers.gru import GRU
from utils.numpy_layers.lstm import LSTM
from utils.numpy_layers.rnn import SimpleRNN

KERAS_GOAL, PRODUCTS_GOAL = 0.9, 1.4  # times Keras, times the matrix products alone
N, T, D, H = 128, 29, 16, 256  # batch, steps, features, units


def rows():
    """Lines of the table of ratios (see `timing.Row`)."""
    runtime.setup()
    rng = np.random.default_rng(0)
    x = rng.standard_normal((N, T, D)).astype("float32")
    dy = rng.standard_normal((N, T, H)).astype("float32")
    layers = {
        "LSTM": LSTM(H, D, return_sequences=True),
        "GRU": GRU(H, D, return_sequences=True),
        "GRU, reset before": GRU(H, D, reset_after=False, return_sequences=True),
        "RNN": SimpleRNN(H, D, return_sequences=True),
    }
    return [line for name, layer in layers.items() for line in step_rows(name, layer, x, dy)]


def step_rows(name, ours, x, dy):
    """A training step against Keras, and against its matrix products."""
    times = measure(
        {
            "ours": lambda: (ours.forward(x), ours.backward(dy)),
            "Keras": keras_step(ours, x, dy),
            "its matrix products": products(ours, x, dy),
        }
    )
    work = f"{name} forward + BPTT N={N} T={T} D={D} H={H}"
    return [
        row(work, times, "ours", "Keras", KERAS_GOAL),
        row(work, times, "ours", "its matrix products", PRODUCTS_GOAL),
    ]


def keras_step(ours, x, dy):
    """Function that runs a training step of Keras' layer with the same weights."""
    import keras
    import tensorflow as tf

    options = {"reset_after": ours.reset_after} if isinstance(ours, GRU) else {}
    layer = getattr(keras.layers, type(ours).__name__)(ours.units, return_sequences=True, **options)
    layer.build(x.shape)
    layer.set_weights(list(ours.params.values()))
    x, dy = tf.constant(x), tf.constant(dy)
    weights = [weight.value for weight in layer.trainable_weights]

    @tf.function(jit_compile=False)
    def step(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            loss = tf.reduce_sum(dy * y)
        return [y, *tape.gradient(loss, [x, *weights])]

    return lambda: [result.numpy() for result in step(x, dy)]


def products(ours, x, dy):
    """Function that does the matrix products of a training step and nothing else, on arrays that lie ready."""
    kernel, recurrent_kernel = ours.params["kernel"], ours.params["recurrent_kernel"]
    wide = kernel.shape[1]  # H times the number of gates
    xs = np.ascontiguousarray(x.transpose(1, 0, 2)).reshape(T * N, D)
    states = np.ascontiguousarray(dy.transpose(1, 0, 2))
    all_states = states.reshape(T * N, H)
    gates = np.tile(states, wide // H)
    all_gates = gates.reshape(T * N, wide)
    projected, forth, back = np.empty_like(all_gates), np.empty((N, wide), "float32"), np.empty((N, H), "float32")

    def run():
        np.matmul(xs, kernel, out=projected)
        for t in range(T):
            np.matmul(states[t], recurrent_kernel, out=forth)
            np.matmul(gates[t], recurrent_kernel.T, out=back)
        all_states.T @ all_gates  # recurrent_kernel's gradient
        xs.T @ all_gates  # kernel's
        all_gates @ kernel.T  # x's

    return run

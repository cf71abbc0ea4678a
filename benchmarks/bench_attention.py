"""NumPy multi-head attention against Keras' layer on the CPU; the Transformer's cached decoding against full decoding.

float32; Keras in graph mode (`tf.function`, no XLA) with the settings of the chapters (`runtime.setup`: oneDNN off). A
training step is the forward pass and the gradients of the input and of all weights. The matrix products alone bound
every implementation with the same arithmetic from below. Decoding writes a given number of tokens: with the cache each
step computes one position; full decoding runs the decoder over all tokens so far, again and again.
"""

import numpy as np

from benchmarks.timing import measure, row
from utils import runtime
from utils.numpy_layers.multi_head_attention import MultiHeadAttention

GOAL = 1.5  # times Keras
SIZES = [(32, 64, 256, 8), (16, 128, 512, 8)]  # batch N, positions T, d_model D, heads h
TOKENS = 48
DECODING = {"d_model": 128, "num_heads": 8, "d_ff": 512, "blocks": 2}


def rows():
    """Lines of the table of ratios (see `timing.Row`)."""
    runtime.setup()
    return [line for size in SIZES for line in attention_rows(*size)] + [decoding_row()]


def attention_rows(N, T, D, h):
    """Forward pass and training step of causal self-attention, each against Keras; the step also against products."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, N, T, D)).astype("float32")
    ours = MultiHeadAttention(h, D // h, D)
    forward, step = keras_calls(ours, x, dy)
    times = measure(
        {
            "ours, forward": lambda: ours.forward(x, use_causal_mask=True),
            "Keras, forward": forward,
            "ours, step": lambda: (ours.forward(x, use_causal_mask=True), ours.backward(dy)),
            "Keras, step": step,
            "its matrix products": products(ours, x),
        }
    )
    size = f"N={N} T={T} D={D} h={h}"
    return [
        row(f"attention forward {size}", times, "ours, forward", "Keras, forward"),
        row(f"attention forward + backward {size}", times, "ours, step", "Keras, step", GOAL),
        row(f"attention forward + backward {size}", times, "ours, step", "its matrix products"),
    ]


def keras_calls(ours, x, dy):
    """Functions that run Keras' layer with the same weights: its forward pass, and its training step."""
    import keras
    import tensorflow as tf

    layer = keras.layers.MultiHeadAttention(ours.num_heads, ours.key_dim)
    layer.build(x.shape, x.shape)
    layer.set_weights(list(ours.params.values()))
    x, dy = tf.constant(x), tf.constant(dy)
    weights = [weight.value for weight in layer.trainable_weights]

    @tf.function(jit_compile=False)
    def forward(x):
        return layer(x, x, use_causal_mask=True)

    @tf.function(jit_compile=False)
    def step(x, dy):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(dy * layer(x, x, use_causal_mask=True))
        return tape.gradient(loss, [x, *weights])

    return lambda: forward(x).numpy(), lambda: [gradient.numpy() for gradient in step(x, dy)]


def products(ours, x):
    """Function that does the matrix products of a training step and nothing else, on arrays that lie ready."""
    N, T, D = x.shape
    h, size = ours.num_heads, ours.key_dim
    flat, square = x.reshape(N * T, D), ours.params["output_kernel"].reshape(D, D)
    heads = x.reshape(N, T, h, size).transpose(0, 2, 1, 3)
    scores = np.zeros((N, h, T, T), "float32")

    def run():
        for _ in range(4):  # query, key, value, output
            flat @ square  # forward
            flat @ square.T  # gradient of the input
            flat.T @ flat  # gradient of the kernel
        for _ in range(2):  # forward, and the same again on the way back
            np.matmul(heads, heads.swapaxes(-1, -2))
            np.matmul(scores, heads)
        for _ in range(2):  # dV and dK
            np.matmul(scores.swapaxes(-1, -2), heads)

    return run


def decoding_row(N=16):
    """Greedy decoding with the cache against running the whole decoder for each token; both eager, Keras."""
    import keras

    from utils.keras_models.transformer import Transformer

    keras.utils.set_random_seed(0)
    model = Transformer(100, 100, TOKENS, **DECODING)
    source = np.random.default_rng(0).integers(4, 100, (N, 16))

    def cached():
        state, ids = model.start(source), np.ones(N, "int32")
        for _ in range(TOKENS):
            log_probs, state = model.step(ids, state)
            ids = np.argmax(log_probs, axis=1)

    def full():
        written = np.ones((N, 1), "int32")
        for _ in range(TOKENS):
            logits = model([source, written])
            written = np.concatenate([written, np.argmax(logits[:, -1:], axis=2)], axis=1)

    times = measure({"cached": cached, "full decoding": full}, rounds=5)
    d = DECODING["d_model"]
    return row(f"cached decoding, {TOKENS} tokens N={N} D={d}", times, "cached", "full decoding", 1.0)

"""LSTM against Keras with the same weights, with peepholes against TensorFlow's kernel: outputs and gradients."""

import numpy as np
import pytest

from tests.numpy_layers.gated_cases import MASK, assert_close, keras_pair, random, with_bias
from utils.numpy_layers.lstm import LSTM


def pair(**options):
    import keras

    ours = with_bias(LSTM(4, 3, **options))
    theirs = keras.layers.LSTM(4, dtype="float32", **options)
    theirs.build((5, 5, 3))
    theirs.set_weights(list(ours.params.values()))
    return ours, theirs


X = random(5, 5, 3, dtype="float32")
STATES = [random(5, 4, seed=k, dtype="float32") for k in (2, 3)]


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all steps", "masked"])
@pytest.mark.parametrize("states", [[], STATES], ids=["from zero", "from a state"])
def test_outputs_and_gradients(return_sequences, mask, states):
    assert_close(*keras_pair(*pair(return_sequences=return_sequences), X, states, mask))


@pytest.mark.parametrize("mask", [None, MASK], ids=["all steps", "masked"])
def test_return_state(mask):
    ours, theirs = pair(return_sequences=True, return_state=True)
    results = theirs(X, initial_state=STATES, mask=mask)
    mine = ours.forward(X, tuple(STATES), mask)
    assert_close(dict(enumerate(mine)), dict(enumerate(np.asarray(result) for result in results)))


def test_a_long_sequence():
    """Rounding adds up over the steps; it must not grow."""
    ours, theirs = pair(return_sequences=True)
    assert_close(*keras_pair(ours, theirs, random(2, 200, 3, dtype="float32")))


def test_parameter_count():
    import keras

    theirs = keras.layers.LSTM(16)
    theirs.build((None, None, 28))
    ours = LSTM(16, 28)
    assert sum(p.size for p in ours.params.values()) == theirs.count_params() == 4 * (16 * (16 + 28) + 16)
    assert [w.shape for w in theirs.weights] == [p.shape for p in ours.params.values()]
    assert np.array_equal(ours.params["bias"], theirs.weights[2])  # the forget gate's part is 1 in both


def test_peepholes_against_the_kernel_of_tensorflow():
    """Keras 3 has no peepholes; TensorFlow's `BlockLSTM` does. Its gates stand in the order i, g, f, o."""
    import tensorflow as tf

    ours = with_bias(LSTM(4, 3, peephole=True, return_sequences=True))
    dy = random(5, 5, 4, seed=9, dtype="float32")
    h0, c0 = STATES
    y = ours.forward(X, (h0, c0))
    mine = {"y": y, "x": ours.backward(dy), **ours.grads, "h0": ours.d_initial_state[0], "c0": ours.d_initial_state[1]}

    def reordered(weight):
        i, f, g, o = np.split(weight, 4, axis=-1)
        return np.concatenate([i, g, f, o], axis=-1)

    p = ours.params
    inputs = {"x": X.transpose(1, 0, 2), "h_prev": h0, "cs_prev": c0, "b": reordered(p["bias"])}
    inputs["w"] = reordered(np.concatenate([p["kernel"], p["recurrent_kernel"]]))
    inputs |= dict(zip(("wci", "wcf", "wco"), p["peephole"], strict=True))
    inputs = {name: tf.constant(array) for name, array in inputs.items()}
    options = {"seq_len_max": tf.constant(5, tf.int64), "forget_bias": 0.0, "cell_clip": -1.0, "use_peephole": True}
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        h = tf.raw_ops.BlockLSTM(**inputs, **options).h
        loss = tf.reduce_sum(h * dy.transpose(1, 0, 2))
    d = {name: gradient.numpy() for name, gradient in tape.gradient(loss, inputs).items()}
    theirs = {
        "y": h.numpy().transpose(1, 0, 2),
        "x": d["x"].transpose(1, 0, 2),
        "kernel": reordered(d["w"][:3]),
        "recurrent_kernel": reordered(d["w"][3:]),
        "bias": reordered(d["b"]),
        "peephole": np.stack([d["wci"], d["wcf"], d["wco"]]),
        "h0": d["h_prev"],
        "c0": d["cs_prev"],
    }
    assert_close(mine, {name: theirs[name] for name in mine})

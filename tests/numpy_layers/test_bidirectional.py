"""Bidirectional: both directions speak about the same step; gradients, masks, Keras with the same weights, errors."""

import numpy as np
import pytest

from tests.numpy_layers.gated_cases import MASK, assert_close, keras_pair, numerical_errors, random, with_bias
from utils.numpy_layers.bidirectional import Bidirectional
from utils.numpy_layers.gru import GRU
from utils.numpy_layers.lstm import LSTM
from utils.numpy_layers.rnn import SimpleRNN

KINDS = {"LSTM": LSTM, "GRU": GRU, "SimpleRNN": SimpleRNN}


def wrapper(kind="LSTM", merge_mode="concat", dtype="float64", units=3, **options):
    rng = np.random.default_rng(0)
    both = Bidirectional(
        *(KINDS[kind](units, 2, dtype=dtype, rng=rng, **options) for _ in range(2)), merge_mode=merge_mode
    )
    return with_bias(both)


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "mul", "ave"])
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize(("kind", "mask"), [("LSTM", MASK), ("GRU", None), ("SimpleRNN", None)])
def test_gradients_are_the_numerical_ones(kind, mask, merge_mode, return_sequences):
    both = wrapper(kind, merge_mode, return_sequences=return_sequences, return_state=True, units=2)
    states = [random(5, 2, seed=30 + k) for k in range(4 if kind == "LSTM" else 2)]
    errors = numerical_errors(both, random(5, 4 if mask is None else 5, 2), states, mask)
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("kind", KINDS)
def test_at_every_step_the_backward_half_has_read_the_rest_of_the_sequence(kind):
    """The forward half has read the steps up to t, the backward half those from t on."""
    both, x = wrapper(kind, return_sequences=True), random(2, 6, 2)
    before = both.forward(x)
    x[:, 3] += 1
    moved = np.abs(both.forward(x) - before).reshape(2, 6, 2, 3).max(axis=(0, 3)) > 0  # (step, half)
    assert moved[:, 0].tolist() == [False] * 3 + [True] * 3
    assert moved[:, 1].tolist() == [True] * 4 + [False] * 2


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_padding_is_skipped_from_both_ends(kind):
    """The backward layer meets the padding first: its mask must be turned round as the sequence is."""
    both, x = wrapper(kind, return_sequences=True), random(2, 3, 2)
    long = np.concatenate([x, 100 * random(2, 2, 2, seed=3)], axis=1)
    y = both.forward(long, mask=np.arange(5) < np.full((2, 1), 3))
    assert np.array_equal(y[:, :3], both.forward(x)) and not y[:, 3:].any()


def test_without_sequences_the_backward_half_is_its_last_state():
    both, x = wrapper("GRU"), random(2, 6, 2)
    y = both.forward(x)
    assert np.array_equal(y[:, 3:], both.backward_layer.forward(x[:, ::-1]))


def keras_layer(kind, merge_mode, ours, **options):
    import keras

    inner = getattr(keras.layers, kind)(3, dtype="float32", **options)
    theirs = keras.layers.Bidirectional(inner, merge_mode=merge_mode, dtype="float32")
    theirs.build((5, 5, 2))
    theirs.set_weights(list(ours.params.values()))
    return theirs


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize(
    ("kind", "merge_mode", "mask"),
    [
        ("LSTM", "concat", None),
        ("LSTM", "concat", MASK),
        ("LSTM", "sum", MASK),
        ("GRU", "ave", MASK),
        ("GRU", "mul", None),
        ("SimpleRNN", "concat", None),
    ],
)
def test_outputs_and_gradients_are_those_of_keras(kind, merge_mode, mask, return_sequences):
    ours = wrapper(kind, merge_mode, "float32", return_sequences=return_sequences)
    theirs = keras_layer(kind, merge_mode, ours, return_sequences=return_sequences)
    states = [random(5, 3, seed=30 + k, dtype="float32") for k in range(4 if kind == "LSTM" else 2)]
    assert_close(*keras_pair(ours, theirs, random(5, 5, 2, dtype="float32"), states, mask))


def test_states_come_in_the_order_of_keras():
    ours = wrapper("LSTM", dtype="float32", return_state=True)
    theirs = keras_layer("LSTM", "concat", ours, return_state=True)
    x = random(5, 5, 2, dtype="float32")
    mine = dict(enumerate(ours.forward(x)))
    assert len(mine) == 5
    assert_close(mine, dict(enumerate(np.asarray(part) for part in theirs(x))))


X = random(4, 5, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Bidirectional(LSTM(3, 2), LSTM(4, 2)), ValueError, r"must be alike; .* with units \[3, 4\]"),
        (lambda: Bidirectional(LSTM(3, 2), GRU(3, 2)), ValueError, r"must be alike; got \['LSTM', 'GRU'\]"),
        (lambda: Bidirectional(*[LSTM(3, 2)] * 2), ValueError, "one object: build two"),
        (lambda: wrapper(merge_mode="add"), ValueError, "merge_mode must be one of concat, sum, mul, ave, got 'add'"),
        (lambda: wrapper().forward(X[0]), ValueError, "x must have 3 axes"),
        (lambda: wrapper().forward(X, random(4, 3)), ValueError, "initial_state must hold 4 arrays, .* got ndarray"),
        (lambda: wrapper("GRU").forward(X, [random(4, 3)]), ValueError, "must hold 2 arrays, .* got 1"),
        (lambda: wrapper().forward(X, mask=MASK), ValueError, r"mask must have the shape \(N, T\) = \(4, 5\)"),
        (lambda: wrapper().forward(X, mask=np.ones((4, 5))), TypeError, "mask must be bool"),
        (lambda: wrapper("SimpleRNN").forward(X, mask=MASK[:4]), ValueError, "SimpleRNN takes no mask"),
        (lambda: wrapper().backward(random(4, 6)), RuntimeError, r"call forward\(x\) first"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_backward_refuses_what_is_no_gradient_of_the_output():
    both = wrapper()
    both.forward(X)
    with pytest.raises(ValueError, match=r"dy must have shape \(4, 6\)"):
        both.backward(random(4, 3))

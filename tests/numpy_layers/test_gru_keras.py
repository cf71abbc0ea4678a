"""GRU against Keras with the same weights: both conventions, outputs, states and every gradient."""

import numpy as np
import pytest

from tests.numpy_layers.gated_cases import MASK, assert_close, keras_pair, random, with_bias
from utils.numpy_layers.gru import GRU

X = random(5, 5, 3, dtype="float32")
STATE = random(5, 4, seed=2, dtype="float32")


def pair(**options):
    import keras

    ours = with_bias(GRU(4, 3, **options))
    theirs = keras.layers.GRU(4, dtype="float32", **options)
    theirs.build((5, 5, 3))
    theirs.set_weights(list(ours.params.values()))
    return ours, theirs


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all steps", "masked"])
def test_outputs_and_gradients(reset_after, return_sequences, mask):
    ours, theirs = pair(reset_after=reset_after, return_sequences=return_sequences)
    assert_close(*keras_pair(ours, theirs, X, [STATE], mask))


@pytest.mark.parametrize("mask", [None, MASK], ids=["all steps", "masked"])
def test_return_state(mask):
    ours, theirs = pair(return_sequences=True, return_state=True)
    results = theirs(X, initial_state=STATE, mask=mask)
    mine = ours.forward(X, STATE, mask)
    assert_close(dict(enumerate(mine)), dict(enumerate(np.asarray(result) for result in results)))


@pytest.mark.parametrize(("reset_after", "biases"), [(True, 2), (False, 1)])
def test_parameter_count(reset_after, biases):
    import keras

    theirs = keras.layers.GRU(16, reset_after=reset_after)
    theirs.build((None, None, 28))
    ours = GRU(16, 28, reset_after=reset_after)
    count = 3 * (16 * (16 + 28) + biases * 16)
    assert sum(p.size for p in ours.params.values()) == theirs.count_params() == count
    assert [tuple(w.shape) for w in theirs.weights] == [p.shape for p in ours.params.values()]


def test_reset_after_is_the_default_of_both():
    import keras

    assert GRU(2, 2).reset_after is keras.layers.GRU(2).reset_after is True

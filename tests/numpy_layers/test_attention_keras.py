"""Attention against `keras.layers.Attention` and `AdditiveAttention`: outputs, weights, every gradient, masks."""

import numpy as np
import pytest

from utils.gradient_check import keras_gradients, relative_error
from utils.numpy_layers.attention import AdditiveAttention, DotAttention

D = 5
SHAPES = {"query": (3, 4, D), "value": (3, 6, D), "key": (3, 6, D)}
LENGTHS = np.array([6, 2, 4])
QUERY_MASK = np.arange(4) < np.array([4, 3, 1])[:, None]
VALUE_MASK = np.arange(6) < LENGTHS[:, None]
MASKS = {
    "none": {},
    "padding": {"query_mask": QUERY_MASK, "value_mask": VALUE_MASK},
    "causal": {"causal": True},
    "causal and padding": {"query_mask": QUERY_MASK, "value_mask": VALUE_MASK, "causal": True},
}


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def pair(keras, kind):
    """Ours and Keras' layer with the same weights."""
    if kind == "dot":
        return DotAttention(), keras.layers.Attention()
    if kind == "dot, learned scale":
        ours, theirs = DotAttention(use_scale=True, scale=0.4), keras.layers.Attention(use_scale=True)
    else:
        learned = kind == "additive"
        ours, theirs = AdditiveAttention(D, use_scale=learned), keras.layers.AdditiveAttention(use_scale=learned)
    theirs.build([SHAPES["query"], SHAPES["value"]])
    theirs.set_weights(list(ours.params.values()))
    return ours, theirs


@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("kind", ["dot", "dot, learned scale", "additive", "additive, no scale"])
@pytest.mark.parametrize("own_key", [True, False])
def test_outputs_and_gradients(keras, kind, masks, own_key):
    ours, theirs = pair(keras, kind)
    rng = np.random.default_rng(0)
    names = ("query", "value", "key") if own_key else ("query", "value")
    arrays = [rng.standard_normal(SHAPES[name]).astype("float32") for name in names]
    chosen = MASKS[masks]
    keras_masks = [chosen.get("query_mask"), chosen.get("value_mask")] if "value_mask" in chosen else None

    class WithMasks(keras.layers.Layer):
        """The layer with its masks fixed, so that `keras_gradients` differentiates by its inputs alone."""

        def __init__(self):
            super().__init__()
            self.inner = theirs

        def call(self, inputs):
            return self.inner(list(inputs), mask=keras_masks, use_causal_mask=chosen.get("causal", False))

    y = ours.forward(*arrays, **chosen)
    dy = rng.standard_normal(y.shape).astype("float32")
    gradients = [g for g in ours.backward(dy) if g is not None]
    keras_y, keras_dx, keras_dw = keras_gradients(WithMasks(), arrays, dy)
    assert relative_error(y, keras_y) < 1e-5
    for name, mine, keras_gradient in zip(names, gradients, keras_dx, strict=True):
        assert relative_error(mine, keras_gradient) < 1e-5, name
    for (name, mine), keras_gradient in zip(ours.grads.items(), keras_dw, strict=True):
        assert relative_error(mine, keras_gradient) < 1e-5, name
    _, weights = theirs(
        arrays, mask=keras_masks, use_causal_mask=chosen.get("causal", False), return_attention_scores=True
    )
    assert relative_error(ours.weights, np.asarray(weights)) < 1e-5

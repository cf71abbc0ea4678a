"""Attention without a framework: numerical gradients, masks, what a softmax promises, shapes, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.gradient_check import numerical_gradient, relative_error
from utils.numpy_layers.attention import AdditiveAttention, DotAttention, masked_softmax

D = 3


def random(*shape, seed=1, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def layers(depth=D, dtype="float64"):
    """Every kind of layer; scales that are neither 1 nor all alike, so that a forgotten one shows."""
    learned = DotAttention(use_scale=True, scale=0.7, dtype=dtype)
    return {
        "dot": DotAttention(dtype=dtype),
        "dot, fixed scale": DotAttention(scale=0.6, dtype=dtype),
        "dot, learned scale": learned,
        "additive": AdditiveAttention(depth, dtype=dtype, rng=np.random.default_rng(3)),
        "additive, no scale": AdditiveAttention(depth, use_scale=False, dtype=dtype),
    }


NAMES = list(layers())
QUERY_MASK = np.array([[True, True], [False, True]])
VALUE_MASK = np.array([[True, False, True, True], [True, True, False, False]])
MASKS = {
    "none": {},
    "padding": {"query_mask": QUERY_MASK, "value_mask": VALUE_MASK},
    "causal": {"causal": True},
    "causal and padding": {"value_mask": VALUE_MASK, "causal": True},
}


@pytest.mark.parametrize("masks", MASKS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("own_key", [True, False])
def test_gradients_are_the_numerical_ones(name, masks, own_key):
    layer = layers()[name]
    arrays = {"query": random(2, 2, D), "value": random(2, 4, 2 if own_key else D, seed=2)}
    if own_key:
        arrays["key"] = random(2, 4, D, seed=3)
    dy = random(2, 2, arrays["value"].shape[2], seed=4)

    def loss():
        return float(np.sum(dy * layer.forward(**arrays, **MASKS[masks])))

    loss()
    found = dict(zip(("query", "value", "key"), layer.backward(dy), strict=True)) | dict(layer.grads)
    assert (found["key"] is None) == (not own_key)
    assert set(layer.grads) == set(layer.params)
    for label, array in {**arrays, **layer.params}.items():
        assert relative_error(found[label], numerical_gradient(loss, array)) < 1e-6, label


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_weights_are_a_distribution_over_the_places_left(name, causal):
    layer = layers()[name]
    layer.forward(random(2, 2, D), random(2, 4, D, seed=2), value_mask=VALUE_MASK, causal=causal)
    np.testing.assert_allclose(layer.weights.sum(axis=-1), 1, rtol=1e-12)
    later = np.arange(4) > np.arange(2)[:, None]
    hidden = ~VALUE_MASK[:, None] | (later & causal)
    assert np.all(layer.weights[hidden] == 0) and np.all(layer.weights[~hidden] > 0)


@pytest.mark.parametrize("name", NAMES)
def test_padding_changes_nothing_behind_a_mask(name):
    """A short sequence gives the same alone as in a batch with a longer one; what stands in the padding has no say."""
    layer, query, value = layers()[name], random(2, 2, D), random(2, 4, D, seed=2)
    whole = layer.forward(query, value, value_mask=VALUE_MASK)
    alone = layer.forward(query[1:], value[1:, :2])
    np.testing.assert_allclose(whole[1:], alone, rtol=1e-12)
    value[1, 2:] = 1e6
    assert np.array_equal(layer.forward(query, value, value_mask=VALUE_MASK), whole)
    dvalue = layer.backward(np.ones_like(whole))[1]
    assert np.all(dvalue[1, 2:] == 0) and np.all(dvalue[0, 1] == 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_causal_query_sees_its_own_place_and_nothing_later(name):
    layer, x = layers()[name], random(2, 5, D)
    before = layer.forward(x, x, causal=True)
    assert np.all(layer.weights[:, np.tri(5, dtype=bool)] > 0)  # its own place included
    later = x.copy()
    later[:, 3:] += 1
    after = layer.forward(later, later, causal=True)
    assert np.array_equal(before[:, :3], after[:, :3])
    assert np.all(before[:, 3:] != after[:, 3:])


def test_a_masked_query_answers_zero_and_sends_nothing_back():
    layer = layers()["dot"]
    y = layer.forward(random(2, 2, D), random(2, 4, D, seed=2), query_mask=QUERY_MASK)
    assert np.all(y[1, 0] == 0) and np.all(y[0] != 0)
    dquery, _, _ = layer.backward(np.ones_like(y))
    assert np.all(dquery[1, 0] == 0) and np.all(dquery[0] != 0)


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_places_does_not_matter(name):
    layer, query, value = layers()[name], random(2, 2, D), random(2, 4, D, seed=2)
    y = layer.forward(query, value)
    weights, order = layer.weights, [2, 0, 3, 1]
    np.testing.assert_allclose(layer.forward(query, value[:, order]), y, rtol=1e-12)
    np.testing.assert_allclose(layer.weights, weights[:, :, order], rtol=1e-12)


def test_a_strong_match_is_a_lookup_and_no_match_is_the_mean():
    keys, values = np.eye(4)[None], random(1, 4, 2)
    sharp = DotAttention(scale=50.0, dtype="float64").forward(np.eye(4)[None, 2:3], values, keys)
    np.testing.assert_allclose(sharp[0, 0], values[0, 2], rtol=1e-12)
    flat = DotAttention(dtype="float64").forward(np.zeros((1, 1, 4)), values, keys)
    np.testing.assert_allclose(flat[0, 0], values[0].mean(axis=0), rtol=1e-12)


def test_the_worked_example_of_the_chapter():
    dot = DotAttention(dtype="float64")
    keys = np.log(np.array([[[1.0, 1.0], [3.0, 1.0], [1.0, 3.0]]]))
    y = dot.forward(np.array([[[1.0, 0.0]]]), np.array([[[10.0], [20.0], [30.0]]]), keys)
    np.testing.assert_allclose(dot.weights[0, 0], [0.2, 0.6, 0.2], rtol=1e-12)
    np.testing.assert_allclose(y, 20.0, rtol=1e-12)


def test_large_scores_overflow_nowhere():
    weights = masked_softmax(np.array([[1e4, 1e4 - 1, -1e4]]))
    np.testing.assert_allclose(weights, [[1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 0]], rtol=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 3),
    tq=st.integers(1, 4),
    tv=st.integers(1, 5),
    d=st.integers(1, 4),
    dv=st.integers(1, 4),
    name=st.sampled_from(NAMES),
    causal=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_shapes_and_dtypes(n, tq, tv, d, dv, name, causal, dtype):
    layer = layers(d, dtype)[name]
    query, value, key = (random(*s, seed=i, dtype=dtype) for i, s in enumerate(((n, tq, d), (n, tv, dv), (n, tv, d))))
    y = layer.forward(query, value, key, value_mask=np.ones((n, tv), bool), causal=causal)
    gradients = layer.backward(np.ones_like(y))
    assert y.shape == (n, tq, dv) and layer.weights.shape == (n, tq, tv)
    assert [g.shape for g in gradients] == [query.shape, value.shape, key.shape]
    assert {k: np.shape(g) for k, g in layer.grads.items()} == {k: p.shape for k, p in layer.params.items()}
    assert {a.dtype for a in (y, layer.weights, *gradients, *layer.grads.values())} == {np.dtype(dtype)}


QUERY, VALUE = random(2, 2, D), random(2, 4, D)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: f(QUERY[0], VALUE), ValueError, r"query must have 3 axes \(N, Tq, .*\), got shape \(2, 3\)"),
        (lambda f: f(QUERY, VALUE[:1]), ValueError, r"value must have shape \(2, Tv, 3\).*axis 0 is 1, not 2"),
        (lambda f: f(QUERY, VALUE[..., :2]), ValueError, "value must have shape .* axis 2 is 2, not 3"),
        (lambda f: f(QUERY, VALUE, VALUE[:, :3]), ValueError, "key must have shape .* axis 1 is 3, not 4"),
        (lambda f: f(QUERY, VALUE, VALUE[..., :2]), ValueError, "key must have shape .* axis 2 is 2, not 3"),
        (lambda f: f(QUERY[:, :0], VALUE), ValueError, "query is empty: axis 1"),
        (lambda f: f(QUERY[..., :0], VALUE[..., :0]), ValueError, "query"),
        (lambda f: f(QUERY.tolist(), VALUE), TypeError, "query must be a NumPy array"),
        (lambda f: f(QUERY.astype("float32"), VALUE), TypeError, r"use query.astype\('float64'\)"),
        (lambda f: f(QUERY, VALUE, value_mask=np.ones((2, 4))), TypeError, r"use value_mask.astype\('bool'\)"),
        (lambda f: f(QUERY, VALUE, value_mask=np.ones((2, 3), bool)), ValueError, "value_mask must have shape"),
        (lambda f: f(QUERY, VALUE, query_mask=np.ones((2, 4), bool)), ValueError, "query_mask must have shape"),
        (lambda f: f(QUERY, VALUE, value_mask=np.zeros((2, 4), bool)), ValueError, "no place left to look at"),
    ],
)
@pytest.mark.parametrize("name", ["dot", "additive"])
def test_errors_say_what_is_wrong(name, call, error, message):
    with pytest.raises(error, match=message):
        call(layers()[name].forward)


def test_backward_needs_a_forward_pass_and_a_gradient_of_its_shape():
    layer = layers()["dot"]
    with pytest.raises(RuntimeError, match=r"call forward\(query, value\) first"):
        layer.backward(QUERY)
    layer.forward(QUERY, VALUE)
    with pytest.raises(ValueError, match="dy must have shape"):
        layer.backward(VALUE)
    with pytest.raises(ValueError, match="units must be at least 1"):
        AdditiveAttention(0)

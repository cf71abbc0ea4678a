"""Multi-head attention without a framework: numerical gradients, the formula's invariants, masks, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.gradient_check import check_layer, numerical_gradient, relative_error
from utils.numpy_layers import masks, scaled_dot_product
from utils.numpy_layers.multi_head_attention import MultiHeadAttention


def layer(num_heads=2, key_dim=3, query_dim=4, dtype="float64", **options):
    """A layer whose biases are not zero, so that a forgotten bias shows."""
    rng = np.random.default_rng(0)
    mha = MultiHeadAttention(num_heads, key_dim, query_dim, dtype=dtype, rng=rng, **options)
    for name, value in mha.params.items():
        if name.endswith("bias"):
            value[...] = rng.uniform(-0.5, 0.5, value.shape)
    return mha


def random(*shape, seed=1, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def test_one_query_by_hand():
    """q·k = 2·ln 3 and 0, d_k = 4: scores ln 3 and 0, weights 3/4 and 1/4."""
    q = np.array([[2 * np.log(3), 0, 0, 0]])
    k = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0]])
    v = np.array([[4.0, 0], [0, 8]])
    context, weights = scaled_dot_product.forward(q, k, v)
    np.testing.assert_allclose(weights, [[0.75, 0.25]], rtol=1e-14)
    np.testing.assert_allclose(context, [[3, 2]], rtol=1e-14)


@pytest.mark.parametrize("causal", [False, True])
def test_gradients_of_self_attention_are_the_numerical_ones(causal):
    mha, x = layer(value_dim=5), random(3, 5, 4)
    if causal:
        plain = mha.forward
        mha.forward = lambda x: plain(x, use_causal_mask=True)
    errors = check_layer(mha, x)
    assert len(errors) == 9
    # The softmax does not see what all scores of a row have in common, and that is all a bias of the keys adds.
    assert np.abs(mha.grads["key_bias"]).max() < 1e-12
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("given_arrays", [1, 2, 3])
def test_gradients_of_all_that_is_given_are_the_numerical_ones(given_arrays):
    """Query, value and key: an array that is used twice gets the sum of both gradients."""
    mha = layer(source_dim=None if given_arrays == 1 else 6)
    arrays = [random(2, 3, 4), random(2, 5, 6, seed=2), random(2, 5, 6, seed=3)][:given_arrays]
    keys = 3 if given_arrays == 1 else 5
    mask = random(2, 3, keys, seed=4) > -0.5
    mask[..., 0] = True
    dy = random(2, 3, 4, seed=5)

    def loss():
        return float(np.sum(dy * mha.forward(*arrays, attention_mask=mask)))

    loss()
    found = mha.backward(dy)
    analytic = dict(enumerate(found if given_arrays > 1 else [found])) | mha.grads
    for name, array in {**dict(enumerate(arrays)), **mha.params}.items():
        assert relative_error(analytic[name], numerical_gradient(loss, array)) < 1e-6, name


def test_query_that_is_also_the_value_but_not_the_key():
    mha, x, key, dy = layer(), random(2, 3, 4), random(2, 3, 4, seed=2), random(2, 3, 4, seed=3)

    def loss():
        return float(np.sum(dy * mha.forward(x, None, key)))

    loss()
    d_x, d_key = mha.backward(dy)
    assert relative_error(d_x, numerical_gradient(loss, x)) < 1e-6
    assert relative_error(d_key, numerical_gradient(loss, key)) < 1e-6


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(1, 3),
    t=st.integers(1, 5),
    s=st.integers(1, 5),
    heads=st.integers(1, 4),
    size=st.integers(1, 4),
    seed=st.integers(0, 99),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_shapes_rows_that_sum_to_one_and_zeros_where_masked(n, t, s, heads, size, seed, dtype):
    mha = layer(heads, size, 6, value_dim=2, source_dim=3, dtype=dtype)
    query, value = random(n, t, 6, dtype=dtype), random(n, s, 3, seed=2, dtype=dtype)
    mask = random(n, t, s, seed=seed) > 0
    mask[..., seed % s] = True
    y = mha.forward(query, value, attention_mask=mask)
    assert y.shape == (n, t, 6)
    assert mha.weights.shape == (n, heads, t, s)
    np.testing.assert_allclose(mha.weights.sum(axis=-1), 1, rtol=1e-6 if dtype == "float32" else 1e-14)
    assert (mha.weights[np.broadcast_to(~mask[:, None], mha.weights.shape)] == 0).all()
    assert (mha.weights >= 0).all()
    d_query, d_value = mha.backward(np.ones_like(y))
    assert (d_query.shape, d_value.shape) == (query.shape, value.shape)
    assert {name: g.shape for name, g in mha.grads.items()} == {name: p.shape for name, p in mha.params.items()}
    assert {a.dtype for a in (y, d_query, d_value, mha.weights, *mha.grads.values())} == {np.dtype(dtype)}


def test_the_causal_mask_hides_the_future_and_nothing_else():
    """Change one position at a time: with T = 6 exactly the pairs (t, s ≤ t) react. This fixes the diagonal, too."""
    mha, x = layer(), random(1, 6, 4)
    before = mha.forward(x, use_causal_mask=True)
    reacts = np.zeros((6, 6), bool)
    for s in range(6):
        changed = x.copy()
        changed[:, s] += 1
        reacts[:, s] = np.any(mha.forward(changed, use_causal_mask=True) != before, axis=(0, 2))
    assert np.array_equal(reacts, masks.causal(6))
    assert np.array_equal(reacts, np.tri(6, dtype=bool))


def test_no_gradient_reaches_the_future():
    mha, x = layer(), random(1, 6, 4)
    mha.forward(x, use_causal_mask=True)
    dy = np.zeros((1, 6, 4))
    dy[:, 2] = 1
    dx = mha.backward(dy)
    assert (dx[:, 3:] == 0).all() and (dx[:, :3] != 0).any(axis=2).all()


def test_without_the_causal_mask_the_order_does_not_matter():
    """Attention reads a set: permuted tokens give permuted outputs. Hence the positional encoding."""
    mha, x = layer(), random(2, 5, 4)
    order = np.array([3, 0, 4, 1, 2])
    np.testing.assert_allclose(mha.forward(x[:, order]), mha.forward(x)[:, order], rtol=1e-10)


def test_padding_changes_nothing():
    mha, x = layer(), random(2, 5, 4)
    alone = mha.forward(x[:, :3])
    real = np.array([[True, True, True, False, False]] * 2)
    np.testing.assert_allclose(mha.forward(x, attention_mask=masks.padding(real))[:, :3], alone, rtol=1e-12)


def test_the_scale_keeps_the_scores_at_variance_one():
    """Logits of independent standard normal queries and keys have variance 1, whatever d_k is (§3.2.1, footnote 4)."""
    rng = np.random.default_rng(0)
    for size in (4, 64, 256):
        q, k = rng.standard_normal((2, 400, size))
        _, weights = scaled_dot_product.forward(q, k, k)
        logits = np.log(weights)
        spread = np.mean(np.var(logits, axis=-1))
        assert 0.8 < spread < 1.25, (size, spread)


def test_large_scores_overflow_nowhere():
    mha = layer(dtype="float32")
    y = mha.forward(1e4 * random(2, 5, 4, dtype="float32"))
    assert np.isfinite(y).all() and np.isfinite(mha.backward(np.ones_like(y))).all()


def test_what_was_returned_belongs_to_the_reader():
    mha, x = layer(), random(2, 3, 4)
    y = mha.forward(x)
    dx = mha.backward(np.ones_like(y))
    y[:] = 0
    assert np.array_equal(mha.backward(np.ones_like(y)), dx)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layer(num_heads=0), ValueError, "num_heads must be at least 1, got 0"),
        (lambda: layer(key_dim=1.5), TypeError, "key_dim must be a whole number"),
        (lambda: layer(dtype="float16"), ValueError, "'float32' or 'float64'"),
        (lambda: layer().forward(random(2, 4)), ValueError, r"query must have 3 axes \(N, T, 4\)"),
        (lambda: layer().forward(random(2, 0, 4)), ValueError, "query is empty: axis 1"),
        (lambda: layer().forward(random(2, 3, 5)), ValueError, "axis 2 is 5, not 4"),
        (lambda: layer().forward(random(2, 3, 4, dtype="float32")), TypeError, r"use query.astype\('float64'\)"),
        (
            lambda: layer().forward(random(2, 3, 4), random(3, 5, 4)),
            ValueError,
            "value must have .* axis 0 is 3, not 2",
        ),
        (
            lambda: layer().forward(random(2, 3, 4), random(2, 5, 4), random(2, 6, 4)),
            ValueError,
            "key must have .* axis 1 is 6, not 5",
        ),
        (
            lambda: layer().forward(random(2, 3, 4), attention_mask=np.ones((2, 3), bool)),
            ValueError,
            r"such as \(N, 1, S\) or \(T, S\); got \(2, 3\). A padding mask \(N, S\) goes through masks.padding",
        ),
        (
            lambda: layer().forward(random(2, 3, 4), attention_mask=np.ones((2, 3, 3))),
            TypeError,
            "must be a bool array, got float64",
        ),
        (
            lambda: layer().forward(random(2, 3, 4), attention_mask=np.tri(3, k=-1, dtype=bool)),
            ValueError,
            "query 0 of sequence 0 may look at no key",
        ),
        (lambda: layer().backward(random(2, 3, 4)), RuntimeError, r"call forward\(x\) first"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_backward_refuses_what_is_no_gradient_of_the_output():
    mha = layer()
    mha.forward(random(2, 3, 4))
    with pytest.raises(ValueError, match="dy must have"):
        mha.backward(random(2, 4, 4))

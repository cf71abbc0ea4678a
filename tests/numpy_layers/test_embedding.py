"""Embedding, MaskedMean and NegativeSampling: numerical gradients, one-hot products, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.gradient_check import check_layer, numerical_gradient, relative_error
from utils.numpy_layers.embedding import Embedding, sum_rows
from utils.numpy_layers.masked_mean import MaskedMean
from utils.numpy_layers.negative_sampling import NegativeSampling


def loss_layer(V, D, seed=0):
    layer = NegativeSampling(V, D, dtype="float64")
    layer.params["embeddings"] = np.random.default_rng(seed).standard_normal((V, D))
    return layer


@settings(max_examples=20, deadline=None)
@given(N=st.integers(1, 6), V=st.integers(2, 7), D=st.integers(1, 5), k=st.integers(1, 6), seed=st.integers(0, 99))
def test_negative_sampling_gradients(N, V, D, k, seed):
    """V is small, so that words repeat within a batch, as target and as noise."""
    rng = np.random.default_rng(seed)
    layer, h = loss_layer(V, D, seed), rng.standard_normal((N, D))
    targets, negatives = rng.integers(0, V, N), rng.integers(0, V, (N, k))

    def loss():
        return layer.forward(h, targets, negatives)

    loss()
    dh = layer.backward()
    assert relative_error(dh, numerical_gradient(loss, h)) < 1e-6
    found = layer.grads["embeddings"]
    assert relative_error(found, numerical_gradient(loss, layer.params["embeddings"])) < 1e-6
    numbers, rows = layer.sparse_grads
    assert np.array_equal(numbers, np.unique([*targets, *negatives.ravel()]))
    assert np.array_equal(found[numbers], rows) and np.count_nonzero(found.any(axis=1)) <= len(numbers)


def test_negative_sampling_by_hand():
    """Scores ln 3, 0 and -ln 3 have the probabilities 3/4, 1/2 and 1/4."""
    layer = loss_layer(3, 2)
    layer.params["embeddings"] = np.array([[np.log(3), 0], [0, 0], [-np.log(3), 0]])
    loss = layer.forward(np.array([[1.0, 1.0]]), np.array([0]), np.array([[1, 2]]))
    assert loss == pytest.approx(np.log(32 / 9))
    np.testing.assert_allclose(layer.backward(), [[-np.log(3) / 2, 0]], atol=1e-15)
    np.testing.assert_allclose(layer.grads["embeddings"], [[-0.25, -0.25], [0.5, 0.5], [0.25, 0.25]])


def test_first_loss_and_extremes():
    layer = NegativeSampling(5, 3)
    h = np.ones((2, 3), "float32")
    assert layer.forward(h, np.array([1, 2]), np.zeros((2, 4), int)) == pytest.approx(5 * np.log(2))
    layer.params["embeddings"][:] = 1000
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert layer.forward(h, np.array([1, 2]), np.zeros((2, 4), int)) == pytest.approx(4 * 3000)
        assert np.isfinite(layer.backward()).all()


@settings(max_examples=20, deadline=None)
@given(shape=st.sampled_from([(4,), (2, 3), (5, 1)]), V=st.integers(1, 5), D=st.integers(1, 4), seed=st.integers(0, 99))
def test_embedding_is_a_product_with_one_hot_vectors(shape, V, D, seed):
    rng = np.random.default_rng(seed)
    layer = Embedding(V, D, dtype="float64", rng=rng)
    ids, dy = rng.integers(0, V, shape), rng.standard_normal((*shape, D))
    one_hot = np.eye(V)[ids]
    np.testing.assert_allclose(layer.forward(ids), one_hot @ layer.params["embeddings"])
    assert layer.backward(dy) is None
    np.testing.assert_allclose(layer.grads["embeddings"], one_hot.reshape(-1, V).T @ dy.reshape(-1, D), atol=1e-12)

    def loss():
        return float(np.sum(dy * layer.forward(ids)))

    numerical = numerical_gradient(loss, layer.params["embeddings"])
    assert relative_error(layer.grads["embeddings"], numerical) < 1e-6


def test_sum_rows_adds_in_one_order():
    ids = np.array([3, 1, 3, 3, 0])
    numbers, sums = sum_rows(ids, np.array([[1.0], [2], [4], [8], [16]]))
    assert numbers.tolist() == [0, 1, 3] and sums.tolist() == [[16], [2], [13]]


def test_embedding_mask():
    ids = np.array([[2, 1, 0]])
    assert Embedding(3, 2).compute_mask(ids) is None
    assert Embedding(3, 2, mask_zero=True).compute_mask(ids).tolist() == [[True, True, False]]


@pytest.mark.parametrize("masked", [True, False])
def test_masked_mean_gradients(masked):
    rng = np.random.default_rng(0)
    mask = np.array([[True, True, False], [True, False, False]]) if masked else None
    layer, x = MaskedMean(), rng.standard_normal((2, 3, 4))
    forward = layer.forward
    layer.forward = lambda x: forward(x, mask)
    assert check_layer(layer, x)["x"] < 1e-6
    expected = [x[0, :2].mean(axis=0), x[1, 0]] if masked else x.mean(axis=1)
    np.testing.assert_allclose(layer.forward(x), expected)
    if masked:
        assert not layer.backward(np.ones((2, 4)))[0, 2].any()


def test_embedding_errors():
    layer = Embedding(5, 3)
    with pytest.raises(RuntimeError, match="call forward"):
        layer.backward(np.zeros((2, 3), "float32"))
    with pytest.raises(TypeError, match="whole numbers .* got dtype float32"):
        layer.forward(np.zeros(2, "float32"))
    with pytest.raises(TypeError, match="got list"):
        layer.forward([1, 2])
    with pytest.raises(ValueError, match=r"0 … 4, got 1 … 5; a larger table needs input_dim"):
        layer.forward(np.array([1, 5]))
    with pytest.raises(ValueError, match=r"got -1 … 2"):
        layer.forward(np.array([-1, 2]))
    with pytest.raises(ValueError, match="ids is empty"):
        layer.forward(np.zeros((2, 0), int))
    with pytest.raises(ValueError, match="ids must have"):
        layer.forward(np.zeros((2, 2, 2), int))
    with pytest.raises(ValueError, match="ids must have"):
        layer.forward(np.array(3))
    layer.forward(np.array([1, 2]))
    with pytest.raises(ValueError, match="dy must have shape"):
        layer.backward(np.zeros((3, 3), "float32"))
    with pytest.raises(ValueError, match="at least 1"):
        Embedding(0, 3)


def test_negative_sampling_errors():
    layer = NegativeSampling(5, 3)
    h = np.ones((2, 3), "float32")
    with pytest.raises(RuntimeError, match="call forward"):
        layer.backward()
    with pytest.raises(TypeError, match="h must be float32"):
        layer.forward(h.astype("float64"), np.array([1, 2]), np.zeros((2, 4), int))
    with pytest.raises(ValueError, match=r"targets must have shape \(2,\)"):
        layer.forward(h, np.array([1, 2, 3]), np.zeros((2, 4), int))
    with pytest.raises(ValueError, match=r"negatives must have shape \(2, k\)"):
        layer.forward(h, np.array([1, 2]), np.zeros((3, 4), int))
    with pytest.raises(ValueError, match="0 … 4, got 0 … 7"):
        layer.forward(h, np.array([1, 2]), np.array([[0], [7]]))


def test_masked_mean_errors():
    layer, x = MaskedMean(), np.zeros((2, 3, 4))
    with pytest.raises(RuntimeError, match="call forward"):
        layer.backward(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="row 1 of the mask has no word"):
        layer.forward(x, np.array([[True, False, False], [False] * 3]))
    with pytest.raises(ValueError, match="mask must have shape"):
        layer.forward(x, np.ones((2, 4), bool))
    layer.forward(x)
    with pytest.raises(ValueError, match="dh must have shape"):
        layer.backward(np.zeros((3, 4)))

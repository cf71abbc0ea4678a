"""Dense, the activations and the losses: numerical gradients, limits, errors."""

import numpy as np
import pytest

from utils.gradient_check import check_layer, numerical_gradient, relative_error
from utils.numpy_layers import activations, losses
from utils.numpy_layers.dense import Dense


def random(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("activation", list(activations.ACTIVATIONS))
@pytest.mark.parametrize("shape", [(5, 3), (4, 5, 3), (2, 3, 4, 3)])
def test_dense_gradients(activation, shape):
    dense = Dense(2, 3, activation=activation, dtype="float64")
    dense.params["bias"][:] = 0.3, -0.2
    assert max(check_layer(dense, random(*shape)).values()) < 1e-6


def test_dense_errors():
    dense = Dense(2, 3)
    with pytest.raises(RuntimeError, match="call forward"):
        dense.backward(random(5, 2))
    with pytest.raises(ValueError, match="x must have 2 axes"):
        dense.forward(random(3))
    with pytest.raises(ValueError, match="axis 1 is 4, not 3"):
        dense.forward(random(5, 4))
    dense.forward(random(5, 3).astype("float32"))
    with pytest.raises(ValueError, match="dy must have shape"):
        dense.backward(random(4, 2))


@pytest.mark.parametrize("name", list(activations.ACTIVATIONS))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_in_place_and_not(name, dtype):
    f, derivative = activations.get(name)
    u = random(3, 4).astype(dtype)
    z = f(u)
    slope = derivative(z)
    assert z.dtype == slope.dtype == dtype
    if dtype == "float64":
        np.testing.assert_allclose(slope, (f(u + 1e-6) - f(u - 1e-6)) / 2e-6, rtol=1e-6, atol=1e-9)
    out = np.empty_like(z)
    assert np.array_equal(derivative(z, out=out), slope)
    assert np.array_equal(out, slope)
    f(u, out=u)
    assert np.array_equal(u, z)


def test_sigmoid_overflows_nowhere():
    with np.errstate(all="raise"):
        assert activations.sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("loss", "prediction", "targets"),
    [
        (losses.mean_squared_error, random(4, 5, 2), random(4, 5, 2, seed=2)),
        (losses.binary_crossentropy, random(4, 5, 1), (random(4, 5, 1, seed=2) > 0).astype(float)),
        (losses.softmax_crossentropy, random(4, 5, 3), np.arange(20).reshape(4, 5) % 3),
    ],
)
def test_loss_gradients(loss, prediction, targets):
    value, gradient = loss(prediction, targets)
    numerical = numerical_gradient(lambda: loss(prediction, targets)[0], prediction)
    assert value > 0
    assert np.max(np.abs(gradient - numerical)) < 1e-9
    single = loss(prediction.astype("float32"), targets.astype("float32") if targets.dtype == float else targets)
    assert single[1].dtype == np.float32
    assert relative_error(single[1], gradient) < 1e-6


def test_losses_by_hand():
    assert losses.mean_squared_error(np.array([[2.0, 0.0]]), np.array([[0.0, 1.0]]))[0] == 2.5
    assert losses.binary_crossentropy(np.zeros((3, 1)), np.ones((3, 1)))[0] == pytest.approx(np.log(2))
    assert losses.softmax_crossentropy(np.zeros((3, 4)), np.array([0, 1, 2]))[0] == pytest.approx(np.log(4))


def test_cross_entropies_stay_finite():
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        value, gradient = losses.binary_crossentropy(np.array([[-1000.0], [1000.0]]), np.array([[1.0], [1.0]]))
        assert value == 500
        assert gradient.tolist() == [[-0.5], [0.0]]
        assert losses.softmax_crossentropy(np.array([[1000.0, 0.0]]), np.array([1]))[0] == 1000


def test_loss_errors():
    with pytest.raises(ValueError, match="same shape"):
        losses.mean_squared_error(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(ValueError, match="same shape"):
        losses.binary_crossentropy(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(ValueError, match="without the last axis"):
        losses.softmax_crossentropy(np.zeros((3, 2)), np.zeros((3, 2), int))
    with pytest.raises(ValueError, match=r"0 … 1, got 0 … 2"):
        losses.softmax_crossentropy(np.zeros((3, 2)), np.array([0, 1, 2]))

"""The doubters themselves: do they accept what is right and refuse what is wrong?"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from utils.gradient_check import check_layer, keras_gradients, numerical_gradient, relative_error


class Affine:
    """y = x @ kernel + bias, with one thing to break."""

    def __init__(self, broken=None):
        rng = np.random.default_rng(0)
        self.params = {"kernel": rng.standard_normal((3, 2)), "bias": rng.standard_normal(2)}
        self.grads = {}
        self.broken = broken

    def forward(self, x):
        self.x = x
        return x @ self.params["kernel"] + self.params["bias"]

    def backward(self, dy):
        self.grads = {"kernel": self.x.T @ dy, "bias": dy.sum(axis=0)}
        if self.broken == "sign":
            self.grads["bias"] = -self.grads["bias"]
        if self.broken == "mean instead of sum":
            self.grads["kernel"] = self.grads["kernel"] / len(dy)
        if self.broken == "missing gradient":
            del self.grads["bias"]
        return dy @ self.params["kernel"].T * (1.001 if self.broken == "scale" else 1)


X = np.random.default_rng(1).standard_normal((4, 3))
ROOT = Path(__file__).parents[1]


def test_a_right_backward_pass_is_accepted():
    errors = check_layer(Affine(), X.copy())
    assert set(errors) == {"x", "kernel", "bias"}
    assert max(errors.values()) < 1e-9


@pytest.mark.parametrize("broken, where", [("sign", "bias"), ("mean instead of sum", "kernel"), ("scale", "x")])
def test_a_wrong_backward_pass_is_found_where_it_is_wrong(broken, where):
    errors = check_layer(Affine(broken), X.copy())
    assert errors.pop(where) > 1e-4
    assert max(errors.values()) < 1e-9


def test_a_forgotten_gradient_is_named():
    with pytest.raises(ValueError, match=r"grads \['kernel'\]"):
        check_layer(Affine("missing gradient"), X.copy())


def test_numerical_gradient_restores_the_array():
    x = X.copy()
    gradient = numerical_gradient(lambda: float(np.sum(x**3)), x)
    np.testing.assert_allclose(gradient, 3 * X**2, atol=1e-8)
    np.testing.assert_array_equal(x, X)


def test_numerical_gradient_refuses_float32():
    with pytest.raises(TypeError, match=r"float64.*astype\('float64'\)"):
        numerical_gradient(lambda: 0.0, np.zeros(3, "float32"))


def test_relative_error_is_absolute_for_small_and_relative_for_large_values():
    assert relative_error([0.0], [1e-7]) == pytest.approx(1e-7)
    assert relative_error([1e6], [1e6 + 1]) == pytest.approx(1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_relative_error_takes_nan_and_infinity_as_the_worst(bad):
    assert relative_error([1.0, bad], [1.0, 2.0]) == float("inf")


def test_relative_error_refuses_what_it_cannot_compare():
    with pytest.raises(ValueError, match=r"\(2,\) and \(1, 2\)"):
        relative_error(np.zeros(2), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="empty"):
        relative_error(np.zeros(0), np.zeros(0))


def test_keras_gradients_are_those_of_the_formula():
    import keras

    ours = Affine()
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    layer.set_weights([p.astype("float32") for p in ours.params.values()])
    dy = np.random.default_rng(2).standard_normal((4, 2))
    y, dx, dweights = keras_gradients(layer, X.astype("float32"), dy.astype("float32"))
    assert relative_error(y, ours.forward(X)) < 1e-6
    assert relative_error(dx, ours.backward(dy)) < 1e-6
    for theirs, name in zip(dweights, ("kernel", "bias"), strict=True):
        assert relative_error(theirs, ours.grads[name]) < 1e-6


def unbuilt():
    """Of a layer that nobody has called: shapes of the weights' gradients."""
    import keras

    x = X.astype("float32")
    _, _, dweights = keras_gradients(keras.layers.Dense(2), x, np.ones((4, 2)))
    return [gradient.shape for gradient in dweights]


def test_keras_gradients_make_the_weights_of_a_new_layer():
    assert unbuilt() == [(3, 2), (2,)]


def test_keras_gradients_make_the_weights_on_jax_as_well():
    code = "from tests.test_gradient_check import unbuilt; assert unbuilt() == [(3, 2), (2,)]"
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stderr

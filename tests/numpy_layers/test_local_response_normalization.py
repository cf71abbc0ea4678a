"""Local response normalization by hand: the definition, gradients, invariants, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.gradient_check import check_layer
from utils.numpy_layers.local_response_normalization import LocalResponseNormalization


def by_definition(x, radius, bias, alpha, beta):
    """Krizhevsky et al. 2012, §3.3, channel by channel."""
    y = np.empty_like(x)
    channels = x.shape[-1]
    for i in range(channels):
        near = x[..., max(0, i - radius) : min(channels - 1, i + radius) + 1]
        y[..., i] = x[..., i] / (bias + alpha * np.sum(near**2, axis=-1)) ** beta
    return y


@given(
    st.integers(1, 8),
    st.integers(0, 9),
    st.floats(0.1, 3),
    st.floats(0, 2),
    st.floats(0, 1.5),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=100, deadline=None)
def test_layer_is_the_definition(channels, radius, bias, alpha, beta, seed):
    x = np.random.default_rng(seed).standard_normal((2, 2, 3, channels))
    layer = LocalResponseNormalization(radius, bias, alpha, beta, dtype="float64")
    np.testing.assert_allclose(layer.forward(x), by_definition(x, radius, bias, alpha, beta), rtol=1e-11)


@pytest.mark.parametrize("radius", [0, 1, 2, 7])
@pytest.mark.parametrize("beta", [0.5, 0.75, 1.0])
def test_backward_is_the_numerical_gradient(radius, beta):
    layer = LocalResponseNormalization(radius, bias=1.5, alpha=0.4, beta=beta, dtype="float64")
    errors = check_layer(layer, np.random.default_rng(1).standard_normal((2, 3, 2, 5)))
    assert max(errors.values()) < 1e-6, errors


def test_value_on_paper():
    """The papers' constants would hide the sum: k = 2, n = 5, α = 1e-4. These do not."""
    x = np.array([1.0, 2, 0, 3]).reshape(1, 1, 1, 4)
    layer = LocalResponseNormalization(1, bias=1, alpha=1, beta=0.5, dtype="float64")
    expected = [1 / np.sqrt(1 + 5), 2 / np.sqrt(1 + 5), 0, 3 / np.sqrt(1 + 9)]
    np.testing.assert_allclose(layer.forward(x).ravel(), expected, rtol=1e-13)


def test_defaults_are_those_of_alexnet():
    layer = LocalResponseNormalization(dtype="float64")
    assert (2 * layer.depth_radius + 1, layer.bias, layer.alpha, layer.beta) == (5, 2, 1e-4, 0.75)


def test_a_loud_neighbour_quietens_and_one_out_of_reach_does_not():
    layer = LocalResponseNormalization(1, bias=1, alpha=1, beta=0.75, dtype="float64")
    quiet = np.ones((1, 1, 1, 5))
    loud = quiet.copy()
    loud[..., 4] = 100
    difference = np.abs(layer.forward(loud) - layer.forward(quiet))[0, 0, 0]
    assert difference[3] > 0.3 and not difference[:3].any()


def test_positions_do_not_meet():
    x = np.random.default_rng(0).standard_normal((1, 3, 4, 6))
    layer = LocalResponseNormalization(2, 1, 1, 0.75, dtype="float64")
    moved = np.roll(x, (1, 2), axis=(1, 2))
    np.testing.assert_allclose(layer.forward(moved), np.roll(layer.forward(x), (1, 2), axis=(1, 2)))


def test_settings_and_arrays_that_do_not_fit_are_refused():
    refused = [
        (lambda: LocalResponseNormalization(-1), ValueError, "depth_radius must be 0 or more, got -1"),
        (lambda: LocalResponseNormalization(2.5), TypeError, "depth_radius must be a whole number, got 2.5"),
        (lambda: LocalResponseNormalization(bias=0), ValueError, "bias must be a finite number above 0, got 0"),
        (lambda: LocalResponseNormalization(alpha=-1), ValueError, "alpha must be a finite number 0 or more, got -1"),
        (lambda: LocalResponseNormalization(beta=np.inf), ValueError, "beta must be a finite number"),
        (lambda: LocalResponseNormalization(beta="0.75"), TypeError, "beta must be a number, got '0.75'"),
        (lambda: LocalResponseNormalization(dtype="float16"), ValueError, "'float32' or 'float64'"),
        (lambda: LocalResponseNormalization().forward(np.ones((2, 3))), ValueError, "x must have 4 axes"),
        (lambda: LocalResponseNormalization().forward(np.ones((1, 2, 2, 3))), TypeError, "x must be float32"),
        (lambda: LocalResponseNormalization().backward(np.ones((1, 2, 2, 3))), RuntimeError, "forward"),
    ]
    for call, error, words in refused:
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_stays_what_it_is(dtype):
    layer = LocalResponseNormalization(dtype=dtype)
    y = layer.forward(np.ones((1, 2, 2, 7), dtype))
    assert y.dtype == layer.backward(y).dtype == np.dtype(dtype)

"""Activation functions, each with its derivative written in terms of the activation's own output.

Writing f' in terms of z = f(u) means that a backward pass needs to keep z alone: tanh' = 1 - z², sigmoid' = z(1 - z).
"""

import difflib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Activation(NamedTuple):
    """A pair of functions.

    Attributes:
        f: f(u, out=None) -> z, element by element; `out` may be `u` itself.
        derivative: derivative(z, out=None) -> f'(u), computed from z = f(u); `out` must not be `z`.
    """

    f: Callable
    derivative: Callable


def tanh(u, out=None):
    """tanh(u)."""
    return np.tanh(u, out=out)


def _tanh_derivative(z, out=None):
    out = np.multiply(z, z, out=out)
    return np.subtract(1, out, out=out)


def sigmoid(u, out=None):
    """1 / (1 + exp(-u)), written as (1 + tanh(u/2)) / 2 so that a large |u| overflows nowhere.

    The absolute error is one rounding of 1. Far on the left the relative one is not small: float32 gives 0 at u = -20.
    """
    out = np.multiply(u, 0.5, out=out)
    np.tanh(out, out=out)
    out *= 0.5
    out += 0.5
    return out


def _sigmoid_derivative(z, out=None):
    out = np.multiply(z, z, out=out)
    return np.subtract(z, out, out=out)


def relu(u, out=None):
    """max(u, 0)."""
    return np.maximum(u, 0, out=out)


def _relu_derivative(z, out=None):
    out = np.empty_like(z) if out is None else out
    return np.greater(z, 0, out=out)


def linear(u, out=None):
    """u itself."""
    return np.positive(u, out=out)


def _linear_derivative(z, out=None):
    out = np.empty_like(z) if out is None else out
    out[...] = 1
    return out


ACTIVATIONS = {
    "tanh": Activation(tanh, _tanh_derivative),
    "sigmoid": Activation(sigmoid, _sigmoid_derivative),
    "relu": Activation(relu, _relu_derivative),
    "linear": Activation(linear, _linear_derivative),
}


def get(name):
    """The activation of that name.

    Raises:
        ValueError: for an unknown name; the message has the nearest known one.
    """
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    nearest = difflib.get_close_matches(str(name), ACTIVATIONS, n=1)
    hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
    raise ValueError(f"there is no activation {name!r}, only {', '.join(ACTIVATIONS)}{hint}")

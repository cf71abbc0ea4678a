"""The three lines that all normalization layers share, their backward pass, and the scale and shift that follow."""

import math

import numpy as np

from utils.numpy_layers import checks


def standardize(x, mean, variance, epsilon):
    """x̂ = (x − mean) / √(variance + ε), and the factor 1 / √(variance + ε), both for `mean` broadcast to `x`."""
    inverse_std = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    x_hat = x - mean
    x_hat *= inverse_std
    return x_hat, inverse_std


def standardize_backward(dx_hat, x_hat, inverse_std, axes):
    """Gradient of the input where mean and (biased) variance were taken over `axes` of that input.

    dx = (dx̂ − mean(dx̂) − x̂ · mean(dx̂ · x̂)) / √(variance + ε): the middle terms are the ways through the mean and
    through the variance (Ioffe & Szegedy 2015, §3, the equations before Algorithm 2, collected).
    """
    dx = x_hat * np.mean(dx_hat * x_hat, axis=axes, keepdims=True)
    np.subtract(dx_hat, dx, out=dx)
    dx -= np.mean(dx_hat, axis=axes, keepdims=True)
    dx *= inverse_std
    return dx


class Normalization:
    """y = γ · x̂ + β; the layers that inherit it say over which axes x̂ has mean 0 and variance 1.

    Args:
        shape: of γ and β, the last axes of the input.
        epsilon: added to the variance, so that a constant input is not divided by 0. Keras: 1e-3 (PyTorch: 1e-5).
        center, scale: whether there is a β, a γ.
        dtype: "float32" or "float64".

    Attributes:
        params, grads: dicts with "gamma" and "beta", each of this shape. Gradients are sums over all other axes.

    Raises:
        TypeError, ValueError: for sizes, an epsilon or a dtype that cannot be.
    """

    def __init__(self, shape, epsilon=1e-3, center=True, scale=True, dtype="float32"):
        self.shape = shape
        self.epsilon = fraction("epsilon", epsilon, math.inf)
        self.dtype = checks.float_dtype(dtype)
        self.params = {}
        if scale:
            self.params["gamma"] = np.ones(shape, self.dtype)
        if center:
            self.params["beta"] = np.zeros(shape, self.dtype)
        self.grads = {}
        self._cache = None

    def forward(self, x, training=False):
        """x (N, …, C) -> y of the same shape.

        Args:
            training: only `BatchNormalization` computes something else in training.

        Raises:
            ValueError: for a wrong rank or size.  TypeError: for a dtype other than the layer's.
        """
        self._check(x)
        groups, axes = self._layout(x)
        mean, variance = np.mean(groups, axis=axes, keepdims=True), np.var(groups, axis=axes, keepdims=True)
        return self._finish(x, groups, mean, variance, axes)

    def backward(self, dy):
        """dy -> dx, both of the input's shape; leaves the gradients of `params` in `grads`.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit the output.
        """
        if self._cache is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(x) first")
        x_hat, inverse_std, axes, shape = self._cache
        checks.array("dy", dy, shape, self.dtype)
        others = tuple(range(dy.ndim - len(self.shape)))
        dx_hat, self.grads = dy, {}
        if "gamma" in self.params:
            self.grads["gamma"] = np.sum(dy * x_hat.reshape(shape), axis=others)
            dx_hat = dy * self.params["gamma"]
        if "beta" in self.params:
            self.grads["beta"] = np.sum(dy, axis=others)
        dx_hat = dx_hat.reshape(x_hat.shape)
        if axes is None:
            return dx_hat * inverse_std
        return standardize_backward(dx_hat, x_hat, inverse_std, axes).reshape(shape)

    def _layout(self, x):
        """The input, perhaps reshaped, and the axes of it that share one mean and one variance."""
        raise NotImplementedError

    def _finish(self, x, groups, mean, variance, axes):
        """Standardize, scale and shift; keep what the backward pass needs (axes None: the statistics are constants)."""
        x_hat, inverse_std = standardize(groups, mean, variance, self.epsilon)
        self._cache = x_hat, inverse_std, axes, x.shape
        y = x_hat.reshape(x.shape)
        y = y * self.params["gamma"] if "gamma" in self.params else y.copy()
        if "beta" in self.params:
            y += self.params["beta"]
        return y

    def _check(self, x):
        least = max(2, len(self.shape) + 1)
        if np.ndim(x) < least:
            sizes = ", ".join(map(str, self.shape))
            raise ValueError(f"x must have at least {least} axes (batch, …, {sizes}), got shape {np.shape(x)}")
        between = ["batch", *["positions"] * (np.ndim(x) - len(self.shape) - 1)]
        checks.array("x", x, (*between, *self.shape), self.dtype)
        for name, value in self.params.items():
            checks.array(name, value, self.shape, self.dtype)


def fraction(name, value, top=1):
    """The value as a float from 0 to `top`.

    Raises:
        TypeError: if it is no number.  ValueError: if it lies outside.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not 0 <= value <= top or math.isinf(value):
        raise ValueError(f"{name} must be {'0 or more' if top == math.inf else f'from 0 to {top}'}, got {value}")
    return float(value)

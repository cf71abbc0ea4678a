"""Fully connected layer by hand. On a sequence it is the same layer at every step (as `keras.layers.Dense`)."""

import numpy as np

from utils.numpy_layers import activations, checks


class Dense:
    """y = f(x @ kernel + bias) on the last axis; all axes before it are treated alike.

    Args:
        units: number of outputs.
        input_dim: number of inputs.
        activation: "linear", "tanh", "sigmoid" or "relu".
        dtype: "float32" or "float64".
        rng: numpy Generator for the first kernel (Glorot uniform, as Keras).

    Attributes:
        params, grads: dicts with "kernel" (input_dim, units) and "bias" (units,).
    """

    def __init__(self, units, input_dim, activation="linear", dtype="float32", rng=None):
        self.units = checks.positive_int("units", units)
        self.input_dim = checks.positive_int("input_dim", input_dim)
        self.activation = activations.get(activation)
        self.dtype = checks.float_dtype(dtype)
        rng = np.random.default_rng(0) if rng is None else rng
        limit = np.sqrt(6 / (input_dim + units))
        self.params = {
            "kernel": rng.uniform(-limit, limit, (input_dim, units)).astype(self.dtype),
            "bias": np.zeros(units, self.dtype),
        }
        self.grads = {}
        self._cache = None

    def forward(self, x):
        """x (…, input_dim) -> y (…, units).

        Raises:
            ValueError: for a wrong size or fewer than 2 axes.  TypeError: for a dtype other than the layer's.
        """
        checks.array("x", x, ("N", *["T"] * (np.ndim(x) - 2), self.input_dim), self.dtype)
        y = x @ self.params["kernel"]
        y += self.params["bias"]
        self.activation.f(y, out=y)
        self._cache = x, y
        return y.copy()

    def backward(self, dy):
        """dy (…, units) -> dx (…, input_dim). The gradients in `grads` are sums over all axes but the last.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit the output.
        """
        if self._cache is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(x) first")
        x, y = self._cache
        checks.array("dy", dy, y.shape, self.dtype)
        dv = (dy * self.activation.derivative(y)).reshape(-1, self.units)
        self.grads = {"kernel": x.reshape(-1, self.input_dim).T @ dv, "bias": dv.sum(axis=0)}
        return (dv @ self.params["kernel"].T).reshape(x.shape)

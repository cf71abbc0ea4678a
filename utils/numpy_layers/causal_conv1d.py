"""Dilated causal convolution over time, by hand: output t reads inputs t, t − d, t − 2d, … and nothing later.

With k taps, dilation d and zeros before the first step (van den Oord et al. 2016, WaveNet, §2.1; taps in Keras' order):

    y[t] = bias + Σ_j x[t − d·(k − 1 − j)] @ kernel[j]          j = 0 … k − 1, so kernel[k − 1] meets x[t]

All taps of all steps lie side by side in one array, so that each pass is a single matrix product.
"""

import numpy as np

from utils.numpy_layers import checks


def receptive_field(dilations, kernel_size=2):
    """Number of inputs that one output of a stack of causal convolutions can see: 1 + (k − 1)·Σ d.

    Args:
        dilations: dilation rate of each layer.
        kernel_size: taps k of every layer.

    Raises:
        TypeError, ValueError: if one of them is no whole number of at least 1.
    """
    kernel_size = checks.positive_int("kernel_size", kernel_size)
    return 1 + (kernel_size - 1) * sum(checks.positive_int("dilations", d) for d in dilations)


class CausalConv1D:
    """Like `keras.layers.Conv1D(filters, kernel_size, padding="causal", dilation_rate=d)`.

    Args:
        filters: output channels F.
        kernel_size: taps k.
        input_dim: input channels C.
        dilation_rate: steps d between two taps.
        use_bias: False leaves the bias out.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first kernel (Glorot uniform, as Keras).

    Attributes:
        params, grads: dicts with "kernel" (k, C, F) and "bias" (F,).
    """

    def __init__(self, filters, kernel_size, input_dim, dilation_rate=1, use_bias=True, dtype="float32", rng=None):
        self.filters = checks.positive_int("filters", filters)
        self.kernel_size = checks.positive_int("kernel_size", kernel_size)
        self.input_dim = checks.positive_int("input_dim", input_dim)
        self.dilation_rate = checks.positive_int("dilation_rate", dilation_rate)
        self.dtype = checks.float_dtype(dtype)
        rng = np.random.default_rng(0) if rng is None else rng
        limit = np.sqrt(6 / (kernel_size * (input_dim + filters)))
        shape = (kernel_size, input_dim, filters)
        self.params = {"kernel": rng.uniform(-limit, limit, shape).astype(self.dtype)}
        if use_bias:
            self.params["bias"] = np.zeros(filters, self.dtype)
        self.grads = {}
        self._steps = self._taps = None

    def forward(self, x):
        """(N, T, C) → (N, T, F): as many steps as the input has.

        Raises:
            ValueError: for a wrong rank or size.  TypeError: for a dtype other than the layer's.
        """
        checks.array("x", x, ("N", "T", self.input_dim), self.dtype)
        N, T, C = x.shape
        k = self.kernel_size
        taps = np.zeros((N, T, k, C), self.dtype)  # taps[:, t, j] = x[:, t − lag], 0 before the beginning
        for j, lag in enumerate(self._lags(T)):
            taps[:, lag:, j] = x[:, : T - lag]
        self._steps, self._taps = (N, T), taps.reshape(N * T, k * C)
        y = self._taps @ self.params["kernel"].reshape(k * C, self.filters)
        if "bias" in self.params:
            y += self.params["bias"]
        return y.reshape(N, T, self.filters)

    def backward(self, dy):
        """dy (N, T, F) → dx (N, T, C): x[t] was read by the outputs t, t + d, …; what they send back adds up.

        Leaves the parameters' gradients, sums over batch and steps, in `grads`.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit.
        """
        if self._taps is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(x) first")
        k, C, F = self.kernel_size, self.input_dim, self.filters
        N, T = self._steps
        checks.array("dy", dy, (N, T, F), self.dtype)
        flat = dy.reshape(N * T, F)
        self.grads = {"kernel": (self._taps.T @ flat).reshape(k, C, F)}
        if "bias" in self.params:
            self.grads["bias"] = flat.sum(axis=0)
        d_taps = (flat @ self.params["kernel"].reshape(k * C, F).T).reshape(N, T, k, C)
        dx = np.zeros((N, T, C), self.dtype)
        for j, lag in enumerate(self._lags(T)):
            dx[:, : T - lag] += d_taps[:, lag:, j]
        return dx

    def _lags(self, T):
        """How many steps back each tap looks; a tap that looks back further than T reads zeros only."""
        return [min(T, self.dilation_rate * (self.kernel_size - 1 - j)) for j in range(self.kernel_size)]

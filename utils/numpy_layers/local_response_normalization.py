"""Local response normalization by hand: a channel is divided by what its neighbouring channels say (AlexNet)."""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.conv_setup import check_backward
from utils.numpy_layers.pool_windows import check_input


class LocalResponseNormalization:
    """y_i = x_i / d_i^β with d_i = bias + α Σ_{|j-i| ≤ radius} x_j², the sum over channels at one position.

    Krizhevsky et al. 2012, §3.3, with n = 2·depth_radius + 1 and k = bias; the defaults are theirs. Channels beyond
    the first and the last one count as 0. The sum is not divided by n, as in the paper and in
    `tf.nn.local_response_normalization`; `torch.nn.LocalResponseNorm` and Caffe divide α by n.

    Args:
        depth_radius: neighbours on each side, 0 or more.
        bias: k, above 0.
        alpha, beta: α and β, 0 or more.
        dtype: "float32" or "float64".

    Attributes:
        params, grads: empty, for nothing is learned.

    Raises:
        TypeError, ValueError: for settings out of range.
    """

    def __init__(self, depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75, dtype="float32"):
        if isinstance(depth_radius, bool) or not isinstance(depth_radius, (int, np.integer)):
            raise TypeError(f"depth_radius must be a whole number, got {depth_radius!r}")
        if depth_radius < 0:
            raise ValueError(f"depth_radius must be 0 or more, got {depth_radius}")
        for name, number, lowest in (
            ("bias", bias, "above 0"),
            ("alpha", alpha, "0 or more"),
            ("beta", beta, "0 or more"),
        ):
            if isinstance(number, bool) or not isinstance(number, (int, float, np.integer, np.floating)):
                raise TypeError(f"{name} must be a number, got {number!r}")
            if not (number > 0 if name == "bias" else number >= 0) or not np.isfinite(number):
                raise ValueError(f"{name} must be a finite number {lowest}, got {number}")
        self.dtype = checks.float_dtype(dtype)
        self.depth_radius = int(depth_radius)
        self.bias, self.alpha, self.beta = (self.dtype.type(number) for number in (bias, alpha, beta))
        self.params, self.grads = {}, {}
        self._cache = None

    def forward(self, x):
        """x (N, H, W, C) -> y of the same shape.

        Raises:
            ValueError: for a wrong rank.  TypeError: for another dtype.
        """
        check_input(x, self.dtype)
        d = self.bias + self.alpha * self._over_neighbours(x**2)
        self._cache = x, d
        return x * d**-self.beta

    def backward(self, dy):
        """dy -> dx_i = dy_i d_i^-β - 2αβ x_i Σ_{|j-i| ≤ radius} dy_j x_j d_j^(-β-1).

        x_i stands in its own numerator, and in the denominator of each neighbour j: two terms. The neighbourhood is
        symmetric, so the sum is taken over the same channels as forward.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit the output.
        """
        check_backward(self._cache, dy, self._cache and self._cache[0].shape, self.dtype)
        x, d = self._cache
        others = self._over_neighbours(dy * x * d ** (-self.beta - 1))
        return dy * d**-self.beta - 2 * self.alpha * self.beta * x * others

    def _over_neighbours(self, values):
        """Sum over the channels i - radius … i + radius that exist."""
        channels = values.shape[-1]
        total = values.copy()
        for step in range(1, min(self.depth_radius, channels - 1) + 1):
            total[..., step:] += values[..., :-step]
            total[..., :-step] += values[..., step:]
        return total

"""Pooling by hand: maximum, average, Lp and global average. No weights, so `params` and `grads` stay empty."""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.conv_setup import check_backward
from utils.numpy_layers.pool_windows import check_input, gather, members, scatter, settings


class MaxPooling2D:
    """y[n,i,j,c] = max of the window at (i, j), like `keras.layers.MaxPooling2D`.

    Backward, the gradient goes to the pixel that won. Where several pixels share the maximum, the first in reading
    order (row by row) wins, as in TensorFlow on a CPU; other frameworks may choose another one.

    Args:
        pool_size: a whole number or (height, width).
        strides: the same; None for strides = pool_size.
        padding: "valid" (pixels that no window reaches are dropped) or "same" (a border that never wins).
        dtype: "float32" or "float64".

    Raises:
        TypeError, ValueError: for settings that do not fit.
    """

    def __init__(self, pool_size=2, strides=None, padding="valid", dtype="float32"):
        self.window = settings(pool_size, strides, padding)
        self.dtype = checks.float_dtype(dtype)
        self.params, self.grads = {}, {}
        self._cache = None

    def forward(self, x):
        """x (N, H, W, C) -> y (N, H_out, W_out, C).

        Raises:
            ValueError: for a wrong rank or an input smaller than the window.  TypeError: for another dtype.
        """
        check_input(x, self.dtype)
        windows, windows_at = gather(x, self.window, fill=-np.inf)
        winner = windows.argmax(axis=0)  # argmax returns the first of several
        y = np.take_along_axis(windows, winner[None], axis=0)[0]
        self._cache = x.shape, windows_at, winner
        return y

    def backward(self, dy):
        """dy, of the output's shape -> dx, of the input's shape.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit the output.
        """
        check_backward(self._cache, dy, self._cache and self._cache[2].shape, self.dtype)
        input_shape, windows_at, winner = self._cache
        k_h, k_w = windows_at.kernel
        share = np.zeros((k_h * k_w, *dy.shape), self.dtype)
        np.put_along_axis(share, winner[None], dy[None], axis=0)
        return scatter(share, input_shape, windows_at)


class AveragePooling2D:
    """y[n,i,j,c] = mean of the window at (i, j), like `keras.layers.AveragePooling2D`.

    With padding="same" the border is not counted: a window at the edge is divided by the number of its pixels.

    Args, Raises: as `MaxPooling2D`.
    """

    def __init__(self, pool_size=2, strides=None, padding="valid", dtype="float32"):
        self.window = settings(pool_size, strides, padding)
        self.dtype = checks.float_dtype(dtype)
        self.params, self.grads = {}, {}
        self._cache = None

    def forward(self, x):
        """x (N, H, W, C) -> y (N, H_out, W_out, C). Raises: as `MaxPooling2D.forward`."""
        check_input(x, self.dtype)
        windows, windows_at = gather(x, self.window, fill=0)
        count = members(x.shape, windows_at, self.dtype)
        y = windows.sum(axis=0) / count
        self._cache = x.shape, windows_at, count, y.shape
        return y

    def backward(self, dy):
        """dy -> dx: every pixel of a window receives the same share. Raises: as `MaxPooling2D.backward`."""
        check_backward(self._cache, dy, self._cache and self._cache[3], self.dtype)
        input_shape, windows_at, count, _ = self._cache
        k_h, k_w = windows_at.kernel
        share = np.broadcast_to(dy / count, (k_h * k_w, *dy.shape))
        return scatter(share, input_shape, windows_at)


class LpPooling2D:
    """y[n,i,j,c] = (1/m · Σ |x|^p over the window)^(1/p), with m pixels in the window. Keras has no such layer.

    p = 1 on non-negative input is the average, and the larger p, the closer to the maximum (Sermanet, Chintala &
    LeCun 2012, §2.2, with equal weights 1/m in place of their Gaussian). A large p is safe: the window is divided by
    its largest value before the power is taken.

    Args:
        p: the exponent, at least 1.
        normalize: False leaves out the factor 1/m, as `torch.nn.LPPool2d` does (for p = 1: the sum).
        pool_size, strides, padding, dtype: as `MaxPooling2D`. The border of padding="same" is not counted.

    Raises:
        TypeError, ValueError: for settings that do not fit, or p < 1.
    """

    def __init__(self, pool_size=2, p=2.0, strides=None, padding="valid", normalize=True, dtype="float32"):
        if isinstance(p, bool) or not isinstance(p, (int, float, np.integer, np.floating)):
            raise TypeError(f"p must be a number, got {p!r}")
        if not 1 <= p < np.inf:
            raise ValueError(f"p must be a finite number ≥ 1, got {p}; for p = ∞ use MaxPooling2D on |x|")
        self.window = settings(pool_size, strides, padding)
        self.dtype = checks.float_dtype(dtype)
        self.p, self.normalize = float(p), normalize
        self.params, self.grads = {}, {}
        self._cache = None

    def forward(self, x):
        """x (N, H, W, C) -> y (N, H_out, W_out, C). Raises: as `MaxPooling2D.forward`."""
        check_input(x, self.dtype)
        windows, windows_at = gather(x, self.window, fill=0)
        count = members(x.shape, windows_at, self.dtype) if self.normalize else self.dtype.type(1)
        size = np.abs(windows)
        largest = size.max(axis=0)
        safe = np.where(largest > 0, largest, 1)
        y = safe * (((size / safe) ** self.p).sum(axis=0) / count) ** (1 / self.p)
        y = np.where(largest > 0, y, 0).astype(self.dtype, copy=False)
        self._cache = x.shape, windows_at, windows, count, y
        return y

    def backward(self, dy):
        """dy -> dx, with ∂y/∂x = sign(x) (|x| / y)^(p-1) / m. Where a whole window is 0, the gradient is set to 0.

        Raises: as `MaxPooling2D.backward`.
        """
        check_backward(self._cache, dy, self._cache and self._cache[4].shape, self.dtype)
        input_shape, windows_at, windows, count, y = self._cache
        ratio = np.abs(windows) / np.where(y > 0, y, 1)
        share = dy / count * np.sign(windows) * ratio ** (self.p - 1)
        return scatter(share.astype(self.dtype, copy=False), input_shape, windows_at)


class GlobalAveragePooling2D:
    """y[n,c] = mean of channel c over all positions (Lin et al. 2014, §3.2), `keras.layers.GlobalAveragePooling2D`.

    Args:
        keepdims: return (N, 1, 1, C) instead of (N, C).
        dtype: "float32" or "float64".
    """

    def __init__(self, keepdims=False, dtype="float32"):
        self.keepdims = bool(keepdims)
        self.dtype = checks.float_dtype(dtype)
        self.params, self.grads = {}, {}
        self._cache = None

    def forward(self, x):
        """x (N, H, W, C) -> y (N, C), for any H and W.

        Raises:
            ValueError: for a wrong rank.  TypeError: for another dtype.
        """
        check_input(x, self.dtype)
        y = x.mean(axis=(1, 2), keepdims=self.keepdims)
        self._cache = x.shape, y.shape
        return y

    def backward(self, dy):
        """dy -> dx (N, H, W, C): every position receives dy / (H·W). Raises: as `MaxPooling2D.backward`."""
        check_backward(self._cache, dy, self._cache and self._cache[1], self.dtype)
        (batch, height, width, channels), _ = self._cache
        share = dy.reshape(batch, 1, 1, channels) / self.dtype.type(height * width)
        return np.broadcast_to(share, (batch, height, width, channels)).copy()

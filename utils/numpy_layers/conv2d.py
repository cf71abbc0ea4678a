"""Conv2D by hand: three matrix products (see `conv_products`), with padding, strides, dilation, groups and bias."""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.conv_arithmetic import as_pair
from utils.numpy_layers.conv_products import convolve, input_gradient, kernel_gradient
from utils.numpy_layers.conv_setup import check_backward, check_call, glorot_uniform, groups_of, window_settings


class Conv2D:
    """Convolution layer, like `keras.layers.Conv2D` without activation.

    y[n,i,j,f] = bias[f] + Σ_{p,q,c} x_padded[n, i·s+p·d, j·s+q·d, c] · kernel[p,q,c,f]   (the kernel is not flipped)

    Args:
        filters: output channels F.
        kernel_size, strides, dilation_rate: a whole number or (height, width).
        channels: input channels C.
        padding: "valid", "same" (Keras' rule: an odd zero goes to the bottom and right), or a number of zeros per side.
        groups: the channels and the filters are cut into this many blocks; block g of the output sees block g of the
            input alone.
        use_bias: add one number to each output channel.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first kernel (Glorot uniform, as Keras).

    Attributes:
        params, grads: dicts with "kernel" (k_h, k_w, C/groups, F) and "bias" (F,). Gradients are sums over the batch.

    Raises:
        TypeError, ValueError: for settings that do not fit together.
    """

    def __init__(
        self,
        filters,
        kernel_size,
        channels,
        strides=1,
        padding="valid",
        dilation_rate=1,
        groups=1,
        use_bias=True,
        dtype="float32",
        rng=None,
    ):
        self.filters = checks.positive_int("filters", filters)
        self.channels = checks.positive_int("channels", channels)
        self.kernel_size = as_pair("kernel_size", kernel_size)
        self.window = window_settings(strides, padding, dilation_rate, refuse_strided_dilation=True)
        self.groups = groups_of(groups, channels, filters)
        self.dtype = checks.float_dtype(dtype)
        self.shapes = {"kernel": (*self.kernel_size, channels // groups, filters)}
        self.params = {"kernel": glorot_uniform(self.shapes["kernel"], rng, self.dtype)}
        if use_bias:
            self.shapes["bias"] = (filters,)
            self.params["bias"] = np.zeros(filters, self.dtype)
        self.grads = {}
        self._cache = None

    def forward(self, x):
        """x (N, H, W, C) -> y (N, H_out, W_out, F).

        Raises:
            ValueError: for a wrong rank, number of channels, or an input smaller than the kernel.
            TypeError: for a dtype other than the layer's.
        """
        check_call(x, self.channels, self.params, self.shapes, self.dtype)
        kernel = self.params["kernel"]
        y = [convolve(x[..., c], kernel[..., f], **self.window) for c, f in self._blocks()]
        y = y[0] if self.groups == 1 else np.concatenate(y, axis=-1)
        if "bias" in self.params:
            y += self.params["bias"]
        self._cache = x, y.shape
        return y

    def backward(self, dy):
        """dy, of the output's shape -> dx, of the input's shape; leaves the gradients of `params` in `grads`.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit the output.
        """
        check_backward(self._cache, dy, self._cache and self._cache[1], self.dtype)
        x, kernel = self._cache[0], self.params["kernel"]
        dx, dkernel = np.empty_like(x), np.empty_like(kernel)
        for c, f in self._blocks():
            x_block, dy_block, block = x[..., c], dy[..., f], kernel[..., f]
            dkernel[..., f] = kernel_gradient(x_block, dy_block, block.shape, **self.window)
            dx[..., c] = input_gradient(dy_block, block, x_block.shape, **self.window)
        self.grads = {"kernel": dkernel}
        if "bias" in self.params:
            self.grads["bias"] = dy.sum(axis=(0, 1, 2))
        return dx

    def _blocks(self):
        """For each group: its slice of the input channels and its slice of the filters."""
        c, f = self.channels // self.groups, self.filters // self.groups
        return [(slice(g * c, (g + 1) * c), slice(g * f, (g + 1) * f)) for g in range(self.groups)]

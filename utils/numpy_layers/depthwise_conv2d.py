"""DepthwiseConv2D by hand: one small kernel per channel, no sum over channels – so no matrix product either."""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.conv_arithmetic import as_pair
from utils.numpy_layers.conv_setup import check_backward, check_call, glorot_uniform, window_settings
from utils.numpy_layers.im2col import geometry, pad


class DepthwiseConv2D:
    """Depthwise convolution layer, like `keras.layers.DepthwiseConv2D` without activation.

    y[n,i,j, c·M+m] = bias[c·M+m] + Σ_{p,q} x_padded[n, i·s+p·d, j·s+q·d, c] · depthwise_kernel[p,q,c,m]

    Args:
        kernel_size, strides, dilation_rate: a whole number or (height, width).
        channels: input channels C.
        padding: "valid", "same" or a number of zeros per side (as `Conv2D`).
        depth_multiplier: M, outputs per input channel; the layer has C·M output channels.
        use_bias: add one number to each output channel.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first kernel (Glorot uniform, as Keras).

    Attributes:
        params, grads: dicts with "depthwise_kernel" (k_h, k_w, C, M) and "bias" (C·M,).

    Raises:
        TypeError, ValueError: for settings that do not fit together.
    """

    def __init__(
        self,
        kernel_size,
        channels,
        strides=1,
        padding="valid",
        dilation_rate=1,
        depth_multiplier=1,
        use_bias=True,
        dtype="float32",
        rng=None,
    ):
        self.channels = checks.positive_int("channels", channels)
        self.depth_multiplier = checks.positive_int("depth_multiplier", depth_multiplier)
        self.kernel_size = as_pair("kernel_size", kernel_size)
        self.window = window_settings(strides, padding, dilation_rate, refuse_strided_dilation=False)
        self.dtype = checks.float_dtype(dtype)
        self.shapes = {"depthwise_kernel": (*self.kernel_size, channels, depth_multiplier)}
        self.params = {"depthwise_kernel": glorot_uniform(self.shapes["depthwise_kernel"], rng, self.dtype)}
        if use_bias:
            self.shapes["bias"] = (channels * depth_multiplier,)
            self.params["bias"] = np.zeros(channels * depth_multiplier, self.dtype)
        self.grads = {}
        self._cache = None

    def forward(self, x):
        """x (N, H, W, C) -> y (N, H_out, W_out, C·M).

        Raises:
            ValueError: for a wrong rank, number of channels, or an input smaller than the kernel.
            TypeError: for a dtype other than the layer's.
        """
        check_call(x, self.channels, self.params, self.shapes, self.dtype)
        kernel, M = self.params["depthwise_kernel"], self.depth_multiplier
        windows_at = geometry(x.shape, self.kernel_size, **self.window)
        out_h, out_w = windows_at.output
        x_padded = pad(x, windows_at.pads)
        y = np.zeros((len(x), out_h, out_w, self.channels, M), self.dtype)
        for n in range(len(x)):  # one image at a time stays in cache
            for p, q, rows, columns in windows_at.taps():
                for m in range(M):
                    y[n, :, :, :, m] += x_padded[n, rows, columns] * kernel[p, q, :, m]
        y = y.reshape(len(x), out_h, out_w, self.channels * M)
        if "bias" in self.params:
            y += self.params["bias"]
        self._cache = x_padded, x.shape, windows_at, y.shape
        return y

    def backward(self, dy):
        """dy, of the output's shape -> dx, of the input's shape; leaves the gradients of `params` in `grads`.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit the output.
        """
        check_backward(self._cache, dy, self._cache and self._cache[3], self.dtype)
        x_padded, (_, height, width, channels), windows_at, _ = self._cache
        kernel, M = self.params["depthwise_kernel"], self.depth_multiplier
        dy_by_channel = dy.reshape(*dy.shape[:3], channels, M)
        dkernel, dx_padded = np.zeros_like(kernel), np.zeros_like(x_padded)
        for n in range(len(dy)):
            for p, q, rows, columns in windows_at.taps():
                for m in range(M):
                    dy_m = dy_by_channel[n, :, :, :, m]
                    dkernel[p, q, :, m] += np.einsum("ijc,ijc->c", x_padded[n, rows, columns], dy_m)
                    dx_padded[n, rows, columns] += dy_m * kernel[p, q, :, m]
        self.grads = {"depthwise_kernel": dkernel}
        if "bias" in self.params:
            self.grads["bias"] = dy.sum(axis=(0, 1, 2))
        (top, _), (left, _) = windows_at.pads
        return dx_padded[:, top : top + height, left : left + width]

"""Conv2DTranspose by hand: the backward pass of a convolution, used as a forward pass."""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.conv_arithmetic import as_pair, transposed_output_size
from utils.numpy_layers.conv_products import convolve, input_gradient, kernel_gradient
from utils.numpy_layers.conv_setup import check_backward, check_call, glorot_uniform, window_settings


class Conv2DTranspose:
    """Transposed convolution layer, like `keras.layers.Conv2DTranspose` without activation.

    Each input position stamps the kernel, weighted by its channels, onto the output; overlapping stamps add up. It is
    the adjoint of the convolution with the same kernel (⟨conv(a), x⟩ = ⟨a, transpose(x)⟩), not its inverse: it
    restores the shape, not the values (Dumoulin & Visin 2016, §4.2).

    Args:
        filters: output channels F.
        kernel_size, strides, dilation_rate: a whole number or (height, width).
        channels: input channels C.
        padding: "valid", "same" (output = input × stride), or a whole number p (p rows are cut off each side).
        output_padding: None, or a whole number or pair below `strides`: extra rows and columns at the bottom and right.
        use_bias: add one number to each output channel.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first kernel (Glorot uniform, as Keras).

    Attributes:
        params, grads: dicts with "kernel" (k_h, k_w, F, C) – filters before channels, as in Keras – and "bias" (F,).

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
        output_padding=None,
        use_bias=True,
        dtype="float32",
        rng=None,
    ):
        self.filters = checks.positive_int("filters", filters)
        self.channels = checks.positive_int("channels", channels)
        self.kernel_size = as_pair("kernel_size", kernel_size)
        self.window = window_settings(strides, padding, dilation_rate, refuse_strided_dilation=True)
        self.output_padding = output_padding if isinstance(output_padding, (tuple, list)) else (output_padding,) * 2
        self._output_size((1, 1))  # refuses an output_padding that does not fit the stride now, not at the first image
        self.dtype = checks.float_dtype(dtype)
        self.shapes = {"kernel": (*self.kernel_size, filters, channels)}
        self.params = {"kernel": glorot_uniform(self.shapes["kernel"], rng, self.dtype)}
        if use_bias:
            self.shapes["bias"] = (filters,)
            self.params["bias"] = np.zeros(filters, self.dtype)
        self.grads = {}
        self._cache = None

    def forward(self, x):
        """x (N, H, W, C) -> y (N, H_out, W_out, F), sizes by `conv_arithmetic.transposed_output_size`.

        Raises:
            ValueError: for a wrong rank or number of channels.  TypeError: for a dtype other than the layer's.
        """
        check_call(x, self.channels, self.params, self.shapes, self.dtype)
        output_shape = (len(x), *self._output_size(x.shape[1:3]), self.filters)
        # The convolution in question goes from the *output* of this layer (F channels) to its input (C channels).
        y = input_gradient(x, self.params["kernel"], output_shape, **self.window)
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
        x = self._cache[0]
        self.grads = {"kernel": kernel_gradient(dy, x, self.shapes["kernel"], **self.window)}
        if "bias" in self.params:
            self.grads["bias"] = dy.sum(axis=(0, 1, 2))
        return convolve(dy, self.params["kernel"], **self.window)

    def _output_size(self, size):
        per_axis = zip(
            size,
            self.kernel_size,
            self.window["strides"],
            [self.window["padding"]] * 2,
            self.window["dilation_rate"],
            self.output_padding,
            strict=True,
        )
        return [transposed_output_size(*axis) for axis in per_axis]

"""SeparableConv2D by hand: a depthwise convolution, then a pointwise (1×1) convolution."""

from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.depthwise_conv2d import DepthwiseConv2D


class SeparableConv2D:
    """Depthwise separable convolution, like `keras.layers.SeparableConv2D` without activation.

    The depthwise step works in space (each channel alone), the pointwise step across channels (each pixel alone);
    nothing stands between them (Chollet 2017, §1.2 and §4.7).

    Args:
        filters: output channels F.
        kernel_size, strides, dilation_rate: of the depthwise step; a whole number or (height, width).
        channels: input channels C.
        padding: "valid", "same" or a number of zeros per side (as `Conv2D`).
        depth_multiplier: M, depthwise outputs per input channel.
        use_bias: one bias per filter, after the pointwise step. The depthwise step has none.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first kernels (Glorot uniform, as Keras).

    Attributes:
        params, grads: dicts with "depthwise_kernel" (k_h, k_w, C, M), "pointwise_kernel" (1, 1, C·M, F), "bias" (F,).

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
        depth_multiplier=1,
        use_bias=True,
        dtype="float32",
        rng=None,
    ):
        self.depthwise = DepthwiseConv2D(
            kernel_size, channels, strides, padding, dilation_rate, depth_multiplier, False, dtype, rng
        )
        self.pointwise = Conv2D(filters, 1, channels * depth_multiplier, use_bias=use_bias, dtype=dtype, rng=rng)
        self.params = self.depthwise.params | _renamed(self.pointwise.params)
        self.grads = {}

    def forward(self, x):
        """x (N, H, W, C) -> y (N, H_out, W_out, F). Raises as `DepthwiseConv2D.forward`."""
        # The reader may have replaced an array in `params`; the two steps must work with it.
        self.depthwise.params["depthwise_kernel"] = self.params["depthwise_kernel"]
        self.pointwise.params = {name.removeprefix("pointwise_"): self.params[name] for name in self._pointwise_names()}
        return self.pointwise.forward(self.depthwise.forward(x))

    def backward(self, dy):
        """dy (N, H_out, W_out, F) -> dx (N, H, W, C); leaves `grads`. Raises as `Conv2D.backward`."""
        dx = self.depthwise.backward(self.pointwise.backward(dy))
        self.grads = self.depthwise.grads | _renamed(self.pointwise.grads)
        return dx

    def _pointwise_names(self):
        return [name for name in self.params if name != "depthwise_kernel"]


def _renamed(arrays):
    return {"pointwise_kernel" if name == "kernel" else name: array for name, array in arrays.items()}

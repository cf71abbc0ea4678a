"""The definition of convolution, one multiplication at a time: slow, and the yardstick for everything faster."""

import numpy as np

from utils.numpy_layers.conv_arithmetic import as_pair, output_size, padding_amounts


def naive_conv2d(x, kernel, bias=None, strides=1, padding="valid", dilation_rate=1, groups=1):
    """Convolution by seven nested loops: slide, multiply, add.

    Args:
        x: shape (batch, height, width, channels).
        kernel: shape (k_h, k_w, channels/groups, filters).
        bias: shape (filters,) or None.
        strides, padding, dilation_rate, groups: as `conv2d.Conv2D`.

    Returns:
        y: shape (batch, out_h, out_w, filters).
    """
    batch, height, width, channels = x.shape
    k_h, k_w, channels_seen, filters = kernel.shape
    (s_h, s_w), (d_h, d_w) = as_pair("strides", strides), as_pair("dilation_rate", dilation_rate)
    pad_h = padding_amounts(height, k_h, s_h, padding, d_h)
    pad_w = padding_amounts(width, k_w, s_w, padding, d_w)
    x = np.pad(x, ((0, 0), pad_h, pad_w, (0, 0)))
    out_h = output_size(height, k_h, s_h, padding, d_h)
    out_w = output_size(width, k_w, s_w, padding, d_w)
    y = np.zeros((batch, out_h, out_w, filters), x.dtype)
    for n in range(batch):
        for i in range(out_h):
            for j in range(out_w):
                for f in range(filters):
                    first = f // (filters // groups) * channels_seen  # first input channel of this filter's group
                    total = y.dtype.type(0) if bias is None else bias[f]
                    for p in range(k_h):
                        for q in range(k_w):
                            for c in range(channels_seen):
                                pixel = x[n, i * s_h + p * d_h, j * s_w + q * d_w, first + c]
                                total = total + pixel * kernel[p, q, c, f]
                    y[n, i, j, f] = total
    return y

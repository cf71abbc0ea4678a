"""Windows as rows: im2col gathers them, col2im scatters them back (Chellapilla, Puri & Simard 2006)."""

from typing import NamedTuple

import numpy as np

from utils.numpy_layers.conv_arithmetic import as_pair, output_size, padding_amounts


class Geometry(NamedTuple):
    """Where the windows of one image lie; every field is a pair (along the height, along the width)."""

    kernel: tuple
    strides: tuple
    dilation: tuple
    pads: tuple  # ((top, bottom), (left, right))
    output: tuple

    def copies_nothing(self):
        """Whether every window is one pixel and every pixel is one window."""
        return (self.kernel, self.strides, self.pads) == ((1, 1), (1, 1), ((0, 0), (0, 0)))

    def taps(self):
        """For each weight position (p, q): the slices of the padded rows and columns that it meets."""
        for p in range(self.kernel[0]):
            for q in range(self.kernel[1]):
                starts = p * self.dilation[0], q * self.dilation[1]
                rows, columns = (
                    slice(start, start + stride * (windows - 1) + 1, stride)
                    for start, stride, windows in zip(starts, self.strides, self.output, strict=True)
                )
                yield p, q, rows, columns


def geometry(input_shape, kernel_size, strides=1, padding="valid", dilation_rate=1):
    """Geometry of the windows over images of shape (batch, height, width, channels).

    Raises:
        TypeError, ValueError: for settings that `conv_arithmetic` refuses.
    """
    if len(input_shape) != 4:
        raise ValueError(f"images have 4 axes (batch, height, width, channels), got shape {tuple(input_shape)}")
    kernel = as_pair("kernel_size", kernel_size)
    strides = as_pair("strides", strides)
    dilation = as_pair("dilation_rate", dilation_rate)
    axes = list(zip(input_shape[1:3], kernel, strides, dilation, strict=True))
    pads = tuple(padding_amounts(size, k, s, padding, d) for size, k, s, d in axes)
    output = tuple(output_size(size, k, s, padding, d) for size, k, s, d in axes)
    return Geometry(kernel, strides, dilation, pads, output)


def pad(x, pads):
    """`x` with zeros around height and width; `x` itself where there is nothing to add."""
    (top, bottom), (left, right) = pads
    if not (top or bottom or left or right):
        return x
    batch, height, width, channels = x.shape
    padded = np.zeros((batch, height + top + bottom, width + left + right, channels), x.dtype)
    padded[:, top : top + height, left : left + width] = x
    return padded


def im2col(x, kernel_size, strides=1, padding="valid", dilation_rate=1, out=None):
    """Write every window of `x` as one row of a matrix.

    Row (n, i, j) holds the window at output position (i, j) of image n, flattened in the order (k_h, k_w, channel):
    the order in which `kernel.reshape(-1, filters)` lies, so that a convolution is `im2col(x) @ kernel_matrix`.

    Args:
        x: images, shape (batch, height, width, channels).
        kernel_size, strides, dilation_rate: one whole number or (height, width).
        padding: "valid", "same" or a whole number (see `conv_arithmetic.padding_amounts`).
        out: array to write into, shape (≥ batch, out_h, out_w, k_h, k_w, channels); saves the allocation in a loop.

    Returns:
        matrix of shape (batch·out_h·out_w, k_h·k_w·channels). With a 1×1 kernel, stride 1 and no padding it is a
        view of `x`: nothing has to be copied.
    """
    windows_at = geometry(x.shape, kernel_size, strides, padding, dilation_rate)
    if windows_at.copies_nothing():
        return x.reshape(-1, x.shape[3])
    (k_h, k_w), (s_h, s_w), (d_h, d_w), pads, (out_h, out_w) = windows_at
    batch, channels = x.shape[0], x.shape[3]
    x = pad(x, pads)
    n, h, w, c = x.strides
    windows = np.lib.stride_tricks.as_strided(
        x,
        shape=(batch, out_h, out_w, k_h, k_w, channels),
        strides=(n, h * s_h, w * s_w, h * d_h, w * d_w, c),
        writeable=False,
    )
    if out is None:
        out = np.empty(windows.shape, x.dtype)
    out = out[:batch]
    out[...] = windows
    return out.reshape(batch * out_h * out_w, k_h * k_w * channels)


def col2im(cols, input_shape, kernel_size, strides=1, padding="valid", dilation_rate=1):
    """Add every row of `cols` back to where `im2col` took it from: the transpose of `im2col`.

    A pixel that several windows share receives the sum of what they hold. So col2im(im2col(x)) is *not* x: it is
    x times the number of windows over each pixel.

    Args:
        cols: matrix of shape (batch·out_h·out_w, k_h·k_w·channels).
        input_shape: (batch, height, width, channels) of the array to return.
        kernel_size, strides, padding, dilation_rate: as for `im2col`.

    Returns:
        array of shape `input_shape`.

    Raises:
        ValueError: if the shape of `cols` does not belong to `input_shape`.
    """
    batch, height, width, channels = input_shape
    windows_at = geometry(input_shape, kernel_size, strides, padding, dilation_rate)
    (k_h, k_w), _, _, ((top, bottom), (left, right)), (out_h, out_w) = windows_at
    expected = (batch * out_h * out_w, k_h * k_w * channels)
    if cols.shape != expected:
        raise ValueError(
            f"cols has shape {cols.shape}; for an input of shape {tuple(input_shape)} it must be {expected}"
        )
    if windows_at.copies_nothing():
        return cols.reshape(input_shape)
    cols = cols.reshape(batch, out_h, out_w, k_h, k_w, channels)
    x = np.zeros((batch, height + top + bottom, width + left + right, channels), cols.dtype)
    # One weight position at a time: its targets never overlap, so a plain += on a slice is a correct scatter.
    for p, q, rows, columns in windows_at.taps():
        x[:, rows, columns] += cols[:, :, :, p, q]
    return x[:, top : top + height, left : left + width]

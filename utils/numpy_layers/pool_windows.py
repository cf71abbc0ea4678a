"""What the pooling layers share: checked settings, windows side by side, and their gradients scattered back."""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.conv_arithmetic import as_pair
from utils.numpy_layers.im2col import geometry


def settings(pool_size, strides, padding):
    """How a pooling window slides, checked, as keyword arguments of `im2col.geometry`.

    Args:
        pool_size: a whole number or (height, width).
        strides: the same, or None for windows side by side: strides = pool_size.
        padding: "valid" or "same".

    Raises:
        TypeError, ValueError: for a size below 1 or an unknown padding.
    """
    if padding not in ("valid", "same"):
        raise ValueError(
            f"padding must be 'valid' or 'same', got {padding!r}; a pooling layer takes no number of zeros, "
            "since a border of zeros would be pooled like pixels"
        )
    return {
        "kernel_size": as_pair("pool_size", pool_size),
        "strides": as_pair("strides", pool_size if strides is None else strides),
        "padding": padding,
    }


def check_input(x, dtype):
    """Check a batch of images (batch, height, width, channels)."""
    checks.array("x", x, ("batch", "height", "width", "channels"), dtype)


def gather(x, window, fill):
    """All windows of `x`, one slice for each place in a window.

    Args:
        x: images (N, H, W, C).
        window: see `settings`.
        fill: value of the border that padding="same" adds.

    Returns:
        (windows, windows_at): array (k_h·k_w, N, H_out, W_out, C), places in reading order, and its `Geometry`.

    Raises:
        ValueError: if the window does not fit into the image.
    """
    windows_at = geometry(x.shape, **window)
    (top, bottom), (left, right) = windows_at.pads
    if top or bottom or left or right:
        x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    return np.stack([x[:, rows, columns] for _, _, rows, columns in windows_at.taps()]), windows_at


def scatter(windows, input_shape, windows_at):
    """The transpose of `gather`: a pixel receives the sum over all windows that hold it; the border is cut off.

    Args:
        windows: array (k_h·k_w, N, H_out, W_out, C).
        input_shape: (N, H, W, C).
        windows_at: the `Geometry` that `gather` returned.
    """
    batch, height, width, channels = input_shape
    (top, bottom), (left, right) = windows_at.pads
    x = np.zeros((batch, height + top + bottom, width + left + right, channels), windows.dtype)
    # One place in the window at a time: its targets never overlap, so a plain += on a slice is a correct scatter.
    for place, (_, _, rows, columns) in zip(windows, windows_at.taps(), strict=True):
        x[:, rows, columns] += place
    return x[:, top : top + height, left : left + width]


def members(input_shape, windows_at, dtype):
    """How many pixels of the image, not of the border, each window holds: array (1, H_out, W_out, 1)."""
    _, height, width, _ = input_shape
    (top, bottom), (left, right) = windows_at.pads
    inside = np.zeros((height + top + bottom, width + left + right), dtype)
    inside[top : top + height, left : left + width] = 1
    counts = sum(inside[rows, columns] for _, _, rows, columns in windows_at.taps())
    return counts[None, :, :, None]

"""Calculations on convolutions: one output by hand, sizes, padding, parameters, multiplications, receptive field."""

import numpy as np

from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers import conv_arithmetic as arithmetic
from utils.numpy_layers.conv2d import Conv2D

MULTIPLIER = 2  # outputs per channel of the depthwise layer in the linked set


def by_hand(rng):
    """One output of a 2×2 convolution over two channels, at row 0, column 1."""

    def draw(rng):
        x = rng.integers(1, 5, (3, 3, 2))
        kernel = rng.choice([-1, 1, 2, 3], (2, 2, 2))
        parts = [np.sum(x[:2, 1:, c] * kernel[:, :, c]) for c in range(2)]
        y = _convolve(x, kernel)
        return Problem(
            values={
                "arrays": _side_by_side(
                    {
                        "x[:,:,0]": x[:, :, 0],
                        "x[:,:,1]": x[:, :, 1],
                        "K[:,:,0]": kernel[:, :, 0],
                        "K[:,:,1]": kernel[:, :, 1],
                    }
                ),
                "first": int(parts[0]),
                "second": int(parts[1]),
                "first_products": _products(x[:2, 1:, 0], kernel[:, :, 0]),
                "second_products": _products(x[:2, 1:, 1], kernel[:, :, 1]),
            },
            answer=int(y[0, 1]),
            mistakes={
                "kernel_flipped": int(_convolve(x, kernel[::-1, ::-1])[0, 1]),
                "one_channel": int(parts[0]),
                "other_channel": int(parts[1]),
                "row_and_column_swapped": int(y[1, 0]),
            },
        )

    return distinct(rng, draw)


def _convolve(x, kernel):
    """Output (rows, columns) of a convolution with one filter, by the tested layer."""
    layer = Conv2D(1, kernel.shape[:2], x.shape[2], use_bias=False, dtype="float64")
    layer.params["kernel"] = kernel[..., None].astype("float64")
    return layer.forward(x[None].astype("float64"))[0, :, :, 0]


def _products(window, kernel):
    return " + ".join(f"{a} \\cdot {b if b >= 0 else f'({b})'}" for a, b in zip(window.flat, kernel.flat, strict=True))


def _side_by_side(matrices, gap="      "):
    """Named matrices of small whole numbers as lines of text."""
    blocks = [[name, *(" ".join(f"{n:2d}" for n in row) for row in matrix)] for name, matrix in matrices.items()]
    lines = []
    for i in range(max(len(block) for block in blocks)):
        texts = [(block[i] if i < len(block) else "").ljust(max(map(len, block))) for block in blocks]
        lines.append(gap.join(texts).rstrip())
    return "\n".join(lines)


def _network_questions(rng):
    """The four questions of the linked set on one drawn network: name -> Problem."""
    size, channels, k = int(rng.integers(40, 65)), 3, int(rng.choice([5, 7]))
    p, d, m = int(rng.choice([1, 2])), int(rng.choice([2, 3])), MULTIPLIER
    filters, last = int(rng.choice([8, 12, 16, 24])), int(rng.choice([32, 40, 48, 64]))
    after_conv = arithmetic.output_size(size, k, 2, p)
    after_pool = arithmetic.output_size(after_conv, 3, 2)
    out = arithmetic.output_size(after_pool, 3, 1, "valid", d)
    deep, span = filters * m, arithmetic.effective_kernel_size(3, d)
    conv = arithmetic.conv2d_parameters(k, channels, filters)
    depthwise = arithmetic.depthwise_conv2d_parameters(3, filters, m)
    pointwise = arithmetic.conv2d_parameters(1, deep, last)
    depthwise_macs = arithmetic.depthwise_conv2d_macs(out, 3, filters, m)
    pointwise_macs = arithmetic.conv2d_macs(out, 1, deep, last)
    values = {"size": size, "c": channels, "k": k, "p": p, "f": filters, "last": last, "d": d, "m": m, "deep": deep}
    values |= {"after_conv": after_conv, "after_pool": after_pool, "out": out, "span": span}
    values |= {"conv": _in_math(conv), "depthwise": _in_math(depthwise), "pointwise": _in_math(pointwise)}
    values |= {"depthwise_macs": _in_math(depthwise_macs), "pointwise_macs": _in_math(pointwise_macs)}

    def shrunk(padded=2 * p, half=lambda a: a // 2, last_span=span):
        return half(half(size + padded - k) + 1 - 3) + 1 - last_span + 1

    def field(stride=2, dilation=d):
        return arithmetic.receptive_fields([(k, stride), (3, stride), (3, 1, dilation), (1, 1)])[-1]

    return {
        "size": Problem(
            values,
            out,
            {
                "rounded_up": shrunk(half=lambda a: -(-a // 2)),
                "dilation_ignored": shrunk(last_span=3),
                "padded_once": shrunk(padded=p),
            },
        ),
        "parameters": Problem(
            values,
            conv + depthwise + pointwise,
            {
                "no_bias": conv + depthwise + pointwise - filters - deep - last,
                "depthwise_as_conv": conv + arithmetic.conv2d_parameters(3, filters, deep) + pointwise,
                "multiplier_forgotten": conv + depthwise + arithmetic.conv2d_parameters(1, filters, last),
            },
        ),
        "macs": Problem(
            values,
            depthwise_macs + pointwise_macs,
            {
                "holes_counted": arithmetic.depthwise_conv2d_macs(out, span, filters, m) + pointwise_macs,
                "input_positions": arithmetic.depthwise_conv2d_macs(after_pool, 3, filters, m) + pointwise_macs,
                "depthwise_as_conv": arithmetic.conv2d_macs(out, 3, filters, deep) + pointwise_macs,
            },
        ),
        "field": Problem(
            values,
            field(),
            {
                "strides_ignored": field(stride=1),
                "dilation_ignored": field(dilation=1),
                "own_stride_counted": 1 + 2 * (k - 1) + 4 * (3 - 1) + 4 * (span - 1),
            },
        ),
    }


def _in_math(number):
    """A number for a formula: 1,216 without the space that follows a comma there."""
    return f"{number:,}".replace(",", "{,}")


def network_output_size(rng):
    """Height of the last feature map of the network of the linked set."""
    return linked(rng, _network_questions, "size")


def network_parameters(rng):
    """Trainable parameters of the same network."""
    return linked(rng, _network_questions, "parameters")


def network_macs(rng):
    """Multiplications of its last two layers."""
    return linked(rng, _network_questions, "macs")


def network_receptive_field(rng):
    """Receptive field of its output."""
    return linked(rng, _network_questions, "field")


def same_padding(rng):
    """Rows of zeros (above, below) that Keras' padding="same" adds."""

    def draw(rng):
        size, k, s = int(rng.integers(8, 25)), int(rng.integers(4, 7)), int(rng.integers(2, 4))
        before, after = arithmetic.padding_amounts(size, k, s, "same")
        windows = arithmetic.output_size(size, k, s, "same")
        return Problem(
            values={
                "size": size,
                "k": k,
                "s": s,
                "windows": windows,
                "needed": (windows - 1) * s + k,
                "total": before + after,
                "stride_one": k - 1,
            },
            answer=(before, after),
            mistakes={
                "extra_above": (after, before),
                "stride_ignored": arithmetic.padding_amounts(size, k, 1, "same"),
                "total_on_each_side": (before + after, before + after),
            },
        )

    return distinct(rng, draw)


def mobilenet_ratio(rng):
    """Multiplications of a depthwise separable convolution, as a share of those of a standard one."""

    def draw(rng):
        size = int(rng.choice([14, 28, 56]))
        channels, filters = (int(n) for n in rng.choice([16, 24, 32, 48, 64, 96, 128], 2, replace=False))
        k = int(rng.choice([3, 5]))
        separable = arithmetic.separable_conv2d_macs(size, k, channels, filters)
        standard = arithmetic.conv2d_macs(size, k, channels, filters)
        return Problem(
            values={
                "size": size,
                "channels": channels,
                "filters": filters,
                "k": k,
                "area": k * k,
                "separable": f"{separable:,}",
                "standard": f"{standard:,}",
            },
            answer=separable / standard,
            mistakes={
                "depthwise_alone": 1 / k**2,
                "input_channels": 1 / channels + 1 / k**2,
                "multiplied": 1 / (filters * k**2),
            },
        )

    return distinct(rng, draw, format="{:.3f}")


def transposed_size(rng):
    """Output size of a transposed convolution with padding p."""

    def draw(rng):
        size, k, s, p = (
            int(rng.integers(5, 15)),
            int(rng.integers(3, 6)),
            int(rng.integers(2, 4)),
            int(rng.choice([1, 2])),
        )
        return Problem(
            values={"size": size, "k": k, "s": s, "p": p, "steps": size - 1},
            answer=arithmetic.transposed_output_size(size, k, s, p),
            mistakes={
                "convolution": arithmetic.output_size(size, k, s, p),
                "one_stamp_too_many": s * size + k - 2 * p,
                "padding_added": s * (size - 1) + k + 2 * p,
            },
        )

    return distinct(rng, draw)

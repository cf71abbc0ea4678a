"""Calculations on classic networks: a layer table line by line, stacked kernels, inception, pooling both ways."""

import numpy as np

from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers import conv_arithmetic as arithmetic
from utils.numpy_layers.pooling import AveragePooling2D, LpPooling2D, MaxPooling2D


def _table_questions(rng):
    """The four questions of the linked set on one drawn layer table: name -> Problem."""
    k, s = (11, 4) if rng.integers(2) else (7, 2)
    size = int(rng.integers(20, 34)) * s + k - s  # conv1 fits without a remainder, as a table should
    p = 2
    first, second = int(rng.choice([32, 48, 64, 96])), int(rng.choice([64, 96, 128, 192]))
    units = int(rng.choice([256, 512, 1024]))
    conv1 = arithmetic.output_size(size, k, s)
    pool1 = arithmetic.output_size(conv1, 3, 2)
    conv2 = arithmetic.output_size(pool1, 5, 1, p)
    out = arithmetic.output_size(conv2, 3, 2)
    features = out * out * second
    values = {"size": size, "k": k, "s": s, "p": p, "first": first, "second": second, "units": units}
    values |= {"conv1": conv1, "pool1": pool1, "conv2": conv2, "out": out, "features": _in_math(features)}
    values |= {"kernel": _in_math(25 * first * second), "unpadded": pool1 - 4}

    def shrunk(padding=p, half=lambda a: a // 2):
        """The last map, with another padding of conv2 or another rounding of the poolings."""
        return half(half(conv1 - 3) + 1 + 2 * padding - 5 + 1 - 3) + 1

    return {
        "size": Problem(
            values,
            out,
            {
                "padding_forgotten": shrunk(padding=0),
                "padded_once": shrunk(padding=p // 2),
                "rounded_up": shrunk(half=lambda a: -(-a // 2)),
            },
        ),
        "dense": Problem(
            values,
            features * units + units,
            {
                "no_bias": features * units,
                "one_map": out * out * units + units,
                "side_once": out * second * units + units,
            },
        ),
        "macs": Problem(
            values,
            arithmetic.conv2d_macs(conv2, 5, first, second),
            {
                "after_pool": arithmetic.conv2d_macs(out, 5, first, second),
                "one_channel": arithmetic.conv2d_macs(conv2, 5, 1, second),
                "weights_only": 25 * first * second,
            },
        ),
        "gap": Problem(
            values,
            second * units + units,
            {
                "flattened": features * units + units,
                "positions": out * out * units + units,
                "pooling_learns": (second + 1) * units + second,
            },
        ),
    }


def _in_math(number):
    """A number for a formula: 1,216 without the space that follows a comma there."""
    return f"{number:,}".replace(",", "{,}")


def table_size(rng):
    """Side of the last map of the table of the linked set."""
    return linked(rng, _table_questions, "size")


def table_dense(rng):
    """Parameters of the dense layer behind Flatten."""
    return linked(rng, _table_questions, "dense")


def table_macs(rng):
    """Multiplications of conv2."""
    return linked(rng, _table_questions, "macs")


def table_gap(rng):
    """Parameters of the dense layer behind global average pooling."""
    return linked(rng, _table_questions, "gap")


def stacked_kernels(rng):
    """Weights of n stacked 3×3 layers, and of the one layer that sees as far."""

    def draw(rng):
        n, channels = int(rng.integers(2, 5)), int(rng.choice([32, 48, 64, 96, 128]))
        side = arithmetic.receptive_fields([(3, 1)] * n)[-1]

        def weights(k, c=channels):
            return arithmetic.conv2d_parameters(k, c, c, use_bias=False)

        return Problem(
            values={"n": n, "channels": channels, "side": side, "area": side**2, "nine": 9 * n},
            answer=(n * weights(3), weights(side)),
            mistakes={
                "sides_added": (n * weights(3), weights(3 * n)),
                "one_layer": (weights(3), weights(side)),
                "channels_once": (n * 9 * channels, side**2 * channels),
            },
        )

    return distinct(rng, draw, format="{0[0]:,} {0[1]:,}")


def reduced_branch(rng):
    """Multiplications of a 1×1 convolution that reduces the channels and the 5×5 convolution behind it."""

    def draw(rng):
        size = int(rng.choice([14, 28]))
        channels = int(rng.choice([192, 256, 480, 512]))
        reduced, filters = int(rng.choice([16, 24, 32])), int(rng.choice([48, 64, 96, 128]))
        reduce = arithmetic.conv2d_macs(size, 1, channels, reduced)
        wide = arithmetic.conv2d_macs(size, 5, reduced, filters)
        direct = arithmetic.conv2d_macs(size, 5, channels, filters)
        return Problem(
            values={
                "size": size,
                "channels": channels,
                "reduced": reduced,
                "filters": filters,
                "reduce": _in_math(reduce),
                "wide": _in_math(wide),
                "direct": _in_math(direct),
                "times": f"{direct / (reduce + wide):.1f}",
            },
            answer=reduce + wide,
            mistakes={
                "not_reduced": direct,
                "reduction_free": wide,
                "both_5x5": arithmetic.conv2d_macs(size, 5, channels, reduced) + wide,
            },
        )

    return distinct(rng, draw)


def inception_channels(rng):
    """Output channels of an inception module."""

    def draw(rng):
        channels = int(rng.choice([192, 256, 480, 512]))
        ones, threes, fives, pool = (
            int(rng.choice(options))
            for options in ([64, 96, 128, 160], [128, 192, 208, 224], [32, 48, 64, 96], [32, 64, 80])
        )
        before3, before5 = int(rng.choice([96, 104, 112])), int(rng.choice([16, 24, 40]))
        values = {"channels": channels, "ones": ones, "threes": threes, "fives": fives, "pool": pool}
        values |= {"before3": before3, "before5": before5}
        total = ones + threes + fives + pool
        return Problem(
            values,
            total,
            {
                "reductions_counted": total + before3 + before5,
                "input_kept": ones + threes + fives + channels,
                "added": max(ones, threes, fives, pool),
            },
        )

    return distinct(rng, draw)


def lp_value(rng):
    """Lp pooling of one window, with p = 3 and a negative number in it."""

    def draw(rng):
        window = rng.integers(1, 9, (2, 2)).astype("float64")
        window.flat[rng.integers(4)] *= -1
        layer = LpPooling2D(2, p=3, dtype="float64")
        value = layer.forward(window[None, :, :, None]).item()
        cubes = np.abs(window) ** 3
        signed = np.cbrt(np.mean(window**3))
        return Problem(
            values={
                "window": "\n".join("  ".join(f"{n:2.0f}" for n in row) for row in window),
                "cubes": " + ".join(f"{n:.0f}" for n in cubes.flat),
                "mean": f"{cubes.mean():.2f}",
            },
            answer=value,
            mistakes={
                "sign_kept": float(signed),
                "sum": float(np.cbrt(cubes.sum())),
                "average": float(np.abs(window).mean()),
                "no_root": float(cubes.mean()),
            },
        )

    return distinct(rng, draw, format="{:.2f}")


def max_backward(rng):
    """The gradient of the middle pixel of a 3×3 map under 2×2 max pooling with stride 1."""

    def draw(rng):
        while True:
            x = rng.permutation(9).reshape(3, 3).astype("float64") + 1
            layer = MaxPooling2D(2, 1, dtype="float64")
            y = layer.forward(x[None, :, :, None])[0, :, :, 0]
            wins = y == x[1, 1]
            if 2 <= wins.sum() <= 3:
                break
        dy = rng.permutation(np.arange(1, 10))[:4].reshape(2, 2).astype("float64")
        dx = layer.backward(dy[None, :, :, None])[0, :, :, 0]
        mean = AveragePooling2D(2, 1, dtype="float64")
        mean.forward(x[None, :, :, None])
        average = mean.backward(dy[None, :, :, None])[0, 1, 1, 0]
        return Problem(
            values={
                "arrays": _side_by_side({"x": x, "dy": dy}),
                "terms": " + ".join(f"{n:g}" for n in dy[wins]),
                "count": int(wins.sum()),
                "middle": f"{x[1, 1]:g}",
            },
            answer=dx[1, 1],
            mistakes={
                "every_window": dy.sum(),
                "overwritten": dy[wins][-1],
                "averaged": average,
                "value_passed": x[1, 1],
            },
        )

    return distinct(rng, draw, format="{:g}")


def _side_by_side(matrices, gap="      "):
    """Named matrices of small whole numbers as lines of text."""
    blocks = [[name, *(" ".join(f"{n:2.0f}" for n in row) for row in matrix)] for name, matrix in matrices.items()]
    lines = []
    for i in range(max(len(block) for block in blocks)):
        texts = [(block[i] if i < len(block) else "").ljust(max(map(len, block))) for block in blocks]
        lines.append(gap.join(texts).rstrip())
    return "\n".join(lines)


def softmax_floor(rng):
    """The lowest loss that a network can reach whose probabilities are taken for logits."""

    def draw(rng):
        classes = int(rng.choice([2, 3, 4, 5, 8, 10, 20, 100]))
        return Problem(
            values={"classes": classes, "others": classes - 1},
            answer=float(np.log(np.e + classes - 1) - 1),
            mistakes={
                "logits_assumed": 0.0,
                "chance": float(np.log(classes)),
                "no_logarithm": float((np.e + classes - 1) / np.e),
            },
        )

    return distinct(rng, draw, format="{:.3f}")

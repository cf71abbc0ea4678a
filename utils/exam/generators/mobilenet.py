"""Calculations on light networks: the inverted residual, saved sizes, the width multiplier, time, leakage, chance."""

import math

from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers import conv_arithmetic as arithmetic

CHANNELS = ((16, 24), (24, 32), (32, 64), (64, 96), (96, 160))  # k and k' of a block that narrows the map


def _block_questions(rng):
    """Weights, multiplications and values kept for one inverted residual: name -> Problem."""
    k, last = CHANNELS[int(rng.integers(len(CHANNELS)))]
    size, t, s, kernel = int(rng.choice([14, 28, 56])), int(rng.choice([4, 6])), 2, 3
    wide, out = t * k, arithmetic.output_size(size, kernel, s, "same")

    def weights(inside, depthwise, into):
        return k * inside + depthwise + into * last

    def macs(first, second, depthwise=None):
        depthwise = arithmetic.depthwise_conv2d_macs(second, kernel, wide) if depthwise is None else depthwise
        return arithmetic.conv2d_macs(first, 1, k, wide) + depthwise + arithmetic.conv2d_macs(second, 1, wide, last)

    nine = arithmetic.depthwise_conv2d_parameters(kernel, wide, use_bias=False)
    parts = [arithmetic.conv2d_macs(size, 1, k, wide), arithmetic.depthwise_conv2d_macs(out, kernel, wide)]
    parts.append(arithmetic.conv2d_macs(out, 1, wide, last))
    values = {"size": size, "k": k, "t": t, "last": last, "wide": wide, "out": out}
    values |= {"expand": _in_math(k * wide), "nine": _in_math(nine), "project": _in_math(wide * last)}
    values |= {"expand_macs": _in_math(parts[0]), "depth_macs": _in_math(parts[1]), "project_macs": _in_math(parts[2])}
    return {
        "weights": Problem(
            values,
            weights(wide, nine, wide),
            {
                "depthwise_as_standard": weights(wide, kernel**2 * wide * wide, wide),
                "depthwise_on_k": weights(wide, kernel**2 * k, wide),
                "projection_from_k": weights(wide, nine, k),
            },
        ),
        "macs": Problem(
            values,
            sum(parts),
            {
                "stride_ignored": macs(size, size),
                "stride_too_early": macs(out, out),
                "depthwise_as_standard": macs(size, out, arithmetic.conv2d_macs(out, kernel, wide, wide)),
            },
        ),
        "kept": Problem(
            values,
            size * size * wide + out * out * wide,
            {
                "narrow_ends": size * size * k + out * out * last,
                "one_of_two": size * size * wide,
                "stride_ignored": 2 * size * size * wide,
            },
        ),
    }


def block_weights(rng):
    """Weights of the three convolutions of a block with stride 2."""
    return linked(rng, _block_questions, "weights")


def block_macs(rng):
    """Multiplications of the same block."""
    return linked(rng, _block_questions, "macs")


def block_kept(rng):
    """Values in the two wide maps of the same block."""
    return linked(rng, _block_questions, "kept")


def saved_size(rng):
    """Size of a file with the float32 weights of a network and Adam's two moments, in MB."""

    def draw(rng):
        millions = int(rng.choice([3, 5, 8, 12, 25, 44, 60]))
        return Problem(
            values={"millions": millions, "weights": 4 * millions},
            answer=12 * millions,
            mistakes={"weights_alone": 4 * millions, "one_slot": 8 * millions, "gradients_too": 16 * millions},
        )

    return distinct(rng, draw)


def width_multiplier(rng):
    """Multiplications of a depthwise separable layer in a network with width multiplier alpha."""

    def draw(rng):
        size, channels = int(rng.choice([14, 28, 56])), int(rng.choice([64, 128, 256]))
        filters, alpha = channels * int(rng.choice([1, 2])), float(rng.choice([0.25, 0.5, 0.75]))
        thin = int(alpha * channels), int(alpha * filters)
        whole = arithmetic.separable_conv2d_macs(size, 3, channels, filters)
        depthwise = arithmetic.depthwise_conv2d_macs(size, 3, thin[0])
        pointwise = arithmetic.conv2d_macs(size, 1, *thin)
        values = {"size": size, "channels": channels, "filters": filters, "alpha": alpha}
        values |= {"thin": thin[0], "thin_filters": thin[1]}
        values |= {"depthwise": _in_math(depthwise), "pointwise": _in_math(pointwise)}
        return Problem(
            values=values,
            answer=depthwise + pointwise,
            mistakes={
                "once": round(alpha * whole),
                "squared": round(alpha**2 * whole),
                "filters_alone": arithmetic.separable_conv2d_macs(size, 3, channels, thin[1]),
            },
        )

    return distinct(rng, draw)


def time_ratio(rng):
    """How many times as long one network takes as another, from their MACs and the rates that they reach."""

    def draw(rng):
        small, times = int(rng.choice([100, 200, 300])), int(rng.choice([30, 40, 60, 80, 120]))
        slow, faster = int(rng.choice([5, 8, 10])), int(rng.choice([3, 4, 5, 6]))
        values = {"small": small, "large": f"{small * times / 1000:g}", "slow": slow, "fast": slow * faster}
        values |= {"times": times, "faster": faster}
        mistakes = {"macs_alone": times, "wrong_way": times * faster, "rates_alone": faster}
        return Problem(values, times / faster, mistakes)

    return distinct(rng, draw, format="{:g}")


def twin_in_training(rng):
    """Chance (%) that a test picture has a version of itself in the training part: copied before the split."""

    def draw(rng):
        copies, test = int(rng.choice([3, 4])), float(rng.choice([0.1, 0.2, 0.25, 0.3]))
        others = copies - 1
        return Problem(
            values={"copies": copies, "others": others, "percent": round(100 * test), "test": test},
            answer=100 * (1 - test**others),
            mistakes={
                "one_other": 100 * (1 - test),
                "all_others": 100 * (1 - test) ** others,
                "independent": 100 * test,
            },
        )

    return distinct(rng, draw, format="{:.1f}")


def loss_of_chance(rng):
    """Cross-entropy of a network that gives the same probability to every class."""

    def draw(rng):
        classes = int(rng.choice([3, 4, 5, 6, 8, 12, 20, 50]))
        mistakes = {"log_2": math.log2(classes), "share_wrong": 1 - 1 / classes, "inverted": 1 / classes}
        return Problem({"classes": classes}, math.log(classes), mistakes)

    return distinct(rng, draw, format="{:.2f}")


def _in_math(number):
    """A number for a formula: 1,216 without the space that follows a comma there."""
    return f"{number:,}".replace(",", "{,}")

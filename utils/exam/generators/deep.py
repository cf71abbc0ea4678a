"""Calculations on deep networks: depth and shortcuts of a ResNet, weights of its blocks, channels of a DenseNet."""

from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers import conv_arithmetic as arithmetic

FIRST, EXPANSION = 64, 4  # channels behind the stem; a bottleneck's output against its 3×3 layer
GROWTH_BOTTLENECK = 4  # the 1×1 convolution of a dense layer gives 4k channels


def _weights(*layers, groups=1):
    """Weights of convolutions without bias, (kernel, input, output channels) each."""
    return sum(arithmetic.conv2d_parameters(k, c, f, groups=groups, use_bias=False) for k, c, f in layers)


def _resnet_questions(rng):
    """The three questions of the linked set on one drawn ResNet: name -> Problem."""
    stages = sorted(int(n) for n in rng.integers(2, 9, 4))
    stages = [stages[0], stages[2], stages[3], stages[1]]  # the third stage is the longest, as in the paper's
    size = 32 * int(rng.choice([5, 6, 8, 9]))
    blocks, squeezed, wide = sum(stages), 8 * FIRST, 8 * FIRST * EXPANSION
    values = {"a": stages[0], "b": stages[1], "c": stages[2], "d": stages[3], "size": size, "blocks": blocks}
    values |= {"m": squeezed, "wide": wide, "inner": _in_math(9 * squeezed**2), "outer": _in_math(squeezed * wide)}
    block = _weights((1, wide, squeezed), (3, squeezed, squeezed), (1, squeezed, wide))
    return {
        "depth": Problem(
            values,
            3 * blocks + 2,
            {"ends_forgotten": 3 * blocks, "basic_blocks": 2 * blocks + 2, "projections_counted": 3 * blocks + 6},
        ),
        "identity": Problem(
            values,
            blocks - 4,
            {"all_identity": blocks, "first_stage_identity": blocks - 3, "stages_only": 4},
        ),
        "weights": Problem(
            values,
            block,
            {
                "two_wide": _weights((3, wide, wide), (3, wide, wide)),
                "all_three_by_three": _weights((3, wide, squeezed), (3, squeezed, squeezed), (3, squeezed, wide)),
                "widening_forgotten": _weights((1, wide, squeezed), (3, squeezed, squeezed)),
            },
        ),
    }


def resnet_depth(rng):
    """Layers with weights on the longest path of the ResNet of the linked set."""
    return linked(rng, _resnet_questions, "depth")


def resnet_identity_shortcuts(rng):
    """How many of its shortcuts are the identity (option B)."""
    return linked(rng, _resnet_questions, "identity")


def resnet_block_weights(rng):
    """Weights of a bottleneck of its last stage, an identity block."""
    return linked(rng, _resnet_questions, "weights")


def _dense_questions(rng):
    """The three questions of the linked set on one drawn DenseNet."""
    start, k = 2 * int(rng.integers(8, 21)), int(rng.choice([8, 12, 16, 24]))
    first, second = int(rng.integers(4, 8)), int(rng.integers(8, 13))
    before = start + first * k
    after = before // 2
    end = after + second * k
    reads = after + (second - 1) * k
    inner = GROWTH_BOTTLENECK * k
    values = {"start": start, "k": k, "first": first, "second": second, "before": before, "after": after}
    values |= {"reads": reads, "inner": inner, "earlier": second - 1, "previous": first + second}
    layer = _weights((1, reads, inner), (3, inner, k))
    return {
        "channels": Problem(
            values,
            end,
            {
                "transition_forgotten": before + second * k,
                "added": after,
                "transition_at_end": end // 2,
            },
        ),
        "weights": Problem(
            values,
            layer,
            {
                "reads_its_output": _weights((1, end, inner), (3, inner, k)),
                "reads_previous_only": _weights((1, k, inner), (3, inner, k)),
                "no_bottleneck": _weights((3, reads, k)),
            },
        ),
        "connections": Problem(
            values,
            second * (second + 1) // 2,
            {"chain": second, "pairs_of_layers": second * (second - 1) // 2, "square": second * second},
        ),
    }


def dense_channels(rng):
    """Channels that leave the second dense block."""
    return linked(rng, _dense_questions, "channels")


def dense_layer_weights(rng):
    """Weights of the last dense layer of the second block."""
    return linked(rng, _dense_questions, "weights")


def dense_connections(rng):
    """Direct connections within the second block."""
    return linked(rng, _dense_questions, "connections")


def grouped_bottleneck(rng):
    """Weights of a ResNeXt block."""

    def draw(rng):
        groups, d = int(rng.choice([8, 16, 32, 64])), int(rng.choice([4, 8, 16]))
        channels = int(rng.choice([256, 512, 1024]))
        m = groups * d
        outer = _weights((1, channels, m), (1, m, channels))
        grouped = _weights((3, m, m), groups=groups)
        return Problem(
            values={
                "groups": groups,
                "d": d,
                "channels": channels,
                "m": m,
                "outer": _in_math(channels * m),
                "grouped": _in_math(grouped),
            },
            answer=outer + grouped,
            mistakes={
                "groups_ignored": outer + _weights((3, m, m)),
                "one_path": _weights((1, channels, d), (3, d, d), (1, d, channels)),
                "divided_twice": outer + grouped // groups,
            },
        )

    return distinct(rng, draw)


def wide_resnet_name(rng):
    """(blocks in a stage, channels of the last stage) of a WRN, from its name."""

    def draw(rng):
        blocks, k = int(rng.integers(2, 8)), int(rng.choice([2, 4, 6, 8, 10, 12]))
        depth = 6 * blocks + 4
        return Problem(
            values={"depth": depth, "k": k, "total": 3 * blocks},
            answer=(blocks, 64 * k),
            mistakes={
                "all_blocks": (3 * blocks, 64 * k),
                "first_stage": (blocks, 16 * k),
                "width_is_layers": (blocks, 64),
                "one_convolution_a_block": (2 * blocks, 64 * k),
            },
        )

    return distinct(rng, draw)


def pyramid_channels(rng):
    """Channels of block k in an additive PyramidNet."""

    def draw(rng):
        step, blocks = int(rng.integers(3, 10)), 3 * int(rng.integers(3, 9))
        alpha, number = step * blocks, int(rng.integers(4, blocks - 1))
        return Problem(
            values={"alpha": alpha, "blocks": blocks, "number": number, "step": step},
            answer=16 + number * step,
            mistakes={
                "one_step_less": 16 + (number - 1) * step,
                "start_forgotten": number * step,
                "last_block": 16 + alpha,
                "alpha_each_block": 16 + number * alpha,
            },
        )

    return distinct(rng, draw)


def _in_math(number):
    """A number for a formula: 1,216 without the space that follows a comma there."""
    return f"{number:,}".replace(",", "{,}")

"""Calculations on WaveNet and PixelCNN: receptive fields, layers, queues, weights, μ-law, masks."""

import numpy as np

from utils.audio import mu_law
from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers.causal_conv1d import CausalConv1D, receptive_field


def _stack_questions(rng):
    """The linked set on one drawn stack: name -> Problem."""
    layers, kernel_size = int(rng.integers(4, 9)), int(rng.integers(2, 4))
    dilations = [2**i for i in range(layers)]
    k, total = kernel_size, sum(dilations)
    field = receptive_field(dilations, kernel_size)
    values = {"layers": layers, "k": k, "taps_before": k - 1, "last": dilations[-1], "total": total, "field": field}
    return {
        "field": Problem(
            values,
            field,
            {
                "without_itself": (k - 1) * total,
                "kernel_size_times_sum": 1 + k * total,
                "no_dilation": 1 + (k - 1) * layers,
                "last_layer_only": 1 + (k - 1) * dilations[-1],
            },
        ),
        "plain_layers": Problem(
            values,
            (field - 1) // (k - 1),
            {
                "one_field_a_layer": field,
                "two_layers_fewer": (field - 1) // (k - 1) - 2,
                "same_number": layers,
                "largest_dilation": dilations[-1],
            },
        ),
        "queues": Problem(
            values,
            (k - 1) * total,
            {
                "one_a_layer": (k - 1) * layers,
                "the_whole_field_each": layers * field,
                "last_queue": (k - 1) * dilations[-1],
            },
        ),
    }


def stack_field(rng):
    """Receptive field of a stack whose dilations double."""
    return linked(rng, _stack_questions, "field")


def stack_plain_layers(rng):
    """Layers without dilation that would see as much."""
    return linked(rng, _stack_questions, "plain_layers")


def stack_queues(rng):
    """Vectors that the queues of cached generation hold."""
    return linked(rng, _stack_questions, "queues")


def repeated_field(rng):
    """Receptive field of a cycle of dilations that is repeated, with kernel size 2."""

    def draw(rng):
        layers, times = int(rng.integers(5, 11)), int(rng.integers(2, 5))
        cycle = [2**i for i in range(layers)]
        one = receptive_field(cycle)
        return Problem(
            values={"layers": layers, "times": times, "last": cycle[-1], "one": one, "sum": one - 1},
            answer=receptive_field(cycle * times),
            mistakes={
                "product": one * times,
                "power": one**times,
                "repeated_for_nothing": one,
                "last_only": times * cycle[-1],
            },
        )

    return distinct(rng, draw, format="{:,}")


def block_weights(rng):
    """Weights and biases of one block of WaveNet with kernel size 2."""

    def draw(rng):
        C, S, d = (int(rng.choice(sizes)) for sizes in ((16, 24, 32, 48), (32, 64, 96, 128), (4, 8, 16, 32)))
        conv = CausalConv1D(2 * C, 2, C, d)
        dilated = sum(p.size for p in conv.params.values())
        mixed = (C * C + C) + (C * S + S)
        return Problem(
            values={
                "C": C,
                "S": S,
                "d": d,
                "twice": 2 * C,
                "dilated": dilated,
                "residual": C * C + C,
                "skip": C * S + S,
            },
            answer=dilated + mixed,
            mistakes={
                "one_half_only": 2 * C * C + C + mixed,
                "times_dilation": d * dilated + mixed,
                "no_skip": dilated + C * C + C,
                "one_tap": 2 * C * C + 2 * C + mixed,
            },
        )

    return distinct(rng, draw, format="{:,}")


def mu_law_value(rng):
    """f(x) for an x at which 1 + 255·|x| is a power of two."""

    def draw(rng):
        power, sign = int(rng.integers(2, 7)), int(rng.choice([-1, 1]))
        x = sign * (2**power - 1) / 255
        return Problem(
            values={"x": ("" if sign > 0 else "-") + f"{2**power - 1}/255", "power": power, "inside": 2**power},
            answer=float(mu_law.compress(np.array([x]))[0]),
            mistakes={
                "not_normalized": sign * float(np.log(2**power)),
                "linear": x,
                "sign_lost": abs(float(mu_law.compress(np.array([x]))[0])) * -sign,
                "without_the_one": sign * float(np.log(255 * abs(x)) / np.log(255)),
            },
        )

    return distinct(rng, draw, format="{:.3f}")


def masked_taps(rng):
    """Weights that a mask leaves in a square kernel, for one input and one output channel."""

    def draw(rng):
        k, kind = int(rng.choice([3, 5, 7, 9])), str(rng.choice(["A", "B"]))
        before = (k * k - 1) // 2
        counts = {"A": before, "B": before + 1}
        other = "B" if kind == "A" else "A"
        return Problem(
            values={"k": k, "kind": kind, "before": before, "rows": k // 2, "left": k // 2},
            answer=counts[kind],
            mistakes={
                "other_mask": counts[other],
                "rows_above_only": (k // 2) * k,
                "all": k * k,
                "upper_left": (k // 2 + 1) ** 2,
            },
        )

    return distinct(rng, draw)


def tree(rng):
    """Layer outputs that one sample needs when nothing is cached: a binary tree."""

    def draw(rng):
        layers = int(rng.integers(5, 12))
        return Problem(
            values={"layers": layers, "last": 2 ** (layers - 1), "inputs": 2**layers},
            answer=2**layers - 1,
            mistakes={
                "inputs_too": 2**layers,
                "first_layer": 2 ** (layers - 1),
                "cached": layers,
                "every_step": layers * 2**layers,
            },
        )

    return distinct(rng, draw, format="{:,}")

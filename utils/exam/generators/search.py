"""Calculations of chapter 02: what a search costs, what it measures, and what a price on parameters picks."""

import math

from utils.architecture_search import fronts, pruning
from utils.exam.generators import Problem, distinct, linked
from utils.keras_models.module_network import KINDS, parameters


def module_parameters(rng):
    """Parameters of the whole network, from the kinds of its layers."""

    def draw(rng):
        layers = [str(kind) for kind in rng.choice(KINDS, 3)]
        layers[int(rng.integers(3))] = "separable"
        width = int(rng.choice([8, 16, 32]))
        c, f = width, 2 * width  # the second module takes the channels of the first and doubles them
        of_kind = {"conv": 9 * f * f + f, "depthwise": 9 * f + f, "separable": 9 * f + f * f + f}

        def total(separable=of_kind["separable"], norm=4):
            spatial = sum(separable if kind == "separable" else of_kind[kind] for kind in layers)
            return c * f + f + spatial + 4 * norm * f

        # The same as the difference of two networks would give; `parameters` is the tested count.
        check = parameters(layers, width, 1) - _others(layers, width)
        if check != total():
            raise AssertionError("the module's count does not agree with the network's")
        values = {"c": c, "f": f, "layers": " → ".join(layers), "adjust": c * f + f, "norm": 16 * f}
        values |= {"terms": " + ".join(str(of_kind[kind]) for kind in layers)}
        mistakes = {
            "pointwise_forgotten": total(separable=9 * f + f),
            "two_biases": total(separable=9 * f + f + f * f + f),
            "half_of_norm": total(norm=2),
        }
        return Problem(values, total(), mistakes)

    return distinct(rng, draw, format="{:,}")


def _others(layers, width):
    """What `parameters` counts for the first and third module and the dense layer of ten units, one input channel."""
    rest = 0
    for c, f in ((1, width), (2 * width, 4 * width)):
        kinds = {"conv": 9 * f * f + f, "depthwise": 9 * f + f, "separable": 9 * f + f * f + f}
        rest += c * f + f + sum(kinds[kind] for kind in layers) + 16 * f
    return rest + 4 * width * 10 + 10


def _compared(rng):
    """The linked set: three networks that trade error for parameters."""
    a, b, c = (50 * int(n) for n in (rng.integers(2, 6), rng.integers(8, 14), rng.integers(18, 30)))  # thousands
    third = int(rng.integers(8, 13))
    second = third + int(rng.integers(2, 6))
    first = second + int(rng.integers(3, 8))
    reference = (2000, 40)
    table = [(a, first), (b, second), (c, third)]
    values = {"a": a, "b": b, "c": c, "first": first, "second": second, "third": third}
    values |= {"size": reference[0], "worst": reference[1]}
    price = 5 * b / 250
    score = 100 * fronts.penalized(1 - second / 100, 1000 * b)
    tie = 250 * (first - third) / (c - a)
    area = round(fronts.hypervolume(table, reference))
    strips = [(b - a) * (40 - first), (c - b) * (40 - second), (2000 - c) * (40 - third)]
    values |= {"strips": " + ".join(map(str, strips)), "price": f"{price:g}"}
    return {
        "score": Problem(
            values,
            score,
            {
                "penalty_forgotten": float(second),
                "penalty_subtracted": second - price,
                "per_million": second + price / 4,
            },
        ),
        "tie": Problem(
            values,
            tie,
            {
                "one_network": 250 * (first - third) / c,
                "middle_one": 250 * (first - second) / (b - a),
                "upside_down": (c - a) / (first - third) / 10,
            },
        ),
        "area": Problem(
            values,
            area,
            {
                "overlaps_counted": sum((2000 - size) * (40 - error) for size, error in table),
                "one_rectangle": max((2000 - size) * (40 - error) for size, error in table),
                "below_the_front": 2000 * 40 - area,
            },
        ),
    }


def compared_score(rng):
    """Penalized score of the middle network, in points."""
    return linked(rng, _compared, "score", format="{:.2f}")


def compared_tie(rng):
    """Price at which the smallest and the largest network tie."""
    return linked(rng, _compared, "tie", format="{:.2f}")


def compared_area(rng):
    """Hypervolume of the three."""
    return linked(rng, _compared, "area", format="{:.2f}")


def cross_validation_cost(rng):
    """Trainings of a search with k-fold cross-validation, the last one on all data included."""

    def draw(rng):
        layers, rates, k = int(rng.integers(3, 6)), int(rng.integers(3, 7)), int(rng.choice([4, 5, 8, 10]))
        count = layers * rates
        return Problem(
            {"first": layers, "second": rates, "k": k, "count": count},
            count * k + 1,
            {
                "last_forgotten": count * k,
                "settings_added": (layers + rates) * k + 1,
                "one_fold_less": count * (k - 1) + 1,
            },
        )

    return distinct(rng, draw)


def standard_error(rng):
    """Standard error of a hold-out accuracy, in points."""

    def draw(rng):
        n, percent = int(rng.choice([100, 200, 400, 500, 900, 1000])), int(rng.choice([60, 70, 80, 85, 90, 95]))
        p = percent / 100
        return Problem(
            {"n": n, "percent": percent, "p": p, "q": round(1 - p, 2)},
            100 * math.sqrt(p * (1 - p) / n),
            {
                "variance": 100 * p * (1 - p) / n,
                "success_only": 100 * math.sqrt(p / n),
                "not_divided": 100 * math.sqrt(p * (1 - p)) / n,
            },
        )

    return distinct(rng, draw, format="{:.2f}")


def halving_epochs(rng):
    """Epochs that successive halving trains, those that are kept going on from where they are."""

    def draw(rng):
        rungs, first = int(rng.integers(3, 6)), int(rng.integers(1, 4))
        n = 2 ** (rungs - 1)
        longest = first * 2 ** (rungs - 1)
        curves = [[float(trial)] * longest for trial in range(n)]
        sizes = [n // 2**rung for rung in range(rungs)]
        lengths = [first * 2**rung for rung in range(rungs)]
        answer = int(pruning.successive_halving(curves, first).sum())
        steps = [first, *(lengths[rung] - lengths[rung - 1] for rung in range(1, rungs))]
        terms = " + ".join(f"{size} \\cdot {step}" for size, step in zip(sizes, steps, strict=True))
        return Problem(
            {"n": n, "first": first, "longest": longest, "terms": terms},
            answer,
            {
                "from_scratch": sum(size * length for size, length in zip(sizes, lengths, strict=True)),
                "everything": n * longest,
                "never_longer": sum(sizes) * first,
            },
        )

    return distinct(rng, draw)

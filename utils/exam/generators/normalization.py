"""Calculations on normalization: which numbers share a mean, values by hand, moving averages, parameters, folding."""

import numpy as np

from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers.batch_norm import BatchNormalization
from utils.numpy_layers.layer_norm import LayerNormalization


def _map_questions(rng):
    """The three questions of the linked set on one drawn convolution with normalization: name -> Problem."""
    n, size = int(rng.choice([8, 16, 32])), int(rng.choice([7, 14, 28]))
    inputs, channels = (int(c) for c in rng.choice([16, 32, 48, 64, 96], 2, replace=False))
    groups, k = int(rng.choice([2, 4])), 3
    kernel = k * k * inputs * channels
    values = {"n": n, "size": size, "inputs": inputs, "c": channels, "g": groups, "k": k, "block": channels // groups}
    values |= {"kernel": _in_math(kernel), "four": 4 * channels, "two": 2 * channels}
    return {
        "numbers": Problem(
            values,
            n * size * size,
            {
                "one_sample": size * size,
                "one_picture": size * size * channels,
                "everything": n * size * size * channels,
                "only_batch": n,
            },
        ),
        "means": Problem(
            values,
            n * groups,
            {
                "groups_only": groups,
                "channels_each": n * channels,
                "block_each": n * channels // groups,
                "channels": channels,
            },
        ),
        "parameters": Problem(
            values,
            kernel + 4 * channels,
            {
                "trainable_only": kernel + 2 * channels,
                "with_bias": kernel + 5 * channels,
                "one_for_the_layer": kernel + 4,
                "inputs_counted": kernel + 4 * inputs,
            },
        ),
    }


def _in_math(number):
    """A number for a formula: 1,216 without the space that follows a comma there."""
    return f"{number:,}".replace(",", "{,}")


def map_numbers(rng):
    """From how many numbers batch normalization computes one mean."""
    return linked(rng, _map_questions, "numbers", format="{:,}")


def map_means(rng):
    """How many means group normalization computes."""
    return linked(rng, _map_questions, "means", format="{:,}")


def map_parameters(rng):
    """Parameters of the convolution without bias and of its batch normalization, as Keras counts them."""
    return linked(rng, _map_questions, "parameters", format="{:,}")


DEVIATIONS = ((-7, -1, 1, 7), (-5, 1, 1, 3), (-3, -1, -1, 5))  # standard deviations 5, 3 and 3


def token(rng):
    """One number of one token after layer normalization, from a table of two tokens with four features."""

    def draw(rng):
        rows = [rng.permutation(DEVIATIONS[i]) for i in rng.choice(len(DEVIATIONS), 2, replace=False)]
        x = np.stack([row + int(rng.integers(8, 13)) for row in rows]).astype("float64")
        place = int(rng.integers(0, 4))
        x_hat = LayerNormalization(4, epsilon=0, dtype="float64").forward(x)
        chosen, mean = x[0, place], x[0].mean()
        deviation = chosen - mean
        if deviation == 0 or x[0, place] == x[1, place]:
            return Problem({}, 0, {"again": 0})  # a tie: `distinct` draws again
        variance = x[0].var()
        return Problem(
            values={
                "first": "  ".join(f"{v:2.0f}" for v in x[0]),
                "second": "  ".join(f"{v:2.0f}" for v in x[1]),
                "place": place,
                "mean": int(mean),
                "squares": " + ".join(f"{v:.0f}" for v in (x[0] - mean) ** 2),
                "variance": f"{variance:g}",
                "deviation": f"{np.sqrt(variance):g}",
                "chosen": int(chosen),
                "other": int(x[1, place]),
            },
            answer=float(x_hat[0, place]),
            mistakes={
                "over_the_tokens": float((chosen - x[:, place].mean()) / x[:, place].std()),
                "over_everything": float((chosen - x.mean()) / x.std()),
                "by_the_variance": float(deviation / variance),
                "unbiased": float(deviation / x[0].std(ddof=1)),
            },
        )

    return distinct(rng, draw, format="{:.2f}")


def moving_variance(rng):
    """The moving variance of a channel after one more training step."""

    def draw(rng):
        deviations = np.array(DEVIATIONS[int(rng.integers(0, len(DEVIATIONS)))])
        batch = (rng.permutation(deviations) + int(rng.integers(8, 13))).astype("float64")
        keep, before = float(rng.choice([0.8, 0.9])), int(rng.integers(2, 9))
        layer = BatchNormalization(1, momentum=keep, dtype="float64")
        layer.moving_variance = np.array([float(before)])
        layer.forward(batch[:, None], training=True)
        variance = batch.var()

        def step(new, share=1 - keep):
            return float((1 - share) * before + share * new)

        return Problem(
            values={
                "batch": ", ".join(f"{v:.0f}" for v in batch),
                "keep": keep,
                "new": round(1 - keep, 1),
                "before": before,
                "mean": int(batch.mean()),
                "variance": f"{variance:g}",
            },
            answer=float(layer.moving_variance[0]),
            mistakes={
                "shares_swapped": step(variance, keep),
                "unbiased": step(batch.var(ddof=1)),
                "deviation": step(batch.std()),
                "replaced": float(variance),
            },
        )

    return distinct(rng, draw, format="{:.2f}")


def folded(rng):
    """Weight and bias of a 1×1 convolution (one channel) that has taken in its batch normalization."""

    def draw(rng):
        weight, beta, mean = int(rng.integers(2, 7)), int(rng.integers(1, 6)), int(rng.integers(2, 7))
        gamma, deviation = int(rng.integers(2, 7)), int(rng.choice([2, 4, 5]))
        layer = BatchNormalization(1, epsilon=0, dtype="float64")
        layer.params = {"gamma": np.array([float(gamma)]), "beta": np.array([float(beta)])}
        layer.moving_mean, layer.moving_variance = np.array([float(mean)]), np.array([float(deviation**2)])
        at_zero, at_one = (layer.forward(np.array([[weight * u]], "float64")).item() for u in (0, 1))
        factor = gamma / deviation

        return Problem(
            values={
                "w": weight,
                "beta": beta,
                "mean": mean,
                "gamma": gamma,
                "variance": deviation**2,
                "deviation": deviation,
                "factor": f"{factor:g}",
            },
            answer=(at_one - at_zero, at_zero),
            mistakes={
                "mean_not_scaled": (weight * factor, float(beta - mean)),
                "by_the_variance": (weight * gamma / deviation**2, beta - mean * gamma / deviation**2),
                "mean_added": (weight * factor, beta + mean * factor),
                "gamma_forgotten": (weight / deviation, beta - mean / deviation),
            },
        )

    return distinct(rng, draw, format="{0[0]:.2f} {0[1]:.2f}")

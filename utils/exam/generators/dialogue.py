"""A calculation on VHRED: the divergence between the posterior and the prior of one latent number."""

import numpy as np

from utils.exam.generators import Problem, distinct


def divergence(rng):
    """KL[N(mean, deviation²) ‖ N(prior_mean, prior_deviation²)] of one number, deviations that are powers of 2."""

    def draw(rng):
        mean, prior_mean = (int(value) for value in rng.choice([-1, 0, 1, 2, 3], 2, replace=False))
        deviation, prior_deviation = (int(value) for value in rng.choice([1, 2, 4], 2, replace=False))
        return Problem(
            values={
                "mean": mean,
                "variance": deviation**2,
                "prior_mean": prior_mean,
                "prior_variance": prior_deviation**2,
                "shift": (mean - prior_mean) ** 2,
                "logs": f"{np.log(prior_deviation**2 / deviation**2):.3f}",
                "fraction": f"{(deviation**2 + (mean - prior_mean) ** 2) / prior_deviation**2:g}",
            },
            answer=_kl(mean, deviation, prior_mean, prior_deviation),
            mistakes={
                "swapped": _kl(prior_mean, prior_deviation, mean, deviation),
                "no_half": 2 * _kl(mean, deviation, prior_mean, prior_deviation),
                "no_one": _kl(mean, deviation, prior_mean, prior_deviation) + 0.5,
                "standard_prior": _kl(mean, deviation, 0, 1),
            },
        )

    return distinct(rng, draw, format="{:.2f}")


def _kl(mean, deviation, prior_mean, prior_deviation):
    """½ (log σ_p² - log σ_q² + (σ_q² + (μ_q - μ_p)²) / σ_p² - 1)."""
    ratio = (deviation**2 + (mean - prior_mean) ** 2) / prior_deviation**2
    return float(0.5 * (2 * np.log(prior_deviation) - 2 * np.log(deviation) + ratio - 1))

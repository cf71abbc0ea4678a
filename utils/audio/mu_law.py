"""μ-law companding: fine steps for quiet samples, coarse ones for loud, so that 256 classes do for speech and music.

    f(x) = sign(x) · ln(1 + μ|x|) / ln(1 + μ)          van den Oord et al. (2016), WaveNet, §2.2; μ = 255

This is the formula itself. ITU-T G.711, the "μ-law" of the telephone, approximates it by straight segments and numbers
its classes in another way.
"""

import numpy as np

MU = 255


def compress(x, mu=MU):
    """Samples in [−1, 1] → f(x) in [−1, 1], of the same shape and float type.

    Raises:
        TypeError: if x is no array of floats.  ValueError: if a sample is outside of [−1, 1] or no number, or μ ≤ 0.
    """
    x = _samples("x", x)
    return np.sign(x) * np.log1p(_mu(mu) * np.abs(x)) / np.log1p(mu).astype(x.dtype)


def expand(y, mu=MU):
    """The inverse of `compress`: f⁻¹(y) = sign(y) · ((1 + μ)^|y| − 1) / μ.

    Raises:
        as `compress`.
    """
    y = _samples("y", y)
    return np.sign(y) * np.expm1(np.abs(y) * np.log1p(_mu(mu)).astype(y.dtype)) / mu


def encode(x, mu=MU):
    """Samples in [−1, 1] → classes 0 … μ (int64): f(x) cut into μ + 1 equal pieces. Silence, x = 0, is class 128.

    Raises:
        as `compress`.
    """
    scaled = (compress(x, mu) + 1) / 2 * (mu + 1)
    return np.minimum(np.floor(scaled), mu).astype(np.int64)  # x = 1 belongs to the last piece


def decode(classes, mu=MU):
    """Classes → samples (float32): the middle of each piece, expanded. `encode(decode(c)) == c` for every class.

    Raises:
        TypeError: if the classes are no whole numbers.  ValueError: if one is outside of 0 … μ.
    """
    classes = np.asarray(classes)
    if not np.issubdtype(classes.dtype, np.integer):
        raise TypeError(f"classes must be whole numbers 0 … {mu}, got {classes.dtype}; encode(x) makes them of samples")
    if classes.size and (classes.min() < 0 or classes.max() > _mu(mu)):
        raise ValueError(f"classes must lie in 0 … {mu}, got {classes.min()} … {classes.max()}")
    return expand((classes + 0.5) / (mu + 1) * 2 - 1, mu).astype(np.float32)


def quantize_linearly(x, classes=256):
    """What μ-law is compared with: equal steps over [−1, 1], each sample replaced by the middle of its step."""
    x = _samples("x", x)
    step = np.minimum(np.floor((x + 1) / 2 * classes), classes - 1)
    return ((step + 0.5) / classes * 2 - 1).astype(x.dtype)


def _samples(name, value):
    value = np.asarray(value)
    if not np.issubdtype(value.dtype, np.floating):
        raise TypeError(f"{name} must be floats in [-1, 1], got {value.dtype}; divide int16 samples by 32768")
    if value.size and not np.all(np.abs(value) <= 1):  # a NaN is not ≤ 1 either
        raise ValueError(
            f"{name} must lie in [-1, 1], got {value.min():g} … {value.max():g}; scale it to a peak below 1"
        )
    return value


def _mu(mu):
    if not mu > 0:
        raise ValueError(f"mu must be above 0, got {mu!r}; WaveNet takes 255")
    return mu

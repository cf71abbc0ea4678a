"""Gradient clipping by norm: per variable, and over all variables together.

Source: Pascanu, Mikolov & Bengio (2013), §3.2, Algorithm 1: if ‖g‖ ≥ threshold, g ← (threshold / ‖g‖) g.
"""

import numpy as np


def _check_threshold(threshold):
    if not threshold > 0:
        raise ValueError(f"threshold must be above 0, got {threshold}")


def _scale(norm, threshold):
    if not np.isfinite(norm):
        raise ValueError("the gradient holds NaN or infinity: scaling cannot repair it; lower the learning rate")
    # Below the threshold nothing changes, and no zero norm divides. (An infinite threshold means: only measure.)
    return 1.0 if norm <= threshold else float(threshold / norm)


def global_norm(gradients):
    """Norm of all gradients as one long vector: sqrt of the sum of squares over every element of every array.

    Args:
        gradients: dict from name to array.

    Returns:
        float. Summed in float64: in float32, squares overflow above 1.8e19.
    """
    return float(np.sqrt(sum(np.sum(np.square(g, dtype=np.float64)) for g in gradients.values())))


def clip_by_norm(gradient, threshold):
    """Shorten one gradient to the length `threshold` if it is longer (Keras: `clipnorm`, for each variable alone).

    Args:
        gradient: array of any shape; it is not changed.
        threshold: largest norm, above 0.

    Returns:
        New array, in the same direction. A zero gradient stays zero.

    Raises:
        ValueError: if the threshold is not above 0, or the gradient holds NaN or infinity.
    """
    _check_threshold(threshold)
    gradient = np.asarray(gradient)
    return gradient * _scale(global_norm({"": gradient}), threshold)


def clip_by_global_norm(gradients, threshold):
    """Shorten all gradients by one common factor if together they are longer (Keras: `global_clipnorm`).

    Args:
        gradients: dict from name to array; not changed.
        threshold: largest global norm, above 0.

    Returns:
        (dict of new arrays, global norm before clipping).

    Raises:
        ValueError: if the threshold is not above 0, or a gradient holds NaN or infinity.
    """
    _check_threshold(threshold)
    norm = global_norm(gradients)
    scale = _scale(norm, threshold)
    return {name: g * scale for name, g in gradients.items()}, norm

"""Softmax over the last axis, in place: what every attention does with its scores."""

import numpy as np


def softmax(scores, mask=None):
    """exp(scores) / Σ exp(scores) over the last axis, with 0 where the mask is False.

    Args:
        scores: (…, S) float array; it is overwritten.
        mask: bool, broadcast to `scores`: True takes part. Each row needs one True at least. None: all take part.

    Returns:
        `scores`, now the weights: each row sums to 1.
    """
    if mask is not None:
        np.copyto(scores, -np.inf, where=~mask)
    scores -= scores.max(axis=-1, keepdims=True)  # so that exp cannot overflow; the ratios stay the same
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores

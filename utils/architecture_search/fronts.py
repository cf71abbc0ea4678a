"""Several objectives at once, all to be minimized: dominance, Pareto front, hypervolume, and what a penalty picks.

NumPy only. Points are rows: shape (points, objectives).
"""

import numpy as np

PENALTY_PARAMETERS, PENALTY_ERROR = 250_000, 0.05  # the study note of 2019: 250,000 parameters cost 5 points of error


def penalized(accuracy, parameters, per=PENALTY_PARAMETERS, error=PENALTY_ERROR):
    """One number for two objectives: 1 - accuracy + parameters / per · error.

    Args:
        accuracy: share of right answers, 0 to 1; a number or an array.
        parameters: number of parameters, of the same shape.
        per, error: `per` parameters cost as much as `error` (a share, not percent).

    Raises:
        ValueError: if an accuracy is no share (percent were given), or `per` is not positive.
    """
    accuracy = np.asarray(accuracy, dtype=float)
    if not np.all((accuracy >= 0) & (accuracy <= 1)):
        raise ValueError(f"accuracy must be a share from 0 to 1, got {accuracy}; divide percent by 100")
    if not per > 0:
        raise ValueError(f"per must be a positive number of parameters, got {per!r}")
    value = 1 - accuracy + np.asarray(parameters) / per * error
    return float(value) if np.ndim(value) == 0 else value


def dominates(a, b):
    """Whether point `a` is nowhere worse than `b` and somewhere better."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return bool(np.all(a <= b) and np.any(a < b))


def pareto_front(points):
    """Which points no other point dominates: bool, shape (points,). Equal points are all on the front or all off it."""
    points = _points(points)
    no_worse = np.all(points[:, None] <= points, axis=-1)  # [i, j]: i is nowhere worse than j
    better = np.any(points[:, None] < points, axis=-1)
    return ~np.any(no_worse & better, axis=0)


def hypervolume(points, reference):
    """Area between the front and a reference point, for two objectives (Zitzler & Thiele 1998).

    Args:
        points: shape (points, 2). Those beyond the reference in an objective add nothing.
        reference: a point that counts as the worst, shape (2,).

    Raises:
        ValueError: if there are not two objectives.
    """
    points, reference = _points(points), np.asarray(reference, dtype=float)
    if points.shape[1] != 2 or reference.shape != (2,):
        raise ValueError(f"hypervolume is for two objectives; got points {points.shape}, reference {reference.shape}")
    points = points[np.all(points < reference, axis=1)]
    if not len(points):
        return 0.0
    front = points[pareto_front(points)]
    front = np.unique(front, axis=0)  # sorted by the first objective, so the second falls
    right = np.append(front[1:, 0], reference[0])
    return float(np.sum((right - front[:, 0]) * (reference[1] - front[:, 1])))


def supported(points):
    """Which points some weights w1, w2 > 0 make the minimum of w1·f1 + w2·f2: the front's convex corners.

    Args:
        points: shape (points, 2).

    Returns:
        bool, shape (points,). A point of the front inside a straight edge ties with the edge's ends and counts too.
    """
    points = _points(points)
    chosen = pareto_front(points)
    for i in np.flatnonzero(chosen):
        for j in np.flatnonzero(chosen):
            for k in np.flatnonzero(chosen):
                (x1, y1), (x, y), (x2, y2) = points[j], points[i], points[k]
                if x1 < x < x2 and y > y1 + (y2 - y1) * (x - x1) / (x2 - x1) + 1e-15:
                    chosen[i] = False  # it lies above the line from j to k
    return chosen


def _points(points):
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or not len(points):
        raise ValueError(f"points must be rows of objectives, shape (points, objectives); got shape {points.shape}")
    if np.isnan(points).any():
        raise ValueError("points hold NaN: a trial without a value has no place in the comparison; leave it out")
    return points

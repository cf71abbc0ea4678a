"""When to stop a trial early: the median rule and successive halving, on curves to be minimized. NumPy only."""

import numpy as np


def median_says_stop(curve, finished, startup=5, warmup=0):
    """The median stopping rule: stop if the best so far is worse than the median of the finished trials at this step.

    That is Optuna's MedianPruner with `interval_steps=1` and `n_min_trials=1` (after Golovin et al. 2017, §3.2.2, which
    takes running averages of the finished trials where Optuna takes their values at the step).

    Args:
        curve: values of the running trial up to now; step 0 first.
        finished: curves of the trials that ran to their end.
        startup: so many must have finished before anything is stopped.
        warmup: steps before which nothing is stopped.
    """
    if not len(curve):
        raise ValueError("the running trial has reported no value yet")
    step = len(curve) - 1
    if not finished or len(finished) < startup or step < warmup:
        return False
    return bool(np.min(curve) > np.median([other[step] for other in finished]))


def with_median_rule(curves, startup=5, warmup=0):
    """Run trials one after the other under the median rule: how many steps each one gets.

    Args:
        curves: the whole curve of each trial, shape (trials, steps), in the order they are tried.
        startup, warmup: as in `median_says_stop`.

    Returns:
        int array, shape (trials,): steps done; as many as there are means that the trial finished.
    """
    curves = np.asarray(curves, dtype=float)
    finished, steps = [], []
    for curve in curves:
        last = len(curve)
        for done in range(1, len(curve) + 1):
            if median_says_stop(curve[:done], finished, startup, warmup):
                last = done
                break
        else:
            finished.append(curve)
        steps.append(last)
    return np.array(steps)


def successive_halving(curves, first=1, factor=2):
    """Give all trials `first` steps, keep the best 1/factor of them, give those factor times as many, and so on.

    Jamieson & Talwalkar 2016; here a trial that is kept goes on from where it stopped.

    Args:
        curves: shape (trials, steps); smaller is better.
        first: steps of the first rung.
        factor: how many are left of factor·n, and how much longer they run.

    Returns:
        int array, shape (trials,): steps that each trial got.
    """
    curves = np.asarray(curves, dtype=float)
    if factor < 2 or first < 1:
        raise ValueError(f"first must be at least 1 and factor at least 2, got first={first!r}, factor={factor!r}")
    steps = np.zeros(len(curves), dtype=int)
    alive, length = np.arange(len(curves)), first
    while True:
        length = min(length, curves.shape[1])
        steps[alive] = length
        if length == curves.shape[1] or len(alive) == 1:
            # The last one left runs to its end: it is the answer.
            steps[alive] = curves.shape[1]
            return steps
        order = np.argsort(curves[alive, length - 1], kind="stable")
        alive = alive[order[: max(1, len(alive) // factor)]]
        length *= factor

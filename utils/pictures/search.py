"""Pictures of a search: its space, its history, its learning curves, and the front of what cannot be improved."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from utils.pictures.cells import arrow, canvas, label, tint
from utils.plots import GREY, INK, INPUT, ORANGE, OUTPUT, PALE, PINK, SKY, WEIGHT


def module(kinds=("conv", "depthwise", "separable"), widths=(64, 128, 256)):
    """The search space: one module with its three choices, and the network that repeats it.

    Args:
        kinds: what a layer may be.
        widths: channels of the modules.

    Returns:
        matplotlib Figure.
    """
    fig, ax = canvas(9.6, 4.0, 24, 10)
    steps = ["1×1 conv", "layer 1", "layer 2", "layer 3"]
    for n, name in enumerate(steps):
        left, chosen = 0.6 + 6 * n, n > 0
        height = 4.5 if chosen else 1.5
        top = 2.55 - height / 2
        color = WEIGHT if chosen else INPUT
        ax.add_patch(
            plt.Rectangle((left, top), 4.4, height, facecolor=tint(color, 0.1), edgecolor=color, linewidth=1.5)
        )
        label(ax, left + 2.2, top + 0.75, name, font=12, color=color)
        if chosen:
            for row, kind in enumerate(kinds):
                label(ax, left + 2.2, top + 1.75 + row, kind, font=12)
            label(ax, left + 2.2, 5.2, "BN · ReLU", font=10, color=GREY)
        else:
            label(ax, left + 2.2, 4.2, "BN · ReLU", font=10, color=GREY)
            label(ax, left + 2.2, 0.95, "sets the channels", font=10, color=GREY)
        if n < 3:
            arrow(ax, (left + 4.5, 2.55), (left + 5.9, 2.55))
    label(ax, 12, 6.15, f"{len(kinds)} · {len(kinds)} · {len(kinds)} = {len(kinds) ** 3} modules", font=13)
    shares = [(0.6, "image", PALE)]
    shares += [(4.4 + 5.2 * n, f"module\n{width} channels", tint(ORANGE, 0.35)) for n, width in enumerate(widths)]
    shares.append((20.0, "GAP\ndense", PALE))
    for n, (left, text, color) in enumerate(shares):
        wide = 3.4 if 0 < n < 4 else 2.6
        ax.add_patch(plt.Rectangle((left, 7.3), wide, 1.7, facecolor=color, edgecolor=INK, linewidth=1))
        label(ax, left + wide / 2, 8.15, text, font=11)
        if n < 4:
            arrow(ax, (left + wide + 0.1, 8.15), (shares[n + 1][0] - 0.1, 8.15))
        if n in (1, 2):
            label(ax, left + wide + 0.9, 9.45, "average\npooling", font=9, color=GREY)
    return fig


def grid_and_random(grid, drawn, importance):
    """Nine trials on a grid and nine at random, and the values of the hyperparameter that matters.

    Args:
        grid, drawn: points in the unit square, shape (n, 2).
        importance: function of the first coordinate that the result depends on.

    Returns:
        matplotlib Figure. Dots on the curve: the different values that were tried (Bergstra & Bengio 2012, Fig. 1).
    """
    fig, axes = plt.subplots(2, 2, figsize=(8.4, 4.6), sharex=True, height_ratios=(1, 2.2))
    x = np.linspace(0, 1, 300)
    for column, (points, title) in enumerate(((grid, "grid"), (drawn, "random"))):
        values = np.unique(np.round(points[:, 0], 6))
        top, below = axes[:, column]
        top.plot(x, importance(x), color=OUTPUT)
        top.plot(values, importance(values), "o", color=WEIGHT, markersize=7)
        top.set(title=f"{title}: {len(values)} different values", yticks=[], ylim=(0, 1.2))
        top.grid(False)
        below.vlines(values, 0, 1, color=PALE, linewidth=2)
        below.plot(points[:, 0], points[:, 1], "o", color=INPUT, markersize=8)
        below.set(xlabel="matters", ylabel="hardly matters", xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
    return fig


def folds(examples=20, k=5):
    """k-fold cross-validation: which part validates in which round."""
    fig, ax = canvas(8.0, 3.2, 25, 10)
    size = examples // k
    for row in range(k):
        top = 1.6 + row * 1.45
        label(ax, 2.1, top + 0.5, f"round {row + 1}", font=11)
        for fold in range(k):
            color, text = (WEIGHT, "validation") if fold == row else (INPUT, "training")
            left, width = 4.2 + fold * size, size
            ax.add_patch(plt.Rectangle((left, top), width - 0.15, 1.05, facecolor=tint(color, 0.35), edgecolor=color))
            label(ax, left + width / 2, top + 0.5, text, font=9.5)
    for fold in range(k):
        label(ax, 4.2 + (fold + 0.5) * size, 0.8, f"fold {fold + 1}", font=11)
    label(
        ax,
        4.2 + examples / 2,
        9.35,
        "the test part lies outside and is used once, at the very end",
        font=10.5,
        color=GREY,
    )
    return fig


def learning_curves(curves, steps, ylabel="validation error", log=False, title=None, names=None):
    """Learning curves of a study: finished trials in blue, stopped ones grey up to a cross.

    Args:
        curves: shape (trials, epochs); what lies behind the steps is not drawn.
        steps: how many epochs each trial got.
        log: logarithmic axis of errors.
        names: of the curves; then each has a color of its own, and the legend names it.
    """
    fig, ax = plt.subplots(figsize=(7.6, 3.8))
    total = np.shape(curves)[1]
    colors = (INPUT, OUTPUT, PINK, ORANGE, SKY, INK)
    for n, (curve, done) in enumerate(zip(curves, steps, strict=True)):
        x = np.arange(1, done + 1)
        whole = done == total
        look = {"color": INPUT, "linewidth": 1.8, "zorder": 3} if whole else {"color": GREY, "linewidth": 1.2}
        if names:
            look |= {"color": colors[n % len(colors)], "label": names[n]}
        ax.plot(x, curve[:done], **look)
        if not whole:
            ax.plot(done, curve[done - 1], "x", color=WEIGHT, markersize=7, markeredgewidth=2, zorder=4)
    if log:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
        ax.yaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    if not names:
        ax.plot([], [], color=INPUT, label="finished")
        ax.plot([], [], color=GREY, marker="x", markeredgecolor=WEIGHT, label="stopped")
    ax.set(xlabel="epoch", ylabel=ylabel, xlim=(0.8, total + 0.6), title=title or "")
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    ax.legend()
    return fig


def history(values, pruned=None, ylabel="value", title=None):
    """A search trial by trial, and the best value up to each.

    Args:
        values: value of each trial; NaN where there is none.
        pruned: bool, which trials were stopped early; None for none.
    """
    values = np.asarray(values, dtype=float)
    pruned = np.zeros(len(values), bool) if pruned is None else np.asarray(pruned)
    fig, ax = plt.subplots(figsize=(7.6, 3.4))
    number = np.arange(len(values))
    ax.plot(number[~pruned], values[~pruned], "o", color=INPUT, label="finished trial")
    if pruned.any():
        ax.plot(number[pruned], values[pruned], "x", color=GREY, markeredgewidth=2, label="pruned (last value)")
    best = np.minimum.accumulate(np.where(pruned | np.isnan(values), np.inf, values))
    ax.step(number[np.isfinite(best)], best[np.isfinite(best)], where="post", color=WEIGHT, label="best so far")
    ax.set(xlabel="trial", ylabel=ylabel, title=title or "")
    ax.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    ax.legend()
    return fig


def front(points, names, on_front, supported=None, reference=None, title=None, log=True):
    """Error against parameters, and the front.

    Args:
        points: (parameters, error), shape (n, 2).
        names: a short text for each point; those on the front are written.
        on_front, supported: bool, shape (n,). Front points that no penalty picks are drawn hollow.
        reference: (parameters, error); the area between front and reference is shaded. None for no area.
        log: logarithmic axis of parameters.
    """
    points, on_front = np.asarray(points, dtype=float), np.asarray(on_front)
    supported = on_front if supported is None else np.asarray(supported)
    fig, ax = plt.subplots(figsize=(7.8, 4.4))
    chosen = points[on_front][np.argsort(points[on_front][:, 0])]
    right = reference[0] if reference is not None else points[:, 0].max() * 1.15
    top = reference[1] if reference is not None else points[:, 1].max() * 1.05
    x = np.concatenate([[chosen[0, 0]], np.repeat(chosen[1:, 0], 2), [right]])
    y = np.repeat(chosen[:, 1], 2)
    if reference is not None:
        ax.fill_between(x, y, top, color=tint(SKY, 0.35), linewidth=0, label="hypervolume")
        ax.plot(*reference, "*", color=INK, markersize=11, label="reference point", clip_on=False)
    ax.plot(x, y, color=WEIGHT, linewidth=1.5, zorder=2)
    ax.plot(*points[~on_front].T, "o", color=GREY, markersize=6, label="dominated")
    ax.plot(*points[supported].T, "o", color=WEIGHT, markersize=9, label="front, picked by some penalty", zorder=3)
    hollow = on_front & ~supported
    if hollow.any():
        look = {"markersize": 9, "markerfacecolor": "white", "markeredgewidth": 2, "zorder": 3}
        ax.plot(*points[hollow].T, "o", color=WEIGHT, label="front, picked by none", **look)
    before = 0.0
    for a, b in np.unique(points[on_front], axis=0):  # left to right; equal points share their label
        name = ", ".join(str(n) for n, point in zip(names, points, strict=True) if tuple(point) == (a, b))
        side = {"xytext": (4, -5), "ha": "left"} if a < 1.1 * before else {"xytext": (-4, -5), "ha": "right"}
        ax.annotate(name, (a, b), textcoords="offset points", fontsize=10, va="top", **side)
        before = a
    ax.set(xlabel="parameters", ylabel="error", title=title or "", xscale="log" if log else "linear")
    low = chosen[0, 0]
    ax.set_xlim(low / 1.35 if log else low - 0.08 * (right - low), right * 1.02)
    ax.set_ylim(points[:, 1].min() - 0.12 * (top - points[:, 1].min()), top * 1.02)
    if log:
        ax.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    ax.xaxis.set_major_formatter(mpl.ticker.EngFormatter(sep=""))
    look = {"frameon": True, "framealpha": 1, "edgecolor": "white"}
    ax.legend(loc="upper right", bbox_to_anchor=(0.985, 0.93), fontsize=9.5, **look)
    return fig


def densities(x, good, bad, observed, values, split, chosen):
    """TPE in one dimension: the density of the good trials, that of the others, and where their ratio is largest.

    Args:
        x: where the densities are drawn, shape (n,).
        good, bad: l(x) and g(x), shape (n,).
        observed, values: the trials so far, shape (trials,).
        split: value that separates good from bad.
        chosen: the next trial.
    """
    fig, axes = plt.subplots(2, 1, figsize=(9.0, 4.8), sharex=True, height_ratios=(1, 1.1))
    is_good = np.asarray(values) <= split
    axes[0].plot(np.asarray(observed)[is_good], np.asarray(values)[is_good], "o", color=OUTPUT, label="the best trials")
    axes[0].plot(np.asarray(observed)[~is_good], np.asarray(values)[~is_good], "o", color=GREY, label="the others")
    axes[0].axhline(split, color=INK, linestyle=":", linewidth=1)
    axes[0].set_ylabel("value")
    outside = {"fontsize": 9.5, "loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
    axes[0].legend(**outside)
    axes[1].plot(x, good, color=OUTPUT, label="l(x): density of the best")
    axes[1].plot(x, bad, color=GREY, label="g(x): density of the others")
    scale = max(np.max(good), np.max(bad)) / np.max(good / bad)
    axes[1].plot(x, good / bad * scale, color=WEIGHT, linestyle="--", label="l(x) / g(x), scaled")
    axes[1].axvline(chosen, color=PINK, linewidth=1.5, label="next trial")
    axes[1].set(xlabel="x", ylabel="density")
    axes[1].legend(**outside)
    return fig


def selection(candidates, promised, kept):
    """What the winner promises and what it keeps, against the number of candidates.

    Args:
        candidates: how many were compared, shape (n,).
        promised: mean validation accuracy of the winner, shape (n,).
        kept: its mean test accuracy, shape (n,).
    """
    fig, ax = plt.subplots(figsize=(7.2, 3.5))
    ax.plot(candidates, promised, "o-", color=WEIGHT, label="the winner's score in the comparison")
    ax.plot(candidates, kept, "s-", color=INPUT, label="the winner on fresh data")
    ax.fill_between(candidates, kept, promised, color=tint(WEIGHT, 0.15), linewidth=0)
    ax.set(xscale="log", xlabel="candidates compared", ylabel="accuracy")
    ax.xaxis.set_major_locator(mpl.ticker.FixedLocator(candidates))
    ax.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_locator(mpl.ticker.NullLocator())
    ax.legend()
    return fig

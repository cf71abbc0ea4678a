"""What light networks cost on a real machine: layers under their roofline, and what a ReLU leaves of a narrow map."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from utils.plots import GREY, INK, INPUT, OUTPUT, PINK, WEIGHT

LOOK = {"standard": ("s", INPUT), "pointwise": ("^", OUTPUT), "depthwise": ("o", WEIGHT), "dense": ("D", PINK)}


def roofline(points, peak, bandwidth):
    """Measured rates of layers against their arithmetic intensity (Williams et al. 2009).

    Args:
        points: list of (kind, MACs per byte, giga-MACs a second); kind is a key of `LOOK`.
        peak: giga-MACs a second of a large matrix product.
        bandwidth: gigabytes a second of a large copy.

    Returns:
        matplotlib Figure, both axes logarithmic; the line is min(peak, bandwidth × intensity).

    Raises:
        ValueError: for an unknown kind or no points.
    """
    unknown = sorted({kind for kind, _, _ in points} - set(LOOK))
    if unknown or not points:
        raise ValueError(f"points must be (kind, intensity, rate) with a kind of {', '.join(LOOK)}; got {unknown}")
    fig, ax = plt.subplots(figsize=(7.6, 4.2))
    across = np.array([0.05, peak / bandwidth, 2000])
    ax.plot(across, np.minimum(peak, bandwidth * across), color=INK, label="roofline: matrix product, copy")
    for kind, (marker, color) in LOOK.items():
        chosen = [(x, y) for name, x, y in points if name == kind]
        if chosen:
            ax.plot(*zip(*chosen, strict=True), marker, color=color, markersize=8, label=kind)
    ax.axvline(peak / bandwidth, color=GREY, linestyle=":", linewidth=1.5)
    measured = [y for _, _, y in points]
    ax.set(xscale="log", yscale="log", xlim=(0.1, 1000), ylim=(min(measured) / 2, 2 * max(peak, *measured)))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5) if axis is ax.yaxis else (1,)))
        axis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
        axis.set_minor_locator(mpl.ticker.NullLocator())
    ax.set(xlabel="MACs for each byte moved", ylabel="giga-MACs a second")
    ax.legend(loc="lower right", fontsize=10)
    return fig


def recoverable(maps):
    """Where a ReLU layer leaves a point of the plane recoverable: at least two of its units are active there.

    Args:
        maps: list of matrices (2, n), the layer's weights; one panel each.

    Returns:
        matplotlib Figure: a spiral, blue where the point can be computed back, orange where it is lost.
    """
    angle = np.linspace(0, 5 * np.pi, 400)
    spiral = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / angle[-1]
    fig, axes = plt.subplots(1, len(maps), figsize=(2.4 * len(maps), 2.7))
    for ax, weights in zip(np.atleast_1d(axes), maps, strict=True):
        kept = np.sum(spiral @ weights > 0, axis=1) >= 2
        for chosen, color in ((kept, INPUT), (~kept, WEIGHT)):
            ax.scatter(*spiral[chosen].T, s=5, color=color)
        ax.set(title=f"{weights.shape[1]} channels", xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_xlabel(f"{100 * np.mean(kept):.0f} % kept")
    return fig

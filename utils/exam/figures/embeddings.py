"""Figures of questions on word vectors."""

import numpy as np
from matplotlib.figure import Figure


def _at(degrees, length=1.0):
    return length * np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


KNOWN = {"a": _at(0), "b": _at(40), "c": _at(150)}
# D has the largest dot product with b - a + c, A the largest cosine.
CANDIDATES = {"A": _at(134, 0.6), "B": _at(163, 0.9), "C": _at(193, 0.8), "D": _at(95, 1.4)}


def analogy():
    """Three known vectors and four candidates, from the origin."""
    figure = Figure(figsize=(5.6, 4.2))
    axes = figure.subplots()
    for vectors, color, style in ((KNOWN, "#333333", "-"), (CANDIDATES, "#0072B2", "--")):
        for name, (x, y) in vectors.items():
            arrow = {
                "arrowstyle": "-|>",
                "color": color,
                "linewidth": 2,
                "linestyle": style,
                "shrinkA": 0,
                "shrinkB": 0,
            }
            axes.annotate("", xy=(x, y), xytext=(0, 0), arrowprops=arrow)
            beyond = np.array([x, y]) * (1 + 0.1 / np.hypot(x, y))
            axes.text(*beyond, name, color=color, fontsize=14, fontweight="bold", ha="center", va="center")
    axes.plot(0, 0, "o", color="#333333", markersize=4)
    axes.set(xlim=(-1.25, 1.25), ylim=(-0.4, 1.6), aspect="equal")
    axes.grid(alpha=0.3)
    figure.tight_layout()
    return figure

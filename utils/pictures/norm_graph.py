"""Batch normalization as a graph of small steps, and the three ways that lead the gradient from x̂ back to x."""

import matplotlib.pyplot as plt
import numpy as np

from utils.pictures.cells import arrow, canvas, label, tint
from utils.plots import INK, INPUT, OUTPUT, PINK, WEIGHT

# name -> (x, y, half the width, text, colour)
STEPS = {
    "x": (1.9, 3.6, 1.3, "$x_i$", INPUT),
    "centered": (9.6, 3.6, 1.8, "$x_i-\\mu$", INK),
    "x_hat": (22.6, 3.6, 1.3, "$\\hat{x}_i$", INK),
    "y": (30.0, 3.6, 1.3, "$y_i$", OUTPUT),
    "mean": (5.6, 9.6, 1.3, "$\\mu$", PINK),
    "variance": (13.8, 9.6, 1.3, "$\\sigma^2$", WEIGHT),
    "inverse": (19.4, 9.6, 2.5, "$1/\\sqrt{\\sigma^2+\\epsilon}$", WEIGHT),
}
FORWARD = (
    ("x", "centered"),
    ("centered", "x_hat"),
    ("x_hat", "y"),
    ("x", "mean"),
    ("mean", "centered"),
    ("centered", "variance"),
    ("variance", "inverse"),
    ("inverse", "x_hat"),
)
# Steps back to x on each way; the last leg of ② is that of ① and ③.
BACKWARD = (
    (INPUT, ("x_hat", "centered", "x")),
    (WEIGHT, ("x_hat", "inverse", "variance", "centered")),
    (PINK, ("centered", "mean", "x")),
)


def batch_norm_graph():
    """The steps from x to y, and the three ways back.

    Returns:
        matplotlib Figure. Black: forward. Colours: ① straight back, ② through the variance, ③ through the mean.
    """
    fig, ax = canvas(9.6, 3.36, 32, 11.2)
    for x, y, half, text, color in STEPS.values():
        box = plt.Rectangle((x - half, y - 1), 2 * half, 2, facecolor=tint(color, 0.15), edgecolor=color, linewidth=1.4)
        ax.add_patch(box)
        label(ax, x, y, text, font=13)
    for start, end in FORWARD:
        _edge(ax, start, end, INK, 1.3)
    for color, way in BACKWARD:
        for start, end in zip(way, way[1:], strict=False):
            _edge(ax, start, end, color, 2.2, aside=0.45)
    label(ax, 26.3, 2.9, "$\\gamma\\,\\hat{x}_i+\\beta$", font=11)
    label(ax, 16.2, 2.2, "①  straight back", INPUT, 11)
    label(ax, 16.5, 6.9, "②  through the variance", WEIGHT, 11)
    label(ax, 9.0, 10.0, "③  through\nthe mean", PINK, 11)
    label(ax, 16.0, 0.6, "black: forward  ·  coloured: the gradient on its way back  ·  ② goes on as ① and ③", font=10)
    return fig


def _edge(ax, start, end, color, width, aside=0.0):
    """An arrow between two boxes, moved to its right-hand side by `aside`."""
    (x0, y0, half0, *_), (x1, y1, half1, *_) = STEPS[start], STEPS[end]
    if y0 == y1:
        sign = np.sign(x1 - x0)
        ends = np.array([[x0 + sign * half0, y0], [x1 - sign * half1, y1]])
    else:
        sign = np.sign(y1 - y0)
        ends = np.array([[x0, y0 + sign], [x1, y1 - sign]])
    along = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
    ends += aside * np.array([-along[1], along[0]])
    if aside and y0 != y1:  # moved aside, a slanted arrow would begin and end inside the boxes
        ends += np.outer([0.35, -0.35], along)
    arrow(ax, *ends, color, width)

"""A recurrent network unrolled over time: circles, and arrows in one colour for each shared weight."""

import matplotlib.pyplot as plt

from utils.plots import INK, INPUT, OUTPUT
from utils.plots import WEIGHT as RECURRENT

STATE = "#fdf1e7"
WIDTH, HEIGHT, RADIUS = 2.6, 1.75, 0.36


def canvas(left, right, bottom, top, unit=0.8):
    """(figure, axes without a frame) that cover these coordinates, one unit being `unit` inches across and up."""
    fig = plt.figure(figsize=((right - left) * unit, (top - bottom) * unit), layout="none")
    ax = fig.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(bottom, top))
    ax.axis("off")
    return fig, ax


def node(ax, x, y, text, color=INK, fill="white", size=15):
    """A circle with a text in it."""
    ax.add_patch(plt.Circle((x, y), RADIUS, facecolor=fill, edgecolor=color, linewidth=1.8, zorder=3))
    ax.text(x, y, text, ha="center", va="center", fontsize=size, color=color, zorder=4)


def arrow(ax, start, end, color=INK, text="", offset=(0, 0), style="-", gap=RADIUS + 0.05):
    """An arrow between two circles' centres, with a text beside its middle."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx**2 + dy**2) ** 0.5
    ux, uy = dx / length * gap, dy / length * gap
    ax.annotate(
        "",
        xy=(end[0] - ux, end[1] - uy),
        xytext=(start[0] + ux, start[1] + uy),
        arrowprops={
            "arrowstyle": "-|>,head_width=0.3,head_length=0.6",
            "color": color,
            "linewidth": 2.2,
            "linestyle": style,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
    middle = (start[0] + dx / 2 + offset[0], start[1] + dy / 2 + offset[1])
    ax.text(*middle, text, ha="center", va="center", fontsize=13, color=color)


def unrolled_forward(steps=3, values=None):
    """The forward pass of an RNN, unrolled: every copy of a weight has that weight's colour.

    Args:
        steps: number of time steps.
        values: dict from "x", "z", "y" to the numbers to print beside the circles (z has steps + 1 of them).

    Returns:
        matplotlib Figure.
    """
    x = [WIDTH * t for t in range(steps + 1)]
    fig, ax = canvas(-0.5, x[-1] + 0.95, -0.5, 2 * HEIGHT + 0.5)
    node(ax, x[0], HEIGHT, "$z^0$")
    for t in range(1, steps + 1):
        node(ax, x[t], 0, f"$x^{t}$", INPUT)
        node(ax, x[t], HEIGHT, f"$z^{t}$", fill=STATE)
        node(ax, x[t], 2 * HEIGHT, f"$y^{t}$", OUTPUT)
        arrow(ax, (x[t], 0), (x[t], HEIGHT), INPUT, "$W_{in}$", (-0.4, -0.03))
        arrow(ax, (x[t - 1], HEIGHT), (x[t], HEIGHT), RECURRENT, "$W$", (0, 0.26))
        arrow(ax, (x[t], HEIGHT), (x[t], 2 * HEIGHT), OUTPUT, "$W_{out}$", (-0.47, 0))
    for name, row in (("x", 0), ("z", 1), ("y", 2)):
        for t, value in enumerate((values or {}).get(name, []), start=0 if name == "z" else 1):
            ax.text(x[t] + 0.42, HEIGHT * row - 0.32, f"{value:g}", fontsize=12, ha="left", va="center")
    ax.text(x[0] - 0.36, 0, "input", fontsize=12, color=INPUT, ha="left", va="center")
    ax.text(x[0] - 0.36, 2 * HEIGHT, "output", fontsize=12, color=OUTPUT, ha="left", va="center")
    ax.text(x[0] - 0.36, HEIGHT + 0.62, "hidden state", fontsize=12, ha="left", va="center")
    return fig


def unrolled_backward(steps=3, values=None):
    """The backward pass: two arrows arrive at every state but the last, and their gradients add up.

    Args:
        steps: number of time steps.
        values: dict with lists of texts, one a step: "out" and "future" for the arrows, "sum" and "delta" for the
            circles ("future" has one fewer).

    Returns:
        matplotlib Figure.
    """
    values = values or {
        "out": [rf"$\delta_{{out}}^{{{t}}}W_{{out}}^\top$" for t in range(1, steps + 1)],
        "future": [rf"$\delta^{t + 1}W^\top$" for t in range(1, steps)],
        "slope": [rf"$\odot f'(u^{t})$" for t in range(1, steps + 1)],
        "sum": [rf"$\partial E/\partial z^{t}$" for t in range(1, steps + 1)],
        "delta": [""] * steps,
    }
    x = [3.0 * t for t in range(steps)]
    fig, ax = canvas(-1.6, x[-1] + 1.3, -0.6, 3 * HEIGHT + 0.45)
    for i in range(steps):
        t, top, middle, low = i + 1, (x[i], 3 * HEIGHT), (x[i], 2 * HEIGHT), (x[i], HEIGHT)
        node(ax, *top, f"$E^{t}$", OUTPUT)
        arrow(ax, top, middle, OUTPUT, values["out"][i], (-0.78, 0))
        node(ax, *middle, "+", size=22)
        ax.text(x[i] - 0.46, middle[1] - 0.05, values["sum"][i], fontsize=12, ha="right", va="center")
        arrow(ax, middle, low, INK, values["slope"][i], (0.62, -0.05))
        node(ax, *low, rf"$\delta^{t}$", fill=STATE)
        ax.text(x[i] - 0.46, low[1] - 0.05, values["delta"][i], fontsize=12, ha="right", va="center")
        if t < steps:
            arrow(ax, (x[i + 1], HEIGHT), middle, RECURRENT, values["future"][i], (0.5, 0.42))
        arrow(ax, low, (x[i], -0.28), INPUT, style=(0, (3, 2)))
    ax.plot([x[0] - 0.5, x[-1] + 0.5], [0, 0], color=INPUT, linewidth=6, alpha=0.35, solid_capstyle="round")
    parameters = r"$\partial E/\partial W_{in}$, $\partial E/\partial W$, $\partial E/\partial b$"
    text = f"shared weights: the shares of all steps add up to {parameters}"
    ax.text((x[0] + x[-1]) / 2, -0.35, text, fontsize=12, color=INPUT, ha="center", va="center")
    return fig

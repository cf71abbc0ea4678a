"""Diagrams of gated recurrent cells, two networks that read from both ends, and gates drawn over time."""

import matplotlib.pyplot as plt
import numpy as np

from utils.pictures.cells import tint
from utils.pictures.recurrent import WIDTH, arrow, canvas, node
from utils.plots import INK, INPUT, ORANGE, OUTPUT, PINK, WEIGHT

CELL = ORANGE  # the memory's own line
SMALL = 0.27  # radius of a circle with an operation


def _operation(ax, x, y, text):
    ax.add_patch(plt.Circle((x, y), SMALL, facecolor="white", edgecolor=INK, linewidth=1.8, zorder=4))
    ax.text(x, y - 0.01, text, ha="center", va="center", fontsize=14, color=INK, zorder=5)


def _gate(ax, x, y, name, function):
    """A box with the function a gate ends in, and the gate's name beside it."""
    box = plt.Rectangle((x - 0.36, y - 0.27), 0.72, 0.54, facecolor=tint(WEIGHT, 0.18), edgecolor=WEIGHT, linewidth=1.8)
    box.set_zorder(4)
    ax.add_patch(box)
    ax.text(x, y - 0.01, function, ha="center", va="center", fontsize=12, color=INK, zorder=5)
    ax.text(x - 0.12, y + 0.5, name, ha="right", va="center", fontsize=14, color=WEIGHT)


def _path(ax, points, color=INK, width=2.2, style="-", head=True):
    """A line along the points, with an arrow head at its end."""
    x, y = zip(*points, strict=True)
    ax.plot(x, y, color=color, linewidth=width, linestyle=style, solid_capstyle="butt", zorder=2)
    if head:
        (x0, y0), (x1, y1) = points[-2:]
        length = np.hypot(x1 - x0, y1 - y0)
        start = (x1 - 0.2 * (x1 - x0) / length, y1 - 0.2 * (y1 - y0) / length)
        ax.annotate(
            "",
            xy=(x1, y1),
            xytext=start,
            zorder=3,
            arrowprops={
                "arrowstyle": "-|>,head_width=0.28,head_length=0.5",
                "color": color,
                "linewidth": width,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )


def _fork(ax, x, y, color=INK):
    """A dot where a line branches: lines that merely cross have none."""
    ax.add_patch(plt.Circle((x, y), 0.075, color=color, zorder=3))


def _bus(ax, y, right, gates, level):
    """What all gates read: x and the old state, along the bottom, with one way up to each."""
    _path(ax, [(0.6, y), (right, y)], INPUT, head=False)
    for x in gates:
        _path(ax, [(x, y), (x, level - 0.28)], INPUT, width=1.8)
        if x < right:
            _fork(ax, x, y, INPUT)
    ax.text(0.5, y, "$x^t$, $h^{t-1}$", ha="right", va="center", fontsize=14, color=INPUT)


def lstm_cell(peephole=False):
    """One step of an LSTM: the cell's line on top, the gates below.

    Args:
        peephole: draw the three connections from the cell to the gates too.

    Returns:
        matplotlib Figure.
    """
    fig, ax = canvas(-1.0, 10.3, -0.25, 5.35, unit=0.74)
    top, level, forget, write, read = 4.6, 1.35, 2.2, 4.6, 8.0
    _path(ax, [(0, top), (forget - SMALL, top)], CELL, 4)
    _path(ax, [(forget + SMALL, top), (write - SMALL, top)], CELL, 4)
    _path(ax, [(write + SMALL, top), (9.5, top)], CELL, 4)
    ax.text(-0.1, top, "$c^{t-1}$", ha="right", va="center", fontsize=15, color=INK)
    ax.text(9.6, top, "$c^t$", ha="left", va="center", fontsize=15, color=INK)
    ax.text(write + 1.75, top + 0.35, "memory cell", ha="center", fontsize=12, color=INK)
    gates = {"f": forget, "i": write - 0.8, "g": write + 0.8, "o": read - 1.4}
    _bus(ax, 0.15, gates["o"], gates.values(), level)
    for name, x in gates.items():
        _gate(ax, x, level, f"${name}^t$", "tanh" if name == "g" else "σ")
    _path(ax, [(forget, level + 0.28), (forget, top - SMALL)])
    middle = 2.95
    for name, side in (("i", -1), ("g", 1)):
        _path(ax, [(gates[name], level + 0.28), (gates[name], middle), (write + side * SMALL, middle)])
    _path(ax, [(write, middle + SMALL), (write, top - SMALL)])
    _path(ax, [(read, top), (read, 3.75)], CELL)
    ax.add_patch(
        plt.Rectangle((read - 0.36, 3.2), 0.72, 0.54, facecolor="white", edgecolor=INK, linewidth=1.8, zorder=4)
    )
    ax.text(read, 3.46, "tanh", ha="center", va="center", fontsize=12, color=INK, zorder=5)
    _path(ax, [(read, 3.2), (read, 2.2 + SMALL)])
    _path(ax, [(gates["o"], level + 0.28), (gates["o"], 2.2), (read - SMALL, 2.2)])
    _path(ax, [(read + SMALL, 2.2), (9.5, 2.2)], OUTPUT)
    ax.text(9.6, 2.2, "$h^t$", ha="left", va="center", fontsize=15, color=OUTPUT)
    for x, y, text in ((forget, top, "⊙"), (write, top, "+"), (write, middle, "⊙"), (read, 2.2, "⊙")):
        _operation(ax, x, y, text)
    if peephole:
        dashed = {"color": PINK, "style": (0, (3, 2)), "width": 1.8}
        _path(ax, [(1.05, top), (1.05, level), (forget - 0.37, level)], **dashed)
        _path(ax, [(1.05, 2.3), (2.95, 2.3), (2.95, level), (gates["i"] - 0.37, level)], **dashed)
        _fork(ax, 1.05, 2.3, PINK)
        _path(ax, [(9.1, top), (9.1, level), (gates["o"] + 0.37, level)], **dashed)
        ax.text(0.9, 3.3, "reads\n$c^{t-1}$", ha="right", va="center", fontsize=12, color=PINK)
        ax.text(9.25, 3.3, "reads $c^t$", ha="left", va="center", fontsize=12, color=PINK)
    return fig


def gru_cell():
    """One step of a GRU with the reset gate before the product: one state, no separate cell.

    Returns:
        matplotlib Figure.
    """
    fig, ax = canvas(-1.0, 10.3, -0.25, 5.35, unit=0.74)
    top, level, keep, write = 4.6, 1.35, 5.0, 7.6
    _path(ax, [(0, top), (keep - SMALL, top)], CELL, 4)
    _path(ax, [(keep + SMALL, top), (write - SMALL, top)], CELL, 4)
    _path(ax, [(write + SMALL, top), (9.5, top)], CELL, 4)
    ax.text(-0.1, top, "$h^{t-1}$", ha="right", va="center", fontsize=15, color=INK)
    ax.text(9.6, top, "$h^t$", ha="left", va="center", fontsize=15, color=OUTPUT)
    gates = {"r": 2.2, "z": keep, "n": write}
    _path(ax, [(0.6, 0.15), (write, 0.15)], INPUT, head=False)
    ax.text(0.5, 0.15, "$x^t$", ha="right", va="center", fontsize=14, color=INPUT)
    for x in gates.values():
        _path(ax, [(x, 0.15), (x, level - 0.28)], INPUT, width=1.8)
        if x < write:
            _fork(ax, x, 0.15, INPUT)
    for name, x in gates.items():
        _gate(ax, x, level, f"${name}^t$", "tanh" if name == "n" else "σ")
    # The old state: to both gates, and through the reset gate to the candidate.
    _path(ax, [(1.0, top), (1.0, level), (gates["r"] - 0.37, level)], CELL)
    _path(ax, [(1.0, 0.62), (4.1, 0.62), (4.1, level), (keep - 0.37, level)], CELL)
    _path(ax, [(1.0, level), (1.0, 0.62)], CELL, head=False)
    _path(ax, [(1.0, 2.6), (2.2 - SMALL, 2.6)], CELL)
    for y in (2.6, level):
        _fork(ax, 1.0, y, CELL)
    _path(ax, [(2.2, level + 0.28), (2.2, 2.6 - SMALL)])
    _path(ax, [(2.2 + SMALL, 2.6), (6.4, 2.6), (6.4, level), (write - 0.37, level)])
    ax.text(3.6, 2.85, "$r^t \\odot h^{t-1}$", ha="center", fontsize=12, color=INK)
    _path(ax, [(keep, level + 0.28), (keep, top - SMALL)])
    _path(ax, [(keep, 3.4), (write - SMALL, 3.4)])
    _fork(ax, keep, 3.4)
    ax.text(6.3, 3.6, "$1 - z^t$", ha="center", fontsize=12, color=INK)
    _path(ax, [(write, level + 0.28), (write, 3.4 - SMALL)])
    _path(ax, [(write, 3.4 + SMALL), (write, top - SMALL)])
    for x, y, text in ((2.2, 2.6, "⊙"), (keep, top, "⊙"), (write, 3.4, "⊙"), (write, top, "+")):
        _operation(ax, x, y, text)
    return fig


def bidirectional(steps=4):
    """A bidirectional network: every output reads one state of each direction.

    Returns:
        matplotlib Figure.
    """
    x = [WIDTH * t for t in range(1, steps + 1)]
    fig, ax = canvas(x[0] - 2.0, x[-1] + 1.0, -0.55, 5.0, unit=0.72)
    rows = {"x": 0, "f": 1.45, "b": 2.9, "y": 4.35}
    for t, place in enumerate(x, start=1):
        arrow(ax, (place - 0.3, rows["x"]), (place - 0.3, rows["f"]), INPUT)
        arrow(ax, (place + 0.3, rows["x"]), (place + 0.3, rows["b"]), INPUT, gap=0.3)
        arrow(ax, (place - 0.3, rows["f"]), (place - 0.3, rows["y"]), OUTPUT, gap=0.3)
        arrow(ax, (place + 0.3, rows["b"]), (place + 0.3, rows["y"]), OUTPUT)
        if t < steps:
            arrow(ax, (place - 0.3, rows["f"]), (x[t] - 0.3, rows["f"]), WEIGHT, gap=0.42)
            arrow(ax, (x[t] + 0.3, rows["b"]), (place + 0.3, rows["b"]), PINK, gap=0.42)
    for t, place in enumerate(x, start=1):
        for name, text, offset, color in (
            ("x", f"$x^{t}$", 0, INPUT),
            ("f", f"$h_f^{t}$", -0.3, WEIGHT),
            ("b", f"$h_b^{t}$", 0.3, PINK),
            ("y", f"$y^{t}$", 0, OUTPUT),
        ):
            node(ax, place + offset, rows[name], text, color, size=13)
    for name, text, color in (("f", "forwards", WEIGHT), ("b", "backwards", PINK)):
        ax.text(x[0] - 1.95, rows[name], text, ha="left", va="center", fontsize=12, color=color)
    return fig


def over_time(rows, limits=None, marks=(), figsize=(9, 5)):
    """Values of some units over time, one panel under the other.

    Args:
        rows: dict from a panel's title to an array (T,), drawn as bars, or (T, units), drawn as a heat map.
        limits: dict from a title to (lowest, highest) for the colours; (0, 1) where it has none.
        marks: steps at which a dotted line stands in all panels, counted from 0.
        figsize: width and height in inches.

    Returns:
        matplotlib Figure.
    """
    heights = [1 if np.ndim(values) == 1 else 1.5 for values in rows.values()]
    fig, axes = plt.subplots(len(rows), 1, figsize=figsize, sharex=True, height_ratios=heights, squeeze=False)
    for ax, (title, values) in zip(axes[:, 0], rows.items(), strict=True):
        low, high = (limits or {}).get(title, (0, 1))
        values = np.asarray(values)
        if values.ndim == 1:
            ax.bar(range(len(values)), values, color=INPUT, width=0.8)
            ax.axhline(0, color=INK, linewidth=0.8)
            ax.set_ylim(min(low, 0) * 1.1, high * 1.1)
        else:
            cmap = "cividis" if low >= 0 else "PuOr"
            image = ax.imshow(values.T, cmap=cmap, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
            fig.colorbar(image, ax=ax, fraction=0.03, pad=0.01, ticks=[low, (low + high) / 2, high])
            ax.set_yticks([])
        for mark in marks:
            ax.axvline(mark, color=INK, linestyle=":", linewidth=1.2)
        ax.grid(False)
        ax.set_title(title, loc="left", fontsize=11)
    axes[-1, 0].set_xlabel("step")
    return fig

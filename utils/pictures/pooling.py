"""What pooling keeps of a window, where its gradient goes, and what stands between the maps and the classes."""

import numpy as np

from utils.numpy_layers.pooling import AveragePooling2D, LpPooling2D, MaxPooling2D
from utils.pictures.cells import arrow, canvas, draw_cells, frame, label, tint
from utils.plots import GREY, INK, INPUT, ORANGE, OUTPUT, PINK, SKY, WEIGHT

WINDOWS = (INPUT, ORANGE, PINK, SKY)  # one colour for each of the four windows


def four_ways(x):
    """One map, four poolings with 2×2 windows side by side, and the average of everything.

    Args:
        x: matrix (4, 4) of small whole numbers ≥ 0.

    Returns:
        matplotlib Figure.
    """
    layers = (("max", MaxPooling2D), ("L2", LpPooling2D), ("average", AveragePooling2D))
    columns, rows = 25.0, 6.6
    fig, ax = canvas(9.6, 9.6 * rows / columns, columns, rows)
    label(ax, 2.5, 0.5, "one channel", font=11, weight="bold")
    for number, (i, j) in enumerate(np.ndindex(2, 2)):
        part = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        draw_cells(ax, part, 0.5 + 2 * j, 1.1 + 2 * i, WINDOWS[number], font=13, amount=0.3)
        frame(ax, 0.5 + 2 * j, 1.1 + 2 * i, 2, 2, WINDOWS[number])
    arrow(ax, (5.0, 3.1), (6.4, 3.1))
    left = 7.0
    for name, kind in layers:
        y = kind(2, dtype="float64").forward(x.astype("float64")[None, :, :, None])[0, :, :, 0]
        label(ax, left + 1.5, 0.5, name, font=11, weight="bold")
        for number, (i, j) in enumerate(np.ndindex(2, 2)):
            place = left + 1.5 * j, 1.6 + 1.5 * i
            draw_cells(
                ax, [[f"{y[i, j]:.2f}".rstrip("0").rstrip(".")]], *place, WINDOWS[number], 1.5, font=12, amount=0.3
            )
        left += 4.5
    label(ax, left + 1.6, 0.5, "global average", font=11, weight="bold")
    draw_cells(ax, [[f"{x.mean():g}"]], left + 0.7, 2.2, OUTPUT, 1.8, font=13, amount=0.4)
    label(ax, left + 1.6, 4.6, "one number\nper channel", font=10)
    label(ax, columns / 2, rows - 0.5, "max: the largest  ·  L2: √(mean of squares)  ·  average: the mean", font=10)
    return fig


def gradients(x, dy):
    """Where the gradient of each output goes: to the winner, or in equal shares to all.

    Args:
        x: matrix (4, 4) of small whole numbers; dy: matrix (2, 2).

    Returns:
        matplotlib Figure: dy, then dx of max and of average pooling.
    """
    columns, rows = 22.0, 6.6
    fig, ax = canvas(9.0, 9.0 * rows / columns, columns, rows)
    label(ax, 2.5, 0.5, "x", INPUT, 12, weight="bold")
    label(ax, 7.5, 0.5, "dy", OUTPUT, 12, weight="bold")
    for number, (i, j) in enumerate(np.ndindex(2, 2)):
        part = x[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        draw_cells(ax, part, 0.5 + 2 * j, 1.1 + 2 * i, WINDOWS[number], font=13, marked=part == part.max(), amount=0.45)
        draw_cells(ax, [[dy[i, j]]], 6.2 + 1.3 * j, 1.8 + 1.3 * i, WINDOWS[number], 1.3, font=13, amount=0.45)
    left = 10.8
    for name, kind in (("dx of max pooling", MaxPooling2D), ("dx of average pooling", AveragePooling2D)):
        layer = kind(2, dtype="float64")
        layer.forward(x.astype("float64")[None, :, :, None])
        dx = layer.backward(dy.astype("float64")[None, :, :, None])[0, :, :, 0]
        label(ax, left + 2, 0.5, name, font=11, weight="bold")
        for number, (i, j) in enumerate(np.ndindex(2, 2)):
            part = dx[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
            draw_cells(ax, part, left + 2 * j, 1.1 + 2 * i, WINDOWS[number], font=12, marked=part != 0, amount=0.45)
        left += 5.6
    label(ax, columns / 2, rows - 0.6, "max: the winner receives everything  ·  average: each pixel a quarter", font=10)
    return fig


def heads(side=7, channels=512, units=4096):
    """From the last maps to the next layer: flatten and connect everything, or average each map.

    Args:
        side, channels: of the last maps; units: of the dense layer behind them.

    Returns:
        matplotlib Figure with the number of weights of both.
    """
    columns, rows = 25.0, 8.6
    fig, ax = canvas(9.6, 9.6 * rows / columns, columns, rows)
    for left, title in ((0.6, "Flatten, then dense"), (13.4, "global average pooling, then dense")):
        label(ax, left + 5.2, 0.5, title, font=11, weight="bold")
        for depth in range(4):
            draw_cells(ax, np.full((3, 3), None), left + 0.35 * depth, 2.6 - 0.35 * depth, INPUT, 0.9, amount=0.25)
        label(ax, left + 1.9, 6.1, f"{side}×{side}×{channels}", INPUT, 11)
    flat = side * side * channels
    for left, count, name, color in ((6.2, 11, f"{flat:,}", INPUT), (19.0, 4, f"{channels:,}", INPUT)):
        top = 3.4 - 0.2 * count
        for number in range(count):
            draw_cells(ax, [[None]], left, top + 0.4 * number, color, 0.4, amount=0.35)
            for unit in range(6):
                ends = [left + 0.4, left + 4.0], [top + 0.4 * number + 0.2, 2.2 + 0.4 * unit + 0.2]
                ax.plot(*ends, color=WEIGHT, linewidth=0.5, alpha=0.55, zorder=1)
        for unit in range(6):
            draw_cells(ax, [[None]], left + 4.0, 2.2 + 0.4 * unit, OUTPUT, 0.4, amount=0.5)
        label(ax, left + 0.2, max(top + 0.4 * count, 5.6) + 0.5, name, color, 11)
        label(ax, left + 4.2, 6.1, f"{units:,}", OUTPUT, 11)
        arrow(ax, (left - 1.5, 3.4), (left - 0.3, 3.4), GREY)
    for left, text in (
        (5.8, f"{flat:,} · {units:,} = {flat * units:,} weights"),
        (18.6, f"{channels:,} · {units:,} = {channels * units:,} weights"),
    ):
        label(ax, left, rows - 0.9, text, WEIGHT, 11, weight="bold")
    ax.plot([12.6, 12.6], [0.3, rows - 0.3], color=tint(INK, 0.3), linewidth=1)
    return fig

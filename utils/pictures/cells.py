"""Arrays as they are drawn in the chapters: squares with numbers in them, one colour for each role."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb

from utils.plots import INK


def canvas(width, height, columns, rows):
    """(figure, axes) without a frame, `columns` × `rows` units large, y counted downwards like the rows of an array."""
    fig, ax = plt.subplots(figsize=(width, height), layout="none")
    fig.subplots_adjust(left=0, right=1, bottom=0, top=1)
    ax.set(xlim=(0, columns), ylim=(rows, 0), aspect="equal")
    ax.axis("off")
    return fig, ax


def tint(color, amount=0.25):
    """A colour mixed with white; amount 1 is the colour itself."""
    return tuple(1 - amount * (1 - part) for part in to_rgb(color))


def draw_cells(ax, values, left, top, color, size=1.0, marked=None, font=11, form="{:g}", edge=None, amount=0.18):
    """Draw a matrix as squares.

    Args:
        ax: axes of `canvas`.
        values: matrix of numbers or texts; None leaves a square empty.
        left, top: place of its upper left corner.
        color: of the role that the array plays.
        size: side of a square.
        marked: matrix of bool; True squares are tinted, the others stay white. None tints all.
        font: size of the numbers in points.
        form: how a number is written.
        edge: colour of the lines; None takes `color`.
        amount: strength of the tint.
    """
    values = np.asarray(values, dtype=object)
    for i, j in np.ndindex(values.shape):
        face = tint(color, amount) if marked is None or marked[i][j] else "white"
        x, y = left + j * size, top + i * size
        ax.add_patch(plt.Rectangle((x, y), size, size, facecolor=face, edgecolor=edge or color, linewidth=0.8))
        value = values[i, j]
        if value is not None:
            text = value if isinstance(value, str) else form.format(value)
            ax.text(x + size / 2, y + size / 2, text, ha="center", va="center", fontsize=font, color=INK)


def frame(ax, left, top, width, height, color, line=2.5, style="-"):
    """A thick outline around some squares."""
    ax.add_patch(
        plt.Rectangle(
            (left, top), width, height, facecolor="none", edgecolor=color, linewidth=line, linestyle=style, zorder=5
        )
    )


def label(ax, x, y, text, color=INK, font=11, **options):
    """Text, centred on a point unless `options` say otherwise."""
    ax.text(x, y, text, **{"ha": "center", "va": "center", "color": color, "fontsize": font} | options)


def arrow(ax, start, end, color=INK, width=1.6):
    """A straight arrow from one point to another."""
    ax.annotate(
        "",
        xy=end,
        xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": color, "linewidth": width, "shrinkA": 0, "shrinkB": 0},
    )

"""Which numbers share one mean and one variance: four normalizations on pictures and on the tokens of a sequence."""

import matplotlib.pyplot as plt
import numpy as np

from utils.pictures.cells import canvas, draw_cells, label, tint
from utils.plots import GREY, INK, INPUT, WEIGHT

SAMPLES, CHANNELS, POSITIONS, GROUPS = 4, 6, 5, 2
# name -> (axes that are averaged, which (sample, channel) share the statistics of the last channel of sample 0)
PICTURES = {
    "Batch Norm": ("N, H, W", lambda n, c: c == CHANNELS - 1),
    "Layer Norm": ("H, W, C", lambda n, c: n == 0),
    "Instance Norm": ("H, W", lambda n, c: n == 0 and c == CHANNELS - 1),
    f"Group Norm, G = {GROUPS}": ("H, W, C/G", lambda n, c: n == 0 and c >= CHANNELS - CHANNELS // GROUPS),
}
COUNTS = ("C", "N", "N·C", "N·G")


def cubes():
    """The four normalizations as in Wu & He (2018), Figure 2: blue numbers share one mean and one variance.

    Returns:
        matplotlib Figure: a cube of channels (to the right), positions (downwards) and samples (to the back) for each.
    """
    depth, gap = 0.55, 1.3
    width = CHANNELS + SAMPLES * depth
    columns, rows = 4 * width + 3 * gap + 2.4, POSITIONS + SAMPLES * depth + 4.6
    fig, ax = canvas(9.6, 9.6 * rows / columns, columns, rows)
    top = 1.9 + SAMPLES * depth
    for panel, (name, (averaged, shares)) in enumerate(PICTURES.items()):
        left = 1.6 + panel * (width + gap)
        color = {True: tint(INPUT, 0.75), False: "white"}

        def cell(corners, marked, color=color):
            ax.add_patch(plt.Polygon(corners, facecolor=color[marked], edgecolor=INK, linewidth=0.7))

        for n in reversed(range(SAMPLES)):
            x, y = n * depth, -n * depth
            for c in range(CHANNELS):
                a, b = left + x + c, top + y
                cell([(a, b), (a + 1, b), (a + 1 + depth, b - depth), (a + depth, b - depth)], shares(n, c))
            for p in range(POSITIONS):
                a, b = left + x + CHANNELS, top + y + p
                marked = shares(n, CHANNELS - 1)
                cell([(a, b), (a, b + 1), (a + depth, b + 1 - depth), (a + depth, b - depth)], marked)
        for c, p in np.ndindex(CHANNELS, POSITIONS):
            a, b = left + c, top + p
            cell([(a, b), (a + 1, b), (a + 1, b + 1), (a, b + 1)], shares(0, c))
        center = left + width / 2
        label(ax, center, 0.6, name, font=11, weight="bold")
        label(ax, left - 0.55, top + POSITIONS / 2, "H, W", font=10, rotation=90)
        label(ax, left + CHANNELS / 2, top + POSITIONS + 0.6, "C", font=10)
        label(ax, left + 0.15, top - SAMPLES * depth / 2 - 0.45, "N", font=10)
        label(ax, left + CHANNELS / 2 + 0.4, top + POSITIONS + 1.6, f"mean over {averaged}", INPUT, 10.5)
    return fig


def unfolded():
    """The same four with every number in sight: a row for each sample, a small map for each channel, γ and β below.

    Returns:
        matplotlib Figure. Blue: one group that shares its mean and variance. Orange: γ and β, one of each a channel.
    """
    samples, channels, size, cell = 3, 4, 3, 0.5
    side, gap = size * cell, 0.3
    width = channels * (side + gap) - gap
    columns, rows = 4 * width + 3 * 1.5 + 2.2, samples * (side + gap) + 5.2
    fig, ax = canvas(9.6, 9.6 * rows / columns, columns, rows)
    same = (
        lambda n, c: c == channels - 1,
        lambda n, c: n == 0,
        lambda n, c: n == 0 and c == channels - 1,
        lambda n, c: n == 0 and c >= channels // 2,
    )
    for panel, ((name, (averaged, _)), shares, count) in enumerate(zip(PICTURES.items(), same, COUNTS, strict=True)):
        left = 1.6 + panel * (width + 1.5)
        label(ax, left + width / 2, 0.5, name, font=11, weight="bold")
        for n in range(samples):
            top = 1.2 + n * (side + gap)
            if panel == 0:
                label(ax, left - 0.8, top + side / 2, f"n = {n}", font=9)
            for c in range(channels):
                marked = np.full((size, size), shares(n, c))
                empty = np.full((size, size), None)
                draw_cells(
                    ax, empty, left + c * (side + gap), top, INPUT, cell, marked, edge=tint(INK, 0.6), amount=0.7
                )
        below = 1.2 + samples * (side + gap) + 0.2
        for c in range(channels):
            draw_cells(ax, [["γ", "β"]], left + c * (side + gap), below, WEIGHT, side / 2, font=9)
        label(ax, left + width / 2, below + 1.75, f"mean over {averaged}", INPUT, 10)
        label(ax, left + width / 2, below + 2.65, f"{count} means and variances", GREY, 10)
    return fig


def tokens():
    """(N, L, D): layer normalization of a Transformer takes one token; batch normalization would take all of them.

    Returns:
        matplotlib Figure: two sequences of four tokens with six features each.
    """
    sequences, length, features = 2, 4, 6
    panels = (
        ("Layer Norm: one token", "D", "N·L means and variances", lambda n, t, d: (n, t) == (0, 1)),
        ("Batch Norm: one feature", "N, L", "D means and variances", lambda n, t, d: d == 4),
        ("Instance Norm", "L", "N·D means and variances", lambda n, t, d: (n, d) == (0, 4)),
    )
    width, gap = features, 2.6
    columns, rows = 3 * width + 2 * gap + 4.4, sequences * (length + 0.8) + 5.4
    fig, ax = canvas(9.0, 9.0 * rows / columns, columns, rows)
    for panel, (name, averaged, count, shares) in enumerate(panels):
        left = 3.2 + panel * (width + gap)
        label(ax, left + width / 2, 0.5, name, font=11, weight="bold")
        label(ax, left + width / 2, 1.3, "D →", font=9.5)
        for n in range(sequences):
            top = 1.8 + n * (length + 0.8)
            marked = [[shares(n, t, d) for d in range(features)] for t in range(length)]
            draw_cells(ax, np.full((length, features), None), left, top, INPUT, marked=marked, edge=GREY, amount=0.7)
            label(ax, left - 0.65, top + length / 2, "L ↓", font=9.5)
            if panel == 0:
                label(ax, left - 2.1, top + length / 2, f"n = {n}", font=10)
        below = 1.8 + sequences * (length + 0.8)
        for row, name in enumerate("γβ"):
            draw_cells(ax, [[name] * features], left, below + row * 0.9, WEIGHT, size=1.0, font=9)
        label(ax, left + width / 2, below + 2.5, f"mean over {averaged}", INPUT, 10)
        label(ax, left + width / 2, below + 3.3, count, GREY, 10)
    return fig

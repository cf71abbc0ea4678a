"""Figures of questions on normalization."""

import numpy as np

from utils.pictures.cells import canvas, draw_cells, label, tint
from utils.plots import INK, INPUT

SAMPLES, CHANNELS, GROUPS, SIZE = 3, 4, 2, 3
# What shares one mean and one variance in the panels P to S: function (sample, channel) -> bool.
PANELS = (
    lambda n, c: n == 1,
    lambda n, c: n == 1 and c >= CHANNELS // GROUPS,
    lambda n, c: c == 2,
    lambda n, c: (n, c) == (1, 2),
)


def shared_sets():
    """Four panels of feature maps (rows: samples, columns: channels); coloured maps share mean and variance."""
    cell, gap = 0.5, 0.35
    side = SIZE * cell
    width, between = CHANNELS * (side + gap) - gap, 2.8
    columns, rows = 2 * width + between + 3.4, 2 * (SAMPLES * (side + gap) + 2.2) + 0.6
    fig, ax = canvas(7.0, 7.0 * rows / columns, columns, rows)
    for number, (name, shares) in enumerate(zip("PQRS", PANELS, strict=True)):
        left = 2.4 + (number % 2) * (width + between)
        top = 2.0 + (number // 2) * (SAMPLES * (side + gap) + 2.2)
        label(ax, left - 1.7, top - 1.2, name, font=14, weight="bold")
        for c in range(CHANNELS):
            label(ax, left + c * (side + gap) + side / 2, top - 0.5, f"c = {c}", font=9)
        for n in range(SAMPLES):
            y = top + n * (side + gap)
            label(ax, left - 0.95, y + side / 2, f"n = {n}", font=9)
            for c in range(CHANNELS):
                marked, empty = np.full((SIZE, SIZE), shares(n, c)), np.full((SIZE, SIZE), None)
                draw_cells(ax, empty, left + c * (side + gap), y, INPUT, cell, marked, edge=tint(INK, 0.6), amount=0.7)
    return fig

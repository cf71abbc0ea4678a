"""Figures of questions on convolutions."""

import numpy as np

from utils.numpy_layers.im2col import geometry
from utils.pictures.cells import canvas, draw_cells, label
from utils.plots import GREY, INK, WEIGHT

SIZE, KERNEL, STRIDE, DILATION = 9, 3, 3, 2  # of the convolution whose windows `read_pixels` shows


def window_pixels(row, column):
    """Which pixels the output at (row, column) reads: matrix of bool, shape (SIZE, SIZE)."""
    seen = np.zeros((SIZE, SIZE), bool)
    for _, _, rows, columns in geometry((1, SIZE, SIZE, 1), KERNEL, STRIDE, "valid", DILATION).taps():
        seen[np.arange(SIZE)[rows][row], np.arange(SIZE)[columns][column]] = True
    return seen


def read_pixels():
    """The pixels that two neighbouring outputs of a convolution read."""
    fig, ax = canvas(4.4, 5.0, 11, 12.5)
    left, top = 1.4, 1.2
    draw_cells(ax, np.full((SIZE, SIZE), None), left, top, WEIGHT, marked=window_pixels(0, 0), edge=GREY, amount=0.6)
    for i, j in np.argwhere(window_pixels(0, 1)):
        ax.plot(left + j + 0.5, top + i + 0.5, "o", markersize=9, color=INK)
    for n in range(SIZE):
        label(ax, left + n + 0.5, top - 0.45, str(n), font=10)
        label(ax, left - 0.45, top + n + 0.5, str(n), font=10)
    draw_cells(ax, [[None]], left, 10.65, WEIGHT, 0.6, edge=GREY, amount=0.6)
    label(ax, left + 0.95, 10.95, "read by y[0, 0]", font=11, ha="left")
    ax.plot(left + 0.3, 11.85, "o", markersize=9, color=INK)
    label(ax, left + 0.95, 11.85, "read by y[0, 1]", font=11, ha="left")
    return fig

"""What a convolution does: a kernel slides, channels meet, windows become rows, stamps overlap."""

import numpy as np

from utils.pictures.cells import arrow, canvas, draw_cells, frame, label
from utils.plots import INK, INPUT, ORANGE, OUTPUT, PINK, SKY, WEIGHT


def sliding_kernel(x, kernel):
    """A film strip: one frame for each output number, with its products and its sum.

    Args:
        x: matrix of small whole numbers, e.g. (4, 4).
        kernel: matrix of small whole numbers, e.g. (3, 3).

    Returns:
        matplotlib Figure with one frame for each of the at most four output positions.
    """
    (height, width), (k_h, k_w) = x.shape, kernel.shape
    out_h, out_w = height - k_h + 1, width - k_w + 1
    y = np.array([[np.sum(x[i : i + k_h, j : j + k_w] * kernel) for j in range(out_w)] for i in range(out_h)])
    step, rows = width + 1.7, 2.2 + height + 0.75 * k_h + out_h
    columns = out_h * out_w * step + 0.6
    fig, ax = canvas(0.42 * columns, 0.42 * rows, columns, rows)
    for number, (i, j) in enumerate(np.ndindex(out_h, out_w)):
        left, top = number * step + 0.9, 0.9
        label(ax, left + width / 2, 0.4, f"step {number + 1}", font=11, weight="bold")
        inside = np.zeros(x.shape, bool)
        inside[i : i + k_h, j : j + k_w] = True
        draw_cells(ax, x, left, top, INPUT, marked=inside, font=13)
        frame(ax, left + j, top + i, k_w, k_h, WEIGHT)
        for p, q in np.ndindex(k_h, k_w):
            corner = (left + j + q + 0.94, top + i + p + 0.82)
            label(ax, *corner, f"×{kernel[p, q]:g}", WEIGHT, 9.5, ha="right", weight="bold")
        total = 0
        for p in range(k_h):
            products = [f"{x[i + p, j + q]:g}·{kernel[p, q]:g}" for q in range(k_w)]
            total += int(np.sum(x[i + p, j : j + k_w] * kernel[p]))
            line = top + height + 0.7 + 0.75 * p
            label(ax, left - 0.25, line, ("" if p == 0 else "+ ") + " + ".join(products), font=10, ha="left")
            label(ax, left + width + 0.5, line, f"→ {total}", font=10, ha="right")
        below = top + height + 0.75 * k_h + 0.6
        shown = [[f"{y[a, b]:g}" if a * out_w + b <= number else None for b in range(out_w)] for a in range(out_h)]
        now = np.zeros(y.shape, bool)
        now[i, j] = True
        place = left + (width - out_w) / 2
        draw_cells(ax, shown, place, below, OUTPUT, marked=now, font=13, amount=0.35)
        if number == 0:
            label(ax, place - 0.25, below + out_h / 2, "output", OUTPUT, 10.5, ha="right")
    return fig


def channels_meet(x, kernel):
    """Which slice of the kernel meets which input channel: every number of a multi-channel convolution in the open.

    Args:
        x: one window, shape (k, k, channels).
        kernel: shape (k, k, channels, filters).

    Returns:
        matplotlib Figure. Rows are input channels, columns are filters; the sum under a column is an output number.
    """
    k, _, channels, filters = kernel.shape
    step_x, step_y = k + 2.1, k + 1.5
    columns, rows = (filters + 1) * step_x - 0.9, 1.5 + channels * step_y + 2.3
    fig, ax = canvas(0.42 * columns, 0.42 * rows, columns, rows)
    label(ax, 0.6 + k / 2, 0.55, "input  x", INPUT, 12, weight="bold")
    for f in range(filters):
        place = 0.6 + (f + 1) * step_x + k / 2
        label(ax, place, 0.55, f"filter {f}", WEIGHT, 12, weight="bold")
    partial = np.einsum("pqc,pqcf->cf", x, kernel)
    for c in range(channels):
        top = 1.5 + c * step_y
        label(ax, 0.6 + k / 2, top - 0.35, f"channel {c}:  x[:,:,{c}]", INPUT, 10)
        draw_cells(ax, x[:, :, c], 0.6, top, INPUT, font=10.5, form="{:.1f}")
        label(ax, 0.6, top + k + 0.45, f"sum of the {k * k} products:", font=10, ha="left")
        for f in range(filters):
            left = 0.6 + (f + 1) * step_x
            label(ax, left - 1.05, top + k / 2, "×" if f == 0 else "", font=17)
            label(ax, left + k / 2, top - 0.35, f"K[:,:,{c},{f}]", WEIGHT, 10)
            draw_cells(ax, kernel[:, :, c, f], left, top, WEIGHT, font=10.5)
            sign = "" if c == 0 else "+ "
            label(ax, left + k / 2, top + k + 0.45, f"{sign}{partial[c, f]:g}", font=12)
    below = 1.5 + channels * step_y + 0.2
    label(ax, 0.6, below + 0.55, "output  y\n(sum over the\ninput channels)", OUTPUT, 10.5, ha="left", va="center")
    for f in range(filters):
        left = 0.6 + (f + 1) * step_x
        ax.plot([left, left + k], [below - 0.25] * 2, color=INK, linewidth=1)
        draw_cells(
            ax, [[f"{partial[:, f].sum():g}"]], left + k / 2 - 0.95, below, OUTPUT, size=1.9, font=13, amount=0.3
        )
    return fig


def windows_as_rows(x, kernel):
    """im2col: every window becomes one row of X, the kernel becomes a column, and the convolution one product.

    Args:
        x: matrix (4, 4) of small numbers; kernel: matrix (3, 3).

    Returns:
        matplotlib Figure.
    """
    (height, width), (k_h, k_w) = x.shape, kernel.shape
    out_h, out_w = height - k_h + 1, width - k_w + 1
    colors = (SKY, ORANGE, PINK, OUTPUT)
    mini, gap = 0.6, 0.45
    pitch = height * mini + gap
    rows, columns = out_h * out_w * pitch + 1.3, 20.5
    fig, ax = canvas(0.45 * columns, 0.45 * rows, columns, rows)
    label(ax, 1.5, 0.5, "window of x", INPUT, 11.5)
    label(ax, 8.1, 0.5, f"X  ({out_h * out_w}×{k_h * k_w}):  one row per window", INK, 11.5)
    label(ax, 14.9, 0.5, f"K  ({k_h * k_w}×1)", WEIGHT, 11.5)
    label(ax, 18.6, 0.5, f"y  ({out_h * out_w}×1)", OUTPUT, 11.5)
    middle = 1.2 + (rows - 1.3) / 2
    for number, (i, j) in enumerate(np.ndindex(out_h, out_w)):
        top, color = 1.2 + number * pitch, colors[number % len(colors)]
        inside = np.zeros(x.shape, bool)
        inside[i : i + k_h, j : j + k_w] = True
        draw_cells(ax, x, 0.5, top, color, mini, inside, font=10, edge=INPUT, amount=0.45)
        frame(ax, 0.5 + j * mini, top + i * mini, k_w * mini, k_h * mini, color, 2)
        window = x[i : i + k_h, j : j + k_w]
        row_top = top + height * mini / 2 - 0.5
        arrow(ax, (3.0, row_top + 0.5), (3.45, row_top + 0.5), color, 2)
        draw_cells(ax, window.reshape(1, -1), 3.6, row_top, color, font=12, amount=0.45)
        draw_cells(ax, [[f"{np.sum(window * kernel):g}"]], 18.1, row_top, color, font=12, amount=0.45)
    label(ax, 13.5, middle, "@", font=17)
    side = min(1.0, (rows - 1.6) / kernel.size)
    draw_cells(ax, kernel.reshape(-1, 1), 14.9 - side / 2, middle - side * kernel.size / 2, WEIGHT, side, font=11)
    label(ax, 16.8, middle, "=", font=17)
    return fig


def stamps(x, kernel, channel=0):
    """Transposed convolution: each input position stamps the kernel onto the output, and overlaps add up.

    Args:
        x: input, shape (2, 2, channels).
        kernel: shape (k, k, filters, channels), Keras' order for Conv2DTranspose.
        channel: the output channel that is drawn.

    Returns:
        matplotlib Figure: the four stamps where they land, and their sum.
    """
    height, width, _ = x.shape
    k = kernel.shape[0]
    out_h, out_w = height + k - 1, width + k - 1
    colors = (SKY, ORANGE, PINK, OUTPUT)
    step_x, step_y, big = out_w + 1.5, out_h + 1.9, 1.5
    columns, rows = width * step_x + 2.2 + out_w * big + 0.6, height * step_y + 0.5
    fig, ax = canvas(0.46 * columns, 0.46 * rows, columns, rows)
    total, covers = np.zeros((out_h, out_w)), np.zeros((out_h, out_w), int)
    for number, (i, j) in enumerate(np.ndindex(height, width)):
        left, top = 0.5 + j * step_x, 1.3 + i * step_y
        stamp = kernel[:, :, channel, :] @ x[i, j]
        texts = np.full((out_h, out_w), None, dtype=object)
        texts[i : i + k, j : j + k] = stamp
        here = np.zeros((out_h, out_w), bool)
        here[i : i + k, j : j + k] = True
        numbers = ", ".join(f"{value:.1f}" for value in x[i, j])
        label(ax, left + out_w / 2, top - 0.45, f"x[{i},{j}] = ({numbers})", font=10)
        draw_cells(
            ax, texts, left, top, colors[number], marked=here, font=10, form="{:.1f}", edge="#bbbbbb", amount=0.45
        )
        frame(ax, left + j, top + i, k, k, colors[number])
        total[i : i + k, j : j + k] += stamp
        covers[i : i + k, j : j + k] += 1
    left, top = width * step_x + 1.6, (rows - out_h * big) / 2 + 0.3
    label(ax, left - 0.95, top + out_h * big / 2, "Σ", font=22)
    label(ax, left + out_w * big / 2, top - 0.5, f"output channel {channel}: the sum of the stamps", OUTPUT, 11)
    for a, b in np.ndindex(out_h, out_w):
        cell = [[f"{total[a, b]:.1f}"]]
        draw_cells(ax, cell, left + b * big, top + a * big, OUTPUT, big, font=12.5, amount=0.09 * covers[a, b] ** 1.1)
    label(ax, left + out_w * big / 2, top + out_h * big + 0.5, "darker: more stamps overlap (1, 2 or 4)", font=10)
    return fig

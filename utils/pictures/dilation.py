"""Pictures of WaveNet and PixelCNN: the dilated causal stack, its block, its cache, masks and what a pixel sees."""

import matplotlib.pyplot as plt

from utils.pictures.cells import arrow, canvas, draw_cells, frame, label, tint
from utils.plots import GREY, INK, INPUT, ORANGE, OUTPUT, PALE, PINK, WEIGHT

GAP, RADIUS = 2.2, 0.3  # between two layers, of a circle; one unit is one step of time


def path_to(output, dilations, kernel_size=2):
    """Steps of each layer that one output of the top layer depends on, inputs first: list of sorted lists.

    Steps before 0 (the padding) are left out.
    """
    rows = [{output}]
    for dilation in reversed(dilations):
        rows.append({step - tap * dilation for step in rows[-1] for tap in range(kernel_size)})
    return [sorted(step for step in row if step >= 0) for row in reversed(rows)]


def stack(dilations=(1, 2, 4, 8), steps=16, title=None):
    """The stack with two taps a layer, and the path of its last output (van den Oord et al. 2016a, Fig. 2 and 3).

    Args:
        dilations: of the layers, from the input up.
        steps: number of time steps drawn.
        title: of the picture.

    Returns:
        matplotlib Figure.
    """
    rows = len(dilations) + 1
    height = (rows - 1) * GAP + 2.6
    fig, ax = canvas(0.42 * (steps + 5.4), 0.42 * height, steps + 5.4, height)
    base, left = height - 1.3, 4.6
    used = path_to(steps - 1, dilations)
    for layer, dilation in enumerate(dilations, start=1):
        low, high = base - (layer - 1) * GAP, base - layer * GAP
        for step in range(steps):
            for past in (step - dilation, step):
                if past < 0:
                    continue
                on = step in used[layer] and past in used[layer - 1]
                ax.plot(
                    [left + past, left + step],
                    [low - RADIUS, high + RADIUS],
                    color=WEIGHT if on else PALE,
                    linewidth=2 if on else 1.1,
                    zorder=2 if on else 1,
                )
        label(ax, 0.2, high, f"layer {layer}: $d$ = {dilation}", WEIGHT, 11, ha="left")
    label(ax, 0.2, base, "input", INPUT, 11, ha="left")
    for row in range(rows):
        color = INPUT if row == 0 else OUTPUT if row == rows - 1 else INK
        for step in range(steps):
            on = step in used[row]
            face = tint(color, 0.55) if on else "white"
            edge = color if on else GREY
            ax.add_patch(plt.Circle((left + step, base - row * GAP), RADIUS, facecolor=face, edgecolor=edge, zorder=3))
    seen = len(used[0])
    label(ax, left + steps - 1, base - (rows - 1) * GAP - 0.8, "output", OUTPUT, 11)
    text = title or f"the last output sees {seen} inputs"
    label(ax, left + (steps - 1) / 2, base + 0.9, text, INPUT, 12)
    return fig


def block():
    """One block of WaveNet, and what becomes of all skip connections (van den Oord et al. 2016a, Fig. 4)."""
    fig, ax = canvas(8.8, 5.6, 22, 14)
    x, y = 7.0, {"in": 13.0, "conv": 11.1, "gates": 8.9, "times": 6.8, "mix": 4.6, "plus": 2.4}
    ax.add_patch(plt.Rectangle((1.2, 1.5), 12.6, 11.0, facecolor="none", edgecolor=GREY, linestyle=(0, (4, 3))))
    label(ax, x + 0.5, 13.1, "block, repeated for $d$ = 1, 2, 4, …", GREY, 11, ha="left")
    _box(ax, x, y["conv"], 7.4, "dilated causal conv\n$C \\to 2C$", WEIGHT)
    _box(ax, x - 2.2, y["gates"], 2.8, "tanh", INK)
    _box(ax, x + 2.2, y["gates"], 2.8, "σ", INK)
    _circle(ax, x, y["times"], "×", PINK)
    _box(ax, x, y["mix"], 4.0, "1×1, $C \\to C$", WEIGHT)
    _circle(ax, x, y["plus"], "+", INPUT)
    arrow(ax, (x, 13.7), (x, y["conv"] + 0.85))
    for side in (-2.2, 2.2):
        arrow(ax, (x + side, y["conv"] - 0.85), (x + side, y["gates"] + 0.65))
        arrow(ax, (x + side, y["gates"] - 0.65), (x + 0.42 * side / 2.2, y["times"] + 0.36))
    label(ax, x - 2.5, y["conv"] - 1.2, "filter", font=11, ha="right")
    label(ax, x + 2.5, y["conv"] - 1.2, "gate", font=11, ha="left")
    arrow(ax, (x, y["times"] - 0.5), (x, y["mix"] + 0.65))
    arrow(ax, (x, y["mix"] - 0.65), (x, y["plus"] + 0.5))
    arrow(ax, (x, y["plus"] - 0.5), (x, 0.5))
    label(ax, x + 0.3, 0.75, "to the next block", font=11, ha="left")
    ax.plot([x, 2.2, 2.2], [y["in"] + 0.05, y["in"] + 0.05, y["plus"]], color=INPUT, linewidth=2.2)
    arrow(ax, (2.2, y["plus"]), (x - 0.5, y["plus"]), INPUT, 2.2)
    label(ax, 2.5, 4.0, "residual", INPUT, 11, ha="left")
    _box(ax, 11.6, y["times"], 3.4, "1×1, $C \\to S$", WEIGHT)
    arrow(ax, (x + 0.5, y["times"]), (9.9, y["times"]), OUTPUT, 2.2)
    _circle(ax, 15.6, y["times"], "+", OUTPUT)
    arrow(ax, (13.3, y["times"]), (15.1, y["times"]), OUTPUT, 2.2)
    label(ax, 14.5, y["times"] + 0.6, "skip", OUTPUT, 11)
    arrow(ax, (15.6, 10.4), (15.6, y["times"] + 0.5), OUTPUT)
    arrow(ax, (15.6, 3.2), (15.6, y["times"] - 0.5), OUTPUT)
    label(ax, 15.6, 11.2, "other\nblocks", OUTPUT, 11)
    label(ax, 15.6, 2.4, "other\nblocks", OUTPUT, 11)
    arrow(ax, (16.1, y["times"]), (17.6, y["times"]))
    _box(ax, 19.6, y["times"], 3.9, "ReLU, 1×1\nReLU, 1×1\nsoftmax", INK, height=2.6)
    label(ax, 19.6, 4.6, "256 probabilities\nof the next sample", font=11)
    return fig


def cache(dilations=(1, 2, 4), steps=9):
    """One step of cached generation: what is computed, what comes from a queue (Le Paine et al. 2016).

    Args:
        dilations: of the layers; steps: number of time steps drawn, the last being the new one.
    """
    rows = len(dilations) + 1
    height = (rows - 1) * GAP + 3.4
    fig, ax = canvas(0.52 * (steps + 11.2), 0.52 * height, steps + 11.2, height)
    base, left, now = height - 2.1, 5.2, steps - 1
    label(ax, 0.2, base, "input", INPUT, 11, ha="left")
    for layer, dilation in enumerate(dilations, start=1):
        low, high = base - (layer - 1) * GAP, base - layer * GAP
        label(ax, 0.2, high, f"layer {layer}: $d$ = {dilation}", WEIGHT, 11, ha="left")
        for past, color in ((now - dilation, ORANGE), (now, WEIGHT)):
            ax.plot([left + past, left + now], [low - RADIUS, high + RADIUS], color=color, linewidth=2.2, zorder=2)
        frame(ax, left + now - dilation - 0.46, low - 0.46, dilation - 0.08, 0.92, ORANGE, 2)
        label(ax, left + now + 0.8, low, f"queue of {dilation}", ORANGE, 11, ha="left")
    needed = path_to(now, dilations)
    for row in range(rows):
        for step in range(steps):
            dilation = dilations[row] if row < len(dilations) else 0
            if step == now:
                face, edge = tint(WEIGHT, 0.6), WEIGHT
            elif step == now - dilation:
                face, edge = tint(ORANGE, 0.6), ORANGE
            else:
                face, edge = (PALE, GREY) if step in needed[row] else ("white", PALE)
            ax.add_patch(plt.Circle((left + step, base - row * GAP), RADIUS, facecolor=face, edgecolor=edge, zorder=3))
    label(ax, left + now, base - (rows - 1) * GAP - 0.85, "new", WEIGHT, 11)
    for place, face, edge, text in (
        (0.8, tint(WEIGHT, 0.6), WEIGHT, "computed now"),
        (5.4, tint(ORANGE, 0.6), ORANGE, "read from a queue"),
        (11.0, PALE, GREY, "what the naive way needs besides"),
    ):
        ax.add_patch(plt.Circle((place, base + 1.35), RADIUS, facecolor=face, edgecolor=edge))
        label(ax, place + 0.6, base + 1.35, text, INK, 11, ha="left")
    return fig


def masks(kernels):
    """Masks of kernels side by side (van den Oord et al. 2016b, §3.4).

    Args:
        kernels: dict from a title to a square matrix of 0 and 1.
    """
    k = len(next(iter(kernels.values())))
    columns = len(kernels) * (k + 3) + 1
    fig, ax = canvas(0.42 * columns, 0.42 * (k + 2.2), columns, k + 2.2)
    for number, (title, allowed) in enumerate(kernels.items()):
        left = 2 + number * (k + 3)
        draw_cells(ax, allowed, left, 1.6, WEIGHT, marked=allowed, font=11, edge=GREY, amount=0.3)
        frame(ax, left + k // 2, 1.6 + k // 2, 1, 1, INPUT, 2.5)
        label(ax, left + k / 2, 0.8, title, font=12)
    return fig


def fields(seen, pixel):
    """What one pixel's logit sees, for several networks side by side.

    Args:
        seen: dict from a network's name to a matrix of bool.
        pixel: (row, column) that is predicted.

    Returns:
        matplotlib Figure: green cells are seen, orange ones come before the pixel and are not seen (blind spot).
    """
    height, width = next(iter(seen.values())).shape
    count = len(seen)
    columns, rows = count * (width + 1.5) + 0.5, height + 3.2
    fig, ax = canvas(0.26 * columns, 0.26 * rows, columns, rows)
    for number, (name, cells) in enumerate(seen.items()):
        left = 1 + number * (width + 1.5)
        label(ax, left + width / 2, 0.8, name, font=12)
        for row in range(height):
            for column in range(width):
                before = (row, column) < tuple(pixel)
                face = tint(OUTPUT, 0.5) if cells[row][column] else tint(ORANGE, 0.75) if before else "white"
                cell = plt.Rectangle((left + column, 1.6 + row), 1, 1, facecolor=face, edgecolor=GREY, linewidth=0.6)
                ax.add_patch(cell)
        frame(ax, left + pixel[1], 1.6 + pixel[0], 1, 1, INPUT, 2.5)
    label(ax, columns / 2, rows - 0.7, "green: seen    orange: before the pixel, yet not seen (blind spot)", font=11)
    return fig


def _box(ax, x, y, width, text, color, height=1.3):
    """A box centred on a point."""
    height = 1.7 if "\n" in text and height == 1.3 else height
    box = plt.Rectangle((x - width / 2, y - height / 2), width, height, facecolor=tint(color, 0.18), edgecolor=color)
    ax.add_patch(box)
    box.set_zorder(3)
    label(ax, x, y, text, font=11, zorder=4)


def _circle(ax, x, y, text, color):
    ax.add_patch(plt.Circle((x, y), 0.5, facecolor="white", edgecolor=color, linewidth=2, zorder=5))
    label(ax, x, y, text, color, 15, zorder=6)

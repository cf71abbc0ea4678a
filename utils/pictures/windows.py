"""How a window slides: padding, stride, dilation, and how far an output sees (receptive field)."""

import numpy as np

from utils.numpy_layers.conv_arithmetic import output_size, padding_amounts, receptive_fields
from utils.pictures.cells import canvas, draw_cells, label
from utils.plots import GREY, INK, INPUT, OUTPUT, PALE, WEIGHT

# title, input size, kernel, stride, padding, dilation
SLIDES = (
    ("padding 'valid'", 5, 3, 1, "valid", 1),
    ("padding 'same'", 5, 3, 1, "same", 1),
    ("stride 2, 'same'", 6, 3, 2, "same", 1),
    ("dilation 2", 7, 3, 1, "valid", 2),
)


def padding_stride_dilation(slides=SLIDES):
    """The first window and the second one beside it, for several ways of sliding.

    Args:
        slides: (title, input size, kernel size, stride, padding, dilation) of each panel.

    Returns:
        matplotlib Figure: input and padding on top, output below. Orange: the weights of the first window; dots:
        those of the window to its right.
    """
    sizes = [size + sum(padding_amounts(size, k, s, p, d)) for _, size, k, s, p, d in slides]
    gap, tallest = 1.1, max(sizes)
    most = max(output_size(*slide[1:]) for slide in slides)
    columns, rows = sum(sizes) + gap * (len(slides) - 1) + 0.6, tallest + 5.0 + most
    fig, ax = canvas(9.6, 9.6 * rows / columns, columns, rows)
    left = 0.3
    for (title, size, kernel, stride, padding, dilation), padded in zip(slides, sizes, strict=True):
        before, _ = padding_amounts(size, kernel, stride, padding, dilation)
        top = 1.3 + tallest - padded
        values = np.full((padded, padded), "0", dtype=object)
        values[before : before + size, before : before + size] = None
        draw_cells(ax, values, left, top, GREY, marked=np.zeros(values.shape), font=10)
        draw_cells(ax, np.full((size, size), None), left + before, top + before, INPUT)
        for p in range(kernel):
            for q in range(kernel):
                now = [[values[p * dilation, q * dilation]]]
                draw_cells(ax, now, left + q * dilation, top + p * dilation, WEIGHT, font=10, amount=0.55)
                follow = left + stride + q * dilation + 0.8, top + p * dilation + 0.8
                ax.plot(*follow, "o", markersize=4.5, color=INK, zorder=5)
        center, output = left + padded / 2, output_size(size, kernel, stride, padding, dilation)
        label(ax, center, 0.5, title, font=11, weight="bold")
        below = 1.3 + tallest + 2.2
        label(ax, center, below - 1.3, f"k = {kernel}, s = {stride}, d = {dilation}", WEIGHT, 10)
        label(ax, center, below - 0.5, f"{size} → {output}", font=12)
        marked = np.zeros((output, output), bool)
        marked[0, 0] = True
        draw_cells(ax, np.full((output, output), None), center - output / 2, below, OUTPUT, marked=marked, amount=0.6)
        left += padded + gap
    legend = "orange: weights of the first window  ·  dots: of the next one to the right  ·  0: padding"
    label(ax, columns / 2, rows - 0.5, legend, font=10)
    return fig


# title, (kernel, stride, dilation) of each layer from the input upwards
CHAINS = (
    ("stride 1", ((3, 1, 1), (3, 1, 1), (3, 1, 1))),
    ("stride 2", ((3, 2, 1), (3, 2, 1), (3, 1, 1))),
    ("dilation 1, 2, 4", ((3, 1, 1), (3, 1, 2), (3, 1, 4))),
)


def receptive_field_growth(chains=CHAINS):
    """Three layers seen from the side: which inputs does the top output depend on?

    Args:
        chains: (title, layers) of each panel, layers as (kernel_size, stride, dilation_rate) from the input upwards.

    Returns:
        matplotlib Figure. Blue inputs reach the output; the number is the receptive field.
    """
    widest = max(receptive_fields(layers)[-1] for _, layers in chains)
    width, height = widest + 3, 3.2
    columns, rows = width * len(chains), height * 3 + 4.2
    fig, ax = canvas(9.6, 9.6 * rows / columns, columns, rows)
    for panel, (title, layers) in enumerate(chains):
        middle = panel * width + width / 2
        # Positions in input pixels of the outputs of each layer that the top output depends on, from the top down.
        needed, jumps = {0.0}, [int(np.prod([s for _, s, _ in layers[:depth]])) for depth in range(len(layers) + 1)]
        for depth in range(len(layers), -1, -1):
            y = 1.9 + (len(layers) - depth) * height
            jump = jumps[depth]
            offset = min(needed) % jump
            for place in np.arange(-(widest // 2) - 1, widest // 2 + 2):
                if (place - offset) % jump == 0:
                    used = any(abs(place - other) < 1e-9 for other in needed)
                    color = INPUT if depth == 0 else OUTPUT if depth == len(layers) else INK
                    face = color if used else PALE
                    ax.plot(middle + place, y, "o", markersize=6.5, color=face, zorder=3, markeredgewidth=0)
            if depth:
                kernel, _, dilation = layers[depth - 1]
                reach = [(tap - (kernel - 1) / 2) * dilation * jumps[depth - 1] for tap in range(kernel)]
                below = {place + step for place in needed for step in reach}
                for place in needed:
                    for step in reach:
                        ax.plot(
                            [middle + place, middle + place + step],
                            [y, y + height],
                            color=GREY,
                            linewidth=0.9,
                            zorder=1,
                        )
                needed = below
        field = receptive_fields(layers)
        label(ax, middle, 0.6, title, font=11, weight="bold")
        label(ax, middle, rows - 0.8, f"receptive field {' → '.join(map(str, field))}", INPUT, 11)
    return fig

"""The inception module, with and without its 1×1 reductions, and what each convolution costs."""

import matplotlib.pyplot as plt

from utils.numpy_layers import conv_arithmetic
from utils.pictures.cells import arrow, canvas, label, tint
from utils.plots import GREY, INPUT, OUTPUT, WEIGHT


def branches(channels=192, ones=64, before3=96, threes=128, before5=16, fives=32, pool=32, reduced=True):
    """[(convolutions of a branch as (kernel, input channels, filters))] of one module, left to right.

    The defaults are those of module 3a (Szegedy et al. 2015, Table 1): filters of 1×1, 3×3 reduction, 3×3, 5×5
    reduction, 5×5, pool projection. Without `reduced` the 3×3 and the 5×5 convolution read all channels, and pooling
    hands all of them on.
    """
    if not reduced:
        return [[(1, channels, ones)], [(3, channels, threes)], [(5, channels, fives)], []]
    return [
        [(1, channels, ones)],
        [(1, channels, before3), (3, before3, threes)],
        [(1, channels, before5), (5, before5, fives)],
        [(1, channels, pool)],
    ]


def module_macs(size=28, **settings):
    """MACs of a module for one image (see `branches`)."""
    return sum(conv_arithmetic.conv2d_macs(size, *conv) for branch in branches(**settings) for conv in branch)


def module(size=28, channels=192, **filters):
    """The naive module and the one with 1×1 reductions side by side.

    Args:
        size: height and width of the map; channels: of the input; filters: as for `branches`.

    Returns:
        matplotlib Figure; under each convolution its MACs in millions.
    """
    columns, rows = 25.0, 10.4
    fig, ax = canvas(9.6, 9.6 * rows / columns, columns, rows)
    for left, reduced, title in ((0.4, False, "naive"), (12.9, True, "with 1×1 reductions")):
        label(ax, left + 5.9, 0.5, title, font=11, weight="bold")
        _box(ax, left + 3.6, 1.1, 4.6, 0.9, INPUT, f"{size}×{size}×{channels}")
        outputs = 0
        for number, branch in enumerate(branches(channels, **filters, reduced=reduced)):
            x = left + 3.0 * number
            steps = [("pool", 3)] * (number == 3) + [("conv", conv) for conv in branch]
            y = 3.1 if len(steps) > 1 else 5.3
            arrow(ax, (left + (5.9 if number else 3.9), 2.05), (x + 1.35, y - 0.1), GREY, 1.2)  # past the second branch
            made = channels
            for position, (kind, what) in enumerate(steps):
                if position:
                    arrow(ax, (x + 1.35, y - 0.75), (x + 1.35, y - 0.1), GREY, 1.2)
                if kind == "pool":
                    _box(ax, x, y, 2.7, 1.4, GREY, "max pool\n3×3")
                else:
                    k, _, made = what
                    million = conv_arithmetic.conv2d_macs(size, *what) / 1e6
                    _box(ax, x, y, 2.7, 1.4, WEIGHT, f"{k}×{k}, {made}\n{million:.1f} M")
                y += 2.2
            arrow(ax, (x + 1.35, 6.75), (left + 5.9, 7.75), GREY, 1.2)
            outputs += made
        _box(ax, left + 2.9, 7.8, 6.0, 0.9, OUTPUT, f"concatenate: {size}×{size}×{outputs}")
        total = module_macs(size, channels=channels, **filters, reduced=reduced)
        label(ax, left + 5.9, 9.5, f"{total / 1e6:.1f} M multiplications", WEIGHT, 11, weight="bold")
    return fig


def _box(ax, left, top, width, height, color, text):
    ax.add_patch(plt.Rectangle((left, top), width, height, facecolor=tint(color, 0.2), edgecolor=color, zorder=2))
    label(ax, left + width / 2, top + height / 2, text, font=10, zorder=3)

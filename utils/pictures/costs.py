"""Which channel feeds which, and what that costs."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from utils.numpy_layers import conv_arithmetic as arithmetic
from utils.pictures.cells import canvas, draw_cells, label
from utils.plots import GREY, INK, INPUT, OUTPUT, SERIES, WEIGHT


def connections(channels=4, groups=2):
    """Kernels as lines from input channels to output channels: the five layers differ in which lines exist.

    Args:
        channels: input and output channels of each panel.
        groups: of the grouped convolution.

    Returns:
        matplotlib Figure. A thick line is a k×k kernel, a thin one a single weight.
    """
    same = [(c, c) for c in range(channels)]
    every = [(c, f) for c in range(channels) for f in range(channels)]
    block = channels // groups
    panels = (
        ("standard", [(every, True)], f"k²·{channels}·{channels}"),
        (
            f"{groups} groups",
            [([(c, f) for c, f in every if c // block == f // block], True)],
            f"k²·{block}·{channels}",
        ),
        ("depthwise", [(same, True)], f"k²·{channels}"),
        ("pointwise", [(every, False)], f"{channels}·{channels}"),
        ("separable", [(same, True), (every, False)], f"k²·{channels} + {channels}·{channels}"),
    )
    reach, gap, pitch = 3.2, 1.9, 1.35
    widths = [1 + reach * len(steps) for _, steps, _ in panels]
    columns, rows = sum(widths) + gap * (len(panels) - 1) + 1, channels * pitch + 4.2
    fig, ax = canvas(9.6, 9.6 * rows / columns, columns, rows)
    left = 0.5
    for (title, steps, count), width in zip(panels, widths, strict=True):
        for number, (lines, spatial) in enumerate(steps):
            start = left + 0.5 + number * reach
            for c, f in lines:
                across, down = [start, start + reach], [1.9 + c * pitch, 1.9 + f * pitch]
                ax.plot(across, down, color=WEIGHT, linewidth=3 if spatial else 1, alpha=0.8, zorder=1)
        for number in range(len(steps) + 1):
            color = INPUT if number == 0 else OUTPUT if number == len(steps) else GREY
            for c in range(channels):
                draw_cells(ax, [[None]], left + number * reach, 1.4 + c * pitch, color, amount=0.55)
        label(ax, left + width / 2, 0.6, title, font=11, weight="bold")
        label(ax, left + width / 2, rows - 1.9, f"weights: {count}", WEIGHT, 10)
        left += width + gap
    label(ax, columns / 2, rows - 0.6, "thick line: a k×k kernel  ·  thin line: a single weight", font=10)
    return fig


def cost_bars(size=16, kernel=3, channels=32, filters=64):
    """MACs of one layer built in four ways, and the ratio separable / standard against the number of filters.

    Args:
        size: output height and width; kernel, channels, filters: of the layer.

    Returns:
        matplotlib Figure.
    """
    standard = arithmetic.conv2d_macs(size, kernel, channels, filters)
    bars = {
        "standard": standard,
        "4 groups": arithmetic.conv2d_macs(size, kernel, channels, filters, groups=4),
        "separable": arithmetic.separable_conv2d_macs(size, kernel, channels, filters),
        "  its pointwise step": arithmetic.conv2d_macs(size, 1, channels, filters),
        "  its depthwise step": arithmetic.depthwise_conv2d_macs(size, kernel, channels),
    }
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.3), width_ratios=(1.15, 1))
    colors = [INPUT, INPUT, WEIGHT, OUTPUT, OUTPUT]
    left.barh(list(bars), list(bars.values()), color=colors, height=0.65)
    for row, macs in enumerate(bars.values()):
        left.text(macs + standard * 0.015, row, f"{macs:,}  ({macs / standard:.3f})", va="center", fontsize=10)
    left.invert_yaxis()
    left.set(
        xlim=(0, standard * 1.42), title=f"MACs: {kernel}×{kernel}, {size}×{size} positions, {channels} → {filters}"
    )
    left.xaxis.set_visible(False)
    left.spines["bottom"].set_visible(False)
    left.grid(False)
    counts = 2 ** np.arange(0, 11)
    for k, color in ((3, WEIGHT), (5, INPUT)):
        right.plot(counts, 1 / counts + 1 / k**2, marker="o", color=color, label=f"1/F + 1/{k}²")
        right.axhline(1 / k**2, color=color, linestyle=":", linewidth=1.5)
        right.text(1, 1 / k**2 * 0.9, f"1/{k**2}", color=color, fontsize=10, va="top")
    right.axhline(1, color=INK, linewidth=1)
    right.set_ylim(0.03, 1.3)
    right.set(xscale="log", yscale="log", xlabel="filters F", title="separable / standard")
    right.set_xticks([1, 4, 16, 64, 256, 1024], ["1", "4", "16", "64", "256", "1024"])
    right.set_yticks([0.05, 0.1, 0.2, 0.5, 1], ["0.05", "0.1", "0.2", "0.5", "1"])
    right.minorticks_off()
    right.legend()
    return fig


def accuracy_against_parameters(panels):
    """Test accuracy of several networks against their number of parameters.

    Args:
        panels: dict from a panel's title to a list of (name, parameters, accuracy in percent).

    Returns:
        matplotlib Figure, one panel beside the other; parameters on a logarithmic axis.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(4.8 * len(panels), 3.4))
    for ax, (title, points) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        for number, (name, parameters, accuracy) in enumerate(points):
            look = {"marker": "os^Dv"[number % 5], "color": SERIES[number % len(SERIES)]}
            ax.plot(parameters, accuracy, linestyle="", markersize=9, label=f"{name}: {accuracy:.1f} %", **look)
        values = [accuracy for _, _, accuracy in points]
        ax.set_ylim(min(values) - 5, max(values) + 2)
        smallest, largest = (pick(parameters for _, parameters, _ in points) for pick in (min, max))
        ax.set(title=title, xlabel="parameters", ylabel="test accuracy (%)")
        ax.set(xscale="log", xlim=(smallest / 2, largest * 2))
        ax.xaxis.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(mpl.ticker.EngFormatter(sep=""))
        ax.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
        ax.legend(loc="lower right", fontsize=10)
    return fig

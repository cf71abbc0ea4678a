"""Figures of questions on classic networks."""

import matplotlib.pyplot as plt

from utils.numpy_layers import conv_arithmetic as arithmetic
from utils.plots import GREY, INPUT, WEIGHT

# Simonyan & Zisserman 2015, Table 1, configuration D: (number of 3×3 layers, filters) of each stage.
VGG16 = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
UNITS = (4096, 4096, 1000)


def vgg16_shares():
    """Parameters and MACs of each stage of VGG16, the three dense layers last: two lists of six numbers."""
    parameters, macs, channels, size = [], [], 3, 224
    for layers, filters in VGG16:
        weights = work = 0
        for _ in range(layers):
            weights += arithmetic.conv2d_parameters(3, channels, filters)
            work += arithmetic.conv2d_macs(size, 3, channels, filters)
            channels = filters
        parameters.append(weights)
        macs.append(work)
        size //= 2
    features = size * size * channels
    parameters.append(0)
    macs.append(0)
    for units in UNITS:
        parameters[-1] += features * units + units
        macs[-1] += features * units
        features = units
    return parameters, macs


def shares():
    """Two unnamed quantities of VGG16, stage by stage."""
    fig, axes = plt.subplots(1, 2, figsize=(8.4, 2.9), sharey=True, layout="constrained")
    names = [f"stage {n}" for n in range(1, 6)] + ["dense layers"]
    for ax, values, name, color in zip(axes, vgg16_shares(), "PQ", (WEIGHT, INPUT), strict=True):
        percent = [100 * value / sum(values) for value in values]
        ax.barh(names, percent, color=color, height=0.7)
        for row, value in enumerate(percent):
            ax.text(value + 1, row, f"{value:.1f} %", va="center", fontsize=10)
        ax.set(title=f"quantity {name}", xlim=(0, 105), xlabel="share of the whole network (%)")
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(axis="x", color=GREY, alpha=0.25)
        ax.set_axisbelow(True)
    axes[0].invert_yaxis()
    return fig

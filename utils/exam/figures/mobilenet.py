"""Figures of questions on light networks."""

import matplotlib.pyplot as plt
import numpy as np

from utils.numpy_layers import conv_arithmetic as arithmetic
from utils.plots import GREY, INK, INPUT, WEIGHT

PEAK, BANDWIDTH = 40.0, 10.0  # of the machine in the figure: giga-MACs and gigabytes a second
LAYERS = {  # what each letter stands for: (MACs, values moved), float32, one image
    "A": (arithmetic.conv2d_macs(1, 1, 25088, 4096), 25088 * 4097 + 4096),
    "B": (arithmetic.depthwise_conv2d_macs(56, 3, 144), 2 * 56 * 56 * 144 + 9 * 144),
    "C": (arithmetic.conv2d_macs(56, 1, 144, 24), 56 * 56 * 168 + 144 * 24),
    "D": (arithmetic.conv2d_macs(56, 3, 256, 256), 2 * 56 * 56 * 256 + 9 * 256 * 256),
}


def intensity(letter):
    """MACs for each byte that is read or written."""
    macs, values = LAYERS[letter]
    return macs / (4 * values)


def rate(letter):
    """Giga-MACs a second that the roofline allows."""
    return min(PEAK, BANDWIDTH * intensity(letter))


def roofline():
    """Four layers under the roof of a machine."""
    fig, ax = plt.subplots(figsize=(6.4, 3.9))
    across = np.array([0.1, PEAK / BANDWIDTH, 1000])
    ax.plot(across, np.minimum(PEAK, BANDWIDTH * across), color=INK)
    ax.text(0.32, 4.8, "10 GB/s", rotation=36, color=GREY, ha="center")
    ax.text(13, 47, "40 GMAC/s", color=GREY)
    for letter in LAYERS:
        x, y = intensity(letter), rate(letter)
        ax.plot([x, x], [1, y], color=INPUT, linestyle=":", linewidth=1.5)
        ax.plot(x, y, "o", color=WEIGHT, markersize=9)
        ax.text(x * 1.18, y * 0.78, letter, fontsize=13, weight="bold", ha="left", va="center")
    ax.set(xscale="log", yscale="log", xlim=(0.1, 1000), ylim=(1, 80))
    ax.set(xlabel="MACs for each byte moved", ylabel="GMAC/s at most")
    ax.set_yticks([1, 2, 5, 10, 20, 40], ["1", "2", "5", "10", "20", "40"])
    ax.set_xticks([0.1, 1, 10, 100, 1000], ["0.1", "1", "10", "100", "1000"])
    ax.minorticks_off()
    return fig

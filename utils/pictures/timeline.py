"""Networks over the years: parameters, multiplications, and the error their papers print."""

import matplotlib as mpl
import matplotlib.pyplot as plt

from utils.plots import GREY, INK, INPUT, OUTPUT, WEIGHT


def timeline(networks):
    """Three rows of bars, one column for each network.

    Args:
        networks: list of (name, year, parameters, macs, error): error is the top-5 error in percent, or None where
            the paper states none.

    Returns:
        matplotlib Figure; parameters and MACs on logarithmic axes.
    """
    fig, axes = plt.subplots(3, 1, figsize=(9.2, 6.4), sharex=True, height_ratios=(1, 1, 0.9))
    names = [f"{name}\n{year}" for name, year, *_ in networks]
    rows = (
        ("parameters", [network[2] for network in networks], WEIGHT),
        ("MACs for one image", [network[3] for network in networks], INPUT),
        ("top-5 error (%)", [network[4] for network in networks], OUTPUT),
    )
    for ax, (title, values, color) in zip(axes, rows, strict=True):
        log = color != OUTPUT
        known = [value for value in values if value is not None]
        low = min(known) / 4 if log else 0
        for place, value in enumerate(values):
            if value is None:
                ax.text(place, max(known) * 0.06, "none stated", ha="center", va="bottom", fontsize=9.5, color=GREY)
                continue
            ax.bar(place, value - low, bottom=low, color=color, width=0.62)
            text = mpl.ticker.EngFormatter(places=1, sep=" ")(value) if log else f"{value:.1f}"
            ax.text(place, value * (1.15 if log else 1.03), text, ha="center", va="bottom", fontsize=10, color=INK)
        if log:
            ax.set(yscale="log", ylim=(low, max(known) * 6))
            ax.yaxis.set_major_locator(mpl.ticker.LogLocator(numticks=4))
            ax.yaxis.set_major_formatter(mpl.ticker.EngFormatter(sep=" "))
            ax.yaxis.set_minor_locator(mpl.ticker.NullLocator())
        else:
            ax.set_ylim(0, max(known) * 1.25)
        ax.set_title(title, loc="left", fontsize=11)
        ax.grid(axis="x", visible=False)
    axes[-1].set_xticks(range(len(names)), names)
    return fig

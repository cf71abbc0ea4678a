"""Figures of questions on attention."""

import numpy as np
from matplotlib.figure import Figure

from utils.numpy_layers.attention import masked_softmax
from utils.plots import INK, INPUT

READ, WRITTEN, TOKENS = 8, 5, 5  # places read (three of them padding), places written, tokens in the source


def maps():
    """Weights (5, 8) of four decoders: name -> array. Only D spends weight on the padding (the last three)."""
    places, steps = np.arange(READ), np.arange(WRITTEN)[:, None]
    real = np.broadcast_to(places < TOKENS, (WRITTEN, READ))
    noise = np.random.default_rng(0).normal(0, 0.4, (4, WRITTEN, READ))
    return {
        "A": masked_softmax(-1.6 * np.abs(places - steps) + noise[0], real),
        "B": masked_softmax(-1.6 * np.abs(places - (TOKENS - 1 - steps)) + noise[1], real),
        "C": masked_softmax(0.2 * noise[2], real),
        "D": masked_softmax(np.where(real, -0.9 * np.abs(places - steps), -0.7) + noise[3]),
    }


def four_maps():
    """The four maps side by side, dark for a large weight."""
    figure = Figure(figsize=(7.6, 2.2), layout="constrained")
    for ax, (name, weights) in zip(figure.subplots(1, 4), maps().items(), strict=True):
        ax.pcolormesh(weights, cmap="Blues", vmin=0, vmax=1, edgecolors="#cccccc", linewidth=0.4)
        ax.set_title(name, fontsize=13, fontweight="bold", color=INK)
        ax.set(xticks=np.arange(READ) + 0.5, yticks=np.arange(WRITTEN) + 0.5, ylim=(WRITTEN, 0), aspect="equal")
        ax.set_xticklabels(["a", "b", "c", "d", "e", "–", "–", "–"], fontsize=10)
        ax.set_yticklabels(range(1, WRITTEN + 1), fontsize=10)
        ax.tick_params(length=0)
        ax.axvline(TOKENS, color=INPUT, linewidth=1.2, linestyle="--")
        ax.set_xlabel("read (– is padding)", fontsize=9.5)
    figure.axes[0].set_ylabel("written", fontsize=9.5)
    return figure

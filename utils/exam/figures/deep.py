"""Figures of questions on deep networks."""

import matplotlib.pyplot as plt
import numpy as np

from utils.pictures.blocks import activation_order
from utils.plots import INPUT, WEIGHT


def error_curves():
    """Training and validation error (%) of a shallow and a deep network over 60 epochs: dict (network, part) -> array.

    Drawn after He et al. (2016a), Fig. 1 and 6 (left): smooth curves with two drops of the learning rate.
    """
    epochs = np.arange(60)
    drops = (epochs >= 30).astype(float) * 0.45 + (epochs >= 45) * 0.12
    curves = {}
    for name, floor, slow in (("A", 2.0, 9.0), ("B", 7.0, 14.0)):
        training = floor + 58 * np.exp(-epochs / slow) + 14 * (1 - drops / 0.57) * (1 - np.exp(-epochs / 6))
        curves[name, "training"] = training
        curves[name, "validation"] = training + 5 + epochs / 60
    return curves


def degradation():
    """Error curves of network A (20 layers) and network B (56 layers)."""
    fig, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
    for (name, part), curve in error_curves().items():
        ax = axes[0] if part == "training" else axes[1]
        look = {"color": INPUT, "linestyle": "--"} if name == "A" else {"color": WEIGHT, "linestyle": "-"}
        ax.plot(np.arange(1, 61), curve, linewidth=2, label=f"{name}: {20 if name == 'A' else 56} layers", **look)
        ax.set(title=f"{part} error (%)", xlabel="epoch", ylim=(0, 80))
    for ax in axes:
        ax.grid(alpha=0.4)
        ax.legend()
    return fig


def two_blocks():
    """The two residual blocks of `activation_order`, named (left) and (right) by their place alone."""
    fig = activation_order()
    for text in fig.axes[0].texts:
        if text.get_text() in ("post-activation (v1)", "pre-activation (v2)"):
            text.set_text("left" if "v1" in text.get_text() else "right")
    return fig

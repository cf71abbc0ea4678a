"""Figures of questions on searches."""

import matplotlib.pyplot as plt
import numpy as np

from utils.plots import GREY, INK, INPUT, ORANGE, OUTPUT, PINK, WEIGHT

# Validation errors after epochs 1, 2, 3. Three trials have finished; A to D are running and have just reported epoch 3.
FINISHED = [[0.50, 0.38, 0.30, 0.26], [0.42, 0.30, 0.24, 0.22], [0.56, 0.46, 0.36, 0.28]]
RUNNING = {"A": [0.47, 0.40, 0.33], "B": [0.60, 0.44, 0.27], "C": [0.44, 0.29, 0.34], "D": [0.53, 0.36, 0.29]}

# Networks as (millions of parameters, error in percent).
NETWORKS = {"P": (0.5, 30), "Q": (1.5, 26.5), "R": (2, 18), "S": (3, 22), "T": (4, 16.8), "U": (6, 10)}


def running_trials():
    """Learning curves: three finished trials, and four that have just reported their third epoch."""
    fig, ax = plt.subplots(figsize=(6.4, 4.0))
    for curve in FINISHED:
        ax.plot([1, 2, 3, 4], curve, color=GREY, linewidth=2, marker="o")
    ax.plot([], [], color=GREY, marker="o", label="finished trials")
    for (name, curve), color, style in zip(
        RUNNING.items(), (WEIGHT, INPUT, OUTPUT, PINK), ("s--", "^--", "D--", "v--"), strict=True
    ):
        ax.plot([1, 2, 3], curve, style, color=color, label=f"{name}: " + ", ".join(f"{v:.2f}" for v in curve))
    for curve in FINISHED:
        ax.annotate(f"{curve[2]:.2f}", (3, curve[2]), xytext=(5, 4), textcoords="offset points", fontsize=9, color=INK)
    ax.set(xlabel="epoch", ylabel="validation error", xticks=[1, 2, 3, 4])
    ax.legend(fontsize=9)
    return fig


def networks():
    """Error against parameters of six networks."""
    fig, ax = plt.subplots(figsize=(5.6, 4.0))
    points = np.array(list(NETWORKS.values()))
    ax.plot(*points.T, "o", color=ORANGE, markersize=9)
    for name, (size, error) in NETWORKS.items():
        text = f"{name} ({size:g}, {error:g})"
        ax.annotate(text, (size, error), xytext=(7, 5), textcoords="offset points", fontsize=11)
    ax.set(xlabel="parameters (million)", ylabel="error (%)", xlim=(0, 8), ylim=(5, 34))
    ax.grid(True, color="#e9e9e9")
    ax.set_axisbelow(True)
    return fig

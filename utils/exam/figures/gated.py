"""Figures of questions on gated recurrent layers."""

import numpy as np
from matplotlib.figure import Figure

# One unit over twelve steps; the candidate is g = 1 throughout and the memory starts at 0.
INPUT_GATE = np.array([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0], float)
FORGET_GATE = np.array([1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1], float)

RULES = {
    "A": lambda c, i, f: (1 - f) * c + i,
    "B": lambda c, i, f: f * c + i,
    "C": lambda c, i, f: c + i,
    "D": lambda c, i, f: i * c + f,
}


def memory(rule):
    """The cell's value after every step under one of the rules."""
    c, values = 0.0, []
    for i, f in zip(INPUT_GATE, FORGET_GATE, strict=True):
        c = RULES[rule](c, i, f)
        values.append(c)
    return np.array(values)


def gates_and_memories():
    """Input and forget gate over time, and four candidates for the memory."""
    figure = Figure(figsize=(7, 6.4))
    axes = figure.subplots(6, 1, sharex=True)
    steps = np.arange(1, len(INPUT_GATE) + 1)
    rows = [("input gate i", INPUT_GATE, "#D55E00"), ("forget gate f", FORGET_GATE, "#D55E00")]
    rows += [(name, memory(name), "#0072B2") for name in RULES]
    for ax, (name, values, color) in zip(axes, rows, strict=True):
        ax.bar(steps, values, color=color, width=0.7)
        ax.set(ylim=(0, 1.25 * max(1, values.max())), yticks=sorted({0, int(max(1, values.max()))}))
        ax.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
    axes[-1].set(xlabel="step", xticks=steps)
    figure.tight_layout()
    return figure

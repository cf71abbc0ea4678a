"""Figures of questions on recurrent networks."""

import numpy as np
from matplotlib.figure import Figure

from utils.numpy_layers.rnn import SimpleRNN

# What each curve of `gradient_norms` is: activation and factor on an orthogonal recurrent matrix.
NETWORKS = {"A": ("linear", 1.1), "B": ("linear", 1.0), "C": ("tanh", 0.8), "D": ("sigmoid", 1.0)}
STEPS = 12


def norms(activation, rho, steps=STEPS, units=32):
    """Norm of the last step's loss gradient at the states 0, 1, … steps back, relative to the first."""
    rng = np.random.default_rng(0)
    rnn = SimpleRNN(units, 1, activation, dtype="float64", rng=rng)
    rnn.params["recurrent_kernel"] *= rho
    rnn.forward(rng.standard_normal((4, steps + 1, 1)))
    at_end = rng.standard_normal((4, units))
    rnn.backward(at_end)
    earlier = rnn.delta[:, :0:-1] @ rnn.params["recurrent_kernel"].T
    found = np.array([np.linalg.norm(at_end), *np.linalg.norm(earlier, axis=(0, 2))])
    return found / found[0]


def gradient_norms():
    """Four curves of the gradient's norm against steps back, on a logarithmic axis."""
    figure = Figure(figsize=(6, 3.6))
    axes = figure.subplots()
    for (name, network), color, marker in zip(
        NETWORKS.items(), ("#D55E00", "#333333", "#0072B2", "#009E73"), "o^sD", strict=True
    ):
        curve = norms(*network)
        axes.semilogy(range(STEPS + 1), curve, marker=marker, color=color, markersize=5)
        axes.text(STEPS + 0.25, curve[-1], name, color=color, fontsize=13, fontweight="bold", va="center")
    axes.set(xlabel="steps back from the last step", ylabel="norm of the gradient (relative)", xlim=(-0.4, STEPS + 1))
    axes.grid(alpha=0.3)
    figure.tight_layout()
    return figure

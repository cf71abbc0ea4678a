"""Figures of questions on the Transformer."""

import numpy as np
from matplotlib.figure import Figure

from utils.numpy_layers.multi_head_attention import MultiHeadAttention

STEPS, REAL = 6, 4  # tokens of each sequence; the last two of the source are padding


def weights(name):
    """The attention weights of one head in four situations, (queries, keys)."""
    rng = np.random.default_rng(3)
    layer = MultiHeadAttention(1, 4, 4, rng=rng)
    x = rng.standard_normal((1, STEPS, 4)).astype("float32")
    real = (np.arange(STEPS) < REAL)[None, None]
    masks = {
        "A": {"attention_mask": real},
        "B": {"use_causal_mask": True},
        "C": {},
        "D": {"attention_mask": np.tri(STEPS, dtype=bool).T},
    }
    layer.forward(x, **masks[name])
    return layer.weights[0, 0]


def four_maps():
    """Heat maps of the four; white is exactly 0."""
    figure = Figure(figsize=(7.2, 2.3), layout="constrained")
    for name, axes in zip("ABCD", figure.subplots(1, 4, sharey=True), strict=True):
        found = weights(name)
        axes.imshow(np.where(found == 0, np.nan, found), cmap="cividis", vmin=0, vmax=1)
        axes.set_title(name, fontsize=13, fontweight="bold")
        axes.set(xticks=range(STEPS), yticks=range(STEPS), xlabel="key")
        axes.set_xticklabels(range(1, STEPS + 1))
        axes.set_yticklabels(range(1, STEPS + 1))
        axes.tick_params(length=0, labelsize=9)
        axes.grid(False)
        if name == "A":
            axes.set_ylabel("query")
    return figure

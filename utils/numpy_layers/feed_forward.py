"""The position-wise feed-forward network of a Transformer block (Vaswani et al. 2017, §3.3, eq. (2))."""

import numpy as np

from utils.numpy_layers.composite import Composite
from utils.numpy_layers.dense import Dense


class FeedForward(Composite):
    """FFN(x) = max(0, x W1 + b1) W2 + b2, the same for every position.

    Args:
        d_model: features of input and output.  d_ff: features in between (the paper: 512 and 2048).
        dtype, rng: as in `Dense`.
    """

    def __init__(self, d_model, d_ff, dtype="float32", rng=None):
        rng = np.random.default_rng(0) if rng is None else rng
        self.layers = {
            "inner": Dense(d_ff, d_model, "relu", dtype=dtype, rng=rng),
            "outer": Dense(d_model, d_ff, dtype=dtype, rng=rng),
        }

    def forward(self, x):
        """(N, T, d_model) -> the same shape. Errors: as `Dense`."""
        return self.layers["outer"].forward(self.layers["inner"].forward(x))

    def backward(self, dy):
        """dy -> dx, both (N, T, d_model)."""
        return self.layers["inner"].backward(self.layers["outer"].backward(dy))

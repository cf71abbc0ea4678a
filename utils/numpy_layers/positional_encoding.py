"""Sinusoidal positional encoding, added to the embeddings (Vaswani et al. 2017, §3.5):

PE(pos, 2i) = sin(pos / 10000^(2i / d_model)),   PE(pos, 2i + 1) = cos(pos / 10000^(2i / d_model))
"""

import numpy as np

from utils.numpy_layers import checks


def sinusoids(length, d_model, base=10000.0):
    """The table of encodings: row pos, column of the feature; even columns sine, odd columns cosine.

    Args:
        length: number of positions.  d_model: number of features, even.  base: 10000 in the paper.

    Returns:
        (length, d_model) float64.

    Raises:
        TypeError, ValueError: for sizes that cannot be, or an odd d_model.
    """
    length, d_model = checks.positive_int("length", length), checks.positive_int("d_model", d_model)
    if d_model % 2:
        raise ValueError(f"d_model must be even, a sine and a cosine for each frequency; got {d_model}")
    angles = np.arange(length)[:, None] / base ** (np.arange(0, d_model, 2) / d_model)
    table = np.empty((length, d_model))
    table[:, 0::2], table[:, 1::2] = np.sin(angles), np.cos(angles)
    return table


class PositionalEncoding:
    """y[:, t] = x[:, t] + table[t]. There is nothing to learn.

    Args:
        max_length: rows of the table; longer sequences are refused.
        d_model: number of features, even.
        dtype: "float32" or "float64".

    Attributes:
        table: (max_length, d_model).
        params, grads: empty.
    """

    def __init__(self, max_length, d_model, dtype="float32"):
        self.dtype = checks.float_dtype(dtype)
        self.table = sinusoids(max_length, d_model).astype(self.dtype)
        self.params, self.grads = {}, {}
        self._shape = None

    def forward(self, x, start=0):
        """Add the encodings of positions start, start + 1, …

        Args:
            x: (N, T, d_model).  start: position of the first token (in cached decoding: tokens so far).

        Raises:
            ValueError: for a wrong shape, or a position beyond the table.  TypeError: for another dtype.
        """
        max_length, d_model = self.table.shape
        checks.array("x", x, ("N", "T", d_model), self.dtype)
        end = start + x.shape[1]
        if start < 0 or end > max_length:
            raise ValueError(
                f"positions {start} … {end - 1} are asked for, the table has 0 … {max_length - 1}: shorten the "
                f"sequence, or make the table longer (max_length={end})"
            )
        self._shape = x.shape
        return x + self.table[start:end]

    def backward(self, dy):
        """dy -> dx: the same, since a constant was added.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit the output.
        """
        if self._shape is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(x) first")
        checks.array("dy", dy, self._shape, self.dtype)
        return dy.copy()

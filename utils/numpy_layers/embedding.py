"""Embedding by hand: a table with one row for each word, and the rows of the words that were asked for.

It is a matrix product with one-hot vectors, y = onehot(ids) @ embeddings, without the product: row i of the table is
copied. Backward, the same thought: a row's gradient is the sum of what came back to every copy of it.
"""

import numpy as np

from utils.numpy_layers import checks


def sum_rows(ids, rows):
    """Add up the rows that belong to the same number.

    `table[ids] += rows` would keep one row of each number and forget the others; `np.add.at` is right but slow. Here
    equal numbers are brought together by a stable sort, so that the order of the sum is always the same.

    Args:
        ids: (P,) whole numbers.
        rows: (P, D).

    Returns:
        (numbers, sums): the different numbers in ascending order (U,), and the sum of the rows of each (U, D).
    """
    order = np.argsort(ids, kind="stable")
    numbers = ids[order]
    starts = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
    times = np.diff(starts, append=len(numbers))
    sums = rows[order[starts]]  # a number that comes once is its own sum; most do, and adding is what takes the time
    several = times > 1
    if several.any():
        ends = np.cumsum(times[several])
        sums[several] = np.add.reduceat(rows[order[np.repeat(several, times)]], ends - times[several], axis=0)
    return numbers[starts], sums


def whole_numbers(name, ids, shape, below):
    """Check an array of row numbers: its shape as in `checks.array`, any integer dtype, 0 … below - 1.

    Raises:
        TypeError: if it is no integer array.  ValueError: for a wrong shape or a number out of range.
    """
    if not isinstance(ids, np.ndarray) or not np.issubdtype(ids.dtype, np.integer):
        got = f"dtype {ids.dtype}" if isinstance(ids, np.ndarray) else type(ids).__name__
        raise TypeError(f"{name} must be a NumPy array of whole numbers (row numbers of the table), got {got}")
    checks.array(name, ids, shape, ids.dtype)
    if ids.min() < 0 or ids.max() >= below:
        raise ValueError(
            f"{name} must lie in 0 … {below - 1}, got {ids.min()} … {ids.max()}; a larger table needs input_dim = "
            "largest number + 1"
        )


class Embedding:
    """Table look-up, like `keras.layers.Embedding`.

    Args:
        input_dim: number of words V, that is, the largest number + 1.
        output_dim: length D of a word's vector.
        mask_zero: whether number 0 is padding; it changes what `compute_mask` returns, not the output.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first table (uniform in ±0.05, as Keras).

    Attributes:
        params, grads: dicts with "embeddings" (V, D).
    """

    def __init__(self, input_dim, output_dim, mask_zero=False, dtype="float32", rng=None):
        self.input_dim = checks.positive_int("input_dim", input_dim)
        self.output_dim = checks.positive_int("output_dim", output_dim)
        self.mask_zero = mask_zero
        self.dtype = checks.float_dtype(dtype)
        rng = np.random.default_rng(0) if rng is None else rng
        self.params = {"embeddings": rng.uniform(-0.05, 0.05, (input_dim, output_dim)).astype(self.dtype)}
        self.grads = {}
        self._ids = None

    def forward(self, ids):
        """ids (N,) or (N, T), whole numbers -> their rows (N, D) or (N, T, D).

        Raises:
            TypeError: for numbers that are not whole.  ValueError: for another rank, an empty batch, a number that the
                table does not have.
        """
        shape = ("N",) if np.ndim(ids) == 1 else ("N", "T")
        whole_numbers("ids", ids, shape, self.input_dim)
        self._ids = ids
        return self.params["embeddings"][ids]

    def compute_mask(self, ids):
        """True where a number is a word, False where it is padding; None without `mask_zero`."""
        return ids != 0 if self.mask_zero else None

    def backward(self, dy):
        """dy, of the output's shape -> None: whole numbers have no gradient. Leaves the table's gradient in `grads`.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit the output.
        """
        if self._ids is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(ids) first")
        checks.array("dy", dy, (*self._ids.shape, self.output_dim), self.dtype)
        gradient = np.zeros_like(self.params["embeddings"])
        numbers, sums = sum_rows(self._ids.reshape(-1), dy.reshape(-1, self.output_dim))
        gradient[numbers] = sums
        self.grads = {"embeddings": gradient}

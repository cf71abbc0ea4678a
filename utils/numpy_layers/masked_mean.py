"""The mean over the words of a context, padding left out: the hidden layer of CBOW."""

import numpy as np

from utils.numpy_layers import checks


class MaskedMean:
    """h = Σ_t m_t x_t / Σ_t m_t, like `keras.layers.GlobalAveragePooling1D` with a mask. It has no weights.

    Mikolov et al. (2013a), §3.1: all words of the context get projected into the same position, their vectors are
    averaged. What the order of the words was is lost: hence "bag of words".
    """

    def __init__(self):
        self.params, self.grads = {}, {}
        self._cache = None

    def forward(self, x, mask=None):
        """x (N, T, D), mask (N, T) of bool or None for no padding -> (N, D).

        Raises:
            ValueError: for a wrong rank or size, or a row without a single word.  TypeError: for a wrong dtype.
        """
        dtype = checks.float_dtype(getattr(x, "dtype", None))
        checks.array("x", x, ("N", "T", "D"), dtype)
        mask = np.ones(x.shape[:2], bool) if mask is None else mask
        checks.array("mask", mask, x.shape[:2], np.dtype(bool))
        words = mask.sum(axis=1, keepdims=True)
        if not words.all():
            raise ValueError(f"row {int(np.argmin(words))} of the mask has no word: leave such examples out")
        self._cache = (mask / words).astype(dtype)  # the share of every position
        return np.einsum("nt,ntd->nd", self._cache, x)

    def backward(self, dh):
        """dh (N, D) -> dx (N, T, D); a padded position gets 0.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dh` does not fit.
        """
        if self._cache is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(x) first")
        share = self._cache
        checks.array("dh", dh, (share.shape[0], "D"), share.dtype)
        return share[:, :, None] * dh[:, None, :]

"""Negative sampling by hand: one true word against k drawn ones, each a yes-or-no question of its own.

Mikolov et al. (2013b), §2.2, (4) is the gain of one pair; its negative, averaged over the batch, is the loss here:

    L = -log σ(v'_o · h) - Σ_i log σ(-v'_i · h)      o the true word, i = 1 … k the drawn ones ("noise")

With s = v' · h and t = 1 for the true word, 0 for noise, ∂L/∂s = σ(s) - t for each of the 1 + k words. No sum over the
vocabulary appears.
"""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.activations import sigmoid
from utils.numpy_layers.embedding import sum_rows, whole_numbers


class NegativeSampling:
    """Loss layer with the output vectors v' of all words.

    The same as a second Keras `Embedding`, a `Dot`, and binary cross entropy with logits, summed over the 1 + k words
    and averaged over the batch.

    Args:
        input_dim: number of words V.
        output_dim: length D of a vector.
        dtype: "float32" or "float64".

    Attributes:
        params, grads: dicts with "embeddings" (V, D): v', all 0 at first (as in the authors' word2vec.c).
        sparse_grads: (numbers, rows) of the last backward pass: the few rows whose gradient is not 0.
    """

    def __init__(self, input_dim, output_dim, dtype="float32"):
        self.input_dim = checks.positive_int("input_dim", input_dim)
        self.output_dim = checks.positive_int("output_dim", output_dim)
        self.dtype = checks.float_dtype(dtype)
        self.params = {"embeddings": np.zeros((input_dim, output_dim), self.dtype)}
        self.grads, self.sparse_grads = {}, None
        self._cache = None

    def forward(self, h, targets, negatives):
        """Loss of a batch.

        Args:
            h: (N, D), the vector of the centre word (skip-gram) or the mean of the context's (CBOW).
            targets: (N,), numbers of the true words.
            negatives: (N, k), numbers of the drawn words.

        Returns:
            float: mean over the batch of the sum over 1 + k words.

        Raises:
            ValueError: for a wrong rank or size, a number that is no word.  TypeError: for a wrong dtype.
        """
        checks.array("h", h, ("N", self.output_dim), self.dtype)
        whole_numbers("targets", targets, (len(h),), self.input_dim)
        whole_numbers("negatives", negatives, (len(h), "k"), self.input_dim)
        words = np.concatenate([targets[:, None], negatives], axis=1)
        rows = self.params["embeddings"][words]  # (N, 1 + k, D)
        scores = np.einsum("nkd,nd->nk", rows, h)
        self._cache = h, words, rows, scores
        # -log σ(s) = log(1 + e^-s), and -log σ(-s) = log(1 + e^s): `signed` is s with the sign of the question.
        signed = scores.copy()
        signed[:, 0] *= -1
        return float(np.mean(np.sum(np.maximum(signed, 0) + np.log1p(np.exp(-np.abs(signed))), axis=1)))

    def backward(self):
        """Gradient dh (N, D) of the loss. Leaves that of the output vectors in `grads` and `sparse_grads`.

        Raises:
            RuntimeError: if `forward` has not run.
        """
        if self._cache is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(h, targets, negatives) first")
        h, words, rows, scores = self._cache
        error = sigmoid(scores)
        error[:, 0] -= 1  # σ(s) - t: the true word has t = 1
        error /= self.dtype.type(len(h))
        # One word may stand in a batch many times, as target and as noise: its shares add up.
        shares = (error[:, :, None] * h[:, None, :]).reshape(-1, self.output_dim)
        self.sparse_grads = sum_rows(words.reshape(-1), shares)
        gradient = np.zeros_like(self.params["embeddings"])
        gradient[self.sparse_grads[0]] = self.sparse_grads[1]
        self.grads = {"embeddings": gradient}
        return np.einsum("nk,nkd->nd", error, rows)

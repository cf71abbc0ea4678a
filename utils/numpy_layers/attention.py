"""Attention by hand: every query asks all keys, and takes the mean of their values, weighted by how well they match.

    score[n, i, j] = how well query i of sequence n fits key j        (the two classes differ in this line alone)
    weights        = softmax of the scores over j, masked places out  rows sum to 1
    output         = weights @ value                                  the context vectors

Additive score: Bahdanau et al. 2015, §A.1.2. Dot product: Luong et al. 2015, §3.1; with scale = 1 / √d_k Vaswani et al.
2017, (1). In the papers learned projections stand before the score; in Keras, and here, these are Dense layers of their
own.
"""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.softmax import softmax


def masked_softmax(scores, mask=None):
    """Softmax over the last axis, with 0 where the mask is False.

    Args:
        scores: (…, Tv) floats.
        mask: bool, broadcast against `scores`; True takes part. None: all take part.

    Returns:
        Array of the shape and dtype of `scores`; the last axis sums to 1.

    Raises:
        ValueError: if a row has nothing left to attend to.
    """
    if mask is not None:
        if not np.all(np.any(mask, axis=-1)):
            raise ValueError(
                "a query has no place left to look at: its row of the mask is False throughout. Every sequence needs "
                "one token at least; with a causal mask, its first token must not be padding"
            )
    return softmax(np.array(scores), mask)


class _Attention:
    """What the two kinds share: masks, softmax, weighted mean. A subclass knows the score and its gradients."""

    def __init__(self, depth, dtype):
        self.depth = depth  # of queries and keys: a size, or its name where any will do
        self.dtype = checks.float_dtype(dtype)
        self.params, self.grads = {}, {}
        self.weights = None
        self._cache = None

    def forward(self, query, value, key=None, query_mask=None, value_mask=None, causal=False):
        """Context vectors of all queries.

        Args:
            query: (N, Tq, D).
            value: (N, Tv, Dv); Dv = D where `key` is left out.
            key: (N, Tv, D); None: the values are their own keys.
            query_mask: (N, Tq) bool; the output of a False query is 0.
            value_mask: (N, Tv) bool; nobody looks at a False place.
            causal: query i sees the places j ≤ i only.

        Returns:
            (N, Tq, Dv). The attention weights (N, Tq, Tv) stay in `weights`.

        Raises:
            ValueError: for a wrong rank or size, or where a query has no place left to look at.
            TypeError: for a dtype other than the layer's, or a mask that is not bool.
        """
        checks.array("query", query, ("N", "Tq", self.depth), self.dtype)
        N, Tq, D = query.shape
        checks.array("value", value, (N, "Tv", D if key is None else "Dv"), self.dtype)
        Tv = value.shape[1]
        if key is not None:
            checks.array("key", key, (N, Tv, D), self.dtype)
        mask = self._mask((N, Tq, Tv), query_mask, value_mask, causal)
        keys = value if key is None else key
        self.weights = masked_softmax(self.scores(query, keys), mask)
        output = self.weights @ value
        if query_mask is not None:
            output *= query_mask[:, :, None]
        self._cache = query, value, keys, key is None, query_mask
        return output

    def backward(self, dy):
        """Gradients of a scalar loss, given its gradient with respect to the output.

        Args:
            dy: (N, Tq, Dv).

        Returns:
            (dquery, dvalue, dkey), each of its array's shape; dkey is None where `key` was left out: the values were
            read twice then, and dvalue is the sum of both.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit.
        """
        if self._cache is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(query, value) first")
        query, value, keys, shared, query_mask = self._cache
        checks.array("dy", dy, (*query.shape[:2], value.shape[2]), self.dtype)
        if query_mask is not None:
            dy = dy * query_mask[:, :, None]
        dvalue = self.weights.swapaxes(1, 2) @ dy
        dweights = dy @ value.swapaxes(1, 2)
        # Through the softmax: a weight can only grow at the cost of the others in its row. Masked places have weight 0.
        dscores = self.weights * (dweights - np.sum(dweights * self.weights, axis=-1, keepdims=True))
        dquery, dkey = self._scores_backward(dscores, query, keys)
        return (dquery, dvalue + dkey, None) if shared else (dquery, dvalue, dkey)

    def _mask(self, shape, query_mask, value_mask, causal):
        """(N or 1, 1 or Tq, Tv) bool, or None."""
        N, Tq, Tv = shape
        if query_mask is not None:
            checks.array("query_mask", query_mask, (N, Tq), np.dtype(bool))
        mask = None
        if value_mask is not None:
            checks.array("value_mask", value_mask, (N, Tv), np.dtype(bool))
            mask = value_mask[:, None, :]
        if causal:
            earlier = np.tri(Tq, Tv, dtype=bool)[None]
            mask = earlier if mask is None else mask & earlier
        return mask


class DotAttention(_Attention):
    """score = scale · query · key, like `keras.layers.Attention`.

    Args:
        use_scale: learn one factor for all scores (Keras' `use_scale`); it starts at `scale`.
        scale: the factor, learned or fixed. 1 as in Luong et al.; 1 / √D as in Vaswani et al.
        dtype: "float32" or "float64".

    Attributes:
        params, grads: with `use_scale` dicts with "scale" (), otherwise empty.
        weights: (N, Tq, Tv), after `forward`; every row sums to 1.
    """

    def __init__(self, use_scale=False, scale=1.0, dtype="float32"):
        super().__init__("D", dtype)
        self.scale = float(scale)
        if use_scale:
            self.params["scale"] = np.array(scale, self.dtype)

    def scores(self, query, key):
        """(N, Tq, D) and (N, Tv, D) -> (N, Tq, Tv), before mask and softmax."""
        products = query @ key.swapaxes(1, 2)
        self._products = products
        return products * self._factor()

    def _factor(self):
        return self.params["scale"] if self.params else self.dtype.type(self.scale)

    def _scores_backward(self, dscores, query, key):
        if self.params:
            self.grads = {"scale": np.sum(dscores * self._products, dtype=self.dtype)}
        dproducts = dscores * self._factor()
        return dproducts @ key, dproducts.swapaxes(1, 2) @ query


class AdditiveAttention(_Attention):
    """score = Σ_d scale_d · tanh(query_d + key_d), like `keras.layers.AdditiveAttention`.

    With Dense layers before it (W_a for the query, U_a for the key) and the scale as v_a this is Bahdanau's
    e_ij = v_aᵀ tanh(W_a s_{i-1} + U_a h_j).

    Args:
        units: D, the depth of queries and keys.
        use_scale: learn the vector `scale` (v_a); False: a sum with equal weights.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first scale (Glorot uniform, as Keras).

    Attributes:
        params, grads: with `use_scale` dicts with "scale" (D,), otherwise empty.
        weights: (N, Tq, Tv), after `forward`; every row sums to 1.
    """

    def __init__(self, units, use_scale=True, dtype="float32", rng=None):
        super().__init__(checks.positive_int("units", units), dtype)
        if use_scale:
            rng = np.random.default_rng(0) if rng is None else rng
            limit = np.sqrt(3 / units)  # Glorot's √(6 / (fan_in + fan_out)), where a vector counts D twice
            self.params["scale"] = rng.uniform(-limit, limit, units).astype(self.dtype)

    def scores(self, query, key):
        """(N, Tq, D) and (N, Tv, D) -> (N, Tq, Tv), before mask and softmax."""
        self._tanh = np.tanh(query[:, :, None, :] + key[:, None, :, :])  # (N, Tq, Tv, D)
        return self._tanh @ self.params["scale"] if self.params else self._tanh.sum(axis=-1)

    def _scores_backward(self, dscores, query, key):
        if self.params:
            self.grads = {"scale": np.tensordot(dscores, self._tanh, axes=3)}
        du = dscores[..., None] * (1 - self._tanh**2)
        if self.params:
            du *= self.params["scale"]
        return du.sum(axis=2), du.sum(axis=1)

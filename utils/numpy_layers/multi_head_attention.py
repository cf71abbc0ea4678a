"""Multi-head attention by hand, forward and backward (Vaswani et al. 2017, §3.2.2):

    MultiHead(Q, K, V) = Concat(head_1, …, head_h) W^O,   head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V)

The h projections of the paper are one matrix each for Q, K and V: all heads in one product, then one more axis.
"""

import numpy as np

from utils.numpy_layers import checks, masks
from utils.numpy_layers import scaled_dot_product as attention


class MultiHeadAttention:
    """Multi-head attention, like `keras.layers.MultiHeadAttention`, whose weights have the same shapes and order.

    Args:
        num_heads: h.
        key_dim: d_k, size of each head's queries and keys (the paper: d_model / h).
        query_dim: features of the query, and of the output.
        value_dim: d_v, size of each head's values; key_dim where left out.
        source_dim: features of value and key; query_dim where left out.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first weights (Glorot uniform, as Keras).

    Attributes:
        params, grads: dicts with "query_kernel" (query_dim, h, d_k), "query_bias" (h, d_k), the same for "key" and
            "value", "output_kernel" (h, d_v, query_dim), "output_bias" (query_dim,).
        weights: attention weights (N, h, T, S) after `forward`; every row sums to 1.
    """

    def __init__(self, num_heads, key_dim, query_dim, value_dim=None, source_dim=None, dtype="float32", rng=None):
        self.num_heads = checks.positive_int("num_heads", num_heads)
        self.key_dim = checks.positive_int("key_dim", key_dim)
        self.query_dim = checks.positive_int("query_dim", query_dim)
        self.value_dim = self.key_dim if value_dim is None else checks.positive_int("value_dim", value_dim)
        self.source_dim = self.query_dim if source_dim is None else checks.positive_int("source_dim", source_dim)
        self.dtype = checks.float_dtype(dtype)
        rng = np.random.default_rng(0) if rng is None else rng
        self.params = {}
        for name, inputs, size in (
            ("query", self.query_dim, self.key_dim),
            ("key", self.source_dim, self.key_dim),
            ("value", self.source_dim, self.value_dim),
        ):
            self._add(name, (inputs, self.num_heads, size), (self.num_heads, size), rng)
        self._add("output", (self.num_heads, self.value_dim, self.query_dim), (self.query_dim,), rng)
        self.grads = {}
        self.weights = None
        self._cache = None

    def _add(self, name, shape, bias, rng):
        inputs = shape[0] if name != "output" else shape[0] * shape[1]
        limit = np.sqrt(6 / (inputs + np.prod(shape) // inputs))
        self.params[f"{name}_kernel"] = rng.uniform(-limit, limit, shape).astype(self.dtype)
        self.params[f"{name}_bias"] = np.zeros(bias, self.dtype)

    def forward(self, query, value=None, key=None, attention_mask=None, use_causal_mask=False):
        """Every query reads the values, as much of each as its key fits.

        Args:
            query: (N, T, query_dim).
            value: (N, S, source_dim); the query itself where left out (self-attention).
            key: (N, S, source_dim); the value where left out.
            attention_mask: bool (N, T, S), (N, 1, S) or (T, S): True where a query may look at a key.
            use_causal_mask: hide the keys after the query's own position. For T queries among S > T keys the queries
                are the first T positions, as in Keras.

        Returns:
            (N, T, query_dim).

        Raises:
            ValueError: for a wrong rank or size, or a query that may look at no key.  TypeError: for a wrong dtype.
        """
        alone, shared = value is None, key is None
        value = query if alone else value
        key = value if shared else key
        checks.array("query", query, ("N", "T", self.query_dim), self.dtype)
        N, T = query.shape[:2]
        checks.array("value", value, (N, "S", self.source_dim), self.dtype)
        S = value.shape[1]
        checks.array("key", key, (N, S, self.source_dim), self.dtype)
        mask = self._mask(attention_mask, use_causal_mask, N, T, S)
        q, k, v = (self._heads(name, x) for name, x in (("query", query), ("key", key), ("value", value)))
        context, self.weights = attention.forward(q, k, v, mask)
        joined = context.transpose(0, 2, 1, 3).reshape(N * T, self.num_heads * self.value_dim)  # the heads side by side
        y = joined @ self.params["output_kernel"].reshape(-1, self.query_dim)
        y += self.params["output_bias"]
        self._cache = query, value, key, alone, shared, q, k, v, context, joined
        return y.reshape(N, T, self.query_dim)

    def backward(self, dy):
        """Gradients of a scalar loss, given its gradient with respect to the output.

        Args:
            dy: (N, T, query_dim).

        Returns:
            As many gradients as `forward` got arrays: dquery for self-attention, (dquery, dvalue), or
            (dquery, dvalue, dkey). An array that was used twice gets the sum. Leaves the parameters' in `grads`.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` does not fit the output.
        """
        if self._cache is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(x) first")
        query, value, key, alone, shared, q, k, v, context, joined = self._cache
        checks.array("dy", dy, query.shape, self.dtype)
        N, T = query.shape[:2]
        flat = dy.reshape(N * T, self.query_dim)
        output_kernel = self.params["output_kernel"]
        self.grads = {}
        d_joined = flat @ output_kernel.reshape(-1, self.query_dim).T
        d_context = d_joined.reshape(N, T, self.num_heads, self.value_dim).transpose(0, 2, 1, 3)
        dq, dk, dv = attention.backward(d_context, q, k, v, context, self.weights)
        d_query = self._heads_backward("query", query, dq)
        d_key = self._heads_backward("key", key, dk)
        d_value = self._heads_backward("value", value, dv)
        self.grads["output_kernel"] = (joined.T @ flat).reshape(output_kernel.shape)
        self.grads["output_bias"] = flat.sum(axis=0)
        if shared:
            d_value += d_key
        if alone:
            d_query += d_value
            return d_query if shared else (d_query, d_key)
        return (d_query, d_value) if shared else (d_query, d_value, d_key)

    def _heads(self, name, x):
        """x (N, L, inputs) through one projection: (N, h, L, size)."""
        N, L, inputs = x.shape
        kernel = self.params[f"{name}_kernel"]
        projected = x.reshape(N * L, inputs) @ kernel.reshape(inputs, -1)
        projected += self.params[f"{name}_bias"].reshape(-1)
        return projected.reshape(N, L, *kernel.shape[1:]).transpose(0, 2, 1, 3)

    def _heads_backward(self, name, x, d_heads):
        """Gradient of x; leaves those of the projection's kernel and bias."""
        N, L, inputs = x.shape
        kernel = self.params[f"{name}_kernel"]
        flat = d_heads.transpose(0, 2, 1, 3).reshape(N * L, -1)
        self.grads[f"{name}_kernel"] = (x.reshape(N * L, inputs).T @ flat).reshape(kernel.shape)
        self.grads[f"{name}_bias"] = flat.sum(axis=0).reshape(kernel.shape[1:])
        return (flat @ kernel.reshape(inputs, -1).T).reshape(x.shape)

    def _mask(self, attention_mask, use_causal_mask, N, T, S):
        """One mask that broadcasts to (N, h, T, S), or None."""
        mask = np.tri(T, S, dtype=bool)[None] if use_causal_mask else None
        if attention_mask is not None:
            given = attention_mask
            if not isinstance(given, np.ndarray) or given.dtype != bool:
                raise TypeError(f"attention_mask must be a bool array, got {getattr(given, 'dtype', type(given))}")
            try:
                fits = given.ndim in (2, 3) and np.broadcast_shapes(given.shape, (N, T, S)) == (N, T, S)
            except ValueError:
                fits = False
            if not fits:
                raise ValueError(
                    f"attention_mask must have shape (N, T, S) = {(N, T, S)} or one that broadcasts to it, such as "
                    f"(N, 1, S) or (T, S); got {given.shape}. A padding mask (N, S) goes through masks.padding"
                )
            mask = masks.combined(mask, given[None] if given.ndim == 2 else given)
        if mask is None:
            return None
        blind = np.argwhere(~mask.any(axis=-1))
        if blind.size:
            sequence, row = blind[0]
            raise ValueError(f"query {row} of sequence {sequence} may look at no key: its row of the mask is False")
        return mask[:, None]

"""Encoder and decoder block of the Transformer, forward and backward (Vaswani et al. 2017, §3.1 and Fig. 1).

Each sublayer F stands inside a residual connection with layer normalization (Add & Norm), per token over d_model:

    norm="post" (the paper):  y = LayerNorm(x + F(x))
    norm="pre":               y = x + F(LayerNorm(x))         (Xiong et al. 2020)

There is no dropout here: what is compared with Keras must be deterministic.
"""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.composite import Composite
from utils.numpy_layers.feed_forward import FeedForward
from utils.numpy_layers.layer_norm import LayerNormalization
from utils.numpy_layers.multi_head_attention import MultiHeadAttention

EPSILON = 1e-6


class _Block(Composite):
    def __init__(self, sublayers, d_model, norm, dtype):
        if norm not in ("post", "pre"):
            raise ValueError(f"norm must be 'post' or 'pre', got {norm!r}")
        self.norm = norm
        self.layers = {}
        for name, layer in sublayers.items():
            self.layers[name] = layer
            self.layers[f"{name}_norm"] = LayerNormalization(d_model, EPSILON, dtype=dtype)

    def _add_and_norm(self, name, x, *source, **masks):
        layer, norm = self.layers[name], self.layers[f"{name}_norm"]
        if self.norm == "pre":
            return x + layer.forward(norm.forward(x), *source, **masks)
        return norm.forward(x + layer.forward(x, *source, **masks))

    def _add_and_norm_backward(self, name, dy):
        """(dx, gradients of what else the sublayer read). The residual path hands its gradient on unchanged."""
        layer, norm = self.layers[name], self.layers[f"{name}_norm"]
        d_sum = dy if self.norm == "pre" else norm.backward(dy)
        d_inside = layer.backward(d_sum)
        d_inside, *d_source = d_inside if isinstance(d_inside, tuple) else (d_inside,)
        if self.norm == "pre":
            d_inside = norm.backward(d_inside)
        return d_sum + d_inside, *d_source


class EncoderBlock(_Block):
    """Self-attention, then the feed-forward network.

    Args:
        d_model: features of a token.  num_heads: h, a divisor of d_model.  d_ff: inner size of the feed-forward net.
        norm: "post" or "pre".
        dtype: "float32" or "float64".  rng: numpy Generator for the first weights.
    """

    def __init__(self, d_model, num_heads, d_ff, norm="post", dtype="float32", rng=None):
        rng = np.random.default_rng(0) if rng is None else rng
        sublayers = {
            "attention": _attention(d_model, num_heads, dtype, rng),
            "feed_forward": FeedForward(d_model, d_ff, dtype, rng),
        }
        super().__init__(sublayers, d_model, norm, dtype)

    def forward(self, x, mask=None):
        """x (N, S, d_model), mask as `attention_mask` of MultiHeadAttention -> (N, S, d_model)."""
        return self._add_and_norm("feed_forward", self._add_and_norm("attention", x, attention_mask=mask))

    def backward(self, dy):
        """dy -> dx, both (N, S, d_model)."""
        (dy,) = self._add_and_norm_backward("feed_forward", dy)
        (dx,) = self._add_and_norm_backward("attention", dy)
        return dx


class DecoderBlock(_Block):
    """Masked self-attention, cross-attention to the encoder's output, then the feed-forward network.

    Args:
        As `EncoderBlock`.
    """

    def __init__(self, d_model, num_heads, d_ff, norm="post", dtype="float32", rng=None):
        rng = np.random.default_rng(0) if rng is None else rng
        sublayers = {
            "attention": _attention(d_model, num_heads, dtype, rng),
            "cross_attention": _attention(d_model, num_heads, dtype, rng),
            "feed_forward": FeedForward(d_model, d_ff, dtype, rng),
        }
        super().__init__(sublayers, d_model, norm, dtype)

    def forward(self, x, memory, mask=None, memory_mask=None):
        """One block of the decoder.

        Args:
            x: (N, T, d_model).  memory: the encoder's output (N, S, d_model): keys and values of the cross-attention.
            mask: which of the target's tokens a query may see, besides the causal mask, which is always there.
            memory_mask: which of the source's tokens, for instance (N, 1, S) from `masks.padding`.

        Returns:
            (N, T, d_model).
        """
        x = self._add_and_norm("attention", x, attention_mask=mask, use_causal_mask=True)
        x = self._add_and_norm("cross_attention", x, memory, attention_mask=memory_mask)
        return self._add_and_norm("feed_forward", x)

    def backward(self, dy):
        """dy (N, T, d_model) -> dx (N, T, d_model), dmemory (N, S, d_model)."""
        (dy,) = self._add_and_norm_backward("feed_forward", dy)
        dy, d_memory = self._add_and_norm_backward("cross_attention", dy)
        (dx,) = self._add_and_norm_backward("attention", dy)
        return dx, d_memory


def _attention(d_model, num_heads, dtype, rng):
    d_model, num_heads = checks.positive_int("d_model", d_model), checks.positive_int("num_heads", num_heads)
    if d_model % num_heads:
        raise ValueError(f"d_model must be a multiple of num_heads, got {d_model} and {num_heads}")
    return MultiHeadAttention(num_heads, d_model // num_heads, d_model, dtype=dtype, rng=rng)

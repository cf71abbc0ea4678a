"""The whole encoder–decoder Transformer from the layers of this room (Vaswani et al. 2017, Fig. 1), without dropout."""

import math

import numpy as np

from utils.numpy_layers import checks, masks
from utils.numpy_layers.composite import Composite
from utils.numpy_layers.dense import Dense
from utils.numpy_layers.layer_norm import LayerNormalization
from utils.numpy_layers.positional_encoding import PositionalEncoding
from utils.numpy_layers.transformer_blocks import EPSILON, DecoderBlock, EncoderBlock


class TokenEmbedding:
    """Rows of a table, times √d_model (§3.4), plus the positional encoding (§3.5).

    Args:
        tokens: size of the vocabulary.  max_length: longest sequence.  d_model, dtype, rng: as in `Transformer`.

    Attributes:
        params, grads: dict with "embeddings" (tokens, d_model).
    """

    def __init__(self, tokens, max_length, d_model, dtype, rng):
        self.encoding = PositionalEncoding(max_length, d_model, dtype)
        self.params = {"embeddings": rng.uniform(-0.05, 0.05, (tokens, d_model)).astype(dtype)}
        self.grads = {}
        self._ids = None

    def forward(self, ids):
        """ids (N, T) -> (N, T, d_model).

        Raises:
            TypeError: if ids are no whole numbers.  ValueError: for an id outside the table, or too long a sequence.
        """
        if not isinstance(ids, np.ndarray) or ids.ndim != 2 or not np.issubdtype(ids.dtype, np.integer):
            raise TypeError(f"ids must be an integer array (N, T), got {getattr(ids, 'dtype', type(ids).__name__)}")
        table = self.params["embeddings"]
        if ids.size and not (0 <= ids.min() and ids.max() < len(table)):
            raise ValueError(f"ids must lie in 0 … {len(table) - 1}, got {ids.min()} … {ids.max()}")
        self._ids = ids
        return self.encoding.forward(table[ids] * table.dtype.type(math.sqrt(table.shape[1])))

    def backward(self, dy):
        """dy (N, T, d_model): the table's gradient. A row that was read several times gets the sum."""
        table = self.params["embeddings"]
        self.grads = {"embeddings": np.zeros_like(table)}
        rows = self.encoding.backward(dy) * table.dtype.type(math.sqrt(table.shape[1]))
        np.add.at(self.grads["embeddings"], self._ids, rows)


class Transformer(Composite):
    """Encoder–decoder. Token 0 is padding: no attention looks at it.

    Args:
        source_tokens, target_tokens: sizes of the vocabularies.
        max_length: rows of the positional table.
        d_model, num_heads, d_ff: of every block.  blocks: N, in the encoder and in the decoder.
        norm: "post" (the paper) or "pre"; the latter has one more normalization at the end of each stack.
        dtype: "float32" or "float64".  rng: numpy Generator for the first weights.
    """

    def __init__(
        self,
        source_tokens,
        target_tokens,
        max_length,
        d_model,
        num_heads,
        d_ff,
        blocks,
        norm="post",
        dtype="float32",
        rng=None,
    ):
        rng = np.random.default_rng(0) if rng is None else rng
        self.norm, self.blocks = norm, checks.positive_int("blocks", blocks)
        sizes = d_model, num_heads, d_ff, norm, dtype, rng
        self.layers = {"source": TokenEmbedding(source_tokens, max_length, d_model, dtype, rng)}
        self.layers |= {f"encoder_{i}": EncoderBlock(*sizes) for i in range(blocks)}
        if norm == "pre":
            self.layers["encoder_norm"] = LayerNormalization(d_model, EPSILON, dtype=dtype)
        self.layers["target"] = TokenEmbedding(target_tokens, max_length, d_model, dtype, rng)
        self.layers |= {f"decoder_{i}": DecoderBlock(*sizes) for i in range(blocks)}
        if norm == "pre":
            self.layers["decoder_norm"] = LayerNormalization(d_model, EPSILON, dtype=dtype)
        self.layers["logits"] = Dense(target_tokens, d_model, dtype=dtype, rng=rng)

    def forward(self, source, target):
        """source (N, S), target (N, T) ids -> logits (N, T, target_tokens) of the token after each target token.

        Raises:
            TypeError, ValueError: for ids that do not fit, different batch sizes, or a source of padding only.
        """
        if len(source) != len(target):
            raise ValueError(f"source and target must be of one batch, got {len(source)} and {len(target)} sequences")
        real = masks.padding(source != 0)
        x = self.layers["source"].forward(source)
        for i in range(self.blocks):
            x = self.layers[f"encoder_{i}"].forward(x, real)
        memory = self.layers["encoder_norm"].forward(x) if self.norm == "pre" else x
        x = self.layers["target"].forward(target)
        for i in range(self.blocks):
            x = self.layers[f"decoder_{i}"].forward(x, memory, memory_mask=real)
        x = self.layers["decoder_norm"].forward(x) if self.norm == "pre" else x
        return self.layers["logits"].forward(x)

    def backward(self, dy):
        """dy (N, T, target_tokens): leaves the gradients of all parameters in `grads`."""
        dx = self.layers["logits"].backward(dy)
        dx = self.layers["decoder_norm"].backward(dx) if self.norm == "pre" else dx
        d_memory = 0
        for i in reversed(range(self.blocks)):
            dx, share = self.layers[f"decoder_{i}"].backward(dx)
            d_memory = d_memory + share  # every decoder block reads the same memory
        self.layers["target"].backward(dx)
        dx = self.layers["encoder_norm"].backward(d_memory) if self.norm == "pre" else d_memory
        for i in reversed(range(self.blocks)):
            dx = self.layers[f"encoder_{i}"].backward(dx)
        self.layers["source"].backward(dx)

"""The encoder–decoder Transformer (Vaswani et al. 2017, Fig. 1) in Keras, with cached decoding.

Post-norm as in the paper, LayerNorm(x + F(x)); or pre-norm, x + F(LayerNorm(x)), with one more normalization at the end
of each stack (Xiong et al. 2020), which trains without a learning-rate warm-up.
"""

import math

import keras
import numpy as np
from keras import layers, ops

from utils.keras_models import checks

EPSILON = 1e-6
PAD = 0  # the id that no attention looks at


class Transformer(keras.Model):
    """model([source, target_in]) -> logits of the token after each token of target_in.

    Args:
        source_tokens, target_tokens: sizes of the vocabularies; id 0 is padding in both.
        max_length: rows of the positional table; longer sequences are refused.
        d_model: features of a token (paper: 512).  num_heads: h, a divisor of d_model (8).  d_ff: inner size of the
            feed-forward networks (2048).  blocks: N, in the encoder and in the decoder (6).
        dropout: share of each sublayer's output and of the embeddings that is dropped in training (0.1, §5.4).
        norm: "post" (the paper) or "pre".

    Raises:
        TypeError, ValueError: for sizes that cannot be; when called, for ids of the wrong shape and too long sequences.
    """

    def __init__(
        self,
        source_tokens,
        target_tokens,
        max_length,
        d_model=512,
        num_heads=8,
        d_ff=2048,
        blocks=6,
        dropout=0.1,
        norm="post",
        **kwargs,
    ):
        super().__init__(**kwargs)
        sizes = {"source_tokens": source_tokens, "target_tokens": target_tokens, "max_length": max_length}
        sizes |= {"d_model": d_model, "num_heads": num_heads, "d_ff": d_ff, "blocks": blocks}
        for name, value in sizes.items():
            checks.positive_int(name, value)
        checks.variant("norm", norm, ("post", "pre"))
        if d_model % 2 or d_model % num_heads:
            raise ValueError(f"d_model must be even and a multiple of num_heads, got {d_model} and {num_heads}")
        self.settings = sizes | {"dropout": dropout, "norm": norm}
        self.max_length = max_length
        self.source_embedding = TokenEmbedding(source_tokens, max_length, d_model, dropout, name="source")
        inner = {"d_model": d_model, "num_heads": num_heads, "d_ff": d_ff, "dropout": dropout, "norm": norm}
        self.encoder = [Block(**inner, name=f"encoder_{i}") for i in range(blocks)]
        self.encoder_norm = _norm("encoder_norm") if norm == "pre" else None
        self.target_embedding = TokenEmbedding(target_tokens, max_length, d_model, dropout, name="target")
        self.decoder = [Block(**inner, cross=True, name=f"decoder_{i}") for i in range(blocks)]
        self.decoder_norm = _norm("decoder_norm") if norm == "pre" else None
        self.logits = layers.Dense(target_tokens, dtype="float32", name="logits")
        self([np.ones((1, 2), "int32"), np.ones((1, 2), "int32")])  # builds the weights

    def get_config(self):
        return super().get_config() | self.settings

    def call(self, inputs, training=False):
        source, target = inputs
        _check_ids("source", source, self.max_length)
        _check_ids("target_in", target, self.max_length)
        if None not in (source.shape[0], target.shape[0]) and source.shape[0] != target.shape[0]:
            raise ValueError(f"source and target_in are one batch, got {source.shape[0]} and {target.shape[0]} rows")
        real = _real(source)
        memory = self._encode(source, real, training)
        x = self.target_embedding(target, training=training)
        for block in self.decoder:
            x = block(x, memory, seen=real, training=training)
        return self.logits(self.decoder_norm(x) if self.decoder_norm else x)

    def cross_attention(self, source, target):
        """Where the decoder looks: weights (N, h, T, S) of each block's cross-attention, NumPy arrays.

        Args:
            source: ids (N, S).  target: ids (N, T), from BOS.
        """
        real, found = _real(source), []
        memory = self.encode(source)
        x = self.target_embedding(target)
        for block in self.decoder:
            x = block.call(x, memory, seen=real, found=found)
        return [ops.convert_to_numpy(weights) for weights in found]

    def encode(self, source):
        """source (N, S) ids -> memory (N, S, d_model), what the decoder's cross-attention reads."""
        _check_ids("source", source, self.max_length)
        return self._encode(source, _real(source), False)

    def _encode(self, source, real, training):
        x = self.source_embedding(source, training=training)
        for block in self.encoder:
            x = block(x, seen=real, training=training)
        return self.encoder_norm(x) if self.encoder_norm else x

    def start(self, source, max_length=None):
        """The decoder's state before the first token, for `step`.

        Keys and values of the source are computed once. Those of the target get room for `max_length` tokens, and each
        step fills in one. All arrays have the batch first, so that beam search can pick rows.

        Args:
            source: ids (N, S).  max_length: tokens that will be fed at most; the positional table's rows if left out.

        Returns:
            tuple: number of tokens fed so far (N,), mask of the source (N, 1, S), and for each block the keys and
            values of the target (N, max_length, h, d_k) and of the source (N, S, h, d_k).

        Raises:
            ValueError: for a max_length beyond the positional table.
        """
        limit = self.max_length if max_length is None else checks.positive_int("max_length", max_length)
        if limit > self.max_length:
            raise ValueError(f"max_length {limit} is beyond the positional table with {self.max_length} rows")
        source = ops.convert_to_tensor(source)
        memory = self.encode(source)
        caches = tuple(block.start(memory, limit) for block in self.decoder)
        return ops.zeros((source.shape[0],), "int32"), _real(source), caches

    def step(self, ids, state):
        """One token in, the distribution of the next one out: O(T) work a step in place of O(T²).

        Args:
            ids: (N,) the tokens that were chosen last (BOS at first).  state: of `start`, or of the step before.

        Returns:
            log_probs (N, target_tokens), the next state.

        Raises:
            ValueError: where the state has no room for another token.
        """
        fed, real, caches = state
        room = caches[0][0].shape[1]
        if int(ops.max(fed)) >= room:
            raise ValueError(
                f"the state has room for {room} tokens, and all are fed: start(source, max_length) with more"
            )
        x = self.target_embedding(ops.convert_to_tensor(ids)[:, None], positions=fed[:, None])
        places = ops.arange(room)[None, :]
        here, seen = places == fed[:, None], places <= fed[:, None]  # (N, max_length)
        after = []
        for block, cache in zip(self.decoder, caches, strict=True):
            x, cache = block.step(x, cache, here, seen, real)
            after.append(cache)
        logits = self.logits(self.decoder_norm(x) if self.decoder_norm else x)
        return ops.log_softmax(logits[:, 0]), (fed + 1, real, tuple(after))


class Block(layers.Layer):
    """Encoder block, or with `cross` decoder block: each sublayer in a residual connection with normalization."""

    def __init__(self, d_model, num_heads, d_ff, dropout, norm, cross=False, **kwargs):
        super().__init__(**kwargs)
        self.norm = norm
        self.attention = layers.MultiHeadAttention(num_heads, d_model // num_heads, name="attention")
        self.attention_norm = _norm("attention_norm")
        self.cross = None
        if cross:
            self.cross = layers.MultiHeadAttention(num_heads, d_model // num_heads, name="cross_attention")
            self.cross_norm = _norm("cross_attention_norm")
        self.inner = layers.Dense(d_ff, "relu", name="inner")
        self.outer = layers.Dense(d_model, name="outer")
        self.feed_forward_norm = _norm("feed_forward_norm")
        self.drop = layers.Dropout(dropout)

    def build(self, x_shape, memory_shape=None):
        self.attention.build(x_shape, x_shape)
        self.attention_norm.build(x_shape)
        if self.cross:
            self.cross.build(x_shape, memory_shape)
            self.cross_norm.build(x_shape)
        self.inner.build(x_shape)
        self.outer.build((*x_shape[:-1], self.inner.units))
        self.feed_forward_norm.build(x_shape)

    def call(self, x, memory=None, seen=None, training=False, found=None):
        """One block.

        Args:
            x: (N, T, d_model).  memory: the encoder's output, for a decoder block.
            seen: (N, 1, S), the source's real tokens, for the self-attention of an encoder block, the cross-attention
                of a decoder block. (An argument named mask would be taken for Keras' own.)
            found: a list that gets the weights of the cross-attention; call this method directly then.
        """
        if self.cross is None:
            own = {"attention_mask": seen}
        else:
            own = {"use_causal_mask": True}
        x = self._add_and_norm(
            x,
            self.attention_norm,
            training,
            lambda h: self.attention(h, h, **own),
        )
        if self.cross:
            x = self._add_and_norm(x, self.cross_norm, training, lambda h: self._look(h, memory, seen, found))
        return self._add_and_norm(x, self.feed_forward_norm, training, lambda h: self.outer(self.inner(h)))

    def _look(self, h, memory, seen, found):
        if found is None:
            return self.cross(h, memory, attention_mask=seen)
        y, weights = self.cross(h, memory, attention_mask=seen, return_attention_scores=True)
        found.append(weights)
        return y

    def _add_and_norm(self, x, norm, training, sublayer):
        if self.norm == "pre":
            return x + self.drop(sublayer(norm(x)), training=training)
        return norm(x + self.drop(sublayer(x), training=training))

    def start(self, memory, room):
        """Keys and values: empty ones for `room` target tokens, and those of the source."""
        heads, size = self.attention.num_heads, self.attention.key_dim
        empty = ops.zeros((memory.shape[0], room, heads, size), memory.dtype)
        return empty, empty, self.cross.key_dense(memory), self.cross.value_dense(memory)

    def step(self, x, cache, here, seen, real):
        """x (N, 1, d_model) of the new token; `here` (N, room) is True at its place, `seen` there and before."""
        keys, values, source_keys, source_values = cache
        kept = {}

        def look_back(h):
            at = here[:, :, None, None]
            kept["keys"] = ops.where(at, self.attention.key_dense(h), keys)
            kept["values"] = ops.where(at, self.attention.value_dense(h), values)
            return _read(self.attention, h, kept["keys"], kept["values"], seen[:, None, :])

        x = self._add_and_norm(x, self.attention_norm, False, look_back)
        x = self._add_and_norm(
            x, self.cross_norm, False, lambda h: _read(self.cross, h, source_keys, source_values, real)
        )
        x = self._add_and_norm(x, self.feed_forward_norm, False, lambda h: self.outer(self.inner(h)))
        return x, (kept["keys"], kept["values"], source_keys, source_values)


class TokenEmbedding(layers.Layer):
    """Rows of a table, times √d_model (§3.4), plus the positional encoding (§3.5), then dropout."""

    def __init__(self, tokens, max_length, d_model, dropout, **kwargs):
        super().__init__(**kwargs)
        self.tokens, self.d_model = tokens, d_model
        self.table = sinusoids(max_length, d_model)
        self.drop = layers.Dropout(dropout)

    def build(self, ids_shape):
        # After the factor √d_model the embeddings have standard deviation 1, the size of the encodings.
        initializer = keras.initializers.RandomNormal(stddev=self.d_model**-0.5)
        self.embeddings = self.add_weight((self.tokens, self.d_model), initializer, name="embeddings")

    def call(self, ids, positions=None, training=False):
        table = ops.cast(self.table, self.compute_dtype)
        encoding = table[: ids.shape[1]] if positions is None else ops.take(table, positions, axis=0)
        # Scaled before the look-up, so that the table's gradient is an array and no list of rows.
        rows = ops.take(self.embeddings * math.sqrt(self.d_model), ids, axis=0)
        return self.drop(rows + encoding, training=training)


def sinusoids(length, d_model):
    """PE(pos, 2i) = sin(pos / 10000^(2i/d_model)), PE(pos, 2i + 1) = cos of the same (§3.5): (length, d_model)."""
    angles = np.arange(length)[:, None] / 10000 ** (np.arange(0, d_model, 2) / d_model)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, d_model).astype("float32")


def _read(attention, h, keys, values, mask):
    """Multi-head attention with keys and values that are projected already; mask (N, 1, places)."""
    scores = ops.einsum("nthk,nshk->nhts", attention.query_dense(h), keys) / math.sqrt(attention.key_dim)
    weights = ops.softmax(ops.where(mask[:, None], scores, -1e9))
    return attention.output_dense(ops.einsum("nhts,nshk->nthk", weights, values))


def _real(source):
    return ops.not_equal(source, PAD)[:, None, :]


def _norm(name):
    return layers.LayerNormalization(epsilon=EPSILON, name=name)


def _check_ids(name, ids, longest):
    if len(ids.shape) != 2:
        raise ValueError(f"{name} must be ids (N, T), got shape {tuple(ids.shape)}")
    if ids.shape[1] == 0:
        raise ValueError(f"{name} holds no token, shape {tuple(ids.shape)}: give each sentence one at least")
    if ids.shape[1] is not None and ids.shape[1] > longest:
        raise ValueError(
            f"{name} has {ids.shape[1]} tokens, the positional table {longest} rows: shorten the sequences, or build "
            f"the model with max_length={ids.shape[1]}"
        )

"""The encoder–decoder with a fixed thought vector: one RNN reads a sentence, a second one writes another.

Sutskever, Vinyals and Le 2014, "Sequence to Sequence Learning with Neural Networks" (LSTM, §2); Cho et al. 2014,
"Learning Phrase Representations using RNN Encoder–Decoder" (GRU, §2.3). Here the encoder's last state is the decoder's
first one, as in Sutskever et al.; Cho et al. show it to the decoder at every step besides.
"""

import keras
import numpy as np
from keras import layers, ops

from utils.keras_models import checks

PAD = 0  # as in utils.text.vocabulary
CELLS = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}


class Seq2Seq(keras.Model):
    """Encoder–decoder: model((source, decoder_in)) -> logits (N, T, V) of the token after each token of decoder_in.

    source (N, S) and decoder_in (N, T) are whole numbers with 0 (`PAD`) at the end. The encoder passes over PAD: its
    last state is that after the last token. Train with `PAD` left out of the loss:

        model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0))
        model.fit((source, decoder_in), decoder_out)

    Args:
        source_tokens, target_tokens: sizes of the two vocabularies, at least 4.
        units: size of the state (of each of the two states of an LSTM).
        embedding_dim: of a token, on both sides.
        cell: "lstm", "gru" or "rnn".
        dropout: share of the embeddings, and of what the last layer reads, that is dropped in training.
        unroll: a graph without loop: faster for short sequences on a CPU, but slower to build.

    Raises:
        TypeError, ValueError: for sizes that cannot be; when called, for inputs of the wrong rank or length.
    """

    def __init__(
        self,
        source_tokens,
        target_tokens,
        units=128,
        embedding_dim=64,
        cell="lstm",
        dropout=0.0,
        unroll=False,
        name="seq2seq",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.source_tokens = checks.positive_int("source_tokens", source_tokens, smallest=4)
        self.target_tokens = checks.positive_int("target_tokens", target_tokens, smallest=4)
        sizes = {"units": units, "embedding_dim": embedding_dim}
        units, embedding_dim = (checks.positive_int(*pair) for pair in sizes.items())
        kind = CELLS[checks.variant("cell", cell, CELLS)]
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, got {dropout!r}")
        self.source_embedding = layers.Embedding(source_tokens, embedding_dim, name="source_embedding")
        self.target_embedding = layers.Embedding(target_tokens, embedding_dim, name="target_embedding")
        self.encoder = kind(units, return_state=True, unroll=unroll, name="encoder")
        self.decoder = kind(units, return_sequences=True, unroll=unroll, name="decoder")
        self.dropout = layers.Dropout(dropout)
        self.output_logits = layers.Dense(target_tokens, name="output")

    def encode(self, source, training=False):
        """(N, S) tokens -> the thought vector: list of states (N, units), two for an LSTM, else one."""
        embedded = self.dropout(self.source_embedding(source), training=training)
        _, *states = self.encoder(embedded, mask=ops.not_equal(source, PAD))
        return states

    def call(self, inputs, training=False):
        source, decoder_in = _checked(inputs)
        embedded = self.dropout(self.target_embedding(decoder_in), training=training)
        # PAD stands at the end of decoder_in, and its outputs are left out of the loss: no mask is needed here.
        states = self.decoder(embedded, initial_state=self.encode(source, training))
        return self.output_logits(self.dropout(states, training=training))

    def start(self, source):
        """State of the decoder before the first token.

        Args:
            source: (N, S) whole numbers.

        Returns:
            tuple of NumPy arrays (N, units), for `step` and for the functions of utils.text.decoding.

        Raises:
            ValueError: if a sentence is empty (PAD alone) or a number is not in the vocabulary, or for another rank.
        """
        source = np.asarray(source)
        if source.ndim != 2 or source.dtype.kind not in "iu":
            raise ValueError(f"source must be whole numbers (N, S), got {source.dtype} of shape {source.shape}")
        if not source.size or source.min() < 0 or source.max() >= self.source_tokens:
            raise ValueError(f"source must hold numbers from 0 to {self.source_tokens - 1}, the source vocabulary's")
        empty = np.flatnonzero(np.all(source == PAD, axis=1))
        if len(empty):
            raise ValueError(f"sentence {empty[0]} of source is empty: it holds PAD alone")
        return tuple(ops.convert_to_numpy(state) for state in self.encode(ops.convert_to_tensor(source)))

    def step(self, ids, state):
        """One step of decoding.

        Args:
            ids: (N,) last tokens; BOS at first.
            state: what `start` or the step before returned.

        Returns:
            (log_probs (N, V), state), NumPy arrays.
        """
        embedded = self.target_embedding(ops.convert_to_tensor(ids))
        output, states = self.decoder.cell(embedded, [ops.convert_to_tensor(part) for part in state])
        states = states if isinstance(states, list | tuple) else [states]
        log_probs = ops.log_softmax(ops.cast(self.output_logits(output), "float32"))
        return ops.convert_to_numpy(log_probs), tuple(ops.convert_to_numpy(part) for part in states)


def _checked(inputs):
    if not isinstance(inputs, tuple | list) or len(inputs) != 2:
        raise TypeError("call the model with the pair (source, decoder_in): source (N, S) and decoder_in (N, T)")
    source, decoder_in = (ops.convert_to_tensor(part) for part in inputs)
    for name, part in (("source", source), ("decoder_in", decoder_in)):
        if len(part.shape) != 2:
            raise ValueError(f"{name} must be (sentences, tokens), got the shape {tuple(part.shape)}")
        if part.shape[1] == 0:
            raise ValueError(f"{name} holds no token, shape {tuple(part.shape)}: give each sentence one at least")
    many = source.shape[0], decoder_in.shape[0]
    if None not in many and many[0] != many[1]:
        raise ValueError(f"source and decoder_in must be of as many sentences, got {many[0]} and {many[1]}")
    return source, decoder_in

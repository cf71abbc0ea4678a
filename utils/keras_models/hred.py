"""HRED: one RNN reads the words of a turn, a second one reads the turns, a third one writes the reply.

Serban, Sordoni, Bengio, Courville and Pineau 2016, "Building End-To-End Dialogue Systems Using Generative Hierarchical
Neural Network Models" (after Sordoni et al. 2015, a model of search queries). The papers let it write every turn of a
dialogue from the turns before; here it writes the last one, the reply.
"""

import keras
from keras import layers, ops

from utils.keras_models import checks

PAD = 0  # as in utils.text.vocabulary
KEEP = 1.0  # bias of the update gates that read: at first they keep 0.73 of the state and not half of it, step by step


class HRED(keras.Model):
    """Hierarchical recurrent encoder–decoder: utterance RNN, context RNN, decoder; all three are GRUs.

    Call it with `(turns, reply_in)`: turns (N, U, T), reply_in (N, R), whole numbers with 0 (`PAD`) at the end of each
    turn, dialogue and reply. It returns logits (N, R, V). Train it with `compile(optimizer)` and
    `fit((turns, reply_in), reply_out)`: the loss is the mean over the dialogues of -log P(reply | turns), in nats.

    Args:
        vocabulary_size: V.
        embedding_dim: of a word; turns and replies share the embedding.
        units: of each of the three GRUs.
        unroll: a graph without loops: faster for short turns on a CPU, but slower to build.

    Raises:
        TypeError, ValueError: for sizes that are no whole numbers above 0, and for inputs of the wrong rank or length.
    """

    extra = 0  # numbers that the decoder gets beside the context: none

    def __init__(self, vocabulary_size, embedding_dim=48, units=64, unroll=False, name="hred"):
        super().__init__(name=name)
        size = checks.positive_int("vocabulary_size", vocabulary_size, smallest=5)
        self.embedding_dim = checks.positive_int("embedding_dim", embedding_dim)
        self.units = checks.positive_int("units", units)
        wide = keras.initializers.RandomNormal(stddev=1.0)  # Keras' ±0.05 is lost on its way through three RNNs
        self.embedding = layers.Embedding(size, embedding_dim, wide, name="embedding")
        self.utterance_rnn = layers.GRU(units, bias_initializer=_keeping, unroll=unroll, name="utterance")
        self.context_rnn = layers.GRU(units, bias_initializer=_keeping, unroll=unroll, name="context")
        self.first_state = layers.Dense(units, activation="tanh", name="first_state")
        self.decoder_rnn = layers.GRU(units, return_sequences=True, unroll=unroll, name="decoder")
        self.word_logits = layers.Dense(size, name="words")
        self.build()

    def build(self, input_shape=None):
        """Make all weights, so that the model is whole before it has seen an array."""
        condition = self.units + self.extra
        self.embedding.build((None, None))
        self.utterance_rnn.build((None, None, self.embedding_dim))
        self.context_rnn.build((None, None, self.units))
        self.first_state.build((None, condition))
        self.decoder_rnn.build((None, None, self.embedding_dim + condition))
        self.word_logits.build((None, None, self.units))
        self.built = True

    def encode_utterance(self, words):
        """(N, T) words -> (N, units): the state after the last word."""
        return self.utterance_rnn(self.embedding(words), mask=ops.not_equal(words, PAD))

    def encode_context(self, turns):
        """(N, U, T) words of the turns so far -> (N, units): the state after the last turn."""
        count, length = ops.shape(turns)[1], ops.shape(turns)[2]
        flat = self.encode_utterance(ops.reshape(turns, (-1, length)))  # all turns at once: (N·U, units)
        utterances = ops.reshape(flat, (-1, count, self.units))
        return self.context_rnn(utterances, mask=ops.any(ops.not_equal(turns, PAD), axis=2))

    def decode(self, condition, reply_in):
        """Teacher forcing: what the decoder knows (N, C), words (N, R) -> logits (N, R, V)."""
        words = self.embedding(reply_in)
        beside = ops.repeat(condition[:, None], ops.shape(reply_in)[1], axis=1)  # at every step, not at the first alone
        # PAD stands at the end, and its outputs are left out of the loss: the decoder needs no mask.
        states = self.decoder_rnn(ops.concatenate([words, beside], axis=2), initial_state=self.first_state(condition))
        return self.word_logits(states)

    def call(self, inputs, training=False):
        turns, reply_in = checked(inputs)
        return self.decode(self.encode_context(turns), reply_in)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(reply_loss(y, y_pred))

    def start(self, turns):
        """State of the decoder before the first word, for `step` and the functions of utils.text.decoding.

        Args:
            turns: (N, U, T).

        Returns:
            (condition (N, C), state (N, units)), NumPy arrays.
        """
        return self.start_from(self.encode_context(checked_turns(turns)))

    def start_from(self, condition):
        """The same from what the decoder knows, (N, C)."""
        return ops.convert_to_numpy(condition), ops.convert_to_numpy(self.first_state(condition))

    def step(self, ids, state):
        """One step of decoding.

        Args:
            ids: (N,) last words; `BOS` at first.
            state: of `start` or of the step before.

        Returns:
            (log_probs (N, V), state), NumPy arrays.
        """
        condition, hidden = (ops.convert_to_tensor(part) for part in state)
        words = self.embedding(ops.convert_to_tensor(ids))
        hidden, _ = self.decoder_rnn.cell(ops.concatenate([words, condition], axis=1), [hidden])
        log_probs = ops.log_softmax(self.word_logits(hidden))
        return ops.convert_to_numpy(log_probs), (state[0], ops.convert_to_numpy(hidden))


def reply_loss(reply_out, logits):
    """-log P(reply), (N,): the sum over its words and EOS; `PAD` does not count."""
    losses = keras.losses.sparse_categorical_crossentropy(reply_out, logits, from_logits=True)
    return ops.sum(ops.where(ops.not_equal(reply_out, PAD), losses, 0.0), axis=1)


def checked(inputs):
    """(turns, reply_in) as tensors; errors for what does not fit together."""
    if not isinstance(inputs, tuple | list) or len(inputs) != 2:
        raise TypeError("call the model with the pair (turns, reply_in): turns (N, U, T) and reply_in (N, R)")
    turns, reply_in = checked_turns(inputs[0]), ops.convert_to_tensor(inputs[1])
    if len(reply_in.shape) != 2:
        raise ValueError(f"reply_in must be (N, R), got the shape {tuple(reply_in.shape)}")
    if reply_in.shape[1] == 0:
        raise ValueError(f"reply_in holds no word, shape {tuple(reply_in.shape)}: it begins with BOS")
    many = turns.shape[0], reply_in.shape[0]
    if None not in many and many[0] != many[1]:
        raise ValueError(f"turns and reply_in must be of as many dialogues, got {many[0]} and {many[1]}")
    return turns, reply_in


def checked_turns(turns):
    """Turns as a tensor (N, U, T)."""
    turns = ops.convert_to_tensor(turns)
    if len(turns.shape) != 3:
        raise ValueError(
            f"turns must be (N, U, T) – dialogues, turns, words –, got the shape {tuple(turns.shape)}; for one "
            "dialogue write turns[None]"
        )
    if 0 in turns.shape[1:]:
        raise ValueError(
            f"turns hold no word, shape {tuple(turns.shape)}: give each dialogue one turn of one word at least"
        )
    return turns


def _keeping(shape, dtype=None):
    """Bias of a GRU, (2, 3·units), Keras' order z, r, candidate; its z multiplies the old state."""
    units = shape[1] // 3
    rows = ops.concatenate([ops.full((1, units), KEEP, dtype), ops.zeros((1, 2 * units), dtype)], axis=1)
    return ops.concatenate([rows, ops.zeros((1, 3 * units), dtype)], axis=0)

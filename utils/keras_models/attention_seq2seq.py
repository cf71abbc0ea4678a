"""Encoder–decoder with attention: the decoder looks back at every state of the encoder, not at the last one alone.

Two orders of work are in use:

    Luong et al. 2015, §3:      s_t from s_{t-1}, then look with s_t:       "dot", "additive"
    Bahdanau et al. 2015, §3.1: look with s_{t-1}, then s_t from the find:  "bahdanau"

In the first, the decoder's states do not depend on what was found: under teacher forcing the decoder runs as one layer
over the whole sentence, and all looks are one matrix product. That is much faster. The second needs a loop over the
steps.
"""

from keras import layers, ops

from utils.keras_models import checks
from utils.keras_models.seq2seq import PAD, Seq2Seq, _checked

ATTENTIONS = ("dot", "additive", "bahdanau")


class AttentionSeq2Seq(Seq2Seq):
    """Encoder–decoder with GRUs and attention: model((source, decoder_in)) -> logits (N, T, V), as `Seq2Seq`.

    With h_j the states of the encoder and s_t those of the decoder:

        "dot"       score = (s_t W_a) · h_j                          Luong et al., §3.1, "general"
        "additive"  score = v_a · tanh(s_t W_a + h_j U_a)            the score of Bahdanau et al. in Luong's order
        "bahdanau"  score = v_a · tanh(s_{t-1} W_a + h_j U_a)        Bahdanau et al., §A.1.2 and §A.2.2
        weights     softmax over the tokens of the source, PAD left out
        c_t         the mean of all h_j with these weights
        logits      tanh([c_t; s_t] W_c + b) W_out + b_out           Luong et al., (5) and (6)

    Unlike Bahdanau et al., the encoder reads in one direction, and the output layer is Luong's.

    Args:
        source_tokens, target_tokens, units, embedding_dim, dropout: as in `Seq2Seq`.
        attention: "dot", "additive" or "bahdanau".

    Raises:
        TypeError, ValueError: for sizes that cannot be and for another attention.
    """

    def __init__(
        self,
        source_tokens,
        target_tokens,
        units=128,
        embedding_dim=32,
        attention="dot",
        dropout=0.0,
        name="attention_seq2seq",
        **kwargs,
    ):
        super().__init__(source_tokens, target_tokens, units, embedding_dim, "gru", dropout, name=name, **kwargs)
        self.kind = checks.variant("attention", attention, ATTENTIONS)
        self.encoder.return_sequences = True
        self.query = layers.Dense(units, use_bias=False, name="query")
        if attention == "dot":
            self.attention = layers.Attention(name="attention")
        else:
            self.key = layers.Dense(units, use_bias=False, name="key")
            self.attention = layers.AdditiveAttention(name="attention")
        if attention == "bahdanau":  # its cell is called alone, so Keras would not see that the layer is complete
            self.decoder.build((None, None, embedding_dim + units))
        self.combine = layers.Dense(units, activation="tanh", name="combine")

    def encode(self, source, training=False):
        """(N, S) tokens -> [last state (N, units), all states (N, S, units), keys (N, S, units), mask (N, S)]."""
        mask = ops.not_equal(source, PAD)
        embedded = self.dropout(self.source_embedding(source), training=training)
        memory, state = self.encoder(embedded, mask=mask)
        keys = memory if self.kind == "dot" else self.key(memory)
        return [state, memory, keys, mask]

    def call(self, inputs, training=False):
        return self._write(inputs, training)[0]

    def alignment(self, source, decoder_in):
        """Where the decoder looks while it writes.

        Args:
            source: (N, S), decoder_in: (N, T) whole numbers.

        Returns:
            NumPy array (N, T, S): row t holds the weights of the source's tokens for the token after decoder_in[:, t].
        """
        return ops.convert_to_numpy(self._write((source, decoder_in))[1])

    def step(self, ids, state):
        """One step of decoding: ids (N,) and what `start` or the step before returned -> (log_probs (N, V), state)."""
        state, *found = (ops.convert_to_tensor(part) for part in state)
        embedded = self.target_embedding(ops.convert_to_tensor(ids))
        state, context, _ = self._step(embedded, state, *found)
        log_probs = ops.log_softmax(ops.cast(self._logits(context, state), "float32"))
        return ops.convert_to_numpy(log_probs), tuple(ops.convert_to_numpy(part) for part in (state, *found))

    def _write(self, inputs, training=False):
        """(logits (N, T, V), weights (N, T, S)) under teacher forcing."""
        source, decoder_in = _checked(inputs)
        state, *found = self.encode(source, training)
        embedded = self.dropout(self.target_embedding(decoder_in), training=training)
        if self.kind == "bahdanau":
            contexts, states, weights = self._loop(embedded, state, *found)
        else:
            states = self.decoder(embedded, initial_state=state)
            contexts, weights = self._look(states, *found)
        return self._logits(contexts, states, training), weights

    def _look(self, states, memory, keys, mask):
        """(contexts (N, T, units), weights (N, T, S)) of decoder states (N, T, units)."""
        found = [self.query(states), memory, keys]
        return self.attention(found, mask=[None, mask], return_attention_scores=True)

    def _loop(self, embedded, state, *found):
        """Bahdanau's order, step by step: (contexts (N, T, units), states (N, T, units), weights (N, T, S))."""
        contexts, states, weights = [], [], []
        for t in range(embedded.shape[1]):
            state, context, weight = self._step(embedded[:, t], state, *found)
            contexts.append(context)
            states.append(state)
            weights.append(weight)
        return tuple(ops.stack(parts, axis=1) for parts in (contexts, states, weights))

    def _step(self, embedded, state, *found):
        """From one embedded token (N, E): (state (N, units), context (N, units), weights (N, S))."""
        if self.kind == "bahdanau":
            contexts, weights = self._look(state[:, None], *found)
            embedded = ops.concatenate([embedded, contexts[:, 0]], axis=-1)
            state, _ = self.decoder.cell(embedded, [state])
        else:
            state, _ = self.decoder.cell(embedded, [state])
            contexts, weights = self._look(state[:, None], *found)
        return state, contexts[:, 0], weights[:, 0]

    def _logits(self, contexts, states, training=False):
        attentional = self.combine(ops.concatenate([contexts, states], axis=-1))
        return self.output_logits(self.dropout(attentional, training=training))

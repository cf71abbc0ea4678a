"""The encoder–decoder with attention: against the layers by hand, step by step = all at once, masks, errors."""

import numpy as np
import pytest

from utils.numpy_layers.attention import AdditiveAttention, DotAttention
from utils.numpy_layers.gru import GRU
from utils.text import decoding
from utils.text.vocabulary import BOS, PAD

keras = pytest.importorskip("keras")

from utils.keras_models.attention_seq2seq import ATTENTIONS, AttentionSeq2Seq  # noqa: E402

SOURCE = np.array([[5, 6, 7, 8, 9], [9, 4, PAD, PAD, PAD], [4, 4, 8, PAD, PAD]])
DECODER_IN = np.array([[BOS, 4, 5, 6], [BOS, 7, PAD, PAD], [BOS, 6, 6, 4]])


def built(attention, seed=0):
    keras.utils.set_random_seed(seed)
    model = AttentionSeq2Seq(10, 8, units=6, embedding_dim=3, attention=attention)
    model((SOURCE, DECODER_IN))
    for weight in model.trainable_weights:  # so that a forgotten bias shows, and attention is far from uniform
        weight.assign(np.random.default_rng(weight.shape[0]).normal(0, 0.9, weight.shape))
    return model


@pytest.fixture(params=ATTENTIONS)
def model(request):
    return built(request.param)


def weights_of(layer):
    return [np.asarray(weight, "float64") for weight in layer.get_weights()]


def gru(layer):
    kernel, recurrent_kernel, bias = weights_of(layer)
    ours = GRU(recurrent_kernel.shape[0], kernel.shape[0], return_sequences=True, return_state=True, dtype="float64")
    ours.params = {"kernel": kernel, "recurrent_kernel": recurrent_kernel, "bias": bias}
    return ours


def by_hand(model, source, decoder_in):
    """(logits, weights) by the NumPy layers, one sentence at a time and one step at a time: no mask anywhere."""
    logits, looks = [], []
    encoder, decoder = gru(model.encoder), gru(model.decoder)
    (W_a,), (W_c, b_c), (W_out, b_out) = (weights_of(x) for x in (model.query, model.combine, model.output_logits))
    if model.kind == "dot":
        look, U_a = DotAttention(dtype="float64"), np.eye(6)
    else:
        look, (U_a,) = AdditiveAttention(6, dtype="float64"), weights_of(model.key)
        look.params["scale"] = weights_of(model.attention)[0]
    (source_table,), (target_table,) = weights_of(model.source_embedding), weights_of(model.target_embedding)
    for read, fed in zip(source, decoder_in, strict=True):
        memory, s = encoder.forward(source_table[read[read != PAD]][None])
        for token in fed:
            x = target_table[token][None, None]
            if model.kind == "bahdanau":
                c = look.forward((s @ W_a)[:, None], memory, memory @ U_a)
                _, s = decoder.forward(np.concatenate([x, c], axis=-1), s)
            else:
                _, s = decoder.forward(x, s)
                c = look.forward((s @ W_a)[:, None], memory, memory @ U_a)
            logits.append(np.tanh(np.concatenate([c[:, 0], s], axis=-1) @ W_c + b_c) @ W_out + b_out)
            looks.append(np.pad(look.weights[0, 0], (0, source.shape[1] - memory.shape[1])))
    shape = decoder_in.shape
    return np.reshape(logits, (*shape, -1)), np.reshape(looks, (*shape, -1))


def test_logits_and_weights_are_those_by_hand(model):
    logits, weights = by_hand(model, SOURCE, DECODER_IN)
    np.testing.assert_allclose(np.asarray(model((SOURCE, DECODER_IN))), logits, rtol=1e-4, atol=1e-5)
    found = model.alignment(SOURCE, DECODER_IN)
    np.testing.assert_allclose(found, weights, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-5)
    assert np.all(found[1, :, 2:] == 0)  # PAD


def test_writing_step_by_step_is_the_whole_sentence_at_once(model):
    logits = np.asarray(model((SOURCE, DECODER_IN)))
    whole = logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))
    state = model.start(SOURCE)
    for t in range(DECODER_IN.shape[1]):
        log_probs, state = model.step(DECODER_IN[:, t], state)
        np.testing.assert_allclose(log_probs, whole[:, t], rtol=1e-4, atol=1e-5)


def test_no_output_reads_later_input(model):
    before = np.asarray(model((SOURCE, DECODER_IN)))
    later = DECODER_IN.copy()
    later[:, 2:] = 5
    after = np.asarray(model((SOURCE, later)))
    np.testing.assert_allclose(before[:, :2], after[:, :2], atol=1e-6)
    assert np.abs(before[:, 2:] - after[:, 2:]).max() > 1e-3


def test_greedy_and_beam_run_on_it(model):
    written = decoding.greedy(model.step, model.start(SOURCE), len(SOURCE), 6)
    assert written.shape[0] == 3 and written.shape[1] <= 6
    best = decoding.beam(model.step, model.start(SOURCE), 1, 6)
    for row, found in zip(written, best, strict=True):
        assert row[row != PAD].tolist() == list(found[0].ids)


def test_parameters_are_counted_by_hand():
    common = 10 * 3 + 8 * 3 + 2 * 3 * (3 * 6 + 6 * 6 + 2 * 6) + 6 * 6 + (12 * 6 + 6) + (6 * 8 + 8)
    assert built("dot").count_params() == common
    assert built("additive").count_params() == common + 6 * 6 + 6
    assert built("bahdanau").count_params() == common + 6 * 6 + 6 + 3 * 6 * 6  # the context enters the decoder's cell


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: AttentionSeq2Seq(10, 8, attention="dott"), ValueError, "did you mean 'dot'"),
        (lambda: AttentionSeq2Seq(10, 8, units=0), ValueError, "units must be at least 1"),
        (lambda: built("dot").start(SOURCE * 0), ValueError, "empty"),
        (lambda: built("dot").start(SOURCE + 5), ValueError, "from 0 to 9"),
        (lambda: built("dot").alignment(SOURCE, DECODER_IN[:2]), ValueError, "as many sentences, got 3 and 2"),
        (lambda: built("dot")(SOURCE), TypeError, "the pair"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()

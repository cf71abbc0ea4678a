"""The encoder–decoder: one step at a time as in training, padding without effect, on TensorFlow and on JAX."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from utils.keras_models.seq2seq import Seq2Seq
from utils.text import decoding
from utils.text.batches import pad, teacher_forcing
from utils.text.vocabulary import BOS, EOS, PAD

ROOT = Path(__file__).parents[2]
CELLS = ("lstm", "gru", "rnn")
SOURCE = pad([[4, 5, 6, EOS], [7, EOS], [5, 5, 4, 7, EOS]])
TARGET = pad([[BOS, 5, 6, EOS], [BOS, 8, 8, 4, 7, EOS], [BOS, 6, EOS]])
DECODER_IN, DECODER_OUT = teacher_forcing(TARGET)


def build(cell="gru", **options):
    keras.utils.set_random_seed(0)
    model = Seq2Seq(8, 9, units=5, embedding_dim=3, cell=cell, **options)
    model((SOURCE, DECODER_IN))
    return model


def log_softmax(logits):
    logits = np.asarray(logits, np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("cell", CELLS)
def test_step_by_step_is_what_teacher_forcing_computes_at_once(cell):
    model = build(cell)
    at_once = log_softmax(model((SOURCE, DECODER_IN)))
    state = model.start(SOURCE)
    assert len(state) == (2 if cell == "lstm" else 1) and all(part.shape == (3, 5) for part in state)
    for t in range(DECODER_IN.shape[1]):
        log_probs, state = model.step(DECODER_IN[:, t], state)
        np.testing.assert_allclose(log_probs, at_once[:, t], atol=1e-5)
        np.testing.assert_allclose(np.exp(log_probs).sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_padding_changes_nothing(cell):
    model = build(cell)
    wider_source = np.pad(SOURCE, ((0, 0), (0, 3)))
    wider_in = np.pad(DECODER_IN, ((0, 0), (0, 2)))
    logits, wider = np.asarray(model((SOURCE, DECODER_IN))), np.asarray(model((wider_source, wider_in)))
    np.testing.assert_allclose(wider[:, : logits.shape[1]], logits, atol=1e-6)
    for alone in range(3):  # a sentence without its neighbours, and without padding
        cut = SOURCE[alone : alone + 1, : np.sum(SOURCE[alone] != PAD)]
        np.testing.assert_allclose(model.start(cut)[0][0], model.start(SOURCE)[0][alone], atol=1e-6)


def test_the_reply_hangs_on_the_whole_source_and_on_no_later_token():
    model = build("lstm")
    logits = np.asarray(model((SOURCE, DECODER_IN)))
    for position in range(SOURCE.shape[1]):
        changed = SOURCE.copy()
        changed[2, position] = 6 if changed[2, position] != 6 else 4
        moved = np.abs(np.asarray(model((changed, DECODER_IN))) - logits).max(axis=(1, 2))
        assert moved[2] > 1e-6 and moved[0] == moved[1] == 0
    later = DECODER_IN.copy()
    later[1, 3] = 5
    moved = np.abs(np.asarray(model((SOURCE, later))) - logits)[1].max(axis=1)
    assert np.all(moved[:3] < 1e-7) and np.all(moved[3:] > 1e-6)


def test_parameters():
    for cell, gates, biases in (("rnn", 1, 1), ("lstm", 4, 1), ("gru", 3, 2)):
        rnn = gates * (5 * 3 + 5 * 5 + biases * 5)
        assert build(cell).count_params() == 8 * 3 + 9 * 3 + 2 * rnn + 5 * 9 + 9


def test_it_learns_and_decodes():
    """Three sentences by heart: the loss leaves PAD out, and all three ways of decoding find them."""
    model = build("lstm")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=PAD)
    model.compile(keras.optimizers.Adam(0.05), loss, jit_compile=False)
    model.fit((SOURCE, DECODER_IN), DECODER_OUT, epochs=100, verbose=0)
    log_probs = log_softmax(model((SOURCE, DECODER_IN)))
    kept = DECODER_OUT != PAD
    per_token = -np.take_along_axis(log_probs, DECODER_OUT[..., None], axis=2)[..., 0][kept].mean()
    assert per_token < 0.1
    assert model.evaluate((SOURCE, DECODER_IN), DECODER_OUT, verbose=0) == pytest.approx(per_token, rel=1e-4)
    written = decoding.greedy(model.step, model.start(SOURCE), 3, 7)
    assert np.array_equal(written, DECODER_OUT[:, : written.shape[1]])
    found = decoding.beam(model.step, model.start(SOURCE), 3, 7)
    assert [list(hypotheses[0].ids) for hypotheses in found] == [list(row[row != PAD]) for row in DECODER_OUT]
    likely = decoding.log_probability(model.step, model.start(SOURCE), DECODER_OUT)
    assert likely.sum() == pytest.approx(-per_token * kept.sum(), rel=1e-4)


def test_unrolled_is_the_same():
    loop, flat = build("gru"), build("gru", unroll=True)
    flat.set_weights(loop.get_weights())
    np.testing.assert_allclose(flat((SOURCE, DECODER_IN)), loop((SOURCE, DECODER_IN)), atol=1e-6)


def test_dropout_acts_in_training_alone():
    model = build("gru", dropout=0.5)
    quiet = [np.asarray(model((SOURCE, DECODER_IN), training=False)) for _ in "ab"]
    assert np.array_equal(*quiet)
    assert np.abs(np.asarray(model((SOURCE, DECODER_IN), training=True)) - quiet[0]).max() > 1e-3


def test_jax_gives_the_same(tmp_path):
    pytest.importorskip("jax")
    model = build("lstm")
    np.savez(tmp_path / "weights.npz", *model.get_weights())
    code = f"""
import numpy as np
from tests.keras_models import test_seq2seq as here
model = here.build("lstm")
stored = np.load(r"{tmp_path / "weights.npz"}")
model.set_weights([stored[name] for name in stored.files])
assert here.keras.backend.backend() == "jax"
logits = np.asarray(model((here.SOURCE, here.DECODER_IN)))
log_probs, _ = model.step(here.DECODER_IN[:, 0], model.start(here.SOURCE))
np.savez(r"{tmp_path / "jax.npz"}", logits, log_probs)
"""
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "jax.npz") as found:
        logits, log_probs = found["arr_0"], found["arr_1"]
    np.testing.assert_allclose(logits, model((SOURCE, DECODER_IN)), atol=1e-5)
    np.testing.assert_allclose(log_probs, log_softmax(logits)[:, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m(SOURCE), TypeError, "the pair"),
        (lambda m: m((SOURCE[0], DECODER_IN)), ValueError, r"source must be \(sentences, tokens\)"),
        (lambda m: m((SOURCE[:, :0], DECODER_IN)), ValueError, "source holds no token"),
        (lambda m: m((SOURCE, DECODER_IN[:2])), ValueError, "got 3 and 2"),
        (lambda m: m.start(SOURCE[0]), ValueError, r"\(N, S\)"),
        (lambda m: m.start(SOURCE + 4), ValueError, "from 0 to 7"),
        (lambda m: m.start(np.zeros((0, 4), int)), ValueError, "from 0 to 7"),
        (lambda m: m.start(np.array([[4, EOS], [PAD, PAD]])), ValueError, "sentence 1 of source is empty"),
        (lambda m: m.start(SOURCE.astype(float)), ValueError, "whole numbers"),
        (lambda m: Seq2Seq(8, 3), ValueError, "target_tokens must be at least 4"),
        (lambda m: Seq2Seq(8, 9, units=0), ValueError, "units must be at least 1"),
        (lambda m: Seq2Seq(8, 9, cell="lstn"), ValueError, "did you mean 'lstm'"),
        (lambda m: Seq2Seq(8, 9, dropout=1.0), ValueError, "below 1"),
    ],
)
def test_errors_say_what_to_do(call, error, message):
    with pytest.raises(error, match=message):
        call(build())

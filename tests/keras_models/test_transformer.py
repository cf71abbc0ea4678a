"""The Transformer in Keras: no future leak, cached decoding equal to full decoding, beams, both backends, errors."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from utils.keras_models import transformer
from utils.keras_models.transformer import Transformer
from utils.text import decoding

NORMS = pytest.mark.parametrize("norm", ["post", "pre"])
SIZES = {"d_model": 16, "num_heads": 4, "d_ff": 24, "blocks": 2}
SOURCE = np.array([[3, 10, 4, 2, 5], [1, 2, 0, 0, 0], [7, 7, 6, 0, 0]])
TARGET = np.array([[1, 5, 8, 8, 3, 6], [1, 4, 4, 0, 0, 0], [1, 6, 7, 5, 2, 0]])


@pytest.fixture(scope="module")
def models():
    keras.utils.set_random_seed(0)
    return {norm: Transformer(11, 9, 8, **SIZES, norm=norm) for norm in ("post", "pre")}


def full(model, source=SOURCE, target=TARGET):
    return ops.convert_to_numpy(ops.log_softmax(model([source, target])))


def cached(model, source=SOURCE, target=TARGET, room=None):
    state, steps = model.start(source, room), []
    for t in range(target.shape[1]):
        log_probs, state = model.step(target[:, t], state)
        steps.append(ops.convert_to_numpy(log_probs))
    return np.stack(steps, axis=1)


@NORMS
@pytest.mark.parametrize("room", [None, 6])
def test_cached_decoding_equals_full_decoding(models, norm, room):
    np.testing.assert_allclose(cached(models[norm], room=room), full(models[norm]), atol=1e-5)


@NORMS
def test_greedy_with_the_cache_writes_what_full_decoding_writes(models, norm):
    model, written = models[norm], np.ones((3, 1), int)
    for _ in range(7):
        log_probs = full(model, target=written)[:, -1].copy()
        log_probs[:, :2] = -np.inf  # PAD and BOS
        written = np.concatenate([written, np.argmax(log_probs, axis=1)[:, None]], axis=1)
    ids = decoding.greedy(model.step, model.start(SOURCE), 3, 7)
    for row, expected in zip(ids, written[:, 1:], strict=True):
        ended = np.flatnonzero(expected == 2)
        length = ended[0] + 1 if ended.size else 7
        assert row[:length].tolist() == expected[:length].tolist()


def test_beam_search_picks_rows_of_the_state(models):
    """A beam's log-probability, recomputed from the full decoder: wrong rows of a cache would give another one."""
    model = models["pre"]
    for row, best in enumerate(decoding.beam(model.step, model.start(SOURCE), 3, 7)):
        for hypothesis in best:
            target = np.array([[1, *hypothesis.ids[:-1]]])
            log_probs = full(model, SOURCE[row : row + 1], target)[0]
            expected = sum(log_probs[t, i] for t, i in enumerate(hypothesis.ids))
            assert hypothesis.log_prob == pytest.approx(expected, abs=1e-4)


@NORMS
def test_no_output_sees_a_later_token(models, norm):
    before = full(models[norm])
    for s in range(1, 6):
        changed = TARGET.copy()
        changed[:, s] = (changed[:, s] + 3) % 8 + 1
        after = full(models[norm], target=changed)
        assert np.abs(after[:, :s] - before[:, :s]).max() < 1e-6
        assert np.all(np.abs(after[:, s:] - before[:, s:]).max(axis=2) > 1e-6)


def test_padding_of_the_source_changes_nothing(models):
    short = full(models["post"], SOURCE[1:2, :2], TARGET[1:2])
    np.testing.assert_allclose(full(models["post"])[1:2], short, atol=1e-5)


def test_cross_attention_shows_the_weights_of_every_block(models):
    found = models["pre"].cross_attention(SOURCE, TARGET)
    assert [weights.shape for weights in found] == [(3, 4, 6, 5)] * 2
    for weights in found:
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)
        assert (weights[1, :, :, 2:] == 0).all() and (weights[0] > 0).all()  # padding of the second sentence


@NORMS
def test_parameter_count(models, norm):
    d, f, blocks = 16, 24, 2
    attention, ffn, norms = 4 * (d * d + d), d * f + f + f * d + d, 2 * d
    encoder, decoder = attention + ffn + 2 * norms, 2 * attention + ffn + 3 * norms
    expected = 11 * d + 9 * d + blocks * (encoder + decoder) + d * 9 + 9 + (2 * norms if norm == "pre" else 0)
    weights = models[norm].trainable_weights
    assert sum(int(np.prod(w.shape)) for w in weights) == expected


def test_post_norm_is_the_papers_order(models):
    """LayerNorm(x + F(x)): what leaves a block has mean 0 and variance 1, per token over d_model."""
    memory = np.asarray(models["post"].encode(SOURCE))
    np.testing.assert_allclose(memory.mean(axis=-1), 0, atol=1e-5)
    np.testing.assert_allclose(memory.var(axis=-1), 1, atol=1e-3)
    quiet = transformer.Block(16, 4, 24, 0.0, "pre")
    x = np.random.default_rng(0).standard_normal((2, 3, 16)).astype("float32")
    quiet(x)
    for part in (quiet.attention.output_dense, quiet.outer):
        part.kernel.assign(ops.zeros_like(part.kernel))
    np.testing.assert_array_equal(np.asarray(quiet(x)), x)  # silent sublayers: the residual path is left


def test_dropout_works_in_training_only(models):
    model = models["post"]
    assert np.array_equal(full(model), full(model))
    noisy = [np.asarray(model([SOURCE, TARGET], training=True)) for _ in range(2)]
    assert np.abs(noisy[0] - noisy[1]).max() > 1e-3


def test_it_learns_to_copy_and_is_saved(tmp_path):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    source = rng.integers(3, 9, (512, 4))
    target = np.concatenate([np.ones((512, 1), int), source], axis=1)
    model = Transformer(9, 9, 8, d_model=32, num_heads=4, d_ff=64, blocks=1, dropout=0.0, norm="pre")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.005), loss)
    model.fit([source, target[:, :-1]], source, batch_size=64, epochs=10, verbose=0)
    ids = decoding.greedy(model.step, model.start(source[:100]), 100, 4)
    assert np.mean(ids == source[:100]) > 0.95
    model.save_weights(tmp_path / "copy.weights.h5")
    other = Transformer(**model.settings)
    other.load_weights(tmp_path / "copy.weights.h5")
    assert np.array_equal(full(other, source[:5], target[:5]), full(model, source[:5], target[:5]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: Transformer(9, 9, 8, 16, 3), ValueError, "a multiple of num_heads, got 16 and 3"),
        (lambda m: Transformer(9, 9, 8, 16, 4, norm="mid"), ValueError, "norm must be one of 'post', 'pre'; got 'mid'"),
        (lambda m: Transformer(0, 9, 8, 16, 4), ValueError, "source_tokens must be at least 1"),
        (
            lambda m: m([SOURCE, np.ones((3, 9), int)]),
            ValueError,
            "target_in has 9 tokens, the positional table 8 rows",
        ),
        (lambda m: m([np.ones((3, 9), int), TARGET]), ValueError, "source has 9 tokens.*max_length=9"),
        (lambda m: m([SOURCE[:2], TARGET]), ValueError, "one batch, got 2 and 3 rows"),
        (lambda m: m([SOURCE[0], TARGET]), ValueError, r"source must be ids \(N, T\), got shape \(5,\)"),
        (lambda m: m([SOURCE, TARGET[:, :0]]), ValueError, "target_in holds no token"),
        (lambda m: m.start(SOURCE, 9), ValueError, "max_length 9 is beyond the positional table with 8 rows"),
        (lambda m: cached(m, room=5), ValueError, "room for 5 tokens, and all are fed"),
    ],
)
def test_errors_say_what_is_wrong(models, call, error, message):
    with pytest.raises(error, match=message):
        call(models["post"])


CODE = """
import sys, keras, numpy as np
from tests.keras_models.test_transformer import SIZES, cached, full
from utils.keras_models.transformer import Transformer
model = Transformer(11, 9, 8, **SIZES)
for weight, value in zip(model.trainable_weights, np.load(sys.argv[1]).values(), strict=True):
    weight.assign(value)
np.savez(sys.argv[2], full=full(model), cached=cached(model))
print(keras.backend.backend())
"""


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX is the backend that is compared with")
def test_the_same_on_jax(models, tmp_path):
    pytest.importorskip("jax")
    weights, answers = tmp_path / "weights.npz", tmp_path / "answers.npz"
    np.savez(weights, *[np.asarray(w) for w in models["post"].trainable_weights])
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    command = [sys.executable, "-c", CODE, str(weights), str(answers)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=root, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "jax"
    with np.load(answers) as theirs:
        np.testing.assert_allclose(theirs["full"], full(models["post"]), atol=1e-4)
        np.testing.assert_allclose(theirs["cached"], theirs["full"], atol=1e-5)

"""VHRED: the two normal distributions, their divergence, the annealed bound, and replies that follow z."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from utils.keras_models import vhred
from utils.keras_models.vhred import VHRED, kl_divergence
from utils.text import decoding, dialogues, vocabulary
from utils.text.vocabulary import BOS, EOS, PAD, UNK

ROOT = Path(__file__).parents[2]
WORDS = 12


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def small(**options):
    keras.utils.set_random_seed(0)
    return VHRED(WORDS, **{"embedding_dim": 5, "units": 7, "latent_dim": 3} | options)


def some_dialogues(seed=0, count=4):
    rng = np.random.default_rng(seed)
    turns = rng.integers(4, WORDS, (count, 3, 4)).astype(np.int32)
    reply = rng.integers(4, WORDS, (count, 3)).astype(np.int32)
    edge = np.ones((count, 1), np.int32)
    return turns, np.concatenate([BOS * edge, reply], axis=1), np.concatenate([reply, EOS * edge], axis=1)


def gaussians(seed, count=5, size=3):
    rng = np.random.default_rng(seed)
    means = rng.standard_normal((2, count, size))
    variances = rng.uniform(0.3, 2.0, (2, count, size))
    return means[0], variances[0], means[1], variances[1]


def test_the_same_numbers_stand_for_special_tokens():
    assert (vhred.BOS, vhred.UNK, vhred.PAD) == (vocabulary.BOS, vocabulary.UNK, vocabulary.PAD)


@pytest.mark.parametrize("seed", range(3))
def test_kl_in_closed_form_is_what_sampling_gives(seed):
    mean, variance, prior_mean, prior_variance = gaussians(seed)
    rng = np.random.default_rng(seed)
    z = mean + np.sqrt(variance) * rng.standard_normal((200_000, *mean.shape))

    def log_density(z, mean, variance):
        return -0.5 * np.sum(np.log(2 * np.pi * variance) + (z - mean) ** 2 / variance, axis=-1)

    drawn = log_density(z, mean, variance) - log_density(z, prior_mean, prior_variance)
    error = 5 * drawn.std(axis=0) / np.sqrt(len(z))  # five standard errors
    assert np.all(
        np.abs(numbers(kl_divergence(mean, variance, prior_mean, prior_variance)) - drawn.mean(axis=0)) < error
    )


def test_kl_is_zero_for_equal_distributions_and_never_below():
    mean, variance, prior_mean, prior_variance = gaussians(3, count=50)
    np.testing.assert_allclose(numbers(kl_divergence(mean, variance, mean, variance)), 0, atol=1e-6)
    there = numbers(kl_divergence(mean, variance, prior_mean, prior_variance))
    back = numbers(kl_divergence(prior_mean, prior_variance, mean, variance))
    assert there.min() > 0 and np.abs(there - back).max() > 0.1  # no distance: not symmetric
    standard = 0.5 * np.sum(mean**2 + variance - np.log(variance) - 1, axis=1)
    np.testing.assert_allclose(
        numbers(kl_divergence(mean, variance, np.zeros_like(mean), np.ones_like(mean))), standard, rtol=1e-5
    )


def test_prior_knows_the_turns_and_the_posterior_also_the_reply():
    model = small()
    turns, reply_in, _ = some_dialogues()
    context = model.encode_context(turns)
    other_reply = np.where(reply_in == BOS, BOS, 4 + (reply_in - 3) % (WORDS - 4)).astype(np.int32)
    posterior, changed = (numbers(model.posterior(context, words)[0]) for words in (reply_in, other_reply))
    assert np.abs(posterior - changed).min() > 1e-5
    without_bos = np.where(reply_in == BOS, 5, reply_in)  # the posterior reads the words alone, as of the turns
    np.testing.assert_array_equal(posterior, numbers(model.posterior(context, without_bos)[0]))
    kl = numbers(model((turns, reply_in))["kl"])
    expected = kl_divergence(*model.posterior(context, reply_in), *model.prior(context))
    np.testing.assert_allclose(kl, numbers(expected), rtol=1e-4)
    assert numbers(model.prior(context)[1]).min() > 0


def test_z_has_the_mean_and_the_variance_of_the_posterior():
    model = small()
    turns, reply_in, _ = some_dialogues(count=1)
    mean, variance = (numbers(part) for part in model.posterior(model.encode_context(turns), reply_in))
    seen = []
    model.decode = lambda condition, words: seen.append(numbers(condition)[:, -3:]) or condition
    many = 4000
    model((np.repeat(turns, many, axis=0), np.repeat(reply_in, many, axis=0)))
    (z,) = seen
    deviation = np.sqrt(variance[0])
    assert np.all(np.abs(z.mean(axis=0) - mean[0]) < 5 * deviation / np.sqrt(many))
    np.testing.assert_allclose(z.std(axis=0), deviation, rtol=0.08)


def test_gradients_reach_both_networks_through_z():
    tf = pytest.importorskip("tensorflow")
    model = small()
    turns, reply_in, reply_out = some_dialogues()
    with tf.GradientTape() as tape:
        loss = ops.mean(vhred.reply_loss(reply_out, model((turns, reply_in))["logits"]))  # without the KL term
    hidden, heads = model.posterior_layers
    weights = [layer.kernel.value for layer in (*hidden, *heads)]
    assert all(np.abs(gradient).max() > 1e-6 for gradient in tape.gradient(loss, weights))


def test_beta_rises_to_one_and_evaluation_takes_the_whole_bound():
    turns, reply_in, reply_out = some_dialogues(count=8)
    model = small(annealing=4, word_drop=0.0)
    model.compile(keras.optimizers.SGD(0.0))
    betas = []
    for _ in range(6):
        found = model.fit((turns, reply_in), reply_out, batch_size=8, epochs=1, verbose=0).history
        betas.append(found["beta"][0])
        total = found["reconstruction"][0] + found["beta"][0] * found["kl"][0]
        assert found["loss"][0] == pytest.approx(total, rel=1e-5)
    assert betas == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    fresh = small(annealing=4)
    fresh.compile()
    found = fresh.evaluate((turns, reply_in), reply_out, verbose=0, return_dict=True)
    assert found["beta"] == 1 and found["loss"] == pytest.approx(found["reconstruction"] + found["kl"], rel=1e-5)
    assert numbers(fresh.seen) == 0 and numbers(small().beta()) == 1


def test_words_are_dropped_in_training_alone_and_never_bos_or_padding():
    model = small(word_drop=0.25)
    reply_in = np.full((2000, 5), 6, np.int32)
    reply_in[:, 0], reply_in[:, 4] = BOS, PAD
    turns = np.full((2000, 1, 1), 5, np.int32)
    seen = []
    model.decode = lambda condition, words: seen.append(numbers(words)) or condition
    model((turns, reply_in), training=True)
    model((turns, reply_in))
    dropped, kept = seen
    assert np.array_equal(kept, reply_in)
    assert np.array_equal(dropped[:, [0, 4]], reply_in[:, [0, 4]])
    share = np.mean(dropped[:, 1:4] == UNK)
    assert set(np.unique(dropped)) == {PAD, BOS, UNK, 6} and abs(share - 0.25) < 0.03


def test_steps_give_what_teacher_forcing_gives_for_the_same_z():
    model = small()
    turns, reply_in, _ = some_dialogues()
    noise = np.random.default_rng(5).standard_normal((4, 3))
    context = model.encode_context(turns)
    mean, variance = (numbers(part) for part in model.prior(context))
    z = (mean + np.sqrt(variance) * noise).astype(np.float32)
    logits = model.decode(ops.concatenate([context, z], axis=1), reply_in)
    state = model.start(turns, noise)
    for t in range(3):
        log_probs, state = model.step(reply_in[:, t], state)
        np.testing.assert_allclose(log_probs, numbers(ops.log_softmax(logits[:, t])), atol=1e-5)


def test_arguments_are_checked():
    for fault, options in {
        "latent_dim must be at least 1": dict(latent_dim=0),
        "annealing must be at least 0": dict(annealing=-1),
        "share from 0 to 1": dict(word_drop=1.5),
    }.items():
        with pytest.raises(ValueError, match=fault):
            small(**options)
    with pytest.raises(ValueError, match="one row a dialogue"):
        small().start(some_dialogues()[0], np.zeros((1, 3)))


def trained(annealing, words, data, epochs):
    keras.utils.set_random_seed(0)
    model = VHRED(len(words), annealing=annealing)
    model.compile(keras.optimizers.Adam(0.015))
    history = model.fit(
        (data.turns, data.reply_in), data.reply_out, batch_size=64, epochs=epochs, verbose=0
    ).history  # fmt: skip
    return model, history["kl"]


def test_with_annealing_replies_follow_z_and_without_it_the_posterior_collapses():
    test = dialogues.make(8, seed=100)
    train = dialogues.make(2000, seed=0, apart_from=test)
    words = dialogues.vocabulary(train)
    data, held_out = dialogues.arrays(train, words), dialogues.arrays(test, words)
    many = 16
    turns = np.repeat(held_out.turns, many, axis=0)
    model, kl = trained(100, words, data, 6)
    _, collapsed = trained(0, words, data, 3)
    assert kl[-1] > 0.5 and collapsed[-1] < 0.2  # nats
    noise = np.random.default_rng(0).standard_normal((len(turns), model.extra))
    ids = decoding.greedy(model.step, model.start(turns, noise), len(turns), 12)
    said = np.array([words.decode(row) for row in ids]).reshape(len(test), many)
    assert np.mean([len(set(row)) for row in said]) >= 2  # different replies to one dialogue
    right = [text in one.right for row, one in zip(said, test, strict=True) for text in row]
    assert np.mean(right) > 0.8


def test_both_networks_give_the_same_on_jax_and_learn_there(tmp_path):
    pytest.importorskip("jax")
    model = small(annealing=10)
    turns, reply_in, _ = some_dialogues()
    np.savez(tmp_path / "weights.npz", *[numbers(weight) for weight in model.trainable_weights])
    z = np.zeros((4, 3))
    expected, _ = model.step(reply_in[:, 0], model.start(turns, z))
    np.savez(tmp_path / "given.npz", turns=turns, reply_in=reply_in, expected=expected)
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
    command = [sys.executable, "-m", "tests.keras_models.dialogue_worker", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["jax", "same", "learned"]

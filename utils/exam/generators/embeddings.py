"""Calculations on word vectors: pairs, parameters, negative sampling by hand, noise, cosine, perplexity."""

import math

import numpy as np

from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers.embedding import Embedding
from utils.numpy_layers.losses import softmax_crossentropy
from utils.numpy_layers.negative_sampling import NegativeSampling
from utils.text import skipgram


def pairs(rng):
    """How many pairs skip-gram cuts out of one sentence."""

    def draw(rng):
        words, window = int(rng.integers(7, 16)), int(rng.integers(2, 5))
        sentence = list(range(4, 4 + words))
        found = len(skipgram.pairs([sentence], window)[0])
        return Problem(
            values={"words": words, "window": window, "lost": window * (window + 1), "all": 2 * window * words},
            answer=found,
            mistakes={
                "no_borders": 2 * window * words,
                "one_side": found // 2,
                "one_a_word": len(skipgram.bags([sentence], window)[1]),
            },
        )

    return distinct(rng, draw)


def parameters(rng):
    """Weights of a skip-gram model."""

    def draw(rng):
        size, length = int(rng.integers(5, 60)) * 1000, int(rng.choice([50, 100, 200, 300]))
        # One row of each table is built; every word adds another.
        row = Embedding(1, length).params["embeddings"].size
        out = NegativeSampling(1, length).params["embeddings"].size
        return Problem(
            values={"size": f"{size:,}", "length": length},
            answer=size * (row + out),
            mistakes={
                "one_table": size * row,
                "with_bias": size * (row + out) + size,
                "square": size * row + length * length,
            },
        )

    return distinct(rng, draw, format="{:,}")


def touched(rng):
    """Output vectors that one pair updates: full softmax against negative sampling."""

    def draw(rng):
        noise_words = int(rng.choice([4, 5, 9, 14, 19]))
        size = (1 + noise_words) * int(rng.integers(5, 40)) * 100
        return Problem(
            values={"size": f"{size:,}", "k": noise_words, "one": 1 + noise_words},
            answer=size / (1 + noise_words),
            mistakes={
                "without_true": size / noise_words,
                "logarithm": size / math.log2(size),
                "quarter_power": size**0.75,
            },
        )

    return distinct(rng, draw, format="{:,.0f}")


def kept(rng):
    """Share of a frequent word's occurrences that subsampling keeps, in percent."""

    def draw(rng):
        root = int(rng.choice([2, 4, 5, 10, 20, 25]))  # √(f / t)
        threshold = float(rng.choice([1e-5, 1e-4]))
        share = threshold * root**2
        total = 10**9
        answer = 100 * skipgram.keep_probability(np.array([total * share, total * (1 - share)]), threshold)[0]
        return Problem(
            values={"t": round(-math.log10(threshold)), "f": f"{100 * share:.6g} %", "root": root},
            answer=answer,
            mistakes={
                "dropped": 100 - answer,
                "no_root": 100 / root**2,
                "quarter_power": 100 / root**1.5,
            },
        )

    return distinct(rng, draw, format="{:.1f}")


def noise(rng):
    """Probability of the rarer of two words as noise."""

    def draw(rng):
        low, high = sorted(int(n) for n in rng.choice([1, 2, 3, 4, 5], 2, replace=False))
        rare, often = low**4, high**4
        counts = np.array([0, 0, 0, 0, rare, often])
        return Problem(
            values={"rare": rare, "often": often, "low": low**3, "high": high**3},
            answer=float(skipgram.noise(counts)[4]),
            mistakes={
                "as_counted": float(skipgram.noise(counts, 1)[4]),
                "all_alike": float(skipgram.noise(counts, 0)[4]),
                "the_other_word": float(skipgram.noise(counts)[5]),
                "square_root": float(skipgram.noise(counts, 0.5)[4]),
            },
        )

    return distinct(rng, draw, format="{:.3f}")


def _sampling_questions(rng):
    """The three questions of the linked set on one pair with two noise words: name -> Problem."""
    h = rng.choice([-2, -1, 1, 2], 2)
    rows = rng.integers(-2, 3, (3, 2))
    scores = rows @ h
    while np.any(np.abs(scores) > 2) or len(set(scores.tolist())) < 3 or not rows.any(axis=1).all():
        rows = rng.integers(-2, 3, (3, 2))
        scores = rows @ h
    layer = NegativeSampling(3, 2, dtype="float64")
    layer.params["embeddings"] = rows.astype(float)
    loss = layer.forward(h.astype(float)[None], np.array([0]), np.array([[1, 2]]))
    dh = layer.backward()[0]
    p = 1 / (1 + np.exp(-scores))
    error = p - np.array([1, 0, 0])
    values = {"h1": int(h[0]), "h2": int(h[1])}
    for name, row, score, value in zip("oab", rows, scores, p, strict=True):
        values |= {
            f"v{name}1": int(row[0]),
            f"v{name}2": int(row[1]),
            f"s{name}": int(score),
            f"p{name}": f"{value:.3f}",
        }
    values |= {"eo": f"{error[0]:.3f}"}
    softmax = softmax_crossentropy(scores[None].astype(float), np.array([0]))[0]
    first = rows[:, 0]
    return {
        "loss": Problem(
            values,
            loss,
            {
                "noise_as_true": -float(np.log(p).sum()),
                "softmax": softmax,
                "mean": loss / 3,
                "true_only": -math.log(p[0]),
            },
        ),
        "hidden": Problem(
            values,
            float(dh[0]),
            {
                "true_only": float(error[0] * first[0]),
                "descent": -float(dh[0]),
                "all_true": float((p - 1) @ first),
                "no_labels": float(p @ first),
            },
        ),
        "noise": Problem(
            values,
            float(layer.grads["embeddings"][1, 0]),
            {
                "as_true": float((p[1] - 1) * h[0]),
                "slope": float(p[1] * (1 - p[1]) * h[0]),
                "own_vector": float(p[1] * rows[1, 0]),
                "halved": float(p[1] * h[0] / 2),
            },
        ),
    }


def sampling_loss(rng):
    """Loss of one pair with two noise words."""
    return linked(rng, _sampling_questions, "loss", "{:.2f}")


def sampling_hidden(rng):
    """First element of ∂L/∂h of the same pair."""
    return linked(rng, _sampling_questions, "hidden", "{:.2f}")


def sampling_noise(rng):
    """First element of ∂L/∂v' of a noise word of the same pair."""
    return linked(rng, _sampling_questions, "noise", "{:.2f}")


def cosine(rng):
    """Cosine similarity of two vectors with whole lengths."""
    known = [(3, 4), (4, 3), (6, 8), (8, 6), (5, 12), (12, 5), (0, 5), (5, 0), (8, 15), (4, -3), (12, -5), (-3, 4)]

    def draw(rng):
        a, b = (np.array(known[i]) for i in rng.choice(len(known), 2, replace=False))
        one, two = math.hypot(*a), math.hypot(*b)
        return Problem(
            values={
                "a1": int(a[0]),
                "a2": int(a[1]),
                "b1": int(b[0]),
                "b2": int(b[1]),
                "one": f"{one:g}",
                "two": f"{two:g}",
            }
            | {"dot": int(a @ b)},
            answer=float(a @ b) / (one * two),
            mistakes={
                "sum_of_components": float(a @ b) / float(np.abs(a).sum() * np.abs(b).sum()),
                "squared": float(a @ b) / (one * two) ** 2,
                "sum_of_lengths": float(a @ b) / (one + two),
            },
        )

    return distinct(rng, draw, format="{:.3f}")


def perplexity(rng):
    """Perplexity of a model from the probabilities of the true words."""

    def draw(rng):
        powers = rng.integers(1, 6, 4)
        while powers.sum() % 4 or len(set(powers.tolist())) < 3:
            powers = rng.integers(1, 6, 4)
        p = 0.5**powers
        logits = np.log(np.stack([p, 1 - p], axis=1))
        nats = softmax_crossentropy(logits, np.zeros(4, int))[0]
        return Problem(
            values={f"p{i}": f"1/{2**n}" for i, n in enumerate(powers.tolist(), 1)} | {"bits": int(powers.sum() // 4)},
            answer=math.exp(nats),
            mistakes={
                "entropy": nats,
                "two_to_nats": 2**nats,
                "inverse_of_mean": 1 / float(p.mean()),
                "mean_of_inverse": float((1 / p).mean()),
            },
        )

    return distinct(rng, draw, format="{:.2f}")

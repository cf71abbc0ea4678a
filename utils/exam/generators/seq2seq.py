"""Calculations on sequence to sequence: a beam by hand, length penalty, perplexity, temperature, parameters."""

import numpy as np

from utils.exam.generators import Problem, distinct, linked
from utils.text import decoding
from utils.text.vocabulary import EOS

FIRST, SECOND = ("he", "she", "it"), ("runs", "sings", "waits")
WORDS = {word: EOS + 2 + i for i, word in enumerate((*FIRST, *SECOND))}


def _shares(rng, of):
    """Three different probabilities, in parts of 1 / `of`, that add up to 1."""
    while True:
        parts = rng.choice(np.arange(1, of - 2), 3, replace=False).tolist()
        if sum(parts) == of:
            return [part / of for part in parts]


def step_of(first, second):
    """A decoder's step for the model: P(first word), P(second word | first word), then EOS for certain."""
    size = max(WORDS.values()) + 1
    following = {decoding.BOS: dict(zip(FIRST, first, strict=True))}
    following |= {WORDS[a]: dict(zip(SECOND, row, strict=True)) for a, row in zip(FIRST, second, strict=True)}

    def step(ids, state):
        probabilities = np.zeros((len(ids), size))
        for i, last in enumerate(ids):
            for word, p in following.get(int(last), {}).items():
                probabilities[i, WORDS[word]] = p
            if not probabilities[i].any():
                probabilities[i, EOS] = 1
        with np.errstate(divide="ignore"):
            return np.log(probabilities), state

    return step


def sentence(ids):
    """The words of what a decoder wrote."""
    names = {number: word for word, number in WORDS.items()}
    return " ".join(names[int(i)] for i in ids if int(i) in names)


def _beam_questions(rng):
    """The three questions of the linked set on one drawn model: name -> Problem."""
    while True:
        first = sorted(_shares(rng, 20), reverse=True)
        second = [_shares(rng, 10) for _ in FIRST]
        step, state = step_of(first, second), np.zeros((1, 1))
        greedy = decoding.greedy(step, state, 1, 3)[0]
        found = decoding.beam(step, state, 2, 3)[0]
        total = {(i, j): first[i] * second[i][j] for i in range(3) for j in range(3)}
        clear = sorted(total.values())
        # The beam finds something better, that greedy search misses; nothing hangs on a tie.
        if found[0].ids != tuple(greedy) and clear[-1] - clear[-2] > 0.005 and first[0] > first[1] > first[2]:
            break
    p_greedy = float(np.exp(decoding.log_probability(step, state, greedy[None])[0]))
    p_beam = float(np.exp(found[0].log_prob))
    i, j = FIRST.index(sentence(greedy).split()[0]), SECOND.index(sentence(greedy).split()[1])
    k, m = (FIRST.index(sentence(found[0].ids).split()[0]), SECOND.index(sentence(found[0].ids).split()[1]))
    values = {f"p{a}": first[a] for a in range(3)} | {f"q{a}{b}": second[a][b] for a in range(3) for b in range(3)}
    values |= {"greedy": sentence(greedy), "beam": sentence(found[0].ids)}
    values |= {"g1": first[i], "g2": second[i][j], "b1": first[k], "b2": second[k][m]}
    largest = max(max(row) for row in second)
    return {
        "greedy": Problem(
            values,
            p_greedy,
            {
                "best_of_all": max(total.values()),
                "last_factor_only": second[i][j],
                "mean": (first[i] + second[i][j]) / 2,
            },
        ),
        "beam": Problem(
            values,
            p_beam,
            {
                "greedy": p_greedy,
                "largest_factors": first[0] * largest,
                "last_factor_only": second[k][m],
                "worst_start": first[2] * max(second[2]),
            },
        ),
        "perplexity": Problem(
            values,
            float(np.exp(-found[0].log_prob / len(found[0].ids))),
            {
                "eos_not_counted": p_beam ** (-1 / 2),
                "no_root": 1 / p_beam,
                "mean_of_inverses": (1 / first[k] + 1 / second[k][m] + 1) / 3,
            },
        ),
    }


def beam_greedy(rng):
    """Probability of the sentence that greedy search writes."""
    return linked(rng, _beam_questions, "greedy", "{:.2f}")


def beam_best(rng):
    """Probability of the sentence that a beam of width 2 returns."""
    return linked(rng, _beam_questions, "beam", "{:.2f}")


def beam_perplexity(rng):
    """Perplexity of that sentence, EOS counted."""
    return linked(rng, _beam_questions, "perplexity", "{:.2f}")


def length_penalty(rng):
    """Score of a sentence with the length penalty of Wu et al. (2016)."""

    def draw(rng):
        length, alpha = int(rng.choice([7, 13, 19])), float(rng.choice([0.5, 1.0]))
        log_prob = -float(rng.integers(30, 96)) / 10
        factor = float(decoding.length_factor(length, alpha))
        return Problem(
            values={"length": length, "alpha": alpha, "log_prob": log_prob, "factor": f"{factor:.3g}"},
            answer=log_prob / factor,
            mistakes={
                "multiplied": log_prob * factor,
                "divided_by_length": log_prob / length**alpha,
                "six_forgotten": log_prob / (5 + length) ** alpha,
                "no_penalty": log_prob,
            },
        )

    return distinct(rng, draw, format="{:.2f}")


def perplexity(rng):
    """Perplexity of a sentence from the probabilities of its tokens, padding left out."""

    def draw(rng):
        p = rng.choice([0.1, 0.2, 0.25, 0.4, 0.5, 0.8], 3, replace=False)
        log = np.log(p)
        return Problem(
            values={f"p{i + 1}": float(value) for i, value in enumerate(p)} | {"product": f"{p.prod():.4g}"},
            answer=float(np.exp(-log.mean())),
            mistakes={
                "padding_counted": float(np.exp(-log.sum() / 5)),
                "mean_of_probabilities": float(1 / p.mean()),
                "no_root": float(1 / p.prod()),
                "no_exponential": float(-log.mean()),
            },
        )

    return distinct(rng, draw, format="{:.2f}")


def temperature(rng):
    """Probability of the likeliest token after dividing the logits by a temperature."""

    def draw(rng):
        p = np.array([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.7, 0.2, 0.1], [0.5, 0.4, 0.1]][int(rng.integers(4))])
        tau = float(rng.choice([0.5, 2.0]))

        def power(exponent):
            return float(p[0] ** exponent / np.sum(p**exponent))

        hot = np.exp(p / tau)
        return Problem(
            values={"a": float(p[0]), "b": float(p[1]), "c": float(p[2]), "tau": tau, "exponent": f"{1 / tau:g}"},
            answer=power(1 / tau),
            mistakes={
                "multiplied": power(tau),
                "probabilities_as_logits": float(hot[0] / hot.sum()),
                "no_change": float(p[0]),
                "not_normalized": float(p[0] ** (1 / tau)),
            },
        )

    return distinct(rng, draw, format="{:.3f}")


def parameters(rng):
    """Weights of an encoder–decoder with LSTM cells."""

    def draw(rng):
        source, target = int(rng.integers(4, 21)) * 100, int(rng.integers(4, 21)) * 100
        embedding, units = int(rng.choice([16, 32, 64])), int(rng.choice([48, 64, 96, 128]))
        lstm = 4 * (units * (embedding + units) + units)
        tables, out = (source + target) * embedding, units * target + target
        return Problem(
            values={
                "source": source,
                "target": target,
                "embedding": embedding,
                "units": units,
                "lstm": f"{lstm:,}",
                "tables": f"{tables:,}",
                "out": f"{out:,}",
            },
            answer=tables + 2 * lstm + out,
            mistakes={
                "one_lstm": tables + lstm + out,
                "no_embeddings": 2 * lstm + out,
                "gru": tables + 2 * (lstm // 4 * 3) + out,
                "output_reads_both": tables + 2 * lstm + out + units * target,
            },
        )

    return distinct(rng, draw)

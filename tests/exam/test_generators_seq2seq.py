"""The answers of chapter 10's generators against enumeration, arithmetic and Keras; the figure of its question."""

import itertools
import math

import numpy as np
import pytest

from utils.exam.figures import seq2seq as figures
from utils.exam.generators import seq2seq

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(seq2seq, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


def table(v):
    """First and second probabilities of a drawn model."""
    return [v[f"p{a}"] for a in range(3)], [[v[f"q{a}{b}"] for b in range(3)] for a in range(3)]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_linked_set_is_one_model_searched_by_hand(seed):
    v, greedy = drawn("beam_greedy", seed)
    assert drawn("beam_best", seed)[0] == v == drawn("beam_perplexity", seed)[0]
    first, second = table(v)
    assert sum(first) == pytest.approx(1) and all(sum(row) == pytest.approx(1) for row in second)
    start = first.index(max(first))
    assert greedy == pytest.approx(first[start] * max(second[start]))
    kept = sorted(range(3), key=lambda a: -first[a])[:2]
    best, a, b = max((first[a] * second[a][b], a, b) for a, b in itertools.product(kept, range(3)))
    assert drawn("beam_best", seed)[1] == pytest.approx(best) and best > greedy
    assert v["beam"] == f"{seq2seq.FIRST[a]} {seq2seq.SECOND[b]}"
    assert drawn("beam_perplexity", seed)[1] == pytest.approx((first[a] * second[a][b]) ** (-1 / 3))


@pytest.mark.parametrize("seed", SEEDS)
def test_length_penalty_is_equation_14(seed):
    v, score = drawn("length_penalty", seed)
    assert score == pytest.approx(v["log_prob"] * 6 ** v["alpha"] / (5 + v["length"]) ** v["alpha"])


@pytest.mark.parametrize("seed", SEEDS)
def test_perplexity_is_the_geometric_mean(seed):
    v, answer = drawn("perplexity", seed)
    assert answer == pytest.approx(math.prod(v[f"p{i}"] for i in (1, 2, 3)) ** (-1 / 3))


@pytest.mark.parametrize("seed", SEEDS)
def test_temperature_divides_the_logits(seed):
    v, answer = drawn("temperature", seed)
    logits = np.log([v["a"], v["b"], v["c"]]) / v["tau"]
    assert answer == pytest.approx(np.exp(logits[0]) / np.exp(logits).sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_parameters_are_what_keras_counts(seed):
    from utils.keras_models.seq2seq import Seq2Seq

    v, answer = drawn("parameters", seed)
    model = Seq2Seq(v["source"], v["target"], v["units"], v["embedding"], cell="lstm")
    one = np.array([[4, 5]])
    model((one, one))
    assert model.count_params() == answer


def test_the_tree_of_the_question():
    for node, following in figures.TREE.items():
        assert sum(following.values()) == pytest.approx(1), node
    shown = [text.get_text() for text in figures.search_tree().axes[0].texts]
    assert set(figures.SENTENCES) <= set(shown) and shown.count("0.9") == 1
    # From top to bottom, so that the reader finds them in order.
    places = [
        list(figures.TREE[()]).index(a) * 3 + list(figures.TREE[a,]).index(b) for a, b in figures.SENTENCES.values()
    ]
    assert places == sorted(places)

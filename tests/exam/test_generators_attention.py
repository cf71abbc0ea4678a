"""The answers of chapter 11's generators, by other ways: plain Python, brute force, Keras, simulation."""

import math

import numpy as np
import pytest

from utils.exam.generators import attention

SEEDS = range(5)
LINKED = ("score", "weight", "context", "masked", "slope")


def drawn(name, seed):
    problem = getattr(attention, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


@pytest.mark.parametrize("seed", SEEDS)
def test_the_look_up_is_computed_in_plain_python_and_its_questions_share_their_numbers(seed):
    v, answers = None, {}
    for name in LINKED:
        values, answers[name] = drawn(f"lookup_{name}", seed)
        assert v in (None, values)
        v = values
    query = [int(n) for n in v["q"].strip("()").split(", ")]
    keys = [[int(n) for n in v[f"k{i}"].strip("()").split(", ")] for i in (1, 2, 3)]
    values = [v["v1"], v["v2"], v["v3"]]

    def look(scores):
        exps = [math.exp(s) for s in scores]
        weights = [e / sum(exps) for e in exps]
        return weights, sum(w * x for w, x in zip(weights, values, strict=False))

    scores = [query[0] * a + query[1] * b for a, b in keys]
    assert scores == [v["s1"], v["s2"], v["s3"]] and answers["score"] == scores[1]
    weights, output = look(scores)
    assert answers["weight"] == pytest.approx(weights[1])
    assert answers["context"] == pytest.approx(output)
    assert answers["masked"] == pytest.approx(look(scores[:2])[0][1])
    nudged = look([scores[0], scores[1] + 1e-6, scores[2]])[1]
    assert answers["slope"] == pytest.approx((nudged - output) / 1e-6, abs=1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_additive_score(seed):
    v, answer = drawn("additive_score", seed)
    assert answer == pytest.approx(v["va"] * math.tanh(v["sa"]) + v["vb"] * math.tanh(v["sb"]))


@pytest.mark.parametrize("seed", SEEDS)
def test_additive_parameters_are_what_keras_counts(seed):
    keras = pytest.importorskip("keras")
    v, answer = drawn("additive_parameters", seed)
    query = keras.layers.Dense(v["units"], use_bias=False)
    key, look = keras.layers.Dense(v["units"], use_bias=False), keras.layers.AdditiveAttention()
    query.build((1, 1, v["decoder"]))
    key.build((1, v["steps"], v["encoder"]))
    look.build([(1, 1, v["units"]), (1, v["steps"], v["units"])])
    assert answer == sum(layer.count_params() for layer in (query, key, look))


@pytest.mark.parametrize("seed", SEEDS)
def test_spread_of_many_dot_products(seed):
    v, answer = drawn("dot_spread", seed)
    rng = np.random.default_rng(0)
    products = np.sum(rng.standard_normal((20_000, v["depth"])) * rng.standard_normal((20_000, v["depth"])), axis=1)
    assert products.std() == pytest.approx(answer, rel=0.03)


@pytest.mark.parametrize("seed", SEEDS)
def test_scores_are_counted_one_by_one(seed):
    v, answer = drawn("number_of_scores", seed)
    assert answer == sum(1 for _ in np.ndindex(v["batch"], v["target"], v["source"]))

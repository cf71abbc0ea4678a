"""The answers of chapter 09's generators, against other ways to compute them."""

import math

import numpy as np
import pytest

from utils.exam.figures import embeddings as figures
from utils.exam.generators import embeddings

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(embeddings, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_and_costs(seed):
    v, count = drawn("pairs", seed)
    places = range(v["words"])
    assert count == sum(1 for s in places for t in places if 0 < abs(s - t) <= v["window"]) == v["all"] - v["lost"]
    v, weights = drawn("parameters", seed)
    assert weights == 2 * int(v["size"].replace(",", "")) * v["length"]
    v, ratio = drawn("touched", seed)
    assert ratio * v["one"] == int(v["size"].replace(",", "")) and v["one"] == v["k"] + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_shown_shares_are_those_computed_with(seed):
    v, percent = drawn("kept", seed)
    share = float(v["f"].rstrip(" %")) / 100
    assert math.isclose(percent, 100 * math.sqrt(10.0 ** -v["t"] / share), rel_tol=1e-9)
    assert math.isclose(percent, 100 / v["root"])
    v, p = drawn("noise", seed)
    assert math.isclose(p, v["rare"] ** 0.75 / (v["rare"] ** 0.75 + v["often"] ** 0.75))
    assert v["rare"] ** 0.75 == pytest.approx(v["low"]) and v["often"] ** 0.75 == pytest.approx(v["high"])


@pytest.mark.parametrize("seed", SEEDS)
def test_sampling_by_its_formula(seed):
    v, loss = drawn("sampling_loss", seed)
    h = np.array([v["h1"], v["h2"]])
    out = {word: np.array([v[f"v{word}1"], v[f"v{word}2"]]) for word in "oab"}

    def total(h, noise=out["a"]):
        scores = np.array([out["o"] @ h, -(noise @ h), -(out["b"] @ h)])
        return float(np.sum(np.log1p(np.exp(-scores))))

    assert loss == pytest.approx(total(h))
    step = np.array([1e-6, 0])
    assert drawn("sampling_hidden", seed)[1] == pytest.approx((total(h + step) - total(h - step)) / 2e-6, abs=1e-6)
    by_noise = (total(h, out["a"] + step) - total(h, out["a"] - step)) / 2e-6
    assert drawn("sampling_noise", seed)[1] == pytest.approx(by_noise, abs=1e-6)
    assert all(v[f"s{word}"] == out[word] @ h for word in "oab")


@pytest.mark.parametrize("seed", SEEDS)
def test_cosine_and_perplexity(seed):
    v, answer = drawn("cosine", seed)
    angle = math.atan2(v["a2"], v["a1"]) - math.atan2(v["b2"], v["b1"])
    assert answer == pytest.approx(math.cos(angle), abs=1e-12)
    v, answer = drawn("perplexity", seed)
    denominators = [int(v[f"p{i}"].split("/")[1]) for i in range(1, 5)]
    assert answer == pytest.approx(math.prod(denominators) ** 0.25) == 2 ** v["bits"]


def test_figure_shows_the_three_known_and_four_candidates():
    texts = [text.get_text() for text in figures.analogy().axes[0].texts]
    assert [text for text in texts if text] == [*"abc", *"ABCD"]

"""The answers of chapter 12's generators, against Keras and against counting; the figure of its question."""

import math

import numpy as np
import pytest

from utils.exam.figures import transformer as figures
from utils.exam.generators import transformer

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(transformer, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


def vector(text):
    return [float(v) for v in text.strip("()").split(", ")]


@pytest.mark.parametrize("seed", SEEDS)
def test_one_query_step_by_step(seed):
    v, score = drawn("one_score", seed)
    q, keys = vector(v["q"]), [vector(v[f"k{i}"]) for i in (1, 2, 3)]
    scores = [sum(a * b for a, b in zip(q, key, strict=True)) / 2 for key in keys]
    assert score == scores[v["place"] - 1]
    powers = [math.exp(s) for s in scores]
    weights = [p / sum(powers) for p in powers]
    same, weight = drawn("one_weight", seed)
    assert same == v and weight == pytest.approx(weights[v["place"] - 1])
    same, context = drawn("one_context", seed)
    assert same == v
    assert context == pytest.approx(sum(w * float(v[f"v{i + 1}"]) for i, w in enumerate(weights)))
    assert all(-1 <= s <= 2 and s * 2 == int(s * 2) for s in scores)  # the stem's table of e^x holds these


@pytest.mark.parametrize("seed", SEEDS)
def test_parameters_are_what_keras_counts(seed):
    import keras

    from utils.keras_models.transformer import Block

    v, parameters = drawn("attention_parameters", seed)
    layer = keras.layers.MultiHeadAttention(v["h"], v["size"])
    layer.build((None, None, v["d"]), (None, None, v["d"]))
    assert layer.count_params() == parameters
    v, parameters = drawn("block_parameters", seed)
    block = Block(v["d"], v["h"], v["f"], 0.0, "post")
    block.build((None, None, v["d"]))
    assert sum(int(np.prod(w.shape)) for w in block.trainable_weights) == parameters


@pytest.mark.parametrize("seed", SEEDS)
def test_shape_of_the_weights_is_keras(seed):
    import keras

    v, shape = drawn("weights_shape", seed)
    query, value = np.zeros((v["n"], v["t"], 8), "float32"), np.zeros((v["n"], v["s"], 8), "float32")
    _, scores = keras.layers.MultiHeadAttention(v["h"], 2)(query, value, return_attention_scores=True)
    assert tuple(scores.shape) == shape


@pytest.mark.parametrize("seed", SEEDS)
def test_memory_pairs_and_angle_are_counted(seed):
    v, mib = drawn("weights_memory", seed)
    assert mib * 2**20 == 4 * v["n"] * v["h"] * v["t"] ** 2
    v, pairs = drawn("causal_pairs", seed)
    assert pairs == sum(1 for t in range(v["t"]) for s in range(v["t"]) if s <= t)
    v, angle = drawn("angle", seed)
    assert angle == pytest.approx(v["pos"] / 10 ** (v["column"] // 2))  # 10000^(2i/8) = 10^i


def test_only_b_is_a_causal_mask():
    seen = {name: figures.weights(name) > 0 for name in "ABCD"}
    assert np.array_equal(seen["B"], np.tri(figures.STEPS, dtype=bool))
    assert np.array_equal(seen["A"].all(axis=0), np.arange(figures.STEPS) < figures.REAL)
    assert seen["C"].all() and np.array_equal(seen["D"], seen["B"].T)

"""The answers of chapter 08's generators, against Keras and against the formulas; the figure of its question."""

import numpy as np
import pytest

from utils.exam.figures import gated as figures
from utils.exam.generators import gated

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(gated, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


@pytest.mark.parametrize("seed", SEEDS)
def test_the_linked_questions_are_about_one_cell(seed):
    v, cell = drawn("cell_new", seed)
    c, i, f, g, d = (v[name] for name in "cifgd")
    assert cell == pytest.approx(f * c + i * g)
    expected = {"cell_back": d * f, "cell_forget": d * c * f * (1 - f), "cell_candidate": d * i * (1 - g * g)}
    for name, value in expected.items():
        values, answer = drawn(name, seed)
        assert values == v
        assert answer == pytest.approx(value)


@pytest.mark.parametrize("seed", SEEDS)
def test_parameters_are_what_keras_counts(seed):
    import keras

    layers = keras.layers
    for name, make in (("lstm_parameters", layers.LSTM), ("gru_parameters", layers.GRU)):
        v, answer = drawn(name, seed)
        layer = make(v["h"])
        layer.build((None, None, v["x"]))
        assert layer.count_params() == answer
    v, answer = drawn("bidirectional_parameters", seed)
    model = keras.Sequential(
        [keras.Input((None, v["x"])), layers.Bidirectional(layers.LSTM(v["h"])), layers.Dense(v["k"])]
    )
    assert model.count_params() == answer


@pytest.mark.parametrize("seed", SEEDS)
def test_state_and_carousel_follow_their_formulas(seed):
    v, answer = drawn("gru_state", seed)
    assert answer == pytest.approx(v["z"] * v["h"] + (1 - v["z"]) * v["n"])
    v, answer = drawn("carousel", seed)
    assert answer == pytest.approx(np.prod([v["f"]] * v["steps"]))


def test_rows_of_the_figure_are_all_different():
    rows = {tuple(figures.memory(rule)) for rule in figures.RULES}
    assert len(rows) == len(figures.RULES) == 4

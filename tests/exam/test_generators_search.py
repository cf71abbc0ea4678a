"""The answers of chapter 02's generators, against Keras, brute force and simulation."""

import numpy as np
import pytest

from utils.exam.generators import search

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(search, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


@pytest.mark.parametrize("seed", SEEDS)
def test_module_parameters_are_what_keras_counts(seed):
    import keras

    from utils.keras_models.module_network import module_network

    v, answer = drawn("module_parameters", seed)
    model = module_network(v["layers"].split(" → "), v["c"], (8, 8, 1))
    second = [layer for layer in model.layers if layer.name.startswith("module2")]
    assert sum(layer.count_params() for layer in second) == answer
    assert isinstance(second[0], keras.layers.AveragePooling2D)


@pytest.mark.parametrize("seed", SEEDS)
def test_compared_networks_share_their_numbers_and_their_answers_hold(seed):
    v, score = drawn("compared_score", seed)
    same, tie = drawn("compared_tie", seed)
    again, area = drawn("compared_area", seed)
    assert v == same == again
    sizes, errors = [v["a"], v["b"], v["c"]], [v["first"], v["second"], v["third"]]
    assert score == pytest.approx(errors[1] + 5 * sizes[1] / 250)
    totals = [error + tie * size / 250 for size, error in zip(sizes, errors, strict=True)]
    assert totals[0] == pytest.approx(totals[2])
    covered = sum(  # one cell of a thousand parameters × one point after the other
        max((v["worst"] - error for size, error in zip(sizes, errors, strict=True) if size <= x), default=0)
        for x in range(v["size"])
    )
    assert area == covered


@pytest.mark.parametrize("seed", SEEDS)
def test_cross_validation_is_counted_one_by_one(seed):
    v, answer = drawn("cross_validation_cost", seed)
    assert answer == sum(1 for _ in np.ndindex(v["first"], v["second"], v["k"])) + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_standard_error_is_the_spread_of_many_hold_outs(seed):
    v, answer = drawn("standard_error", seed)
    accuracies = np.random.default_rng(0).binomial(v["n"], v["p"], 20_000) / v["n"]
    assert answer == pytest.approx(100 * accuracies.std(), rel=0.03)


@pytest.mark.parametrize("seed", SEEDS)
def test_halving_is_counted_step_by_step(seed):
    v, answer = drawn("halving_epochs", seed)
    alive, length, trained = v["n"], v["first"], 0
    while True:
        trained += alive * (length if length == v["first"] else length // 2)
        if alive == 1:
            break
        alive, length = alive // 2, 2 * length
    assert (trained, length) == (answer, v["longest"])

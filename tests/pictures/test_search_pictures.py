"""The pictures of chapter 02: right numbers, legible, inside their frame, the same bytes every time."""

import numpy as np
import pytest

from tests.pictures import looks
from utils.architecture_search import fronts, pruning
from utils.pictures import search

RNG = np.random.default_rng(0)
CURVES = np.sort(RNG.random((12, 6)), axis=1)[:, ::-1]
STEPS = pruning.with_median_rule(CURVES, 3)
POINTS = np.array([[4000, 0.3], [9000, 0.12], [15_000, 0.11], [8000, 0.25], [30_000, 0.05]])
X = np.linspace(0, 1, 50)

PICTURES = {
    "module": (search.module, ["1×1 conv", "3 · 3 · 3 = 27 modules", "module\n256 channels", "separable"]),
    "grid_and_random": (
        lambda: search.grid_and_random(
            np.array([(a, b) for a in (0.2, 0.5, 0.8) for b in (0.2, 0.5, 0.8)]),
            np.arange(18).reshape(9, 2) / 18,
            np.sin,
        ),
        ["grid: 3 different values", "random: 9 different values"],
    ),
    "folds": (search.folds, ["round 5", "fold 1", "validation"]),
    "learning_curves": (lambda: search.learning_curves(CURVES, STEPS), ["epoch", "stopped", "finished"]),
    "history": (lambda: search.history(CURVES[:, -1], STEPS < 6, title="a study"), ["best so far", "trial", "a study"]),
    "front": (
        lambda: search.front(
            POINTS, list("ABCDE"), fronts.pareto_front(POINTS), fronts.supported(POINTS), (40_000, 0.4)
        ),
        ["A", "B", "C", "E", "hypervolume", "front, picked by none"],
    ),
    "densities": (
        lambda: search.densities(X, 1 + X, 2 - X, [0.1, 0.9, 0.5], [1, 0.5, 2], 0.5, 0.9),
        ["next trial", "the best trials"],
    ),
    "selection": (lambda: search.selection([1, 3, 9], [0.9, 0.92, 0.93], [0.9] * 3), ["candidates compared"]),
}


@pytest.mark.parametrize("name", PICTURES)
def test_numbers_stand_in_the_picture(name):
    draw, expected = PICTURES[name]
    looks.assert_shows(draw(), expected)


@pytest.mark.parametrize("name", PICTURES)
def test_texts_are_legible_and_inside(name):
    looks.assert_legible(PICTURES[name][0]())


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_bytes_every_time(name):
    looks.assert_same_bytes(PICTURES[name][0])


def test_stopped_trials_end_in_a_cross():
    figure = search.learning_curves(CURVES, STEPS)
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x" and len(line.get_xdata()) == 1]
    assert sorted(line.get_xdata()[0] for line in crosses) == sorted(STEPS[STEPS < 6])


def test_best_so_far_never_rises_and_ignores_pruned_trials():
    figure = search.history([0.5, 0.1, 0.4, 0.6], [False, True, False, False])
    line = next(line for line in figure.axes[0].lines if line.get_label() == "best so far")
    assert line.get_ydata().tolist() == [0.5, 0.5, 0.4, 0.4]

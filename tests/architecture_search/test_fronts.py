"""Dominance, front and hypervolume against Optuna and brute force; the note's scores from its own numbers."""

import numpy as np
import optuna
import pytest
from optuna._hypervolume import compute_hypervolume
from optuna.trial import create_trial

from utils.architecture_search.fronts import dominates, hypervolume, pareto_front, penalized, supported

NOTE = [(80.67, 236_810, 0.2407), (80.48, 322_826, 0.2598), (83.87, 834_890, 0.3283), (84.28, 1_006_922, 0.3586)]
NOTE.append((84.24, 1_006_922, 0.3590))


def clouds():
    rng = np.random.default_rng(0)
    for size in (1, 2, 3, 5, 12, 40):
        yield rng.random((size, 2))
        yield rng.integers(0, 4, (size, 2)).astype(float)  # with ties and repeated points


@pytest.mark.parametrize(("percent", "parameters", "printed"), NOTE)
def test_the_notes_scores(percent, parameters, printed):
    assert round(penalized(percent / 100, parameters), 4) == printed


def test_penalized_takes_arrays_and_shares():
    assert penalized(np.array([1, 0.5]), np.array([250_000, 0])).tolist() == [0.05, 0.5]
    with pytest.raises(ValueError, match="divide percent by 100"):
        penalized(84.28, 10)
    with pytest.raises(ValueError, match="positive"):
        penalized(0.5, 10, per=0)


def test_dominates():
    assert dominates([1, 2], [1, 3]) and not dominates([1, 3], [1, 3]) and not dominates([0, 3], [1, 2])


@pytest.mark.parametrize("points", list(clouds()))
def test_front_is_what_nobody_dominates_and_what_optuna_finds(points):
    front = pareto_front(points)
    assert front.tolist() == [not any(dominates(other, point) for other in points) for point in points]
    study = optuna.create_study(directions=["minimize"] * 2)
    study.add_trials([create_trial(values=point.tolist()) for point in points])
    assert np.flatnonzero(front).tolist() == sorted(trial.number for trial in study.best_trials)


@pytest.mark.parametrize("points", list(clouds()))
def test_hypervolume_is_optunas(points):
    reference = np.array([3.5, 3.2])
    inside = points[np.all(points < reference, axis=1)]
    theirs = compute_hypervolume(inside, reference) if len(inside) else 0.0
    assert hypervolume(points, reference) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("points", list(clouds()))
def test_supported_are_the_points_some_weight_picks(points):
    found = np.zeros(len(points), bool)
    for w in np.linspace(1e-4, 1 - 1e-4, 4001):
        score = points @ [w, 1 - w]
        found |= score <= score.min() + 1e-12
    marked = supported(points)
    assert np.all(marked >= found) and np.all(pareto_front(points) >= marked)
    assert np.array_equal(marked, found) or len(np.unique(points, axis=0)) < len(points)


def test_a_point_above_the_line_is_never_picked():
    assert supported([[0, 2], [1.2, 1.2], [2, 0]]).tolist() == [True, False, True]
    assert supported([[0, 2], [1, 1], [2, 0]]).tolist() == [True, True, True]


def test_bad_input():
    with pytest.raises(ValueError, match="shape"):
        pareto_front([1, 2, 3])
    with pytest.raises(ValueError, match="NaN"):
        pareto_front([[1, np.nan]])
    with pytest.raises(ValueError, match="two objectives"):
        hypervolume([[1, 2, 3]], [4, 4, 4])

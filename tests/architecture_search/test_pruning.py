"""The median rule against Optuna's pruner on the same curves; successive halving by its arithmetic."""

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from utils.architecture_search import pruning

optuna.logging.set_verbosity(optuna.logging.ERROR)


def curves(seed, trials=30, steps=8):
    rng = np.random.default_rng(seed)
    limit, speed = rng.uniform(0.05, 0.4, (trials, 1)), rng.uniform(0.3, 1.5, (trials, 1))
    return (limit + 0.6 * np.exp(-speed * np.arange(steps)) + rng.normal(0, 0.02, (trials, steps))).round(2)


def with_optuna(values, startup, warmup):
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(startup, warmup))

    def objective(trial):
        for step, value in enumerate(values[trial.number]):
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    study.optimize(objective, n_trials=len(values))
    return [len(trial.intermediate_values) for trial in study.trials], study


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("startup", "warmup"), [(5, 0), (5, 1), (3, 2), (1, 0), (0, 0)])
def test_median_rule_is_optunas(seed, startup, warmup):
    values = curves(seed)
    theirs, study = with_optuna(values, startup, warmup)
    assert pruning.with_median_rule(values, startup, warmup).tolist() == theirs
    assert any(trial.state is TrialState.PRUNED for trial in study.trials)


def test_median_rule_by_hand():
    finished = [[0.5, 0.3], [0.7, 0.2], [0.6, 0.4]]
    assert not pruning.median_says_stop([0.6], finished, startup=3)  # equal to the median 0.6
    assert pruning.median_says_stop([0.61], finished, startup=3)
    assert not pruning.median_says_stop([0.61], finished, startup=4)
    assert not pruning.median_says_stop([0.25, 0.9], finished, startup=3)  # its best, 0.25, beats the median 0.3
    assert not pruning.median_says_stop([0.9], finished, startup=3, warmup=1)
    with pytest.raises(ValueError, match="no value"):
        pruning.median_says_stop([], finished)


def test_successive_halving():
    values = np.linspace(0.1, 0.8, 8)[:, None] - 0.01 * np.arange(8)
    steps = pruning.successive_halving(values)
    assert sorted(steps.tolist()) == [1, 1, 1, 1, 2, 2, 4, 8] and steps[0] == 8
    assert pruning.successive_halving(values[:3], first=2, factor=3).tolist() == [8, 2, 2]
    assert pruning.successive_halving(values[:2], first=8).tolist() == [8, 8]
    with pytest.raises(ValueError, match="factor at least 2"):
        pruning.successive_halving(values, factor=1)

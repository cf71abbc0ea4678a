"""The measured curves are whole, count what they claim, and fit the networks."""

import numpy as np

from utils.architecture_search import objective, space, studies, table
from utils.keras_models.module_network import parameters


def test_table_is_whole():
    measured = table.load()
    assert measured.validation.shape == measured.test.shape == (27, 2, table.SETTINGS["epochs"])
    assert measured.parameters.tolist() == [parameters(c, table.SETTINGS["width"], 1) for c in space.CONFIGURATIONS]
    for part in (measured.validation, measured.test):
        assert np.all((part > 0.05) & (part < 1)) and np.allclose(part * 500, np.rint(part * 500))
        assert part[:, :, -1].min() > 0.85  # everything has learned


def test_every_goal_reports_what_it_says():
    class Trial:
        number = 0

        def __init__(self):
            self.reported, self.user_attrs = [], {"layers": ["conv"] * 3}

        def suggest_categorical(self, name, kinds):
            return kinds[0]

        def set_user_attr(self, key, value):
            self.user_attrs[key] = value

        def report(self, value, step):
            self.reported.append(value)

        def should_prune(self):
            return False

    errors, size = 1 - table.load().validation[0, 1], int(table.load().parameters[0])
    found = {}
    for goal in ("error", "penalized", "pareto"):
        trial = Trial()
        found[goal] = objective.objective(studies.settings(goal, seed=1))(trial), trial.reported
    assert np.allclose(found["error"][0], errors[-1]) and np.allclose(found["error"][1], errors)
    price = 0.05 * size / table.PER
    # The pruner sees what the search minimizes, penalty included.
    assert np.allclose(found["penalized"][0], errors[-1] + price)
    assert np.allclose(found["penalized"][1], errors + price)
    assert np.allclose(found["pareto"][0], (errors[-1], size)) and found["pareto"][1] == []

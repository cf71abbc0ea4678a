"""What chapter authors write calculations with."""

import numpy as np
import pytest

from utils.exam.generators import Problem, distinct, linked


def test_distinct_rejects_ties():
    def draw(rng):
        n = int(rng.integers(0, 4))
        return Problem({"n": n}, n, {"square": n * n, "double": 2 * n, "more": n + 7})

    for seed in range(20):
        drawn = distinct(np.random.default_rng(seed), draw)
        assert drawn.values["n"] == 3  # 0, 1 and 2 each have a tie


def test_distinct_compares_what_is_shown():
    results = iter([0.12, 0.5])

    def draw(rng):
        return Problem({}, 0.14, {"other": next(results)})

    assert distinct(None, draw, format="{:.1f}").mistakes == {"other": 0.5}


def test_distinct_gives_up_with_the_last_problem():
    with pytest.raises(ValueError, match="3 draws, and in each of them two results look the same; the last: answer 1"):
        distinct(None, lambda rng: Problem({}, 1, {"a": 1}), tries=3)


@pytest.mark.parametrize("values", [[1], {1: 2}])
def test_values_must_have_names(values):
    with pytest.raises(TypeError, match="Problem.values must be a dict with text keys"):
        Problem(values, 1)


def test_names_that_the_texts_need():
    with pytest.raises(ValueError, match="must not hold 'answer'"):
        Problem({"answer": 1}, 1)


def test_linked_questions_are_redrawn_together():
    """The second question of the first draw ties; both questions then come from the second draw."""

    def draw(rng):
        drawn.append(len(drawn))
        tie = 5 if len(drawn) == 1 else 6
        return {"one": Problem({}, drawn[-1], {"m": -1}), "two": Problem({}, 5, {"m": tie})}

    drawn = []
    assert linked(np.random.default_rng(0), draw, "one").answer == 1
    with pytest.raises(ValueError, match="3 draws"):
        linked(np.random.default_rng(0), lambda rng: {"one": Problem({}, 1, {"m": 1})}, "one", tries=3)

"""The exercises kept in utils/exam/exercises: the reference is right, and every mistake is recognised by its name."""

import importlib
import pkgutil

import pytest

from utils.exam import check, exercises


def kept():
    for module in pkgutil.iter_modules(exercises.__path__):
        loaded = importlib.import_module(f"{exercises.__name__}.{module.name}")
        for name, exercise in vars(loaded).items():
            if name.isupper():
                yield pytest.param(exercise, id=f"{module.name}.{name}")


@pytest.mark.parametrize("exercise", list(kept()))
def test_reference_and_mistakes(exercise):
    assert check(exercise["reference"], **exercise).status == "right"
    for mistake in exercise["mistakes"]:
        feedback = check(mistake.func, **exercise)
        assert feedback.status == "wrong"
        assert feedback.mistake == {"en": mistake.en, "ja": mistake.ja}

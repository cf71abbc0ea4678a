"""Generators of calculation questions: one module a chapter, one function a kind of question.

A generator takes a NumPy random generator and returns a `Problem`:

    def output_size(rng):
        size, kernel = int(rng.integers(8, 33)), int(rng.integers(2, 6))
        return Problem(
            values={"size": size, "kernel": kernel},
            answer=size - kernel + 1,
            mistakes={"forgot_the_one": size - kernel, "same_padding": size, "added": size + kernel - 1},
        )

The answer and every distractor are computed, the distractors by the mistake they are named after. Draw only from
`rng`: the same seed must give the same problem. `distinct` redraws until no mistake leads to the answer by accident.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One drawn calculation.

    Attributes:
        values: what the question's text may name in braces: {"height": 32} for "an input of height {height}".
        answer: the computed answer (a number, a text or a tuple; the question's `format` turns it into text).
        mistakes: name of a mistake -> what that mistake leads to. At least the three that the question names.
    """

    values: dict[str, Any]
    answer: Any
    mistakes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        for name, given in (("values", self.values), ("mistakes", self.mistakes)):
            if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
                raise TypeError(f"Problem.{name} must be a dict with text keys, got {given!r}")
        for reserved in ("answer", "value"):
            if reserved in self.values:
                raise ValueError(f"Problem.values must not hold {reserved!r}: the texts use that name for the result")


def distinct(rng, draw, format="{}", tries=1000):
    """Call `draw(rng)` until the answer and all mistakes look different, and return that problem.

    Args:
        rng: NumPy random generator, handed on to `draw`.
        draw: function (rng) -> Problem.
        format: the question's `format`. Two results tie when they look the same in it ("{:.1f}": 0.12 and 0.14).
        tries: how many problems to draw at most.

    Raises:
        ValueError: if every problem drawn has a tie; the message shows the last one.
    """
    for _ in range(tries):
        problem = draw(rng)
        if not _tied(problem, format):
            return problem
    raise ValueError(
        f"{tries} draws, and in each of them two results look the same; the last: answer {problem.answer!r}, "
        f"mistakes {problem.mistakes!r}. Draw from a wider range or name other mistakes"
    )


def linked(rng, draw, name, format="{}", tries=1000):
    """One question of a linked set, redrawn as a whole until no question has a tie, so that all share their numbers.

    Args:
        draw: function (rng) -> dict from a question's name to its Problem.
        name: the question to return.
        rng, format, tries: as in `distinct`.

    Raises:
        ValueError: if every set drawn has a tie.
    """
    for _ in range(tries):
        problems = draw(rng)
        if not any(_tied(problem, format) for problem in problems.values()):
            return problems[name]
    raise ValueError(f"{tries} draws, and in each of them two results of a linked question look the same")


def _tied(problem, format):
    shown = [format.format(result) for result in (problem.answer, *problem.mistakes.values())]
    return len(set(shown)) < len(shown)

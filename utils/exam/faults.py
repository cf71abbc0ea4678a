"""What is wrong in the bank, and where: the faults that the loader and the verifiers report."""

import difflib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where it stands and what is expected instead."""

    file: str
    message: str
    line: int | None = None
    question: str | None = None
    field: str = ""

    def __str__(self):
        place = f"{self.file}:{self.line}" if self.line else self.file
        parts = [place, f"question {self.question!r}" if self.question else "", self.field, self.message]
        return ": ".join(part for part in parts if part)


class BankError(ValueError):
    """Raised for a bank that cannot be used; `faults` holds every fault found."""

    def __init__(self, faults):
        self.faults = list(faults)
        super().__init__("\n".join(map(str, self.faults)))


class QuestionError(ValueError):
    """A question that cannot be asked: `field` says where in it, the message what is expected."""

    def __init__(self, field, message):
        self.field = field
        super().__init__(message)


def shown(path):
    """A file's path as messages show it: from the repository's root where it lies there."""
    path = Path(path).resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def nearest(given, known):
    """ "; did you mean …?", or the list of what is known where nothing is near."""
    known = [str(name) for name in known]
    near = difflib.get_close_matches(str(given), known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    listed = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
    return f"; expected one of {listed}" if known else ""

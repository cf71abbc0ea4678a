"""From a question of the bank to a question as it is asked: numbers drawn, texts filled in, choices in their order."""

import hashlib
import importlib
import inspect
import math
import string
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from utils.exam import model
from utils.exam.faults import QuestionError, nearest


@dataclass(frozen=True)
class Shown:
    """One choice as shown: `text` or `code`, whether it is right, and why."""

    text: model.Text | None
    code: str | None
    correct: bool
    why: model.Text


@dataclass(frozen=True)
class Asked:
    """A question ready to be shown. `choices` stand in the order in which they are shown."""

    source: Any
    text: model.Text
    choices: tuple
    values: dict

    @property
    def answer(self):
        """Letter of the right choice."""
        return next(letter for letter, choice in zip(model.LETTERS, self.choices, strict=True) if choice.correct)


def ask(question, seed=None):
    """Draw a question.

    Args:
        question: a question of the bank.
        seed: draws other numbers for a calculation and another order of the choices; without it the question is shown
            as its chapter shows it.

    Returns:
        Asked.

    Raises:
        QuestionError: if a generator, a mistake or a {name} in a text does not exist, or a result has no clear text.
    """
    key = None if question.keep_order else question.id if seed is None else f"{question.id}/{seed}"
    if question.kind == "calculation":
        return _calculation(question, question.seed if seed is None else seed, key)
    if question.kind == "concept":
        choices = [Shown(choice.text, None, choice.correct, choice.why) for choice in question.choices]
    else:
        choices = [Shown(None, choice.code, choice.correct, choice.why) for choice in question.choices]
    return Asked(question, question.question, order(key, choices), {})


def order(key, choices):
    """A shuffle that depends on `key` alone: the same on every machine, without touching any random stream.

    Without a key the order stays.
    """
    if key is None:
        return tuple(choices)
    ranks = [hashlib.sha256(f"{key}/{i}".encode()).digest() for i in range(len(choices))]
    return tuple(choice for _, choice in sorted(zip(ranks, choices, strict=True), key=lambda pair: pair[0]))


def find(room, reference):
    """The function a reference names: `module.function` in utils.exam.<room>, or a longer dotted name as it stands.

    Raises:
        QuestionError: if there is no such module or function.
    """
    module_name, _, name = reference.rpartition(".")
    full = module_name if "." in module_name else f"utils.exam.{room}.{module_name}"
    field = room.rstrip("s")
    try:
        module = importlib.import_module(full)
    except ModuleNotFoundError as error:
        if not full.startswith(error.name or "-"):
            raise
        raise QuestionError(field, f"there is no module {full!r} (from {reference!r})") from error
    function = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if inspect.isfunction(value) and not key.startswith("_")]
        raise QuestionError(field, f"{full} has no function {name!r}{nearest(name, known)}")
    return function


def problem(question, seed):
    """The generator's Problem for a seed."""
    import numpy as np

    from utils.exam.generators import Problem

    drawn = find("generators", question.generator)(np.random.default_rng(seed))
    if not isinstance(drawn, Problem):
        raise QuestionError("generator", f"{question.generator} returned {type(drawn).__name__}; expected a Problem")
    return drawn


def _calculation(question, seed, key):
    drawn = problem(question, seed)
    texts = {}
    for i, choice in enumerate(question.choices):
        if choice.mistake is not None and choice.mistake not in drawn.mistakes:
            known = list(drawn.mistakes)
            raise QuestionError(
                f"choices[{i}].mistake",
                f"the generator has no mistake {choice.mistake!r}{nearest(choice.mistake, known)}",
            )
        result = drawn.answer if choice.answer else drawn.mistakes[choice.mistake]
        texts[i] = (result, _result_text(question.format, result, f"choices[{i}]"))
    choices = []
    for i, choice in enumerate(question.choices):
        values = {**drawn.values, "answer": drawn.answer, "value": texts[i][0]}
        choices.append(Shown(texts[i][1], None, choice.correct, fill(choice.why, values, f"choices[{i}].why")))
    text = fill(question.question, drawn.values, "question")
    return Asked(question, text, order(key, choices), drawn.values)


def _result_text(formats, result, field):
    """A result as a choice shows it."""
    shown = {}
    for lang in model.LANGUAGES:
        try:
            shown[lang] = formats[lang].format(result)
        except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
            raise QuestionError("format", f"{formats[lang]!r} does not fit the result {result!r}: {error}") from error
    if isinstance(result, float) and not math.isfinite(result):
        raise QuestionError(field, f"the result is {result}; expected a finite number")
    if isinstance(result, float) and formats.en == "{}" and len(shown["en"]) > 8:
        raise QuestionError("format", f"shows {shown['en']}; give the number of digits, such as format: '{{:.3f}}'")
    return _text(shown, field)


def _text(texts, field):
    try:
        return model.Text(**texts)
    except ValidationError as error:
        raise QuestionError(field, f"reads {texts}: {error.errors()[0]['msg']}") from error


def fill(text, values, field):
    """A text with its {names} replaced, in both languages.

    Raises:
        QuestionError: for a name that the problem does not have, or braces that are not doubled.
    """
    filled = {}
    for lang in model.LANGUAGES:
        source, place = text[lang], f"{field}.{lang}"
        try:
            names = [name for _, name, _, _ in string.Formatter().parse(source) if name is not None]
        except ValueError as error:
            raise QuestionError(place, f"{error}; write {{{{ and }}}} for braces that are meant as such") from error
        for name in names:
            plain = name.partition("[")[0].partition(".")[0]
            if plain not in values:
                raise QuestionError(
                    place,
                    f"{{{name}}} is not one of the problem's values{nearest(plain, values)}; "
                    "write {{ and }} for braces that are meant as such",
                )
        try:
            filled[lang] = source.format(**values)
        except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
            raise QuestionError(place, f"cannot be filled in with {values}: {error}") from error
    return _text(filled, field)


def stem_text(stem, asked):
    """A stem's text. Where calculations share it, it may name their values in braces.

    Args:
        stem: a stem of the bank.
        asked: the drawn questions (`Asked`) that share it.

    Raises:
        QuestionError: if a name is unknown, or two calculations would fill the stem differently.
    """
    drawn = [one for one in asked if one.source.kind == "calculation"]
    text = model.Text(en=stem.en, ja=stem.ja)
    filled = [fill(text, one.values, "stem") for one in drawn]
    for one, other in zip(drawn, filled, strict=True):
        if other != filled[0]:
            raise QuestionError(
                "stem",
                f"reads differently for {drawn[0].source.id!r} and {one.source.id!r}: {filled[0].en!r}, {other.en!r}; "
                "questions of a set draw their shared values in the same way from the same seed",
            )
    return filled[0] if filled else text

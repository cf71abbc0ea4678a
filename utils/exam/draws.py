"""What the verifiers have done in the worker: generators drawn many times, figures drawn twice, stems filled in.

Every function takes and returns what JSON can hold; faults are pairs [field, message].
"""

import re

from utils.exam import figure, instance, model
from utils.exam.faults import QuestionError


def calculation(content, seeds):
    """Draw a calculation for its own seed and for others, and look for ties and for draws that do not repeat.

    The first seed that fails ends the search.
    """
    question = model.Calculation.model_validate(content)
    for seed in (question.seed, *range(1000, 1000 + seeds)):
        try:
            asked, again = instance.ask(question, seed), instance.ask(question, seed)
        except QuestionError as error:
            return [[error.field, f"seed {seed}: {error}"]]
        # Values are compared as texts: they may hold arrays.
        if (asked.text, asked.choices, repr(asked.values)) != (again.text, again.choices, repr(again.values)):
            return [["generator", f"seed {seed}: two draws differ; draw from `rng` only"]]
        faults = _ties(asked, seed) or _endless(asked, seed)
        if faults:
            return faults
    return []


def _ties(asked, seed):
    for lang in model.LANGUAGES:
        shown = {}
        for choice in asked.choices:
            shown.setdefault(choice.text[lang], []).append(choice)
        for text, same in shown.items():
            if len(same) > 1:
                what = (
                    "a mistake leads to the answer"
                    if any(choice.correct for choice in same)
                    else "two mistakes lead to"
                )
                return [["choices", f"seed {seed}: {what} {text!r} (values {asked.values}); `distinct` redraws ties"]]
    return []


def _endless(asked, seed):
    """Numbers such as 0.30000000000000004 in a text."""
    for lang in model.LANGUAGES:
        for field, text in (("question", asked.text), *(("choices", choice.why) for choice in asked.choices)):
            found = re.search(r"\d*\.\d{9,}", text[lang])
            if found:
                return [[field, f"seed {seed}: {found[0]} has too many digits; give them, as in {{answer:.3f}}"]]
    return []


def picture(content):
    """Draw a question's figure twice: the same bytes are expected."""
    question = model.KINDS[content["kind"]].model_validate(content)
    values = instance.ask(question).values
    return _drawn_twice(question.figure, values)


def stem(content, members):
    """Fill in the stem of a linked set for its questions' own seeds, and draw its figure."""
    shared = model.Stem.model_validate(content)
    try:
        asked = [instance.ask(model.KINDS[one["kind"]].model_validate(one)) for one in members]
    except QuestionError:
        return []  # reported with the question itself
    try:
        instance.stem_text(shared, asked)
    except QuestionError as error:
        return [[error.field, str(error)]]
    return _drawn_twice(shared.figure, {}) if shared.figure else []


def _drawn_twice(reference, values):
    try:
        if figure.png(reference, values) != figure.png(reference, values):
            return [["figure", f"{reference} draws two different pictures; use a fixed seed"]]
    except QuestionError as error:
        return [[error.field, str(error)]]
    return []

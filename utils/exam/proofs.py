"""How one question is proven: its calculation drawn, its assertion run, its four candidates run."""

import re

from utils.exam import model

SEEDS = 20  # further draws of each calculation, so that drills can ask it with other numbers
SLOW = {"keras": r"\bkeras|\btensorflow|\btf\b", "jax": r"\bjax"}  # imported ahead of a candidate's time limit


def prove(chapter, question, sandbox, limit):
    """Verify one question, and with the first question of a linked set its stem.

    Args:
        chapter: the bank.Chapter that holds it.
        question: the question.
        sandbox: the Sandbox in which its code runs.
        limit: seconds for one candidate.

    Returns:
        (faults, note): faults as pairs (field, message); a note on how the question was proven.
    """
    faults, note = _PROOFS[question.kind](question, sandbox, limit)
    if not faults and question.figure:
        faults = _call(sandbox, "figure", question.figure, "picture", question.model_dump(mode="json"))
    members = [other for other in chapter.questions if other.stem == question.stem]
    if question.stem is not None and members[0] is question:
        stem = chapter.stems[question.stem].model_dump(mode="json")
        faults += _call(
            sandbox, "stem", f"stem {question.stem!r}", "stem", stem, [one.model_dump(mode="json") for one in members]
        )
    return faults, note


def slow_modules(question):
    """Names of the slow modules that a question's code uses."""
    source = "\n".join(str(getattr(question, name, None) or "") for name in ("setup", "code", "check"))
    return tuple(name for name, pattern in SLOW.items() if re.search(pattern, source))


def _call(sandbox, field, subject, name, *arguments):
    """Faults found by a function of `draws` in the worker; `subject` is what it runs, for when that fails."""
    outcome = sandbox.call(f"utils.exam.draws.{name}", *arguments)
    if outcome.how != "passed":
        return [(field, f"{subject} {'raises ' * (outcome.how == 'failed')}{outcome}")]
    return [tuple(fault) for fault in outcome.result]


def _calculation(question, sandbox, limit):
    faults = _call(sandbox, "generator", question.generator, "calculation", question.model_dump(mode="json"), SEEDS)
    return faults, f"computed for {SEEDS + 1} seeds"


def _concept(question, sandbox, limit):
    faults = []
    for lang in model.LANGUAGES:
        texts = [choice.text[lang].strip() for choice in question.choices]
        faults += [
            ("choices", f"two choices read {text!r}") for text in sorted({t for t in texts if texts.count(t) > 1})
        ]
    if question.check is None:
        return faults, "rests on its citation"
    parts = [("setup", "import numpy as np"), ("check", question.check)]
    outcome = sandbox.run(parts, limit, slow_modules(question))
    if outcome.how != "passed":
        faults.append(("check", str(outcome)))
    return faults, "its check passes"


def _code(question, sandbox, limit):
    codes = ["".join(choice.code.split()) for choice in question.choices]
    faults = [
        ("choices", f"two candidates are the same: {c!r}") for c in sorted({c for c in codes if codes.count(c) > 1})
    ]
    outcomes = []
    for choice in question.choices:
        parts = [("setup", question.setup), ("code", question.filled(choice.code)), ("check", question.check)]
        outcome = sandbox.run(parts, limit, slow_modules(question))
        if outcome.phase == "setup" and outcome.how != "passed":
            return [*faults, ("setup", str(outcome))], ""
        outcomes.append(outcome)
    faults += _exactly_one(question, outcomes)
    for i, (choice, outcome) in enumerate(zip(question.choices, outcomes, strict=True)):
        if not choice.correct:
            faults += [(f"choices[{i}]", message) for message in _implausible(choice, outcome)]
    ways = [f"{letter} {_way(outcome)}" for letter, outcome in zip(model.LETTERS, outcomes, strict=True)]
    return faults, ", ".join(ways)


def _exactly_one(question, outcomes):
    passing = [letter for letter, outcome in zip(model.LETTERS, outcomes, strict=True) if outcome.how == "passed"]
    marked = next(i for i, choice in enumerate(question.choices) if choice.correct)
    if outcomes[marked].how != "passed":
        instead = f"; {' and '.join(passing)} passes instead" if passing else "; no candidate passes"
        code = question.choices[marked].code.strip()
        return [(f"choices[{marked}]", f"`{code}` is marked correct, but {outcomes[marked]}{instead}")]
    if len(passing) > 1:
        return [("choices", f"{' and '.join(passing)} all pass the check; expected {model.LETTERS[marked]} alone")]
    return []


def _way(outcome):
    """The name of the way in which a candidate ended."""
    if outcome.how != "failed":
        return outcome.how
    if outcome.error == "AssertionError":
        return "assertion"
    if outcome.error in ("SyntaxError", "IndentationError", "TabError"):
        return "syntax"
    return f"exception {outcome.error}"


def _implausible(choice, outcome):
    """What speaks against a wrong candidate: it must fail as a reader's mistake would, not by an author's oversight."""
    way, code = _way(outcome).split()[0], f"`{choice.code.strip()}`"
    if way == "passed":
        return []
    if choice.fails is not None:
        return [] if way == choice.fails else [f"{code} should fail by {choice.fails}, but {outcome}"]
    if way == "died":
        return [f"{code} {outcome}; a candidate must not end the process"]
    if way == "timeout":
        return [f"{code} {outcome}; if that is the mistake it shows, say `fails: timeout`"]
    if way == "syntax":
        return [f"{code} is not valid Python: {outcome.message}; if that is the mistake it shows, say `fails: syntax`"]
    if outcome.error == "NameError":
        return [f"{code}: {outcome.message}; if that is the mistake it shows, say `fails: exception`"]
    return []


_PROOFS = {"concept": _concept, "calculation": _calculation, "code": _code}

"""Feedback on an exercise: is it still blank, does it raise, is it wrong (and by which mistake), or right."""

import ast
import contextlib
import copy
import inspect
import random
import textwrap
from dataclasses import dataclass

import numpy as np

from utils import runtime
from utils.exam import markup, page
from utils.exam.compare import both, difference, summary

WORDS = {
    "en": {
        "blank": "… Nothing to check yet: fill in the blank, run its cell, then this one.",
        "error": "✗ It stops with an error.",
        "wrong": "✗ Not right yet.",
        "right": "✓ Right: it agrees with the reference in every case ({cases} of {cases}).",
        "hint": "Hint",
    },
    "ja": {
        "blank": "… まだ解答がありません。空欄を埋めてそのセルを実行してから、このセルを実行してください。",
        "error": "✗ エラーで止まりました。",
        "wrong": "✗ まだ正しくありません。",
        "right": "✓ 正解です。すべての例({cases} 個)で正しい結果と一致しました。",
        "hint": "ヒント",
    },
}
RETURNS_NOTHING = both(
    "Your function returns nothing: is a `return` missing?", "関数が値を返していません(`return` を確認してください)。"
)
COLORS = {"blank": "#8a8a8a", "error": "#d1495b", "wrong": "#d1495b", "right": "#2a9d8f"}


@dataclass(frozen=True)
class Mistake:
    """A wrong solution that readers arrive at, and what to tell them.

    Attributes:
        func: the wrong solution, called like the reference.
        en, ja: what went wrong, in both languages. `code` and $math$ are allowed.
    """

    func: object
    en: str
    ja: str


class Feedback:
    """What `check` found.

    Attributes:
        status: "blank", "error", "wrong" or "right".
        mistake: {"en": …, "ja": …} of the mistake that was recognised, or None.
        details: list of {"en": …, "ja": …}: the case, and what differs.
        hint: {"en": …, "ja": …} or None.
    """

    def __init__(self, status, details=(), mistake=None, hint=None, cases=0):
        self.status, self.details, self.mistake = status, list(details), mistake
        self.hint = hint if status in ("error", "wrong") else None
        self._cases = cases

    def text(self, lang):
        """The feedback as plain text in one language ("en" or "ja")."""
        words = WORDS[lang]
        lines = [words[self.status].format(cases=self._cases)]
        lines += [message[lang] for message in (self.mistake, *self.details) if message]
        lines += [f"{words['hint']}: {self.hint[lang]}"] if self.hint else []
        return "\n".join(lines)

    def html(self, lang):
        """The feedback as HTML in one language; readable without its style."""
        words = WORDS[lang]
        body = f"<p><strong>{words[self.status].format(cases=self._cases)}</strong></p>"
        if self.mistake:
            body += markup.blocks(self.mistake[lang])
        body += "".join(f"<p>{markup.plain(message[lang])}</p>" for message in self.details)
        if self.hint:
            body += f"<details><summary>{words['hint']}</summary>{markup.blocks(self.hint[lang])}</details>"
        style = f"border-left: 4px solid {COLORS[self.status]}; padding-left: 1em"
        return f'<div class="study-check tex2jax_process mathjax_process" lang="{lang}" style="{style}">{body}</div>'

    def __repr__(self):
        return self.text(runtime.language())

    def _repr_html_(self):
        return page.frame(self.html(runtime.language()))


def check(func, reference, cases, mistakes=(), hint=None, rtol=1e-5, atol=1e-8):
    """Compare a reader's function with a reference, case by case.

    Every call gets its own copy of the arguments and the same random streams, which are put back afterwards.

    Args:
        func: the reader's function.
        reference: the right one, called in the same way.
        cases: list of tuples of arguments.
        mistakes: list of Mistake; the first whose results are the reader's in every case is named.
        hint: text, or {"en": …, "ja": …}, offered folded away beside a wrong answer.
        rtol, atol: tolerance for numbers, as in numpy.allclose.

    Returns:
        Feedback.

    Raises:
        TypeError, ValueError: for an exercise that is set up wrongly: cases that are no tuples, a reference that
            returns None, or a mistake that gives the right results in every case.
    """
    _check_cases(cases)
    hint = both(hint, hint) if isinstance(hint, str) else hint
    with _streams_kept():
        expected = [_call(reference, case) for case in cases]
        if any(result is None for result in expected):
            raise ValueError("the reference returns None; it must return what is to be compared")
        for i, mistake in enumerate(mistakes):
            if _results_of(mistake, cases, expected, rtol, atol):
                raise ValueError(
                    f"mistakes[{i}] gives the right results in every case; add a case that tells them apart"
                )
        results = []
        for i, case in enumerate(cases):
            try:
                results.append(_call(func, case))
            except NotImplementedError:
                return Feedback("blank")
            except Exception as error:
                if _left_blank(func, error):
                    return Feedback("blank")
                return Feedback("error", [_raised(error), _shown_case(i, case, reference)], hint=hint)
            if results[-1] is None and _has_ellipsis(inspect.unwrap(func)) is False:
                return Feedback("wrong", [RETURNS_NOTHING, _shown_case(i, case, reference)], hint=hint)
            if results[-1] is None or results[-1] is ...:
                return Feedback("blank")
        gaps = [difference(mine, theirs, rtol, atol) for mine, theirs in zip(results, expected, strict=True)]
        if not any(gaps):
            return Feedback("right", cases=len(cases))
        if _left_blank(func):
            return Feedback("blank")
        named = [both(m.en, m.ja) for m in mistakes if _results_of(m, cases, results, rtol, atol)]
    i = next(i for i, gap in enumerate(gaps) if gap)
    return Feedback(
        "wrong", [_shown_case(i, cases[i], reference), _capitalized(gaps[i])], named[0] if named else None, hint
    )


def _check_cases(cases):
    if not isinstance(cases, (list, tuple)) or not cases:
        raise TypeError(f"cases must be a list of tuples of arguments, got {type(cases).__name__}")
    for i, case in enumerate(cases):
        if not isinstance(case, tuple):
            raise TypeError(f"cases[{i}] is {type(case).__name__}; write it as a tuple of arguments: (x,) for one")


def _call(func, case):
    """Call a function on its own copy of the arguments, with the random streams at their start."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - a reader's dropout may use the global stream
    return func(*copy.deepcopy(case))


@contextlib.contextmanager
def _streams_kept():
    """Put the global random streams back, so that a checked exercise changes nothing after it."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002


def _results_of(mistake, cases, results, rtol, atol):
    """Whether a mistake leads to exactly these results."""
    for case, result in zip(cases, results, strict=True):
        try:
            found = _call(mistake.func, case)
        except Exception:
            return False
        if difference(result, found, rtol, atol):
            return False
    return True


def _left_blank(func, error=None):
    """Whether the `...` of the exercise still stands in the function, or in one that the error passed through."""
    functions = [inspect.unwrap(func)]
    trace = error.__traceback__ if error else None
    while trace is not None:
        functions.append(trace.tb_frame.f_code)
        trace = trace.tb_next
    found = [_has_ellipsis(function) for function in functions]
    # Where the source cannot be read, a name that was never assigned is what a blank leaves behind.
    return any(found) or (found[0] is None and isinstance(error, NameError))


def _has_ellipsis(function):
    """Whether a bare `...` is a statement of the function; None if its source cannot be read."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    return any(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...
        for node in ast.walk(tree)
    )


def _raised(error):
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return both(message, message)


def _shown_case(i, case, reference):
    try:
        names = list(inspect.signature(reference).parameters)
    except (TypeError, ValueError):
        names = []
    names += [None] * (len(case) - len(names))
    given = ", ".join(
        f"{name} = {summary(value)}" if name else summary(value) for name, value in zip(names, case, strict=False)
    )
    return both(f"Case {i + 1}: {given}", f"例 {i + 1}: {given}")


def _capitalized(message):
    return both(message["en"][:1].upper() + message["en"][1:] + ".", message["ja"] + "。")

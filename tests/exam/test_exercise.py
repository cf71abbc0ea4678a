"""Feedback on exercises: the four verdicts, what is shown, and what stays untouched."""

import random
import subprocess
import sys

import numpy as np
import pytest

from tests.exam.page import read
from utils import exam, runtime
from utils.exam.faults import ROOT

X = np.arange(6.0).reshape(3, 2)


def reference(x, kernel):
    return x.shape[0] - kernel + 1, x * kernel


def forgot_the_one(x, kernel):
    return x.shape[0] - kernel, x * kernel


MISTAKE = exam.Mistake(forgot_the_one, en="You forgot the $+1$: `n - k` counts steps.", ja="`+1` を忘れています。")
CASES = [(X, 2), (np.ones((5, 4)), 3)]


def checked(func, **options):
    return exam.check(func, reference=reference, cases=CASES, mistakes=[MISTAKE], **options)


def blank_none(x, kernel): ...  # your code / ここにコード


def blank_name(x, kernel):
    size = x.shape[0]
    ...  # your code / ここにコード
    return size, result  # noqa: F821


def blank_wrong(x, kernel):
    out = np.zeros_like(x)
    ...  # your code / ここにコード
    return 0, out


def blank_inside(x, kernel):
    def helper():
        ...  # your code / ここにコード
        return missing  # noqa: F821

    return helper()


def not_implemented(x, kernel):
    raise NotImplementedError


@pytest.mark.parametrize(
    "func", [blank_none, blank_name, blank_wrong, blank_inside, not_implemented, lambda x, kernel: ...]
)
def test_blank(func):
    assert checked(func).status == "blank"


def test_a_missing_return_is_not_a_blank():
    def changes_in_place(x, kernel):
        x *= kernel

    feedback = checked(changes_in_place, hint="Think.")
    assert feedback.status == "wrong"
    assert "Your function returns nothing: is a `return` missing?\nCase 1:" in feedback.text("en")
    assert "関数が値を返していません" in feedback.text("ja")


def test_blank_without_source():
    """As in a test that runs a cell by exec: the name that the blank should have assigned is missing."""
    names = {}
    # A name of its own: under "<string>" Python 3.13 keeps the source of its own -c.
    exec(compile("def f(x, kernel):\n    ...\n    return result", "<no source>", "exec"), names)
    assert checked(names["f"]).status == "blank"


def test_right():
    feedback = checked(reference)
    assert feedback.status == "right"
    assert repr(feedback) == "✓ Right: it agrees with the reference in every case (2 of 2)."


def test_right_within_the_tolerance():
    def close(x, kernel):
        return x.shape[0] - kernel + 1, (x * kernel * (1 + 1e-6)).astype("float32")

    assert checked(close).status == "right"
    assert checked(close, rtol=1e-9).status == "wrong"


def test_an_ellipsis_left_behind_does_not_spoil_a_right_answer():
    def solved(x, kernel):
        ...
        return reference(x, kernel)

    assert checked(solved).status == "right"


def test_error_shows_what_was_raised_and_for_which_arguments():
    def broken(x, kernel):
        return x @ x

    feedback = checked(broken, hint="Look at the shapes.")
    assert feedback.status == "error"
    lines = repr(feedback).splitlines()
    assert lines[0] == "✗ It stops with an error."
    assert lines[1].startswith("ValueError: matmul")
    assert lines[2] == "Case 1: x = array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), kernel = 2"
    assert lines[3] == "Hint: Look at the shapes."
    assert "Traceback" not in repr(feedback)


def test_wrong_with_the_mistake_named():
    feedback = checked(forgot_the_one)
    assert feedback.status == "wrong"
    assert feedback.mistake == {"en": MISTAKE.en, "ja": MISTAKE.ja}
    assert repr(feedback).splitlines()[-1] == "At [0]: got 1, expected 2."


def test_a_mistake_is_named_only_if_it_explains_every_case():
    def other(x, kernel):
        return (x.shape[0] - kernel if kernel == 2 else 77), x * kernel

    feedback = checked(other)
    assert (feedback.status, feedback.mistake) == ("wrong", None)


@pytest.mark.parametrize(
    ("result", "expected", "message"),
    [
        (np.zeros((2, 3)), np.zeros((3, 2)), "Got shape (2, 3), expected shape (3, 2)."),
        (np.zeros(3), np.zeros((1, 3)), "Got shape (3,), expected shape (1, 3)."),
        (3.5, 3.0, "Got 3.5, expected 3.0."),
        (3, 4, "Got 3, expected 4."),
        (1.0000004, 1.5, "Got 1.0, expected 1.5."),
        (np.float64(1.00002), np.float64(1.0), "Got 1.00002, expected 1.0."),
        (1.0000123, 1.0000001, "Got 1.00001, expected 1.0."),
        ([1, 2], (1, 2, 3), "Got 2 results, expected 3."),
        (7, (1, 2), "Got 7, expected 2 results: return a, b, …."),
        ("x", np.zeros(2), "Got 'x', expected an array of shape (2,)."),
        (X, "text", "Got array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]), expected 'text'."),
        ({"a": 1}, {"a": 1, "b": 2}, "Got a dict with the keys 'a', expected the keys 'a', 'b'."),
        ({"a": 1, "b": 3}, {"a": 1, "b": 2}, "At ['b']: got 3, expected 2."),
        ((1, {"b": X}), (1, {"b": X + 1}), "At [1]['b']: the shape (3, 2) is right, but 6 of 6 elements differ"),
        (np.array([1.0, np.nan]), np.array([1.0, 2.0]), "furthest at [1]: got nan, expected 2.0."),
        (np.array([1.0, 9.0, 2.5]), np.array([1.0, 2.0, 2.0]), "furthest at [1]: got 9.0, expected 2.0."),
        (X.astype("float32") + 1, X, "; dtype float32, expected float64."),
        (np.array([1, 2]), np.array([1, 3]), "furthest at [1]: got 2, expected 3."),
        (None, 3, "returns nothing"),
    ],
)
def test_what_differs(result, expected, message):
    feedback = exam.check(lambda: result, reference=lambda: expected, cases=[()])
    assert feedback.status == "wrong"
    assert message in repr(feedback)


@pytest.mark.parametrize(
    "value", [np.array([1.0, np.nan]), True, "text", {"a": (1, [2.0, 3.0])}, [[1, 2], [3, 4]], 2 + 1j]
)
def test_equal_values_agree(value):
    assert exam.check(lambda: value, reference=lambda: value, cases=[()]).status == "right"


def test_tensors_count_as_arrays():
    class Tensor:
        def __array__(self, dtype=None, copy=None):
            return X

    assert exam.check(Tensor, reference=lambda: X, cases=[()]).status == "right"


def test_arguments_are_protected():
    def careless(x, kernel):
        x += 1
        return x.shape[0] - kernel + 1, (x - 1) * kernel

    kept = X.copy()
    assert checked(careless).status == "right"
    assert np.array_equal(X, kept)


def test_random_streams_are_the_same_for_both_and_put_back():
    def mask(x, kernel):
        return 1, np.random.rand(*x.shape) + random.random()  # noqa: NPY002

    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    states = random.getstate(), str(np.random.get_state())  # noqa: NPY002
    assert exam.check(mask, reference=mask, cases=CASES).status == "right"
    assert (random.getstate(), str(np.random.get_state())) == states  # noqa: NPY002


def test_large_arguments_are_summarised():
    feedback = exam.check(lambda x: x, reference=lambda x: x + 1, cases=[(np.zeros((30, 2)),)])
    assert "Case 1: x = array(shape=(30, 2), float64)" in repr(feedback)


def test_both_languages(japanese):
    feedback = checked(forgot_the_one, hint={"en": "Count.", "ja": "数えてみましょう。"})
    assert repr(feedback) == feedback.text("ja") != feedback.text("en")
    assert feedback._repr_html_() == feedback.html("ja")
    assert "✗ まだ正しくありません。" in repr(feedback) and "ヒント: 数えてみましょう。" in repr(feedback)
    runtime.set_language("en")
    assert "Hint: Count." in repr(feedback)


def test_html_escapes_what_readers_and_authors_wrote():
    def broken(x, kernel):
        raise ValueError("<b>&</b> $x$ ** a ** b")

    page = read(checked(broken, hint="`<i>` and $a<b$").html("en"))
    assert page.all("b") == page.all("i") == []
    assert "ValueError: <b>&</b> $x$ ** a ** b" in page.text()
    assert page.all("details")[0].text() == r"Hint<i> and \(a<b\)"
    page = read(checked(forgot_the_one).html("en"))
    assert r"You forgot the \(+1\): n - k counts steps." in page.text()


@pytest.mark.parametrize(
    ("cases", "error", "message"),
    [
        ([X], TypeError, r"cases\[0\] is ndarray; write it as a tuple of arguments: \(x,\) for one"),
        ([], TypeError, "cases must be a list of tuples"),
        (X, TypeError, "cases must be a list of tuples of arguments, got ndarray"),
    ],
)
def test_cases_that_are_none(cases, error, message):
    with pytest.raises(error, match=message):
        exam.check(reference, reference=reference, cases=cases)


def test_an_exercise_that_is_set_up_wrongly():
    with pytest.raises(ValueError, match="the reference returns None"):
        exam.check(reference, reference=lambda x, kernel: None, cases=CASES)
    with pytest.raises(ValueError, match=r"mistakes\[0\] gives the right results in every case"):
        exam.check(reference, reference=reference, cases=CASES, mistakes=[exam.Mistake(reference, "a", "b")])


def test_import_is_cheap():
    """The room is there at once: no framework, no matplotlib."""
    slow = ("tensorflow", "keras", "jax", "matplotlib")
    code = f"import sys\nfrom utils import exam\nprint([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"

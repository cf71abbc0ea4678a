"""The bank that ships: every question proven, and no letter favoured."""

from collections import Counter

import pytest

from tests.exam.page import read
from utils import exam
from utils.exam import bank, instance, model, verify

FILES = bank.files()


def test_there_are_questions():
    assert FILES, f"no question files in {bank.FOLDER}"


def test_files_agree_with_each_other():
    _, faults = bank.read()
    assert not faults, "\n".join(map(str, faults))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_question_is_proven(path):
    count, faults = verify.verify([path])
    assert count and not faults, "\n".join(map(str, faults))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_chapter_has_enough_questions_of_every_kind(path):
    kinds = Counter(question.kind for question in bank.load_file(path).questions)
    assert sum(kinds.values()) >= 12 and set(kinds) == set(model.KINDS), kinds


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_quiz_is_rendered_in_both_languages(path):
    chapter = bank.load_file(path)
    for lang in model.LANGUAGES:
        page = read(exam.Quiz(chapter).html(lang))
        assert len(page.all("fieldset")) == len(chapter.questions)
        assert len(page.all("details")) == 4 * len(chapter.questions)
        assert "{" not in "".join(legend.text() for legend in page.all("legend"))


def test_right_answers_are_spread_over_the_letters():
    """For the bank as it is: each letter between a tenth and a half of the questions."""
    letters = Counter(instance.ask(question).answer for path in FILES for question in bank.load_file(path).questions)
    total = letters.total()
    assert total and all(0.1 < letters[letter] / total < 0.5 for letter in model.LETTERS), letters


def test_the_order_of_choices_is_uniform():
    """For ten thousand ids: each letter within two points of a quarter (a deviation of 2.3 % would be five sigma)."""
    choices = ("right", "wrong", "false", "untrue")
    letters = Counter(instance.order(f"question-{i}", choices).index("right") for i in range(10_000))
    assert all(abs(letters[i] / 10_000 - 0.25) < 0.022 for i in range(4)), letters

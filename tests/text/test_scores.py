"""Scores against values counted by hand."""

import math

import pytest

from utils.text.scores import bleu_char, chrf, exact_match


def test_exact_match_is_a_share():
    assert exact_match(["ab", "c", "", "d"], ["ab", "C", "", "e"]) == 0.5


def test_a_perfect_translation_scores_100():
    texts = ["彼は学生です。", "雨が降っている。"]
    assert chrf(texts, texts) == pytest.approx(100) and bleu_char(texts, texts) == pytest.approx(100)


def test_bleu_over_characters_by_hand():
    # 1-grams あいうえ_: 4/5, 2-grams 3/4, 3-grams 2/3, 4-grams 1/2; the lengths are the same
    by_hand = 100 * math.exp(sum(math.log(p) for p in (4 / 5, 3 / 4, 2 / 3, 1 / 2)) / 4)
    assert bleu_char(["あいうえか"], ["あいうえお"]) == pytest.approx(by_hand)


def test_chrf_by_hand():
    # n-grams of "abc" in "abd": n = 1: 2 of 3 both ways, n = 2: 1 of 2, n = 3: 0 of 1. Precision = recall, so F = P.
    assert chrf(["abc"], ["abd"]) == pytest.approx(100 * (2 / 3 + 1 / 2 + 0) / 3)


def test_empty_predictions_are_allowed_and_score_nothing():
    assert bleu_char([""], ["あ"]) == 0 and chrf([""], ["あ"]) == 0 and exact_match([""], ["あ"]) == 0


@pytest.mark.parametrize("score", [exact_match, chrf, bleu_char])
def test_errors(score):
    with pytest.raises(TypeError, match="a list of texts"):
        score("abc", ["abc"])
    with pytest.raises(TypeError, match="decode the numbers first"):
        score([[4, 5]], ["abc"])
    with pytest.raises(ValueError, match="got 1 and 2"):
        score(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="at least one"):
        score([], [])

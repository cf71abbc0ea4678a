"""Texts to tokens to numbers and back; what is unknown, empty or no text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.text.tokens import characters, words
from utils.text.vocabulary import BOS, EOS, PAD, SPECIAL, UNK, Vocabulary


def test_words_and_punctuation():
    assert words("Don't you think so, Tom?") == ["don't", "you", "think", "so", ",", "tom", "?"]
    assert words("It’s 10:30 now.") == ["it's", "10", ":", "30", "now", "."]
    assert words("") == words("  ") == [] and characters("") == []
    assert characters("東京 へ。") == ["東", "京", " ", "へ", "。"]


@pytest.mark.parametrize("tokenize", [characters, words])
def test_only_a_text_has_tokens(tokenize):
    with pytest.raises(TypeError, match=r"must be a str, got \['a'\]"):
        tokenize(["a"])


def test_numbers_of_the_special_tokens():
    assert (PAD, BOS, EOS, UNK) == (0, 1, 2, 3)
    vocabulary = Vocabulary("ab")
    assert vocabulary.tokens == (*SPECIAL, "a", "b") and len(vocabulary) == 6
    assert vocabulary.encode("bax", bos=True, eos=True) == [BOS, 5, 4, UNK, EOS]
    assert vocabulary.encode("") == [] and vocabulary.encode("", eos=True) == [EOS]
    assert "a" in vocabulary and "x" not in vocabulary


def test_order_follows_frequency_then_code():
    vocabulary = Vocabulary.from_texts(["the cat", "the dog", "a cat ate the rat"], words)
    assert vocabulary.tokens[4:] == ("the", "cat", "a", "ate", "dog", "rat")
    assert Vocabulary.from_texts(["bca", "cab", "c"]).tokens[4:] == ("c", "a", "b")
    rare = Vocabulary.from_texts(["the cat", "the dog"], words, min_count=2)
    assert rare.tokens[4:] == ("the",) and rare.encode("the dog") == [4, UNK]


def test_decoding_stops_at_the_end():
    vocabulary = Vocabulary("ab")
    assert vocabulary.decode([BOS, 4, PAD, 5, EOS, 4]) == "ab"
    assert vocabulary.decode(np.array([4, UNK], np.int32)) == "a<unk>"
    assert vocabulary.decode([]) == ""
    assert Vocabulary(["so", "it"], words).decode([5, 4]) == "it so"
    assert Vocabulary(["so", "it"], words, separator="").decode([5, 4]) == "itso"


@given(st.lists(st.text("あいうabc ", min_size=1), min_size=1))
def test_back_and_forth(texts):
    vocabulary = Vocabulary.from_texts(texts)
    for text in texts:
        ids = vocabulary.encode(text, bos=True, eos=True)
        assert vocabulary.decode(ids) == text and UNK not in ids
        assert len(ids) == len(text) + 2


def test_a_text_cannot_smuggle_in_a_special_token():
    vocabulary = Vocabulary.from_texts(["<pad> a"], tokenize=str.split)
    assert vocabulary.tokens[4:] == ("a",)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Vocabulary(["a", "b", "a"]), ValueError, "each token once.*got 'a'"),
        (lambda: Vocabulary(["<eos>"]), ValueError, "got '<eos>'"),
        (lambda: Vocabulary([""]), ValueError, "none empty"),
        (lambda: Vocabulary([3]), TypeError, "must be a str, got 3"),
        (lambda: Vocabulary.from_texts("abc"), TypeError, r"use \[text\]"),
        (lambda: Vocabulary.from_texts(["ab"], min_count=2), ValueError, "smaller min_count"),
        (lambda: Vocabulary("ab").decode([6]), ValueError, r"number 6 is not in this vocabulary.*0 to 5"),
        (lambda: Vocabulary("ab").decode([-1]), ValueError, "number -1"),
        (lambda: Vocabulary("ab").decode([[4, 5]]), TypeError, "one axis"),
        (lambda: Vocabulary("ab").decode([4.0]), TypeError, "whole numbers"),
        (lambda: Vocabulary("ab").encode(None), TypeError, "must be a str"),
    ],
)
def test_errors_say_what_to_do(make, error, message):
    with pytest.raises(error, match=message):
        make()

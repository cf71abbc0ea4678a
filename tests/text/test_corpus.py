"""The sentences of the word-vector chapter: cut, paired, clean."""

import re

import pytest

from utils.text import corpus


def test_two_languages_of_the_same_sentences():
    english, japanese = (corpus.load_sentences(lang) for lang in corpus.LANGUAGES)
    assert len(english) == len(japanese) > 40_000
    assert len(set(english)) == len(english)
    assert all(re.fullmatch("[a-z0-9' ]+", sentence) for sentence in english)
    assert not any(re.search("[。、？！a-z]", sentence) for sentence in japanese)
    unwanted = re.compile(r"\b(kill|die|dead|sex|drunk|gun|stupid|ugly|hate)")
    assert not any(unwanted.search(sentence) for sentence in english)
    assert all(4 <= len(sentence.split()) <= 16 for sentence in english)
    assert min(len(sentence.split()) for sentence in japanese) == 3


def test_limit_spreads_over_the_file():
    whole = corpus.load_sentences("en")
    few = corpus.load_sentences("en", limit=10)
    assert few == [whole[i * len(whole) // 10] for i in range(10)]
    assert corpus.load_sentences("en", limit=10**9) == whole


def test_errors():
    with pytest.raises(ValueError, match="en, ja, got 'fr'"):
        corpus.load_sentences("fr")
    with pytest.raises(ValueError, match="at least 1"):
        corpus.load_sentences("en", 0)
    with pytest.raises(TypeError, match="whole number"):
        corpus.load_sentences("en", 2.5)

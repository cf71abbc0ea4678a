"""Pairs against a double loop, subsampling and noise against their formulas and against counting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.text import skipgram

SENTENCES = st.lists(st.lists(st.integers(4, 9), max_size=7), min_size=1, max_size=5).filter(any)


def slow_pairs(sentences, window):
    """The definition, word by word: (sentence, place of the centre) -> neighbours from left to right."""
    found = []
    for sentence in sentences:
        for t, center in enumerate(sentence):
            places = [t + j for j in range(-window, window + 1) if j != 0 and 0 <= t + j < len(sentence)]
            found.append((center, [sentence[place] for place in places]))
    return [(center, context) for center, context in found if context]


@settings(max_examples=60, deadline=None)
@given(sentences=SENTENCES, window=st.integers(1, 4))
def test_pairs_and_bags_are_the_definition(sentences, window):
    expected = slow_pairs(sentences, window)
    centers, contexts = skipgram.pairs(sentences, window)
    assert list(zip(centers.tolist(), contexts.tolist(), strict=True)) == [(c, x) for c, bag in expected for x in bag]
    bags, middles = skipgram.bags(sentences, window)
    assert middles.tolist() == [c for c, _ in expected]
    assert [[word for word in row if word] for row in bags.tolist()] == [bag for _, bag in expected]
    assert bags.shape == (len(expected), 2 * window)
    assert all(
        row[len(bag) :] == [0] * (2 * window - len(bag)) for row, (_, bag) in zip(bags.tolist(), expected, strict=True)
    )


@pytest.mark.parametrize(("words", "window"), [(6, 1), (6, 2), (9, 4)])
def test_number_of_pairs(words, window):
    centers, _ = skipgram.pairs([list(range(4, 4 + words))], window)
    assert len(centers) == 2 * window * words - window * (window + 1)


def test_random_window_prefers_near_words():
    """Distance d is reached with probability (c - d + 1) / c."""
    text = [np.arange(4, 20004)]
    centers, contexts = skipgram.pairs(text, 4, np.random.default_rng(0))
    distance = np.abs(centers - contexts)
    for d in range(1, 5):
        assert np.sum(distance == d) / (2 * 20000) == pytest.approx((4 - d + 1) / 4, abs=0.01)
    # The width is the centre's own: away from the ends it reaches as far to the left as to the right.
    inside = (centers >= 8) & (centers < 20000)
    reached = set(zip(centers[inside].tolist(), (contexts - centers)[inside].tolist(), strict=True))
    assert reached == {(center, -offset) for center, offset in reached}
    again = skipgram.pairs(text, 4, np.random.default_rng(0))
    assert np.array_equal(again[0], centers) and np.array_equal(again[1], contexts)


def test_keep_probability():
    keep = skipgram.keep_probability(np.array([0, 1, 99, 900]), threshold=0.009)
    assert keep.tolist() == pytest.approx([1, 1, np.sqrt(0.009 / 0.099), 0.1])


def test_subsample_keeps_that_share_and_the_order():
    rng = np.random.default_rng(0)
    sentences = [[4, 5, 6, 7, 8] for _ in range(4000)]
    keep = np.array([1, 1, 1, 1, 1, 0.5, 0.25, 1, 0])
    left = skipgram.subsample(sentences, keep, rng)
    assert len(left) == 4000  # 4 and 7 always stay
    counts = skipgram.count(left, 9)
    np.testing.assert_allclose(counts[4:] / 4000, keep[4:], atol=0.03)
    assert all(np.all(np.diff(sentence) > 0) for sentence in left)
    assert skipgram.subsample([[4, 5], [5, 6]], np.array([1, 1, 1, 1, 1, 0, 1.0]), rng) == []


def test_noise_and_draw():
    counts = np.array([5, 0, 0, 7, 16, 81, 0])
    probabilities = skipgram.noise(counts)
    np.testing.assert_allclose(probabilities, np.array([0, 0, 0, 0, 8, 27, 0]) / 35)
    np.testing.assert_allclose(skipgram.noise(counts, 1)[4:6], np.array([16, 81]) / 97)
    np.testing.assert_allclose(skipgram.noise(counts, 0)[4:], [0.5, 0.5, 0])
    drawn = skipgram.draw(probabilities, (200, 100), np.random.default_rng(0))
    assert drawn.dtype == np.int32 and drawn.shape == (200, 100)
    np.testing.assert_allclose(np.bincount(drawn.ravel(), minlength=7) / 20000, probabilities, atol=0.01)


class Edge:
    """A generator at the ends of its range."""

    def __init__(self, value):
        self.value = value

    def random(self, shape):
        return np.full(shape, self.value)


def test_draw_at_the_edges():
    probabilities = np.array([0, 0, 0, 0, 0.3, 0.7, 0])
    assert skipgram.draw(probabilities, 2, Edge(0.0)).tolist() == [4, 4]
    assert skipgram.draw(probabilities, 2, Edge(np.nextafter(1, 0))).tolist() == [5, 5]


def test_errors():
    with pytest.raises(ValueError, match="no word"):
        skipgram.pairs([[], []], 2)
    with pytest.raises(ValueError, match="no word"):
        skipgram.pairs([], 2)
    with pytest.raises(TypeError, match="sentence 1 must hold whole numbers .* encode it first"):
        skipgram.pairs([[4], ["a", "b"]], 2)
    with pytest.raises(TypeError, match="sentence 0"):
        skipgram.bags(["abc"], 2)
    for window, error in ((0, ValueError), (1.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="window must be"):
            skipgram.pairs([[4, 5]], window)
    with pytest.raises(ValueError, match="not all 0"):
        skipgram.keep_probability(np.zeros(5))
    with pytest.raises(ValueError, match="above 0"):
        skipgram.keep_probability(np.ones(5), 0)
    with pytest.raises(ValueError, match="only special numbers"):
        skipgram.noise(np.array([3, 2, 1, 9]))
    with pytest.raises(ValueError, match="number 9 is not in a vocabulary of 8"):
        skipgram.count([[9]], 8)

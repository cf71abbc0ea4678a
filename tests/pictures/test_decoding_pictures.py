"""The unrolled encoder–decoder and the search tree: the right tokens, the right probabilities, legible."""

import pytest

from tests.pictures import looks
from utils.pictures import decoding

MODEL = {
    (): {"a": 0.5, "the": 0.4, "my": 0.1},
    ("a",): {"dog": 0.4, "cat": 0.3, "bird": 0.3},
    ("the",): {"dog": 0.1, "cat": 0.8, "bird": 0.1},
    ("my",): {"dog": 0.4, "cat": 0.4, "bird": 0.2},
}


def unrolled(feed):
    return decoding.encoder_decoder(["a", "b", "c"], ["c", "b", "a", "EOS"], feed)


@pytest.mark.parametrize("feed", ["teacher", "own"])
def test_the_decoder_begins_with_bos_and_ends_with_eos(feed):
    figure = unrolled(feed)
    words = [text.get_text() for text in figure.axes[0].texts if text.get_text() in ("BOS", "EOS", "a", "b", "c")]
    assert sorted(words) == sorted(["a", "b", "c", "BOS", "c", "b", "a", "c", "b", "a", "EOS"])
    looks.assert_legible(figure)
    looks.assert_same_bytes(lambda: unrolled(feed))


def test_only_its_own_output_is_taken_back():
    taken_back = [
        len([t for t in unrolled(f).axes[0].texts if getattr(t, "arrow_patch", None)]) for f in ("teacher", "own")
    ]
    assert taken_back[1] - taken_back[0] == 3


def test_the_tree_shows_every_probability_and_the_best_sentence():
    figure = decoding.beam_tree(MODEL, 2, 2)
    looks.assert_shows(figure, ["BOS", "0.5", "0.50", "0.20", "0.32", "0.04", "kept by a beam of 2"])
    looks.assert_legible(figure)
    looks.assert_same_bytes(lambda: decoding.beam_tree(MODEL, 2, 2))


@pytest.mark.parametrize(("width", "best"), [(1, "0.20"), (2, "0.32"), (3, "0.32")])
def test_what_the_beam_returns_is_green(width, best):
    figure = decoding.beam_tree(MODEL, width, 2)
    green = [t.get_text() for t in figure.axes[0].texts if t.get_color() == decoding.OUTPUT]
    assert green == [best]


def test_unknown_feed():
    with pytest.raises(ValueError, match="'teacher' or 'own', got 'mixed'"):
        decoding.encoder_decoder(["a"], ["EOS"], "mixed")

"""Padding and teacher forcing: nothing lost, nothing cut, decoder input and output one step apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.text.batches import mask, pad, teacher_forcing
from utils.text.vocabulary import BOS, EOS, PAD

SENTENCES = st.lists(st.lists(st.integers(4, 30), max_size=8), min_size=1, max_size=6)


@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=8), min_size=1, max_size=6), st.integers(0, 3))
def test_padding_keeps_every_number(sequences, more):
    length = max(map(len, sequences)) + more
    padded = pad(sequences, length)
    assert padded.shape == (len(sequences), length) and padded.dtype == np.int32
    assert [row[kept].tolist() for row, kept in zip(padded, mask(padded), strict=True)] == sequences
    assert np.array_equal(pad(sequences), padded[:, : padded.shape[1] - more])


@given(SENTENCES)
def test_the_decoder_reads_one_step_behind_what_it_writes(sentences):
    targets = pad([[BOS, *sentence, EOS] for sentence in sentences])
    decoder_in, decoder_out = teacher_forcing(targets)
    assert decoder_in.shape == decoder_out.shape == (len(sentences), targets.shape[1] - 1)
    for sentence, read, written in zip(sentences, decoder_in, decoder_out, strict=True):
        assert read[read != PAD].tolist() == [BOS, *sentence]
        assert written[written != PAD].tolist() == [*sentence, EOS]
    assert np.array_equal(mask(decoder_in), mask(decoder_out))


@pytest.mark.parametrize(
    ("sequences", "length", "error", "message"),
    [
        ([], None, ValueError, "at least one"),
        ([[4], []], None, ValueError, "sequence 1 is empty"),
        ([[4], [4, 5, 6]], 2, ValueError, "sequence 1 has 3 numbers, more than length=2"),
        ([[4, PAD]], None, ValueError, "holds PAD"),
        (["ab"], None, TypeError, "whole numbers"),
        ([[0.5]], None, TypeError, "whole numbers"),
    ],
)
def test_pad_says_what_is_wrong(sequences, length, error, message):
    with pytest.raises(error, match=message):
        pad(sequences, length)


@pytest.mark.parametrize(
    "row",
    [
        [4, 5, EOS, PAD],  # no BOS
        [BOS, 4, 5, 6],  # no EOS
        [BOS, 4, EOS, EOS],  # two of them
        [BOS, EOS, 4, PAD],  # something after it
        [BOS, PAD, 4, EOS],  # a hole
        [BOS, BOS, 4, EOS],
    ],
)
def test_teacher_forcing_wants_whole_sentences(row):
    with pytest.raises(ValueError, match="row 1 must be BOS … EOS"):
        teacher_forcing(np.array([[BOS, 4, 5, EOS], row]))


def test_teacher_forcing_wants_a_batch():
    with pytest.raises(ValueError, match=r"\(N, T\)"):
        teacher_forcing(np.array([BOS, 4, EOS]))
    with pytest.raises(ValueError, match="float"):
        teacher_forcing(np.ones((2, 3)))

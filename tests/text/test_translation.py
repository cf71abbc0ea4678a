"""The translation task: nothing leaks from training into what is held out, on either side."""

import numpy as np
import pytest

from utils import datasets
from utils.text import translation
from utils.text.batches import mask
from utils.text.vocabulary import BOS, EOS, UNK


def sides(split, direction="en-ja"):
    pair = (split.source_texts, split.target_texts)
    return pair if direction == "en-ja" else pair[::-1]


@pytest.mark.parametrize(("direction", "seed"), [("en-ja", 0), ("ja-en", 1)])
def test_no_sentence_is_in_two_splits_and_none_is_lost(direction, seed):
    data = translation.load(direction, seed=seed)
    splits = [data.train, data.val, data.test]
    pairs = [pair for split in splits for pair in zip(*sides(split, direction), strict=True)]
    assert sorted(pairs) == sorted((pair.en, pair.ja) for pair in datasets.load_sentence_pairs())
    assert len(data.val) >= 500 and len(data.test) >= 500 and len(data.train) > 4900
    for side in (0, 1):
        seen = [{translation._key(text) for text in sides(split, direction)[side]} for split in splits]
        assert not seen[0] & seen[1] and not seen[0] & seen[2] and not seen[1] & seen[2]


def test_near_copies_stay_together_also_in_a_chain():
    # a and b share the English side, b and c the Japanese one, up to marks and capitals
    chain = [("Go on!", "続けて。"), ("GO on.", "進め。"), ("Move.", "進め！")]
    others = [(f"It is {i}.", f"{i}です。") for i in range(3000)]
    for seed in range(4):
        parts = translation._deal(others[:1500] + chain + others[1500:], np.random.default_rng(seed))
        assert sorted(sum(pair in part for pair in chain) for part in parts) == [0, 0, 3]


def test_arrays_are_the_texts():
    data = translation.load(limit=50)
    assert len(data.train) == 50 and len(data.test) == 500
    for split in (data.train, data.val, data.test):
        assert len(split.source) == len(split.decoder_in) == len(split.decoder_out) == len(split)
        assert (split.source.shape[1], split.decoder_in.shape[1]) == (11, 17)
        assert split.source.dtype == split.decoder_in.dtype == split.decoder_out.dtype == np.int32
        assert np.all(split.decoder_in[:, 0] == BOS) and np.all((split.source == EOS).sum(axis=1) == 1)
        assert np.array_equal(mask(split.decoder_in), mask(split.decoder_out))
    read = [data.target_vocabulary.decode(row) for row in data.train.decoder_out]
    assert read == list(data.train.target_texts)  # 50 pairs: every character is known
    first = data.source_vocabulary.decode(data.train.source[0])
    assert first.replace(" ", "") == data.train.source_texts[0].lower().replace(" ", "")


def test_the_vocabulary_knows_the_training_texts_alone():
    data = translation.load()
    words = {token for text in data.train.source_texts for token in data.source_vocabulary.tokenize(text)}
    assert set(data.source_vocabulary.tokens[4:]) < words
    assert UNK in data.test.source and 0 < np.mean(data.train.source == UNK) < 0.01


def test_a_seed_is_a_split():
    first, again, other = (translation.load(seed=seed) for seed in (0, 0, 1))
    assert first.test.source_texts == again.test.source_texts != other.test.source_texts
    assert np.array_equal(first.train.source, again.train.source)
    assert "5,000 train" in repr(first) and "en-ja" in repr(first)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"direction": "en-fr"}, ValueError, "'en-ja' or 'ja-en', got 'en-fr'"),
        ({"limit": 0}, ValueError, "at least 1 pair"),
        ({"limit": 2.5}, TypeError, "limit must be a whole number"),
        ({"seed": -1}, ValueError, "0 or more"),
        ({"seed": True}, TypeError, "seed must be a whole number"),
    ],
)
def test_errors_say_what_to_do(given, error, message):
    with pytest.raises(error, match=message):
        translation.load(**given)

"""Sentence pairs to translate: the Tatoeba extract in three splits, as texts and as padded numbers.

English is cut into words, Japanese into characters. Translations of one sentence differ by a full stop or a capital
letter at times; such near copies, on either side, are never in two splits.
"""

import operator
import unicodedata
from dataclasses import dataclass

import numpy as np

from utils import datasets
from utils.text.batches import pad, teacher_forcing
from utils.text.tokens import characters, words
from utils.text.vocabulary import Vocabulary

HELD_OUT = 500  # pairs for validation, and again for the test
MIN_COUNT = 2  # a token that occurs once in training teaches nothing but itself


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """N sentence pairs.

    source_texts, target_texts: tuples of str.
    source: (N, S) int32, EOS at the end of each row, then PAD.
    decoder_in, decoder_out: (N, T) int32, see `batches.teacher_forcing`.
    """

    source_texts: tuple[str, ...]
    target_texts: tuple[str, ...]
    source: np.ndarray
    decoder_in: np.ndarray
    decoder_out: np.ndarray

    def __len__(self):
        return len(self.source_texts)


@dataclass(frozen=True, eq=False, repr=False)
class Translation:
    """A translation task: splits `train`, `val`, `test`; the vocabularies are made from `train` alone."""

    train: Split
    val: Split
    test: Split
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    direction: str

    def __repr__(self):
        sizes = f"{len(self.train):,} train, {len(self.val):,} validation, {len(self.test):,} test pairs"
        return (
            f"Translation({self.direction}: {sizes}; {len(self.source_vocabulary):,} source and "
            f"{len(self.target_vocabulary):,} target tokens)"
        )


def load(direction="en-ja", limit=None, seed=0):
    """The 6,000 short pairs of `datasets.load_sentence_pairs`, ready for an encoder–decoder.

    Args:
        direction: "en-ja" or "ja-en".
        limit: at most this many training pairs; validation and test stay whole.
        seed: chooses the splits and the order.

    Returns:
        Translation. S and T are the same in all splits, whatever the limit and the seed.

    Raises:
        ValueError: for another direction; limit or seed out of range.  TypeError: if they are no whole numbers.
    """
    if direction not in ("en-ja", "ja-en"):
        raise ValueError(f"direction must be 'en-ja' or 'ja-en', got {direction!r}")
    if limit is not None and _whole("limit", limit) < 1:
        raise ValueError(f"limit must be at least 1 pair, got {limit}")
    if _whole("seed", seed) < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    texts = [(pair.en, pair.ja) for pair in datasets.load_sentence_pairs()]
    if direction == "ja-en":
        texts = [pair[::-1] for pair in texts]
    val, test, train = _deal(texts, np.random.default_rng(seed))
    train = train[:limit]
    cut = (words, characters) if direction == "en-ja" else (characters, words)
    sides = [
        Vocabulary.from_texts([pair[side] for pair in train], cut[side], MIN_COUNT if len(train) > HELD_OUT else 1)
        for side in (0, 1)
    ]
    longest = [max(len(cut[side](pair[side])) for pair in texts) for side in (0, 1)]
    splits = [_split(part, *sides, longest[0] + 1, longest[1] + 2) for part in (train, val, test)]
    return Translation(*splits, *sides, direction)


def _split(pairs, source_vocabulary, target_vocabulary, source_length, target_length):
    source = pad([source_vocabulary.encode(text, eos=True) for text, _ in pairs], source_length)
    target = pad([target_vocabulary.encode(text, bos=True, eos=True) for _, text in pairs], target_length)
    return Split(*(tuple(side) for side in zip(*pairs, strict=True)), source, *teacher_forcing(target))


def _deal(texts, rng):
    """(validation, test, train): pairs that share a side, up to capitals, punctuation and width, stay together."""
    groups = {}
    for pair in texts:
        keys = [(side, _key(text)) for side, text in enumerate(pair)]
        together = [pair]
        for old in {id(groups[key]): groups[key] for key in keys if key in groups}.values():
            together += old
        for first, second in together:
            groups[0, _key(first)] = groups[1, _key(second)] = together
    unique = list({id(group): group for group in groups.values()}.values())
    held, train = [[], []], []
    for i in rng.permutation(len(unique)):
        part = next((part for part in held if len(part) < HELD_OUT), train)
        part += unique[i]
    return held[0], held[1], [train[i] for i in rng.permutation(len(train))]


def _key(text):
    """A text without what near copies differ in."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _whole(name, value):
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be a whole number, got {value!r}") from None

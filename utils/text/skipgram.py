"""What word2vec learns from: pairs cut out of sentences by a sliding window, fewer frequent words, and noise.

Words are numbers here (`Vocabulary.encode`). Sources: Mikolov et al. (2013a), arXiv:1301.3781, §3.1 CBOW and §3.2
skip-gram with its random window; Mikolov et al. (2013b), NIPS, §2.2 noise and §2.3 subsampling, (5).
"""

import numpy as np

from utils.numpy_layers.checks import positive_int
from utils.text.vocabulary import PAD, UNK


def pairs(sentences, window, rng=None):
    """Skip-gram: every word with each of its neighbours, from left to right.

    Args:
        sentences: lists of whole numbers. A window ends where its sentence ends.
        window: c, how many words to the left and to the right are neighbours.
        rng: numpy Generator; draws each centre's own window from 1 … c, so that near words come up more often
            (2013a, §3.2). None for the full window.

    Returns:
        (centers, contexts), both (P,) int32. A sentence of T > c words gives 2cT - c(c + 1) pairs with the full window.

    Raises:
        TypeError, ValueError: if a sentence does not hold whole numbers in a row, or window is below 1.
    """
    words, sentence = _flat(sentences)
    window = positive_int("window", window)
    reach = np.full(len(words), window) if rng is None else rng.integers(1, window + 1, len(words))
    place, offset = _inside(sentence, window, reach)
    return words[place], words[place + offset]


def bags(sentences, window):
    """CBOW: the bag of words around each word, and the word in the middle.

    Args:
        sentences, window: as in `pairs`; the full window. A sentence of one word has no context and is left out.

    Returns:
        (contexts, centers): (P, 2c) int32, the words from left to right, then `PAD`; and (P,) int32.

    Raises:
        TypeError, ValueError: as in `pairs`.
    """
    words, sentence = _flat(sentences)
    window = positive_int("window", window)
    place, offset = _inside(sentence, window, np.full(len(words), window))
    centers, start, size = np.unique(place, return_index=True, return_counts=True)
    contexts = np.full((len(centers), 2 * window), PAD, np.int32)
    row = np.repeat(np.arange(len(centers)), size)
    contexts[row, np.arange(len(place)) - np.repeat(start, size)] = words[place + offset]
    return contexts, words[centers]


def count(sentences, size):
    """How often each number 0 … size - 1 occurs: (size,) int64.

    Raises:
        ValueError: if a number is not below `size`.
    """
    words, _ = _flat(sentences)
    if len(words) and words.max() >= size:
        raise ValueError(f"number {words.max()} is not in a vocabulary of {size}")
    return np.bincount(words, minlength=size)


def keep_probability(counts, threshold=1e-5):
    """Chance that one occurrence of a word stays in the text: min(1, √(t / f)), f its share of all words.

    (5) of 2013b gives what is *dropped*, 1 - √(t / f). t = 1e-5 is meant for 10⁹ words; a small text needs more.

    Args:
        counts: (V,), how often each word occurs.
        threshold: t, above 0.

    Raises:
        ValueError: if nothing was counted or t is not above 0.
    """
    counts = _counts(counts)
    if not threshold > 0:
        raise ValueError(f"threshold must be above 0, got {threshold}")
    share = np.maximum(counts / counts.sum(), np.finfo(float).tiny)
    return np.minimum(1.0, np.sqrt(threshold / share))


def subsample(sentences, keep, rng):
    """Drop words by chance, before any window is cut: what is left moves closer together.

    Args:
        sentences: lists of whole numbers.
        keep: (V,), what `keep_probability` returned.
        rng: numpy Generator.

    Returns:
        list of int32 arrays; sentences of which fewer than two words are left are left out.
    """
    words, sentence = _flat(sentences)
    stays = rng.random(len(words)) < np.asarray(keep)[words]
    words, sentence = words[stays], sentence[stays]
    ends = np.flatnonzero(np.diff(sentence)) + 1
    return [part for part in np.split(words, ends) if len(part) > 1]


def noise(counts, power=0.75):
    """Noise distribution P_n(w) ∝ count(w)^power; 3/4 in 2013b, §2.2. The special numbers 0 … 3 get none.

    Power 1 draws words as often as the text has them, power 0 all alike.

    Raises:
        ValueError: if nothing was counted.
    """
    weights = np.where(_counts(counts) > 0, np.maximum(counts, 1.0) ** power, 0.0)
    weights[: UNK + 1] = 0
    if not weights.any():
        raise ValueError("only special numbers were counted: there is no word to draw")
    return weights / weights.sum()


def draw(probabilities, shape, rng):
    """Numbers drawn from a distribution: int32 of that shape. A true word may be among them, by chance."""
    edges = np.cumsum(probabilities)
    found = np.searchsorted(edges, rng.random(shape) * edges[-1], side="right")
    return np.minimum(found, np.flatnonzero(probabilities)[-1]).astype(np.int32)


def _inside(sentence, window, reach):
    """Places and offsets of all neighbours in the same sentence, place by place and from left to right."""
    places, offsets = [], []
    for offset in (*range(-window, 0), *range(1, window + 1)):
        place = np.arange(max(0, -offset), len(sentence) - max(0, offset))
        place = place[(sentence[place] == sentence[place + offset]) & (reach[place] >= abs(offset))]
        places.append(place)
        offsets.append(np.full(len(place), offset))
    place, offset = np.concatenate(places), np.concatenate(offsets)
    order = np.argsort(place, kind="stable")
    return place[order], offset[order]


def _flat(sentences):
    """All words in a row, and the number of the sentence that each belongs to."""
    rows = [np.asarray(sentence) for sentence in sentences]
    for i, row in enumerate(rows):
        if row.ndim != 1 or (row.size and row.dtype.kind not in "iu"):
            raise TypeError(f"sentence {i} must hold whole numbers in a row, got {sentences[i]!r}: encode it first")
    sizes = [row.size for row in rows]
    if not sum(sizes):
        raise ValueError("there is no word in these sentences")
    return np.concatenate(rows).astype(np.int32), np.repeat(np.arange(len(rows)), sizes)


def _counts(counts):
    counts = np.asarray(counts)
    if counts.ndim != 1 or not counts.sum() > 0:
        raise ValueError(f"counts must be how often each word occurs, one axis and not all 0; got shape {counts.shape}")
    return counts

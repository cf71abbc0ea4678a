"""Sentences to learn word vectors from: English and Japanese, already cut into words."""

import lzma

from utils.datasets import DATA
from utils.numpy_layers.checks import positive_int

FILE = "tatoeba_words.tsv.xz"
LANGUAGES = ("en", "ja")


def load_sentences(lang="en", limit=None):
    """Sentences of Tatoeba (CC BY 2.0 FR) in one language, words between spaces: `sentence.split()` gives the words.

    English is in lower case and without punctuation. Japanese was cut into words by janome 0.5.0, which also cuts the
    endings off verbs: 食べました is 食べ まし た. The order is that of Tatoeba's numbers, so that neighbours may
    resemble each other: shuffle before splitting. Sentence i of one language translates sentence i of the other.

    Args:
        lang: "en" or "ja".
        limit: at most this many sentences, spread evenly over the file; None for all.

    Returns:
        list of str.

    Raises:
        ValueError: for another language, or a limit below 1.  TypeError: if limit is no whole number.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang must be one of {', '.join(LANGUAGES)}, got {lang!r}")
    if limit is not None:
        limit = positive_int("limit", limit)
    column = 1 + LANGUAGES.index(lang)
    with lzma.open(DATA / FILE, "rt", encoding="utf-8", newline="\n") as file:
        found = [line.rstrip("\n").split("\t")[column] for line in file][1:]
    if limit is None or limit >= len(found):
        return found
    return [found[i * len(found) // limit] for i in range(limit)]

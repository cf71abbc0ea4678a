"""From a text to its tokens: single characters (Japanese), or words and punctuation (English)."""

import re

WORD = re.compile(r"\w+(?:'\w+)*|[^\w\s]")


def characters(text):
    """Every character is a token, spaces included: no dictionary is needed to cut Japanese.

    Raises:
        TypeError: if it is no str.
    """
    return list(_text(text))


def words(text):
    """English words in lower case, punctuation marks as tokens of their own; "don't" stays one word.

    Raises:
        TypeError: if it is no str.
    """
    return WORD.findall(_text(text).lower().replace("’", "'"))


def _text(text):
    if not isinstance(text, str):
        raise TypeError(f"a text must be a str, got {text!r}")
    return text

"""Dates as people write them, and the one way that ISO 8601 writes them: pairs for a small translation task.

The spellings come from Babel (Unicode CLDR), in English and in Japanese; years are Gregorian, as Babel knows no eras.
One date in ten is kept for testing: no spelling of it is ever in the training part, so that learning dates by heart
does not help.
"""

import datetime
import difflib
from functools import cache

import numpy as np

from utils.numpy_layers.checks import positive_int

FIRST, LAST = datetime.date(1950, 1, 1), datetime.date(2049, 12, 31)  # a hundred years: '94 can only be 1994
TEST_SHARE = 0.1
# Babel's names and patterns. All of them can be told apart, also where both languages are mixed.
FORMATS = {
    "en": ("full", "long", "medium", "short", "d MMMM y", "EEE, d MMM y", "MM/dd/y", "dd.MM.y"),
    "ja": ("full", "long", "medium", "y年MM月dd日", "y年M月d日(E)", "y年M月d日 EEEE", "y/MM/dd(E)", "y.MM.dd"),
}


def date_pairs(count, lang="en", seed=0, part="train"):
    """Random dates in random spellings, and their ISO form.

    Args:
        count: number of pairs; a date may come several times, in several spellings.
        lang: "en", "ja", or "both" (about half of each).
        seed: of the draw. The division into parts does not depend on it.
        part: "train" or "test"; the two share no date.

    Returns:
        (texts, iso): lists of str, "September 7, 1994" and "1994-09-07" at the same place.

    Raises:
        TypeError, ValueError: for a count below 1, an unknown language or part.
    """
    count = positive_int("count", count)
    _known("lang", lang, (*FORMATS, "both"))
    days = dates(part)
    spellings = [(code, name) for code in FORMATS if lang in (code, "both") for name in FORMATS[code]]
    rng = np.random.default_rng(seed)
    chosen = [days[i] for i in rng.integers(len(days), size=count)]
    how = [spellings[i] for i in rng.integers(len(spellings), size=count)]
    texts = [spell(date, name, code) for date, (code, name) in zip(chosen, how, strict=True)]
    return texts, [date.isoformat() for date in chosen]


@cache
def dates(part):
    """All dates of a part, as a tuple in the order of the calendar.

    Raises:
        ValueError: for a part other than "train" and "test".
    """
    _known("part", part, ("train", "test"))
    days = (LAST - FIRST).days + 1
    tested = np.zeros(days, bool)
    tested[np.random.default_rng(0).permutation(days)[: round(TEST_SHARE * days)]] = True
    return tuple(FIRST + datetime.timedelta(int(i)) for i in np.flatnonzero(tested == (part == "test")))


def spell(date, name, lang):
    """One date in one spelling.

    Args:
        date: datetime.date.
        name: one of FORMATS[lang], or any other pattern of Babel's.
        lang: "en" or "ja".

    Raises:
        ValueError: for an unknown language.
    """
    from babel.dates import format_date

    _known("lang", lang, FORMATS)
    return format_date(date, name, locale=lang)


def _known(name, value, known):
    if value not in known:
        near = difflib.get_close_matches(str(value), known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}; got {value!r}{hint}")

"""Dates in many spellings: read back by an independent parser, the parts disjoint, errors."""

import datetime
import re

import pytest

from utils.text import dates

DAY = datetime.date(1994, 9, 7)
ENGLISH_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def read(text):
    """ISO form of a spelling, by rules that know nothing of the module's tables."""
    if named := re.search(r"(?:(\d+) )?([A-Z][a-z]{2})[a-z]*(?: (\d+),)? (\d{4})$", text):
        before, month, after, year = named.groups()
        return f"{year}-{ENGLISH_MONTHS.index(month) + 1:02}-{int(before or after):02}"
    first, second, third = map(int, re.findall(r"\d+", text))
    if first > 31 or "年" in text:
        year, month, day = first, second, third
    elif "." in text:
        day, month, year = first, second, third
    else:
        month, day, year = first, second, third
    year += 0 if year > 99 else 2000 if year < 50 else 1900
    return f"{year}-{month:02}-{day:02}"


@pytest.mark.parametrize("lang", ["en", "ja", "both"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_every_spelling_means_its_date(lang, part):
    texts, iso = dates.date_pairs(3000, lang, seed=1, part=part)
    assert [read(text) for text in texts] == iso


def test_all_spellings_of_one_day():
    english = [dates.spell(DAY, name, "en") for name in dates.FORMATS["en"]]
    assert english == [
        "Wednesday, September 7, 1994",
        "September 7, 1994",
        "Sep 7, 1994",
        "9/7/94",
        "7 September 1994",
        "Wed, 7 Sep 1994",
        "09/07/1994",
        "07.09.1994",
    ]
    japanese = [dates.spell(DAY, name, "ja") for name in dates.FORMATS["ja"]]
    assert japanese == [
        "1994年9月7日水曜日",
        "1994年9月7日",
        "1994/09/07",
        "1994年09月07日",
        "1994年9月7日(水)",
        "1994年9月7日 水曜日",
        "1994/09/07(水)",
        "1994.09.07",
    ]


def test_the_parts_share_no_date_and_miss_none():
    train, test = dates.dates("train"), dates.dates("test")
    assert not set(train) & set(test)
    assert len(train) + len(test) == 36_525 and len(test) == 3_652
    _, iso = dates.date_pairs(20_000, "both")
    _, held = dates.date_pairs(20_000, "both", seed=1, part="test")
    assert not set(iso) & set(held)
    assert set(held) <= {day.isoformat() for day in test}


def test_a_draw_is_its_seed():
    assert dates.date_pairs(50, "both", seed=3) == dates.date_pairs(50, "both", seed=3)
    assert dates.date_pairs(50, "both", seed=3) != dates.date_pairs(50, "both", seed=4)
    texts, _ = dates.date_pairs(1000, "both")
    assert 400 < sum("年" in text or text[:4].isdigit() for text in texts) < 600


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: dates.date_pairs(0), ValueError, "count must be at least 1, got 0"),
        (lambda: dates.date_pairs(2.0), TypeError, "count must be a whole number"),
        (lambda: dates.date_pairs(2, "jp"), ValueError, "lang must be one of 'en', 'ja', 'both'; got 'jp'"),
        (lambda: dates.date_pairs(2, part="tset"), ValueError, "did you mean 'test'"),
        (lambda: dates.spell(DAY, "long", "both"), ValueError, "lang must be one of 'en', 'ja'"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()

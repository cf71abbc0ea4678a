"""Dates in many spellings: read back by an independent parser, the parts disjoint, errors."""

import datetime
import re

import pytest

from utils.text import dates

DAY = datetime.date(1994, 9, 7)
ENGLISH_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def read(text):
    """ISO form of a spelling, by rules that know nothing of the module's tables."""
    if era := re.fullmatch(r"(令和|平成|昭和|[RHS])(元|\d+)[年.](\d+)[月.](\d+)日?", text):
        name, year, month, day = era.groups()
        year = {"令": 2018, "R": 2018, "平": 1988, "H": 1988, "昭": 1925, "S": 1925}[name[0]] + int(
            year.replace("元", "1")
        )
        return f"{year}-{int(month):02}-{int(day):02}"
    if named := re.search(r"(?:(\d+) )?([A-Z][a-z]{2})[a-z]*(?: (\d+),)? (\d{4})$", text):
        before, month, after, year = named.groups()
        return f"{year}-{ENGLISH_MONTHS.index(month) + 1:02}-{int(before or after):02}"
    first, second, third = map(int, re.findall(r"\d+", text))
    if first > 31:
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
        "1994.9.7",
        "平成6年9月7日",
        "H6.9.7",
    ]


@pytest.mark.parametrize(
    ("day", "expected"),
    [((1989, 1, 7), "昭和64年1月7日"), ((1989, 1, 8), "平成元年1月8日"), ((2019, 4, 30), "平成31年4月30日")]
    + [((2019, 5, 1), "令和元年5月1日"), ((2020, 1, 1), "令和2年1月1日")],
)
def test_eras_begin_on_their_day(day, expected):
    assert dates.spell(datetime.date(*day), "era", "ja") == expected


def test_the_parts_share_no_date_and_miss_none():
    train, test = dates.dates("train"), dates.dates("test")
    assert not set(train) & set(test)
    assert len(train) + len(test) == 36_525 and len(test) == 3_652
    _, iso = dates.date_pairs(20_000, "both")
    _, held = dates.date_pairs(20_000, "both", seed=1, part="test")
    assert not set(iso) & set(held)
    assert set(held) == {day.isoformat() for day in test if day.isoformat() in held}


def test_a_draw_is_its_seed():
    assert dates.date_pairs(50, "both", seed=3) == dates.date_pairs(50, "both", seed=3)
    assert dates.date_pairs(50, "both", seed=3) != dates.date_pairs(50, "both", seed=4)
    texts, _ = dates.date_pairs(1000, "both")
    assert 400 < sum(bool(re.search("[年月日]|^[RHS]", text)) or text[:4].isdigit() for text in texts) < 600


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: dates.date_pairs(0), ValueError, "count must be at least 1, got 0"),
        (lambda: dates.date_pairs(2.0), TypeError, "count must be a whole number"),
        (lambda: dates.date_pairs(2, "jp"), ValueError, "lang must be one of 'en', 'ja', 'both'; got 'jp'"),
        (lambda: dates.date_pairs(2, part="tset"), ValueError, "did you mean 'test'"),
        (lambda: dates.spell(DAY, "long", "both"), ValueError, "lang must be one of 'en', 'ja'"),
        (lambda: dates.spell(datetime.date(1900, 1, 1), "era", "ja"), ValueError, "lies before 昭和"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()

"""Sources: every rule that the build enforces, each with the line and key that breaks it."""

import re

import pytest

from tools.rules import headings, load
from tools.source import SourceError

NAME = "01_doubling"


@pytest.fixture
def refused(unbuilt, change):
    """refused(old, new): the problems after a change of the source."""

    def problems(old, new):
        change(unbuilt.source(NAME), old, new)
        with pytest.raises(SourceError) as error:
            load(unbuilt, NAME)
        return error.value.problems

    return problems


def test_a_good_source_is_read(unbuilt):
    chapter = load(unbuilt, NAME)
    assert chapter.header["title"] == {"en": "Doubling", "ja": "2倍"}
    assert (chapter.header["kind"], chapter.header["tpu"], chapter.header["depends"]) == ("chapter", False, [])
    assert chapter.cells[0].text == {
        "en": "# Doubling\n\nA promise.\n\n{{badge}}",
        "ja": "# 2倍\n\n約束。\n\n{{badge}}",
    }
    assert [cell.key for cell in chapter.code()] == "setup imports picture agreement triple triple-check".split()
    assert chapter.code()[-1].tags == ("edition-output",)


JA_CELL = '# %% [markdown] key="section-3" lang="ja"\n# ## 確かめる\n#\n# 本文。\n'
EN_CELL = '# %% [markdown] key="section-3" lang="en"\n# ## Agreement\n#\n# Text.\n'


@pytest.mark.parametrize(
    ("old", "new", "key", "message"),
    [
        (
            JA_CELL,
            "",
            "section-3",
            'no translation: the cell with this key and lang="ja" is missing; add it directly after',
        ),
        (EN_CELL, "", "section-3", 'lang="en" is missing; add it directly before'),
        (JA_CELL, JA_CELL.replace("ja", "de"), "section-3", 'lang is \'de\'; write lang="en" or lang="ja"'),
        (JA_CELL, JA_CELL.replace(' lang="ja"', ""), "section-3", "lang is None"),
        (f"{EN_CELL}\n{JA_CELL}", f"{JA_CELL}\n{EN_CELL}", "section-3", 'stand next to each other, lang="en" first'),
        (JA_CELL, JA_CELL.partition("\n")[0] + "\n#\n", "section-3", 'the text in "ja" is empty'),
        (JA_CELL, JA_CELL + "\n" + JA_CELL, "section-3", "this key is already used in line"),
        ('key="agreement"', 'key="picture"', "picture", "this key is already used in line"),
        ('key="agreement"', 'key="section-3"', "section-3", "this key is already used in line"),
        ('# %% key="agreement"', "# %%", None, "the cell has no key"),
        ('key="agreement"', 'key="Agreement_1"', "Agreement_1", "lower-case letters, digits and hyphens"),
        ('key="agreement"', f'key="{"a" * 56}"', "a" * 56, "at most 55"),
        (
            'key="agreement"',
            'key="agreement" tags=["nbval-skip"]',
            "agreement",
            "unknown tag 'nbval-skip'; known: nbval-",
        ),
        ('key="agreement"', 'key="agreement" tags=["raises-exception"]', "agreement", "unknown tag 'raises-exception'"),
        ('key="agreement"', 'key="agreement" tag="exercise"', "agreement", "cannot read 'tag' in the cell marker"),
        ('key="agreement"', 'key="agreement" lang="en"', "agreement", "remove lang"),
        ('key="agreement"', "key=agreement", None, "cannot read 'incorrectly_encoded_metadata'"),
        ('# %% key="agreement"', '# %% Title key="agreement"', "agreement", "cannot read 'title'"),
        ('# %% key="agreement"', '# %% [raw] key="agreement"', "agreement", "raw cells are not used"),
        (
            'key="section-3" lang="ja"',
            'key="section-3" lang="ja" tags=["exercise"]',
            "section-3",
            "tags belong to code",
        ),
        ("x = np.arange(3)", "x = = 3", "agreement", "no valid Python: invalid syntax"),
        ("### BEGIN SOLUTION", "### BEGIN", "triple", "the solution stands between lines"),
        ("    ### BEGIN SOLUTION\n", "", "triple", "the solution stands between lines"),
        (
            'key="triple" tags=["exercise"]',
            'key="triple"',
            "triple",
            'solution markers, but no tag; add tags=["exercise"]',
        ),
        ('key="triple-check"', 'key="check"', "triple", 'the next code cell must check it: # %% key="triple-check"'),
        (
            'key="triple-check" tags=["edition-output"]',
            'key="triple-check"',
            "triple",
            "the next code cell must check it",
        ),
        ("exam.check(triple", "print(triple", "triple", "ending in exam.check("),
        ("# {{setup}}\n", "# {{setup}}\nx = 1\n", "setup", "the first code cell is the only one with {{setup}}"),
        ("x = np.arange(3)", "# {{setup}}\nx = np.arange(3)", "setup", "the only one with {{setup}}"),
        (
            'key="setup" tags=["nbval-ignore-output"]',
            'key="setup" tags=["edition-output"]',
            "setup",
            "runs once for both",
        ),
        ("# A promise.\n#\n# {{badge}}", "# A promise.", "title", "{{badge}} stands once in the first cell of en"),
        ("# ## 確かめる\n", "# ## 確かめる\n# {{badge}}\n", "section-3", "{{badge}} stands once"),
        ("# # Doubling", "# Doubling", "title", "one H1 (# …) in en, in its first cell"),
        ("# ## Agreement", "# # Agreement", "title", "one H1"),
        ("# ## Agreement", "# ## Agreements", "section-3", 'the H2 in en is "Agreements" where "Agreement" is due'),
        ("# ## 確かめる", "# ## 確認", "section-3", 'the H2 in ja is "確認" where "確かめる" is due'),
        ("# ## Agreement", "# ### Agreement", "section-4", 'the H2 in en is "In Keras" where "Agreement" is due'),
        ("# ## References", "# ### References", "section-8", '"References" is missing after this cell in en'),
        ("# ## 参考文献", "# ## 参考文献\n# ## 余り", "section-9", "too many H2 from this cell in ja"),
    ],
)
def test_a_broken_rule_is_refused_with_line_and_key(refused, unbuilt, old, new, key, message):
    problems = refused(old, new)
    (problem,) = [line for line in problems if message in line][:1] or [problems]
    assert message in problem
    match = re.match(rf"notebooks/src/{NAME}\.py:(\d+): ", problem)
    assert match, problem
    text = unbuilt.source(NAME).read_text(encoding="utf-8").split("\n")
    if key:
        assert f'key "{key}": ' in problem
    above = [line for line in text[: int(match[1])] if line.startswith("# %%")][-1]
    assert key is None or f'key="{key}"' in above


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("#   minutes: 5\n", "", "header field 'minutes' is missing: expected a whole number of minutes"),
        ("minutes: 5", "minutes: five", "py:5: header field 'minutes' is 'five': expected a whole number"),
        ("minutes: 5", "minutes: 0", "header field 'minutes' is 0"),
        (
            "scope: examined",
            "scope: exam",
            "py:4: header field 'scope' is 'exam': expected examined, optional or legacy",
        ),
        ('topics: ["1.1"]', "topics: [1.1]", "a list of topic ids in quotes"),
        (', ja: "2倍"', "", "header field 'title'"),
        ("minutes: 5", "minutes: 5\n#   hours: 1", "unknown header field 'hours'; known: title, scope"),
        ("prerequisites: []", 'prerequisites: ["00_none"]', "prerequisite '00_none' is no chapter; known: 01_doubling"),
        ("# study:", "# other:", "the file begins with a header"),
        ("# ---\n# study", "# study", "the file begins with a header"),
        ("minutes: 5", "minutes: {", "the file begins with a header"),
        ("minutes: 5", "minutes: !!python/object/apply:os.getcwd []", "the file begins with a header"),
    ],
)
def test_a_bad_header_is_refused(refused, old, new, message):
    (problem,) = refused(old, new)
    assert problem.startswith(f"notebooks/src/{NAME}.py:") and message in problem


def test_a_line_like_a_cell_marker_in_a_string_is_refused(refused):
    (problem,) = refused("x = np.arange(3)", 'x = """\n# %% no cell\n"""')
    assert "looks like a cell marker" in problem


def test_all_problems_are_reported_at_once(unbuilt, change):
    change(unbuilt.source(NAME), JA_CELL, "")
    change(unbuilt.source(NAME), 'key="picture"', 'key="picture" tags=["x"]')
    change(unbuilt.source(NAME), "minutes: 5", "minutes: five")
    with pytest.raises(SourceError) as error:
        load(unbuilt, NAME)
    assert len(error.value.problems) == 3


def test_a_guide_has_its_own_sections(unbuilt, change):
    change(unbuilt.source(NAME), "# ## Agreement", "# ## Anything")
    change(unbuilt.source(NAME), "prerequisites: []", "prerequisites: []\n#   kind: guide")
    assert load(unbuilt, NAME).header["kind"] == "guide"


def test_a_heading_in_a_code_fence_is_none():
    text = "# A\n\n```python\n# comment\n## other\n```\n\n## B ##\n~~~~\n# x\n~~~\n# x\n~~~~\n### C\n#no"
    assert [(level, words) for level, words, _ in headings(text)] == [(1, "A"), (2, "B"), (3, "C")]


def test_an_empty_file_is_refused(unbuilt):
    unbuilt.source(NAME).write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match=r"01_doubling\.py:1: the file begins with a header"):
        load(unbuilt, NAME)

"""Built notebooks as documents: complete, current, compared by the tests, and fit to be read."""

import json
import subprocess
import sys

import pytest

from tests.notebooks import documents
from tests.notebooks.documents import PROJECT, ROOT, code_cells, notebook, output_texts
from tools.check import check, orphans
from tools.outputs import ADDRESS, png_size
from tools.project import LANGUAGES
from tools.rules import HEADINGS, headings, load

NAMES = PROJECT.names()
BUILT = [name for name in NAMES if all(path.exists() for path in PROJECT.editions(name).values())]
MAX_IGNORED = 2  # the report of the machine, and one cell of timings
# A figure is at least as large as a thumb, and fits a page; in pixels and in characters of base64.
WIDTH, HEIGHT, SIZE = (150, 1600), (60, 2400), 250_000

each_chapter = pytest.mark.parametrize("name", BUILT)
each_edition = pytest.mark.parametrize("lang", LANGUAGES)


def test_there_are_chapters_and_no_stray_notebooks():
    assert NAMES, "notebooks/src holds no chapter"
    assert orphans(PROJECT) == []


@pytest.mark.parametrize("name", NAMES)
def test_editions_are_what_the_source_gives(name):
    assert check(PROJECT, [name]) == []


@each_chapter
@each_edition
def test_sections_stand_in_their_order(name, lang):
    if notebook(PROJECT, lang, name)["metadata"]["study"]["kind"] == "guide":
        pytest.skip("a guide has sections of its own")
    found = [words for level, words, _ in headings(documents.markdown(PROJECT, lang, name)) if level == 2]
    assert found == list(HEADINGS[lang])


@each_chapter
def test_code_is_the_same_in_both_editions(name):
    en, ja = (code_cells(PROJECT, lang, name) for lang in LANGUAGES)
    assert [cell["id"] for cell in en] == [cell["id"] for cell in ja]
    for one, other in zip(en, ja, strict=True):
        if one["id"] == "setup":
            assert "".join(one["source"]).replace('lang="en"', 'lang="ja"') == "".join(other["source"])
        else:
            assert one["source"] == other["source"]
        if "edition-output" not in one["metadata"].get("tags", []):
            assert one["outputs"] == other["outputs"]


@each_chapter
def test_few_outputs_are_ignored(name):
    ignored = [cell["id"] for cell in code_cells(PROJECT, "en", name) if documents.ignored(cell)]
    assert len(ignored) <= MAX_IGNORED, f"ignored: {', '.join(ignored)}"


def test_nine_of_ten_text_outputs_are_compared():
    cells = [cell for name in BUILT for cell in code_cells(PROJECT, "en", name)]
    assert documents.share_compared(cells) >= 0.9


@each_chapter
@each_edition
def test_outputs_show_no_object_addresses(name, lang):
    shown = {cell["id"]: text for cell in code_cells(PROJECT, lang, name) for text in output_texts(cell)}
    assert [key for key, text in shown.items() if ADDRESS.search(text)] == []


@each_chapter
def test_figures_are_pictures_of_a_legible_size(name):
    for cell in code_cells(PROJECT, "en", name):
        for output in cell["outputs"]:
            png = "".join(output.get("data", {}).get("image/png", ""))
            if png:
                width, height = png_size(png)
                assert WIDTH[0] <= width <= WIDTH[1] and HEIGHT[0] <= height <= HEIGHT[1], (cell["id"], width, height)
                assert len(png) <= SIZE, f"{cell['id']}: a figure of {len(png) / 1000:.0f} kB"


@each_chapter
@each_edition
def test_links_lead_somewhere(name, lang):
    assert documents.broken_links(PROJECT, lang, name) == []


@pytest.mark.parametrize("name", NAMES)
def test_exercises_are_blank_first_and_right_when_solved(name):
    keys = [cell.key for cell in load(PROJECT, name).code() if "exercise" in cell.tags]
    if not keys:
        pytest.skip("no exercises")
    command = [sys.executable, "-m", "tests.notebooks.run_exercises", str(ROOT), name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {key: ["blank", "right"] for key in keys}

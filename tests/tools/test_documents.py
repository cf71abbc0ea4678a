"""The tests of the notebooks find what they look for; and strict nbval accepts what the build wrote, twice."""

import json
import subprocess
import sys

import pytest

from tests.notebooks import documents
from tools.pipeline import build

NAME = "01_doubling"


@pytest.fixture(autouse=True)
def fresh():
    documents.notebook.cache_clear()


def exercises(project):
    done = subprocess.run(
        [sys.executable, "-m", "tests.notebooks.run_exercises", str(project.root), NAME],
        cwd=documents.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else done.stderr


def test_an_exercise_is_blank_and_then_right(unbuilt):
    assert exercises(unbuilt) == {"triple": ["blank", "right"]}


def test_a_wrong_solution_is_found(unbuilt, change):
    change(unbuilt.source(NAME), "return y + x", "return y - x")
    assert exercises(unbuilt) == {"triple": ["blank", "wrong"]}


def test_feedback_can_read_the_source_of_an_exercise(unbuilt, change):
    exam = unbuilt.root / "utils/exam/__init__.py"
    change(
        exam,
        "results = [func",
        'import inspect\n\n    assert "def triple" in inspect.getsource(func)\n    results = [func',
    )
    assert exercises(unbuilt) == {"triple": ["blank", "right"]}


def test_an_exercise_that_needs_other_cells_is_found(unbuilt, change):
    change(unbuilt.source(NAME), "y = x + x", "y = x + len(later)")
    change(unbuilt.source(NAME), "x = np.arange(3)", "x = np.arange(3)\nlater = x")
    assert "NameError" in exercises(unbuilt)


def test_the_share_of_compared_cells(built):
    cells = documents.code_cells(built, "en", NAME)
    with_text = [cell["id"] for cell in cells if documents.output_texts(cell)]
    assert with_text == ["setup", "picture", "agreement", "triple-check"]
    assert documents.share_compared(cells) == 0.75


@pytest.mark.parametrize(
    ("link", "broken"),
    [
        ("[a](#Key-ideas)", []),
        ("[a](#Key-idea)", ["#Key-idea"]),
        (f"[a]({NAME}.ipynb#Agreement)", []),
        (f'[a](../ja/{NAME}.ipynb "title")', []),
        ("[a](../../data/questions/)", []),
        ("[a](02_none.ipynb)", ["02_none.ipynb"]),
        ('<a href="none.html">a</a>', ["none.html"]),
        ("[a](https://example.org/x)", []),
        ("`[a](none)` and\n#\n# ```\n# [a](none)\n# ```", []),
    ],
)
def test_broken_links_are_found(built, change, link, broken):
    change(built.source(NAME), "# ## Agreement\n", f"# ## Agreement\n#\n# {link}\n")
    assert build(built, []) == []
    assert documents.broken_links(built, "en", NAME) == broken


def nbval(project):
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    options = ["--nbval-cell-timeout=60", "--rootdir", str(project.root), str(project.root / "notebooks" / "en")]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False, cwd=project.root)


def test_strict_nbval_passes_twice_and_finds_another_output(built, change):
    for _ in range(2):
        done = nbval(built)
        assert done.returncode == 0 and "6 passed" in done.stdout, done.stdout
    change(built.edition("en", NAME), "[0 2 4]", "[0 2 5]")
    done = nbval(built)
    assert done.returncode == 1 and "1 failed, 5 passed" in done.stdout, done.stdout

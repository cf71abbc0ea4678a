"""Building: what is executed, what is only written anew, what is refused, and that nothing is left half done."""

import base64
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest

from tools import build as command
from tools import execute, pipeline
from tools.check import check
from tools.pipeline import build
from tools.project import Project, write

HOME = "/".join(["", "home", "me"])  # put together here, so that this file holds no such path itself

NAME = "01_doubling"
ROOT = Path(command.__file__).parents[1]


@pytest.fixture
def no_kernel(monkeypatch):
    """Any execution is a failure."""

    async def refuse(*arguments):
        raise AssertionError("executed")

    monkeypatch.setattr(execute, "execute", refuse)


def notebook(project, lang):
    return json.loads(project.edition(lang, NAME).read_text(encoding="utf-8"))


def cells(project, lang):
    return {cell["id"]: cell for cell in notebook(project, lang)["cells"]}


def test_both_editions_have_the_same_cells_but_for_language(built):
    en, ja = cells(built, "en"), cells(built, "ja")
    assert list(en) == list(ja)
    differing = [key for key in en if en[key]["cell_type"] == "code" and en[key] != ja[key]]
    assert differing == ["setup", "triple-check"]
    assert en["setup"]["source"][:-1] == ja["setup"]["source"][:-1]
    assert ja["setup"]["source"][-1] == 'rt = runtime.setup(lang="ja")'
    for key, lang in {"en": "en", "ja": "ja"}.items():
        output = cells(built, key)["triple-check"]["outputs"][0]
        assert output["data"]["text/plain"] == [f"{lang}: blank"]


def test_execution_counts_are_those_of_a_straight_run(built):
    for lang in ("en", "ja"):
        counts = [c["execution_count"] for c in notebook(built, lang)["cells"] if c["cell_type"] == "code"]
        assert counts == list(range(1, len(counts) + 1))
    assert cells(built, "ja")["triple-check"]["outputs"][0]["execution_count"] == counts[-1]


def test_exercise_becomes_a_stub_and_a_folded_solution_after_its_check(built):
    ids = list(cells(built, "en"))
    assert ids.index("triple-solution") == ids.index("triple-check") + 1
    stub = "".join(cells(built, "en")["triple"]["source"])
    assert stub == 'def triple(x):\n    """Three times x."""\n    ...  # your code / ここにコード'
    solution = "".join(cells(built, "ja")["triple-solution"]["source"])
    assert solution.startswith("<details><summary>解答</summary>\n\n```python\ndef triple(x):")
    assert "    return y + x\n```\n\n</details>" in solution and "###" not in solution


def test_pictures_are_stored_without_the_program_that_made_them(built):
    png = base64.b64decode(cells(built, "en")["picture"]["outputs"][0]["data"]["image/png"])
    assert png.startswith(b"\x89PNG") and b"Software" not in png and b"matplotlib" not in png


def test_metadata_holds_no_version_and_no_time(built):
    metadata = notebook(built, "en")["metadata"]
    assert metadata["kernelspec"] == {"display_name": "Python 3", "language": "python", "name": "python3"}
    assert metadata["language_info"] == {"name": "python"}
    assert metadata["study"]["title"] == {"en": "Doubling", "ja": "2倍"}
    assert all(set(cell["metadata"]) <= {"tags"} for cell in notebook(built, "en")["cells"])


def test_a_second_run_gives_the_same_bytes(built, editions):
    before = editions(built)
    for path in built.editions(NAME).values():
        path.unlink()
    assert build(built, []) == []
    assert editions(built) == before


def test_nothing_is_executed_when_nothing_changed(built, editions, no_kernel, capsys):
    before = editions(built)
    assert build(built, []) == []
    assert editions(built) == before and "up to date" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (f"notebooks/src/{NAME}.py", "約束。", "別の約束。"),
        (f"notebooks/src/{NAME}.py", "x = np.arange(3)", "x = np.arange(3)  # a comment"),
        (f"notebooks/src/{NAME}.py", "minutes: 5", "minutes: 6"),
        (f"notebooks/src/{NAME}.py", "y = x + x\n    return y + x", "return 3 * x"),
        ("utils/numbers/twice.py", "def double(x):", 'def double(x):\n    """Twice x."""'),
        ("utils/unused.py", "x = 1", "x = 2"),
        ("pyproject.toml", "https://x", "https://github.com/me/study"),
    ],
    ids=["prose", "comment", "header", "solution", "docstring", "unused module", "address"],
)
def test_outputs_are_reused(built, change, no_kernel, path, old, new):
    change(built.root / path, old, new)
    assert build(built, []) == []
    assert check(built) == []


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (f"notebooks/src/{NAME}.py", "x = np.arange(3)", "x = np.arange(4)"),
        (f"notebooks/src/{NAME}.py", ' tags=["nbval-ignore-output"]', ""),
        ("utils/numbers/twice.py", "2 * x", "x + x"),
        ("utils/runtime.py", '"runtime: stand-in"', '"r"'),
        (f"data/questions/{NAME}.yaml", "questions: []", "questions:   []"),
        ("constraints.txt", "2.4.6", "2.4.7"),
        ("tools/setup_cell.py", "import os\n", "import os\nimport json\n"),
    ],
    ids=["code", "tags", "transitive import", "runtime", "questions", "versions", "setup cell"],
)
def test_outputs_are_made_again(built, change, no_kernel, path, old, new):
    change(built.root / path, old, new)
    assert any("since the outputs" in line and "make build" in line for line in check(built))
    with pytest.raises(AssertionError, match="executed"):
        build(built, [])


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_outputs_edited_by_hand_are_made_again(built, change, editions, lang):
    before = editions(built)
    change(built.edition(lang, NAME), "[0 2 4]", "[0 2 5]")
    assert build(built, []) == []
    assert editions(built) == before


@pytest.fixture
def timed(unbuilt, change):
    """A built project with a cell whose output is new in every run; and a function that reads it."""
    timing = '# %% key="timing" tags=["nbval-ignore-output"]\nimport time\n\nprint(time.perf_counter_ns())\n\n'
    change(unbuilt.source(NAME), '# %% key="agreement"', timing + '# %% key="agreement"')
    assert build(unbuilt, []) == []
    return unbuilt, lambda lang="en": cells(unbuilt, lang)["timing"]["outputs"]


def test_timings_are_kept_where_nothing_else_is_new(timed):
    project, shown = timed
    first = shown()
    assert build(project, [], force=True) == []
    assert shown() == first == shown("ja")


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (f"notebooks/src/{NAME}.py", "np.arange(3)", "np.arange(4)"),
        (f"notebooks/src/{NAME}.py", "perf_counter_ns()", "perf_counter_ns() + 0"),
        ("constraints.txt", "2.4.6", "2.4.7"),
    ],
    ids=["another output", "its code", "versions"],
)
def test_timings_are_new_with(timed, change, path, old, new):
    project, shown = timed
    first = shown()
    change(project.root / path, old, new)
    assert build(project, []) == []
    assert shown() != first


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("\n1 / 0", "raised ZeroDivisionError: division by zero"),
        ("\nraise ValueError('line one\\nline two')", "raised ValueError: line one line two; make the cell run"),
        ("\nimport sys\n\nprint('oh', file=sys.stderr)", "wrote to stderr: oh"),
        ("\nimport os\n\nos.write(2, b'oh')", "wrote to stderr: oh"),
        ("\nprint(double)", "shows an object's address"),
        (f"\nprint({HOME + '/x'!r})", f"shows a path of this machine ({HOME}"),
        ("\nobject()", "shows an object's address"),
        ("\nimport os\n\nos._exit(1)", "the kernel died here"),
        (
            "\nfrom IPython.display import SVG\n\nSVG('<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>')",
            "image/svg+xml",
        ),
    ],
    ids=[
        "raises",
        "raises two lines",
        "stderr",
        "stderr below Python",
        "address",
        "path",
        "object",
        "dead kernel",
        "svg",
    ],
)
def test_a_bad_cell_is_refused_and_the_notebooks_stay(built, change, editions, code, message):
    before = editions(built)
    change(built.source(NAME), "assert (double(x) == x + x).all()", code)
    (problem, *_) = build(built, [])
    line = built.source(NAME).read_text(encoding="utf-8").split('key="agreement"')[0].count("\n") + 1
    assert problem.startswith(f"notebooks/src/{NAME}.py:") and 'key "agreement": ' in problem and message in problem
    assert line <= int(problem.split(":")[1]) <= line + 9
    assert editions(built) == before
    assert not list(built.root.rglob("*.new"))


def test_the_line_that_raised_is_named(built, change):
    change(built.source(NAME), "print(double(x))", "print(double(x))\n1 / 0")
    (problem,) = build(built, [])
    lines = built.source(NAME).read_text(encoding="utf-8").split("\n")
    assert lines[int(problem.split(":")[1]) - 1] == "1 / 0"


def test_a_slow_cell_is_refused(built, change, monkeypatch):
    monkeypatch.setattr(execute, "CELL_TIMEOUT", 6)
    change(built.source(NAME), "x = np.arange(3)", "import time\n\ntime.sleep(30)\nx = np.arange(3)")
    (problem,) = build(built, [])
    assert 'key "agreement": took more than 6 s' in problem


def test_a_notebook_that_is_too_large_is_refused(built, change, editions, monkeypatch):
    before = editions(built)
    change(built.source(NAME), "約束。", "別の約束。")
    change(built.source(NAME), "np.arange(3)", "np.arange(4)")
    monkeypatch.setattr("tools.editions.MAX_BYTES", 5000)
    problem, _ = build(built, [])
    assert problem.startswith(f"notebooks/en/{NAME}.ipynb:1: ") and "stays under 5 kB" in problem
    assert editions(built) == before


def test_notebooks_keep_to_the_notebook_format(built):
    for path in built.editions(NAME).values():
        nbformat.validate(nbformat.read(path, as_version=4))


def test_one_refused_chapter_does_not_stop_another(built, change, capsys):
    other = built.source("02_other")
    other.write_text(built.source(NAME).read_text(encoding="utf-8"), encoding="utf-8")
    change(built.source(NAME), "x = np.arange(3)", "1 / 0")
    (problem,) = build(built, [])
    assert NAME in problem and "02_other: executed" in capsys.readouterr().out
    assert built.edition("ja", "02_other").exists()


def test_a_failing_write_leaves_both_editions_as_they_were(built, change, editions, monkeypatch, capsys):
    before = editions(built)
    change(built.source(NAME), "約束。", "別の約束。")
    change(built.source(NAME), "A promise.", "Another promise.")
    real, calls = Path.replace, []

    def second_fails(self, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError("disk full")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", second_fails)
    assert command.main([], built.root) == 1
    assert "disk full; nothing is half written" in capsys.readouterr().err
    assert editions(built) == before and not list(built.root.rglob("*.new"))


def test_a_failed_first_write_leaves_no_file(tmp_path, monkeypatch):
    def fails(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(KeyboardInterrupt):
        write({tmp_path / "a": "1", tmp_path / "b": "2"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lang", ["en", "ja"])
@pytest.mark.parametrize("old", ["Text.", "print(double(x))"], ids=["prose", "code"])
def test_text_edited_in_jupyter_is_not_overwritten(built, editions, no_kernel, lang, old):
    path = built.edition(lang, NAME)
    old = "本文。" if (lang, old) == ("ja", "Text.") else old
    path.write_text(path.read_text(encoding="utf-8").replace(old, old + " # mine", 1), encoding="utf-8")
    before = editions(built)
    (problem,) = build(built, [])
    assert "edited by hand" in problem and "--adopt notebooks/" in problem and f"--discard {NAME}" in problem
    assert editions(built) == before
    assert build(built, [], discard=True) == []
    assert check(built) == []


def test_a_notebook_that_is_no_notebook_is_not_overwritten(built, no_kernel):
    built.edition("ja", NAME).write_text("<<<<<<< HEAD", encoding="utf-8")
    (problem,) = build(built, [])
    assert problem.startswith(f"notebooks/ja/{NAME}.ipynb:1: is no notebook")


def test_the_address_is_set_in_one_place_and_nothing_is_executed(built, no_kernel):
    assert command.main(["--repository", "https://github.com/me/study.git", "--branch", "next"], built.root) == 0
    text = (built.root / "pyproject.toml").read_text(encoding="utf-8")
    assert text == (
        '[tool.study]\n# one place\nrepository = "https://github.com/me/study"\nbranch = "next"\n\n'
        '[tool.other]\nbranch = "kept"\n'
    )
    badge = f"https://colab.research.google.com/github/me/study/blob/next/notebooks/ja/{NAME}.ipynb)"
    assert badge in "".join(cells(built, "ja")["title"]["source"])
    assert 'address, branch = "https://github.com/me/study", "next"\n' in cells(built, "ja")["setup"]["source"]
    assert check(built) == []


@pytest.mark.parametrize("address", ["me/study", 'https://x/"y', "https://x y", ""])
def test_a_bad_address_is_refused(built, address, capsys):
    before = (built.root / "pyproject.toml").read_bytes()
    assert command.main(["--repository", address, "--branch", "main"], built.root) in (1, 2)
    assert (built.root / "pyproject.toml").read_bytes() == before


def test_the_run_in_the_other_language_leaves_no_trace(unbuilt, change):
    """Random state and language after an edition-output cell are those of a straight run in English."""
    change(unbuilt.source(NAME), "x = np.arange(3)", "np.random.seed(0)\nx = np.arange(3)")
    change(unbuilt.source(NAME), "exam.check(triple,", "assert np.random.rand() < 2\nexam.check(triple,")
    after = '\n# %% key="after"\nfrom utils import runtime\n\nprint(np.random.rand(), runtime.language())\n'
    source = unbuilt.source(NAME)
    source.write_text(source.read_text(encoding="utf-8") + after, encoding="utf-8")
    assert build(unbuilt, []) == []
    straight = np.random.RandomState(0).rand(2)[1]
    for lang in ("en", "ja"):
        assert cells(unbuilt, lang)["after"]["outputs"][0]["text"] == [f"{straight} en\n"]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda cells: cells.pop(4), "section-1 (deleted)"),
        (lambda cells: cells.insert(3, cells.pop(4)), "the order of cells"),
        (lambda cells: cells.insert(3, nbformat.v4.new_code_cell("1 + 1", id="mine")), "edited by hand: mine;"),
    ],
    ids=["deleted", "moved", "new"],
)
def test_deleted_moved_and_new_cells_are_edits_too(built, no_kernel, edit, message):
    path = built.edition("ja", NAME)
    edited = nbformat.read(path, as_version=4)
    assert edited.cells[4].id == "section-1"
    edit(edited.cells)
    nbformat.write(edited, path)
    (problem,) = build(built, [])
    assert "edited by hand" in problem and message in problem


def test_command_names_chapters_and_refuses_unknown_ones(built, no_kernel, capsys):
    for word in (NAME, "01", f"notebooks/ja/{NAME}.ipynb"):
        assert command.main([word], built.root) == 0
    assert command.main(["09"], built.root) == 1
    assert f"'09': no such chapter; known: {NAME}" in capsys.readouterr().err
    assert command.main([], Project(built.root / "data").root) == 1
    assert "no chapter sources" in capsys.readouterr().err
    for wrong in (["-j", "0"], ["--discard"], ["--delete"], ["--branch", "main"]):
        with pytest.raises(SystemExit):
            command.main(wrong, built.root)


def test_the_command_runs_from_any_folder(tmp_path):
    script = Path(command.__file__)
    for folder in (ROOT, tmp_path):
        done = subprocess.run(
            [sys.executable, script, "--help"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0 and "--adopt FILE" in done.stdout, done.stderr


def test_an_interrupt_ends_the_kernels_and_leaves_the_notebooks(built, change, editions):
    before = editions(built)
    change(
        built.source(NAME),
        "x = np.arange(3)",
        "import pathlib\nimport time\n\npathlib.Path('pid').touch()\ntime.sleep(60)",
    )
    # Started in the background of a shell, a process would ignore the signal.
    code = "import signal, sys\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += f"from tools.build import main\nsys.exit(main([], {str(built.root)!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    started = built.edition("en", "x").parent / "pid"
    deadline = time.monotonic() + 60
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert "interrupted; notebooks that were not finished are as they were" in process.communicate(timeout=30)[1]
    assert process.returncode == 130 and editions(built) == before


def test_a_dependency_that_changes_during_the_run_is_noticed(built, monkeypatch):
    marks = iter(
        [{"code": "a", "dependencies": {}}, {"code": "a", "dependencies": {}}, {"code": "b", "dependencies": {}}]
    )
    monkeypatch.setattr(pipeline, "record", lambda project, chapter: next(marks))
    (problem,) = build(built, [])
    assert "changed during the run" in problem

"""`--check`: every way an edition can differ from what its source gives is found and said with file, key and line."""

import base64
import json
import re
import shutil
import time

import pytest

from tools import build as command
from tools.check import check
from tools.project import LANGUAGES

NAME = "01_doubling"


@pytest.fixture
def spoil(built):
    """spoil(lang, change): write a notebook after change({id: cell}, notebook)."""

    def save(lang, change):
        path = built.edition(lang, NAME)
        notebook = json.loads(path.read_text(encoding="utf-8"))
        change({cell["id"]: cell for cell in notebook["cells"]}, notebook)
        text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False, separators=(",", ": "))
        path.write_text(text + "\n", encoding="utf-8")

    return save


def line_of(project, key):
    lines = project.source(NAME).read_text(encoding="utf-8").split("\n")
    return next(number for number, line in enumerate(lines, 1) if f'key="{key}"' in line)


def test_a_built_chapter_is_clean(built, spoil, capsys):
    spoil("en", lambda cells, notebook: None)  # the fixture itself changes nothing
    assert check(built) == []
    assert command.main(["--check"], built.root) == 0
    assert "what their source gives" in capsys.readouterr().out


def other_picture(cells, notebook):
    """Another valid picture of the same size: one pixel's worth of bytes differs."""
    data = cells["picture"]["outputs"][0]["data"]
    png = bytearray(base64.b64decode(data["image/png"]))
    png[-20] ^= 1
    data["image/png"] = base64.b64encode(bytes(png)).decode()


def not_executed(cells, notebook):
    cells["agreement"].update(execution_count=None, outputs=[])


def stderr(cells, notebook):
    cells["agreement"]["outputs"].append({"output_type": "stream", "name": "stderr", "text": ["oh\n"]})


def error(cells, notebook):
    cells["agreement"]["outputs"] = [{"output_type": "error", "ename": "E", "evalue": "x", "traceback": []}]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        (lambda c, n: c["agreement"]["outputs"][0].update(text=["[0 2 5]\n"]), "agreement", "not those that the build"),
        (lambda c, n: c["agreement"].update(outputs=[]), "agreement", "not those that the build stored"),
        (other_picture, "picture", "not those that the build stored"),
        (
            lambda c, n: c["triple-check"]["outputs"][0]["data"].update({"text/plain": ["x"]}),
            "triple-check",
            "not those",
        ),
        (lambda c, n: c["setup"]["outputs"][0].update(text=["other\n"]), "setup", "not those that the build stored"),
        (not_executed, "agreement", "was not executed"),
        (
            lambda c, n: c["agreement"].update(execution_count=9),
            "agreement",
            "execution count 9, a straight run gives 4",
        ),
        (stderr, "agreement", "wrote to stderr: oh"),
        (error, "agreement", "raised E: x"),
        (
            lambda c, n: c["agreement"]["outputs"][0].update(text=["/".join(["", "home", "me", "x\n"])]),
            "agreement",
            "a path of this machine",
        ),
        (
            lambda c, n: c["agreement"]["source"].append("\n# mine"),
            "agreement",
            "edited in the notebook; take the edit",
        ),
        (lambda c, n: c["section-1"].update(source=["## X"]), "section-1", "edited in the notebook; take the edit"),
        (lambda c, n: c["triple-solution"].update(source=["x"]), "triple", "edited in the notebook"),
        (lambda c, n: n["cells"].remove(c["section-2"]), "section-2", 'cell "section-2" is missing; take the edit'),
        (lambda c, n: n["cells"].append({**c["title"], "id": "new"}), "title", 'cell "new" is not in the source; take'),
        (lambda c, n: n["cells"].reverse(), "section-9", "not in the order of the source; take the edit"),
    ],
    ids=[
        "text output",
        "removed output",
        "picture",
        "edition output",
        "ignored output",
        "not executed",
        "count",
        "stderr",
        "error",
        "path",
        "code",
        "prose",
        "solution",
        "missing cell",
        "added cell",
        "order",
    ],
)
def test_a_change_by_hand_is_found(built, spoil, lang, change, key, message):
    spoil(lang, change)
    problems = check(built)
    assert any(
        line.startswith(f'notebooks/src/{NAME}.py:{line_of(built, key)}: key "{key}": ')
        and f"notebooks/{lang}/{NAME}.ipynb" in line
        and message in line
        for line in problems
    ), problems


@pytest.mark.parametrize(
    "change",
    [
        lambda c, n: n["metadata"]["language_info"].update(version="3.11.0"),
        lambda c, n: n["metadata"].update(widgets={}),
        lambda c, n: c["agreement"]["metadata"].update(tags=["nbval-skip"]),
        lambda c, n: c["title"]["metadata"].update(editable=False),
        lambda c, n: n["metadata"]["study"].update(minutes=1),
        lambda c, n: n["metadata"]["study"].update(language="en"),
        lambda c, n: n.update(nbformat_minor=4),
    ],
    ids=["version", "widgets", "tags", "cell metadata", "study", "language", "format"],
)
def test_changed_metadata_is_found(built, spoil, change):
    spoil("ja", change)
    (problem,) = check(built)
    assert problem == f"notebooks/ja/{NAME}.ipynb:1: metadata or layout of the file is not as built; run `make build`"


def test_outputs_that_differ_between_the_editions_are_found(built, spoil):
    """Even with digests that fit: a merge of two branches can leave that."""

    def other(cells, notebook):
        from tools.dependencies import digest
        from tools.outputs import outputs_digest

        cells["agreement"]["outputs"][0]["text"] = ["[0 2 5]\n"]
        joined = [{**cells["agreement"]["outputs"][0], "text": "[0 2 5]\n"}]
        line = f"agreement {digest(''.join(cells['agreement']['source']))} {outputs_digest(joined)}"
        study = notebook["metadata"]["study"]
        study["cells"] = [line if old.startswith("agreement ") else old for old in study["cells"]]

    spoil("ja", other)
    (problem,) = check(built)
    assert 'key "agreement": the outputs differ between the editions' in problem


def test_a_source_that_changed_is_found(built, change):
    change(built.source(NAME), "約束。", "別。")
    (problem,) = check(built)
    assert (
        f'key "title": notebooks/ja/{NAME}.ipynb: cell "title": the source changed since the notebook was built'
        in problem
    )


def test_changed_code_is_found(built, change):
    change(built.source(NAME), "np.arange(3)", "np.arange(4)")
    problems = check(built)
    assert problems[0] == f"notebooks/src/{NAME}.py:1: the code changed since the outputs were made; run `make build`"
    assert [f"notebooks/{lang}/" in line for lang, line in zip(LANGUAGES, problems[1:], strict=True)] == [True, True]


def test_many_stale_cells_are_one_problem(built, change):
    source = built.source(NAME)
    text = source.read_text(encoding="utf-8").replace("# 本文。\n", "# 別。\n")
    source.write_text(text + '\n# %% key="new"\nx + 1\n', encoding="utf-8")
    (problem,) = [line for line in check(built) if "notebooks/ja/" in line]
    assert 'cell "new" and 10 more: the source changed since the notebook was built' in problem


def test_a_stale_dependency_is_named(built, change):
    change(built.root / "utils" / "numbers" / "twice.py", "2 * x", "x * 2")
    problems = check(built)
    assert problems[0] == (f"utils/numbers/twice.py:1: changed since the outputs of {NAME} were made; run `make build`")
    (built.root / "constraints.txt").unlink()
    assert any(line.startswith("constraints.txt:1: is gone since") for line in check(built))


def test_notebooks_without_source_and_sources_without_notebook_are_found(built):
    shutil.copy(built.edition("ja", NAME), built.edition("ja", "09_old"))
    built.edition("en", NAME).unlink()
    problems = check(built)
    assert problems[0].startswith("notebooks/ja/09_old.ipynb:1: there is no source of this name")
    assert problems[1] == f"notebooks/src/{NAME}.py:1: notebooks/en/{NAME}.ipynb is missing; run `make build`"


def test_a_project_without_sources_fails(built):
    built.source(NAME).unlink()
    assert command.main(["--check"], built.root) == 1


def test_a_file_that_is_no_notebook_is_found(built):
    built.edition("ja", NAME).write_text("{}", encoding="utf-8")
    (problem,) = check(built)
    assert problem.startswith(f"notebooks/ja/{NAME}.ipynb:1: is no notebook")


def test_a_notebook_that_is_too_large_is_found(built, monkeypatch):
    monkeypatch.setattr("tools.editions.MAX_BYTES", 5000)
    assert re.match(rf"notebooks/en/{NAME}.ipynb:1: \d+ kB; a notebook stays under 5 kB", check(built)[0])


def test_a_bad_source_is_found_with_the_rest(built, change):
    change(built.source(NAME), 'key="agreement"', 'key="picture"')
    (problem,) = check(built)
    assert 'key "picture": this key is already used in line' in problem


def test_only_the_named_chapters_are_checked(built):
    built.edition("en", NAME).unlink()
    shutil.copy(built.source(NAME), built.source("02_other"))
    assert len(check(built, [NAME])) == 1


def test_check_is_quick(built):
    for number in range(2, 12):
        name = f"{number:02d}_more"
        shutil.copy(built.source(NAME), built.source(name))
    start = time.perf_counter()
    check(built)
    assert time.perf_counter() - start < 3

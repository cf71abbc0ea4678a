"""The Setup cell finds the collection from anywhere, and in Colab clones it: whole, or not at all."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
TEMPLATE = (ROOT / "tools" / "setup_cell.py").read_text(encoding="utf-8")
# Not for the processes started here. Under PYTEST_… a kernel would not watch descriptor 2, where TensorFlow writes.
DROPPED = ("STUDY_", "JPY_SESSION_NAME", "PYTHONPATH", "KERAS_", "TPU_", "PYTEST_")

# Enough of the runtime to tell which clone was found, without starting Keras.
SMALL = 'def setup(lang):\n    print("found by", lang, __file__)\n'


def cell(address, branch="main", lang="en"):
    """The cell's code as the build writes it."""
    values = {"repository": address, "branch": branch, "lang": lang}
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], TEMPLATE)


def git(folder, *arguments):
    settings = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True)


def write(folder, runtime):
    """A collection with a runtime of this text, or with the real one (None)."""
    (folder / "utils").mkdir(parents=True)
    (folder / "notebooks" / "en").mkdir(parents=True)
    (folder / "notebooks" / "en" / "01.ipynb").touch()
    if runtime is None:
        modules = [f"utils/{name}.py" for name in ("__init__", "runtime", "devices", "allocator")]
        for name in (*modules, "requirements.txt"):
            shutil.copy(ROOT / name, folder / name)
    else:
        (folder / "utils" / "__init__.py").touch()
        (folder / "utils" / "runtime.py").write_text(runtime)


def repository(folder, runtime=SMALL):
    """A git repository of the collection with the branches main and next; returns its file:// address."""
    write(folder, runtime)
    git(folder, "init", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    git(folder, "branch", "next")
    return folder.as_uri()


@pytest.fixture
def stub(tmp_path):
    """Folder of a package google.colab, for PYTHONPATH; JAX looks for its module `output`."""
    package = tmp_path / "stub" / "google" / "colab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "output.py").touch()
    return str(tmp_path / "stub")


def environment(**variables):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    return {**clean, "PYTHONDONTWRITEBYTECODE": "1", **{name: str(value) for name, value in variables.items()}}


def run(code, cwd, python=sys.executable, **variables):
    """Run code in a process of its own, as a kernel would with `cwd` as its folder."""
    done = subprocess.run(
        [python, "-c", code], check=False, capture_output=True, text=True, cwd=cwd, env=environment(**variables)
    )
    return SimpleNamespace(status=done.returncode, out=done.stdout, err=done.stderr)


def base_python():
    """A Python outside every clone: this one may run in the environment of the real collection."""
    return Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else "bin/python3")


def colab(code, cwd, stub, python=None, **variables):
    """Run code as a Colab kernel: the stub is imported, and the Python lies outside every clone."""
    return run(f"import google.colab\n{code}", cwd, python or base_python(), PYTHONPATH=stub, **variables)


@pytest.fixture
def content(tmp_path):
    """An empty folder, as Colab's /content."""
    (tmp_path / "content").mkdir()
    return tmp_path / "content"


def found(folder, lang="en"):
    return f"found by {lang} {folder / 'utils' / 'runtime.py'}\n"


def test_three_values_are_marked_and_one_differs_between_editions():
    assert re.findall(r"\{\{(\w+)\}\}", TEMPLATE) == ["repository", "branch", "lang"]
    english, japanese = cell("https://x/y", lang="en"), cell("https://x/y", lang="ja")
    different = [pair for pair in zip(english.splitlines(), japanese.splitlines(), strict=True) if len(set(pair)) > 1]
    assert different == [('rt = runtime.setup(lang="en")', 'rt = runtime.setup(lang="ja")')]
    assert len(english.splitlines()) <= 32


@pytest.mark.parametrize("inside", [".", "notebooks", "notebooks/en", "utils"])
def test_found_from_every_folder_of_a_clone(tmp_path, inside):
    root = tmp_path / "a clone under another name"
    write(root, SMALL)
    done = run(cell("https://github.com/OWNER/x", lang="ja"), root / inside)
    assert (done.status, done.out, done.err) == (0, found(root, "ja"), "")


@pytest.mark.parametrize("hint", ["STUDY_ROOT", "JPY_SESSION_NAME", "__vsc_ipynb_file__", "virtual environment"])
def test_found_from_elsewhere(tmp_path, content, hint):
    """By the reader's word, by the notebook's path as Jupyter or VS Code tells it, by the kernel's environment."""
    root, code, python, variables = tmp_path / "clone", cell("https://github.com/OWNER/x"), sys.executable, {}
    write(root, SMALL)
    notebook = root / "notebooks" / "en" / "01.ipynb"
    if hint == "STUDY_ROOT":
        variables = {hint: root}
    elif hint == "JPY_SESSION_NAME":
        variables = {hint: notebook}
    elif hint == "__vsc_ipynb_file__":
        code = f"{hint} = {str(notebook)!r}\n{code}"
    else:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", root / ".venv"], check=True)
        python = root / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = run(code, content, python, **variables)
    assert (done.status, done.out, done.err) == (0, found(root), "")


def test_the_reader_has_the_first_word(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / name, SMALL)
    assert run(cell("x/y"), tmp_path / "one", STUDY_ROOT=tmp_path / "two").out == found(tmp_path / "two")


def test_not_found_says_what_to_do_and_clones_nothing(tmp_path, content):
    address = repository(tmp_path / "origin")
    done = run(cell(address), content, base_python(), STUDY_ROOT=tmp_path / "mistyped")
    assert done.status != 0 and list(content.iterdir()) == []
    assert "Open this notebook inside its clone, or set STUDY_ROOT to the clone's folder." in done.err


def test_colab_clones_once_and_then_reuses(tmp_path, content, stub):
    origin = tmp_path / "notes"
    address = repository(origin)
    done = colab(cell(address, lang="ja"), content, stub)
    assert (done.status, done.err) == (0, "")
    assert done.out == f"Cloning {address} ...\n{found(content / 'notes', 'ja')}"
    assert [path.name for path in content.iterdir()] == ["notes"]
    shutil.rmtree(origin)
    again = colab(cell(address), content, stub)
    assert (again.status, again.out, again.err) == (0, found(content / "notes"), "")


def test_colab_finds_its_clone_again_after_a_change_of_folder(tmp_path, content, stub):
    address = repository(tmp_path / "notes.git")
    (content / "drive").mkdir()
    code = cell(address)
    done = colab(f"{code}\nos.chdir('drive')\n{code}", content, stub)
    assert (done.status, done.err) == (0, "")
    assert done.out == f"Cloning {address} ...\n" + 2 * found(content / "notes")


def test_colab_takes_the_branch(tmp_path, content, stub):
    origin = tmp_path / "notes"
    address = repository(origin)
    git(origin, "checkout", "next")
    (origin / "utils" / "runtime.py").write_text(SMALL.replace("found by", "next"))
    git(origin, "commit", "-am", "second")
    git(origin, "checkout", "main")
    assert "\nnext en " in colab(cell(address, branch="next"), content, stub).out


@pytest.mark.parametrize("broken", ["address", "branch"])
def test_colab_clone_that_fails_says_so_and_leaves_nothing(tmp_path, content, stub, broken):
    address = repository(tmp_path / "notes")
    code = cell(address + "-gone") if broken == "address" else cell(address, branch="gone")
    done = colab(code, content, stub)
    assert done.status != 0 and list(content.iterdir()) == []
    assert "Cloning failed; check the connection and run this cell again." in done.err
    assert "fatal: " in done.err  # git's own reason


def test_colab_half_a_clone_is_replaced_and_a_readers_folder_is_kept(tmp_path, content, stub):
    address = repository(tmp_path / "notes")
    (content / "notes.part" / "utils").mkdir(parents=True)
    (content / "notes.part" / "utils" / "runtime.py").write_text("half a fi")
    done = colab(cell(address), content, stub)
    assert (done.status, [path.name for path in content.iterdir()]) == (0, ["notes"])

    shutil.rmtree(content / "notes")
    (content / "notes").mkdir()
    (content / "notes" / "mine.txt").write_text("mine")
    done = colab(cell(address), content, stub)
    assert done.status != 0 and "notes" in done.err
    assert (content / "notes" / "mine.txt").read_text() == "mine"


def test_colab_without_an_address_says_so(content, stub):
    done = colab(cell("https://github.com/OWNER/notes"), content, stub)
    assert done.status != 0 and list(content.iterdir()) == []
    assert "The address to clone from is not set yet: `make repository URL=...` writes it here." in done.err


def test_real_kernel_in_colab(tmp_path, content, stub):
    """nbclient, ipykernel, a file:// clone of the real runtime: one line of report, and nothing on stderr."""
    address = repository(tmp_path / "notes", runtime=None)
    # A Python inside the real collection would find that first; Colab's lies outside.
    cells = ["import sys, google.colab; sys.prefix = sys.base_prefix", cell(address, lang="ja")]
    cells.append("print(runtime.__file__, runtime.language(), rt.colab)")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": content}})
    client.execute(env=environment(PYTHONPATH=stub))
    outputs = [output for code_cell in notebook.cells for output in code_cell.outputs]
    assert {output.get("name") for output in outputs} == {"stdout"}
    lines = "".join(output.text for output in outputs).splitlines()
    assert lines[0] == f"Cloning {address} ..."
    assert re.fullmatch(r"Keras \S+ on TensorFlow \S+ · CPU .* · profile quick · float32 · seed 0 · Colab", lines[-2])
    assert lines[-1] == f"{content / 'notes' / 'utils' / 'runtime.py'} ja True"


def test_colab_tpu_image(tmp_path, content, stub):
    """No TensorFlow: the cell starts Keras on JAX, which stands on the CPU here."""
    address = repository(tmp_path / "notes", runtime=None)
    before = "import sys; sys.modules['tensorflow'] = None; sys.prefix = sys.base_prefix"
    done = colab(f"{before}\n{cell(address)}\nprint(rt.backend)", content, stub, python=sys.executable)
    assert (done.status, done.err) == (0, ""), done.err
    assert done.out.endswith("· profile quick · float32 · seed 0 · Colab\njax\n")

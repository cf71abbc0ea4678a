"""A small project with one chapter, built once; each test gets its own copy."""

import shutil
from pathlib import Path

import pytest

from tools.pipeline import build
from tools.project import Project
from tools.rules import HEADINGS

ROOT = Path(__file__).resolve().parents[2]

RUNTIME = '''\
"""Stand-in for the door to the machine."""
_state = {"language": "en"}


def setup(lang="en"):
    _state["language"] = lang
    print("runtime: stand-in")


def language():
    return _state["language"]


def set_language(lang):
    _state["language"] = lang
'''

EXAM = '''\
"""Stand-in for the exam room: feedback in the edition's language."""
from dataclasses import dataclass

from utils import runtime


@dataclass
class Feedback:
    status: str

    def __repr__(self):
        return f"{runtime.language()}: {self.status}"


def check(func, reference, cases):
    results = [func(*case) for case in cases]
    if all(result is None for result in results):
        return Feedback("blank")
    return Feedback("right" if results == [reference(*case) for case in cases] else "wrong")
'''

HEADER = """\
# ---
# study:
#   title: {en: "Doubling", ja: "2倍"}
#   scope: examined
#   minutes: 5
#   topics: ["1.1"]
#   prerequisites: []
# ---
"""

CODE = {
    "Setup": """\
# %% key="setup" tags=["nbval-ignore-output"]
# {{setup}}

# %% key="imports"
import numpy as np

from utils import exam
from utils.numbers import double
""",
    "Key ideas": """\
# %% key="picture"
import matplotlib.pyplot as plt

plt.figure(figsize=(2, 1))
plt.plot([1, 2])
plt.show()
""",
    "Agreement": """\
# %% key="agreement"
x = np.arange(3)
print(double(x))
assert (double(x) == x + x).all()
""",
    "Exercises": """\
# %% key="triple" tags=["exercise"]
def triple(x):
    \"\"\"Three times x.\"\"\"
    ### BEGIN SOLUTION
    y = x + x
    return y + x
    ### END SOLUTION


# %% key="triple-check" tags=["edition-output"]
exam.check(triple, reference=lambda x: 3 * x, cases=[(1,), (2,)])
""",
}


def prose(key, en, ja):
    def body(text):
        return "\n".join(f"# {line}".rstrip() for line in text.split("\n"))

    return f'# %% [markdown] key="{key}" lang="en"\n{body(en)}\n\n# %% [markdown] key="{key}" lang="ja"\n{body(ja)}\n'


def source():
    """A chapter that keeps every rule."""
    parts = [HEADER, prose("title", "# Doubling\n\nA promise.\n\n{{badge}}", "# 2倍\n\n約束。\n\n{{badge}}")]
    for index, (en, ja) in enumerate(zip(HEADINGS["en"], HEADINGS["ja"], strict=True)):
        parts.append(prose(f"section-{index}", f"## {en}\n\nText.", f"## {ja}\n\n本文。"))
        parts += [CODE[en]] if en in CODE else []
    return "\n".join(parts)


def make(root):
    """Write a project into the folder `root`."""
    files = {
        "pyproject.toml": '[tool.study]  \n# one place\nrepository = "https://x"\n'.replace("  \n", "\n")
        + 'branch = "main"\n\n[tool.other]\nbranch = "kept"\n',
        "constraints.txt": "numpy==2.4.6\n",
        "utils/__init__.py": "",
        "utils/runtime.py": RUNTIME,
        "utils/exam/__init__.py": EXAM,
        "utils/numbers/__init__.py": "from .twice import double\n",
        "utils/numbers/twice.py": "def double(x):\n    return 2 * x\n",
        "utils/unused.py": "x = 1\n",
        "data/questions/01_doubling.yaml": "chapter: 01_doubling\nquestions: []\n",
        "notebooks/src/01_doubling.py": source(),
        "tools/setup_cell.py": (ROOT / "tools" / "setup_cell.py").read_text(encoding="utf-8"),
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return Project(root)


@pytest.fixture
def unbuilt(tmp_path):
    """A project whose chapter was never built."""
    return make(tmp_path / "project")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory):
    project = make(tmp_path_factory.mktemp("built") / "project")
    assert build(project, []) == []
    return project


@pytest.fixture
def built(built_once, tmp_path):
    """A copy of the built project."""
    shutil.copytree(built_once.root, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def change():
    """change(path, old, new): replace text that must be there exactly once."""

    def replace(path, old, new):
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace


@pytest.fixture
def editions():
    """editions(project): bytes of both editions of the chapter."""

    def read(project):
        return {lang: path.read_bytes() for lang, path in project.editions("01_doubling").items()}

    return read

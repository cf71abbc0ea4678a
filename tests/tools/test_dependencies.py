"""What outputs depend on: the right files, and of a file only what can change an output."""

import pytest

from tools.dependencies import dependencies, significant
from tools.rules import load

NAME = "01_doubling"


def files(project):
    return set(dependencies(project, load(project, NAME)))


def test_the_closure_of_imports_questions_setup_and_versions(unbuilt):
    assert files(unbuilt) == {
        "constraints.txt",
        "tools/setup_cell.py",
        f"data/questions/{NAME}.yaml",
        "utils/__init__.py",
        "utils/exam/__init__.py",
        "utils/numbers/__init__.py",
        "utils/numbers/twice.py",
        "utils/runtime.py",
    }


@pytest.mark.parametrize(
    "code",
    [
        "from utils import unused",
        "import utils.unused as u",
        "from utils.unused import x",
        "def f():\n    from utils import unused",
        "%time 1\nfrom utils import unused",
    ],
)
def test_every_form_of_import_is_seen(unbuilt, change, code):
    change(unbuilt.source(NAME), "x = np.arange(3)", code + "\n\nx = np.arange(3)")
    assert "utils/unused.py" in files(unbuilt)


@pytest.mark.parametrize("code", ["from .. import unused", "from ..unused import x", "from . import sub"])
def test_relative_imports_are_followed(unbuilt, code):
    (unbuilt.root / "utils/numbers/sub.py").write_text("import utils.unused\n", encoding="utf-8")
    (unbuilt.root / "utils/numbers/twice.py").write_text(f"{code}\n", encoding="utf-8")
    assert "utils/unused.py" in files(unbuilt)


def test_what_a_question_bank_names_counts(unbuilt):
    bank = unbuilt.root / "data/questions" / f"{NAME}.yaml"
    bank.write_text("questions:\n  - generator: sizes.output\n    figure: grid.draw\n", encoding="utf-8")
    for path in ("generators/sizes.py", "figures/grid.py", "generators/__init__.py", "generators/other.py"):
        (unbuilt.root / "utils/exam" / path).parent.mkdir(exist_ok=True)
        (unbuilt.root / "utils/exam" / path).write_text("", encoding="utf-8")
    named = {path for path in files(unbuilt) if path.startswith("utils/exam/")}
    assert {"utils/exam/generators/sizes.py", "utils/exam/figures/grid.py"} <= named
    assert "utils/exam/generators/other.py" not in named


def test_another_bank_named_in_the_code_counts(unbuilt, change):
    (unbuilt.root / "data/questions/07_other.yaml").write_text("", encoding="utf-8")
    assert "data/questions/07_other.yaml" not in files(unbuilt)
    change(unbuilt.source(NAME), "x = np.arange(3)", 'bank = "07_other"\nx = np.arange(3)')
    assert "data/questions/07_other.yaml" in files(unbuilt)


def test_the_header_can_name_more(unbuilt, change):
    (unbuilt.root / "data/syllabus.yaml").write_text("a: 1\n", encoding="utf-8")
    change(unbuilt.source(NAME), "prerequisites: []", 'prerequisites: []\n#   depends: ["data/*.yaml"]')
    assert "data/syllabus.yaml" in files(unbuilt)


def test_of_other_chapters_the_header_counts(unbuilt, change):
    guide = unbuilt.source("00_guide")
    text = unbuilt.source(NAME).read_text(encoding="utf-8")
    guide.write_text(
        text.replace("prerequisites: []", 'prerequisites: []\n#   depends: ["notebooks/src/*.py"]'), "utf-8"
    )
    before = dependencies(unbuilt, load(unbuilt, "00_guide"))
    change(unbuilt.source(NAME), "A promise.", "Another promise.")
    assert dependencies(unbuilt, load(unbuilt, "00_guide")) == before
    change(unbuilt.source(NAME), "minutes: 5", "minutes: 6")
    after = dependencies(unbuilt, load(unbuilt, "00_guide"))
    assert {path for path in after if after[path] != before[path]} == {f"notebooks/src/{NAME}.py"}


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("x = 1\n", "# why\nx = 1  # because\n\n\n", True),
        ('def f():\n    return "#"\n', 'def f():\n    """Doc\n    # text\n    """\n    return "#"  # x\n', True),
        ('"""Module."""\nx = 1\n', '"""Other."""\n\nx = 1\n', True),
        ('x = "# a"\n', 'x = "# b"\n', False),
        ('x = """a\n\nb"""\n', 'x = """a\nb"""\n', False),
        ("if x:\n    y = 1\n", "if x:\n  y = 1\n", False),
        ("numpy==1\n", "numpy==1  # why\n# note\n", True),
        ("numpy==1\n", "numpy==2\n", False),
        ('def f():\n    "doc"\n', "def f():\n    pass\n", False),
        ('def f(): """doc"""; return 1\n', 'def f(): """doc"""; return 2\n', False),
        ('def f():\n    """説明"""; return 1\n', 'def f():\n    """説明"""; return 2\n', False),
        ('def f():\n    """説明"""\n    return 1\n', 'def f():\n    """別"""  # x\n    return 1\n', True),
        ("def f(): return 1\n", 'def f(): "doc"; return 1\n', False),
    ],
)
def test_only_what_can_change_an_output_counts(before, after, same):
    assert (significant(before) == significant(after)) is same

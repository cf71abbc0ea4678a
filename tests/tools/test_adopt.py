"""The way back: what is edited in Jupyter reaches the source, and nothing is lost."""

import random
import string

import nbformat
import pytest

from tools import build as command
from tools.check import check
from tools.pipeline import build

NAME = "01_doubling"


@pytest.fixture
def edit(built):
    """edit(lang, change): save a notebook as Jupyter does, after change({id: cell}, list of cells)."""

    def save(lang, change):
        path = built.edition(lang, NAME)
        notebook = nbformat.read(path, as_version=4)
        change({cell.id: cell for cell in notebook.cells}, notebook.cells)
        notebook.metadata.language_info = {"name": "python", "version": "3.11.0"}
        nbformat.write(notebook, path)

    return save


@pytest.fixture
def adopt(built):
    def run(lang, *options):
        return command.main(["--adopt", str(built.edition(lang, NAME)), *options], built.root)

    return run


@pytest.fixture
def source(built):
    return lambda: built.source(NAME).read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_without_edits_the_source_stays_byte_for_byte(built, adopt, edit, lang, capsys):
    before = built.source(NAME).read_bytes()
    assert adopt(lang) == 0
    edit(lang, lambda cells, order: [cell.update(outputs=[]) for cell in order if cell.cell_type == "code"])
    assert adopt(lang) == 0
    assert built.source(NAME).read_bytes() == before
    assert "nothing to take" in capsys.readouterr().out


def test_prose_is_taken_for_its_language_alone(built, adopt, edit, source):
    before = source()
    edit("ja", lambda cells, order: cells["section-3"].update(source="## 確かめる\n\n新しい本文。\n\n- 点  \n- 点"))
    assert adopt("ja") == 0
    assert source() == before.replace(
        "# ## 確かめる\n#\n# 本文。\n", "# ## 確かめる\n#\n# 新しい本文。\n#\n# - 点  \n# - 点\n"
    )
    assert build(built, []) == [] and check(built) == []


def test_the_separation_of_cells_stays_as_the_author_likes_it(built, adopt, edit, source):
    path = built.source(NAME)
    path.write_text(source().replace("\n\n# %% [markdown]", "\n#\n# %% [markdown]"), encoding="utf-8")
    assert build(built, []) == []
    before = source()
    edit("ja", lambda cells, order: cells["section-3"].update(source="## 確かめる\n\n別。"))
    assert adopt("ja") == 0
    assert source() == before.replace("# ## 確かめる\n#\n# 本文。\n", "# ## 確かめる\n#\n# 別。\n")
    assert build(built, []) == [] and check(built) == []


def test_code_is_taken_for_both_editions(built, adopt, edit, source):
    edit("ja", lambda cells, order: cells["agreement"].update(source="x = np.arange(5)\nprint(double(x))"))
    assert adopt("ja") == 0
    assert "x = np.arange(5)\nprint(double(x))\n\n# %% [markdown]" in source()
    assert build(built, []) == [] and check(built) == []
    assert "[0 2 4 6 8]" in built.edition("en", NAME).read_text(encoding="utf-8")


def test_both_editions_can_be_edited_and_adopted_in_turn(built, adopt, edit, source):
    edit("en", lambda cells, order: cells["agreement"].update(source="print(double(1))"))
    edit("ja", lambda cells, order: cells["section-2"].update(source="## 数式とコード\n\n別。"))
    assert adopt("en") == 0 and adopt("ja") == 0
    assert "print(double(1))" in source() and "# 別。" in source()
    assert build(built, []) == [] and check(built) == []


def test_an_edit_on_both_sides_is_reported_and_not_taken(built, adopt, edit, source, change, capsys):
    change(built.source(NAME), "print(double(x))", "print(2 * x)")
    edit("en", lambda cells, order: cells["agreement"].update(source="print(double(1))"))
    before = source()
    assert adopt("en") == 1 and source() == before
    assert 'key "agreement": not taken: the source changed here as well' in capsys.readouterr().err


def test_the_badge_becomes_its_sign_again(adopt, edit, source, built):
    edit("en", lambda cells, order: cells["title"].update(source=cells["title"].source.replace("A promise", "A vow")))
    assert adopt("en") == 0
    assert "# A vow.\n#\n# {{badge}}\n" in source()
    assert build(built, []) == [] and check(built) == []


def test_the_setup_cell_is_not_taken(adopt, edit, source, capsys):
    before = source()
    edit("en", lambda cells, order: cells["setup"].update(source="import os"))
    assert adopt("en") == 1 and source() == before
    assert "edit it there" in capsys.readouterr().err


def test_an_edited_stub_keeps_the_solution(built, adopt, edit, source):
    edit(
        "en", lambda cells, order: cells["triple"].update(source=cells["triple"].source.replace("Three times x", "3 x"))
    )
    assert adopt("en") == 0
    assert (
        '"""3 x."""\n    ### BEGIN SOLUTION\n    y = x + x\n    return y + x\n    ### END SOLUTION\n\n\n# %%'
        in source()
    )
    assert build(built, []) == [] and check(built) == []


def test_an_answer_in_the_stub_is_not_taken(built, adopt, edit, source, capsys):
    before = source()
    edit("en", lambda cells, order: cells["triple"].update(source="def triple(x):\n    return 3 * x"))
    assert adopt("en") == 1 and source() == before
    assert "the source keeps its solution" in capsys.readouterr().err
    assert "edited by hand: triple" in build(built, [])[0]


def test_an_edited_solution_goes_between_the_markers(built, adopt, edit, source):
    def shorter(cells, order):
        text = cells["triple-solution"].source
        cells["triple-solution"].source = text.replace("    y = x + x\n    return y + x", "    return 3 * x")

    edit("ja", shorter)
    assert adopt("ja") == 0
    assert "    ### BEGIN SOLUTION\n    return 3 * x\n    ### END SOLUTION\n" in source()
    assert build(built, []) == [] and check(built) == []


@pytest.mark.parametrize("text", ["free text", "```python\ndef f(x):\n    return 3 * x\n```"])
def test_more_than_a_solution_is_not_taken(adopt, edit, source, text, capsys):
    before = source()
    edit("ja", lambda cells, order: cells["triple-solution"].update(source=text))
    assert adopt("ja") == 1 and source() == before
    assert 'key "triple-solution": not taken' in capsys.readouterr().err


def test_a_new_markdown_cell_waits_for_its_translation(built, adopt, edit, source, capsys, change):
    edit("ja", lambda cells, order: order.insert(5, nbformat.v4.new_markdown_cell("新しい Bias Trick。")))
    before = {lang: path.read_bytes() for lang, path in built.editions(NAME).items()}
    assert adopt("ja") == 1
    assert '# %% [markdown] key="bias-trick" lang="ja"\n# 新しい Bias Trick。\n\n' in source()
    assert (
        'key "bias-trick": no translation: the cell with this key and lang="en" is missing' in capsys.readouterr().err
    )
    assert "no translation" in build(built, [])[0]
    assert {lang: path.read_bytes() for lang, path in built.editions(NAME).items()} == before
    new = '# %% [markdown] key="bias-trick" lang="ja"'
    change(built.source(NAME), new, f'# %% [markdown] key="bias-trick" lang="en"\n# The trick.\n\n{new}')
    assert build(built, []) == [] and check(built) == []


def test_a_new_code_cell_gets_a_key_and_keeps_known_tags(built, adopt, edit, source):
    def add(cells, order):
        new = nbformat.v4.new_code_cell("np.sum(x)", metadata={"tags": ["nbval-ignore-output", "mine"]})
        order.insert(order.index(cells["agreement"]) + 1, new)
        order.insert(order.index(cells["agreement"]) + 2, nbformat.v4.new_code_cell("np.sum(x)"))

    edit("en", add)
    assert adopt("en") == 0
    assert (
        '# %% key="np-sum-x" tags=["nbval-ignore-output"]\nnp.sum(x)\n\n# %% key="np-sum-x-2"\nnp.sum(x)\n\n'
        in source()
    )
    assert build(built, []) == [] and check(built) == []


def test_a_moved_cell_moves_in_both_languages(built, adopt, edit, source):
    def move(cells, order):
        order.remove(cells["picture"])
        order.insert(order.index(cells["agreement"]), cells["picture"])

    edit("en", move)
    assert adopt("en") == 0
    assert source().index('key="picture"') > source().index('key="section-3" lang="ja"')
    assert build(built, []) == [] and check(built) == []
    keys = [cell["id"] for cell in nbformat.read(built.edition("ja", NAME), as_version=4).cells]
    assert keys.index("picture") == keys.index("agreement") - 1


def test_a_deleted_cell_stays_until_deletion_is_confirmed(built, adopt, edit, source, capsys):
    before = source()
    edit("ja", lambda cells, order: order.remove(cells["agreement"]))
    assert adopt("ja") == 1 and source() == before
    assert "deleted here, kept in the source: agreement; --delete" in capsys.readouterr().err
    assert adopt("ja", "--delete") == 0
    assert 'key="agreement"' not in source()
    assert build(built, []) == [] and check(built) == []


def test_a_notebook_without_ids_is_matched_by_its_texts(built, adopt, edit, source):
    def drop(cells, order):
        cells["agreement"].source = "print(double(2))"
        for cell in order:
            cell.id = "x" + "".join(random.Random(cell.id).choices(string.ascii_lowercase, k=8))

    edit("ja", drop)
    assert adopt("ja") == 0
    assert '# %% key="agreement"\nprint(double(2))\n' in source()


def test_a_line_like_a_cell_marker_is_not_taken(adopt, edit, source, capsys):
    before = source()
    edit("en", lambda cells, order: cells["agreement"].update(source="x = 1\n# %% not a cell\nx"))
    assert adopt("en") == 1 and source() == before
    assert "looks like a cell marker" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["# Only `code`\n\n    indented\n\n# second", "$x_1$ \\\\ {a}", "- [ ] a\n\n\n- b", "```python\n# x\n```"]
)
def test_any_markdown_survives_the_way_there_and_back(built, adopt, edit, text):
    edit("ja", lambda cells, order: cells["section-9"].update(source=f"## 参考文献\n\n{text}"))
    adopt("ja")
    cells = built.source(NAME).read_text(encoding="utf-8")
    (block,) = [b for b in _blocks(cells) if b.key == "section-9" and b.lang == "ja"]
    assert block.source == f"## 参考文献\n\n{text}"


def _blocks(text):
    from tools.source import parse

    return parse(text, "x")[1]


def test_a_file_that_is_no_built_notebook_is_refused(built, tmp_path, capsys):
    assert command.main(["--adopt", str(tmp_path / "none.ipynb")], built.root) == 1
    stray = tmp_path / "stray.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), stray)
    assert command.main(["--adopt", str(stray)], built.root) == 1
    errors = capsys.readouterr().err
    assert "no such notebook" in errors and "expected a built notebook" in errors


def test_a_source_with_unclear_keys_is_repaired_first(built, adopt, change, capsys):
    change(built.source(NAME), 'key="agreement"', 'key="picture"')
    assert adopt("en") == 1
    assert "repair the source first" in capsys.readouterr().err

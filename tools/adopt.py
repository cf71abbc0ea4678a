"""The way back: what was edited in Jupyter goes from a built notebook into its source.

Only what the reader changed since the build is taken, so both editions can be edited and adopted one after the other.
Nothing is lost on the way: what cannot be taken is reported and stays in the notebook, which the build then refuses to
overwrite.
"""

import difflib
import re
from dataclasses import dataclass, replace

import jupytext
from nbformat import v4

from tools.dependencies import digest
from tools.editions import open_edition
from tools.exercise import STUB, solutions
from tools.project import LANGUAGES, read, write
from tools.render import badge, shown, solution
from tools.rules import BADGE, load
from tools.source import TAGS, Block, SourceError, parse

GENERATED = "-solution"


class Refused(ValueError):
    """One edit that cannot be taken; the text says why."""


@dataclass
class Draft:
    """A source in the making: {key: blocks of the cell}, in order, and what to tell the reader."""

    project: object
    name: str
    lang: str
    units: dict
    problems: list

    def current(self, key):
        """The block of a cell in this edition's language, or None."""
        return next((b for b in self.units[key] if b.lang in (self.lang, None)), None)

    def shown(self, key):
        block = self.current(key)
        return None if block is None else shown(self.project, self.name, self.lang, block.kind, block.source)


def adopt(project, path, delete=False):
    """Take the edits of the notebook at `path` into its source. Returns the problems: what was not taken, and what
    the build will ask for. delete: also remove cells that are gone from the notebook, in both languages."""
    edition = open_edition(path)
    if edition is None:
        raise ValueError(f"{path}: no such notebook")
    lang = edition.study.get("language", path.parent.name)
    name = edition.study.get("chapter", path.stem)
    if lang not in LANGUAGES or not project.source(name).exists():
        raise ValueError(f"{path}: expected a built notebook, such as notebooks/ja/NAME.ipynb with its source NAME.py")
    source_path = project.source(name)
    before = read(source_path)
    header, blocks = parse(before, project.shown(source_path))
    draft = Draft(project, name, lang, grouped(blocks, project.shown(source_path)), [])
    order = list(draft.units)
    base = edition.recorded() or {key: [digest(draft.shown(key))] for key in order if draft.current(key)}
    present = take_cells(draft, edition, base)
    keys = arranged(draft, order, present, base, delete)
    after = assembled(header, draft, keys, moved=keys != order)
    if after != before:
        write({source_path: after})
        print(f"{project.shown(source_path)}: written; see the change with git diff, then run `make build`")
    else:
        print(f"{project.shown(source_path)}: nothing to take")
    try:
        load(project, name)
    except SourceError as error:
        draft.problems += error.problems
    return draft.problems


def grouped(blocks, path):
    """{key: its blocks}, in order. A source whose keys are not clear has to be repaired first."""
    units, last = {}, None
    for block in blocks:
        known = units.setdefault(block.key, [])
        if block.key is None or known and (last != block.key or block.lang in [other.lang for other in known]):
            raise SourceError([f"{path}:{block.line}: key missing or used twice; repair the source first (--check)"])
        known.append(block)
        last = block.key
    return units


def take_cells(draft, edition, base):
    """Take each cell of the notebook; returns the keys in the notebook's order, new ones included."""
    present = []
    for cell, cell_id in zip(edition.cells, identified(edition.cells, base), strict=True):
        try:
            if cell_id is None:
                present.append(add_cell(draft, cell))
            elif cell_id.removesuffix(GENERATED) in draft.units and cell_id not in draft.units:
                take_solution(draft, cell_id.removesuffix(GENERATED), cell, base[cell_id][0])
            elif cell_id in draft.units:
                present.append(cell_id)
                take_cell(draft, cell_id, cell, base[cell_id][0])
            elif digest(cell.source) != base[cell_id][0]:
                raise Refused("was edited here, but is no longer in the source")
        except Refused as reason:
            draft.problems.append(f'{edition_path(draft)}:1: key "{cell_id or "new cell"}": not taken: {reason}')
    return present


def edition_path(draft):
    return draft.project.shown(draft.project.edition(draft.lang, draft.name))


def identified(cells, base):
    """For each cell the id it was built with, or None if it is new. Programs that drop ids (older Colab) are met by
    comparing the texts."""
    ids, used = [], set()
    for cell in cells:
        cell_id = cell.get("id")
        ids.append(cell_id if cell_id in base and cell_id not in used else None)
        used.add(cell_id)
    if any(ids):
        return ids
    known = list(base)
    matcher = difflib.SequenceMatcher(None, [base[key][0] for key in known], [digest(cell.source) for cell in cells])
    for what, a0, a1, b0, b1 in matcher.get_opcodes():
        if what == "equal" or what == "replace" and a1 - a0 == b1 - b0:
            ids[b0:b1] = known[a0:a1]
    return ids


def take_cell(draft, key, cell, built):
    """Take an edited text into the block it came from; the generated parts of it are turned back."""
    block = draft.current(key)
    if block is not None and block.kind != cell.cell_type:
        raise Refused(f"its type changed from {block.kind} to {cell.cell_type}; change it in the source")
    if digest(cell.source) == built or cell.source == draft.shown(key):
        return
    if block is None or digest(draft.shown(key)) != built:
        raise Refused("the source changed here as well since the build; join the two by hand")
    if key == "setup":
        raise Refused("the setup cell is made from tools/setup_cell.py; edit it there")
    text = cell.source.replace(badge(draft.project, draft.name, draft.lang), BADGE)
    put(draft, key, with_solution(text, block.source))


def with_solution(text, original):
    """An edited stub with the solutions of the original put back into their places."""
    blocks = solutions(original)
    if not blocks:
        return text
    stubs = [block[0][: len(block[0]) - len(block[0].lstrip())] + STUB for block in blocks]
    lines = text.split("\n")
    if [line for line in lines if line.strip() == STUB] != stubs:
        raise Refused("the answer to the exercise was filled in; the source keeps its solution and the rest as it is")
    waiting = iter(blocks)
    return "\n".join("\n".join(next(waiting)) if line.strip() == STUB else line for line in lines)


def take_solution(draft, key, cell, built):
    """Take an edited solution back between the markers, if the code around it is untouched."""
    block = draft.current(key)
    if digest(cell.source) == built or cell.source == solution(block.source, draft.lang):
        return
    marked = solutions(block.source)
    code = re.search(r"```python\n(.*?)\n```", cell.source, flags=re.DOTALL)
    if len(marked) != 1 or code is None or digest(solution(block.source, draft.lang)) != built:
        raise Refused("edit this solution in the source, between its markers")
    (lines,) = marked
    start = block.source.split("\n").index(lines[0])
    head, tail = block.source.split("\n")[:start], block.source.split("\n")[start + len(lines) :]
    edited = code[1].split("\n")
    end = len(edited) - len(tail)
    if edited[:start] != head or edited[end:] != tail or end < start:
        raise Refused("more than the solution was edited; edit the exercise in the source")
    put(draft, key, "\n".join([*head, lines[0], *edited[start:end], lines[-1], *tail]))


def add_cell(draft, cell):
    """A new cell gets a key from its first words; a markdown cell then waits for the other language."""
    if cell.cell_type not in ("markdown", "code"):
        raise Refused("raw cells are not used")
    words = re.findall(r"[a-z0-9]+", cell.source.lower())[:4]
    stem = "-".join(words)[:40].strip("-") or "cell"
    key = next(k for k in (stem, *(f"{stem}-{n}" for n in range(2, 1000))) if k not in draft.units)
    attributes = {"key": key}
    if cell.cell_type == "markdown":
        attributes["lang"] = draft.lang
    elif tags := [tag for tag in cell.metadata.get("tags", []) if tag in TAGS]:
        attributes["tags"] = tags
    block = percent(Block("", 0, cell.cell_type, attributes, ""), cell.source, "\n\n")
    draft.units[key] = [block]
    return key


def put(draft, key, text):
    block = draft.current(key)
    blank = r"(\n#?)*\Z" if block.kind == "markdown" else r"\n*\Z"
    gap = re.search(blank, block.raw)[0]  # how this author separates cells
    draft.units[key] = [percent(block, text, gap) if b is block else b for b in draft.units[key]]


def percent(block, text, gap):
    """`block` with another text, written in percent format and read again to be sure."""
    make = v4.new_code_cell if block.kind == "code" else v4.new_markdown_cell
    notebook = v4.new_notebook(cells=[make(text, metadata=block.attributes)])
    notebook.metadata["jupytext"] = {"notebook_metadata_filter": "-all"}
    raw = jupytext.writes(notebook, fmt="py:percent").strip("\n")
    if block.raw:  # keep the marker line as its author wrote it
        raw = block.raw.partition("\n")[0] + "\n" + raw.partition("\n")[2]
    try:
        _, (again,) = parse(raw, "")
    except (SourceError, ValueError):
        again = None
    if again is None or again.source != text.strip("\n"):
        raise Refused("a line looks like a cell marker of the source (# %%); write it in another way")
    return replace(again, raw=raw + gap)


def arranged(draft, order, present, base, delete):
    """Keys of the new source in order: the source's own unless cells were moved in the notebook."""
    gone = [key for key in order if key in base and key not in present]
    if gone and not delete:
        text = f"deleted here, kept in the source: {', '.join(gone)}; --delete removes them in both languages"
        draft.problems.append(f"{edition_path(draft)}:1: {text}")
    if delete:
        order = [key for key in order if key not in gone]
    kept = [key for key in present if key in base]
    moved = kept != [key for key in base if key in kept]
    return merged(present, order) if moved else merged(order, present)


def merged(first, second):
    """`first`, with what only `second` has put in behind its predecessor there."""
    result = list(first)
    for index, key in enumerate(second):
        if key not in result:
            result.insert(result.index(second[index - 1]) + 1 if index else 0, key)
    return result


def assembled(header, draft, keys, moved):
    """Text of the source. Where cells moved, one blank line stands between any two."""
    raws = [block.raw for key in keys for block in draft.units[key]]
    if moved:
        raws = [raw if raw.endswith("\n\n") else raw.rstrip("\n") + "\n\n" for raw in raws]
        raws[-1] = raws[-1].rstrip("\n") + "\n"
    return header + "".join(raws)

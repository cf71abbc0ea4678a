"""The source of a chapter: percent format, one code for both editions, prose in each language.

`parse` reads the text into blocks (one a `# %%` line), `join_languages` makes cells of them; `rules.load` does both and
checks them. Every problem is reported as file:line, key, what is wrong and what to do.
"""

import re
from dataclasses import dataclass, replace

import jupytext
import yaml

from tools.project import LANGUAGES

MARKER = re.compile(r"^#\s*%%+(\s|$)")
TAGS = ("nbval-ignore-output", "edition-output", "exercise")
# Jupytext notes blank lines here; they are no part of a cell.
LAYOUT = {"lines_to_next_cell", "lines_to_end_of_cell_marker"}
# An id in a notebook has at most 64 characters, and the build adds "-solution" to some.
KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,54}")


class SourceError(ValueError):
    """A source was refused; `problems` holds one line of text for each reason."""

    def __init__(self, problems):
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Block:
    """One `# %%` piece of a source file: a code cell, or one language of a markdown cell."""

    raw: str  # the exact text, marker line included
    line: int  # of the marker, from 1
    kind: str  # "markdown" | "code" | "raw"
    attributes: dict  # what the marker says: key, lang, tags
    source: str  # the cell's text, without empty lines around it

    @property
    def key(self):
        return self.attributes.get("key")

    @property
    def lang(self):
        return self.attributes.get("lang")

    @property
    def tags(self):
        return tuple(self.attributes.get("tags", ()))


@dataclass(frozen=True)
class Cell:
    """A cell of both editions. `text` maps a language to the source; a code cell has the same text in both."""

    key: str
    kind: str
    tags: tuple
    text: dict
    line: int


@dataclass(frozen=True)
class Chapter:
    name: str
    path: str  # as shown in messages
    header: dict
    cells: tuple

    def code(self):
        return [cell for cell in self.cells if cell.kind == "code"]

    def problem(self, cell, text):
        return problem(self.path, cell.line, cell.key, text)


def problem(path, line, key, text):
    """One refusal, in the form every tool of the build uses."""
    return f"{path}:{line}: " + (f'key "{key}": ' if key else "") + text


def parse(text, path):
    """(header text, blocks) of a source. Raises SourceError if the text cannot be cut into cells without doubt."""
    lines = text.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if MARKER.match(line)]
    first = starts[0] if starts else len(lines)
    cells = jupytext.reads("".join(lines[first:]), fmt="py:percent").cells if starts else []
    if len(cells) != len(starts):
        text = "a line inside a cell looks like a cell marker (# %%, # In[…]); write it in another way"
        raise SourceError([f"{path}:{first + 1}: {text}"])
    blocks = [
        Block(
            raw="".join(lines[start:end]),
            line=start + 1,
            kind=cell.cell_type,
            attributes={name: value for name, value in cell.metadata.items() if name not in LAYOUT},
            source=cell.source.strip("\n"),
        )
        for start, end, cell in zip(starts, [*starts, len(lines)][1:], cells, strict=True)
    ]
    return "".join(lines[:first]), blocks


def join_languages(blocks):
    """Cells from checked blocks: the two languages of a markdown cell stand next to each other."""
    cells = []
    for block in blocks:
        if block.kind == "markdown" and block.lang != LANGUAGES[0]:
            cells[-1] = replace(cells[-1], text={**cells[-1].text, block.lang: block.source})
        else:
            languages = LANGUAGES if block.kind == "code" else [block.lang]
            text = dict.fromkeys(languages, block.source)
            cells.append(Cell(block.key, block.kind, block.tags, text, block.line))
    return cells


def is_text(value):
    return isinstance(value, str) and bool(value.strip())


def is_texts(value):
    return isinstance(value, list) and all(is_text(item) for item in value)


# field: (test, what is expected, default; without one the field must be there)
FIELDS = {
    "title": (
        lambda v: isinstance(v, dict) and set(v) == set(LANGUAGES) and all(map(is_text, v.values())),
        '{en: "…", ja: "…"}',
    ),
    "scope": (lambda v: v in ("examined", "optional", "legacy"), "examined, optional or legacy"),
    "minutes": (lambda v: type(v) is int and v > 0, "a whole number of minutes"),
    "topics": (is_texts, 'a list of topic ids in quotes, such as ["3.4"]'),
    "prerequisites": (is_texts, "a list of chapter names"),
    "tpu": (lambda v: type(v) is bool, "true or false", False),
    "kind": (lambda v: v in ("chapter", "guide"), "chapter or guide", "chapter"),
    "depends": (is_texts, "a list of further files whose change makes the outputs stale", []),
}


def read_header(text, path):
    """(fields, problems) of the comment block at the top: YAML between two `# ---` lines, under `study`."""
    lines = text.splitlines()
    ends = [number for number, line in enumerate(lines) if line.rstrip() == "# ---"]
    form = "the file begins with a header: YAML in comments between two lines '# ---', under 'study:'"
    if len(ends) != 2 or ends[0] != 0 or any(line and not line.startswith("#") for line in lines):
        return {}, [f"{path}:1: {form}"]
    try:
        header = yaml.safe_load("\n".join(line[2:] for line in lines[1 : ends[1]]))
        study = header["study"]
        given = dict(study)
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        return {}, [f"{path}:1: {form} ({' '.join(str(error).split())})"]
    problems = []
    for field in given.keys() - FIELDS.keys():
        problems.append(f"{path}:1: unknown header field {field!r}; known: {', '.join(FIELDS)}")
    for field, (accepts, expected, *default) in FIELDS.items():
        if field not in given and default:
            given[field] = default[0]
        elif field not in given:
            problems.append(f"{path}:1: header field {field!r} is missing: expected {expected}")
        elif not accepts(given[field]):
            line = next((n for n, line in enumerate(lines, 1) if line.lstrip("# ").startswith(f"{field}:")), 1)
            problems.append(f"{path}:{line}: header field {field!r} is {given[field]!r}: expected {expected}")
    return given, problems

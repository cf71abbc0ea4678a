"""From a chapter and its outputs to the text of an edition: stable to the byte, nothing but what readers need."""

import re
import unicodedata

import nbformat
from nbformat import v4

from tools.dependencies import digest
from tools.exercise import solved, stub
from tools.outputs import counted, outputs_digest
from tools.rules import BADGE, SETUP

# What begins a list item, a table row, a heading, a quotation or a formula of its own.
BLOCK = re.compile(r"\d+\. |[-*+] |[|#>]|\$\$")
SUMMARY = {"en": "Solution", "ja": "解答"}
BADGE_TEXT = {"en": "Open in Colab", "ja": "Colabで開く"}
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# Header fields that a site or a table of chapters may want to read from the notebook.
SHOWN_FIELDS = ("title", "scope", "minutes", "topics", "prerequisites", "tpu", "kind")


def render(project, chapter, lang, outputs, record):
    """Text of one edition.

    outputs: {key: list of outputs} in this language. record: {"code": digest, "dependencies": {path: digest}}, what
    the outputs were made from.
    """
    cells, digests, count = [], [], 0
    for cell_id, kind, tags, source in layout(project, chapter, lang):
        metadata = {"tags": list(tags)} if tags else {}
        cell = {"cell_type": kind, "id": cell_id, "metadata": metadata, "source": source}
        line = f"{cell_id} {digest(source)}"
        if kind == "code":
            count += 1
            made = counted(outputs[cell_id], count)
            cell |= {"execution_count": count, "outputs": made}
            line += f" {outputs_digest(made)}"
        cells.append(cell)
        digests.append(line)
    study = {field: chapter.header[field] for field in SHOWN_FIELDS}
    study |= {"chapter": chapter.name, "language": lang, "source": chapter.path, "cells": digests, **record}
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "study": study}
    notebook = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return v4.writes(nbformat.from_dict(notebook)) + "\n"


def layout(project, chapter, lang):
    """(id, kind, tags, source) of every cell of an edition, in order, generated ones included."""
    folded = None
    for cell in chapter.cells:
        yield cell.key, cell.kind, cell.tags, shown(project, chapter.name, lang, cell.kind, cell.text[lang])
        if folded and cell.key == f"{folded.key}-check":
            yield f"{folded.key}-solution", "markdown", (), solution(folded.text[lang], lang)
        if "exercise" in cell.tags:
            folded = cell


def shown(project, name, lang, kind, text):
    """Text of a source cell as an edition shows it: exercises as stubs, badge and setup code filled in."""
    text = flowing(text) if kind == "markdown" else stub(text)
    if BADGE in text:
        text = text.replace(BADGE, badge(project, name, lang))
    return project.setup_code(lang) if text.strip() == SETUP else text


def flowing(text):
    """Markdown without the line ends after a Japanese character: a page would show a space there."""
    lines, fence = [], None
    for line in text.split("\n"):
        begins = line.lstrip()
        before = lines[-1] if lines else ""
        if begins[:3] in ("```", "~~~"):
            fence = None if fence == begins[:3] else fence or begins[:3]
        elif not fence and flows(before, begins):
            lines[-1] += begins
            continue
        lines.append(line)
    return "\n".join(lines)


def flows(before, begins):
    """Whether a line goes on where the one before ended, without a space between them on the page."""
    end, start = before[-1:], begins[:1]
    if not start or not is_wide(end) or before.startswith(("#", "|", ">")) or BLOCK.match(begins):
        return False
    return is_wide(start) or (start.isascii() and start.isalnum()) or (end in "、。)」:" and start in "`$(")


def is_wide(character):
    return bool(character) and unicodedata.east_asian_width(character) in "WF"


def solution(code, lang):
    """Markdown of a solution that opens on a click."""
    code = solved(code).strip("\n")
    return f"<details><summary>{SUMMARY[lang]}</summary>\n\n```python\n{code}\n```\n\n</details>"


def badge(project, name, lang):
    """Markdown of the button that opens the edition in Colab; if the address is not on GitHub, a plain link to it."""
    repository, branch = project.address()
    host, _, path = repository.partition("github.com/")
    if not path:
        return f"[{repository}]({repository})"
    target = f"https://colab.research.google.com/github/{path}/blob/{branch}/notebooks/{lang}/{name}.ipynb"
    return f"[![{BADGE_TEXT[lang]}](https://colab.research.google.com/assets/colab-badge.svg)]({target})"

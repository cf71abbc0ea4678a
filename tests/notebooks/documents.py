"""Reading built notebooks for the tests of them."""

import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from tools.outputs import texts
from tools.project import Project

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Project(ROOT)


@cache
def notebook(project, lang, name):
    return json.loads(project.edition(lang, name).read_text(encoding="utf-8"))


def code_cells(project, lang, name):
    return [cell for cell in notebook(project, lang, name)["cells"] if cell["cell_type"] == "code"]


def markdown(project, lang, name):
    """All prose of an edition as one text."""
    cells = notebook(project, lang, name)["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def output_texts(cell):
    """All texts that a code cell shows."""
    joined = [
        {
            **output,
            "text": "".join(output.get("text", [])),
            "data": {mime: "".join(value) for mime, value in output.get("data", {}).items()},
        }
        for output in cell["outputs"]
    ]
    return [text for output in joined if output["output_type"] != "error" for text in texts(output)]


def ignored(cell):
    return "nbval-ignore-output" in cell["metadata"].get("tags", [])


def share_compared(cells):
    """Of the cells that show text, the share that nbval compares."""
    with_text = [cell for cell in cells if output_texts(cell)]
    return 1 - sum(map(ignored, with_text)) / max(len(with_text), 1)


def broken_links(project, lang, name):
    """Links within the project that lead nowhere: files that are not there, headings that no notebook has."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", markdown(project, lang, name), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)[^)]*\)|<(?:a|img)[^>]+(?:href|src)=\"([^\"]+)\"", text):
        link = unquote(target[0] or target[1])
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        file = project.edition(lang, name) if not path else (project.edition(lang, name).parent / path).resolve()
        if not file.exists() or anchor and file.suffix == ".ipynb" and anchor not in anchors(file):
            broken.append(link)
    return broken


def anchors(file):
    """Names of the headings as JupyterLab makes them: the words, spaces as hyphens."""
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return {re.sub(r"\s", "-", words.strip()) for words in re.findall(r"^#{1,6}\s+(.*?)\s*$", text, flags=re.MULTILINE)}

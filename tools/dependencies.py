"""What the outputs of a chapter depend on, file by file, as digests.

A chapter's outputs are reused while nothing they depend on has changed: its code, the modules of `utils` that it
imports (and those that they import), its questions, the setup cell, the pinned versions. Comments and docstrings are
left out, so that explaining code better does not re-execute ten chapters.
"""

import ast
import functools
import hashlib
import io
import re
import tokenize

from tools.exercise import stub
from tools.project import SETUP_CELL, read
from tools.rules import python_tree

PINNED = "constraints.txt"
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
TOPICS = "data/syllabus.yaml"


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def record(project, chapter):
    """What outputs made now are made from."""
    return {"code": code_digest(chapter), "dependencies": dependencies(project, chapter)}


def code_digest(chapter):
    """Digest of what is executed, in order, with the tags that say how."""
    return digest(repr([(c.key, sorted(c.tags), significant(stub(c.text["en"]))) for c in chapter.code()]))


def dependencies(project, chapter):
    """{path: digest} of every file that the chapter's outputs depend on; a file that is not there is left out."""
    paths = {PINNED, SETUP_CELL}
    found = [mentioned(code) for code in [project.setup_template(), *(cell.text["en"] for cell in chapter.code())]]
    modules = set().union(*(names for names, _ in found))
    for bank in question_files(project, chapter, set().union(*(strings for _, strings in found))):
        paths |= {project.shown(bank), TOPICS}  # a quiz shows the names of its topics
        modules |= named_in_bank(read(bank))
    for pattern in chapter.header["depends"]:
        paths |= {project.shown(path) for path in project.root.glob(pattern) if path.is_file()}
    paths |= closure(project, modules)
    there = (path for path in sorted(paths) if (project.root / path).is_file())
    return {path: file_digest(path, read(project.root / path)) for path in there}


def question_files(project, chapter, strings):
    """The chapter's own bank, and every other bank whose name stands in its code as a string."""
    banks = sorted((project.root / "data" / "questions").glob("*.yaml"))
    return [path for path in banks if path.stem == chapter.name or path.stem in strings]


def named_in_bank(text):
    """Modules that a bank names: `generator: module.function`, `figure: module.function`."""
    found = re.findall(r"^[\s-]*(generator|figure):\s*[\"']?(\w+)", text, flags=re.MULTILINE)
    return {f"utils.exam.{room}s.{module}" for room, module in found}


def closure(project, modules):
    """Files of the given modules of `utils` and of all that they import, packages' `__init__` included."""
    paths, queue = set(), sorted(modules)
    while queue:
        parts = queue.pop().split(".")
        for end in range(1, len(parts) + 1):
            stem = "/".join(parts[:end])
            for candidate in (f"{stem}.py", f"{stem}/__init__.py"):
                if candidate in paths or not (project.root / candidate).is_file():
                    continue
                paths.add(candidate)
                package = ".".join(parts[:end] if candidate.endswith("__init__.py") else parts[: end - 1])
                queue += mentioned(read(project.root / candidate), package)[0]
    return paths


@functools.cache
def mentioned(code, package=""):
    """(names under `utils` that code imports anywhere, its strings); `package` resolves relative imports."""
    names, strings = set(), set()
    for node in ast.walk(python_tree(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
    return {name for name in names if name.split(".")[0] == "utils"}, strings


@functools.cache
def file_digest(path, text):
    if path.startswith("notebooks/src/"):
        return digest(text.partition("\n# %%")[0])  # a map of the chapters shows their headers, no more
    return digest(significant(text) if path.endswith((".py", ".txt")) else text)


def significant(code):
    """Code without comments, docstrings and blank lines; text that is no Python loses only `#` comments."""
    if not re.search(r"#|\"{3}|'{3}", code):  # the quick way for most cells; gives what the long one gives
        return "\n".join(line for line in code.splitlines() if line.strip())
    try:
        tree = ast.parse(code)
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (SyntaxError, tokenize.TokenError):
        return "\n".join(filter(None, (re.sub(r"(^|\s)#.*", "", line).rstrip() for line in code.splitlines())))
    lines = code.splitlines()
    dropped = set()
    for token in tokens:
        row = token.start[0] - 1
        if token.type == tokenize.COMMENT:
            lines[row] = lines[row][: token.start[1]].rstrip()
        if token.type == tokenize.NL and not lines[row].strip():
            dropped.add(row)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None:
            text = node.body[0]
            rows = range(text.lineno - 1, text.end_lineno)
            around = lines[rows[0]].encode()[: text.col_offset] + lines[rows[-1]].encode()[text.end_col_offset :]
            if not around.strip():  # code on the same line stays, and the docstring with it
                dropped |= set(rows)
    return "\n".join(line for row, line in enumerate(lines) if row not in dropped)

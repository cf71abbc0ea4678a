"""Where the parts of the project lie, and its address: the facts every tool needs."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("en", "ja")
SETUP_CELL = "tools/setup_cell.py"


@dataclass(frozen=True)
class Project:
    """A checkout at `root`. The tools take it as a parameter, so that tests can use a small one."""

    root: Path

    @property
    def sources(self):
        return self.root / "notebooks" / "src"

    def source(self, name):
        return self.sources / f"{name}.py"

    def edition(self, lang, name):
        return self.root / "notebooks" / lang / f"{name}.ipynb"

    def editions(self, name):
        return {lang: self.edition(lang, name) for lang in LANGUAGES}

    def names(self):
        """Names of all chapters, in order."""
        return sorted(path.stem for path in self.sources.glob("*.py"))

    def shown(self, path):
        """A path as messages show it: from the root, with slashes on every system."""
        return Path(path).relative_to(self.root).as_posix()

    def setup_template(self):
        """Text of the setup cell, with `{{lang}}`, `{{repository}}` and `{{branch}}` still in it."""
        return read(self.root / SETUP_CELL)

    def setup_code(self, lang):
        """The setup cell of an edition."""
        repository, branch = self.address()
        code = self.setup_template().strip("\n")
        for name, value in {"lang": lang, "repository": repository, "branch": branch}.items():
            code = code.replace("{{" + name + "}}", value)
        return code

    def address(self):
        """(repository, branch) from pyproject.toml."""
        study = tomllib.loads(read(self.root / "pyproject.toml"))["tool"]["study"]
        return study["repository"], study["branch"]

    def set_address(self, repository, branch=None):
        """Write the address into pyproject.toml, leaving every other character as it is."""
        if not re.fullmatch(r"(https?|file)://[^\s\"'\\]+", repository):
            raise ValueError(
                f"repository address {repository!r}: expected a URL such as https://github.com/OWNER/NAME "
                "(without spaces, quotes or backslashes)"
            )
        if branch is not None and not re.fullmatch(r"[\w./-]+", branch):
            raise ValueError(f"branch {branch!r}: expected a branch name such as main")
        path = self.root / "pyproject.toml"
        head, table, rest = read(path).partition("[tool.study]\n")
        values = {"repository": repository.rstrip("/").removesuffix(".git"), "branch": branch}
        for field, value in values.items():
            if value is not None:
                line = re.compile(rf'^({field}\s*=\s*)"[^"\n]*"', re.MULTILINE)
                rest, found = line.subn(lambda match, value=value: f'{match[1]}"{value}"', rest, count=1)
                if not found:
                    raise ValueError(f'pyproject.toml: [tool.study] has no line {field} = "…"; add it')
        write({path: head + table + rest})


def read(path):
    """Text with plain newlines, whatever a checkout on Windows made of them."""
    return Path(path).read_text(encoding="utf-8").replace("\r\n", "\n")


def write(texts):
    """Write several files together: all of them are on disk before the first one takes its place."""
    staged = {}
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            staged[path] = path.with_name(f".{path.name}.new")
            staged[path].write_text(text, encoding="utf-8", newline="\n")
        replace_all(staged)
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def replace_all(staged):
    """Move each temporary file over its target; if one move fails, the earlier targets get their old bytes back."""
    before = {path: path.read_bytes() if path.exists() else None for path in staged}
    moved = []
    try:
        for path, temporary in staged.items():
            moved.append(path)
            temporary.replace(path)
    except BaseException:
        for path in moved:
            if before[path] is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(before[path])
        raise

"""The front page promises nothing that is not there."""

import re
from pathlib import Path

import pytest

from utils.exam import overview, syllabus

ROOT = Path(__file__).resolve().parents[1]
READMES = {"en": ROOT / "README.md", "ja": ROOT / "README.ja.md"}
DOCUMENTS = [*READMES.values(), ROOT / "CONTRIBUTING.md", ROOT / "data" / "README.md"]
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    links = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    missing = [link for link in links if not (path.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("lang", READMES)
def test_table_of_chapters_is_the_chapters_that_are_ready(lang):
    text = READMES[lang].read_text(encoding="utf-8")
    rows = dict(re.findall(rf"^\| \[[^\]]+\]\(notebooks/{lang}/(\w+)\.ipynb\) \| (.+) \|$", text, re.MULTILINE))
    headers = overview.headers()
    assert list(rows) == list(headers)
    names = syllabus.load().names
    for name, header in headers.items():
        scope, minutes, _ = rows[name].split(" | ")
        assert scope == overview.WORDS[names[name].scope][lang == "ja"] == overview.WORDS[header["scope"]][lang == "ja"]
        assert re.match(r"\d+", minutes)[0] == str(header["minutes"])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_and_files_named_exist(path):
    text = path.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"(?:^|`|&& )make ([a-z-]+)", text, re.MULTILINE))
    assert named <= targets
    files = re.findall(r"`((?:tools|utils|tests|notebooks|data|benchmarks)/[\w./-]+\.(?:py|yaml|md|txt))`", text)
    missing = [name for name in files if not re.search("N[NA]|SUBJECT", name) and not (ROOT / name).exists()]
    assert not missing


def test_both_readmes_show_the_same_commands():
    blocks = {
        lang: re.findall(r"^make \w+", path.read_text(encoding="utf-8"), re.MULTILINE) for lang, path in READMES.items()
    }
    assert blocks["en"] == blocks["ja"] == ["make study", "make test"]

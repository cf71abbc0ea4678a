"""data/ is what its README says: every file listed with source, licence and hash, small, readable without pickle."""

import hashlib
import re
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

DATA = Path(__file__).resolve().parents[1] / "data"
OWN_TEXTS = ("README.md", "syllabus.yaml")  # and questions/: written for this project
LIMIT = 5_000_000  # bytes


def shipped():
    """Every file of data/ that git would ship, relative to it."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", "."], cwd=DATA, capture_output=True, check=False
    )
    if listed.returncode == 0:
        names = [name for name in listed.stdout.decode().split("\0") if name and (DATA / name).is_file()]
    else:  # a copy without its history
        names = [p.relative_to(DATA).as_posix() for p in DATA.rglob("*") if p.is_file() and "downloads" not in p.parts]
    return sorted(names)


def rows():
    """{file: (description, licence, script, hash)} from the table of the README."""
    table = {}
    for line in (DATA / "README.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 5 and re.fullmatch(r"`[^`]+`", cells[0]):
            assert cells[0].strip("`") not in table, f"two rows for {cells[0]}"
            table[cells[0].strip("`")] = (cells[1], cells[2], cells[3].strip("`"), cells[4].strip("`"))
    return table


EXTRACTS = [name for name in shipped() if name not in OWN_TEXTS and not name.startswith("questions/")]


def test_there_are_extracts_and_no_row_without_a_file():
    assert len(EXTRACTS) >= 16
    assert set(rows()) == set(EXTRACTS)


@pytest.mark.parametrize("name", EXTRACTS)
def test_row(name):
    description, licence, script, listed = rows()[name]
    actual = hashlib.sha256((DATA / name).read_bytes()).hexdigest()
    assert actual == listed, f"data/README.md lists another hash for {name}; the file's is {actual}"
    assert len(description) > 30 and licence
    source = (DATA.parent / "tools" / "extract" / script).read_text(encoding="utf-8")
    assert Path(name).stem.split("_en_ja")[0] in source, f"{script} does not make {name}"


def test_total_size():
    total = sum((DATA / name).stat().st_size for name in shipped())
    assert total < LIMIT, f"data/ holds {total:,} bytes"


@pytest.mark.parametrize("name", [n for n in EXTRACTS if n.endswith(".npz")])
def test_arrays_need_no_pickle(name):
    with np.load(DATA / name, allow_pickle=False) as file:
        assert sorted(file.files) == ["images", "labels"]
        assert file["images"].dtype == file["labels"].dtype == np.uint8


@pytest.mark.parametrize("name", [n for n in EXTRACTS if n.endswith(".wav")])
def test_audio_is_loud_enough_and_not_clipped(name):
    with wave.open(str(DATA / name), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 2**15
    assert len(samples) >= 2 * 8000
    assert 0.8 < np.abs(samples).max() < 0.95
    assert abs(samples.mean()) < 0.01
    windows = samples[: len(samples) // 2000 * 2000].reshape(-1, 2000)  # quarters of a second
    assert np.sqrt((windows**2).mean(axis=1)).min() > 0.003, "a quarter of a second of silence"


@pytest.mark.parametrize("name", [n for n in EXTRACTS if n.endswith(".png")])
def test_photographs_are_six_by_four_blocks(name):
    with Image.open(DATA / name) as photograph:
        assert photograph.size == (432, 288) and photograph.mode in ("L", "RGB")
        assert np.asarray(photograph).std() > 10


def test_sentences_are_plain_and_clean():
    lines = (DATA / "tatoeba_en_ja.tsv").read_text(encoding="utf-8").split("\n")
    assert lines[0] == "id_ja\ten\tja" and lines[-1] == ""
    for line in lines[1:-1]:
        number, english, japanese = line.split("\t")
        assert number.isdecimal()
        assert re.fullmatch(r"[A-Z][A-Za-z0-9 ,.?!':-]*[.?!]", english)
        assert re.fullmatch("[ぁ-ゖァ-ヺー々〆一-龯0-9０-９、]+[。？！]", japanese)
        assert not re.search(r"\b(kill|die|dead|sex|drunk|gun|stupid|ugly|hate)", english.lower())

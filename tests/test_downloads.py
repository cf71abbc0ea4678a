"""Downloads against a local server: what is right is kept, all else ends in one clear error and an empty folder."""

import dataclasses
import errno
import os
import socket
import threading
import time

import pytest

from tests import stand_ins
from utils import downloads

DATA = bytes(range(256)) * 1200  # 300 kB: several chunks
INSTEAD = 'load_images("digits")'


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_DOWNLOADS", str(tmp_path / "downloads"))
    monkeypatch.setattr(downloads, "PAUSE", 0.01)
    monkeypatch.setattr(downloads, "TIMEOUT", (2, 2))
    return tmp_path / "downloads"


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def fetch_from(page, data=DATA, extra=None):
    """Fetch `data` from a server that answers with `page`; returns what fetch did and the paths it asked for."""
    with stand_ins.serve({"/file.bin": page, **(extra or {})}) as server:
        remote = stand_ins.remote_for(data, f"{server.url}/file.bin")
        try:
            return downloads.fetch(remote, INSTEAD), server.requests
        except downloads.DownloadError as error:
            return error, server.requests


def assert_refused(result, folder, *words):
    assert isinstance(result, downloads.DownloadError), f"{result} was accepted"
    for word in ("file.bin", "Offline?", INSTEAD, *words):
        assert word in str(result)
    assert files_in(folder) == [], "something half-written was left behind"


def test_good_file_is_kept_and_not_asked_for_again(folder):
    with stand_ins.serve({"/file.bin": DATA}) as server:
        remote = stand_ins.remote_for(DATA, f"{server.url}/file.bin")
        path = downloads.fetch(remote, INSTEAD)
        assert path == folder / "set" / "file.bin"
        assert path.read_bytes() == DATA
        assert downloads.fetch(remote, INSTEAD) == path
        assert server.requests == ["/file.bin"]
    assert files_in(folder) == ["file.bin"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_progress_bar_shows_name_and_size(folder, capfd):
    fetch_from(DATA)
    last = capfd.readouterr().err.split("\r")[-1]
    assert last.startswith("file.bin: 100%") and "307k/307k" in last


def test_refused_connection_shows_no_bar(folder, capfd):
    fetch_from(None)
    assert capfd.readouterr().err == ""


def test_truncated_file(folder):
    result, requests = fetch_from(DATA[:-10])
    assert_refused(result, folder, "got 299,990 bytes where 307,200".replace("299,990", f"{len(DATA) - 10:,}"))
    assert len(requests) == 2, "the same wrong answer twice is final"


def test_connection_closed_half_way(folder):
    result, requests = fetch_from(lambda handler: stand_ins.send(handler, DATA[:1000], length=len(DATA)))
    assert_refused(result, folder, "broke off")
    assert len(requests) == downloads.ATTEMPTS


def test_connection_closed_half_way_then_good(folder):
    page = stand_ins.in_turn(lambda handler: stand_ins.send(handler, DATA[:1000], length=len(DATA)), DATA)
    result, requests = fetch_from(page)
    assert result.read_bytes() == DATA and len(requests) == 2
    assert files_in(folder) == ["file.bin"]


def test_wrong_content_of_the_right_size(folder):
    result, _ = fetch_from(DATA[::-1])
    assert_refused(result, folder, "content differs", stand_ins.remote_for(DATA).sha256)


def test_too_much_is_cut_short(folder):
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(10_000):  # 640 MB, were it not for the limit
            try:
                sent.append(handler.wfile.write(bytes(65_536)))
            except OSError:
                return

    result, _ = fetch_from(endless)
    assert_refused(result, folder, f"more than the {len(DATA):,} bytes")
    assert sum(sent) < 100_000_000


def test_missing_page_is_not_asked_for_again(folder):
    result, requests = fetch_from(None)
    assert_refused(result, folder, "404 Not Found")
    assert len(requests) == 1


def test_server_error_then_good(folder):
    result, requests = fetch_from(stand_ins.in_turn(stand_ins.status(503), DATA))
    assert result.read_bytes() == DATA and len(requests) == 2


def test_server_error_that_stays(folder):
    result, requests = fetch_from(stand_ins.status(500))
    assert_refused(result, folder, "500")
    assert len(requests) == downloads.ATTEMPTS


def test_redirect_is_followed(folder):
    result, requests = fetch_from(stand_ins.redirect("/moved.bin"), extra={"/moved.bin": DATA})
    assert result.read_bytes() == DATA and requests == ["/file.bin", "/moved.bin"]


def test_redirect_in_circles(folder):
    result, _ = fetch_from(stand_ins.redirect("/file.bin"))
    assert_refused(result, folder, "circles")


def test_server_that_stays_silent(folder, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", (0.2, 0.2))
    result, _ = fetch_from(lambda handler: time.sleep(0.5))
    assert_refused(result, folder, "in time")


def test_no_network(folder):
    with socket.socket() as probe:  # a port that nobody listens on
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    remote = stand_ins.remote_for(DATA, f"http://127.0.0.1:{port}/file.bin")
    with pytest.raises(downloads.DownloadError) as caught:
        downloads.fetch(remote, INSTEAD)
    assert_refused(caught.value, folder, "no connection", f"{len(DATA):,} bytes")


def test_second_mirror(folder):
    with stand_ins.serve({"/mirror.bin": DATA}) as server:
        remote = stand_ins.remote_for(DATA, f"{server.url}/gone.bin", f"{server.url}/mirror.bin")
        assert downloads.fetch(remote, INSTEAD).read_bytes() == DATA
        assert server.requests == ["/gone.bin", "/mirror.bin"]


@pytest.mark.parametrize("damage", [DATA[:100], DATA[::-1], b""], ids=["short", "changed", "empty"])
def test_damaged_file_is_downloaded_anew(folder, capsys, damage):
    with stand_ins.serve({"/file.bin": DATA}) as server:
        remote = stand_ins.remote_for(DATA, f"{server.url}/file.bin")
        path = downloads.fetch(remote, INSTEAD)
        path.write_bytes(damage)
        os.utime(path, ns=(1, 1))  # a clock too coarse to see the change must not hide it
        assert downloads.fetch(remote, INSTEAD).read_bytes() == DATA
        assert len(server.requests) == 2
    assert "is damaged" in capsys.readouterr().out


def test_damaged_file_and_no_network(folder):
    folder.joinpath("set").mkdir(parents=True)
    folder.joinpath("set", "file.bin").write_bytes(b"damaged")
    result, _ = fetch_from(None)
    assert_refused(result, folder)


def test_hash_of_a_kept_file_is_computed_once(folder, monkeypatch):
    result, _ = fetch_from(DATA)
    monkeypatch.setattr(downloads, "_verified", set())  # as in a new process
    asked = []
    digest = downloads.hashlib.file_digest
    monkeypatch.setattr(downloads.hashlib, "file_digest", lambda *args: asked.append(1) or digest(*args))
    remote = stand_ins.remote_for(DATA, "http://127.0.0.1:9/never-asked")
    assert downloads.fetch(remote, INSTEAD) == result
    assert downloads.fetch(remote, INSTEAD) == result
    assert len(asked) == 1


def test_full_disk(folder, monkeypatch):
    def flush(self):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(downloads._Checked, "flush", flush)
    result, requests = fetch_from(DATA)
    assert_refused(result, folder, os.strerror(errno.ENOSPC), "STUDY_DOWNLOADS")
    assert len(requests) == 1


def test_folder_that_cannot_be_made(folder, tmp_path, monkeypatch):
    tmp_path.joinpath("occupied").write_text("a file")
    monkeypatch.setenv("STUDY_DOWNLOADS", str(tmp_path / "occupied"))
    result, requests = fetch_from(DATA)
    assert_refused(result, folder, "occupied", "STUDY_DOWNLOADS")
    assert requests == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_folder_that_cannot_be_written(folder):
    folder.mkdir(mode=0o500)
    result, _ = fetch_from(DATA)
    assert_refused(result, folder, "STUDY_DOWNLOADS")


def test_interrupt_leaves_nothing(folder, monkeypatch):
    def interrupted(remote, url, temporary):
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, "_download_once", interrupted)
    with pytest.raises(KeyboardInterrupt):
        downloads.fetch(stand_ins.remote_for(DATA, "http://127.0.0.1:9/"), INSTEAD)
    assert files_in(folder) == []


def test_leftovers_of_a_killed_process_are_swept(folder):
    folder.joinpath("set").mkdir(parents=True)
    old, fresh = folder / "set" / "file.bin.old.part", folder / "set" / "file.bin.fresh.part"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    fetch_from(DATA)
    assert files_in(folder) == ["file.bin", "file.bin.fresh.part"], "another process may still write to the fresh one"


def test_two_at_once(folder):
    with stand_ins.serve({"/file.bin": DATA}) as server:
        remote = stand_ins.remote_for(DATA, f"{server.url}/file.bin")
        results = []
        threads = [threading.Thread(target=lambda: results.append(downloads.fetch(remote, INSTEAD))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(results) == 4 and results[0].read_bytes() == DATA
    assert files_in(folder) == ["file.bin"]


def test_compressed_transfer_is_not_asked_for(folder):
    asked = []
    fetch_from(lambda handler: (asked.append(handler.headers["Accept-Encoding"]), stand_ins.send(handler, DATA)))
    assert asked == ["identity"]


def test_the_default_folder_is_in_the_repository(monkeypatch):
    monkeypatch.delenv("STUDY_DOWNLOADS")
    assert downloads.folder().parts[-2:] == ("data", "downloads")


def test_registry_is_complete():
    from utils import datasets, public_sets

    for name, remotes in public_sets.REMOTES.items():
        assert name in datasets.IMAGE_SETS and public_sets.DEFAULTS[name] in datasets.IMAGE_SETS
        for remote in remotes:
            assert len(remote.sha256) == 64 and set(remote.sha256) <= set("0123456789abcdef")
            assert remote.size > 1000 and all(url.startswith("http") for url in remote.urls)
    paths = [remote.path for remotes in public_sets.REMOTES.values() for remote in remotes]
    assert len(set(paths)) == len(paths)
    with pytest.raises(dataclasses.FrozenInstanceError):
        public_sets.REMOTES["mnist"][0].size = 1

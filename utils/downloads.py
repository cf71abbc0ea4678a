"""Download a file whose size and hash are known, or say clearly why not. Nothing half-written is left behind."""

import contextlib
import errno
import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ATTEMPTS = 3
PAUSE = 1.0  # seconds before the second attempt; twice as long before the third
TIMEOUT = (10, 60)  # seconds to connect, seconds without a byte
STALE = 24 * 3600  # seconds after which a temporary file must belong to a process that was killed

_verified = set()  # (path, time of change, hash) of files that were found right in this process


class DownloadError(OSError):
    """A file could not be had. The message says what happened, what was expected and what works without a network."""


class _Rejected(Exception):
    """The server's answer is not the file."""


@dataclass(frozen=True)
class Remote:
    """A file of a public set.

    path: where it is kept, below the folder of downloads; urls: tried in turn; size: in bytes; sha256: hex digits.
    """

    path: str
    urls: tuple[str, ...]
    size: int
    sha256: str

    def __str__(self):
        return f"{Path(self.path).name} ({self.size:,} bytes, sha256 {self.sha256[:12]}…)"


def folder():
    """Where downloads are kept: the environment variable STUDY_DOWNLOADS, else data/downloads in the repository."""
    given = os.environ.get("STUDY_DOWNLOADS")
    return Path(given).expanduser() if given else Path(__file__).resolve().parents[1] / "data" / "downloads"


def fetch(remote, instead):
    """The verified local path of a public file; downloads it on first use.

    A kept file is checked (size, and hash once a process); a damaged one is downloaded again. A download goes to a
    temporary file in the same folder and is moved into place, in one step, only when size and hash are right.

    Args:
        remote: Remote.
        instead: what the reader can do offline, for the message, such as 'load_images("digits")'.

    Raises:
        DownloadError: no network, an error of the server, a wrong size or hash, a folder that cannot be written.
    """
    target = folder() / remote.path
    problem = _damage(target, remote)
    if problem is None:
        return target
    try:
        if target.exists():
            print(f"{target.name} is damaged ({problem}); downloading it again")
            target.unlink(missing_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        handle, temporary = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise _unwritable(remote, target.parent, error, instead) from error
    temporary = Path(temporary)
    try:
        _download(remote, temporary, instead)
        temporary.chmod(0o644)  # mkstemp's files are private
        os.replace(temporary, target)
    except DownloadError:
        raise
    except OSError as error:  # a full disk can show only when the file is closed or moved
        raise _unwritable(remote, target.parent, error, instead) from error
    finally:
        temporary.unlink(missing_ok=True)  # also after Ctrl-C
    _verified.add(_state(target, remote))
    return target


def _download(remote, temporary, instead):
    problems, urls = {}, list(remote.urls)
    for attempt in range(ATTEMPTS):
        if attempt and urls:
            time.sleep(PAUSE * attempt)
        for url in list(urls):
            try:
                return _download_once(remote, url, temporary)
            except _Rejected as error:
                if problems.get(url) == str(error):  # the same wrong file twice: it will not get better
                    urls.remove(url)
                problems[url] = str(error)
            except OSError as error:  # requests' errors are OSErrors
                if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO):
                    raise _unwritable(remote, temporary.parent, error, instead) from error
                problems[url], final = _network_problem(error)
                if final:  # asking again would not change the answer
                    urls.remove(url)
    lines = "\n".join(f"  {url}: {problem}" for url, problem in problems.items())
    raise DownloadError(f"could not download {remote}:\n{lines}\nNothing was kept. {_hint(instead)}")


def _download_once(remote, url, temporary):
    import pooch  # here, because most readers never download and it costs a tenth of a second

    # A server must not unpack or repack the file on the way: the hash is that of the archive.
    headers = {"Accept-Encoding": "identity"}
    get = pooch.HTTPDownloader(chunk_size=2**16, timeout=TIMEOUT, headers=headers)
    with temporary.open("wb") as file, _Checked(file, remote) as checked:
        get(url, checked, None)
    if checked.size != remote.size:
        raise _Rejected(f"got {checked.size:,} bytes where {remote.size:,} were expected")
    if checked.sha256.hexdigest() != remote.sha256:
        raise _Rejected(f"the content differs: sha256 {checked.sha256.hexdigest()}, expected {remote.sha256}")


class _Checked:
    """What pooch writes to: counts, hashes and shows the bytes, and stops when more come than the file can have."""

    def __init__(self, file, remote):
        self.file, self.remote, self.size, self.sha256, self.bar = file, remote, 0, hashlib.sha256(), None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.bar is not None:
            self.bar.close()

    def write(self, data):
        self.size += len(data)
        if self.size > self.remote.size:
            raise _Rejected(f"got more than the {self.remote.size:,} bytes that were expected")
        self.sha256.update(data)
        self._show(len(data))
        return self.file.write(data)

    def _show(self, count):
        if self.bar is None:  # made with the first bytes, so that a refused connection leaves no empty bar
            from tqdm import tqdm

            name = Path(self.remote.path).name
            self.bar = tqdm(desc=name, total=self.remote.size, unit="B", unit_scale=True, ncols=79)
        self.bar.update(count)

    def flush(self):
        self.file.flush()


def _network_problem(error):
    """(what happened, whether asking the same server again is useless)."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    name = type(error).__name__
    if name == "TooManyRedirects":
        return "the server redirects in circles", True
    if status is not None:
        return f"the server answers {status} {error.response.reason}", 400 <= status < 500 and status not in (408, 429)
    if name in ("ChunkedEncodingError", "ContentDecodingError"):
        return "the connection broke off half-way", False
    if "Timeout" in name:
        return "the server does not answer in time", False
    return f"no connection ({name})", False


def _damage(path, remote):
    """None if the kept file is the right one, else what is wrong with it."""
    if not path.is_file():
        return "it is missing"
    if path.stat().st_size != remote.size:
        return f"{path.stat().st_size:,} bytes where {remote.size:,} are expected"
    if _state(path, remote) not in _verified:
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != remote.sha256:
                return "its hash is wrong"
        _verified.add(_state(path, remote))
    return None


def _state(path, remote):
    return str(path), path.stat().st_mtime_ns, remote.sha256


def _sweep(target):
    for leftover in target.parent.glob(f"{target.name}.*.part"):
        with contextlib.suppress(FileNotFoundError):  # a download beside this one has just moved it into place
            if time.time() - leftover.stat().st_mtime > STALE:
                leftover.unlink()


def _unwritable(remote, where, error, instead):
    what = error.strerror or type(error).__name__
    return DownloadError(
        f"could not keep {remote} in {where}: {what}. Free some space, or set the environment variable STUDY_DOWNLOADS "
        f"to a folder that can be written. {_hint(instead)}"
    )


def _hint(instead):
    return f"Offline? {instead} ships with the repository."

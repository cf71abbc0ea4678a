"""Tiny files in the public sets' true formats, and a local server that hands them out (or misbehaves).

A test that needs the path of a public set, without a network:

    def test_cifar(monkeypatch, tmp_path):
        with stand_ins.public_set("cifar10", monkeypatch, tmp_path):
            images = datasets.load_images("cifar10", limit=20)

Inside the block the registry's entry points to the server, with the stand-in's size and hash, and downloads go to a
folder below `tmp_path`. The classes differ in brightness, so that a model can learn something. `duplicates=True` plants
copies of training pictures in the test part and within the training part, as real sets have them.
"""

import contextlib
import dataclasses
import functools
import gzip
import hashlib
import http.server
import io
import tarfile
import threading

import numpy as np
from PIL import Image

from utils import downloads, public_sets

CIFAR_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FLOWER_CLASSES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")


def pictures(classes, per_class, shape, seed):
    """uint8 pictures (n, *shape) in random order and their labels; class c is about c / classes as bright."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(classes), per_class)).astype(np.uint8)
    noise = rng.integers(0, 64, (len(labels), *shape))
    return (noise + labels.reshape(-1, *[1] * len(shape)) * (190 // classes)).astype(np.uint8), labels


def two_parts(per_class, shape, duplicates):
    train, test = pictures(10, per_class, shape, seed=1), pictures(10, max(1, per_class // 5), shape, seed=2)
    if duplicates:
        train[0][-3:] = train[0][:3]  # within the training part, under other labels
        test[0][:5] = train[0][5:10]  # across the parts
    return train, test


def idx_gz(array):
    header = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.tobytes(), mtime=0)


def tar_gz(files):
    """A .tar.gz of {name: bytes}, with entries for the folders, as real archives have them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for folder in sorted({name.rsplit("/", 1)[0] for name in files}):
            entry = tarfile.TarInfo(folder)
            entry.type = tarfile.DIRTYPE
            archive.addfile(entry)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def cifar_files(per_class, duplicates):
    train, test = two_parts(per_class, (32, 32, 3), duplicates)

    def records(part):
        x, y = part
        return np.concatenate([y[:, None], x.transpose(0, 3, 1, 2).reshape(len(y), -1)], axis=1).tobytes()

    batches = zip(np.array_split(train[0], 5), np.array_split(train[1], 5), strict=True)
    files = {f"cifar-10-batches-bin/data_batch_{i}.bin": records(batch) for i, batch in enumerate(batches, 1)}
    files["cifar-10-batches-bin/test_batch.bin"] = records(test)
    files["cifar-10-batches-bin/batches.meta.txt"] = ("\n".join(CIFAR_CLASSES) + "\n\n").encode()
    files["cifar-10-batches-bin/readme.html"] = b"<html></html>"
    return [tar_gz(files)]


def idx_files(per_class, duplicates):
    train, test = two_parts(per_class, (28, 28), duplicates)
    return [idx_gz(array) for array in (*train, *test)]


def flower_files(per_class, duplicates):
    x, y = pictures(len(FLOWER_CLASSES), per_class, (40, 60, 3), seed=3)
    files = {"flower_photos/LICENSE.txt": b"All images in this archive are licensed under CC-BY 2.0\n"}
    for i, (picture, label) in enumerate(zip(x, y, strict=True)):
        data = io.BytesIO()
        picture = picture if i % 2 else picture.transpose(1, 0, 2)  # landscape and portrait
        Image.fromarray(picture).resize((50 + i % 7, 45)).save(data, "JPEG", quality=90)
        files[f"flower_photos/{FLOWER_CLASSES[label]}/{i:05d}_0a1b2c.jpg"] = data.getvalue()
    if duplicates:
        names = sorted(files)[1:]
        for copy in range(per_class):  # so many that a split that does not look would separate one from its twin
            files[f"flower_photos/{FLOWER_CLASSES[copy % 5]}/copy{copy}.jpg"] = files[names[copy]]
    return [tar_gz(files)]


MAKERS = {"cifar10": cifar_files, "mnist": idx_files, "fashion_mnist": idx_files, "flowers": flower_files}


@contextlib.contextmanager
def serve(pages):
    """A server on this machine, until the block ends: {path: bytes, or a function of the request handler}.

    Gives an object with `url` (of the server) and `requests` (the paths that were asked for, in order).
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            server.requests.append(self.path)
            page = pages.get(self.path)
            if callable(page):
                page(self)
            elif page is None:
                self.send_error(404)
            else:
                send(self, page)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=functools.partial(server.serve_forever, poll_interval=0.01), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def send(handler, data, length=None):
    """A good answer; or one that promises `length` bytes, sends `data` and hangs up."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(data) if length is None else length))
    handler.end_headers()
    handler.wfile.write(data)


def redirect(to):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.end_headers()

    return answer


def in_turn(*pages):
    """A page that answers differently each time: bytes or functions; the last one stays."""
    left = list(pages)

    def answer(handler):
        page = left.pop(0) if len(left) > 1 else left[0]
        page(handler) if callable(page) else send(handler, page)

    return answer


def status(code):
    return lambda handler: handler.send_error(code)


def remote_for(data, *urls, path="set/file.bin"):
    return downloads.Remote(path, urls, len(data), hashlib.sha256(data).hexdigest())


@contextlib.contextmanager
def public_set(name, monkeypatch, tmp_path, per_class=20, duplicates=False):
    """The registry's entry for `name` replaced by a stand-in on a local server. Gives the server."""
    files = MAKERS[name](per_class, duplicates)
    remotes = public_sets.REMOTES[name]
    pages = {f"/{remote.path}": data for remote, data in zip(remotes, files, strict=True)}
    with serve(pages) as server:
        patched = tuple(
            dataclasses.replace(remote_for(data, f"{server.url}/{remote.path}"), path=remote.path)
            for remote, data in zip(remotes, files, strict=True)
        )
        monkeypatch.setitem(public_sets.REMOTES, name, patched)
        monkeypatch.setenv("STUDY_DOWNLOADS", str(tmp_path / "downloads"))
        monkeypatch.setattr(downloads, "PAUSE", 0.01)
        yield server

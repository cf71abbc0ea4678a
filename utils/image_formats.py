"""Readers of the public sets' own file formats. Nothing is unpickled, no archive is extracted to disk."""

import gzip
import io
import tarfile

import numpy as np
from PIL import Image, ImageOps

CIFAR_RECORD = 1 + 3 * 32 * 32  # bytes: the label, then the red, the green and the blue plane


def read_idx(path):
    """The uint8 array in a gzip-compressed IDX file (MNIST, Fashion-MNIST).

    IDX: two zero bytes, 8 for "unsigned byte", the number of axes, each axis as a big-endian uint32, the data.

    Raises:
        ValueError: another format.
    """
    with gzip.open(path, "rb") as file:
        data = file.read()
    axes = data[3] if len(data) > 4 and data[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(data, ">u4", count=axes, offset=4).astype(int) if len(data) >= 4 + 4 * axes else []
    if not axes or len(data) != 4 + 4 * axes + np.prod(shape):
        raise ValueError(f"{path} is not an IDX file of unsigned bytes")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_cifar(path):
    """The binary version of CIFAR-10: ((x_train, y_train), (x_test, y_test), class_names).

    x: uint8 (pictures, 32, 32, 3); y: uint8 (pictures,).

    Raises:
        ValueError: a member is missing or its length is no multiple of a record.
    """
    with tarfile.open(path, "r:gz") as archive:
        files = {
            member.name.split("/")[-1]: archive.extractfile(member).read() for member in archive if member.isfile()
        }
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin", "batches.meta.txt"]
    missing = [name for name in names if name not in files]
    if missing:
        raise ValueError(f"{path} is not the binary version of CIFAR-10: it has no {', '.join(missing)}")
    batches = []
    for name in names[:-1]:
        if len(files[name]) % CIFAR_RECORD:
            raise ValueError(f"{path}: {name} does not consist of records of {CIFAR_RECORD:,} bytes")
        records = np.frombuffer(files[name], np.uint8).reshape(-1, CIFAR_RECORD)
        pictures = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        batches.append((np.ascontiguousarray(pictures), records[:, 0]))
    train = tuple(np.concatenate(arrays) for arrays in zip(*batches[:-1], strict=True))
    return train, batches[-1], files["batches.meta.txt"].decode("ascii").split()


def read_photo_archive(path):
    """A .tgz with one folder of JPEG files a class (flower_photos.tgz): (files, labels, class_names).

    files: list of bytes, in the order of their names; labels: int64; class_names: the folders, sorted. Files above the
    class folders (LICENSE.txt) and hidden ones are left out.

    Raises:
        ValueError: no JPEG file in a class folder.
    """
    files = {}
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            parts = member.name.removeprefix("./").split("/")
            if (
                member.isfile()
                and len(parts) == 3
                and parts[2].lower().endswith(".jpg")
                and not parts[2].startswith(".")
            ):
                files[parts[1], parts[2]] = archive.extractfile(member).read()
    if not files:
        raise ValueError(f"{path} holds no JPEG file in a class folder")
    class_names = sorted({folder for folder, _ in files})
    labels = np.array([class_names.index(folder) for folder, _ in sorted(files)])
    return [files[name] for name in sorted(files)], labels, class_names


def decode_photos(files, size):
    """Decode image files to uint8 (pictures, size, size, 3): the largest square in the middle, resized."""
    out = np.empty((len(files), size, size, 3), np.uint8)
    for i, data in enumerate(files):
        with Image.open(io.BytesIO(data)) as image:
            out[i] = np.asarray(ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BILINEAR))
    return out

"""One door to data: small real sets that ship with the repository, and the public sets one argument away.

Where every embedded file comes from, its licence and its hash: data/README.md.
"""

import csv
import difflib
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from utils import image_formats, image_sets, public_sets

DATA = Path(__file__).resolve().parents[1] / "data"

IMAGE_SETS = {
    "digits": "5,000 MNIST digits, 28×28×1, 10 classes; in the repository",
    "small_digits": "1,797 digits, 8×8×1, 10 classes; in the repository",
    "textures": "patches of ten photographs, 32×32×3 (up to 72×72 uncut), 10 classes; in the repository",
    "mnist": "70,000 digits, 28×28×1, 10 classes; download of 12 MB",
    "fashion_mnist": "70,000 pictures of clothes, 28×28×1, 10 classes; download of 31 MB",
    "cifar10": "60,000 small photographs, 32×32×3, 10 classes; download of 170 MB",
    "flowers": "3,670 photographs of flowers, 128×128×3 (or another size), 5 classes; download of 229 MB",
}
AUDIO_CLIPS = {
    "guitar": "an E minor ninth chord on an electric guitar, 6.0 s",
    "harmonics": "flageolet notes on a guitar, 2.5 s",
    "speech": "a sentence of Sense and Sensibility, read aloud in English, 7.1 s",
}

BLOCK = 72  # pixels: a photograph of 432×288 is 6×4 blocks, and a block belongs to one split as a whole
BLOCKS_HELD_OUT = 4  # of 24, for validation and again for test
FLOWER_SIZE = 128  # pixels, when none is asked for: the photographs have all sizes and shapes


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """A set of pictures in three splits that share no picture.

    x_train, x_val, x_test: float32 in [0, 1], shape (pictures, height, width, channels).
    y_train, y_val, y_test: int64 class numbers, shape (pictures,).
    class_names: tuple of str; name: the set's name.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    name: str

    def __repr__(self):
        shape = "×".join(str(n) for n in self.x_train.shape[1:])
        return (
            f"Images({self.name}: {len(self.y_train):,} train, {len(self.y_val):,} validation, "
            f"{len(self.y_test):,} test pictures of {shape}, {len(self.class_names)} classes)"
        )


class SentencePair(NamedTuple):
    """A translated sentence. https://tatoeba.org/sentences/show/<id_ja> names the authors of both sides."""

    id_ja: int
    en: str
    ja: str


def load_images(name="digits", size=None, seed=0, limit=None):
    """Load a set of pictures by name, split into train, validation and test.

    Args:
        name: a key of `IMAGE_SETS`.
        size: height and width in pixels (8 to 512); None for the set's own. Pictures are resized with Pillow's bilinear
            filter, which averages when it shrinks; photographs are cut to the square in their middle first. Textures
            are not resized but cut at this size, up to 72 pixels; a larger patch is one of 64 pixels, enlarged.
        seed: chooses the split and the order; the same seed gives the same arrays on every machine. An official test
            part (mnist, fashion_mnist, cifar10) stays the test part.
        limit: at most this many training pictures; validation and test are cut to the same fraction. Every class keeps
            its share.

    Returns:
        Images. No picture (compared by pixels) is in two splits.

    Raises:
        ValueError: unknown name (with the nearest one), size or limit out of range.
        TypeError: size, seed or limit is not an integer.
        utils.downloads.DownloadError: a public set cannot be had; the message names the set to use instead.
    """
    _known(name, IMAGE_SETS, "image set")
    size = None if size is None else _integer("size", size, 8, 512, "pixels")
    seed = _integer("seed", seed, 0, 2**32 - 1)
    if limit is not None:
        limit = _integer("limit", limit, 1, 10**9, "pictures")
    rng = np.random.default_rng(seed)
    top = 255
    if name == "textures":
        parts, class_names = _textures(size or 32, rng)
    else:
        if name in public_sets.REMOTES:
            pool, test, class_names = public_sets.load(name)
        else:
            pool, test, class_names = _digits(name)
        if name == "small_digits":  # counts 0 … 16; in fifteenths of a byte the resizer loses nothing
            pool, top = (pool[0] * np.uint8(15), pool[1]), 240
        parts = image_sets.split(pool, test, rng)
    if limit is not None:
        if limit < len(class_names):
            raise ValueError(
                f"limit={limit} is too small: {name} has {len(class_names)} classes, give at least one of each"
            )
        parts = image_sets.limited(parts, limit, rng)
    if name == "flowers":
        parts = [(image_formats.decode_photos(files, size or FLOWER_SIZE), y) for files, y in parts]
    elif size is not None:
        parts = [(image_sets.resized(x, size), y) for x, y in parts]
    arrays = []
    for x, y in image_sets.without_leaks(parts):
        arrays += [x.astype(np.float32) / np.float32(top), y.astype(np.int64)]
    return Images(*arrays, tuple(class_names), name)


def load_sentence_pairs(limit=None):
    """Short English–Japanese sentence pairs from Tatoeba (CC BY 2.0 FR): a list of SentencePair.

    Every English and every Japanese sentence occurs once. The order is fixed and says nothing of the content, so the
    first `limit` pairs, or a slice for training and another for testing, are fair samples.

    Raises:
        ValueError, TypeError: limit is not a positive integer.
    """
    if limit is not None:
        limit = _integer("limit", limit, 1, 10**9, "pairs")
    with open(DATA / "tatoeba_en_ja.tsv", encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [SentencePair(int(row["id_ja"]), row["en"], row["ja"]) for row in rows][:limit]


def load_audio(name="guitar"):
    """A clip by name (a key of `AUDIO_CLIPS`): (samples, rate).

    samples: float32 in [-1, 1], shape (n,), mono; rate: 8000 samples a second.

    Raises:
        ValueError: unknown name, with the nearest one.
    """
    _known(name, AUDIO_CLIPS, "audio clip")
    with wave.open(str(DATA / "audio" / f"{name}.wav"), "rb") as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.astype(np.float32) / np.float32(2**15), file.getframerate()


def _digits(name):
    with np.load(DATA / f"{name}.npz", allow_pickle=False) as file:
        return (file["images"][..., np.newaxis], file["labels"]), None, "0123456789"


def _textures(size, rng):
    """Cut square patches; blocks of a photograph, not patches, are dealt to the splits, so that no pixel is in two."""
    cut = size if size <= BLOCK else 64
    steps = min(5, (BLOCK - cut) // 8 + 1)
    offsets = np.linspace(0, BLOCK - cut, steps).round().astype(int)
    pictures, labels = ([], [], []), ([], [], [])
    paths = sorted((DATA / "textures").glob("*.png"))
    for label, path in enumerate(paths):
        photograph = np.asarray(Image.open(path).convert("RGB"))
        rows, columns = photograph.shape[0] // BLOCK, photograph.shape[1] // BLOCK
        for position, block in enumerate(rng.permutation(rows * columns)):
            part = 2 if position < BLOCKS_HELD_OUT else 1 if position < 2 * BLOCKS_HELD_OUT else 0
            top, left = BLOCK * (block // columns), BLOCK * (block % columns)
            for y in top + offsets:
                for x in left + offsets:
                    pictures[part].append(photograph[y : y + cut, x : x + cut])
                    labels[part].append(label)
    parts = []
    for x, y in zip(pictures, labels, strict=True):
        order = image_sets.stratified_order(y, rng)
        parts.append((np.stack(x)[order], np.array(y)[order]))
    return parts, [path.stem for path in paths]


def _known(name, known, what):
    if name in tuple(known):  # a tuple, so that an unhashable name is unknown and nothing worse
        return
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"unknown {what} {name!r}.{hint} Known: {', '.join(known)}")


def _integer(what, value, low, high, unit=""):
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{what} must be an integer, got {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{what}={value} is out of range: give {low} to {high:,} {unit}".rstrip())
    return int(value)

"""The door to data: shapes, ranges, fixed and leak-free splits, clear errors, and the path through every public set."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import stand_ins
from utils import datasets
from utils.downloads import DownloadError

EMBEDDED = {"digits": (28, 1), "small_digits": (8, 1), "textures": (32, 3)}
PUBLIC = {"mnist": (28, 1), "fashion_mnist": (28, 1), "cifar10": (32, 3), "flowers": (128, 3)}


def parts(images):
    yield images.x_train, images.y_train
    yield images.x_val, images.y_val
    yield images.x_test, images.y_test


def check(images, side, channels):
    """What holds for every set: types, range, every class in every part in its share, no picture in two parts."""
    seen = []
    for x, y in parts(images):
        assert x.dtype == np.float32 and y.dtype == np.int64 and len(x) == len(y)
        assert x.shape[1:] == (side, side, channels)
        assert 0 <= x.min() < x.max() <= 1
        assert set(y) == set(range(len(images.class_names)))
        seen.append({picture.tobytes() for picture in x})
    train, val, test = seen
    assert not train & val and not train & test and not val & test
    everything = np.bincount(np.concatenate([y for _, y in parts(images)])) / sum(len(y) for _, y in parts(images))
    for _, y in parts(images):
        assert np.abs(np.bincount(y) - everything * len(y)).max() <= 2
    return images


def fingerprint(images):
    return hashlib.sha256(b"".join(array.tobytes() for part in parts(images) for array in part)).hexdigest()[:16]


@pytest.mark.parametrize("name", EMBEDDED)
@pytest.mark.parametrize("seed", [0, 1])
def test_embedded_sets(name, seed):
    images = check(datasets.load_images(name, seed=seed), *EMBEDDED[name])
    assert images.name == name and len(images.class_names) == 10


def test_sizes_of_the_parts():
    counts = {name: [len(y) for _, y in parts(datasets.load_images(name))] for name in EMBEDDED}
    assert counts == {"digits": [4000, 500, 500], "small_digits": [1437, 180, 180], "textures": [4000, 1000, 1000]}


def test_digits_are_balanced_and_the_values_are_the_originals():
    images = datasets.load_images("digits")
    assert [set(np.bincount(y)) for _, y in parts(images)] == [{400}, {50}, {50}]
    with np.load(datasets.DATA / "digits.npz", allow_pickle=False) as file:
        originals = {picture.tobytes(): label for picture, label in zip(file["images"], file["labels"], strict=True)}
    for x, y in zip(images.x_test, images.y_test, strict=True):
        assert originals[np.round(x[..., 0] * 255).astype(np.uint8).tobytes()] == y


def test_small_digits_are_sixteenths():
    x = datasets.load_images("small_digits").x_train
    assert np.array_equal(x * 16, np.round(x * 16)) and x.max() == 1


# The first 16 hex digits of the hash over all arrays: the same on every machine and with every version in use. Where
# they change, what the chapters print changes.
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"name": "digits"}, "a4f5289638851e47"),
        ({"name": "digits", "seed": 1, "size": 14, "limit": 100}, "5cedeb68625b798e"),
        ({"name": "small_digits"}, "8a065a42481fab91"),
        ({"name": "textures"}, "3523cd97366a7bfc"),
        ({"name": "textures", "size": 96, "limit": 50}, "43d4c4a8e4450613"),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_the_same_arrays_everywhere(arguments, expected):
    assert fingerprint(datasets.load_images(**arguments)) == expected


def test_seed_changes_the_split():
    first, again, other = (datasets.load_images("small_digits", seed=seed) for seed in (0, 0, 1))
    assert fingerprint(first) == fingerprint(again) != fingerprint(other)


@pytest.mark.parametrize("size", [9, 32, 40, 64, 72, 80])
def test_no_pixel_of_a_photograph_is_in_two_splits(tmp_path, monkeypatch, size):
    (tmp_path / "textures").mkdir()
    row, column = np.mgrid[0:288, 0:432]
    for label in range(2):  # a "photograph" whose colours are the coordinates
        coded = np.stack([row % 256, column % 256, row // 256 * 4 + column // 256 * 2 + label], axis=-1).astype(
            np.uint8
        )
        Image.fromarray(coded).save(tmp_path / "textures" / f"photo{label}.png")
    monkeypatch.setattr(datasets, "DATA", tmp_path)
    monkeypatch.setattr(datasets.image_sets, "resized", lambda pictures, size: pictures)  # look at what was cut
    images = datasets.load_images("textures", size=size, seed=3)
    side = size if size <= 72 else 64
    assert images.x_train.shape[1:3] == (side, side)
    codes = [np.round(x * 255).astype(np.int64) @ [65536, 256, 1] for x, _ in parts(images)]
    pixels = [np.unique(code) for code in codes]
    assert len(np.unique(np.concatenate(pixels))) == sum(len(p) for p in pixels)
    if size <= 72:  # nothing of a photograph is wasted: 2 photographs of 16, 4 and 4 blocks
        assert [len(p) for p in pixels] == [2 * blocks * 72 * 72 for blocks in (16, 4, 4)] or size == 9
    for code, (_, y) in zip(codes, parts(images), strict=True):
        assert np.all(code % 2 == y[:, None, None])


@pytest.mark.parametrize(("name", "size"), [("digits", 14), ("small_digits", 16), ("textures", 64), ("textures", 96)])
def test_size(name, size):
    check(datasets.load_images(name, size=size, limit=100), size, EMBEDDED[name][1])


@pytest.mark.parametrize("name", EMBEDDED)
def test_limit(name):
    full, images = datasets.load_images(name), check(datasets.load_images(name, limit=200), *EMBEDDED[name])
    assert len(images.y_train) == 200
    fraction = 200 / len(full.y_train)
    assert abs(len(images.y_val) - fraction * len(full.y_val)) <= 1
    assert np.abs(np.bincount(images.y_train) - 20).max() <= 1
    assert len(datasets.load_images(name, limit=10**6).y_train) == len(full.y_train)


def test_tiny_size_does_not_leak():
    images = datasets.load_images("textures", size=8, limit=1500)
    check(images, 8, 3)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"name": "digit"}, ValueError, "unknown image set 'digit'. Did you mean 'digits'?"),
        ({"name": "cifar-10"}, ValueError, "Did you mean 'cifar10'?"),
        ({"name": "FashionMNIST"}, ValueError, "Did you mean 'fashion_mnist'?"),
        ({"name": "xyzzy"}, ValueError, "Known: digits, small_digits, textures"),
        ({"name": None}, ValueError, "unknown image set None"),
        ({"name": ["digits"]}, ValueError, "unknown image set"),
        ({"size": 7}, ValueError, "size=7 is out of range: give 8 to 512 pixels"),
        ({"size": 1000}, ValueError, "size=1000"),
        ({"size": (32, 32)}, TypeError, "size must be an integer, got (32, 32)"),
        ({"size": True}, TypeError, "size must be an integer"),
        ({"limit": 0}, ValueError, "limit=0 is out of range"),
        ({"limit": 9}, ValueError, "limit=9 is too small: digits has 10 classes"),
        ({"limit": "100"}, TypeError, "limit must be an integer, got '100'"),
        ({"limit": 100.0}, TypeError, "limit must be an integer"),
        ({"seed": -1}, ValueError, "seed=-1 is out of range"),
        ({"seed": None}, TypeError, "seed must be an integer"),
    ],
)
def test_errors_name_what_was_given(arguments, error, words):
    with pytest.raises(error) as caught:
        datasets.load_images(**arguments)
    assert words in str(caught.value)


def test_numpy_integers_are_integers():
    assert len(datasets.load_images("small_digits", limit=np.int64(50)).y_train) == 50


def test_repr_is_one_short_line():
    text = repr(datasets.load_images("small_digits"))
    assert text == "Images(small_digits: 1,437 train, 180 validation, 180 test pictures of 8×8×1, 10 classes)"


@pytest.mark.parametrize("duplicates", [False, True], ids=["", "duplicates"])
@pytest.mark.parametrize("name", PUBLIC)
def test_public_sets_end_to_end(name, duplicates, monkeypatch, tmp_path):
    side, channels = PUBLIC[name]
    with stand_ins.public_set(name, monkeypatch, tmp_path, per_class=30, duplicates=duplicates) as server:
        images = check(datasets.load_images(name), side, channels)
        asked = len(server.requests)
        assert fingerprint(datasets.load_images(name)) == fingerprint(images)
        assert len(server.requests) == asked, "a kept file was asked for again"
    counts = [len(y) for _, y in parts(images)]
    if name == "flowers":
        assert sum(counts) == 5 * 30 and images.class_names == stand_ins.FLOWER_CLASSES
    else:  # the official test part stays whole; copies leave the training part
        assert counts[2] == 60 and counts[0] + counts[1] == 300 - (8 if duplicates else 0)
    means = [images.x_train[images.y_train == label].mean() for label in range(len(images.class_names))]
    if not duplicates:
        assert np.all(np.diff(means) > 0), "the labels have come apart from the pictures"


@pytest.mark.parametrize("name", PUBLIC)
def test_public_sets_take_size_and_limit(name, monkeypatch, tmp_path):
    with stand_ins.public_set(name, monkeypatch, tmp_path):
        images = check(datasets.load_images(name, size=24, limit=50, seed=5), 24, PUBLIC[name][1])
        assert len(images.y_train) == 50


def test_public_class_names(monkeypatch, tmp_path):
    with stand_ins.public_set("cifar10", monkeypatch, tmp_path):
        assert datasets.load_images("cifar10").class_names == stand_ins.CIFAR_CLASSES
    with stand_ins.public_set("fashion_mnist", monkeypatch, tmp_path):
        assert datasets.load_images("fashion_mnist").class_names[8:] == ("Bag", "Ankle boot")


@pytest.mark.parametrize("name", PUBLIC)
def test_offline_names_a_set_that_works(name, monkeypatch, tmp_path):
    with stand_ins.public_set(name, monkeypatch, tmp_path):
        pass  # the server is gone, the registry still points to it
    with pytest.raises(DownloadError) as caught:
        datasets.load_images(name)
    instead = "textures" if name in ("cifar10", "flowers") else "digits"
    assert f'Offline? load_images("{instead}") ships with the repository.' in str(caught.value)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    datasets.load_images(instead, limit=50)


def test_sentence_pairs():
    pairs = datasets.load_sentence_pairs()
    assert len(pairs) >= 5000 and pairs[:7] == datasets.load_sentence_pairs(7)
    for values in zip(*pairs, strict=True):
        assert len(set(values)) == len(pairs), "something occurs twice"
    pair = pairs[0]
    assert isinstance(pair.id_ja, int) and pair.en[-1] in ".?!" and pair.ja[-1] in "。？！"
    assert max(len(pair.en.split()) for pair in pairs) <= 7 and max(len(pair.ja) for pair in pairs) <= 16


def test_sentence_pairs_split_without_leak():
    def key(sentence):
        return "".join(sign for sign in sentence.lower() if sign.isalnum())

    pairs = datasets.load_sentence_pairs()
    assert len({key(pair.en) for pair in pairs}) == len({key(pair.ja) for pair in pairs}) == len(pairs)


@pytest.mark.parametrize(("limit", "error"), [(0, ValueError), (-5, ValueError), ("9", TypeError), (True, TypeError)])
def test_sentence_pairs_limit(limit, error):
    with pytest.raises(error, match="limit"):
        datasets.load_sentence_pairs(limit)


@pytest.mark.parametrize("name", datasets.AUDIO_CLIPS)
def test_audio(name):
    samples, rate = datasets.load_audio(name)
    assert rate == 8000 and samples.dtype == np.float32 and samples.ndim == 1
    assert 0.8 < np.abs(samples).max() < 1
    assert f"{len(samples) / rate:.1f} s" in datasets.AUDIO_CLIPS[name]


def test_unknown_audio():
    with pytest.raises(ValueError, match="unknown audio clip 'gitar'. Did you mean 'guitar'?"):
        datasets.load_audio("gitar")


def test_lists_describe_every_name():
    assert set(datasets.IMAGE_SETS) == {*EMBEDDED, *PUBLIC}
    assert set(datasets.AUDIO_CLIPS) == {path.stem for path in (datasets.DATA / "audio").glob("*.wav")}
    assert all(
        len(line) > 20 and "\n" not in line for line in [*datasets.IMAGE_SETS.values(), *datasets.AUDIO_CLIPS.values()]
    )


def test_import_is_light():
    """Neither TensorFlow nor what only a download needs; no network module for readers who never download."""
    heavy = ("tensorflow", "keras", "jax", "pooch", "requests")
    code = f"import sys, utils.datasets; print([name for name in {heavy} if name in sys.modules])"
    root = Path(__file__).resolve().parents[1]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"

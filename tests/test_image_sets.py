"""Splits are fair, fixed and free of leaks; resizing is what its docstring says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import image_sets


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=8), seed=st.integers(0, 2**32 - 1))
def test_every_prefix_holds_each_class_in_its_share(counts, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    order = image_sets.stratified_order(labels, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(labels)))
    for length in range(1, len(labels) + 1):
        share = length / len(labels) * np.array(counts)
        # One picture, and what the rounding of all the other classes moves the length by; 1.5 where all are alike.
        bound = 1 + len(counts) / 2 * np.array(counts) / len(labels)
        assert np.all(np.abs(np.bincount(labels[order[:length]], minlength=len(counts)) - share) <= bound)


def test_alike_classes_come_in_full_rounds():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 50))
    order = image_sets.stratified_order(labels, np.random.default_rng(1))
    assert np.all(np.sort(labels[order].reshape(50, 10), axis=1) == np.arange(10))


def test_order_depends_on_the_seed_alone():
    labels = np.arange(100) % 5
    first, again, other = (image_sets.stratified_order(labels, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def pool(values, labels):
    """Pictures of one value each."""
    return np.tile(np.array(values, np.uint8)[:, None, None, None], (1, 4, 4, 1)), np.array(labels)


def values(part):
    return part[0][:, 0, 0, 0].tolist()


def test_planted_duplicates_never_cross_the_split():
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 4
    picked = rng.integers(0, 120, 200)  # many values occur twice or more, under different labels
    for seed in range(20):
        train, val, test = image_sets.split(pool(picked, labels), None, np.random.default_rng(seed))
        assert not set(values(train)) & set(values(val)) and not set(values(train) + values(val)) & set(values(test))
        assert sorted(values(train) + values(val) + values(test)) == sorted(set(picked.tolist()))


def test_official_test_part_is_kept_and_the_training_part_gives_way():
    train = pool(range(100), np.arange(100) % 2)
    test = pool([5, 5, 6, 200], [0, 1, 0, 1])
    new_train, new_val, new_test = image_sets.split(train, test, np.random.default_rng(0))
    assert values(new_test) == [5, 5, 6, 200]
    assert sorted(values(new_train) + values(new_val)) == [v for v in range(100) if v not in (5, 6)]
    assert len(new_val[1]) == 10


def test_labels_stay_with_their_pictures():
    train, val, test = image_sets.split(pool(range(90), np.arange(90) % 3), None, np.random.default_rng(3))
    for part in image_sets.limited((train, val, test), 30, np.random.default_rng(4)):
        assert [v % 3 for v in values(part)] == part[1].tolist()


def test_limit_cuts_every_part_by_the_same_fraction():
    parts = image_sets.split(pool(range(200), np.arange(200) % 4), None, np.random.default_rng(0))
    assert [len(y) for _, y in parts] == [160, 20, 20]
    assert [len(y) for _, y in image_sets.limited(parts, 80, np.random.default_rng(0))] == [80, 10, 10]
    assert [len(y) for _, y in image_sets.limited(parts, 8, np.random.default_rng(0))] == [8, 4, 4]  # one of each class
    assert image_sets.limited(parts, 10_000, np.random.default_rng(0)) is parts


def test_what_becomes_equal_gives_way_to_the_test_part():
    train, val, test = pool([1, 2, 3, 3], [0] * 4), pool([2, 4], [0] * 2), pool([4, 5], [0] * 2)
    train, val, test = image_sets.without_leaks((train, val, test))
    assert (values(train), values(val), values(test)) == ([1, 3], [2], [4, 5])


def test_files_are_compared_by_their_bytes():
    part = [b"a", b"b", b"a"], np.array([0, 1, 0])
    (files, labels), seen = image_sets.without_duplicates(part)
    assert files == [b"a", b"b"] and labels.tolist() == [0, 1] and len(seen) == 2


@pytest.mark.parametrize("channels", [1, 3])
def test_halving_averages(channels):
    pictures = np.random.default_rng(0).integers(0, 256, (3, 8, 8, channels)).astype(np.uint8)
    flat = np.full((1, 8, 8, channels), 77, np.uint8)
    assert np.all(image_sets.resized(flat, 5) == 77) and image_sets.resized(flat, 5).shape == (1, 5, 5, channels)
    # The bilinear filter of a halving reaches over four pixels with the weights 1, 3, 3, 1 (of 8), in each direction.
    kernel = np.array([1, 3, 3, 1]) / 8
    inner = np.einsum("nijc,i,j->nc", pictures[:, 1:5, 1:5].astype(float), kernel, kernel)
    assert np.abs(image_sets.resized(pictures, 4)[:, 1, 1] - inner).max() <= 1
    assert image_sets.resized(pictures, 8) is pictures

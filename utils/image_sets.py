"""From raw pictures to three splits: fixed orders, fair shares of every class, no picture in two splits."""

import hashlib

import numpy as np
from PIL import Image


def stratified_order(labels, rng):
    """A random order of the indices in which every prefix holds each class in its share, to within a picture or two.

    The k-th picture of a class with n members gets the key (k + ½) / n; sorting by the key spreads every class evenly.
    Splits and `limit=` are slices of this order, so all of them are stratified.
    """
    labels = np.asarray(labels)
    key = np.empty(len(labels))
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        key[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.lexsort((rng.random(len(labels)), key))  # the second key breaks ties between classes at random


def digest(picture):
    """A hash that two pictures share only if every byte is the same. Takes an array or the bytes of a file."""
    data = picture if isinstance(picture, bytes) else np.ascontiguousarray(picture).tobytes()
    return hashlib.blake2b(data, digest_size=16).digest()


def take(part, indices):
    """Some pictures of a part, (pictures, labels); the pictures are an array or a list of files' bytes."""
    pictures, labels = part
    chosen = [pictures[i] for i in indices] if isinstance(pictures, list) else pictures[indices]
    return chosen, labels[indices]


def without_duplicates(part, seen=()):
    """The part without pictures that occur earlier in it or whose digest is in `seen`; and all digests so far."""
    seen, kept = set(seen), []
    for i, picture in enumerate(part[0]):
        key = digest(picture)
        if key not in seen:
            seen.add(key)
            kept.append(i)
    return (part if len(kept) == len(part[1]) else take(part, np.array(kept, dtype=int))), seen


def split(pool, test, rng):
    """(train, val, test) from a pool of pictures and, where the set has one, its official test part.

    An official test part is kept as it is: training pictures that occur in it are dropped, and a tenth of the training
    pictures becomes the validation part. Without one, a tenth each goes to test and validation.
    """
    seen = set() if test is None else {digest(picture) for picture in test[0]}
    pool, _ = without_duplicates(pool, seen)
    order = stratified_order(pool[1], rng)
    tenth = max(1, round(len(order) / 10))
    if test is None:
        test, order = take(pool, order[:tenth]), order[tenth:]
    return take(pool, order[tenth:]), take(pool, order[:tenth]), test


def limited(parts, limit, rng):
    """At most `limit` training pictures, and the same fraction of the two others; every class keeps its share."""
    fraction = limit / len(parts[0][1])
    if fraction >= 1:
        return parts
    classes = len(np.unique(parts[0][1]))
    counts = [limit, *(min(len(y), max(classes, round(fraction * len(y)))) for _, y in parts[1:])]
    return [take(part, stratified_order(part[1], rng)[:count]) for part, count in zip(parts, counts, strict=True)]


def without_leaks(parts):
    """Drop what became equal on the way (small sizes, flat patches): train gives way to val, val gives way to test."""
    train, val, test = parts
    in_test = {digest(picture) for picture in test[0]}
    val, seen = without_duplicates(val, in_test)
    train, _ = without_duplicates(train, seen)
    return train, val, test


def resized(pictures, size):
    """uint8 pictures (N, H, W, C) at (N, size, size, C).

    Pillow's bilinear filter, which averages when it shrinks; on bytes it computes in integers, so every machine gets
    the same pixels.
    """
    if pictures.shape[1:3] == (size, size):
        return pictures
    out = np.empty((len(pictures), size, size, pictures.shape[3]), np.uint8)
    for i, picture in enumerate(pictures):
        image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
        out[i] = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)).reshape(out.shape[1:])
    return out

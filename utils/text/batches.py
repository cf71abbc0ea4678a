"""Sequences of different lengths in one array, and what a decoder reads and writes under teacher forcing."""

import numpy as np

from utils.text.vocabulary import BOS, EOS, PAD


def pad(sequences, length=None):
    """Sequences of numbers -> (N, T) int32, filled with `PAD` at the end.

    Args:
        sequences: lists of numbers, none of them empty.
        length: T; None for the longest sequence. Nothing is cut off.

    Raises:
        ValueError: if there is no sequence, one is empty, holds `PAD`, or is longer than `length`.
        TypeError: if a sequence does not hold whole numbers.
    """
    rows = [np.asarray(sequence) for sequence in sequences]
    if not rows:
        raise ValueError("pad needs at least one sequence")
    for i, row in enumerate(rows):
        if row.size == 0:
            raise ValueError(f"sequence {i} is empty: leave it out, or give it at least EOS")
        if row.ndim != 1 or row.dtype.kind not in "iu":
            raise TypeError(f"sequence {i} must hold whole numbers in a row, got {sequences[i]!r}")
        if np.any(row == PAD):
            raise ValueError(f"sequence {i} holds PAD ({PAD}) already; pad takes sequences without it")
    longest = max(len(row) for row in rows)
    if length is None:
        length = longest
    elif longest > length:
        i = next(i for i, row in enumerate(rows) if len(row) > length)
        raise ValueError(
            f"sequence {i} has {len(rows[i])} numbers, more than length={length}: shorten it or raise length"
        )
    padded = np.full((len(rows), length), PAD, np.int32)
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    return padded


def mask(ids):
    """True where there is a token, False where there is `PAD`; of the shape of `ids`."""
    return np.asarray(ids) != PAD


def teacher_forcing(targets):
    """What the decoder reads and what it shall write, step by step: the same sentence, one step apart.

        targets      BOS  a    b    EOS  PAD
        decoder_in   BOS  a    b    PAD
        decoder_out  a    b    EOS  PAD

    Args:
        targets: (N, T) whole numbers; each row BOS … EOS, then PAD.

    Returns:
        (decoder_in, decoder_out), each (N, T - 1). Both have the same mask: the decoder never reads EOS.

    Raises:
        ValueError: if a row does not begin with BOS or does not end with one EOS.
    """
    targets = np.asarray(targets)
    if targets.ndim != 2 or targets.dtype.kind not in "iu" or targets.shape[1] < 2:
        raise ValueError(
            f"targets must be whole numbers (N, T) with T of at least 2, got {targets.dtype} {targets.shape}"
        )
    lengths = mask(targets).sum(axis=1)
    ends = np.argmax(targets == EOS, axis=1)
    whole = (
        (targets[:, 0] == BOS)
        & ((targets == EOS).sum(axis=1) == 1)
        & ((targets == BOS).sum(axis=1) == 1)
        & (ends == lengths - 1)  # nothing but PAD after it, and no PAD before
    )
    if not whole.all():
        i = int(np.argmin(whole))
        raise ValueError(
            f"row {i} must be BOS … EOS, then PAD; got {targets[i].tolist()}: encode(…, bos=True, eos=True)"
        )
    decoder_in = np.where(targets == EOS, PAD, targets)[:, :-1]
    return decoder_in, targets[:, 1:].copy()

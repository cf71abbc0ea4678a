"""Masks of attention: True where a query (row) may look at a key (column), as `attention_mask` of Keras.

Vaswani et al. (2017), §3.2.3: in the decoder, connections to the right of a position are cut.
"""

import numpy as np

from utils.numpy_layers import checks


def causal(queries, keys=None):
    """The causal mask (queries, keys): a query sees its own position and the ones before.

    Args:
        queries: number of queries T. They are the last T of the keys' positions.
        keys: number of keys S ≥ T; T where left out. In cached decoding one query meets all keys so far: causal(1, S).

    Raises:
        TypeError, ValueError: for sizes that cannot be; a query beyond the last key would see the future as its past.
    """
    queries = checks.positive_int("queries", queries)
    keys = queries if keys is None else checks.positive_int("keys", keys)
    if keys < queries:
        raise ValueError(f"there must be a key for each of the {queries} queries, got {keys} keys")
    return np.tri(queries, keys, keys - queries, dtype=bool)


def padding(real):
    """From a mask of tokens (N, S), True for real tokens, to (N, 1, S): no query looks at padding.

    Raises:
        TypeError, ValueError: if it is no bool matrix; if a sequence has no token at all, so that nothing can be read.
    """
    checks.array("real", real, ("N", "S"), bool)
    empty = np.flatnonzero(~real.any(axis=1))
    if empty.size:
        raise ValueError(f"sequence {empty[0]} is padding only: leave it out, or give it at least one token")
    return real[:, None, :]


def combined(*masks):
    """The logical AND of masks that broadcast against each other; None stands for "everything allowed".

    Returns:
        bool array, or None where all masks are None.
    """
    found = None
    for mask in masks:
        if mask is not None:
            found = mask if found is None else found & mask
    return found

"""Masks: who may look at whom, counted and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.numpy_layers import masks


def test_causal_by_hand():
    assert masks.causal(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert masks.causal(2, 4).tolist() == [[True, True, True, False], [True, True, True, True]]
    assert masks.causal(1, 3).all()


@given(queries=st.integers(1, 6), more=st.integers(0, 5))
def test_each_query_sees_one_key_more_than_the_one_before_and_the_last_sees_all(queries, more):
    mask = masks.causal(queries, queries + more)
    assert mask.sum(axis=1).tolist() == list(range(more + 1, more + queries + 1))
    assert (np.diff(mask.astype(int), axis=1) <= 0).all()  # the keys that are seen come first


def test_padding_and_combined():
    real = np.array([[True, True, False], [True, False, False]])
    assert masks.padding(real).shape == (2, 1, 3)
    both = masks.combined(masks.causal(3), None, masks.padding(real))
    assert both.shape == (2, 3, 3)
    assert both[0].tolist() == [[True, False, False], [True, True, False], [True, True, False]]
    assert masks.combined(None, None) is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: masks.causal(0), ValueError, "queries must be at least 1"),
        (lambda: masks.causal(3, 2), ValueError, "a key for each of the 3 queries, got 2"),
        (lambda: masks.padding(np.ones((2, 3))), TypeError, "real must be"),
        (lambda: masks.padding(np.ones(3, bool)), ValueError, "real must have 2 axes"),
        (lambda: masks.padding(np.array([[True], [False]])), ValueError, "sequence 1 is padding only"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()

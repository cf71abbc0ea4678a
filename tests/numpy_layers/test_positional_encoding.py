"""Positional encoding: the paper's formula, what it promises, and what happens at the end of the table."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.numpy_layers.positional_encoding import PositionalEncoding, sinusoids


def test_the_formula_element_by_element():
    table = sinusoids(50, 8)
    for pos in (0, 1, 7, 49):
        for i in range(4):
            angle = pos / 10000 ** (2 * i / 8)
            assert table[pos, 2 * i] == pytest.approx(math.sin(angle), abs=1e-15)
            assert table[pos, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-15)
    assert table[0].tolist() == [0, 1] * 4


@given(pos=st.integers(0, 60), offset=st.integers(0, 39))
def test_a_shift_is_one_linear_map_for_all_positions(pos, offset):
    """§3.5: PE(pos + k) is a linear function of PE(pos), a rotation of each pair that depends on k alone."""
    table = sinusoids(100, 8)
    rotated = np.empty(8)
    for i in range(4):
        angle = offset / 10000 ** (2 * i / 8)
        rotation = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
        rotated[2 * i : 2 * i + 2] = rotation @ table[pos, 2 * i : 2 * i + 2]
    np.testing.assert_allclose(rotated, table[pos + offset], atol=1e-12)


def test_all_encodings_differ_and_have_one_length():
    table = sinusoids(1000, 16)
    np.testing.assert_allclose(np.sum(table**2, axis=1), 8)
    products = table @ table.T - 8 * np.eye(1000)
    assert products.max() < 8 - 1e-3


def test_it_is_added_and_hands_its_gradient_on():
    layer = PositionalEncoding(6, 4, "float64")
    x = np.random.default_rng(0).standard_normal((2, 5, 4))
    y = layer.forward(x)
    np.testing.assert_array_equal(y - x, np.broadcast_to((x + layer.table[:5]) - x, x.shape))
    dy = np.ones_like(y)
    assert np.array_equal(layer.backward(dy), dy) and layer.params == layer.grads == {}


def test_in_parts_as_in_cached_decoding():
    layer = PositionalEncoding(6, 4, "float64")
    x = np.random.default_rng(0).standard_normal((2, 6, 4))
    parts = [layer.forward(x[:, t : t + 1], start=t) for t in range(6)]
    assert np.array_equal(np.concatenate(parts, axis=1), layer.forward(x))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sinusoids(5, 3), ValueError, "d_model must be even"),
        (lambda: sinusoids(0, 4), ValueError, "length must be at least 1"),
        (
            lambda: PositionalEncoding(6, 4).forward(np.zeros((1, 7, 4), "float32")),
            ValueError,
            r"positions 0 … 6 are asked for, the table has 0 … 5: shorten .* \(max_length=7\)",
        ),
        (lambda: PositionalEncoding(6, 4).forward(np.zeros((1, 2, 4), "float32"), start=5), ValueError, "max_length=7"),
        (
            lambda: PositionalEncoding(6, 4).forward(np.zeros((1, 2, 4), "float32"), start=-1),
            ValueError,
            "positions -1",
        ),
        (lambda: PositionalEncoding(6, 4).forward(np.zeros((1, 2, 6), "float32")), ValueError, "axis 2 is 6, not 4"),
        (lambda: PositionalEncoding(6, 4).forward(np.zeros((1, 2, 4))), TypeError, "must be float32"),
        (lambda: PositionalEncoding(6, 4).backward(np.zeros((1, 2, 4))), RuntimeError, "call forward"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()

"""The pictures of chapter 03: right numbers, legible, inside their frame, the same bytes every time."""

import numpy as np
import pytest

from tests.pictures import looks
from utils.pictures import inception, pooling, timeline

X = np.array([[1, 3, 2, 0], [5, 1, 1, 1], [0, 4, 6, 2], [2, 2, 3, 1]])
NETWORKS = [("A", 1998, 6e4, 4e5, None), ("B", 2012, 6.2e7, 1.1e9, 18.2), ("C", 2014, 7e6, 1.6e9, 10.07)]
PICTURES = {
    "four_ways": (lambda: pooling.four_ways(X), ["5", "2.5", "1.22", "3.54", "2.125"]),
    "gradients": (lambda: pooling.gradients(X, np.array([[8, 4], [12, 20]])), ["8", "20", "12", "3", "5"]),
    "heads": (
        pooling.heads,
        ["25,088 · 4,096 = 102,760,448 weights", "512 · 4,096 = 2,097,152 weights", "7×7×512"],
    ),
    "module": (
        inception.module,
        ["303.5 M multiplications", "128.0 M multiplications", "concatenate: 28×28×256", "concatenate: 28×28×416"],
    ),
    "timeline": (lambda: timeline.timeline(NETWORKS), ["none stated", "18.2", "10.1", "62.0 M", "1.6 G"]),
}


@pytest.mark.parametrize("name", PICTURES)
def test_numbers_stand_in_the_picture(name):
    draw, expected = PICTURES[name]
    looks.assert_shows(draw(), expected)


@pytest.mark.parametrize("name", PICTURES)
def test_texts_are_legible_and_inside(name):
    looks.assert_legible(PICTURES[name][0]())


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_bytes_every_time(name):
    looks.assert_same_bytes(PICTURES[name][0])


def test_module_costs_are_those_of_its_convolutions():
    full, reduced = inception.module_macs(reduced=False), inception.module_macs()
    assert full == 28 * 28 * 192 * (64 + 9 * 128 + 25 * 32)
    assert reduced == 28 * 28 * (192 * (64 + 96 + 16 + 32) + 9 * 96 * 128 + 25 * 16 * 32)

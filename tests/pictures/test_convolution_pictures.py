"""The pictures of chapter 01: right numbers, legible, inside their frame, the same bytes every time."""

import matplotlib as mpl
import numpy as np
import pytest

from tests.pictures import looks
from utils import plots
from utils.numpy_layers.conv_arithmetic import output_size, receptive_fields
from utils.pictures import convolution, costs, windows

X_FILM = np.array([[1, 2, 0, 1], [0, 1, 3, 1], [2, 1, 0, 0], [1, 0, 2, 1]])
K_FILM = np.array([[1, 0, 2], [0, 3, 0], [1, 0, 1]])
X_SEED = 0.1 * np.arange(1, 19).reshape(3, 3, 2)
K_SEED = np.arange(1.0, 55).reshape(3, 3, 2, 3)
X_UP = 0.1 * np.arange(1, 13).reshape(2, 2, 3)

PICTURES = {
    "sliding_kernel": (lambda: convolution.sliding_kernel(X_FILM, K_FILM), ["6", "14", "12", "4", "→ 13"]),
    "channels_meet": (lambda: convolution.channels_meet(X_SEED, K_SEED), ["274.5", "+ 324", "598.5", "615.6", "632.7"]),
    "windows_as_rows": (lambda: convolution.windows_as_rows(X_FILM, K_FILM), ["6", "14", "12", "4"]),
    "stamps": (lambda: convolution.stamps(X_UP, K_SEED), ["1.4", "8.2", "259.4", "165.2"]),
    "padding_stride_dilation": (windows.padding_stride_dilation, ["5 → 3", "5 → 5", "6 → 3", "7 → 3"]),
    "receptive_field_growth": (
        windows.receptive_field_growth,
        ["receptive field 3 → 5 → 7", "receptive field 3 → 7 → 15"],
    ),
    "connections": (costs.connections, ["weights: k²·4·4", "weights: k²·2·4", "weights: k²·4 + 4·4"]),
    "cost_bars": (costs.cost_bars, ["4,718,592  (1.000)", "598,016  (0.127)"]),
    "accuracy_against_parameters": (
        lambda: costs.accuracy_against_parameters(
            {"one": [("a", 100, 90.0), ("b", 1000, 95.5)], "two": [("c", 10, 1)]}
        ),
        ["a: 90.0 %", "b: 95.5 %", "c: 1.0 %"],
    ),
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


def test_receptive_field_picture_marks_as_many_inputs_as_the_formula_says():
    figure = windows.receptive_field_growth()
    points = [line for line in figure.axes[0].lines if line.get_marker() == "o" and line.get_color() == plots.INPUT]
    assert len(points) == sum(receptive_fields(layers)[-1] for _, layers in windows.CHAINS)


def test_windows_picture_draws_outputs_of_the_right_size():
    figure = windows.padding_stride_dilation()
    green = mpl.colors.to_rgba(plots.OUTPUT)
    squares = [patch for patch in figure.axes[0].patches if patch.get_edgecolor() == green]
    assert len(squares) == sum(output_size(*slide[1:]) ** 2 for slide in windows.SLIDES)

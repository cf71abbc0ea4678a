"""Pictures of WaveNet and PixelCNN: the path is the receptive field, texts are legible, the same bytes every time."""

import numpy as np
import pytest

from tests.pictures import looks
from utils.numpy_layers.causal_conv1d import receptive_field
from utils.pictures import dilation


def seen():
    cells = np.zeros((9, 9), bool)
    cells[:4] = True
    return dilation.fields({"plain": cells, "gated": cells}, (5, 4))


DRAWN = [
    dilation.stack,
    lambda: dilation.stack((1, 1, 1, 1)),
    dilation.block,
    dilation.cache,
    lambda: dilation.masks({"mask A": np.eye(5, dtype=int), "mask B": np.eye(5, dtype=int)}),
    seen,
]


@pytest.mark.parametrize("dilations, kernel_size", [((1, 2, 4, 8), 2), ((1, 1, 1), 2), ((1, 3), 3)])
def test_the_path_of_an_output_is_its_receptive_field(dilations, kernel_size):
    rows = dilation.path_to(40, dilations, kernel_size)
    size = receptive_field(dilations, kernel_size)
    assert rows[0] == list(range(41 - size, 41)) and rows[-1] == [40] and len(rows) == len(dilations) + 1
    assert dilation.path_to(2, dilations, kernel_size)[0] == [0, 1, 2]  # nothing before the beginning


def test_the_stack_says_how_many_inputs_it_sees():
    looks.assert_shows(dilation.stack(), {"the last output sees 16 inputs", "layer 4: $d$ = 8"})
    looks.assert_shows(dilation.stack((1, 1, 1, 1)), {"the last output sees 5 inputs"})


@pytest.mark.parametrize("draw", DRAWN)
def test_legible_and_the_same_bytes_every_time(draw):
    looks.assert_legible(draw())
    looks.assert_same_bytes(draw)

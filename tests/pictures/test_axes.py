"""The pictures of normalization: what is blue shares its mean with the marked number, as in the layers."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from tests.pictures import looks
from utils.numpy_layers.batch_norm import BatchNormalization
from utils.numpy_layers.group_norm import GroupNormalization
from utils.numpy_layers.instance_norm import InstanceNormalization
from utils.numpy_layers.layer_norm import LayerNormalization
from utils.pictures import axes, norm_graph
from utils.pictures.cells import tint
from utils.plots import INPUT

DRAWN = [axes.cubes, axes.unfolded, axes.tokens, norm_graph.batch_norm_graph]


def changed(layer, shape, place):
    """Which outputs change when the input at this place does."""
    before = np.random.default_rng(0).standard_normal(shape)
    after = before.copy()
    after[place] += 3
    return layer.forward(before, training=True) != layer.forward(after, training=True)


@pytest.mark.parametrize("index", range(4))
def test_the_cubes_show_who_depends_on_whom(index):
    size, options = axes.CHANNELS, {"dtype": "float64"}
    layer = (
        BatchNormalization(size, **options),
        LayerNormalization((3, 2, size), **options),
        InstanceNormalization(size, **options),
        GroupNormalization(size, axes.GROUPS, **options),
    )[index]
    reached = changed(layer, (axes.SAMPLES, 3, 2, size), (0, 1, 0, -1))
    assert (reached.all(axis=(1, 2)) == reached.any(axis=(1, 2))).all()
    _, shares = list(axes.PICTURES.values())[index]
    assert [[shares(n, c) for c in range(size)] for n in range(axes.SAMPLES)] == reached.any(axis=(1, 2)).tolist()


def blue(figure, amount):
    return sum(np.allclose(patch.get_facecolor()[:3], tint(INPUT, amount)) for patch in figure.axes[0].patches)


def test_number_of_blue_cells():
    assert blue(axes.unfolded(), 0.7) == 9 * (3 + 4 + 1 + 2)
    assert blue(axes.tokens(), 0.7) == 6 + 2 * 4 + 4
    front, top, side = axes.POSITIONS, axes.SAMPLES, axes.POSITIONS
    group = axes.CHANNELS // axes.GROUPS
    expected = (front + top + top * side) + (front * axes.CHANNELS + axes.CHANNELS + side)
    expected += (front + 1 + side) + (front * group + group + side)
    assert blue(axes.cubes(), 0.75) == expected
    assert to_rgb(INPUT) != tint(INPUT, 0.7)


def test_the_graph_leads_back_to_x_on_three_ways():
    assert all(end == "x" or end == "centered" for end in (way[-1] for _, way in norm_graph.BACKWARD))
    steps = {pair for _, way in norm_graph.BACKWARD for pair in zip(way, way[1:], strict=False)}
    backwards = {(end, start) for start, end in norm_graph.FORWARD if end != "y"}
    assert steps == backwards  # every step forward is taken back


@pytest.mark.parametrize("draw", DRAWN)
def test_the_same_bytes_every_time_and_all_text_inside(draw):
    looks.assert_same_bytes(draw)

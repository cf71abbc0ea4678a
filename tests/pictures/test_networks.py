"""A network as boxes, and its costs as bars: every box and bar says what the layer table says; nothing overlaps."""

from collections import namedtuple

import pytest

from tests.pictures import looks
from utils.pictures import networks

Row = namedtuple("Row", "name kind kernel strides output_shape parameters macs")
ROWS = [
    Row("image", "Input", None, None, (32, 32, 3), 0, 0),
    Row("a_conv1", "Conv2D", (3, 3), (1, 1), (32, 32, 16), 448, 442_368),
    Row("a_conv2", "Conv2D", (3, 3), (1, 1), (32, 32, 16), 2_320, 2_359_296),
    Row("a_pool", "MaxPooling2D", (2, 2), (2, 2), (16, 16, 16), 0, 0),
    Row("b_conv1", "Conv2D", (3, 3), (2, 2), (8, 8, 32), 4_640, 294_912),
    Row("head_dense", "Dense", None, None, (10,), 20_490, 20_480),
]


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts if text.get_text()]


def test_boxes_join_equal_neighbours_and_name_shapes_and_strides():
    found = texts(networks.stages(ROWS, "small"))
    assert {"small", "input", "2 × conv 3×3", "max pool 2×2", "conv 3×3\nstride 2", "dense"} <= set(found)
    assert {"32×32×3", "32×32×16", "16×16×16", "8×8×32", "10"} <= set(found)


def test_stages_count_their_layers():
    assert {"a\n2 conv", "b\n1 conv", "head\n1 dense"} <= set(texts(networks.stages(ROWS, every="stage")))


def test_bars_have_the_table_s_numbers_and_their_shares():
    figure = networks.costs(ROWS)
    parameters, macs = ([bar.get_width() for bar in ax.patches] for ax in figure.axes)
    assert parameters == [448, 2_320, 4_640, 20_490]
    assert macs == [442_368, 2_359_296, 294_912, 20_480]
    assert any("73.4 %" in text for text in texts(figure))  # 20,490 of 27,898


def test_bars_by_stage_add_up():
    widths = [bar.get_width() for bar in networks.costs(ROWS, every="stage").axes[0].patches]
    assert widths == [448 + 2_320, 4_640, 20_490]


@pytest.mark.parametrize("draw", [networks.stages, networks.costs])
def test_texts_do_not_overlap_and_stay_inside(draw):
    figure = draw(ROWS, "small")
    figure.canvas.draw()
    places = [text.get_window_extent() for ax in figure.axes for text in ax.texts if text.get_text()]
    edge = figure.bbox
    for number, place in enumerate(places):
        assert place.x0 >= edge.x0 - 1 and place.x1 <= edge.x1 + 1 and place.y0 >= edge.y0 - 1
        assert not any(place.overlaps(other) for other in places[number + 1 :])


@pytest.mark.parametrize("draw", [networks.stages, networks.costs])
def test_same_bytes_every_time(draw):
    looks.assert_same_bytes(lambda: draw(ROWS))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        networks.stages([])
    with pytest.raises(ValueError, match="every must be"):
        networks.stages(ROWS, every="block")
    with pytest.raises(ValueError, match="no fixed size"):
        networks.costs([ROWS[0]._replace(output_shape=(None, None, 3))])
    with pytest.raises(ValueError, match="no row has parameters"):
        networks.costs(ROWS[:1])

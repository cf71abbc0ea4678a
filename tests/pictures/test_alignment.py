"""The pictures of attention: one cell a pair of characters, the numbers shown, legible, the same bytes every time."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.pictures import looks
from utils.pictures import alignment

WEIGHTS = np.linspace(0, 1, 12).reshape(3, 4)
PANELS = [(WEIGHTS, "9年 7", "abc"), (np.ones((2, 34)) / 34, "x" * 34, "yz"), (WEIGHTS, "1994", "199")]
DRAWN = [
    lambda: alignment.alignments(PANELS),
    lambda: alignment.lookup("q", ["a", "b"], [0.0, 1.0], [0.25, 0.75], [10, 20], "17.5"),
    alignment.bottleneck,
    alignment.origins,
]


@pytest.mark.parametrize("draw", DRAWN)
def test_every_picture_is_legible_and_the_same_every_time(draw):
    figure = draw()
    looks.assert_legible(figure)
    looks.assert_same_bytes(draw)
    plt.close("all")


def test_an_alignment_has_a_column_a_character_read_and_a_row_a_character_written():
    figure = alignment.alignments(PANELS)
    assert len(figure.axes) == 3
    for ax, (weights, read, written) in zip(figure.axes, PANELS, strict=True):
        np.testing.assert_array_equal(ax.collections[0].get_array().reshape(weights.shape), weights)
        assert len(ax.get_xticks()) == len(read) and len(ax.get_yticks()) == len(written)
        assert ax.get_ylim() == (len(written), 0)  # the first character written stands on top
    boxes = [ax.get_position() for ax in figure.axes]
    assert all(0 <= box.x0 and box.x1 <= 1 and 0 <= box.y0 and box.y1 <= 1 for box in boxes)
    assert boxes[0].y0 > boxes[1].y1 and boxes[1].y0 > boxes[2].y1  # the wide one has a row of its own


def test_without_a_japanese_font_latin_letters_stand_in(monkeypatch):
    monkeypatch.setattr(alignment, "japanese_font", lambda: None)
    figure = alignment.alignments([(np.ones((1, 5)), "9月 曜翻", "x")])
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["9", "M", "␣", ".", "·"]


def test_weights_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"weights of \(3, 4\) do not fit 3 characters written and 5 read"):
        alignment.alignments([(WEIGHTS, "12345", "abc")])


def test_a_lookup_shows_its_numbers():
    looks.assert_shows(DRAWN[1](), ["q", "a", "b", "0.25", "0.75", "1.00", "10", "20", "17.5", "query", "key", "value"])

"""The unrolled network: as many copies as steps, one colour a weight, the same bytes every time."""

import pytest
from matplotlib.colors import to_hex

from tests.pictures import looks
from utils.pictures import recurrent
from utils.plots import INPUT, OUTPUT, WEIGHT

DRAWN = [recurrent.unrolled_forward, recurrent.unrolled_backward]


def arrows(figure, color):
    patches = [text.arrow_patch for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    return [patch for patch in patches if to_hex(patch.get_edgecolor()) == color.lower()]


@pytest.mark.parametrize("steps", [2, 3, 5])
def test_one_arrow_a_step_and_weight(steps):
    forward, backward = (draw(steps) for draw in DRAWN)
    for color, count in ((INPUT, steps), (WEIGHT, steps), (OUTPUT, steps)):
        assert len(arrows(forward, color)) == count
    # Nothing comes back to the last step from the future.
    assert len(arrows(backward, WEIGHT)) == steps - 1
    assert len(arrows(backward, OUTPUT)) == steps


@pytest.mark.parametrize("draw", DRAWN)
def test_the_same_bytes_every_time(draw):
    looks.assert_same_bytes(draw)

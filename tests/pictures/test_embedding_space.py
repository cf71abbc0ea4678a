"""Pictures of chapter 09: what they count is right, texts stay legible, the same bytes every time."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.pictures import looks
from utils.pictures import embedding_space as pictures

SENTENCE = ["she", "went", "to", "school", "by", "bus"]


def draw_map():
    _, ax = plt.subplots(figsize=(5, 4))
    tables = [np.eye(4)[:3] * 2, np.eye(4)[1:] - 1]
    points = pictures.plane(tables)
    pictures.map_of(ax, {"one": ["a", "bb", "ccc"], "two": ["d", "ee", "fff"]}, points)
    return ax.figure


def draw_blocks():
    table = np.random.default_rng(0).standard_normal((5, 3))
    return pictures.blocks([table, table], [{"x": 2, "y": 3}] * 2, ["left", "right"])


DRAWN = [lambda: pictures.windows(SENTENCE, 2, 2), pictures.output_layers, draw_blocks, draw_map]


@pytest.mark.parametrize("draw", DRAWN)
def test_legible_and_the_same_bytes(draw):
    looks.assert_legible(draw())
    looks.assert_same_bytes(draw)


@pytest.mark.parametrize(("place", "near"), [(0, 2), (2, 4), (5, 2)])
def test_windows_count_the_pairs(place, near):
    figure = pictures.windows(SENTENCE, place, 2)
    looks.assert_shows(figure, [f"{near} pairs", "1 example", "bus"])
    curves = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(curves) == near + 1  # and the one from the mean to the centre


def test_plane_keeps_distances_of_flat_points():
    rng = np.random.default_rng(1)
    flat = rng.standard_normal((6, 2)) @ np.linalg.qr(rng.standard_normal((5, 2)))[0].T
    first, second = pictures.plane([flat[:4], flat[4:]])
    found = np.concatenate([first, second])
    assert first.shape == (4, 2)
    np.testing.assert_allclose(
        np.linalg.norm(found[:, None] - found[None], axis=-1), np.linalg.norm(flat[:, None] - flat[None], axis=-1)
    )
    assert all(column[np.argmax(np.abs(column))] > 0 for column in found.T)


def test_errors():
    with pytest.raises(ValueError, match=r"place must lie in 0 … 5, got 6"):
        pictures.windows(SENTENCE, 6, 2)
    with pytest.raises(ValueError, match="left: 5 rows, but the groups have 4 words"):
        pictures.blocks([np.eye(5)], [{"x": 4}], ["left"])

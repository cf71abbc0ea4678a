"""Pictures of the Transformer: what they name and count, legible texts, the same bytes every time."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tests.pictures import looks
from utils.numpy_layers import masks
from utils.numpy_layers.positional_encoding import sinusoids
from utils.pictures import transformer as pictures

NAMES = ["BOS", "a", "b", "c"]
GRIDS = {
    "self": (masks.causal(4), NAMES, NAMES, pictures.MASKED),
    "cross": (np.ones((4, 3), bool), NAMES, ["the", "cat", "EOS"], pictures.CROSS),
}
WEIGHTS = np.random.default_rng(0).dirichlet(np.ones(3), (8, 4))
DRAWN = [
    pictures.architecture,
    pictures.scaled_dot_product,
    pictures.split_heads,
    lambda: pictures.mask_matrices(GRIDS),
    lambda: pictures.heads(WEIGHTS, NAMES, ["the", "cat", "EOS"]),
    pictures.positional_encoding,
    pictures.families,
]


@pytest.mark.parametrize("draw", DRAWN)
def test_legible_and_the_same_bytes_every_time(draw):
    looks.assert_legible(draw())
    looks.assert_same_bytes(draw)


def test_three_attentions_and_as_many_add_and_norm_as_sublayers():
    figure = pictures.architecture()
    looks.assert_shows(figure, {"self-attention", "masked self-attention", "cross-attention", "linear, softmax"})
    texts = [text.get_text() for text in looks.texts_of(figure)]
    assert texts.count("Add & Norm") == 5 and texts.count("feed-forward") == 2


def test_every_seen_pair_is_a_coloured_square():
    figure = pictures.mask_matrices(GRIDS)
    for ax, (mask, *_) in zip(figure.axes, GRIDS.values(), strict=True):
        seen = {p.get_xy() for p in ax.patches if to_hex(p.get_facecolor()) != "#ffffff"}
        assert seen == {(s - 0.5, t - 0.5) for t, s in np.argwhere(mask)}


def test_heads_and_table_are_drawn_as_they_are():
    maps = [ax.images[0].get_array() for ax in pictures.heads(WEIGHTS, NAMES, "xyz").axes[:8]]
    np.testing.assert_array_equal(np.stack(maps), WEIGHTS)
    np.testing.assert_array_equal(pictures.positional_encoding(20, 64).axes[0].images[0].get_array(), sinusoids(20, 64))


def test_sizes_of_the_heads():
    looks.assert_shows(pictures.split_heads(256, 4), {"token: 256 numbers", "4 attentions,\neach with $d_k$ = 64"})

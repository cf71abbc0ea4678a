"""HRED and VHRED unrolled: their parts are named, legible and inside; the latent vector stands in one of them."""

import pytest

from tests.pictures import looks
from utils.pictures import hierarchy

DRAWN = [hierarchy.hred, hierarchy.vhred]
SHARED = {"utterance RNN", "context RNN", "one step a turn", "decoder: the reply", "turn 3", "$c_3$", "BOS"}
LATENT = {"prior", "posterior", "$z$", "when it talks", "in training: sees the reply"}


def test_the_parts_are_named():
    looks.assert_shows(hierarchy.vhred(), SHARED | LATENT)
    plain = hierarchy.hred()
    looks.assert_shows(plain, SHARED)
    assert not LATENT & {text.get_text() for text in looks.texts_of(plain)}


@pytest.mark.parametrize("draw", DRAWN)
def test_legible_and_the_same_bytes_every_time(draw):
    looks.assert_legible(draw())
    looks.assert_same_bytes(draw)

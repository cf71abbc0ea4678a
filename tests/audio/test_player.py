"""The player holds the sound that it was given, and refuses what is none."""

import base64
import io
import re
import wave

import numpy as np
import pytest

from utils.audio.player import Player, levels

SOUND = np.sin(np.arange(800) * 0.3) * 0.5


def test_the_html_holds_the_sound():
    player = Player(SOUND, 8000, "a tone")
    found = re.search(r'src="data:audio/wav;base64,([^"]+)"', player._repr_html_())
    with wave.open(io.BytesIO(base64.b64decode(found[1]))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        played = np.frombuffer(file.readframes(800), "<i2") / 32767
    np.testing.assert_allclose(played, SOUND, atol=1 / 32767)
    assert repr(player) == "sound: a tone, 0.1 s"


def test_levels():
    loudness, peak = levels(SOUND)
    assert loudness == pytest.approx(0.5 / np.sqrt(2), rel=1e-2) and peak == pytest.approx(0.5, rel=1e-3)
    assert levels(np.zeros(3)) == (0, 0)


@pytest.mark.parametrize(
    "samples, error, message",
    [
        (np.arange(4), TypeError, "mu_law.decode turns classes into them"),
        (np.zeros((2, 3)), ValueError, r"shape \(n,\)"),
        (np.zeros(0), ValueError, "not empty"),
        (np.array([0.0, np.nan]), ValueError, r"lie in \[-1, 1\]"),
        (np.array([0.0, 1.5]), ValueError, r"lie in \[-1, 1\]"),
    ],
)
def test_no_sound(samples, error, message):
    with pytest.raises(error, match=message):
        Player(samples, 8000, "nothing")

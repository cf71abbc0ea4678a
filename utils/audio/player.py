"""Sound in a notebook: a player of a few kilobytes, and a look at whether there is anything to hear."""

import base64
import io
import wave
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Player:
    """An audio player for one clip, shown by Jupyter as HTML, by anything else as a line of text.

    Args:
        samples: floats in [−1, 1], shape (n,).
        rate: samples a second.
        label: what is heard.

    Raises:
        TypeError, ValueError: for samples that are no such floats.
    """

    samples: np.ndarray
    rate: int
    label: str

    def __post_init__(self):
        levels(self.samples)

    def __repr__(self):
        return f"sound: {self.label}, {len(self.samples) / self.rate:.1f} s"

    def _repr_html_(self):
        source = base64.b64encode(self.wav()).decode("ascii")
        return f'<p>{self.label}<br><audio controls src="data:audio/wav;base64,{source}"></audio></p>'

    def wav(self):
        """The bytes of a WAV file: one channel, 16 bits."""
        stream = io.BytesIO()
        with wave.open(stream, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.rate)
            file.writeframes(np.round(np.asarray(self.samples) * 32767).astype("<i2").tobytes())
        return stream.getvalue()


def levels(samples):
    """(loudness, peak): root mean square and largest absolute value. 0 would be silence; a peak of 1 clips.

    Raises:
        TypeError: for something else than floats.  ValueError: for another rank, no samples, or samples beyond [−1, 1].
    """
    samples = np.asarray(samples)
    if not np.issubdtype(samples.dtype, np.floating):
        raise TypeError(
            f"samples must be floats in [-1, 1], got {samples.dtype}; mu_law.decode turns classes into them"
        )
    if samples.ndim != 1 or not samples.size:
        raise ValueError(f"samples must have shape (n,), one clip that is not empty; got {samples.shape}")
    if not np.all(np.abs(samples) <= 1):
        raise ValueError(f"samples must lie in [-1, 1], got {samples.min():g} … {samples.max():g}; scale them down")
    return float(np.sqrt(np.mean(samples.astype("float64") ** 2))), float(np.max(np.abs(samples)))

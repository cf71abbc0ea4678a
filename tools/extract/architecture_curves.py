"""Makes data/architecture_curves.csv: trains each of the 27 networks of chapter 02 for every seed, on the CPU.

    python -m tools.extract.architecture_curves data/architecture_curves.csv

Reads only what the repository holds (data/digits.npz), with the versions of constraints.txt. It takes some ten minutes;
cut off, it goes on with the rows that are missing. Another processor may give a few pictures more or less.
"""

import csv
import sys
from pathlib import Path

from utils import datasets, runtime
from utils.architecture_search import space, table, train
from utils.keras_models.module_network import parameters

SEEDS = (0, 1)
EPOCHS = range(1, table.SETTINGS["epochs"] + 1)
COLUMNS = [*space.POSITIONS, "seed", "parameters"]
COLUMNS += [f"{part}_{epoch}" for part in ("validation", "test") for epoch in EPOCHS]


def main(path):
    """Add the rows that the file lacks, one network after the other."""
    runtime.setup(profile="quick")
    path = Path(path)
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    with open(path, encoding="utf-8", newline="") as file:
        done = {(*(row[position] for position in space.POSITIONS), int(row["seed"])) for row in csv.DictReader(file)}
    data = datasets.load_images(table.SETTINGS["data"], size=table.SETTINGS["size"])
    assert len(data.y_val) == len(data.y_test) == table.PICTURES
    for seed in SEEDS:
        for layers in space.CONFIGURATIONS:
            if (*layers, seed) in done:
                continue
            history = train.train(layers, {**table.SETTINGS, "seed": seed}, data=data, test=True)
            right = [round(share * table.PICTURES) for part in ("val", "test") for share in history[f"{part}_accuracy"]]
            count = parameters(layers, table.SETTINGS["width"], data.x_train.shape[-1])
            with open(path, "a", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow([*layers, seed, count, *right])
            print(*layers, seed, right, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

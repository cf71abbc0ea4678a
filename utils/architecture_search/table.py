"""Measured learning curves of all 27 networks: a search can be replayed on them in milliseconds.

A *tabular benchmark* in the sense of NAS-Bench-101 (Ying et al. 2019): every configuration was trained once for every
seed, and the counts of right answers were written down after each epoch. tools/extract/architecture_curves.py made
data/architecture_curves.csv; `SETTINGS` says how the networks were trained.
"""

import csv
import functools
from dataclasses import dataclass

import numpy as np

from utils import datasets
from utils.architecture_search import space

SETTINGS = {
    "data": "digits", "size": 14, "width": 8, "epochs": 8, "batch_size": 64, "rate": 3e-3, "momentum": 0.9
}  # fmt: skip
PICTURES = 500  # in the validation part, and as many in the test part
PER = 4_000  # parameters that cost 5 points of error here: the note's 250,000, for a network some 62 times smaller


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """The curves; the order of the first axis is that of `space.CONFIGURATIONS`.

    parameters: int, shape (27,).
    validation, test: accuracy after each epoch, shape (27, seeds, epochs).
    """

    parameters: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@functools.cache
def load():
    """The table of data/architecture_curves.csv.

    Raises:
        ValueError: if a configuration or a seed is missing in it.
    """
    right, parameters = {}, {}
    with open(datasets.DATA / "architecture_curves.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            layers = tuple(row[position] for position in space.POSITIONS)
            parameters[layers] = int(row["parameters"])
            for part in ("validation", "test"):
                counts = [int(row[f"{part}_{epoch}"]) for epoch in range(1, SETTINGS["epochs"] + 1)]
                right[layers, int(row["seed"]), part] = counts
    seeds = sorted({seed for _, seed, _ in right})
    missing = [key for key in ((c, s, "test") for c in space.CONFIGURATIONS for s in seeds) if key not in right]
    if missing or not seeds:
        raise ValueError(f"data/architecture_curves.csv lacks {missing[:3]}; restore the file from the repository")
    counts = {
        part: np.array([[right[layers, seed, part] for seed in seeds] for layers in space.CONFIGURATIONS])
        for part in ("validation", "test")
    }
    return Table(
        np.array([parameters[layers] for layers in space.CONFIGURATIONS]),
        counts["validation"] / PICTURES,
        counts["test"] / PICTURES,
    )

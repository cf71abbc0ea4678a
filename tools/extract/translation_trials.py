"""Makes data/translation_trials.csv: the two translators of chapter 12, seq2seq and Transformer, for five seeds each.

    python -m tools.extract.translation_trials data/translation_trials.csv

It runs the chapter's own cells (data, quick settings, training, translation) on data/tatoeba_en_ja.tsv, on CPU, with
the versions of constraints.txt. It takes some five minutes; cut off, it goes on with the rows that are missing. Another
processor may give slightly different numbers. chrF is that of the 500 test sentences, decoded greedily.
"""

import csv
import sys
from pathlib import Path

from tools.project import Project
from tools.rules import load
from utils import runtime

ROOT = Path(__file__).resolve().parents[2]

CELLS = ("imports", "data", "config", "train")
NETWORKS, SEEDS = ("seq2seq", "Transformer"), range(5)
COLUMNS = ("network", "seed", "parameters", "val_loss", "chrf")


def main(path):
    """Add the rows that the file lacks, one training after the other."""
    chapter = chapter_names()
    path = Path(path)
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    with open(path, encoding="utf-8", newline="") as file:
        done = {(row["network"], int(row["seed"])) for row in csv.DictReader(file)}
    for seed in SEEDS:
        for network in NETWORKS:
            if (network, seed) in done:
                continue
            row = (network, seed, *trial(chapter, network, seed))
            with open(path, "a", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow(row)
            print(*row, flush=True)


def chapter_names():
    """What the chapter's cells define; nothing is trained yet."""
    code = {cell.key: cell.text["en"] for cell in load(Project(ROOT), "12_transformer").code()}
    names = {"rt": runtime.setup(profile="quick")}
    for key in CELLS:
        exec(code[key].split("\n\n\ntrained = ")[0], names)
    return names


def trial(chapter, network, seed):
    """(parameters, validation loss after the last epoch, chrF of the test sentences) of one training."""
    import keras

    keras.backend.clear_session()
    model, history = chapter["train"](network, seed)
    test = chapter["data"].test
    chrf = chapter["scores"].chrf(chapter["translate"](model, test), test.target_texts)
    return model.count_params(), f"{history['val_loss'][-1]:.4f}", f"{chrf:.2f}"


if __name__ == "__main__":
    main(sys.argv[1])

"""Makes data/translation_trials.csv: chapter 12's translators, seq2seq and Transformer, several seeds each.

    python -m tools.extract.translation_trials data/translation_trials.csv

It runs the chapter's own cells (data, quick settings, training, translation) on data/tatoeba_en_ja.tsv, on CPU, with
the versions of constraints.txt: each network for the chapter's epochs, the recurrent one also with a lower learning
rate, and for as many epochs as take the other's processor time. It takes some ten minutes; cut off, it goes on with the
rows that are missing. chrF is that of the 500 test sentences, decoded greedily; cpu_seconds are those of training and
translation, all threads together. Another processor may give slightly different numbers, and the seconds differ in
every run.
"""

import csv
import sys
import time
from pathlib import Path

from tools.project import Project
from tools.rules import load
from utils import runtime

ROOT = Path(__file__).resolve().parents[2]

CELLS = ("imports", "data", "config", "train")
RUNS = (  # network, learning rate, epochs, number of seeds
    ("seq2seq", 0.006, 5, 5),
    ("seq2seq", 0.02, 5, 5),
    ("seq2seq", 0.02, 9, 5),
    ("Transformer", 0.004, 5, 5),
)
COLUMNS = ("network", "rate", "epochs", "seed", "parameters", "cpu_seconds", "val_loss", "chrf")


def main(path):
    """Add the rows that the file lacks, one training after the other."""
    chapter = chapter_names()
    path = Path(path)
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    done = {(row["network"], float(row["rate"]), int(row["epochs"]), int(row["seed"])) for row in rows}
    for network, rate, epochs, seeds in RUNS:
        for seed in range(seeds):
            if (network, rate, epochs, seed) in done:
                continue
            row = (network, rate, epochs, seed, *trial(chapter, network, rate, epochs, seed))
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


def trial(chapter, network, rate, epochs, seed):
    """(parameters, processor seconds, validation loss after the last epoch, chrF of the test sentences)."""
    import keras

    keras.backend.clear_session()
    chapter["RECIPES"][network]["rate"] = rate
    before = time.process_time()
    model, history = chapter["train"](network, seed, epochs)
    test = chapter["data"].test
    chrf = chapter["scores"].chrf(chapter["translate"](model, test), test.target_texts)
    seconds = time.process_time() - before
    return model.count_params(), f"{seconds:.1f}", f"{history['val_loss'][-1]:.4f}", f"{chrf:.2f}"


if __name__ == "__main__":
    main(sys.argv[1])

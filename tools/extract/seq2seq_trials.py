"""Makes data/seq2seq_trials.csv: trainings of chapter 10 on strings, sentences and dialogues, five seeds each.

    python -m tools.extract.seq2seq_trials data/seq2seq_trials.csv

It runs the chapter's own cells (data, quick settings, training, scores) on data/tatoeba_en_ja.tsv, on the CPU, with
the versions of constraints.txt. It takes some ten minutes; cut off, it goes on with the trainings that are missing.
Another processor may give slightly different numbers.

A row is one number of one training. Strings, written forwards or backwards: loss_halfway, of the validation strings
after half of the epochs; exact_match of these strings at the end. Translation, of the 500 test sentences: perplexity;
chrF and mean length of greedy search, of a beam of 4 without and with length penalty 1, and of greedy search from
another sentence's thought vector (other); shares of right subjects and of questions that stay questions, with the
sentence's own thought vector and with another's. VHRED, with and without KL annealing: KL divergence after each epoch;
what z tells about the form and about the dish of a reply (mutual information, nats).
"""

import contextlib
import csv
import io
import sys
from pathlib import Path

import numpy as np

from tools.project import Project
from tools.rules import load
from utils import runtime

ROOT = Path(__file__).resolve().parents[2]

CELLS = ("imports", "tokens", "forward", "forward-run", "reverse-data", "reverse-train", "reverse-write")
CELLS += ("translation-data", "translation-train")
CELLS += (
    "hred-data",
    "hred-code",
    "hred-train",
    "hred-train-run",
    "hred-first",
    "vhred-train",
    "vhred-z",
    "vhred-told",
)
# Where a cell stops defining and begins to train or to use what is trained.
ENDS = ("reverser, ", "held, answers", "translator, ", "learn_to_talk(hred)", "talker, ", "form, dish = ")
ENDS_AFTER_ONE_LINE = ("dishes = ", "replies = ")
SEEDS = range(5)
ANNEALING = {"vhred annealed": 100, "vhred beta 1 from the start": 0}  # batches
COLUMNS = ("training", "seed", "measure", "value")
WAYS = {
    "greedy": "greedy",
    "beam 4": "beam",
    "beam 4, length penalty 1": "beam_penalty",
    "thought of another sentence": "other",
}


def main(path):
    """Add the trainings that the file lacks, one after the other."""
    chapter, code = chapter_names()
    path = Path(path)
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    with open(path, encoding="utf-8", newline="") as file:
        done = {(row["training"], int(row["seed"])) for row in csv.DictReader(file)}
    for seed in SEEDS:
        for training in ("forwards", "backwards", "translation", *ANNEALING):
            if (training, seed) in done:
                continue
            if training in ANNEALING:
                measures = dialogue_trial(chapter, training, seed)
            elif training == "translation":
                measures = translation_trial(chapter, code, seed)
            else:
                measures = strings_trial(chapter, training, seed)
            with open(path, "a", encoding="utf-8", newline="") as file:
                rows = ((training, seed, name, f"{value:.4f}") for name, value in measures.items())
                csv.writer(file, lineterminator="\n").writerows(rows)
            print(training, seed, {name: round(float(value), 4) for name, value in measures.items()}, flush=True)


def chapter_names():
    """(what the chapter's cells define, the cells' code); nothing is trained yet."""
    code = {cell.key: cell.text["en"] for cell in load(Project(ROOT), "10_seq2seq").code()}
    names = {"rt": runtime.setup(profile="quick")}
    for key in CELLS:
        for end in ENDS:
            code[key] = code[key].split(f"\n\n\n{end}")[0]
        for end in ENDS_AFTER_ONE_LINE:
            code[key] = code[key].split(f"\n\n{end}")[0]
        run(code[key], names)
    run(code["order"].split("\n\n\norders = ")[0], names)
    return names, code


def strings_trial(chapter, name, seed):
    """Strings written in one of the two orders: loss halfway through the training, right strings at its end."""
    import keras

    keras.backend.clear_session()
    answer, learned = chapter[name], chapter["LEARN"]
    model, history = chapter["learn_strings"](answer, seed)
    held, texts = chapter["source"][learned:], chapter["texts"][learned:]
    written = chapter["read"](chapter["write"](model, held))
    right = np.mean([text == answer(original) for text, original in zip(written, texts, strict=True)])
    losses = history["val_loss"]
    return {"loss_halfway": losses[len(losses) // 2 - 1], "exact_match": right}


def translation_trial(chapter, code, seed):
    """One training of the translator, and everything that the chapter says about its translations."""
    import keras

    keras.backend.clear_session()
    chapter["translator"], _ = chapter["learn_to_translate"](seed)
    run(code["translation-score"], chapter)
    run(code["translation-verdict"], chapter)
    found = {"perplexity": chapter["test_perplexity"]}
    for way, name in WAYS.items():
        found[f"chrf_{name}"], found[f"length_{name}"] = chapter["scores"][way][1], chapter["lengths"][way]
    for name in ("subjects", "questions"):
        found[f"{name}_own"], found[f"{name}_other"] = chapter[name]
    return found


def dialogue_trial(chapter, name, seed):
    """One training of VHRED: the KL divergence after each epoch, and what z tells about form and dish."""
    import keras

    keras.backend.clear_session()
    model, curve = chapter["learn_to_vary"](ANNEALING[name], seed)
    form, dish = chapter["told_by"](model)
    return {f"kl_{i}": kl for i, kl in enumerate(curve["kl"], start=1)} | {"told_form": form, "told_dish": dish}


def run(code, names):
    """Run a cell without its output."""
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, names)


if __name__ == "__main__":
    main(sys.argv[1])

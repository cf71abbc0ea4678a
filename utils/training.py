"""Training as every chapter does it: silent and short in the quick profile, whole and resumable in the full one.

What a training has to remember when it is cut off: the weights, the optimizer (its slots and its step, so that a
learning-rate schedule goes on) and the epoch – Keras' BackupAndRestore keeps these – and two things that it forgets:
the order of the pictures and the state of the random layers. Here both follow from the seed and the number of the
epoch alone, so that a training which was interrupted ends with the same weights as one which was not.
"""

import csv
import hashlib
import json
import math
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from utils import runtime

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Arrays:
    """What `fit` trains on, where it is not a set of pictures.

    x_*: an array, or a tuple of arrays for a model with several inputs.  y_*: an array.  w_*: weights of the targets,
    of the shape that the loss has without them (0 where a sequence is padded), or None.
    """

    x_train: object
    y_train: np.ndarray
    x_val: object
    y_val: np.ndarray
    w_train: np.ndarray | None = None
    w_val: np.ndarray | None = None


def fit(model, data, name, epochs, batch_size, seed=0, callbacks=()):
    """Train a compiled model on the training part, look at the validation part after every epoch.

    Quick profile: no output, nothing is written. Full profile: a line an epoch; after each epoch a backup and a line of
    `log.csv` in the folder runs/NAME (of the repository, or of the folder that the environment variable STUDY_RUNS
    names). A training that was cut off continues from its backup when the same cell runs again. A finished one leaves
    its log alone, which nothing reads again: the next run starts anew.

    Args:
        model: a compiled keras.Model, built anew for every call.
        data: a `datasets.Images` or `Arrays`, or any object with x_train, y_train, x_val, y_val.
        name: of the folder: letters, digits, "_", "-" and "."; one for each training.
        epochs, batch_size: whole numbers.
        seed: of the pictures' order and of random layers (dropout, augmentation).
        callbacks: more Keras callbacks. What they remember themselves (EarlyStopping, ReduceLROnPlateau) begins anew
            after an interruption.

    Returns:
        dict from a metric's name to a list with a number an epoch; of the whole training, also where it was continued.

    Raises:
        TypeError, ValueError: for arguments that do not fit; for a backup that belongs to another training.
        OSError: where the folder cannot be written.
        RuntimeError: before the Setup cell.
    """
    import keras

    epochs, batch_size = _positive("epochs", epochs), _positive("batch_size", batch_size)
    if not isinstance(name, str) or not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(f"name becomes a folder's name: use letters, digits, '_', '-' and '.', got {name!r}")
    if getattr(model, "optimizer", None) is None or not model.built:
        raise ValueError("the model must be built and compiled before it is trained: model.compile(…)")
    _check(data)
    full = runtime.current().profile == "full"
    batches, order = _batches(_part(data, "train"), batch_size, seed)
    hooks = [order, *callbacks]
    if full:
        folder = _folder(name)
        log, backup = _backup(folder, _fingerprint(model, data, batch_size, seed), epochs)
        hooks += [keras.callbacks.CSVLogger(log, append=True), backup]  # the backup takes the log with it
    with runtime.current().scope():
        # Where the first step has to make the optimizer's slots, TensorFlow traces the step twice.
        model.optimizer.build(model.trainable_variables)
    history = model.fit(
        batches,
        shuffle=False,  # `batches` has an order; Keras would shuffle whole batches once more, with Python's generator
        epochs=epochs,
        validation_data=_part(data, "val"),
        validation_batch_size=batch_size,
        callbacks=hooks,
        verbose=2 if full else 0,
    ).history
    model._initial_epoch = None  # BackupAndRestore leaves it there, and a second fit would skip these epochs
    return _read(log) if full else history


def _part(data, part):
    """(x, y) or (x, y, weights), as Keras takes them."""
    weights = getattr(data, f"w_{part}", None)
    pair = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
    return pair if weights is None else (*pair, weights)


def _arrays(part):
    """The arrays of a part, one after the other."""
    return [array for value in part for array in (value if isinstance(value, tuple) else (value,))]


def _batches(part, batch_size, seed):
    """(batches, callback): a PyDataset whose order depends on seed and epoch alone, and what tells it the epoch."""
    import keras

    count = len(part[1])

    class Batches(keras.utils.PyDataset):
        def __init__(self):
            super().__init__()
            self.order = np.arange(count)

        def __len__(self):
            return math.ceil(count / batch_size)

        def __getitem__(self, index):
            chosen = self.order[index * batch_size : (index + 1) * batch_size]
            return tuple(tuple(a[chosen] for a in v) if isinstance(v, tuple) else v[chosen] for v in part)

    class Order(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            rng = np.random.default_rng([seed, epoch])
            batches.order = rng.permutation(count)
            for variable in self.model.variables:
                if variable.name == "seed_generator_state":  # of a random layer: (seed, draws so far)
                    variable.assign(np.array([rng.integers(2**31), 0], variable.dtype))

    batches = Batches()
    return batches, Order()


def _backup(folder, fingerprint, epochs):
    """(log, callback): Keras' backup after each epoch, made so that a kill at any moment leaves a whole one behind.

    Keras writes weights and epoch one after the other, over the ones before. Here it writes into a folder of its own,
    the log is added, and the finished folder is renamed in one step. `log` is the path of the log of the epochs so far.
    """
    import keras

    writing, log, facts = folder / "writing", folder / "log.csv", folder / "training.json"

    def kept():
        """The finished backups, oldest first."""
        return sorted(folder.glob("epoch-*"))

    class Backup(keras.callbacks.BackupAndRestore):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            shutil.copy(log, writing)
            older = kept()
            writing.rename(folder / f"epoch-{epoch + 1:06d}")
            for path in older:
                shutil.rmtree(path)

        def on_train_end(self, logs=None):
            super().on_train_end(logs)
            for path in kept():  # in one step again: half a backup must not look like one
                path.rename(writing)
                shutil.rmtree(writing)

    shutil.rmtree(writing, ignore_errors=True)  # cut off while it was written
    if kept():
        if not facts.exists() or json.loads(facts.read_text()) != fingerprint:
            raise ValueError(
                f"{folder} holds the backup of an interrupted training with another network, optimizer, batch size, "
                "seed or data; delete that folder to train anew, or go back to what was trained"
            )
        newest = kept()[-1]
        shutil.copytree(newest, writing)
        shutil.copy(newest / "log.csv", log)
        print(f"continues after epoch {int(newest.name[6:])} of {epochs} (backup in {folder})")
    else:
        log.unlink(missing_ok=True)
        facts.write_text(json.dumps(fingerprint))
    return log, Backup(writing)


def _folder(name):
    """The training's folder, made and written to once."""
    folder = Path(os.environ.get("STUDY_RUNS") or ROOT / "runs") / name
    probe = folder / "probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise OSError(
            f"the full profile keeps a backup of every epoch in {folder}, which cannot be written ({error.strerror}); "
            "set the environment variable STUDY_RUNS to a folder of yours, or train with "
            'runtime.setup(profile="quick")'
        ) from error
    return folder


def _fingerprint(model, data, batch_size, seed):
    """What must be the same for a training to go on; not the layers' names, which Keras counts through."""
    settings = model.optimizer.get_config()
    settings.pop("name", None)
    shapes = [list(weight.shape) for weight in model.weights]
    digest = hashlib.blake2b(digest_size=16)
    for part in ("train", "val"):
        digest.update(np.ascontiguousarray(getattr(data, f"y_{part}")).tobytes())
        for array in _arrays(_part(data, part)):
            digest.update(np.ascontiguousarray(array[:16]).tobytes())
    facts = {"weights": shapes, "optimizer": settings, "batch_size": batch_size, "seed": seed}
    return json.loads(json.dumps({**facts, "data": digest.hexdigest()}, default=str))


def _read(log):
    """The history in a CSVLogger's file: {metric: [a number an epoch]}."""
    with open(log, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {key: [float(row[key]) for row in rows] for key in rows[0] if key != "epoch"}


def _check(data):
    for part in ("train", "val"):
        if not hasattr(data, f"x_{part}") or not hasattr(data, f"y_{part}"):
            raise TypeError(
                f"data must have x_{part} and y_{part}, as load_images() and training.Arrays have them; got {data!r}"
            )
        counts = [len(array) for array in _arrays(_part(data, part))]
        if len(set(counts)) > 1 or not counts[0]:
            raise ValueError(
                f"x_{part}, y_{part} (and weights) must be as many, and not none; got {' and '.join(map(str, counts))}"
            )


def _positive(name, value):
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return int(value)

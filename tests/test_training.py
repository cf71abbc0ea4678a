"""Training: nothing on the disk in the quick profile; in the full one a kill at any moment costs one epoch at most."""

import hashlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from utils import runtime, training

ROOT = Path(__file__).resolve().parents[1]
EPOCHS = 5
EAGER = True  # 25 steps run faster than a graph is made of them; the processes that are killed make one


def small_data(seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(90, 6)).astype("float32"), rng.integers(0, 3, 90)
    return SimpleNamespace(x_train=x[:70], y_train=y[:70], x_val=x[70:], y_val=y[70:])


def small_model(rate=0.02, units=8):
    """With everything that a backup could forget: batch statistics, dropout, momenta, a rate that falls by the step."""
    import keras

    keras.utils.set_random_seed(1)
    layers = [keras.layers.Dense(units, "relu"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.4)]
    model = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(3, activation="softmax")])
    schedule = keras.optimizers.schedules.CosineDecay(rate, 5 * EPOCHS)
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=["accuracy"], run_eagerly=EAGER)
    return model


def train(name="small", model=None, callbacks=(), **changed):
    """(weights as bytes, history) of one training."""
    model = model or small_model()
    settings = {"data": small_data(), "epochs": EPOCHS, "batch_size": 16} | changed
    history = training.fit(model, name=name, callbacks=callbacks, **settings)
    return hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest(), history


def profile(monkeypatch, name, folder):
    rt = runtime.Runtime("en", 0, name, "float32", "tensorflow", "cpu", 0, None, False)
    monkeypatch.setattr(runtime, "_state", {"language": "en", "runtime": rt})
    monkeypatch.setenv("STUDY_RUNS", str(folder))


@pytest.fixture
def quick(monkeypatch, tmp_path):
    profile(monkeypatch, "quick", tmp_path / "runs")


@pytest.fixture
def full(monkeypatch, tmp_path):
    profile(monkeypatch, "full", tmp_path / "runs")


def stops(where, epoch, batch=None):
    """A callback that breaks off at this moment."""
    import keras

    class Stops(keras.callbacks.Callback):
        current = 0

        def on_epoch_begin(self, number, logs=None):
            self.current = number

        def on_train_batch_end(self, number, logs=None):
            if where == "batch" and (self.current, number) == (epoch, batch):
                raise KeyboardInterrupt

        def on_epoch_end(self, number, logs=None):
            if where == "epoch" and number == epoch:
                raise KeyboardInterrupt

    return Stops()


def test_quick_writes_nothing_and_says_nothing(quick, tmp_path, capfd):
    weights, history = train()
    assert set(history) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert all(len(values) == EPOCHS for values in history.values())
    assert list(tmp_path.iterdir()) == [] and capfd.readouterr().out == ""
    assert train() == (weights, history)
    assert train(seed=1)[0] != weights


def test_full_trains_the_same_and_keeps_only_the_log(quick, monkeypatch, tmp_path, capfd):
    expected = train()
    profile(monkeypatch, "full", tmp_path / "runs")
    assert train() == expected
    assert capfd.readouterr().out.count("val_loss") == EPOCHS  # a line an epoch
    left = [path.name for path in (tmp_path / "runs" / "small").rglob("*")]
    assert sorted(left) == ["log.csv", "training.json"]
    lines = (tmp_path / "runs" / "small" / "log.csv").read_text().splitlines()
    assert lines[0] == "epoch,accuracy,loss,val_accuracy,val_loss" and len(lines) == 1 + EPOCHS
    assert [float(line.split(",")[2]) for line in lines[1:]] == expected[1]["loss"]
    assert train() == expected  # a finished training starts anew; its log is not read as a result


@pytest.mark.parametrize("moment", [("batch", 0, 0), ("epoch", 2), ("batch", 3, 1)])
def test_interrupted_training_ends_as_if_it_had_not_been(full, moment, capfd):
    expected = train("whole")
    with pytest.raises(KeyboardInterrupt):
        train(callbacks=[stops(*moment)])
    capfd.readouterr()
    assert train() == expected
    said = re.findall(r"continues after epoch (\d) of 5", capfd.readouterr().out)
    assert said == [str(moment[1])] * (moment[1] > 0)


def test_every_epoch_has_an_order_of_its_own_and_every_picture_once():
    x, y = np.arange(10), np.arange(10) % 3
    seen = {}
    for seed in (0, 1):
        batches, order = training._batches((x, y), 4, seed)
        order.set_model(SimpleNamespace(variables=[]))
        for epoch in (2, 0, 1, 2):
            order.on_epoch_begin(epoch)
            parts = [batches[i] for i in range(len(batches))]
            pictures = np.concatenate([part for part, _ in parts])
            assert [len(part) for part, _ in parts] == [4, 4, 2] and sorted(pictures) == list(x)
            assert all(np.array_equal(labels, part % 3) for part, labels in parts)
            assert seen.setdefault((seed, epoch), tuple(pictures)) == tuple(pictures)
    assert len(set(seen.values())) == 6


def pair_data(second=1.0):
    """Two inputs and weights: the target is the first where the weight is 1, nonsense where it is 0."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 40, 3)).astype("float32")
    w = np.tile(np.array([1, 1, 0], "float32"), (40, 1))
    y = np.where(w, a, 1000).astype("float32")[..., np.newaxis]
    return training.Arrays((a[:30], second * b[:30]), y[:30], (a[30:], second * b[30:]), y[30:], w[:30], w[30:])


def pair_model():
    import keras

    keras.utils.set_random_seed(1)
    inputs = [keras.Input((3,)) for _ in range(2)]
    outputs = keras.layers.Reshape((3, 1))(keras.layers.Dense(3)(keras.layers.Concatenate()(inputs)))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(0.05), "mse", run_eagerly=EAGER)
    return model


def test_several_inputs_and_weights_that_leave_the_padding_out(full):
    """With the padding's 1000 in it the loss would be near 300,000. Broken off, it goes on with all its parts."""
    whole = train("pair", pair_model(), data=pair_data())
    with pytest.raises(KeyboardInterrupt):
        train("pair2", pair_model(), [stops("epoch", 2)], data=pair_data())
    assert train("pair2", pair_model(), data=pair_data()) == whole
    assert whole[1]["loss"][-1] < whole[1]["loss"][0] < 10 and whole[1]["val_loss"][-1] < 10


def test_another_second_input_is_other_data(full):
    with pytest.raises(KeyboardInterrupt):
        train("pair", pair_model(), [stops("epoch", 2)], data=pair_data())
    with pytest.raises(ValueError, match="backup of an interrupted training with another"):
        train("pair", pair_model(), data=pair_data(second=2.0))


def test_parts_of_different_length(quick):
    data = training.Arrays((np.ones((4, 3)), np.ones((5, 3))), np.ones((4, 3)), np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="must be as many, and not none; got 4 and 5 and 4"):
        train(model=pair_model(), data=data)


def test_interrupted_twice(full):
    expected = train("whole")
    for epoch in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            train(callbacks=[stops("epoch", epoch)])
    assert train() == expected


@pytest.mark.parametrize("torn", ["log", "weights", "renamed", "cleared"])
def test_broken_off_while_the_backup_is_written(full, torn, monkeypatch, tmp_path):
    """Cut at each step of a backup: nothing yet, half the weights, before the rename, before the old one is gone."""
    expected = train("whole")
    calls = []

    def cut(function, at):
        def counted(*arguments, **options):
            calls.append(1)
            if len(calls) == at:
                if torn == "weights":
                    Path(options["filepath"]).write_bytes(b"half a file")
                raise KeyboardInterrupt
            return function(*arguments, **options)

        return counted

    model = small_model()
    with monkeypatch.context() as broken:
        if torn == "log":
            broken.setattr(training.shutil, "copy", cut(training.shutil.copy, 3))
        elif torn == "weights":
            broken.setattr(model, "save_weights", cut(model.save_weights, 3))
        elif torn == "renamed":
            broken.setattr(Path, "rename", cut(Path.rename, 3))
        else:
            broken.setattr(training.shutil, "rmtree", cut(training.shutil.rmtree, 3))
        with pytest.raises(KeyboardInterrupt):
            train(model=model)
    assert train() == expected


def test_the_same_model_can_be_trained_again(full):
    with pytest.raises(KeyboardInterrupt):
        train(callbacks=[stops("epoch", 2)])
    model = small_model()
    train(model=model)
    assert len(train("second", model)[1]["loss"]) == EPOCHS


@pytest.mark.parametrize(
    "change",
    [
        lambda: {"batch_size": 8},
        lambda: {"seed": 3},
        lambda: {"data": small_data(1)},
        lambda: {"model": small_model(units=9)},
        lambda: {"model": small_model(rate=0.1)},
    ],
)
def test_another_training_under_the_same_name_is_refused(full, change):
    with pytest.raises(KeyboardInterrupt):
        train(callbacks=[stops("epoch", 2)])
    with pytest.raises(ValueError, match="backup of an interrupted training with another"):
        train(**change())


def test_folder_that_cannot_be_written(full, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STUDY_RUNS", str(tmp_path / "file"))
    with pytest.raises(OSError, match="cannot be written.*STUDY_RUNS"):
        train()


def test_runs_stay_out_of_the_repository(full, monkeypatch):
    monkeypatch.delenv("STUDY_RUNS")
    monkeypatch.setattr(training, "ROOT", Path("/proc/nowhere"))
    with pytest.raises(OSError, match="/proc/nowhere/runs/small"):
        train()
    assert "runs/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": 2.0}, TypeError, "epochs must be a whole number, got 2.0"),
        ({"batch_size": -1}, ValueError, "batch_size must be at least 1"),
        ({"name": "../up"}, ValueError, "'../up'"),
        ({"name": ""}, ValueError, "folder's name"),
        ({"data": ([1], [2])}, TypeError, "data must have x_train and y_train"),
        ({"data": SimpleNamespace(x_train=[1, 2], y_train=[1], x_val=[1], y_val=[1])}, ValueError, "got 2 and 1"),
    ],
)
def test_arguments(quick, changed, error, words):
    with pytest.raises(error, match=re.escape(words)):
        train(**changed)


def test_the_optimizer_has_its_slots_before_the_first_step(quick):
    """Made in the first step, they cost TensorFlow a second trace of it."""
    import keras

    model, seen = small_model(), []
    begins = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: seen.append(len(model.optimizer.variables)))
    train(model=model, callbacks=[begins], epochs=1)
    assert seen == [len(model.optimizer.variables)]


def test_model_that_is_not_ready(quick):
    import keras

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match="built and compiled"):
        train(model=model)


CHILD = """
import os, signal, sys
from utils import runtime
runtime.setup(profile="full")
import keras
from tests import test_training
test_training.EAGER = False
train = test_training.train

class Kill(keras.callbacks.Callback):
    epoch = 0
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 3 and batch == 2 and sys.argv[2] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)

weights, history = train(sys.argv[1], callbacks=[Kill()])
print("RESULT", weights, history)
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_killed_process(backend, tmp_path):
    environ = {**os.environ, "KERAS_BACKEND": backend, "STUDY_RUNS": str(tmp_path)}

    def run(*arguments):
        command = [sys.executable, "-c", CHILD, *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environ)

    with ThreadPoolExecutor(2) as pool:
        whole, killed = pool.map(lambda arguments: run(*arguments), [("whole", "live"), ("killed", "kill")])
    assert whole.returncode == 0, whole.stderr
    assert killed.returncode == -9 and "RESULT" not in killed.stdout
    again = run("killed", "live")
    assert "continues after epoch 3 of 5" in again.stdout, again.stderr
    assert again.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
    assert whole.stdout.splitlines()[-1].startswith("RESULT")

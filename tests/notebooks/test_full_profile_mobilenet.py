"""Chapter 06 in the full profile: its own cells, on a small archive of flowers from a local server; killed once."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CHILD = """
import os, signal, sys
from pathlib import Path
import pytest
import matplotlib
matplotlib.use("agg")
from tests import stand_ins
from tests.notebooks.documents import PROJECT
from tools.rules import load
from utils import runtime, training

rt = runtime.setup(profile="full")
import keras
cells = {cell.key: cell.text["en"] for cell in load(PROJECT, "06_mobilenet_vs_vgg16").code()}
names = {"rt": rt}

def run(*keys):
    for key in keys:
        exec(compile(cells[key], key, "exec"), names)

class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "kill":
    whole = training.fit
    def fit(model, data, name, callbacks=(), **settings):
        last = [Kill()] if name == "06_VGG16_with_BatchNorm" else []
        return whole(model, data, name, callbacks=[*callbacks, *last], **settings)
    training.fit = fit

with pytest.MonkeyPatch.context() as patch:
    with stand_ins.public_set("flowers", patch, Path(sys.argv[1]), per_class=12) as server:
        run("imports", "whole", "networks", "config")
        config = names["config"]
        assert (config["data"], config["size"], config["epochs"], config["batch_size"]) == ("flowers", 224, 40, 128)
        assert (config["width"], config["stages"] is names["TABLE_2"]) == (1.0, True)
        config |= {"size": 32, "epochs": 2, "batch_size": 16, "width": 1 / 32}
        config["stages"] = names["SHORT"]
        run("build", "train", "stuck", "memory")
for name, (_, history, _) in names["trained"].items():
    print("RESULT", name, {key: len(values) for key, values in history.items()})
"""


def child(folder, what):
    environ = {**os.environ, "STUDY_RUNS": str(folder / "runs"), "STUDY_PROFILE": "full"}
    command = [sys.executable, "-c", CHILD, str(folder), what]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environ)


def test_killed_and_continued(tmp_path):
    killed = child(tmp_path, "kill")
    assert killed.returncode == -9, killed.stderr
    assert "RESULT" not in killed.stdout
    assert [path.parent.name for path in tmp_path.rglob("epoch-000001")] == ["06_VGG16_with_BatchNorm"]
    done = child(tmp_path, "live")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("continues after epoch") == 1 and "continues after epoch 1 of 2" in done.stdout
    lengths = "{'accuracy': 2, 'loss': 2, 'val_accuracy': 2, 'val_loss': 2}"
    for name in ("MobileNetV2", "VGG16 as in the note", "VGG16 with BatchNorm"):
        assert f"RESULT {name} {lengths}" in done.stdout
    assert "5 classes" in done.stdout and "test accuracy" in done.stdout
    assert sorted(path.name for path in (tmp_path / "runs").rglob("*.csv")) == ["log.csv"] * 3

"""Chapter 05 in the full profile: its own cells, on a small CIFAR-10 from a local server."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CHILD = """
import sys
from pathlib import Path
import pytest
import matplotlib
matplotlib.use("agg")
from tests import stand_ins
from tests.notebooks.documents import PROJECT
from tools.rules import load
from utils import runtime

names = {"rt": runtime.setup(profile="full")}
cells = {cell.key: cell.text["en"] for cell in load(PROJECT, "05_normalization").code()}

def run(*keys):
    for key in keys:
        exec(compile(cells[key], key, "exec"), names)

with pytest.MonkeyPatch.context() as patch:
    with stand_ins.public_set("cifar10", patch, Path(sys.argv[1])):
        run("imports", "normalize", "network", "data")
        config = names["config"]
        assert (config["data"], config["widths"], config["epochs"]) == ("cifar10", (64, 128, 256), 30)
        config |= {"epochs": 2, "widths": (4, 8, 8), "units": 8}
        run("train", "train-verdict", "workers", "experiment", "experiment-figure", "experiment-verdict")
        run("mistake-shift-run")
assert all(len(history["accuracy"]) == 2 for history in names["histories"].values())
"""


def test_all_trainings_run_and_leave_their_logs(tmp_path):
    environ = {**os.environ, "STUDY_RUNS": str(tmp_path / "runs"), "STUDY_PROFILE": "full"}
    command = [sys.executable, "-c", CHILD, str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environ)
    assert done.returncode == 0, done.stderr
    trained = {"none", "BN", "LN", "IN", "GN", "BN_99", "BN_of_1", "BN_of_2", "BN_of_4", "BN_of_8"}
    trained |= {"BN_of_1_in_convolutions", "BN_shifting"}
    assert {path.parent.name for path in (tmp_path / "runs").rglob("log.csv")} == {f"05_{name}" for name in trained}
    assert done.stdout.count("Epoch 2/2") == len(trained)
    assert "pictures of cifar10" in done.stdout and "shifting" in done.stdout

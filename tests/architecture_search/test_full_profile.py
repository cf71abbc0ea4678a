"""The full profile's path, end to end, on a tiny stand-in of CIFAR-10; and a training that is killed and taken up."""

import os
import signal
import subprocess
import sys
import time

import matplotlib as mpl
import optuna
import pytest
from optuna.trial import TrialState

from tests import stand_ins
from tests.notebooks.documents import PROJECT, ROOT
from tools.rules import load
from utils import runtime
from utils.architecture_search import studies

mpl.use("Agg")
optuna.logging.set_verbosity(optuna.logging.ERROR)
CELLS = ("imports", "count", "penalty", "objective", "live-open", "live-resume", "live-test", "experiment")


@pytest.fixture
def full(monkeypatch, tmp_path):
    monkeypatch.setenv("STUDY_RUNS", str(tmp_path / "runs"))
    yield runtime.setup(profile="full")
    runtime.setup(profile="quick")
    mpl.pyplot.close("all")


def test_the_chapters_cells_in_the_full_profile(full, monkeypatch, tmp_path, capsys):
    chapter = load(PROJECT, "02_architecture_search")
    code = {cell.key: cell.text["en"] for cell in chapter.code()}
    short = {'"epochs": 100': '"epochs": 1', '"width": 64,': '"width": 1,', '"trials": 50': '"trials": 2'}
    for old, new in short.items():
        assert code["objective"].count(old) == 1
        code["objective"] = code["objective"].replace(old, new)
    with stand_ins.public_set("cifar10", monkeypatch, tmp_path):
        space = {"rt": full, "root": ROOT}
        for key in CELLS:
            exec(code[key], space)
    out = capsys.readouterr().out
    assert "now 2 of 2" in out and "test accuracy" in out
    assert space["data"].name == "cifar10"
    assert (tmp_path / "runs" / "02_architecture_search.db").exists()
    assert space["study"].get_trials(states=(TrialState.RUNNING,)) == []


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_training_that_was_killed_goes_on_from_its_backup(tmp_path):
    path = tmp_path / "study.db"
    tiny = {"data": "small_digits", "size": 8, "limit": 100, "width": 1, "epochs": 40, "batch_size": 50}
    study = studies.create(path, "modules", studies.settings("penalized", source="training", name="killed", **tiny))
    command = [sys.executable, "-m", "utils.architecture_search.worker", "--storage", str(path), "--study", "modules"]
    command += ["--trials", "1", "--heartbeat", "1"]
    environment = {**os.environ, "STUDY_RUNS": str(tmp_path / "runs"), "STUDY_PROFILE": "full"}
    options = {"cwd": ROOT, "env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    first = subprocess.Popen(command, **options)
    while not list((tmp_path / "runs").glob("*/epoch-*")):  # until an epoch is in the backup
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert [trial.state for trial in study.trials[:1]] == [TrialState.RUNNING]
    for waiting in study.get_trials(states=(TrialState.WAITING,)):  # leave only what the dead worker had
        studies.open_storage(path).set_trial_state_values(waiting._trial_id, TrialState.FAIL)
    second = subprocess.run(command, **options | {"stdout": subprocess.PIPE}, timeout=120, check=False)
    assert second.returncode == 0, second.stderr
    assert "continues after epoch" in second.stdout and "1 trials by this worker" in second.stdout
    trials = [trial for trial in study.trials if trial.user_attrs.get("first") == 0]
    assert [trial.state for trial in trials] == [TrialState.FAIL, TrialState.COMPLETE]
    assert trials[0].params == trials[1].params and min(trials[1].intermediate_values) > 0

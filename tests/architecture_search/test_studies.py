"""Studies that are shared, cut off and taken up again: every configuration is evaluated, and only once."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time

import optuna
import pytest
from optuna.trial import TrialState

from utils import runtime
from utils.architecture_search import space, studies, table, worker
from utils.datasets import DATA

ROOT = DATA.parent
optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "study.db"


def start(path, *more):
    # Where the tests run in the background, the shell has switched SIGINT off for them and for their children.
    code = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "runpy.run_module('utils.architecture_search.worker', run_name='__main__')"
    )
    command = [sys.executable, "-c", code, "--storage", str(path), "--study", "modules"]
    return subprocess.Popen(
        [*command, "--heartbeat", "1", *more], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process, code=0):
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    return out, err


def evaluated_once(study):
    found = studies.finished(study)
    assert set(found) == set(space.CONFIGURATIONS)
    assert all(len(trials) == 1 for trials in found.values())
    assert study.get_trials(states=(TrialState.RUNNING, TrialState.WAITING)) == []


def test_one_worker_finishes_a_grid_and_a_second_call_adds_nothing(path):
    storage = studies.open_storage(path, 1)
    study = studies.create(storage, "modules", studies.settings("pareto"))
    assert worker.work(study, storage, trials=5, say=lambda line: None) == 5
    assert len(studies.create(storage, "modules").trials) == 27
    assert worker.work(studies.load(path, "modules"), storage, say=lambda line: None) == 22
    evaluated_once(study)
    assert worker.work(study, storage, say=lambda line: None) == 0


def test_two_processes_finish_one_study(path):
    study = studies.create(path, "modules", studies.settings("pareto", pause=0.02))
    workers = [start(path), start(path)]
    shares = [int(ended(process)[0].splitlines()[-1].split()[0]) for process in workers]
    assert sum(shares) == 27 and min(shares) > 0
    evaluated_once(study)


def test_many_workers_never_take_one_trial_twice(path):
    """Without a lock on the whole look-and-take, SQLite lets two workers take one trial."""
    import threading

    studies.create(path, "modules", studies.settings("pareto"))

    def run():
        storage = studies.open_storage(path, 1)
        worker.work(studies.load(storage, "modules"), storage, say=lambda line: None)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    study = studies.load(path, "modules")
    evaluated_once(study)


def test_a_transaction_locks_the_file_from_its_first_look(path):
    """Otherwise two workers could both look, see the same waiting trial, and take it one after the other."""
    storage = studies.open_storage(path)
    with storage.engine.begin(), contextlib.closing(sqlite3.connect(path, timeout=0)) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


def test_killed_in_the_middle_of_a_trial_another_worker_takes_over(path):
    study = studies.create(path, "modules", studies.settings("penalized", pause=0.05))
    first = start(path)
    assert first.stdout.readline().startswith("trial 0: CCC")
    time.sleep(0.1)  # in the middle of a trial of 0.4 s
    first.send_signal(signal.SIGKILL)
    first.wait()
    stranded = study.get_trials(states=(TrialState.RUNNING,))
    assert len(stranded) == 1
    out, _ = ended(start(path))
    assert out.splitlines()[-1].endswith("27 configurations finished")
    evaluated_once(study)
    assert study.trials[stranded[0].number].state is TrialState.FAIL
    second = [
        t for t in study.trials if t.user_attrs.get("first") == stranded[0].number and t.state is not TrialState.FAIL
    ]
    assert [space.layers_of(t) for t in second] == [space.layers_of(stranded[0])]


def test_killed_before_its_first_heartbeat(path):
    storage = studies.open_storage(path, 1)
    study = studies.create(storage, "modules", studies.settings("pareto"))
    taken = study.ask()  # takes the trial as a worker does, and nobody ever sends a heartbeat
    assert storage._get_stale_trial_ids(study._study_id) == []
    assert worker.work(study, storage, say=lambda line: None) == 27
    evaluated_once(study)
    assert study.trials[taken.number].state is TrialState.FAIL


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for child processes")
def test_interrupted_from_the_keyboard(path):
    study = studies.create(path, "modules", studies.settings("pareto", pause=0.1))
    first = start(path)
    assert first.stdout.readline().startswith("trial 0")
    time.sleep(0.1)
    first.send_signal(signal.SIGINT)
    out, _ = ended(first)
    assert "is back in the queue" in out
    assert studies.missing(study) == []
    storage = studies.open_storage(path, 1)
    worker.work(study, storage, say=lambda line: None)
    evaluated_once(study)


def test_cut_off_while_it_was_created(path):
    storage = studies.open_storage(path)
    study = studies.create(storage, "modules")
    storage.set_trial_state_values(study.trials[4]._trial_id, TrialState.FAIL)  # failed, and its retry never queued
    assert studies.missing(study) == [space.CONFIGURATIONS[4]]
    assert studies.missing(studies.create(path, "modules")) == []


def test_a_trial_that_raises_is_reported_and_the_others_go_on(path, monkeypatch):
    def broken(settings):
        def evaluate(trial):
            if space.suggest(trial) == ("conv",) * 3:
                raise MemoryError("too large")
            return 0.5, 1

        return evaluate

    monkeypatch.setattr(worker, "objective", broken)
    storage = studies.open_storage(path)
    study = studies.create(storage, "modules", studies.settings("pareto"))
    lines = []
    assert worker.work(study, storage, say=lines.append) == 26
    assert lines[0] == "trial 0: failed" and studies.missing(study) == [("conv",) * 3]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_sampled_searches_end_at_the_total(path, sampler):
    storage = studies.open_storage(path)
    study = studies.create(storage, "modules", studies.settings("penalized", sampler))
    worker.work(studies.load(storage, "modules", seed=0), storage, total=12, say=lambda line: None)
    assert len(study.trials) == 12
    with pytest.raises(ValueError, match="number of trials"):
        worker.work(study, storage)


def test_bad_input(path, tmp_path, capsys):
    with pytest.raises(ValueError, match="goal must be one of .* did you mean 'penalized'"):
        studies.settings("penalised")
    with pytest.raises(ValueError, match="an option must be one of"):
        studies.settings(epoch=3)
    with pytest.raises(FileNotFoundError, match="create the study first"):
        studies.load(path, "modules")
    with pytest.raises(FileNotFoundError, match="folder .* does not exist"):
        studies.open_storage(tmp_path / "no" / "study.db")
    with pytest.raises(ValueError, match="is a folder"):
        studies.open_storage(tmp_path)
    (tmp_path / "text.db").write_text("not a database, but long enough to be read as one" * 9)
    with pytest.raises(ValueError, match="no SQLite database"):
        studies.open_storage(tmp_path / "text.db")
    with pytest.raises(ValueError, match="at least 1"):
        studies.open_storage(path, heartbeat=0)
    studies.create(path, "modules", studies.settings("pareto"))
    with pytest.raises(ValueError, match=r"other settings \(goal\)"):
        studies.create(path, "modules", studies.settings("error"))
    with pytest.raises(ValueError, match="did you mean 'modules'"):
        studies.load(path, "module")
    other = optuna.create_study(storage=studies.open_storage(path), study_name="other")
    with pytest.raises(ValueError, match="another space: not one of this chapter"):
        studies.load(path, "other")
    other.set_user_attr("space", {"layer1": ["conv"]})
    with pytest.raises(ValueError, match="another space"):
        studies.create(path, "other")


def test_bad_input_on_the_command_line(path, capsys):
    create = ["--create", "error", "--source", "table"]
    assert worker.main(["--storage", str(path), "--study", "modules", "--trials", "0", *create]) == 2
    assert "--trials must be at least 1" in capsys.readouterr().err
    assert worker.main(["--storage", str(path), "--study", "modules"]) == 2
    assert "create the study first" in capsys.readouterr().err


@pytest.mark.parametrize("source", studies.SOURCES)
def test_who_creates_a_study_says_where_its_accuracies_come_from(path, source, monkeypatch, capsys):
    command = ["--storage", str(path), "--study", "modules", "--trials", "1"]
    assert worker.main([*command, "--create", "penalized"]) == 2
    assert "--create needs --source" in capsys.readouterr().err
    assert worker.main([*command, "--source", source]) == 2
    assert "--source belongs to --create" in capsys.readouterr().err and not path.exists()
    seen = []
    monkeypatch.setattr(runtime, "setup", lambda: seen.append("set up"))
    monkeypatch.setattr(worker, "objective", lambda chosen: seen.append(chosen) or (lambda trial: 0.5))
    assert worker.main([*command, "--create", "penalized", "--source", source]) == 0
    assert ("set up" in seen) == (source == "training")  # replaying needs no framework
    assert (seen[-1]["source"], seen[-1]["goal"], seen[-1]["per"]) == (source, "penalized", table.PER)
    other = {"table": "training", "training": "table"}[source]
    assert worker.main([*command, "--create", "penalized", "--source", other]) == 2
    assert "other settings (source)" in capsys.readouterr().err


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_path_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="cannot be written"):
        studies.open_storage(tmp_path / "study.db")


def test_a_file_that_cannot_be_written(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda where, mode: False)
    with pytest.raises(PermissionError, match="cannot be written"):
        studies.open_storage(path)


def test_sqlite_file_is_whole_after_a_kill(path):
    studies.create(path, "modules", studies.settings("pareto", pause=0.05))
    first = start(path)
    first.stdout.readline()
    first.kill()
    first.wait()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_no_framework_is_imported_for_replayed_trials():
    code = "import sys\nfrom utils.architecture_search import worker\n"
    code += "print([name for name in ('tensorflow', 'keras', 'jax') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

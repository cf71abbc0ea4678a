"""The run with Colab's versions: which Python it takes, what it executes, how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import test_colab
from tools.environment import CannotMake

ROOT = Path(__file__).parents[2]


def interpreter(path, version="3 13"):
    """A program that answers the question for its version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine without any Python 3.13 but what a test puts into its `bin` or pyenv."""
    monkeypatch.delenv("COLAB_PYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(sys, "executable", interpreter(tmp_path / "python", "3 11"))
    return tmp_path


def test_argument_then_variable_then_path_then_pyenv(machine, monkeypatch):
    with pytest.raises(CannotMake, match=r"needs a Python 3\.13.*\n.*brew install.*make test-colab COLAB_PYTHON="):
        test_colab.find_python()
    interpreter(machine / "pyenv" / "versions" / "3.12.9" / "bin" / "python", "3 12")
    pyenv = interpreter(machine / "pyenv" / "versions" / "3.13.2" / "bin" / "python")
    assert test_colab.find_python() == pyenv
    path = interpreter(machine / "bin" / "python3.13")
    assert test_colab.find_python() == path
    Path(path).write_text("#!/bin/sh\nexit 127\n")  # a shim of pyenv whose version is not chosen
    assert test_colab.find_python() == pyenv
    monkeypatch.setenv("COLAB_PYTHON", interpreter(machine / "variable"))
    assert test_colab.find_python() == str(machine / "variable")
    assert test_colab.find_python(interpreter(machine / "argument")) == str(machine / "argument")


def test_a_named_python_is_never_replaced(machine):
    interpreter(machine / "bin" / "python3.13")
    old = interpreter(machine / "old", "3 12")
    with pytest.raises(CannotMake, match=r"old is Python 3\.12, but Colab has Python 3\.13"):
        test_colab.find_python(old)
    with pytest.raises(CannotMake, match=r"nowhere is no Python that starts"):
        test_colab.find_python(str(machine / "nowhere"))


def test_without_a_python_one_message_and_a_verdict(machine, capsys):
    assert test_colab.main([]) == 1
    said = capsys.readouterr().err
    assert "Install one" in said and said.rstrip().splitlines()[-1].startswith("FAILED") and "Traceback" not in said


@pytest.fixture
def project(monkeypatch, tmp_path):
    """A checkout with requirements and two notebooks, one of them for the TPU image too."""
    for name in test_colab.REQUIREMENTS:
        (tmp_path / name).write_text(name)
    folder = tmp_path / "notebooks" / "en"
    folder.mkdir(parents=True)
    for name, tpu in {"01_tensorflow": False, "02_any": True}.items():
        (folder / f"{name}.ipynb").write_text(json.dumps({"metadata": {"study": {"tpu": tpu}}, "cells": []}))
    monkeypatch.setattr(test_colab, "ROOT", tmp_path)
    monkeypatch.setattr(test_colab, "VENV", tmp_path / ".venv-colab")
    return tmp_path


def test_environment_is_made_once_and_again_when_requirements_change(project, monkeypatch):
    calls = []

    def call(command, **_):
        calls.append(command[1:3])
        if command[2] == "venv":
            interpreter(project / ".venv-colab" / "bin" / "python")
        return 0

    monkeypatch.setattr(test_colab.subprocess, "call", call)
    monkeypatch.setattr(test_colab, "check_venv_module", lambda python: None)
    monkeypatch.setattr(test_colab, "check_disk", lambda folder, gigabytes: None)
    for expected in (["-m", "venv"], ["-m", "pip"]), (), (["-m", "pip"],):
        calls.clear()
        assert test_colab.make_environment("python") == str(project / ".venv-colab" / "bin" / "python")
        assert calls == list(expected)
        if not expected:
            (project / "requirements-colab.txt").write_text("numpy==2.1.4")


def test_failing_pip_leaves_no_stamp(project, monkeypatch):
    interpreter(project / ".venv-colab" / "bin" / "python")
    monkeypatch.setattr(test_colab.subprocess, "call", lambda command, **_: 1)
    with pytest.raises(CannotMake, match=r"pip could not install"):
        test_colab.make_environment("python")
    assert not (project / ".venv-colab" / "made-for-colab").exists()


def test_every_notebook_runs_and_tpu_chapters_run_without_tensorflow(project):
    plan = {name: (command, variables) for name, _, command, variables in test_colab.steps("python", "hidden")}
    every, ready = (f"notebooks{os.sep}en{os.sep}{name}.ipynb" for name in ("01_tensorflow", "02_any"))
    command, variables = plan["notebooks"]
    assert command[-2:] == [every, ready] and "--nbval-lax" in command and "KERAS_BACKEND" not in variables
    command, variables = plan["tpu image"]
    assert every not in command and command[-1] == ready
    quick = {"STUDY_PROFILE": "quick", "CUDA_VISIBLE_DEVICES": "-1"}
    assert variables == {"PYTHONPATH": "hidden", "KERAS_BACKEND": "jax", **quick}


def test_hidden_tensorflow_cannot_be_imported(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(test_colab.WITHOUT_TENSORFLOW)
    code = "from utils import devices; print(devices._installed('tensorflow'))\nimport tensorflow"
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT, env=environ
    )
    assert done.stdout == "False\n" and "ModuleNotFoundError" in done.stderr


def test_verdict_names_what_failed(capfd):
    plan = [
        ("good", "exits with 0", [sys.executable, "-c", ""], {}),
        (
            "bad",
            "exits with 3",
            [sys.executable, "-c", "import os; os._exit(int(os.environ['STATUS']))"],
            {"STATUS": "3"},
        ),
    ]
    assert test_colab.run(plan) == 1
    assert capfd.readouterr().out.endswith("\nFAILED with Colab's versions: bad\n")
    assert test_colab.run(plan[:1]) == 0
    assert capfd.readouterr().out.endswith("\nPASSED with Colab's versions\n")

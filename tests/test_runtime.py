"""What ``setup`` decides, on a stand-in for the machine; tests/test_devices_started.py has the real one."""

import os
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from utils import devices, runtime


@pytest.fixture(autouse=True)
def environ(monkeypatch):
    """A new process of a reader who has set nothing; what a test sets is forgotten."""
    mine = {}
    monkeypatch.setattr(runtime, "_state", {"language": "en", "runtime": None})
    monkeypatch.setattr(os, "environ", mine)
    return mine


@pytest.fixture
def machine(monkeypatch):
    """``machine("gpu", 2)`` makes ``setup`` find that; the list it returns collects the calls that reach Keras."""

    def install(device="cpu", accelerators=0):
        calls = []

        def calling(*names):
            return SimpleNamespace(**{name: lambda value, name=name: calls.append((name, value)) for name in names})

        keras = SimpleNamespace(
            __version__="3.99",
            backend=SimpleNamespace(backend=lambda: "tensorflow"),
            config=calling("set_floatx", "set_image_data_format", "set_dtype_policy"),
            utils=calling("set_random_seed"),
        )
        monkeypatch.setitem(sys.modules, "keras", keras)
        monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(__version__="9.9"))
        monkeypatch.setattr(devices, "start_tensorflow", lambda *_: (device, accelerators, f"a {device}", None))
        return calls

    return install


def test_one_line_and_what_it_says(machine, capsys):
    calls = machine()
    rt = runtime.setup("ja", seed=np.int64(3))
    assert capsys.readouterr() == ("Keras 3.99 on TensorFlow 9.9 · a cpu · profile quick · float32 · seed 3\n", "")
    assert rt == runtime.Runtime("ja", 3, "quick", "float32", "tensorflow", "cpu", 0, None, False) == runtime.current()
    assert calls == [
        ("set_floatx", "float32"),
        ("set_image_data_format", "channels_last"),
        ("set_dtype_policy", "float32"),
        ("set_random_seed", 3),
    ]


@pytest.mark.parametrize(
    ("argument", "variable", "device", "profile"),
    [
        (None, None, "cpu", "quick"),
        (None, "", "cpu", "quick"),
        (None, None, "gpu", "full"),
        (None, None, "tpu", "full"),
        (None, "full", "cpu", "full"),
        (None, "quick", "gpu", "quick"),
        ("quick", "full", "gpu", "quick"),
        ("full", "quick", "cpu", "full"),
        ("full", "nonsense", "cpu", "full"),
    ],
)
def test_profile_is_argument_then_variable_then_device(machine, environ, argument, variable, device, profile):
    machine(device, int(device != "cpu"))
    if variable is not None:
        environ["STUDY_PROFILE"] = variable
    rt = runtime.setup(profile=argument)
    assert (rt.profile, rt.choose(quick="q", full="f")) == (profile, profile[0])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"lang": "de"}, ValueError, r"lang is 'de'; choose one of 'en', 'ja'"),
        ({"profile": "fast"}, ValueError, r"profile is 'fast'; choose one of 'quick', 'full'"),
        ({"precision": "float16"}, ValueError, r"precision is 'float16'; choose one of .*'mixed_float16'"),
        ({"seed": -1}, ValueError, r"seed is -1; give an integer from 0 to 4294967295"),
        ({"seed": 2**32}, ValueError, r"seed is 4294967296"),
        ({"seed": 1.0}, TypeError, r"seed is 1.0; give an integer"),
        ({"seed": True}, TypeError, r"seed is True"),
        ({"seed": None}, TypeError, r"seed is None"),
        ({"cpu_devices": 0}, ValueError, r"cpu_devices is 0; give an integer from 1 to 64"),
    ],
)
def test_bad_arguments(machine, arguments, error, message):
    calls = machine()
    with pytest.raises(error, match=message):
        runtime.setup(**arguments)
    assert calls == []


def test_bad_variables(machine, environ):
    machine()
    environ["STUDY_PROFILE"] = "Quick"
    with pytest.raises(ValueError, match=r"variable STUDY_PROFILE is 'Quick'; choose one of 'quick', 'full'"):
        runtime.setup()
    del environ["STUDY_PROFILE"]
    environ["KERAS_BACKEND"] = "torch"
    with pytest.raises(ValueError, match=r"KERAS_BACKEND is 'torch'; the chapters run on 'tensorflow' or 'jax'"):
        runtime.setup()


def test_before_setup():
    assert runtime.language() == "en"
    with pytest.raises(RuntimeError, match=r"run the chapter's Setup cell"):
        runtime.current()
    runtime.set_language("ja")
    assert runtime.language() == "ja"
    with pytest.raises(ValueError, match=r"lang is 'fr'"):
        runtime.set_language("fr")


@pytest.mark.parametrize(
    ("device", "asked", "granted"),
    [
        ("gpu", "mixed_float16", "mixed_float16"),
        ("cpu", "mixed_float16", "float32"),
        ("tpu", "mixed_float16", "mixed_bfloat16"),
        ("tpu", "mixed_bfloat16", "mixed_bfloat16"),
        ("cpu", "mixed_bfloat16", "mixed_bfloat16"),
    ],
)
def test_precision_falls_back_visibly(machine, capsys, device, asked, granted):
    calls = machine(device)
    assert runtime.setup(precision=asked).precision == granted
    assert ("set_dtype_policy", granted) in calls
    said = capsys.readouterr().out
    assert said.startswith("note: mixed_float16 needs a GPU") == (asked != granted)


def test_scope_enters_the_strategy_and_does_nothing_without_one(machine):
    machine()
    rt = runtime.setup()
    with rt.scope() as entered:
        assert entered is None
    strategy = SimpleNamespace(scope=lambda: "the strategy's scope")
    assert runtime.Runtime(**{**rt.__dict__, "strategy": strategy}).scope() == "the strategy's scope"


@pytest.mark.parametrize(
    ("backend", "device", "expected"),
    [("tensorflow", "cpu", False), ("tensorflow", "gpu", "auto"), ("jax", "cpu", "auto"), ("jax", "tpu", "auto")],
)
def test_no_xla_on_a_cpu_under_tensorflow(machine, backend, device, expected):
    machine()
    rt = runtime.setup()
    assert runtime.Runtime(**{**rt.__dict__, "backend": backend, "device": device}).jit_compile == expected


@pytest.fixture
def colab(monkeypatch, tmp_path):
    """A Colab that lacks pooch and pyyaml. Returns the list of pip commands that were run."""
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(
        "# a comment\nnumpy>=2.1,<3  # arrays\ntensorflow>=2.20\nkeras>=3\njupyterlab>=4\n"
        "matplotlib>=3.10  # figures\npooch>=1.8,<2  # downloads\npyyaml>=6\n"
    )
    monkeypatch.setattr(runtime, "REQUIREMENTS", requirements)
    versions = {"numpy": "2.1.3", "keras": "3.13.2", "tensorflow": "2.20.0", "matplotlib": "3.10.0"}
    monkeypatch.setattr(runtime, "_version", versions.get)
    commands = []

    def pip(command, **_):
        commands.append(command[1:])
        return SimpleNamespace(returncode=colab_pip["status"], stderr="no network")

    colab_pip = {"status": 0}
    monkeypatch.setattr(runtime.subprocess, "run", pip)
    return SimpleNamespace(commands=commands, pip=colab_pip, versions=versions)


def test_colab_gets_only_what_it_lacks(machine, colab, capsys):
    machine("gpu", 1)
    assert runtime.setup().colab
    pins = ["tensorflow==2.20.0", "keras==3.13.2", "numpy==2.1.3"]
    assert colab.commands == [["-m", "pip", "install", "--quiet", "pooch>=1.8,<2", "pyyaml>=6", *pins]]
    note, line = capsys.readouterr().out.splitlines()
    assert note == "note: installed pooch>=1.8,<2, pyyaml>=6, which this Colab image lacks."
    assert line.endswith("· profile full · float32 · seed 0 · Colab")
    colab.versions |= {"pooch": "1.8", "pyyaml": "6.0"}
    runtime.setup()
    assert len(colab.commands) == 1


def test_colab_without_network_says_what_is_missing(machine, colab):
    machine()
    colab.pip["status"] = 1
    with pytest.raises(RuntimeError, match=r"lacks pooch>=1.8,<2, pyyaml>=6; installing failed:\nno network"):
        runtime.setup()


def test_elsewhere_nothing_is_installed(machine, monkeypatch):
    machine()
    monkeypatch.setattr(runtime.subprocess, "run", lambda *a, **k: pytest.fail("installed something"))
    assert not runtime.in_colab()
    assert not runtime.setup().colab

"""Decisions of ``utils.devices`` on machines that exist only here; tests/test_devices_started.py starts real ones."""

import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from utils import devices


@pytest.fixture(autouse=True)
def environ(monkeypatch):
    """The environment of a reader who has set nothing; what a test sets in it is forgotten."""
    mine = dict(devices.ENVIRONMENT)
    monkeypatch.setattr(os, "environ", mine)
    return mine


def test_reader_chooses_the_backend_and_a_tpu_takes_jax(monkeypatch, environ):
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setattr(devices, "_installed", lambda module: True)

    def chosen(**variables):
        environ.clear()
        environ.update(variables)
        backend = devices.choose_backend()
        assert environ["KERAS_BACKEND"] == backend
        return backend

    assert chosen() == "tensorflow"
    assert chosen(TPU_NAME="local") == "jax"
    assert chosen(TPU_NAME="local", KERAS_BACKEND="tensorflow") == "tensorflow"
    assert chosen(KERAS_BACKEND="jax") == "jax"
    monkeypatch.setattr(devices, "_installed", lambda module: module != "tensorflow")
    assert chosen() == "jax"


class FakeTensorFlow:
    """The calls ``start_tensorflow`` makes, with GPUs that exist only here."""

    def __init__(self, gpus, started=None):
        self.grown, self.hidden, self.threads = [], None, None
        visible = [f"GPU:{i}" for i in range(gpus)]
        logical = [SimpleNamespace(name=name) for name in visible[:started]]
        self.config = SimpleNamespace(
            get_visible_devices=lambda kind: visible,
            list_physical_devices=lambda kind=None: visible,
            list_logical_devices=lambda kind: logical,
            set_visible_devices=lambda devices, kind: setattr(self, "hidden", kind),
            threading=SimpleNamespace(set_intra_op_parallelism_threads=lambda n: setattr(self, "threads", n)),
            experimental=SimpleNamespace(
                set_memory_growth=lambda gpu, on: self.grown.append((gpu, on)),
                get_device_details=lambda gpu: {"device_name": "Tesla T4"},
            ),
        )
        self.distribute = SimpleNamespace(MirroredStrategy=tuple)


def start(monkeypatch, tf):
    monkeypatch.setattr(devices, "tensorflow", lambda: tf)
    notes = []
    return devices.start_tensorflow(1, notes), notes


def test_one_gpu_and_several(monkeypatch):
    tf = FakeTensorFlow(1)
    assert start(monkeypatch, tf) == (("gpu", 1, "GPU Tesla T4", None), [])
    assert tf.grown == [("GPU:0", True)]
    tf = FakeTensorFlow(2)
    assert start(monkeypatch, tf) == (("gpu", 2, "2 × GPU Tesla T4", ("GPU:0", "GPU:1")), [])
    assert tf.grown == [("GPU:0", True), ("GPU:1", True)]


def test_gpus_that_do_not_all_start(monkeypatch):
    found, notes = start(monkeypatch, FakeTensorFlow(3, started=2))
    assert found == ("gpu", 2, "2 × GPU Tesla T4", ("GPU:0", "GPU:1"))
    assert notes == ["only 2 of 3 GPUs could be started."]
    found, notes = start(monkeypatch, FakeTensorFlow(2, started=0))
    assert (found[0], found[1], notes) == ("cpu", 0, ["only 0 of 2 GPUs could be started."])


def test_gpus_that_cannot_work_together(monkeypatch):
    tf = FakeTensorFlow(2)

    def broken(names):
        raise RuntimeError("no NCCL\nand more")

    tf.distribute.MirroredStrategy = broken
    found, notes = start(monkeypatch, tf)
    assert found[-1] is None
    assert notes == ["the devices cannot be used together, so only the first one is: no NCCL"]


def test_driver_without_a_usable_gpu_is_said(monkeypatch, environ, tmp_path):
    driver = tmp_path / "version"
    monkeypatch.setattr(devices, "NVIDIA_DRIVER", driver)
    assert start(monkeypatch, FakeTensorFlow(0))[1] == []
    driver.write_text("NVRM version")
    assert start(monkeypatch, FakeTensorFlow(0))[1] == [
        "this machine has an NVIDIA GPU that TensorFlow cannot use: everything runs on the CPU."
    ]
    environ["CUDA_VISIBLE_DEVICES"] = "-1"  # the reader's own wish
    assert start(monkeypatch, FakeTensorFlow(0))[1] == []


def test_threads_variable(monkeypatch, environ):
    environ["TF_NUM_INTRAOP_THREADS"] = "1"
    tf = FakeTensorFlow(0)
    (_, _, name, _), notes = start(monkeypatch, tf)
    assert (tf.threads, notes) == (1, []) and re.fullmatch(r"CPU \(\d+ cores?, 1 thread\)", name)
    environ["TF_NUM_INTRAOP_THREADS"] = "two"
    with pytest.raises(ValueError, match=r"TF_NUM_INTRAOP_THREADS is 'two'; give a number of threads"):
        start(monkeypatch, tf)


def test_idle_tpu_is_said(monkeypatch, environ):
    environ["TPU_NAME"] = "local"
    assert start(monkeypatch, FakeTensorFlow(0))[1] == [
        "the TPU of this machine is used through JAX only (KERAS_BACKEND=jax): here it stays idle."
    ]


@pytest.mark.parametrize(("chips", "name"), [(1, "TPU TPU v5 lite"), (4, "4 × TPU TPU v5 lite")])
def test_tpu_through_jax(monkeypatch, chips, name):
    calls = []
    distribution = SimpleNamespace(DataParallel=lambda: "shared", set_distribution=calls.append)
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(distribution=distribution))
    chip = SimpleNamespace(platform="tpu", device_kind="TPU v5 lite")
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(devices=lambda: [chip] * chips))
    notes = []
    assert devices.start_jax(1, notes) == ("tpu", chips, name, None)
    assert (notes, calls) == ([], ["shared" if chips > 1 else None])


def test_quiet_mutes_restores_and_shows_what_explains_an_error(capfd):
    with devices.quiet():
        os.write(2, b"start-up talk\n")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"
    with pytest.raises(KeyError), devices.quiet():
        os.write(2, b"the reason\n")
        raise KeyError
    os.write(2, b"heard again\n")
    assert capfd.readouterr().err == "the reason\nheard again\n"


def test_quiet_without_descriptor_2():
    code = "import os; os.close(2)\nfrom utils import devices\nwith devices.quiet(): print('fine')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "fine\n"

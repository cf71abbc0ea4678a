"""The same weights give the same logits on TensorFlow, JAX and, where it is installed, PyTorch."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.keras_models import backend_worker
from utils.keras_models import random_weights, zoo

ROOT = Path(__file__).parents[2]
BACKENDS = ("tensorflow", "jax", "torch")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """Folder with the weights of every family, and the logits of this process's backend."""
    folder = tmp_path_factory.mktemp("weights")
    keras.utils.set_random_seed(0)
    answers = {}
    for name in backend_worker.FAMILIES:
        model = backend_worker.build(name)
        random_weights.randomize(model, backend_worker.images(name))
        _shrink_head(model, np.abs(backend_worker.logits(model, name)).max())
        np.savez(folder / f"{name}.npz", *model.get_weights())
        answers[name] = backend_worker.logits(model, name)
        keras.backend.clear_session()
    return folder, answers


def _shrink_head(model, largest):
    """Divide the last layer's weights, so that the largest logit is 1: float32 errors grow with the numbers."""
    head = next(layer for layer in reversed(model.layers) if layer.weights)
    for weight in head.weights:
        weight.assign(weight / largest)


@pytest.mark.parametrize("backend", BACKENDS)
def test_same_weights_same_logits(here, backend):
    folder, answers = here
    if backend == keras.backend.backend():
        pytest.skip(f"{backend} is the backend the others are compared with")
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "-1",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",  # run once: compiling is what takes the time
    }
    command = [sys.executable, "-m", "tests.keras_models.backend_worker", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [backend]
    with np.load(folder / f"logits_{backend}.npz") as theirs:
        for name, ours in answers.items():
            assert ours.std(axis=0).max() > 1e-3, name  # something to compare
            assert np.abs(ours - theirs[name]).max() < 1e-4, name


def test_every_family_is_compared():
    """A network that is added to the zoo is added to the comparison, or shares its file with one that is there."""
    compared = {zoo.NETWORKS[name].__module__ for name in backend_worker.FAMILIES}
    compared |= {zoo.NETWORKS[name].__module__ for name in ("alexnet", "vgg16")}  # dense layers of 4096: too large here
    assert {builder.__module__ for builder in zoo.NETWORKS.values()} == compared

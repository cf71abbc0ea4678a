"""WaveNet in Keras: parameters, causality, receptive field, gated units, both backends, errors."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from utils.keras_models.pixelcnn import pixelcnn
from utils.keras_models.wavenet import wavenet

ROOT = Path(__file__).parents[2]
TEN = tuple(2**i for i in range(10))


def test_parameters_are_those_of_the_layers():
    C, S, V = 7, 5, 16
    model = wavenet((1, 2, 4), C, S, V, kernel_size=3, input_kernel_size=2)
    blocks = 3 * (3 * C * 2 * C + 2 * C + C * S + S) + 2 * (C * C + C)  # the last block has no residual 1×1
    assert model.count_params() == 2 * V * C + C + blocks + S * S + S + S * V + V
    assert model.output_shape == (None, None, V)


@pytest.mark.parametrize("dilations, expected", [((1, 2, 4, 8), 16 + 1), (TEN, 1024 + 1), ((1,) * 10, 11 + 1)])
def test_receptive_field_measured_by_perturbation(dilations, expected):
    keras.utils.set_random_seed(1)
    model = wavenet(dilations, 4, 4, 8)
    # Every path counts: no ReLU may be closed.
    model.set_weights([np.abs(w) + 0.1 if w.ndim == 1 else w for w in model.get_weights()])
    x = np.random.default_rng(0).integers(0, 8, (1, expected + 40))
    changed = x.copy()
    changed[0, 20] = (x[0, 20] + 3) % 8
    before, after = (keras.ops.convert_to_numpy(model(ids)) for ids in (x, changed))
    reached = np.flatnonzero(np.any(before != after, axis=(0, 2)))
    assert reached[0] == 20 and reached[-1] - 20 + 1 == expected


def test_same_logits_on_jax(tmp_path):
    """Both autoregressive networks are saved here and loaded there."""
    rng = np.random.default_rng(0)
    inputs = {"wavenet": rng.integers(0, 8, (2, 12)), "pixelcnn": rng.integers(0, 2, (2, 6, 6, 1)).astype("float32")}
    models = {"wavenet": wavenet((1, 2, 4), 4, 4, 8), "pixelcnn": pixelcnn((6, 6), 4, 1, gated=True)}
    np.savez(tmp_path / "inputs.npz", **inputs)
    for name, model in models.items():
        model.save(tmp_path / f"{name}.keras")
    code = (
        "import sys, keras, numpy as np; from utils.keras_models import pixelcnn, wavenet;"
        "inputs = np.load('inputs.npz');"
        "np.savez('jax.npz', **{n: keras.models.load_model(n + '.keras')(inputs[n]) for n in inputs});"
        "assert keras.backend.backend() == 'jax' and 'tensorflow' not in sys.modules"
    )
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "PYTHONPATH": str(ROOT),
        "XLA_FLAGS": "--xla_backend_optimization_level=0",  # run once: compiling is what takes the time
    }
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "jax.npz") as theirs:
        for name, model in models.items():
            ours = keras.ops.convert_to_numpy(model(inputs[name]))
            assert np.std(ours) > 1e-3
            np.testing.assert_allclose(ours, theirs[name], atol=1e-5)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: wavenet(4), ValueError, "dilations must be one whole number a block"),
        (lambda: wavenet(()), ValueError, "dilations must be one whole number a block"),
        (lambda: wavenet((1, 0)), ValueError, "dilations must be at least 1, got 0"),
        (lambda: wavenet((1, 2.5)), TypeError, "dilations must be a whole number"),
        (lambda: wavenet((1,), classes=1), ValueError, "classes must be at least 2"),
        (lambda: wavenet((1,), kernel_size=0), ValueError, "kernel_size must be at least 1"),
    ],
)
def test_errors_say_what_is_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()

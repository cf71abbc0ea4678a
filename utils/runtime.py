"""One door to the machine: seeds, CPU/GPU/TPU, strategy, precision, profile, language, Colab.

Every chapter starts with ``setup``. It has to come before the first import of TensorFlow or Keras, because both read
their settings from the environment while they are imported. What the machine lacks is said in a printed line that
starts with ``note:``; nothing falls back silently.
"""

import contextlib
import importlib.metadata
import importlib.util
import operator
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from utils import allocator, devices
from utils.devices import tensorflow

__all__ = ["Runtime", "current", "in_colab", "language", "set_language", "setup", "tensorflow"]

LANGUAGES = ("en", "ja")
PROFILES = ("quick", "full")
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"

_state = {"language": "en", "runtime": None}


@dataclass(frozen=True)
class Runtime:
    """What ``setup`` found and decided.

    profile       "quick" or "full".
    backend       "tensorflow" or "jax".
    device        "cpu", "gpu" or "tpu".
    accelerators  number of GPUs or TPU chips in use; 0 on a CPU.
    strategy      ``tf.distribute`` strategy for several devices under TensorFlow, else None.
    colab         whether this is a Colab kernel.
    """

    lang: str
    seed: int
    profile: str
    precision: str
    backend: str
    device: str
    accelerators: int
    strategy: object
    colab: bool

    def choose(self, *, quick, full):
        """Return the value for the profile: ``epochs = rt.choose(quick=2, full=30)``."""
        return quick if self.profile == "quick" else full

    @property
    def jit_compile(self):
        """For ``model.compile`` of a recurrent or very deep network: no XLA on a CPU under TensorFlow.

        Making XLA's code for so large a graph takes longer there than the short trainings of the chapters. Shallow
        convolutional networks are trained faster with it (Keras' default). JAX knows nothing else.
        """
        return False if (self.backend, self.device) == ("tensorflow", "cpu") else "auto"

    def scope(self):
        """Context to build models in: the strategy's scope, or one that does nothing on a single device."""
        return self.strategy.scope() if self.strategy is not None else contextlib.nullcontext()


def setup(lang="en", seed=0, profile=None, precision="float32", cpu_devices=1):
    """Prepare the machine for a chapter, print one line about it, and return a ``Runtime``.

    lang         "en" or "ja": the language of quizzes and exercise feedback.
    seed         integer from 0 to 2**32 - 1 for the generators of Python, NumPy and the backend.
    profile      "quick" or "full"; None takes the variable STUDY_PROFILE, else quick on a CPU and full elsewhere.
    precision    Keras' dtype policy: "float32", "mixed_float16" (GPU) or "mixed_bfloat16" (TPU and recent GPUs).
    cpu_devices  2 or more splits the CPU into that many devices, which stand in for several GPUs.

    Called again, it reseeds and applies the new settings. Raises ValueError or TypeError for a bad argument or
    variable, RuntimeError for what a running process cannot change any more (the backend, the number of CPU devices),
    and ModuleNotFoundError where Keras or its backend is not installed.
    """
    lang = _one_of(LANGUAGES, "lang", lang)
    precision = _one_of(PRECISIONS, "precision", precision)
    seed = _integer("seed", seed, 0, 2**32 - 1)
    cpu_devices = _integer("cpu_devices", cpu_devices, 1, 64)
    if profile is not None:
        profile = _one_of(PROFILES, "profile", profile)
    elif os.environ.get("STUDY_PROFILE"):
        profile = _one_of(PROFILES, "the environment variable STUDY_PROFILE", os.environ["STUDY_PROFILE"])

    allocator.keep_freed_memory()
    notes = []
    colab = in_colab()
    if colab:
        _install_missing(notes)
    backend = devices.choose_backend()
    start = {"tensorflow": devices.start_tensorflow, "jax": devices.start_jax}[backend]
    device, accelerators, name, strategy = start(cpu_devices, notes)
    if precision == "mixed_float16" and device != "gpu":
        precision = {"cpu": "float32", "tpu": "mixed_bfloat16"}[device]
        notes.append(f"mixed_float16 needs a GPU; this machine uses its {device.upper()}, so it is {precision} here.")
    with devices.quiet():
        import keras

        # A reader's own keras.json must not change shapes or digits.
        keras.config.set_floatx("float32")
        keras.config.set_image_data_format("channels_last")
        keras.config.set_dtype_policy(precision)
        keras.utils.set_random_seed(seed)

    profile = profile or ("quick" if device == "cpu" else "full")
    runtime = Runtime(lang, seed, profile, precision, backend, device, accelerators, strategy, colab)
    _state.update(language=lang, runtime=runtime)
    for note in notes:
        print("note:", note)
    library = {"tensorflow": "TensorFlow", "jax": "JAX"}[backend]
    versions = f"Keras {keras.__version__} on {library} {sys.modules[backend].__version__}"
    parts = [versions, name, f"profile {profile}", precision, f"seed {seed}", "Colab" if colab else ""]
    print(" · ".join(part for part in parts if part))
    return runtime


def current():
    """Return the ``Runtime`` of the last ``setup``; RuntimeError before it."""
    if _state["runtime"] is None:
        raise RuntimeError("The machine is not prepared yet: run the chapter's Setup cell (runtime.setup) first.")
    return _state["runtime"]


def language():
    """Return the edition's language, "en" or "ja"; "en" before ``setup``."""
    return _state["language"]


def set_language(lang):
    """Render what follows in this language; the build uses it for the second edition."""
    _state["language"] = _one_of(LANGUAGES, "lang", lang)


def in_colab():
    """Whether this process is a Colab kernel."""
    try:
        return "google.colab" in sys.modules or importlib.util.find_spec("google.colab") is not None
    except ModuleNotFoundError:  # not even a package `google`
        return False


def _install_missing(notes):
    """Install what requirements.txt names and Colab's image lacks; TensorFlow, Keras, NumPy, JAX stay as they are."""
    held = ("tensorflow", "keras", "numpy", "jax")
    missing = []
    for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines():
        requirement = line.split("#")[0].strip()
        name = re.match(r"[\w.-]*", requirement)[0]
        if name and name not in (*held, "jupyterlab") and not _version(name):
            missing.append(requirement)
    if not missing:
        return
    command = [sys.executable, "-m", "pip", "install", "--quiet", *missing]
    command += [f"{name}=={_version(name)}" for name in held if _version(name)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"This Colab image lacks {', '.join(missing)}; installing failed:\n{done.stderr.strip()}")
    notes.append(f"installed {', '.join(missing)}, which this Colab image lacks.")


def _version(distribution):
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _one_of(valid, what, value):
    if value not in valid:
        raise ValueError(f"{what} is {value!r}; choose one of {', '.join(map(repr, valid))}.")
    return value


def _integer(what, value, low, high):
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{what} is {value!r}; give an integer from {low} to {high}.")
    number = operator.index(value)
    if not low <= number <= high:
        raise ValueError(f"{what} is {number}; give an integer from {low} to {high}.")
    return number

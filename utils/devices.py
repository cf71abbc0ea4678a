"""Start Keras' backend on what the machine has. ``utils.runtime`` decides and reports; this file does the work.

The two ``start_*`` functions return ``(device, accelerators, name, strategy)``: "cpu", "gpu" or "tpu"; the number of
GPUs or TPU chips in use; the words for the printed line; a ``tf.distribute`` strategy or None. They append to ``notes``
whatever the reader hoped for and does not get.
"""

import contextlib
import importlib.util
import os
import sys
import tempfile
import textwrap
from pathlib import Path

BACKENDS = ("tensorflow", "jax")

# TensorFlow reads these once, at its import. oneDNN orders sums by what the processor offers: printed digits change.
ENVIRONMENT = {"TF_ENABLE_ONEDNN_OPTS": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
TPU_VARIABLES = ("TPU_ACCELERATOR_TYPE", "TPU_NAME", "COLAB_TPU_ADDR")
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@contextlib.contextmanager
def quiet():
    """Keep C++ start-up lines off descriptor 2, where no log level reaches them; show them if the block raises."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # a process without descriptor 2 has nothing to mute
        saved = None
    if saved is None:
        yield
        return
    with tempfile.TemporaryFile() as talk:
        os.dup2(talk.fileno(), 2)
        try:
            yield
        except BaseException:
            talk.seek(0)
            os.write(saved, talk.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def choose_backend():
    """KERAS_BACKEND if the reader set it, else JAX on a TPU machine and TensorFlow elsewhere; sets KERAS_BACKEND."""
    wished = os.environ.get("KERAS_BACKEND")
    if wished and wished not in BACKENDS:
        raise ValueError(f"KERAS_BACKEND is {wished!r}; the chapters run on 'tensorflow' or 'jax'.")
    if sys.modules.get("keras") is not None:
        running = sys.modules["keras"].backend.backend()
        if running != (wished or running) or running not in BACKENDS:
            raise RuntimeError(
                f"Keras already runs on {running!r} in this process, but {wished or 'tensorflow or jax'} is needed, "
                "and Keras cannot change it any more: restart the kernel and run the Setup cell first."
            )
        return running
    if not _installed("keras"):
        raise ModuleNotFoundError(
            f"Keras is not installed in the Python that runs this notebook ({sys.executable}). Start JupyterLab with "
            "`make study`, or choose the kernel of the collection's .venv."
        )
    installed = [backend for backend in BACKENDS if _installed(backend)]
    backend = wished or ("jax" if "jax" in installed and _tpu_announced() else next(iter(installed), "tensorflow"))
    if backend not in installed:
        raise ModuleNotFoundError(
            f"Keras' backend {backend!r} is not installed in this Python ({sys.executable}); found: "
            f"{', '.join(installed) or 'none'}. Install it, or set KERAS_BACKEND to the one you have."
        )
    os.environ["KERAS_BACKEND"] = backend  # Keras would ask the reader's keras.json otherwise
    return backend


def tensorflow():
    """Import TensorFlow without its start-up lines; ModuleNotFoundError that says what to do where it is missing."""
    if sys.modules.get("tensorflow") is None:
        if not _installed("tensorflow"):
            raise ModuleNotFoundError(
                "TensorFlow is not installed here (Colab's TPU image holds Keras on JAX only), and this chapter uses "
                "TensorFlow itself: choose a CPU or GPU runtime, or start JupyterLab with `make study`."
            )
        os.environ.update(ENVIRONMENT)
    with quiet():
        import tensorflow as tf

        tf.config.list_physical_devices()  # the first listing talks as well
    return tf


def start_tensorflow(cpu_devices, notes):
    """Start TensorFlow; see the module's docstring."""
    if "tensorflow" in sys.modules and any(os.environ.get(name) != value for name, value in ENVIRONMENT.items()):
        notes.append(
            "TensorFlow was imported before the Setup cell, so its settings could not be applied and last digits may "
            "differ from the stored outputs. Restart the kernel and run the Setup cell first."
        )
    if _tpu_announced():
        notes.append("the TPU of this machine is used through JAX only (KERAS_BACKEND=jax): here it stays idle.")
    tf = tensorflow()
    threads = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    if threads:
        if not threads.isascii() or not threads.isdigit():
            raise ValueError(f"TF_NUM_INTRAOP_THREADS is {threads!r}; give a number of threads, 0 for all cores.")
        try:
            tf.config.threading.set_intra_op_parallelism_threads(int(threads))
        except RuntimeError:
            notes.append("TensorFlow already computed something: TF_NUM_INTRAOP_THREADS could not be applied.")
    with quiet():
        gpus = _start_gpus(tf, notes)
        if gpus:
            name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "")
            name = f"{_times(len(gpus))}GPU {name}".strip()
            return "gpu", len(gpus), name, _mirrored(tf, "GPU", notes) if len(gpus) > 1 else None
        if cpu_devices > 1:
            _split_tensorflow_cpu(tf, cpu_devices)
            return "cpu", 0, f"{cpu_devices} logical CPU devices", _mirrored(tf, "CPU", notes)
    return "cpu", 0, _cpu_name(int(threads or 0)), None


def start_jax(cpu_devices, notes):
    """Start JAX; several devices share each batch through Keras' own ``DataParallel``, so the strategy is None."""
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # a GPU's memory grows with the need
    if "tensorflow" not in sys.modules:
        os.environ.update(ENVIRONMENT)  # Keras imports TensorFlow beside JAX where it is installed
    with quiet():
        import jax

        if cpu_devices > 1:
            try:
                jax.config.update("jax_num_cpu_devices", cpu_devices)
            except RuntimeError:
                raise RuntimeError(_too_late("JAX", cpu_devices)) from None
        try:
            devices = jax.devices()
        except RuntimeError as error:
            jax.config.update("jax_platforms", "cpu")
            devices = jax.devices()
            notes.append(f"the accelerator could not be started, so everything runs on the CPU: {_first_line(error)}")
        else:
            if devices[0].platform == "cpu" and (_tpu_announced() or _installed("libtpu")):
                notes.append("this machine announces a TPU, but JAX cannot start it: everything runs on the CPU.")
        import keras

        keras.distribution.set_distribution(keras.distribution.DataParallel() if len(devices) > 1 else None)
    device = {"cuda": "gpu", "rocm": "gpu"}.get(devices[0].platform, devices[0].platform)
    if device == "cpu":
        return "cpu", 0, f"{len(devices)} logical CPU devices" if len(devices) > 1 else _cpu_name(0), None
    return device, len(devices), f"{_times(len(devices))}{device.upper()} {devices[0].device_kind}", None


def _start_gpus(tf, notes):
    """Start the visible GPUs; hide them if that fails, so that everything that follows runs on the CPU."""
    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        if tf.config.list_physical_devices("GPU"):
            notes.append("the GPU is hidden from TensorFlow: everything runs on the CPU.")
        elif NVIDIA_DRIVER.exists() and os.environ.get("CUDA_VISIBLE_DEVICES", "0") not in ("", "-1"):
            notes.append("this machine has an NVIDIA GPU that TensorFlow cannot use: everything runs on the CPU.")
        return []
    try:
        for gpu in gpus:
            with contextlib.suppress(RuntimeError):  # already running: its memory cannot be set any more
                tf.config.experimental.set_memory_growth(gpu, True)
        started = len(tf.config.list_logical_devices("GPU"))
    except Exception as error:  # drivers fail in many ways; to a reader they all mean the same
        with contextlib.suppress(RuntimeError):
            tf.config.set_visible_devices([], "GPU")
        notes.append(f"the GPU could not be started, so everything runs on the CPU: {_first_line(error)}")
        return []
    if started < len(gpus):
        notes.append(f"only {started} of {len(gpus)} GPUs could be started.")
    return gpus[:started]


def _mirrored(tf, kind, notes):
    try:
        return tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices(kind)])
    except Exception as error:
        notes.append(f"the devices cannot be used together, so only the first one is: {_first_line(error)}")
        return None


def _split_tensorflow_cpu(tf, count):
    cpu = tf.config.list_physical_devices("CPU")[0]
    if len(tf.config.get_logical_device_configuration(cpu) or [None]) == count:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError:
        raise RuntimeError(_too_late("TensorFlow", count)) from None


def _too_late(name, count):
    return (
        f"{name} already runs in this process, so the CPU cannot be split into {count} devices any more: restart the "
        "kernel and pass cpu_devices to the first runtime.setup."
    )


def _cpu_name(threads):
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limit = f", {threads} thread{'s' if threads > 1 else ''}" if threads else ""
    return f"CPU ({cores} core{'s' if cores > 1 else ''}{limit})"


def _times(count):
    return f"{count} × " if count > 1 else ""


def _tpu_announced():
    return any(os.environ.get(name) for name in TPU_VARIABLES)


def _installed(module):
    return sys.modules.get(module) is not None or importlib.util.find_spec(module) is not None


def _first_line(error):
    return textwrap.shorten((str(error).strip() or type(error).__name__).splitlines()[0], 160, placeholder=" …")

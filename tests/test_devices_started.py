"""Starting the backends for real, each in a process of its own, because a process can start a backend only once."""

import os
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READERS_OWN = re.compile("KERAS_|TF_|JAX_|XLA_|TPU_|COLAB_|STUDY_|CUDA_")

STEP = """
    import numpy as np
    import keras

    def one_step(rt):
        '''Weights after one training step of a small model on eight samples.'''
        keras.utils.set_random_seed(1)
        x = np.random.default_rng(2).normal(size=(8, 4)).astype("float32")
        with rt.scope():
            model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(2)])
            model.compile(keras.optimizers.SGD(0.1), "mse")
        model.fit(x, x[:, :2], batch_size=8, verbose=0)
        return np.concatenate([w.ravel() for w in model.get_weights()])
"""


def run(*code, **environ):
    """Run the code with none of the reader's own settings; return its lines on standard output. stderr stays empty."""
    clean = {name: value for name, value in os.environ.items() if not READERS_OWN.match(name)}
    script = "\n".join(textwrap.dedent(part) for part in code)
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env={**clean, **environ})
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


TRAINING = """
    import hashlib
    import os
    import sys
    from utils import runtime
    rt = runtime.setup(seed=7)
    import keras, numpy as np, tensorflow as tf
    x = np.random.normal(size=(64, 12, 12, 1)).astype("float32")
    y = np.random.randint(3, size=64)
    model = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Conv2D(8, 3, activation="relu"),
                              keras.layers.BatchNormalization(), keras.layers.MaxPooling2D(),
                              keras.layers.Flatten(), keras.layers.Dropout(0.3), keras.layers.Dense(3)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=16, epochs=2, verbose=0)
    print(hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
    print(os.environ["TF_ENABLE_ONEDNN_OPTS"], os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["KERAS_BACKEND"])
    print(tf.config.threading.get_intra_op_parallelism_threads())
    first = np.random.rand()
    runtime.setup("ja", seed=8, profile="full", precision="mixed_bfloat16")
    second = np.random.rand()
    print(keras.config.dtype_policy().name, runtime.language(), runtime.current().choose(quick=1, full=2))
    runtime.setup(seed=8)
    print(keras.config.dtype_policy().name, np.random.rand() == second != first)
"""


def test_two_processes_train_to_the_same_bits_and_say_one_line_each():
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(lambda _: run(TRAINING, TF_NUM_INTRAOP_THREADS="1"), range(2))
    assert first == second
    line, digest, variables, threads, second_line, changed, third_line, restored = first
    machine = r"Keras 3\.\d+\.\d+ on TensorFlow 2\.\d+\.\d+ · CPU \(\d+ cores?, 1 thread\)"
    assert re.fullmatch(machine + " · profile quick · float32 · seed 7", line)
    assert len(digest) == 64
    assert (variables, threads) == ("0 3 tensorflow", "1")
    assert second_line.endswith("· profile full · mixed_bfloat16 · seed 8")
    assert (changed, restored) == ("mixed_bfloat16 ja 2", "float32 True")


def test_two_logical_devices_train_as_one_device_does():
    lines = run(
        """
        from utils import runtime
        rt = runtime.setup()
        """,
        STEP,
        """
        rt2 = runtime.setup(cpu_devices=2)   # nothing was computed yet, so the CPU can still be split
        print(type(rt2.strategy).__name__, rt2.strategy.num_replicas_in_sync, rt2.device, rt2.accelerators)
        difference = abs(one_step(rt2) - one_step(rt)).max()
        print(difference < 1e-6, difference)
        try:
            runtime.setup(cpu_devices=3)
        except RuntimeError as error:
            print(error)
        """,
    )
    assert lines[1].endswith("· 2 logical CPU devices · profile quick · float32 · seed 0")
    assert lines[2] == "MirroredStrategy 2 cpu 0"
    assert lines[3].startswith("True"), lines[3]
    assert "cannot be split into 3 devices any more: restart the kernel" in lines[4]


def test_early_import_and_failing_gpu_are_said_and_the_cpu_trains():
    lines = run(
        """
        import os
        with open(os.devnull, "w") as null:
            saved = os.dup(2)
            os.dup2(null.fileno(), 2)
            import tensorflow as tf
            gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
            tf.config.get_visible_devices = lambda kind=None: [gpu]
            tf.config.list_physical_devices("GPU")
            os.dup2(saved, 2)
        from utils import runtime
        rt = runtime.setup()
        print(rt.device, rt.profile, rt.strategy)
        """,
        STEP,
        "print(len(one_step(rt)))",
    )
    assert lines[0].startswith("note: TensorFlow was imported before the Setup cell, so its settings could not be")
    assert lines[1].startswith("note: the GPU could not be started, so everything runs on the CPU: ")
    assert "· CPU (" in lines[2]
    assert lines[3:] == ["cpu quick None", "23"]


def test_jax_shares_batches_and_a_running_backend_cannot_change():
    """Real JAX on two CPU devices, on a machine that announces a TPU which JAX does not find."""
    lines = run(
        """
        import os
        from utils import runtime
        rt = runtime.setup(cpu_devices=2)
        print(rt.backend, rt.device, rt.accelerators, rt.strategy)
        """,
        STEP,
        """
        shared = one_step(rt)
        print(type(keras.distribution.distribution()).__name__)
        keras.distribution.set_distribution(None)
        print(abs(shared - one_step(rt)).max() < 1e-6)
        os.environ["KERAS_BACKEND"] = "tensorflow"
        try:
            runtime.setup()
        except RuntimeError as error:
            print(error)
        """,
        TPU_ACCELERATOR_TYPE="v5e-1",
    )
    assert lines[0] == "note: this machine announces a TPU, but JAX cannot start it: everything runs on the CPU."
    assert re.fullmatch(r"Keras \S+ on JAX \S+ · 2 logical CPU devices · profile quick · float32 · seed 0", lines[1])
    assert lines[2:5] == ["jax cpu 0 None", "DataParallel", "True"]
    assert lines[5].startswith("Keras already runs on 'jax' in this process, but tensorflow is needed")
    assert "restart the kernel" in lines[5]


def test_image_without_tensorflow_whose_tpu_fails():
    """Colab's TPU image holds no TensorFlow; JAX_PLATFORMS=tpu makes JAX raise where no TPU answers."""
    lines = run(
        """
        import sys
        sys.modules["tensorflow"] = None   # Python's way to say: not installed
        from utils import runtime
        rt = runtime.setup(precision="mixed_float16")
        """,
        STEP,
        """
        print(rt.backend, rt.device, rt.precision, len(one_step(rt)))
        try:
            runtime.tensorflow()
        except ModuleNotFoundError as error:
            print(error)
        """,
        JAX_PLATFORMS="tpu",
    )
    assert lines[0].startswith("note: the accelerator could not be started, so everything runs on the CPU: Unable to")
    assert lines[1] == "note: mixed_float16 needs a GPU; this machine uses its CPU, so it is float32 here."
    assert "on JAX" in lines[2] and "CPU (" in lines[2]
    assert lines[3] == "jax cpu float32 23"
    assert lines[4].startswith("TensorFlow is not installed here") and "choose a CPU or GPU runtime" in lines[4]


@pytest.mark.parametrize(
    ("hidden", "wished", "message"),
    [
        (("keras",), "", "Keras is not installed in the Python that runs this notebook"),
        (("tensorflow", "jax"), "", "'tensorflow' is not installed .* found: none"),
        (("jax",), "jax", "'jax' is not installed .* found: tensorflow.* set KERAS_BACKEND to the one you have"),
    ],
)
def test_what_is_not_installed_is_named(hidden, wished, message):
    code = f"""
        import sys
        sys.modules.update(dict.fromkeys({hidden}))
        from utils import runtime
        try:
            runtime.setup()
        except ModuleNotFoundError as error:
            print(error)
        """
    (line,) = run(code, KERAS_BACKEND=wished)
    assert re.search(message, line)

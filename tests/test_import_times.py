"""NumPy chapters start in under a second: nothing they import brings TensorFlow, Keras or JAX with it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UTILS = ROOT / "utils"
SLOW = ("tensorflow", "keras", "jax", "torch")


def modules(where):
    """Importable names of all modules in a folder of utils, or of the single files in utils itself."""
    files = UTILS.glob("*.py") if where == "." else (UTILS / where).rglob("*.py")
    names = (".".join(file.relative_to(ROOT).with_suffix("").parts) for file in sorted(files))
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def run(code):
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


@pytest.mark.parametrize("where", [".", "numpy_layers", "exam"])
def test_importing_every_module_brings_no_framework(where):
    names = modules(where)
    assert names
    imports = "\n".join(f"import {name}" for name in names)
    assert run(f"import sys\n{imports}\nprint([name for name in {SLOW} if name in sys.modules])") == "[]\n"


def test_layers_cost_less_than_numpy_itself():
    """A ratio, so that a slow machine passes too: all of numpy_layers at most doubles what `import numpy` takes."""
    names = modules("numpy_layers")
    code = "\n".join(
        [
            "from time import perf_counter",
            "start = perf_counter()",
            "import numpy",
            "half = perf_counter()",
            f"import {', '.join(names)}",
            "print((perf_counter() - half) / (half - start))",
        ]
    )
    ratio = min(float(run(code)) for _ in range(3))
    assert ratio < 1, f"the rest took {ratio:.2f} times as long as numpy"

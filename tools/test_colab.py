"""Run everything a reader meets in Colab with Colab's versions, on this machine; ends in one verdict.

python tools/test_colab.py [--python PATH]

Needs a Python 3.13: the argument, or the variable COLAB_PYTHON, or python3.13 on the path, or one that pyenv holds.
Makes .venv-colab from it (requirements-colab.txt), runs the unit tests, and executes every English notebook without
comparing outputs, since other versions train to other numbers. Then the chapters marked `tpu: true` run once more as on
Colab's TPU image: Keras on JAX, no TensorFlow.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.environment import CannotMake, check_disk, check_venv_module, python_of

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv-colab"
REQUIREMENTS = ("requirements-colab.txt", "requirements-dev.txt", "requirements.txt")
VERSION = (3, 13)

# The tools of those who write chapters never run in Colab, and stored outputs belong to the pinned versions.
UNIT = ["tests", "--ignore=tests/tools", "-n", "2"]
NBVAL = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=900", "-n", "2", "--dist", "loadfile"]

# Python's own way to say "not installed"; found through PYTHONPATH by every process of the run.
WITHOUT_TENSORFLOW = 'import sys\nsys.modules["tensorflow"] = None\n'


def version_of(python):
    """(major, minor) of an interpreter; None where it does not start (a shim of pyenv without its version, say)."""
    command = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return tuple(map(int, done.stdout.split())) if done.returncode == 0 else None


def find_python(named=None):
    """Path of a Python 3.13. Raises CannotMake where none is found, or where the named one is another."""
    named = named or os.environ.get("COLAB_PYTHON")
    if named:
        version = version_of(named)
        if version != VERSION:
            found = "Python {}.{}".format(*version) if version else "no Python that starts"
            raise CannotMake(f"{named} is {found}, but Colab has Python 3.13: name one with COLAB_PYTHON=/path/to/it")
        return named
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [shutil.which("python3.13"), sys.executable, *sorted(pyenv.glob("versions/3.13*/bin/python"))]
    for candidate in filter(None, candidates):
        if version_of(candidate) == VERSION:
            return str(candidate)
    raise CannotMake(
        "This run needs a Python 3.13, as Colab has it. Install one (Debian/Ubuntu: apt install python3.13-venv, where "
        "the release has\nit; macOS: brew install python@3.13; anywhere: pyenv install 3.13), or name yours: "
        "make test-colab COLAB_PYTHON=/path/to/it"
    )


def make_environment(python):
    """Bring .venv-colab up to date; does nothing where it already is. Raises CannotMake."""
    stamp = VENV / "made-for-colab"
    parts = [(ROOT / name).read_bytes() for name in REQUIREMENTS]
    wanted = hashlib.sha256(b"\0".join(parts)).hexdigest()
    inside = python_of(str(VENV))
    works = version_of(inside) == VERSION
    if works and stamp.exists() and stamp.read_text() == wanted:
        return inside
    if not works:
        check_venv_module(python)
        check_disk(str(ROOT), 5)
        shutil.rmtree(VENV, ignore_errors=True)
        print(f"Making {VENV.name} with Colab's versions (once; a few minutes) …", flush=True)
        if subprocess.call([python, "-m", "venv", str(VENV)]) != 0:
            shutil.rmtree(VENV, ignore_errors=True)
            raise CannotMake(f"{python} could not create {VENV.name}; its message stands above.")
    install = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for name in REQUIREMENTS[:2]:
        install += ["-r", str(ROOT / name)]
    if subprocess.call(install) != 0:
        raise CannotMake(
            "pip could not install Colab's versions; its message stands above. Run the same command again."
        )
    stamp.write_text(wanted)
    return inside


def notebooks(only_tpu=False):
    """The English notebooks, or those of them whose header says that they run on the TPU image."""
    paths = sorted((ROOT / "notebooks" / "en").glob("*.ipynb"))
    if only_tpu:
        paths = [path for path in paths if json.loads(path.read_bytes())["metadata"].get("study", {}).get("tpu")]
    return [str(path.relative_to(ROOT)) for path in paths]


def steps(python, hidden):
    """[(name, what it proves, command, variables)]; `hidden` is a folder that keeps TensorFlow from being imported."""
    pytest = [python, "-m", "pytest", "-p", "no:cacheprovider"]
    versions = "import sys, keras, tensorflow, numpy, jax; print('Python', sys.version.split()[0], *"
    versions += "[f'{m.__name__} {m.__version__}' for m in (tensorflow, keras, numpy, jax)], sep=' · ')"
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}
    plan = [
        ("versions", "Colab's versions work together", [python, "-c", versions], quiet),
        ("unit", "unit tests", [*pytest, *UNIT], {}),
    ]
    variables = {"STUDY_PROFILE": "quick", "CUDA_VISIBLE_DEVICES": "-1"}  # the same work on every machine
    if every := notebooks():
        plan.append(("notebooks", f"every notebook runs ({len(every)})", [*pytest, *NBVAL, *every], variables))
    if ready := notebooks(only_tpu=True):
        variables = {**variables, "PYTHONPATH": hidden, "KERAS_BACKEND": "jax"}
        plan.append(
            ("tpu image", f"TPU chapters run on JAX alone ({len(ready)})", [*pytest, *NBVAL, *ready], variables)
        )
    return plan


def run(plan):
    """Run the steps, print the table and the verdict, return the exit status."""
    rows = []
    for name, proves, command, variables in plan:
        print(f"\n── {name}: {proves}", flush=True)
        start = time.monotonic()
        status = subprocess.call(command, cwd=ROOT, env={**os.environ, **variables})
        rows.append((name, proves, status, time.monotonic() - start))
    print("\n" + "─" * 72)
    for name, proves, status, seconds in rows:
        print(f"{'FAILED' if status else 'passed':8}{name:14}{seconds:6.0f} s   {proves}")
    failed = [name for name, _, status, _ in rows if status]
    print(f"\nFAILED with Colab's versions: {', '.join(failed)}" if failed else "\nPASSED with Colab's versions")
    return 1 if failed else 0


def main(arguments=None):
    """Command line: returns the exit status."""
    parser = argparse.ArgumentParser(description="Run the tests with Colab's versions.")
    parser.add_argument("--python", metavar="PATH", help="a Python 3.13")
    options = parser.parse_args(arguments)
    try:
        python = make_environment(find_python(options.python))
    except (CannotMake, OSError) as reason:
        print(f"\n{reason}\n\nFAILED: the environment with Colab's versions could not be made", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as hidden:
        Path(hidden, "sitecustomize.py").write_text(WITHOUT_TENSORFLOW)
        return run(steps(python, hidden))


if __name__ == "__main__":
    sys.exit(main())

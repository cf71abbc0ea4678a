"""Everything `make test` runs, step by step, ending in one verdict.

python tools/run_tests.py            all steps
python tools/run_tests.py unit nbval only these
python tools/run_tests.py --unpinned with other versions than the stored outputs: execute, do not compare
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = [sys.executable]
PYTEST = [*PYTHON, "-m", "pytest", "-p", "no:cacheprovider"]
TOOLS = Path(sys.executable).parent
NBVAL = ["--nbval-current-env", "--nbval-cell-timeout=300", "-n", "2", "--dist", "loadfile", "notebooks/en"]

# name: (what it proves, command). In this order: the quick ones first, so that a slip is seen in seconds.
STEPS = {
    "lint": ("ruff finds nothing", [TOOLS / "ruff", "check", "."]),
    "format": ("ruff would change nothing", [TOOLS / "ruff", "format", "--check", "."]),
    "imports": ("imports run one way", [TOOLS / "lint-imports", "--no-cache"]),
    "dependencies": ("each is declared, each is used", [TOOLS / "deptry", ".", "--ignore", "DEP004"]),
    "readers": ("chapters need no maintainer's tool", [TOOLS / "deptry", "utils", "--ignore", "DEP002"]),
    "check": ("both editions are what their sources give", [*PYTHON, "tools/build.py", "--check"]),
    "bank": ("every answer that can be computed is computed", [*PYTHON, "-m", "utils.exam.verify"]),
    "unit": ("unit tests", [*PYTEST, "tests", "-n", "2"]),
    "nbval": ("every stored output is reproduced", [*PYTEST, "--nbval", *NBVAL]),
}
# The stored outputs come from the quick profile on the CPU; on a machine with a GPU they must come from there again.
ENVIRONMENT = {**os.environ, "STUDY_PROFILE": "quick", "CUDA_VISIBLE_DEVICES": "-1"}
ENVIRONMENT.pop("KERAS_BACKEND", None)
# Other versions train to other numbers: their notebooks must run, their outputs are not compared.
UNPINNED = {"nbval": ("every notebook runs", [*PYTEST, "--nbval-lax", *NBVAL])}


def main(arguments=None):
    """Command line: returns the exit status."""
    parser = argparse.ArgumentParser(description="Run the project's tests.")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of: {', '.join(STEPS)} (default: all)")
    parser.add_argument("--unpinned", action="store_true", help="execute the notebooks without comparing outputs")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.steps if name not in STEPS]
    if unknown:
        parser.error(f"no step {', '.join(unknown)}; choose from {', '.join(STEPS)}")
    steps = {**STEPS, **(UNPINNED if options.unpinned else {})}
    rows = []
    for name in options.steps or steps:
        proves, command = steps[name]
        print(f"\n── {name}: {proves}", flush=True)
        start = time.monotonic()
        status = subprocess.call([str(part) for part in command], cwd=ROOT, env=ENVIRONMENT)
        rows.append((name, proves, status, time.monotonic() - start))
    failed = [name for name, _, status, _ in rows if status]
    print("\n" + "─" * 72)
    for name, proves, status, seconds in rows:
        print(f"{'FAILED' if status else 'passed':8}{name:14}{seconds:6.0f} s   {proves}")
    total = sum(seconds for *_, seconds in rows)
    if failed:
        print(f'\nFAILED: {", ".join(failed)} – again, that alone: make test STEPS="{" ".join(failed)}"')
    else:
        print(f"\nPASSED: {len(rows)} of {len(rows)} steps in {total:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

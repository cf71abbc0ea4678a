"""Is freed memory kept, so that the next step need not ask for it again?"""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from utils import allocator

ROOT = Path(__file__).parents[1]
# As a training step does: take some large pieces, write to them, free them all.
CODE = """
import resource, sys
from utils import allocator

if "keep" in sys.argv:
    assert allocator.keep_freed_memory()
block = bytes(24 << 20)

def step():
    pieces = [bytearray(block) for _ in range(4)]

step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(*words):
    """Pages that the system had to give to a fresh process in five steps of 96 MB."""
    command = [sys.executable, "-c", CODE, *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_later_steps_ask_for_no_memory():
    pages = 5 * 4 * 24 * 256  # of 4 kB
    assert page_faults() > pages / 2
    assert page_faults("keep") < pages / 50


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    assert allocator.keep_freed_memory() is False

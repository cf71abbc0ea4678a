"""Execute a chapter once and collect its outputs in both languages."""

import os
import re
import subprocess
import tempfile

import ipykernel.kernelspec
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import v4

from tools.outputs import clean, faults
from tools.source import SourceError, problem

CELL_TIMEOUT = 300  # seconds; a whole chapter should take 60

# Around the second execution of an edition-output cell: the other language, and the random state of the straight run.
ENTER = """
import random as _random, numpy as _numpy
from utils import runtime as _runtime
_study_state = _random.getstate(), _numpy.random.get_state()
_runtime.set_language("{lang}")
"""
LEAVE = """
_random.setstate(_study_state[0]); _numpy.random.set_state(_study_state[1])
_runtime.set_language("en")
del _random, _numpy, _runtime, _study_state
"""


class ThisPython(KernelSpecManager):
    """Kernels run in the Python of the build, whatever kernels are installed on the machine."""

    def get_kernel_spec(self, kernel_name):
        return KernelSpec(resource_dir=ipykernel.kernelspec.RESOURCES, **ipykernel.kernelspec.get_kernel_dict())


def environment(scratch):
    """Environment of a kernel: no settings of the person at the keyboard, no GPU, the quick profile."""
    # The last: under pytest a kernel would not watch file descriptor 2, where TensorFlow writes.
    dropped = ("STUDY_", "MPL", "TF_", "KERAS_", "XLA_", "PYTEST_CURRENT_TEST")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return variables | {
        "STUDY_PROFILE": "quick",
        "CUDA_VISIBLE_DEVICES": "-1",
        "IPYTHONDIR": scratch,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # its warning would stand in the terminal, once a kernel
    }


async def execute(chapter, sources, folder, step=lambda: None):
    """Run the code cells in order; {"en": {key: outputs}, "ja": {key: outputs of edition-output cells}}.

    sources: {key: code as in the English edition}. folder: working directory, the one of the notebook. step is called
    after each cell. Raises SourceError at the first cell that raises, times out or shows what must not be stored.
    """
    notebook = v4.new_notebook(cells=[v4.new_code_cell(sources[cell.key]) for cell in chapter.code()])
    manager = AsyncKernelManager(kernel_spec_manager=ThisPython())
    client = NotebookClient(notebook, km=manager, timeout=CELL_TIMEOUT)
    outputs = {"en": {}, "ja": {}}
    with tempfile.TemporaryDirectory() as scratch:
        try:
            # What a cell writes to stderr is an output all the same; only the kernel's own remarks go.
            await client.async_start_new_kernel(env=environment(scratch), cwd=str(folder), stderr=subprocess.DEVNULL)
            await client.async_start_new_kernel_client()
            for index, cell in enumerate(chapter.code()):
                outputs["en"][cell.key] = await run(client, chapter, cell, index)
                if "edition-output" in cell.tags:
                    await hidden(client, chapter, cell, ENTER.format(lang="ja"))
                    outputs["ja"][cell.key] = await run(client, chapter, cell, index)
                    await hidden(client, chapter, cell, LEAVE)
                step()
        finally:
            if client.kc:
                client.kc.stop_channels()
            if manager.has_kernel:
                await manager.shutdown_kernel(now=True)
    return outputs


async def run(client, chapter, cell, index):
    """Cleaned outputs of one cell, or SourceError with the line that failed."""
    executed = client.nb.cells[index]
    try:
        await client.async_execute_cell(executed, index)
    except CellExecutionError as error:
        line = cell.line + failing_line(error.traceback)
        text = f"raised {error.ename}: {' '.join(error.evalue.split())}; make the cell run"
        raise SourceError([problem(chapter.path, line, cell.key, text)]) from None
    except CellTimeoutError:
        text = f"took more than {CELL_TIMEOUT} s; a whole chapter takes at most 60 s with the quick profile"
        raise SourceError([chapter.problem(cell, text)]) from None
    except DeadKernelError:
        raise SourceError([chapter.problem(cell, "the kernel died here; is memory enough?")]) from None
    outputs = clean(executed.outputs)
    problems = [chapter.problem(cell, text) for text in faults(outputs)]
    if problems:
        raise SourceError(problems)
    return outputs


def failing_line(traceback):
    """Line of the cell where an exception passed, from IPython's coloured traceback; 0 if it names none."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", traceback)
    found = re.search(r"Cell In\[\d+\], line (\d+)", plain)
    return int(found[1]) if found else 0


async def hidden(client, chapter, cell, code):
    """Run code of the build in the kernel: no outputs, no execution count."""
    reply = await client.kc.execute_interactive(code, silent=True, timeout=60, output_hook=lambda message: None)
    content = reply["content"]
    if content["status"] != "ok":
        text = f"the edition could not be switched: {content.get('ename')}: {content.get('evalue')}"
        raise SourceError([chapter.problem(cell, text)])

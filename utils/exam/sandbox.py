"""A process of its own for code from the bank, so that a candidate that loops, exits or crashes harms nothing.

It keeps the reader's session safe from accidents, not from malice: the bank is part of the repository and is reviewed
like other code.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from utils.exam.faults import ROOT

CALL_LIMIT = 60.0  # seconds for one of the project's own functions
START_LIMIT = 180.0  # seconds for the interpreter, and for importing TensorFlow on a busy machine


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        how: "passed", "failed" (something was raised), "timeout" or "died" (the process ended).
        phase: the part that was running: "setup", "code" or "check".
        error: name of the exception. message, line: its text, and the source line that raised it.
        result: what a called function returned.
    """

    how: str
    phase: str = ""
    error: str = ""
    message: str = ""
    line: str = ""
    result: Any = None

    def __str__(self):
        if self.how == "passed":
            return "passes"
        if self.how == "timeout":
            return f"does not finish in {self.message} (in the {self.phase or 'start'})"
        if self.how == "died":
            return f"ends the process ({self.message}, in the {self.phase or 'start'})"
        where = f" at `{self.line}`" if self.line else ""
        return f"{self.error}{': ' if self.message else ''}{self.message}{where}"


class Sandbox:
    """A worker process that is started when first needed, kept for many jobs, and replaced after a time-out or crash.

    Use it in a `with` block: no process is left behind.
    """

    def __init__(self):
        self._process = self._answers = None
        self._warm = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def run(self, parts, limit=10.0, modules=()):
        """Run sources one after the other in one fresh namespace.

        Args:
            parts: list of (phase, source).
            limit: seconds for all of them together.
            modules: names of slow modules to import first, outside the limit.

        Returns:
            Outcome.
        """
        failed = self._import(modules)
        return failed or self._do({"job": "snippet", "parts": list(parts)}, limit)

    def call(self, function, *arguments):
        """Call a function of the project, named with its module, with arguments that JSON can hold. Returns Outcome."""
        return self._do({"job": "call", "function": function, "arguments": arguments}, CALL_LIMIT)

    def close(self):
        """End the worker and whatever it has started."""
        process, self._process = self._process, None
        self._warm = set()
        if process is None:
            return
        # The whole group: a candidate may have started processes of its own.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
        with contextlib.suppress(OSError):
            process.stdin.close()
        process.wait()

    def _import(self, modules):
        missing = [name for name in modules if name not in self._warm]
        if not missing:
            return None
        outcome = self._do({"job": "warm", "modules": missing}, START_LIMIT)
        if outcome.how != "passed":
            return Outcome(outcome.how, "setup", outcome.error, outcome.message, f"import {', '.join(missing)}")
        self._warm.update(missing)
        return None

    def _start(self):
        environment = {
            **os.environ,
            "TF_ENABLE_ONEDNN_OPTS": "0",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
            "MPLBACKEND": "Agg",
            "PYTHONHASHSEED": "0",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "utils.exam.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env=environment,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self._answers = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._answers), daemon=True).start()
        started = self._do({"job": "warm", "modules": ["numpy"]}, START_LIMIT)
        if started.how != "passed":
            raise RuntimeError(f"the worker process ({sys.executable} -m utils.exam.worker) does not start: {started}")

    def _do(self, job, limit):
        if self._process is None:
            self._start()
        phase = ""
        try:
            self._process.stdin.write(json.dumps({**job, "limit": limit}) + "\n")
            self._process.stdin.flush()
            end = time.monotonic() + limit
            while True:
                line = self._answers.get(timeout=max(0.0, end - time.monotonic()))
                if line is None:
                    return self._ended(phase)
                answer = json.loads(line)
                if "outcome" in answer:
                    return Outcome(answer.pop("outcome"), answer.pop("phase", phase), **answer)
                phase = answer["phase"]
        except queue.Empty:
            self.close()
            return Outcome("timeout", phase, message=f"{limit:g} s")
        except BrokenPipeError:
            return self._ended(phase)

    def _ended(self, phase):
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            code = "?"
        self.close()
        return Outcome("died", phase, message=f"exit code {code}")


def _listen(stream, answers):
    """Hand the worker's lines on; None says that it has ended. (A thread, since pipes have no time-out everywhere.)"""
    with stream, contextlib.suppress(ValueError, OSError):
        for line in stream:
            answers.put(line)
    answers.put(None)

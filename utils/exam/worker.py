"""The process that runs code from the bank: `python -m utils.exam.worker`, driven by `utils.exam.sandbox`.

Reads one job a line from standard input and answers in lines on standard output, both JSON. The code it runs sees
neither: its output, and TensorFlow's start-up noise, go to the null device.
"""

import faulthandler
import importlib
import json
import os
import random
import sys
import traceback


def main():
    """Answer jobs until standard input ends."""
    jobs = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    sys.stdin, sys.stdout, sys.stderr = open(os.devnull), open(os.devnull, "w"), open(os.devnull, "w")
    kept = (sys.stdin, sys.stdout, sys.stderr, os.getcwd(), dict(os.environ), list(sys.path))

    def answer(**content):
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    for line in jobs:
        job = json.loads(line)
        # If the parent is killed while a candidate loops, nobody is left to end this process: the watchdog does.
        faulthandler.dump_traceback_later(job["limit"] + 30, exit=True, file=sys.stderr)
        try:
            answer(**_JOBS[job["job"]](job, answer))
        except BaseException as error:  # a candidate may raise SystemExit or KeyboardInterrupt
            answer(outcome="failed", **_described(error))
        faulthandler.cancel_dump_traceback_later()
        _restore(*kept)


def _restore(stdin, stdout, stderr, folder, environment, path):
    """Undo what a candidate may have changed in the process."""
    sys.stdin, sys.stdout, sys.stderr = stdin, stdout, stderr
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path


def _warm(job, _):
    """Import slow modules ahead of the first candidate, so that its time limit is for its own work."""
    for name in job["modules"]:
        importlib.import_module(name)
    return {"outcome": "passed"}


def _snippet(job, answer):
    """Run the parts of one candidate in a fresh namespace."""
    _reset()
    space = {"__name__": "__candidate__", "__builtins__": __builtins__}
    for phase, source in job["parts"]:
        answer(phase=phase)
        try:
            exec(compile(source, f"<{phase}>", "exec"), space)
        except BaseException as error:
            return {"outcome": "failed", "phase": phase, **_described(error, f"<{phase}>", source)}
    return {"outcome": "passed"}


def _reset():
    """The same random streams, and the frameworks' defaults, for every candidate."""
    random.seed(0)
    if "numpy" in sys.modules:
        import numpy as np

        np.random.seed(0)  # noqa: NPY002 - candidates may use the global stream
        np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
    if "keras" in sys.modules:
        import keras

        keras.backend.clear_session()
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        keras.config.set_image_data_format("channels_last")
        keras.utils.set_random_seed(0)


def _described(error, place=None, source=""):
    """What was raised, and in which line: of `source` if it was compiled under the name `place`, else of a file."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    number = error.lineno if isinstance(error, SyntaxError) else None
    frames = traceback.extract_tb(error.__traceback__)
    if place is None:
        line = f"{frames[-1].line} ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    else:
        number = next((frame.lineno for frame in reversed(frames) if frame.filename == place), number)
        lines = source.splitlines()
        line = lines[number - 1].strip() if number and number <= len(lines) else ""
    return {"error": type(error).__name__, "message": message.strip()[:300], "line": line[:200]}


def _call(job, _):
    """Call one of the project's own functions with JSON arguments; it returns something JSON can hold."""
    module, _, name = job["function"].rpartition(".")
    return {"outcome": "passed", "result": getattr(importlib.import_module(module), name)(*job["arguments"])}


_JOBS = {"warm": _warm, "snippet": _snippet, "call": _call}

if __name__ == "__main__":
    main()

"""Proof of the bank: `python -m utils.exam.verify [files]`.

A calculation's choices are computed, for its own seed and for others. A code question's four candidates are run:
exactly one passes the check, and it is the one marked correct. A concept's assertion is run.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from utils.exam import bank, proofs
from utils.exam.faults import shown
from utils.exam.sandbox import Sandbox

LIMIT = 10.0  # seconds for one candidate


def verify(paths=None, limit=LIMIT, say=None):
    """Verify the questions of some files.

    Args:
        paths: files; all of `data/questions` without it.
        limit: seconds for one candidate.
        say: function called with one line for each question that holds, for instance `print`.

    Returns:
        (number of questions, list of Fault). A file that cannot be read counts no questions.
    """
    chapters, faults = bank.read(list(paths) if paths is not None else bank.files())
    work = [(chapter, question) for chapter in chapters for question in chapter.questions]
    # Two processes side by side, and only one of them ever imports TensorFlow.
    shares = [[job for job in work if bool(proofs.slow_modules(job[1])) == slow] for slow in (True, False)]
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda share: _prove(share, limit, say), shares):
            faults += found
    return len(work), sorted(faults, key=lambda fault: (fault.file, fault.line or 0, fault.field))


def _prove(share, limit, say):
    faults = []
    with Sandbox() as sandbox:
        for chapter, question in share:
            found, note = proofs.prove(chapter, question, sandbox, limit)
            faults += [chapter.fault(question, field, message) for field, message in found]
            if say and not found:
                say(f"{chapter.chapter} {question.id}: {note}")
    return faults


def main(arguments=None):
    """Command line: one line a fault, a closing line, exit code 1 if there is any fault."""
    parser = argparse.ArgumentParser(prog="python -m utils.exam.verify", description="Verify the question bank.")
    parser.add_argument("files", nargs="*", type=Path, help="YAML files (all of data/questions without them)")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for one candidate (default %(default)g)")
    parser.add_argument("-v", "--verbose", action="store_true", help="also say how each question was proven")
    given = parser.parse_args(arguments)
    paths = given.files or bank.files()
    if not paths:
        print(f"no questions found in {shown(bank.FOLDER)}")
        return 1
    count, faults = verify(paths, given.limit, print if given.verbose else None)
    for fault in faults:
        print(fault)
    verdict = _counted(len(faults), "fault") if faults else "all verified"
    print(f"{_counted(count, 'question')} in {_counted(len(paths), 'file')}: {verdict}")
    return 1 if faults else 0


def _counted(number, noun):
    return f"{number} {noun}{'s' * (number != 1)}"


if __name__ == "__main__":
    sys.exit(main())

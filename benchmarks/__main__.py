"""Run every benchmark and print one table:  python -m benchmarks [convolution rnn …]

Each `bench_SUBJECT.py` of this folder has a function `rows()` that returns its lines (see `timing.Row`). Every subject
runs in a process of its own, so that one subject's threads and caches do not weigh on the next.
"""

import multiprocessing
import sys
from pathlib import Path

from benchmarks.timing import rows_of, table

SUBJECTS = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main(subjects):
    """Measure the named subjects (all, where none is named) and print one table."""
    unknown = sorted(set(subjects) - set(SUBJECTS))
    if unknown:
        sys.exit(f"no benchmark named {', '.join(unknown)}; there are: {', '.join(SUBJECTS)}")
    rows = []
    for subject in subjects or SUBJECTS:
        print(f"measuring {subject} …", file=sys.stderr, flush=True)
        with multiprocessing.get_context("spawn").Pool(1) as process:
            rows += process.apply(rows_of, (subject,))
    print(table(rows))
    print("\nMedians of several alternating runs; ratio = ours / peer, below 1 means ours is faster.")


if __name__ == "__main__":
    main(sys.argv[1:])

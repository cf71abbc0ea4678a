"""Fair ratios between functions: timed in turn, in one process, medians of several runs."""

import importlib
import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of a benchmark's table.

    Attributes:
        work: what was computed, with its sizes.
        ours, peer: median seconds of one call.
        peer_name: what ours is compared with.
        ratio: median over the rounds of ours / peer (below 1: ours is faster).
        goal: largest ratio that counts as reached, or None where the row only informs.
    """

    work: str
    ours: float
    peer_name: str
    peer: float
    ratio: float
    goal: float | None = None


def _seconds(function, calls):
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def measure(functions, rounds=9, round_seconds=0.05):
    """Time several functions in turn, so that a slow moment of the machine hits all of them alike.

    Args:
        functions: dict from name to a function without arguments that finishes its work before it returns.
        rounds: how often each is timed, after one warm-up call.
        round_seconds: a function quicker than this is called several times a round.

    Returns:
        dict from name to its list of seconds per call, one for each round.
    """
    calls = {}
    for name, function in functions.items():
        function()
        calls[name] = max(1, round(round_seconds / max(_seconds(function, 1), 1e-7)))
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(_seconds(function, calls[name]))
    return times


def row(work, times, ours, peer, goal=None):
    """The table's line that compares two of the functions that `measure` has timed."""
    ratios = [a / b for a, b in zip(times[ours], times[peer], strict=True)]
    median = statistics.median
    return Row(work, median(times[ours]), peer, median(times[peer]), median(ratios), goal)


def table(rows):
    """The rows as text, one line each, with the verdict on those that have a goal."""
    width = max(len(r.work) for r in rows)
    peers = max(len(r.peer_name) for r in rows)
    lines = [f"{'work':{width}}  {'ours':>10}  {'peer':{peers}}  {'peer':>10}  {'ratio':>7}  goal"]
    for r in rows:
        goal = "" if r.goal is None else f"≤ {r.goal:g}  {'reached' if r.ratio <= r.goal else 'MISSED'}"
        times = f"{r.ours * 1e3:7.2f} ms  {r.peer_name:{peers}}  {r.peer * 1e3:7.2f} ms"
        lines.append(f"{r.work:{width}}  {times}  {r.ratio:7.2f}  {goal}".rstrip())
    return "\n".join(lines)


def rows_of(subject):
    """The rows of `bench_SUBJECT.py`, measured now. It stands here because a new process can find it here."""
    return importlib.import_module(f"benchmarks.bench_{subject}").rows()

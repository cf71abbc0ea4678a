"""A worker: takes trials of a shared study until there are none left. Start as many as the machines can feed.

    python -m utils.architecture_search.worker --storage study.db --study modules --create penalized --source table
    python -m utils.architecture_search.worker --storage study.db --study modules            # in each further terminal

A study of the source "table" replays the stored curves in seconds and trains nothing; one of the source "training"
trains each network. The study remembers its source. Kill a worker whenever you like: what is finished is in the
database; the trial under way goes back into the queue.
"""

import argparse
import sys
import time

import optuna
from optuna.trial import TrialState

from utils.architecture_search import space, studies, table
from utils.architecture_search.objective import GOALS, objective


def work(study, storage, trials=None, total=None, say=print):
    """Evaluate trials.

    Args:
        study: as `studies.load` gives it.
        storage: as `studies.open_storage` gives it; the study lies in it.
        trials: at most so many in this process; None for no limit.
        total: random and TPE search: stop when so many are finished in the whole study.
        say: function that gets a line for each finished trial.

    Returns:
        Number of trials that this worker finished.
    """
    chosen = study.user_attrs["settings"]
    grid = chosen["sampler"] == "grid"
    if not grid and trials is None and total is None:
        raise ValueError("a random or TPE search ends only if you give it a number of trials")
    evaluate, done, current = objective(chosen), 0, None
    queue = _Queue(study, storage)

    def remembered(trial):
        nonlocal current
        current = trial.number
        return evaluate(trial)

    while trials is None or done < trials:
        if grid and not queue.has_next():
            break
        if not grid and total is not None and len(study.get_trials(deepcopy=False, states=studies.DONE)) >= total:
            break
        current = None
        try:
            study.optimize(remembered, n_trials=1, catch=(Exception,))
        except KeyboardInterrupt:
            if current is not None:  # Optuna has marked it as failed; the next worker shall have it
                studies.retry()(study, study.trials[current])
            say(f"interrupted; trial {current} is back in the queue")
            break
        trial = study.trials[current]
        if trial.state in studies.DONE and space.layers_of(trial):
            done += 1
            say(_line(trial))
        elif trial.state is TrialState.FAIL:
            say(f"trial {trial.number}: failed")
    return done


class _Queue:
    """Whether there is a next trial in the queue; waits while another worker might still drop one."""

    def __init__(self, study, storage):
        self.study, self.storage, self.seen = study, storage, {}

    def has_next(self):
        while True:
            studies.requeue_dead(self.study)
            if self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
                return True
            running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            if not running:
                return False
            for trial in running:
                # Killed between taking the trial and its first heartbeat, it would never count as dead: send one in its
                # name, once. A worker that lives does not mind.
                first = self.seen.setdefault(trial.number, time.monotonic())
                if first is not None and time.monotonic() - first > self.storage.heartbeat_interval:
                    self.storage.record_heartbeat(trial._trial_id)
                    self.seen[trial.number] = None
            time.sleep(min(0.5, self.storage.heartbeat_interval / 4))


def _line(trial):
    head = f"trial {trial.number}: {space.short(space.layers_of(trial))}"
    if trial.state is TrialState.PRUNED:
        return f"{head} pruned after {len(trial.intermediate_values)} epochs"
    return f"{head} " + " ".join(f"{value:.4g}" for value in trial.values)


def main(arguments=None):
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m utils.architecture_search.worker",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--storage", required=True, help="SQLite file, or URL of a database server")
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--create", choices=list(GOALS), help="create the study with this goal, if it is not there")
    parser.add_argument(
        "--source",
        choices=studies.SOURCES,
        help="with --create: where accuracies come from. table: replay the curves in data/architecture_curves.csv; "
        "training: train every network on the same small digits, some minutes for all 27 (other data or sizes: create "
        "the study in Python, with studies.settings)",
    )
    parser.add_argument("--trials", type=int, help="at most so many trials in this process")
    parser.add_argument("--heartbeat", type=int, default=studies.HEARTBEAT, help="seconds between signs of life")
    given = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if given.trials is not None and given.trials < 1:
            raise ValueError(f"--trials must be at least 1, got {given.trials}")
        if bool(given.create) != bool(given.source):
            raise ValueError(
                "--create needs --source as well: table replays the stored curves, training trains the networks"
                if given.create
                else "--source belongs to --create: a study that exists keeps the source that it was created with"
            )
        storage = studies.open_storage(given.storage, given.heartbeat, must_exist=not given.create)
        if given.create:
            studies.create(storage, given.study, studies.settings(given.create, source=given.source, per=table.PER))
        study = studies.load(storage, given.study)
        if study.user_attrs["settings"]["source"] == "training":
            from utils import runtime

            runtime.setup()
        done = work(study, storage, given.trials, say=lambda line: print(line, flush=True))
    except (ValueError, TypeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{done} trials by this worker; {len(studies.finished(study))} configurations finished", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Studies that several workers share and that survive being cut off.

A study lies in a database: a SQLite file for the processes of one machine, a server (PostgreSQL, MySQL) for many. It
remembers its own settings, so that every worker evaluates the same thing. The sampler `grid` is a queue of all 27
configurations; a worker takes one, reports, takes the next. A worker that dies stops sending its heartbeat; the next
one that looks puts the configuration back into the queue.
"""

import contextlib
import os
import sqlite3
import warnings
from pathlib import Path

import optuna
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState

from utils.architecture_search import space, table
from utils.architecture_search.fronts import PENALTY_ERROR, PENALTY_PARAMETERS
from utils.architecture_search.objective import GOALS
from utils.keras_models.checks import positive_int, variant

SAMPLERS = ("grid", "random", "tpe")
SOURCES = ("table", "training")
DONE = (TrialState.COMPLETE, TrialState.PRUNED)
HEARTBEAT = 30  # seconds; a trial whose worker is silent for four times as long is taken to be dead
RETRIES = 3  # a configuration that kills its workers (out of memory) is given up after that


def settings(goal="penalized", sampler="grid", source="table", **options):
    """The settings of a study: what every trial of it does.

    Args:
        goal: "error" (1 - validation accuracy), "penalized" (plus a price for parameters) or "pareto" (both apart).
        sampler: "grid" (each of the 27 once), "random" or "tpe".
        source: "table" (replay the measured curves) or "training" (train a network).
        options: per, error (the penalty: `per` parameters cost `error`); seed; name (of the trainings' backups); pause
            (table: seconds an epoch); data, size, limit, width, epochs, batch_size, rate, momentum (training); startup,
            warmup (of the median rule).

    Raises:
        ValueError: for an unknown goal, sampler, source or option.
    """
    known = {
        **table.SETTINGS, "limit": None, "seed": 0, "name": "architecture_search", "pause": 0.0,
        "per": PENALTY_PARAMETERS if source == "training" else table.PER, "error": PENALTY_ERROR,
        "startup": 5, "warmup": 1,
    }  # fmt: skip
    for option in options:
        variant("an option", option, known)
    return {
        "goal": variant("goal", goal, GOALS),
        "sampler": variant("sampler", sampler, SAMPLERS),
        "source": variant("source", source, SOURCES),
        **known,
        **options,
    }


def open_storage(storage, heartbeat=HEARTBEAT, must_exist=False):
    """Optuna's database storage with heartbeats.

    Args:
        storage: path of a SQLite file, or a URL such as "postgresql+psycopg://user:password@host/optuna".
        heartbeat: seconds between two signs of life; a trial silent for four times as long is dead.
        must_exist: True refuses a file that is not there yet.

    Raises:
        FileNotFoundError, PermissionError, ValueError: for a file that is missing, cannot be written or is no database.
    """
    url = str(storage)
    if "://" not in url:
        url = "sqlite:///" + str(_checked_file(Path(url).absolute(), must_exist))
    with _experimental():
        made = RDBStorage(
            url,
            engine_kwargs={"connect_args": {"timeout": 60}} if url.startswith("sqlite") else None,
            heartbeat_interval=positive_int("heartbeat", heartbeat),
            grace_period=4 * heartbeat,
            heartbeat_stale_trial_callback=retry(),
        )
    if url.startswith("sqlite"):
        _one_writer_at_a_time(made.engine)
    return made


def retry():
    """What is done with the trial of a dead worker: Optuna's callback that puts it back into the queue."""
    with _experimental():
        return RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)


def requeue_dead(study):
    """Fail the trials whose workers have gone silent, and put their configurations back into the queue."""
    with _experimental():
        optuna.storages.fail_stale_trials(study)


@contextlib.contextmanager
def _experimental():
    """Optuna calls heartbeats experimental, once a process, on the error stream."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def _one_writer_at_a_time(engine):
    """SQLite knows no SELECT … FOR UPDATE: without this, two workers that look at once may take the same trial."""
    from optuna.storages._rdb.storage import sqlalchemy  # the database layer that Optuna brings with it

    @sqlalchemy.event.listens_for(engine, "connect")
    def manual(connection, _):
        connection.isolation_level = None  # the driver would begin a transaction only at the first write

    @sqlalchemy.event.listens_for(engine, "begin")
    def begin(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    engine.dispose()  # connections made before the two hooks


def _checked_file(path, must_exist):
    if must_exist and not path.exists():
        raise FileNotFoundError(f"no study database at {path}; create the study first, or check the path")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder {path.parent} does not exist; create it, or name another file")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the path of a file in it, such as {path / 'study.db'}")
    if not os.access(path if path.exists() else path.parent, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path} cannot be written; choose a folder of yours for the study")
    if path.exists():
        try:
            with sqlite3.connect(path) as connection:
                connection.execute("SELECT name FROM sqlite_master").fetchall()
            connection.close()
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{path} is no SQLite database ({error}); name another file") from None
    return path


def create(storage, name, chosen=None, heartbeat=HEARTBEAT):
    """Create a study, or open it where it exists, and fill the queue of a grid. Calling it again changes nothing.

    Args:
        storage: path or URL, or an open storage.
        name: of the study.
        chosen: `settings(...)`; None takes those of an existing study, else the defaults.

    Returns:
        optuna.Study.

    Raises:
        ValueError: if a study of that name has other settings or another search space.
    """
    opened = open_storage(storage, heartbeat) if isinstance(storage, str | Path) else storage
    exists = name in optuna.study.get_all_study_names(opened)
    if exists:
        study = load(opened, name)
        if chosen is not None and study.user_attrs["settings"] != chosen:
            changed = [key for key in chosen if study.user_attrs["settings"].get(key) != chosen[key]]
            raise ValueError(
                f"study {name!r} exists with other settings ({', '.join(changed)}); its trials cannot be compared with "
                "new ones. Choose another name"
            )
    else:
        chosen = chosen or settings()
        study = optuna.create_study(storage=opened, study_name=name, directions=GOALS[chosen["goal"]])
        study.set_user_attr("space", space.DESCRIPTION)
        study.set_user_attr("settings", chosen)
        study = load(opened, name)
    if study.user_attrs["settings"]["sampler"] == "grid":
        for layers in missing(study):
            study.enqueue_trial(space.params(layers), user_attrs={"layers": list(layers)})
    return study


def load(storage, name, seed=None, heartbeat=HEARTBEAT):
    """An existing study with its sampler and pruner.

    Args:
        storage: path or URL, or an open storage.
        name: of the study.
        seed: of the sampler; None for one that differs in every process, as workers need it.

    Raises:
        ValueError: if there is no such study, or it searches another space.
    """
    opened = open_storage(storage, heartbeat, True) if isinstance(storage, str | Path) else storage
    names = optuna.study.get_all_study_names(opened)
    variant("study", name, names or ["(none yet: create one first)"])
    study = optuna.load_study(study_name=name, storage=opened)
    found, chosen = study.user_attrs.get("space"), study.user_attrs.get("settings")
    if found != space.DESCRIPTION or chosen is None:
        raise ValueError(
            f"study {name!r} searches another space: {found or 'not one of this chapter'}; expected "
            f"{space.DESCRIPTION}. Choose another name or another file"
        )
    study.sampler = {
        "tpe": lambda: optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=seed is None),
    }.get(chosen["sampler"], lambda: optuna.samplers.RandomSampler(seed=seed))()
    study.pruner = optuna.pruners.MedianPruner(chosen["startup"], chosen["warmup"])
    return study


def missing(study):
    """Configurations of a grid that are neither finished nor in the queue nor under way."""
    alive = {space.layers_of(trial) for trial in study.get_trials(deepcopy=False) if trial.state is not TrialState.FAIL}
    return [layers for layers in space.CONFIGURATIONS if layers not in alive]


def finished(study):
    """The finished trials that evaluated something, pruned ones included, as {configuration: [trials]}."""
    found = {}
    for trial in study.get_trials(deepcopy=False, states=DONE):
        if space.layers_of(trial):
            found.setdefault(space.layers_of(trial), []).append(trial)
    return found

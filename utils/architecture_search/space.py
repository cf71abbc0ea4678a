"""The search space: three layers of a module, each of one of three kinds, and so 27 configurations."""

import itertools

from utils.keras_models.module_network import KINDS, checked

POSITIONS = ("layer1", "layer2", "layer3")
CONFIGURATIONS = tuple(itertools.product(KINDS, repeat=len(POSITIONS)))
DESCRIPTION = {position: list(KINDS) for position in POSITIONS}  # what a study remembers of its space
LETTERS = {"conv": "C", "depthwise": "D", "separable": "S"}


def suggest(trial):
    """Let Optuna choose: (kind of layer 1, of layer 2, of layer 3)."""
    return tuple(trial.suggest_categorical(position, KINDS) for position in POSITIONS)


def params(layers):
    """The configuration as Optuna's parameters: {"layer1": "conv", …}."""
    return dict(zip(POSITIONS, checked(layers), strict=True))


def layers_of(trial):
    """The configuration of a trial, waiting ones included; None where it has none yet."""
    if set(POSITIONS) <= set(trial.params):
        return tuple(trial.params[position] for position in POSITIONS)
    planned = trial.user_attrs.get("layers")  # of a trial in the queue
    return tuple(planned) if planned else None


def short(layers):
    """The configuration in three letters: ("conv", "depthwise", "separable") is "CDS"."""
    return "".join(LETTERS[kind] for kind in checked(layers))

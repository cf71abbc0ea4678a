"""What one trial does: choose a configuration, follow its learning curve, stop it early or return its value.

The value is computed from the **validation** part. What a search selects by, it can no longer report: the test part is
for the network that was chosen, once.
"""

import time

import optuna

from utils.architecture_search import space, table, train
from utils.architecture_search.fronts import penalized
from utils.keras_models.module_network import parameters

GOALS = {
    "error": ("minimize",),  # 1 - validation accuracy
    "penalized": ("minimize",),  # the same, plus a price for the parameters
    "pareto": ("minimize", "minimize"),  # (error, parameters), and nothing is weighed against anything
}


def objective(settings):
    """The function that Optuna calls with a trial.

    Args:
        settings: as `studies.settings` makes them.

    Returns:
        function (trial) -> value, or two values for the goal "pareto".
    """
    source = {"table": _table, "training": _training}[settings["source"]](settings)
    count = _parameter_count(settings)

    def evaluate(trial):
        if settings["sampler"] == "grid" and "layers" not in trial.user_attrs:
            # Another worker took the last one between our look into the queue and our question.
            raise optuna.TrialPruned("all configurations are taken")
        if "first" not in trial.user_attrs:
            trial.set_user_attr("first", trial.number)  # a trial that takes over from a killed worker inherits it
        layers = space.suggest(trial)
        size = count(layers)

        def value(accuracy):
            if settings["goal"] == "penalized":
                return penalized(accuracy, size, settings["per"], settings["error"])
            return 1 - accuracy

        pruned = False

        def report(epoch, accuracy):
            nonlocal pruned
            if settings["goal"] != "pareto":  # with two objectives Optuna prunes nothing
                trial.report(value(accuracy), epoch)
                pruned = trial.should_prune()
            return pruned

        accuracy = source(layers, trial, report)
        if pruned:
            raise optuna.TrialPruned
        trial.set_user_attr("accuracy", accuracy)
        trial.set_user_attr("parameters", size)
        return (1 - accuracy, size) if settings["goal"] == "pareto" else value(accuracy)

    return evaluate


def _parameter_count(settings):
    if settings["source"] == "table":
        known = dict(zip(space.CONFIGURATIONS, table.load().parameters.tolist(), strict=True))
        return known.__getitem__
    data = train.load(settings)
    channels, classes = data.x_train.shape[-1], len(data.class_names)
    return lambda layers: parameters(layers, settings["width"], channels, classes)


def _table(settings):
    """Replay a measured curve; `pause` seconds an epoch stand in for the training."""
    curves = dict(zip(space.CONFIGURATIONS, table.load().validation[:, settings["seed"]].tolist(), strict=True))

    def follow(layers, trial, report):
        for epoch, accuracy in enumerate(curves[layers]):
            time.sleep(settings["pause"])
            if report(epoch, accuracy):
                break
        return accuracy

    return follow


def _training(settings):
    data = train.load(settings)

    def follow(layers, trial, report):
        # The same name as the training that a killed worker left: its backup goes on from the last epoch.
        name = f"{settings['name']}-{trial.user_attrs['first']}-{space.short(layers)}"
        return train.train(layers, settings, data, report, name)["val_accuracy"][-1]

    return follow

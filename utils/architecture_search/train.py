"""One trial's training: build the network, train it, tell the search how it does after each epoch."""

import math

from utils import datasets, runtime, training
from utils.keras_models.module_network import module_network


def load(settings):
    """The pictures that the settings name, as `datasets.Images`."""
    return datasets.load_images(settings["data"], size=settings.get("size"), limit=settings.get("limit"))


def train(layers, settings, data=None, report=None, name="architecture_search", test=False):
    """Train one configuration.

    Args:
        layers: kinds of the three layers of a module.
        settings: dict with data, size, width, epochs, batch_size, rate, momentum and seed (and limit, if wanted).
        data: `datasets.Images`, so that a search loads them once; None loads them.
        report: function (epoch, validation accuracy) -> True to stop here; epoch counts from 0.
        name: of the training's backup in the full profile.
        test: True adds the accuracy on the test part after each epoch, under "test_accuracy". For measuring how wrong
            it would be to choose by it; a search never asks for it.

    Returns:
        The history: dict from a metric's name to a list with a number an epoch.
    """
    import keras

    data = load(settings) if data is None else data
    runtime_now = runtime.current()
    seen = []

    class Hooks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if test:
                seen.append(self.model.evaluate(data.x_test, data.y_test, verbose=0)[1])
            if report is not None and report(epoch, logs["val_accuracy"]):
                self.model.stop_training = True  # the training ends as usual, and its backup goes

    keras.utils.set_random_seed(settings["seed"])
    steps = math.ceil(len(data.x_train) / settings["batch_size"]) * settings["epochs"]
    with runtime_now.scope():
        model = module_network(
            layers,
            settings["width"],
            data.x_train.shape[1:],
            len(data.class_names),
            momentum=settings["momentum"],
        )
        rate = keras.optimizers.schedules.CosineDecay(settings["rate"], steps)
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = training.fit(
        model, data, name, settings["epochs"], settings["batch_size"], settings["seed"], callbacks=[Hooks()]
    )
    return {**history, "test_accuracy": seen} if test else history

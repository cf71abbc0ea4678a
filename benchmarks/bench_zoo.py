"""Our networks against keras.applications on the CPU: forward pass, training step, and the time to build them.

Graph mode, the same batch, the same optimizer; the logits are fetched at the end of a pass. Both sides are the same
computation up to a few padding layers, so the goal is parity.
"""

import time

import numpy as np

from benchmarks.timing import measure, row, table
from utils import runtime

GOAL, GOAL_BUILD = 1.02, 1.0
BATCH, SIZE, CLASSES = 8, 96, 10
TRAINED = {"mobilenet_v2": "MobileNetV2", "resnet50": "ResNet50"}
BUILT = {
    "resnet50": "ResNet50",
    "resnet101": "ResNet101",
    "resnet50v2": "ResNet50V2",
    "densenet121": "DenseNet121",
    "densenet169": "DenseNet169",
    "densenet201": "DenseNet201",
    "xception": "Xception",
    "mobilenet": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
}


def rows():
    """Lines of the table of ratios (see `timing.Row`)."""
    runtime.setup()
    lines = []
    for name, peer in TRAINED.items():
        lines += network_rows(name, peer)
    return [*lines, build_row()]


def network_rows(name, peer):
    """Forward pass and training step of one network."""
    import keras

    from utils.keras_models import zoo

    rng = np.random.default_rng(0)
    x = rng.standard_normal((BATCH, SIZE, SIZE, 3)).astype("float32")
    y = rng.integers(0, CLASSES, BATCH)
    same = dict(input_shape=(SIZE, SIZE, 3), classes=CLASSES)
    ours = calls(zoo.build(name, **same), x, y)
    theirs = calls(getattr(keras.applications, peer)(weights=None, **same), x, y)
    lines = []
    for part in ("forward", "training step"):
        times = measure({"ours": ours[part], f"keras.applications.{peer}": theirs[part]}, rounds=9)
        work = f"{name}, {BATCH}×{SIZE}×{SIZE}×3, {part}"
        lines.append(row(work, times, "ours", f"keras.applications.{peer}", GOAL))
    return lines


def calls(model, x, y):
    """Functions without arguments: a forward pass and a training step, in graph mode, results fetched."""
    import tensorflow as tf

    model.compile("sgd", "sparse_categorical_crossentropy")
    images = tf.constant(x)
    forward = tf.function(lambda images: model(images, training=False))
    return {"forward": lambda: forward(images).numpy(), "training step": lambda: model.train_on_batch(x, y)}


def build_row():
    """All networks that both sides have, built one after the other with the paper's sizes."""
    import keras

    from utils.keras_models import zoo

    def ours():
        for name in BUILT:
            zoo.build(name)
        keras.backend.clear_session()

    def theirs():
        for peer in BUILT.values():
            getattr(keras.applications, peer)(weights=None)
        keras.backend.clear_session()

    times = {"ours": [], "keras.applications": []}
    for _ in range(2):  # seconds each, and warm from the rows above: two rounds in turn are enough
        for side, function in (("ours", ours), ("keras.applications", theirs)):
            start = time.perf_counter()
            function()
            times[side].append(time.perf_counter() - start)
    return row(f"building {len(BUILT)} networks", times, "ours", "keras.applications", GOAL_BUILD)


if __name__ == "__main__":
    print(table(rows()))

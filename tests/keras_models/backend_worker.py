"""Builds every family on the backend that KERAS_BACKEND names, gives it stored weights and stores its logits.

KERAS_BACKEND=jax python -m tests.keras_models.backend_worker FOLDER
"""

import sys
from pathlib import Path

import numpy as np

CLASSES = 5
# One network of every family: name in zoo.NETWORKS, options, image size (small; the last maps still hold a few values).
FAMILIES = {
    "lenet": ({}, (32, 32, 1)),
    "nin": ({}, (32, 32, 3)),
    "zfnet_gap": ({}, (79, 79, 3)),
    "googlenet": ({}, (32, 32, 3)),
    "module_network": (dict(width=16), (32, 32, 3)),
    "resnet18": ({}, (64, 64, 3)),
    "resnet50": ({}, (64, 64, 3)),
    "resnet50v2": ({}, (64, 64, 3)),
    "wide_resnet": (dict(depth=10, width=2), (16, 16, 3)),
    "pyramidnet": (dict(depth=8, alpha=12), (16, 16, 3)),
    "resnext50_32x4d": ({}, (64, 64, 3)),
    "xception": ({}, (32, 32, 3)),
    "small_densenet": ({}, (16, 16, 3)),
    "mobilenet": (dict(alpha=0.25), (64, 64, 3)),
    "mobilenet_v2": (dict(alpha=0.35), (64, 64, 3)),
}


def build(name):
    from utils.keras_models import zoo

    options, shape = FAMILIES[name]
    return zoo.build(name, input_shape=shape, classes=CLASSES, classifier_activation=None, **options)


def images(name):
    return np.random.default_rng(1).standard_normal((8, *FAMILIES[name][1])).astype("float32")


def logits(model, name):
    import keras

    return keras.ops.convert_to_numpy(model(images(name), training=False))


def main(folder):
    import keras

    # The stored weights replace what initializers draw, and each new shape of a draw costs JAX a compilation.
    keras.initializers.GlorotUniform.__call__ = lambda self, shape, dtype=None: np.zeros(shape, dtype)
    answers = {}
    for name in FAMILIES:
        model = build(name)
        with np.load(Path(folder) / f"{name}.npz") as stored:
            model.set_weights([stored[f"arr_{i}"] for i in range(len(stored.files))])
        answers[name] = logits(model, name)
        keras.backend.clear_session()
    np.savez(Path(folder) / f"logits_{keras.backend.backend()}.npz", **answers)
    print(keras.backend.backend())


if __name__ == "__main__":
    main(sys.argv[1])

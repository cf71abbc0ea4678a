"""Random weights that make a network's answers worth comparing."""

import keras
import numpy as np


def randomize(model, images, seed=0):
    """Random biases, scales and shifts, and BatchNormalization statistics neither 0 and 1 nor far from the truth.

    A fresh network is a poor witness: its biases and shifts are 0, its moving averages 0 and 1, so that a forgotten
    bias, a wrong epsilon or two swapped layers change nothing; and with statistics drawn at random a deep signal dies,
    so that every image gets the same logits. Here the statistics are those of `images`, each a little wrong.

    Args:
        model: a built keras.Model; what its kernels were initialized with stays, up to that factor.
        images: (N, H, W, C), a handful.
        seed: of the draws.
    """
    images = np.asarray(images, "float32")
    rng = np.random.default_rng(seed)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for weight in model.weights:
        if weight.name in ("bias", "beta"):
            weight.assign(rng.normal(0, 0.2, weight.shape))
        elif weight.name == "gamma":
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))
        elif weight.name == "kernel" and not norms:
            kernel = keras.ops.convert_to_numpy(weight)
            weight.assign(kernel * np.sqrt(2 / np.prod(kernel.shape[:-1])) / max(kernel.std(), 1e-12))
    if not norms:
        return
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0  # one pass in training mode leaves the batch's own statistics behind
    try:
        model(images, training=True)
    finally:
        for layer, momentum in zip(norms, momenta, strict=True):
            layer.momentum = momentum
    for layer in norms:
        mean, variance = (keras.ops.convert_to_numpy(w) for w in (layer.moving_mean, layer.moving_variance))
        variance = np.maximum(variance, 0.1 * variance.mean() + 1e-3)  # a few values can be alike by chance
        spread = np.sqrt(variance)
        layer.moving_mean.assign(mean + 0.1 * spread * rng.standard_normal(mean.shape))
        layer.moving_variance.assign(variance * rng.uniform(0.7, 1.4, variance.shape))

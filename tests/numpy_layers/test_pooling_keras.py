"""Pooling and local response normalization by hand against Keras and TensorFlow: outputs and gradients."""

import numpy as np
import pytest

from utils.gradient_check import keras_gradients, relative_error
from utils.numpy_layers.local_response_normalization import LocalResponseNormalization
from utils.numpy_layers.pooling import AveragePooling2D, GlobalAveragePooling2D, LpPooling2D, MaxPooling2D

WINDOWS = [
    dict(pool_size=2),
    dict(pool_size=3),
    dict(pool_size=3, strides=2),
    dict(pool_size=3, strides=2, padding="same"),
    dict(pool_size=(2, 3), strides=(3, 1), padding="same"),
    dict(pool_size=3, strides=1, padding="same"),
    dict(pool_size=2, strides=3),
    dict(pool_size=1, strides=2, padding="same"),
]
CASES = [
    (kind, name, options)
    for kind, name in ((MaxPooling2D, "MaxPooling2D"), (AveragePooling2D, "AveragePooling2D"))
    for options in WINDOWS
]
CASES += [(GlobalAveragePooling2D, "GlobalAveragePooling2D", options) for options in ({}, {"keepdims": True})]


@pytest.mark.parametrize("ours, name, options", CASES)
def test_outputs_and_gradients_are_those_of_keras(ours, name, options):
    import keras

    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 8, 7, 4)).astype("float32")
    layer = ours(**options)
    y = layer.forward(x)
    dy = rng.standard_normal(y.shape).astype("float32")
    dx = layer.backward(dy)
    their_y, their_dx, _ = keras_gradients(getattr(keras.layers, name)(**options), x, dy)
    assert max(relative_error(y, their_y), relative_error(dx, their_dx)) < 1e-5


@pytest.mark.parametrize("options", WINDOWS)
def test_ties_are_broken_as_in_tensorflow(options):
    import keras

    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (4, 8, 7, 4)).astype("float32")  # most windows have several maxima
    layer = MaxPooling2D(**options)
    y = layer.forward(x)
    dy = rng.standard_normal(y.shape).astype("float32")
    _, their_dx, _ = keras_gradients(keras.layers.MaxPooling2D(**options), x, dy)
    assert relative_error(layer.backward(dy), their_dx) < 1e-5


@pytest.mark.parametrize("p", [1, 2, 3.5])
@pytest.mark.parametrize("options", [dict(), dict(pool_size=3, strides=2, padding="same")])
def test_lp_is_the_root_of_average_pooling_of_the_power(p, options):
    import keras

    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 6, 7, 3)).astype("float32")
    inputs = keras.Input(x.shape[1:])
    mean = keras.layers.AveragePooling2D(**{"pool_size": 2, **options})(keras.ops.absolute(inputs) ** p)
    model = keras.Model(inputs, mean ** (1 / p))
    layer = LpPooling2D(p=p, **options)
    y = layer.forward(x)
    dy = rng.standard_normal(y.shape).astype("float32")
    their_y, their_dx, _ = keras_gradients(model, x, dy)
    assert max(relative_error(y, their_y), relative_error(layer.backward(dy), their_dx)) < 1e-5


SETTINGS = [
    dict(),  # AlexNet's
    dict(depth_radius=5, bias=1.0, alpha=1.0, beta=0.5),  # TensorFlow's
    dict(depth_radius=1, bias=0.5, alpha=0.3, beta=0.75),
    dict(depth_radius=20, bias=2.0, alpha=0.1, beta=1.0),  # reaches beyond all channels
    dict(depth_radius=0, bias=1.0, alpha=0.5, beta=0.6),
]


@pytest.mark.parametrize("options", SETTINGS)
def test_normalization_is_that_of_tensorflow(options):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    x = (3 * rng.standard_normal((2, 4, 3, 9))).astype("float32")
    layer = LocalResponseNormalization(**options)
    y = layer.forward(x)
    dy = rng.standard_normal(y.shape).astype("float32")
    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        theirs = tf.nn.local_response_normalization(
            inputs, layer.depth_radius, float(layer.bias), float(layer.alpha), float(layer.beta)
        )
        loss = tf.reduce_sum(theirs * dy)
    assert relative_error(y, theirs.numpy()) < 1e-5
    assert relative_error(layer.backward(dy), tape.gradient(loss, inputs).numpy()) < 1e-5


@pytest.mark.parametrize("options", SETTINGS)
def test_normalization_is_that_of_our_keras_layer(options):
    from utils.keras_models.local_response_normalization import LocalResponseNormalization as KerasLayer

    rng = np.random.default_rng(1)
    x = (3 * rng.standard_normal((2, 4, 3, 9))).astype("float32")
    layer = LocalResponseNormalization(**options)
    y = layer.forward(x)
    dy = rng.standard_normal(y.shape).astype("float32")
    their_y, their_dx, _ = keras_gradients(KerasLayer(**options), x, dy)
    assert max(relative_error(y, their_y), relative_error(layer.backward(dy), their_dx)) < 1e-5

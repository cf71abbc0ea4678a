"""Local response normalization in Keras: the paper's formula, TensorFlow's own op, and both gradients."""

import keras
import numpy as np
import pytest

from utils.gradient_check import keras_gradients, relative_error
from utils.keras_models.local_response_normalization import LocalResponseNormalization


def by_hand(x, radius, bias, alpha, beta):
    """Krizhevsky et al. 2012, §3.3, channel by channel."""
    y = np.empty_like(x)
    for c in range(x.shape[-1]):
        near = x[..., max(0, c - radius) : c + radius + 1]
        y[..., c] = x[..., c] / (bias + alpha * np.sum(near**2, axis=-1)) ** beta
    return y


@pytest.mark.parametrize("radius, channels", [(2, 7), (0, 3), (1, 2), (4, 3)])
def test_formula_of_the_paper(radius, channels):
    x = 3 * np.random.default_rng(0).standard_normal((2, 3, 4, channels)).astype("float32")
    layer = LocalResponseNormalization(radius, bias=1.5, alpha=0.3, beta=0.6)
    assert relative_error(keras.ops.convert_to_numpy(layer(x)), by_hand(x, radius, 1.5, 0.3, 0.6)) < 1e-6


def test_outputs_and_gradients_of_tensorflow():
    import tensorflow as tf

    x = 3 * np.random.default_rng(1).standard_normal((2, 3, 4, 6)).astype("float32")
    dy = np.random.default_rng(2).standard_normal(x.shape).astype("float32")
    y, dx, _ = keras_gradients(LocalResponseNormalization(2, 1.5, 0.3, 0.6), x, dy)
    with tf.GradientTape() as tape:
        given = tf.constant(x)
        tape.watch(given)
        expected = tf.nn.local_response_normalization(given, depth_radius=2, bias=1.5, alpha=0.3, beta=0.6)
    assert relative_error(y, expected.numpy()) < 1e-6
    assert relative_error(dx, tape.gradient(expected, given, tf.constant(dy)).numpy()) < 1e-5


def test_defaults_are_those_of_the_paper():
    layer = LocalResponseNormalization()
    assert (2 * layer.depth_radius + 1, layer.bias, layer.alpha, layer.beta) == (5, 2, 1e-4, 0.75)


@pytest.mark.parametrize("radius, error", [(-1, ValueError), (1.5, TypeError), ("2", TypeError)])
def test_a_radius_that_is_none_is_refused(radius, error):
    with pytest.raises(error, match="depth_radius"):
        LocalResponseNormalization(radius)


def test_settings_survive_saving():
    layer = LocalResponseNormalization(3, 1.5, 0.2, 0.6)
    again = LocalResponseNormalization.from_config(layer.get_config())
    assert (again.depth_radius, again.bias, again.alpha, again.beta) == (3, 1.5, 0.2, 0.6)

"""SimpleRNN and Dense against Keras with the same weights: outputs and every gradient."""

import numpy as np
import pytest

from utils.gradient_check import keras_gradients, relative_error
from utils.numpy_layers.dense import Dense
from utils.numpy_layers.rnn import SimpleRNN

NAMES = ("kernel", "recurrent_kernel", "bias")


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def pair(keras, activation="tanh", return_sequences=True, units=5, input_dim=3):
    """Ours and Keras' layer with the same weights."""
    ours = SimpleRNN(units, input_dim, activation=activation, return_sequences=return_sequences)
    ours.params["bias"][:] = np.linspace(-0.5, 0.5, units)
    theirs = keras.layers.SimpleRNN(units, activation=activation, return_sequences=return_sequences)
    theirs.build((None, None, input_dim))
    theirs.set_weights([ours.params[name] for name in NAMES])
    return ours, theirs


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "linear"])
@pytest.mark.parametrize("return_sequences", [True, False])
def test_outputs_and_gradients(keras, activation, return_sequences):
    ours, theirs = pair(keras, activation, return_sequences)
    x = random(4, 7, 3)
    y = ours.forward(x)
    dy = random(*y.shape, seed=1)
    dx = ours.backward(dy)
    keras_y, keras_dx, keras_dw = keras_gradients(theirs, x, dy)
    assert relative_error(y, keras_y) < 1e-5
    assert relative_error(dx, keras_dx) < 1e-5
    for name, gradient in zip(NAMES, keras_dw, strict=True):
        assert relative_error(ours.grads[name], gradient) < 1e-5, name


def test_initial_state_and_its_gradient(keras):
    ours, theirs = pair(keras)
    x, h0, dy = random(4, 7, 3), random(4, 5, seed=1), random(4, 7, 5, seed=2)

    class FromState(keras.layers.Layer):
        """The layer as a function of its initial state, so that `keras_gradients` differentiates by it."""

        def call(self, initial_state):
            return theirs(x, initial_state=initial_state)

    y = ours.forward(x, h0)
    ours.backward(dy)
    keras_y, keras_dh0, _ = keras_gradients(FromState(), h0, dy)
    assert relative_error(y, keras_y) < 1e-5
    assert relative_error(ours.d_initial_state, keras_dh0) < 1e-5


def test_return_state(keras):
    ours = SimpleRNN(5, 3, return_sequences=True, return_state=True)
    theirs = keras.layers.SimpleRNN(5, return_sequences=True, return_state=True)
    theirs.build((None, None, 3))
    theirs.set_weights([ours.params[name] for name in NAMES])
    x = random(4, 7, 3)
    for mine, keras_value in zip(ours.forward(x), theirs(x), strict=True):
        assert relative_error(mine, np.asarray(keras_value)) < 1e-5


def test_parameter_count(keras):
    ours, theirs = pair(keras, units=16, input_dim=28)
    assert sum(p.size for p in ours.params.values()) == theirs.count_params() == 16 * 28 + 16 * 16 + 16


@pytest.mark.parametrize("shape", [(4, 3), (4, 6, 3)])
@pytest.mark.parametrize("activation", ["linear", "sigmoid", "relu"])
def test_dense(keras, shape, activation):
    ours = Dense(2, 3, activation=activation)
    ours.params["bias"][:] = 0.3, -0.2
    theirs = keras.layers.Dense(2, activation=activation)
    theirs.build(shape)
    theirs.set_weights([ours.params["kernel"], ours.params["bias"]])
    x = random(*shape)
    y = ours.forward(x)
    dy = random(*y.shape, seed=1)
    dx = ours.backward(dy)
    keras_y, keras_dx, (keras_dkernel, keras_dbias) = keras_gradients(theirs, x, dy)
    assert relative_error(y, keras_y) < 1e-5
    assert relative_error(dx, keras_dx) < 1e-5
    assert relative_error(ours.grads["kernel"], keras_dkernel) < 1e-5
    assert relative_error(ours.grads["bias"], keras_dbias) < 1e-5

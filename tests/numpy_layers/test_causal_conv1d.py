"""Dilated causal convolution and gated activation: numerical gradients, causality, receptive field, Keras, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.gradient_check import check_layer, keras_gradients, relative_error
from utils.numpy_layers.causal_conv1d import CausalConv1D, receptive_field
from utils.numpy_layers.gated_activation import GatedActivation


def layer(filters=4, kernel_size=2, input_dim=3, dilation_rate=1, dtype="float64", **options):
    """A layer whose bias is not zero, so that a forgotten bias shows."""
    rng = np.random.default_rng(0)
    conv = CausalConv1D(filters, kernel_size, input_dim, dilation_rate, dtype=dtype, rng=rng, **options)
    if "bias" in conv.params:
        conv.params["bias"][:] = np.linspace(-0.5, 0.7, filters)
    return conv


def random(*shape, seed=1, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 3),
    t=st.integers(1, 9),
    c=st.integers(1, 3),
    f=st.integers(1, 4),
    k=st.integers(1, 4),
    d=st.integers(1, 5),
    use_bias=st.booleans(),
)
def test_gradients_are_the_numerical_ones(n, t, c, f, k, d, use_bias):
    conv = layer(f, k, c, d, use_bias=use_bias)
    errors = check_layer(conv, random(n, t, c))
    assert set(errors) == {"x", "kernel"} | ({"bias"} if use_bias else set())
    assert max(errors.values()) < 1e-6, errors


@settings(deadline=None, max_examples=40)
@given(t=st.integers(1, 9), k=st.integers(1, 4), d=st.integers(1, 5))
def test_output_is_the_formula_term_by_term(t, k, d):
    conv, x = layer(4, k, 3, d), random(2, t, 3)
    y, kernel = conv.forward(x), conv.params["kernel"]
    for step in range(t):
        expected = conv.params["bias"] + np.zeros((2, 4))
        for tap in range(k):
            past = step - d * (k - 1 - tap)
            if past >= 0:
                expected += x[:, past] @ kernel[tap]
        np.testing.assert_allclose(y[:, step], expected, atol=1e-12)


@pytest.mark.parametrize("kernel_size, dilation_rate", [(1, 1), (2, 1), (2, 4), (3, 2), (2, 9)])
@pytest.mark.parametrize("use_bias", [True, False])
def test_keras_has_the_same_outputs_and_gradients(kernel_size, dilation_rate, use_bias):
    import keras

    conv = layer(4, kernel_size, 3, dilation_rate, "float32", use_bias=use_bias)
    theirs = keras.layers.Conv1D(
        4, kernel_size, padding="causal", dilation_rate=dilation_rate, use_bias=use_bias, dtype="float32"
    )
    x = random(2, 8, 3, dtype="float32")
    theirs.build(x.shape)
    theirs.set_weights(list(conv.params.values()))
    y = conv.forward(x)
    dy = random(*y.shape, seed=2, dtype="float32")
    dx = conv.backward(dy)
    their_y, their_dx, their_dweights = keras_gradients(theirs, x, dy)
    assert relative_error(y, their_y) < 1e-5
    assert relative_error(dx, their_dx) < 1e-5
    for grad, other in zip(conv.grads.values(), their_dweights, strict=True):
        assert relative_error(grad, other) < 1e-5


def test_an_output_never_reads_the_future():
    conv, x = layer(4, 3, 3, 2), random(2, 12, 3)
    before = conv.forward(x)
    x[:, 7] += 1
    changed = np.any(conv.forward(x) != before, axis=(0, 2))
    assert np.flatnonzero(changed).tolist() == [7, 9, 11]


@pytest.mark.parametrize(
    "dilations, kernel_size, expected",
    [((1, 2, 4, 8), 2, 16), (tuple(2**i for i in range(10)), 2, 1024), ((1, 1, 1), 2, 4), ((1, 3), 3, 9), ((), 2, 1)],
)
def test_receptive_field_is_what_a_perturbation_reaches(dilations, kernel_size, expected):
    assert receptive_field(dilations, kernel_size) == expected
    x = np.zeros((1, expected + 3, 1))
    x[0, 3] = 1.0
    for d in dilations:
        conv = layer(1, kernel_size, 1, d, use_bias=False)
        conv.params["kernel"][:] = 1.0
        x = conv.forward(x)
    reached = np.flatnonzero(x[0, :, 0])
    assert reached[0] == 3 and reached[-1] - reached[0] + 1 == expected


def test_gated_activation_by_its_formula_and_by_numerical_gradients():
    gated, u = GatedActivation(), random(2, 5, 6)
    z = gated.forward(u)
    np.testing.assert_allclose(z, np.tanh(u[..., :3]) / (1 + np.exp(-u[..., 3:])), atol=1e-12)
    assert check_layer(gated, u)["x"] < 1e-6


def test_gated_activation_in_keras():
    import keras

    inputs = keras.Input((None, 6), dtype="float32")
    content, gate = keras.ops.split(inputs, 2, axis=-1)
    theirs = keras.Model(inputs, keras.ops.tanh(content) * keras.ops.sigmoid(gate))
    u, dz = random(2, 5, 6, dtype="float32"), random(2, 5, 3, seed=3, dtype="float32")
    gated = GatedActivation()
    z, du = gated.forward(u), gated.backward(dz)
    assert z.dtype == du.dtype == np.float32
    their_z, their_du, _ = keras_gradients(theirs, u, dz)
    assert relative_error(z, their_z) < 1e-5 and relative_error(du, their_du) < 1e-5


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: layer(kernel_size=0), ValueError, "kernel_size must be at least 1, got 0"),
        (lambda: layer(dilation_rate=1.5), TypeError, "dilation_rate must be a whole number, got 1.5"),
        (lambda: layer(dtype="float16"), ValueError, "dtype must be 'float32' or 'float64'"),
        (lambda: layer().forward(random(2, 5)), ValueError, r"x must have 3 axes \(N, T, 3\)"),
        (lambda: layer().forward(random(2, 5, 4)), ValueError, "axis 2 is 4, not 3"),
        (lambda: layer().forward(random(2, 0, 3)), ValueError, "x is empty"),
        (lambda: layer().forward(random(2, 5, 3, dtype="float32")), TypeError, "x must be float64, got float32"),
        (lambda: layer().backward(random(2, 5, 4)), RuntimeError, "call forward"),
        (
            lambda: after_forward(layer(), random(2, 5, 3), random(5, 2, 4)),
            ValueError,
            r"dy must have shape \(2, 5, 4\)",
        ),
        (lambda: GatedActivation().forward(random(2, 3)), ValueError, "last axis must be even"),
        (lambda: GatedActivation().forward([[1.0, 2.0]]), TypeError, "NumPy array of float32 or float64, got list"),
        (lambda: GatedActivation().backward(random(2, 3)), RuntimeError, "call forward"),
        (
            lambda: after_forward(GatedActivation(), random(2, 6), random(2, 6)),
            ValueError,
            r"dz must have shape \(2, 3\)",
        ),
        (lambda: receptive_field([1, 0]), ValueError, "dilations must be at least 1"),
    ],
)
def test_errors_say_what_is_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()


def after_forward(layer, x, dy):
    layer.forward(x)
    return layer.backward(dy)

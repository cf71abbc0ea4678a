"""SimpleRNN without a framework: numerical gradients, the δ recursion, shapes, errors."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.gradient_check import check_layer, numerical_gradient, relative_error
from utils.numpy_layers.rnn import SimpleRNN


def layer(units=3, input_dim=2, dtype="float64", seed=0, **options):
    """A layer whose bias is not zero, so that a forgotten bias shows."""
    rnn = SimpleRNN(units, input_dim, dtype=dtype, rng=np.random.default_rng(seed), **options)
    rnn.params["bias"][:] = np.linspace(-0.5, 0.7, units)
    return rnn


def random(*shape, seed=1, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "linear"])
@pytest.mark.parametrize("return_sequences", [True, False])
def test_gradients_are_the_numerical_ones(activation, return_sequences):
    rnn = layer(activation=activation, return_sequences=return_sequences)
    errors = check_layer(rnn, random(4, 5, 2))
    assert set(errors) == {"x", "kernel", "recurrent_kernel", "bias"}
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("return_sequences", [True, False])
def test_gradients_of_both_states_are_the_numerical_ones(return_sequences):
    rnn = layer(return_sequences=return_sequences, return_state=True)
    x, h0 = random(4, 5, 2), random(4, 3, seed=2)
    y, state = rnn.forward(x, h0)
    dy, d_state = random(*y.shape, seed=3), random(*state.shape, seed=4)

    def loss():
        y, state = rnn.forward(x, h0)
        return float(np.sum(dy * y) + np.sum(d_state * state))

    dx = rnn.backward(dy, d_state)
    analytic = {"x": dx, "h0": rnn.d_initial_state, **rnn.grads}
    for name, array in {"x": x, "h0": h0, **rnn.params}.items():
        assert relative_error(analytic[name], numerical_gradient(loss, array)) < 1e-6, name


def test_the_worked_example_of_the_chapter():
    rnn = SimpleRNN(1, 1, activation="sigmoid", return_sequences=True, dtype="float64")
    rnn.params = {"kernel": np.array([[1.0]]), "recurrent_kernel": np.array([[-2.0]]), "bias": np.array([-1.0])}
    z = rnn.forward(np.array([[[1.0], [2.0], [2.0]]]))
    assert z.ravel().tolist() == [0.5, 0.5, 0.5]
    d_out, w_out = np.array([[[2.0], [-1.0], [1.0]]]), 4.0
    rnn.backward(d_out * w_out)
    assert rnn.delta.ravel().tolist() == [2.75, -1.5, 1.0]
    assert {name: grad.item() for name, grad in rnn.grads.items()} == {
        "kernel": 1.75,
        "recurrent_kernel": -0.25,
        "bias": 2.25,
    }


def test_delta_obeys_its_recursion():
    rnn = layer(return_sequences=True)
    x, dy = random(4, 6, 2), random(4, 6, 3, seed=5)
    z = rnn.forward(x)
    rnn.backward(dy)
    slope, W = 1 - z**2, rnn.params["recurrent_kernel"]
    np.testing.assert_allclose(rnn.delta[:, -1], dy[:, -1] * slope[:, -1], rtol=1e-12)
    for t in range(5):
        expected = (dy[:, t] + rnn.delta[:, t + 1] @ W.T) * slope[:, t]
        np.testing.assert_allclose(rnn.delta[:, t], expected, rtol=1e-12)


def test_a_state_never_reads_the_future():
    rnn, x = layer(return_sequences=True), random(2, 6, 2)
    before = rnn.forward(x)
    x[:, 4:] += 1
    after = rnn.forward(x)
    assert np.array_equal(before[:, :4], after[:, :4])
    assert np.all(before[:, 4:] != after[:, 4:])


def test_a_sequence_in_two_parts_gives_the_same_states():
    rnn, x = layer(return_sequences=True, return_state=True), random(2, 7, 2)
    whole, last = rnn.forward(x)
    first, state = rnn.forward(x[:, :3])
    second, end = rnn.forward(x[:, 3:], state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=1e-12)
    np.testing.assert_allclose(end, last, rtol=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 4),
    t=st.integers(1, 5),
    d=st.integers(1, 4),
    h=st.integers(1, 5),
    return_sequences=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_shapes_and_dtypes(n, t, d, h, return_sequences, dtype):
    rnn = SimpleRNN(h, d, return_sequences=return_sequences, return_state=True, dtype=dtype)
    y, state = rnn.forward(random(n, t, d, dtype=dtype))
    assert y.shape == ((n, t, h) if return_sequences else (n, h))
    assert state.shape == (n, h)
    assert np.array_equal(y[:, -1] if return_sequences else y, state)
    dx = rnn.backward(np.ones_like(y))
    assert dx.shape == (n, t, d)
    assert rnn.d_initial_state.shape == (n, h)
    assert {name: g.shape for name, g in rnn.grads.items()} == {name: p.shape for name, p in rnn.params.items()}
    assert {a.dtype for a in (y, state, dx, rnn.d_initial_state, *rnn.grads.values())} == {np.dtype(dtype)}


@pytest.mark.parametrize("return_sequences", [True, False])
def test_what_was_returned_belongs_to_the_reader(return_sequences):
    rnn, x = layer(return_sequences=return_sequences, return_state=True), random(2, 3, 2)
    y, state = rnn.forward(x)
    kept = y.copy()
    dx = rnn.backward(np.ones_like(y))
    rnn.forward(random(2, 3, 2, seed=9))
    assert np.array_equal(y, kept)
    y, state = rnn.forward(x)
    y[:] = state[:] = 0  # must not reach into what backward works with
    assert np.array_equal(rnn.backward(np.ones_like(y)), dx)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: SimpleRNN(0, 2), ValueError, "units must be at least 1, got 0"),
        (lambda: SimpleRNN(2.5, 2), TypeError, "units must be a whole number, got 2.5"),
        (lambda: SimpleRNN(3, 2, activation="tahn"), ValueError, "did you mean 'tanh'"),
        (lambda: SimpleRNN(3, 2, dtype="int32"), ValueError, "'float32' or 'float64', got 'int32'"),
        (lambda: layer().forward(random(4, 2)), ValueError, r"x must have 3 axes \(N, T, 2\), got shape \(4, 2\)"),
        (lambda: layer().forward(random(4, 5, 3)), ValueError, r"got \(4, 5, 3\): axis 2 is 3, not 2"),
        (lambda: layer().forward(random(4, 0, 2)), ValueError, "x is empty: axis 1"),
        (lambda: layer().forward([[[1.0, 2.0]]]), TypeError, "x must be a NumPy array .* got list"),
        (lambda: layer().forward(random(4, 5, 2, dtype="float32")), TypeError, r"use x.astype\('float64'\)"),
        (lambda: layer().forward(random(4, 5, 2), random(5, 3)), ValueError, "initial_state must have shape"),
        (lambda: layer().forward(random(4, 5, 2), random(3)), ValueError, "initial_state must have 2 axes"),
        (lambda: layer().backward(random(4, 3)), RuntimeError, r"call forward\(x\) first"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("return_sequences", [True, False])
def test_backward_refuses_what_is_no_gradient_of_the_output(return_sequences):
    rnn = layer(return_sequences=return_sequences)
    rnn.forward(random(4, 5, 2))
    with pytest.raises(ValueError, match="dy must have"):
        rnn.backward(random(4, 3) if return_sequences else random(4, 5, 3))
    with pytest.raises(ValueError, match="d_state must have shape"):
        rnn.backward(random(4, 5, 3) if return_sequences else random(4, 3), random(4, 2))


def test_importing_it_starts_no_framework():
    code = "import sys, utils.numpy_layers.rnn; print([m for m in ('tensorflow', 'keras', 'jax') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

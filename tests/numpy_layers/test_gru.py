"""GRU without a framework: both conventions, numerical gradients, which state z keeps, masks, shapes, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.numpy_layers.gated_cases import MASK, numerical_errors, random, with_bias
from utils.numpy_layers.gru import GRU

CONVENTIONS = pytest.mark.parametrize("reset_after", [True, False], ids=["reset after", "reset before"])


def layer(units=3, input_dim=2, dtype="float64", **options):
    return with_bias(GRU(units, input_dim, dtype=dtype, rng=np.random.default_rng(0), **options))


@CONVENTIONS
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all steps", "masked"])
def test_gradients_are_the_numerical_ones(reset_after, return_sequences, mask):
    gru = layer(reset_after=reset_after, return_sequences=return_sequences, return_state=True)
    errors = numerical_errors(gru, random(5, 5, 2), [random(5, 3, seed=2)], mask)
    assert set(errors) == {"x", "kernel", "recurrent_kernel", "bias", "state 0"}
    assert max(errors.values()) < 1e-6, errors


def sigmoid(u):
    return 1 / (1 + np.exp(-u))


@CONVENTIONS
def test_one_step_is_what_the_equations_say(reset_after):
    gru = layer(reset_after=reset_after)
    x, h0 = random(4, 1, 2), random(4, 3, seed=2)
    W, U = (np.split(gru.params[name], 3, axis=-1) for name in ("kernel", "recurrent_kernel"))
    bias = gru.params["bias"] if reset_after else np.stack([gru.params["bias"], np.zeros(9)])
    b, b_h = (np.split(row, 3) for row in bias)
    z = sigmoid(x[:, 0] @ W[0] + h0 @ U[0] + b[0] + b_h[0])
    r = sigmoid(x[:, 0] @ W[1] + h0 @ U[1] + b[1] + b_h[1])
    if reset_after:
        n = np.tanh(x[:, 0] @ W[2] + b[2] + r * (h0 @ U[2] + b_h[2]))
    else:
        n = np.tanh(x[:, 0] @ W[2] + (r * h0) @ U[2] + b[2])
    np.testing.assert_allclose(gru.forward(x, h0), z * h0 + (1 - z) * n, rtol=1e-12)
    for name, value in {"z": z, "r": r, "n": n}.items():
        np.testing.assert_allclose(gru.gates[name][:, 0], value, rtol=1e-12)


@CONVENTIONS
def test_z_at_one_keeps_the_state_and_at_zero_replaces_it(reset_after):
    gru, x, h0 = layer(reset_after=reset_after), random(4, 6, 2), random(4, 3, seed=2)
    first_row = gru.params["bias"][0] if reset_after else gru.params["bias"]
    first_row[:3] = 60
    np.testing.assert_allclose(gru.forward(x, h0), h0, rtol=1e-12)
    first_row[:3] = -60
    np.testing.assert_allclose(gru.forward(x, h0), gru.gates["n"][:, -1], rtol=1e-12)


def test_the_conventions_agree_where_the_reset_gate_is_open():
    """r = 1 makes (r h) U and r (h U) the same; with r = 0.5 a diagonal U does, any other does not."""
    after, before = layer(reset_after=True), layer(reset_after=False)
    after.params["bias"][1] = 0
    before.params["bias"][:] = after.params["bias"][0]
    x, h0 = random(4, 3, 2), random(4, 3, seed=2)
    assert np.max(np.abs(after.forward(x, h0) - before.forward(x, h0))) > 1e-3
    for gru in (after, before):
        gru.params["kernel"][:, 3:6] = gru.params["recurrent_kernel"][:, 3:6] = 0
        (gru.params["bias"][0] if gru is after else gru.params["bias"])[3:6] = 60
    np.testing.assert_allclose(after.forward(x, h0), before.forward(x, h0), rtol=1e-12)


@CONVENTIONS
@pytest.mark.parametrize("padding", ["behind", "in front"])
def test_a_masked_step_might_as_well_not_be_there(reset_after, padding):
    gru = layer(reset_after=reset_after, return_sequences=True, return_state=True)
    x, h0 = random(4, 3, 2), random(4, 3, seed=2)
    y, h = gru.forward(x, h0)
    rubbish, count = 100 * random(4, 2, 2, seed=4), np.ones((4, 3), bool)
    ends = ([x, rubbish], [count, ~count[:, :2]]) if padding == "behind" else ([rubbish, x], [~count[:, :2], count])
    long, mask = (np.concatenate(parts, axis=1) for parts in ends)
    long_y, long_h = gru.forward(long, h0, mask)
    assert np.array_equal(h, long_h)
    if padding == "behind":
        assert np.array_equal(long_y[:, :3], y) and np.array_equal(long_y[:, 4], y[:, 2])
    else:
        assert np.array_equal(long_y[:, 2:], y) and not long_y[:, :2].any()


@CONVENTIONS
def test_a_sequence_in_two_parts_gives_the_same_states(reset_after):
    gru, x = layer(reset_after=reset_after, return_sequences=True, return_state=True), random(2, 7, 2)
    whole, last = gru.forward(x)
    first, state = gru.forward(x[:, :3])
    second, end = gru.forward(x[:, 3:], state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=1e-12)
    np.testing.assert_allclose(end, last, rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(1, 4),
    t=st.integers(1, 5),
    d=st.integers(1, 4),
    h=st.integers(1, 5),
    return_sequences=st.booleans(),
    reset_after=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_shapes_and_dtypes(n, t, d, h, return_sequences, reset_after, dtype):
    gru = GRU(h, d, reset_after=reset_after, return_sequences=return_sequences, return_state=True, dtype=dtype)
    mask = np.random.default_rng(t).random((n, t)) > 0.3
    y, state = gru.forward(random(n, t, d, dtype=dtype), mask=mask)
    assert y.shape == ((n, t, h) if return_sequences else (n, h)) and state.shape == (n, h)
    dx = gru.backward(np.ones_like(y))
    assert dx.shape == (n, t, d) and gru.d_initial_state.shape == (n, h)
    assert {name: g.shape for name, g in gru.grads.items()} == {name: p.shape for name, p in gru.params.items()}
    assert sum(p.size for p in gru.params.values()) == 3 * (h * (h + d) + h * (2 if reset_after else 1))
    assert {a.dtype for a in (y, state, dx, gru.d_initial_state, *gru.grads.values())} == {np.dtype(dtype)}


@CONVENTIONS
def test_what_was_returned_belongs_to_the_reader(reset_after):
    gru, x = layer(reset_after=reset_after, return_sequences=True, return_state=True), random(2, 3, 2)
    y, _ = gru.forward(x)
    kept = y.copy()
    dx = gru.backward(np.ones_like(y))
    assert np.array_equal(gru.backward(np.ones_like(y)), dx)
    gru.forward(random(2, 3, 2, seed=9))
    assert np.array_equal(y, kept)
    y, h = gru.forward(x)
    y[:] = h[:] = 0
    assert np.array_equal(gru.backward(np.ones_like(kept)), dx)


X = random(4, 5, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: GRU(2.5, 2), TypeError, "units must be a whole number, got 2.5"),
        (lambda: layer().forward(X[0]), ValueError, r"x must have 3 axes \(N, T, 2\), got shape \(5, 2\)"),
        (lambda: layer().forward(X, random(4, 2)), ValueError, "initial_state must have shape"),
        (lambda: layer().forward(X, mask=MASK), ValueError, r"mask must have the shape \(N, T\) = \(4, 5\)"),
        (lambda: layer().backward(random(4, 3)), RuntimeError, r"call forward\(x\) first"),
        (lambda: layer().gates, RuntimeError, r"call forward\(x\) first"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_backward_refuses_what_is_no_gradient_of_the_output():
    gru = layer()
    gru.forward(X)
    with pytest.raises(ValueError, match="dy must have"):
        gru.backward(random(4, 5, 3))
    with pytest.raises(ValueError, match="d_state must have shape"):
        gru.backward(random(4, 3), random(5, 3))

"""LSTM without a framework: numerical gradients, the cell's own gradient, masks, shapes, errors."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.numpy_layers.gated_cases import MASK, numerical_errors, random, with_bias
from utils.gradient_check import check_layer
from utils.numpy_layers.lstm import LSTM


def layer(units=3, input_dim=2, dtype="float64", **options):
    return with_bias(LSTM(units, input_dim, dtype=dtype, rng=np.random.default_rng(0), **options))


@pytest.mark.parametrize("peephole", [False, True])
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all steps", "masked"])
def test_gradients_are_the_numerical_ones(peephole, return_sequences, mask):
    lstm = layer(peephole=peephole, return_sequences=return_sequences, return_state=True)
    errors = numerical_errors(lstm, random(5, 5, 2), [random(5, 3, seed=2), random(5, 3, seed=3)], mask)
    assert set(errors) == {"x", *lstm.params, "state 0", "state 1"}
    assert max(errors.values()) < 1e-6, errors


def sigmoid(u):
    return 1 / (1 + np.exp(-u))


@pytest.mark.parametrize("peephole", [False, True])
def test_one_step_is_what_the_equations_say(peephole):
    """Symbol by symbol, with every gate in its own line (Graves 2013, eqs. (7)-(11))."""
    lstm = layer(peephole=peephole, return_state=True)
    x, h0, c0 = random(4, 1, 2), random(4, 3, seed=2), random(4, 3, seed=3)
    W, U, b = (np.split(lstm.params[name], 4, axis=-1) for name in ("kernel", "recurrent_kernel", "bias"))
    p_i, p_f, p_o = lstm.params["peephole"] if peephole else np.zeros((3, 3))
    u_i, u_f, u_g, u_o = (x[:, 0] @ W[k] + h0 @ U[k] + b[k] for k in range(4))
    i, f = sigmoid(u_i + c0 * p_i), sigmoid(u_f + c0 * p_f)
    c = f * c0 + i * np.tanh(u_g)
    h = sigmoid(u_o + c * p_o) * np.tanh(c)
    y, *states = lstm.forward(x, (h0, c0))
    for mine, expected in zip((y, *states), (h, h, c), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-12)
    np.testing.assert_allclose(lstm.gates["f"][:, 0], f, rtol=1e-12)
    np.testing.assert_allclose(lstm.cells[:, 0], c, rtol=1e-12)


def test_the_forget_gate_starts_open():
    lstm = LSTM(3, 2)
    assert lstm.params["bias"].tolist() == [0] * 3 + [1] * 3 + [0] * 6
    lstm.forward(np.zeros((1, 1, 2), "float32"))
    assert np.allclose(lstm.gates["f"], 0.731, atol=1e-3) and np.allclose(lstm.gates["i"], 0.5)


def test_along_the_cell_the_gradient_is_the_product_of_the_forget_gates():
    """Without the way through h (recurrent weights 0), ∂c[T]/∂c[t] = f[t+1] ⊙ … ⊙ f[T]: the constant error carousel."""
    lstm = layer(return_state=True)
    lstm.params["recurrent_kernel"][:] = 0
    lstm.forward(random(4, 6, 2))
    lstm.backward(np.zeros((4, 3)), (np.zeros((4, 3)), np.ones((4, 3))))
    f = lstm.gates["f"]
    for t in range(6):
        np.testing.assert_allclose(lstm.d_cells[:, t], np.prod(f[:, t + 1 :], axis=1), rtol=1e-12)
    np.testing.assert_allclose(lstm.d_initial_state[1], np.prod(f, axis=1), rtol=1e-12)


def test_with_the_forget_gate_at_one_the_gradient_keeps_its_length():
    lstm = layer(return_state=True)
    for name, weight in lstm.params.items():
        weight[..., 3:6] = 50 if name == "bias" else 0
    lstm.params["recurrent_kernel"][:] = 0
    lstm.forward(random(2, 200, 2))
    lstm.backward(np.zeros((2, 3)), (np.zeros((2, 3)), np.ones((2, 3))))
    assert np.array_equal(lstm.d_initial_state[1], np.ones((2, 3)))


@pytest.mark.parametrize("padding", ["behind", "in front"])
def test_a_masked_step_might_as_well_not_be_there(padding):
    lstm = layer(return_sequences=True, return_state=True, peephole=True)
    x = random(4, 3, 2)
    states = random(4, 3, seed=2), random(4, 3, seed=3)
    y, h, c = lstm.forward(x, states)
    rubbish, count = 100 * random(4, 2, 2, seed=4), np.ones((4, 3), bool)
    ends = ([x, rubbish], [count, ~count[:, :2]]) if padding == "behind" else ([rubbish, x], [~count[:, :2], count])
    long, mask = (np.concatenate(parts, axis=1) for parts in ends)
    long_y, long_h, long_c = lstm.forward(long, states, mask)
    assert np.array_equal(h, long_h) and np.array_equal(c, long_c)
    if padding == "behind":
        assert np.array_equal(long_y[:, :3], y)
        assert np.array_equal(long_y[:, 3], y[:, 2]) and np.array_equal(long_y[:, 4], y[:, 2])
    else:
        assert np.array_equal(long_y[:, 2:], y) and not long_y[:, :2].any()


def test_a_state_never_reads_the_future():
    lstm, x = layer(return_sequences=True), random(2, 6, 2)
    before = lstm.forward(x)
    x[:, 4:] += 1
    after = lstm.forward(x)
    assert np.array_equal(before[:, :4], after[:, :4])
    assert np.all(before[:, 4:] != after[:, 4:])


def test_a_sequence_in_two_parts_gives_the_same_states():
    lstm, x = layer(return_sequences=True, return_state=True), random(2, 7, 2)
    whole, *last = lstm.forward(x)
    first, *state = lstm.forward(x[:, :3])
    second, *end = lstm.forward(x[:, 3:], state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=1e-12)
    np.testing.assert_allclose(end, last, rtol=1e-12)


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(1, 4),
    t=st.integers(1, 5),
    d=st.integers(1, 4),
    h=st.integers(1, 5),
    return_sequences=st.booleans(),
    peephole=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_shapes_and_dtypes(n, t, d, h, return_sequences, peephole, dtype):
    lstm = LSTM(h, d, peephole=peephole, return_sequences=return_sequences, return_state=True, dtype=dtype)
    mask = np.random.default_rng(t).random((n, t)) > 0.3
    y, *states = lstm.forward(random(n, t, d, dtype=dtype), mask=mask)
    assert y.shape == ((n, t, h) if return_sequences else (n, h))
    assert [state.shape for state in states] == [(n, h), (n, h)]
    dx = lstm.backward(np.ones_like(y))
    assert dx.shape == (n, t, d) and lstm.d_cells.shape == (n, t, h)
    assert {name: g.shape for name, g in lstm.grads.items()} == {name: p.shape for name, p in lstm.params.items()}
    assert sum(p.size for p in lstm.params.values()) == 4 * (h * (h + d) + h) + (3 * h if peephole else 0)
    arrays = (y, *states, dx, *lstm.d_initial_state, lstm.d_cells, *lstm.grads.values())
    assert {a.dtype for a in arrays} == {np.dtype(dtype)}


@pytest.mark.parametrize("return_sequences", [True, False])
def test_what_was_returned_belongs_to_the_reader(return_sequences):
    lstm, x = layer(return_sequences=return_sequences, return_state=True), random(2, 3, 2)
    y, *_ = lstm.forward(x)
    kept = y.copy()
    dx = lstm.backward(np.ones_like(y))
    assert np.array_equal(lstm.backward(np.ones_like(y)), dx)  # the first call has left the values as they were
    lstm.forward(random(2, 3, 2, seed=9))
    assert np.array_equal(y, kept)
    y, h, c = lstm.forward(x)
    y[:] = h[:] = c[:] = 0  # must not reach into what backward works with
    assert np.array_equal(lstm.backward(np.ones_like(kept)), dx)


def test_check_layer_knows_it():
    assert max(check_layer(layer(peephole=True), random(2, 4, 2)).values()) < 1e-6


X = random(4, 5, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: LSTM(0, 2), ValueError, "units must be at least 1, got 0"),
        (lambda: LSTM(3, 2, dtype="int32"), ValueError, "'float32' or 'float64', got 'int32'"),
        (lambda: layer().forward(X[0]), ValueError, r"x must have 3 axes \(N, T, 2\), got shape \(5, 2\)"),
        (lambda: layer().forward(X[:, :0]), ValueError, "x is empty: axis 1"),
        (lambda: layer().forward(X.astype("float32")), TypeError, r"use x.astype\('float64'\)"),
        (lambda: layer().forward(X, random(4, 3)), ValueError, r"must be a pair \(h, c\) .* got one array of shape"),
        (lambda: layer().forward(X, [random(4, 3)]), ValueError, r"must be a pair \(h, c\)"),
        (
            lambda: layer().forward(X, (random(4, 3), random(5, 3))),
            ValueError,
            r"initial_state c must have shape \(4, 3",
        ),
        (lambda: layer().forward(X, mask=MASK), ValueError, r"mask must have the shape \(N, T\) = \(4, 5\)"),
        (lambda: layer().forward(X, mask=np.ones((4, 5))), TypeError, r"mask must be bool .* use mask.astype\(bool\)"),
        (lambda: layer().forward(X, mask=[[True]]), TypeError, "mask must be a NumPy array of bool"),
        (lambda: layer().backward(random(4, 3)), RuntimeError, r"call forward\(x\) first"),
        (lambda: layer().gates, RuntimeError, r"call forward\(x\) first"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_backward_refuses_what_is_no_gradient_of_the_output():
    lstm = layer()
    lstm.forward(X)
    with pytest.raises(ValueError, match="dy must have"):
        lstm.backward(random(4, 5, 3))
    with pytest.raises(ValueError, match="d_state must be a pair"):
        lstm.backward(random(4, 3), random(4, 3))


def test_importing_it_starts_no_framework():
    code = (
        "import sys; from utils.numpy_layers import lstm, gru, bidirectional; "
        "print([m for m in ('tensorflow', 'keras', 'jax') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

"""Truncated BPTT: when it is exact, what it leaves out, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.gradient_check import relative_error
from utils.numpy_layers.rnn import SimpleRNN
from utils.numpy_layers.truncated import truncated_bptt

T, H, D = 8, 3, 2


def setting(seed=0):
    rng = np.random.default_rng(seed)
    rnn = SimpleRNN(H, D, return_sequences=True, dtype="float64", rng=rng)
    return rnn, rng.standard_normal((4, T, D)), rng.standard_normal((4, T, H)), rng.standard_normal((4, H))


def full(rnn, x, dy, h0=None):
    rnn.forward(x, h0)
    return rnn.backward(dy), dict(rnn.grads)


@pytest.mark.parametrize(("k1", "k2"), [(8, 8), (8, None), (9, 20), (1, 8), (3, 8), (4, 100)])
def test_a_window_over_the_whole_sequence_is_full_bptt(k1, k2):
    rnn, x, dy, h0 = setting()
    dx, grads = truncated_bptt(rnn, x, dy, k1, k2, h0)
    full_dx, full_grads = full(rnn, x, dy, h0)
    assert relative_error(dx, full_dx) < 1e-12
    assert max(relative_error(grads[name], full_grads[name]) for name in grads) < 1e-12


def by_definition(rnn, x, dy, k1, k2):
    """Each loss alone, back to where its window begins: sums of full BPTT over parts of the sequence."""
    h = rnn.forward(x)
    total = {name: 0 for name in rnn.params}
    for t in range(T):
        end = min((t // k1 + 1) * k1, T)
        start = max(0, end - k2)
        rnn.forward(x[:, start : t + 1], h[:, start - 1].copy() if start else None)
        only_t = np.zeros((4, t + 1 - start, H))
        only_t[:, -1] = dy[:, t]
        rnn.backward(only_t)
        for name in total:
            total[name] = total[name] + rnn.grads[name]
    return total


@settings(deadline=None, max_examples=25)
@given(k1=st.integers(1, 9), more=st.integers(0, 5))
def test_each_loss_goes_back_to_the_start_of_its_window(k1, more):
    rnn, x, dy, _ = setting()
    _, grads = truncated_bptt(rnn, x, dy, k1, k1 + more)
    expected = by_definition(rnn, x, dy, k1, k1 + more)
    assert max(relative_error(grads[name], expected[name]) for name in grads) < 1e-12


def test_a_shorter_window_is_biased_and_more_so_the_shorter_it_is():
    rnn, x, dy, _ = setting()
    rnn.params["recurrent_kernel"] *= 0.8
    _, exact = full(rnn, x, dy)
    bias = [
        relative_error(truncated_bptt(rnn, x, dy, 1, k2)[1]["recurrent_kernel"], exact["recurrent_kernel"])
        for k2 in (1, 2, 4, 8)
    ]
    assert bias[0] > 0.2
    assert bias[0] > bias[1] > bias[2] > 1e-3
    assert bias[3] < 1e-12


def test_errors():
    rnn, x, dy, _ = setting()
    with pytest.raises(ValueError, match="k2 must be at least k1"):
        truncated_bptt(rnn, x, dy, 4, 2)
    with pytest.raises(ValueError, match="k1 must be at least 1"):
        truncated_bptt(rnn, x, dy, 0)
    with pytest.raises(TypeError, match="k2 must be a whole number"):
        truncated_bptt(rnn, x, dy, 1, 2.0)
    with pytest.raises(ValueError, match="dy must have shape"):
        truncated_bptt(rnn, x, dy[:, 1:], 2)
    with pytest.raises(ValueError, match="return_sequences=True"):
        truncated_bptt(SimpleRNN(H, D, dtype="float64"), x, dy, 2)

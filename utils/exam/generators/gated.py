"""Calculations on gated recurrent layers: a memory cell by hand, its gradient, a GRU's state, parameter counts."""

import numpy as np

from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers.bidirectional import Bidirectional
from utils.numpy_layers.gru import GRU
from utils.numpy_layers.lstm import LSTM


def _logit(value):
    return np.log(value / (1 - value))


def _cell(c, i, f, g, o, d):
    """One step of a one-unit LSTM whose gates have these values: its new cell, ∂E/∂c[t-1], and ∂E/∂u of each gate.

    With all weights 0 the biases alone set the gates; their gradients are those of the pre-activations. d: ∂E/∂c[t].
    """
    lstm = LSTM(1, 1, return_state=True, dtype="float64")
    lstm.params["kernel"][:] = lstm.params["recurrent_kernel"][:] = 0
    lstm.params["bias"][:] = _logit(i), _logit(f), np.arctanh(g), _logit(o)
    nothing = np.zeros((1, 1))
    _, _, new = lstm.forward(np.zeros((1, 1, 1)), (nothing, np.array([[float(c)]])))
    lstm.backward(nothing, (nothing, np.array([[float(d)]])))
    return new.item(), lstm.d_initial_state[1].item(), dict(zip("ifgo", lstm.grads["bias"].tolist(), strict=True))


def _cell_questions(rng):
    """The four questions of the linked set on one drawn cell: name -> Problem."""
    i, f = (float(v) for v in rng.choice([0.2, 0.4, 0.6, 0.8, 0.9], 2, replace=False))
    g = float(rng.choice([-0.8, -0.6, -0.5, 0.5, 0.6, 0.8]))
    c, d = int(rng.choice([-3, -2, 2, 3])), int(rng.choice([-2, 2, 3, 5]))
    new, before, du = _cell(c, i, f, g, 0.5, d)
    values = {"c": c, "i": i, "f": f, "g": g, "d": d}
    slope_f, slope_g = f"{f * (1 - f):.2f}", f"{1 - g * g:.2f}"
    values |= {"slope_f": slope_f, "slope_g": slope_g}
    return {
        "cell": Problem(
            values,
            new,
            {
                "gates_swapped": i * c + f * g,
                "forget_means_forget": (1 - f) * c + i * g,
                "no_forgetting": c + i * g,
                "tied": f * c + (1 - f) * g,
            },
        ),
        "back": Problem(
            values,
            before,
            {"undiminished": float(d), "input_gate": d * i, "slope": d * f * (1 - f), "one_minus": d * (1 - f)},
        ),
        "forget": Problem(
            values,
            du["f"],
            {"no_slope": float(d * c), "candidate": d * g * f * (1 - f), "tanh_slope": d * c * (1 - f * f)},
        ),
        "candidate": Problem(
            values,
            du["g"],
            {"no_slope": d * i, "sigmoid_slope": d * i * g * (1 - g), "forget_gate": d * f * (1 - g * g)},
        ),
    }


def cell_new(rng):
    """c^t of a one-unit LSTM."""
    return linked(rng, _cell_questions, "cell", "{:.3f}")


def cell_back(rng):
    """∂E/∂c^{t-1} along the memory of the same cell."""
    return linked(rng, _cell_questions, "back", "{:.3f}")


def cell_forget(rng):
    """∂E/∂u_f of the same cell."""
    return linked(rng, _cell_questions, "forget", "{:.3f}")


def cell_candidate(rng):
    """∂E/∂u_g of the same cell."""
    return linked(rng, _cell_questions, "candidate", "{:.3f}")


def _count(layer):
    return sum(p.size for p in layer.params.values())


def lstm_parameters(rng):
    """Weights of an LSTM."""

    def draw(rng):
        x, h = int(rng.integers(4, 65)), int(rng.integers(8, 129))
        return Problem(
            values={"x": x, "h": h, "one": h * (h + x) + h},
            answer=_count(LSTM(h, x)),
            mistakes={
                "candidate_forgotten": 3 * (h * (h + x) + h),
                "no_bias": 4 * h * (h + x),
                "no_recurrent": 4 * (h * x + h),
                "one_gate": h * (h + x) + h,
            },
        )

    return distinct(rng, draw)


def gru_parameters(rng):
    """Weights of a Keras GRU with its default reset_after=True."""

    def draw(rng):
        x, h = int(rng.integers(4, 65)), int(rng.integers(8, 129))
        return Problem(
            values={"x": x, "h": h},
            answer=_count(GRU(h, x)),
            mistakes={
                "one_bias": _count(GRU(h, x, reset_after=False)),
                "two_gates": 2 * (h * (h + x) + 2 * h),
                "as_lstm": 4 * (h * (h + x) + h),
                "no_bias": 3 * h * (h + x),
            },
        )

    return distinct(rng, draw)


def bidirectional_parameters(rng):
    """Weights of a bidirectional LSTM and the dense layer behind it."""

    def draw(rng):
        x, h, k = int(rng.integers(4, 33)), int(rng.integers(8, 65)), int(rng.integers(2, 11))
        both = _count(Bidirectional(LSTM(h, x), LSTM(h, x)))
        return Problem(
            values={"x": x, "h": h, "k": k, "both": both, "dense": 2 * h * k + k},
            answer=both + 2 * h * k + k,
            mistakes={
                "shared": both // 2 + 2 * h * k + k,
                "narrow_dense": both + h * k + k,
                "one_way": both // 2 + h * k + k,
            },
        )

    return distinct(rng, draw)


def carousel(rng):
    """What is left of a gradient along the memory after some steps with one and the same forget gate."""

    def draw(rng):
        f, steps = float(rng.choice([0.5, 0.7, 0.8, 0.9, 0.95])), int(rng.integers(5, 21))
        return Problem(
            values={"f": f, "steps": steps},
            answer=f**steps,
            mistakes={
                "always_one": 1.0,
                "closed": (1 - f) ** steps,
                "slope": (f * (1 - f)) ** steps,
                "once": f,
            },
        )

    return distinct(rng, draw, format="{:.1e}")


def gru_state(rng):
    """New state of a one-unit GRU in Keras' convention."""

    def draw(rng):
        z = float(rng.choice([0.1, 0.2, 0.3, 0.7, 0.8, 0.9]))
        h, n = float(rng.choice([-0.8, -0.5, 0.5, 0.9])), float(rng.choice([-0.6, -0.4, 0.4, 0.6]))
        gru = GRU(1, 1, reset_after=False, dtype="float64")
        gru.params["kernel"][:] = gru.params["recurrent_kernel"][:] = 0
        gru.params["bias"][:] = _logit(z), 0, np.arctanh(n)
        return Problem(
            values={"z": z, "h": h, "n": n, "rest": f"{1 - z:g}"},
            answer=gru.forward(np.zeros((1, 1, 1)), np.array([[h]])).item(),
            mistakes={
                "other_convention": (1 - z) * h + z * n,
                "nothing_weighted": z * h + n,
                "replaced": (1 - z) * n,
                "mean": (h + n) / 2,
            },
        )

    return distinct(rng, draw, format="{:.3f}")

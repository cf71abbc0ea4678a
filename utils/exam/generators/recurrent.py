"""Calculations on recurrent networks: a scalar RNN by hand, parameter counts, clipping, vanishing gradients."""

import numpy as np

from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers.clipping import clip_by_global_norm, clip_by_norm
from utils.numpy_layers.rnn import SimpleRNN


def _bptt(W, W_out, x, z, d_out):
    """(δ^1, δ^2), ∂E/∂W and ∂E/∂W_in of a scalar tanh RNN of two steps with z^0 = 0, by the tested layer."""
    rnn = SimpleRNN(1, 1, return_sequences=True, dtype="float64")
    # W_in and b are what makes the network pass through the given states.
    u = np.arctanh(z) - np.array([0, W * z[0]])
    w_in, b = np.linalg.solve([[x[0], 1], [x[1], 1]], u)
    rnn.params = {
        "kernel": np.array([[w_in]]),
        "recurrent_kernel": np.array([[float(W)]]),
        "bias": np.array([b]),
    }
    states = rnn.forward(np.array(x, dtype=float).reshape(1, 2, 1))
    if not np.allclose(states.ravel(), z):
        raise ValueError(f"the states are {states.ravel()}, expected {z}")
    rnn.backward(np.array(d_out, dtype=float).reshape(1, 2, 1) * W_out)
    return rnn.delta.ravel().tolist(), rnn.grads["recurrent_kernel"].item(), rnn.grads["kernel"].item()


def _scalar_questions(rng):
    """The four questions of the linked set on one drawn network: name -> Problem."""
    z1, z2 = (float(z) for z in rng.choice([0.5, 0.6, 0.8], 2, replace=False))
    W, W_out = float(rng.choice([-2.0, -1.5, 1.5, 2.0])), int(rng.choice([2, 3, 4]))
    x1, x2 = (int(x) for x in rng.choice([1, 2, 3], 2, replace=False))
    o1, o2 = (int(o) for o in rng.choice([-2, -1, 1, 2], 2, replace=False))
    (d1, d2), dW, dW_in = _bptt(W, W_out, (x1, x2), (z1, z2), (o1, o2))
    s1, s2 = 1 - z1**2, 1 - z2**2
    values = {"z1": z1, "z2": z2, "W": W, "W_out": W_out, "x1": x1, "x2": x2, "o1": o1, "o2": o2}
    values |= {"d1": f"{d1:g}", "d2": f"{d2:g}", "s1": f"{s1:.2f}", "s2": f"{s2:.2f}"}
    return {
        "last": Problem(
            values,
            d2,
            {
                "no_slope": o2 * W_out,
                "sigmoid_slope": o2 * W_out * z2 * (1 - z2),
                "slope_not_squared": o2 * W_out * (1 - z2),
            },
        ),
        "first": Problem(
            values,
            d1,
            {
                "no_future": o1 * W_out * s1,
                "no_own_output": d2 * W * s1,
                "slope_on_one_term": o1 * W_out * s1 + d2 * W,
            },
        ),
        "recurrent": Problem(
            values,
            dW,
            {"same_step": d1 * z1 + d2 * z2, "other_delta": d1 * z1, "last_state": d2 * z2},
        ),
        "input": Problem(
            values,
            dW_in,
            {"last_step_only": d2 * x2, "mean": dW_in / 2, "output_delta": (o1 * x1 + o2 * x2) * float(W_out)},
        ),
    }


def scalar_last_delta(rng):
    """δ^2 of a scalar tanh RNN of two steps."""
    return linked(rng, _scalar_questions, "last", "{:g}")


def scalar_first_delta(rng):
    """δ^1 of the same network."""
    return linked(rng, _scalar_questions, "first", "{:g}")


def scalar_recurrent_gradient(rng):
    """∂E/∂W of the same network."""
    return linked(rng, _scalar_questions, "recurrent", "{:g}")


def scalar_input_gradient(rng):
    """∂E/∂W_in of the same network."""
    return linked(rng, _scalar_questions, "input", "{:g}")


def parameters(rng):
    """Weights of a SimpleRNN."""

    def draw(rng):
        steps, features, units = int(rng.integers(10, 40)), int(rng.integers(5, 30)), int(rng.integers(8, 65))
        rnn = SimpleRNN(units, features)
        return Problem(
            values={"steps": steps, "features": features, "units": units},
            answer=sum(p.size for p in rnn.params.values()),
            mistakes={
                "no_recurrent_kernel": features * units + units,
                "no_bias": features * units + units * units,
                "once_a_step": steps * (features * units + units * units + units),
                "recurrent_is_diagonal": features * units + 2 * units,
            },
        )

    return distinct(rng, draw)


def clip_one(rng):
    """The first element of one gradient after clipping by norm."""

    def draw(rng):
        a, b, norm = [(3, 4, 5), (6, 8, 10), (5, 12, 13), (8, 6, 10), (4, 3, 5), (9, 12, 15)][int(rng.integers(6))]
        threshold = float(rng.choice([0.5, 1.0, 2.0, 2.5]))
        return Problem(
            values={"a": a, "b": b, "threshold": threshold, "norm": norm},
            answer=float(clip_by_norm(np.array([a, b], float), threshold)[0]),
            mistakes={
                "by_value": min(float(a), threshold),
                "sum_of_elements": a * threshold / (a + b),
                "no_root": a * threshold / (a**2 + b**2),
            },
        )

    return distinct(rng, draw, format="{:.3f}")


def clip_together(rng):
    """The gradient of one variable after clipping by global norm."""

    def draw(rng):
        first, second, norm = [(3, 4, 5), (6, 8, 10), (5, 12, 13), (8, 6, 10), (12, 9, 15), (8, 15, 17)][
            int(rng.integers(6))
        ]
        threshold = float(rng.choice([1.0, 2.0, 2.5, 5.0]))
        clipped, _ = clip_by_global_norm(
            {"kernel": np.array([float(first)]), "bias": np.array([float(second)])}, threshold
        )
        return Problem(
            values={"first": first, "second": second, "threshold": threshold, "norm": norm},
            answer=float(clipped["kernel"][0]),
            mistakes={
                "each_alone": min(float(first), threshold),
                "sum_of_norms": first * threshold / (first + second),
                "divided_in_half": first * threshold / (2 * norm),
            },
        )

    return distinct(rng, draw, format="{:.3f}")


def vanishing_bound(rng):
    """Largest factor by which a gradient can survive some steps in a sigmoid network."""

    def draw(rng):
        sigma, steps = float(rng.choice([0.8, 1.2, 1.6, 2.0])), int(rng.integers(3, 9))
        return Problem(
            values={"sigma": sigma, "steps": steps},
            answer=(sigma / 4) ** steps,
            mistakes={
                "slope_of_tanh": sigma**steps,
                "slope_once": sigma**steps / 4,
                "product_not_power": sigma * steps / 4,
                "slope_one_half": (sigma / 2) ** steps,
            },
        )

    return distinct(rng, draw, format="{:.1e}")

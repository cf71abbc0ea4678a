"""What the tests of LSTM, GRU and Bidirectional share: random arrays, a mask with every hard case, comparisons."""

import numpy as np

from utils.gradient_check import numerical_gradient, relative_error


def random(*shape, seed=1, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def with_bias(layer, seed=7):
    """The layer with biases that are not zero, so that a forgotten one shows."""
    for name, weight in layer.params.items():
        if name.endswith("bias"):
            weight[...] = 0.5 * random(*weight.shape, seed=seed)
    return layer


# Padded behind, padded in front, a gap, nothing at all, everything.
MASK = np.array(
    [
        [True, True, True, False, False],
        [False, False, True, True, True],
        [True, False, True, False, True],
        [False, False, False, False, False],
        [True, True, True, True, True],
    ]
)


def numerical_errors(layer, x, states, mask=None):
    """Relative error of every gradient against the numerical one: of x, all weights, and the initial states.

    Args:
        layer: with `return_state`, float64.
        states: list of the initial states (N, H).
    """
    start = states[0] if len(states) == 1 else tuple(states)
    options = {} if mask is None else {"mask": mask}
    results = layer.forward(x, start, **options)
    ups = [random(*result.shape, seed=20 + k) for k, result in enumerate(results)]

    def loss():
        return float(
            sum(np.sum(up * result) for up, result in zip(ups, layer.forward(x, start, **options), strict=True))
        )

    dx = layer.backward(ups[0], ups[1] if len(states) == 1 else tuple(ups[1:]))
    d_states = [layer.d_initial_state] if len(states) == 1 else layer.d_initial_state
    analytic = {"x": dx, **layer.grads} | {f"state {k}": d for k, d in enumerate(d_states)}
    analytic = {name: np.array(gradient) for name, gradient in analytic.items()}
    arrays = {"x": x, **layer.params} | {f"state {k}": state for k, state in enumerate(states)}
    return {name: relative_error(analytic[name], numerical_gradient(loss, arrays[name])) for name in arrays}


def keras_pair(ours, theirs, x, states=(), mask=None):
    """(ours, Keras') outputs, states and every gradient, as two dicts with the same names.

    Args:
        ours: layer with `return_sequences` or not, without `return_state`.
        theirs: Keras layer with the same weights.
        states: initial states, each (N, H).
    """
    import keras

    from utils.gradient_check import keras_gradients

    class FromState(keras.layers.Layer):
        """The layer as a function of its input and its initial state, so that both get a gradient."""

        def __init__(self):
            super().__init__()
            self.inner = theirs

        def call(self, inputs):
            return self.inner(inputs[0], initial_state=inputs[1:] or None, mask=mask)

    start = {0: None, 1: states[0] if states else None}.get(len(states), tuple(states))
    y = ours.forward(x, start, **({} if mask is None else {"mask": mask}))
    dy = random(*y.shape, seed=9, dtype="float32")
    mine = {"y": y, "x": ours.backward(dy), **ours.grads}
    d_states = ours.d_initial_state if isinstance(ours.d_initial_state, tuple) else (ours.d_initial_state,)
    mine |= {f"state {k}": d for k, d in enumerate(d_states[: len(states)])}
    keras_y, keras_dx, keras_dw = keras_gradients(FromState(), [x, *states], dy)
    keras_dw = [g.reshape(w.shape) for g, w in zip(keras_dw, ours.params.values(), strict=True)]
    return mine, dict(zip(mine, [keras_y, keras_dx[0], *keras_dw, *keras_dx[1:]], strict=True))


def assert_close(mine, theirs, limit=1e-5):
    for name in mine:
        assert relative_error(mine[name], theirs[name]) < limit, name

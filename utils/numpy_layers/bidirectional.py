"""Two recurrent layers over the same sequences, one from each end: Schuster and Paliwal (1997), Fig. 3.

The backward layer gets the sequence reversed and returns its states in the order in which it has read. Before the two
are joined its states must be turned round again, so that both speak about the same step.
"""

import inspect

import numpy as np

from utils.numpy_layers import checks

MERGE_MODES = ("concat", "sum", "mul", "ave")


class Bidirectional:
    """Wrapper that runs one layer forwards and one backwards in time, like `keras.layers.Bidirectional`.

    Args:
        forward_layer, backward_layer: two layers of this package (LSTM, GRU, SimpleRNN) of the same kind, with the same
            sizes, dtype, `return_sequences` and `return_state`; each has its own weights.
        merge_mode: how their outputs are joined: "concat" (…, 2H), "sum", "mul" or "ave" (…, H).

    Attributes:
        params, grads: the layers' dicts in one, the names with "forward_" and "backward_" in front.
        d_initial_state: gradients of the initial states, in the order of `initial_state`, after `backward`.

    Raises:
        ValueError: if the layers do not fit together, or for an unknown merge_mode.
    """

    def __init__(self, forward_layer, backward_layer, merge_mode="concat"):
        if forward_layer is backward_layer:
            raise ValueError("forward_layer and backward_layer are one object: build two, each has its own weights")
        for name in ("units", "input_dim", "return_sequences", "return_state", "dtype"):
            pair = [getattr(layer, name) for layer in (forward_layer, backward_layer)]
            if type(forward_layer) is not type(backward_layer) or pair[0] != pair[1]:
                kinds = [type(layer).__name__ for layer in (forward_layer, backward_layer)]
                raise ValueError(f"the two layers must be alike; got {kinds} with {name} {pair}")
        if merge_mode not in MERGE_MODES:
            raise ValueError(f"merge_mode must be one of {', '.join(MERGE_MODES)}, got {merge_mode!r}")
        self.forward_layer, self.backward_layer = forward_layer, backward_layer
        self.merge_mode = merge_mode
        self._cache = None

    @property
    def params(self):
        """Weights of both layers, by prefixed name; change the arrays in place."""
        return self._prefixed("params")

    @property
    def grads(self):
        """Gradients of both layers' weights, by prefixed name."""
        return self._prefixed("grads")

    def _prefixed(self, attribute):
        return {
            f"{prefix}_{name}": array
            for prefix, layer in (("forward", self.forward_layer), ("backward", self.backward_layer))
            for name, array in getattr(layer, attribute).items()
        }

    def forward(self, x, initial_state=None, mask=None):
        """Run both layers over a batch of sequences.

        Args:
            x: (N, T, D), T ≥ 1.
            initial_state: sequence of states, first the forward layer's, then the backward layer's (LSTM: h, c, h, c).
            mask: (N, T) bool, False where a step does not count. As in Keras, the output there is 0 if the layers
                return sequences. Not for SimpleRNN.

        Returns:
            Joined outputs (N, T, 2H) or (N, 2H), H instead of 2H for modes other than "concat"; where the layers
            return states, a tuple (output, forward states …, backward states …).

        Raises:
            ValueError, TypeError: what the layers raise, or for a wrong number of states.
        """
        options = self._options(x, initial_state, mask)
        results = []
        for layer, turned, option in zip(self._layers, (False, True), options, strict=True):
            result = layer.forward(x[:, ::-1] if turned else x, **option)
            results.append(result if layer.return_state else (result,))
        (first, *states), (second, *more_states) = results
        if self.forward_layer.return_sequences:
            second = second[:, ::-1]  # back into the order of time
            if mask is not None:
                first, second = (np.where(mask[..., None], part, 0).astype(x.dtype) for part in (first, second))
        self._cache = first, second, mask
        y = {
            "concat": lambda: np.concatenate([first, second], axis=-1),
            "sum": lambda: first + second,
            "mul": lambda: first * second,
            "ave": lambda: (first + second) / 2,
        }[self.merge_mode]()
        return (y, *states, *more_states) if self.forward_layer.return_state else y

    def backward(self, dy, d_states=None):
        """Gradients of a scalar loss, given its gradient with respect to what `forward` returned.

        Args:
            dy: gradient of the output, of its shape.
            d_states: gradients of all returned states in their order, where those were used too.

        Returns:
            dx (N, T, D), the sum of what comes back through both layers.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` or `d_states` does not fit.
        """
        if self._cache is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(x) first")
        first, second, mask = self._cache
        H = first.shape[-1]
        checks.array("dy", dy, (*first.shape[:-1], 2 * H if self.merge_mode == "concat" else H), first.dtype)
        d_first, d_second = {
            "concat": lambda: (dy[..., :H], dy[..., H:]),
            "sum": lambda: (dy, dy),
            "mul": lambda: (dy * second, dy * first),
            "ave": lambda: (dy / 2, dy / 2),
        }[self.merge_mode]()
        if self.forward_layer.return_sequences:
            if mask is not None:
                d_first, d_second = (np.where(mask[..., None], d, 0).astype(dy.dtype) for d in (d_first, d_second))
            d_second = d_second[:, ::-1]
        d_states = [None, None] if d_states is None else self._halves("d_states", d_states)
        dx = self.forward_layer.backward(d_first, d_states[0])
        dx = dx + self.backward_layer.backward(d_second, d_states[1])[:, ::-1]
        states = [layer.d_initial_state for layer in self._layers]
        self.d_initial_state = tuple(array for state in states for array in (state if _is_pair(state) else (state,)))
        return dx

    @property
    def _layers(self):
        return self.forward_layer, self.backward_layer

    def _options(self, x, initial_state, mask):
        """Keyword arguments of the two layers' forward passes; the mask is turned round as the sequence is."""
        checks.array("x", x, ("N", "T", self.forward_layer.input_dim), self.forward_layer.dtype)
        states = [None, None] if initial_state is None else self._halves("initial_state", initial_state)
        options = [{"initial_state": state} for state in states]
        if mask is not None:
            if "mask" not in inspect.signature(self.forward_layer.forward).parameters:
                raise ValueError(f"{type(self.forward_layer).__name__} takes no mask; LSTM and GRU do")
            options[0]["mask"] = mask
            options[1]["mask"] = mask[:, ::-1] if isinstance(mask, np.ndarray) and mask.ndim == 2 else mask
        return options

    def _halves(self, name, states):
        """A sequence of 2 or 4 states -> what each layer takes: an array, or a pair for an LSTM."""
        count = 4 if type(self.forward_layer).__name__ == "LSTM" else 2
        if not isinstance(states, (tuple, list)) or len(states) != count:
            got = f"{len(states)}" if isinstance(states, (tuple, list)) else type(states).__name__
            raise ValueError(f"{name} must hold {count} arrays, forward states first, then backward ones; got {got}")
        half = count // 2
        return [tuple(part) if half == 2 else part[0] for part in (states[:half], states[half:])]


def _is_pair(state):
    return isinstance(state, tuple)

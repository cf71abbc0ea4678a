"""SimpleRNN by hand: the forward pass, and back-propagation through time (BPTT).

The equations are those of the chapter 07_rnn_bptt in row vectors, with Keras' names:

    u[t] = x[t] @ kernel + h[t-1] @ recurrent_kernel + bias          h[t] = f(u[t])
    δ[t] = (dy[t] + δ[t+1] @ recurrent_kernel.T) * f'(u[t])          Werbos (1990), §III; Goodfellow (2016), §10.2.2

Here they are arranged for speed: everything that does not depend on the previous step (the input projection, all
weight gradients) is one matrix product over all steps, and the arrays inside are time first: a step is one block.
"""

import numpy as np

from utils.numpy_layers import activations, checks


class SimpleRNN:
    """Recurrent layer with one state vector, like `keras.layers.SimpleRNN`.

    Args:
        units: size H of the state.
        input_dim: number of input features D.
        activation: "tanh", "sigmoid", "relu" or "linear".
        return_sequences: return the state of every step (N, T, H), or of the last step (N, H).
        return_state: return the pair (output, last state) instead of the output alone.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first weights (as Keras: Glorot uniform kernel, orthogonal recurrent_kernel).

    Attributes:
        params, grads: dicts with "kernel" (D, H), "recurrent_kernel" (H, H), "bias" (H,).
        d_initial_state: gradient with respect to the initial state (N, H), after `backward`.
        delta: gradients δ = ∂loss/∂u of all steps (N, T, H), after `backward`.
    """

    def __init__(
        self,
        units,
        input_dim,
        activation="tanh",
        return_sequences=False,
        return_state=False,
        dtype="float32",
        rng=None,
    ):
        self.units = checks.positive_int("units", units)
        self.input_dim = checks.positive_int("input_dim", input_dim)
        self.activation = activations.get(activation)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.dtype = checks.float_dtype(dtype)
        rng = np.random.default_rng(0) if rng is None else rng
        limit = np.sqrt(6 / (input_dim + units))
        q, r = np.linalg.qr(rng.standard_normal((units, units)))
        self.params = {
            "kernel": rng.uniform(-limit, limit, (input_dim, units)).astype(self.dtype),
            # The signs make Q uniform over the orthogonal matrices; plain QR favours some (Mezzadri 2007, §5).
            "recurrent_kernel": (q * np.sign(np.diag(r))).astype(self.dtype),
            "bias": np.zeros(units, self.dtype),
        }
        self.grads = {}
        self._cache = None

    def forward(self, x, initial_state=None):
        """Run the layer over a batch of sequences.

        Args:
            x: (N, T, D), T ≥ 1.
            initial_state: (N, H); zeros where it is left out.

        Returns:
            (N, T, H) or (N, H), with `return_state` a pair whose second part is the last state (N, H).

        Raises:
            ValueError: for a wrong rank or size.  TypeError: for a dtype other than the layer's.
        """
        checks.array("x", x, ("N", "T", self.input_dim), self.dtype)
        N, T, D = x.shape
        H = self.units
        if initial_state is not None:
            checks.array("initial_state", initial_state, (N, H), self.dtype)
        x = np.ascontiguousarray(x.transpose(1, 0, 2))
        h = np.empty((T + 1, N, H), self.dtype)  # h[t] is the state after t steps
        h[0] = 0 if initial_state is None else initial_state
        # u of all steps, less what the previous state adds to it. Each u then becomes its h in place.
        np.matmul(x.reshape(T * N, D), self.params["kernel"], out=h[1:].reshape(T * N, H))
        h[1:] += self.params["bias"]
        recurrent = np.empty((N, H), self.dtype)
        for t in range(1, T + 1):
            np.matmul(h[t - 1], self.params["recurrent_kernel"], out=recurrent)
            h[t] += recurrent
            self.activation.f(h[t], out=h[t])
        self._cache = x, h
        y = h[1:].transpose(1, 0, 2).copy() if self.return_sequences else h[T].copy()
        return (y, h[T].copy()) if self.return_state else y

    def backward(self, dy, d_state=None):
        """BPTT: gradients of a scalar loss, given its gradient with respect to what `forward` returned.

        Args:
            dy: gradient of the output, of its shape.
            d_state: gradient of the last state (N, H), where that was used too (`return_state`).

        Returns:
            dx (N, T, D). Leaves the parameters' gradients, each a sum over all steps, in `grads`.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` or `d_state` does not fit.
        """
        if self._cache is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(x) first")
        x, h = self._cache
        T, N, D = x.shape
        H = self.units
        checks.array("dy", dy, (N, T, H) if self.return_sequences else (N, H), self.dtype)
        if d_state is not None:
            checks.array("d_state", d_state, (N, H), self.dtype)
        recurrent_kernel_T = self.params["recurrent_kernel"].T
        delta = np.empty((T, N, H), self.dtype)
        slope = np.empty((N, H), self.dtype)
        for t in range(T - 1, -1, -1):
            # The state of this step is read twice: by the next step …
            if t < T - 1:
                np.matmul(delta[t + 1], recurrent_kernel_T, out=delta[t])
            else:
                delta[t] = 0 if d_state is None else d_state
            # … and by the loss. Both send a gradient back; they add up.
            if self.return_sequences:
                delta[t] += dy[:, t]
            elif t == T - 1:
                delta[t] += dy
            self.activation.derivative(h[t + 1], out=slope)
            delta[t] *= slope
        # The steps share one set of weights, so each gradient is a sum over steps (and batch): one product does it.
        all_delta = delta.reshape(T * N, H)
        self.grads = {
            "kernel": x.reshape(T * N, D).T @ all_delta,
            "recurrent_kernel": h[:-1].reshape(T * N, H).T @ all_delta,
            "bias": all_delta.sum(axis=0),
        }
        self.d_initial_state = delta[0] @ recurrent_kernel_T
        self.delta = delta.transpose(1, 0, 2)
        return (all_delta @ self.params["kernel"].T).reshape(T, N, D).transpose(1, 0, 2)

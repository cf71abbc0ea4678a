"""Long Short-Term Memory by hand: the forward pass, and back-propagation through time.

The equations in row vectors with Keras' names; the columns of each weight stand in Keras' order i, f, g, o:

    i, f, o = σ(x[t] @ kernel + h[t-1] @ recurrent_kernel + bias)      g = tanh(x[t] @ kernel + …)
    c[t] = f * c[t-1] + i * g          h[t] = o * tanh(c[t])

Hochreiter and Schmidhuber (1997) without, Gers, Schmidhuber and Cummins (2000) with the forget gate; with peepholes i
and f also read c[t-1] and o reads c[t], through one weight a cell: Gers, Schraudolph and Schmidhuber (2002), Graves
(2013) eqs. (7)-(11). For speed the input projection and all weight gradients are one product over all steps, and
σ(u) = (1 + tanh(u/2)) / 2 makes the nonlinearity of a whole step one call of tanh.
"""

import numpy as np

from utils.numpy_layers import checks, gated_parts

GATES = ("i", "f", "g", "o")


class LSTM:
    """Recurrent layer with a state h and a memory cell c, like `keras.layers.LSTM`.

    Args:
        units: size H of both states.
        input_dim: number of input features D.
        peephole: whether the gates read the cell (Keras has no such layer).
        return_sequences: return h of every step (N, T, H), or of the last step (N, H).
        return_state: return (output, last h, last c) instead of the output alone.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first weights (as Keras: the forget gate's bias starts at 1).

    Attributes:
        params, grads: dicts with "kernel" (D, 4H), "recurrent_kernel" (H, 4H), "bias" (4H,); with peepholes also
            "peephole" (3, H), its rows for i, f and o.
        gates: dict from "i", "f", "g", "o" to (N, T, H), and cells: c of all steps (N, T, H), after `forward`.
        d_initial_state: gradients of the initial (h, c), each (N, H), and d_cells: ∂loss/∂c of every step (N, T, H),
            after `backward`.
    """

    def __init__(
        self,
        units,
        input_dim,
        peephole=False,
        return_sequences=False,
        return_state=False,
        dtype="float32",
        rng=None,
    ):
        self.units = checks.positive_int("units", units)
        self.input_dim = checks.positive_int("input_dim", input_dim)
        self.peephole = peephole
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.dtype = checks.float_dtype(dtype)
        rng = np.random.default_rng(0) if rng is None else rng
        self.params = gated_parts.first_weights(rng, input_dim, units, 4, self.dtype)
        # An open forget gate lets the gradient pass from the start (Gers et al. 2000; Jozefowicz et al. 2015).
        self.params["bias"] = np.repeat([0, 1, 0, 0], units).astype(self.dtype)
        if peephole:
            limit = np.sqrt(3 / units)
            self.params["peephole"] = rng.uniform(-limit, limit, (3, units)).astype(self.dtype)
        self.grads = {}
        self._cache = None

    def forward(self, x, initial_state=None, mask=None):
        """Run the layer over a batch of sequences.

        Args:
            x: (N, T, D), T ≥ 1.
            initial_state: pair (h, c), each (N, H); zeros where it is left out.
            mask: (N, T) bool, False where a step does not count (see `gated_parts.Mask`).

        Returns:
            (N, T, H) or (N, H); with `return_state` (output, h, c), the states (N, H).

        Raises:
            ValueError: for a wrong rank or size.  TypeError: for a dtype other than the layer's.
        """
        x = gated_parts.time_first(x, "x", self.input_dim, self.dtype)
        T, N, D = x.shape
        H = self.units
        mask = None if mask is None else gated_parts.Mask(mask, N, T)
        h, c = np.empty((2, T + 1, N, H), self.dtype)  # h[t], c[t]: after t steps
        h[0], c[0] = (0, 0) if initial_state is None else self._checked("initial_state", initial_state, N)
        half = np.array([0.5, 0.5, 1, 0.5], self.dtype).reshape(4, 1, 1)  # σ(u) = (1 + tanh(u/2)) / 2; g is plain tanh
        kernel, recurrent_kernel, bias = (
            gated_parts.by_gate(w, 4) * half
            for w in (self.params["kernel"], self.params["recurrent_kernel"], self.params["bias"][None])
        )
        peephole = self.params["peephole"] * self.dtype.type(0.5) if self.peephole else None
        gates = np.empty((4, T, N, H), self.dtype)
        np.matmul(x.reshape(T * N, D), kernel, out=gates.reshape(4, T * N, H))
        tanh_c, recurrent, product = (
            np.empty((T, N, H), self.dtype),
            np.empty((4, N, H), self.dtype),
            np.empty_like(h[0]),
        )
        for t in range(T):
            step = gates[:, t]
            i, f, g, o = step
            np.matmul(h[t], recurrent_kernel, out=recurrent)
            recurrent += bias
            step += recurrent
            if peephole is None:
                np.tanh(step, out=step)
                _to_sigmoid(step[:2])
                _to_sigmoid(o)
            else:
                i += np.multiply(c[t], peephole[0], out=product)
                f += np.multiply(c[t], peephole[1], out=product)
                np.tanh(step[:3], out=step[:3])
                _to_sigmoid(step[:2])
            np.multiply(f, c[t], out=c[t + 1])
            c[t + 1] += np.multiply(i, g, out=product)
            if peephole is not None:  # the output gate reads the new cell
                o += np.multiply(c[t + 1], peephole[2], out=product)
                np.tanh(o, out=o)
                _to_sigmoid(o)
            np.tanh(c[t + 1], out=tanh_c[t])
            np.multiply(o, tanh_c[t], out=h[t + 1])
            if mask is not None:
                for state in (h, c):
                    np.copyto(state[t + 1], state[t], where=mask.skipped[t])
        self._cache = x, mask, gates, c, tanh_c, h
        y = gated_parts.output(h[1:], mask, self.return_sequences)
        return (y, h[T].copy(), c[T].copy()) if self.return_state else y

    def backward(self, dy, d_state=None):
        """Gradients of a scalar loss, given its gradient with respect to what `forward` returned.

        Args:
            dy: gradient of the output, of its shape.
            d_state: pair of gradients of the last h and c, each (N, H), where those were used too (`return_state`).

        Returns:
            dx (N, T, D). Leaves the parameters' gradients, each a sum over all steps, in `grads`.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dy` or `d_state` does not fit.
        """
        if self._cache is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(x) first")
        x, mask, gates, c, tanh_c, h = self._cache
        T, N, D = x.shape
        H = self.units
        checks.array("dy", dy, (N, T, H) if self.return_sequences else (N, H), self.dtype)
        dy = gated_parts.output_gradient(dy, mask, self.return_sequences)
        dh, dc = np.zeros((2, N, H), self.dtype)
        if d_state is not None:
            dh[:], dc[:] = self._checked("d_state", d_state, N)
        recurrent_kernel_T = gated_parts.by_gate(self.params["recurrent_kernel"], 4).transpose(0, 2, 1)
        d, d_cells = np.empty((4, T, N, H), self.dtype), np.empty((T, N, H), self.dtype)
        product, shares = np.empty((N, H), self.dtype), np.empty((4, N, H), self.dtype)
        for t in range(T - 1, -1, -1):
            if self.return_sequences:
                dh += dy[:, t]
            elif t == T - 1:
                dh += dy
            if mask is not None:  # a step that does not count hands both gradients on as they are
                carried = np.where(mask.skipped[t], (dh, dc), 0)
                dh -= carried[0]
                dc -= carried[1]
            i, f, g, o = gates[:, t]
            di, df, dg, do = step = d[:, t]
            # σ' = s - s² for i, f, o and tanh' = 1 - g², each from the gate itself …
            np.multiply(gates[:, t], gates[:, t], out=step)
            np.subtract(gates[:2, t], step[:2], out=step[:2])
            np.subtract(1, dg, out=dg)
            np.subtract(o, do, out=do)
            # … then what arrives. h = o tanh(c): to o, and to c through o (1 - tanh²(c)) = o - h tanh(c), …
            do *= np.multiply(dh, tanh_c[t], out=product)
            np.multiply(h[t + 1], tanh_c[t], out=product)
            np.subtract(o, product, out=product)
            product *= dh
            dc += product
            if self.peephole:
                dc += np.multiply(do, self.params["peephole"][2], out=product)
            d_cells[t] = dc if mask is None else dc + carried[1]
            # … c = f c[t-1] + i g: to all four factors, and so along the cell to the step before.
            di *= np.multiply(dc, g, out=product)
            dg *= np.multiply(dc, i, out=product)
            df *= np.multiply(dc, c[t], out=product)
            dc *= f
            if self.peephole:
                dc += np.multiply(di, self.params["peephole"][0], out=product)
                dc += np.multiply(df, self.params["peephole"][1], out=product)
            np.matmul(step, recurrent_kernel_T, out=shares)
            np.add.reduce(shares, axis=0, out=dh)
            if mask is not None:
                dh += carried[0]
                dc += carried[1]
        self.d_initial_state, self.d_cells = (dh, dc), d_cells.transpose(1, 0, 2)
        all_d = d.reshape(4, T * N, H)
        before = h[:-1].reshape(T * N, H)
        self.grads = {
            "kernel": gated_parts.as_keras(np.matmul(x.reshape(T * N, D).T, all_d)),
            "recurrent_kernel": gated_parts.as_keras(np.matmul(before.T, all_d)),
            "bias": all_d.sum(axis=1).ravel(),
        }
        if self.peephole:
            read = ((d[0], c[:-1]), (d[1], c[:-1]), (d[3], c[1:]))
            self.grads["peephole"] = np.stack([np.sum(gate * cell, axis=(0, 1)) for gate, cell in read])
        kernel_T = gated_parts.by_gate(self.params["kernel"], 4).transpose(0, 2, 1)
        return np.matmul(all_d, kernel_T).sum(axis=0).reshape(T, N, D).transpose(1, 0, 2)

    @property
    def gates(self):
        """Values of the gates at the last forward pass: dict from "i", "f", "g", "o" to (N, T, H)."""
        return {name: gate.transpose(1, 0, 2) for name, gate in zip(GATES, self._cached()[2], strict=True)}

    @property
    def cells(self):
        """The cell c after every step of the last forward pass, (N, T, H)."""
        return self._cached()[3][1:].transpose(1, 0, 2)

    def _cached(self):
        if self._cache is None:
            raise RuntimeError("there are no gates before a forward pass: call forward(x) first")
        return self._cache

    def _checked(self, name, pair, N):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(f"{name} must be a pair (h, c) of arrays of shape ({N}, {self.units}), got {_what(pair)}")
        for part, array in zip("hc", pair, strict=True):
            checks.array(f"{name} {part}", array, (N, self.units), self.dtype)
        return pair


def _to_sigmoid(block):
    """(1 + tanh) / 2, in place."""
    block *= 0.5
    block += 0.5


def _what(value):
    return f"one array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)

"""Gated Recurrent Unit by hand: the forward pass, and back-propagation through time, in both conventions.

The equations in row vectors with Keras' names; the columns of each weight stand in Keras' order z, r, n:

    z, r = σ(x[t] @ kernel + h[t-1] @ recurrent_kernel + bias)          h[t] = z * h[t-1] + (1 - z) * n
    n = tanh(x[t] @ kernel + (r * h[t-1]) @ recurrent_kernel + bias)                       reset_after=False
    n = tanh(x[t] @ kernel + bias[0] + r * (h[t-1] @ recurrent_kernel + bias[1]))          reset_after=True

Cho et al. (2014), eqs. (5)-(8): the reset gate comes before the product. cuDNN and Keras' default apply it after, and
need a bias of its own there. In both z keeps the old state; Chung et al. (2014), §3.2, write 1 - z for that z.
"""

import numpy as np

from utils.numpy_layers import checks, gated_parts

GATES = ("z", "r", "n")


class GRU:
    """Recurrent layer with one gated state, like `keras.layers.GRU`.

    Args:
        units: size H of the state.
        input_dim: number of input features D.
        reset_after: where the reset gate acts, after the product with recurrent_kernel (as Keras by default) or before.
        return_sequences: return h of every step (N, T, H), or of the last step (N, H).
        return_state: return the pair (output, last h) instead of the output alone.
        dtype: "float32" or "float64".
        rng: numpy Generator for the first weights (as Keras).

    Attributes:
        params, grads: dicts with "kernel" (D, 3H), "recurrent_kernel" (H, 3H) and "bias": (3H,), or with `reset_after`
            (2, 3H), its rows for the input and for the recurrent product.
        gates: dict from "z", "r", "n" to (N, T, H), after `forward`.
        d_initial_state: gradient of the initial state (N, H), after `backward`.
    """

    def __init__(
        self,
        units,
        input_dim,
        reset_after=True,
        return_sequences=False,
        return_state=False,
        dtype="float32",
        rng=None,
    ):
        self.units = checks.positive_int("units", units)
        self.input_dim = checks.positive_int("input_dim", input_dim)
        self.reset_after = reset_after
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.dtype = checks.float_dtype(dtype)
        rng = np.random.default_rng(0) if rng is None else rng
        self.params = gated_parts.first_weights(rng, input_dim, units, 3, self.dtype)
        self.params["bias"] = np.zeros((2, 3 * units) if reset_after else 3 * units, self.dtype)
        self.grads = {}
        self._cache = None

    def forward(self, x, initial_state=None, mask=None):
        """Run the layer over a batch of sequences.

        Args:
            x: (N, T, D), T ≥ 1.
            initial_state: (N, H); zeros where it is left out.
            mask: (N, T) bool, False where a step does not count (see `gated_parts.Mask`).

        Returns:
            (N, T, H) or (N, H), with `return_state` a pair whose second part is the last state (N, H).

        Raises:
            ValueError: for a wrong rank or size.  TypeError: for a dtype other than the layer's.
        """
        x = gated_parts.time_first(x, "x", self.input_dim, self.dtype)
        T, N, D = x.shape
        H = self.units
        mask = None if mask is None else gated_parts.Mask(mask, N, T)
        if initial_state is not None:
            checks.array("initial_state", initial_state, (N, H), self.dtype)
        h = np.empty((T + 1, N, H), self.dtype)  # h[t] is the state after t steps
        h[0] = 0 if initial_state is None else initial_state
        half = np.array([0.5, 0.5, 1], self.dtype).reshape(3, 1, 1)  # σ(u) = (1 + tanh(u/2)) / 2; n is plain tanh
        kernel, recurrent_kernel, bias = (
            gated_parts.by_gate(w, 3) * half
            for w in (self.params["kernel"], self.params["recurrent_kernel"], np.atleast_2d(self.params["bias"]))
        )
        bias, recurrent_bias = bias[:, :1], bias[:, 1:]
        gates = np.empty((3, T, N, H), self.dtype)
        np.matmul(x.reshape(T * N, D), kernel, out=gates.reshape(3, T * N, H))
        # What the reset gate multiplies is kept for the way back: r · inner with `reset_after`, else r · h[t-1] itself.
        inner, recurrent = np.empty((T, N, H), self.dtype), np.empty((3, N, H), self.dtype)
        for t in range(T):
            step = gates[:, t]
            z, r, n = step
            step += bias
            if self.reset_after:
                np.matmul(h[t], recurrent_kernel, out=recurrent)
                recurrent += recurrent_bias
            else:
                np.matmul(h[t], recurrent_kernel[:2], out=recurrent[:2])
            step[:2] += recurrent[:2]
            np.tanh(step[:2], out=step[:2])
            step[:2] *= 0.5
            step[:2] += 0.5
            if self.reset_after:
                inner[t] = recurrent[2]
                recurrent[2] *= r
            else:
                np.multiply(r, h[t], out=inner[t])
                np.matmul(inner[t], recurrent_kernel[2], out=recurrent[2])
            n += recurrent[2]
            np.tanh(n, out=n)
            np.subtract(h[t], n, out=h[t + 1])  # z h + (1 - z) n = n + z (h - n)
            h[t + 1] *= z
            h[t + 1] += n
            if mask is not None:
                np.copyto(h[t + 1], h[t], where=mask.skipped[t])
        self._cache = x, mask, gates, inner, h
        y = gated_parts.output(h[1:], mask, self.return_sequences)
        return (y, h[T].copy()) if self.return_state else y

    def backward(self, dy, d_state=None):
        """Gradients of a scalar loss, given its gradient with respect to what `forward` returned.

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
        x, mask, gates, inner, h = self._cache
        T, N, D = x.shape
        H = self.units
        checks.array("dy", dy, (N, T, H) if self.return_sequences else (N, H), self.dtype)
        dy = gated_parts.output_gradient(dy, mask, self.return_sequences)
        dh = np.zeros((N, H), self.dtype)
        if d_state is not None:
            checks.array("d_state", d_state, (N, H), self.dtype)
            dh[:] = d_state
        back = gated_parts.by_gate(self.params["recurrent_kernel"], 3).transpose(0, 2, 1)
        # Gradients in the order n, z, r, and what the recurrent product for n gets: d[:3] meets x, d[1:] meets h.
        d = np.empty((4, T, N, H), self.dtype)
        product, shares = np.empty((N, H), self.dtype), np.empty((3, N, H), self.dtype)
        for t in range(T - 1, -1, -1):
            if self.return_sequences:
                dh += dy[:, t]
            elif t == T - 1:
                dh += dy
            if mask is not None:  # a step that does not count hands the gradient on as it is
                carried = np.where(mask.skipped[t], dh, 0)
                dh -= carried
            z, r, n = gates[:, t]
            dn, dz, dr, d_inner = d[:, t]
            # h = n + z (h[t-1] - n): to n, to z, and along the state to the step before.
            np.subtract(h[t], n, out=dz)
            dz *= dh
            dh_straight = np.multiply(dh, z, out=shares[2])
            np.subtract(dh, dh_straight, out=dh)
            np.multiply(n, n, out=dn)
            np.subtract(1, dn, out=dn)
            dn *= dh
            np.multiply(z, z, out=product)
            dz *= np.subtract(z, product, out=product)
            np.multiply(r, r, out=dr)
            np.subtract(r, dr, out=dr)
            if self.reset_after:
                dr *= np.multiply(dn, inner[t], out=product)
                np.multiply(dn, r, out=d_inner)
                np.copyto(dh, dh_straight)
                np.matmul(d[1:, t], back, out=shares)
                dh += np.add.reduce(shares, axis=0, out=product)
            else:
                np.matmul(dn, back[2], out=d_inner)  # gradient of r h[t-1]
                dr *= np.multiply(d_inner, h[t], out=product)
                np.multiply(d_inner, r, out=dh)
                dh += dh_straight
                dh += np.add.reduce(np.matmul(d[1:3, t], back[:2], out=shares[:2]), axis=0, out=product)
            if mask is not None:
                dh += carried
        self.d_initial_state = dh
        all_d, all_x, before = d.reshape(4, T * N, H), x.reshape(T * N, D), h[:-1].reshape(T * N, H)
        order = [1, 2, 0]  # from n, z, r to Keras' z, r, n
        recurrent = np.empty((3, H, H), self.dtype)
        if self.reset_after:
            np.matmul(before.T, all_d[1:], out=recurrent)
        else:
            np.matmul(before.T, all_d[1:3], out=recurrent[:2])
            np.matmul(inner.reshape(T * N, H).T, all_d[0], out=recurrent[2])
        sums = all_d.sum(axis=1)
        bias = sums[order].ravel()
        self.grads = {
            "kernel": gated_parts.as_keras(np.matmul(all_x.T, all_d[:3])[order]),
            "recurrent_kernel": gated_parts.as_keras(recurrent),
            "bias": np.stack([bias, sums[1:].ravel()]) if self.reset_after else bias,
        }
        kernel_T = gated_parts.by_gate(self.params["kernel"], 3).transpose(0, 2, 1)
        return np.matmul(all_d[:3], kernel_T[[2, 0, 1]]).sum(axis=0).reshape(T, N, D).transpose(1, 0, 2)

    @property
    def gates(self):
        """Values of the gates at the last forward pass: dict from "z", "r", "n" to (N, T, H)."""
        if self._cache is None:
            raise RuntimeError("there are no gates before a forward pass: call forward(x) first")
        return {name: gate.transpose(1, 0, 2) for name, gate in zip(GATES, self._cache[2], strict=True)}

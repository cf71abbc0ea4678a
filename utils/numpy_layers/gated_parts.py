"""What LSTM and GRU share: checks, first weights, gates as contiguous blocks, and masks.

Keras lays the gates side by side in the columns of one matrix, (D, G·H). The layers here work on the same weights with
the gate as the first axis, (G, D, H): each gate of a step is then one contiguous block, and NumPy runs through it
several times faster than through columns of a wide array. The matrix products stay one call.
"""

import numpy as np

from utils.numpy_layers import checks


def first_weights(rng, input_dim, units, gates, dtype):
    """Weights as Keras starts them: kernel (D, G·H) Glorot uniform, recurrent_kernel (H, G·H) with orthonormal rows."""
    limit = np.sqrt(6 / (input_dim + gates * units))
    kernel = rng.uniform(-limit, limit, (input_dim, gates * units))
    q, r = np.linalg.qr(rng.standard_normal((gates * units, units)))
    return {"kernel": kernel.astype(dtype), "recurrent_kernel": (q * np.sign(np.diag(r))).T.astype(dtype).copy()}


def by_gate(weight, gates):
    """(rows, G·H), as Keras stores it -> (G, rows, H)."""
    rows = weight.shape[0]
    return np.ascontiguousarray(weight.reshape(rows, gates, -1).transpose(1, 0, 2))


def as_keras(weight):
    """(G, rows, H) -> (rows, G·H)."""
    gates, rows, units = weight.shape
    return np.ascontiguousarray(weight.transpose(1, 0, 2)).reshape(rows, gates * units)


def time_first(x, name, input_dim, dtype):
    """Check a batch of sequences (N, T, D) and return it as a contiguous (T, N, D)."""
    checks.array(name, x, ("N", "T", input_dim), dtype)
    return np.ascontiguousarray(x.transpose(1, 0, 2))


class Mask:
    """Which steps of which sequence count: as Keras' `mask` argument.

    At a step that does not count, the state is carried over and the output of the step before is repeated. Before the
    first step that counts there is no output to repeat: it is 0 (while the state is the initial one).

    Attributes:
        skipped: (T, N, 1) bool, True where a step does not count.
        silent: (T, N, 1) bool, True before the sequence's first step that counts.
    """

    def __init__(self, mask, N, T):
        if not isinstance(mask, np.ndarray):
            raise TypeError(f"mask must be a NumPy array of bool of shape ({N}, {T}), got {type(mask).__name__}")
        if mask.dtype != np.bool_:
            raise TypeError(f"mask must be bool (True: the step counts), got {mask.dtype}; use mask.astype(bool)")
        if mask.shape != (N, T):
            raise ValueError(f"mask must have the shape (N, T) = ({N}, {T}) of the sequences, got {mask.shape}")
        self.skipped = np.ascontiguousarray(~mask.T[..., None])
        self.silent = np.ascontiguousarray(~np.logical_or.accumulate(mask, axis=1).T[..., None])


def output(h, mask, return_sequences):
    """What a layer returns: all states h (T, N, H) as (N, T, H), or the last one (N, H); 0 where the mask is silent."""
    y = h.transpose(1, 0, 2).copy() if return_sequences else h[-1].copy()
    if mask is not None:
        y[mask.silent.transpose(1, 0, 2)[..., 0] if return_sequences else mask.silent[-1, :, 0]] = 0
    return y


def output_gradient(dy, mask, return_sequences):
    """The way back through `output`: dy, with 0 where the output was a fixed 0."""
    if mask is None:
        return dy
    silent = mask.silent.transpose(1, 0, 2) if return_sequences else mask.silent[-1]
    return np.where(silent, 0, dy).astype(dy.dtype, copy=False)

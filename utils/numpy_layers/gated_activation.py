"""Gated activation unit: what is passed on, times how much of it is passed on.

    z = tanh(u_f) ⊙ σ(u_g)          van den Oord et al. (2016), WaveNet, §2.3; Conditional PixelCNN, (2)

Filter u_f and gate u_g are the first and the second half of the channels, so that one convolution computes both.
"""

import numpy as np

from utils.numpy_layers import activations, checks


class GatedActivation:
    """(…, 2C) → (…, C), float32 or float64. It has no parameters."""

    def __init__(self):
        self.params, self.grads = {}, {}
        self._halves = None

    def forward(self, u):
        """u (…, 2C) → z (…, C).

        Raises:
            TypeError: if u is no array of floats.  ValueError: if its last axis cannot be halved.
        """
        if not isinstance(u, np.ndarray) or u.dtype not in (np.float32, np.float64):
            raise TypeError(
                f"u must be a NumPy array of float32 or float64, got {getattr(u, 'dtype', type(u).__name__)}"
            )
        if u.ndim == 0 or u.shape[-1] == 0 or u.shape[-1] % 2:
            raise ValueError(f"u holds filter and gate, so its last axis must be even and not 0; got shape {u.shape}")
        half = u.shape[-1] // 2
        self._halves = activations.tanh(u[..., :half]), activations.sigmoid(u[..., half:])
        return self._halves[0] * self._halves[1]

    def backward(self, dz):
        """dz (…, C) → du (…, 2C): dz·σ(u_g)·(1 − tanh²(u_f)) for the filter, dz·tanh(u_f)·σ'(u_g) for the gate.

        Raises:
            RuntimeError: if `forward` has not run.  ValueError, TypeError: if `dz` does not fit.
        """
        if self._halves is None:
            raise RuntimeError("backward needs the values of a forward pass: call forward(u) first")
        content, gate = self._halves
        checks.array("dz", dz, content.shape, content.dtype)
        return np.concatenate([dz * gate * (1 - content**2), dz * content * gate * (1 - gate)], axis=-1)

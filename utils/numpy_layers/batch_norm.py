"""BatchNormalization by hand: each channel over the batch and all positions in training, moving averages afterwards."""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.normalization import Normalization, fraction


class BatchNormalization(Normalization):
    """Batch normalization over all axes but the last, like `keras.layers.BatchNormalization`.

    In training x̂ uses mean and variance of the batch (Ioffe & Szegedy 2015, Algorithm 1), and the moving averages take
    a step towards them; otherwise it uses the moving averages, which are constants then.

    Args:
        channels: C, the size of the last axis.
        momentum: share of the old moving average that stays at each step (PyTorch's `momentum` is 1 minus this).
        epsilon, center, scale, dtype: as in `Normalization`.

    Attributes:
        params, grads: dicts with "gamma" (C,) and "beta" (C,).
        moving_mean, moving_variance: (C,), from 0 and 1. The variance is the batch's biased one (sum / m), as in Keras;
            PyTorch and the paper (Algorithm 2, line 10) average the unbiased one, m / (m − 1) as large.

    Raises:
        TypeError, ValueError: for numbers that cannot be.
    """

    def __init__(self, channels, momentum=0.99, epsilon=1e-3, center=True, scale=True, dtype="float32"):
        super().__init__((checks.positive_int("channels", channels),), epsilon, center, scale, dtype)
        self.momentum = fraction("momentum", momentum)
        self.moving_mean = np.zeros(channels, self.dtype)
        self.moving_variance = np.ones(channels, self.dtype)

    def forward(self, x, training=False):
        """x (N, …, C) -> y of the same shape.

        Args:
            training: normalize with this batch's statistics and update the moving averages; False uses those.

        Raises:
            ValueError: for a wrong rank or size.  TypeError: for a dtype other than the layer's.
        """
        self._check(x)
        for name in ("moving_mean", "moving_variance"):
            checks.array(name, getattr(self, name), self.shape, self.dtype)
        if not training:
            return self._finish(x, x, self.moving_mean, self.moving_variance, axes=None)
        axes = tuple(range(x.ndim - 1))
        mean, variance = x.mean(axis=axes), x.var(axis=axes)
        keep = self.momentum
        self.moving_mean = (keep * self.moving_mean + (1 - keep) * mean).astype(self.dtype)
        self.moving_variance = (keep * self.moving_variance + (1 - keep) * variance).astype(self.dtype)
        return self._finish(x, x, mean, variance, axes)

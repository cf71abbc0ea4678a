"""InstanceNormalization by hand: statistics over the positions of one channel of one sample."""

from utils.numpy_layers.group_norm import GroupNormalization


class InstanceNormalization(GroupNormalization):
    """Instance normalization (Ulyanov et al. 2016): group normalization with a group for each channel.

    Keras: `keras.layers.GroupNormalization(groups=-1)`.

    Args:
        channels: C, the size of the last axis.
        epsilon, center, scale, dtype: as in `Normalization`.

    Attributes:
        params, grads: dicts with "gamma" (C,) and "beta" (C,).
    """

    def __init__(self, channels, epsilon=1e-3, center=True, scale=True, dtype="float32"):
        super().__init__(channels, -1, epsilon, center, scale, dtype)

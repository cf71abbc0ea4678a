"""GroupNormalization by hand: statistics over the positions and a block of channels of one sample."""

from utils.numpy_layers import checks
from utils.numpy_layers.normalization import Normalization


class GroupNormalization(Normalization):
    """Group normalization (Wu & He 2018, §3), like `keras.layers.GroupNormalization`.

    Args:
        channels: C, the size of the last axis.
        groups: G blocks of C/G neighbouring channels. 1 averages over a whole picture, as layer normalization does on
            images in that paper; C (or -1, as in Keras) is instance normalization.
        epsilon, center, scale, dtype: as in `Normalization`.

    Attributes:
        params, grads: dicts with "gamma" (C,) and "beta" (C,): one a channel, however many groups there are.

    Raises:
        ValueError: if `groups` does not divide `channels`.
    """

    def __init__(self, channels, groups=32, epsilon=1e-3, center=True, scale=True, dtype="float32"):
        super().__init__((checks.positive_int("channels", channels),), epsilon, center, scale, dtype)
        self.groups = channels if groups == -1 else checks.positive_int("groups", groups)
        if channels % self.groups:
            raise ValueError(
                f"groups = {groups} must divide channels = {channels}: choose a divisor, or -1 for one channel a group"
            )

    def _layout(self, x):
        groups = x.reshape(*x.shape[:-1], self.groups, -1)  # (N, …, G, C/G)
        return groups, (*range(1, groups.ndim - 2), groups.ndim - 1)

"""LayerNormalization by hand: statistics over the features of one token, or over the whole of one picture."""

from utils.numpy_layers import checks
from utils.numpy_layers.normalization import Normalization


class LayerNormalization(Normalization):
    """Layer normalization over the last axes (Ba et al. 2016, eq. (3)), like `keras.layers.LayerNormalization`.

    Args:
        features: size of the last axis (Keras' axis=-1: each token of (N, L, D) for itself), or the sizes of several
            last axes: (H, W, C) for Keras' axis=[1, 2, 3], one mean for a whole picture.
        epsilon, center, scale, dtype: as in `Normalization`.

    Attributes:
        params, grads: dicts with "gamma" and "beta", of the shape `features`: one of each for every number averaged.
    """

    def __init__(self, features, epsilon=1e-3, center=True, scale=True, dtype="float32"):
        sizes = features if isinstance(features, (tuple, list)) else (features,)
        if not sizes:
            raise ValueError("features must name at least one size, got an empty sequence")
        super().__init__(tuple(checks.positive_int("features", n) for n in sizes), epsilon, center, scale, dtype)

    def _layout(self, x):
        return x, tuple(range(x.ndim - len(self.shape), x.ndim))

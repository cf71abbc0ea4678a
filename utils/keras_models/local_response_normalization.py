"""Local response normalization: a channel is damped where its neighbours are active (Krizhevsky et al. 2012, §3.3)."""

import keras
from keras import ops

from utils.keras_models import checks


@keras.saving.register_keras_serializable(package="study")
class LocalResponseNormalization(keras.layers.Layer):
    """y[c] = x[c] / (bias + alpha · Σ x[j]²)^beta, the sum over the 2 · depth_radius + 1 channels around c.

    This is the paper's formula: n = 2 · depth_radius + 1 neighbours, and alpha multiplies the *sum*. TensorFlow's
    `tf.nn.local_response_normalization` has it so too; PyTorch's `LocalResponseNorm` divides alpha by n, so there
    alpha must be n times as large for the same result. Channels beyond the first and the last count as 0.

    Args:
        depth_radius: neighbours on each side, ≥ 0. The paper's n = 5 is 2.
        bias, alpha, beta: k, α, β of the paper: 2, 1e-4, 0.75, the defaults here.

    Shapes: any (…, channels) → the same.

    Raises:
        TypeError, ValueError: for a depth_radius that is no whole number of at least 0.
    """

    def __init__(self, depth_radius=2, bias=2.0, alpha=1e-4, beta=0.75, **options):
        super().__init__(**options)
        self.depth_radius = checks.positive_int("depth_radius", depth_radius, smallest=0)  # 0: each channel alone
        self.bias, self.alpha, self.beta = bias, alpha, beta

    def call(self, x):
        radius, channels = self.depth_radius, x.shape[-1]
        squares = ops.square(x)
        padded = ops.pad(squares, [(0, 0)] * (len(x.shape) - 1) + [(radius, radius)])
        total = sum(padded[..., shift : shift + channels] for shift in range(2 * radius + 1))
        return x / (self.bias + self.alpha * total) ** self.beta

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"depth_radius": self.depth_radius, "bias": self.bias, "alpha": self.alpha, "beta": self.beta}
        return super().get_config() | own

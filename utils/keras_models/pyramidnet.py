"""PyramidNet: every block is a little wider than the one before, instead of twice as wide at three places.

Han, Kim, Kim 2017, "Deep Pyramidal Residual Networks": eq. (2) and (3) (widening), Fig. 1(d, e), Fig. 6(d), §3.

    x ─ BN ─ 3×3 ─ BN ─ ReLU ─ 3×3 ─ BN ─ +      the k-th of N blocks has 16 + k·α/N channels
    └──── zeros for the new channels ─────┘

The shortcut has no weights at all: new channels start from zero, and where the map is halved it is averaged 2×2. One
ReLU fewer than in a pre-activation block, one BN more: the sum adds normalized values.
"""

import keras
from keras import layers

from utils.keras_models import checks, parts

START = 16
EPSILON, MOMENTUM = 1e-5, 0.9  # of Torch, in which the authors wrote it


@keras.saving.register_keras_serializable(package="study")
class ZeroChannels(layers.Layer):
    """Appends channels of zeros: (N, H, W, C) → (N, H, W, channels).

    Args:
        channels: of the output, at least C.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = checks.positive_int("channels", channels)

    def call(self, x):
        return keras.ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, self.channels - x.shape[-1])))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.channels)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


def pyramidnet(
    input_shape=(32, 32, 3), classes=10, classifier_activation="softmax", *, depth=110, alpha=48, bottleneck=False
):
    """PyramidNet for small images (CIFAR), widened by addition.

    Args:
        input_shape: (height, width, channels) of one image; height and width may be None.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.
        depth: 6n + 2 with n basic blocks in each of the three stages (110: n = 18); with `bottleneck` 9n + 2.
        alpha: widening factor: the last block has 16 + alpha channels (four times as many with `bottleneck`).
        bottleneck: blocks of 1×1, 3×3, 1×1 (Fig. 1e).

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for a depth that gives no whole number of blocks, an alpha below 1, and for shapes and
            counts that are none.
    """
    depth, alpha = checks.positive_int("depth", depth), checks.positive_int("alpha", alpha)
    convolutions = 9 if bottleneck else 6
    if depth < convolutions + 2 or (depth - 2) % convolutions:
        near = max(1, round((depth - 2) / convolutions)) * convolutions + 2
        blocks = "bottlenecks" if bottleneck else "basic blocks"
        raise ValueError(f"depth must be {convolutions}n + 2 for {blocks}, got {depth}; the nearest is {near}")
    inputs = keras.Input(checks.image_shape(input_shape, smallest=4, any_size=True), name="image")
    x = parts.convolution(inputs, START, 3, name="stem_conv")
    x = normalize(x, "stem_norm")
    count = (depth - 2) // convolutions
    for k, filters in enumerate(widths(3 * count, alpha)):
        stage, number = 2 + k // count, 1 + k % count
        strides = 2 if number == 1 and stage > 2 else 1
        x = pyramid_block(x, filters, strides, bottleneck, f"stage{stage}_block{number}")
    x = normalize(x, "final_norm")
    x = layers.Activation("relu", name="final_relu")(x)
    outputs = parts.head(x, checks.class_count(classes), classifier_activation)
    return keras.Model(inputs, outputs, name=f"pyramidnet{depth}_a{alpha}")


def widths(blocks, alpha):
    """Channels of each block: ⌊16 + k·α/N⌋ for k = 1 … N.

    Eq. (2) of the paper, D_k = ⌊D_{k-1} + α/N⌋, read literally would never grow where α < N (α = 48, N = 54): what is
    rounded down is the built width, not the running value. That gives the 1.7 and 3.8 million parameters which the
    authors print for α = 48 and 84 (cut to one digit); their PyTorch release rounds to the nearest and has one to two
    per cent more. With α = 270 every width is whole (21, 26, …, 286), so that nothing is left to round: 28,485,477
    parameters, of which batch normalization has 49,798. The authors print 28.3 million, in their repository for the
    multiplicative network of the same row as well (α = 27); that one, with its widths rounded down, has 28.26.
    """
    return [START + k * alpha // blocks for k in range(1, blocks + 1)]


def pyramid_block(x, filters, strides, bottleneck, name):
    """BN, convolutions with BN and ReLU between them, BN; then the padded shortcut is added (Fig. 6d).

    Args:
        x: (N, H, W, C).
        filters: of the 3×3 convolutions.
        strides: of the block; its shortcut is averaged accordingly.
        bottleneck: 1×1, 3×3, 1×1 to four times as many channels, instead of two 3×3.
        name: STAGE_BLOCK.

    Returns:
        (N, ⌈H/strides⌉, ⌈W/strides⌉, filters or 4 · filters).
    """
    kernels = ((1, 1, filters), (3, strides, filters), (1, 1, 4 * filters))
    if not bottleneck:
        kernels = ((3, strides, filters), (3, 1, filters))
    y = normalize(x, f"{name}_norm0")
    for number, (kernel_size, stride, channels) in enumerate(kernels, start=1):
        y = parts.convolution(y, channels, kernel_size, stride, name=f"{name}_conv{number}")
        y = normalize(y, f"{name}_norm{number}")
        if number < len(kernels):
            y = layers.Activation("relu", name=f"{name}_relu{number}")(y)
    if strides > 1:
        x = layers.AveragePooling2D(strides, padding="same", name=f"{name}_shortcut")(x)
    if x.shape[-1] < y.shape[-1]:
        x = ZeroChannels(y.shape[-1], name=f"{name}_zeros")(x)
    return layers.Add(name=f"{name}_add")([x, y])


def normalize(x, name):
    """BatchNormalization with Torch's epsilon and momentum."""
    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=name)(x)

"""MobileNetV2: inverted residuals with linear bottlenecks.

Sandler, Howard, Zhu, Zhmoginov, Chen 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks": Table 1 (block),
Table 2 (network), §3.2 (why the projection is linear), §3.3.

    block    x ─ 1×1 to t·k ─ BN ─ ReLU6 ─ depthwise 3×3 ─ BN ─ ReLU6 ─ 1×1 to k' ─ BN ─ + ─
             └─────────────────── only if the stride is 1 and k = k' ───────────────────┘

Wide inside, narrow outside – a bottleneck turned inside out. Nothing bends the narrow end: a ReLU there would throw
information away that so few channels cannot carry twice.
"""

import keras
from keras import layers

from utils.keras_models import checks, parts

# expansion t, channels c, number of blocks n, stride s of the first of them (Table 2)
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
LAST = 1280


def mobilenet_v2(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", *, alpha=1.0):
    """MobileNetV2.

    Args:
        input_shape: (height, width, channels) of one image; height and width may be None.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.
        alpha: width multiplier. Every layer has about alpha times the paper's channels, a multiple of 8; the last
            convolution keeps its 1280 where alpha is below 1 (§4).

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for an alpha that is no number above 0, and for shapes that are none.
    """
    alpha = parts.width_multiplier(alpha)
    inputs = keras.Input(checks.image_shape(input_shape, smallest=32, any_size=True), name="image")
    x = layers.Conv2D(multiple_of_8(32 * alpha), 3, 2, padding="same", use_bias=False, name="stem_conv")(inputs)
    x = normalize(x, "stem_norm")
    x = layers.ReLU(6.0, name="stem_relu6")(x)
    for stage, (expansion, channels, count, first_stride) in enumerate(STAGES, start=1):
        for number in range(1, count + 1):
            strides = first_stride if number == 1 else 1
            name = f"stage{stage}_block{number}"
            x = inverted_residual(x, multiple_of_8(int(channels * alpha)), strides, expansion, name)
    x = layers.Conv2D(multiple_of_8(LAST * max(1.0, alpha)), 1, use_bias=False, name="last_conv")(x)
    x = normalize(x, "last_norm")
    x = layers.ReLU(6.0, name="last_relu6")(x)
    outputs = parts.head(x, checks.class_count(classes), classifier_activation)
    return keras.Model(inputs, outputs, name="mobilenet_v2")


def inverted_residual(x, filters, strides, expansion, name):
    """Expand, filter each channel, project linearly (Table 1): (N, H, W, C) → (N, ⌈H/strides⌉, ⌈W/strides⌉, filters).

    Args:
        x: (N, H, W, C), the narrow input: C is the paper's k.
        filters: k', channels of the narrow output.
        strides: s, of the depthwise convolution.
        expansion: t; with 1 there is nothing to expand and the first convolution is left out.
        name: STAGE_BLOCK.
    """
    channels = x.shape[-1]
    y = x
    if expansion > 1:
        y = layers.Conv2D(expansion * channels, 1, use_bias=False, name=f"{name}_expand")(y)
        y = normalize(y, f"{name}_norm1")
        y = layers.ReLU(6.0, name=f"{name}_relu1")(y)
    y = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False, name=f"{name}_depthwise")(y)
    y = normalize(y, f"{name}_norm2")
    y = layers.ReLU(6.0, name=f"{name}_relu2")(y)
    y = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project")(y)
    y = normalize(y, f"{name}_norm3")
    if strides == 1 and channels == filters:
        y = layers.Add(name=f"{name}_add")([x, y])
    return y


def multiple_of_8(channels):
    """The nearest multiple of 8, at least 8, and never more than a tenth below `channels` (the authors' release)."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def normalize(x, name):
    """BatchNormalization as in keras.applications: epsilon 1e-3, momentum 0.999."""
    return layers.BatchNormalization(momentum=0.999, epsilon=1e-3, name=name)(x)

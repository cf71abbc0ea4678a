"""MobileNet: a convolution split into one filter per channel (depthwise) and a 1×1 mixture of channels (pointwise).

Howard et al. 2017, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications": §3.1 to 3.3,
Fig. 3 (block), Table 1 (network).

    block    x ─ depthwise 3×3 ─ BN ─ ReLU6 ─ pointwise 1×1 ─ BN ─ ReLU6

Table 1 prints stride 2 for the last depthwise layer, yet keeps its map at 7×7: it is stride 1, as everywhere else.
The paper draws ReLU; keras.applications and the authors' release clip it at 6, and so does this file.
"""

import keras
from keras import layers

from utils.keras_models import checks, parts

# filters of the pointwise convolution, stride of the depthwise one, number of such blocks (Table 1)
STAGES = (
    (64, 1, 1),
    (128, 2, 1),
    (128, 1, 1),
    (256, 2, 1),
    (256, 1, 1),
    (512, 2, 1),
    (512, 1, 5),
    (1024, 2, 1),
    (1024, 1, 1),
)


def mobilenet(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", *, alpha=1.0):
    """MobileNet (v1).

    "same" padding puts the odd zero after the map, as keras.applications does; on maps of odd size, where
    keras.applications still pads one side only, the two differ (images whose size is a multiple of 32 have none).

    Args:
        input_shape: (height, width, channels) of one image; height and width may be None.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.
        alpha: width multiplier (§3.3): every layer has ⌊alpha · filters⌋ channels, at least one.

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for an alpha that is no number above 0, and for shapes that are none.
    """
    alpha = parts.width_multiplier(alpha)
    inputs = keras.Input(checks.image_shape(input_shape, smallest=32, any_size=True), name="image")
    x = layers.Conv2D(max(1, int(32 * alpha)), 3, 2, padding="same", use_bias=False, name="stem_conv")(inputs)
    x = normalize_relu6(x, "stem")
    number = 0
    for filters, first_stride, count in STAGES:
        for strides in (first_stride,) + (1,) * (count - 1):
            number += 1
            x = separable_block(x, max(1, int(filters * alpha)), strides, f"block{number}")
    outputs = parts.head(x, checks.class_count(classes), classifier_activation)
    return keras.Model(inputs, outputs, name="mobilenet")


def separable_block(x, filters, strides, name):
    """Filter each channel, then mix the channels (Fig. 3, right): (N, H, W, C) → (N, H/strides, W/strides, filters)."""
    x = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = normalize_relu6(x, f"{name}_depthwise")
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_pointwise")(x)
    return normalize_relu6(x, f"{name}_pointwise")


def normalize_relu6(x, name):
    """BatchNormalization (Keras' defaults: epsilon 1e-3, momentum 0.99), then ReLU6 = min(max(0, x), 6)."""
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu6")(x)

"""Xception: residual blocks whose convolutions are all depthwise separable.

Chollet 2017, "Xception: Deep Learning with Depthwise Separable Convolutions": Fig. 5.

    entry, exit    x ─ ReLU ─ separable ─ BN ─ ReLU ─ separable ─ BN ─ max pooling 3×3 /2 ─ +
                   └──────────────────────── 1×1 /2 ─ BN ───────────────────────────────────┘
    middle (8 ×)   x ─ (ReLU ─ separable ─ BN) × 3 ─ +
                   └─────────────────────────────────┘

No activation stands between the depthwise and the pointwise half of a separable convolution (§4.7).
"""

import keras
from keras import layers

from utils.keras_models import checks, parts


def xception(input_shape=(299, 299, 3), classes=1000, classifier_activation="softmax"):
    """Xception, without the optional hidden dense layers of Fig. 5.

    Args:
        input_shape: (height, width, channels) of one image; height and width may be None.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for shapes and counts that are none.
    """
    inputs = keras.Input(checks.image_shape(input_shape, smallest=32, any_size=True), name="image")
    x = inputs
    for number, (filters, strides) in enumerate(((32, 2), (64, 1)), start=1):
        x = layers.Conv2D(filters, 3, strides, use_bias=False, name=f"stem_conv{number}")(x)  # "valid", as in Fig. 5
        x = normalize(x, f"stem_norm{number}")
        x = layers.Activation("relu", name=f"stem_relu{number}")(x)
    x = downsampling_block(x, (128, 128), "entry_block1", relu_first=False)
    x = downsampling_block(x, (256, 256), "entry_block2")
    x = downsampling_block(x, (728, 728), "entry_block3")
    for number in range(1, 9):
        x = middle_block(x, 728, f"middle_block{number}")
    x = downsampling_block(x, (728, 1024), "exit_block1")
    for number, filters in enumerate((1536, 2048), start=1):
        x = separable(x, filters, f"exit_block2_conv{number}")
        x = layers.Activation("relu", name=f"exit_block2_relu{number}")(x)
    outputs = parts.head(x, checks.class_count(classes), classifier_activation)
    return keras.Model(inputs, outputs, name="xception")


def downsampling_block(x, filters, name, relu_first=True):
    """Two separable convolutions and max pooling beside a strided 1×1 convolution: (N, H, W, C) → (N, ⌈H/2⌉, ⌈W/2⌉, F).

    Args:
        x: (N, H, W, C).
        filters: of the two convolutions.
        name: STAGE_BLOCK.
        relu_first: False right after the stem, which ends in ReLU.
    """
    shortcut = layers.Conv2D(filters[1], 1, 2, padding="same", use_bias=False, name=f"{name}_shortcut")(x)
    shortcut = normalize(shortcut, f"{name}_shortcutnorm")
    y = x
    for number, channels in enumerate(filters, start=1):
        if number > 1 or relu_first:
            y = layers.Activation("relu", name=f"{name}_relu{number}")(y)
        y = separable(y, channels, f"{name}_conv{number}")
    y = layers.MaxPooling2D(3, 2, padding="same", name=f"{name}_pool")(y)
    return layers.Add(name=f"{name}_add")([shortcut, y])


def middle_block(x, filters, name):
    """Three times ReLU and a separable convolution, then the input is added: the shape stays."""
    y = x
    for number in (1, 2, 3):
        y = layers.Activation("relu", name=f"{name}_relu{number}")(y)
        y = separable(y, filters, f"{name}_conv{number}")
    return layers.Add(name=f"{name}_add")([x, y])


def separable(x, filters, name):
    """Depthwise 3×3, pointwise 1×1, BN: (N, H, W, C) → (N, H, W, filters)."""
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    return normalize(x, f"{name}_norm")


def normalize(x, name):
    """BatchNormalization with Keras' defaults (epsilon 1e-3, momentum 0.99), as in keras.applications."""
    return layers.BatchNormalization(name=name)(x)

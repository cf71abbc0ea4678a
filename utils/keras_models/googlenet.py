"""GoogLeNet (Inception v1): four views of the same map side by side. Szegedy et al. 2015, Table 1 and Fig. 2b, 3.

inception   1×1 │ 1×1 → 3×3 │ 1×1 → 5×5 │ 3×3 max pooling → 1×1, joined along the channels
"""

import keras
from keras import layers

from utils.keras_models import checks
from utils.keras_models.local_response_normalization import LocalResponseNormalization

# Table 1: #1×1, #3×3 reduce, #3×3, #5×5 reduce, #5×5, pool proj. Before 4a and 5a the map is halved.
INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
AUXILIARY = ("4a", "4d")  # where the two helping classifiers stand (§5, Fig. 3)


def googlenet(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", *, auxiliary=False):
    """GoogLeNet with local response normalization in its stem, as Fig. 3 draws it, and no batch normalization.

    6,998,552 parameters; 13,378,280 with the two helping heads. The parameters of Table 1 (K = 1024) agree with ours to
    2 %, but for three rows that do not follow from its own filters: the 7×7 convolution (2.7K printed, 9.2K), 4c (463K,
    498K) and 5a (1072K, 1019K).

    Args:
        input_shape: (height, width, channels) of one image. With `auxiliary` at least 65 pixels: the helping heads
            average 5×5 windows of the fourth stage. Without, height and width may be None.
        classes: number of classes.
        classifier_activation: of the last layers; None gives logits.
        auxiliary: True adds the two heads that feed the middle of the network with a gradient of their own. Training
            adds their losses with weight 0.3; inference discards them (§5): compile with loss_weights=[1, 0.3, 0.3].

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes); with `auxiliary` a list of three such outputs, the main one
        first.

    Raises:
        ValueError, TypeError: for shapes that do not fit.
    """
    classes = checks.class_count(classes)
    smallest = 65 if auxiliary else 32  # the helping heads average 5×5 windows of the fourth stage
    inputs = keras.Input(checks.image_shape(input_shape, smallest, any_size=not auxiliary), name="image")
    x = _convolution(inputs, 64, 7, "stem_conv1", strides=2)
    x = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool1")(x)
    x = LocalResponseNormalization(name="stem_lrn1")(x)
    x = _convolution(x, 64, 1, "stem_reduce2")
    x = _convolution(x, 192, 3, "stem_conv2")
    x = LocalResponseNormalization(name="stem_lrn2")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="stem_pool2")(x)

    helpers = []
    for name, filters in INCEPTIONS.items():
        if name in ("4a", "5a"):
            x = layers.MaxPooling2D(3, 2, padding="same", name=f"inception{name}_input_pool")(x)
        x = inception(x, filters, f"inception{name}")
        if auxiliary and name in AUXILIARY:
            helpers.append(_auxiliary_head(x, classes, classifier_activation, f"auxiliary{name}"))

    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    x = layers.Dropout(0.4, name="head_dropout")(x)
    outputs = layers.Dense(classes, activation=classifier_activation, name="head_dense")(x)
    return keras.Model(inputs, [outputs, *helpers] if auxiliary else outputs, name="googlenet")


def inception(x, filters, name):
    """Four branches, joined in the order of Table 1: (N, H, W, C) → (N, H, W, #1×1 + #3×3 + #5×5 + pool proj).

    The 1×1 "reduce" convolutions make the expensive 3×3 and 5×5 see few channels (Fig. 2b).
    """
    ones, reduce3, threes, reduce5, fives, pool = filters
    one = _convolution(x, ones, 1, f"{name}_1x1")
    three = _convolution(_convolution(x, reduce3, 1, f"{name}_3x3reduce"), threes, 3, f"{name}_3x3")
    five = _convolution(_convolution(x, reduce5, 1, f"{name}_5x5reduce"), fives, 5, f"{name}_5x5")
    pooled = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
    pooled = _convolution(pooled, pool, 1, f"{name}_poolproj")
    return layers.Concatenate(name=f"{name}_concat")([one, three, five, pooled])


def _convolution(x, filters, kernel_size, name, strides=1):
    return layers.Conv2D(filters, kernel_size, strides, padding="same", activation="relu", name=name)(x)


def _auxiliary_head(x, classes, classifier_activation, name):
    """5×5 average pooling with stride 3, 1×1 convolution, two dense layers (§5): (N, H, W, C) → (N, classes)."""
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = _convolution(x, 128, 1, f"{name}_conv")
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(1024, activation="relu", name=f"{name}_dense1")(x)
    x = layers.Dropout(0.7, name=f"{name}_dropout")(x)
    return layers.Dense(classes, activation=classifier_activation, name=f"{name}_dense2")(x)

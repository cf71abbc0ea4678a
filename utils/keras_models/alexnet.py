"""AlexNet: five convolutions and three dense layers. Krizhevsky, Sutskever and Hinton 2012, §3.5 and Fig. 2."""

import keras
from keras import layers

from utils.keras_models import checks
from utils.keras_models.local_response_normalization import LocalResponseNormalization


def alexnet(
    input_shape=(227, 227, 3), classes=1000, classifier_activation="softmax", *, conv2_padding=2, groups=1, dropout=0.5
):
    """AlexNet.

    The paper prints images of 224×224, which its 11×11 windows with stride 4 do not fit: 227 gives the 55×55 map. Its
    two GPUs split the layers 2, 4 and 5 in two halves that do not see each other: `groups=2` gives these convolutions
    (60,965,224 parameters), the default is the network on one device (62,378,344). Conv 2 needs 2 zeros a side:
    27 → 27 → 13 → 6, 9,216 features. With 1, as a table in circulation prints, the map is 25, pooled 12, then 5, and
    only 6,400 features arrive.

    Args:
        input_shape: (height, width, channels) of one image.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.
        conv2_padding: zeros on each side before the 5×5 convolution, 0 or more.
        groups: 1, or 2 for the paper's two GPUs.
        dropout: fraction of the two hidden dense layers' outputs that is dropped in training (§4.2).

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for unknown variants and for shapes that do not fit.
    """
    checks.variant("groups", groups, (1, 2))
    checks.positive_int("conv2_padding", conv2_padding, smallest=0)
    smallest = max(19, 99 - 16 * conv2_padding)  # smaller images leave nothing for the last pooling
    inputs = keras.Input(checks.image_shape(input_shape, smallest), name="image")
    x = layers.Conv2D(96, 11, 4, activation="relu", name="conv1_conv")(inputs)
    x = LocalResponseNormalization(name="conv1_lrn")(x)
    x = layers.MaxPooling2D(3, 2, name="conv1_pool")(x)

    if conv2_padding:
        x = layers.ZeroPadding2D(conv2_padding, name="conv2_pad")(x)
    x = layers.Conv2D(256, 5, groups=groups, activation="relu", name="conv2_conv")(x)
    x = LocalResponseNormalization(name="conv2_lrn")(x)
    x = layers.MaxPooling2D(3, 2, name="conv2_pool")(x)

    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="conv3_conv")(x)
    x = layers.Conv2D(384, 3, padding="same", groups=groups, activation="relu", name="conv4_conv")(x)
    x = layers.Conv2D(256, 3, padding="same", groups=groups, activation="relu", name="conv5_conv")(x)
    x = layers.MaxPooling2D(3, 2, name="conv5_pool")(x)

    outputs = dense_head(x, checks.class_count(classes), classifier_activation, dropout)
    return keras.Model(inputs, outputs, name="alexnet")


def dense_head(x, classes, classifier_activation, dropout=0.5):
    """Flatten, two dense layers of 4096, dropout on the output of each (§4.2), classes: (N, H, W, C) → (N, classes)."""
    x = layers.Flatten(name="flatten")(x)
    for number in (6, 7):
        x = layers.Dense(4096, activation="relu", name=f"fc{number}_dense")(x)
        x = layers.Dropout(dropout, name=f"fc{number}_dropout")(x)
    return layers.Dense(classes, activation=classifier_activation, name="head_dense")(x)

"""VGG: nothing but 3×3 convolutions and 2×2 pooling. Simonyan and Zisserman 2015, §2.1 and Table 1 (D: 16, E: 19)."""

import keras
from keras import layers

from utils.keras_models import checks

# filters, and how many convolutions: a block ends in pooling
BLOCKS_16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
BLOCKS_19 = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))


def vgg16(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", **options):
    """VGG16 (column D): 13 convolutions and 3 dense layers. Arguments, result and errors: `vgg`."""
    return vgg(BLOCKS_16, input_shape, classes, classifier_activation, name="vgg16", **options)


def vgg19(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", **options):
    """VGG19 (column E): 16 convolutions and 3 dense layers. Arguments, result and errors: `vgg`."""
    return vgg(BLOCKS_19, input_shape, classes, classifier_activation, name="vgg19", **options)


def vgg(
    blocks,
    input_shape=(224, 224, 3),
    classes=1000,
    classifier_activation="softmax",
    *,
    batch_norm=False,
    dense_units=4096,
    dropout=0.0,
    name="vgg",
):
    """A VGG network, written short: two loops.

    Args:
        blocks: ((filters, number of 3×3 convolutions), …); after each block the map is halved.
        input_shape: (height, width, channels) of one image.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.
        batch_norm: BatchNormalization between each convolution and its ReLU (Ioffe and Szegedy 2015, §3.2); the
            convolutions then need no bias.
        dense_units: width of the two hidden dense layers.
        dropout: fraction of their units dropped in training; the paper has 0.5 (§3.1), keras.applications none.
        name: of the model.

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for shapes that do not fit.
    """
    checks.positive_int("dense_units", dense_units)
    inputs = keras.Input(checks.image_shape(input_shape, smallest=2 ** len(blocks)), name="image")
    x = inputs
    for block, (filters, convolutions) in enumerate(blocks, start=1):
        for number in range(1, convolutions + 1):
            x = convolution(x, filters, batch_norm, f"block{block}_conv{number}")
        x = layers.MaxPooling2D(2, name=f"block{block}_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    for number in (1, 2):
        x = layers.Dense(dense_units, activation="relu", name=f"fc{number}_dense")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"fc{number}_dropout")(x)
    outputs = layers.Dense(checks.class_count(classes), activation=classifier_activation, name="head_dense")(x)
    return keras.Model(inputs, outputs, name=name)


def convolution(x, filters, batch_norm, name):
    """3×3 convolution, where wanted BatchNormalization, ReLU: (N, H, W, C) → (N, H, W, filters)."""
    if not batch_norm:
        return layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def vgg16_long(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """VGG16 line by line, as one writes it before one knows loops: layer for layer the same as `vgg16`."""
    inputs = keras.Input(checks.image_shape(input_shape, smallest=32), name="image")
    x = layers.Conv2D(64, 3, padding="same", activation="relu", name="block1_conv1")(inputs)
    x = layers.Conv2D(64, 3, padding="same", activation="relu", name="block1_conv2")(x)
    x = layers.MaxPooling2D(2, name="block1_pool")(x)
    x = layers.Conv2D(128, 3, padding="same", activation="relu", name="block2_conv1")(x)
    x = layers.Conv2D(128, 3, padding="same", activation="relu", name="block2_conv2")(x)
    x = layers.MaxPooling2D(2, name="block2_pool")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu", name="block3_conv1")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu", name="block3_conv2")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu", name="block3_conv3")(x)
    x = layers.MaxPooling2D(2, name="block3_pool")(x)
    x = layers.Conv2D(512, 3, padding="same", activation="relu", name="block4_conv1")(x)
    x = layers.Conv2D(512, 3, padding="same", activation="relu", name="block4_conv2")(x)
    x = layers.Conv2D(512, 3, padding="same", activation="relu", name="block4_conv3")(x)
    x = layers.MaxPooling2D(2, name="block4_pool")(x)
    x = layers.Conv2D(512, 3, padding="same", activation="relu", name="block5_conv1")(x)
    x = layers.Conv2D(512, 3, padding="same", activation="relu", name="block5_conv2")(x)
    x = layers.Conv2D(512, 3, padding="same", activation="relu", name="block5_conv3")(x)
    x = layers.MaxPooling2D(2, name="block5_pool")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(4096, activation="relu", name="fc1_dense")(x)
    x = layers.Dense(4096, activation="relu", name="fc2_dense")(x)
    outputs = layers.Dense(checks.class_count(classes), activation=classifier_activation, name="head_dense")(x)
    return keras.Model(inputs, outputs, name="vgg16")

"""Network in Network: after each convolution a small network per pixel, which is two 1×1 convolutions.

Lin, Chen and Yan 2014, "Network In Network": §3.1 (mlpconv), §3.2 (global average pooling), Fig. 2.
"""

import keras
from keras import layers

from utils.keras_models import checks

# kernel of the first convolution, its filters, the filters of the two 1×1 convolutions; the last block ends in classes
BLOCKS = ((5, 192, 160, 96), (5, 192, 192, 192), (3, 192, 192, None))


def nin(input_shape=(32, 32, 3), classes=10, classifier_activation="softmax", *, pool_padding="same", dropout=0.5):
    """Network in Network for small images: three mlpconv blocks, then the mean of one map per class. No dense layer.

    The paper names the parts but prints no widths; these are those of the authors' own definition for CIFAR-10 and of
    the table in circulation (which shows 128×128 images and 2 classes: 965,442 parameters). Pooling 3×3 with stride 2
    takes a border (32 → 16 → 8); the table prints none, `pool_padding="valid"`: 128 → 63 → 31 instead of 64 and 32.

    Args:
        input_shape: (height, width, channels) of one image; height and width may be None.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits (which are ≥ 0: the last map has a ReLU too).
        pool_padding: "same" or "valid".
        dropout: fraction of units dropped between the blocks in training.

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for shapes that do not fit.
    """
    classes = checks.class_count(classes)
    checks.variant("pool_padding", pool_padding, ("same", "valid"))
    smallest = 1 if pool_padding == "same" else 7
    inputs = keras.Input(checks.image_shape(input_shape, smallest, any_size=True), name="image")
    x = inputs
    for number, (kernel_size, filters, first, second) in enumerate(BLOCKS, start=1):
        if number > 1:
            x = layers.MaxPooling2D(3, 2, padding=pool_padding, name=f"block{number}_pool")(x)
            x = layers.Dropout(dropout, name=f"block{number}_dropout")(x)
        x = mlpconv(x, kernel_size, (filters, first, second or classes), f"block{number}")
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    outputs = layers.Activation(classifier_activation or "linear", name="head_activation")(x)
    return keras.Model(inputs, outputs, name="nin")


def mlpconv(x, kernel_size, filters, name):
    """A convolution and two 1×1 convolutions, each with ReLU (§3.1): (N, H, W, C) → (N, H, W, filters[2])."""
    for number, (size, count) in enumerate(zip((kernel_size, 1, 1), filters, strict=True), start=1):
        x = layers.Conv2D(count, size, padding="same", activation="relu", name=f"{name}_conv{number}")(x)
    return x

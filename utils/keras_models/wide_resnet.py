"""WideResNet: fewer blocks, but wide ones.

Zagoruyko, Komodakis 2016, "Wide Residual Networks": Fig. 1(c, d), Table 1 (CIFAR), Table 8 (ImageNet).

    x ─ BN ─ ReLU ─ 3×3 ─ BN ─ ReLU ─ (dropout) ─ 3×3 ─ +      16k, 32k, 64k channels in the three stages
    └───────────────────────────────────────────────────┘

k is the widening factor: parameters grow with k², depth is left alone. WRN-28-10 has depth 28 and k = 10.
"""

import keras
from keras import layers

from utils.keras_models import checks, parts, resnet

EPSILON, MOMENTUM = 1e-5, 0.9  # of Torch, in which the authors wrote it


def wide_resnet(
    input_shape=(32, 32, 3), classes=10, classifier_activation="softmax", *, depth=28, width=10, dropout=0.0
):
    """WRN-depth-width for small images (CIFAR).

    Args:
        input_shape: (height, width, channels) of one image; height and width may be None.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.
        depth: 6n + 4 with n blocks in each of the three stages: 10, 16, 22, 28, 40, …
        width: k, the widening factor; 1 gives a pre-activation ResNet.
        dropout: rate between the two convolutions of a block (§2.4).

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for a depth that is not 6n + 4, and for shapes and counts that are none.
    """
    depth, width = checks.positive_int("depth", depth), checks.positive_int("width", width)
    if depth < 10 or (depth - 4) % 6:
        near = max(10, 6 * round((depth - 4) / 6) + 4)
        raise ValueError(f"depth must be 6n + 4 with n ≥ 1 (10, 16, 22, 28, …), got {depth}; the nearest is {near}")
    inputs = keras.Input(checks.image_shape(input_shape, smallest=4, any_size=True), name="image")
    x = parts.convolution(inputs, 16, 3, name="stem_conv")
    for stage, filters in enumerate((16 * width, 32 * width, 64 * width), start=2):
        for number in range(1, (depth - 4) // 6 + 1):
            strides = 2 if number == 1 and stage > 2 else 1
            x = wide_block(x, filters, strides, dropout, f"stage{stage}_block{number}")
    x = normalize_relu(x, "final")
    outputs = parts.head(x, checks.class_count(classes), classifier_activation)
    return keras.Model(inputs, outputs, name=f"wide_resnet{depth}_{width}")


def wide_block(x, filters, strides, dropout, name):
    """Two pre-activated 3×3 convolutions and the shortcut: (N, H, W, C) → (N, H / strides, W / strides, filters).

    Where the shape changes, the shortcut is a 1×1 convolution of the activated input.
    """
    activated = normalize_relu(x, name, 1)
    if strides > 1 or x.shape[-1] != filters:
        x = parts.convolution(activated, filters, 1, strides, name=f"{name}_shortcut")
    y = parts.convolution(activated, filters, 3, strides, name=f"{name}_conv1")
    y = normalize_relu(y, name, 2)
    if dropout:
        y = layers.Dropout(dropout, name=f"{name}_dropout")(y)
    y = parts.convolution(y, filters, 3, name=f"{name}_conv2")
    return layers.Add(name=f"{name}_add")([x, y])


def normalize_relu(x, name, number=""):
    """BatchNormalization with Torch's epsilon and momentum, then ReLU."""
    x = layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=f"{name}_norm{number}")(x)
    return layers.Activation("relu", name=f"{name}_relu{number}")(x)


def wide_resnet50_2(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """WRN-50-2-bottleneck for ImageNet: a ResNet-50 whose 3×3 layers are twice as wide; its blocks' outputs are not.

    Args:
        input_shape, classes, classifier_activation: as in `resnet.resnet`.

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).
    """

    def block(x, filters, strides, name):
        return resnet.bottleneck_block(x, filters, strides, name, width=2 * filters, stride_on="3x3")

    repeats = resnet.BLOCKS[50]
    name = "wide_resnet50_2"
    return resnet.residual_network(block, repeats, input_shape, classes, classifier_activation, False, name)

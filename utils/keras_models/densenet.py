"""DenseNet: a layer reads everything before it, side by side, and adds a few channels of its own.

Huang, Liu, van der Maaten, Weinberger 2017, "Densely Connected Convolutional Networks": eq. (2), Fig. 1, §3, Table 1.

    dense layer    x ─ BN ─ ReLU ─ 1×1 (4k) ─ BN ─ ReLU ─ 3×3 (k) ─ concatenate ─     C → C + k channels
                   └────────────────────────────────────────────────┘
    transition     BN ─ ReLU ─ 1×1 (θ·C) ─ average pooling 2×2                         C → θ·C, map halved

ResNet *adds* the shortcut, DenseNet *concatenates* it: nothing that an earlier layer computed is overwritten. k is the
growth rate, θ the compression.
"""

import keras
from keras import layers

from utils.keras_models import checks, parts

EPSILON = 1.001e-5  # as in keras.applications
BOTTLENECK = 4  # the 1×1 convolution gives 4k channels (§3, "Bottleneck layers")
BLOCKS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32), 264: (6, 12, 64, 48)}  # Table 1


def densenet121(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """DenseNet-121: see `densenet`."""
    return densenet(121, input_shape, classes, classifier_activation)


def densenet169(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """DenseNet-169: see `densenet`."""
    return densenet(169, input_shape, classes, classifier_activation)


def densenet201(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """DenseNet-201: see `densenet`."""
    return densenet(201, input_shape, classes, classifier_activation)


def densenet264(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """DenseNet-264: see `densenet`."""
    return densenet(264, input_shape, classes, classifier_activation)


def densenet(depth, input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """A network of the paper's Table 1: growth rate 32, compression 0.5, bottlenecks ("DenseNet-BC").

    Args:
        depth: 121, 169, 201 or 264: convolutions and the dense layer.
        input_shape: (height, width, channels) of one image; height and width may be None.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for an unknown depth, and for shapes that are none.
    """
    checks.variant("depth", depth, BLOCKS)
    inputs = keras.Input(checks.image_shape(input_shape, smallest=32, any_size=True), name="image")
    x = parts.convolution(inputs, 64, 7, 2, name="stem_conv")
    x = normalize_relu(x, "stem")
    x = parts.max_pooling(x, name="stem_pool")
    x = dense_stages(x, BLOCKS[depth], growth_rate=32)
    outputs = parts.head(x, checks.class_count(classes), classifier_activation)
    return keras.Model(inputs, outputs, name=f"densenet{depth}")


def small_densenet(
    input_shape=(28, 28, 1), classes=10, classifier_activation="softmax", *, blocks=(1, 2, 4, 3), growth_rate=16
):
    """A DenseNet for 28×28 images: the small one of a study note of 2019, repaired.

    What the note prints, and what the paper has (§3):
    - no stem: the first dense block reads the raw image. Here a 3×3 convolution to 2k channels comes first.
    - transitions without BN and ReLU. The last 3×3 convolution before them would meet no activation at all.
    - no BN and ReLU after the last block, although a dense layer there is pre-activation too and ends in a convolution.
    - convolutions with a bias right before BN, which subtracts it again; here without.
    - a hidden layer of 512 units with BN after the pooling; the paper classifies directly.
    - its text *adds* the shortcut; its code, like the paper, concatenates.

    Args:
        input_shape, classes, classifier_activation: as in `densenet`.
        blocks: dense layers in each block; between two blocks stands a transition.
        growth_rate: k, channels that each dense layer adds.
    """
    inputs = keras.Input(checks.image_shape(input_shape, smallest=2 ** (len(blocks) - 1), any_size=True), name="image")
    growth_rate = checks.positive_int("growth_rate", growth_rate)
    x = parts.convolution(inputs, 2 * growth_rate, 3, name="stem_conv")
    x = dense_stages(x, blocks, growth_rate)
    outputs = parts.head(x, checks.class_count(classes), classifier_activation)
    return keras.Model(inputs, outputs, name="small_densenet")


def dense_stages(x, blocks, growth_rate, compression=0.5):
    """Dense blocks with a transition between each two; at the end the BN and ReLU that the last block still lacks."""
    for stage, count in enumerate(blocks, start=2):
        if stage > 2:
            x = transition(x, compression, f"transition{stage - 1}")
        for number in range(1, count + 1):
            x = dense_layer(x, growth_rate, f"stage{stage}_block{number}")
    return normalize_relu(x, "final")


def dense_layer(x, growth_rate, name):
    """BN-ReLU-1×1-BN-ReLU-3×3, set beside its input (eq. 2): (N, H, W, C) → (N, H, W, C + growth_rate)."""
    y = normalize_relu(x, name, 1)
    y = parts.convolution(y, BOTTLENECK * growth_rate, 1, name=f"{name}_conv1")
    y = normalize_relu(y, name, 2)
    y = parts.convolution(y, growth_rate, 3, name=f"{name}_conv2")
    return layers.Concatenate(name=f"{name}_concat")([x, y])


def transition(x, compression, name):
    """Fewer channels, half the size: (N, H, W, C) → (N, ⌊H/2⌋, ⌊W/2⌋, ⌊compression · C⌋)."""
    x = normalize_relu(x, name)
    x = parts.convolution(x, int(x.shape[-1] * compression), 1, name=f"{name}_conv")
    return layers.AveragePooling2D(2, name=f"{name}_pool")(x)


def normalize_relu(x, name, number=""):
    """BatchNormalization with the family's epsilon, then ReLU."""
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_norm{number}")(x)
    return layers.Activation("relu", name=f"{name}_relu{number}")(x)

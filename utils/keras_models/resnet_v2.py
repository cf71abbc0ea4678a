"""ResNet v2: BN and ReLU stand in front of the convolutions ("pre-activation"); the way along the shortcuts is clear.

He, Zhang, Ren, Sun 2016, "Identity Mappings in Deep Residual Networks": eq. (4) and (5), Fig. 1(b), Fig. 4(e).

    x ─ BN ─ ReLU ─ 1×1 ─ BN ─ ReLU ─ 3×3 ─ BN ─ ReLU ─ 1×1 ─ +
    └─────────────────────────────────────────────────────────┘

Nothing stands behind the sum: x_L = x_l + Σ F(x_i), so the gradient reaches every block undamped. The last block has no
BN and ReLU of its own behind it, so the network ends with both.
"""

import keras
from keras import layers

from utils.keras_models import checks, parts
from utils.keras_models.resnet import BLOCKS as ALL_BLOCKS
from utils.keras_models.resnet import EXPANSION, FILTERS, normalize_relu

BLOCKS = {depth: ALL_BLOCKS[depth] for depth in (50, 101, 152)}


def resnet50v2(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """ResNet-50 v2: see `resnet_v2`."""
    return resnet_v2(50, input_shape, classes, classifier_activation)


def resnet101v2(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """ResNet-101 v2: see `resnet_v2`."""
    return resnet_v2(101, input_shape, classes, classifier_activation)


def resnet152v2(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """ResNet-152 v2: see `resnet_v2`."""
    return resnet_v2(152, input_shape, classes, classifier_activation)


def resnet_v2(depth, input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """A pre-activation ResNet of bottlenecks, equal to keras.applications' ResNet50V2, 101V2, 152V2.

    Like those (and TF-Slim's, from which they come) it halves the map in the *last* block of stages 2, 3 and 4 and
    keeps biases where no BN follows; the authors' release halves it in the first block of stages 3, 4 and 5.

    Args:
        depth: 50, 101 or 152.
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
    x = parts.convolution(inputs, 64, 7, 2, use_bias=True, name="stem_conv")  # the first block brings its BN and ReLU
    x = parts.max_pooling(x, name="stem_pool")
    for stage, (filters, count) in enumerate(zip(FILTERS, BLOCKS[depth], strict=True), start=2):
        for number in range(1, count + 1):
            strides = 2 if number == count and stage < 5 else 1
            x = preactivation_block(x, filters, strides, f"stage{stage}_block{number}")
    x = normalize_relu(x, "final")
    outputs = parts.head(x, checks.class_count(classes), classifier_activation)
    return keras.Model(inputs, outputs, name=f"resnet{depth}v2")


def preactivation_block(x, filters, strides, name):
    """A bottleneck with BN and ReLU first (Fig. 4e): (N, H, W, C) → (N, H / strides, W / strides, 4 · filters).

    Where the number of channels changes, the shortcut is a 1×1 convolution of the activated input; where only the size
    changes, every second value of the input is kept.
    """
    activated = normalize_relu(x, name, 1)
    if x.shape[-1] != EXPANSION * filters:
        x = parts.convolution(activated, EXPANSION * filters, 1, strides, use_bias=True, name=f"{name}_shortcut")
    elif strides > 1:
        x = layers.MaxPooling2D(1, strides, name=f"{name}_shortcut")(x)
    y = parts.convolution(activated, filters, 1, name=f"{name}_conv1")
    y = normalize_relu(y, name, 2)
    y = parts.convolution(y, filters, 3, strides, name=f"{name}_conv2")
    y = normalize_relu(y, name, 3)
    y = parts.convolution(y, EXPANSION * filters, 1, use_bias=True, name=f"{name}_conv3")
    return layers.Add(name=f"{name}_add")([x, y])

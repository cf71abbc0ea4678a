"""ResNeXt: a bottleneck whose 3×3 layer is split into many narrow groups ("cardinality").

Xie, Girshick, Dollár, Tu, He 2017, "Aggregated Residual Transformations for Deep Neural Networks": Table 1, Fig. 3(c).

    x ─ 1×1 ─ BN ─ ReLU ─ 3×3 in C groups of d channels ─ BN ─ ReLU ─ 1×1 ─ BN ─ + ─ ReLU
    └─────────────────────────────────────────────────────────────────────────────┘

A group sees its own d channels only, so that the 3×3 layer can be twice as wide at about the same number of parameters:
25.0 million in ResNeXt-50 (32×4d), 25.6 in ResNet-50. It does not reduce them (Table 1).
"""

from utils.keras_models import checks
from utils.keras_models.resnet import BLOCKS as ALL_BLOCKS
from utils.keras_models.resnet import FILTERS, bottleneck_block, residual_network

BLOCKS = {depth: ALL_BLOCKS[depth] for depth in (50, 101)}


def resnext50_32x4d(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """ResNeXt-50 with 32 groups of 4 channels: see `resnext`."""
    return resnext(50, 32, 4, input_shape, classes, classifier_activation)


def resnext101_32x4d(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """ResNeXt-101 with 32 groups of 4 channels: see `resnext`."""
    return resnext(101, 32, 4, input_shape, classes, classifier_activation)


def resnext101_32x8d(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """ResNeXt-101 with 32 groups of 8 channels: see `resnext`."""
    return resnext(101, 32, 8, input_shape, classes, classifier_activation)


def resnext(depth, cardinality, width, input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax"):
    """A ResNeXt: depth and output widths of ResNet, grouped 3×3 layers, which also carry the stride.

    Args:
        depth: 50 or 101.
        cardinality: C, number of groups in every 3×3 layer.
        width: d, channels of a group in stage 2; twice as many in each later stage.
        input_shape: (height, width, channels) of one image; height and width may be None.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for an unknown depth, and for shapes and counts that are none.
    """
    checks.variant("depth", depth, BLOCKS)
    cardinality, width = checks.positive_int("cardinality", cardinality), checks.positive_int("width", width)

    def block(x, filters, strides, name):
        channels = cardinality * width * filters // FILTERS[0]
        return bottleneck_block(x, filters, strides, name, width=channels, groups=cardinality, stride_on="3x3")

    name = f"resnext{depth}_{cardinality}x{width}d"
    return residual_network(block, BLOCKS[depth], input_shape, classes, classifier_activation, False, name)

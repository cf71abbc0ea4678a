"""ResNet: a block learns what to *add* to its input.

He, Zhang, Ren, Sun 2016, "Deep Residual Learning for Image Recognition": Fig. 2 and 5 (blocks), Table 1 (networks).

    basic block (18, 34 layers)           bottleneck (50, 101, 152 layers)
    x ─ 3×3 ─ BN ─ ReLU ─ 3×3 ─ BN ─ + ─ ReLU    x ─ 1×1 ─ BN ─ ReLU ─ 3×3 ─ BN ─ ReLU ─ 1×1 ─ BN ─ + ─ ReLU
    └───────────────────────────────┘            └────────────────────────────────────────────────┘

Where the shape changes, the shortcut is a 1×1 convolution with BN (option B of the paper, §3.3); elsewhere it is the
identity. BN stands between convolution and ReLU (§3.4).
"""

import keras
from keras import layers

from utils.keras_models import checks, parts

EPSILON = 1.001e-5  # as in keras.applications
EXPANSION = 4  # a bottleneck's output is four times as wide as its 3×3 layer
FILTERS = (64, 128, 256, 512)  # of the 3×3 layers in stages 2 to 5
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # Table 1


def resnet18(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", **options):
    """ResNet-18: see `resnet`."""
    return resnet(18, input_shape, classes, classifier_activation, **options)


def resnet34(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", **options):
    """ResNet-34: see `resnet`."""
    return resnet(34, input_shape, classes, classifier_activation, **options)


def resnet50(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", **options):
    """ResNet-50: see `resnet`."""
    return resnet(50, input_shape, classes, classifier_activation, **options)


def resnet101(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", **options):
    """ResNet-101: see `resnet`."""
    return resnet(101, input_shape, classes, classifier_activation, **options)


def resnet152(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", **options):
    """ResNet-152: see `resnet`."""
    return resnet(152, input_shape, classes, classifier_activation, **options)


def resnet(
    depth,
    input_shape=(224, 224, 3),
    classes=1000,
    classifier_activation="softmax",
    *,
    use_bias=None,
    stride_on="1x1",
):
    """A residual network of the paper's Table 1.

    Args:
        depth: 18, 34 (basic blocks), 50, 101 or 152 (bottlenecks): layers with weights on the longest path.
        input_shape: (height, width, channels) of one image; height and width may be None.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.
        use_bias: whether the convolutions have a bias, although BN takes it away again. None: as in the implementation
            whose parameter count is usually quoted: with bias from depth 50 on (keras.applications), without for 18
            and 34 (the paper's own release and PyTorch).
        stride_on: which convolution of a bottleneck halves the map. "1x1": the first, as in the paper and in
            keras.applications; it skips three of four positions. "3x3": the second, as in PyTorch ("v1.5").

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for an unknown depth or variant, and for shapes that are none.
    """
    checks.variant("depth", depth, BLOCKS)
    checks.variant("stride_on", stride_on, ("1x1", "3x3"))
    if depth >= 50:
        bias = True if use_bias is None else use_bias

        def block(x, filters, strides, name):
            return bottleneck_block(x, filters, strides, name, use_bias=bias, stride_on=stride_on)
    else:
        bias = bool(use_bias)

        def block(x, filters, strides, name):
            return basic_block(x, filters, strides, name, use_bias=bias)

    name = f"resnet{depth}"
    return residual_network(block, BLOCKS[depth], input_shape, classes, classifier_activation, bias, name)


def residual_network(block, repeats, input_shape, classes, classifier_activation, use_bias, name):
    """Stem, four stages of blocks, head. The map is halved in the stem (twice) and by the first block of stages 3 to 5.

    Args:
        block: function (x, filters, strides, name) → output of the block.
        repeats: blocks in each of the stages 2 to 5.
        use_bias: of the stem's convolution.
        name: of the model.
    """
    inputs = keras.Input(checks.image_shape(input_shape, smallest=32, any_size=True), name="image")
    x = parts.convolution(inputs, 64, 7, 2, use_bias=use_bias, name="stem_conv")
    x = normalize_relu(x, "stem")
    x = parts.max_pooling(x, name="stem_pool")
    for stage, (filters, count) in enumerate(zip(FILTERS, repeats, strict=True), start=2):
        for number in range(1, count + 1):
            strides = 2 if number == 1 and stage > 2 else 1
            x = block(x, filters, strides, f"stage{stage}_block{number}")
    outputs = parts.head(x, checks.class_count(classes), classifier_activation)
    return keras.Model(inputs, outputs, name=name)


def basic_block(x, filters, strides, name, *, use_bias=False):
    """Two 3×3 convolutions, then the shortcut is added (Fig. 5, left).

    Args:
        x: (N, H, W, C).
        filters: channels of the output.
        strides: of the block.
        name: STAGE_BLOCK.
        use_bias: see `resnet`.

    Returns:
        (N, H / strides, W / strides, filters).
    """
    y = parts.convolution(x, filters, 3, strides, use_bias=use_bias, name=f"{name}_conv1")
    y = normalize_relu(y, name, 1)
    y = parts.convolution(y, filters, 3, use_bias=use_bias, name=f"{name}_conv2")
    y = normalize(y, f"{name}_norm2")
    return add_relu(shortcut(x, filters, strides, name, use_bias), y, name)


def bottleneck_block(x, filters, strides, name, *, width=None, groups=1, use_bias=False, stride_on="1x1"):
    """1×1 narrows, 3×3 works on few channels, 1×1 widens (Fig. 5, right).

    Args:
        x: (N, H, W, C).
        filters: a quarter of the output's channels.
        strides: of the block.
        name: STAGE_BLOCK.
        width: channels of the 3×3 layer (filters, where None); ResNeXt and WideResNet widen it.
        groups: of the 3×3 layer: ResNeXt's cardinality.
        use_bias, stride_on: see `resnet`.

    Returns:
        (N, H / strides, W / strides, 4 · filters).
    """
    width = width or filters
    first, second = (strides, 1) if stride_on == "1x1" else (1, strides)
    y = parts.convolution(x, width, 1, first, use_bias=use_bias, name=f"{name}_conv1")
    y = normalize_relu(y, name, 1)
    y = parts.convolution(y, width, 3, second, groups=groups, use_bias=use_bias, name=f"{name}_conv2")
    y = normalize_relu(y, name, 2)
    y = parts.convolution(y, EXPANSION * filters, 1, use_bias=use_bias, name=f"{name}_conv3")
    y = normalize(y, f"{name}_norm3")
    return add_relu(shortcut(x, EXPANSION * filters, strides, name, use_bias), y, name)


def shortcut(x, filters, strides, name, use_bias=False):
    """The identity; where the block changes the shape, a 1×1 convolution with BN that changes it alike (option B)."""
    if strides == 1 and x.shape[-1] == filters:
        return x
    x = parts.convolution(x, filters, 1, strides, use_bias=use_bias, name=f"{name}_shortcut")
    return normalize(x, f"{name}_shortcutnorm")


def add_relu(x, y, name):
    """ReLU comes after the sum."""
    x = layers.Add(name=f"{name}_add")([x, y])
    return layers.Activation("relu", name=f"{name}_out")(x)


def normalize(x, name):
    """BatchNormalization with the family's epsilon."""
    return layers.BatchNormalization(epsilon=EPSILON, name=name)(x)


def normalize_relu(x, name, number=""):
    """BatchNormalization, then ReLU."""
    x = normalize(x, f"{name}_norm{number}")
    return layers.Activation("relu", name=f"{name}_relu{number}")(x)

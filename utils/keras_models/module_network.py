"""The network of chapter 02's search space: three modules that all use the same three layers.

A module is a 1×1 convolution that sets the number of channels, then three layers, each of a kind of its own; every
convolution is followed by batch normalization and ReLU. Average pooling halves the map between modules, the channels
double. With three kinds of layers there are 3³ = 27 networks.

`parameters` counts without building: a search asks for the count of every configuration before it trains one.
"""

from utils.keras_models import checks

KINDS = ("conv", "depthwise", "separable")
MODULES = 3  # with width, 2·width and 4·width channels
SMALLEST = 2 ** (MODULES - 1)  # pixels, so that the last map still has one


def checked(layers):
    """The kinds of the three layers as a tuple.

    Args:
        layers: three of `KINDS`, first to third layer of each module.

    Raises:
        TypeError: if it is no sequence of texts.  ValueError: if there are not three, or one is of no known kind.
    """
    if isinstance(layers, str) or not hasattr(layers, "__len__"):
        raise TypeError(f"layers must name three layers, such as ('conv', 'depthwise', 'separable'); got {layers!r}")
    if len(layers) != 3:
        raise ValueError(f"layers must name the three layers of a module; got {len(layers)}: {tuple(layers)}")
    return tuple(checks.variant("a layer", kind, KINDS) for kind in layers)


def parameters(layers, width=64, channels=3, classes=10):
    """Number of parameters by formula, the moving statistics of batch normalization included (`count_params`).

    With C channels in and F out of a module: 1×1 convolution C·F + F; conv 9·F² + F; depthwise 9·F + F; separable
    9·F + F² + F (one bias, after the pointwise step); four numbers a channel for each of the four normalizations.

    Args:
        layers: three of `KINDS`.
        width: F of the first module; the others have 2·width and 4·width.
        channels: of the image.
        classes: units of the dense layer.

    Raises:
        TypeError, ValueError: for what is no configuration or no positive whole number.
    """
    layers = checked(layers)
    width, channels = checks.positive_int("width", width), checks.positive_int("channels", channels)
    total = 0
    for module in range(MODULES):
        filters = width * 2**module
        of_kind = {
            "conv": 9 * filters**2 + filters,
            "depthwise": 9 * filters + filters,
            "separable": 9 * filters + filters**2 + filters,
        }
        total += channels * filters + filters
        total += sum(of_kind[kind] for kind in layers)
        total += 4 * (1 + len(layers)) * filters
        channels = filters
    return total + channels * checks.class_count(classes) + classes


def module_network(
    layers=("conv", "depthwise", "separable"),
    width=64,
    input_shape=(32, 32, 3),
    classes=10,
    *,
    classifier_activation="softmax",
    momentum=0.99,
):
    """One of the 27 networks as a flat keras.Model.

    Args:
        layers: kinds of the first, second and third layer of each module; three of `KINDS`.
        width: channels of the first module.
        input_shape: (height, width, channels) of an image, at least 4×4.
        classes: units of the last layer.
        classifier_activation: its activation; None gives logits.
        momentum: of the moving averages of batch normalization.

    Raises:
        TypeError, ValueError: for what is no configuration, no image shape or no positive whole number.
    """
    import keras

    layers = checked(layers)
    width, classes = checks.positive_int("width", width), checks.class_count(classes)
    builders = {
        "conv": lambda filters, name: keras.layers.Conv2D(filters, 3, padding="same", name=name),
        "depthwise": lambda filters, name: keras.layers.DepthwiseConv2D(3, padding="same", name=name),
        "separable": lambda filters, name: keras.layers.SeparableConv2D(filters, 3, padding="same", name=name),
    }
    inputs = x = keras.Input(checks.image_shape(input_shape, SMALLEST), name="input_image")
    for module in range(MODULES):
        filters, stage = width * 2**module, f"module{module + 1}"
        if module > 0:
            x = keras.layers.AveragePooling2D(2, name=f"{stage}_pool")(x)
        # A depthwise layer keeps its number of channels, so this convolution sets it for all three.
        steps = [("adjust", keras.layers.Conv2D(filters, 1, name=f"{stage}_adjust_conv"))]
        for number, kind in enumerate(layers, 1):
            steps.append((f"layer{number}", builders[kind](filters, f"{stage}_layer{number}_{kind}")))
        for block, layer in steps:
            x = layer(x)
            x = keras.layers.BatchNormalization(momentum=momentum, name=f"{stage}_{block}_bn")(x)
            x = keras.layers.ReLU(name=f"{stage}_{block}_relu")(x)
    x = keras.layers.GlobalAveragePooling2D(name="head_pool")(x)
    outputs = keras.layers.Dense(classes, activation=classifier_activation, name="head_dense")(x)
    return keras.Model(inputs, outputs, name="_".join(layers))

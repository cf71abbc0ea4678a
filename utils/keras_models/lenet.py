"""LeNet-5: the convolutional network that read cheques. LeCun et al. 1998, §II.B and Fig. 2.

C1 conv 5×5 → S2 subsample → C3 conv 5×5 → S4 subsample → C5 120 → F6 84 → classes
"""

import keras
from keras import layers

from utils.keras_models import checks

PRINTED = "printed"
PAPER = "paper"


@keras.saving.register_keras_serializable(package="study")
def scaled_tanh(x):
    """The paper's squashing function 1.7159 · tanh(2/3 · x), which is ±1 at ±1 (§II.B and Appendix A)."""
    return 1.7159 * keras.ops.tanh(2 / 3 * x)


def lenet(input_shape=None, classes=None, classifier_activation="softmax", *, variant=PAPER):
    """LeNet-5.

    "paper" follows the text: 32×32 grey images, subsampling with one trainable coefficient and one bias per map, the
    scaled tanh, 120 and **84** units. Two simplifications: C3 sees all six maps (the paper's Table I connects 60 of the
    96 pairs: 1,516 parameters instead of 2,416), and the output is a dense layer instead of Euclidean RBF units. That
    makes 61,750 parameters.

    "printed" is the table that study notes pass around: colour images, max pooling followed by a sigmoid, no other
    activation, and **64** units where the paper has 84. Its 58,866 parameters are those of 2 classes.

    Args:
        input_shape: (height, width, channels) of one image; None for (32, 32, 1), "printed": (32, 32, 3).
        classes: number of classes; None for 10, "printed": 2.
        classifier_activation: of the last layer; None gives logits.
        variant: "paper" or "printed".

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for an unknown variant and for shapes that do not fit.
    """
    printed = checks.variant("variant", variant, (PAPER, PRINTED)) == PRINTED
    if input_shape is None:
        input_shape = (32, 32, 3) if printed else (32, 32, 1)
    shape = checks.image_shape(input_shape, smallest=16)
    classes = checks.class_count(classes if classes is not None else 2 if printed else 10)
    activation = None if printed else scaled_tanh
    pool = _max_pooling_sigmoid if printed else _subsampling

    inputs = keras.Input(shape, name="image")
    x = layers.Conv2D(6, 5, activation=activation, name="c1_conv")(inputs)
    x = pool(x, "s2")
    x = layers.Conv2D(16, 5, activation=activation, name="c3_conv")(x)
    x = pool(x, "s4")
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation=activation, name="c5_dense")(x)  # a 5×5 convolution on the 5×5 map
    x = layers.Dense(64 if printed else 84, activation=activation, name="f6_dense")(x)
    outputs = layers.Dense(classes, activation=classifier_activation, name="head_dense")(x)
    return keras.Model(inputs, outputs, name="lenet")


def _subsampling(x, name):
    """Average 2×2, times a coefficient per map, plus a bias per map, squashed: (N, H, W, C) → (N, H/2, W/2, C).

    The paper adds the four and multiplies; the mean is the same with a coefficient four times as large. It stands here
    as a 1×1 depthwise convolution: one weight and one bias per map.
    """
    x = layers.AveragePooling2D(2, name=f"{name}_pool")(x)
    return layers.DepthwiseConv2D(1, activation=scaled_tanh, depthwise_initializer="ones", name=f"{name}_scale")(x)


def _max_pooling_sigmoid(x, name):
    x = layers.MaxPooling2D(2, name=f"{name}_pool")(x)
    return layers.Activation("sigmoid", name=f"{name}_sigmoid")(x)

"""ZFNet: AlexNet with a finer look at the image – 7×7 windows, stride 2. Zeiler and Fergus 2014, §4.1 and Fig. 3."""

import keras
from keras import layers

from utils.keras_models import checks
from utils.keras_models.alexnet import dense_head
from utils.keras_models.local_response_normalization import LocalResponseNormalization

PAPER, PRINTED = "paper", "printed"
SMALLEST = {PAPER: 53, PRINTED: 67}  # pixels: smaller images leave nothing for the last pooling


def zfnet(input_shape=(224, 224, 3), classes=1000, classifier_activation="softmax", *, variant=PAPER):
    """ZFNet with its dense layers.

    The paper's Fig. 3 draws the maps 110 → 55 → 26 → 13 → 13 → 13 → 13 → 6 and normalizes *after* pooling. It prints no
    padding; "paper" has what gives these sizes: one zero a side at conv 1 (224 → 110), a border at the first two
    poolings (110 → 55, 26 → 13). 62,357,608 parameters. "printed" is the table in circulation: no zeros at conv 1 (224
    → 109), conv 2 padded by 1, pooling without a border, normalization before pooling as in AlexNet: 109 → 54 → 26 → 12
    → 5. 46,734,466 parameters with 2 classes.

    Args:
        input_shape: (height, width, channels) of one image.
        classes: number of classes.
        classifier_activation: of the last layer; None gives logits.
        variant: "paper" or "printed".

    Returns:
        keras.Model, images (N, H, W, C) → (N, classes).

    Raises:
        ValueError, TypeError: for an unknown variant and for shapes that do not fit.
    """
    variant = checks.variant("variant", variant, (PAPER, PRINTED))
    inputs = keras.Input(checks.image_shape(input_shape, SMALLEST[variant]), name="image")
    x = _convolutions(inputs, variant)
    outputs = dense_head(x, checks.class_count(classes), classifier_activation)
    return keras.Model(inputs, outputs, name="zfnet")


def zfnet_gap(input_shape=(None, None, 3), classes=1000, classifier_activation="softmax", *, variant=PAPER):
    """ZFNet without dense layers: a 1×1 convolution with one map per class, then the mean of each map.

    Global average pooling (Lin et al. 2014, §3.2) makes it fully convolutional: one set of weights, images of any size.

    Args, Returns, Raises: as `zfnet`; height and width may be None.
    """
    variant = checks.variant("variant", variant, (PAPER, PRINTED))
    inputs = keras.Input(checks.image_shape(input_shape, SMALLEST[variant], any_size=True), name="image")
    x = _convolutions(inputs, variant)
    x = layers.Conv2D(checks.class_count(classes), 1, name="head_conv")(x)
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    outputs = layers.Activation(classifier_activation or "linear", name="head_activation")(x)
    return keras.Model(inputs, outputs, name="zfnet_gap")


def _convolutions(x, variant):
    """The five convolutions: (N, H, W, C) → (N, h, w, 256)."""
    paper = variant == PAPER
    if paper:
        x = layers.ZeroPadding2D(1, name="conv1_pad")(x)
    x = layers.Conv2D(96, 7, 2, activation="relu", name="conv1_conv")(x)
    x = _pool_and_normalize(x, paper, "conv1")

    if not paper:
        x = layers.ZeroPadding2D(1, name="conv2_pad")(x)
    x = layers.Conv2D(256, 5, 2, activation="relu", name="conv2_conv")(x)
    x = _pool_and_normalize(x, paper, "conv2")

    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="conv3_conv")(x)
    x = layers.Conv2D(384, 3, padding="same", activation="relu", name="conv4_conv")(x)
    x = layers.Conv2D(256, 3, padding="same", activation="relu", name="conv5_conv")(x)
    return layers.MaxPooling2D(3, 2, name="conv5_pool")(x)


def _pool_and_normalize(x, paper, name):
    pool = layers.MaxPooling2D(3, 2, padding="same" if paper else "valid", name=f"{name}_pool")
    normalize = LocalResponseNormalization(name=f"{name}_lrn")
    return normalize(pool(x)) if paper else pool(normalize(x))

"""The few pieces that the deep networks share: a convolution that pads as the papers do, and the classifier's head."""

import math
import numbers

from keras import layers


def convolution(x, filters, kernel_size, strides=1, *, name, use_bias=False, groups=1):
    """A convolution that pads kernel_size // 2 zeros on *every* side, as the papers and PyTorch do.

    With stride 1 that is Keras' "same". With a larger stride it is not: on an even size "same" puts the odd zero after
    the map (bottom, right), so the windows lie elsewhere and trained weights would see shifted images.

    Args:
        x: (N, H, W, C).
        filters, kernel_size, strides, groups: of the convolution; an odd kernel.
        name: of the layer; the padding layer, where there is one, is called `name`_pad.
        use_bias: False where BatchNormalization follows, which subtracts a bias again.

    Returns:
        (N, ceil(H / strides), ceil(W / strides), filters).
    """
    padding = "same"
    if strides > 1 and kernel_size > 1:
        x = layers.ZeroPadding2D(kernel_size // 2, name=f"{name}_pad")(x)
        padding = "valid"
    return layers.Conv2D(filters, kernel_size, strides, padding, groups=groups, use_bias=use_bias, name=name)(x)


def max_pooling(x, *, name):
    """3×3 max pooling with stride 2 and a zero on every side: (N, H, W, C) → (N, ⌈H/2⌉, ⌈W/2⌉, C).

    After ReLU a zero at the border never wins; before it (ResNet v2) it does, and keras.applications has it so.
    """
    x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    return layers.MaxPooling2D(3, 2, name=name)(x)


def head(x, classes, classifier_activation):
    """Global average pooling and one dense layer: (N, H, W, C) → (N, classes)."""
    x = layers.GlobalAveragePooling2D(name="head_pool")(x)
    return layers.Dense(classes, activation=classifier_activation, name="head_dense")(x)


def width_multiplier(alpha):
    """The width multiplier of the MobileNets as a float.

    Raises:
        TypeError: if it is no number.  ValueError: if it is not above 0.
    """
    if isinstance(alpha, bool) or not isinstance(alpha, numbers.Real):
        raise TypeError(f"alpha must be a number such as 1.0 or 0.5, got {alpha!r}")
    if not (math.isfinite(alpha) and alpha > 0):
        raise ValueError(f"alpha must be above 0 (1.0: the paper's width, 0.5: half of it), got {alpha}")
    return float(alpha)

"""PixelCNN: every pixel from the pixels before it, row by row, in one network without recurrence.

- van den Oord et al. 2016b, "Pixel Recurrent Neural Networks": §2.1, (1) (the factorization), §3.4 (masks A, B), §3.5
  and Table 1 (PixelCNN).
- van den Oord et al. 2016c, "Conditional Image Generation with PixelCNN Decoders": §2.1, (2) (gated units), §2.2 and
  Fig. 1, 2 (the blind spot, and the vertical and horizontal stack that have none).

For pictures with one channel of zeros and ones: a logit a pixel is all the softmax that they need.
"""

import keras
import numpy as np
from keras import layers, ops

from utils.keras_models import checks

MASKS = ("A", "B", "above", "left A", "left B")


def allowed_taps(kind, kernel_size):
    """Which taps of a kernel may be used: 1.0 or 0.0, shape `kernel_size`, the pixel itself in the middle.

    Args:
        kind: "A": all before the pixel, row by row; "B": these and the pixel itself. "above": the rows above only;
            "left A", "left B": this row only, without and with the pixel itself.
        kernel_size: (height, width), both odd.

    Raises:
        ValueError: for an unknown kind or an even size.
    """
    checks.variant("mask", kind, MASKS)
    height, width = kernel_size
    if height % 2 == 0 or width % 2 == 0:
        raise ValueError(f"a masked kernel needs a pixel in its middle: sizes must be odd, got {tuple(kernel_size)}")
    row, column = height // 2, width // 2
    allowed = np.zeros((height, width), "float32")
    if not kind.startswith("left"):
        allowed[:row] = 1
    if kind != "above":
        allowed[row, : column + kind.endswith("B")] = 1
    return allowed


@keras.saving.register_keras_serializable(package="study")
class MaskedConv2D(layers.Conv2D):
    """Conv2D with "same" padding whose kernel is multiplied by a mask before it is used, so masked taps stay 0.

    Args:
        filters, kernel_size: as in Conv2D, odd sizes.
        mask: see `allowed_taps`. The first layer of a network takes "A" (its input *is* the pixel to predict), the
            others take "B".
        options: of Conv2D.
    """

    def __init__(self, filters, kernel_size, mask="B", **options):
        super().__init__(filters, kernel_size, **{"padding": "same"} | options)
        self.mask = mask
        self._allowed = allowed_taps(mask, self.kernel_size)[:, :, None, None]

    def convolution_op(self, inputs, kernel):
        return super().convolution_op(inputs, kernel * self._allowed)

    def get_config(self):
        return super().get_config() | {"mask": self.mask}


def pixelcnn(input_shape=(28, 28), filters=32, blocks=5, *, first_kernel_size=7, kernel_size=3, gated=False):
    """PixelCNN for pictures of zeros and ones: train it with a picture as input and as target.

    Args:
        input_shape: (height, width), may be None.
        filters: channels of the convolutions.
        blocks: residual blocks after the first convolution.
        first_kernel_size, kernel_size: odd.
        gated: False: ReLU and a masked convolution a block, with a blind spot (2016b). True: gated units in a vertical
            and a horizontal stack, without one (2016c).

    Returns:
        keras.Model, (N, H, W, 1) of 0.0 and 1.0 → logits (N, H, W, 1) that each pixel is 1, from the pixels before it.

    Raises:
        ValueError, TypeError: for sizes that do not fit.
    """
    filters, blocks = checks.positive_int("filters", filters), checks.positive_int("blocks", blocks)
    inputs = keras.Input(checks.image_shape((*input_shape, 1), any_size=True), name="image")
    stack = _gated_stack if gated else _plain_stack
    x = stack(inputs, filters, blocks, first_kernel_size, kernel_size)
    x = layers.Conv2D(filters, 1, activation="relu", name="post_1")(layers.ReLU()(x))
    outputs = layers.Conv2D(1, 1, dtype="float32", name="logits")(x)  # float32 also under mixed precision
    return keras.Model(inputs, outputs, name="gated_pixelcnn" if gated else "pixelcnn")


def _plain_stack(x, filters, blocks, first_kernel_size, kernel_size):
    x = MaskedConv2D(filters, first_kernel_size, "A", name="first")(x)
    for number in range(1, blocks + 1):
        y = MaskedConv2D(filters, kernel_size, "B", name=f"masked_{number}")(layers.ReLU()(x))
        x = layers.Add()([x, y])
    return x


def _gated_stack(x, filters, blocks, first_kernel_size, kernel_size):
    """A vertical stack reads the rows above, a horizontal one this row and, through 1×1, the vertical one.

    The vertical stack at a pixel may know all of the rows above it, so from the second layer on it reads its own row to
    both sides as well: everything there knows only rows above, too.
    """
    vertical = horizontal = x
    for number in range(blocks + 1):
        size, left, name = (
            (kernel_size, "left B", f"block_{number}") if number else (first_kernel_size, "left A", "first")
        )
        v = MaskedConv2D(2 * filters, size, "above", name=f"{name}_vertical")(vertical)
        if number:
            row = layers.Conv2D(2 * filters, (1, size), padding="same", use_bias=False, name=f"{name}_row")
            v = layers.Add()([v, row(vertical)])
        h = MaskedConv2D(2 * filters, (1, size), left, name=f"{name}_horizontal")(horizontal)
        h = layers.Add()([h, layers.Conv2D(2 * filters, 1, name=f"{name}_down")(v)])
        vertical = _gate(v)
        h = layers.Conv2D(filters, 1, name=f"{name}_mix")(_gate(h))
        horizontal = layers.Add()([horizontal, h]) if number else h
    return horizontal


def _gate(u):
    content, gate = ops.split(u, 2, axis=-1)
    return layers.Multiply()([layers.Activation("tanh")(content), layers.Activation("sigmoid")(gate)])

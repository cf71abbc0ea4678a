"""WaveNet: the next sample's class from all samples that a stack of dilated causal convolutions reaches.

van den Oord et al. 2016a, "WaveNet: A Generative Model for Raw Audio": §2.1 (dilated causal convolutions), §2.2
(softmax over 256 classes), §2.3 (gated units), §2.4, Fig. 4 (residual and skip connections).

    classes ─ causal conv ─┬─ dilated conv ─ tanh ⊙ σ ─┬─ 1×1 ─ + ── next block
                           └───────────────────────────│────────┘
                                                        └─ 1×1 ─ Σ over the blocks ─ ReLU ─ 1×1 ─ ReLU ─ 1×1 ─ logits
"""

import keras
from keras import layers, ops

from utils.keras_models import checks


def wavenet(
    dilations,
    residual_channels=32,
    skip_channels=64,
    classes=256,
    *,
    kernel_size=2,
    input_kernel_size=2,
):
    """WaveNet without conditioning. Logit t belongs to sample t + 1: train it on x[:, :-1] with the targets x[:, 1:].

    Logit t sees the classes t, t − 1, …: input_kernel_size + (kernel_size − 1) · Σ dilations of them.

    Args:
        dilations: dilation rate of each block; the paper's are 1, 2, 4, …, 512, repeated.
        residual_channels: channels of the residual path, and of tanh ⊙ σ.
        skip_channels: channels of the sum of the skip connections.
        classes: of a sample; 256 for 8-bit μ-law.
        kernel_size: taps of the dilated convolutions; input_kernel_size: of the first one, which reads one-hot classes.

    Returns:
        keras.Model, whole numbers (N, T) → logits (N, T, classes). Layers: "input_conv"; "dilated_i", "residual_i"
        (not in the last block: nothing would read it), "skip_i" from i = 1; "post_1", "logits".

    Raises:
        ValueError, TypeError: for sizes that are no whole numbers of at least 1.
    """
    if isinstance(dilations, (int, str)) or not hasattr(dilations, "__iter__") or not (dilations := tuple(dilations)):
        raise ValueError(f"dilations must be one whole number a block, such as (1, 2, 4, 8); got {dilations!r}")
    dilations = [checks.positive_int("dilations", d) for d in dilations]
    residual_channels = checks.positive_int("residual_channels", residual_channels)
    skip_channels = checks.positive_int("skip_channels", skip_channels)
    classes = checks.positive_int("classes", classes, smallest=2)
    kernel_size = checks.positive_int("kernel_size", kernel_size)
    input_kernel_size = checks.positive_int("input_kernel_size", input_kernel_size)

    inputs = keras.Input((None,), dtype="int32", name="classes")
    x = ops.one_hot(inputs, classes)
    x = layers.Conv1D(residual_channels, input_kernel_size, padding="causal", name="input_conv")(x)
    skips = []
    for number, dilation in enumerate(dilations, start=1):
        u = layers.Conv1D(
            2 * residual_channels, kernel_size, padding="causal", dilation_rate=dilation, name=f"dilated_{number}"
        )(x)
        content, gate = ops.split(u, 2, axis=-1)
        z = layers.Multiply()([layers.Activation("tanh")(content), layers.Activation("sigmoid")(gate)])
        skips.append(layers.Dense(skip_channels, name=f"skip_{number}")(z))
        if number < len(dilations):
            x = layers.Add()([x, layers.Dense(residual_channels, name=f"residual_{number}")(z)])
    x = layers.ReLU()(layers.Add()(skips) if len(skips) > 1 else skips[0])
    x = layers.Dense(skip_channels, activation="relu", name="post_1")(x)
    logits = layers.Dense(classes, dtype="float32", name="logits")(x)  # float32 also under mixed precision
    return keras.Model(inputs, logits, name="wavenet")

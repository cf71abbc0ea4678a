"""The convolution layers by hand against Keras with the same weights: outputs and every gradient."""

import numpy as np
import pytest

from utils.gradient_check import keras_gradients, relative_error
from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.conv2d_transpose import Conv2DTranspose
from utils.numpy_layers.depthwise_conv2d import DepthwiseConv2D
from utils.numpy_layers.separable_conv2d import SeparableConv2D

CONV = [
    dict(),
    dict(padding="same"),
    dict(strides=2, padding="same"),
    dict(strides=3),
    dict(strides=(2, 1), padding="same"),
    dict(kernel_size=(2, 4), padding="same"),
    dict(kernel_size=(1, 5)),
    dict(kernel_size=1),
    dict(kernel_size=1, strides=2, padding="same"),
    dict(dilation_rate=2),
    dict(dilation_rate=(2, 3), padding="same"),
    dict(groups=2),
    dict(groups=4, padding="same", strides=2),
    dict(use_bias=False),
]
DEPTHWISE = [
    dict(),
    dict(padding="same"),
    dict(strides=2, padding="same"),
    dict(depth_multiplier=3),
    dict(depth_multiplier=2, strides=2, padding="same", kernel_size=(2, 4)),
    dict(dilation_rate=2, padding="same"),
    dict(use_bias=False),
]
TRANSPOSE = [
    dict(),
    dict(padding="same"),
    dict(strides=2),
    dict(strides=2, padding="same"),
    dict(strides=(3, 2), padding="same", kernel_size=(2, 4)),
    dict(strides=3, kernel_size=2),
    dict(strides=2, output_padding=1),
    dict(strides=2, padding="same", output_padding=1),
    dict(kernel_size=1, strides=2, padding="same"),
    dict(use_bias=False),
]
CHANNELS = 4
CASES = (
    [pytest.param(Conv2D, "Conv2D", (8,), s, id=f"Conv2D {s}") for s in CONV]
    + [pytest.param(DepthwiseConv2D, "DepthwiseConv2D", (), s, id=f"DepthwiseConv2D {s}") for s in DEPTHWISE]
    + [pytest.param(SeparableConv2D, "SeparableConv2D", (5,), s, id=f"SeparableConv2D {s}") for s in DEPTHWISE]
    + [pytest.param(Conv2DTranspose, "Conv2DTranspose", (5,), s, id=f"Conv2DTranspose {s}") for s in TRANSPOSE]
)


@pytest.mark.parametrize("ours, name, filters, options", CASES)
def test_outputs_and_gradients_are_those_of_keras(ours, name, filters, options):
    import keras

    options = dict(options)
    kernel_size = options.pop("kernel_size", 3)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 8, 7, CHANNELS)).astype("float32")
    theirs = getattr(keras.layers, name)(*filters, kernel_size, **options)
    theirs.build(x.shape)
    layer = ours(*filters, kernel_size, CHANNELS, **options)
    assert [w.shape for w in theirs.weights] == [p.shape for p in layer.params.values()]
    for key, weight in zip(layer.params, theirs.weights, strict=True):
        layer.params[key] = rng.standard_normal(weight.shape).astype("float32")
        weight.assign(layer.params[key])

    y = layer.forward(x)
    dy = rng.standard_normal(y.shape).astype("float32")
    dx = layer.backward(dy)
    their_y, their_dx, their_dweights = keras_gradients(theirs, x, dy)
    errors = {"y": relative_error(y, their_y), "x": relative_error(dx, their_dx)}
    for key, their_gradient in zip(layer.params, their_dweights, strict=True):
        errors[key] = relative_error(layer.grads[key], their_gradient)
    assert max(errors.values()) < 1e-5, errors


def test_strided_and_dilated_depthwise():
    """Keras 3.15 computes both at once; earlier versions refuse."""
    import keras

    x = np.random.default_rng(0).standard_normal((2, 9, 9, 3)).astype("float32")
    try:
        theirs = keras.layers.DepthwiseConv2D(3, strides=2, dilation_rate=2, padding="same")
        expected = np.asarray(theirs(x))
    except Exception as refusal:
        pytest.skip(f"this Keras refuses it: {refusal}")
    layer = DepthwiseConv2D(3, 3, strides=2, dilation_rate=2, padding="same")
    layer.params["depthwise_kernel"] = np.asarray(theirs.weights[0])
    assert relative_error(layer.forward(x), expected) < 1e-5


def test_dilated_transpose_is_the_gradient_of_keras_dilated_convolution():
    """TensorFlow has no dilated Conv2DTranspose on a CPU, but it has the gradient that this layer is."""
    import keras

    rng = np.random.default_rng(0)
    layer = Conv2DTranspose(3, (2, 3), 4, dilation_rate=(3, 2), use_bias=False, rng=rng)
    x = rng.standard_normal((2, 4, 5, 4)).astype("float32")
    y = layer.forward(x)
    conv = keras.layers.Conv2D(4, (2, 3), dilation_rate=(3, 2), use_bias=False)
    conv.build(y.shape)
    conv.set_weights([layer.params["kernel"]])
    _, gradient, _ = keras_gradients(conv, np.zeros_like(y), x)
    assert relative_error(y, gradient) < 1e-5


def test_a_number_as_padding_is_zeropadding2d_before_valid():
    import keras

    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 9, 8, 3)).astype("float32")
    layer = Conv2D(4, 5, 3, strides=2, padding=2, rng=rng)
    theirs = keras.layers.Conv2D(4, 5, strides=2)
    padded = keras.layers.ZeroPadding2D(2)(x)
    theirs.build(padded.shape)
    theirs.set_weights(list(layer.params.values()))
    assert relative_error(layer.forward(x), np.asarray(theirs(padded))) < 1e-5
    # For an even total that is 'same' as well; with stride 2 on 8 columns it is not: 'same' pads (1, 2) there.
    same = Conv2D(4, 5, 3, strides=2, padding="same")
    same.params = layer.params
    assert relative_error(layer.forward(x[:, :, :7]), same.forward(x[:, :, :7])) < 1e-6
    assert relative_error(layer.forward(x), same.forward(x)) > 1e-2


def test_a_kernel_larger_than_the_input_is_refused_by_both():
    import keras

    x = np.ones((1, 4, 4, 1), "float32")
    with pytest.raises(ValueError):
        keras.layers.Conv2D(1, 5)(x)
    with pytest.raises(ValueError, match="kernel that spans 5 does not fit into 4"):
        Conv2D(1, 5, 1).forward(x)

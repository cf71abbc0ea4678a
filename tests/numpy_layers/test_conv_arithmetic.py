"""Sizes, receptive fields and counts: the formulas against Keras, against perturbation, against counted products."""

import itertools

import numpy as np
import pytest

from utils.numpy_layers import conv_arithmetic as arithmetic
from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.naive_conv2d import naive_conv2d


def grid(*axes):
    return list(itertools.product(*axes))


# Every input size, kernel, stride and dilation of a grid; the larger ones contain every case of divisibility.
SETTINGS = [
    case for case in grid(range(1, 10), range(1, 6), (1, 2, 3), ("valid", "same"), (1, 2, 3)) if 1 in (case[2], case[4])
]


@pytest.fixture(scope="module")
def keras():
    import keras

    return keras


def test_output_size_is_the_size_keras_gives(keras):
    compared = 0
    for size, kernel, stride, padding, dilation in SETTINGS:
        fits = padding == "same" or arithmetic.effective_kernel_size(kernel, dilation) <= size
        if not fits:
            with pytest.raises(ValueError, match="does not fit"):
                arithmetic.output_size(size, kernel, stride, padding, dilation)
            continue
        # One axis differs from the other, so a mixed-up axis would show.
        x, w = np.zeros((1, size, 11, 1), "float32"), np.zeros((kernel, 2, 1, 1), "float32")
        y = keras.ops.conv(x, w, strides=(stride, 1), padding=padding, dilation_rate=(dilation, 1))
        assert y.shape[1] == arithmetic.output_size(size, kernel, stride, padding, dilation), (size, kernel, stride)
        compared += 1
    assert compared > 350


def test_transposed_output_size_is_the_size_keras_gives(keras):
    compared = refused = 0
    for size, kernel, stride, padding, dilation in SETTINGS:
        for extra in (None, *range(stride)):
            pair = None if extra is None else (extra, 0)
            try:
                ours = arithmetic.transposed_output_size(size, kernel, stride, padding, dilation, extra)
            except ValueError:
                refused += 1
                if dilation == 1:  # with holes TensorFlow computes nothing on a CPU, refused or not
                    with pytest.raises(Exception, match="(?i)size|shape"):
                        transposed(keras, size, kernel, stride, padding, pair)
                continue
            layer = keras.layers.Conv2DTranspose(
                1, (kernel, 3), (stride, 1), padding, pair, dilation_rate=(dilation, 1)
            )
            assert layer.compute_output_shape((1, size, 5, 1))[1] == ours, (
                size,
                kernel,
                stride,
                padding,
                dilation,
                extra,
            )
            if dilation == 1:
                assert transposed(keras, size, kernel, stride, padding, pair).shape[1] == ours
            compared += 1
    assert compared > 1000 and refused > 10, (compared, refused)


def transposed(keras, size, kernel, stride, padding, output_padding):
    x, w = np.zeros((1, size, 5, 1), "float32"), np.zeros((kernel, 3, 1, 1), "float32")
    return keras.ops.conv_transpose(x, w, (stride, 1), padding, output_padding)


@pytest.mark.parametrize(
    "settings, expected",
    [
        # Dumoulin & Visin 2016: the examples under Relationships 1, 2, 3, 4, 5, 6 (two) and 15.
        (dict(size=4, kernel_size=3), 2),
        (dict(size=5, kernel_size=4, padding=2), 6),
        (dict(size=5, kernel_size=3, padding=1), 5),
        (dict(size=5, kernel_size=3, padding=2), 7),
        (dict(size=5, kernel_size=3, stride=2), 2),
        (dict(size=5, kernel_size=3, stride=2, padding=1), 3),
        (dict(size=6, kernel_size=3, stride=2, padding=1), 3),
        (dict(size=7, kernel_size=3, dilation_rate=2), 3),
    ],
)
def test_output_size_of_the_papers_examples(settings, expected):
    assert arithmetic.output_size(**settings) == expected


@pytest.mark.parametrize(
    "settings, expected",
    [
        # The examples under Relationships 8, 9, 10, 11, 12, 13 and 14.
        (dict(size=2, kernel_size=3, padding=0), 4),
        (dict(size=6, kernel_size=4, padding=2), 5),
        (dict(size=5, kernel_size=3, padding=1), 5),
        (dict(size=7, kernel_size=3, padding=2), 5),
        (dict(size=2, kernel_size=3, stride=2, padding=0), 5),
        (dict(size=3, kernel_size=3, stride=2, padding=1), 5),
        (dict(size=3, kernel_size=3, stride=2, padding=1, output_padding=1), 6),
    ],
)
def test_transposed_output_size_of_the_papers_examples(settings, expected):
    assert arithmetic.transposed_output_size(**settings) == expected


def test_same_padding_puts_an_odd_zero_after():
    assert arithmetic.padding_amounts(32, 3, 2, "same") == (0, 1)
    assert arithmetic.padding_amounts(5, 4, 1, "same") == (1, 2)
    assert arithmetic.padding_amounts(5, 3, 1, "same") == (1, 1)


CHAINS = [
    [(3, 1), (3, 1)],
    [(3, 2), (3, 1), (5, 1)],
    [(7, 2), (2, 2), (3, 1), (3, 2), (3, 1)],
    [(2, 1, 1), (2, 1, 2), (2, 1, 4), (2, 1, 8)],
    [(3, 1), (1, 2), (3, 1, 2)],
]


@pytest.mark.parametrize("chain", CHAINS)
def test_receptive_field_is_what_a_perturbation_reaches(chain):
    """Change one input at a time and watch one output: the reach is measured, not derived."""
    expected = arithmetic.receptive_fields(chain)[-1]
    width = 4 * expected + 3
    rng = np.random.default_rng(0)
    # Without bias and non-linearity, the response to the image e_i is the effect of input i. Weights of one sign cannot
    # cancel each other.
    y = np.eye(width).reshape(width, 1, width, 1)
    for kernel_size, stride, *dilation in chain:
        dilation = dilation[0] if dilation else 1
        layer = Conv2D(
            1, (1, kernel_size), 1, (1, stride), dilation_rate=(1, dilation), use_bias=False, dtype="float64"
        )
        layer.params["kernel"] = rng.uniform(0.5, 1, layer.params["kernel"].shape)
        y = layer.forward(y)
    for output in (0, y.shape[2] // 2, y.shape[2] - 1):
        reached = np.flatnonzero(y[:, 0, output, 0])
        assert reached[-1] - reached[0] + 1 == expected


def test_receptive_fields_lists_every_layer():
    assert arithmetic.receptive_fields([(3, 1), (3, 1), (3, 1)]) == [3, 5, 7]
    assert arithmetic.receptive_fields([(3, 2), (3, 2), (3, 2)]) == [3, 7, 15]
    assert arithmetic.receptive_fields([(2, 1, 2**i) for i in range(10)])[-1] == 1024  # WaveNet's block


class Counted:
    """A number that counts how often it is multiplied."""

    products = 0

    def __init__(self, value):
        self.value = value

    def __mul__(self, other):
        Counted.products += 1
        return Counted(self.value * other.value)

    def __add__(self, other):
        return Counted(self.value + getattr(other, "value", other))

    __radd__ = __add__


def counted(array):
    numbers = np.empty(array.shape, object)
    numbers.flat = [Counted(value) for value in array.flat]
    return numbers


@pytest.mark.parametrize(
    "size, kernel, channels, filters, groups, stride, dilation",
    [(4, 3, 2, 3, 1, 1, 1), (6, (3, 2), 4, 6, 2, 2, 1), (7, 3, 3, 6, 3, 1, 2), (5, 1, 2, 5, 1, 1, 1)],
)
def test_macs_are_the_multiplications_of_the_definition(size, kernel, channels, filters, groups, stride, dilation):
    rng = np.random.default_rng(0)
    k_h, k_w = arithmetic.as_pair("kernel", kernel)
    x, w = rng.standard_normal((1, size, size, channels)), rng.standard_normal((k_h, k_w, channels // groups, filters))
    Counted.products = 0
    y = naive_conv2d(counted(x), counted(w), None, stride, "valid", dilation, groups)
    assert Counted.products == arithmetic.conv2d_macs(y.shape[1:3], kernel, channels, filters, groups)


def test_macs_of_the_layers_built_from_two_steps():
    # 3×3, 16×16 positions, 32 -> 64 channels, by hand.
    assert arithmetic.conv2d_macs(16, 3, 32, 64) == 256 * 9 * 32 * 64 == 4_718_592
    assert arithmetic.depthwise_conv2d_macs(16, 3, 32) == 256 * 9 * 32 == 73_728
    assert arithmetic.separable_conv2d_macs(16, 3, 32, 64) == 73_728 + 256 * 32 * 64 == 598_016
    assert arithmetic.depthwise_conv2d_macs(16, 3, 32, 2) == 256 * 9 * 32 * 2
    assert arithmetic.separable_conv2d_macs(16, 3, 32, 64, 2) == 256 * (9 * 32 * 2 + 32 * 2 * 64)
    ratio = arithmetic.separable_conv2d_macs(16, 3, 32, 64) / arithmetic.conv2d_macs(16, 3, 32, 64)
    assert ratio == pytest.approx(1 / 64 + 1 / 9)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize(
    "kernel, channels, filters, groups, multiplier", [(3, 4, 6, 1, 1), ((5, 2), 6, 4, 2, 3), (1, 1, 1, 1, 2)]
)
def test_parameters_are_what_keras_counts(keras, kernel, channels, filters, groups, multiplier, use_bias):
    layers = keras.layers
    ours_and_theirs = [
        (
            arithmetic.conv2d_parameters(kernel, channels, filters, groups, use_bias),
            layers.Conv2D(filters, kernel, groups=groups, use_bias=use_bias),
        ),
        (
            arithmetic.conv2d_parameters(kernel, channels, filters, 1, use_bias),
            layers.Conv2DTranspose(filters, kernel, use_bias=use_bias),
        ),
        (
            arithmetic.depthwise_conv2d_parameters(kernel, channels, multiplier, use_bias),
            layers.DepthwiseConv2D(kernel, depth_multiplier=multiplier, use_bias=use_bias),
        ),
        (
            arithmetic.separable_conv2d_parameters(kernel, channels, filters, multiplier, use_bias),
            layers.SeparableConv2D(filters, kernel, depth_multiplier=multiplier, use_bias=use_bias),
        ),
    ]
    for ours, layer in ours_and_theirs:
        layer.build((None, 8, 8, channels))
        assert ours == layer.count_params(), layer


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: arithmetic.output_size(5, 3, padding="SAME"), ValueError, "'valid', 'same' or a whole number"),
        (lambda: arithmetic.output_size(5, 3, padding=-1), ValueError, "got -1"),
        (lambda: arithmetic.output_size(5, 3, padding=True), ValueError, "got True"),
        (lambda: arithmetic.output_size(2, 3), ValueError, "kernel that spans 3 does not fit into 2"),
        (lambda: arithmetic.output_size(5, 3, stride=0), ValueError, "stride must be at least 1, got 0"),
        (lambda: arithmetic.output_size(5.0, 3), TypeError, "size must be a whole number, got 5.0"),
        (lambda: arithmetic.output_size(5, 3, dilation_rate=0), ValueError, "dilation_rate must be at least 1"),
        (lambda: arithmetic.transposed_output_size(3, 3, 2, output_padding=2), ValueError, "0 … stride - 1 = 1, got 2"),
        (lambda: arithmetic.transposed_output_size(3, 2, 2, "same", output_padding=0), ValueError, "no convolution"),
        (lambda: arithmetic.transposed_output_size(1, 1, 1, padding=1), ValueError, "no convolution"),
        (lambda: arithmetic.conv2d_parameters(3, 4, 6, groups=3), ValueError, "groups = 3 must divide channels = 4"),
        (lambda: arithmetic.as_pair("strides", (1, 2, 3)), ValueError, r"\(height, width\), got \(1, 2, 3\)"),
        (lambda: arithmetic.as_pair("strides", (1, 0)), ValueError, "strides must be at least 1, got 0"),
        (lambda: arithmetic.receptive_fields([(3, 0)]), ValueError, "stride must be at least 1"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_reason(call, error, words):
    with pytest.raises(error, match=words):
        call()

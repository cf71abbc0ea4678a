"""The convolution layers by hand: gradients, invariants, the seed's figures, and what they refuse."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from utils.gradient_check import check_layer, relative_error
from utils.numpy_layers import conv_products
from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.conv2d_transpose import Conv2DTranspose
from utils.numpy_layers.conv_products import convolve, input_gradient, kernel_gradient
from utils.numpy_layers.depthwise_conv2d import DepthwiseConv2D
from utils.numpy_layers.im2col import col2im, geometry, im2col
from utils.numpy_layers.naive_conv2d import naive_conv2d
from utils.numpy_layers.separable_conv2d import SeparableConv2D


def counting(*shape):
    """1, 2, 3, … in this shape: the weights of the seed's examples."""
    return np.arange(1, np.prod(shape) + 1, dtype="float64").reshape(shape)


def test_figures_of_conv2d():
    layer = Conv2D(3, 3, 2, use_bias=False, dtype="float64")
    layer.params["kernel"] = counting(3, 3, 2, 3)
    x = counting(1, 3, 3, 2) * 0.1
    np.testing.assert_allclose(layer.forward(x).ravel(), [598.5, 615.6, 632.7], rtol=1e-13)
    per_channel = (x[0, :, :, :, None] * layer.params["kernel"]).sum(axis=(0, 1))[:, 0]
    np.testing.assert_allclose(per_channel, [274.5, 324.0], rtol=1e-13)


def test_figures_of_depthwise_and_separable():
    depthwise = DepthwiseConv2D(3, 2, use_bias=False, dtype="float64")
    depthwise.params["depthwise_kernel"] = counting(3, 3, 2, 1)
    np.testing.assert_allclose(depthwise.forward(counting(1, 3, 3, 2) * 0.1).ravel(), [96.9, 114.0], rtol=1e-13)
    separable = SeparableConv2D(2, 3, 1, use_bias=False, dtype="float64")
    separable.params["depthwise_kernel"] = counting(3, 3, 1, 1)
    separable.params["pointwise_kernel"] = counting(1, 1, 1, 2) + 1
    np.testing.assert_allclose(separable.forward(counting(1, 3, 3, 1) * 0.1).ravel(), [57.0, 85.5], rtol=1e-13)


def test_figures_of_conv2d_transpose():
    layer = Conv2DTranspose(2, 3, 3, use_bias=False, dtype="float64")
    layer.params["kernel"] = counting(3, 3, 2, 3)
    expected = [
        [[1.4, 8.2, 20.8, 21.2], [17.2, 72.2, 119.0, 94.6], [71.2, 212.6, 259.4, 181.0], [91.4, 231.4, 265.6, 165.2]],
        [[3.2, 14.5, 27.1, 25.7], [26.2, 95.6, 142.4, 109.0], [80.2, 236.0, 282.8, 195.4], [98.6, 248.5, 282.7, 175.1]],
    ]
    y = layer.forward(counting(1, 2, 2, 3) * 0.1)
    np.testing.assert_allclose(y[0].transpose(2, 0, 1), expected, rtol=1e-13)


LAYERS = {
    "conv": lambda: Conv2D(5, 3, 4, dtype="float64"),
    "conv 1×1": lambda: Conv2D(3, 1, 4, dtype="float64"),
    "conv strided, same": lambda: Conv2D(2, (3, 2), 4, strides=(2, 3), padding="same", dtype="float64"),
    "conv dilated": lambda: Conv2D(2, (2, 3), 4, dilation_rate=(3, 2), padding="same", dtype="float64"),
    "conv padded by 2, no bias": lambda: Conv2D(2, 3, 4, padding=2, use_bias=False, dtype="float64"),
    "conv in groups": lambda: Conv2D(6, 3, 4, strides=2, padding="same", groups=2, dtype="float64"),
    "conv in as many groups as channels": lambda: Conv2D(8, (1, 3), 4, groups=4, dtype="float64"),
    "depthwise": lambda: DepthwiseConv2D(3, 4, dtype="float64"),
    "depthwise, multiplier 3": lambda: DepthwiseConv2D(
        (2, 3), 4, strides=(2, 1), padding="same", depth_multiplier=3, dtype="float64"
    ),
    "depthwise, strided and dilated": lambda: DepthwiseConv2D(
        2, 4, strides=2, dilation_rate=2, padding=1, dtype="float64"
    ),
    "separable": lambda: SeparableConv2D(5, 3, 4, strides=2, padding="same", depth_multiplier=2, dtype="float64"),
    "transposed": lambda: Conv2DTranspose(5, 3, 4, dtype="float64"),
    "transposed, strided, same": lambda: Conv2DTranspose(2, (3, 4), 4, strides=(2, 3), padding="same", dtype="float64"),
    "transposed, gaps between stamps": lambda: Conv2DTranspose(2, 2, 4, strides=3, dtype="float64"),
    "transposed, padded, output padding": lambda: Conv2DTranspose(
        2, 3, 4, strides=2, padding=1, output_padding=(1, 0), dtype="float64"
    ),
    "transposed, dilated": lambda: Conv2DTranspose(2, (2, 3), 4, dilation_rate=2, dtype="float64"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_backward_is_the_numerical_gradient(name):
    layer = LAYERS[name]()
    if "bias" in layer.params:
        layer.params["bias"] += 0.1
    errors = check_layer(layer, np.random.default_rng(1).standard_normal((2, 5, 6, 4)))
    assert max(errors.values()) < 1e-6, errors


@st.composite
def convolutions(draw):
    """Settings of a small convolution: input shape, kernel shape, and how the window slides."""
    size, kernel = [draw(st.tuples(st.integers(1, top), st.integers(1, top))) for top in (7, 3)]
    strides, dilation = [draw(st.tuples(st.integers(1, 3), st.integers(1, 3))) for _ in range(2)]
    padding = draw(st.sampled_from(["valid", "same", 0, 1, 2]))
    groups = draw(st.integers(1, 3))
    channels, filters = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    batch = draw(st.integers(1, 3))
    try:
        geometry((batch, *size, channels), kernel, strides, padding, dilation)
    except ValueError:
        assume(False)  # the kernel does not fit
    window = dict(strides=strides, padding=padding, dilation_rate=dilation)
    return (batch, *size, channels), (*kernel, channels // groups, filters), groups, window


@given(convolutions(), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_layer_is_the_definition(case, seed):
    input_shape, kernel_shape, groups, window = case
    # The layer refuses what Keras refuses; the products below it do not care.
    assume(max(window["strides"]) == 1 or max(window["dilation_rate"]) == 1)
    rng = np.random.default_rng(seed)
    layer = Conv2D(kernel_shape[3], kernel_shape[:2], input_shape[3], groups=groups, dtype="float64", **window)
    layer.params = {name: rng.standard_normal(shape) for name, shape in layer.shapes.items()}
    x = rng.standard_normal(input_shape)
    expected = naive_conv2d(x, layer.params["kernel"], layer.params["bias"], groups=groups, **window)
    assert relative_error(layer.forward(x), expected) < 1e-12


@given(convolutions(), st.integers(0, 2**32 - 1), st.sampled_from([1, 200, 1000, 4 << 20]))
@settings(max_examples=100, deadline=None)
def test_products_are_the_definition_and_its_two_transposes(case, seed, chunk_bytes):
    """⟨A x, y⟩ = ⟨x, Aᵀ y⟩ holds for the map x → y and for kernel → y, whatever the size of the chunks."""
    input_shape, kernel_shape, groups, window = case
    assume(groups == 1)
    rng = np.random.default_rng(seed)
    x, kernel = rng.standard_normal(input_shape), rng.standard_normal(kernel_shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conv_products, "CHUNK_BYTES", chunk_bytes)
        y = convolve(x, kernel, **window)
        dy = rng.standard_normal(y.shape)
        dx = input_gradient(dy, kernel, x.shape, **window)
        dkernel = kernel_gradient(x, dy, kernel.shape, **window)
    assert relative_error(y, naive_conv2d(x, kernel, **window)) < 1e-12
    assert dx.shape == x.shape and dkernel.shape == kernel.shape
    product = np.sum(y * dy)
    assert np.sum(x * dx) == pytest.approx(product, abs=1e-9)
    assert np.sum(kernel * dkernel) == pytest.approx(product, abs=1e-9)


@given(convolutions(), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_col2im_is_the_transpose_of_im2col(case, seed):
    input_shape, kernel_shape, _, window = case
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(input_shape)
    cols = im2col(x, kernel_shape[:2], **window)
    other = rng.standard_normal(cols.shape)
    scattered = col2im(other, input_shape, kernel_shape[:2], **window)
    assert np.sum(cols * other) == pytest.approx(np.sum(x * scattered), abs=1e-9)
    # Not the inverse: a pixel comes back once per window that covers it.
    times = col2im(im2col(np.ones(input_shape), kernel_shape[:2], **window), input_shape, kernel_shape[:2], **window)
    np.testing.assert_allclose(col2im(cols, input_shape, kernel_shape[:2], **window), x * times, atol=1e-12)


@given(
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.integers(1, 3),
    st.sampled_from(["valid", "same", 0, 1]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=100, deadline=None)
def test_conv2d_transpose_is_the_adjoint_of_conv2d(size, kernel_size, strides, padding, seed):
    """⟨A a, x⟩ = ⟨a, Aᵀ x⟩ with one kernel in both layers: Conv2D from F to C channels, Conv2DTranspose back."""
    rng = np.random.default_rng(seed)
    try:
        transpose = Conv2DTranspose(2, kernel_size, 3, strides, padding, use_bias=False, dtype="float64")
        x = rng.standard_normal((2, *size, 3))
        y = transpose.forward(x)
    except ValueError:
        assume(False)  # more padding than there is output
    conv = Conv2D(3, kernel_size, 2, strides, padding, use_bias=False, dtype="float64")
    conv.params["kernel"] = transpose.params["kernel"]
    a = rng.standard_normal(y.shape)
    assert np.sum(conv.forward(a) * x) == pytest.approx(np.sum(a * y), abs=1e-9)
    np.testing.assert_allclose(conv.backward(x), y, atol=1e-12)  # the same array, computed backward
    dx = transpose.backward(a)
    np.testing.assert_allclose(dx, conv.forward(a), atol=1e-12)


def test_depthwise_is_a_convolution_in_as_many_groups_as_channels():
    rng = np.random.default_rng(0)
    depthwise = DepthwiseConv2D(3, 4, padding="same", depth_multiplier=2, dtype="float64", rng=rng)
    grouped = Conv2D(8, 3, 4, padding="same", groups=4, dtype="float64")
    # Filter c·M + m sees channel c: (3, 3, C, M) and (3, 3, 1, C·M) are the same numbers in the same order.
    grouped.params["kernel"] = depthwise.params["depthwise_kernel"].reshape(3, 3, 1, 8)
    x = rng.standard_normal((2, 5, 5, 4))
    y = depthwise.forward(x)
    np.testing.assert_allclose(y, grouped.forward(x), atol=1e-12)
    dy = rng.standard_normal(y.shape)
    np.testing.assert_allclose(depthwise.backward(dy), grouped.backward(dy), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda d: Conv2D(6, 3, 4, padding="same", groups=2, dtype=d),
        lambda d: DepthwiseConv2D(3, 4, depth_multiplier=2, dtype=d),
        lambda d: SeparableConv2D(5, 3, 4, dtype=d),
        lambda d: Conv2DTranspose(5, 3, 4, 2, dtype=d),
    ],
)
def test_dtype_stays_what_it_is(layer, dtype):
    layer = layer(dtype)
    x = np.ones((2, 5, 5, 4), dtype)
    y = layer.forward(x)
    dx = layer.backward(np.ones_like(y))
    assert {y.dtype, dx.dtype, *(g.dtype for g in layer.grads.values())} == {np.dtype(dtype)}
    assert {name: g.shape for name, g in layer.grads.items()} == {name: p.shape for name, p in layer.params.items()}
    assert dx.shape == x.shape


def test_1x1_im2col_copies_nothing():
    x = np.ones((2, 3, 3, 4))
    assert np.shares_memory(im2col(x, 1), x)


def test_settings_that_do_not_fit_are_refused():
    refused = [
        (lambda: Conv2D(3, 3, 2, strides=2, dilation_rate=2), ValueError, "cannot both be above 1"),
        (lambda: Conv2DTranspose(3, 3, 2, strides=2, dilation_rate=2), ValueError, "cannot both be above 1"),
        (lambda: Conv2D(6, 3, 4, groups=3), ValueError, "groups = 3 must divide channels = 4"),
        (lambda: Conv2D(5, 3, 4, groups=2), ValueError, "groups = 2 must divide filters = 5"),
        (lambda: Conv2D(0, 3, 2), ValueError, "filters must be at least 1, got 0"),
        (lambda: Conv2D(3, 3.0, 2), TypeError, "kernel_size must be a whole number, got 3.0"),
        (lambda: Conv2D(3, 3, 2, padding="full"), ValueError, "'valid', 'same' or a whole number"),
        (lambda: Conv2D(3, 3, 2, dtype="int32"), ValueError, "'float32' or 'float64', got 'int32'"),
        (lambda: DepthwiseConv2D(3, 2, depth_multiplier=0), ValueError, "depth_multiplier must be at least 1"),
        (lambda: Conv2DTranspose(3, 3, 2, strides=2, output_padding=2), ValueError, "output_padding must be in 0 … "),
    ]
    for call, error, words in refused:
        with pytest.raises(error, match=words):
            call()


def test_arrays_that_do_not_fit_are_refused():
    layer = Conv2D(3, 3, 2)
    good = np.ones((1, 5, 5, 2), "float32")
    refused = [
        (
            np.ones((5, 5, 2), "float32"),
            ValueError,
            r"x must have 4 axes \(batch, height, width, 2\), got shape \(5, 5, 2\)",
        ),
        (np.ones((1, 5, 5, 3), "float32"), ValueError, "axis 3 is 3, not 2"),
        (np.ones((1, 2, 5, 2), "float32"), ValueError, "kernel that spans 3 does not fit into 2"),
        (np.ones((1, 5, 5, 2)), TypeError, "x must be float32, got float64"),
        ([[1.0]], TypeError, "must be a NumPy array"),
        (np.ones((0, 5, 5, 2), "float32"), ValueError, "x is empty"),
    ]
    for x, error, words in refused:
        with pytest.raises(error, match=words):
            layer.forward(x)
    with pytest.raises(RuntimeError, match=r"call forward\(x\) first"):
        layer.backward(good)
    layer.forward(good)
    with pytest.raises(ValueError, match="dy must have shape"):
        layer.backward(good)
    layer.params["kernel"] = np.ones((3, 3, 3, 2), "float32")  # a transposed layer's order
    with pytest.raises(ValueError, match=r"kernel must have shape \(3, 3, 2, 3\)"):
        layer.forward(good)
    with pytest.raises(ValueError, match="cols has shape"):
        col2im(np.ones((4, 9)), (1, 4, 4, 2), 3)
    with pytest.raises(ValueError, match="images have 4 axes"):
        im2col(np.ones((4, 4)), 3)

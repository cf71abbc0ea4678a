"""What the convolution layers share before the first product: checked settings and first weights."""

import numpy as np

from utils.numpy_layers import checks
from utils.numpy_layers.conv_arithmetic import as_pair, padding_amounts


def window_settings(strides, padding, dilation_rate, refuse_strided_dilation):
    """How a window slides, checked, as keyword arguments of `im2col` and of the functions in `conv_products`.

    Raises:
        TypeError, ValueError: for a size below 1, an unknown padding, or (where `refuse_strided_dilation`) a stride
            and a dilation that are both above 1.
    """
    window = {
        "strides": as_pair("strides", strides),
        "dilation_rate": as_pair("dilation_rate", dilation_rate),
        "padding": padding,
    }
    padding_amounts(1, 1, padding=padding)  # refuses an unknown padding now, not at the first image
    if refuse_strided_dilation and max(window["strides"]) > 1 and max(window["dilation_rate"]) > 1:
        raise ValueError(
            f"strides = {strides} and dilation_rate = {dilation_rate} cannot both be above 1 (Keras refuses it too); "
            "use one of them, or a dilated layer followed by slicing y[:, ::s, ::s]"
        )
    return window


def groups_of(groups, channels, filters):
    """The checked number of groups.

    Raises:
        ValueError: if it does not divide the input channels and the filters.
    """
    checks.positive_int("groups", groups)
    for name, number in (("channels", channels), ("filters", filters)):
        if number % groups:
            raise ValueError(f"groups = {groups} must divide {name} = {number}: each group takes {name}/groups of them")
    return groups


def glorot_uniform(shape, rng, dtype):
    """First values of a kernel of shape (k_h, k_w, in, out): uniform in ±√(6 / (k_h·k_w·(in + out))), as Keras."""
    rng = np.random.default_rng(0) if rng is None else rng
    limit = np.sqrt(6 / (shape[0] * shape[1] * (shape[2] + shape[3])))
    return rng.uniform(-limit, limit, shape).astype(dtype)


def check_call(x, channels, params, shapes, dtype):
    """Check an input (batch, height, width, channels) and the weights a reader may have put into `params`."""
    checks.array("x", x, ("batch", "height", "width", channels), dtype)
    for name, shape in shapes.items():
        checks.array(name, params[name], shape, dtype)


def check_backward(cache, dy, output_shape, dtype):
    """Check that `forward` has run and that `dy` has its output's shape."""
    if cache is None:
        raise RuntimeError("backward needs the values of a forward pass: call forward(x) first")
    checks.array("dy", dy, output_shape, dtype)

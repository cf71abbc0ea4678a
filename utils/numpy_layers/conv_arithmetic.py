"""The arithmetic of convolution: sizes, padding, receptive field, parameters and multiplications.

Everything here works on one axis at a time, because the axes do not influence each other (Dumoulin & Visin 2016,
chapter 2). A size or a stride that may differ between height and width is passed for each axis in its own call.
"""

import math

from utils.numpy_layers import checks


def as_pair(name, value):
    """(height, width) from one whole number or two.

    Raises:
        TypeError: if `value` is neither an int nor two ints.
        ValueError: if a number is smaller than 1.
    """
    if not isinstance(value, (tuple, list)):
        value = (value, value)
    if len(value) != 2:
        raise ValueError(f"{name} must be a whole number or (height, width), got {value!r}")
    return tuple(checks.positive_int(name, number) for number in value)


def effective_kernel_size(kernel_size, dilation_rate=1):
    """Length that a dilated kernel spans: k + (k-1)(d-1) (Dumoulin & Visin 2016, §5.1).

    Args:
        kernel_size: k, weights along the axis.
        dilation_rate: d, distance between neighbouring weights (1: no holes).
    """
    _at_least_one(kernel_size=kernel_size, dilation_rate=dilation_rate)
    return kernel_size + (kernel_size - 1) * (dilation_rate - 1)


def padding_amounts(size, kernel_size, stride=1, padding="valid", dilation_rate=1):
    """Zeros put before and after an axis.

    "same" pads so that ceil(size / stride) windows fit. An odd total cannot be halved: the extra zero goes *after*
    (bottom, right), which is what TensorFlow and Keras do.

    Args:
        size: input size along the axis.
        kernel_size, stride, dilation_rate: of the convolution along the axis.
        padding: "valid" (none), "same", or a whole number p (p zeros on each side, as in the papers and in PyTorch).

    Returns:
        (before, after)
    """
    _at_least_one(size=size, kernel_size=kernel_size, stride=stride, dilation_rate=dilation_rate)
    if padding == "valid":
        return 0, 0
    if padding == "same":
        windows = math.ceil(size / stride)
        total = max((windows - 1) * stride + effective_kernel_size(kernel_size, dilation_rate) - size, 0)
        return total // 2, total - total // 2
    if _is_count(padding):
        return int(padding), int(padding)
    raise ValueError(f"padding must be 'valid', 'same' or a whole number of zeros ≥ 0, got {padding!r}")


def output_size(size, kernel_size, stride=1, padding="valid", dilation_rate=1):
    """Output size of a convolution or a pooling along one axis.

    o = floor((i + p_before + p_after - k_eff) / s) + 1 (Dumoulin & Visin 2016, Relationships 6 and 15).
    With padding="same" this is ceil(i / s).

    Raises:
        ValueError: if the kernel does not fit into the padded input.
    """
    before, after = padding_amounts(size, kernel_size, stride, padding, dilation_rate)
    span = effective_kernel_size(kernel_size, dilation_rate)
    if size + before + after < span:
        raise ValueError(
            f"a kernel that spans {span} does not fit into {size} + {before + after} padding; "
            "use a smaller kernel or dilation, a larger input, or padding='same'"
        )
    return (size + before + after - span) // stride + 1


def transposed_output_size(size, kernel_size, stride=1, padding="valid", dilation_rate=1, output_padding=None):
    """Output size of a transposed convolution along one axis.

    Several input sizes of a strided convolution share one output size, so the way back has to choose:
    - padding = p, a whole number: s(i-1) + k_eff - 2p + a (Dumoulin & Visin 2016, Relationships 13 and 14;
      PyTorch). `a` is `output_padding`, 0 by default.
    - "valid": s(i-1) + max(k_eff, s), "same": s·i, which is Keras without `output_padding`;
      with it s(i-1) + k_eff + a and s(i-1) + (k_eff mod 2) + a.

    Raises:
        ValueError: if `output_padding` is not in 0 … stride-1, or if no convolution leads back to `size`.
    """
    _at_least_one(size=size, kernel_size=kernel_size, stride=stride, dilation_rate=dilation_rate)
    if output_padding is not None and not (_is_count(output_padding) and output_padding < stride):
        raise ValueError(f"output_padding must be in 0 … stride - 1 = {stride - 1}, got {output_padding!r}")
    padding_amounts(size, kernel_size, stride, padding, dilation_rate)  # refuses an unknown padding
    span = effective_kernel_size(kernel_size, dilation_rate)
    extra = output_padding or 0
    if padding == "same":
        result = size * stride if output_padding is None else (size - 1) * stride + span % 2 + extra
    elif padding == "valid":
        result = (size - 1) * stride + (max(span, stride) if output_padding is None else span + extra)
    else:
        result = (size - 1) * stride + span - 2 * padding + extra
    if result < 1 or output_size(result, kernel_size, stride, padding, dilation_rate) != size:
        raise ValueError(
            f"no convolution with kernel {kernel_size}, stride {stride}, padding {padding!r} and dilation "
            f"{dilation_rate} turns {result} into {size}; change output_padding ({output_padding!r}) or padding"
        )
    return result


def receptive_fields(layers):
    """Receptive field after each layer of a chain of convolutions and poolings.

    r grows by (k_eff - 1) × jump, where jump is the product of all earlier strides: r_0 = 1 + Σ_l (k_l - 1) Π_{i<l} s_i
    (Araujo, Norris & Sim 2019, section "Computing receptive field size"). Padding plays no part.

    Args:
        layers: iterable of (kernel_size, stride) or (kernel_size, stride, dilation_rate), from input to output.

    Returns:
        list with the receptive field (input positions along one axis) of one output position of each layer.
    """
    sizes, size, jump = [], 1, 1
    for kernel_size, stride, *dilation in layers:
        _at_least_one(kernel_size=kernel_size, stride=stride)
        size += (effective_kernel_size(kernel_size, *dilation) - 1) * jump
        jump *= stride
        sizes.append(size)
    return sizes


def conv2d_parameters(kernel_size, channels, filters, groups=1, use_bias=True):
    """Trainable numbers of Conv2D (and of Conv2DTranspose): k_h·k_w·(C/groups)·F, and F biases.

    Raises:
        ValueError: if `groups` does not divide `channels` and `filters`.
    """
    height, width = as_pair("kernel_size", kernel_size)
    _at_least_one(channels=channels, filters=filters, groups=groups)
    if channels % groups or filters % groups:
        raise ValueError(f"groups = {groups} must divide channels = {channels} and filters = {filters}")
    return height * width * (channels // groups) * filters + (filters if use_bias else 0)


def depthwise_conv2d_parameters(kernel_size, channels, depth_multiplier=1, use_bias=True):
    """Trainable numbers of DepthwiseConv2D: k_h·k_w·C·m, and C·m biases."""
    return conv2d_parameters(kernel_size, channels, channels * depth_multiplier, groups=channels, use_bias=use_bias)


def separable_conv2d_parameters(kernel_size, channels, filters, depth_multiplier=1, use_bias=True):
    """Trainable numbers of SeparableConv2D: k_h·k_w·C·m + C·m·F, and F biases (the pointwise step has them)."""
    depthwise = depthwise_conv2d_parameters(kernel_size, channels, depth_multiplier, use_bias=False)
    return depthwise + conv2d_parameters(1, channels * depth_multiplier, filters, use_bias=use_bias)


def conv2d_macs(positions, kernel_size, channels, filters, groups=1):
    """Multiply-accumulate operations of Conv2D for one image: every weight works once at every output position.

    H_out·W_out·k_h·k_w·(C/groups)·F (Howard et al. 2017, eq. (2)). Products with padded zeros are counted, as in
    the paper. For Conv2DTranspose pass the *input's* positions: there every weight works once for every input position.

    Args:
        positions: output size, a whole number or (height, width).
    """
    height, width = as_pair("positions", positions)
    return height * width * conv2d_parameters(kernel_size, channels, filters, groups, use_bias=False)


def depthwise_conv2d_macs(positions, kernel_size, channels, depth_multiplier=1):
    """H_out·W_out·k_h·k_w·C·m (Howard et al. 2017, eq. (4))."""
    return conv2d_macs(positions, kernel_size, channels, channels * depth_multiplier, groups=channels)


def separable_conv2d_macs(positions, kernel_size, channels, filters, depth_multiplier=1):
    """H_out·W_out·(k_h·k_w·C·m + C·m·F) (Howard et al. 2017, eq. (5))."""
    depthwise = depthwise_conv2d_macs(positions, kernel_size, channels, depth_multiplier)
    return depthwise + conv2d_macs(positions, 1, channels * depth_multiplier, filters)


def _at_least_one(**numbers):
    for name, number in numbers.items():
        checks.positive_int(name, number)


def _is_count(value):
    return not isinstance(value, bool) and hasattr(value, "__index__") and value >= 0

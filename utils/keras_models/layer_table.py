"""The layer table of a network, read off the model: nobody types it, so it cannot be wrong about the model.

MACs are multiply-accumulate operations for one image. Every weight of a kernel works once at every position:
MACs = positions × weights of the kernel. Biases, pooling, normalization and activations are left out, as in the papers
(Howard et al. 2017, eq. (2)–(5)); products with padded zeros are counted.
"""

import math
from dataclasses import dataclass, replace

import keras

from utils.keras_models import checks

FOLDED = ("BatchNormalization", "Activation", "ReLU", "LeakyReLU", "Softmax", "Dropout", "SpatialDropout2D")
LONG = 40  # rows; a longer table is shown by stage


@dataclass(frozen=True)
class Row:
    """One layer.

    `kernel`, `strides` are (height, width), `output_shape` has no batch axis; what a layer does not have is None.
    `padding` is the number of zeros on each side ("1"; "0+1": none before, one after). `macs` is None where the
    input size is not fixed. `inputs` names the layers that feed this one.
    """

    name: str
    kind: str
    kernel: tuple | None
    filters: int | None
    strides: tuple | None
    padding: str | None
    activation: str
    output_shape: tuple
    parameters: int
    macs: int | None
    groups: int = 1
    inputs: tuple = ()

    @property
    def stage(self):
        """The part of the name before the first "_"."""
        return self.name.split("_")[0]


def rows(model):
    """One Row for each layer, in the order of computation.

    Args:
        model: a built keras.Model without models inside.

    Raises:
        TypeError: if it is no keras.Model.  ValueError: if it has no shapes yet, or holds another model.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"model must be a keras.Model, got {type(model).__name__}")
    layers = getattr(model, "operations", None) or model.layers
    if not model.built or not all(_is_connected(layer) for layer in layers):
        raise ValueError(f"{model.name!r} has no layer shapes yet; give it an Input, so that each layer has one")
    maker = {id(tensor): layer.name for layer in layers for tensor in keras.tree.flatten(layer.output)}
    result = []
    for layer in layers:
        if isinstance(layer, keras.Model):
            raise ValueError(f"{layer.name!r} is a model inside {model.name!r}; a layer table needs a flat model")
        sources = () if isinstance(layer, keras.layers.InputLayer) else keras.tree.flatten(layer.input)
        names = tuple(maker[id(tensor)] for tensor in sources if id(tensor) in maker)
        result.append(_row(layer, sources, names))
    return result


def parameters(model, trainable_only=False):
    """Number of parameters; with `trainable_only` without the moving averages of BatchNormalization."""
    weights = model.trainable_weights if trainable_only else model.weights
    return sum(math.prod(weight.shape) for weight in weights)


def macs(model):
    """Multiply-accumulate operations for one image.

    Raises:
        ValueError: if the model takes images of any size.
    """
    counts = [row.macs for row in rows(model)]
    if None in counts:
        raise ValueError(f"the cost of {model.name!r} depends on the image size; build it with a fixed input_shape")
    return sum(counts)


def text(model, every=None):
    """The table as aligned text, for print.

    Args:
        model: a built keras.Model without models inside.
        every: what a line stands for. "layer": each layer. "step": BatchNormalization, activation, dropout and zero
            padding stand in the line of the layer they belong to, with their parameters. "stage": the layers whose
            names begin alike. None: "step", or "stage" for a network too long for it.
    """
    layers = rows(model)
    if every is not None:
        checks.variant("every", every, ("layer", "step", "stage"))
    steps = layers if every == "layer" else fold(layers)
    if every == "stage" or (every is None and len(steps) > LONG):
        header = ("stage", "layers", "output", "parameters", "MACs")
        lines = [_stage_cells(name, members) for name, members in stages(steps)]
    else:
        header = ("name", "layer", "kernel", "filters", "stride", "padding", "then", "output", "parameters", "MACs")
        lines = [_cells(row) for row in steps]
    counts = [row.macs for row in layers]
    total = [""] * len(header)
    total[0] = "total"
    total[-2:] = f"{parameters(model):,}", "?" if None in counts else f"{sum(counts):,}"
    return _aligned([header, *lines, tuple(total)])


def stages(table):
    """[(stage, its rows)] in order of first appearance."""
    found = {}
    for row in table:
        found.setdefault(row.stage, []).append(row)
    return list(found.items())


def fold(table):
    """The rows without normalization, activation, dropout and zero padding: these are noted in their neighbour's row.

    What follows a layer is added to its `activation` ("BN, relu") and to its parameters, so that the sum stays the
    same; zero padding is added to the padding of the layer it feeds.
    """
    kept, home, padded = {}, {}, {}
    for row in table:
        before = row.inputs[0] if row.inputs else None
        if row.kind == "ZeroPadding2D" and before in home:
            home[row.name], padded[row.name] = home[before], row.padding
        elif row.kind in FOLDED and len(row.inputs) == 1 and before in home and before not in padded:
            target = kept[home[before]]
            note = ", ".join(part for part in (target.activation, row.activation) if part)
            kept[target.name] = replace(target, activation=note, parameters=target.parameters + row.parameters)
            home[row.name] = target.name
        else:
            if before in padded:
                row = replace(row, padding=_padding_sum(padded[before], row.padding), inputs=(home[before],))
            home[row.name] = row.name
            kept[row.name] = replace(row, inputs=tuple(home.get(name, name) for name in row.inputs))
    return list(kept.values())


def _is_connected(layer):
    try:
        return layer.output is not None
    except (AttributeError, ValueError):
        return False


def _row(layer, sources, names):
    kernel = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    strides = getattr(layer, "strides", None) if kernel is not None else None
    filters = getattr(layer, "filters", None) or getattr(layer, "units", None)
    output = keras.tree.flatten(layer.output)[0].shape[1:]
    source = sources[0].shape[1:] if sources else None
    return Row(
        name=layer.name,
        kind=type(layer).__name__.removesuffix("Layer"),
        kernel=kernel,
        filters=filters,
        strides=strides,
        padding=_padding(layer, source, kernel, strides),
        activation=_activation(layer),
        output_shape=tuple(output),
        parameters=sum(math.prod(weight.shape) for weight in getattr(layer, "weights", ())),
        macs=_macs(layer, source, output),
        groups=getattr(layer, "groups", 1) if kernel is not None else 1,
        inputs=names,
    )


def _macs(layer, source, output):
    if hasattr(layer, "depthwise_kernel"):  # separable
        kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
    elif isinstance(getattr(layer, "kernel", None), keras.Variable):
        kernels = (layer.kernel,)
    else:
        return 0
    # A transposed convolution stamps its kernel once for every *input* position.
    positions = source[:-1] if "Transpose" in type(layer).__name__ else output[:-1]
    if None in positions:
        return None
    return math.prod(positions) * sum(math.prod(kernel.shape) for kernel in kernels)


def _activation(layer):
    if isinstance(layer, keras.layers.BatchNormalization):
        return "BN"
    if isinstance(layer, keras.layers.Dropout):
        return f"dropout {layer.rate:g}"
    if isinstance(layer, keras.layers.ReLU):
        return "relu" if layer.max_value is None else f"relu{layer.max_value:g}"
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    function = getattr(layer, "activation", None)
    name = getattr(function, "__name__", type(function).__name__)
    return "" if function is None or name == "linear" else name


def _padding(layer, source, kernel, strides):
    amounts = getattr(layer, "padding", None)
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return _padding_text(amounts)
    if kernel is None or "Transpose" in type(layer).__name__:
        return amounts if isinstance(amounts, str) else None
    if amounts != "same":
        return "0"
    dilations = getattr(layer, "dilation_rate", (1,) * len(kernel))
    zeros = []
    for size, k, stride, dilation in zip(source[:-1], kernel, strides, dilations, strict=True):
        span = (k - 1) * dilation + 1
        if size is None and stride > 1:
            return "same"
        windows = 1 if size is None else math.ceil(size / stride)
        total = span - 1 if size is None else max((windows - 1) * stride + span - size, 0)
        zeros.append((total // 2, total - total // 2))
    return _padding_text(zeros)


def _padding_text(zeros):
    """ "1", "0+1" (before + after), or "1×2" where height and width differ."""
    sides = [str(before) if before == after else f"{before}+{after}" for before, after in zeros]
    return sides[0] if len(set(sides)) == 1 else "×".join(sides)


def _padding_sum(first, second):
    return second if first == "0" else first if second in (None, "0") else f"{first} and {second}"


def _cells(row):
    return (
        row.name,
        row.kind + (f" /{row.groups}" if row.groups > 1 else ""),
        "×".join(map(str, row.kernel)) if row.kernel else "",
        "" if row.filters is None else str(row.filters),
        "" if row.strides is None else "×".join(map(str, dict.fromkeys(row.strides))),
        row.padding or "",
        row.activation,
        _shape(row.output_shape),
        f"{row.parameters:,}" if row.parameters else "",
        "?" if row.macs is None else f"{row.macs:,}" if row.macs else "",
    )


def _stage_cells(name, members):
    kinds = [f"{row.kind} {row.kernel[0]}×{row.kernel[1]}" if row.kernel else row.kind for row in members]
    counted = {kind: kinds.count(kind) for kind in kinds}
    unknown = any(row.macs is None for row in members)
    total = sum(row.parameters for row in members)
    work = 0 if unknown else sum(row.macs for row in members)
    return (
        name,
        ", ".join(kind if count == 1 else f"{count} × {kind}" for kind, count in counted.items()),
        _shape(members[-1].output_shape),
        f"{total:,}" if total else "",
        "?" if unknown else f"{work:,}" if work else "",
    )


def _shape(shape):
    return "×".join("?" if size is None else str(size) for size in shape)


def _aligned(lines):
    """Columns of equal width; the last two are numbers and stand to the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = []
    for line in lines:
        cells = [
            cell.rjust(width) if column >= len(widths) - 2 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        shown.append("  ".join(cells).rstrip())
    shown.insert(1, "-" * max(map(len, shown)))
    return "\n".join(shown)

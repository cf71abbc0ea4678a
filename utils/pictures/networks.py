"""A network as boxes, and what each of its layers costs: drawn from the rows of its layer table."""

import math

import matplotlib.pyplot as plt

from utils.pictures.cells import arrow, canvas, label, tint
from utils.plots import GREY, INK, INPUT, OUTPUT, WEIGHT

SHORT = {
    "Input": "input",
    "Conv2D": "conv",
    "DepthwiseConv2D": "depthwise",
    "SeparableConv2D": "separable",
    "Conv2DTranspose": "transposed",
    "MaxPooling2D": "max pool",
    "AveragePooling2D": "avg pool",
    "GlobalAveragePooling2D": "GAP",
    "GlobalMaxPooling2D": "global max",
    "Dense": "dense",
    "Concatenate": "concat",
}
# Inches from box to box, and of the largest box; the slant is a part of the height.
PITCH, TALL, THICK, SLANT = 1.12, 1.25, 0.42, 0.28
MOST_BOXES, MOST_BARS, PER_LINE = 20, 24, 9


def stages(rows, title=None, every=None):
    """Boxes from input to output: the lower, the smaller the map; the thicker, the more channels.

    Args:
        rows: of `layer_table.rows` or `layer_table.fold`: objects with `name`, `kind`, `kernel`, `strides`,
            `output_shape`, `parameters`.
        title: above the picture.
        every: "layer": a box for each convolution, pooling or dense layer, equal neighbours joined ("2 × conv 3×3").
            "stage": a box for the layers whose names begin alike. None: "layer" where that gives at most 20 boxes.

    Returns:
        matplotlib Figure. Blue is the input, orange what has weights, grey what has none, green the output; a thin
        bar is a vector.

    Raises:
        ValueError: if a row's map has no fixed size, or `every` is unknown.
    """
    rows = _checked(rows, every)
    boxes = None if every == "stage" else _layer_boxes(rows)
    if boxes is None or (every is None and len(boxes) > MOST_BOXES):
        boxes = _stage_boxes(rows)
    lines = math.ceil(len(boxes) / PER_LINE)
    per_line = math.ceil(len(boxes) / lines)
    sizes = _sizes(boxes)
    above = 0.4 if title else 0.0
    floors, floor = [], above
    for line in range(lines):  # a line is as high as its highest box and its longest text
        members = range(line * per_line, min((line + 1) * per_line, len(boxes)))
        floor += 0.3 + max(sizes[n][1] + sizes[n][2] + 0.16 * (boxes[n][0].count("\n") + 1) for n in members)
        floors.append(floor)
        floor += 0.4
    width, height = PITCH * per_line + 0.3, floor + 0.35
    fig, ax = canvas(width, height, width, height)
    if title:
        label(ax, width / 2, 0.22, title, font=12, weight="bold")
    for number, ((text, shape, learned), (thick, tall, slant)) in enumerate(zip(boxes, sizes, strict=True)):
        line, column = divmod(number, per_line)
        middle = 0.15 + PITCH * (column + 0.5)
        floor = floors[line]
        color = INPUT if number == 0 else OUTPUT if number == len(boxes) - 1 else WEIGHT if learned else GREY
        left = middle - (thick + slant) / 2
        _box(ax, left, floor, thick, tall, slant, color)
        if column:
            reach = min(0.16, 0.5 * tall)
            arrow(ax, (middle - PITCH / 2 - 0.1, floor - reach), (middle - PITCH / 2 + 0.08, floor - reach), GREY, 1.2)
        label(ax, middle, floor - tall - slant - 0.06, text, font=9, va="bottom", linespacing=1.05)
        label(ax, middle, floor + 0.18, "×".join(map(str, shape)), font=9)
    note = "height: √(size of the map) · thickness: √channels · thin bar: a vector, height √length"
    label(ax, width / 2, height - 0.18, note, GREY, 9)
    return fig


def costs(rows, title=None, every=None):
    """Where the parameters and the multiplications are, from input to output.

    Args:
        rows: as for `stages`, with `macs`.
        title: above the picture.
        every: "layer": a bar for each layer with weights. "stage": one for the layers whose names begin alike.
            None: "layer" where that gives at most 24 bars.

    Returns:
        matplotlib Figure: parameters on the left, MACs for one image on the right, each with its share in percent.

    Raises:
        ValueError: if a row's map has no fixed size, no row has weights, or `every` is unknown.
    """
    rows = _checked(rows, every)
    bars = [(row.name, row.parameters, row.macs) for row in rows if row.parameters]
    if not bars:
        raise ValueError("no row has parameters: there is nothing to compare")
    if every == "stage" or (every is None and len(bars) > MOST_BARS):
        groups = _by_stage(rows)
        sums = [(name, sum(r.parameters for r in part), sum(r.macs for r in part)) for name, part in groups.items()]
        bars = [bar for bar in sums if bar[1]]
    names = [name for name, _, _ in bars]
    fig, axes = plt.subplots(1, 2, figsize=(9.2, 1.1 + 0.25 * len(bars)), sharey=True, layout="constrained")
    for ax, column, color, what in zip(
        axes, (1, 2), (WEIGHT, INPUT), ("parameters", "MACs for one image"), strict=True
    ):
        values = [bar[column] for bar in bars]
        total = sum(values)
        ax.barh(range(len(bars)), values, color=color)
        for place, value in enumerate(values):
            share = 100 * value / total if total else 0
            percent = "<0.1" if 0 < share < 0.05 else f"{share:.1f}"
            ax.text(value, place, f" {_short_number(value)} ({percent} %)", va="center", fontsize=9, color=INK)
        ax.set(title=f"{what}: {_short_number(total)}", yticks=range(len(bars)), xlim=(0, 1.45 * max(values) or 1))
        ax.set_yticklabels(names, fontsize=9)
        ax.tick_params(axis="x", labelbottom=False, length=0)
        ax.grid(False)
        ax.spines["bottom"].set_visible(False)
    axes[0].invert_yaxis()
    if title:
        fig.suptitle(title, fontsize=12, fontweight="bold")
    return fig


def _checked(rows, every):
    if every not in (None, "layer", "stage"):
        raise ValueError(f"every must be 'layer', 'stage' or None, got {every!r}")
    rows = list(rows)
    if not rows:
        raise ValueError("there are no rows to draw")
    for row in rows:
        if None in row.output_shape:
            raise ValueError(f"the output of {row.name!r} has no fixed size; build the model with a fixed input_shape")
    return rows


def _by_stage(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row.name.split("_")[0], []).append(row)
    return groups


def _layer_boxes(rows):
    """[(text, shape, learned)]: neighbours of one kind, kernel and shape share a box."""
    boxes = []
    for row in rows:
        if row.kind not in SHORT:
            continue
        what = SHORT[row.kind] + (f" {row.kernel[0]}×{row.kernel[1]}" if row.kernel else "")
        # Every pooling halves; a convolution that does is worth a word.
        if row.kernel and row.strides and max(row.strides) > 1 and "Pooling" not in row.kind:
            what += f"\nstride {row.strides[0]}"
        shape = tuple(row.output_shape)
        if boxes and boxes[-1][:2] == [what, shape]:
            boxes[-1][3] += 1
        else:
            boxes.append([what, shape, row.parameters > 0, 1])
    return [(what if count == 1 else f"{count} × {what}", shape, learned) for what, shape, learned, count in boxes]


def _stage_boxes(rows):
    boxes = []
    for name, part in _by_stage(rows).items():
        # A head may end in layers without a map (dropout, softmax); its shape is the last one all the same.
        layers = sum(row.kernel is not None and row.parameters > 0 for row in part)
        dense = sum(row.kind == "Dense" for row in part)
        words = [f"{layers} conv" if layers else "", f"{dense} dense" if dense else ""]
        text = "\n".join([name, *(word for word in words if word)])
        boxes.append((text, tuple(part[-1].output_shape), any(row.parameters for row in part)))
    return boxes


def _sizes(boxes):
    """(thickness, height, slant) of each box in inches."""
    maps = [shape for _, shape, _ in boxes if len(shape) == 3]
    largest = max((math.sqrt(shape[0] * shape[1]) for shape in maps), default=1)
    deepest = max((shape[2] for shape in maps), default=1)
    longest = max((shape[-1] for _, shape, _ in boxes if len(shape) == 1), default=1)
    sizes = []
    for _, shape, _ in boxes:
        if len(shape) == 3:
            tall = max(0.1, TALL * math.sqrt(math.sqrt(shape[0] * shape[1]) / largest))
            sizes.append((0.05 + THICK * math.sqrt(shape[2] / deepest), tall, SLANT * tall))
        else:
            sizes.append((0.1, max(0.08, TALL * math.sqrt(shape[-1] / longest)), 0))
    return sizes


def _box(ax, left, floor, thick, tall, slant, color):
    """A box seen from the front and a little from above; `floor` is its lower edge, y grows downwards."""
    front = [(left, floor), (left + thick, floor), (left + thick, floor - tall), (left, floor - tall)]
    top = [front[3], front[2], (left + thick + slant, floor - tall - slant), (left + slant, floor - tall - slant)]
    side = [front[1], (left + thick + slant, floor - slant), top[2], front[2]]
    for corners, amount in ((front, 0.55), (top, 0.25), (side, 0.4)) if slant else ((front, 0.55),):
        ax.add_patch(plt.Polygon(corners, closed=True, facecolor=tint(color, amount), edgecolor=color, linewidth=0.9))


def _short_number(value):
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= unit:
            return f"{value / unit:.2f}{name}"
    return f"{value:g}"

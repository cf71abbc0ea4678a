"""Blocks of deep networks, drawn from top to bottom: boxes are layers, the line around them is the shortcut."""

import matplotlib.pyplot as plt

from utils.numpy_layers import conv_arithmetic as arithmetic
from utils.pictures.cells import arrow, canvas, label, tint
from utils.plots import GREY, INK, INPUT, OUTPUT, PALE, PINK, SERIES, WEIGHT

UNIT = 0.42  # inches for one unit of the drawing
HEIGHT, GAP, RADIUS = 0.78, 0.42, 0.34  # of a box, between two boxes, of the circle with the plus sign
FACES = {
    "conv": (tint(WEIGHT, 0.22), WEIGHT),
    "norm": (PALE, GREY),
    "relu": ("white", GREY),
    "depth": (tint(PINK), PINK),
}


def residual():
    """The same two layers without and with a shortcut (He et al. 2016a, Fig. 2)."""
    fig, ax = _canvas(14.5, 11.2)
    steps = _post_activation("3×3 conv", "3×3 conv")
    for left, title, shortcut in ((3.2, "plain: $y = F(x)$", False), (9.8, "residual: $y = x + F(x)$", True)):
        label(ax, left, 0.5, title, font=13)
        _block(ax, left, 1.3, steps[:-1], last="ReLU", shortcut="identity" if shortcut else None)
    label(ax, 9.8 - 2.3, 4.4, "$F$", WEIGHT, 15)
    label(ax, 3.2 - 2.3, 4.4, "$F$", WEIGHT, 15)
    return fig


def bottleneck(channels=256, squeeze=4):
    """A basic block and a bottleneck on wide maps, with the weights of their convolutions (He et al. 2016a, Fig. 5).

    Args:
        channels: of the input and the output.
        squeeze: the bottleneck's 3×3 layer has this many times fewer channels.
    """
    narrow = channels // squeeze
    layers = {
        f"basic block on {channels} channels": [(3, channels, channels), (3, channels, channels)],
        f"bottleneck on {channels} channels": [(1, channels, narrow), (3, narrow, narrow), (1, narrow, channels)],
    }
    fig, ax = _canvas(17.5, 8.6)
    for left, (title, convolutions) in zip((4.2, 12.4), layers.items(), strict=True):
        steps = [(f"{k}×{k} conv, {c} → {f}", "conv") for k, c, f in convolutions]
        weights = sum(arithmetic.conv2d_parameters(k, c, f, use_bias=False) for k, c, f in convolutions)
        label(ax, left, 0.5, title, font=12)
        _block(ax, left, 1.3 if len(steps) == 3 else 1.9, steps, width=5.0, shortcut="identity")
        label(ax, left, 8.1, f"{weights:,} weights", WEIGHT, 12)
    return fig


def activation_order():
    """BN and ReLU after the convolutions, or before: then the way around is clear (He et al. 2016b, Fig. 1)."""
    fig, ax = _canvas(14.5, 11.6)
    orders = (
        ("post-activation (v1)", _post_activation("conv", "conv")[:-1], "ReLU"),
        ("pre-activation (v2)", [("BN", "norm"), ("ReLU", "relu"), ("conv", "conv")] * 2, None),
    )
    for left, (title, steps, last) in zip((3.2, 10.2), orders, strict=True):
        label(ax, left, 0.5, title, font=13)
        _block(ax, left, 1.3, steps, last=last, shortcut="identity")
    return fig


def widths(blocks=6, widen=3, first=16, alpha=48):
    """Channels of each block in ResNet, WideResNet and PyramidNet: a box is as broad as its block.

    Args:
        blocks: in three stages; widen: k of WideResNet; first: channels of the first block; alpha: channels that
            PyramidNet adds over all its blocks.
    """
    per_stage = blocks // 3
    plain = [first * 2 ** (b // per_stage) for b in range(blocks)]
    rows = {
        "ResNet": plain,
        f"WideResNet, k = {widen}": [widen * c for c in plain],
        f"PyramidNet, α = {alpha}": [int(first + (b + 1) * alpha / blocks) for b in range(blocks)],
    }
    fig, ax = _canvas(22, 2.3 + blocks * (HEIGHT + 0.3))
    scale = 7.6 / max(max(row) for row in rows.values())
    for left, (title, row) in zip((3.0, 10.6, 18.4), rows.items(), strict=True):
        label(ax, left, 0.6, title, font=13)
        for number, channels in enumerate(row):
            y = 1.3 + number * (HEIGHT + 0.3)
            _box(ax, left, y, max(channels * scale, 0.6), str(channels), "conv")
    label(ax, 11, 1.75 + blocks * (HEIGHT + 0.3), "channels of each residual block, from the input down", font=11)
    return fig


def resnext(cardinality=32, width=4, channels=256):
    """Three ways to write the same ResNeXt block (Xie et al. 2017, Fig. 3).

    Args:
        cardinality: number of paths C; width: channels d of each; channels: of input and output.
    """
    inner = cardinality * width
    fig, ax = _canvas(24, 9.9)
    titles = ("(a) add the paths", "(b) concatenate, then mix", "(c) grouped convolution")
    for left, title, split in zip((3.9, 11.6, 19.3), titles, (3, 2, 1), strict=True):
        label(ax, left, 0.5, title, font=13)
        label(ax, left - 0.45, 1.25, f"{channels}", font=10, ha="right")
        steps = [(1, channels, width), (3, width, width), (1, width, channels)]
        whole = [
            (f"1×1, {channels} → {inner}", "conv"),
            (f"3×3, {inner} → {inner}\n{cardinality} groups", "conv"),
            (f"1×1, {inner} → {channels}", "conv"),
        ]
        ys = [2.1, 3.9, 6.2]
        for number, y in enumerate(ys):
            if number >= split or split == 1:
                _box(ax, left, y, 4.2, whole[number][0], "conv", height=1.15 if "\n" in whole[number][0] else HEIGHT)
            else:
                k, c, f = steps[number]
                for offset in (-2.2, 0, 2.2):
                    _box(ax, left + offset, y, 1.9, f"{k}×{k}\n{c} → {f}", "conv", height=1.15, font=9)
                label(ax, left + 3.45, y + 0.55, "…", font=13)
        _paths(ax, left, ys, split, inner)
        _around(ax, left, 1.5, 8.25, 4.0, INPUT)
        _plus(ax, left, 8.25)
        arrow(ax, (left, 8.25 + RADIUS), (left, 9.2))
    label(ax, 4.5, 9.3, f"{cardinality} paths of width {width}", WEIGHT, 11, ha="left")
    return fig


def _paths(ax, left, ys, split, inner):
    """The arrows of one form of the ResNeXt block, and what stands where its paths meet."""
    low = [ys[0] + 1.15, ys[1] + 1.15, ys[2] + 1.15]
    ax.plot([left, left], [1.0, 1.5], color=INK, linewidth=1.6)
    if split == 1:
        for start, end in ((1.5, ys[0]), (ys[0] + HEIGHT, ys[1]), (low[1], ys[2]), (ys[2] + HEIGHT, 8.25 - RADIUS)):
            arrow(ax, (left, start), (left, end))
        return
    for offset in (-2.2, 0, 2.2):
        x = left + offset
        arrow(ax, (left, 1.5), (x, ys[0]))
        arrow(ax, (x, low[0]), (x, ys[1]))
        if split == 3:
            arrow(ax, (x, low[1]), (x, ys[2]))
            arrow(ax, (x, low[2]), (left + offset * 0.12, 8.25 - RADIUS * 0.95))
        else:
            arrow(ax, (x, low[1]), (left + offset * 0.5, 5.4))
    if split == 2:
        label(ax, left, 5.68, f"concat: {inner}", OUTPUT, 10, weight="bold")
        arrow(ax, (left, 5.95), (left, ys[2]))
        arrow(ax, (left, ys[2] + HEIGHT), (left, 8.25 - RADIUS))


def separable():
    """Xception: a depthwise separable convolution, and the block of the middle flow (Chollet 2017, Fig. 4 and 5)."""
    fig, ax = _canvas(17, 11.6)
    label(ax, 4, 0.5, "separable 3×3 convolution", font=13)
    _block(
        ax,
        4,
        2.6,
        [("depthwise 3×3\none kernel a channel", "depth"), ("pointwise 1×1\nmixes the channels", "conv")],
        width=5.2,
        box=1.3,
    )
    label(ax, 4, 7.6, "nothing in between: no BN, no ReLU", font=11)
    label(ax, 12, 0.5, "Xception, middle flow", font=13)
    _block(ax, 12, 1.3, [("ReLU", "relu"), ("separable 3×3, BN", "depth")] * 3, 4.6, shortcut="identity")
    return fig


def inverted_residual(channels=24, expansion=6):
    """MobileNetV2 turns the bottleneck around: a broad box is a map with more channels (Sandler et al. 2018, Fig. 3).

    Args:
        channels: at the ends of the inverted block; expansion: t, how much wider its middle is.
    """
    wide = channels * expansion
    fig, ax = _canvas(21.4, 11.4)
    for left, title, outer, inner, steps in (
        (4.6, "bottleneck: wide ends, narrow middle", 256, 64, ("1×1 conv, ReLU", "3×3 conv, ReLU", "1×1 conv")),
        (
            15.4,
            "inverted residual: narrow ends, wide middle",
            channels,
            wide,
            ("1×1 expand, ReLU6", "3×3 depthwise, ReLU6", "1×1 project, linear"),
        ),
    ):
        label(ax, left, 0.5, title, font=12)
        y, broad = 1.3, {max(outer, inner): 6.2, min(outer, inner): 2.2}
        for number, channels_here in enumerate((outer, inner, inner, outer)):
            _box(ax, left, y, broad[channels_here], f"{channels_here}", "map")
            if number < 3:
                y += HEIGHT
                arrow(ax, (left, y), (left, y + 1.5))
                label(ax, left + 0.2, y + 0.72, steps[number], WEIGHT, 11, ha="left")
                y += 1.5
        _around(ax, left, 1.3 + HEIGHT / 2, 10.0, 4.9, INPUT, start=broad[outer] / 2)
        arrow(ax, (left, y + HEIGHT), (left, 10.0 - RADIUS))
        _plus(ax, left, 10.0)
        last = "ReLU" if outer > inner else "no ReLU here"
        label(ax, left, 10.85, last, font=11)
    return fig


def dense_block(layers=4, growth=32, start=64, compression=0.5):
    """A dense block and its transition: every layer appends `growth` channels (Huang et al. 2017, Fig. 1 and 2).

    Args:
        layers: L; growth: k; start: k0, channels that enter; compression: θ of the transition.
    """
    scale, left, top, pitch = 1 / 40, 1.6, 1.5, 3.6
    fig, ax = _canvas(left + layers * pitch + 7.2, 8.4)
    foot = top + (start + layers * growth) * scale
    for number in range(layers + 1):
        x, y = left + number * pitch, foot
        for part in range(number + 1):
            channels = start if part == 0 else growth
            color = INPUT if part == 0 else SERIES[1 + (part - 1) % 5]
            y -= channels * scale
            ax.add_patch(plt.Rectangle((x, y), 0.9, channels * scale, facecolor=tint(color, 0.5), edgecolor=color))
        label(ax, x + 0.45, y - 0.35, f"{start + number * growth}", font=12)
        if number < layers:
            arrow(ax, (x + 0.95, foot - 0.35), (x + pitch - 0.08, foot - 0.35), INPUT)
            color = SERIES[1 + number % 5]
            _box(ax, x + 2.15, foot - 1.75, 1.75, f"$H_{number + 1}$", "conv", height=0.9)
            arrow(ax, (x + 0.95, foot - 1.3), (x + 1.26, foot - 1.3))
            arrow(ax, (x + 3.04, foot - 1.3), (x + pitch - 0.05, y - growth * scale / 2 + 0.05), color)
            label(ax, x + 2.1, foot - 2.1, f"{growth} new", color, 11)
    x = left + layers * pitch
    total = start + layers * growth
    _box(ax, x + 3.3, foot - 2.2, 3.1, "transition\n1×1 conv\n2×2 average", "norm", height=2.0)
    arrow(ax, (x + 0.95, foot - 1.2), (x + 1.7, foot - 1.2))
    arrow(ax, (x + 4.9, foot - 1.2), (x + 5.5, foot - 1.2))
    after = int(compression * total)
    ax.add_patch(plt.Rectangle((x + 5.5, foot - after * scale), 0.7, after * scale, facecolor=PALE, edgecolor=GREY))
    label(ax, x + 5.85, foot - after * scale - 0.35, f"{after}", font=12)
    text = f"height of a stack = channels: {start} + {growth}·l after layer l.   concat keeps, H appends"
    label(ax, left, foot + 0.6, text, font=12, ha="left")
    label(ax, left, foot + 1.35, "H: BN, ReLU, 1×1 conv (4k), BN, ReLU, 3×3 conv (k)", WEIGHT, 12, ha="left")
    return fig


def _canvas(columns, rows):
    return canvas(columns * UNIT, rows * UNIT, columns, rows)


def _post_activation(first, second):
    return [(first, "conv"), ("BN", "norm"), ("ReLU", "relu"), (second, "conv"), ("BN", "norm"), ("ReLU", "relu")]


def _block(ax, x, top, steps, width=3.4, shortcut=None, last=None, box=HEIGHT):
    """Boxes below one another with arrows between them; with a `shortcut`, its line and the plus sign where it joins.

    Args:
        x, top: centre of the boxes, and where the input arrow begins.
        steps: (text, kind) of each box.
        last: text of a box after the addition.
        box: height of a box.
    """
    branch = top + 0.35
    label(ax, x - 0.3, top + 0.05, "$x$", font=13, ha="right")
    y = top
    for text, kind in steps:
        arrow(ax, (x, y), (x, y + (0.75 if y == top else GAP)))
        y += 0.75 if y == top else GAP
        _box(ax, x, y, width, text, kind, height=box)
        y += box
    if shortcut:
        middle = y + GAP + RADIUS
        arrow(ax, (x, y), (x, middle - RADIUS))
        _around(ax, x, branch, middle, width / 2 + 0.75, INPUT)
        label(ax, x + width / 2 + 0.95, (branch + middle) / 2, shortcut, INPUT, 12, rotation=90, ha="left")
        _plus(ax, x, middle)
        y = middle + RADIUS
    if last:
        arrow(ax, (x, y), (x, y + GAP))
        _box(ax, x, y + GAP, width, last, "relu", height=box)
        y += GAP + box
    arrow(ax, (x, y), (x, y + 0.6))
    label(ax, x - 0.3, y + 0.45, "$y$", font=13, ha="right")


def _box(ax, x, y, width, text, kind, height=HEIGHT, font=11):
    """A box centred on x whose upper edge is at y."""
    face, edge = FACES.get(kind, (tint(INPUT, 0.25), INPUT))
    ax.add_patch(
        plt.Rectangle((x - width / 2, y), width, height, facecolor=face, edgecolor=edge, linewidth=1.2, zorder=3)
    )
    label(ax, x, y + height / 2, text, font=font, zorder=4)


def _around(ax, x, start_y, end_y, reach, color, start=0.0):
    """The shortcut: out to the right, down, and back to the plus sign."""
    corners = [x + start, x + reach, x + reach], [start_y, start_y, end_y]
    ax.plot(*corners, color=color, linewidth=2.2, solid_joinstyle="round", zorder=2)
    arrow(ax, (x + reach, end_y), (x + RADIUS, end_y), color, 2.2)


def _plus(ax, x, y):
    ax.add_patch(plt.Circle((x, y), RADIUS, facecolor="white", edgecolor=OUTPUT, linewidth=2, zorder=5))
    label(ax, x, y, "+", OUTPUT, 16, zorder=6)

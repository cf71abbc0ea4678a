"""The Transformer drawn: its blocks with the three attentions, the heads, masks, and the positional encoding."""

import matplotlib.pyplot as plt
import numpy as np

from utils.numpy_layers.positional_encoding import sinusoids
from utils.pictures.alignment import japanese_font
from utils.pictures.cells import arrow, canvas, draw_cells, frame, label, tint
from utils.plots import GREY, INK, INPUT, ORANGE, OUTPUT, PALE, PINK, WEIGHT

UNIT = 0.42  # inches for one unit of a diagram
SELF, MASKED, CROSS = INPUT, WEIGHT, OUTPUT  # the colours of the three attentions
BLUES = "cividis"


def architecture():
    """Encoder and decoder with their three attentions, drawn upwards as in Vaswani et al. (2017), Fig. 1."""
    fig, ax = canvas(21 * UNIT, 19.6 * UNIT, 21, 19.6)
    left, right = 5.2, 14.6
    # Stacks: name, colour, and what the arrow beside says. From the bottom up.
    encoder = [("self-attention", SELF), ("feed-forward", PINK)]
    decoder = [("masked self-attention", MASKED), ("cross-attention", CROSS), ("feed-forward", PINK)]
    frame(ax, left - 3.4, 6.15, 6.6, 7.6, GREY, 1.4, (0, (4, 3)))
    frame(ax, right - 3.4, 2.45, 7.4, 11.3, GREY, 1.4, (0, (4, 3)))
    label(ax, left - 3.65, 10.0, "N ×", font=13, ha="right")
    label(ax, right + 4.25, 8.1, "× N", font=13, ha="left")
    for x, tokens in ((left, "source tokens"), (right, "target so far, from BOS")):
        label(ax, x, 18.9, tokens, font=11)
        arrow(ax, (x, 18.5), (x, 18.0))
        _box(ax, x, 17.1, 4.4, 0.9, "embedding · √d_model", INK)
        arrow(ax, (x, 17.1), (x, 16.5))
        _circle(ax, x, 16.1)
        label(ax, x - 2.6, 16.1, "positional\nencoding", ORANGE, 10.5)
        arrow(ax, (x - 1.45, 16.1), (x - 0.4, 16.1), ORANGE)
        arrow(ax, (x, 15.7), (x, 13.35))
    tops = _stack(ax, left, 13.35, encoder), _stack(ax, right, 13.35, decoder)
    # The encoder's output goes to every block of the decoder.
    memory = tops[0] - 1.25  # above the encoder's frame
    ax.plot([left, left], [tops[0], memory], color=CROSS, linewidth=2.2)
    ax.plot([left, 9.9, 9.9], [memory, memory, 8.3], color=CROSS, linewidth=2.2, solid_joinstyle="round")
    arrow(ax, (9.9, 8.3), (right - 2.5, 8.3), CROSS, 2.2)
    label(ax, 9.7, 7.7, "K, V", CROSS, 13, ha="right")
    _box(ax, right, 1.1, 4.4, 0.9, "linear, softmax", INK)
    arrow(ax, (right, tops[1]), (right, 2.0))
    arrow(ax, (right, 1.1), (right, 0.65))
    label(ax, right, 0.35, "P(next token)", font=11)
    label(ax, left, memory - 0.45, "memory (N, S, d_model)", CROSS, 11)
    label(ax, 0.4, 0.5, "read upwards", GREY, 10, ha="left")
    return fig


def _stack(ax, x, bottom, sublayers):
    """Sublayers, each with its residual connection and Add & Norm; returns where the upper arrow ends."""
    y = bottom
    for number, (name, color) in enumerate(sublayers):
        start = y - 0.15
        top = y - 1.75
        arrow(ax, (x, y), (x, y - 0.75), INK)
        _box(ax, x, y - 1.75, 5.0, 1.0, name, color)
        arrow(ax, (x, top), (x, top - 0.5), INK)
        _box(ax, x, top - 1.3, 5.0, 0.8, "Add & Norm", GREY)
        reach = x + 2.95
        ax.plot([x, reach, reach], [start, start, top - 0.9], color=INK, linewidth=1.4)
        arrow(ax, (reach, top - 0.9), (x + 2.5, top - 0.9), INK)
        y = top - 1.3
        if number < len(sublayers) - 1:
            y -= 0.35
            ax.plot([x, x], [y + 0.35, y], color=INK, linewidth=1.6)
    return y


def _box(ax, x, y, width, height, text, color, font=11):
    face = tint(color, 0.25) if color not in (INK, GREY) else ("white" if color == INK else PALE)
    ax.add_patch(
        plt.Rectangle((x - width / 2, y), width, height, facecolor=face, edgecolor=color, linewidth=1.4, zorder=3)
    )
    label(ax, x, y + height / 2, text, font=font, zorder=4)


def _circle(ax, x, y):
    ax.add_patch(plt.Circle((x, y), 0.38, facecolor="white", edgecolor=ORANGE, linewidth=2, zorder=5))
    label(ax, x, y, "+", ORANGE, 16, zorder=6)


def scaled_dot_product(weights=None, queries=3, keys=5, d_k=4, d_v=2):
    """The shapes of softmax(QKᵀ/√d_k)V: a row for each query, a column for each key.

    Args:
        weights: (queries, keys) numbers to write into the matrix of weights; empty squares where left out.
        queries, keys, d_k, d_v: sizes.
    """
    fig, ax = canvas(8.4, 2.65, 21, 6.625)
    side = 0.72
    top = 2.1

    def matrix(left, upper, rows, columns, color, name, shape, values=None):
        cells = np.full((rows, columns), None) if values is None else values
        draw_cells(ax, cells, left, upper, color, side, form="{:.1f}", font=9.5)
        middle = left + columns * side / 2
        label(ax, middle, upper - 0.4, name, color, 13)
        label(ax, middle, upper + rows * side + 0.42, shape, font=10.5)
        return left + columns * side

    right = matrix(0.6, top, queries, d_k, INPUT, "$Q$", r"$T \times d_k$")
    label(ax, right + 0.35, top + queries * side / 2, "·", font=18)
    right = matrix(right + 0.7, top - side, d_k, keys, WEIGHT, r"$K^\top$", r"$d_k \times S$")
    label(ax, right + 1.55, top + queries * side / 2 - 0.15, r"$\div\,\sqrt{d_k}$" + "\n\nsoftmax", font=11)
    label(ax, right + 1.55, top + queries * side / 2 + 1.0, "each row", font=9.5, color=GREY)
    arrow(ax, (right + 0.4, top + queries * side / 2), (right + 2.75, top + queries * side / 2))
    start = right + 3.1
    right = matrix(start, top, queries, keys, GREY, "weights $A$", r"$T \times S$", weights)
    label(ax, start + keys * side / 2, top + queries * side + 1.05, "each row sums to 1", GREY, 10)
    label(ax, right + 0.35, top + queries * side / 2, "·", font=18)
    right = matrix(right + 0.7, top - side, keys, d_v, PINK, "$V$", r"$S \times d_v$")
    label(ax, right + 0.5, top + queries * side / 2, "=", font=16)
    matrix(right + 1.0, top, queries, d_v, OUTPUT, "context", r"$T \times d_v$")
    return fig


def split_heads(d_model=512, heads=8):
    """One token through multi-head attention: h narrow attentions side by side, then one output matrix."""
    fig, ax = canvas(9.2, 3.3, 23, 8.25)
    width, top = 9.6, 0.9
    step = width / heads
    size = d_model // heads
    for number in range(heads):
        x = 6.7 + number * step
        ax.add_patch(
            plt.Rectangle((x, 2.6), step, 0.8, facecolor=tint(INPUT, 0.15 + 0.5 * (number % 2)), edgecolor=INPUT)
        )
        ax.add_patch(plt.Rectangle((x + 0.1, 4.1), step - 0.2, 1.0, facecolor=tint(WEIGHT, 0.25), edgecolor=WEIGHT))
        label(ax, x + step / 2, 4.6, f"{number + 1}", font=11)
        arrow(ax, (x + step / 2, 3.4), (x + step / 2, 4.1))
        arrow(ax, (x + step / 2, 5.1), (x + step / 2, 5.7))
        ax.add_patch(
            plt.Rectangle((x, 5.7), step, 0.8, facecolor=tint(OUTPUT, 0.15 + 0.5 * (number % 2)), edgecolor=OUTPUT)
        )
    ax.add_patch(plt.Rectangle((6.7, top), width, 0.8, facecolor="white", edgecolor=INK))
    label(ax, 11.5, top + 0.4, f"token: {d_model} numbers", font=11)
    arrow(ax, (11.5, 1.7), (11.5, 2.6))
    label(ax, 6.4, 2.15, r"$W^Q, W^K, W^V$", WEIGHT, 12, ha="right")
    label(ax, 6.4, 3.0, f"queries, keys, values:\n{heads} slices of {size} each", INPUT, 10.5, ha="right")
    label(ax, 6.4, 4.6, f"{heads} attentions,\neach with $d_k$ = {size}", WEIGHT, 10.5, ha="right")
    label(ax, 6.4, 6.1, "concatenate", OUTPUT, 10.5, ha="right")
    arrow(ax, (11.5, 6.5), (11.5, 7.2))
    label(ax, 6.4, 6.9, "$W^O$", WEIGHT, 12, ha="right")
    ax.add_patch(plt.Rectangle((6.7, 7.2), width, 0.8, facecolor="white", edgecolor=INK))
    label(ax, 11.5, 7.6, f"{d_model} numbers", font=11)
    return fig


def mask_matrices(masks):
    """Who may look at whom: a square for each query (row) and key (column); white squares are hidden.

    Args:
        masks: dict from a title to (mask (T, S) bool, names of the queries, names of the keys, color).
    """
    fig, axes = plt.subplots(1, len(masks), figsize=(9.2, 3.5))
    for ax, (title, (mask, rows, columns, color)) in zip(np.atleast_1d(axes), masks.items(), strict=True):
        for t, s in np.ndindex(*np.shape(mask)):
            face = tint(color, 0.75) if mask[t][s] else "white"
            ax.add_patch(plt.Rectangle((s - 0.5, t - 0.5), 1, 1, facecolor=face, edgecolor=GREY, linewidth=0.8))
        ax.set(xlim=(-0.55, len(columns) - 0.45), ylim=(len(rows) - 0.45, -0.55), aspect="equal")
        ax.set_xticks(range(len(columns)), columns, rotation=60, fontsize=10)
        ax.set_yticks(range(len(rows)), rows, fontsize=10)
        ax.set_title(title, fontsize=11)
        ax.set(xlabel="key", ylabel="query")
        ax.tick_params(length=0)
        ax.grid(False)
        for spine in ax.spines.values():
            spine.set_visible(False)
    return fig


def heads(weights, rows, columns, titles=None):
    """The attention weights of all heads, one heat map a head.

    Args:
        weights: (h, T, S) from 0 to 1.  columns: names of the S keys.
        rows: names of the T queries; numbers stand for Japanese ones where no font has them.
        titles: h texts; "head 1", … where left out.
    """
    rows, family = [str(row) for row in rows], japanese_font()
    if family is None and not "".join(rows).isascii():
        rows = [str(number + 1) for number in range(len(rows))]
    count = len(weights)
    across = min(4, count)
    down = -(-count // across)
    size = (9.2, 0.9 + down * 2.4)  # whatever the sentence: a notebook's output names the size
    fig, axes = plt.subplots(down, across, figsize=size, sharex=True, sharey=True, squeeze=False)
    for number, ax in enumerate(axes.flat):
        if number >= count:
            ax.axis("off")
            continue
        image = ax.imshow(weights[number], cmap=BLUES, vmin=0, vmax=1, aspect="auto")
        ax.set_title(titles[number] if titles else f"head {number + 1}", fontsize=10.5)
        ax.set_xticks(range(len(columns)), columns, rotation=75, fontsize=9.5)
        ax.set_yticks(range(len(rows)), rows, fontsize=9.5, fontfamily=family or "DejaVu Sans")
        ax.tick_params(length=0)
        ax.grid(False)
    fig.colorbar(image, ax=axes, label="weight", fraction=0.025)
    return fig


def positional_encoding(length=50, d_model=64):
    """The table as a heat map, some of its columns as curves, and how alike two positions are."""
    table = sinusoids(length, d_model)
    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(9.2, 3.3), width_ratios=(1.3, 1, 1))
    image = left.imshow(table, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    left.set(title="PE(pos, column)", xlabel="column: sin, cos, sin, cos, …", ylabel="position")
    left.grid(False)
    fig.colorbar(image, ax=left, fraction=0.05)
    for column, color in zip((0, d_model // 8, d_model // 4, d_model // 2), (INPUT, WEIGHT, OUTPUT, PINK), strict=True):
        middle.plot(table[:, column], color=color, label=f"column {column}")
    middle.set(title="fast and slow columns", xlabel="position", ylim=(-1.1, 2.3), yticks=(-1, 0, 1))
    middle.legend(fontsize=9, ncols=2, loc="upper center", columnspacing=0.8, handlelength=1.2)
    alike = table @ table.T / (d_model / 2)
    for place, color in zip((length // 5, length // 2, 4 * length // 5), (INPUT, WEIGHT, OUTPUT), strict=True):
        right.plot(alike[place], color=color, label=f"{place}")
    right.set(title="cosine with position …", xlabel="position", ylim=(-0.1, 1.45), yticks=(0, 0.5, 1))
    right.legend(fontsize=9, ncols=3, loc="upper center", columnspacing=0.6, handlelength=0.9)
    return fig


def families():
    """Who sees whom in the three families: encoder only, decoder only, encoder–decoder."""
    fig, axes = plt.subplots(1, 3, figsize=(9.2, 3.6))
    n, full, lower = 5, np.ones((5, 5), bool), np.tri(5, dtype=bool)
    both = np.zeros((10, 10), int)
    both[:n, :n] = 1
    both[n:, :n] = 3 * full
    both[n:, n:] = 2 * lower
    panels = (
        ("encoder only: BERT", full * 1, "all tokens see all\nfill in masked words"),
        ("decoder only: GPT", lower * 2, "no token sees a later one\npredict the next token"),
        ("encoder–decoder: Transformer", both, "source · target\ntranslate"),
    )
    colors = {0: "white", 1: tint(SELF, 0.7), 2: tint(MASKED, 0.7), 3: tint(CROSS, 0.7)}
    for ax, (title, grid, text) in zip(axes, panels, strict=True):
        for t, s in np.ndindex(*grid.shape):
            ax.add_patch(plt.Rectangle((s, t), 1, 1, facecolor=colors[int(grid[t, s])], edgecolor=GREY, linewidth=0.7))
        size = len(grid)
        ax.set(xlim=(-0.05, size + 0.05), ylim=(size + 0.05, -0.05), aspect="equal", xticks=(), yticks=())
        ax.set_title(title, fontsize=11)
        ax.set_xlabel(text, fontsize=10.5)
        ax.set_ylabel("query", fontsize=10)
        ax.grid(False)
        for spine in ax.spines.values():
            spine.set_visible(False)
    return fig

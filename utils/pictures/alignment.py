"""Pictures of attention: where a decoder looks, soft look-up, the bottleneck, where query, key and value come from."""

from functools import cache

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.colors import LinearSegmentedColormap

from utils.pictures.cells import canvas, label, tint
from utils.plots import GREY, INPUT, OUTPUT, WEIGHT

JAPANESE_FONTS = ("Noto Sans CJK JP", "IPAexGothic", "IPAGothic", "Hiragino Sans", "Yu Gothic", "MS Gothic")
LATIN = str.maketrans("年月日火水木金土曜", "YMDtwtfs.")
SHADES = LinearSegmentedColormap.from_list("white to blue", ["white", tint(INPUT, 0.45), INPUT])
CELL = 0.235  # inches of a square of an alignment


@cache
def japanese_font():
    """Name of a font with Japanese characters, or None where the machine has none."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in JAPANESE_FONTS if name in installed), None)


def alignments(panels, width=9.5):
    """Heat maps of attention weights: one row a character written, one column a character read.

    Args:
        panels: list of (weights, read, written): an array (T, S), the S characters read and the T characters written.
        width: of the figure in inches; panels flow into rows like words.

    Returns:
        matplotlib Figure. Dark is 1, white is 0. Without a Japanese font, Latin letters stand for the characters.

    Raises:
        ValueError: if a panel's weights do not have one row and one column for each character.
    """
    places, x, y, row = [], 0.0, 0.0, 0.0
    for weights, read, written in panels:
        if np.shape(weights) != (len(written), len(read)):
            raise ValueError(
                f"weights of {np.shape(weights)} do not fit {len(written)} characters written and {len(read)} read"
            )
        wide, high = CELL * len(read) + 0.55, CELL * len(written) + 0.55
        if places and x + wide > width:
            x, y, row = 0.0, y + row, 0.0
        places.append((x, y, wide, high))
        x, row = x + wide, max(row, high)
    total = y + row
    fig = plt.figure(figsize=(width, total), layout="none")
    for (weights, read, written), (x, y, wide, high) in zip(panels, places, strict=True):
        box = ((x + 0.4) / width, 1 - (y + high - 0.1) / total, (wide - 0.55) / width, (high - 0.55) / total)
        ax = fig.add_axes(box)
        ax.pcolormesh(np.asarray(weights), cmap=SHADES, vmin=0, vmax=1, edgecolors=tint(GREY, 0.35), linewidth=0.4)
        ax.set(xlim=(0, len(read)), ylim=(len(written), 0))
        ax.grid(False)
        ax.spines[:].set_visible(False)
        for axis, characters in ((ax.xaxis, read), (ax.yaxis, written)):
            shown = [_shown(c) for c in characters]
            axis.set_ticks(np.arange(len(characters)) + 0.5, shown, fontfamily=japanese_font() or "DejaVu Sans")
        ax.tick_params(length=0, labelsize=11, pad=2, labeltop=True, labelbottom=False)
    return fig


def _shown(character):
    if character == " ":
        return "␣" if japanese_font() is None else "_"
    if japanese_font() is not None or ord(character) < 0x2E80:
        return character
    found = character.translate(LATIN)
    return found if found.isascii() and found else "·"


def lookup(query, keys, scores, weights, values, result):
    """A dictionary that answers with a mixture: query → scores → weights → weighted mean of the values.

    Args:
        query: text of the query.
        keys: list of texts.
        scores, weights: lists of numbers, one a key.
        values: list of texts or numbers, one a key.
        result: text of the answer.

    Returns:
        matplotlib Figure with one line for each key.
    """
    rows = len(keys)
    fig, ax = canvas(9.0, 0.62 * (rows + 2.1), 18.0, (rows + 2.1) * 1.24)
    height, top = 1.24, 1.35
    middle = top + rows * height / 2
    columns = {"query": 0.2, "key": 3.6, "score": 7.0, "weight": 9.6, "value": 12.4, "output": 15.4}
    for name, left in columns.items():
        color = {"query": OUTPUT, "key": INPUT, "value": INPUT, "output": OUTPUT}.get(name, WEIGHT)
        label(ax, left + 1.2, 0.6, name, color=color, font=13)
    _box(ax, columns["query"], middle - 0.5, query, OUTPUT)
    largest = max(weights)
    for i in range(rows):
        y = top + i * height
        _box(ax, columns["key"], y + 0.12, keys[i], INPUT)
        ax.plot([2.6, 3.6], [middle, y + height / 2], color=WEIGHT, linewidth=0.6 + 3 * weights[i] / largest, alpha=0.8)
        label(ax, columns["score"] + 1.2, y + height / 2, f"{scores[i]:.2f}", font=12)
        label(ax, columns["weight"] + 0.35, y + height / 2, f"{weights[i]:.2f}", font=12)
        bar = plt.Rectangle((columns["weight"] + 1.1, y + 0.42), 1.3 * weights[i], 0.4, color=WEIGHT, linewidth=0)
        ax.add_patch(bar)
        _box(ax, columns["value"], y + 0.12, str(values[i]), INPUT)
        ax.plot(
            [14.8, 15.4], [y + height / 2, middle], color=WEIGHT, linewidth=0.6 + 3 * weights[i] / largest, alpha=0.8
        )
    _box(ax, columns["output"], middle - 0.5, result, OUTPUT)
    foot = top + rows * height + 0.55
    label(ax, 8.2, foot, "how well\nthey match", color=GREY, font=10.5)
    label(ax, 10.8, foot, "softmax:\nsum 1", color=GREY, font=10.5)
    label(ax, 16.6, foot, "sum of\nweight · value", color=GREY, font=10.5)
    return fig


def _box(ax, left, top, text, color, width=2.4, height=1.0):
    ax.add_patch(plt.Rectangle((left, top), width, height, facecolor=tint(color, 0.15), edgecolor=color, linewidth=1.2))
    label(ax, left + width / 2, top + height / 2, text, font=12)


def bottleneck(read="1994年", written="1994-", focus=3):
    """The same encoder–decoder twice: through one vector of fixed size, and with a look at every state.

    Args:
        read, written: characters of the two sides.
        focus: number of the decoder's step whose look is drawn.

    Returns:
        matplotlib Figure.
    """
    steps = len(read)
    columns, rows = 2.0 * steps + 2.0 * len(written) + 3.2, 9.9
    fig, ax = canvas(9.4, 9.4 * rows / columns, columns, rows)
    for top, looks in ((1.4, False), (7.1, True)):
        title = "attention: every state stays in reach" if looks else "without: all must fit into one vector"
        label(ax, 0.3, top - (2.9 if looks else 0.85), title, ha="left", font=12.5)
        states = [(1.3 + 2.0 * i, top + 0.7) for i in range(steps)]
        last = states[-1]
        outs = [(last[0] + 4.4 + 2.0 * i, top + 0.7) for i in range(len(written))]
        for i, (x, y) in enumerate(states):
            _circle(ax, x, y, f"$h_{i + 1}$", INPUT)
            _letter(ax, x, y + 1.45, read[i], INPUT)
            _line(ax, (x, y + 1.1), (x, y + 0.58), INPUT)
            if i:
                _line(ax, (states[i - 1][0] + 0.56, y), (x - 0.56, y), GREY)
        for i, (x, y) in enumerate(outs):
            _circle(ax, x, y, f"$s_{i + 1}$", OUTPUT)
            _letter(ax, x, y + 1.45, written[i], OUTPUT)
            _line(ax, (x, y + 0.58), (x, y + 1.1), OUTPUT)
            if i:
                _line(ax, (outs[i - 1][0] + 0.56, y), (x - 0.56, y), GREY)
        color = GREY if looks else WEIGHT
        _line(ax, (last[0] + 0.56, last[1]), (outs[0][0] - 0.56, last[1]), color, 1.6 if looks else 4.5)
        if looks:
            weights = np.exp(-2.2 * np.abs(np.arange(steps) - focus))
            weights /= weights.sum()
            x, y = outs[focus]
            for (left, level), weight in zip(states, weights, strict=True):
                bend = f"arc3,rad={-0.1 - 1.4 / (x - left):.3f}"
                arrow = {"arrowstyle": "-", "color": WEIGHT, "linewidth": 0.7 + 4.5 * weight, "connectionstyle": bend}
                ax.annotate("", (x, y - 0.5), (left, level - 0.5), arrowprops=arrow | {"shrinkA": 0, "shrinkB": 0})
        else:
            label(ax, last[0] + 2.2, top + 0.15, "fixed size", color=WEIGHT, font=11.5)
    return fig


def _circle(ax, x, y, text, color):
    ax.add_patch(plt.Circle((x, y), 0.52, facecolor=tint(color, 0.15), edgecolor=color, linewidth=1.5, zorder=3))
    label(ax, x, y, text, font=12.5, zorder=4)


def _letter(ax, x, y, character, color):
    ax.text(
        x,
        y,
        _shown(character),
        ha="center",
        va="center",
        fontsize=13,
        color=color,
        family=japanese_font() or "DejaVu Sans",
    )


def _line(ax, start, end, color, width=1.6):
    arrow = {"arrowstyle": "-|>", "color": color, "linewidth": width, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=end, xytext=start, arrowprops=arrow)


def origins():
    """Where query, key and value come from: source–target attention and self-attention, side by side.

    Returns:
        matplotlib Figure.
    """
    fig, ax = canvas(9.2, 3.5, 18.4, 7.0)
    for left, title, asked, told in (
        (0.4, "source–target attention", "decoder state", "encoder states"),
        (9.8, "self-attention", "the sequence itself", "the sequence itself"),
    ):
        label(ax, left + 3.9, 0.5, title, font=13.5)
        same = asked == told
        boxes = {"query": left + 0.2, "key": left + 2.9, "value": left + 5.6}
        ax.add_patch(plt.Rectangle((left + 0.2, 1.2), 7.4, 1.0, facecolor=tint(WEIGHT, 0.15), edgecolor=WEIGHT))
        label(ax, left + 3.9, 1.7, "softmax(score(query, key)) · value", font=12)
        for name, x in boxes.items():
            color = OUTPUT if name == "query" and not same else INPUT
            ax.add_patch(plt.Rectangle((x, 3.1), 2.0, 0.9, facecolor="white", edgecolor=color, linewidth=1.4))
            label(ax, x + 1.0, 3.55, name, font=12)
            _line(ax, (x + 1.0, 3.1), (x + 1.0, 2.2), color)
        origins_ = (
            [(left + 0.2, 7.4, told, boxes)]
            if same
            else [
                (left + 0.2, 2.3, asked, {"query": boxes["query"]}),
                (left + 2.9, 4.7, told, {"key": boxes["key"], "value": boxes["value"]}),
            ]
        )
        for x, width, text, fed in origins_:
            color = INPUT if text == told else OUTPUT
            ax.add_patch(plt.Rectangle((x, 5.3), width, 1.0, facecolor=tint(color, 0.15), edgecolor=color))
            label(ax, x + width / 2, 5.8, text, font=12 if width > 3 else 11)
            for start in fed.values():
                _line(ax, (start + 1.0, 5.3), (start + 1.0, 4.0), color)
    return fig

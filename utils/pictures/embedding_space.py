"""Word vectors in pictures: the window, the three output layers, groups of words as blocks and on a map."""

import matplotlib.pyplot as plt
import numpy as np

from utils.pictures.cells import arrow, canvas, label, tint
from utils.plots import GREY, INK, INPUT, OUTPUT, SERIES, WEIGHT


def windows(words, place, window):
    """One sentence twice: what skip-gram (above) and CBOW (below) make of the window around one word.

    Args:
        words: the sentence, short words.
        place: index of the centre word.
        window: words to each side.

    Returns:
        matplotlib Figure. Blue goes in, green is to be predicted, an arrow is one prediction.

    Raises:
        ValueError: if `place` is not in the sentence.
    """
    if not 0 <= place < len(words):
        raise ValueError(f"place must lie in 0 … {len(words) - 1}, got {place}")
    near = [p for p in range(place - window, place + window + 1) if p != place and 0 <= p < len(words)]
    columns = 1.4 * len(words) + 2.4
    fig, ax = canvas(8.4, 8.4 * 4.8 / columns, columns, 5.5)
    ax.set_ylim(5.45, 0.65)
    middle = 2.4 + 1.4 * place + 0.65
    for top, name, note in ((1.5, "skip-gram", f"{len(near)} pairs"), (4.4, "CBOW", "1 example")):
        label(ax, 0.1, top + 0.3, name, font=13, ha="left", fontweight="bold")
        label(ax, 0.1, top + 0.75, note, font=11, ha="left", color=GREY)
        for p, word in enumerate(words):
            goes_in = (p == place) == (name == "skip-gram")
            known = p == place or p in near
            color = (INPUT if goes_in else OUTPUT) if known else GREY
            x = 2.4 + 1.4 * p
            ax.add_patch(
                plt.Rectangle((x, top), 1.3, 0.9, facecolor=tint(color, 0.25 if known else 0.06), edgecolor=color)
            )
            label(ax, x + 0.65, top + 0.45, word, font=12)
    for rank, p in enumerate(near):
        x = 2.4 + 1.4 * p + 0.65
        curve = {
            "arrowstyle": "-|>",
            "color": INK,
            "linewidth": 1.6,
            "connectionstyle": f"arc3,rad={0.3 * np.sign(place - p)}",
        }
        start = middle + 0.12 * (rank - (len(near) - 1) / 2)
        ax.annotate("", xy=(x, 1.48), xytext=(start, 1.48), arrowprops=curve)
        ax.plot([x, middle], [4.36, 3.75], color=INK, linewidth=1.4)
    ax.add_patch(plt.Circle((middle, 3.68), 0.2, facecolor="white", edgecolor=WEIGHT, linewidth=1.8, zorder=4))
    label(ax, middle + 0.32, 3.5, "mean h", font=11, color=WEIGHT, ha="left")
    arrow(ax, (middle, 3.9), (middle, 4.38), WEIGHT)
    return fig


def output_layers(size=10, true=3, noise=(1, 5, 8)):
    """Which output vectors one training pair touches: all of them, 1 + k of them, or those on a path through a tree.

    Args:
        size: words in the vocabulary; 2 … 16.
        true: the true word.
        noise: the drawn words.

    Returns:
        matplotlib Figure with three panels.
    """
    fig, ax = canvas(9, 4.3, 21, 10)
    for left, title in ((0.6, "full softmax"), (7.6, "negative sampling"), (14.6, "hierarchical softmax")):
        label(ax, left + 2.7, 0.5, title, font=13, fontweight="bold")
    height = 7.2 / size
    for left, touched in ((2.2, range(size)), (9.2, (true, *noise))):
        for i in range(size):
            color = OUTPUT if i == true else WEIGHT if i in touched else GREY
            amount = 0.55 if i == true else 0.28 if i in touched else 0.05
            ax.add_patch(
                plt.Rectangle(
                    (left, 1.2 + i * height), 2.4, height * 0.86, facecolor=tint(color, amount), edgecolor=color
                )
            )
    label(ax, 5.0, 1.2 + (true + 0.43) * height, "true", color=OUTPUT, ha="left")
    label(ax, 12.0, 1.2 + (true + 0.43) * height, "σ → 1", color=OUTPUT, ha="left")
    for i in noise:
        label(ax, 12.0, 1.2 + (i + 0.43) * height, "σ → 0", color=WEIGHT, ha="left")
    label(ax, 3.3, 9.2, "all V vectors,\nprobabilities sum to 1", font=11)
    label(ax, 10.4, 9.2, "1 + k vectors,\nyes or no for each", font=11)
    label(ax, 17.6, 9.2, "about log₂ V inner nodes,\nleft or right at each", font=11)
    # A complete tree of 8 leaves stands for the vocabulary; the path to leaf 5 is right, left, right.
    spots = {1: (17.6, 1.6)}
    for node in range(1, 8):
        x, y = spots[node]
        reach = 3.2 / 2 ** (int(np.log2(node)) + 1)
        spots[2 * node], spots[2 * node + 1] = (x - reach, y + 1.9), (x + reach, y + 1.9)
    path = (1, 3, 6, 13)
    for node in range(1, 8):
        for child in (2 * node, 2 * node + 1):
            on = node in path and child in path
            xs, ys = zip(spots[node], spots[child], strict=True)
            ax.plot(xs, ys, color=WEIGHT if on else GREY, linewidth=2.4 if on else 1, zorder=1)
    for node, (x, y) in spots.items():
        leaf = node > 7
        color = OUTPUT if node == 13 else WEIGHT if node in path else GREY
        face = tint(color, 0.55) if node == 13 else tint(color, 0.28) if node in path else "white"
        shape = plt.Rectangle((x - 0.16, y - 0.2), 0.32, 0.4) if leaf else plt.Circle((x, y), 0.24)
        shape.set(facecolor=face, edgecolor=color, linewidth=1.6, zorder=2)
        ax.add_patch(shape)
    label(ax, spots[13][0], spots[13][1] + 0.5, "true", color=OUTPUT)
    return fig


def blocks(tables, groups, titles):
    """Cosine similarity of words, group beside group: bright squares on the diagonal where a group keeps together.

    Args:
        tables: list of arrays (words, D), rows in the order of the groups.
        groups: list of dicts from a group's name to its number of words.
        titles: one for each table.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: if a table does not have as many rows as its groups have words.
    """
    fig, axes = plt.subplots(1, len(tables), figsize=(4.6 * len(tables), 4.4), squeeze=False)
    for ax, table, sizes, title in zip(axes[0], tables, groups, titles, strict=True):
        if len(table) != sum(sizes.values()):
            raise ValueError(f"{title}: {len(table)} rows, but the groups have {sum(sizes.values())} words")
        unit = table / np.linalg.norm(table, axis=1, keepdims=True)
        image = ax.imshow(unit @ unit.T, cmap="cividis", vmin=0, vmax=1)
        edges = np.cumsum([0, *sizes.values()])
        for edge in edges[1:-1]:
            ax.axhline(edge - 0.5, color="white", linewidth=0.8)
            ax.axvline(edge - 0.5, color="white", linewidth=0.8)
        middles = (edges[:-1] + edges[1:] - 1) / 2
        ax.set(yticks=middles, xticks=[], title=title)
        ax.set_yticklabels(list(sizes), fontsize=10)
        ax.tick_params(length=0)
        ax.grid(False)
    fig.colorbar(image, ax=axes[0].tolist(), label="cosine similarity", fraction=0.05)
    return fig


def plane(tables):
    """Rows of several tables in the two directions in which all of them together vary most (principal components).

    Args:
        tables: list of arrays (words, D).

    Returns:
        list of arrays (words, 2). Each axis points so that its largest value is positive: no sign is left to chance.
    """
    rows = np.concatenate(tables)
    centred = rows - rows.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ directions[:2].T
    flat *= np.sign(flat[np.argmax(np.abs(flat), axis=0), [0, 1]])
    return np.split(flat, np.cumsum([len(table) for table in tables])[:-1])


def map_of(axes, groups, points, font=10):
    """Words on a plane, one colour and marker for each group, labels kept apart.

    Args:
        axes: matplotlib axes.
        groups: dict from a group's name to its words (labels).
        points: list of arrays (words, 2), one for each group.
        font: size of the labels in points.
    """
    spots = np.concatenate(points)
    low, high = spots.min(axis=0), spots.max(axis=0)
    span = high - low
    axes.set(
        xlim=(low[0] - 0.2 * span[0], high[0] + 0.2 * span[0]),
        ylim=(low[1] - 0.06 * span[1], high[1] + 0.08 * span[1]),
    )
    for (name, words), places, color, marker in zip(groups.items(), points, SERIES, "os^DvP", strict=False):
        axes.plot(*places.T, marker, color=color, markersize=5, label=name)
        _labels(axes, words, places, spots, span, color, font)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)


def _labels(axes, words, places, spots, span, color, font):
    """Each word beside its point, to the right or left, level or a little up or down: where fewest others are."""
    taken = axes.__dict__.setdefault("_taken", [])
    gap = 0.015 * span[0]
    for word, (x, y) in zip(words, places, strict=True):
        width = 0.019 * (len(word) + 0.5) * span[0] * font / 10
        options = [
            (left, y + step * span[1])
            for step in (0, 0.025, -0.025, 0.05, -0.05)
            for left in (x + gap, x - gap - width)
        ]

        def crowded(spot, width=width):
            left, level = spot
            boxes = sum(
                abs(level - ty) < 0.042 * span[1] and left < tx + w and tx < left + width for tx, ty, w in taken
            )
            over = (np.abs(spots[:, 1] - level) < 0.025 * span[1]) & (spots[:, 0] > left) & (spots[:, 0] < left + width)
            return 3 * boxes + int(over.sum())

        spot = min(options, key=lambda spot: (crowded(spot), abs(spot[1] - y)))
        taken.append((*spot, width))
        axes.text(*spot, word, color=color, fontsize=font, va="center")

"""An encoder–decoder unrolled over time, and the tree that a search for the best sentence walks through."""

from utils.pictures import recurrent
from utils.pictures.cells import tint
from utils.plots import GREY, INK, INPUT, OUTPUT, WEIGHT

STEP, LEVEL = 1.5, 1.6  # from one copy of a cell to the next, from one row to the next
BOX = {"boxstyle": "round,pad=0.3", "facecolor": "white", "linewidth": 1.8}


def encoder_decoder(source, target, feed="teacher"):
    """The encoder reads the source, the decoder writes the target; copies of one cell stand side by side.

    Args:
        source: texts of the tokens that the encoder reads.
        target: texts of the tokens that the decoder shall write, the last of them EOS.
        feed: "teacher" draws the true tokens as the decoder's input, "own" its own output, taken back step by step.

    Returns:
        matplotlib Figure.

    Raises:
        ValueError: for another `feed`.
    """
    if feed not in ("teacher", "own"):
        raise ValueError(f"feed must be 'teacher' or 'own', got {feed!r}")
    encoder = [STEP * i for i in range(len(source))]
    first = encoder[-1] + 1.75 * STEP
    decoder = [first + STEP * i for i in range(len(target))]
    fig, ax = recurrent.canvas(-0.75, decoder[-1] + 0.75, -0.55, 2 * LEVEL + 0.95, unit=0.74)
    for i, (x, text) in enumerate(zip(encoder, source, strict=True)):
        _word(ax, x, 0, text, INPUT)
        recurrent.node(ax, x, LEVEL, f"$h^{i + 1}$", fill=recurrent.STATE)
        recurrent.arrow(ax, (x, 0), (x, LEVEL), INPUT)
        if i:
            recurrent.arrow(ax, (encoder[i - 1], LEVEL), (x, LEVEL), WEIGHT)
    recurrent.arrow(ax, (encoder[-1], LEVEL), (decoder[0], LEVEL), OUTPUT)
    middle = (encoder[-1] + decoder[0]) / 2
    ax.text(middle, LEVEL + 0.62, "thought\nvector", ha="center", va="center", fontsize=11.5, color=OUTPUT)
    given = ["BOS", *target[:-1]]
    for i, x in enumerate(decoder):
        own = feed == "own" and i > 0
        _word(ax, x, 0, given[i], GREY if own else INPUT)
        recurrent.node(ax, x, LEVEL, f"$s^{i + 1}$", fill=recurrent.STATE)
        recurrent.arrow(ax, (x, 0), (x, LEVEL), GREY if own else INPUT)
        recurrent.arrow(ax, (x, LEVEL), (x, 2 * LEVEL), OUTPUT)
        _word(ax, x, 2 * LEVEL, target[i], OUTPUT)
        if i:
            recurrent.arrow(ax, (decoder[i - 1], LEVEL), (x, LEVEL), WEIGHT)
        if own:
            _back(ax, (decoder[i - 1] + 0.32, 2 * LEVEL - 0.2), (x - 0.36, 0.22))
    ax.text(encoder[0] - 0.4, 2 * LEVEL + 0.62, "encoder", fontsize=13, color=INK, va="center")
    reads = "reads the true tokens" if feed == "teacher" else "reads its own output"
    ax.text(decoder[0] - 0.4, 2 * LEVEL + 0.62, f"decoder, {reads}", fontsize=13, color=INK, va="center")
    return fig


def beam_tree(model, width, words, label="{:.2f}"):
    """All sentences of a small model as a tree; which of them greedy search and beam search meet.

    Args:
        model: dict from the tokens so far, a tuple, to a dict from the next token to its probability. A sentence is
            complete where its tuple is no key.
        width: of the beam.
        words: number of tokens of a sentence.
        label: how a probability is written.

    Returns:
        matplotlib Figure: orange the greedy path, blue frames what the beam keeps, green the sentence it returns,
        grey the rest.
    """
    levels, kept, probability = _levels(model, words), {()}, {(): 1.0}
    for level in levels[1:]:
        for node in level:
            probability[node] = probability[node[:-1]] * model[node[:-1]][node[-1]]
        reached = [node for node in level if node[:-1] in kept]
        kept |= set(sorted(reached, key=lambda node: -probability[node])[:width])
    best = max((node for node in levels[-1] if node in kept), key=probability.get)
    greedy = [()]
    while greedy[-1] in model:
        following = model[greedy[-1]]
        greedy.append((*greedy[-1], max(following, key=following.get)))

    across, places = 3.3, {node: (words, -i) for i, node in enumerate(levels[-1])}
    for level in reversed(levels[:-1]):
        for node in level:
            below = [places[(*node, token)][1] for token in model[node]]
            places[node] = (len(node), sum(below) / len(below))
    fig, ax = recurrent.canvas(-0.6, across * words + 2.1, -len(levels[-1]) + 0.35, 1.25, unit=0.62)
    for node, (depth, y) in places.items():
        if node:
            start, end = places[node[:-1]], (depth, y)
            strong = node in greedy
            color = WEIGHT if strong else INPUT if node in kept else GREY
            xs, ys = (start[0] * across + 0.5, end[0] * across - 0.62), (start[1], end[1])
            ax.plot(xs, ys, color=color, linewidth=3 if strong else 1.6, zorder=1)
            share = 0.62
            spot = (xs[0] + share * (xs[1] - xs[0]), ys[0] + share * (ys[1] - ys[0]))
            ax.text(
                *spot,
                f"{model[node[:-1]][node[-1]]:g}",
                fontsize=11,
                color=color,
                ha="center",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
        edge = INPUT if node in kept else GREY
        face = tint(OUTPUT, 0.3) if node == best else "white"
        text = node[-1] if node else "BOS"
        box = BOX | {"edgecolor": edge, "facecolor": face}
        ax.text(depth * across, y, text, ha="center", va="center", fontsize=12, color=INK, bbox=box, zorder=3)
        if node:
            color = OUTPUT if node == best else edge
            value = label.format(probability[node])
            spot = (across * words + 1.2, y) if depth == words else (depth * across, y - 0.68)
            ax.text(*spot, value, ha="center", va="center", fontsize=11.5, color=color)
    legend = ((0, "greedy path", WEIGHT), (3.3, f"kept by a beam of {width}", INPUT), (7.6, "dropped", GREY))
    for x, text, color in legend:
        ax.text(x - 0.4, 0.95, text, fontsize=11.5, color=color, ha="left", va="center")
    return fig


def _levels(model, words):
    """The nodes of the tree, level by level, children in the order of the model."""
    levels = [[()]]
    for _ in range(words):
        levels.append([(*node, token) for node in levels[-1] for token in model[node]])
    return levels


def _word(ax, x, y, text, color):
    box = BOX | {"edgecolor": color}
    ax.text(x, y, text, ha="center", va="center", fontsize=12, color=color, bbox=box, zorder=4)


def _back(ax, start, end):
    """The dashed way of an output to the next input."""
    style = {"arrowstyle": "-|>", "color": WEIGHT, "linewidth": 1.6, "linestyle": (0, (3, 2))}
    ax.annotate("", xy=end, xytext=start, arrowprops=style | {"shrinkA": 0, "shrinkB": 0}, zorder=2)

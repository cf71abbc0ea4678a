"""HRED and VHRED unrolled over the turns of a dialogue: words below, turns in the middle, the reply on the right."""

import matplotlib.pyplot as plt

from utils.pictures.cells import tint
from utils.pictures.recurrent import canvas
from utils.plots import GREY, INK, INPUT, ORANGE, OUTPUT, PINK
from utils.plots import WEIGHT as CONTEXT

TURNS = (("to", "kyoto", "."), ("how", "nice", "!"), ("eat", "there", "?"))
REPLY = ("try", "tofu", ".")
STEP, GAP, SIZE, HEIGHT = 0.95, 0.85, 0.62, 0.5  # between two words, two turns; a box's width and height
WORDS, UTTERANCE, TOP, LATENT = 0.0, 1.15, 2.85, 4.3  # heights of the rows


def hred():
    """The three RNNs of HRED on three turns and the reply (Serban et al. 2016)."""
    return _draw(False)


def vhred():
    """The same with z between context and decoder: prior from the context, posterior also from the reply
    (Serban et al. 2017)."""
    return _draw(True)


def _draw(latent):
    width = len(TURNS[0]) * STEP
    start = len(TURNS) * (width + GAP) + (1.35 if latent else 0.75)  # where the reply begins
    right = start + len(REPLY) * STEP + (1.75 if latent else 0.3)
    fig, ax = canvas(-2.15, right, -0.62, LATENT + 0.75 if latent else TOP + 0.75, 0.62)
    for text, y, color in (("words", WORDS, INK), ("utterance RNN", UTTERANCE, INPUT), ("context RNN", TOP, CONTEXT)):
        ax.text(-2.05, y, text, ha="left", va="center", fontsize=11.5, color=color)
    contexts = []
    for number, words in enumerate(TURNS):
        left = number * (width + GAP)
        xs = _chain(ax, [left + (i + 0.5) * STEP for i in range(len(words))], UTTERANCE, INPUT)
        for x, word in zip(xs, words, strict=True):
            _word(ax, x, WORDS, word, INK)
            _arrow(ax, (x, WORDS + 0.24), (x, UTTERANCE - HEIGHT / 2), INPUT)
        ax.text(left + width / 2, WORDS - 0.45, f"turn {number + 1}", ha="center", va="center", fontsize=11, color=GREY)
        contexts.append(xs[-1])
        _arrow(ax, (xs[-1], UTTERANCE + HEIGHT / 2), (xs[-1], TOP - HEIGHT / 2), INPUT)
    _chain(ax, contexts, TOP, CONTEXT)
    for number, x in enumerate(contexts):
        ax.text(x, TOP, f"$c_{number + 1}$", ha="center", va="center", fontsize=12, zorder=4)
    decoder = _chain(ax, [start + (i + 0.5) * STEP for i in range(len(REPLY))], UTTERANCE, OUTPUT)
    for x, word, before in zip(decoder, REPLY, ("BOS", *REPLY), strict=False):
        _word(ax, x, WORDS, before, GREY)
        _arrow(ax, (x, WORDS + 0.24), (x, UTTERANCE - HEIGHT / 2), OUTPUT)
        _arrow(ax, (x, UTTERANCE + HEIGHT / 2), (x, UTTERANCE + 0.82), OUTPUT)
        _word(ax, x, UTTERANCE + 1.02, word, OUTPUT)
    middle = (decoder[0] + decoder[-1]) / 2
    ax.text(middle, WORDS - 0.45, "decoder: the reply", ha="center", va="center", fontsize=11, color=OUTPUT)
    ax.text(contexts[0], TOP + 0.5, "one step a turn", ha="left", va="center", fontsize=11, color=CONTEXT)
    entry = (decoder[0] - SIZE / 2, UTTERANCE)
    if not latent:
        _bend(ax, (contexts[-1] + SIZE / 2, TOP), entry, decoder[0] - 0.75, CONTEXT)
        return fig
    z = (decoder[0] - 0.75, LATENT)
    _bend(ax, (contexts[-1] + SIZE / 2, TOP), entry, z[0], CONTEXT)
    _latent(ax, contexts[-1], z, decoder, middle)
    return fig


def _latent(ax, context, z, decoder, middle):
    """Prior, posterior and z above the last turn and the reply."""
    prior, posterior = (context - 1.0, LATENT), (middle + 1.35, LATENT)
    for (x, y), text, color in ((prior, "prior", ORANGE), (posterior, "posterior", PINK)):
        _box(ax, x, y, color, 1.55)
        ax.text(x, y, text, ha="center", va="center", fontsize=11.5, zorder=4)
    ax.add_patch(plt.Circle(z, 0.34, facecolor="white", edgecolor=INK, linewidth=1.8, zorder=3))
    ax.text(*z, "$z$", ha="center", va="center", fontsize=14, zorder=4)
    _arrow(ax, (context, TOP + HEIGHT / 2), (prior[0] + 0.35, LATENT - HEIGHT / 2), CONTEXT)
    _arrow(ax, (context + 0.1, TOP + HEIGHT / 2), (posterior[0] - 0.5, LATENT - HEIGHT / 2), CONTEXT, ":")
    _arrow(ax, (prior[0] + 0.78, LATENT), (z[0] - 0.36, LATENT), ORANGE)
    _arrow(ax, (posterior[0] - 0.78, LATENT), (z[0] + 0.36, LATENT), PINK, ":")
    _arrow(ax, (z[0], LATENT - 0.36), (z[0], UTTERANCE + 0.12), INK)
    _arrow(ax, (decoder[-1] + 0.2, UTTERANCE + 1.25), (posterior[0] + 0.35, LATENT - HEIGHT / 2), PINK, ":")
    ax.text(prior[0], LATENT + 0.5, "when it talks", ha="center", va="center", fontsize=11, color=ORANGE)
    ax.text(
        posterior[0], LATENT + 0.5, "in training: sees the reply", ha="center", va="center", fontsize=11, color=PINK
    )


def _chain(ax, xs, y, color):
    """Boxes in a row, an arrow from each to the next."""
    for x in xs:
        _box(ax, x, y, color)
    for a, b in zip(xs[:-1], xs[1:], strict=True):
        _arrow(ax, (a + SIZE / 2, y), (b - SIZE / 2, y), color)
    return xs


def _box(ax, x, y, color, width=SIZE):
    corner = (x - width / 2, y - HEIGHT / 2)
    ax.add_patch(
        plt.Rectangle(corner, width, HEIGHT, facecolor=tint(color, 0.2), edgecolor=color, linewidth=1.6, zorder=3)
    )


def _word(ax, x, y, text, color):
    ax.text(x, y, text, ha="center", va="center", fontsize=11, color=color)


def _arrow(ax, start, end, color, style="-"):
    arrow = {"arrowstyle": "-|>,head_width=0.22,head_length=0.42", "color": color, "linewidth": 1.7}
    ax.annotate("", end, start, arrowprops=arrow | {"linestyle": style, "shrinkA": 0, "shrinkB": 0}, zorder=2)


def _bend(ax, start, end, x, color):
    """A line to the right, down at x, and an arrow to the right."""
    ax.plot([start[0], x, x], [start[1], start[1], end[1]], color=color, linewidth=1.7, zorder=1)
    _arrow(ax, (x, end[1]), end, color)

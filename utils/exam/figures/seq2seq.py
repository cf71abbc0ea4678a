"""Figures of questions on sequence to sequence."""

from utils.pictures.cells import canvas
from utils.plots import GREY, INK

# P(next token | tokens so far); two tokens make a sentence. Choices A to D: four of the sentences.
TREE = {
    (): {"a": 0.6, "b": 0.3, "c": 0.1},
    ("a",): {"a": 0.3, "b": 0.4, "c": 0.3},
    ("b",): {"a": 0.9, "b": 0.05, "c": 0.05},
    ("c",): {"a": 0.0, "b": 0.0, "c": 1.0},
}
SENTENCES = {"A": ("a", "a"), "B": ("a", "b"), "C": ("b", "a"), "D": ("c", "c")}


def probability(words):
    """P(sentence): the product along its path."""
    total = 1.0
    for i, word in enumerate(words):
        total *= TREE[tuple(words[:i])][word]
    return total


def search_tree():
    """The tree of all sentences of two tokens, a probability on every branch; the four of the choices are named."""
    leaves = [(a, b) for a in TREE[()] for b in TREE[a,]]
    fig, ax = canvas(5.6, 5.2, 11.2, 10.4)
    y_of = {leaf: 0.9 + 1.08 * i for i, leaf in enumerate(leaves)}
    y_of |= {(a,): sum(y_of[a, b] for b in TREE[a,]) / 3 for a in TREE[()]} | {(): 5.2}
    x_of = (0.9, 4.9, 9.0)
    names = {words: name for name, words in SENTENCES.items()}
    for node, y in y_of.items():
        x = x_of[len(node)]
        if node:
            above = (x_of[len(node) - 1], y_of[node[:-1]])
            ax.plot((above[0] + 0.45, x - 0.4), (above[1], y), color=GREY, linewidth=1.5, zorder=1)
            share = 0.62
            spot = (above[0] + 0.45 + share * (x - above[0] - 0.85), above[1] + share * (y - above[1]))
            text = f"{TREE[node[:-1]][node[-1]]:g}"
            back = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            ax.text(*spot, text, fontsize=11, ha="center", va="center", color=INK, bbox=back)
        box = {"boxstyle": "round,pad=0.28", "facecolor": "white", "edgecolor": INK}
        ax.text(x, y, node[-1] if node else "BOS", fontsize=12, ha="center", va="center", color=INK, bbox=box)
        if node in names:
            ax.text(x + 1.0, y, names[node], fontsize=13, fontweight="bold", ha="center", va="center", color=INK)
    return fig

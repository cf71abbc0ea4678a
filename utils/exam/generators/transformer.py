"""Calculations on the Transformer: one query by hand, shapes, parameters, memory, causal mask, positional encoding."""

import numpy as np

from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers import masks, scaled_dot_product
from utils.numpy_layers.feed_forward import FeedForward
from utils.numpy_layers.multi_head_attention import MultiHeadAttention
from utils.numpy_layers.softmax import softmax
from utils.numpy_layers.transformer_blocks import EncoderBlock

D_K = 4  # of the query worked by hand: √d_k = 2


def _one_query(rng):
    """The three questions of the linked set on one query, three keys and three values: name -> Problem."""
    q = rng.integers(-1, 3, D_K).astype(float)
    keys = rng.integers(-1, 3, (3, D_K)).astype(float)
    values = rng.choice([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], 3, replace=False)
    dots = keys @ q
    context, weights = scaled_dot_product.forward(q[None], keys, values[:, None])
    scores = dots / np.sqrt(D_K)
    place = int(rng.integers(3))
    names = {"q": q, **{f"k{i + 1}": keys[i] for i in range(3)}}
    shown = {name: "(" + ", ".join(f"{v:g}" for v in vector) + ")" for name, vector in names.items()}
    shown |= {f"v{i + 1}": f"{values[i]:g}" for i in range(3)} | {f"s{i + 1}": f"{scores[i]:g}" for i in range(3)}
    shown |= {"place": place + 1, "dot": f"{dots[place]:g}"}
    shown |= {f"a{i + 1}": f"{weights[0, i]:.2f}" for i in range(3)}
    fits = len(set(dots)) == 3 and np.ptp(scores) <= 2.5 and scores.min() >= -1 and scores.max() <= 2 and dots[place]
    if not fits:  # a tie, so that `linked` draws again
        return {name: Problem(shown, 0, {"unfit": 0}) for name in ("score", "weight", "context")}
    return {
        "score": Problem(
            shown,
            float(scores[place]),
            {
                "no_scale": float(dots[place]),
                "divided_by_d_k": float(dots[place] / D_K),
                "by_keys": float(dots[place] / 3),
            },
        ),
        "weight": Problem(
            shown,
            float(weights[0, place]),
            {
                "no_scale": float(softmax(dots.copy())[place]),
                "divided_by_d_k": float(softmax(dots / D_K)[place]),
                "sigmoid": float(1 / (1 + np.exp(-scores[place]))),
            },
        ),
        "context": Problem(
            shown,
            float(context[0, 0]),
            {
                "largest_only": float(values[np.argmax(scores)]),
                "mean": float(values.mean()),
                "no_scale": float(softmax(dots.copy()) @ values),
            },
        ),
    }


def one_score(rng):
    """The scaled score of one key."""
    return linked(rng, _one_query, "score", "{:.2f}")


def one_weight(rng):
    """The attention weight of the same key."""
    return linked(rng, _one_query, "weight", "{:.2f}")


def one_context(rng):
    """The context of the query."""
    return linked(rng, _one_query, "context", "{:.2f}")


def _count(layer):
    return sum(parameter.size for parameter in layer.params.values())


def attention_parameters(rng):
    """Weights of a multi-head attention with biases."""

    def draw(rng):
        d, h = [(64, 4), (128, 8), (256, 8), (512, 8), (96, 6), (192, 12)][int(rng.integers(6))]
        return Problem(
            values={"d": d, "h": h, "size": d // h},
            answer=_count(MultiHeadAttention(h, d // h, d)),
            mistakes={
                "no_output_matrix": 3 * (d * d + d),
                "times_heads": 4 * h * (d * d + d),
                "one_head": 3 * (d * (d // h) + d // h) + (d // h) * d + d,
                "no_bias": 4 * d * d,
            },
        )

    return distinct(rng, draw, "{:,}")


def block_parameters(rng):
    """Weights of an encoder block."""

    def draw(rng):
        d, h, wide = [(64, 4, 4), (128, 8, 4), (64, 8, 2), (256, 8, 4), (128, 4, 2)][int(rng.integers(5))]
        f = wide * d
        attention, ffn = _count(MultiHeadAttention(h, d // h, d)), _count(FeedForward(d, f))
        return Problem(
            values={"d": d, "h": h, "f": f, "attention": f"{attention:,}", "ffn": f"{ffn:,}", "norms": 4 * d},
            answer=_count(EncoderBlock(d, h, f)),
            mistakes={
                "no_norms": attention + ffn,
                "one_norm": attention + ffn + 2 * d,
                "two_attentions": 2 * attention + ffn + 6 * d,
                "one_dense": attention + d * f + f + 4 * d,
            },
        )

    return distinct(rng, draw, "{:,}")


def weights_shape(rng):
    """Shape of the weights of a cross-attention."""

    def draw(rng):
        n, h = int(rng.choice([16, 32, 64])), int(rng.choice([4, 8]))
        t, s = (int(v) for v in rng.choice([7, 9, 10, 12, 15, 20], 2, replace=False))
        layer = MultiHeadAttention(h, 2, 4)
        layer.forward(np.zeros((n, t, 4), "float32"), np.zeros((n, s, 4), "float32"))
        return Problem(
            values={"n": n, "h": h, "t": t, "s": s, "d": 64 * h},
            answer=layer.weights.shape,
            mistakes={"swapped": (n, h, s, t), "no_heads": (n, t, s), "target_only": (n, h, t, t)},
        )

    return distinct(rng, draw)


def weights_memory(rng):
    """MiB of the attention weights of one layer."""

    def draw(rng):
        n, h, t = int(rng.choice([4, 8, 16])), int(rng.choice([8, 16])), int(rng.choice([512, 1024, 2048]))
        return Problem(
            values={"n": n, "h": h, "t": t},
            answer=n * h * t * t * 4 // 2**20,
            mistakes={
                "no_heads": n * t * t * 4 // 2**20,
                "half": n * h * t * t * 2 // 2**20,
                "double": n * h * t * t * 8 // 2**20,
            },
        )

    return distinct(rng, draw)


def causal_pairs(rng):
    """Pairs of query and key that the causal mask leaves."""

    def draw(rng):
        t = int(rng.integers(6, 41))
        return Problem(
            values={"t": t},
            answer=int(masks.causal(t).sum()),
            mistakes={"strictly_before": t * (t - 1) // 2, "all": t * t, "one_more": t * (t + 3) // 2 - 1},
        )

    return distinct(rng, draw)


def angle(rng):
    """What stands inside the sine or cosine of one element of the positional encoding."""

    def draw(rng):
        pos, column = int(rng.integers(3, 60)), int(rng.choice([3, 5, 7]))
        i = column // 2
        return Problem(
            values={"pos": pos, "column": column, "i": i, "double": 2 * i, "function": "cos" if column % 2 else "sin"},
            answer=pos / 10000 ** (2 * i / 8),
            mistakes={
                "column_as_i": pos / 10000 ** (2 * column / 8),
                "no_two": pos / 10000 ** (i / 8),
                "next_pair": pos / 10000 ** (2 * (i + 1) / 8),
                "multiplied": pos * 10000 ** (2 * i / 8),
            },
        )

    return distinct(rng, draw, "{:g}")

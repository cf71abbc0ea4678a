"""Calculations on attention: a soft look-up by hand, the additive score, weights to learn, spread of dot products."""

import numpy as np

from utils.exam.generators import Problem, distinct, linked
from utils.numpy_layers.attention import AdditiveAttention, DotAttention

DOT = DotAttention(dtype="float64")
FORMAT = "{:.2f}"  # one for the whole set, so that all its questions are redrawn together


def _look(query, keys, values, mask=None):
    """(weights (3,), output) of one query over three places, by the tested layer."""
    mask = None if mask is None else np.array([mask])
    output = DOT.forward(
        np.array([[query]], float), np.array(values, float).reshape(1, 3, 1), np.array([keys], float), value_mask=mask
    )
    return DOT.weights[0, 0], output.item()


def _by_hand_questions(rng):
    """The five questions of the linked set on one drawn look-up: name -> Problem."""
    query = [(1, 2), (2, 1), (1, 1)][int(rng.integers(3))]
    # Scores from 0 to 3 keep the table of exponentials short; different ones keep the look-up interesting.
    grid = [key for key in np.ndindex(4, 4) if 0 <= np.dot(np.subtract(key, 1), query) <= 3]
    drawn = {int(np.dot(np.subtract(key, 1), query)): np.subtract(key, 1) for key in rng.permutation(grid)}
    scores = rng.permutation(list(drawn))[:3]
    keys = np.array([drawn[int(score)] for score in scores])
    values = [int(v) for v in rng.permutation([10, 20, 30, 40])[:3]]
    weights, output = _look(query, keys, values)
    masked, masked_output = _look(query, keys, values, [True, True, False])
    as_zero = np.exp(scores * [1, 1, 0])
    exps = [round(float(np.exp(s)), 2) for s in scores]
    texts = {f"k{i + 1}": f"({k[0]}, {k[1]})" for i, k in enumerate(keys.tolist())}
    numbers = {f"{name}{i + 1}": x for name, row in (("s", scores.tolist()), ("v", values)) for i, x in enumerate(row)}
    values_shown = {"q": f"({query[0]}, {query[1]})", **texts, **numbers}
    values_shown |= {f"e{i + 1}": f"{e:g}" for i, e in enumerate(exps)}
    values_shown |= {f"w{i + 1}": f"{w:.3f}" for i, w in enumerate(weights)}
    values_shown |= {f"m{i + 1}": f"{w:.3f}" for i, w in enumerate(masked)}
    values_shown |= {"c": f"{output:.1f}", "qa": query[0], "qb": query[1], "ka": int(keys[1][0]), "kb": int(keys[1][1])}
    slope = weights[1] * (values[1] - output)
    return {
        "score": Problem(
            values_shown,
            int(scores[1]),
            {
                "elementwise_max": int(max(keys[1] * query)),
                "sum_of_both": int(sum(keys[1]) + sum(query)),
                "crossed": int(keys[1][0] * query[1] + keys[1][1] * query[0]),
                "times_value": int(scores[1] * values[1]),
            },
        ),
        "weight": Problem(
            values_shown,
            float(weights[1]),
            {
                "no_exponential": float(scores[1] / scores.sum()),
                "sigmoid": float(1 / (1 + np.exp(-scores[1]))),
                "largest_only": float(np.exp(scores[1] - scores.max())),
                "equal": 1 / 3,
            },
        ),
        "context": Problem(
            values_shown,
            output,
            {
                "hard_lookup": float(values[int(np.argmax(scores))]),
                "plain_mean": float(np.mean(values)),
                "scores_as_weights": float(scores @ values / scores.sum()),
            },
        ),
        "masked": Problem(
            values_shown,
            float(masked[1]),
            {
                "not_renormalized": float(weights[1]),
                "score_zero": float(as_zero[1] / as_zero.sum()),
                "half": 0.5,
            },
        ),
        "slope": Problem(
            values_shown,
            float(slope),
            {
                "own_share_only": float(weights[1] * (1 - weights[1]) * values[1]),
                "value_only": float(weights[1] * values[1]),
                "no_weight": float(values[1] - output),
                "sign": float(-slope),
            },
        ),
    }


def lookup_score(rng):
    """Dot score of the second key."""
    return linked(rng, _by_hand_questions, "score", FORMAT)


def lookup_weight(rng):
    """Attention weight of the second key."""
    return linked(rng, _by_hand_questions, "weight", FORMAT)


def lookup_context(rng):
    """Output of the same look-up."""
    return linked(rng, _by_hand_questions, "context", FORMAT)


def lookup_masked(rng):
    """Weight of the second key where the third place is padding."""
    return linked(rng, _by_hand_questions, "masked", FORMAT)


def lookup_slope(rng):
    """Derivative of the output by the second score."""
    return linked(rng, _by_hand_questions, "slope", FORMAT)


def additive_score(rng):
    """Score of one key by a tiny additive attention; the table of tanh is given with the question."""

    def draw(rng):
        query, key = rng.integers(-1, 2, 2), rng.integers(-1, 2, 2)
        v = rng.choice([1, 2, 3, 4], 2, replace=False)
        layer = AdditiveAttention(2, dtype="float64")
        layer.params["scale"] = v.astype(float)
        score = layer.scores(query[None, None].astype(float), key[None, None].astype(float)).item()
        both = query + key
        return Problem(
            values={"q": _pair(query), "k": _pair(key), "v": _pair(v), "sum": _pair(both)}
            | {"va": int(v[0]), "vb": int(v[1]), "sa": int(both[0]), "sb": int(both[1])},
            answer=score,
            mistakes={
                "no_tanh": float(v @ both),
                "no_v": float(np.tanh(both).sum()),
                "tanh_outside": float(np.tanh(v @ both)),
                "product_inside": float(v @ np.tanh(query * key)),
            },
        )

    return distinct(rng, draw, FORMAT)


def _pair(numbers):
    return f"({int(numbers[0])}, {int(numbers[1])})"


def additive_parameters(rng):
    """Weights of Bahdanau's attention: W_a, U_a and v_a."""

    def draw(rng):
        decoder, encoder, units = (int(n) for n in rng.choice([16, 24, 32, 48, 64], 3, replace=False))
        steps = int(rng.integers(10, 31))
        layer = AdditiveAttention(units)
        return Problem(
            values={"decoder": decoder, "encoder": encoder, "units": units, "steps": steps},
            answer=decoder * units + encoder * units + layer.params["scale"].size,
            mistakes={
                "no_v": (decoder + encoder) * units,
                "once_a_step": steps * ((decoder + encoder) * units + units),
                "bilinear": decoder * encoder,
                "one_matrix": max(decoder, encoder) * units + units,
            },
        )

    return distinct(rng, draw, "{:,}")


def dot_spread(rng):
    """Standard deviation of the dot product of two random vectors."""

    def draw(rng):
        depth = int(rng.choice([16, 64, 144, 256, 400]))
        return Problem(
            values={"depth": depth},
            answer=depth**0.5,
            mistakes={"variance": float(depth), "one": 1.0, "twice": 2 * depth**0.5, "inverse": depth**-0.5},
        )

    return distinct(rng, draw, "{:.3g}")


def number_of_scores(rng):
    """Scores that one batch needs in source–target attention."""

    def draw(rng):
        batch, source, target = int(rng.choice([8, 16, 32])), int(rng.integers(12, 30)), int(rng.integers(5, 12))
        depth = int(rng.choice([32, 64]))
        layer = DotAttention()
        layer.forward(np.zeros((batch, target, depth), "float32"), np.zeros((batch, source, depth), "float32"))
        return Problem(
            values={"batch": batch, "source": source, "target": target, "depth": depth},
            answer=layer.weights.size,
            mistakes={
                "self_attention": batch * source * source,
                "sum_of_lengths": batch * (source + target),
                "vectors": batch * source * target * depth,
                "one_look": batch * source,
            },
        )

    return distinct(rng, draw, "{:,}")

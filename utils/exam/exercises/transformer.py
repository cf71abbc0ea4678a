"""The exercises of chapter 12: scaled dot-product attention, the causal mask in a cached step, positional encoding."""

import numpy as np

from utils.exam import Mistake


def _attention_by(scores_of, axis=-1, mask=True):
    """A solution of exercise 1 that takes `scores_of(q, k)` and a softmax over `axis`."""

    def attend(q, k, v, seen):
        scores = scores_of(q, k)
        if mask is True:
            scores = np.where(seen, scores, -np.inf)
        elif mask == "zero":
            scores = np.where(seen, scores, 0)
        elif mask == "inverted":
            scores = np.where(seen, -1e9, scores)
        with np.errstate(all="ignore"):
            weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
            weights = weights / weights.sum(axis=axis, keepdims=True)
        if mask == "after":
            weights = weights * seen
        return weights @ v

    return attend


def _scaled(q, k):
    return q @ k.T / np.sqrt(q.shape[-1])


def _attention_cases():
    draw = np.random.default_rng(0).standard_normal
    square = draw((4, 3)), draw((4, 3)), draw((4, 2)), np.tri(4, dtype=bool)
    cross = draw((3, 5)), draw((4, 5)), draw((4, 2)), np.array([[True, True, True, False]] * 3)
    return [square, cross]


ATTENTION = {
    "reference": _attention_by(_scaled),
    "cases": _attention_cases(),
    "mistakes": [
        Mistake(
            _attention_by(lambda q, k: q @ k.T),
            en="$\\sqrt{d_k}$ is missing: divide the scores before the softmax.",
            ja="$\\sqrt{d_k}$ で割っていません。softmaxの前にスコアを割ります。",
        ),
        Mistake(
            _attention_by(lambda q, k: q @ k.T / q.shape[-1]),
            en="You divided by $d_k$; it is the square root, since the variance of $q \\cdot k$ is $d_k$.",
            ja="$d_k$ で割っています。$q \\cdot k$ の分散が $d_k$ なので、割るのはその平方根です。",
        ),
        Mistake(
            _attention_by(lambda q, k: q @ k.T / np.sqrt(len(k))),
            en="That is the root of the number of keys; $d_k$ is the length of a key, `q.shape[-1]`.",
            ja="キーの個数の平方根で割っています。$d_k$ はキー1本の長さ `q.shape[-1]` です。",
        ),
        Mistake(
            _attention_by(_scaled, axis=0),
            en="The softmax ran over the queries. Each *row*, one query, is to sum to 1: `axis=-1`.",
            ja="softmaxをクエリの方向にとっています。和が1になるのは各行(1つのクエリ)です。`axis=-1` とします。",
        ),
        Mistake(
            _attention_by(_scaled, mask=None),
            en="The mask is not used: hidden keys still get weight.",
            ja="マスクを使っていません。隠すべきキーにも重みが付いています。",
        ),
        Mistake(
            _attention_by(_scaled, mask="zero"),
            en="A score of 0 is no weight of 0: $e^0 = 1$. Hidden scores must be $-\\infty$ before the softmax.",
            ja="スコアを0にしても重みは0になりません($e^0 = 1$)。softmaxの前に $-\\infty$ にします。",
        ),
        Mistake(
            _attention_by(_scaled, mask="after"),
            en="Masked after the softmax: the rows no longer sum to 1. Mask the scores before it.",
            ja="softmaxの後でマスクすると、行の和が1でなくなります。softmaxの前のスコアをマスクします。",
        ),
        Mistake(
            _attention_by(_scaled, mask="inverted"),
            en="Turned around: `seen` is True where a query *may* look.",
            ja="マスクが逆です。`seen` は見て**よい**場所でTrueになります。",
        ),
    ],
    "hint": {
        "en": "scores = q @ k.T / √d_k; −∞ where not `seen`; softmax over the last axis; times v.",
        "ja": "scores = q @ k.T / √d_k とし、`seen` でない場所を −∞ にして、最後の軸でsoftmax、最後に v を掛けます。",
    },
}


def _cached_by(grow, divide=np.sqrt, late=False):
    """A solution of exercise 2: `grow(cache, new)` puts the new row into the cache."""

    def step(q, k_new, v_new, keys, values):
        seen_keys, seen_values = grow(keys, k_new), grow(values, v_new)
        used_keys, used_values = (keys, values) if late else (seen_keys, seen_values)
        scores = used_keys @ q / divide(len(q))
        weights = np.exp(scores - scores.max())
        return weights / weights.sum() @ used_values, seen_keys, seen_values

    return step


def _append(cache, new):
    return np.concatenate([cache, new[None]])


def _cached_cases():
    draw = np.random.default_rng(1).standard_normal
    return [(draw(4), draw(4), draw(3), draw((n, 4)), draw((n, 3))) for n in (1, 3)]


CACHE = {
    "reference": _cached_by(_append),
    "cases": _cached_cases(),
    "mistakes": [
        Mistake(
            _cached_by(_append, late=True),
            en="The cache is one step late: a token attends to itself, too, so append its key and value *first*.",
            ja="キャッシュが1時刻遅れています。トークンは自分自身にも注意を向けるので、先にキーとバリューを追加します。",
        ),
        Mistake(
            _cached_by(lambda cache, new: np.concatenate([cache[:-1], new[None]])),
            en="The last entry was overwritten: append, so that the cache grows by one row.",
            ja="最後の行を上書きしています。追加して1行ずつ長くします。",
        ),
        Mistake(
            _cached_by(lambda cache, new: np.concatenate([new[None], cache])[: len(cache) + 1]),
            en="The new row stands in front. The context is the same, but the next step expects the order of time.",
            ja="新しい行を先頭に入れています。文脈ベクトルは同じでも、キャッシュが時刻の順に並びません。",
        ),
        Mistake(
            _cached_by(_append, divide=lambda size: 1),
            en="$\\sqrt{d_k}$ is missing.",
            ja="$\\sqrt{d_k}$ で割っていません。",
        ),
        Mistake(
            lambda q, k_new, v_new, keys, values: (
                _cached_by(_append)(q, k_new, v_new, keys, values)[0],
                keys,
                values,
            ),
            en="The context is right, but the caches came back without the new row: the next step will miss it.",
            ja="文脈ベクトルは正しいのですが、新しい行を加えないキャッシュを返しています。次の時刻で不足します。",
        ),
    ],
    "hint": {
        "en": "`np.concatenate([keys, k_new[None]])` first; then one row of attention over all rows of the cache.",
        "ja": "先に `np.concatenate([keys, k_new[None]])` で追加し、キャッシュの全行に対して1行分の注意を計算します。",
    },
}


def _encoding_by(exponent, odd=np.cos, blocks=False):
    """A solution of exercise 3 with the exponent of 10000 for the pair i."""

    def encode(length, d_model):
        i = np.arange(d_model // 2)
        angles = np.arange(length)[:, None] / 10000 ** exponent(i, d_model)
        table = np.empty((length, d_model))
        if blocks:
            return np.concatenate([np.sin(angles), odd(angles)], axis=1)
        table[:, 0::2], table[:, 1::2] = np.sin(angles), odd(angles)
        return table

    return encode


ENCODING = {
    "reference": _encoding_by(lambda i, d: 2 * i / d),
    "cases": [(5, 4), (7, 10)],
    "mistakes": [
        Mistake(
            _encoding_by(lambda i, d: i / d),
            en="The exponent is $2i/d_{model}$; you took $i/d_{model}$.",
            ja="指数は $2i/d_{model}$ です。$i/d_{model}$ になっています。",
        ),
        Mistake(
            _encoding_by(lambda i, d: 2 * i / d, odd=np.sin),
            en="Odd columns are cosines.",
            ja="奇数番目の列はコサインです。",
        ),
        Mistake(
            _encoding_by(lambda i, d: 2 * i / d, blocks=True),
            en="Sine and cosine take turns, column by column. (Some code keeps them apart; the paper does not.)",
            ja="サインとコサインは1列ずつ交互に並びます(前半・後半に分ける実装もありますが、ここでは論文の順です)。",
        ),
        Mistake(
            lambda length, d_model: _encoding_by(lambda i, d: 2 * i / d)(length + 1, d_model)[1:],
            en="Positions count from 0: the first row is sin 0 = 0, cos 0 = 1, in turn.",
            ja="位置は0から数えます。最初の行は sin 0 = 0 と cos 0 = 1 の繰り返しです。",
        ),
        Mistake(
            lambda length, d_model: np.where(
                np.arange(d_model) % 2,
                np.cos(np.arange(length)[:, None] / 10000 ** (np.arange(d_model) / d_model)),
                np.sin(np.arange(length)[:, None] / 10000 ** (np.arange(d_model) / d_model)),
            ),
            en="Columns $2i$ and $2i + 1$ share one frequency: the exponent is $2i/d_{model}$ in both.",
            ja="列 $2i$ と $2i + 1$ の周波数は同じです。指数はどちらも $2i/d_{model}$ です。",
        ),
    ],
    "hint": {
        "en": "One angle a pair of columns: `pos / 10000 ** (2 * i / d_model)`; sine into `0::2`, cosine into `1::2`.",
        "ja": "角度は列2つに1つ、`pos / 10000 ** (2 * i / d_model)` です。サインは `0::2`、コサインは `1::2` です。",
    },
}

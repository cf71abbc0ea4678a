"""The exercises of chapter 11: softmax with a mask, dot-product attention, back through the softmax."""

import numpy as np

from utils.exam import Mistake


def _softmax(scores, axis=-1):
    weights = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


def _mask_cases():
    draw = np.random.default_rng(0).standard_normal
    mask = np.array([[True, True, False, False], [True, False, True, True], [True, True, True, True]])
    return [(2 * draw((3, 4)), mask), (2 * draw((1, 3)), np.array([[False, True, True]])), (draw((3, 4)) - 4, mask)]


def _wrong_way_round(scores, mask):
    with np.errstate(invalid="ignore"):
        return _softmax(np.where(mask, -np.inf, scores))


def _wrong_axis(scores, mask):
    with np.errstate(invalid="ignore"):
        return _softmax(np.where(mask, scores, -np.inf), axis=0)


MASK = {
    "reference": lambda scores, mask: _softmax(np.where(mask, scores, -np.inf)),
    "cases": _mask_cases(),
    "mistakes": [
        Mistake(
            lambda scores, mask: _softmax(scores),
            en="The mask has no effect: padding still gets weight.",
            ja="マスクが効いていません。パディングにも重みが付いています。",
        ),
        Mistake(
            lambda scores, mask: _softmax(np.where(mask, scores, 0.0)),
            en="A score of 0 is an ordinary score: $e^0 = 1$. Put in $-\\infty$, so that the exponential is 0.",
            ja="スコアを0にしても $e^0 = 1$ が残ります。$e^{-\\infty} = 0$ となるように、$-\\infty$ を入れます。",
        ),
        Mistake(
            lambda scores, mask: _softmax(scores) * mask,
            en="Masked after the softmax, the rows no longer sum to 1. Mask the scores, or divide by the new sum.",
            ja="softmaxのあとでマスクしたので、行の和が1になりません。スコアのほうをマスクするか、和で割り直します。",
        ),
        Mistake(
            _wrong_way_round,
            en="The mask is used the wrong way round: True marks a token that counts.",
            ja="マスクの向きが逆です。Trueは「使うトークン」を表します。",
        ),
        Mistake(
            _wrong_axis,
            en="Softmax over the wrong axis: each query shares out its weight over the places read, the last axis.",
            ja="softmaxの軸が違います。クエリごとに、キーの位置(最後の軸)に重みを配ります。",
        ),
        Mistake(
            lambda scores, mask: np.exp(np.where(mask, scores, -np.inf)),
            en="The exponentials are not divided by their sum.",
            ja="$\\exp$ をとったあと、和で割っていません。",
        ),
    ],
    "hint": {
        "en": "`np.where(mask, scores, -np.inf)`, then the softmax over the last axis.",
        "ja": "`np.where(mask, scores, -np.inf)` としてから、最後の軸でsoftmaxをとります。",
    },
}


def _dot_by(answer):
    """A solution of exercise 2 that uses `answer(scores, key, value)`."""
    return lambda query, key, value: answer(query @ key.swapaxes(1, 2), key, value)


def _dot_cases():
    draw = np.random.default_rng(1).standard_normal
    return [(draw((2, 3, 4)), draw((2, 5, 4)), draw((2, 5, 6))), (draw((1, 4, 4)), draw((1, 4, 4)), draw((1, 4, 4)))]


DOT = {
    "reference": _dot_by(lambda scores, key, value: _softmax(scores) @ value),
    "cases": _dot_cases(),
    "mistakes": [
        Mistake(
            _dot_by(lambda scores, key, value: scores @ value),
            en="The softmax is missing: the scores are no weights yet.",
            ja="softmaxがありません。スコアのままでは重みになりません。",
        ),
        Mistake(
            _dot_by(lambda scores, key, value: _softmax(scores, axis=1) @ value),
            en="Softmax over the queries. Each query's weights over the keys must sum to 1: use the last axis.",
            ja="クエリの軸でsoftmaxをとっています。クエリごとに、キーについての重みの和が1になるよう、最後の軸でとります。",
        ),
        Mistake(
            _dot_by(lambda scores, key, value: _softmax(scores) @ key),
            en="The mean of the keys. The keys are compared, the values are handed over.",
            ja="キーの平均になっています。キーは照合に使い、取り出すのはバリューです。",
        ),
        Mistake(
            _dot_by(lambda scores, key, value: np.take_along_axis(value, scores.argmax(-1)[..., None], 1)),
            en="A hard look-up: only the best value is handed over. The output is the weighted mean of all.",
            ja="最も合うバリューだけを取り出しています。出力は、すべてのバリューの重み付き平均です。",
        ),
        Mistake(
            lambda query, key, value: _softmax(query @ key.swapaxes(1, 2) / np.sqrt(query.shape[-1])) @ value,
            en="Divided by $\\sqrt{d_k}$: that is the scaled form of chapter 12. Here the score is the bare product.",
            ja="$\\sqrt{d_k}$ で割っています。それは第12章で学ぶスケール付きの形です。ここでは内積をそのまま使います。",
        ),
    ],
    "hint": {
        "en": "Exchange the last two axes of key: query @ key then gives scores (N, Tq, Tv). Softmax, then @ value.",
        "ja": "keyの最後の2軸を入れ替えて積をとると、スコア (N, Tq, Tv) です。softmaxのあと、valueとの積をとります。",
    },
}


def _back_cases():
    draw = np.random.default_rng(2).standard_normal
    return [(_softmax(draw((3, 4))), draw((3, 4))), (_softmax(draw((1, 2))), draw((1, 2)))]


def _row_sum(w, dw):
    return np.sum(dw * w, axis=-1, keepdims=True)


BACK = {
    "reference": lambda w, dw: w * (dw - _row_sum(w, dw)),
    "cases": _back_cases(),
    "mistakes": [
        Mistake(
            lambda w, dw: w * dw,
            en="A weight rises at the cost of the others: subtract the row's weighted mean, $\\sum_k w_k\\,dw_k$.",
            ja="1つの重みが増えると、ほかの重みは減ります。行の重み付き平均 $\\sum_k w_k\\,dw_k$ を引きます。",
        ),
        Mistake(
            lambda w, dw: w * (1 - w) * dw,
            en="$w(1 - w)$ is the diagonal alone, as for a sigmoid. A softmax couples all places of a row.",
            ja="$w(1 - w)$ は対角成分だけで、シグモイド関数の微分です。softmaxでは、行のすべての位置が影響し合います。",
        ),
        Mistake(
            lambda w, dw: dw - _row_sum(w, dw),
            en="The factor $w$ in front is missing.",
            ja="先頭の因子 $w$ がありません。",
        ),
        Mistake(
            lambda w, dw: w * (dw - dw.mean(axis=-1, keepdims=True)),
            en="The mean to subtract is weighted with $w$; you took the plain one.",
            ja="引くのは単純な平均ではなく、$w$ で重み付けした平均です。",
        ),
        Mistake(
            lambda w, dw: w * (dw - np.sum(dw, axis=-1, keepdims=True)),
            en="The sum to subtract lacks the weights: $\\sum_k w_k\\,dw_k$.",
            ja="引く和に重みが掛かっていません。$\\sum_k w_k\\,dw_k$ です。",
        ),
        Mistake(
            lambda w, dw: w * (dw - np.sum(dw * w)),
            en="One sum for the whole array. Each row (each query) has its own: axis=-1, keepdims=True.",
            ja="配列全体で1つの和をとっています。行(クエリ)ごとに和をとります(axis=-1, keepdims=True)。",
        ),
        Mistake(
            lambda w, dw: w * (_row_sum(w, dw) - dw),
            en="The sign is wrong.",
            ja="符号が逆です。",
        ),
    ],
    "hint": {
        "en": "`w * (dw - …)` with one number a row: the weighted mean of `dw`.",
        "ja": "`w * (dw - …)` の形です。引くのは、行ごとに1つの数、`dw` の重み付き平均です。",
    },
}

"""The exercises of chapter 09: cutting pairs, the gradient of negative sampling, answering an analogy."""

import numpy as np

from utils.exam import Mistake
from utils.numpy_layers.activations import sigmoid


def _pairs_by(places):
    """A solution of exercise 1 whose neighbours of place t in a sentence of T words are `places(t, T, c)`."""

    def skip_gram_pairs(sentence, window):
        T = len(sentence)
        return [(sentence[t], sentence[place]) for t in range(T) for place in places(t, T, window)]

    return skip_gram_pairs


PAIRS = {
    "reference": _pairs_by(lambda t, T, c: [p for p in range(t - c, t + c + 1) if p != t and 0 <= p < T]),
    "cases": [
        (["the", "cat", "sat", "on", "a", "mat"], 2),
        (["i", "like", "tea"], 1),
        (["yes", "we", "can", "yes", "we", "do"], 3),
    ],
    "mistakes": [
        Mistake(
            _pairs_by(lambda t, T, c: [p for p in range(t - c, t + c + 1) if 0 <= p < T]),
            en="The centre is paired with itself: leave out offset 0.",
            ja="中心語が自分自身と組になっています。オフセット0を除きます。",
        ),
        Mistake(
            _pairs_by(lambda t, T, c: [p for p in range(t - c, t + c) if p != t and 0 <= p < T]),
            en="`range` leaves out its end: the last word on the right is missing. Go to `t + window + 1`.",
            ja="`range` は終端を含まないので、右端の語が抜けています。`t + window + 1` までにします。",
        ),
        Mistake(
            _pairs_by(lambda t, T, c: [p for p in range(t + 1, t + c + 1) if p < T]),
            en="Only the words on the right. The window reaches `window` words to the left as well.",
            ja="右側の語しかありません。窓は左にも `window` 語分あります。",
        ),
        Mistake(
            _pairs_by(lambda t, T, c: [p for p in range(t - c, t + c + 1) if p != t and p < T]),
            en="A negative place wraps around: `sentence[-1]` is the last word. Use places from 0 on only.",
            ja="負の添字が文末に回り込んでいます(`sentence[-1]` は最後の語です)。0以上の位置だけを使います。",
        ),
        Mistake(
            lambda sentence, window: [
                (sentence[p], sentence[t])
                for t in range(len(sentence))
                for p in range(max(0, t - window), min(len(sentence), t + window + 1))
                if p != t
            ],
            en="The order is swapped: skip-gram goes from the centre to the context, so the centre comes first.",
            ja="順序が逆です。skip-gramは中心語から文脈語を予測するので、中心語が先です。",
        ),
    ],
    "hint": {
        "en": "For every place t, go through t - window … t + window; skip t itself and places outside.",
        "ja": "各位置 t について t - window から t + window までを調べ、t 自身と文の外を除きます。",
    },
}


def _gradient_by(error):
    """A solution of exercise 2 whose ∂L/∂score of the 1 + k words is `error(scores, labels)`."""

    def context_gradient(h, true_vector, noise_vectors):
        rows = np.concatenate([true_vector[None], noise_vectors])
        labels = np.eye(len(rows))[0]
        return error(rows @ h, labels) @ rows

    return context_gradient


def _softmax_error(scores, labels):
    p = np.exp(scores - scores.max())
    return p / p.sum() - labels


def _gradient_cases():
    draw = np.random.default_rng(0).standard_normal
    return [(draw(3), draw(3), draw((2, 3))), (draw(2), draw(2), draw((5, 2)))]


GRADIENT = {
    "reference": _gradient_by(lambda s, t: sigmoid(s) - t),
    "cases": _gradient_cases(),
    "mistakes": [
        Mistake(
            _gradient_by(lambda s, t: t - sigmoid(s)),
            en="The sign is wrong: this points to a smaller loss, the gradient to a larger one.",
            ja="符号が逆です。これは損失を減らす向きで、勾配はその反対です。",
        ),
        Mistake(
            _gradient_by(lambda s, t: sigmoid(s) - 1),
            en="The noise words were treated as true ones: their label is 0.",
            ja="ノイズ語を正解として扱っています。ノイズ語のラベルは0です。",
        ),
        Mistake(
            _gradient_by(lambda s, t: (sigmoid(s) - t) * t),
            en="The noise words are missing: all 1 + k words send a gradient back to `h`.",
            ja="ノイズ語からの勾配がありません。1 + k 語すべてから `h` に勾配が戻ります。",
        ),
        Mistake(
            _gradient_by(lambda s, t: (sigmoid(s) - t) * (1 - t)),
            en="The true word is missing: all 1 + k words send a gradient back to `h`.",
            ja="正解の語からの勾配がありません。1 + k 語すべてから `h` に勾配が戻ります。",
        ),
        Mistake(
            _gradient_by(_softmax_error),
            en="That is the softmax over the 1 + k words. Negative sampling asks each word alone: a sigmoid each.",
            ja="1 + k 語のソフトマックスになっています。負例サンプリングでは、語ごとに独立にシグモイド関数を使います。",
        ),
        Mistake(
            _gradient_by(lambda s, t: (sigmoid(s) - t) * sigmoid(s) * (1 - sigmoid(s))),
            en="One factor too many: with cross entropy the sigmoid's slope cancels, σ(s) − t is all.",
            ja="因子が1つ余分です。交差エントロピーではシグモイド関数の傾きが打ち消し合い、σ(s) − t だけが残ります。",
        ),
        Mistake(
            _gradient_by(lambda s, t: (sigmoid(s) - t) / len(s)),
            en="A mean over the 1 + k words; the loss of a pair is their sum.",
            ja="1 + k 語の平均になっています。1組の損失は和です。",
        ),
    ],
    "hint": {
        "en": "Score s = v' · h, error σ(s) − t (t = 1 for the true word, else 0); each word sends error · v' back.",
        "ja": "スコアは s = v'・h、誤差は σ(s) − t(正解の語だけ t = 1)です。各語から 誤差 × v' が戻ります。",
    },
}


def _unit(table):
    return table / np.linalg.norm(table, axis=1, keepdims=True)


def _analogy_by(query, unit=True, exclude=True, order=None, raw_query=False):
    """A solution of exercise 3."""

    def analogy(table, a, b, c):
        rows = _unit(table) if unit else table
        asked = table if raw_query else rows
        scores = rows @ query(asked[a], asked[b], asked[c])
        if exclude:
            scores[[a, b, c]] = -np.inf
        return int(np.argmin(np.where(np.isinf(scores), np.inf, scores)) if order == "least" else np.argmax(scores))

    return analogy


def _analogy_cases():
    rng = np.random.default_rng(5)
    cases = []
    for _ in range(6):
        table = rng.standard_normal((12, 3)) * rng.uniform(0.3, 3, (12, 1))
        cases.append((table, *(int(i) for i in rng.choice(12, 3, replace=False))))
    return cases


ANALOGY = {
    "reference": _analogy_by(lambda a, b, c: b - a + c),
    "cases": _analogy_cases(),
    "mistakes": [
        Mistake(
            _analogy_by(lambda a, b, c: b - a + c, exclude=False),
            en="Leave out the three words of the question: one of them (mostly b or c) often lies nearest.",
            ja="問いに出てくる3語を候補から除きます。除かないと、そのうちの1語(多くは b か c)が最も近くなりがちです。",
        ),
        Mistake(
            _analogy_by(lambda a, b, c: a - b + c),
            en="a and b are swapped: the step goes from a to b, so it is b − a.",
            ja="a と b が逆です。a から b への差なので b − a です。",
        ),
        Mistake(
            _analogy_by(lambda a, b, c: b - a + c, unit=False),
            en="Dot products of rows as they are: long vectors win. Bring all rows to length 1 first.",
            ja="長さをそろえずに内積をとっているので、長いベクトルが有利になります。先に全行の長さを1にします。",
        ),
        Mistake(
            _analogy_by(lambda a, b, c: b - a + c, raw_query=True),
            en="The cosine is right, but b − a + c was taken of rows as they are: bring them to length 1 before.",
            ja="コサイン類似度は合っていますが、b − a + c を元の長さのまま計算しています。先に長さを1にします。",
        ),
        Mistake(
            _analogy_by(lambda a, b, c: b + c),
            en="a is not subtracted.",
            ja="a を引いていません。",
        ),
        Mistake(
            _analogy_by(lambda a, b, c: b - a + c, order="least"),
            en="The least similar word: take the largest cosine, `argmax`.",
            ja="最も似ていない語になっています。コサイン類似度が最大の語を `argmax` で選びます。",
        ),
    ],
    "hint": {
        "en": "Rows of length 1, then `rows @ (rows[b] - rows[a] + rows[c])`; the question's words to −inf; argmax.",
        "ja": "各行の長さを1にし、`rows @ (rows[b] - rows[a] + rows[c])` を計算。問いの3語を −inf にして argmax です。",
    },
}

"""The exercises of chapter 10: the shift of teacher forcing, one step of beam search, perplexity with padding."""

import numpy as np

from utils.exam import Mistake
from utils.text import vocabulary


def _shifted(read, write):
    """A solution of exercise 1 that builds both rows from a sentence."""

    def decoder_rows(sentence):
        return read(list(sentence)), write(list(sentence))

    return decoder_rows


SHIFT = {
    "reference": _shifted(lambda s: [vocabulary.BOS, *s], lambda s: [*s, vocabulary.EOS]),
    "cases": [([7, 5, 9],), ([4],), ([6, 6, 8, 5],)],
    "mistakes": [
        Mistake(
            _shifted(lambda s: [*s, vocabulary.EOS], lambda s: [*s, vocabulary.EOS]),
            en="Both rows are the same: the decoder would read the very token that it shall write, and just copy it.",
            ja="2つの行が同じです。これでは、デコーダは書くべきトークンをそのまま読めてしまい、写すことしか学びません。",
        ),
        Mistake(
            _shifted(lambda s: [vocabulary.BOS, *s, vocabulary.EOS], lambda s: [vocabulary.BOS, *s, vocabulary.EOS]),
            en="Both rows are the same, and BOS is never written: it is only read.",
            ja="2つの行が同じです。また、BOSは読むだけで、書くことはありません。",
        ),
        Mistake(
            _shifted(lambda s: s, lambda s: [*s[1:], vocabulary.EOS]),
            en="Without BOS the first token is given away: the decoder must write it from the thought vector alone.",
            ja="BOSがないので、最初のトークンが入力に現れています。最初のトークンも、思考ベクトルだけから書かせます。",
        ),
        Mistake(
            _shifted(lambda s: [*s, vocabulary.EOS], lambda s: [vocabulary.BOS, *s]),
            en="The other way round: the decoder reads BOS first and writes EOS last.",
            ja="逆です。デコーダは最初にBOSを読み、最後にEOSを書きます。",
        ),
        Mistake(
            _shifted(lambda s: [vocabulary.BOS, *s[:-1]], lambda s: s),
            en="EOS is missing: the decoder would never learn to stop.",
            ja="EOSがありません。これでは、止まることを学べません。",
        ),
        Mistake(
            _shifted(lambda s: [vocabulary.BOS, *s, vocabulary.EOS], lambda s: [*s, vocabulary.EOS, vocabulary.PAD]),
            en="The decoder reads EOS: nothing comes after it, so it need not be read.",
            ja="デコーダがEOSを読んでいます。EOSの後には何も書かないので、読む必要はありません。",
        ),
    ],
    "hint": {
        "en": "The same sentence twice: once with BOS in front, once with EOS behind.",
        "ja": "同じ文を2回使います。一方は前にBOS、もう一方は後ろにEOSを付けます。",
    },
}


def _best(total, width):
    """The `width` best cells of a table: (rows, columns, scores), best first."""
    order = np.argsort(-total.ravel(), kind="stable")[:width]
    return np.array(order // total.shape[1]), np.array(order % total.shape[1]), total.ravel()[order]


def _unsorted(scores, log_probs, width):
    """The right cells, in the order of the table."""
    total = scores[:, None] + log_probs
    kept = np.sort(np.argsort(-total.ravel(), kind="stable")[:width])
    return kept // total.shape[1], kept % total.shape[1], total.ravel()[kept]


def _each_row(scores, log_probs, width):
    total = scores[:, None] + log_probs
    token = np.argmax(total, axis=1)
    return np.arange(len(scores)), token, total[np.arange(len(scores)), token]


def _swapped(scores, log_probs, width):
    total = scores[:, None] + log_probs
    order = np.argsort(-total.ravel(), kind="stable")[:width]
    return order % total.shape[1], order // total.shape[1], total.ravel()[order]


def _beam_cases():
    rng = np.random.default_rng(0)
    cases = []
    for width, words in ((2, 5), (3, 4), (6, 9)):
        p = rng.dirichlet(np.full(words, 0.7), width)
        scores = -np.sort(rng.uniform(0.5, 2.5, width))
        cases.append((scores, np.log(p), width))
    return cases


BEAM_STEP = {
    "reference": lambda scores, log_probs, width: _best(scores[:, None] + log_probs, width),
    "cases": [
        *_beam_cases(),
        (np.array([-0.1, -2.0]), np.log(np.array([[0.4, 0.35, 0.25], [0.9, 0.05, 0.05]])), 2),
        (np.array([0.0]), np.log(np.array([[0.1, 0.5, 0.15, 0.25]])), 3),  # the first step: one beginning, BOS
    ],
    "mistakes": [
        Mistake(
            lambda scores, log_probs, width: _best(log_probs, width),
            en="The scores of the beginnings are missing: a token's log-probability is added to that of its beginning.",
            ja="これまでのスコアを足していません。トークンの対数確率は、その前までの対数確率に加えます。",
        ),
        Mistake(
            _each_row,
            en="One token for each beginning. The best are chosen among all; two of them may continue one beginning.",
            ja="書き出しごとに1つずつ選んでいます。全体の中から上位を選ぶので、同じ書き出しから2つ残ることもあります。",
        ),
        Mistake(
            _unsorted,
            en="The right ones are kept, but not best first: sort them by their score.",
            ja="残すものは合っていますが、よい順に並んでいません。スコアの大きい順に並べます。",
        ),
        Mistake(
            _swapped,
            en="Row and column are swapped: with V columns the row is `// V` and the column `% V`.",
            ja="行と列が逆です。列数がVなら、行は `// V`、列は `% V` です。",
        ),
        Mistake(
            lambda scores, log_probs, width: _best(scores[:, None] + log_probs, len(scores)),
            en="As many are kept as there were beginnings. Keep `width`: at first there is one beginning, BOS.",
            ja="書き出しの数だけ残しています。残すのは `width` 個です。最初、書き出しはBOSの1つだけです。",
        ),
        Mistake(
            lambda scores, log_probs, width: _best(scores[:, None] * log_probs, width),
            en="Probabilities are multiplied, log-probabilities added.",
            ja="確率は掛け算ですが、対数確率は足し算です。",
        ),
        Mistake(
            lambda scores, log_probs, width: _best(-(scores[:, None] + log_probs), width),
            en="Those are the worst ones: sort in descending order.",
            ja="下位を選んでいます。大きい順に並べます。",
        ),
    ],
    "hint": {
        "en": "`(scores[:, None] + log_probs).ravel()` holds all candidates; `np.argsort(-…)` sorts them, best first.",
        "ja": "`(scores[:, None] + log_probs).ravel()` に全候補が並びます。`np.argsort(-…)` で大きい順に並べます。",
    },
}


def _perplexity_by(reduce):
    """A solution of exercise 3 from the table of the targets' log-probabilities and what is no padding."""

    def perplexity(log_probs, targets):
        own = np.take_along_axis(log_probs, targets[..., None], axis=2)[..., 0]
        return reduce(own, targets != vocabulary.PAD)

    return perplexity


def _perplexity_cases():
    rng = np.random.default_rng(1)
    cases = []
    for targets in (
        [
            [4, 3, vocabulary.EOS, vocabulary.PAD, vocabulary.PAD],
            [5, vocabulary.EOS, vocabulary.PAD, vocabulary.PAD, vocabulary.PAD],
        ],
        [[3, 4, vocabulary.EOS], [5, 5, vocabulary.EOS], [vocabulary.EOS, vocabulary.PAD, vocabulary.PAD]],
    ):
        targets = np.array(targets)
        cases.append((np.log(rng.dirichlet(np.ones(6), targets.shape)), targets))
    return cases


PERPLEXITY = {
    "reference": _perplexity_by(lambda own, kept: np.exp(-own[kept].mean())),
    "cases": _perplexity_cases(),
    "mistakes": [
        Mistake(
            _perplexity_by(lambda own, kept: np.exp(-own.mean())),
            en="Padding was counted: leave out the places where the target is PAD.",
            ja="パディングも数えています。目標がPADの位置は除きます。",
        ),
        Mistake(
            _perplexity_by(lambda own, kept: np.exp(-np.where(kept, own, 0).mean())),
            en="Divided by all places, padding included: divide by the number of real tokens.",
            ja="パディングを含む全位置の数で割っています。実際のトークンの数で割ります。",
        ),
        Mistake(
            _perplexity_by(lambda own, kept: -own[kept].mean()),
            en="That is the cross entropy in nats; perplexity is its exponential.",
            ja="これは交差エントロピー(単位はnat)です。パープレキシティはその指数をとったものです。",
        ),
        Mistake(
            _perplexity_by(lambda own, kept: np.exp(own[kept].mean())),
            en="The sign is missing: this is 1 / perplexity.",
            ja="マイナス符号がありません。これはパープレキシティの逆数です。",
        ),
        Mistake(
            _perplexity_by(lambda own, kept: np.exp(-own[kept].sum())),
            en="A sum over the tokens; take their mean, or long texts would always look worse.",
            ja="和になっています。平均をとらないと、長い文ほど悪い値になってしまいます。",
        ),
        Mistake(
            _perplexity_by(
                lambda own, kept: np.mean([np.exp(-row[k].mean()) for row, k in zip(own, kept, strict=True)])
            ),
            en="A mean of the sentences' perplexities: average the log-probabilities over all tokens first.",
            ja="文ごとのパープレキシティの平均になっています。先に、全トークンで対数確率を平均します。",
        ),
        Mistake(
            _perplexity_by(lambda own, kept: np.mean(1 / np.exp(own[kept]))),
            en="A mean of 1/p. Average the logarithms, then take the exponential: that is the geometric mean.",
            ja="1/p の算術平均になっています。対数の平均をとってから指数に戻します(幾何平均)。",
        ),
    ],
    "hint": {
        "en": "`np.take_along_axis(log_probs, targets[..., None], axis=2)[..., 0]` picks the targets' values.",
        "ja": "`np.take_along_axis(log_probs, targets[..., None], axis=2)[..., 0]` で目標の対数確率を取り出せます。",
    },
}

"""The exercise on VHRED: the divergence of two normal distributions with diagonal covariances."""

import numpy as np

from utils.exam import Mistake


def _terms(mean, variance, prior_mean, prior_variance):
    """What each number of z adds, twice over: (N, D)."""
    return (
        np.log(prior_variance) - np.log(variance) + (variance + (mean - prior_mean) ** 2) / prior_variance - 1
    )  # fmt: skip


def _cases():
    rng = np.random.default_rng(0)
    shapes = ((3, 2), (2, 4))
    return [
        (rng.standard_normal(s), rng.uniform(0.3, 2, s), rng.standard_normal(s), rng.uniform(0.3, 2, s)) for s in shapes
    ]


KL = {
    "reference": lambda *given: 0.5 * _terms(*given).sum(axis=1),
    "cases": _cases(),
    "mistakes": [
        Mistake(
            lambda m, v, pm, pv: 0.5 * _terms(pm, pv, m, v).sum(axis=1),
            en="The other way around: this is KL[prior ‖ posterior]. The posterior stands first.",
            ja="向きが逆で、KL[事前分布 ‖ 事後分布] になっています。先に書くのは事後分布です。",
        ),
        Mistake(
            lambda *given: _terms(*given).sum(axis=1),
            en="The factor $\\frac12$ is missing.",
            ja="係数 $\\frac12$ が抜けています。",
        ),
        Mistake(
            lambda *given: 0.5 * (_terms(*given) + 1).sum(axis=1),
            en="The $-1$ is missing: two equal distributions must give 0.",
            ja="$-1$ が抜けています。2つの分布が等しければ、値は0になるはずです。",
        ),
        Mistake(
            lambda m, v, pm, pv: 0.5 * _terms(m, v, 0.0, np.ones_like(v)).sum(axis=1),
            en="That is the formula for the prior N(0, I). VHRED's prior has a mean and a variance of its own.",
            ja="事前分布がN(0, I)の場合の式です。VHREDの事前分布は、独自の平均と分散をもちます。",
        ),
        Mistake(
            lambda *given: 0.5 * _terms(*given).mean(axis=1),
            en="A mean over the numbers of z; their divergences add up.",
            ja="zの次元について平均しています。各次元の値は和をとります。",
        ),
        Mistake(
            lambda *given: 0.5 * _terms(*given).sum(),
            en="One number for the whole batch; wanted is one for each dialogue, (N,).",
            ja="バッチ全体で1つの値になっています。対話ごとに1つ、(N,) の形で返します。",
        ),
        Mistake(
            lambda m, v, pm, pv: 0.5 * _terms(m, v**2, pm, pv**2).sum(axis=1),
            en="`variance` is σ² already; do not square it again.",
            ja="`variance` はすでにσ²です。もう一度2乗する必要はありません。",
        ),
        Mistake(
            lambda m, v, pm, pv: (
                0.5 * (_terms(m, v, pm, pv) - (v + (m - pm) ** 2) / pv + (v + (m - pm) ** 2) / v).sum(axis=1)
            ),
            en="The fraction is divided by the prior's variance, not by the posterior's.",
            ja="分数の分母は、事後分布ではなく事前分布の分散です。",
        ),
        Mistake(
            lambda m, v, pm, pv: 0.5 * (_terms(m, v, pm, pv) + 2 * np.log(v) - 2 * np.log(pv)).sum(axis=1),
            en="The sign of the logarithms is wrong: $\\log\\sigma_p^2 - \\log\\sigma_q^2$.",
            ja="対数の項の符号が逆です。正しくは $\\log\\sigma_p^2 - \\log\\sigma_q^2$ です。",
        ),
    ],
    "hint": {
        "en": "Four terms for each number of z; sum them over the last axis, and halve.",
        "ja": "zの次元ごとに4つの項があります。最後の軸について和をとり、半分にします。",
    },
}

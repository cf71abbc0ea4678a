"""The exercises of chapter 05: the axes of group normalization, the backward pass, folding into the convolution."""

import numpy as np

from utils.exam import Mistake


def _groups(split, over, denominator=lambda variance, epsilon: np.sqrt(variance + epsilon)):
    """A solution of exercise 1 that reshapes by `split(N, H, W, C, G)` and averages over `over`."""

    def group_norm(x, groups, epsilon):
        parts = x.reshape(split(*x.shape, groups))
        mean, variance = parts.mean(axis=over, keepdims=True), parts.var(axis=over, keepdims=True)
        return ((parts - mean) / denominator(variance, epsilon)).reshape(x.shape)

    return group_norm


def _blocks(N, H, W, C, G):
    return N, H, W, G, C // G


def _group_cases():
    draw = np.random.default_rng(5).standard_normal
    shapes = ((2, 3, 2, 6), (3, 2, 2, 8), (2, 2, 3, 12))
    return [((2 * draw(s) + 1).round(1), g, e) for s, g, e in zip(shapes, (2, 4, 3), (0.1, 0.01, 0.5), strict=True)]


GROUP = {
    "reference": _groups(_blocks, (1, 2, 4)),
    "cases": _group_cases(),
    "mistakes": [
        Mistake(
            _groups(_blocks, (0, 1, 2, 4)),
            en="You averaged over the batch too. A group belongs to one sample: axis 0 stays.",
            ja="バッチの軸でも平均を取っています。グループは1つのサンプルの中にあるので、軸0は残します。",
        ),
        Mistake(
            _groups(_blocks, (1, 2, 3)),
            en="You averaged over the axis of the groups. The channels *inside* a group share a mean: the last axis.",
            ja="グループの軸で平均を取っています。平均を共有するのは、1つのグループの**中の**チャネル(最後の軸)です。",
        ),
        Mistake(
            _groups(lambda N, H, W, C, G: (N, H, W, C // G, G), (1, 2, 3)),
            en="Your groups are interleaved (channels 0, G, 2G, …). Neighbouring channels form a group: `(G, C // G)`.",
            ja="グループが飛び飛び(0, G, 2G, …)です。隣り合うチャネルを1グループにします。`(G, C // G)` です。",
        ),
        Mistake(
            _groups(_blocks, (1, 2)),
            en="That is instance normalization: the channels of a group must be averaged as well.",
            ja="それはインスタンス正規化です。グループ内のチャネルについても平均を取ります。",
        ),
        Mistake(
            _groups(_blocks, (1, 2, 3, 4)),
            en="You averaged over all channels (one group). Each of the groups has a mean of its own.",
            ja="全チャネルで平均を取っています(グループ数1と同じ)。平均はグループごとに求めます。",
        ),
        Mistake(
            _groups(_blocks, (4,)),
            en="The positions are missing: average over $H$ and $W$, too.",
            ja="位置の軸が抜けています。$H$ と $W$ についても平均を取ります。",
        ),
        Mistake(
            _groups(_blocks, (1, 2, 4), lambda variance, epsilon: np.sqrt(variance) + epsilon),
            en="$\\epsilon$ belongs under the root: $\\sqrt{\\sigma^2 + \\epsilon}$.",
            ja="$\\epsilon$ は根号の中に入れます。$\\sqrt{\\sigma^2 + \\epsilon}$ です。",
        ),
        Mistake(
            _groups(_blocks, (1, 2, 4), lambda variance, epsilon: variance + epsilon),
            en="Divide by the standard deviation, not by the variance: the root is missing.",
            ja="分散ではなく標準偏差で割ります。平方根が抜けています。",
        ),
    ],
    "hint": {
        "en": "Reshape to (N, H, W, G, C/G). Which of the five axes may share a mean?",
        "ja": "(N, H, W, G, C/G) に変形します。5つの軸のうち、平均を共有してよいのはどれでしょうか。",
    },
}


def _backward(terms):
    """A solution of exercise 2: dx = terms(dx_hat, x_hat, s, dy)."""
    return lambda dy, x_hat, s, gamma: terms(dy * gamma, x_hat, s, dy)


def _mean(values):
    return values.mean(axis=0)


def _backward_cases():
    rng = np.random.default_rng(6)
    cases = []
    for shape in ((4, 2), (6, 3)):
        x = rng.normal(2, 3, shape)
        s = 1 / x.std(axis=0)
        x_hat = (x - x.mean(axis=0)) * s
        cases.append((rng.standard_normal(shape).round(1), x_hat, s, rng.uniform(0.5, 2, shape[1]).round(1)))
    return cases


BACKWARD = {
    "reference": _backward(lambda g, x_hat, s, dy: s * (g - _mean(g) - x_hat * _mean(g * x_hat))),
    "cases": _backward_cases(),
    "mistakes": [
        Mistake(
            _backward(lambda g, x_hat, s, dy: s * g),
            en="That is inference: mean and variance constant. In training they depend on `x`: two terms are missing.",
            ja="それは推論時(平均と分散が定数)の式です。学習時はどちらも `x` に依存するので、あと2項あります。",
        ),
        Mistake(
            _backward(lambda g, x_hat, s, dy: s * (g - _mean(g))),
            en="The way through the variance is missing: $-\\hat{x}$ times the mean of $d\\hat{x}\\,\\hat{x}$.",
            ja="分散を通る経路が抜けています。$-\\hat{x}$ に $d\\hat{x}\\,\\hat{x}$ の平均を掛けた項です。",
        ),
        Mistake(
            _backward(lambda g, x_hat, s, dy: s * (g - x_hat * _mean(g * x_hat))),
            en="The way through the mean is missing: subtract the mean of $d\\hat{x}$.",
            ja="平均を通る経路が抜けています。$d\\hat{x}$ の平均を引きます。",
        ),
        Mistake(
            _backward(lambda g, x_hat, s, dy: s * (dy - _mean(dy) - x_hat * _mean(dy * x_hat))),
            en="$\\gamma$ is missing: $d\\hat{x} = \\gamma\\,dy$.",
            ja="$\\gamma$ が抜けています。$d\\hat{x} = \\gamma\\,dy$ です。",
        ),
        Mistake(
            _backward(lambda g, x_hat, s, dy: g - _mean(g) - x_hat * _mean(g * x_hat)),
            en="Multiply by `s`, that is $1/\\sigma$: $\\hat{x} = (x - \\mu)\\,s$.",
            ja="`s`($1/\\sigma$)を掛けていません。$\\hat{x} = (x - \\mu)\\,s$ です。",
        ),
        Mistake(
            _backward(lambda g, x_hat, s, dy: s * (g - g.sum(axis=0) - x_hat * (g * x_hat).sum(axis=0))),
            en="You took sums; both terms are means over the batch (divide by $m$).",
            ja="和になっています。どちらの項もバッチについての平均です($m$ で割ります)。",
        ),
        Mistake(
            _backward(lambda g, x_hat, s, dy: s * (g + _mean(g) + x_hat * _mean(g * x_hat))),
            en="Signs: both means are subtracted.",
            ja="符号が違います。2つの平均は、どちらも引きます。",
        ),
        Mistake(
            _backward(lambda g, x_hat, s, dy: s * (g - g.mean() - x_hat * (g * x_hat).mean())),
            en="You averaged over the channels too: `axis=0`, one mean for each channel.",
            ja="チャネルについても平均を取っています。`axis=0` として、チャネルごとに平均を求めます。",
        ),
    ],
    "hint": {
        "en": "Three terms in a bracket: straight back, through the mean, through the variance.",
        "ja": "かっこの中は3項です。直接戻る経路、平均を通る経路、分散を通る経路。",
    },
}


def _folded(scale, bias):
    """A solution of exercise 3 from `scale(gamma, variance, epsilon)` and `bias(beta, mean, scale)`."""

    def fold(kernel, gamma, beta, mean, variance, epsilon):
        factor = scale(gamma, variance, epsilon)
        return kernel * factor, bias(beta, mean, factor)

    return fold


def _scale(gamma, variance, epsilon):
    return gamma / np.sqrt(variance + epsilon)


def _fold_cases():
    rng = np.random.default_rng(7)
    cases = []
    for k, channels, filters, epsilon in ((1, 2, 3, 0.1), (2, 3, 3, 0.01)):
        positive = rng.uniform(0.5, 2, (2, filters)).round(1)
        signed = rng.standard_normal((2, filters)).round(1)
        kernel = rng.standard_normal((k, k, channels, filters)).round(1)
        cases.append((kernel, positive[0], signed[0], signed[1], positive[1], epsilon))
    return cases


FOLD = {
    "reference": _folded(_scale, lambda beta, mean, factor: beta - mean * factor),
    "cases": _fold_cases(),
    "mistakes": [
        Mistake(
            _folded(_scale, lambda beta, mean, factor: beta),
            en="The mean is missing in the bias: it is subtracted *before* the scaling, so $-\\mu$ is scaled too.",
            ja="バイアスに平均が入っていません。平均は拡大の**前に**引かれるので、$-\\mu$ も拡大されます。",
        ),
        Mistake(
            _folded(_scale, lambda beta, mean, factor: beta - mean),
            en="The mean is subtracted before the scaling: it must be multiplied by the factor, too.",
            ja="平均は拡大の前に引かれます。平均にも係数を掛けます。",
        ),
        Mistake(
            _folded(_scale, lambda beta, mean, factor: beta + mean * factor),
            en="Sign: $\\gamma (x - \\mu) s + \\beta$, so the bias is $\\beta - \\gamma \\mu s$.",
            ja="符号が違います。$\\gamma (x - \\mu) s + \\beta$ なので、バイアスは $\\beta - \\gamma \\mu s$ です。",
        ),
        Mistake(
            _folded(_scale, lambda beta, mean, factor: (beta - mean) * factor),
            en="$\\beta$ is added after the scaling: it is not multiplied by the factor.",
            ja="$\\beta$ は拡大の後に足されるので、係数を掛けません。",
        ),
        Mistake(
            _folded(
                lambda gamma, variance, epsilon: 1 / np.sqrt(variance + epsilon),
                lambda beta, mean, factor: beta - mean * factor,
            ),
            en="$\\gamma$ is missing in the factor: $\\gamma / \\sqrt{\\sigma^2 + \\epsilon}$.",
            ja="係数に $\\gamma$ がありません。$\\gamma / \\sqrt{\\sigma^2 + \\epsilon}$ です。",
        ),
        Mistake(
            _folded(
                lambda gamma, variance, epsilon: gamma / (variance + epsilon),
                lambda beta, mean, factor: beta - mean * factor,
            ),
            en="Divide by the standard deviation, not by the variance: the root is missing.",
            ja="分散ではなく標準偏差で割ります。平方根が抜けています。",
        ),
        Mistake(
            _folded(
                lambda gamma, variance, epsilon: gamma / np.sqrt(variance),
                lambda beta, mean, factor: beta - mean * factor,
            ),
            en="$\\epsilon$ is missing under the root.",
            ja="根号の中の $\\epsilon$ が抜けています。",
        ),
    ],
    "hint": {
        "en": "Write y = γ (conv − μ) / √(σ² + ε) + β as factor · conv + rest.",
        "ja": "y = γ (conv − μ) / √(σ² + ε) + β を「係数 · conv + 残り」の形に書き直します。",
    },
}

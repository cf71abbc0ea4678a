"""The exercises of chapter 01: an output size, the scatter of the backward pass, the cost of a separable layer."""

import math

import numpy as np

from utils.exam import Mistake
from utils.numpy_layers import conv_arithmetic


def _size(i, k, s, p, d):
    return conv_arithmetic.output_size(i, k, s, p, d)


def _span(k, d):
    return k + (k - 1) * (d - 1)


SIZE = {
    "reference": _size,
    "cases": [(32, 3, 1, 1, 1), (32, 5, 2, 0, 1), (28, 3, 2, 1, 1), (15, 3, 1, 0, 2), (20, 3, 2, 2, 3)],
    "mistakes": [
        Mistake(
            lambda i, k, s, p, d: math.ceil((i + 2 * p - _span(k, d)) / s) + 1,
            en="You rounded up. A window that does not fit entirely is dropped: floor, not ceil (`//`).",
            ja="切り上げている。全体が収まらない窓は使わないので、切り捨て(`//`)が正しい。",
        ),
        Mistake(
            lambda i, k, s, p, d: (i + 2 * p - k) // s + 1,
            en="The dilation is missing: a dilated kernel spans $k + (k-1)(d-1)$ pixels, not $k$.",
            ja="ダイレーションを考慮していない。カーネルが広がる範囲は $k$ ではなく $k + (k-1)(d-1)$ 画素である。",
        ),
        Mistake(
            lambda i, k, s, p, d: (i + 2 * p - k * d) // s + 1,
            en="You took $k \\cdot d$ for the span. Between $k$ weights there are only $k - 1$ gaps: $k + (k-1)(d-1)$.",
            ja="広がりを $k \\cdot d$ としている。$k$ 個の重みの間の隙間は $k - 1$ 個で、$k + (k-1)(d-1)$ である。",
        ),
        Mistake(
            lambda i, k, s, p, d: (i + 2 * p - _span(k, d)) / s + 1,
            en="`/` gives a decimal number. A window that does not fit entirely is dropped: `//`.",
            ja="`/` では小数になる。全体が収まらない窓は使わないので、`//` で切り捨てる。",
        ),
        Mistake(
            lambda i, k, s, p, d: (i + 2 * p - (k + (k - 1) * d)) // s + 1,
            en="You took $d$ for the number of gaps. Dilation $d$ leaves $d - 1$ pixels between two weights: "
            "$k + (k-1)(d-1)$.",
            ja="$d$ を隙間の画素数としている。隣り合う重みの間に空くのは $d - 1$ 画素で、$k + (k-1)(d-1)$ である。",
        ),
        Mistake(
            lambda i, k, s, p, d: (i + p - _span(k, d)) // s + 1,
            en="You added the padding once. There are $p$ zeros on **each** side: $i + 2p$.",
            ja="パディングを 1 回しか足していない。0 は**両側**に $p$ 個ずつあるので、$i + 2p$ である。",
        ),
        Mistake(
            lambda i, k, s, p, d: (i - _span(k, d)) // s + 1,
            en="The padding is missing: with $p$ zeros on each side the input is $i + 2p$ long.",
            ja="パディングを足していない。両側に $p$ 個ずつなので $i + 2p$ である。",
        ),
        Mistake(
            lambda i, k, s, p, d: i + 2 * p - _span(k, d) + 1,
            en="You did not divide by the stride: the windows start at $0, s, 2s, \\dots$",
            ja="ストライドで割っていない。窓の始点は $0, s, 2s, \\dots$ である。",
        ),
        Mistake(
            lambda i, k, s, p, d: (i + 2 * p - _span(k, d)) // s,
            en="The window at position 0 is not counted: add 1.",
            ja="位置 0 の窓を数えていない。最後に 1 を足す。",
        ),
    ],
    "hint": {
        "en": "Where does the last window start at the latest? How many of 0, s, 2s, … are not beyond it?",
        "ja": "最後の窓の始点は最大でいくつか。0, s, 2s, … のうち、それを超えないものはいくつあるか。",
    },
}


def _scatter(stamp):
    """A solution of exercise 2 that lays `stamp(target, gradient, K)` onto the window of each output."""

    def input_gradient(dy, K, height, width):
        dx, k = np.zeros((height, width)), len(K)
        for i, j in np.ndindex(dy.shape):
            window = dx[i : i + k, j : j + k]
            window[:] = stamp(window, dy[i, j], K)
        return dx

    return input_gradient


def _scatter_cases():
    draw = np.random.default_rng(3).standard_normal
    return [
        (np.ones((1, 1)), np.arange(1.0, 5).reshape(2, 2), 2, 2),
        (np.arange(1.0, 5).reshape(2, 2), np.arange(1.0, 10).reshape(3, 3), 4, 4),
        (draw((4, 3)).round(1), draw((2, 2)).round(1), 5, 4),
    ]


SCATTER = {
    "reference": _scatter(lambda before, gradient, K: before + gradient * K),
    "cases": _scatter_cases(),
    "mistakes": [
        Mistake(
            _scatter(lambda before, gradient, K: gradient * K),
            en="`=` overwrites. A pixel lies under several windows and receives the sum of their gradients: `+=`.",
            ja="`=` では上書きになる。1 つの画素は複数の窓に入り、それぞれの勾配の和を受け取る。`+=` が正しい。",
        ),
        Mistake(
            _scatter(lambda before, gradient, K: before + gradient * K[::-1, ::-1]),
            en="No flip here: you go through the outputs, and output $(i, j)$ used `x[i + u, j + v]` with `K[u, v]`.",
            ja="ここでは反転しない。出力 $(i, j)$ は `x[i + u, j + v]` に `K[u, v]` を掛けて作られている。",
        ),
        Mistake(
            _scatter(lambda before, gradient, K: before + gradient * K.T),
            en="The transpose in $dX = dY K^\\top$ is that of the **matrix** $K$ (weights × filters), not of the grid.",
            ja="$dX = dY K^\\top$ の転置は、カーネルを**行列**にしたときの転置であり、k×k の格子の転置ではない。",
        ),
        Mistake(
            _scatter(lambda before, gradient, K: before + K),
            en="`dy` is missing: each output passes on its own gradient, times the kernel.",
            ja="`dy` を掛けていない。各出力は、自分に届いた勾配にカーネルを掛けて渡す。",
        ),
        Mistake(
            _scatter(lambda before, gradient, K: before + gradient),
            en="The kernel is missing: the derivative of $x \\cdot K$ with respect to $x$ is $K$.",
            ja="カーネルを掛けていない。$x \\cdot K$ を $x$ で微分すると $K$ が残る。",
        ),
    ],
    "hint": {
        "en": "Which k×k part of `x` did output $(i, j)$ read, and with which weight each of its pixels?",
        "ja": "出力 $(i, j)$ は `x` のどの k×k の部分を読み、各画素にどの重みを掛けたか。",
    },
}


def _weights_and_macs(weights):
    """A solution of exercise 3 that counts `weights(k, C, F, M)`."""
    return lambda o, k, C, F, M: (weights(k, C, F, M), o * o * weights(k, C, F, M))


_separable = _weights_and_macs(lambda k, C, F, M: k * k * C * M + C * M * F)

COST = {
    "reference": _separable,
    "cases": [(16, 3, 32, 64, 1), (8, 5, 3, 16, 2), (1, 3, 1, 1, 1)],
    "mistakes": [
        Mistake(
            _weights_and_macs(lambda k, C, F, M: k * k * C * F),
            en="That is the standard convolution. Separable is two layers: one in space, then one across channels.",
            ja="それは通常の畳み込みである。セパラブル畳み込みは、空間方向の層とチャネル方向の層の 2 段からなる。",
        ),
        Mistake(
            _weights_and_macs(lambda k, C, F, M: k * k * C * M + C * F),
            en="The pointwise step sees $C \\cdot M$ channels, not $C$: the depthwise step has multiplied them.",
            ja="ポイントワイズの入力は $C$ ではなく $C \\cdot M$ チャネルである。デプスワイズの段で増えている。",
        ),
        Mistake(
            _weights_and_macs(lambda k, C, F, M: k * k * C + C * F),
            en="The depth multiplier is missing: $M$ kernels a channel, so the pointwise step reads $C M$ channels.",
            ja="depth multiplier を考慮していない。ポイントワイズの入力は $C M$ チャネルである。",
        ),
        Mistake(
            _weights_and_macs(lambda k, C, F, M: k * k * C * M),
            en="That is the depthwise step alone. The pointwise step is missing.",
            ja="それはデプスワイズの段だけである。ポイントワイズの段が抜けている。",
        ),
        Mistake(
            _weights_and_macs(lambda k, C, F, M: k * k * C * M * C * M * F),
            en="The two steps follow one another, so their costs are added, not multiplied.",
            ja="2 つの段は続けて行うので、コストは掛けるのではなく足す。",
        ),
        Mistake(
            lambda o, k, C, F, M: _separable(o, k, C, F, M)[::-1],
            en="The right numbers in the wrong order: first the weights, then the MACs.",
            ja="数は正しいが、順序が逆である。重みの数、MAC の順に返す。",
        ),
        Mistake(
            lambda o, k, C, F, M: (k * k * C * M + C * M * F, o * (k * k * C * M + C * M * F)),
            en="The output has $o \\times o$ positions, not $o$: height and width.",
            ja="出力の位置は $o$ 個ではなく、縦横で $o \\times o$ 個ある。",
        ),
        Mistake(
            lambda o, k, C, F, M: (k * k * C * M + C * M * F, k * k * C * M + C * M * F),
            en="MACs: every weight works once at **each** of the $o \\times o$ output positions.",
            ja="MAC は、各重みが $o \\times o$ の出力位置の**それぞれ**で 1 回ずつ働いた回数である。",
        ),
    ],
    "hint": {
        "en": "How many channels leave the depthwise step? They are what the pointwise step reads.",
        "ja": "デプスワイズの段の出力は何チャネルか。それがポイントワイズの段の入力になる。",
    },
}

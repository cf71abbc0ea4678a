"""The exercises of chapter 03: Lp pooling, the backward pass of max pooling, a layer table."""

import numpy as np

from utils.exam import Mistake
from utils.numpy_layers import conv_arithmetic
from utils.numpy_layers.pooling import LpPooling2D, MaxPooling2D


def _pooled(of_window):
    """A solution of exercise 1 that turns each window into `of_window(window, p)`."""

    def lp_pool(x, k, p):
        y = np.zeros((x.shape[0] // k, x.shape[1] // k))
        for i, j in np.ndindex(y.shape):
            y[i, j] = of_window(x[k * i : k * (i + 1), k * j : k * (j + 1)], p)
        return y

    return lp_pool


def _tested_lp(x, k, p):
    return LpPooling2D(k, p, dtype="float64").forward(x.astype("float64")[None, :, :, None])[0, :, :, 0]


LP = {
    "reference": _tested_lp,
    "cases": [
        (np.array([[3.0, 0], [4, 0]]), 2, 2),
        (np.array([[1.0, -2, 3, 0], [2, 2, -1, 4]]), 2, 3),
        (np.random.default_rng(0).standard_normal((6, 9)).round(1), 3, 4),
    ],
    "mistakes": [
        Mistake(
            _pooled(lambda w, p: np.sum(np.abs(w) ** p) ** (1 / p)),
            en="You took the sum. Here the power is averaged over the $k^2$ pixels (PyTorch's `LPPool2d` sums).",
            ja="和をとっている。ここでは $k^2$ 画素についての平均をとる(和をとるのは PyTorch の `LPPool2d`)。",
        ),
        Mistake(
            _pooled(lambda w, p: np.mean(np.abs(w) ** p)),
            en="The root is missing: raise the mean to the power $1/p$, which brings it back to the size of $x$.",
            ja="p 乗根をとっていない。平均を $1/p$ 乗して、$x$ と同じ大きさに戻す。",
        ),
        Mistake(
            _pooled(lambda w, p: np.sign(np.mean(w**p)) * np.abs(np.mean(w**p)) ** (1 / p)),
            en="The absolute value is missing: with an odd $p$, negative pixels would cancel positive ones.",
            ja="絶対値をとっていない。$p$ が奇数だと、負の画素が正の画素を打ち消す。",
        ),
        Mistake(
            _pooled(lambda w, p: np.mean(np.abs(w) ** p) / p),
            en="You divided by $p$. The $p$-th root is the power $1/p$.",
            ja="$p$ で割っている。p 乗根は $1/p$ 乗である。",
        ),
        Mistake(
            _pooled(lambda w, p: np.max(np.abs(w))),
            en="That is the limit $p \\to \\infty$. For a finite $p$ every pixel counts.",
            ja="それは $p \\to \\infty$ の極限である。$p$ が有限なら、すべての画素が寄与する。",
        ),
        Mistake(
            _pooled(lambda w, p: np.mean(np.abs(w))),
            en="That is $p = 1$. The power $p$ comes before the mean, the root after it.",
            ja="それは $p = 1$ の場合である。平均の前に $p$ 乗し、平均の後で p 乗根をとる。",
        ),
    ],
    "hint": {
        "en": "Three steps: absolute value to the power $p$, mean over the window, $p$-th root.",
        "ja": "3 段階である。絶対値の $p$ 乗、窓についての平均、p 乗根。",
    },
}


def _routed(step):
    """A solution of exercise 2 that changes the window of dx in `step(target, window, gradient)`."""

    def max_pool_gradient(dy, x, k, s):
        dx = np.zeros(x.shape)
        for i, j in np.ndindex(dy.shape):
            at = slice(s * i, s * i + k), slice(s * j, s * j + k)
            step(dx[at], x[at], dy[i, j])
        return dx

    return max_pool_gradient


def _tested_max(dy, x, k, s):
    layer = MaxPooling2D(k, s, dtype="float64")
    layer.forward(x.astype("float64")[None, :, :, None])
    return layer.backward(dy.astype("float64")[None, :, :, None])[0, :, :, 0]


def _winner(window):
    return np.unravel_index(np.argmax(window), window.shape)


def _overwrite(target, window, gradient):
    target[_winner(window)] = gradient


def _everywhere(target, window, gradient):
    target += gradient


def _averaged(target, window, gradient):
    target += gradient / window.size


def _times_value(target, window, gradient):
    target[_winner(window)] += gradient * window.max()


def _last(target, window, gradient):
    row, column = np.argwhere(window == window.max())[-1]
    target[row, column] += gradient


def _all_winners(target, window, gradient):
    target[window == window.max()] += gradient


MAX_BACKWARD = {
    "reference": _tested_max,
    "cases": [
        (np.array([[5.0]]), np.array([[1.0, 2], [4, 3]]), 2, 2),
        (np.array([[2.0, 3], [5, 7]]), np.array([[1.0, 2, 0], [3, 9, 4], [5, 6, 8]]), 2, 1),
        (np.array([[2.0, 3]]), np.array([[1.0, 6, 6, 0], [6, 2, 6, 5]]), 2, 2),
        (
            np.random.default_rng(1).standard_normal((2, 3)).round(1),
            np.random.default_rng(2).permutation(35.0 + np.arange(35)).reshape(5, 7),
            3,
            2,
        ),
    ],
    "mistakes": [
        Mistake(
            _routed(_overwrite),
            en="`=` overwrites. A pixel may win in several windows and receives the sum of their gradients: `+=`.",
            ja="`=` では上書きになる。1 つの画素が複数の窓で最大になることがあり、勾配の和を受け取る。`+=` が正しい。",
        ),
        Mistake(
            _routed(_everywhere),
            en="Every pixel of the window received the gradient. Only the largest one influenced the output.",
            ja="窓のすべての画素に勾配を渡している。出力に影響したのは最大の画素だけである。",
        ),
        Mistake(
            _routed(_averaged),
            en="That is the backward pass of average pooling.",
            ja="それは平均プーリングの逆伝播である。",
        ),
        Mistake(
            _routed(_times_value),
            en="You multiplied by the maximum. The output *is* that pixel, so the derivative is 1.",
            ja="最大値を掛けている。出力はその画素の値そのものなので、微分は 1 である。",
        ),
        Mistake(
            _routed(_last),
            en="Of several equal maxima the first in reading order receives the gradient (as `np.argmax` finds it).",
            ja="最大値が複数あるときは、左上から行ごとに見て最初の画素が勾配を受け取る(`np.argmax` が返す位置)。",
        ),
        Mistake(
            _routed(_all_winners),
            en="Where several pixels share the maximum you gave the gradient to all of them. It goes to the first one.",
            ja="最大値の画素が複数あるとき、そのすべてに勾配を渡している。渡すのは最初の 1 つだけである。",
        ),
    ],
    "hint": {
        "en": "`np.unravel_index(window.argmax(), window.shape)` gives row and column of the winner inside its window.",
        "ja": "`np.unravel_index(window.argmax(), window.shape)` で、窓の中での最大の画素の行と列がわかる。",
    },
}


def _walk(layers, size, channels, *, bias=1, positions="output", pool_weights=False, units=True):
    """A solution of exercise 3, right or with one thing wrong."""
    parameters = macs = 0
    for kind, *numbers in layers:
        if kind == "dense":
            features = size * size * channels if units else channels
            parameters += features * numbers[0] + bias * numbers[0]
            macs += features * numbers[0]
            size, channels = 1, numbers[0]
            continue
        k, s, p = numbers[:3]
        before, size = size, conv_arithmetic.output_size(size, k, s, p)
        if kind == "conv":
            weights = k * k * channels * numbers[3]
            parameters += weights + bias * numbers[3]
            macs += weights * (size if positions == "output" else before) ** 2
            channels = numbers[3]
        elif pool_weights:
            parameters += k * k * channels
            macs += k * k * channels * size * size
    return parameters, macs


_lenet = [
    ("conv", 5, 1, 0, 6),
    ("pool", 2, 2, 0),
    ("conv", 5, 1, 0, 16),
    ("pool", 2, 2, 0),
    ("dense", 120),
    ("dense", 10),
]
_strided = [("conv", 7, 2, 0, 8), ("pool", 3, 2, 0), ("conv", 3, 1, 1, 12), ("dense", 5)]
TABLE = {
    "reference": _walk,
    "cases": [(_strided, 37, 3), (_lenet, 32, 1), ([("conv", 3, 1, 1, 4), ("dense", 2)], 6, 2)],
    "mistakes": [
        Mistake(
            lambda layers, size, channels: _walk(layers, size, channels, bias=0),
            en="The biases are missing: one parameter for each filter and each unit (they cost no multiplications).",
            ja="バイアスが抜けている。フィルタとユニットごとに 1 個ある(乗算は増えない)。",
        ),
        Mistake(
            lambda layers, size, channels: _walk(layers, size, channels, positions="input"),
            en="MACs: you counted the positions of the input. A kernel works at every **output** position.",
            ja="MAC を入力の位置で数えている。カーネルが働くのは**出力**の位置である。",
        ),
        Mistake(
            lambda layers, size, channels: _walk(layers, size, channels, pool_weights=True),
            en="Pooling has no weights, so it adds neither parameters nor MACs; it only changes the size.",
            ja="プーリングに重みはない。パラメータも MAC も増えず、サイズだけが変わる。",
        ),
        Mistake(
            lambda layers, size, channels: _walk(layers, size, channels, units=False),
            en="A dense layer reads the flattened map: height × width × channels features, not only the channels.",
            ja="全結合層が読むのは平坦化した特徴マップ(高さ × 幅 × チャネル)であり、チャネル数だけではない。",
        ),
        Mistake(
            lambda layers, size, channels: tuple(reversed(_walk(layers, size, channels))),
            en="The two numbers are swapped: parameters first, then MACs.",
            ja="2 つの数の順序が逆である。パラメータ数、MAC の順に返す。",
        ),
        Mistake(
            lambda layers, size, channels: (_walk(layers, size, channels)[0],) * 2,
            en="MACs: a kernel's weights work once at *each* output position; multiply by the size squared.",
            ja="MAC では、カーネルの重みが出力の位置**ごと**に働く。サイズの 2 乗を掛ける。",
        ),
    ],
    "hint": {
        "en": "Carry three numbers down the table: size, channels, and the sums. Write the new size before the MACs.",
        "ja": "表を上からたどり、サイズ・チャネル数・合計を持ち回る。MAC より先に、新しいサイズを求める。",
    },
}

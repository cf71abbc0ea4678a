"""The exercises of chapter 13: a dilated causal convolution, μ-law classes, a queue."""

from collections import deque

import numpy as np

from utils.audio import mu_law
from utils.exam import Mistake
from utils.numpy_layers.causal_conv1d import CausalConv1D


def _convolution(back):
    """A solution of exercise 1 whose tap j at step t looks `back(j, k, d)` steps back."""

    def causal_conv(x, kernel, d):
        k, T = len(kernel), len(x)
        y = np.zeros((T, kernel.shape[2]))
        for t in range(T):
            for j in range(k):
                past = t - back(j, k, d)
                if 0 <= past < T:
                    y[t] += x[past] @ kernel[j]
        return y

    return causal_conv


def _reference_convolution(x, kernel, d):
    conv = CausalConv1D(kernel.shape[2], len(kernel), kernel.shape[1], d, use_bias=False, dtype="float64")
    conv.params["kernel"] = kernel
    return conv.forward(x[None])[0]


def _wrapping(x, kernel, d):
    """What x[t - …] does at the beginning when nobody looks: a negative index counts from the end."""
    y = np.zeros((len(x), kernel.shape[2]))
    for t in range(len(x)):
        for j in range(len(kernel)):
            y[t] += x[(t - d * (len(kernel) - 1 - j)) % len(x)] @ kernel[j]
    return y


def _convolution_cases():
    draw = np.random.default_rng(0).standard_normal
    return [(draw((9, 2)), draw((3, 2, 2)), 2), (draw((8, 2)), draw((2, 2, 3)), 3)]


CONVOLUTION = {
    "reference": _reference_convolution,
    "cases": _convolution_cases(),
    "mistakes": [
        Mistake(
            _convolution(lambda j, k, d: d * j),
            en="The taps are in reverse: `kernel[k - 1]` belongs to the newest input $x_t$, `kernel[0]` to the oldest.",
            ja="タップの順序が逆です。`kernel[k - 1]` が最新の入力 $x_t$ に、`kernel[0]` が最も古い入力に掛かります。",
        ),
        Mistake(
            _convolution(lambda j, k, d: k - 1 - j),
            en="The dilation is missing: two neighbouring taps look at inputs that are `d` steps apart.",
            ja="ダイレーションが抜けています。隣り合うタップが見る入力は `d` 時刻ずつ離れています。",
        ),
        Mistake(
            _convolution(lambda j, k, d: -d * j),
            en="This reads the future: the output at $t$ may use $x_t$ and earlier inputs only.",
            ja="未来を読んでいます。時刻 $t$ の出力が使えるのは、$x_t$ とそれより前の入力だけです。",
        ),
        Mistake(
            _convolution(lambda j, k, d: d * (k // 2 - j)),
            en='Centred on $t$, as `padding="same"` does it: half of the taps read the future.',
            ja='`padding="same"` のように $t$ を中心にしています。タップの半分が未来を読みます。',
        ),
        Mistake(
            _convolution(lambda j, k, d: d * (k - j)),
            en="One tap too far back: the newest tap, `j = k - 1`, must look 0 steps back.",
            ja="1タップ分ずれています。最新のタップ `j = k - 1` は0時刻前、つまり $x_t$ を見ます。",
        ),
        Mistake(
            _convolution(lambda j, k, d: d + k - 2 - j),
            en="The distance is `d` *times* the number of taps to the newest one, not a sum.",
            ja="さかのぼる時刻数は、最新のタップまでのタップ数の `d` **倍** です。和ではありません。",
        ),
        Mistake(
            _wrapping,
            en="A negative index takes the *end* of the sequence: before the beginning the input counts as 0.",
            ja="添字が負になると、系列の**末尾**を読んでしまいます。先頭より前の入力は0とみなします。",
        ),
    ],
    "hint": {
        "en": "Tap `j` looks `d * (k - 1 - j)` steps back; skip it where that is before the beginning.",
        "ja": "タップ `j` は `d * (k - 1 - j)` 時刻前を見ます。先頭より前になる場合は飛ばします。",
    },
}

_sounds = np.array([0.0, 0.004, -0.02, 0.1, -0.4, 0.93, 1.0, -1.0])


def _classes(companded):
    """Values in [−1, 1] cut into 256 equal pieces."""
    return np.minimum(np.floor((companded + 1) / 2 * 256), 255).astype(int)


def _f(x, mu=255):
    return np.sign(x) * np.log(1 + mu * np.abs(x)) / np.log(1 + mu)


ENCODE = {
    "reference": mu_law.encode,
    # The last case is dense enough to tell μ = 255 from μ = 256.
    "cases": [(_sounds,), (np.linspace(-0.97, 0.99, 23),), (np.linspace(-1, 1, 3001),)],
    "mistakes": [
        Mistake(
            _classes,
            en="These are equal steps of $x$ itself: compress first, then cut into classes.",
            ja="$x$ をそのまま等間隔に区切っています。先に圧縮してから、クラスに区切ります。",
        ),
        Mistake(
            lambda x: _classes(np.abs(_f(x))),
            en="The sign is lost: $f$ is odd, so multiply by `np.sign(x)`.",
            ja="符号が失われています。$f$ は奇関数なので `np.sign(x)` を掛けます。",
        ),
        Mistake(
            lambda x: np.floor((_f(x) + 1) / 2 * 256).astype(int),
            en="$x = 1$ gives class 256, which does not exist: the last class is 255.",
            ja="$x = 1$ がクラス256になります。最後のクラスは255です。",
        ),
        Mistake(
            lambda x: np.round((_f(x) + 1) / 2 * 255).astype(int),
            en="Rounding to 255 steps makes the two outermost classes half as wide; here 256 equal pieces are wanted.",
            ja="255段に四捨五入すると、両端のクラスの幅が半分になります。ここでは256等分します。",
        ),
        Mistake(
            lambda x: np.minimum(np.floor((_f(x) + 1) / 2 * 255), 255).astype(int),
            en="256 pieces, not 255: μ = 255 is the parameter of $f$, and there are μ + 1 classes.",
            ja="255等分ではなく256等分です。μ = 255は $f$ のパラメータで、クラスは μ + 1 個あります。",
        ),
        Mistake(
            lambda x: _classes(_f(x, mu=256)),
            en="μ is 255, the number of classes minus 1; with 256 a few samples fall into a neighbouring class.",
            ja="μはクラス数から1を引いた255です。256にすると、一部のサンプルが隣のクラスになります。",
        ),
        Mistake(
            lambda x: np.minimum(np.floor(np.abs(_f(x)) * 256), 255).astype(int),
            en="Shift [−1, 1] to [0, 1] first: `(f + 1) / 2`.",
            ja="まず `(f + 1) / 2` で [−1, 1] を [0, 1] に移します。",
        ),
    ],
    "hint": {
        "en": "`f = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)`, then `np.floor((f + 1) / 2 * 256)`.",
        "ja": "`f = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)`、次に `np.floor((f + 1) / 2 * 256)` です。",
    },
}


def _streamed(length, newest=False):
    """A solution of exercise 3 with a queue of `length(d)` values."""

    def stream(x, old, new, d):
        queue = deque([0.0] * length(d))
        y = []
        for value in x:
            queue.append(value)  # together with the next line: the value of length(d) steps ago
            past = queue[-2] if newest else queue.popleft()
            y.append(past * old + value * new)
        return np.array(y)

    return stream


QUEUE = {
    "reference": lambda x, old, new, d: np.concatenate([np.zeros(d), x])[: len(x)] * old + x * new,
    "cases": [
        (np.array([1.0, -2.0, 3.0, 0.5, 4.0, -1.5]), 2.0, -3.0, 2),
        (np.array([1.0, 5.0, 3.0, -0.5, 2.0]), 0.5, 1.5, 3),
    ],
    "mistakes": [
        Mistake(
            _streamed(lambda d: d + 1),
            en="The queue is one longer than the dilation: it gives $x_{t-d-1}$, the cache is shifted by one step.",
            ja="キューがダイレーションより1つ長く、$x_{t-d-1}$ が出てきます。キャッシュが1時刻ずれています。",
        ),
        Mistake(
            _streamed(lambda d: d - 1),
            en="The queue is one shorter than the dilation: it gives $x_{t-d+1}$, the cache is shifted by one step.",
            ja="キューがダイレーションより1つ短く、$x_{t-d+1}$ が出てきます。キャッシュが1時刻ずれています。",
        ),
        Mistake(
            _streamed(lambda d: d, newest=True),
            en="That is the newest value, as from a stack. A queue gives the oldest one: `popleft()`.",
            ja="いちばん新しい値を取り出しています(スタックの動作)。キューでは、最も古い値を取り出します。",
        ),
        Mistake(
            lambda x, old, new, d: np.concatenate([np.zeros(d), x])[: len(x)] * new + x * old,
            en="The weights are swapped: `old` multiplies the value from the queue, `new` the one that has just come.",
            ja="重みが逆です。`old` はキューから取り出した値に、`new` は今届いた値に掛けます。",
        ),
        Mistake(
            lambda x, old, new, d: x * new,
            en="Nothing is read from the queue.",
            ja="キューから何も読んでいません。",
        ),
    ],
    "hint": {
        "en": "`past = queue.popleft()`, then `queue.append(value)`, then the output of both.",
        "ja": "`past = queue.popleft()`、次に `queue.append(value)`、最後に2つの値から出力を計算します。",
    },
}

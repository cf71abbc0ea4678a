"""The exercises of chapter 04: the way back through a residual block, a bottleneck's weights, a DenseNet's channels."""

import numpy as np

from utils.exam import Mistake


def _backward(gradient):
    """A solution of exercise 1 that returns `gradient(dy, ds, W)`, ds being what comes through the ReLU."""
    return lambda dy, y, W: gradient(dy, dy * (y > 0), W)


def _residual_cases():
    rng = np.random.default_rng(4)
    cases = []
    for rows, channels in ((1, 2), (3, 2), (4, 3)):
        x, W = rng.standard_normal((rows, channels)).round(1), rng.standard_normal((channels, channels)).round(1)
        y = np.maximum(x + x @ W, 0)
        y[0, 0] = 0  # a unit that the ReLU has shut
        cases.append((rng.standard_normal((rows, channels)).round(1), y, W))
    return cases


RESIDUAL = {
    "reference": _backward(lambda dy, ds, W: ds + ds @ W.T),
    "cases": _residual_cases(),
    "mistakes": [
        Mistake(
            _backward(lambda dy, ds, W: ds @ W.T),
            en="The way around is missing: $s = x + F(x)$, so $ds$ also reaches $x$ without passing through $F$.",
            ja="回り道の分が抜けている。$s = x + F(x)$ なので、$F$ を通らない $ds$ も $x$ に届く。",
        ),
        Mistake(
            _backward(lambda dy, ds, W: ds),
            en="That is the way around alone. $x$ also went through $F$: add $ds\\,W^\\top$.",
            ja="それは回り道の分だけである。$x$ は $F$ も通っているので、$ds\\,W^\\top$ を足す。",
        ),
        Mistake(
            _backward(lambda dy, ds, W: dy + ds @ W.T),
            en="The ReLU stands behind the plus sign, so it cuts *both* ways: the shortcut carries $ds$, not $dy$.",
            ja="ReLU は加算の後にあるので、両方の道にかかる。ショートカットを通るのは $dy$ ではなく $ds$ である。",
        ),
        Mistake(
            _backward(lambda dy, ds, W: dy + dy @ W.T),
            en="The ReLU is missing: where $y = 0$ it lets nothing back. Multiply by `(y > 0)` first.",
            ja="ReLU の逆伝播が抜けている。$y = 0$ のところは何も通さない。先に `(y > 0)` を掛ける。",
        ),
        Mistake(
            _backward(lambda dy, ds, W: ds + ds @ W),
            en="$W$ must be transposed on the way back: $F = xW$ gives $dx = dF\\,W^\\top$.",
            ja="逆伝播では $W$ を転置する。$F = xW$ なら $dx = dF\\,W^\\top$ である。",
        ),
        Mistake(
            _backward(lambda dy, ds, W: ds * (ds @ W.T)),
            en="Gradients of two ways are added, not multiplied.",
            ja="2 つの道の勾配は、掛けるのではなく足す。",
        ),
    ],
    "hint": {
        "en": "First through the ReLU. Then $x$ was used twice, in the sum and in $F$: what comes back from each?",
        "ja": "まず ReLU を通る。次に、$x$ は和と $F$ の 2 か所で使われている。それぞれから何が戻るか。",
    },
}


BOTTLENECK = {
    "reference": lambda C, m, G: 2 * C * m + 9 * m * m // G,
    "cases": [(256, 64, 1), (256, 128, 32), (48, 12, 3)],
    "mistakes": [
        Mistake(
            lambda C, m, G: 2 * C * m + 9 * m * m,
            en="The groups are missing: each filter of the 3×3 layer reads $m/G$ channels only.",
            ja="グループを考慮していない。3×3 の層の各フィルタが読むのは $m/G$ チャネルだけである。",
        ),
        Mistake(
            lambda C, m, G: (2 * C * m + 9 * m * m) // G,
            en="Only the 3×3 layer is grouped; the two 1×1 layers read all their channels.",
            ja="グループに分かれるのは 3×3 の層だけである。2 つの 1×1 の層は、すべてのチャネルを読む。",
        ),
        Mistake(
            lambda C, m, G: 2 * C * m + 9 * m * m // (G * G),
            en="You divided by $G^2$. A filter reads $m/G$ channels, but there are still $m$ filters.",
            ja="$G^2$ で割っている。フィルタが読むのは $m/G$ チャネルだが、フィルタは $m$ 個のままである。",
        ),
        Mistake(
            lambda C, m, G: C * m + 9 * m * m // G,
            en="One 1×1 layer is missing: one narrows $C$ to $m$, another widens $m$ to $C$.",
            ja="1×1 の層が 1 つ足りない。$C$ から $m$ に狭める層と、$m$ から $C$ に広げる層がある。",
        ),
        Mistake(
            lambda C, m, G: 9 * (2 * C * m + m * m // G),
            en="Only the middle layer is 3×3; the outer two are 1×1, with a single weight a pair of channels.",
            ja="3×3 なのは中央の層だけである。両端は 1×1 で、チャネルの組ごとに重みは 1 個である。",
        ),
        Mistake(
            lambda C, m, G: 2 * 9 * C * C,
            en="That is the basic block: two 3×3 layers on $C$ channels.",
            ja="それは基本ブロック($C$ チャネルの 3×3 の層 2 つ)である。",
        ),
    ],
    "hint": {
        "en": "$C \\to m$, $m \\to m$ in groups, $m \\to C$: each has $k^2 C_{in} C_{out} / G$ weights.",
        "ja": "$C \\to m$、グループ化した $m \\to m$、$m \\to C$ の 3 層。重みは $k^2 C_{in} C_{out} / G$ 個ずつ。",
    },
}


def _channels(step, transition, last=False):
    """A solution of exercise 3: `step(C, k, count)` for a block, `transition(C, theta)` between two (or after each)."""

    def dense_channels(k0, k, layers, theta):
        C = k0
        for number, count in enumerate(layers):
            if number and not last:
                C = transition(C, theta)
            C = step(C, k, count)
            if last:
                C = transition(C, theta)
        return C

    return dense_channels


def _grow(C, k, count):
    return C + k * count


def _compress(C, theta):
    return int(theta * C)


CHANNELS = {
    "reference": _channels(_grow, _compress),
    "cases": [(64, 32, [6, 12, 24, 16], 0.5), (24, 12, [4, 4, 4], 0.5), (16, 8, [3, 5], 0.75), (11, 4, [2, 3, 2], 0.5)],
    "mistakes": [
        Mistake(
            _channels(_grow, _compress, last=True),
            en="No transition follows the last block: transitions stand *between* two blocks.",
            ja="最後のブロックの後に遷移層はない。遷移層はブロックとブロックの**間**にある。",
        ),
        Mistake(
            _channels(_grow, lambda C, theta: C),
            en="The transitions are missing: each keeps only $\\lfloor \\theta C \\rfloor$ channels.",
            ja="遷移層が抜けている。遷移層を通ると $\\lfloor \\theta C \\rfloor$ チャネルになる。",
        ),
        Mistake(
            _channels(lambda C, k, count: C, _compress),
            en="That is adding, as in ResNet: the channels stay. A dense layer *concatenates* $k$ new ones.",
            ja="それでは ResNet の加算である。密ブロックでは、層ごとに $k$ チャネルを**連結**する。",
        ),
        Mistake(
            _channels(lambda C, k, count: k * count, _compress),
            en="The input of the block is kept too: $C + k \\cdot l$, not $k \\cdot l$.",
            ja="ブロックの入力も残る。$k \\cdot l$ ではなく $C + k \\cdot l$ である。",
        ),
        Mistake(
            _channels(lambda C, k, count: C + k, _compress),
            en="You counted one layer a block. *Every* layer adds $k$ channels.",
            ja="ブロックごとに 1 層しか数えていない。**すべての**層が $k$ チャネルずつ加える。",
        ),
        Mistake(
            _channels(lambda C, k, count: C * 2**count, _compress),
            en="You doubled at every layer. A layer appends $k$ channels, however many it has read.",
            ja="層ごとに 2 倍にしている。1 つの層が加えるのは、読んだチャネル数によらず $k$ チャネルである。",
        ),
    ],
    "hint": {
        "en": "Inside a block: $+k$ for each layer. Between two blocks: $\\times\\,\\theta$, rounded down.",
        "ja": "ブロックの中では 1 層ごとに $+k$。ブロックの間では $\\theta$ 倍して切り捨てる。",
    },
}

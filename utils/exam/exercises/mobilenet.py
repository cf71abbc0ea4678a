"""The exercises of chapter 06: the cost of an inverted residual, the size of a file, the time a layer needs."""

from utils.exam import Mistake
from utils.numpy_layers import conv_arithmetic as arithmetic


def _block(weights=None, macs=None):
    """A solution of exercise 1; `weights` and `macs` replace the right ones."""

    def block_cost(size, k, k_out, t, s):
        wide, out = t * k, arithmetic.output_size(size, 3, s, "same")
        right = k * wide + 9 * wide + wide * k_out
        work = size**2 * k * wide + out**2 * (9 * wide + wide * k_out)
        return (
            right if weights is None else weights(k, k_out, wide),
            work if macs is None else macs(size, out, k, k_out, wide),
        )

    return block_cost


def _dense_middle(k, k_out, wide):
    return k * wide + 9 * wide * wide + wide * k_out


BLOCK = {
    "reference": _block(),
    "cases": [(14, 64, 96, 6, 1), (28, 32, 64, 6, 2), (15, 8, 12, 4, 2)],
    "mistakes": [
        Mistake(
            _block(
                _dense_middle,
                lambda size, out, k, k_out, wide: size**2 * k * wide + out**2 * (9 * wide**2 + wide * k_out),
            ),
            en="You counted a standard 3×3 convolution. Depthwise: each of the $tk$ channels has 9 weights of its own.",
            ja="通常の 3×3 畳み込みとして数えている。デプスワイズでは、$tk$ チャネルのそれぞれに重みが 9 個ずつある。",
        ),
        Mistake(
            _block(
                lambda k, k_out, wide: k * wide + 9 * k + wide * k_out,
                lambda size, out, k, k_out, wide: size**2 * k * wide + out**2 * (9 * k + wide * k_out),
            ),
            en="The depthwise step works on the expanded map: $tk$ channels, not $k$.",
            ja="デプスワイズの段が働くのは拡張後の特徴マップである。$k$ ではなく $tk$ チャネルある。",
        ),
        Mistake(
            _block(
                lambda k, k_out, wide: k * wide + 9 * wide + k * k_out,
                lambda size, out, k, k_out, wide: size**2 * k * wide + out**2 * (9 * wide + k * k_out),
            ),
            en="The projection reads $tk$ channels, not $k$.",
            ja="射影の 1×1 畳み込みの入力は $k$ ではなく $tk$ チャネルである。",
        ),
        Mistake(
            _block(macs=lambda size, out, k, k_out, wide: size**2 * (k * wide + 9 * wide + wide * k_out)),
            en="The weights are right. The depthwise step has the stride: from there on only $\\lceil n/s \\rceil^2$ "
            "positions are left.",
            ja="重みの数は正しい。ストライドはデプスワイズの段にあり、そこから先の位置は $\\lceil n/s \\rceil^2$ 個"
            "である。",
        ),
        Mistake(
            _block(macs=lambda size, out, k, k_out, wide: out**2 * (k * wide + 9 * wide + wide * k_out)),
            en="The weights are right. The expansion comes before the stride: it works at all $n^2$ positions.",
            ja="重みの数は正しい。拡張の 1×1 畳み込みはストライドより前にあるので、$n^2$ 個の位置すべてで働く。",
        ),
    ],
    "hint": {
        "en": "Three convolutions, one after the other. For each: how many weights, and at how many output positions?",
        "ja": "3 つの畳み込みを順に見る。それぞれの重みは何個で、出力の位置はいくつか。",
    },
}


BYTES = {
    "reference": lambda trainable, frozen, slots: 4 * (trainable + frozen) + 4 * slots * trainable,
    "cases": [(1000, 200, 2), (500, 30, 1), (712, 18, 0)],
    "mistakes": [
        Mistake(
            lambda trainable, frozen, slots: 4 * (1 + slots) * (trainable + frozen),
            en="Moving averages are not trained, so the optimizer keeps no slots for them.",
            ja="移動統計量は学習の対象ではないので、オプティマイザのスロットをもたない。",
        ),
        Mistake(
            lambda trainable, frozen, slots: 4 * (1 + slots) * trainable,
            en="The moving averages are missing: they are not trained, but saved all the same.",
            ja="移動統計量が抜けている。学習はされないが、保存はされる。",
        ),
        Mistake(
            lambda trainable, frozen, slots: 4 * (trainable + frozen) + 4 * slots,
            en="A slot is an array as large as the parameters: one number for **each** trainable parameter.",
            ja="スロットはパラメータと同じ大きさの配列である。学習可能なパラメータ**ごとに** 1 つの数をもつ。",
        ),
        Mistake(
            lambda trainable, frozen, slots: trainable + frozen + slots * trainable,
            en="These are numbers, not bytes. A float32 has 4 bytes.",
            ja="それは数値の個数であり、バイト数ではない。float32 は 1 個 4 バイトである。",
        ),
        Mistake(
            lambda trainable, frozen, slots: 8 * (trainable + frozen) + 8 * slots * trainable,
            en="That is float64. Keras trains in float32: 4 bytes.",
            ja="それは float64 の場合である。Keras の既定は float32 で、1 個 4 バイトである。",
        ),
    ],
    "hint": {
        "en": "Count the numbers first: weights of both kinds, and `slots` more for each weight that is trained.",
        "ja": "まず数値の個数を数える。2 種類の重みと、学習される重み 1 個につき `slots` 個である。",
    },
}


ROOFLINE = {
    "reference": lambda macs, moved, peak, bandwidth: max(macs / peak, moved / bandwidth),
    "cases": [(6e9, 3e8, 4e10, 1e10), (2e7, 8e7, 4e10, 1e10), (9e8, 5e7, 2e10, 8e9)],
    "mistakes": [
        Mistake(
            lambda macs, moved, peak, bandwidth: macs / peak + moved / bandwidth,
            en="The processor computes *while* data move, so the longer of the two decides: not the sum.",
            ja="計算とデータの移動は並行して進むので、長いほうで決まる。和ではない。",
        ),
        Mistake(
            lambda macs, moved, peak, bandwidth: min(macs / peak, moved / bandwidth),
            en="The layer is finished when **both** are: take the longer time.",
            ja="**両方**が終わって初めて層の計算が終わる。長いほうをとる。",
        ),
        Mistake(
            lambda macs, moved, peak, bandwidth: macs / peak,
            en="That holds where arithmetic is the bottleneck. The time to move the data is missing.",
            ja="それは計算がボトルネックの場合だけである。データを移動する時間が抜けている。",
        ),
        Mistake(
            lambda macs, moved, peak, bandwidth: moved / bandwidth,
            en="That holds where memory is the bottleneck. The time to compute is missing.",
            ja="それはメモリがボトルネックの場合だけである。計算の時間が抜けている。",
        ),
        Mistake(
            lambda macs, moved, peak, bandwidth: min(peak, bandwidth * macs / moved),
            en="That is the rate that the roofline gives, in MACs a second. Asked for is the time.",
            ja="それはルーフラインが与える速度(MAC/秒)である。求めるのは時間である。",
        ),
    ],
    "hint": {
        "en": "How long for the arithmetic alone? How long for the data alone? The two run at the same time.",
        "ja": "計算だけなら何秒か。データの移動だけなら何秒か。この 2 つは同時に進む。",
    },
}

"""The exercises of chapter 07: the line of BPTT, the sum over time, clipping by global norm."""

import numpy as np

from utils.exam import Mistake


def _deltas_by(line):
    """A solution of exercise 1 that uses `line(own, next, W, z)`."""

    def all_deltas(delta_out, z, W_out, W):
        delta = np.zeros((len(z) + 1, z.shape[1]))
        for t in reversed(range(len(z))):
            delta[t] = line(delta_out[t] @ W_out.T, delta[t + 1], W, z[t])
        return delta[:-1]

    return all_deltas


def _delta_cases():
    draw = np.random.default_rng(0).standard_normal
    return [(draw((4, 2)), np.tanh(draw((4, 3))), draw((3, 2)), draw((3, 3))) for _ in range(2)]


DELTA = {
    "reference": _deltas_by(lambda own, after, W, z: (own + after @ W.T) * (1 - z**2)),
    "cases": _delta_cases(),
    "mistakes": [
        Mistake(
            _deltas_by(lambda own, after, W, z: own + after @ W.T * (1 - z**2)),
            en="Put both terms in parentheses: `*` binds tighter than `+`, so the slope reached the second term only.",
            ja="2つの項をかっこでくくります。`*` は `+` より先に計算されるため、傾きが第2項にしか掛かっていません。",
        ),
        Mistake(
            _deltas_by(lambda own, after, W, z: own * (1 - z**2)),
            en="The future is missing: the next step reads $z^t$ too, and sends back $\\delta^{t+1} W^\\top$.",
            ja="次の時刻からの項がありません。$z^t$ は次の時刻でも使われ、$\\delta^{t+1} W^\\top$ が戻ります。",
        ),
        Mistake(
            _deltas_by(lambda own, after, W, z: after @ W.T * (1 - z**2)),
            en="The step's own output is missing. Without $\\delta_{out}^{t} W_{out}^\\top$ every $\\delta^t$ stays 0.",
            ja="同じ時刻の出力から戻る $\\delta_{out}^{t} W_{out}^\\top$ がなく、$\\delta^t$ がすべて0です。",
        ),
        Mistake(
            _deltas_by(lambda own, after, W, z: (own - after @ W.T) * (1 - z**2)),
            en="The sign is wrong: what comes back along two paths is added.",
            ja="符号が違います。2つの経路から戻ってくる勾配は足し合わせます。",
        ),
        Mistake(
            _deltas_by(lambda own, after, W, z: own + after @ W.T),
            en="The slope is missing: multiply by $f'(u^t) = 1 - z^2$.",
            ja="活性化関数の傾きがありません。$f'(u^t) = 1 - z^2$ を掛けます。",
        ),
        Mistake(
            _deltas_by(lambda own, after, W, z: (own + after @ W) * (1 - z**2)),
            en="`W` must be transposed on the way back. It is square, so its shape did not warn you.",
            ja="逆伝播では `W` を転置します。正方行列なので、形状のエラーでは気づけません。",
        ),
        Mistake(
            _deltas_by(lambda own, after, W, z: own * (1 - z**2) + after @ W.T),
            en="Put both terms in parentheses: the slope multiplies the whole sum.",
            ja="2つの項をかっこでくくります。傾きは和の全体に掛かります。",
        ),
        Mistake(
            _deltas_by(lambda own, after, W, z: (own + after @ W.T) * z * (1 - z)),
            en="`z * (1 - z)` is the slope of the sigmoid; for tanh it is `1 - z**2`.",
            ja="`z * (1 - z)` はシグモイド関数の傾きです。tanhでは `1 - z**2` になります。",
        ),
        Mistake(
            _deltas_by(lambda own, after, W, z: (own + after @ W.T) * (1 - np.tanh(z) ** 2)),
            en="`z` is tanh(u) already; do not apply tanh again.",
            ja="`z` はすでにtanh(u)です。もう一度tanhを適用する必要はありません。",
        ),
    ],
    "hint": {
        "en": "Two terms, one from `delta_out[t]` and one from `delta[t + 1]`; then one factor for both.",
        "ja": "項は2つで、`delta_out[t]` と `delta[t + 1]` から1つずつです。最後に、両方に共通の因子を掛けます。",
    },
}


def _shares(delta, z, z0):
    """What every step adds to the gradient, (T, H, H)."""
    return np.concatenate([z0[None], z[:-1]])[:, :, None] * delta[:, None, :]


def _sum_cases():
    draw = np.random.default_rng(1).standard_normal
    return [(draw((4, 3)), draw((4, 3)), draw(3)), (draw((1, 2)), draw((1, 2)), draw(2))]


SUM = {
    "reference": lambda delta, z, z0: _shares(delta, z, z0).sum(axis=0),
    "cases": _sum_cases(),
    "mistakes": [
        Mistake(
            lambda delta, z, z0: z.T @ delta,
            en="You paired $z^t$ with $\\delta^t$. The state that $W$ multiplied on the way to $u^t$ is $z^{t-1}$.",
            ja="$z^t$ と $\\delta^t$ を組み合わせています。$u^t$ を計算するとき $W$ に掛かったのは $z^{t-1}$ です。",
        ),
        Mistake(
            lambda delta, z, z0: np.roll(z, 1, axis=0).T @ delta,
            en="At the first step `z[t - 1]` is `z[-1]`, the last state. The state before it is `z0`.",
            ja="最初の時刻では `z[t - 1]` が `z[-1]`、つまり最後の状態になります。その1つ前の状態は `z0` です。",
        ),
        Mistake(
            lambda delta, z, z0: _shares(delta, z, z0)[-1],
            en="That is the share of the last step alone. The weights are shared: sum over all steps.",
            ja="最後の時刻の寄与だけになっています。重みは共有されているので、全時刻の和をとります。",
        ),
        Mistake(
            lambda delta, z, z0: z[:-1].T @ delta[1:],
            en="The first step is missing: the state before it is `z0`.",
            ja="最初の時刻が抜けています。その1つ前の状態は `z0` です。",
        ),
        Mistake(
            lambda delta, z, z0: _shares(delta, z, z0).sum(axis=0).T,
            en="Transposed: $W$ stands to the right of $z^{t-1}$, so its gradient is $(z^{t-1})^\\top \\delta^t$.",
            ja="転置になっています。$W$ は $z^{t-1}$ の右から掛かるので、勾配は $(z^{t-1})^\\top \\delta^t$ です。",
        ),
        Mistake(
            lambda delta, z, z0: _shares(delta, z, z0).mean(axis=0),
            en="A mean over the steps; the gradient is their sum.",
            ja="時刻についての平均になっています。勾配は和です。",
        ),
    ],
    "hint": {
        "en": "Put `z0` in front of `z` and drop the last row; then one matrix product sums over the steps.",
        "ja": "`z` の前に `z0` を付け、最後の行を除きます。あとは行列積1つで時刻についての和がとれます。",
    },
}


def _scaled_by(scale):
    """A solution of exercise 3 that multiplies all gradients by `scale(their norms, threshold)`."""

    def clip_together(grads, threshold):
        norms = np.array([np.linalg.norm(g) for g in grads])
        with np.errstate(all="ignore"):
            return [g * scale(norms, threshold) for g in grads]

    return clip_together


CLIP = {
    "reference": _scaled_by(lambda norms, limit: limit / max(np.sqrt(np.sum(norms**2)), limit)),
    "cases": [
        ([np.array([[3.0, 4.0]]), np.array([12.0])], 2.0),
        ([np.array([[0.3, 0.4]]), np.array([0.0])], 1.0),
        ([np.zeros((1, 2)), np.zeros(1)], 1.0),
    ],
    "mistakes": [
        Mistake(
            _scaled_by(lambda norms, limit: 1 / np.linalg.norm(norms) if np.linalg.norm(norms) > limit else 1.0),
            en="Shortened to length 1: multiply by `threshold / norm`, not by `1 / norm`.",
            ja="長さが1になっています。`1 / norm` ではなく `threshold / norm` を掛けます。",
        ),
        Mistake(
            lambda grads, limit: [g * limit / max(np.linalg.norm(g), limit) for g in grads],
            en="Each array was clipped alone (`clipnorm`). Here one factor, from the norm of all together, is wanted.",
            ja="配列ごとに別々にクリッピングしています(`clipnorm`)。ここでは全体のノルムから求めた共通の倍率を使います。",
        ),
        Mistake(
            _scaled_by(lambda norms, limit: limit / np.sqrt(np.sum(norms**2))),
            en="Divided by the norm without a guard: short gradients became longer, and zeros became NaN.",
            ja="無条件にノルムで割っています。短い勾配が引き伸ばされ、ゼロの勾配はNaNになります。",
        ),
        Mistake(
            _scaled_by(lambda norms, limit: limit / max(np.sum(norms), limit)),
            en="The global norm is not the sum of the norms: square, sum over all elements, then take the root.",
            ja="全体のノルムはノルムの和ではありません。全要素の2乗の和をとり、最後に平方根をとります。",
        ),
        Mistake(
            _scaled_by(lambda norms, limit: limit / max(np.sum(norms**2), limit)),
            en="The square root is missing.",
            ja="平方根をとっていません。",
        ),
        Mistake(
            lambda grads, limit: [np.clip(g, -limit, limit) for g in grads],
            en="That is clipping by value: it changes the direction.",
            ja="値によるクリッピングになっています。これでは向きが変わってしまいます。",
        ),
    ],
    "hint": {
        "en": "`threshold / max(norm, threshold)` is never above 1 and never divides by zero.",
        "ja": "`threshold / max(norm, threshold)` なら、1を超えることも、ゼロ除算が起こることもありません。",
    },
}

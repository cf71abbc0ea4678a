"""The exercises of chapter 08: one step of the memory cell, the GRU's new state, the gradient along the cell."""

import numpy as np

from utils.exam import Mistake


def _gates(draw, *shape):
    """Values strictly between 0 and 1."""
    return 1 / (1 + np.exp(-draw(shape)))


def _step_cases():
    draw = np.random.default_rng(0).standard_normal
    return [(draw((2, 3)), _gates(draw, 2, 3), _gates(draw, 2, 3), draw((2, 3)), _gates(draw, 2, 3)) for _ in range(2)]


def _step_by(cell, state=lambda o, c: o * np.tanh(c)):
    """A solution of exercise 1 with these two formulas."""

    def lstm_step(c, i, f, g, o):
        new = cell(c, i, f, g)
        return new, state(o, new)

    return lstm_step


def _right_cell(c, i, f, g):
    return f * c + i * g


STEP = {
    "reference": _step_by(_right_cell),
    "cases": _step_cases(),
    "mistakes": [
        Mistake(
            _step_by(lambda c, i, f, g: i * c + f * g),
            en="The two gates are swapped: `f` multiplies the old memory, `i` the candidate.",
            ja="2つのゲートが逆です。古い記憶に掛かるのが `f`、候補に掛かるのが `i` です。",
        ),
        Mistake(
            _step_by(lambda c, i, f, g: (1 - f) * c + i * g),
            en="The forget gate *keeps* when it is 1: multiply by `f`, not by `1 - f`.",
            ja="忘却ゲートは1のとき**残す**ゲートです。`1 - f` ではなく `f` を掛けます。",
        ),
        Mistake(
            _step_by(lambda c, i, f, g: f * c + (1 - f) * g),
            en="That ties the gates as a GRU does. An LSTM has an input gate of its own, `i`.",
            ja="GRUのように1つのゲートで兼ねています。LSTMには独立した入力ゲート `i` があります。",
        ),
        Mistake(
            _step_by(lambda c, i, f, g: f * (c + i * g)),
            en="The forget gate acts on the old memory alone, not on what is written now.",
            ja="忘却ゲートは古い記憶だけに掛かります。いま書き込む値には掛かりません。",
        ),
        Mistake(
            _step_by(lambda c, i, f, g: c + i * g),
            en="The forget gate is missing: that is the LSTM of 1997, which never forgets.",
            ja="忘却ゲートがありません。これでは何も忘れない1997年版のLSTMです。",
        ),
        Mistake(
            _step_by(_right_cell, lambda o, c: o * c),
            en="The memory is right. On the way to the output it passes through tanh: `o * np.tanh(c)`.",
            ja="記憶は正しく計算できています。外に出るときはtanhを通ります。`o * np.tanh(c)` です。",
        ),
        Mistake(
            _step_by(_right_cell, lambda o, c: np.tanh(o * c)),
            en="The output gate comes after the tanh: `o * np.tanh(c)`.",
            ja="出力ゲートを掛けるのはtanhの後です。`o * np.tanh(c)` とします。",
        ),
        Mistake(
            lambda c, i, f, g, o: (f * c + i * g, o * np.tanh(c)),
            en="The output shows the *new* memory; you took the old one.",
            ja="出力に使うのは**新しい**記憶です。古い記憶を使っています。",
        ),
    ],
    "hint": {
        "en": "Two lines: the boxed formula, then what the output gate shows of its result.",
        "ja": "2行で書けます。枠で囲んだ式と、その結果を出力ゲートで見せる式です。",
    },
}


def _gru_by(candidate, mix=lambda z, h, n: z * h + (1 - z) * n):
    """A solution of exercise 2 with these two formulas."""

    def gru_state(h, z, r, from_input, U_n):
        return mix(z, h, candidate(h, r, from_input, U_n))

    return gru_state


def _gru_cases():
    draw = np.random.default_rng(1).standard_normal
    return [(draw((2, 3)), _gates(draw, 2, 3), _gates(draw, 2, 3), draw((2, 3)), draw((3, 3))) for _ in range(2)]


def _right_candidate(h, r, u, U):
    return np.tanh(u + (r * h) @ U)


GRU_STATE = {
    "reference": _gru_by(_right_candidate),
    "cases": _gru_cases(),
    "mistakes": [
        Mistake(
            _gru_by(_right_candidate, lambda z, h, n: (1 - z) * h + z * n),
            en="Here $z$ keeps the old state: $z \\odot h + (1 - z) \\odot n$. You wrote the other convention.",
            ja="ここでは $z$ が古い状態を残す流儀です。$z \\odot h + (1 - z) \\odot n$ です。逆の流儀です。",
        ),
        Mistake(
            _gru_by(lambda h, r, u, U: np.tanh(u + r * (h @ U))),
            en="The reset gate acts before the product here; you wrote `reset_after=True`.",
            ja="ここではリセットゲートを行列積の前に掛けます。`reset_after=True` の形です。",
        ),
        Mistake(
            _gru_by(lambda h, r, u, U: np.tanh(u + h @ U)),
            en="The reset gate is missing: the candidate sees $r \\odot h$, not $h$.",
            ja="リセットゲートがありません。候補が見るのは $h$ ではなく $r \\odot h$ です。",
        ),
        Mistake(
            _gru_by(lambda h, r, u, U: u + (r * h) @ U),
            en="The candidate passes through tanh.",
            ja="候補はtanhを通します。",
        ),
        Mistake(
            _gru_by(lambda h, r, u, U: np.tanh(r * (u + h @ U))),
            en="The reset gate must not touch the input's part `from_input`.",
            ja="リセットゲートは入力から来る `from_input` には掛かりません。",
        ),
        Mistake(
            _gru_by(_right_candidate, lambda z, h, n: z * h + n),
            en="What is written is weighted by $1 - z$; without it the state is no mean of the two.",
            ja="書き込む側には $1 - z$ を掛けます。これがないと、状態が両者の加重平均になりません。",
        ),
    ],
    "hint": {
        "en": "First the candidate, with `(r * h) @ U_n`; then the mean of `h` and the candidate, weighted by `z`.",
        "ja": "まず `(r * h) @ U_n` を使って候補を求め、次に `h` と候補の加重平均を `z` でとります。",
    },
}


def _along_by(share=lambda dh, o, c: dh * o * (1 - np.tanh(c) ** 2), back=lambda f, t: f[t + 1]):
    """A solution of exercise 3: what each step adds, and the gate on the way back to it."""

    def cell_gradient(dh, f, o, c):
        dc = np.zeros_like(c)
        for t in reversed(range(len(c))):
            dc[t] = share(dh[t], o[t], c[t])
            if t + 1 < len(c):
                dc[t] += dc[t + 1] * back(f, t)
        return dc

    return cell_gradient


def _along_cases():
    draw = np.random.default_rng(2).standard_normal
    return [(draw((4, 3)), _gates(draw, 4, 3), _gates(draw, 4, 3), draw((4, 3))) for _ in range(2)]


ALONG = {
    "reference": _along_by(),
    "cases": _along_cases(),
    "mistakes": [
        Mistake(
            _along_by(back=lambda f, t: f[t]),
            en="From step $t + 1$ to step $t$ the gradient passes the gate of step $t + 1$: `f[t + 1]`.",
            ja="時刻 $t + 1$ から $t$ へ戻るときに通るのは、時刻 $t + 1$ のゲート `f[t + 1]` です。",
        ),
        Mistake(
            _along_by(back=lambda f, t: 1),
            en="You passed the gradient on undiminished. That holds only where the forget gate is 1.",
            ja="勾配をそのまま伝えています。それが正しいのは忘却ゲートが1のときだけです。",
        ),
        Mistake(
            _along_by(back=lambda f, t: 1 - f[t + 1]),
            en="The forget gate keeps when it is 1: the factor is `f`, not `1 - f`.",
            ja="忘却ゲートは1のとき残します。掛けるのは `1 - f` ではなく `f` です。",
        ),
        Mistake(
            _along_by(back=lambda f, t: 0),
            en="Nothing travels along the memory: add `dc[t + 1] * f[t + 1]`.",
            ja="記憶に沿って何も伝わっていません。`dc[t + 1] * f[t + 1]` を足します。",
        ),
        Mistake(
            _along_by(share=lambda dh, o, c: dh * o),
            en="The slope of tanh is missing: `1 - np.tanh(c[t]) ** 2`.",
            ja="tanhの傾き `1 - np.tanh(c[t]) ** 2` がありません。",
        ),
        Mistake(
            _along_by(share=lambda dh, o, c: dh * o * (1 - c**2)),
            en="`c` is not tanh(c): the slope is `1 - np.tanh(c[t]) ** 2`.",
            ja="`c` はtanhを通す前の値です。傾きは `1 - np.tanh(c[t]) ** 2` です。",
        ),
        Mistake(
            _along_by(share=lambda dh, o, c: dh * (1 - np.tanh(c) ** 2)),
            en="The output gate is missing: $h = o \\odot \\tanh(c)$.",
            ja="出力ゲートがありません。$h = o \\odot \\tanh(c)$ です。",
        ),
        Mistake(
            _along_by(back=lambda f, t: f[t + 1] * (1 - f[t + 1])),
            en="`f * (1 - f)` leads to the gate's own weights. Along the memory the factor is `f` alone.",
            ja="`f * (1 - f)` はゲート自身の重みへ向かう経路で使います。記憶に沿った因子は `f` だけです。",
        ),
    ],
    "hint": {
        "en": "At each step two terms: the share of `h`, and `dc` of the next step times one gate.",
        "ja": "各時刻に項が2つあります。`h` からの分と、次の時刻の `dc` にゲートを1つ掛けた分です。",
    },
}

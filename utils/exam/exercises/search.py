"""The exercises of chapter 02: the median rule, the Pareto front, the price at which two networks tie."""

import numpy as np

from utils.architecture_search import fronts, pruning
from utils.exam import Mistake


def _rule(best, compared):
    """A solution of exercise 1 that compares `best(curve)` with `compared(curve, finished)`."""
    return lambda curve, finished, startup: bool(len(finished) >= startup and best(curve) > compared(curve, finished))


def _median_at(curve, finished):
    return np.median([other[len(curve) - 1] for other in finished])


_done = [[0.5, 0.30, 0.10], [0.4, 0.20, 0.18], [0.6, 0.26, 0.12], [0.7, 0.70, 0.68]]
MEDIAN = {
    "reference": pruning.median_says_stop,
    "cases": [
        ([0.35, 0.27], _done[:3], 3),
        ([0.24, 0.40], _done[:3], 3),
        ([0.58, 0.32], _done, 3),
        ([0.57], _done, 3),
        ([0.52], _done, 3),
        ([0.45, 0.285, 0.16], _done, 4),
        ([0.45, 0.27], _done, 4),
        ([0.9], _done[:2], 3),
        ([0.5], _done[:3], 3),
        ([0.3, 0.24], [[0.5, 0.30, 0.4], [0.4, 0.20, 0.5], [0.6, 0.26, 0.6]], 3),
    ],
    "mistakes": [
        Mistake(
            _rule(lambda curve: curve[-1], _median_at),
            en="You compare the last value. The trial's **best** value so far counts: `min(curve)`.",
            ja="最後の値を比べている。判断に使うのは、その試行のそれまでの**最良値** `min(curve)` である。",
        ),
        Mistake(
            _rule(min, lambda curve, finished: np.mean([other[len(curve) - 1] for other in finished])),
            en="That is the mean. One very bad trial shifts it, so the rule takes the median.",
            ja="平均値を使っている。平均値は極端に悪い試行に引きずられるので、中央値を使う。",
        ),
        Mistake(
            _rule(min, lambda curve, finished: np.median([other[-1] for other in finished])),
            en="You compare with the **final** values of the finished trials. Compare at the same epoch.",
            ja="完了した試行の**最終**値と比べている。同じエポックの値と比べる。",
        ),
        Mistake(
            _rule(min, lambda curve, finished: min(other[len(curve) - 1] for other in finished)),
            en="You demand to be better than the best finished trial. Half of them, the median, is enough.",
            ja="完了した試行の最良値より良いことを求めている。中央値より良ければ続けてよい。",
        ),
        Mistake(
            lambda curve, finished, startup: bool(
                len(finished) >= startup and min(curve) >= _median_at(curve, finished)
            ),
            en="A trial that equals the median goes on: stop only if it is worse (`>`).",
            ja="中央値と等しい試行は続ける。打ち切るのは、より悪い場合(`>`)だけである。",
        ),
        Mistake(
            lambda curve, finished, startup: bool(
                len(finished) >= startup and min(curve) < _median_at(curve, finished)
            ),
            en="Turned round: these are errors, so larger is worse.",
            ja="大小が逆である。誤差なので、大きいほうが悪い。",
        ),
    ],
    "hint": {
        "en": "Which epoch has just been reported? What had the finished trials there, what has this one at best?",
        "ja": "いま報告されたのは何エポック目か。完了した試行のそのエポックでの値と、この試行の最良値を比べる。",
    },
}


def _front(dominates):
    """A solution of exercise 2 with another notion of dominance."""
    return lambda points: [
        i
        for i, point in enumerate(points)
        if not any(dominates(other, point) for j, other in enumerate(points) if j != i)
    ]


FRONT = {
    "reference": lambda points: np.flatnonzero(fronts.pareto_front(points)).tolist(),
    "cases": [
        (np.array([[1, 4], [2, 2], [4, 1], [3, 3]]),),
        (np.array([[3, 5], [3, 4], [5, 4], [1, 9]]),),
        (np.array([[2.0, 2.0], [2.0, 2.0], [1.0, 3.0], [4.0, 4.0]]),),
        (np.array([[1, 1, 3], [1, 2, 2], [2, 2, 2], [0, 9, 9]]),),
    ],
    "mistakes": [
        Mistake(
            _front(lambda a, b: np.all(a < b)),
            en="You ask for strictly better in **every** objective. Nowhere worse and **somewhere** better is enough.",
            ja="**すべて**の目的で真に優れることを求めている。どの目的でも劣らず、**どれか**で優れていれば支配する。",
        ),
        Mistake(
            _front(lambda a, b: np.all(a <= b)),
            en="Two equal points do not dominate each other: somewhere one must be better.",
            ja="等しい 2 点は互いに支配しない。少なくとも 1 つの目的で優れている必要がある。",
        ),
        Mistake(
            _front(lambda a, b: np.any(a < b)),
            en="Better in one objective alone is no dominance; it must also be nowhere worse.",
            ja="1 つの目的で優れているだけでは支配にならない。ほかのどの目的でも劣らないことが必要である。",
        ),
        Mistake(
            _front(lambda a, b: np.all(a >= b) and np.any(a > b)),
            en="That is the front of the **largest** values. Here everything is minimized.",
            ja="それは値が**大きい**ほうのフロントである。ここではすべて最小化する。",
        ),
        Mistake(
            lambda points: [int(np.argmin(np.sum(points, axis=1)))],
            en="You added the objectives: that picks one point. The front needs no weights.",
            ja="目的を足し合わせている。それでは 1 点が選ばれるだけである。フロントに重みは要らない。",
        ),
    ],
    "hint": {
        "en": "For each row ask of all the others: nowhere worse, and somewhere better?",
        "ja": "各行について、ほかのすべての行が「どの目的でも劣らず、どれかで優れている」かどうかを調べる。",
    },
}

PRICE = {
    "reference": lambda error_a, count_a, error_b, count_b: 250_000 * (error_b - error_a) / (count_a - count_b),
    "cases": [(0.10, 1_000_000, 0.15, 500_000), (0.1154, 2_375_114, 0.1933, 236_810), (0.2, 90_000, 0.35, 60_000)],
    "mistakes": [
        Mistake(
            lambda error_a, count_a, error_b, count_b: (error_b - error_a) / (count_a - count_b),
            en="That is the price of **one** parameter. Asked is the price of 250,000.",
            ja="それはパラメータ **1 個**の値段である。求めるのは 25 万個の値段である。",
        ),
        Mistake(
            lambda error_a, count_a, error_b, count_b: 250_000 * (error_a - error_b) / (count_a - count_b),
            en="The sign is wrong: A has more parameters and less error than B, so the price must be positive.",
            ja="符号が逆である。A はパラメータが多い代わりに誤差が小さいので、値段は正になる。",
        ),
        Mistake(
            lambda error_a, count_a, error_b, count_b: (count_a - count_b) / (250_000 * (error_b - error_a)),
            en="Upside down: the price is error **per** parameters.",
            ja="分子と分母が逆である。値段は、パラメータ**あたり**の誤差である。",
        ),
        Mistake(
            lambda error_a, count_a, error_b, count_b: 250_000 * (error_b - error_a) / count_a,
            en="B pays for its parameters too: only the **difference** of the counts counts.",
            ja="B もパラメータの分を払う。効くのはパラメータ数の**差**だけである。",
        ),
    ],
    "hint": {
        "en": "Write both scores with an unknown price, set them equal, and solve for the price.",
        "ja": "値段を未知数として両方のスコアを書き、等しいとおいて値段について解く。",
    },
}

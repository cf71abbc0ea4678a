# ---
# study:
#   title: {en: "Architecture search", ja: "アーキテクチャ探索"}
#   scope: examined
#   minutes: 150
#   topics: ["2.6", "3.7.4"]
#   prerequisites: [01_convolution]
#   tpu: true
#   depends: [data/architecture_curves.csv]
# ---
# %% [markdown] key="title" lang="en"
# # 02 · Architecture search
#
# {{badge}}
#
# After this chapter you can split data honestly, search hyperparameters with several processes that may be killed at any
# moment, stop hopeless trials early, and weigh accuracy against size. One idea runs through all of it: **a search is an
# optimization under noise, and what you selected by, you can no longer report.**
#
# **Examined** (syllabus 2.6 validation, 3.7 hyperparameters; the networks found by search, such as NASNet, are optional) ·
# **Time** two evenings (the first: up to "Selection bias") · **You need** chapter 01
#
# %% [markdown] key="title" lang="ja"
# # 02 · アーキテクチャ探索
#
# {{badge}}
#
# この章を終えると、データを正しく分割し、いつ止められても困らない複数のプロセスでハイパーパラメータを探索し、見込みのない試行を早めに打ち切り、
# 精度とサイズを天秤にかけられるようになります。全体を貫く考え方は1つです。**探索とは、ノイズの中での最適化である。選ぶのに使った数値は、
# もう性能として報告できない。**
#
# **試験範囲**(シラバス 2.6 検証、3.7 ハイパーパラメータ。NASNetなど探索で得られたネットワークは発展)· **所要時間** 2晩
# (1晩目は「選択バイアス」まで)· **前提** 1章
#
# %% [markdown] key="setup-heading" lang="en"
# ## Setup
#
# %% [markdown] key="setup-heading" lang="ja"
# ## 準備
#
# %% key="setup" tags=["nbval-ignore-output"]
# {{setup}}
# %% key="imports"
import math
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np

warnings.filterwarnings("ignore", message="IProgress not found")  # a progress bar
import optuna

from utils import datasets, exam, plots, training
from utils.architecture_search import fronts, pruning, space, studies, table
from utils.exam.exercises import search as exercises
from utils.keras_models.module_network import KINDS, module_network, parameters
from utils.pictures import search

plots.style()
optuna.logging.set_verbosity(optuna.logging.ERROR)

# %% [markdown] key="problem" lang="en"
# ## Key ideas
#
# ### A function that nobody can differentiate
#
# Weights are learned by gradients. **Hyperparameters** – learning rate, number of channels, which layer stands where – are set
# before. To judge a setting $\lambda$ you train a network and measure it on pictures it has not seen:
#
# $$\lambda \;\longmapsto\; w^*(\lambda) = \text{train}(\lambda,\ D_{train}) \;\longmapsto\;
# f(\lambda) = \text{error}(w^*(\lambda),\ D_{val})$$
#
# Three properties of $f$ decide everything: a single value is **expensive**, there is **no gradient**, and the value is **noisy**
# (another seed, another validation picture: another number).
#
# Our space is small on purpose. A module has a 1×1 convolution and three layers, each of one of three kinds; the network
# uses the same module three times. That makes 27 networks.
#
# %% [markdown] key="problem" lang="ja"
# ## 要点
#
# ### 微分できない関数
#
# 重みは勾配で学習します。一方、学習率・チャネル数・どこにどの層を置くかといった**ハイパーパラメータ(hyperparameter)** は、学習の前に決めます。
# 設定 $\lambda$ の良し悪しは、ネットワークを学習させ、まだ見せていない画像で測らなければわかりません。
#
# $$\lambda \;\longmapsto\; w^*(\lambda) = \text{train}(\lambda,\ D_{train}) \;\longmapsto\;
# f(\lambda) = \text{error}(w^*(\lambda),\ D_{val})$$
#
# この $f$ には3つの性質があり、それがすべてを決めます。値を1つ得るのに**時間がかかる**。**勾配がない**。そして値に**ノイズがある**(乱数のシードや検証画像が
# 変われば、値も変わる)。
#
# ここで使う探索空間は、わざと小さくしてあります。モジュールは1×1畳み込みと3つの層からなり、各層は3種類から選びます。ネットワークは同じモジュールを3回使います。
# 全部で27通りです。
#
# %% key="space-figure"
search.module()
plt.show()


# %% [markdown] key="questions-of-search" lang="en"
# ### Three questions
#
# **What to try next?** *Grid search* tries every combination. *Random search* draws them. *Bayesian optimization* builds a
# model of $f$ from the trials so far and tries where the model expects an improvement; Optuna's default, TPE, is of this kind.
#
# **When to stop a trial?** *Pruning* ends a training whose curve is worse than that of earlier trials at the same epoch.
#
# **What to report?** Three parts of the data, three jobs:
#
# | part | job | how often it is looked at |
# |---|---|---|
# | training | fits the weights | every step |
# | **validation** | chooses: hyperparameters, epoch, architecture | every trial |
# | **test** | estimates the chosen network | once |
#
# **Five sentences to take into the exam**
#
# 1. The winner of a comparison looks better than it is. The more candidates and the fewer validation pictures, the more so.
# 2. Hold-out is cheap and noisy; $k$-fold cross-validation trains $k$ times and uses every example for validation once.
# 3. With few important hyperparameters, random search beats the grid at the same cost: it tries more different values of each.
# 4. Pruning saves epochs, and it must look at the same number that the search minimizes.
# 5. A penalty picks **one** point of the Pareto front, and some points of the front are picked by **no** penalty.
#
# %% [markdown] key="questions-of-search" lang="ja"
# ### 3つの問い
#
# **次に何を試すか。** **グリッドサーチ(grid search)** はすべての組み合わせを試します。**ランダムサーチ(random search)** は無作為に選びます。
# **ベイズ最適化(Bayesian optimization)** は、それまでの試行から $f$ のモデルを作り、改善が期待できるところを試します。Optunaの既定であるTPEも、この仲間です。
#
# **いつ打ち切るか。** **枝刈り(pruning)** は、同じエポックでのこれまでの試行に比べて悪い学習を、途中で打ち切ります。
#
# **何を報告するか。** データの3つの部分には、それぞれ別の役割があります。
#
# | 部分 | 役割 | 見る回数 |
# |---|---|---|
# | 訓練データ | 重みを学習する | 毎ステップ |
# | **検証データ** | 選ぶ:ハイパーパラメータ、エポック、構成 | 試行のたび |
# | **テストデータ** | 選ばれたネットワークの性能を見積もる | 1回だけ |
#
# **試験前に覚えておく5項目**
#
# 1. 比較の勝者は、実力より良く見える。候補が多いほど、検証データが少ないほど、その差は大きい。
# 2. ホールドアウト法は安価だがばらつきが大きい。$k$ 分割交差検証は $k$ 回学習し、どのデータも1回ずつ検証に使う。
# 3. 重要なハイパーパラメータが少数なら、同じ回数ではランダムサーチがグリッドサーチに勝る。各パラメータについて、より多くの値を試せるからである。
# 4. 枝刈りはエポック数を節約する。ただし、探索が最小化するのと同じ値で判断しなければならない。
# 5. ペナルティ付きの1つの指標が選ぶのは、パレートフロントの**1点**である。どんなペナルティでも選ばれない点もある。
#
# %% [markdown] key="count-text" lang="en"
# ## From the formula to NumPy
#
# ### Count before you train
#
# One of the two objectives needs no training: the number of parameters follows from a formula. A module takes $C$ channels to $F$, then keeps $F$:
#
# | layer | parameters |
# |---|---|
# | 1×1 convolution | $C F + F$ |
# | conv 3×3 | $9 F^2 + F$ |
# | depthwise 3×3 | $9 F + F$ |
# | separable 3×3 | $9 F + F^2 + F$ (one bias, after the pointwise step) |
# | batch normalization, four times | $4 \cdot 4 F$ |
#
# By hand, for separable–separable–depthwise, first module ($C = 3$, $F = 64$): $256 + 4736 + 4736 + 640 + 1024 = 11{,}392$.
#
# %% [markdown] key="count-text" lang="ja"
# ## 数式とコード
#
# ### 学習する前に数える
#
# 2つの目的のうち1つは、学習しなくてもわかります。パラメータ数は公式で求まるからです。モジュールは $C$ チャネルを $F$ チャネルにし、その後は $F$ のままです。
#
# | 層 | パラメータ数 |
# |---|---|
# | 1×1畳み込み | $C F + F$ |
# | 通常の畳み込み 3×3 | $9 F^2 + F$ |
# | デプスワイズ 3×3 | $9 F + F$ |
# | セパラブル 3×3 | $9 F + F^2 + F$(バイアスはポイントワイズの後の1組だけ) |
# | バッチ正規化、4回 | $4 \cdot 4 F$ |
#
# separable–separable–depthwiseの1つ目のモジュール($C = 3$、$F = 64$)を手で計算すると、$256 + 4736 + 4736 + 640 + 1024 = 11{,}392$ です。
#
# %% key="count"
def module_parameters(layers, C, F):
    """One module, C channels in and F out."""
    of_kind = {
        "conv": 9 * F * F + F,
        "depthwise": 9 * F + F,
        "separable": 9 * F + F * F + F,
    }
    return C * F + F + sum(of_kind[kind] for kind in layers) + 4 * 4 * F


def network_parameters(layers, width=64, channels=3, classes=10):
    widths = [channels, width, 2 * width, 4 * width]
    modules = sum(module_parameters(layers, C, F) for C, F in zip(widths, widths[1:]))
    return modules + widths[-1] * classes + classes


SSD = ("separable", "separable", "depthwise")
print(f"first module of {space.short(SSD)}: {module_parameters(SSD, 3, 64):,}")
assert module_parameters(SSD, 3, 64) == 11_392
for layers in space.CONFIGURATIONS:
    assert network_parameters(layers) == parameters(layers)
counts = sorted({network_parameters(layers) for layers in space.CONFIGURATIONS})
print(f"{len(space.CONFIGURATIONS)} networks, {len(counts)} different sizes: order costs nothing")
print(f"smallest {counts[0]:,}, largest {counts[-1]:,}: a factor of {counts[-1] / counts[0]:.0f}")

# %% [markdown] key="penalty-text" lang="en"
# ### A price for parameters
#
# A study note of 2019 searched exactly these 27 networks on CIFAR-10 and folded both goals into one number: 250,000
# parameters cost as much as 5 points of error.
#
# $$\text{score} = 1 - \text{accuracy} + 0.05 \cdot \frac{\text{parameters}}{250{,}000}$$
#
# Its table, recomputed from its own accuracies and our counts:
#
# %% [markdown] key="penalty-text" lang="ja"
# ### パラメータに値段をつける
#
# 2019年のある学習ノートは、まさにこの27通りをCIFAR-10で探索し、2つの目的を1つの数値にまとめました。パラメータ25万個を、誤差5ポイント分と数えます。
#
# $$\text{score} = 1 - \text{accuracy} + 0.05 \cdot \frac{\text{parameters}}{250{,}000}$$
#
# この記録の表を、記録にある精度と、上で求めたパラメータ数から計算し直します。
#
# %% key="penalty"
NOTE = [  # layers, score and parameters as printed, test accuracy in percent
    (("separable", "separable", "depthwise"), 0.2407, 236_810, 80.67),
    (("separable", "separable", "separable"), 0.2598, 322_826, 80.48),
    (("conv", "depthwise", "depthwise"), 0.3283, 834_890, 83.87),
    (("conv", "separable", "separable"), 0.3586, 1_006_922, 84.28),
    (("conv", "separable", "separable"), 0.3590, 1_006_922, 84.24),
]


def score(accuracy, count, per=250_000, error=0.05):
    return 1 - accuracy + error * count / per


heads = {"parameters": 11, "accuracy": 10, "error": 8, "penalty": 9, "score": 8, "printed": 9}
print(" " * 5 + "".join(f"{head:>{width}}" for head, width in heads.items()))
for layers, printed, printed_count, percent in NOTE:
    count = network_parameters(layers)
    value = score(percent / 100, count)
    price = score(1, count)
    print(
        f"{space.short(layers):5}{count:11,}{percent:9.2f}%{1 - percent / 100:8.4f}{price:9.4f}"
        f"{value:8.4f}{printed:9.4f}"
    )
    assert count == printed_count and round(value, 4) == printed
    assert math.isclose(value, fronts.penalized(percent / 100, count))

# %% [markdown] key="penalty-note" lang="en"
# Every printed number agrees. (C, D, S: conv, depthwise, separable, first to third layer.) Notice the last two rows: the *same*
# network, trained twice, 0.04 points apart. Keep that in mind: a difference smaller than the noise is no difference.
#
# ### Hold-out and k-fold
#
# $n$ validation examples, each right with probability $p$: the measured accuracy has the standard error
#
# $$\sigma = \sqrt{\frac{p(1-p)}{n}}$$
#
# If data are scarce, **$k$-fold cross-validation** uses them better: cut them into $k$ parts, train $k$ times on all but one, validate
# on the one left out, average.
#
# %% [markdown] key="penalty-note" lang="ja"
# 表の数値はすべて一致しました(C・D・Sは、1層目から順にconv・depthwise・separable)。最後の2行に注目してください。**同じ**ネットワークを2回
# 学習しただけで、0.04ポイント違います。ノイズより小さい差は、差とはいえません。
#
# ### ホールドアウト法とk分割交差検証
#
# 検証データが $n$ 個あり、それぞれが確率 $p$ で正解するとします。測定した精度の標準誤差は次のとおりです。
#
# $$\sigma = \sqrt{\frac{p(1-p)}{n}}$$
#
# データが少ないときは、**$k$ 分割交差検証($k$-fold cross-validation)** のほうがデータを有効に使えます。データを $k$ 個に分け、1つを除いて学習し、除いた1つで
# 検証する。これを $k$ 回行って平均します。
#
# %% key="folds-figure"
search.folds()
plt.show()


# %% key="folds"
def k_fold(n, k, rng):
    """k pairs (training indices, validation indices) of n shuffled examples."""
    parts = np.array_split(rng.permutation(n), k)
    return [(np.concatenate(parts[:i] + parts[i + 1 :]), parts[i]) for i in range(k)]


def neighbours_accuracy(x, y, train, val, neighbours=3):
    """Accuracy of the k-nearest-neighbour rule; whole numbers, so that every machine agrees."""
    squares = (x**2).sum(axis=1)
    distance = squares[val][:, None] + squares[train] - 2 * x[val] @ x[train].T
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :neighbours]
    votes = (y[train][nearest][:, :, None] == np.arange(10)).sum(axis=1)
    return np.mean(votes.argmax(axis=1) == y[val])


digits = datasets.load_images("small_digits", limit=300)
x_few = np.rint(16 * digits.x_train).astype(int).reshape(len(digits.x_train), -1)
y_few = digits.y_train
holdout, cross = [], []
for repeat in range(20):
    split = k_fold(len(x_few), 5, np.random.default_rng(repeat))
    rounds = [neighbours_accuracy(x_few, y_few, *parts) for parts in split]
    holdout.append(rounds[0])  # one part held out
    cross.append(np.mean(rounds))
print(f"{len(x_few)} pictures, the same classifier, 20 ways to split them")
for what, values in {"hold-out, 1/5:": holdout, "5-fold:": cross}.items():
    spread = f"standard deviation {np.std(values):.3f}"
    print(f"{what:15} {min(values):.3f} to {max(values):.3f}, {spread}")
p, n = np.mean(cross), len(x_few) // 5
print(f"formula for {n} pictures: {math.sqrt(p * (1 - p) / n):.3f}")
assert np.std(holdout) > 2 * np.std(cross)
for train_part, val_part in split:
    assert not set(train_part) & set(val_part)
assert sorted(np.concatenate([val for _, val in split])) == list(range(len(x_few)))

# %% [markdown] key="random-text" lang="en"
# Five times the work, a fraction of the spread. For large networks one hold-out part of sufficient size is the rule, because nobody
# wants to train five times. (The spread shown is that of the split alone. It says nothing about data collected elsewhere.)
#
# ### Grid or random?
#
# Nine trials for two hyperparameters, of which only one matters. The grid tries **three** values of it, random search **nine**
# (Bergstra & Bengio 2012, Figure 1).
#
# %% [markdown] key="random-text" lang="ja"
# 手間は5倍ですが、ばらつきはずっと小さくなります。大きなネットワークでは、5回も学習したくないので、十分な数のホールドアウト1つで済ませるのが普通です
# (ここで見えるのは分割によるばらつきだけです。別のところで集めたデータについては何もわかりません)。
#
# ### グリッドか、ランダムか
#
# ハイパーパラメータが2つあり、効くのは片方だけだとします。9回の試行で、グリッドサーチはその値を**3通り**しか試せませんが、ランダムサーチは**9通り**試せます
# (Bergstra & Bengio 2012, Figure 1)。
#
# %% key="random"
rng = np.random.default_rng(30)
levels = [1 / 6, 1 / 2, 5 / 6]
grid = np.array([(a, b) for a in levels for b in levels])
drawn = rng.random((9, 2))


def importance(a):
    return np.exp(-(((a - 0.33) / 0.12) ** 2))


search.grid_and_random(grid, drawn, importance)
plt.show()

better = 0
for _ in range(1000):
    peak, points = rng.uniform(0.1, 0.9), rng.random(9)
    nearest_random = np.min(np.abs(points - peak))
    better += nearest_random < np.min(np.abs(np.array(levels) - peak))
print("peak anywhere: 9 random trials come closer to it than the 3x3 grid")
print(f"in {better / 10:.0f} % of 1,000 cases")
assert better > 600

# %% [markdown] key="table-text" lang="en"
# In our own space the argument does not apply: there are just 27 points, and the grid is complete. Random search and
# TPE pay where nobody can try everything.
#
# ### Twenty-seven stored curves
#
# To compare search methods we need the truth. So all 27 networks were trained **once, beforehand** (4,000 digits at 14×14, width 8,
# 8 epochs, two seeds), and the file `data/architecture_curves.csv` keeps the right answers after each epoch. Such a *tabular
# benchmark* (Ying et al. 2019) replays a search in milliseconds.
#
# | where | what you see |
# |---|---|
# | from here to the end of "Agreement"; "Several workers"; "Common mistakes" | the **stored** curves, replayed: nothing is trained |
# | "A study that can be interrupted", and its row in "Experiment" | **live**: an Optuna study that trains Keras networks on your machine |
#
# You do not have to believe the file. To measure all curves anew (some ten minutes on two cores; other processors give a few
# pictures more or less), in the folder of the collection:
#
# ```sh
# python -m tools.extract.architecture_curves my_curves.csv
# ```
#
# %% [markdown] key="table-text" lang="ja"
# 私たちの探索空間には、この議論は当てはまりません。27点しかなく、グリッドで全部試せるからです。ランダムサーチやTPEが役に立つのは、全部は試せないときです。
#
# ### 保存済みの27本の学習曲線
#
# 探索手法を比べるには、正解がわかっていなければなりません。そこで、27通りすべてを**あらかじめ1度だけ**学習し(14×14の手書き数字4,000枚、幅8、8エポック、シード2つ)、
# 各エポックの正解数を `data/architecture_curves.csv` に保存しました。このような**表形式のベンチマーク(tabular benchmark、Ying et al. 2019)** を使うと、
# 探索を数ミリ秒で再現できます。
#
# | 場所 | 使うもの |
# |---|---|
# | ここから「確かめる」の終わりまで、「複数のワーカー」、「よくある誤り」 | **保存済み**の曲線の再生。学習はしない |
# | 「中断できる探索」と、「実験」にあるその結果 | **実際の学習**。手元のマシンでKerasのネットワークを学習するOptunaの探索 |
#
# このファイルは、自分で測り直すこともできます(2コアで10分ほど。CPUが違うと、正解数が数枚ずれることがあります)。教材のフォルダで、次のように実行します。
#
# ```sh
# python -m tools.extract.architecture_curves my_curves.csv
# ```
#
# %% key="table"
measured = table.load()
errors = 1 - measured.validation[:, 0]  # (27 networks, 8 epochs), seed 0
sizes = measured.parameters
names = np.array([space.short(layers) for layers in space.CONFIGURATIONS])
print("stored: the three best and the three worst of 27 networks after 8 epochs")
for place in np.argsort(errors[:, -1], kind="stable")[[0, 1, 2, 24, 25, 26]]:
    print(f"{names[place]}  {sizes[place]:6,} parameters  validation error {errors[place, -1]:.3f}")
between_seeds = np.abs(measured.validation[:, 0, -1] - measured.validation[:, 1, -1])
mean, most = 100 * between_seeds.mean(), 100 * between_seeds.max()
print(f"the same network, another seed: {mean:.1f} points apart on average, up to {most:.1f}")


# %% [markdown] key="median-text" lang="en"
# ### Stop early: the median rule
#
# After each epoch compare the trial's best value so far with the **median** of the finished trials at the same epoch. If it is
# worse, stop. By hand: three finished trials had 0.30, 0.20, 0.26 after epoch 2. Their median is 0.26. A trial with 0.35, 0.27
# stops; one with 0.24, 0.40 goes on, because its best, 0.24, counts. (This is Optuna's rule. Vizier, where it comes from, takes the
# *running average* of each finished curve before the median; Golovin et al. 2017, §3.2.)
#
# %% [markdown] key="median-text" lang="ja"
# ### 早めに打ち切る:中央値ルール
#
# エポックごとに、その試行のそれまでの最良値を、完了した試行の同じエポックでの値の**中央値**と比べ、悪ければ打ち切ります。手で計算してみましょう。
# 完了した3つの試行の2エポック目の値が0.30、0.20、0.26なら、中央値は0.26です。値が0.35、0.27と推移した試行は打ち切り、0.24、0.40の試行は続けます。
# 後者は最良値の0.24で判断するからです(これはOptunaのルールです。元になったVizierでは、完了した各試行のその時点までの**平均値**を求めてから中央値をとります。Golovin et al.
# 2017, §3.2)。
#
# %% key="median"
def stops(curve, finished, startup=5, warmup=0):
    """Whether the median rule ends a trial that has reported `curve`; smaller is better."""
    step = len(curve) - 1
    if len(finished) < max(startup, 1) or step < warmup:
        return False
    return min(curve) > np.median([other[step] for other in finished])


finished = [[0.5, 0.30], [0.4, 0.20], [0.6, 0.26]]
print(stops([0.35, 0.27], finished, startup=3), stops([0.24, 0.40], finished, startup=3))
assert stops([0.35, 0.27], finished, startup=3) and not stops([0.24, 0.40], finished, startup=3)


def run(curves, startup=5, warmup=1):
    """Steps that each trial gets under the median rule, one trial after the other."""
    finished, steps = [], []
    for curve in curves:
        done = 1
        while done < len(curve) and not stops(curve[:done], finished, startup, warmup):
            done += 1
        if done == len(curve) and not stops(curve, finished, startup, warmup):
            finished.append(curve)
        steps.append(done)
    return np.array(steps)


order = np.random.default_rng(1).permutation(27)
steps = run(errors[order])
kept = errors[order[steps == 8], -1].min()
print(f"{(steps == 8).sum()} of 27 trials reach the end, {steps.sum()} of {27 * 8} epochs are used")
print(f"best error of all 27: {errors[:, -1].min():.3f}, of those that were finished: {kept:.3f}")
search.learning_curves(errors[order], steps, log=True, title="stored curves, replayed")
plt.show()

# %% [markdown] key="median-note" lang="en"
# Pruning is a bet: a network that learns slowly at first can be stopped wrongly. Over many orders of the same 27 trials:
#
# %% [markdown] key="median-note" lang="ja"
# 枝刈りは賭けです。立ち上がりの遅いネットワークを、誤って打ち切ることがあります。同じ27個の試行を、いろいろな順番で試してみます。
#
# %% key="median-orders"
lost, saved = [], []
for repeat in range(200):
    order = np.random.default_rng(repeat).permutation(27)
    steps = run(errors[order])
    lost.append(errors[order[steps == 8], -1].min() - errors[:, -1].min())
    saved.append(1 - steps.sum() / (27 * 8))
print(f"200 orders: {100 * np.mean(saved):.0f} % of the epochs saved on average")
print(f"the best network is stopped in {np.sum(np.array(lost) > 0)} of them;")
print(f"that costs {100 * np.max(lost):.1f} points of error at worst")
assert np.mean(saved) > 0.3

# %% [markdown] key="halving-text" lang="en"
# **Successive halving** (Jamieson & Talwalkar 2016) needs no finished trials: give every candidate one epoch, keep the better half,
# double the epochs, and so on. Hyperband (Li et al. 2018) runs it with several first rungs, as a hedge against slow starters.
#
# %% [markdown] key="halving-text" lang="ja"
# **Successive halving**(Jamieson & Talwalkar 2016)は、完了した試行がなくても使えます。全候補を1エポックずつ学習し、良いほうの半分を残し、エポック数を
# 2倍にする、を繰り返します。Hyperband(Li et al. 2018)は、立ち上がりの遅い候補に備えて、最初の段の長さを変えながらこれを何通りか行います。
#
# %% key="halving"
alive, length, trained = np.arange(27), 1, 0
done = np.zeros(27, int)
while True:
    trained += len(alive) * (length - done[alive[0]])  # those still alive go on from where they are
    done[alive] = length
    print(f"{len(alive):2d} networks to epoch {length}; {trained:3d} epochs so far")
    if length == 8:
        break
    alive = alive[np.argsort(errors[alive, length - 1], kind="stable")[: len(alive) // 2]]
    length *= 2
winner = alive[np.argmin(errors[alive, -1])]
print(f"{trained} of {27 * 8} epochs; winner {names[winner]} with error {errors[winner, -1]:.3f}")
assert trained == pruning.successive_halving(errors).sum() == 27 + 13 + 6 * 2 + 3 * 4


# %% [markdown] key="bias-text" lang="en"
# ### Selection bias: the winner's curse
#
# Take 27 candidates that are all **equally good**: each has a true accuracy of 0.90. Measure each on 500 pictures and choose the
# best. Its score is the *maximum* of 27 noisy numbers, so it lies above 0.90, though no candidate is better than any other.
#
# %% [markdown] key="bias-text" lang="ja"
# ### 選択バイアス:勝者の呪い
#
# **まったく同じ実力**の候補を27個考えます。真の精度はどれも0.90です。それぞれを500枚の画像で測り、最も良いものを選びます。その値は、ノイズを含む27個の
# 数値の**最大値**です。どの候補にも差はないのに、0.90より高く出ます。
#
# %% key="bias"
def winners(candidates, pictures, accuracy=0.90, repeats=2000, seed=0):
    """(score of the winner in the comparison, on as many fresh pictures): means over repeats."""
    rng = np.random.default_rng(seed)
    first = rng.binomial(pictures, accuracy, (repeats, candidates)) / pictures
    fresh = rng.binomial(pictures, accuracy, (repeats, candidates)) / pictures
    chosen = first.argmax(axis=1)
    every = np.arange(repeats)
    return first[every, chosen].mean(), fresh[every, chosen].mean()


print("27 equal candidates of accuracy 0.900")
for pictures in (100, 500, 10_000):
    promised, kept = winners(27, pictures)
    excess, sigma = promised - 0.9, math.sqrt(0.9 * 0.1 / pictures)
    print(
        f"{pictures:6,} pictures: the winner shows {promised:.3f}, keeps {kept:.3f}; "
        f"too much by {100 * excess:.1f} points = {excess / sigma:.1f} standard errors"
    )
    assert 1.7 < excess / sigma < 2.3 and abs(kept - 0.9) < 0.003

numbers = [1, 3, 9, 27, 81, 243]
pairs = [winners(number, 500) for number in numbers]
search.selection(numbers, *zip(*pairs))
plt.show()

# %% [markdown] key="bias-note" lang="en"
# About two standard errors for 27 candidates, more for more. (In a real comparison all candidates see the same pictures; then their
# errors go together, and the excess is smaller.) The note reports the best **test** accuracy over all trials, and within a trial over
# all 100 epochs: such a number is too high. The repair costs nothing: choose by validation, then look at the test part once. With the
# stored curves:
#
# %% [markdown] key="bias-note" lang="ja"
# 候補が27個なら、標準誤差の約2倍だけ高く出ます。候補が多いほど、差は大きくなります(実際の比較では全候補が同じ画像で測られるので、誤差に相関があり、差はこれより小さくなります)。
# 先の学習ノートが報告しているのは、全試行、しかも各試行の100エポック全体での最良の**テスト**精度です。この値は高めに出ます。対策は簡単です。検証データで選び、
# テストデータは1回だけ見ればよいのです。保存済みの曲線で確かめましょう。
#
# %% key="bias-measured"
every_epoch = measured.test[:, 0]
by_validation = measured.validation[:, 0, -1].argmax()
reported = {
    "best test accuracy over 27 networks and 8 epochs (the note's way)": every_epoch.max(),
    "validation accuracy of the network chosen by it": measured.validation[by_validation, 0, -1],
    "its test accuracy, looked at once (the honest number)": every_epoch[by_validation, -1],
}
for what, value in reported.items():
    print(f"{what:66} {value:.3f}")
assert every_epoch.max() >= every_epoch[by_validation, -1]


# %% [markdown] key="pareto-text" lang="en"
# ### Two objectives: dominance and the Pareto front
#
# Point $a$ **dominates** $b$ if it is nowhere worse and somewhere better. The **Pareto front** is what nobody dominates: the
# trade-offs worth discussing. Its quality in one number is the **hypervolume**, the area between the front and a reference
# point.
#
# By hand, (size, error) with reference (5, 5): A (1, 4), B (2, 2), C (4, 1), D (3, 3). B dominates D. The area: from 1 to 2 one
# high, from 2 to 4 three high, from 4 to 5 four high: $1 + 6 + 4 = 11$.
#
# %% [markdown] key="pareto-text" lang="ja"
# ### 2つの目的:支配とパレートフロント
#
# どの目的でも劣らず、どれかで優れているとき、点 $a$ は点 $b$ を**支配する(dominate)** といいます。どの点にも支配されない点の集まりが
# **パレートフロント(Pareto front)** で、検討に値するトレードオフです。その良さを1つの数で表すのが**ハイパーボリューム(hypervolume)**、つまりフロントと参照点に
# 挟まれた面積です。
#
# 手で計算してみましょう。(サイズ, 誤差) の4点A (1, 4)、B (2, 2)、C (4, 1)、D (3, 3) があり、参照点は (5, 5) です。BはDを支配します。面積は、1から2までが高さ1、
# 2から4までが高さ3、4から5までが高さ4で、$1 + 6 + 4 = 11$ です。
#
# %% key="pareto"
def dominates(a, b):
    return np.all(a <= b) and np.any(a < b)


def pareto_front(points):
    """Which points no other one dominates: bool, shape (points,)."""
    return np.array([not any(dominates(other, point) for other in points) for point in points])


def hypervolume(points, reference):
    """Two objectives; every point is better than the reference in both."""
    front = np.unique(points[pareto_front(points)], axis=0)  # left to right: the error falls
    area = 0.0
    for i, (size, error) in enumerate(front):
        right = front[i + 1][0] if i + 1 < len(front) else reference[0]
        area += (right - size) * (reference[1] - error)
    return area


ABCD = np.array([[1, 4], [2, 2], [4, 1], [3, 3]])
print("on the front:", pareto_front(ABCD), "  hypervolume:", hypervolume(ABCD, (5, 5)))
assert pareto_front(ABCD).tolist() == [True, True, True, False] and hypervolume(ABCD, (5, 5)) == 11

# %% [markdown] key="price-text" lang="en"
# ### A penalty picks one point
#
# All points with equal score $\text{error} + \mu \cdot \text{size}$ lie on a line with slope $-\mu$. The minimum is the point that
# the line touches first. Turn the line (another price $\mu$), and it touches another point. But a point of the front that lies
# *above* the line between two others is touched by no line at all.
#
# %% [markdown] key="price-text" lang="ja"
# ### ペナルティが選ぶのは1点
#
# スコア $\text{誤差} + \mu \cdot \text{サイズ}$ が等しい点は、傾き $-\mu$ の直線上に並びます。最小点とは、この直線が最初に触れる点です。直線の傾き(つまり値段 $\mu$)を変えると、
# 別の点に触れます。しかし、他の2点を結ぶ線分より**上**にあるフロントの点には、どんな直線も触れません。
#
# %% key="price"
points = np.stack([sizes, errors[:, -1]], axis=1)
on_front = pareto_front(points)
picked = {}
for points_for_4000 in np.geomspace(1e-3, 200, 40_000):  # the price of 4,000 parameters
    total = points[:, 1] + points_for_4000 / 100 * points[:, 0] / 4000
    for place in np.flatnonzero(total == total.min()):
        picked.setdefault(place, points_for_4000)
print(f"{on_front.sum()} of 27 networks on the front")
print(f"{'':6}{'parameters':>11}{'error':>8}   picked when 4,000 parameters cost")
for place in np.flatnonzero(on_front)[np.argsort(sizes[on_front])][::-1]:
    note = f"from {picked[place]:5.2f} points on" if place in picked else "at no price"
    print(f"{names[place]:6}{sizes[place]:11,}{errors[place, -1]:8.3f}   {note}")
assert set(picked) <= set(np.flatnonzero(on_front))
supported = fronts.supported(points)
assert set(picked) <= set(np.flatnonzero(supported))

reference = (40_000, 0.10)
area = hypervolume(points[np.all(points < reference, axis=1)], reference)
print(f"hypervolume up to {reference}: {area:,.0f}")
search.front(points, names, on_front, supported, reference, title="stored measurements")
plt.show()


# %% [markdown] key="price-note" lang="en"
# (The axis of parameters is logarithmic here; the lines of equal score are straight on a linear one. There CCD lies above the line from DDC
# to CCS.) So decide about the price *after* seeing the front, not before. With one objective and a penalty you get one answer, and you cannot
# see what a slightly different price would have given. (The front, too, is drawn from noisy errors: its points are winners, and
# their errors are optimistic.)
#
# ### Bayesian optimization: TPE in one dimension
#
# The *tree-structured Parzen estimator* (Bergstra et al. 2011, §4) splits the trials so far at a quantile; in Optuna, the best
# tenth (25 trials at most) and the rest. It estimates a density for each, $l(x)$ for the good ones and $g(x)$ for the others, and tries next where
#
# $$\frac{l(x)}{g(x)} \quad\text{is largest}$$
#
# There the expected improvement is largest (§4.1 of the paper). Each density is the mean of bumps, one on every trial, and a wide one for what
# has not been seen. A bump is as wide as the larger gap to its neighbours, within limits. We look for the largest ratio on a fine
# grid; Optuna draws 24 points from $l$ and takes the best of them.
#
# %% [markdown] key="price-note" lang="ja"
# (図の横軸は対数目盛です。スコアが等しい点が直線に並ぶのは、線形の目盛のときです。線形の目盛では、CCDは線分DDC–CCSより上にあります。)値段は、フロントを見て**から**決めるべきです。ペナルティ付きの1目的では答えが1つ出るだけで、値段を少し変えたらどうなるかはわかりません(フロント自体も、
# ノイズのある誤差から描いたものです。フロントの点は「勝者」なので、誤差は楽観的に出ています)。
#
# ### ベイズ最適化:1次元のTPE
#
# **TPE(tree-structured Parzen estimator**、Bergstra et al. 2011, §4)は、これまでの試行を、分位点で2つに分けます。Optunaでは、上位1割(最大25個)とそれ以外です。それぞれの密度、
# つまり良い試行の $l(x)$ と残りの $g(x)$ を推定し、次の比が最大になるところを試します。
#
# $$\frac{l(x)}{g(x)}$$
#
# この比が最大の点では、期待改善量(expected improvement)も最大になります(同論文 §4.1)。密度は、各試行の上に置いた山と、まだ見ていない部分のための広い山1つを平均したもの
# です。山の幅は、両隣の点との間隔のうち大きいほうです(上限と下限があります)。ここでは細かい格子の上で比を最大にします。Optunaは、$l$ から24点を引き、その中で最良のものを選びます。
#
# %% key="tpe"
def parzen(seen, x, low=0.0, high=1.0):
    """Density at x (n,) from the points seen (trials,): truncated normal bumps and a wide one."""
    place = np.argsort(seen)
    edges = np.concatenate([[low], seen[place], [high]])
    gaps = np.maximum(edges[1:-1] - edges[:-2], edges[2:] - edges[1:-1])
    if len(seen) > 1:  # the ends of the range are no neighbours
        gaps[0], gaps[-1] = edges[2] - edges[1], edges[-2] - edges[-3]
    sigma = np.empty(len(seen))
    sigma[place] = np.clip(gaps, (high - low) / min(100, len(seen) + 2), high - low)
    mu, sigma = np.append(seen, (low + high) / 2), np.append(sigma, high - low)
    cdf = np.vectorize(lambda z: 0.5 * (1 + math.erf(z / math.sqrt(2))))
    inside = cdf((high - mu) / sigma) - cdf((low - mu) / sigma)
    bumps = np.exp(-0.5 * ((x[:, None] - mu) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    return (bumps / inside).mean(axis=1)


rng = np.random.default_rng(3)
seen = rng.random(20)
values = (seen - 0.3) ** 2 + 0.02 * rng.standard_normal(20)
best = np.argsort(values)[: math.ceil(0.1 * 20)]
rest = np.setdiff1d(np.arange(20), best)
x = np.linspace(0, 1, 401)
good, bad = parzen(seen[best], x), parzen(seen[rest], x)
chosen = x[np.argmax(good / bad)]
print(f"minimum at 0.3; the best 2 of 20 trials: {seen[best].round(2)}; next trial at {chosen:.2f}")
assert abs(chosen - 0.3) < 0.15 and abs(good.mean() - 1) < 0.02
search.densities(x, good, bad, seen, values, np.sort(values)[1], chosen)
plt.show()

# %% [markdown] key="agree-text" lang="en"
# ## Agreement
#
# The counterpart is Optuna itself. Its median pruner sees the same 27 stored curves, its multi-objective study and its hypervolume the
# same points, its Parzen estimator the same trials. (Hypervolume and Parzen estimator are internal functions of Optuna; their place
# may change between versions.)
#
# %% [markdown] key="agree-text" lang="ja"
# ## 確かめる
#
# 比べる相手はOptunaそのものです。中央値ルールには保存済みの同じ27本の曲線を、多目的の探索とハイパーボリュームには同じ点を、Parzen推定には同じ試行を
# 与えます(ハイパーボリュームとParzen推定はOptunaの内部関数で、バージョンによって場所が変わることがあります)。
#
# %% key="agree-pruner"
compared = stopped = 0
for repeat in range(10):
    order = np.random.default_rng(repeat).permutation(27)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1)
    study = optuna.create_study(pruner=pruner)

    def replay(trial, curves=errors[order]):
        for step, value in enumerate(curves[trial.number]):
            trial.report(value, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    study.optimize(replay, n_trials=27)
    theirs = np.array([len(trial.intermediate_values) for trial in study.trials])
    assert np.array_equal(run(errors[order]), theirs)
    assert np.array_equal(pruning.with_median_rule(errors[order], 5, 1), theirs)
    compared += theirs.sum()
    stopped += (theirs < 8).sum()
print(f"{compared:,} decisions of Optuna's MedianPruner, {stopped} to stop: all the same as ours")

# %% key="agree-front"
from optuna._hypervolume import compute_hypervolume
from optuna.samplers._tpe.parzen_estimator import _ParzenEstimator, _ParzenEstimatorParameters
from optuna.samplers._tpe.sampler import default_weights

study = optuna.create_study(directions=["minimize", "minimize"])
study.add_trials([optuna.trial.create_trial(values=point.tolist()) for point in points])
theirs = sorted(trial.number for trial in study.best_trials)
assert np.flatnonzero(pareto_front(points)).tolist() == theirs
assert np.array_equal(pareto_front(points), fronts.pareto_front(points))

inside = points[np.all(points < reference, axis=1)]
area_optuna = compute_hypervolume(inside, np.array(reference, dtype=float))
settings = _ParzenEstimatorParameters(1.0, True, False, default_weights, False)
line = {"x": optuna.distributions.FloatDistribution(0.0, 1.0)}
worst = 0.0
for part in (best, rest):
    estimator = _ParzenEstimator({"x": seen[part]}, line, settings)
    worst = max(worst, np.max(np.abs(np.exp(estimator.log_pdf({"x": x})) - parzen(seen[part], x))))
rows = {
    "Pareto front = study.best_trials": float(np.sum(pareto_front(points)) != len(theirs)),
    "hypervolume (relative)": abs(area - area_optuna) / area_optuna,
    "hypervolume, utils (relative)": abs(area - fronts.hypervolume(points, reference)) / area,
    "densities l(x), g(x)": worst,
}
for what, difference in rows.items():
    print(f"{what:34} largest difference {'< 1e-9' if difference < 1e-9 else difference}")
    assert difference < 1e-9

# %% [markdown] key="agree-count-text" lang="en"
# And the objective that needs no training: the formula counts what Keras builds. (The tests build all 27.)
#
# %% [markdown] key="agree-count-text" lang="ja"
# もう1つの目的であるパラメータ数についても、公式はKerasが作るモデルと一致します(27通りすべての確認は、テストで行っています)。
#
# %% key="agree-count"
for layers in dict.fromkeys(row[0] for row in NOTE):
    built = module_network(layers).count_params()
    print(f"{space.short(layers)}  formula {network_parameters(layers):9,}  Keras {built:9,}")
    assert built == network_parameters(layers)

# %% [markdown] key="live-text" lang="en"
# ## In Keras
#
# ### A study that can be interrupted
#
# **From here on Keras trains, live; the stored file is not read.** The objective is plain code: choose, build, train, report after every
# epoch, stop if the pruner says so, and return a number made from **validation** accuracy. The study lies in a database file; every
# finished trial is on disk.
#
# | profile | data | trials | sampler and pruner |
# |---|---|---|---|
# | quick (half a minute) | 1,536 digits at 14×14, width 8, 3 epochs | 4: the networks of the note's table, put into the queue | have nothing to decide: the queue goes first, and pruning starts after five finished trials |
# | full (hours on a GPU) | CIFAR-10, width 64, 100 epochs, as in the note | 50: the same four, then those that Optuna chooses | choice at random up to ten finished trials, then by TPE; pruning after five |
#
# Stop it whenever you like, and run the cells again: finished trials stay, and in the full profile the one under way continues
# from its last epoch.
#
# %% [markdown] key="live-text" lang="ja"
# ## Kerasで学習する
#
# ### 中断できる探索
#
# **ここからは、Kerasで実際に学習します。保存済みのファイルは使いません。** 目的関数は普通のコードです。構成を選び、組み立て、学習し、エポックごとに報告し、枝刈りと判定
# されたら止め、**検証**精度から計算した値を返します。探索(study)はデータベースファイルに保存されるので、終わった試行はすべてディスクに残ります。
#
# | プロファイル | データ | 試行 | サンプラーと枝刈り |
# |---|---|---|---|
# | quick(30秒ほど) | 14×14の手書き数字1,536枚、幅8、3エポック | 4回。先の表の4つのネットワークを待ち行列に入れておく | 出番なし。待ち行列が先で、枝刈りは5試行の完了後に始まる |
# | full(GPUで数時間) | 記録と同じCIFAR-10、幅64、100エポック | 50回。同じ4つの後は、Optunaが選ぶ | 10試行が完了するまでは無作為に、その後はTPEで選ぶ。枝刈りは5試行の完了後に始まる |
#
# いつ中断してもかまいません。セルを再実行すれば、終わった試行はそのまま残り、fullプロファイルでは、途中だった試行も最後のエポックから続きます。
#
# %% key="objective"
quick = {"data": "digits", "size": 14, "limit": 1536, "width": 8, "epochs": 3, "batch": 32}
quick |= {"rate": 5e-3, "momentum": 0.9, "per": 4_000, "trials": 4}
full = {"data": "cifar10", "size": None, "limit": None, "width": 64, "epochs": 100, "batch": 128}
full |= {"rate": 1e-3, "momentum": 0.99, "per": 250_000, "trials": 50}
config = rt.choose(quick=quick, full=full)
data = datasets.load_images(config["data"], size=config["size"], limit=config["limit"])


def train(layers, name, after_epoch=None, seed=0):
    """(network, history) after training from a fixed seed."""
    keras.utils.set_random_seed(seed)
    steps = math.ceil(len(data.x_train) / config["batch"]) * config["epochs"]
    with rt.scope():
        shape, momentum = data.x_train.shape[1:], config["momentum"]
        network = module_network(layers, config["width"], shape, 10, momentum=momentum)
        rate = keras.optimizers.schedules.CosineDecay(config["rate"], steps)
        adam = keras.optimizers.Adam(rate)
        loss = "sparse_categorical_crossentropy"
        network.compile(adam, loss, metrics=["accuracy"])
    callbacks = []
    if after_epoch:

        def stop(epoch, logs):
            network.stop_training = after_epoch(epoch, logs)

        callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=stop)]
    history = training.fit(network, data, name, config["epochs"], config["batch"], seed, callbacks)
    return network, history


networks = {}  # those that this session has trained


def objective(trial):
    layers = tuple(trial.suggest_categorical(f"layer{n}", KINDS) for n in (1, 2, 3))
    count = parameters(layers, config["width"], data.x_train.shape[-1])
    first = trial.user_attrs.get("first", trial.number)  # a trial that takes over has its number
    trial.set_user_attr("first", first)

    def after_epoch(epoch, logs):
        trial.report(score(logs["val_accuracy"], count, config["per"]), epoch)
        return trial.should_prune()

    network, history = train(layers, f"02_{data.name}_{first}", after_epoch)
    networks[trial.number] = network
    if network.stop_training:
        raise optuna.TrialPruned
    trial.set_user_attr("accuracy", history["val_accuracy"][-1])
    return score(history["val_accuracy"][-1], count, config["per"])


# %% key="live-open"
temporary = tempfile.TemporaryDirectory()  # the quick profile leaves nothing behind
runs = Path(os.environ.get("STUDY_RUNS") or root / "runs")
folder = Path(rt.choose(quick=temporary.name, full=runs))
folder.mkdir(parents=True, exist_ok=True)
FOUR = list(dict.fromkeys(row[0] for row in NOTE))


def open_study():
    """The study in its file; created where there is none, with four trials in the queue."""
    study = optuna.create_study(
        storage=studies.open_storage(folder / "02_architecture_search.db"),
        study_name=f"modules-{data.name}",
        sampler=optuna.samplers.TPESampler(seed=rt.choose(quick=0, full=None)),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
        load_if_exists=True,
    )
    for layers in FOUR:
        study.enqueue_trial(space.params(layers), skip_if_exists=True)
    return study


def finished_trials(study):
    return study.get_trials(states=studies.DONE)


study = open_study()
study.optimize(objective, n_trials=min(2, config["trials"] - len(finished_trials(study))))
print(f"{len(finished_trials(study))} trials in the file; now the computer is switched off")
del study

# %% key="live-resume"
study = open_study()  # tomorrow
print(f"the file still holds {len(finished_trials(study))} finished trials")
study.optimize(objective, n_trials=config["trials"] - len(finished_trials(study)))
print(f"now {len(finished_trials(study))} of {config['trials']}")
assert len(finished_trials(study)) == config["trials"]

# %% [markdown] key="live-test-text" lang="en"
# The winner goes by validation score. Only now is the test part looked at: once, for one network.
#
# %% [markdown] key="live-test-text" lang="ja"
# 勝者は検証データでのスコアで決めました。ここで初めてテストデータを見ます。1つのネットワークについて、1回だけです。
#
# %% key="live-test"
winner = study.best_trial
layers = space.layers_of(winner)
network = networks.get(winner.number)
if network is None:  # it was trained before an interruption
    network, _ = train(layers, f"02_{data.name}_winner")
test_accuracy = network.evaluate(data.x_test, data.y_test, verbose=0)[1]
sigma = math.sqrt(test_accuracy * (1 - test_accuracy) / len(data.y_test))
print(f"{len(data.y_test)} test pictures; the estimate has a standard error below 5 points")
assert sigma < 0.05
if rt.profile == "quick":
    print("test accuracy of the chosen network: above 0.75")
    assert test_accuracy > 0.75
else:
    print(f"{space.short(layers)}: test accuracy {test_accuracy:.4f}, standard error {sigma:.4f}")
trials = finished_trials(study)
scores = [trial.intermediate_values for trial in trials]  # after each epoch
curves = [[of_trial.get(n, np.nan) for n in range(config["epochs"])] for of_trial in scores]
steps = [(trial.last_step or 0) + 1 for trial in trials]
labels = rt.choose(quick=[space.short(space.layers_of(trial)) for trial in trials], full=None)
search.learning_curves(curves, steps, "validation score", title="the live study", names=labels)
values = [trial.value if trial.value is not None else np.nan for trial in trials]
pruned = [trial.state.name == "PRUNED" for trial in trials]
search.history(values, pruned, ylabel="validation score", title="the live study")
plt.show()

# %% [markdown] key="workers-text" lang="en"
# ### Several workers
#
# Trials do not depend on each other, so more processes finish sooner. All they share is the study: each asks for the next trial,
# evaluates it and reports. Here two processes work on one SQLite file, with two objectives (so nothing is pruned). To finish in
# seconds they **replay the stored curves** instead of training (`source="table"`); the coordination is the real one. Each may take at
# most 14 of the 27 configurations.
#
# %% [markdown] key="workers-text" lang="ja"
# ### 複数のワーカー
#
# 試行は互いに独立なので、プロセスを増やせば早く終わります。共有するのは探索のデータベースだけです。各プロセスは次の試行を受け取り、評価し、結果を報告します。ここでは、2つの
# プロセスが1つのSQLiteファイルで作業します。目的は2つです(したがって枝刈りはありません)。数秒で終わるように、学習の代わりに**保存済みの曲線を再生**します
# (`source="table"`)。ワーカー間の連携は本物です。各プロセスが担当できるのは、27通りのうち14までです。
#
# %% key="workers"
shared = Path(temporary.name) / "shared.db"
both = studies.create(shared, "modules", studies.settings("pareto", source="table"))
command = [sys.executable, "-m", "utils.architecture_search.worker"]
command += ["--storage", str(shared), "--study", "modules", "--trials", "14"]
pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
workers = [subprocess.Popen(command, cwd=root, **pipes) for _ in range(2)]
reports = [worker.communicate(timeout=300) for worker in workers]
assert [worker.returncode for worker in workers] == [0, 0], reports
shares = [int(out.splitlines()[-1].split()[0]) for out, _ in reports]
found = studies.finished(both)
print(f"{len(found)} of 27 configurations finished, each {max(map(len, found.values()))} time")
print("both workers took part:", min(shares) > 0)
assert sum(shares) == 27 and all(len(trials) == 1 for trials in found.values())

chosen = {space.layers_of(trial) for trial in both.best_trials}
assert chosen == {space.CONFIGURATIONS[place] for place in np.flatnonzero(on_front)}
print(f"Pareto front of the study: {len(chosen)} networks, the same as above")

# %% [markdown] key="machines-text" lang="en"
# **From one machine to many.** SQLite is for the processes of one machine; on a network file system its locks cannot be relied on.
# For many machines, put the study on a database server and give its address instead of the file (`pip install "psycopg[binary]"`; for
# MySQL `pymysql` and `mysql+pymysql://…`). Create the study once; `source="training"` lets the workers train instead of replaying:
#
# ```python
# address = "postgresql+psycopg://user:password@host/optuna"
# note = {"data": "cifar10", "size": None, "width": 64, "epochs": 100, "batch_size": 128}
# note |= {"rate": 1e-3, "momentum": 0.99}
# studies.create(address, "cifar10", studies.settings("penalized", source="training", **note))
# ```
#
# Then start on every machine, as often as it has GPUs:
#
# ```sh
# python -m utils.architecture_search.worker --study cifar10 \
#     --storage postgresql+psycopg://user:password@host/optuna
# ```
#
# (Where there is only a network file system, Optuna's `JournalStorage` writes a log with locks of its own; but it has no heartbeats.)
#
# **What if a worker dies?** While it trains it sends a sign of life, the *heartbeat*. When that stops, the next worker that asks marks
# the trial as failed and puts the same configuration back into the queue (`RetryHeartbeatStaleTrialCallback`). The tests of this
# collection kill workers in the middle of a trial, and all 27 configurations are still evaluated, each once. (SQLite needs one more
# line for that: every transaction begins with `BEGIN IMMEDIATE`, or two workers that look at once may take the same trial.)
#
# %% [markdown] key="machines-text" lang="ja"
# **1台から多数のマシンへ。** SQLiteは、1台のマシンの中の複数プロセス向けです。ネットワークファイルシステム上では、ロックが当てになりません。多数のマシンで使うには、
# データベースサーバーに探索を置き、ファイル名の代わりにそのアドレスを渡します(`pip install "psycopg[binary]"` が必要です。MySQLなら `pymysql` と `mysql+pymysql://…` です)。
# 探索は1度だけ作成します。`source="training"` とすると、ワーカーは曲線の再生ではなく、実際の学習を行います。
#
# ```python
# address = "postgresql+psycopg://user:password@host/optuna"
# note = {"data": "cifar10", "size": None, "width": 64, "epochs": 100, "batch_size": 128}
# note |= {"rate": 1e-3, "momentum": 0.99}
# studies.create(address, "cifar10", studies.settings("penalized", source="training", **note))
# ```
#
# あとは、各マシンで、GPUの数だけワーカーを起動します。
#
# ```sh
# python -m utils.architecture_search.worker --study cifar10 \
#     --storage postgresql+psycopg://user:password@host/optuna
# ```
#
# (ネットワークファイルシステムしかない場合は、独自のロックでログを書くOptunaの `JournalStorage` があります。ただし、ハートビートはありません。)
#
# **ワーカーが途中で死んだら?** 学習中のワーカーは、生存の合図である**ハートビート(heartbeat)** を送り続けます。それが途絶えると、次に問い合わせたワーカーがその試行を失敗とし、
# 同じ構成を待ち行列に戻します(`RetryHeartbeatStaleTrialCallback`)。この教材のテストでは、試行の途中でワーカーを強制終了しても、27通りすべてが1回ずつ評価されることを
# 確かめています(SQLiteでは、さらに1行必要です。各トランザクションを `BEGIN IMMEDIATE` で始めないと、同時に問い合わせた2つのワーカーが同じ試行を取ることが
# あります)。
#
# %% [markdown] key="experiment-text" lang="en"
# ## Experiment
#
# The note's results beside the live study above. The accuracies cannot be compared across the table: the note trained on 50,000 color
# pictures for 100 epochs and reports the best *test* accuracy, its objective; the quick profile trains networks 38 to 56 times smaller on
# 1,536 digits, an easier task, for 3 epochs. It shows validation accuracies, as lower bounds with a margin for other machines. What can be
# compared is the order of the sizes; for the note's accuracies run the full profile.
#
# %% [markdown] key="experiment-text" lang="ja"
# ## 実験
#
# 先の学習ノートの結果を、上で実際に学習した結果と並べます。左右の精度は、そのままでは比べられません。記録は、カラー画像5万枚を100エポック学習したときの最良の**テスト**精度で、
# これは目的関数でもあります。quickプロファイルは、38〜56分の1の大きさのネットワークで、より易しい手書き数字1,536枚を3エポック学習しただけです。表示するのは検証精度で、
# 計算機による違いを見込んだ下限です。比べられるのは、サイズの順序だけです。記録の精度と比べるには、fullプロファイルで実行してください。
#
# %% key="experiment"
REPORTED = {layers: (percent, value) for layers, value, _, percent in NOTE[:4]}
BOUNDS = {"SSD": 75, "SSS": 75, "CDD": 75, "CSS": 75}

live = {}
for trial in finished_trials(study):
    if "accuracy" in trial.user_attrs:
        live.setdefault(space.layers_of(trial), trial.user_attrs["accuracy"])
print(f"{'':6}{'CIFAR-10, width 64 (note)':>38}{f'{data.name}, width ' + str(config['width']):>30}")
print(f"{'':6}{'parameters':>11}{'accuracy':>10}{'score':>17}{'parameters':>18}{'accuracy':>12}")
for layers in FOUR:
    percent, value = REPORTED[layers]
    name = space.short(layers)
    shown, printed = f"{percent:.2f} %", f"{value:.4f}"
    here = parameters(layers, config["width"], data.x_train.shape[-1])
    if rt.profile == "quick":
        assert 100 * live[layers] > BOUNDS[name], (name, live[layers])
    now = rt.choose(quick=f"> {BOUNDS[name]} %", full=f"{100 * live.get(layers, np.nan):.2f} %")
    print(f"{name:6}{network_parameters(layers):11,}{shown:>10}{printed:>17}{here:18,}{now:>12}")
    if rt.profile == "quick":
        assert 38 <= round(network_parameters(layers) / here) <= 56

# %% [markdown] key="judge-text" lang="en"
# The note draws three conclusions. Let us look at each with its own numbers.
#
# %% [markdown] key="judge-text" lang="ja"
# この記録は3つの結論を述べています。1つずつ、記録自身の数値で検討しましょう。
#
# %% key="judge"
sigma = 100 * math.sqrt(0.80 * 0.20 / 10_000)
print(f"10,000 test pictures, accuracy 80 %: standard error {sigma:.1f} points")
print(f"SSD against SSS: {80.67 - 80.48:.2f} points")
print(f"SCC, trained twice: {85.33 - 85.06:.2f} points apart")
assert 80.67 - 80.48 < sigma

# Every configuration that the note prints an accuracy for, in either of its two searches.
PRINTED = {"SSD": 80.67, "SSS": 80.48, "CDD": 83.87, "CSS": 84.28, "CCC": 88.46, "SCC": 85.33}
PRINTED |= {"CDS": 84.33, "DCS": 83.95, "DDC": 78.55}
kind_of = {letter: kind for kind, letter in space.LETTERS.items()}
their_counts = [network_parameters([kind_of[letter] for letter in name]) for name in PRINTED]
of_note = np.column_stack([their_counts, 1 - np.array(list(PRINTED.values())) / 100])
labels = np.array(list(PRINTED))
print(f"\nfront of the note's nine networks: {', '.join(labels[fronts.pareto_front(of_note)])}")
for price in (0.5, 1, 2, 5):
    best_name = labels[np.argmin(of_note[:, 1] + price / 100 * of_note[:, 0] / 250_000)]
    print(f"250,000 parameters cost {price:3} points: {best_name} wins")
by_score = labels[np.argsort(of_note[:, 1] + 0.05 * of_note[:, 0] / 250_000)]
print(f"by the note's score: {' '.join(by_score)}")
assert by_score.tolist().index("CDS") == 3  # the note's fourth place is CSS

depthwise_only = score(0.7736, 58_506)  # the note's network of depthwise layers, not searched
print(f"\nthe note's depthwise network: {depthwise_only:.4f}; best of its search: 0.2407")
needed = 100 * (score(1, network_parameters(("depthwise",) * 3)) + 1 - 0.2407)
print(f"DDD would win the search with an accuracy above {needed:.1f} %")
assert depthwise_only < 0.2407

dense = sum(9 * F * F + F for F in (64, 128, 256))
share = dense / network_parameters(("conv", "depthwise", "depthwise"))
print(f"\nCDD: {100 * share:.0f} % of the parameters in 3x3 convolutions")
smaller = of_note[labels == "CCC"][0, 0] / of_note[labels == "SSD"][0, 0]
print(f"SSD against CCC: {smaller:.0f} times smaller, {88.46 - 80.67:.1f} points less accurate")

# %% [markdown] key="judge-note" lang="en"
# - **"Separable layers, as in Xception, win."** At *this* price. The winner changes with the price (above). And SSD against
#   SSS is decided by less than one standard error.
# - **"Conv → depthwise → depthwise is MobileNet's order, so the search rediscovers MobileNet."** It does not. MobileNet has *one* standard
#   convolution, at the entrance, and then 13 depthwise separable ones (Howard et al. 2017, Table 1). In CDD almost all parameters sit in the
#   3×3 convolutions that MobileNet avoids. What resembles MobileNet here is S, or D followed by the next module's 1×1 convolution.
# - **"Three depthwise layers: the search did not even look there."** That says something about 50 trials, nothing about the
#   network. By the note's own scale its purely depthwise network from an earlier section scores *better* than the search's winner.
#
# The search also missed networks that the note itself had trained. CDS and DCS, fourth and fifth of its table by accuracy alone, would be
# fourth and fifth by the penalized score, too; printed there is CSS, twice. Presumably they were not drawn, or they were pruned. A grid
# of 27 trials overlooks nothing.
#
# What the numbers do support: a tenth of the parameters costs about eight points of accuracy here. Whether that is a good bargain, only
# the purpose can tell (chapter 01, "Experiment", quotes the literature).
#
# **Search in the literature** (optional for the exam). NASNet (Zoph et al. 2018) searches a *cell* on CIFAR-10 with a recurrent
# controller trained by reinforcement learning, and stacks it for ImageNet – our "one module, three times" is the same idea in small. EfficientNet (Tan & Le
# 2019) searches a small base network, then scales depth, width and resolution *together* by $\alpha^\phi, \beta^\phi, \gamma^\phi$ with
# $\alpha \beta^2 \gamma^2 \approx 2$ (eq. 3): each step of $\phi$ about doubles the multiplications.
#
# %% [markdown] key="judge-note" lang="ja"
# - **「Xceptionのようにセパラブル中心の構成が強い」** それは**この**値段での話です。値段を変えれば勝者も変わります(上の出力)。しかもSSDとSSSの差は、標準誤差1つ分より
#   小さいのです。
# - **「conv→depthwise→depthwiseはMobileNetの順番なので、探索がMobileNetを再現した」** 違います。MobileNetの通常の畳み込みは入り口の**1つ**だけで、その後は
#   13個のデプスワイズ・セパラブル畳み込みです(Howard et al. 2017, Table 1)。CDDでは、パラメータのほとんどが、MobileNetが避けた3×3の通常の畳み込みにあります。
#   MobileNetに似ているのは、Sや、「Dと次のモジュールの1×1畳み込み」のほうです。
# - **「3連depthwiseは、探索が試しもしなかった」** それは50回の試行についての話で、ネットワークの良し悪しとは別です。記録自身の尺度では、前の節にあるデプスワイズだけの
#   ネットワークのほうが、探索の勝者より**良い**スコアになります。
#
# さらに、この探索は、記録自身が学習済みのネットワークを見落としています。精度だけの表で4位と5位だったCDSとDCSは、ペナルティ付きのスコアでも4位と5位になるはずです。ところが、記録の4位と5位は
# どちらもCSSです。CDSとDCSは選ばれなかったか、枝刈りされたのでしょう。27回のグリッドサーチなら、見落としは起こりません。
#
# 数値から言えるのは、「ここでは、パラメータ数を10分の1にすると、精度が約8ポイント下がる」ということです。それが得かどうかは、用途によります(文献の結果は1章の「実験」に
# あります)。
#
# **文献にある探索**(試験では発展)。NASNet(Zoph et al. 2018)は、強化学習で訓練したRNNのコントローラを使って、CIFAR-10で**セル**を探索し、それを積み重ねてImageNetに
# 使います。「1つのモジュールを3回使う」この章の方法は、その縮小版です。EfficientNet(Tan & Le 2019)は、小さな基本ネットワークを探索し、深さ・幅・解像度を**同時に**
# $\alpha^\phi, \beta^\phi, \gamma^\phi$ 倍します。$\alpha \beta^2 \gamma^2 \approx 2$(式3)なので、$\phi$ が1増えるたびに、計算量(FLOPS)は約2倍になります。
#
# %% key="compound"
alpha, beta, gamma = 1.2, 1.1, 1.15  # Tan & Le 2019, section 4
print(f"alpha * beta^2 * gamma^2 = {alpha * beta**2 * gamma**2:.2f}")
times = 9 * 128 * 128 / (9 * 64 * 64)
print(f"doubling the width alone multiplies a convolution's weights by {times:.0f}")
assert abs(alpha * beta**2 * gamma**2 - 2) < 0.1

# %% [markdown] key="mistake-test" lang="en"
# ## Common mistakes
#
# ### "Choose by the test accuracy, and report it"
#
# The stored curves, with 100 test pictures drawn from the 500: choose the best of 27 networks and 8 epochs by them, as the note
# does, and look at the other 400. (Drawn for each network independently; with shared pictures the effect is somewhat smaller.)
#
# %% [markdown] key="mistake-test" lang="ja"
# ## よくある誤り
#
# ### 「テスト精度で選び、その値を報告する」
#
# 保存済みの曲線を使い、500枚のうち100枚をテストデータとします。先の記録のように、27通り×8エポックの中で最良のものをこの100枚で選び、残りの400枚での精度を見ます
# (画像はネットワークごとに独立に選んでいます。同じ画像を使うと、効果はやや小さくなります)。
#
# %% key="mistake-test-run"
right = np.rint(500 * measured.test[:, 0]).astype(int).ravel()  # of 27 networks × 8 epochs
rng = np.random.default_rng(0)
shown, kept = [], []
for _ in range(500):
    sample = rng.hypergeometric(right, 500 - right, 100)
    place = sample.argmax()
    shown.append(sample[place] / 100)
    kept.append((right[place] - sample[place]) / 400)
gap = 100 * (np.mean(shown) - np.mean(kept))
print(f"reported {np.mean(shown):.3f}, fresh pictures {np.mean(kept):.3f}: {gap:.1f} points less")
assert gap > 1

# %% [markdown] key="mistake-prune" lang="en"
# ### "Prune by the error, minimize error plus penalty"
#
# The note reports the bare error to the pruner and minimizes the penalized score; its author noticed afterwards. On the stored curves the
# best network by score is small and learns slowly at first, so the pruner stops it in most orders:
#
# %% [markdown] key="mistake-prune" lang="ja"
# ### 「枝刈りは誤差で、最小化は誤差+ペナルティで」
#
# この記録では、枝刈りには誤差だけを渡し、最小化はペナルティ付きのスコアで行っています(著者も後で気づいています)。保存済みの曲線では、
# スコアが最良のネットワークは小さく、立ち上がりが遅いので、多くの順番で打ち切られてしまいます。
#
# %% key="mistake-prune-run"
penalty = 0.05 * sizes / table.PER
totals = errors + penalty[:, None]
best_place = totals[:, -1].argmin()
stopped_by = {"the error": 0, "the score": 0}
for repeat in range(200):
    order = np.random.default_rng(repeat).permutation(27)
    for what, curves in (("the error", errors), ("the score", totals)):
        stopped_by[what] += run(curves[order])[order == best_place][0] < 8
print(f"best by score: {names[best_place]} ({sizes[best_place]:,} parameters)")
for what, times in stopped_by.items():
    print(f"pruned by {what}: it is stopped in {times / 2:.0f} % of 200 orders")
assert stopped_by["the error"] > 2 * stopped_by["the score"]

# %% [markdown] key="mistake-repeat" lang="en"
# ### "50 trials cover 27 configurations better than the grid"
#
# At least 23 of them are repeats, and even so some configurations may never be drawn. In a finite space, count first.
#
# %% [markdown] key="mistake-repeat" lang="ja"
# ### 「27通りなら、50回試行すればグリッドより網羅できる」
#
# 少なくとも23回は重複です。それでも、一度も選ばれない構成が残ることがあります。有限の空間では、まず数えましょう。
#
# %% key="mistake-repeat-run"
missed = []
for seed in range(5):
    sampler = optuna.samplers.RandomSampler(seed=seed)
    random_study = optuna.create_study(sampler=sampler)
    random_study.optimize(lambda trial: len(set(space.suggest(trial))), n_trials=50)
    missed.append(27 - len({space.layers_of(trial) for trial in random_study.trials}))
print("configurations that 50 random trials never tried, five searches:", missed)
print(f"expected: 27 · (26/27)^50 = {27 * (26 / 27) ** 50:.1f}")
assert max(missed) > 0


# %% [markdown] key="mistake-multi" lang="en"
# ### "Pruning works with two objectives too"
#
# In Optuna it does not: with several objectives there is no order to compare curves by.
#
# %% [markdown] key="mistake-multi" lang="ja"
# ### 「目的が2つでも枝刈りできる」
#
# Optunaではできません。目的が複数あると、曲線を比べるための順序が決まらないからです。
#
# %% key="mistake-multi-run"
def reports(trial):
    trial.report(0.5, 0)
    return 0.5, 1


try:
    optuna.create_study(directions=["minimize", "minimize"]).optimize(reports, n_trials=1)
    raise AssertionError("Optuna accepted a report with two objectives")
except NotImplementedError as error:
    print("NotImplementedError:", str(error).split(". ")[0])

# %% [markdown] key="mistake-retired" lang="en"
# ### Code of 2019
#
# The note used Optuna 0.5. What to write now:
#
# | old | now |
# |---|---|
# | `trial.should_prune(step)` | `trial.report(value, step)`, then `trial.should_prune()` |
# | `raise optuna.structs.TrialPruned()` | `raise optuna.TrialPruned` |
# | `trial.suggest_uniform("rate", a, b)` | `trial.suggest_float("rate", a, b)`; `log=True` for rates |
# | `max(history["val_acc"])` | `history["val_accuracy"][-1]`: the name you gave, and no maximum over the epochs |
# | `keras` and `tf.keras` side by side | `import keras` |
# | `np_utils.to_categorical(y, 10)` | nothing: integer labels with `sparse_categorical_crossentropy` |
#
# %% [markdown] key="mistake-retired" lang="ja"
# ### 2019年のコード
#
# この記録はOptuna 0.5を使っています。現在の書き方は次のとおりです。
#
# | 古い書き方 | 現在の書き方 |
# |---|---|
# | `trial.should_prune(step)` | `trial.report(value, step)` の後に `trial.should_prune()` |
# | `raise optuna.structs.TrialPruned()` | `raise optuna.TrialPruned` |
# | `trial.suggest_uniform("rate", a, b)` | `trial.suggest_float("rate", a, b)`。学習率なら `log=True` |
# | `max(history["val_acc"])` | `history["val_accuracy"][-1]`。`metrics` で付けた名前を使い、エポックについての最大値は取らない |
# | `keras` と `tf.keras` の混在 | `import keras` |
# | `np_utils.to_categorical(y, 10)` | 不要。整数ラベルのまま `sparse_categorical_crossentropy` を使う |
#
# %% key="mistake-retired-run"
assert not hasattr(optuna, "structs") and issubclass(optuna.TrialPruned, Exception)
assert not hasattr(keras.utils, "np_utils")
trial = optuna.create_study().ask()
try:
    trial.should_prune(3)
    raise AssertionError("Optuna accepted a step")
except TypeError:
    print("should_prune takes no step any more")
curve = measured.validation[:, 0]
more = 100 * np.mean(curve.max(axis=1) - curve[:, -1])
print(f"maximum over the epochs instead of the last: {more:.2f} points more on average")
assert np.all(curve.max(axis=1) >= curve[:, -1])


# %% [markdown] key="ex-median-text" lang="en"
# ## Exercises
#
# Fill the blank, run the cell, then run the check below it. Each exercise needs only the setup and the imports at the top.
#
# ### 1. The median rule
#
# `curve` holds the errors of the running trial up to now, `finished` the whole curves of the trials that reached their end. Return True if
# the trial must stop. (Nothing is stopped as long as fewer than `startup` trials have finished.)
#
# %% [markdown] key="ex-median-text" lang="ja"
# ## 演習
#
# 空欄を埋めてセルを実行し、続けてすぐ下の確認セルを実行してください。どの演習も、冒頭の準備とimportのセルだけを実行しておけば始められます。
#
# ### 1. 中央値ルール
#
# `curve` は実行中の試行のこれまでの誤差、`finished` は最後まで完了した試行の誤差です。打ち切るべきなら True を返してください(完了した試行が `startup` 個に
# 満たないうちは、打ち切りません)。
#
# %% key="ex-median" tags=["exercise"]
def should_stop(curve, finished, startup):
    """curve: list of errors so far; finished: list of whole curves -> bool."""
    if len(finished) < startup:
        return False
    ### BEGIN SOLUTION
    step = len(curve) - 1
    return bool(min(curve) > np.median([other[step] for other in finished]))
    ### END SOLUTION


# %% key="ex-median-check" tags=["edition-output"]
exam.check(should_stop, **exercises.MEDIAN)


# %% [markdown] key="ex-front-text" lang="en"
# ### 2. The Pareto front
#
# `points` has one row for each network, all objectives are to be minimized. Return the row numbers of the front, in ascending order.
#
# %% [markdown] key="ex-front-text" lang="ja"
# ### 2. パレートフロント
#
# `points` は1行が1つのネットワークで、すべての目的を最小化します。フロントにある行番号を、昇順のリストで返してください。
#
# %% key="ex-front" tags=["exercise"]
def front_rows(points):
    """points (n, objectives) -> list of int."""
    ### BEGIN SOLUTION
    front = []
    for i, point in enumerate(points):
        dominated = [np.all(other <= point) and np.any(other < point) for other in points]
        if not any(dominated):
            front.append(i)
    return front
    ### END SOLUTION


# %% key="ex-front-check" tags=["edition-output"]
exam.check(front_rows, **exercises.FRONT)


# %% [markdown] key="ex-price-text" lang="en"
# ### 3. At what price do two networks tie?
#
# Network A has error `error_a` and `count_a` parameters, B likewise; A is larger and more accurate. Return the error (as a share) that 250,000
# parameters must cost so that both have the same score.
#
# %% [markdown] key="ex-price-text" lang="ja"
# ### 3. 2つのネットワークが並ぶ値段
#
# ネットワークAの誤差は `error_a`、パラメータ数は `count_a` で、Bも同様です。AはBより大きく、誤差が小さいとします。両者のスコアが等しくなるような、パラメータ25万個あたりの
# 誤差(割合)を返してください。
#
# %% key="ex-price" tags=["exercise"]
def tie(error_a, count_a, error_b, count_b):
    """Price of 250,000 parameters, as a share of error."""
    ### BEGIN SOLUTION
    return 250_000 * (error_b - error_a) / (count_a - count_b)
    ### END SOLUTION


# %% key="ex-price-check" tags=["edition-output"]
exam.check(tie, **exercises.PRICE)


# %% [markdown] key="quiz-text" lang="en"
# ## Exam questions
#
# Four choices, one right. Decide first, then open the answer: it says which mistake leads to each wrong choice.
#
# %% [markdown] key="quiz-text" lang="ja"
# ## 確認テスト
#
# 4択で、正解は1つです。まず自分で選び、それから解答を開いてください。誤答の選択肢には、どの間違いからその答えになるかを書いてあります。
#
# %% key="quiz" tags=["edition-output"]
exam.quiz("02_architecture_search")

# %% [markdown] key="references" lang="en"
# ## References
#
# - J. Bergstra, Y. Bengio (2012), *Random search for hyper-parameter optimization*, JMLR 13. Grid against random: Figure 1.
# - J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl (2011), *Algorithms for hyper-parameter optimization*, NeurIPS. TPE: §4.
# - S. Watanabe (2023), *Tree-structured Parzen estimator*, arXiv:2304.11127: the details that implementations add.
# - T. Akiba, S. Sano, T. Yanase, T. Ohta, M. Koyama (2019), *Optuna*, KDD, arXiv:1907.10902.
# - D. Golovin et al. (2017), *Google Vizier*, KDD. The median stopping rule: §3.2.
# - K. Jamieson, A. Talwalkar (2016), *Non-stochastic best arm identification and hyperparameter optimization*, AISTATS,
#   arXiv:1502.07943: successive halving. L. Li et al. (2018), *Hyperband*, JMLR 18, arXiv:1603.06560.
# - G. C. Cawley, N. L. C. Talbot (2010), *On over-fitting in model selection and subsequent selection bias in performance
#   evaluation*, JMLR 11.
# - E. Zitzler, L. Thiele (1998), *Multiobjective optimization using evolutionary algorithms*, PPSN V: the hypervolume.
# - C. Ying et al. (2019), *NAS-Bench-101*, ICML, arXiv:1902.09635: tabular benchmarks.
# - B. Zoph, V. Vasudevan, J. Shlens, Q. V. Le (2018), *Learning transferable architectures for scalable image recognition*, CVPR,
#   arXiv:1707.07012 (NASNet). M. Tan, Q. V. Le (2019), *EfficientNet*, ICML, arXiv:1905.11946: compound scaling in §3.3, eq. (3).
# - A. G. Howard et al. (2017), *MobileNets*, arXiv:1704.04861, Table 1. F. Chollet (2017), *Xception*, arXiv:1610.02357.
# - Optuna 5 documentation: storages, heartbeats, pruners. The search and its two tables: a Japanese study note on Qiita by
#   koshian2 (2019).
#
# **Next** 03 and 04 build the networks that people found without a search; 06 measures what a small one really saves.
#
# %% [markdown] key="references" lang="ja"
# ## 参考文献
#
# - J. Bergstra, Y. Bengio (2012), *Random search for hyper-parameter optimization*, JMLR 13. グリッドとランダムの比較:Figure 1。
# - J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl (2011), *Algorithms for hyper-parameter optimization*, NeurIPS. TPE:§4。
# - S. Watanabe (2023), *Tree-structured Parzen estimator*, arXiv:2304.11127:実装で加えられる細部。
# - T. Akiba, S. Sano, T. Yanase, T. Ohta, M. Koyama (2019), *Optuna*, KDD, arXiv:1907.10902.
# - D. Golovin et al. (2017), *Google Vizier*, KDD. 中央値による打ち切り:§3.2。
# - K. Jamieson, A. Talwalkar (2016), *Non-stochastic best arm identification and hyperparameter optimization*, AISTATS,
#   arXiv:1502.07943:successive halving。L. Li et al. (2018), *Hyperband*, JMLR 18, arXiv:1603.06560.
# - G. C. Cawley, N. L. C. Talbot (2010), *On over-fitting in model selection and subsequent selection bias in performance
#   evaluation*, JMLR 11.
# - E. Zitzler, L. Thiele (1998), *Multiobjective optimization using evolutionary algorithms*, PPSN V:ハイパーボリューム。
# - C. Ying et al. (2019), *NAS-Bench-101*, ICML, arXiv:1902.09635:表形式のベンチマーク。
# - B. Zoph, V. Vasudevan, J. Shlens, Q. V. Le (2018), *Learning transferable architectures for scalable image recognition*, CVPR,
#   arXiv:1707.07012(NASNet)。M. Tan, Q. V. Le (2019), *EfficientNet*, ICML, arXiv:1905.11946:複合スケーリングは§3.3、式(3)。
# - A. G. Howard et al. (2017), *MobileNets*, arXiv:1704.04861, Table 1。F. Chollet (2017), *Xception*, arXiv:1610.02357.
# - Optuna 5のドキュメント:ストレージ、ハートビート、枝刈り。27通りの探索と2つの結果表:学習ノート(koshian2、Qiita、2019年)。
#
# **次の章** 3章と4章では、人が(探索なしに)見つけてきたネットワークを組み立てます。6章では、小さなネットワークで実際に何が節約できるかを測ります。

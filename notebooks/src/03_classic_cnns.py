# ---
# study:
#   title: {en: "Classic CNNs", ja: "古典的なCNN"}
#   scope: legacy
#   minutes: 150
#   topics: ["3.4.4", "4.1.4"]
#   prerequisites: ["01_convolution"]
#   tpu: true
# ---
# %% [markdown] key="title" lang="en"
# # 03 · Classic CNNs
#
# {{badge}}
#
# From LeNet to GoogLeNet. After this chapter you can take the table of a network you have never seen and say, with pencil and
# paper, how large every map is, how many parameters it has and what it costs. One idea carries it all: **a network is a table –
# read it line by line, and everything follows.**
#
# **Pooling, global average pooling and 1×1 convolution: examined** (syllabus 3.4.4, 3.4.2) · **The networks themselves: legacy**
# (4.1.4; VGG and older nets are no longer named, but questions on sizes and parameters are asked on tables like theirs) ·
# **Time** two evenings of 75 minutes (the first: up to "A table by hand" and exercises 1 and 2) · **You need** chapter 01:
# output sizes, MACs, receptive field
#
# %% [markdown] key="title" lang="ja"
# # 03 · 古典的なCNN
#
# {{badge}}
#
# LeNetからGoogLeNetまでを扱います。この章を終えると、初めて見るネットワークの表からでも、各層の特徴マップの大きさ、パラメータ数、計算量を
# 紙と鉛筆で求められるようになります。鍵となる考え方は1つです。**ネットワークとは表である。1行ずつ読めば、すべてが求まる。**
#
# **プーリング、グローバル平均プーリング(GAP)、1×1畳み込みは試験範囲**(シラバス 3.4.4、3.4.2)· **個々のネットワークは発展/legacy**
# (4.1.4。VGGとそれ以前のネットワークは、現在のシラバスでは名指しされていません。ただし、サイズやパラメータ数は、こうした表を題材に問われます)·
# **所要時間** 75分 × 2晩(1晩目は「表を手でたどる」までと演習1・2)· **前提** 1章(出力サイズ、MAC、受容野)
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
import gc
import math
from dataclasses import replace
from types import SimpleNamespace

import keras
import matplotlib.pyplot as plt
import numpy as np

from utils import datasets, exam, plots, training
from utils.exam.exercises import classic as exercises
from utils.gradient_check import check_layer, keras_gradients, numerical_gradient, relative_error
from utils.keras_models import alexnet, googlenet, layer_table, lenet, nin, vgg, zfnet
from utils.keras_models import local_response_normalization as lrn
from utils.numpy_layers.local_response_normalization import LocalResponseNormalization
from utils.numpy_layers.pooling import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    LpPooling2D,
    MaxPooling2D,
)
from utils.pictures import inception, networks, pooling, timeline, windows

plots.style()

# %% [markdown] key="table" lang="en"
# ## Key ideas
#
# ### A network is a table
#
# LeNet-5 (LeCun et al. 1998) is the ancestor: two convolutions, each followed by pooling, then dense layers. The table below is
# not typed. It is read off the model: kernel, filters, stride, padding, what follows, output, parameters, multiplications (MACs).
# (In the paper S2 and S4 add 2×2 pixels, multiply by a trainable coefficient and add a bias. Here that is average pooling, which
# has no weights, and a row of its own, `s2_scale`: a 1×1 depthwise convolution, one weight and one bias a map.)
#
# %% [markdown] key="table" lang="ja"
# ## 要点
#
# ### ネットワークは表である
#
# 原点はLeNet-5(LeCun et al. 1998)です。畳み込みとプーリングを2回繰り返し、全結合層につなぎます。下の表は手で書いたものではなく、
# モデルから読み取ったものです。カーネル、フィルタ数、ストライド、パディング、続く処理、出力の形状、パラメータ数、乗算回数(MAC)が並びます。
# 論文のS2とS4は、2×2画素の和に学習する係数を掛け、バイアスを足します。ここではそれを、重みのない平均プーリングと、マップごとに重み1個・バイアス1個の
# 1×1デプスワイズ畳み込み(`s2_scale` などの行)に分けています。
#
# %% key="table-lenet"
model = lenet.lenet()
print(layer_table.text(model))
networks.stages(layer_table.rows(model), "LeNet-5")
plt.show()


# %% [markdown] key="read-table" lang="en"
# Every line needs only the line above it. Four rules read all tables of this chapter (but for LeNet's two depthwise rows, $C$ weights
# and $C$ biases each):
#
# | line | output | parameters | MACs |
# |---|---|---|---|
# | convolution $k \times k$, $F$ filters | $\lfloor (i + 2p - k)/s \rfloor + 1$, $F$ channels | $k^2 C F + F$ | $k^2 C F \times$ output positions |
# | pooling $k \times k$ | the same formula, $C$ channels | 0 | 0 |
# | flatten, then dense, $U$ units | $U$ | $(H W C)\,U + U$ | $(H W C)\,U$ |
# | global average pooling, then dense | $U$ | $C\,U + U$ | $C\,U$ |
#
# ($i$ input size, $p$ padding, $s$ stride; $H \times W \times C$ comes in. A dense layer behind a dense layer: last row.) Compare the last two lines: the factor $H W$ is gone. It is the story of this chapter.
#
# ### Where are the parameters, and where is the work?
#
# %% [markdown] key="read-table" lang="ja"
# どの行も、1つ上の行さえわかれば計算できます。次の4つの規則で、この章の表は読めます(例外はLeNetのデプスワイズの2行だけで、
# 重み $C$ 個とバイアス $C$ 個です)。
#
# | 行 | 出力 | パラメータ数 | MAC |
# |---|---|---|---|
# | 畳み込み $k \times k$、フィルタ $F$ 個 | $\lfloor (i + 2p - k)/s \rfloor + 1$、$F$ チャネル | $k^2 C F + F$ | $k^2 C F \times$ 出力の位置の数 |
# | プーリング $k \times k$ | 同じ公式、$C$ チャネル | 0 | 0 |
# | 平坦化 → 全結合、$U$ ユニット | $U$ | $(H W C)\,U + U$ | $(H W C)\,U$ |
# | GAP → 全結合、$U$ ユニット | $U$ | $C\,U + U$ | $C\,U$ |
#
# ($i$ は入力サイズ、$p$ はパディング、$s$ はストライド、入力の形状は $H \times W \times C$ です。全結合層が続くときは最後の行と同じです。)最後の2行を見比べてください。因子 $H W$ が消えています。この違いが、この章の要です。
#
# ### パラメータはどこにあり、計算はどこで行われるか
#
# %% key="costs"
def look(builder, **options):
    """Build a network, keep its layer table, and give its memory back at once."""
    network = builder(**options)
    found = SimpleNamespace(
        rows=layer_table.rows(network),
        parameters=layer_table.parameters(network),
        macs=layer_table.macs(network),
    )
    del network
    gc.collect()
    return found


zoo = {"VGG16": look(vgg.vgg16)}
networks.costs(layer_table.fold(zoo["VGG16"].rows), "VGG16, 1000 classes")
plt.show()
dense = [row for row in zoo["VGG16"].rows if row.kind == "Dense"]
share = sum(row.parameters for row in dense) / zoo["VGG16"].parameters
work = sum(row.macs for row in dense) / zoo["VGG16"].macs
print(f"dense layers: {100 * share:.1f} % of the parameters, ", end="")
print(f"{100 * work:.1f} % of the multiplications")
assert share > 0.89

# %% [markdown] key="two-places" lang="en"
# **In AlexNet and VGG, parameters sit in the dense layers, multiplications in the convolutions.** A dense weight works once per image; a convolution's weight
# works at every position, 50,176 times in the first layers of VGG16. (From block to block the map has a quarter of the positions and a
# kernel four times the weights. So up to block 4 every layer that keeps its channels costs the same 1.85 G.)
#
# So there are two ways to save, and they hit different places:
#
# - **Global average pooling** (GAP; Lin et al. 2014) replaces Flatten. A map of $7 \times 7$ becomes one number, its mean. The
#   first dense layer shrinks to a 49th, and the network accepts images of any size.
# - A **1×1 convolution** mixes the channels of each pixel. Put before an expensive layer, it reduces the channels that layer has to read.
#
# %% [markdown] key="two-places" lang="ja"
# **AlexNetやVGGでは、パラメータは全結合層に、計算は畳み込み層に集中しています。** 全結合層の重みは画像1枚につき1回しか働きませんが、畳み込みの重みは位置ごとに働きます。
# VGG16の最初の2層では50,176回です(ブロックが進むたびに、位置の数は4分の1、カーネルの重みは4倍になります。そのため、チャネル数を変えない
# 層の計算量は、ブロック4までどれも同じ1.85 Gです)。
#
# そこで、節約の方法も2つあり、効く場所が違います。
#
# - **グローバル平均プーリング(global average pooling, GAP;Lin et al. 2014)** は、平坦化の代わりに使います。$7 \times 7$ の特徴マップを、平均値1個に
#   まとめます。最初の全結合層は49分の1になり、どんな大きさの画像でも受け付けられます。
# - **1×1畳み込み** は、画素ごとにチャネルを混ぜます。計算量の多い層の前に置けば、その層が読むチャネル数を減らせます。
#
# %% key="heads"
pooling.heads(side=7, channels=512, units=4096)
plt.show()

# %% [markdown] key="pooling-idea" lang="en"
# ### Pooling: summarize a window
#
# Pooling slides a window as a convolution does, but it has no weights and treats each channel by itself. With the window $R$
# of $m$ pixels:
#
# $$\text{max: } y = \max_{i \in R} x_i \qquad \text{average: } y = \frac{1}{m} \sum_{i \in R} x_i \qquad L_p\text{: } y = \Big(\frac{1}{m} \sum_{i \in R} |x_i|^p\Big)^{1/p}$$
#
# $L_p$ pooling stands between the two: on values $\ge 0$ it is the average for $p = 1$, and tends to the maximum for
# $p \to \infty$. Global average pooling takes the whole map as its window.
#
# %% [markdown] key="pooling-idea" lang="ja"
# ### プーリング:窓を要約する
#
# プーリングは、畳み込みと同じように窓をずらしますが、重みを持たず、チャネルごとに独立に働きます。$m$ 画素の窓を $R$ とすると、
#
# $$\text{最大値: } y = \max_{i \in R} x_i \qquad \text{平均: } y = \frac{1}{m} \sum_{i \in R} x_i \qquad L_p\text{: } y = \Big(\frac{1}{m} \sum_{i \in R} |x_i|^p\Big)^{1/p}$$
#
# $L_p$ プーリングは両者をつなぐものです。値が0以上なら、$p = 1$ で平均値になり、$p \to \infty$ で最大値に近づきます。グローバル平均プーリングは、
# 特徴マップ全体を1つの窓とします。
#
# %% key="pooling-figure"
x_paper = np.array([[1, 3, 2, 0], [5, 1, 1, 1], [0, 4, 6, 2], [2, 2, 3, 1]], "float64")
pooling.four_ways(x_paper)
plt.show()

# %% [markdown] key="timeline-text" lang="en"
# ### Sixteen years in one picture
#
# Parameters and MACs are counted from our models. The errors are those that the papers print for **one** network on ImageNet's
# validation set: AlexNet 18.2 (Krizhevsky et al. 2012, Table 2), ZFNet 16.5 (Zeiler & Fergus 2014, Table 2), VGG16 8.1 and VGG19
# 8.0 (Simonyan & Zisserman 2015, Table 3), GoogLeNet 10.07 (Szegedy et al. 2015, Table 3). They are no fair race: AlexNet
# averages ten crops of an image, VGG runs over the whole image and trains at several scales, GoogLeNet's figure is one model on one crop. LeNet and NIN
# (Network in Network: each convolution followed by two 1×1 convolutions, GAP at the end) were not trained on ImageNet in their
# papers; NIN stands here with the sizes of a study note of 2019 (128×128, 2 classes). The years are those of the competition (LeNet
# and NIN: of publication).
#
# %% [markdown] key="timeline-text" lang="ja"
# ### 16年を1枚で見る
#
# パラメータ数とMACは、この教材のモデルから数えたものです。誤り率は、各論文がImageNetの検証データについて、**単一の**ネットワークの値として載せている
# ものです。AlexNetが18.2(Krizhevsky et al. 2012, Table 2)、ZFNetが16.5(Zeiler & Fergus 2014, Table 2)、VGG16が8.1、VGG19が8.0
# (Simonyan & Zisserman 2015, Table 3)、GoogLeNetが10.07(Szegedy et al. 2015, Table 3)です。ただし、条件が揃っているわけではありません。
# AlexNetは1枚の画像から切り出した10クロップの平均、VGGは画像全体への適用と複数スケールでの学習、GoogLeNetの値は単一モデル・1クロップでの
# 値です。LeNetと、NIN(Network in Network。各畳み込みの後に1×1畳み込みを2層置き、最後にGAPを使う)は、論文ではImageNetで学習していません。NINは、
# 2019年のある学習ノートのサイズ(128×128、2クラス)で載せています。年は大会の年(LeNetとNINは発表年)です。
#
# %% key="timeline"
zoo |= {
    "LeNet": look(lenet.lenet),
    "AlexNet": look(alexnet.alexnet),
    "ZFNet": look(zfnet.zfnet),
    "NIN": look(nin.nin, input_shape=(128, 128, 3), classes=2),
    "VGG19": look(vgg.vgg19),
    "GoogLeNet": look(googlenet.googlenet),
}
STATED = [
    ("LeNet", 1998, None),
    ("AlexNet", 2012, 18.2),
    ("ZFNet", 2013, 16.5),
    ("NIN", 2014, None),
    ("VGG16", 2014, 8.1),
    ("VGG19", 2014, 8.0),
    ("GoogLeNet", 2014, 10.07),
]
timeline.timeline([(n, year, zoo[n].parameters, zoo[n].macs, error) for n, year, error in STATED])
plt.show()
for name, _, _ in STATED:
    print(f"{name:10} {zoo[name].parameters:12,} parameters {zoo[name].macs:15,} MACs")
counted = {name: zoo[name].parameters for name in ("AlexNet", "NIN", "VGG16", "VGG19")}
assert list(counted.values()) == [62_378_344, 965_442, 138_357_544, 143_667_240]


# %% [markdown] key="six-sentences" lang="en"
# GoogLeNet has a twentieth of VGG16's parameters and a tenth of its multiplications: no large dense layer, and 1×1 convolutions
# everywhere.
#
# **Six sentences to take into the exam**
#
# 1. Pooling has no parameters and keeps the number of channels. Its output size follows the convolution's formula.
# 2. Backward, max pooling hands the gradient to the winner alone; average pooling hands each pixel $1/m$ of it.
# 3. Flatten makes $H W C$ features and fixes the image size. GAP makes $C$ and does not.
# 4. Two 3×3 layers see as far as one 5×5, with $18 C^2$ weights instead of $25 C^2$; three see as far as one 7×7, $27 C^2$ instead of $49 C^2$.
# 5. A 1×1 convolution is a dense layer applied at each pixel: $C F$ weights, receptive field unchanged.
# 6. An inception module runs 1×1, 3×3, 5×5 and pooling side by side and **concatenates** their channels; 1×1 reductions make it
#    affordable.
#
# %% [markdown] key="six-sentences" lang="ja"
# GoogLeNetのパラメータ数はVGG16の約20分の1、乗算回数は約10分の1です。大きな全結合層がなく、1×1畳み込みを至るところで使っています。
#
# **試験前に覚えておく6項目**
#
# 1. プーリングにパラメータはなく、チャネル数は変わらない。出力サイズは畳み込みと同じ公式で求まる。
# 2. 逆伝播では、最大値プーリングは最大の画素だけに勾配を渡す。平均プーリングは各画素に $1/m$ ずつ渡す。
# 3. 平坦化は $H W C$ 個の特徴を作り、画像サイズを固定する。GAPは $C$ 個で、サイズを固定しない。
# 4. 3×3を2層重ねると5×5を1層と同じ範囲が見え、重みは $25 C^2$ でなく $18 C^2$。3層なら7×7と同じ範囲で、$49 C^2$ が $27 C^2$ で済む。
# 5. 1×1畳み込みは、画素ごとに適用する全結合層である。重みは $C F$ 個、受容野は変わらない。
# 6. インセプションモジュールは、1×1、3×3、5×5、プーリングを並列に行い、チャネル方向に**連結**する。1×1畳み込みであらかじめ
#    チャネル数を減らし、計算量を抑える。
#
# %% [markdown] key="pool-forward-text" lang="en"
# ## From the formula to NumPy
#
# ### Pooling forward
#
# One channel. The three formulas differ only in how they summarize the window, so the window's summary is an argument.
#
# %% [markdown] key="pool-forward-text" lang="ja"
# ## 数式とコード
#
# ### プーリングの順伝播
#
# 1チャネルで考えます。3つの式は窓の要約のしかたが違うだけなので、窓を要約する関数を引数にします。
#
# %% key="pool-forward"
def pool(x, k, s, summary):
    """x (H, W) -> y (H_out, W_out); no padding."""
    y = np.zeros(((x.shape[0] - k) // s + 1, (x.shape[1] - k) // s + 1))
    for i, j in np.ndindex(y.shape):
        y[i, j] = summary(x[s * i : s * i + k, s * j : s * j + k])
    return y


def lp(p):
    """The summary of Lp pooling."""
    return lambda window: np.mean(np.abs(window) ** p) ** (1 / p)


for name, summary in (("max", np.max), ("L2", lp(2)), ("average", np.mean)):
    print(f"{name:8} {pool(x_paper, 2, 2, summary).round(2).tolist()}")
print(f"overlapping (k = 3, s = 1), max: {pool(x_paper, 3, 1, np.max).tolist()}")
assert pool(x_paper, 2, 2, np.max).tolist() == [[5, 2], [4, 6]]
assert math.isclose(pool(x_paper, 2, 2, lp(2))[0, 0], 3)  # √((1 + 9 + 25 + 1) / 4)

# %% [markdown] key="lp-text" lang="en"
# By hand: $\sqrt{(1 + 9 + 25 + 1)/4} = \sqrt 9 = 3$, between the average 2.5 and the maximum 5. Turn the knob $p$:
#
# %% [markdown] key="lp-text" lang="ja"
# 手計算では $\sqrt{(1 + 9 + 25 + 1)/4} = \sqrt 9 = 3$ で、平均の2.5と最大の5の間にあります。$p$ を変えてみましょう。
#
# %% key="lp-limit"
window = x_paper[:2, :2]
for p in (1, 2, 4, 8, 16, 64):
    print(f"p = {p:2d}:  {lp(p)(window):.3f}")
assert math.isclose(lp(1)(window), window.mean()) and abs(lp(64)(window) - window.max()) < 0.12
without = np.sum(np.abs(window))
print(f"without the factor 1/m (as PyTorch's LPPool2d), p = 1: {without:.0f}, the sum")

# %% [markdown] key="pool-backward-text" lang="en"
# ### Pooling backward
#
# $y = \max_i x_i$ *is* one of the pixels. Move that pixel a little, and $y$ moves as much; move another one, and nothing happens.
# So $\partial y/\partial x_i$ is 1 for the winner and 0 for the others. For the average it is $1/m$ for all; for $L_p$, by the
# chain rule, something between:
#
# $$\frac{\partial y}{\partial x_i} = \frac{1}{m}\,\mathrm{sign}(x_i) \left(\frac{|x_i|}{y}\right)^{p-1}$$
#
# If several pixels share the maximum, the derivative does not exist. Frameworks choose one; TensorFlow on a CPU the first in reading order.
# If a whole $L_p$ window is 0, we set the gradient to 0.
#
# %% [markdown] key="pool-backward-text" lang="ja"
# ### プーリングの逆伝播
#
# $y = \max_i x_i$ は、画素の1つ**そのもの**です。その画素を少し動かせば $y$ も同じだけ動き、ほかの画素を動かしても何も起こりません。したがって
# $\partial y/\partial x_i$ は、最大の画素では1、ほかでは0です。平均なら、すべて $1/m$ です。$L_p$ では、連鎖律により両者の中間になります。
#
# $$\frac{\partial y}{\partial x_i} = \frac{1}{m}\,\mathrm{sign}(x_i) \left(\frac{|x_i|}{y}\right)^{p-1}$$
#
# 最大値の画素が複数あると、微分は存在しません。フレームワークはどれか1つを選びます(CPU上のTensorFlowでは、左上から行ごとに見て最初の画素)。
# $L_p$ の窓がすべて0のときは、勾配を0とします。
#
# %% key="pool-backward-figure"
pooling.gradients(x_paper, np.array([[8, 4], [12, 20]]))
plt.show()


# %% key="pool-backward"
def max_share(window):
    share = np.zeros(window.size)
    share[window.argmax()] = 1  # the first one, if several are equal
    return share.reshape(window.shape)


def average_share(window):
    return np.full(window.shape, 1 / window.size)


def lp_share(p):
    def share(w):
        y = lp(p)(w)
        return np.sign(w) * (np.abs(w) / y) ** (p - 1) / w.size if y else np.zeros(w.shape)

    return share


def pool_backward(dy, x, k, s, share):
    """dy (H_out, W_out) -> dx (H, W): each window hands its gradient on; shares add up."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        at = slice(s * i, s * i + k), slice(s * j, s * j + k)
        dx[at] += dy[i, j] * share(x[at])
    return dx


WAYS = {
    "max": (np.max, max_share),
    "average": (np.mean, average_share),
    "L3": (lp(3), lp_share(3)),
}
rng = np.random.default_rng(0)
x_small = rng.standard_normal((6, 5))
for name, (summary, share) in WAYS.items():
    for k, s in ((2, 2), (3, 1)):
        dy = rng.standard_normal(pool(x_small, k, s, summary).shape)

        def loss(dy=dy, k=k, s=s, summary=summary):
            return np.sum(dy * pool(x_small, k, s, summary))

        dx = pool_backward(dy, x_small, k, s, share)
        assert relative_error(dx, numerical_gradient(loss, x_small)) < 1e-6
    print(f"{name:8} dx against the numerical gradient: < 1e-6")
assert not lp_share(3)(np.zeros((2, 2))).any()


# %% [markdown] key="gap-text" lang="en"
# ### Global average pooling, and what it commutes with
#
# $y_{n,c} = \frac{1}{HW}\sum_{i,j} x_{n,i,j,c}$ is one line. A fact worth knowing: averaging over positions and mixing channels
# by a 1×1 convolution are both linear and work on different axes, so their order does not matter. "1×1 convolution with one filter a
# class, then GAP" and "GAP, then a dense layer" (most networks since) are the same function with the same weights – as long as no
# activation stands between: NIN (Lin et al. 2014) takes the first way, but puts a ReLU before its GAP.
#
# %% [markdown] key="gap-text" lang="ja"
# ### グローバル平均プーリングと、順序の入れ替え
#
# $y_{n,c} = \frac{1}{HW}\sum_{i,j} x_{n,i,j,c}$ は、1行で書けます。知っておくとよい事実があります。位置についての平均も、1×1畳み込みによるチャネルの
# 混合も線形で、働く軸が違うので、順序を入れ替えても結果は同じです。間に活性化関数がなければ、「クラス数のフィルタを持つ1×1畳み込み → GAP」と
# 「GAP → 全結合層」(その後の多くのネットワーク)は、同じ重みを持つ同じ関数です。NIN(Lin et al. 2014)は前者の形ですが、GAPの前にReLUがあるので、
# 厳密には一致しません。
#
# %% key="gap"
def gap(x):
    """x (N, H, W, C) -> (N, C)."""
    return x.mean(axis=(1, 2))


rng = np.random.default_rng(1)
maps = rng.standard_normal((2, 6, 7, 8))
weights, bias = rng.standard_normal((8, 10)), rng.standard_normal(10)
pointwise_way = gap(maps @ weights + bias)  # a 1×1 convolution is a matrix product on the last axis
dense_way = gap(maps) @ weights + bias
print(f"maps {maps.shape} -> scores {pointwise_way.shape}")
assert np.allclose(pointwise_way, dense_way)
print("1×1 convolution, then GAP = GAP, then dense")


# %% [markdown] key="lrn-text" lang="en"
# ### Local response normalization (legacy)
#
# AlexNet divides each channel by a power of the energy of its neighbourhood: the two channels on each side and itself (Krizhevsky et
# al. 2012, §3.3; $n = 5$, $k = 2$, $\alpha = 10^{-4}$, $\beta = 0.75$):
#
# $$y_i = x_i\, d_i^{-\beta}, \qquad d_i = k + \alpha \sum_{|j - i| \le n/2} x_j^2$$
#
# The sum runs over *channels* at one position. AlexNet gained 1.2 points of top-5 error from it; VGG's authors measured no gain (10.4 without,
# 10.5 with it: Simonyan & Zisserman 2015, Table 3), and today batch normalization (chapter 05) stands in its place. Backward, $x_i$ occurs twice: in its own
# numerator, and in the denominator of every channel within reach, its own included.
#
# $$dx_i = dy_i\, d_i^{-\beta} - 2 \alpha \beta\, x_i \sum_{|j - i| \le n/2} dy_j\, x_j\, d_j^{-\beta - 1}$$
#
# %% [markdown] key="lrn-text" lang="ja"
# ### 局所応答正規化(local response normalization、legacy)
#
# AlexNetは、各チャネルを、近傍のチャネル(自分と両隣2つずつ)の応答の大きさで割ります(Krizhevsky et al. 2012, §3.3。$n = 5$、$k = 2$、$\alpha = 10^{-4}$、$\beta = 0.75$)。
#
# $$y_i = x_i\, d_i^{-\beta}, \qquad d_i = k + \alpha \sum_{|j - i| \le n/2} x_j^2$$
#
# 和をとるのは、同じ位置の**チャネル**についてです。AlexNetではtop-5誤り率が1.2ポイント下がりましたが、VGGの著者らは効果なしと報告しています(なしで10.4、
# ありで10.5:Simonyan & Zisserman 2015, Table 3)。現在では、バッチ正規化(5章)に取って代わられました。逆伝播では、$x_i$ が2か所に
# 現れることに注意します。自分の分子と、自分を含む近傍の全チャネルの分母です。
#
# $$dx_i = dy_i\, d_i^{-\beta} - 2 \alpha \beta\, x_i \sum_{|j - i| \le n/2} dy_j\, x_j\, d_j^{-\beta - 1}$$
#
# %% key="lrn"
def over_neighbours(values, radius):
    """Sum over the channels i - radius … i + radius that exist (last axis)."""
    C = values.shape[-1]
    near = [values[..., max(0, i - radius) : i + radius + 1].sum(axis=-1) for i in range(C)]
    return np.stack(near, axis=-1)


def respond(x, radius=2, k=2.0, alpha=1e-4, beta=0.75):
    return x * (k + alpha * over_neighbours(x**2, radius)) ** -beta


def respond_backward(dy, x, radius=2, k=2.0, alpha=1e-4, beta=0.75):
    d = k + alpha * over_neighbours(x**2, radius)
    others = over_neighbours(dy * x * d ** (-beta - 1), radius)
    return dy * d**-beta - 2 * alpha * beta * x * others


loud = np.array([1.0, 2, 0, 3])
print("k = 1, α = 1, β = ½, one neighbour on each side:", respond(loud, 1, 1, 1, 0.5).round(3))
assert np.allclose(respond(loud, 1, 1, 1, 0.5), loud / np.sqrt([6, 6, 14, 10]))
dy = np.array([1.0, -1, 2, 0.5])
numerical = numerical_gradient(lambda: np.sum(dy * respond(loud, 1, 1, 1, 0.5)), loud)
assert relative_error(respond_backward(dy, loud, 1, 1, 1, 0.5), numerical) < 1e-6
print("backward against the numerical gradient: < 1e-6")


# %% [markdown] key="walk-text" lang="en"
# ### A table by hand
#
# Now the art that the exam asks for. AlexNet as one network without the two GPUs' groups, 227×227 pixels, 2 classes, as a study note of 2019 prints it – with
# **one** number changed (the padding of the second convolution) and the values of its pooling rows put back into their columns. Cover the
# output below, and fill the last column with a pencil.
#
# | layer | $k$ | $s$ | $p$ | filters / units | output |
# |---|---|---|---|---|---|
# | conv1 | 11 | 4 | 0 | 96 | |
# | pool1 | 3 | 2 | 0 | – | |
# | conv2 | 5 | 1 | 2 | 256 | |
# | pool2 | 3 | 2 | 0 | – | |
# | conv3 | 3 | 1 | 1 | 384 | |
# | conv4 | 3 | 1 | 1 | 384 | |
# | conv5 | 3 | 1 | 1 | 256 | |
# | pool5 | 3 | 2 | 0 | – | |
# | dense1 |  |  |  | 4096 | |
# | dense2 |  |  |  | 4096 | |
# | dense3 |  |  |  | 2 | |
#
# %% [markdown] key="walk-text" lang="ja"
# ### 表を手でたどる
#
# 試験で問われるのは、ここです。題材はAlexNet(2台のGPUへの分割をやめて1つにまとめたもの、227×227画素、2クラス)で、2019年のある学習ノートの表で、
# 数値を**1か所だけ**(2番目の畳み込みのパディング)変更し、プーリングの行の値を正しい列に戻しています。下の出力を隠して、右端の列を鉛筆で埋めてみてください。
#
# | 層 | $k$ | $s$ | $p$ | フィルタ / ユニット数 | 出力 |
# |---|---|---|---|---|---|
# | conv1 | 11 | 4 | 0 | 96 | |
# | pool1 | 3 | 2 | 0 | – | |
# | conv2 | 5 | 1 | 2 | 256 | |
# | pool2 | 3 | 2 | 0 | – | |
# | conv3 | 3 | 1 | 1 | 384 | |
# | conv4 | 3 | 1 | 1 | 384 | |
# | conv5 | 3 | 1 | 1 | 256 | |
# | pool5 | 3 | 2 | 0 | – | |
# | dense1 |  |  |  | 4096 | |
# | dense2 |  |  |  | 4096 | |
# | dense3 |  |  |  | 2 | |
#
# %% key="walk"
def walk(table, size, channels, show=True):
    """Read a table: kind, then k, s, p and filters, or units. -> (parameters, MACs, sizes)."""
    parameters, macs, sizes = 0, 0, []
    for kind, *numbers in table:
        if kind == "dense":
            fan_in = size * size * channels
            size, channels = 1, numbers[0]
            weights, biases = fan_in * channels, channels
        else:
            k, s, p = numbers[:3]
            size = (size + 2 * p - k) // s + 1
            weights = k * k * channels * numbers[3] if kind == "conv" else 0
            biases, channels = (numbers[3], numbers[3]) if kind == "conv" else (0, channels)
        parameters += weights + biases
        macs += weights * size * size
        sizes.append(size)
        if show:
            line = f"{kind:6}{' '.join(map(str, numbers)):12}{f'{size}×{size}×{channels}':>12}"
            print(f"{line}{weights + biases:13,}{weights * size * size:15,}")
    if show:
        print(f"{'total':30}{parameters:13,}{macs:15,}")
    return parameters, macs, sizes


def alexnet_table(padding, classes):
    return [
        ("conv", 11, 4, 0, 96), ("pool", 3, 2, 0),
        ("conv", 5, 1, padding, 256), ("pool", 3, 2, 0),
        ("conv", 3, 1, 1, 384), ("conv", 3, 1, 1, 384), ("conv", 3, 1, 1, 256), ("pool", 3, 2, 0),
        ("dense", 4096), ("dense", 4096), ("dense", classes),
    ]  # fmt: skip


print("      k s p filters     output   parameters           MACs")
total, _, _ = walk(alexnet_table(padding=2, classes=2), 227, 3)
assert total == 58_289_538


# %% [markdown] key="walk-note" lang="en"
# $227 \to 55 \to 27 \to 27 \to 13 \to 13 \to 6$, so $6 \cdot 6 \cdot 256 = 9216$ features enter the first dense layer, which alone
# holds 65 % of all parameters. The note prints padding **1** for the second convolution (and shifts the values of its pooling rows
# by a column). Then $27 \to 25 \to 12 \to 5$: 6,400 features, and the network is another one. The cells under *Common mistakes* run both.
#
# LRN adds no parameters and changes no size, so the table leaves it out.
#
# ### ZFNet: smaller kernel, smaller stride
#
# Zeiler & Fergus looked into AlexNet's first two layers. In the first they found filters for very high and very low frequencies
# and few for those between; in the second aliasing, caused by the first one's stride of 4 (§4.1). They took 7×7 with stride 2
# instead of 11×11 with stride 4, and in return gave the second convolution stride 2.
#
# %% [markdown] key="walk-note" lang="ja"
# $227 \to 55 \to 27 \to 27 \to 13 \to 13 \to 6$ となり、最初の全結合層への入力は $6 \cdot 6 \cdot 256 = 9216$ 個です。この1層だけで全パラメータの
# 65%を占めます。学習ノートの表では、2番目の畳み込みのパディングが**1**になっています(プーリングの行では、値が1列ずれています)。その場合は
# $27 \to 25 \to 12 \to 5$ で、入力は6,400個となり、別のネットワークになってしまいます。「よくある誤り」で両方を動かします。
#
# LRNはパラメータを持たず、サイズも変えないので、この表では省いています。
#
# ### ZFNet:カーネルもストライドも小さく
#
# ZeilerとFergusは、AlexNetの最初の2層を可視化しました。第1層のフィルタは、ごく高い周波数とごく低い周波数に偏り、中間の周波数を捉えるものがほとんど
# ありません。第2層には、第1層のストライド4が原因の折り返し(エイリアシング)が見つかりました(§4.1)。そこで、11×11・ストライド4の代わりに7×7・ストライド2を
# 使い、その分、2番目の畳み込みをストライド2にしました。
#
# %% key="walk-zfnet"
def zfnet_table(first_padding, second_padding, classes):
    rest = alexnet_table(0, classes)[4:]
    return [
        ("conv", 7, 2, first_padding, 96),
        ("pool", 3, 2, 0),
        ("conv", 5, 2, second_padding, 256),
        ("pool", 3, 2, 0),
        *rest,
    ]


total, _, sizes = walk(zfnet_table(0, 1, 2), 224, 3, show=False)
print(f"as the note prints it: {total:,} parameters, maps {' '.join(map(str, sizes[:8]))}")
assert total == 46_734_466 and [sizes[1], sizes[3], sizes[7]] == [54, 12, 5]
paper = [row.output_shape[0] for row in zoo["ZFNet"].rows if row.kind in ("Conv2D", "MaxPooling2D")]
print(f"as the paper draws it:  {' '.join(map(str, paper))}")
assert paper == [110, 55, 26, 13, 13, 13, 13, 6]


# %% [markdown] key="zfnet-note" lang="en"
# The paper's figure 3 draws 110, 55, 26, 13, 13, 13, 13, 6. The 110 needs one zero on each side of the image (or 225 pixels), and 55 and 13 need
# poolings that round **up**. Do not believe a printed size before you have computed it.
#
# Whole networks in a line each: the formula counts what would take half a gigabyte to build.
#
# %% [markdown] key="zfnet-note" lang="ja"
# 論文の図3に描かれたサイズは 110、55、26、13、13、13、13、6 です。110になるには、入力の両側に0を1つずつ補う(または225画素にする)必要があり、55と13になるには、
# プーリングで**切り上げる**必要があります。印刷されたサイズは、自分で計算してから信じましょう。
#
# 次に、ネットワーク全体を1行ずつ計算します。実際に作ると0.5 GBになるものも、公式なら数えるだけです。
#
# %% key="walk-all"
def vgg_table(layers, classes):
    """layers: number of 3×3 convolutions in each of the five stages."""
    stages = []
    for count, filters in zip(layers, (64, 128, 256, 512, 512), strict=True):
        stages += [("conv", 3, 1, 1, filters)] * count + [("pool", 2, 2, 0)]
    return [*stages, ("dense", 4096), ("dense", 4096), ("dense", classes)]


VGG16, VGG19 = (2, 2, 3, 3, 3), (2, 2, 4, 4, 4)
for name, layers, expected in (
    ("VGG16", VGG16, (134_268_738, 138_357_544)),
    ("VGG19", VGG19, (139_578_434, 143_667_240)),
):
    for classes, count in zip((2, 1000), expected, strict=True):
        total, macs, _ = walk(vgg_table(layers, classes), 224, 3, show=False)
        print(f"{name}, {classes:4d} classes: {total:,} parameters, {macs / 1e9:.1f} G MACs")
        assert total == count
for classes, count in ((2, 58_289_538), (1000, 62_378_344)):
    assert walk(alexnet_table(2, classes), 227, 3, show=False)[0] == count
print("AlexNet: 58,289,538 (2 classes), 62,378,344 (1000)")


# %% [markdown] key="short-text" lang="en"
# ### Write it short
#
# A table with a pattern wants a loop. This is all of VGG16:
#
# %% [markdown] key="short-text" lang="ja"
# ### 短く書く
#
# 規則のある表は、ループで書けます。VGG16の全体は、これだけです。
#
# %% key="short"
def short_vgg(layers, input_shape, classes):
    inputs = x = keras.Input(input_shape)
    for stage, (count, filters) in enumerate(zip(layers, (64, 128, 256, 512, 512), strict=True), 1):
        for number in range(1, count + 1):
            name = f"stage{stage}_conv{number}"  # a name must be unique in a model
            x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
        x = keras.layers.MaxPooling2D(2)(x)
    x = keras.layers.Flatten()(x)
    for units in (4096, 4096):  # the paper drops half of them in training; Dropout has no weights
        x = keras.layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))


def lines(rows):
    """What a table says, without the names."""
    said = "kind kernel filters strides padding activation output_shape parameters".split()
    return [tuple(getattr(row, what) for what in said) for row in rows]


small = {"input_shape": (32, 32, 3), "classes": 10}  # every layer there, and 10 times less memory
short = look(short_vgg, layers=VGG16, **small)
loop, long = look(vgg.vgg16, **small), look(vgg.vgg16_long, **small)
for given, other in ((short, loop), (loop, long)):
    assert lines(given.rows) == lines(other.rows)
print(f"{len(long.rows)} layers: the loop here = the loop in utils = written out line by line")
normalized = look(vgg.vgg16, batch_norm=True, **small)
extra = normalized.parameters - loop.parameters
conv_filters = sum(row.filters for row in loop.rows if row.kind == "Conv2D")
added = sum(row.kind == "BatchNormalization" for row in normalized.rows)
print(f"with {added} BatchNormalization layers: {extra:,} parameters more ", end="")
print("(4 a filter, less its bias)")
assert (added, extra) == (13, 3 * conv_filters)

# %% [markdown] key="stack-text" lang="en"
# ### Two 3×3 see as far as one 5×5
#
# Why only 3×3? Stacked, they see as far as one large kernel (chapter 01: each layer adds $k - 1$), with fewer weights and an activation
# more (Simonyan & Zisserman 2015, §2.3). With $C$ channels in and out:
#
# %% [markdown] key="stack-text" lang="ja"
# ### 3×3を2層重ねると、5×5を1層と同じ範囲が見える
#
# なぜ3×3ばかりなのでしょうか。重ねれば大きなカーネル1つと同じ範囲が見え(1章:1層ごとに $k - 1$ ずつ広がる)、しかも重みが少なく、活性化関数が増えます
# (Simonyan & Zisserman 2015, §2.3)。入力・出力とも $C$ チャネルとすると、次のようになります。
#
# %% key="stack"
windows.receptive_field_growth(
    (
        ("two 3×3", ((3, 1, 1),) * 2),
        ("one 5×5", ((5, 1, 1),)),
        ("three 3×3", ((3, 1, 1),) * 3),
        ("one 7×7", ((7, 1, 1),)),
    )
)
plt.show()
C = 64
for count, k in ((2, 5), (3, 7)):
    assert 1 + count * (3 - 1) == k  # the receptive field
    stack, single = count * 9 * C * C, k * k * C * C
    line = f"{count} × 3×3: {count * 9} C² = {stack:7,}   1 × {k}×{k}: {k * k} C² = {single:7,}"
    print(f"{line}   {100 * stack / single:.0f} %")

# %% [markdown] key="inception-text" lang="en"
# ### The inception module
#
# GoogLeNet does not choose a kernel size; it takes several and concatenates. Naively that is expensive: the 3×3 and the 5×5
# read all channels, and pooling hands all of them on, so that the map grows deeper with every module. A 1×1 convolution before the 3×3
# and the 5×5, and one behind the pooling, **reduce** the channels. Module 3a of the paper (Table 1):
#
# %% [markdown] key="inception-text" lang="ja"
# ### インセプションモジュール
#
# GoogLeNetは、カーネルのサイズを1つに決めず、いくつかを並べて連結します。素朴に並べると高くつきます。3×3と5×5が全チャネルを読むうえに、プーリングは
# 全チャネルをそのまま渡すので、モジュールを重ねるたびにチャネル数が増えるからです。そこで、3×3と5×5の前、およびプーリングの後に1×1畳み込みを置いて、
# チャネル数を**減らします**。論文のモジュール3a(Table 1)は次のとおりです。
#
# %% key="inception"
inception.module(size=28, channels=192)
plt.show()
direct = 28 * 28 * 25 * 192 * 32
reduce, wide = 28 * 28 * 192 * 16, 28 * 28 * 25 * 16 * 32
print(f"5×5 branch: {direct:,} directly; ", end="")
print(f"{reduce:,} + {wide:,} = {reduce + wide:,} with the reduction")
print(f"{direct / (reduce + wide):.1f} times fewer")
full, cheap = inception.module_macs(reduced=False), inception.module_macs()
assert (direct, reduce + wide) == (120_422_400, 12_443_648) and full > 2.3 * cheap

# %% [markdown] key="auxiliary-text" lang="en"
# In training GoogLeNet has two **auxiliary heads**: small classifiers on modules 4a and 4d, whose losses count 0.3 each (§5). They were meant to bring
# gradient into the middle of a 22-layer network; for prediction they are removed.
#
# %% [markdown] key="auxiliary-text" lang="ja"
# 学習時のGoogLeNetには、**補助分類器(auxiliary classifier)** が2つ付きます。モジュール4aと4dの出力につけた小さな分類器で、それぞれの損失を0.3倍して
# 加えます(§5)。22層のネットワークの途中に勾配を届けるためのもので、推論時には取り外します。
#
# %% key="auxiliary"
helped = look(googlenet.googlenet, auxiliary=True)
plain = zoo["GoogLeNet"]
print(f"{'':12}{'output':>12}{'parameters':>12}{'MACs':>15}")
for name, members in layer_table.stages(plain.rows)[1:]:
    shape = "×".join(map(str, members[-1].output_shape))
    costs = sum(row.parameters for row in members), sum(row.macs for row in members)
    print(f"{name:12}{shape:>12}{costs[0]:12,}{costs[1]:15,}")
print(f"without auxiliary heads {plain.parameters:,} parameters, with both {helped.parameters:,}")
assert 6.9e6 < plain.parameters < 7.1e6 and helped.parameters > 1.5 * plain.parameters
networks.stages(plain.rows, "GoogLeNet, by stage", every="stage")
plt.show()

# %% [markdown] key="agree-walk-text" lang="en"
# ## Agreement
#
# ### By hand = read off the model
#
# Our `walk` knows nothing of Keras. It agrees with the models in every number:
#
# %% [markdown] key="agree-walk-text" lang="ja"
# ## 確かめる
#
# ### 手計算 = モデルから読み取った表
#
# 上の `walk` は、Kerasのことを何も知りません。それでも、モデルとすべての数が一致します。
#
# %% key="agree-walk"
lenet_table = [("conv", 5, 1, 0, 6), ("pool", 2, 2, 0), ("conv", 5, 1, 0, 16), ("pool", 2, 2, 0)]
lenet_table += [("dense", 120), ("dense", 64), ("dense", 2)]
zoo["LeNet, printed"] = look(lenet.lenet, variant="printed")
zoo["ZFNet, printed"] = look(zfnet.zfnet, variant="printed", classes=2)
TABLES = {
    "LeNet, printed": (lenet_table, 32, 3),
    "ZFNet, printed": (zfnet_table(0, 1, 2), 224, 3),
    "AlexNet": (alexnet_table(2, 1000), 227, 3),
    "VGG16": (vgg_table(VGG16, 1000), 224, 3),
    "VGG19": (vgg_table(VGG19, 1000), 224, 3),
}
for name, (table, size, channels) in TABLES.items():
    parameters, macs, _ = walk(table, size, channels, show=False)
    assert (parameters, macs) == (zoo[name].parameters, zoo[name].macs), name
    print(f"{name:15} {parameters:12,} parameters {macs:15,} MACs   formula = model")

# %% [markdown] key="agree-layers-text" lang="en"
# ### The layers: loops = NumPy = Keras
#
# `utils/numpy_layers` holds the same pooling layers and LRN as classes, with batches and padding. First they are compared with the loops of
# this chapter, then with Keras, outputs and gradients (Keras has no Lp pooling: there, average pooling of $|x|^p$ and a root stand
# in for it), at last with numerical gradients.
#
# %% [markdown] key="agree-layers-text" lang="ja"
# ### 層:ループ = NumPy = Keras
#
# `utils/numpy_layers` には、同じプーリングとLRNが、バッチとパディングに対応したクラスとして入っています。まずこの章のループと、次にKerasの出力・勾配と、
# 最後に数値微分と比べます(KerasにはLpプーリングがないので、$|x|^p$ の平均プーリングの $p$ 乗根で代用します)。
#
# %% key="agree-layers"
rng = np.random.default_rng(2)
x = rng.standard_normal((7, 6))
for layer, summary, share in (
    (MaxPooling2D(3, 2, dtype="float64"), np.max, max_share),
    (AveragePooling2D(3, 2, dtype="float64"), np.mean, average_share),
    (LpPooling2D(3, 3, 2, dtype="float64"), lp(3), lp_share(3)),
):
    y = layer.forward(x[None, :, :, None])
    dy = rng.standard_normal(y.shape)
    assert np.allclose(y[0, :, :, 0], pool(x, 3, 2, summary))
    dx = pool_backward(dy[0, :, :, 0], x, 3, 2, share)
    assert np.allclose(layer.backward(dy)[0, :, :, 0], dx)
x = rng.standard_normal((2, 3, 4, 7))
layer = LocalResponseNormalization(2, 1, 0.3, 0.75, dtype="float64")
assert np.allclose(layer.forward(x), respond(x, 2, 1, 0.3, 0.75))
assert np.allclose(layer.backward(x[::-1]), respond_backward(x[::-1], x, 2, 1, 0.3, 0.75))
print("the loops of this chapter = the layers of utils/numpy_layers")


# %% key="agree-keras"
def keras_lp(p, **options):
    """Lp pooling of 6 channels out of Keras' own layers."""
    inputs = keras.Input((None, None, 6))
    mean = keras.layers.AveragePooling2D(**options)(keras.ops.absolute(inputs) ** p)
    return keras.Model(inputs, mean ** (1 / p))


K = keras.layers
strided = {"pool_size": 3, "strides": 2}
same = strided | {"padding": "same"}
normalize = {"depth_radius": 2, "bias": 1.0, "alpha": 0.3, "beta": 0.75}
x = rng.standard_normal((2, 9, 8, 6)).astype("float32")
CASES = [
    (MaxPooling2D, K.MaxPooling2D, strided),
    (MaxPooling2D, K.MaxPooling2D, same),
    (AveragePooling2D, K.AveragePooling2D, strided),
    (AveragePooling2D, K.AveragePooling2D, same),
    (LpPooling2D, keras_lp, {"p": 3} | same),
    (GlobalAveragePooling2D, K.GlobalAveragePooling2D, {}),
    (LocalResponseNormalization, lrn.LocalResponseNormalization, normalize),
]
print(f"{'layer':27} {'options':47} largest relative error of y, dx")
for kind, keras_kind, options in CASES:
    ours, theirs = kind(**options), keras_kind(**options, dtype="float32")
    theirs.build(x.shape)
    y = ours.forward(x)
    dy = rng.standard_normal(y.shape).astype("float32")
    dx = ours.backward(dy)
    y_keras, dx_keras, _ = keras_gradients(theirs, x, dy)
    worst = max(relative_error(y, y_keras), relative_error(dx, dx_keras))
    text = ", ".join(f"{key}={value}" for key, value in options.items())
    assert worst < 1e-5, (kind, options, worst)
    print(f"{kind.__name__:27} {text:47} < 1e-5")

# %% key="agree-numerical"
x = np.random.default_rng(3).standard_normal((2, 5, 4, 3))
ours = [
    MaxPooling2D(**strided, dtype="float64"),
    AveragePooling2D(**same, dtype="float64"),
    LpPooling2D(p=3, **strided, dtype="float64"),
    GlobalAveragePooling2D(dtype="float64"),
    LocalResponseNormalization(**normalize, dtype="float64"),
]
for layer in ours:
    assert max(check_layer(layer, x).values()) < 1e-6
print(f"{len(ours)} layers against numerical gradients: all < 1e-6")


# %% [markdown] key="train-lenet-text" lang="en"
# ## In Keras
#
# ### LeNet, three activations
#
# The paper's LeNet-5 has a (scaled) tanh after each step and subsamples by averaging, with two trainable numbers a map. The study note prints another table: no activation on the convolutions
# and dense layers, and a sigmoid behind max pooling; 64 units where the paper has 84. As today's third we take ReLU and max
# pooling. (Our first variant is shortened: plain tanh, none behind the pooling, no coefficients and biases there.) Same digits, same optimizer, same seed. (28×28 digits get a border of 2 to fit the 32×32 input, as in the paper. `training.fit` is
# `model.fit` with a fixed order of the pictures; in the full profile it backs up every epoch, so that an interrupted run goes on.)
#
# %% [markdown] key="train-lenet-text" lang="ja"
# ## Kerasで学習する
#
# ### 3通りの活性化関数によるLeNet
#
# 論文のLeNet-5は、各段の後に(定数倍した)tanhを置き、サブサンプリングでは平均をとります(マップごとに学習する数値を2つ持ちます)。学習ノートの表はこれと違い、畳み込みと全結合層に活性化関数がなく、
# 最大値プーリングの後にシグモイドがあります。また、論文の84ユニットが64になっています。3つ目に、現在の標準であるReLUと最大値プーリングを加えます。1つ目は
# 論文を簡略化したもので、tanhは定数倍せず、プーリングの後には置かず、係数とバイアスも省いています。データも、最適化手法も、乱数のシードも同じです(28×28の数字は、論文と同じく、幅2の余白を付けて32×32にします。`training.fit` は、画像の順序を固定した `model.fit` です。
# fullプロファイルでは1エポックごとにバックアップを取り、中断しても続きから再開できます)。
#
# %% key="lenet-variants"
def build_lenet(conv, subsample, after_pool, units, dense, classes=10):
    inputs = x = keras.Input((32, 32, 1))
    for filters in (6, 16):
        x = keras.layers.Conv2D(filters, 5, activation=conv)(x)
        x = subsample(2)(x)
        x = keras.layers.Activation(after_pool)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(120, activation=dense)(x)
    x = keras.layers.Dense(units, activation=dense)(x)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))


VARIANTS = {
    "paper: tanh, average": ("tanh", keras.layers.AveragePooling2D, "linear", 84, "tanh"),
    "note: sigmoid behind max": ("linear", keras.layers.MaxPooling2D, "sigmoid", 64, "linear"),
    "today: ReLU, max": ("relu", keras.layers.MaxPooling2D, "linear", 84, "relu"),
}
for name, options in VARIANTS.items():
    print(f"{name:25} {build_lenet(*options).count_params():,} parameters")
subsampling = 2 * 6 + 2 * 16  # in utils a coefficient and a bias a map, as in the paper
shortened = build_lenet(*VARIANTS["paper: tanh, average"])
assert shortened.count_params() + subsampling == zoo["LeNet"].parameters

# %% key="train-lenet"
quick = {"data": "digits", "epochs": 4, "batch_size": 64, "rate": 1e-3}
full = {"data": "mnist", "epochs": 20, "batch_size": 128, "rate": 1e-3}
config = rt.choose(quick=quick, full=full)
digits = datasets.load_images(config["data"])


def bordered(images):
    return np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))


parts = ("x_train", "x_val", "x_test")
data = replace(digits, **{part: bordered(getattr(digits, part)) for part in parts})


def fit(network, data, folder, config):
    """Train with a rate that falls to 0 along a cosine: (history, test accuracy)."""
    steps = math.ceil(len(data.x_train) / config["batch_size"]) * config["epochs"]
    rate = keras.optimizers.schedules.CosineDecay(config["rate"], steps)
    optimizer = keras.optimizers.Adam(rate)
    loss = "sparse_categorical_crossentropy"
    network.compile(optimizer, loss, metrics=["accuracy"])
    history = training.fit(network, data, folder, config["epochs"], config["batch_size"])
    return history, network.evaluate(data.x_test, data.y_test, verbose=0)[1]


lenets = {}
for name, options in VARIANTS.items():
    keras.utils.set_random_seed(0)
    with rt.scope():
        network = build_lenet(*options)
    lenets[name] = fit(network, data, f"03_lenet_{name.split(':')[0]}", config)
plots.training_curves({name: history for name, (history, _) in lenets.items()}, chance=0.1)
plt.show()
if rt.profile == "quick":
    first = {name: history["val_accuracy"][0] for name, (history, _) in lenets.items()}
    tanh, sigmoid, relu = first.values()
    assert tanh > 0.75 and relu > 0.75 and sigmoid < 0.3
    print("after the first epoch: tanh and ReLU above 75 %, the sigmoid variant below 30 %")


# %% [markdown] key="sigmoid-why" lang="en"
# The sigmoid variant guesses for an epoch or two before it starts. Why? For small inputs a sigmoid returns values near $1/2$, whatever the
# image, and its slope is at most $1/4$: what two images have in common is large, what tells them apart is quartered. Two sigmoids in a row do it twice.
# So ask the untrained networks how much their flattened features differ from image to image, relative to their size:
#
# %% [markdown] key="sigmoid-why" lang="ja"
# シグモイドを使うと、最初の1〜2エポックは当てずっぽうのままです。なぜでしょうか。小さな入力に対して、シグモイドはどの画像でも $1/2$ 付近の値を返し、傾きは最大でも
# $1/4$ です。画像に共通の成分は大きくなり、画像を区別する成分は4分の1以下になります。これが2段続きます。そこで、学習前のネットワークについて、平坦化した特徴が
# 画像によってどれだけ違うかを、特徴の大きさに対する割合で調べてみます。
#
# %% key="sigmoid-features"
def variety(options, images):
    """Deviation over the images of the flattened features, relative to their root mean square."""
    keras.utils.set_random_seed(0)
    network = build_lenet(*options)
    flat = next(layer for layer in network.layers if isinstance(layer, keras.layers.Flatten))
    features = np.asarray(keras.Model(network.input, flat.output)(images))
    return features.std(axis=0).mean() / np.sqrt(np.mean(features**2))


varieties = {name: variety(options, data.x_train[:256]) for name, options in VARIANTS.items()}
tanh, sigmoid, relu = varieties.values()
for name, found in varieties.items():
    print(f"{name:25} {'more than 20 %' if found > 0.2 else 'less than 3 %'}")
assert sigmoid < 0.03 and min(tanh, relu) > 0.2


# %% [markdown] key="sigmoid-note" lang="en"
# Behind the sigmoids all digits look alike at first, and the dense layers have to learn from the last few per cent. tanh is 0 where its input is 0, with slope 1; ReLU has slope 1
# wherever it is on. This is one reason why hidden layers no longer use the sigmoid; the other: in deep networks slopes of at most 1/4 multiply, and the gradient
# vanishes.
#
# %% [markdown] key="sigmoid-note" lang="ja"
# シグモイドを通すと、初めはどの数字も同じに見え、全結合層は残り数%の違いから学ばなければなりません。tanhは入力が0なら出力も0で、そこでの傾きは1です。ReLUは、
# 働いている限り傾きが1です。中間層でシグモイドが使われなくなった理由の1つがこれです。もう1つは、層が深いと4分の1以下の傾きが何度も掛け合わされ、
# 勾配が消失することです。
#
# %% [markdown] key="gap-train-text" lang="en"
# ### GAP or Flatten, at equal convolutions
#
# Two networks that share everything but their heads: three 3×3 convolutions with batch normalization; then Flatten, a dense layer of 128
# and the classes, or a 1×1 convolution and GAP. Small digits (14×14), so that it is quick.
#
# %% [markdown] key="gap-train-text" lang="ja"
# ### 畳み込み部分を揃えて、GAPと平坦化を比べる
#
# 最後の部分だけが違う2つのネットワークを比べます。バッチ正規化付きの3×3畳み込み3層までは共通です。その後に、一方は平坦化、128ユニットの全結合層、
# 出力層が続き、もう一方は1×1畳み込みとGAPが続きます。短時間で済むように、14×14の小さな数字を使います。
#
# %% key="gap-train"
def build_pair(head, size, channels, classes, width=8):
    inputs = x = keras.Input((size, size, channels))
    for block in range(3):
        x = keras.layers.Conv2D(width * 2**block, 3, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        x = keras.layers.ReLU()(x)
        if block < 2:
            x = keras.layers.MaxPooling2D(2)(x)
    if head == "Flatten + dense":
        x = keras.layers.Flatten()(x)
        x = keras.layers.Dense(128, activation="relu")(x)
        x = keras.layers.Dense(classes)(x)
    else:
        x = keras.layers.Conv2D(classes, 1)(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Softmax()(x))


pair_config = rt.choose(
    quick={"data": "digits", "epochs": 4, "batch_size": 32, "rate": 3e-3},
    full={"data": "mnist", "epochs": 10, "batch_size": 64, "rate": 1e-3},
)
small_digits = datasets.load_images(pair_config["data"], size=14)
pair = {}
for head, folder in (("Flatten + dense", "03_flatten"), ("1×1 + GAP", "03_gap")):
    keras.utils.set_random_seed(0)
    with rt.scope():
        network = build_pair(head, 14, 1, 10)
    history, accuracy = fit(network, small_digits, folder, pair_config)
    pair[head] = SimpleNamespace(network=network, history=history, accuracy=accuracy)
    print(f"{head:16} {network.count_params():7,} parameters")


# %% [markdown] key="shift-text" lang="en"
# Now move the test digits by a few pixels, up, down, left and right; what leaves the frame is lost, zeros come in. GAP averages over
# positions, so it hardly asks *where* a feature is; the dense layer has a weight for each place.
#
# %% [markdown] key="shift-text" lang="ja"
# 次に、テスト用の数字を上下左右に数画素ずらします(枠の外に出た部分は失われ、空いた部分は0で埋めます)。GAPは位置について平均するので、特徴が**どこに**
# あるかをほとんど問いません。全結合層は、場所ごとに重みを持っています。
#
# %% key="shift"
def shifted(images, step):
    """Every image moved by `step` pixels in four directions: (4·N, H, W, C)."""
    size = images.shape[1]
    wide = np.pad(images, ((0, 0), (step, step), (step, step), (0, 0)))
    corners = ((0, step), (2 * step, step), (step, 0), (step, 2 * step))
    return np.concatenate([wide[:, i : i + size, j : j + size] for i, j in corners])


STEPS = range(5)
moved = {head: [] for head in pair}
for head, found in pair.items():
    for step in STEPS:
        images, labels = shifted(small_digits.x_test, step), np.tile(small_digits.y_test, 4)
        moved[head].append(found.network.evaluate(images, labels, verbose=0)[1])

fig, ax = plt.subplots(figsize=(6.4, 3.4))
for (head, values), marker in zip(moved.items(), "os", strict=True):
    ax.plot(STEPS, values, marker=marker, label=head)
ax.axhline(0.1, color=plots.GREY, linestyle=":", label="chance")
ax.set(xlabel="shift of the test digits (pixels of 14)", ylabel="test accuracy")
ax.set(ylim=(0, 1.02), xticks=STEPS)
ax.legend()
plt.show()
flat, averaged = moved.values()
if rt.profile == "quick":
    assert abs(flat[0] - averaged[0]) < 0.05
    assert averaged[3] > flat[3] + 0.1 and averaged[4] > flat[4] + 0.15
    print("unmoved: within 5 points of each other; moved by 4 pixels: GAP leads by more than 15")
    ink, all_ink = (shifted(small_digits.x_test, step).sum(axis=(1, 2, 3)) for step in (4, 0))
    losing = np.mean(ink < 0.95 * all_ink)
    print(f"moved by 4 pixels, {100 * losing:.0f} % of the digits lose more than 5 % of their ink")
    assert 0.72 < losing < 0.78

# %% [markdown] key="gap-note" lang="en"
# A seventh of the parameters, about the same accuracy on digits that stand in the middle, and far less fragile when they do not. But note what GAP does *not* do: it does not
# make a network invariant to shifts. Flatten falls because its dense weights belong to places. GAP falls less, but it falls: padding, strides and the edges still see
# the position – and from 3 pixels on parts of the digits leave the frame (at 4, three of four moved digits lose more than 5 % of their ink).
#
# ### One set of weights, two image sizes
#
# A network without Flatten has no size built in. ZFNet's convolutions with a 1×1 convolution and GAP behind them are *fully convolutional*:
#
# %% [markdown] key="gap-note" lang="ja"
# パラメータは約7分の1で、中央にある数字に対する精度はほぼ同じ、ずれた数字にはずっと強い。これがGAPの結果です。ただし、GAPを使えばネットワークが
# 位置ずれに対して**不変になる**わけではありません。平坦化の曲線が下がるのは、全結合層の重みが場所ごとに決まっているからです。
# GAPの曲線も下がるのは、パディング、ストライド、画像の端によって位置の影響が残ることに加え、3画素以上ずらすと数字の一部が枠の外に出てしまうためです
# (4画素では、ずらした数字の4枚に3枚が、画素値の合計の5%超を失います)。
#
# ### 同じ重みで、2つの画像サイズ
#
# 平坦化を使わないネットワークには、入力サイズに依存する層がありません。ZFNetの畳み込みの後に1×1畳み込みとGAPを置いたものは、**全畳み込みネットワーク
# (fully convolutional network)** になります。
#
# %% key="fcn"
fcn = zfnet.zfnet_gap(input_shape=(None, None, 3), classes=2)
dense_zfnet = zoo["ZFNet"].parameters - 998 * 4097  # with 2 classes instead of 1000
print(f"{fcn.count_params():,} parameters; with Flatten and dense layers {dense_zfnet:,}")
rng = np.random.default_rng(4)
for size in (224, 160):
    scores = np.asarray(fcn(rng.random((1, size, size, 3)).astype("float32")))
    print(f"{size}×{size} -> {scores.shape}, sum of the probabilities {scores.sum():.3f}")
    assert scores.shape == (1, 2) and math.isclose(scores.sum(), 1, rel_tol=1e-2)
assert fcn.count_params() < dense_zfnet / 10
del fcn


# %% [markdown] key="experiment-text" lang="en"
# ## Experiment
#
# The study note prints no results, only tables: so there is none to reproduce. The papers do. Two claims we can hold against this run, honestly:
#
# - LeCun et al. 1998 (§III) report **0.95 %** test error for LeNet-5, trained on 60,000 digits for 20 passes (0.8 % with
#   distorted copies), tested on 10,000. We train on 4,000 for 4 epochs and test on 500.
# - Lin et al. 2014 (Table 5, CIFAR-10) compare heads on the same convolutions: fully connected **11.59 %**, fully connected with dropout
#   **10.88 %**, GAP **10.41 %** error. Ours are digits, without dropout.
#
# %% [markdown] key="experiment-text" lang="ja"
# ## 実験
#
# 先の学習ノートには表だけがあり、実験結果は載っていません。したがって、再現すべき数値もありません。論文には結果があるので、次の2つを今回の結果と並べます。
#
# - LeCun et al. 1998(§III)によれば、LeNet-5の誤り率は**0.95%** です。6万枚の数字を20周学習し(変形した画像を加えると0.8%)、1万枚でテストしています。
#   こちらは4,000枚を4エポック学習し、500枚でテストします。
# - Lin et al. 2014(Table 5、CIFAR-10)は、同じ畳み込みに異なるヘッド(出力側の層)を付けて比べています。誤り率は、全結合層で**11.59%**、全結合層とドロップアウトで
#   **10.88%**、GAPで**10.41%** です。こちらは数字のデータで、ドロップアウトは使いません。
#
# %% key="experiment"
def shown(accuracy, bound):
    """The error: in the quick profile an upper bound with a margin for other machines."""
    error = 100 * (1 - accuracy)
    if rt.profile == "quick":
        assert error < bound, (error, bound)
        return f"< {bound} %"
    return f"{error:.2f} %"


tanh_accuracy = lenets["paper: tanh, average"][1]
relu_accuracy = lenets["today: ReLU, max"][1]
print(f"{'':34}{'published':>10}{'this run':>12}")
print(f"{'LeNet-5 (60,000 digits)':34}{'0.95 %':>10}")
print(f"{f'LeNet, tanh ({len(data.x_train):,} digits)':34}{'':>10}{shown(tanh_accuracy, 14):>12}")
print(f"{f'LeNet, ReLU ({len(data.x_train):,} digits)':34}{'':>10}{shown(relu_accuracy, 11):>12}")
print(f"{'NIN with dense head (CIFAR-10)':34}{'11.59 %':>10}")
print(f"{'NIN with GAP (CIFAR-10)':34}{'10.41 %':>10}")
for head, found in pair.items():
    print(f"{f'{head} (digits 14×14)':34}{'':>10}{shown(found.accuracy, 9):>12}")
images = len(data.x_test)
print(f"one of {images} test images is {100 / images:.2f} points")

# %% [markdown] key="experiment-note" lang="en"
# Roughly ten times the error of 1998 (tanh), with a fifteenth of its data and a fifth of its epochs: that is the price of a coffee break, not a verdict on LeNet. With
# `profile="full"` the same cells train on all of MNIST. And the gain of GAP in the paper, about one point, could not be seen
# here: 500 test images have a standard error of about that size. What *is* beyond doubt is the parameter count, and the curve over the shifts.
#
# %% [markdown] key="experiment-note" lang="ja"
# データは15分の1、エポック数は5分の1で、誤り率(tanh)は1998年の約10倍です。これは「コーヒー1杯分の学習」の結果であり、LeNetの実力ではありません。
# `profile="full"` にすると、同じセルでMNIST全体を学習します。また、論文でのGAPの効果は約1ポイントですが、ここではそれを見分けられません。テスト画像500枚
# では、標準誤差がちょうどその程度だからです。確実に言えるのは、パラメータ数の差と、ずらしたときの曲線の差です。
#
# %% [markdown] key="mistake-padding" lang="en"
# ## Common mistakes
#
# ### "AlexNet's second convolution has padding 1" (and other tables that do not compute)
#
# Walk the printed table, and the paper's sizes do not come out. With padding 1: 27 → 25 → 12 → 5, and 6,400 features instead of 9,216.
# Likewise LeNet: the note's 64 units and max pooling give 58,866 parameters (RGB input, 2 classes); the paper has 84 units and averages.
#
# %% [markdown] key="mistake-padding" lang="ja"
# ## よくある誤り
#
# ### 「AlexNetの2番目の畳み込みのパディングは1」(計算の合わない表)
#
# 印刷された表をたどると、論文のサイズになりません。パディングが1なら 27 → 25 → 12 → 5 で、特徴は9,216個でなく6,400個です。LeNetも同様で、学習ノートの
# 64ユニットでは58,866個です(RGB入力、2クラス)。論文では84ユニットで、プーリングは平均です。
#
# %% key="mistake-padding-run"
for padding in (1, 2):
    total, _, sizes = walk(alexnet_table(padding, 2), 227, 3, show=False)
    chain = " → ".join(map(str, sizes[1:4] + sizes[7:8]))
    print(f"padding {padding}: {chain}, {sizes[7] ** 2 * 256:,} features, {total:,} parameters")
    assert (sizes[7] ** 2 * 256 == 9216) == (padding == 2)
    assert look(alexnet.alexnet, conv2_padding=padding, classes=2).parameters == total

for units in (64, 84):
    table = [*lenet_table[:4], ("dense", 120), ("dense", units), ("dense", 2)]
    total, _, _ = walk(table, 32, 3, show=False)
    print(f"LeNet's table with {units} units: {total:,} parameters")
    assert (total == zoo["LeNet, printed"].parameters == 58_866) == (units == 64)
first = []
for name in ("ZFNet, printed", "ZFNet"):
    first.append(next(row.output_shape[0] for row in zoo[name].rows if row.kind == "Conv2D"))
print(f"ZFNet's first map: {first[0]} as printed, {first[1]} in the paper")
assert first == [109, 110]

# %% [markdown] key="mistake-shifted" lang="en"
# The note's pooling rows also have their values one column to the left: "3 × 3 · 2 · 0 · – · –" under *kernel, filters, stride, padding,
# activation* would be a pooling layer with 2 filters and stride 0. Pooling has no filters; 2 is the stride, 0 the padding.
#
# ### "`padding='same'` is fine everywhere"
#
# It changes the sizes: with `same`, AlexNet's first convolution and its poolings round **up**, and the dense layer gets other features.
#
# %% [markdown] key="mistake-shifted" lang="ja"
# 学習ノートでは、プーリングの行の値も1列左にずれています。「カーネル、フィルタ数、ストライド、パディング、活性化関数」の列に「3 × 3・2・0・-・-」とあり、
# このまま読むと、フィルタ2個、ストライド0のプーリングになってしまいます。プーリングにフィルタはありません。2がストライド、0がパディングです。
#
# ### 「とりあえず `padding='same'` にしておけばよい」
#
# サイズが変わります。`same` にすると、AlexNetの最初の畳み込みとプーリングは**切り上げ**になり、最初の全結合層への入力が変わります。
#
# %% key="mistake-same-run"
for padding in ("valid", "same"):
    size, chain = 227, []
    for k, s in ((11, 4), (3, 2), (3, 2), (3, 2)):
        layer = keras.layers.MaxPooling2D(k, s, padding)
        size = layer.compute_output_shape((1, size, size, 1))[1]
        chain.append(size)
    print(f"{padding:5}: 227 → {' → '.join(map(str, chain))}, {size * size * 256:,} features")
    assert (size == 6) == (padding == "valid")

# %% [markdown] key="mistake-softmax" lang="en"
# ### Softmax twice
#
# The model ends in a softmax, and the loss is told `from_logits=True`: a second softmax squeezes the probabilities of $K$ classes into
# $[1/(K-1+e),\, e/(K-1+e)]$. Even a perfect network keeps a loss of $\log\frac{e + K - 1}{e}$, and learning is slow. (Keras on TensorFlow notices a softmax at the end of a
# model and repairs it with a warning. Do not rely on it: other backends, and probabilities from elsewhere, are taken as they are.)
#
# %% [markdown] key="mistake-softmax" lang="ja"
# ### ソフトマックスを2回かける
#
# モデルの最後がソフトマックスなのに、損失に `from_logits=True` を指定すると、2回目のソフトマックスによって、$K$ クラスの確率が
# $[1/(K-1+e),\, e/(K-1+e)]$ に押し込められます。完璧なネットワークでも損失が $\log\frac{e + K - 1}{e}$ 残り、学習が遅くなります(TensorFlow上のKerasは、
# モデル末尾のソフトマックスに気づくと、警告を出して補正します。ほかのバックエンドや、別の場所で計算した確率では補正されないので、当てにはできません)。
#
# %% key="mistake-softmax-run"
perfect, label = np.eye(10, dtype="float32")[:1], np.array([0])
for from_logits in (False, True):
    value = keras.losses.sparse_categorical_crossentropy(label, perfect, from_logits=from_logits)
    value = float(np.asarray(value)[0])
    print(f"from_logits={from_logits!s:5}: loss of a perfect answer {value:.3f}")
    assert (value < 1e-3) != from_logits
assert math.isclose(value, math.log((math.e + 9) / math.e), rel_tol=1e-5)


# %% [markdown] key="mistake-flatten" lang="en"
# ### Flatten before GAP, and Flatten without a fixed size
#
# GAP averages **maps**: after Flatten there are none left. And a dense layer behind Flatten cannot be built while height and width are open.
#
# %% [markdown] key="mistake-flatten" lang="ja"
# ### GAPの前に平坦化する、サイズを決めずに平坦化する
#
# GAPが平均するのは**特徴マップ**です。平坦化すると、特徴マップはもうありません。また、高さと幅が未定のままでは、平坦化の後の全結合層を作れません。
#
# %% key="mistake-flatten-run"
def refused(build):
    try:
        build()
    except ValueError as error:
        return type(error).__name__
    return "accepted"


open_size, fixed = keras.Input((None, None, 3)), keras.Input((8, 8, 3))
flatten, average = keras.layers.Flatten(), keras.layers.GlobalAveragePooling2D()
attempts = {
    "Flatten, then GAP": lambda: average(flatten(fixed)),
    "open size: Flatten, then Dense": lambda: keras.layers.Dense(2)(flatten(open_size)),
    "open size: GAP, then Dense": lambda: keras.layers.Dense(2)(average(open_size)),
}
outcomes = {name: refused(build) for name, build in attempts.items()}
for name, outcome in outcomes.items():
    print(f"{name:32} {outcome}")
assert list(outcomes.values()) == ["ValueError", "ValueError", "accepted"]

# %% [markdown] key="mistake-dropout" lang="en"
# ### Dropout at inference
#
# AlexNet drops half of its dense units **in training only**. `model.predict` and `model(x)` switch it off; `model(x, training=True)` does not, and gives another
# answer each time. Keras scales by $1/(1 - \text{rate})$ in training (inverted dropout), so nothing is left to do at inference; AlexNet's paper instead halved the outputs at test time.
#
# %% [markdown] key="mistake-dropout" lang="ja"
# ### 推論時にもドロップアウトを効かせる
#
# AlexNetが全結合層のユニットの半分を落とすのは、**学習時だけ**です。`model.predict` と `model(x)` では無効になりますが、`model(x, training=True)` では有効になり、
# 毎回違う答えになります。Kerasは学習時に $1/(1 - \text{rate})$ 倍するので(inverted dropout)、推論時には何もしなくて済みます。AlexNetの論文では逆に、テスト時の
# 出力を半分にしていました。
#
# %% key="mistake-dropout-run"
keras.utils.set_random_seed(0)
drop = keras.layers.Dropout(0.5, dtype="float32")
ones = np.ones((1, 1000), "float32")
quiet, busy = np.asarray(drop(ones, training=False)), np.asarray(drop(ones, training=True))
print(f"inference: values {np.unique(quiet)}   training: values {np.unique(busy)}")
assert np.array_equal(quiet, ones) and set(np.unique(busy)) == {0.0, 2.0}
assert not np.array_equal(busy, np.asarray(drop(ones, training=True)))

# %% [markdown] key="mistake-pointwise" lang="en"
# ### "A 1×1 convolution does nothing", or "it shrinks the map"
#
# It does nothing in *space*: no neighbours, same height and width. It works across the *channels*, $C F$ weights. What shrinks the map is its stride.
#
# %% [markdown] key="mistake-pointwise" lang="ja"
# ### 「1×1畳み込みは何もしない」「特徴マップを縮める」
#
# **空間方向**には何もしません。隣の画素は見ず、高さと幅も変わりません。働くのは**チャネル方向**で、重みは $C F$ 個です。特徴マップが縮むとすれば、
# それはストライドのためです。
#
# %% key="mistake-pointwise-run"
layer = keras.layers.Conv2D(16, 1, use_bias=False)
layer.build((None, 28, 28, 64))
shape = layer.compute_output_shape((1, 28, 28, 64))
print(f"28×28×64 -> {shape[1:]}, {layer.count_params():,} weights")
assert layer.count_params() == 64 * 16 and shape == (1, 28, 28, 16)
layer = keras.layers.Conv2D(16, 1, strides=2)
assert layer.compute_output_shape((1, 28, 28, 64)) == (1, 14, 14, 16)

# %% [markdown] key="mistake-border" lang="en"
# ### "Padding is zeros, also in pooling"
#
# Not in Keras. Max pooling with `same` never lets the border win, even where all pixels are negative; average pooling divides by the
# pixels that are there. (PyTorch's `AvgPool2d` counts the zeros unless told otherwise.)
#
# %% [markdown] key="mistake-border" lang="ja"
# ### 「パディングは0で埋めること。プーリングでも同じ」
#
# Kerasでは違います。`same` の最大値プーリングでは、画素がすべて負でも、補った部分が最大になることはありません。平均プーリングでは、実際にある画素の数で割ります
# (PyTorchの `AvgPool2d` は、指定しなければ0も数えます)。
#
# %% key="mistake-border-run"
negative = np.full((1, 3, 3, 1), -4.0, "float32")
for kind in (keras.layers.MaxPooling2D, keras.layers.AveragePooling2D):
    corner = float(np.asarray(kind(2, padding="same", dtype="float32")(negative))[0, 1, 1, 0])
    print(f"{kind.__name__:17} of -4 everywhere, in the corner: {corner:g}")
    assert corner == -4

# %% [markdown] key="mistake-order" lang="en"
# ### Conv → ReLU → BN, and loops whose names collide
#
# The note's VGG16 with batch normalization puts BN *behind* ReLU. Ioffe & Szegedy (2015, §3.2) put it **before** the nonlinearity:
# Conv → BN → ReLU, and the convolution needs no bias, since BN's shift takes its place. Both orders run, but they are different functions: only BN *behind* ReLU can hand on negative
# values. And in a loop every layer needs its own name, or Keras refuses.
#
# The old snippets need new names as well: `tf.layers.conv2d(…)` is `keras.layers.Conv2D(…)(x)`, `strides=[2, 2]` still works, Chainer has been in maintenance since 2019.
#
# %% [markdown] key="mistake-order" lang="ja"
# ### 「Conv → ReLU → BN」の順序、ループでの名前の重複
#
# 学習ノートのVGG16では、バッチ正規化(BN)がReLUの**後**にあります。Ioffe & Szegedy(2015, §3.2)では、非線形関数の**前**、つまり Conv → BN → ReLU です。BNのシフトが
# バイアスの役を果たすので、畳み込みのバイアスも要りません。どちらの順序でも動きますが、別の関数になります。負の値を次へ渡せるのは、ReLUの**後**にBNを置いたときだけです。
# また、ループで層を作るときは、層ごとに別の名前が必要です。重複すると、Kerasがエラーを出します。
#
# 古いコードの関数名も、書き換えが必要です。`tf.layers.conv2d(…)` は `keras.layers.Conv2D(…)(x)` です。`strides=[2, 2]` はそのまま使えます。Chainerは2019年から保守のみになっています。
#
# %% key="mistake-order-run"
rng = np.random.default_rng(5)
features = rng.standard_normal((8, 6, 6, 4)).astype("float32")
relu, bn = keras.layers.ReLU(dtype="float32"), keras.layers.BatchNormalization(dtype="float32")
for name, y in (
    ("BN, ReLU", relu(bn(features, training=True))),
    ("ReLU, BN", bn(relu(features), training=True)),
):
    lowest = np.asarray(y).min()
    print(f"{name}: negative values {'pass' if lowest < 0 else 'do not pass'}")
    assert (lowest < 0) == (name == "ReLU, BN")

twice = keras.Input((8, 8, 3))
y = twice
for _ in range(2):
    y = keras.layers.Conv2D(3, 3, padding="same", name="conv")(y)
print("two layers named 'conv':", refused(lambda: keras.Model(twice, y)))
assert refused(lambda: keras.Model(twice, y)) == "ValueError"


# %% [markdown] key="ex-lp-text" lang="en"
# ## Exercises
#
# Fill the blank, run the cell, then run the check below it. Each exercise needs only the setup and the imports at the top.
#
# ### 1. Lp pooling
#
# One channel, windows of $k \times k$ side by side, the mean inside: $y = \big(\frac{1}{k^2} \sum |x|^p\big)^{1/p}$.
#
# %% [markdown] key="ex-lp-text" lang="ja"
# ## 演習
#
# 空欄を埋めてセルを実行し、続けてすぐ下の確認セルを実行してください。どの演習も、冒頭の準備とimportのセルだけを実行しておけば始められます。
#
# ### 1. Lpプーリング
#
# 1チャネル、$k \times k$ の窓を重ならないように並べます。窓の中では平均をとります:$y = \big(\frac{1}{k^2} \sum |x|^p\big)^{1/p}$。
#
# %% key="ex-lp" tags=["exercise"]
def lp_pool(x, k, p):
    """x (H, W), H and W divisible by k -> y (H / k, W / k)."""
    y = np.zeros((x.shape[0] // k, x.shape[1] // k))
    for i, j in np.ndindex(y.shape):
        window = x[k * i : k * (i + 1), k * j : k * (j + 1)]
        ### BEGIN SOLUTION
        y[i, j] = np.mean(np.abs(window) ** p) ** (1 / p)
        ### END SOLUTION
    return y


# %% key="ex-lp-check" tags=["edition-output"]
exam.check(lp_pool, **exercises.LP)


# %% [markdown] key="ex-max-text" lang="en"
# ### 2. Backward through max pooling
#
# One channel, window $k \times k$, stride $s$ (windows may overlap). Of several equal maxima the first in reading order takes the gradient.
#
# %% [markdown] key="ex-max-text" lang="ja"
# ### 2. 最大値プーリングの逆伝播
#
# 1チャネル、窓 $k \times k$、ストライド $s$ とします(窓は重なることがあります)。最大値が複数あるときは、左上から行ごとに見て最初の画素が勾配を受け取ります。
#
# %% key="ex-max" tags=["exercise"]
def max_pool_gradient(dy, x, k, s):
    """dy (H_out, W_out), x (H, W) -> dx (H, W)."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dy.shape):
        window = x[s * i : s * i + k, s * j : s * j + k]
        ### BEGIN SOLUTION
        row, column = np.unravel_index(window.argmax(), window.shape)
        dx[s * i + row, s * j + column] += dy[i, j]
        ### END SOLUTION
    return dx


# %% key="ex-max-check" tags=["edition-output"]
exam.check(max_pool_gradient, **exercises.MAX_BACKWARD)


# %% [markdown] key="ex-table-text" lang="en"
# ### 3. Read a table
#
# `layers` holds tuples: `("conv", k, s, p, filters)`, `("pool", k, s, p)` or `("dense", units)`; the input is square. Every conv and dense
# layer has biases; a dense layer flattens what it gets. Return the number of parameters and the number of MACs for one image.
#
# %% [markdown] key="ex-table-text" lang="ja"
# ### 3. 表を読む
#
# `layers` はタプルの列で、`("conv", k, s, p, filters)`、`("pool", k, s, p)`、`("dense", units)` のいずれかです。入力は正方形です。畳み込み層と全結合層には
# バイアスがあり、全結合層は入力を平坦化して受け取ります。画像1枚についての (パラメータ数, MACの回数) を返してください。
#
# %% key="ex-table" tags=["exercise"]
def read_table(layers, size, channels):
    """(parameters, MACs) of a network for one image of size × size × channels."""
    parameters = macs = 0
    for kind, *numbers in layers:
        ### BEGIN SOLUTION
        if kind == "dense":
            weights, filters = size * size * channels * numbers[0], numbers[0]
            size = 1
        else:
            k, s, p = numbers[:3]
            size = (size + 2 * p - k) // s + 1
            filters = numbers[3] if kind == "conv" else channels
            weights = k * k * channels * filters if kind == "conv" else 0
        parameters += weights + (filters if weights else 0)
        macs += weights * size * size
        channels = filters
        ### END SOLUTION
    return parameters, macs


# %% key="ex-table-check" tags=["edition-output"]
exam.check(read_table, **exercises.TABLE)


# %% [markdown] key="questions-text" lang="en"
# ## Exam questions
#
# Four choices, one right. Decide first, then open the answer: it says which mistake leads to each wrong choice.
#
# %% [markdown] key="questions-text" lang="ja"
# ## 確認テスト
#
# 4択で、正解は1つです。まず自分で選び、それから解答を開いてください。誤答の選択肢には、どの間違いからその答えになるかを書いてあります。
#
# %% key="questions" tags=["edition-output"]
exam.quiz("03_classic_cnns")

# %% [markdown] key="references" lang="en"
# ## References
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), *Gradient-based learning applied to document recognition*, Proc. IEEE 86(11). LeNet-5:
#   §II.B and Fig. 2 (its second convolution, C3, reads chosen maps only; ours reads all); error rates: §III.
# - A. Krizhevsky, I. Sutskever, G. Hinton (2012), *ImageNet classification with deep convolutional neural networks*, NeurIPS.
#   Local response normalization: §3.3; overlapping pooling: §3.4; architecture: §3.5; dropout: §4.2; errors: Table 2.
# - M. D. Zeiler, R. Fergus (2014), *Visualizing and understanding convolutional networks*, ECCV, arXiv:1311.2901. Architecture: Fig. 3;
#   what was wrong with AlexNet's first layers: §4.1; errors: Table 2.
# - M. Lin, Q. Chen, S. Yan (2014), *Network in network*, ICLR, arXiv:1312.4400. 1×1 convolutions (mlpconv): §3.1; global average
#   pooling: §3.2; comparison of heads: Table 5.
# - K. Simonyan, A. Zisserman (2015), *Very deep convolutional networks for large-scale image recognition*, ICLR, arXiv:1409.1556. Configurations: Table 1;
#   stacked 3×3: §2.3; errors: Table 3.
# - C. Szegedy et al. (2015), *Going deeper with convolutions*, CVPR, arXiv:1409.4842. Module: §4 and Fig. 2; network: Table 1; auxiliary
#   classifiers: §5; errors: Table 3.
# - P. Sermanet, S. Chintala, Y. LeCun (2012), *Convolutional neural networks applied to house numbers digit classification*, ICPR,
#   arXiv:1204.3968, §2.2: Lp pooling (with Gaussian weights where we take equal ones).
# - S. Ioffe, C. Szegedy (2015), *Batch normalization*, ICML, arXiv:1502.03167, §3.2: before the nonlinearity, without bias.
# - Keras documentation: pooling layers; PyTorch documentation: `LPPool2d`, `AvgPool2d`, `LocalResponseNorm`.
# - The printed tables: a Japanese collection of deep-learning exercises on GitHub (2019), part on image recognition.
#
# **Next** 04 goes deeper than 22 layers, with shortcuts; 05 explains batch normalization; 06 sets VGG16 against MobileNet.
#
# %% [markdown] key="references" lang="ja"
# ## 参考文献
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998), *Gradient-based learning applied to document recognition*, Proc. IEEE 86(11). LeNet-5:§II.B、Fig. 2
#   (論文の2番目の畳み込みは一部の特徴マップだけを読みますが、ここではすべてを読みます)。誤り率:§III。
# - A. Krizhevsky, I. Sutskever, G. Hinton (2012), *ImageNet classification with deep convolutional neural networks*, NeurIPS.
#   局所応答正規化:§3.3。重なりのあるプーリング:§3.4。構成:§3.5。ドロップアウト:§4.2。誤り率:Table 2。
# - M. D. Zeiler, R. Fergus (2014), *Visualizing and understanding convolutional networks*, ECCV, arXiv:1311.2901. 構成:Fig. 3。AlexNetの最初の2層の問題:§4.1。
#   誤り率:Table 2。
# - M. Lin, Q. Chen, S. Yan (2014), *Network in network*, ICLR, arXiv:1312.4400. 1×1畳み込み(mlpconv):§3.1。グローバル平均プーリング:§3.2。
#   ヘッドの比較:Table 5。
# - K. Simonyan, A. Zisserman (2015), *Very deep convolutional networks for large-scale image recognition*, ICLR, arXiv:1409.1556. 構成:Table 1。
#   3×3を重ねること:§2.3。誤り率:Table 3。
# - C. Szegedy et al. (2015), *Going deeper with convolutions*, CVPR, arXiv:1409.4842. モジュール:§4、Fig. 2。ネットワーク:Table 1。補助分類器:§5。誤り率:Table 3。
# - P. Sermanet, S. Chintala, Y. LeCun (2012), *Convolutional neural networks applied to house numbers digit classification*, ICPR, arXiv:1204.3968, §2.2:Lpプーリング
#   (論文ではガウス関数の重み、ここでは等しい重み)。
# - S. Ioffe, C. Szegedy (2015), *Batch normalization*, ICML, arXiv:1502.03167, §3.2:非線形関数の前に置き、バイアスを省くこと。
# - Kerasのドキュメント:プーリング層。PyTorchのドキュメント:`LPPool2d`、`AvgPool2d`、`LocalResponseNorm`。
# - 誤りを含む表:GitHubで公開されている深層学習の演習集(2019年)、画像認識の部。
#
# **次の章** 4章では、ショートカットを使って22層より深くします。5章ではバッチ正規化を説明し、6章ではVGG16とMobileNetを比べます。

# ---
# study:
#   title: {en: "MobileNet against VGG16", ja: "MobileNetとVGG16の比較"}
#   scope: examined
#   minutes: 150
#   topics: ["3.4", "3.4.2", "4.1.4"]
#   prerequisites: [01_convolution, 03_classic_cnns, 05_normalization]
#   tpu: true
#   depends: [data/vgg_trials.csv]
# ---
# %% [markdown] key="title" lang="en"
# # 06 · MobileNet against VGG16
#
# {{badge}}
#
# After this chapter you can say what a network costs in weights, multiplications, bytes and seconds – and why these four
# disagree. MobileNetV2 needs 161 times fewer multiplications than VGG16, yet it trained only nine times as fast. The idea
# that explains most of it: **you pay for arithmetic and for moving data, and the longer bill counts.**
#
# **Examined** (syllabus 3.4) · **Time** two and a half hours (in a hurry: "Key ideas", "What the whole network costs" and
# "Experiment") · **You need** chapter 01 (depthwise, pointwise); batch normalization from chapter 05
#
# %% [markdown] key="title" lang="ja"
# # 06 · MobileNetとVGG16の比較
#
# {{badge}}
#
# この章を終えると、ネットワークのコストを、重みの数・乗算の回数・バイト数・秒数の4つで言えるようになり、この4つがなぜ食い違うのかを説明できるように
# なります。MobileNetV2の乗算はVGG16の161分の1ですが、学習の速さは9倍にしかなりませんでした。主な理由は一言で言えます。
# **計算とデータの移動のうち、時間のかかるほうで全体が決まる**からです。
#
# **試験範囲**(シラバス 3.4)· **所要時間** 2時間半(急ぐ人は「要点」「ネットワーク全体のコスト」「実験」だけ)· **前提** 1章(デプスワイズ、
# ポイントワイズ)、5章のバッチ正規化
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
import csv
import math
import tempfile
import time
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers

from utils import datasets, exam, plots, training
from utils.exam.exercises import mobilenet as exercises
from utils.gradient_check import check_layer, keras_gradients, relative_error
from utils.keras_models import layer_table
from utils.keras_models import mobilenet_v2 as reference
from utils.keras_models.vgg import vgg16
from utils.numpy_layers import conv_arithmetic
from utils.numpy_layers.batch_norm import BatchNormalization
from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.depthwise_conv2d import DepthwiseConv2D
from utils.pictures import blocks, mobilenet, networks

plots.style()

# %% [markdown] key="two-jobs" lang="en"
# ## Key ideas
#
# ### Two jobs, done one after the other
#
# A standard convolution looks around in space *and* mixes channels, both at once: every output number costs $K^2 C$
# multiplications. MobileNet (2017) does the two jobs one after the other. The **depthwise** step looks around, each channel
# alone; the **pointwise** step mixes, each pixel alone.
#
# | | weights | multiplications (MACs) |
# |---|---|---|
# | standard | $K^2 C\, C_{out}$ | $H W \cdot K^2 C\, C_{out}$ |
# | depthwise | $K^2 C$ | $H W \cdot K^2 C$ |
# | pointwise | $C\, C_{out}$ | $H W \cdot C\, C_{out}$ |
#
# $H \times W$ are the positions of the output, $C$ and $C_{out}$ the channels, $K$ the side of the kernel. (Exam questions
# also write $M$ for $C_{out}$; the MobileNet paper writes $D_F$, $D_K$, $M$, $N$ for $H$, $K$, $C$, $C_{out}$.) The ratio follows in one line:
#
# $$\frac{H W (K^2 C + C\, C_{out})}{H W K^2 C\, C_{out}} = \frac{K^2 + C_{out}}{K^2\, C_{out}} = \frac{1}{C_{out}} + \frac{1}{K^2}$$
#
# ### Narrow outside, wide inside
#
# MobileNetV2 (2018) puts the depthwise step into a block: **expand** the channels $t$ times with a 1×1 convolution, filter
# each of them, **project** back to few channels. ("Wide" and "narrow" speak of channels, not of pixels.) What travels from block to block is narrow; what is filtered is wide.
#
# %% [markdown] key="two-jobs" lang="ja"
# ## 要点
#
# ### 2つの仕事を、順番に行う
#
# 通常の畳み込みは、空間方向に周りを見ることと、チャネルを混ぜることを**同時に**行います。出力の数値1つにつき、乗算は $K^2 C$ 回です。
# MobileNet(2017年)は、この2つを順番に行います。**デプスワイズ(depthwise)** の段はチャネルごとに周りを見て、**ポイントワイズ(pointwise)** の段は
# 画素ごとにチャネルを混ぜます。
#
# | | 重みの数 | 乗算の回数(MAC) |
# |---|---|---|
# | 通常 | $K^2 C\, C_{out}$ | $H W \cdot K^2 C\, C_{out}$ |
# | デプスワイズ | $K^2 C$ | $H W \cdot K^2 C$ |
# | ポイントワイズ | $C\, C_{out}$ | $H W \cdot C\, C_{out}$ |
#
# $H \times W$ は出力の位置の数、$C$ と $C_{out}$ はチャネル数、$K$ はカーネルの1辺です(試験では $C_{out}$ を $M$ と書くこともあります。MobileNetの論文では
# $H$、$K$、$C$、$C_{out}$ をそれぞれ $D_F$、$D_K$、$M$、$N$ と書きます)。比は1行で導けます。
#
# $$\frac{H W (K^2 C + C\, C_{out})}{H W K^2 C\, C_{out}} = \frac{K^2 + C_{out}}{K^2\, C_{out}} = \frac{1}{C_{out}} + \frac{1}{K^2}$$
#
# ### 外は狭く、中は広く
#
# MobileNetV2(2018年)は、デプスワイズの段をブロックに組み込みました。1×1畳み込みでチャネルを $t$ 倍に**拡張**し、各チャネルをフィルタに通し、少ない
# チャネルへ**射影**します(この章の「広い」「狭い」は、画像の大きさではなくチャネル数の多い・少ないを指します)。ブロックの間を流れるのは狭い特徴マップで、
# フィルタに通すのは広い特徴マップです。
#
# %% key="block-figure"
blocks.inverted_residual()
plt.show()


# %% [markdown] key="five-sentences" lang="en"
# **Five sentences to take into the exam**
#
# 1. Depthwise costs $H W C K^2$, pointwise $H W C\, C_{out}$; together $1/C_{out} + 1/K^2$ of a standard convolution. $1/9$ is only
#    the limit for many filters.
# 2. Each channel has its *own* depthwise kernel: $K^2 C$ weights.
# 3. Block of MobileNetV2: 1×1 to $tk$ channels, 3×3 depthwise, 1×1 to $k'$. ReLU6 after the first two, **none after the
#    projection**. Skip connection only if the stride is 1 **and** $k = k'$.
# 4. A float32 weight takes 4 bytes in a file, and 12 if Adam's two moments are saved with it.
# 5. Few MACs do not mean little time. A layer takes at least $\max(\text{MACs}/\text{peak},\ \text{bytes}/\text{bandwidth})$, and a
#    depthwise layer moves about a byte for each MAC.
#
# %% [markdown] key="five-sentences" lang="ja"
# **試験前に覚えておく5項目**
#
# 1. 計算量は、デプスワイズが $H W C K^2$、ポイントワイズが $H W C\, C_{out}$。合計は、通常の畳み込みの $1/C_{out} + 1/K^2$ 倍。$1/9$ は、フィルタが多いときの
#    極限にすぎない。
# 2. デプスワイズのカーネルは、チャネルごとに**別々**。重みは $K^2 C$ 個。
# 3. MobileNetV2のブロックは、$tk$ チャネルへの1×1、3×3のデプスワイズ、$k'$ チャネルへの1×1。ReLU6は初めの2つの後だけで、**射影の後にはない**。
#    スキップ接続は、ストライドが1で、**かつ** $k = k'$ のときだけ。
# 4. float32の重み1個は、ファイルでは4バイト。Adamの2つのモーメントも保存すると12バイト。
# 5. MACが少なくても、時間が短いとは限らない。1つの層には、少なくとも $\max(\text{MAC}/\text{最高速度},\ \text{バイト数}/\text{帯域幅})$ の時間がかかる。
#    デプスワイズの層は、MAC1回につき約1バイトを動かす。
#
# %% [markdown] key="counted-text" lang="en"
# ## From the formula to NumPy
#
# ### Count every multiplication
#
# Both convolutions in loops, with a counter. A 5×5 image with $C = 2$ channels, $K = 3$, no padding, so 3×3 positions, and
# $C_{out} = 4$. With a pocket calculator: $9 \cdot 9 \cdot 2 \cdot 4 = 648$ against $9 \cdot 9 \cdot 2 + 9 \cdot 2 \cdot 4 = 162 + 72 = 234$.
#
# %% [markdown] key="counted-text" lang="ja"
# ## 数式とコード
#
# ### 乗算を1回ずつ数える
#
# 2種類の畳み込みをループで書き、乗算を数えます。5×5の画像、$C = 2$ チャネル、$K = 3$、パディングなし(位置は3×3)、$C_{out} = 4$ とします。
# 電卓では、$9 \cdot 9 \cdot 2 \cdot 4 = 648$ に対して、$9 \cdot 9 \cdot 2 + 9 \cdot 2 \cdot 4 = 162 + 72 = 234$ です。
#
# %% key="counted"
def standard(x, kernel):
    """x (H, W, C), kernel (K, K, C, C_out) -> (y, multiplications)."""
    K, _, C, C_out = kernel.shape
    y, macs = np.zeros((x.shape[0] - K + 1, x.shape[1] - K + 1, C_out)), 0
    for i, j, f in np.ndindex(y.shape):
        for u, v, c in np.ndindex(K, K, C):
            y[i, j, f] += x[i + u, j + v, c] * kernel[u, v, c, f]
            macs += 1
    return y, macs


def depthwise(x, kernel):
    """x (H, W, C), kernel (K, K, C): one for each channel -> (y, multiplications)."""
    K, _, C = kernel.shape
    y, macs = np.zeros((x.shape[0] - K + 1, x.shape[1] - K + 1, C)), 0
    for i, j, c in np.ndindex(y.shape):
        for u, v in np.ndindex(K, K):
            y[i, j, c] += x[i + u, j + v, c] * kernel[u, v, c]
            macs += 1
    return y, macs


rng = np.random.default_rng(0)
x, space, mix = rng.normal(size=(5, 5, 2)), rng.normal(size=(3, 3, 2)), rng.normal(size=(2, 4))
middle, first = depthwise(x, space)
y, second = standard(middle, mix[None, None])  # pointwise: a standard convolution with K = 1
same, all_at_once = standard(x, space[..., None] * mix)  # the kernel that does both jobs at once
assert np.allclose(y, same)
print(f"standard {all_at_once}, depthwise {first} + pointwise {second} = {first + second}")
print(f"ratio {(first + second) / all_at_once:.4f} = 1/4 + 1/9 = {1 / 4 + 1 / 9:.4f}")
assert (all_at_once, first, second) == (648, 162, 72)

# %% [markdown] key="ratio-text" lang="en"
# The standard convolution gives the same output only because its kernel was built as a product. In general it is free to do
# more; that freedom is what its extra multiplications buy. How many are they?
#
# %% [markdown] key="ratio-text" lang="ja"
# ここで出力が一致するのは、通常の畳み込みのカーネルを「積」の形に作ったからです。一般のカーネルは、もっと自由に値を選べます。その自由度と引き換えに、
# 乗算が増えます。どれだけ増えるのでしょうか。
#
# %% key="ratio"
print("C_out      K = 3    K = 5")
for C_out in (1, 8, 64, 512):
    ratios = [(K**2 + C_out) / (K**2 * C_out) for K in (3, 5)]
    print(f"{C_out:5d}   " + "   ".join(f"{ratio:6.3f}" for ratio in ratios))
    for K, ratio in zip((3, 5), ratios, strict=True):
        separable = conv_arithmetic.separable_conv2d_macs(14, K, 32, C_out)
        assert math.isclose(ratio, separable / conv_arithmetic.conv2d_macs(14, K, 32, C_out))
        assert math.isclose(ratio, 1 / C_out + 1 / K**2)


# %% [markdown] key="block-text" lang="en"
# ### The inverted residual, by hand
#
# A list of layers, run forwards and backwards. The layers are those of chapters 01 and 05; new are ReLU6, $\min(\max(0, u), 6)$,
# and the skip connection: backward it simply adds $dy$ to what comes back through the block.
#
# One block with a pocket calculator: $k = k' = 8$, $t = 6$, so 48 channels inside. Weights: $8 \cdot 48 + 9 \cdot 48 + 48 \cdot 8 = 1{,}200$.
# A single standard 3×3 convolution on the wide map would have $9 \cdot 48 \cdot 48 = 20{,}736$.
#
# %% [markdown] key="block-text" lang="ja"
# ### 反転残差ブロックを手で書く
#
# **反転残差(inverted residual)** ブロックは、層のリストを順方向と逆方向にたどるだけです。層は1章と5章のものを使います。新しいのは
# ReLU6、$\min(\max(0, u), 6)$ と、スキップ接続です。スキップ接続の逆伝播では、ブロックを通って戻る勾配に $dy$ をそのまま足します。
#
# 電卓で1ブロックを計算してみましょう。$k = k' = 8$、$t = 6$ なら、内側は48チャネルです。重みは $8 \cdot 48 + 9 \cdot 48 + 48 \cdot 8 = 1{,}200$ 個です。
# 広い特徴マップに通常の3×3畳み込みを使えば、それだけで $9 \cdot 48 \cdot 48 = 20{,}736$ 個になります。
#
# %% key="block"
class ReLU6:
    """min(max(0, u), 6): the gradient passes where neither end clips."""

    params, grads = {}, {}

    def forward(self, u):
        self.open = (u > 0) & (u < 6)
        return np.clip(u, 0, 6)

    def backward(self, dy):
        return dy * self.open


class InvertedResidual:
    """x (N, H, W, k) -> (N, ⌈H/s⌉, ⌈W/s⌉, k_out)."""

    def __init__(self, k, k_out, t, s, dtype="float64", rng=None):
        def norm(channels):
            return BatchNormalization(channels, dtype=dtype)

        wide, free = t * k, {"use_bias": False, "dtype": dtype, "rng": rng}
        expand = [Conv2D(wide, 1, k, **free), norm(wide), ReLU6()]
        space = [DepthwiseConv2D(3, wide, s, "same", **free), norm(wide), ReLU6()]
        project = [Conv2D(k_out, 1, wide, **free), norm(k_out)]  # linear
        self.steps = (expand if t > 1 else []) + space + project
        self.skip = s == 1 and k == k_out
        self.params = self.collect("params")

    def collect(self, what):
        """The arrays of all layers, under the layer's number and the array's name."""
        arrays = [(i, getattr(step, what)) for i, step in enumerate(self.steps)]
        return {f"{i} {name}": array for i, named in arrays for name, array in named.items()}

    def forward(self, x):
        y = x
        for step in self.steps:
            y = step.forward(y)
        return x + y if self.skip else y

    def backward(self, dy):
        dx = dy
        for step in reversed(self.steps):
            dx = step.backward(dx)
        self.grads = self.collect("grads")
        return dx + dy if self.skip else dx


block = InvertedResidual(8, 8, t=6, s=1)
kernels = [p.size for name, p in block.params.items() if "kernel" in name]
print(" + ".join(map(str, kernels)), "=", sum(kernels), "weights;", "skip" if block.skip else "no skip")
assert sum(kernels) == 1200
for arguments in ((8, 8, 6, 1), (8, 12, 6, 1), (8, 8, 6, 2), (8, 4, 1, 1)):
    made = InvertedResidual(*arguments)
    y = made.forward(np.zeros((1, 6, 6, 8)))
    print(f"k, k', t, s = {arguments} -> {y.shape}  {'skip' if made.skip else 'no skip'}")

# %% [markdown] key="linear-text" lang="en"
# ### Why the projection is linear
#
# A ReLU sets negative numbers to 0, and what was there is gone. In many channels that does no harm: the others still tell where
# the point was. In few channels it does harm. Take points of a plane, spread them over $n$ channels with random weights, apply ReLU. A point can be
# computed back if at least two channels are active for it (two equations for two unknowns). Each channel is active with
# probability ½, so the share that survives is $1 - (n + 1)/2^n$.
#
# %% [markdown] key="linear-text" lang="ja"
# ### 射影が線形である理由
#
# ReLUは負の数を0にするので、そこにあった情報は失われます。チャネルが多ければ、残りのチャネルから元の点がわかるので問題になりません。少ないときは、そうはいきません。
# 平面上の点を、ランダムな重みで $n$ チャネルに広げ、ReLUに通してみましょう。ある点について少なくとも2つのチャネルが正なら、元の座標を逆算できます
# (未知数2つに方程式2つ)。各チャネルが正になる確率は ½ なので、逆算できる割合は $1 - (n + 1)/2^n$ です。
#
# %% key="linear"
rng = np.random.default_rng(1)
mobilenet.recoverable([rng.normal(size=(2, n)) for n in (2, 3, 5, 15)])
plt.show()

points = rng.normal(size=(500, 2))
for n in (2, 3, 5, 15):
    maps = rng.normal(size=(200, 2, n))
    kept = np.mean(np.sum(points @ maps > 0, axis=2) >= 2)
    print(f"{n:2d} channels: {100 * (1 - (n + 1) / 2**n):6.2f} % by the formula, measured within 3 points")
    assert abs(kept - (1 - (n + 1) / 2**n)) < 0.03

# %% [markdown] key="whole-text" lang="en"
# Blue is kept, orange is lost. So MobileNetV2 uses ReLU6 where the map is wide, and none where it is narrow (Sandler et al. 2018, §3.2
# and Fig. 1).
#
# ### What the whole network costs
#
# Table 2 of the paper is seven lines: $t$, channels, number of blocks, stride of the first. The width multiplier $\alpha$ thins
# the channels (to multiples of 8; below 1 it spares the last 1,280). The study note that this chapter reproduces used $\alpha = 0.5$ and five classes. Count before you build:
#
# %% [markdown] key="whole-text" lang="ja"
# 青は残った点、オレンジは失われた点です。だからMobileNetV2は、広いところではReLU6を使い、狭いところでは使いません(Sandler et al. 2018, §3.2とFig. 1)。
#
# ### ネットワーク全体のコスト
#
# 論文のTable 2は7行です。$t$、チャネル数、ブロックの数、最初のブロックのストライドが並んでいます。幅の乗数(width multiplier)$\alpha$ は、各層のチャネルを
# 減らします(8の倍数に丸めます。$\alpha < 1$ でも、最後の1,280チャネルは減らしません)。この章で再現する学習ノートでは、$\alpha = 0.5$、5クラスでした。作る前に数えましょう。
#
# %% key="whole"
TABLE_2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_parameters(alpha=1.0, classes=1000):
    """(trainable, moving averages) by counting: a BN has 2 + 2 numbers a channel."""
    k = reference.multiple_of_8(32 * alpha)
    weights, norms = 9 * 3 * k, k
    for t, channels, count, _ in TABLE_2:
        for _ in range(count):
            k_out, wide = reference.multiple_of_8(int(channels * alpha)), t * k
            weights += (k * wide if t > 1 else 0) + 9 * wide + wide * k_out
            norms += (wide if t > 1 else 0) + wide + k_out
            k = k_out
    last = reference.multiple_of_8(1280 * max(1.0, alpha))
    return weights + k * last + last * classes + classes + 2 * (norms + last), 2 * (norms + last)


trainable, moving = mobilenet_parameters(alpha=0.5, classes=5)
print(f"{trainable:,} trainable + {moving:,} moving averages = {trainable + moving:,}")
assert trainable + moving == 712_629
assert sum(mobilenet_parameters()) == 3_538_984


# %% [markdown] key="agree-block-text" lang="en"
# ## Agreement
#
# ### The block
#
# Our block against Keras' layers with the same weights and non-trivial batch statistics (inference mode), and against
# numerical gradients.
#
# %% [markdown] key="agree-block-text" lang="ja"
# ## 確かめる
#
# ### ブロック
#
# 手で書いたブロックを、同じ重みと自明でないバッチ統計量を与えたKerasの層(推論モード)と、数値微分とで確かめます。
#
# %% key="agree-block"
def keras_block(k, k_out, t, s):
    """The same block from Keras' layers, in float32 whatever the policy."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    inputs = keras.Input((8, 7, k))
    model = keras.Model(inputs, reference.inverted_residual(inputs, k_out, s, t, "block"))
    keras.config.set_dtype_policy(policy)
    return model


rng = np.random.default_rng(2)
for arguments in ((4, 4, 6, 1), (4, 6, 6, 1), (4, 4, 6, 2), (6, 4, 1, 1)):
    ours, theirs = InvertedResidual(*arguments, dtype="float32"), keras_block(*arguments)
    with_weights = [layer for layer in theirs.layers if layer.weights]
    for step, layer in zip([step for step in ours.steps if step.params], with_weights, strict=True):
        values = [rng.uniform(0.5, 1.5, w.shape).astype("float32") for w in layer.weights]
        if len(values) == 1:
            values = [rng.normal(size=values[0].shape).astype("float32")]
        layer.set_weights(values)
        for name, value in zip(step.params, values, strict=False):
            step.params[name] = value
        if len(values) == 4:
            step.moving_mean, step.moving_variance = values[2:]
    x = rng.normal(size=(2, 8, 7, arguments[0])).astype("float32")
    y = ours.forward(x)
    dy = rng.normal(size=y.shape).astype("float32")
    mine = [y, ours.backward(dy), *ours.grads.values()]
    y_keras, dx_keras, dweights = keras_gradients(theirs, x, dy)
    worst = max(relative_error(a, b) for a, b in zip(mine, [y_keras, dx_keras, *dweights], strict=True))
    doubted = InvertedResidual(*arguments)
    for name, values in doubted.params.items():
        if "beta" in name:  # at 0 a silent channel would sit on the kink of ReLU6
            values[:] = rng.uniform(0.5, 1.5, values.shape)
    numerical = check_layer(doubted, rng.normal(size=(1, 4, 4, arguments[0])))
    print(f"k, k', t, s = {arguments}: {len(mine):2d} arrays, Keras < 1e-5, numerical < 1e-6")
    assert worst < 1e-5 and max(numerical.values()) < 1e-6, (worst, numerical)

# %% [markdown] key="agree-count-text" lang="en"
# ### The networks: weights and MACs, layer by layer
#
# Now the two networks of the note, at full size. Every layer's MACs are computed by the formulas of the first table, and
# compared with those that `layer_table` reads off the built model.
#
# %% [markdown] key="agree-count-text" lang="ja"
# ### ネットワーク:重みとMACを層ごとに
#
# 次に、学習ノートの2つのネットワークを本来の大きさで作ります。各層のMACを最初の表の式で計算し、`layer_table` がモデルから読み取った値と比べます。
#
# %% key="agree-count"
light = reference.mobilenet_v2(classes=5, alpha=0.5)
heavy = vgg16(classes=5)


def macs_by_formula(layer):
    """Multiplications of a layer with a kernel, for one image."""
    H, W = layer.output.shape[1:3] if len(layer.output.shape) == 4 else (1, 1)
    C, C_out = layer.input.shape[-1], layer.output.shape[-1]
    if isinstance(layer, layers.DepthwiseConv2D):
        return H * W * C * layer.kernel_size[0] ** 2
    K = layer.kernel_size[0] if isinstance(layer, layers.Conv2D) else 1  # a dense layer: H = W = K = 1
    return H * W * K**2 * C * C_out


totals = {}
for model in (light, heavy):
    rows = {row.name: row for row in layer_table.rows(model)}
    counted = {
        layer: macs_by_formula(layer)
        for layer in model.layers
        if hasattr(layer, "kernel") or isinstance(layer, layers.DepthwiseConv2D)
    }
    assert all(rows[layer.name].macs == macs for layer, macs in counted.items())
    totals[model.name] = sum(counted.values())
    assert totals[model.name] == layer_table.macs(model)
    print(
        f"{model.name:13} {model.count_params():12,} parameters  {totals[model.name]:15,} MACs  "
        f"{len(counted)} layers: formula = table"
    )
assert (light.count_params(), heavy.count_params()) == (712_629, 134_281_029)
mac_ratio = totals["vgg16"] / totals["mobilenet_v2"]
parameter_ratio = heavy.count_params() / light.count_params()
print(f"ratio: {parameter_ratio:.0f}× the parameters, {mac_ratio:.0f}× the MACs")
assert round(mac_ratio) == 161

# %% [markdown] key="where-text" lang="en"
# Where do they sit? In VGG16 the first dense layer alone holds three quarters of the weights, while the convolutions do 99 % of
# the work. In MobileNetV2 five sixths of the MACs are in 1×1 convolutions.
#
# %% [markdown] key="where-text" lang="ja"
# コストはどこにあるのでしょうか。VGG16では、最初の全結合層だけで重みの4分の3を占めますが、計算の99%は畳み込みで行われます。MobileNetV2では、
# MACの6分の5が1×1畳み込みです。
#
# %% key="where"
networks.costs(layer_table.rows(heavy), title="VGG16, 5 classes")
plt.show()

kinds = {"1×1": 0, "depthwise 3×3": 0, "stem and head": 0}
for row in layer_table.rows(light):
    kind = "1×1" if row.kernel == (1, 1) else "stem and head"
    kinds["depthwise 3×3" if row.name.endswith("depthwise") else kind] += row.macs
for kind, macs in kinds.items():
    print(f"MobileNetV2, {kind:14} {100 * macs / totals['mobilenet_v2']:5.1f} % of the MACs")


# %% [markdown] key="networks-text" lang="en"
# ## In Keras
#
# ### Two networks that fit any size
#
# The full profile trains the two networks of the note: 224×224 photographs of five kinds of flowers (a public set like the note's),
# batches of 128, 40 epochs. That takes hours, and for VGG16 some 16 GB of memory (a smaller `batch_size` needs less). The quick profile
# trains a narrow VGG and a short MobileNetV2 on 1,000 digits, enlarged to 32×32 because VGG halves its map five times. Both are the same code.
#
# `batch_norm=True` is the only difference between the VGG that fails below and the one that learns (the biases go with it: a
# batch normalization would subtract them again).
#
# %% [markdown] key="networks-text" lang="ja"
# ## Kerasで学習する
#
# ### 大きさを変えられる2つのネットワーク
#
# fullプロファイルでは、学習ノートの2つのネットワークを本来の大きさで学習します。5種類の花の写真(学習ノートと同種の公開データ)を224×224画素で、バッチサイズ128、
# 40エポックです。数時間かかり、VGG16には16 GBほどのメモリが要ります(`batch_size` を小さくすれば減ります)。quickプロファイルでは、チャネルを減らしたVGGと、短くしたMobileNetV2を、1,000枚の手書き数字で
# 学習します。VGGは縦横を5回半分にするので、数字は32×32に拡大します。どちらもコードは同じです。
#
# この後で学習に失敗するVGGと、成功するVGGとの違いは、`batch_norm=True` だけです(このとき畳み込みのバイアスも省きます。直後のバッチ正規化で
# 引かれてしまい、意味がないからです)。
#
# %% key="networks"
def vgg(shape, classes, width=1.0, batch_norm=False, initializer="glorot_uniform", activation="softmax"):
    """VGG16 (configuration D) with all channels scaled by `width`."""

    def bend(x):
        if batch_norm:
            x = layers.BatchNormalization(momentum=config["momentum"])(x)
        return layers.ReLU()(x)

    options = {"kernel_initializer": initializer, "use_bias": not batch_norm}
    inputs = x = keras.Input(shape)
    for filters, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            x = bend(layers.Conv2D(int(width * filters), 3, padding="same", **options)(x))
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = bend(layers.Dense(int(width * 4096), **options)(x))
    return keras.Model(inputs, layers.Dense(classes, activation=activation, dtype="float32")(x))


def inverted_residuals(shape, classes, stages, alpha=0.5):
    """MobileNetV2 with the given lines (t, channels, blocks, stride) of Table 2."""
    inputs = keras.Input(shape)
    x = layers.Conv2D(reference.multiple_of_8(32 * alpha), 3, 2, padding="same", use_bias=False)(inputs)
    x = layers.ReLU(6.0)(layers.BatchNormalization(epsilon=1e-3)(x))
    for number, (t, channels, count, stride) in enumerate(stages):
        for i in range(count):
            k_out = reference.multiple_of_8(int(channels * alpha))
            x = reference.inverted_residual(x, k_out, stride if i == 0 else 1, t, f"stage{number}_block{i}")
    x = layers.Conv2D(1280 if stages is TABLE_2 else 128, 1, use_bias=False)(x)
    x = layers.GlobalAveragePooling2D()(layers.ReLU(6.0)(layers.BatchNormalization(epsilon=1e-3)(x)))
    model = keras.Model(inputs, layers.Dense(classes, activation="softmax", dtype="float32")(x))
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = config["momentum"]  # the release has 0.999: see below
    return model


# %% key="config"
SHORT = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 2, 2), (6, 64, 1, 1))
quick = {"data": "digits", "size": 32, "limit": 1000, "width": 1 / 8, "stages": SHORT}
quick |= {"epochs": 3, "batch_size": 32, "rate": 4e-3, "momentum": 0.9}
full = {"data": "flowers", "size": 224, "limit": None, "width": 1.0, "stages": TABLE_2}
full |= {"epochs": 40, "batch_size": 128, "rate": 1e-3, "momentum": 0.99}
config = rt.choose(quick=quick, full=full)

# %% key="build"
data = datasets.load_images(config["data"], config["size"], limit=config["limit"])
shape, classes = data.x_train.shape[1:], len(data.class_names)
BUILDERS = {
    "MobileNetV2": lambda: inverted_residuals(shape, classes, config["stages"]),
    "VGG16 as in the note": lambda: vgg(shape, classes, config["width"]),
    "VGG16 with BatchNorm": lambda: vgg(shape, classes, config["width"], batch_norm=True),
}
print(data)

# %% [markdown] key="narrow-text" lang="en"
# Is the narrow network still a VGG16? Layer for layer, yes.
#
# %% [markdown] key="narrow-text" lang="ja"
# チャネルを減らしたネットワークも、VGG16と言えるでしょうか。層ごとに比べて確かめます。
#
# %% key="narrow"
narrow = vgg((32, 32, 1), 10, 1 / 8)
kernels = [[row for row in layer_table.rows(model) if row.parameters] for model in (narrow, heavy)]
for ours, theirs in zip(*kernels, strict=True):
    assert (ours.kind, ours.kernel, ours.strides) == (theirs.kind, theirs.kernel, theirs.strides)
    assert theirs is kernels[1][-1] or 8 * ours.output_shape[-1] == theirs.output_shape[-1]
print("narrow VGG: the layers of VGG16, an eighth of the channels")


# %% [markdown] key="train-text" lang="en"
# ### Training
#
# All three with Adam, a rate that falls to 0 along a cosine (the note kept it constant), and the same batches.
#
# The quick profile is smaller than the note in network and data, and in one more point it **departs from it**: its rate is 0.004, the note had Keras' default of 0.001 (and so has the
# full profile). The reason: at 0.001 the *narrow* VGG fails less reliably – of five seeds three got stuck, two began to learn. At 0.004 all five got stuck.
# (In a narrow network each number adds up eight times fewer inputs, so a step of the same size moves it less; 0.004 makes up for part of that. But it was
# chosen because the failure is reliable there.) The diagnosis below has to reckon with this.
#
# `training.fit` is a wrapper around `model.fit`: in the full profile it backs up every epoch, so that a run which was cut off goes on where it was.
#
# %% [markdown] key="train-text" lang="ja"
# ### 学習
#
# 3つとも、Adamで、学習率をコサイン曲線に沿って0まで下げ(学習ノートでは一定でした)、同じ順のバッチで学習します。
#
# quickプロファイルは、ネットワークとデータが小さいことのほかに、もう1つ**学習ノートと違う点**があります。学習ノートの学習率はKerasの既定値0.001でしたが(fullプロファイルも同じです)、ここでは0.004です。
# チャネルを減らしたVGGは、0.001では必ず失敗するとは限りません。5つの乱数シードのうち3つでは止まり、2つでは少し学習が進みました。0.004では5つとも止まりました。
# チャネルを減らすと、1つの数値に足し込まれる入力が8分の1になり、同じ大きさの更新でも出力が動きにくくなります。0.004はそれを一部補う値でもありますが、選んだ決め手は、失敗が確実に
# 再現することです。後の診断では、この違いを考えに入れる必要があります。
#
# `training.fit` は `model.fit` を包んだ関数です。fullプロファイルでは1エポックごとにバックアップを取り、途中で止まっても続きから再開できます。
#
# %% key="train"
def train(name, seed=0):
    """(model, history, seconds a step) of one training."""
    keras.utils.set_random_seed(seed)
    steps = math.ceil(len(data.x_train) / config["batch_size"])
    with rt.scope():
        model = BUILDERS[name]()
        rate = keras.optimizers.schedules.CosineDecay(config["rate"], steps * config["epochs"])
        adam, loss = keras.optimizers.Adam(rate), "sparse_categorical_crossentropy"
        model.compile(adam, loss, metrics=["accuracy"])
    marks = []  # an epoch begins, its test on the validation part begins, …
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: marks.append(time.perf_counter()),
        on_test_begin=lambda logs: marks.append(time.perf_counter()),
    )
    folder = "06_" + name.replace(" ", "_")
    run = {"epochs": config["epochs"], "batch_size": config["batch_size"]}
    history = training.fit(model, data, folder, **run, seed=seed, callbacks=[clock])
    epochs = np.diff(marks)[::2]  # the first one also builds the graph
    return model, history, min(epochs, default=math.nan) / steps


trained = {name: train(name) for name in BUILDERS}
chance = np.bincount(data.y_train).max() / len(data.y_train)
plots.training_curves({name: history for name, (_, history, _) in trained.items()}, chance=chance)
plt.show()


# %% [markdown] key="stuck-text" lang="en"
# ### The VGG that learns nothing
#
# One curve lies on the line of chance from beginning to end. That is what the note saw: 0.24 on five kinds of flowers, in training and
# test, for 40 epochs and more than 25 hours. What to look at first? *What does it answer?*
#
# %% [markdown] key="stuck-text" lang="ja"
# ### 何も学習しないVGG
#
# 1本の曲線が、最初から最後まで「当て推量」の線の上にあります。学習ノートが見たのもこれです。5種類の花で、訓練もテストも0.24のまま、40エポック、25時間以上
# でした。最初に見るべきものは何でしょうか。**何と答えているか**です。
#
# %% key="stuck"
def answers(model):
    """(test accuracy, number of different classes that the model answers)."""
    parts = np.array_split(data.x_test, math.ceil(len(data.x_test) / 64))
    predicted = np.concatenate([np.argmax(np.asarray(model(part)), axis=1) for part in parts])
    return np.mean(predicted == data.y_test), len(np.unique(predicted))


frequencies = np.bincount(data.y_train) / len(data.y_train)
entropy = -np.sum(frequencies * np.log(frequencies))
accuracies = {}
for name, (model, history, _) in trained.items():
    accuracies[name], different = answers(model)
    stuck = different == 1
    print(f"{name:22} answers {'one class only' if stuck else 'several classes'}")
    if rt.profile == "quick":
        assert stuck == (name == "VGG16 as in the note")
        assert stuck or accuracies[name] > 0.5
        assert not stuck or abs(history["loss"][-1] - entropy) < 0.02
print(f"loss of a constant answer: entropy of the classes = {entropy:.3f}")


# %% [markdown] key="diagnosis-text" lang="en"
# It gives the same answer to every picture, with the frequencies of the classes as probabilities. The best constant has the loss $-\sum_c p_c \ln p_c$ ($\ln 10$ for
# ten equal classes), and there it rests.
#
# Why? Send 64 pictures through *untrained* networks and look at how much the values of a layer differ **from picture to picture**.
# Glorot's initialization keeps the variance for linear layers; ReLU halves the second moment, fifteen times over. Only a whisper of the picture arrives, and the
# gradient that comes back is as faint: that is what the next cell measures. The rest is our reading of it. Adam's steps hardly depend on the size of a gradient,
# so every weight moves at full rate all the same, mostly in the direction of noise. What can still be learned are the last biases: they fit the
# frequencies of the classes. How far that explanation goes, we check after the figure.
#
# %% [markdown] key="diagnosis-text" lang="ja"
# どの画像にも同じ答えを返し、クラスの割合をそのまま確率としています。入力によらない答えのうち、最良のものの損失は $-\sum_c p_c \ln p_c$(10クラスが同数なら
# $\ln 10$)で、そこから動きません。
#
# なぜでしょうか。**学習前**のネットワークに64枚の画像を通し、各層の値が**画像によって**どれだけ変わるかを見てみましょう。Glorotの初期値は、線形の層で
# 分散を保ちます。ところがReLUは2次モーメントを半分にし、それが15回繰り返されます。画像の情報はほとんど終わりまで届かず、戻ってくる勾配も同じように小さくなります。
# ここまでは、次のセルで測ります。その先は私たちの解釈です。Adamの更新の大きさは勾配の大きさにほとんどよらないので、どの重みも、ほぼ雑音の向きに、いつもの大きさで動きます。
# 学習できるのは最後のバイアスだけで、それがクラスの割合に合ったところで止まります。この説明がどこまで正しいかは、図の後で確かめます。
#
# %% key="diagnosis"
def by_depth(**options):
    """(spread from picture to picture, size of the kernel's gradient) of each layer of an untrained VGG."""
    keras.utils.set_random_seed(0)
    model = vgg(shape, classes, config["width"], activation=None, **options)
    x, labels = data.x_train[:64], np.eye(classes)[data.y_train[:64]]
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0  # so that one pass leaves the statistics of these pictures
    model(x, training=True)
    outputs = [layer.output for layer in model.layers if isinstance(layer, layers.ReLU)] + [model.output]
    values = keras.Model(model.input, outputs)(x)
    spread = [float(np.mean(np.std(np.asarray(value, "float32"), axis=0))) for value in values]
    logits = np.asarray(values[-1], "float32")
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    dy = (p / p.sum(axis=1, keepdims=True) - labels) / len(x)
    _, _, gradients = keras_gradients(model, x, dy.astype("float32"))  # BN in inference mode
    named = zip(gradients, model.trainable_weights, strict=True)
    kernels = [gradient for gradient, weight in named if weight.path.endswith("kernel")]
    return spread, [float(np.sqrt(np.mean(g**2))) for g in kernels]


profiles = {
    "Glorot (the note)": by_depth(),
    "He": by_depth(initializer="he_normal"),
    "Glorot + BatchNorm": by_depth(batch_norm=True),
}
fig, axes = plt.subplots(1, 2, figsize=(9.6, 3.5))
for (name, values), marker in zip(profiles.items(), "os^", strict=True):
    for ax, series in zip(axes, values, strict=True):
        ax.semilogy(range(1, len(series) + 1), series, marker=marker, label=name)
axes[0].set(title="spread from picture to picture", xlabel="layer")
axes[1].set(title="gradient of the kernel (root mean square)", xlabel="layer")
axes[0].legend()
plt.show()
fall = {name: spread[0] / spread[-1] for name, (spread, _) in profiles.items()}
faint = fall["Glorot (the note)"] > 100
print(f"from the first to the last layer the spread falls by a factor above 100: {faint}")
assert fall["Glorot (the note)"] > 100 > 10 > max(fall["He"], fall["Glorot + BatchNorm"])

# %% [markdown] key="cure-text" lang="en"
# He's initialization (twice the variance, to make up for ReLU) and batch normalization both carry the signal to the end. Does
# that cure the network? Thirty trainings of the narrow VGG, at the note's rate and at ours, with five seeds each, would be
# too long to repeat here. They were run with the cells of this chapter, and `data/vgg_trials.csv` keeps the right answers. To
# make them anew (some five minutes), in the repository's folder:
#
# ```sh
# python -m tools.extract.vgg_trials my_trials.csv
# ```
#
# %% [markdown] key="cure-text" lang="ja"
# Heの初期値(ReLUの分を補うため、分散を2倍にしたもの)もバッチ正規化も、信号を終わりまで届けます。では、それで学習できるようになるのでしょうか。小さなVGGを、学習ノートの学習率と
# ここでの学習率のそれぞれで、5つの乱数シードについて、合わせて30回学習しました。ここで繰り返すには長いので、この章のセルを使って実行し、正解数を `data/vgg_trials.csv` に
# 保存してあります。リポジトリのフォルダで次を実行すれば、測り直せます(5分ほど)。
#
# ```sh
# python -m tools.extract.vgg_trials my_trials.csv
# ```
#
# %% key="trials"
with open(datasets.DATA / "vgg_trials.csv", encoding="utf-8", newline="") as file:
    trials = list(csv.DictReader(file))
found = {}
for row in trials:
    scores = found.setdefault((float(row["rate"]), row["network"]), [])
    scores.append((row["classes_answered"] == "1", int(row["right"]) / int(row["pictures"])))
print("stored trials, narrow VGG, 5 seeds each")
print(f"{'rate':7}{'network':20}{'one class only':>15}{'test accuracy':>17}")
for (rate, network), scores in found.items():
    constant, reached = sum(stuck for stuck, _ in scores), [accuracy for _, accuracy in scores]
    print(f"{rate:<7}{network:20}{constant:>10} of {len(scores)}{min(reached):>11.2f} – {max(reached):.2f}")
constant = {trial: sum(stuck for stuck, _ in scores) for trial, scores in found.items()}
lowest = {trial: min(accuracy for _, accuracy in scores) for trial, scores in found.items()}
assert all(len(scores) == 5 for scores in found.values())
assert constant[0.001, "Glorot"] == 3 and constant[0.004, "Glorot"] == 5
assert lowest[0.001, "He"] > 0.7 > 0.3 > lowest[0.004, "He"] and constant[0.004, "He"] == 4
assert min(lowest[rate, "BatchNorm"] for rate in (0.001, 0.004)) > 0.7

# %% [markdown] key="trials-note" lang="en"
# So initialization *and* rate decide. At the note's rate the faint signal is the trouble: with He's initialization the same
# network learns with every seed. At 0.004 it is not the whole story: there the steps are too large for a network without
# batch normalization, however well the signal arrives. The failure that you saw above is the rate's as well.
#
# What follows for the note? It suspected vanishing gradients; the trials at its rate fit that. But its network has eight times
# the channels, and other pictures: a likely diagnosis, not a proven one. The test would be the full profile with He's
# initialization, and with a smaller rate. What holds in any case: accuracy at the share of one class, from the first epoch on,
# calls for a look at the answers, and that takes a minute.
#
# VGG's authors met the same trouble in 2014, before either remedy was known: they trained a shallow network first and used its
# layers to start the deep ones (Simonyan & Zisserman 2015, §3.1; later they found that Glorot's initialization can do without
# that – with SGD, where a small gradient is a small step).
#
# %% [markdown] key="trials-note" lang="ja"
# つまり、**初期値と学習率の両方**で決まります。学習ノートの学習率では、信号の弱さが問題です。Heの初期値にすれば、同じネットワークがどのシードでも学習できます。0.004では、それだけでは
# 説明できません。信号が十分に届いても、バッチ正規化のないネットワークには更新が大きすぎるのです。上で見た失敗は、学習率のせいでもあるのです。
#
# では、学習ノートでは何が起きたのでしょうか。学習ノートは勾配消失を疑っていて、その学習率での結果はそれと合います。ただし、学習ノートのVGGはチャネルが8倍で、画像も違います。
# 有力な見立てですが、証明ではありません。確かめるには、fullプロファイルで、Heの初期値にした場合と、学習率を下げた場合を比べます。いずれにしても、最初のエポックから
# 正解率が1つのクラスの割合のまま動かないときは、まず予測の中身を見るべきです。1分で済みます。
#
# VGGの著者も2014年に同じ困難に出会いました。どちらの対策もまだ知られていなかったので、まず浅いネットワークを学習し、その層を深いネットワークの初期値に使いました(Simonyan & Zisserman 2015, §3.1。
# 後に、Glorotの初期値を使えば事前学習は不要だったと述べています。ただし、勾配が小さければ更新も小さくなるSGDでの話です)。
#
# %% [markdown] key="memory-text" lang="en"
# ### The MobileNet that "did not generalize"
#
# Of its MobileNet the note says that it did not generalize: the test accuracy would not follow. Overfitting? There is another
# suspect, and it costs nothing to check. Batch normalization measures the batch in training, but uses *moving averages* at inference, and the MobileNetV2
# of `keras.applications` keeps 0.999 of the old average at each step (Keras' default is 0.99). After
# $n$ steps the share $0.999^n$ is still the starting value. Take our trained network, leave every weight as it is, and give it the
# averages that momentum 0.999 would have left (as if the statistics had been constant):
#
# %% [markdown] key="memory-text" lang="ja"
# ### 「汎化しなかった」MobileNet
#
# 学習ノートによれば、MobileNetは汎化性能が上がらず、テストの正解率が訓練についていきませんでした。過学習でしょうか。ほかにも疑うべき原因があり、すぐに確かめられます。バッチ正規化は、学習中は
# バッチの統計量を、推論では**移動平均**を使います。`keras.applications` のMobileNetV2では、古い平均の0.999倍が1ステップごとに残ります(Kerasの既定は0.99)。$n$ ステップ後にも、
# 初期値が $0.999^n$ の割合で残っているのです。学習済みのネットワークの重みには一切触れず、移動平均だけを、momentumが0.999だったときの値に
# 置き換えてみましょう(統計量は一定だったとみなします)。
#
# %% key="memory"
model, history, _ = trained["MobileNetV2"]
steps = config["epochs"] * math.ceil(len(data.x_train) / config["batch_size"])
left = 0.999**steps
print(f"after {steps} steps {100 * left:.0f} % of the starting value is left")
print(f"after the note's 3,280 steps {100 * 0.999**3280:.0f} %")
norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
kept = [layer.get_weights() for layer in norms]
for layer, (gamma, beta, mean, variance) in zip(norms, kept, strict=True):
    layer.set_weights([gamma, beta, (1 - left) * mean, left + (1 - left) * variance])
slow, _ = answers(model)
for layer, weights in zip(norms, kept, strict=True):
    layer.set_weights(weights)
if rt.profile == "quick":
    print("the same weights: above 50 % with momentum 0.9, below 30 % with the averages of 0.999")
    assert slow < 0.3 < 0.5 < accuracies["MobileNetV2"]
else:
    print(f"test accuracy {accuracies['MobileNetV2']:.3f}; with the averages of momentum 0.999: {slow:.3f}")


# %% [markdown] key="memory-note" lang="en"
# Not a weight has changed. We cannot prove that this is what happened in the note (its pictures are gone, and after 3,280 steps
# only 4 % of the start is left, though the averages still look some 1,000 steps back); but whoever sees a good training accuracy and a test
# accuracy near chance should evaluate on the *training* data in inference mode before saying "overfitting".
#
# %% [markdown] key="memory-note" lang="ja"
# 重みは1つも変えていません。学習ノートでこれが起きたとまでは証明できません(画像は残っておらず、3,280ステップ後に残る初期値は4%です。ただし、その平均は
# 1,000ステップほど前までを引きずっています)。それでも、訓練の正解率が高く、テストの正解率が当て推量に近いときは、「過学習」と言う前に、**訓練データを**推論モードで評価してみるべきです。
#
# %% [markdown] key="experiment-text" lang="en"
# ## Experiment
#
# The study note (about 2021, TensorFlow 2.7) trained both networks on a CPU with eight cores, float16 pictures from disk, 40 epochs:
#
# | | training | parameters | file |
# |---|---|---|---|
# | MobileNetV2, $\alpha = 0.5$ | 167 min 36 s | 712,629 | 9 MB |
# | VGG16 | 1536 min 50 s | 134,281,029 | 1500 MB |
#
# ### The files
#
# 9 MB for 0.7 million weights? `model.save` writes the optimizer too. Adam keeps two numbers for each trainable
# weight: $4 + 8 = 12$ bytes. Computed, and measured on real files (MobileNetV2 at full size; VGG16 would
# write 1.6 GB, so the narrow one stands in):
#
# %% [markdown] key="experiment-text" lang="ja"
# ## 実験
#
# 学習ノート(2021年ごろ、TensorFlow 2.7)では、8コアのCPUで、ディスク上のfloat16の画像を使って、どちらも40エポック学習しています。
#
# | | 学習時間 | パラメータ数 | ファイル |
# |---|---|---|---|
# | MobileNetV2、$\alpha = 0.5$ | 167分36秒 | 712,629 | 9 MB |
# | VGG16 | 1536分50秒 | 134,281,029 | 1500 MB |
#
# ### ファイルの大きさ
#
# 重みは71万個しかないのに、なぜ9 MBにもなるのでしょうか。`model.save` は、オプティマイザの状態も書き込みます。Adamは学習可能な重み1個につき数値を2つ持つので、$4 + 8 = 12$ バイトです。計算値と、
# 実際のファイルの大きさを比べます(MobileNetV2は本来の大きさで。VGG16では1.6 GBになるので、チャネルを減らしたもので代用します)。
#
# %% key="sizes"
def computed_bytes(model):
    """(weights alone, with Adam's two moments), float32."""
    trainable = sum(math.prod(w.shape) for w in model.trainable_weights)
    return 4 * model.count_params(), 4 * model.count_params() + 8 * trainable


def measured_bytes(model):
    """The same two, of real files: before and after an optimizer has come to the model."""
    copy, sizes = keras.models.clone_model(model), []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("weights.keras", "with_adam.keras"):
            copy.save(Path(folder) / name)
            sizes.append((Path(folder) / name).stat().st_size)
            copy.compile(keras.optimizers.Adam())
            copy.optimizer.build(copy.trainable_variables)
    return sizes


for name, model in {"MobileNetV2, α = 0.5": light, "VGG16, width 1/8": narrow}.items():
    computed, files = computed_bytes(model), measured_bytes(model)
    print(f"{name:21} weights {computed[0] / 1e6:8.2f} MB   with Adam {computed[1] / 1e6:8.2f} MB")
    assert all(1 < file / number < 4 / 3 for file, number in zip(files, computed, strict=True)), files
print("the real files: larger by less than a third (names, shapes, the architecture)")
computed = computed_bytes(heavy)
print(f"{'VGG16':21} weights {computed[0] / 1e6:8.2f} MB   with Adam {computed[1] / 1e6:8.2f} MB")
mebibytes = [round(number / 2**20) for number in computed]
print(f"VGG16: {mebibytes[0]} and {mebibytes[1]} MiB: the note's 1500 MB are with Adam")
assert mebibytes == [512, 1537]


# %% [markdown] key="time-text" lang="en"
# ### The time
#
# 188 times the parameters, 161 times the MACs – and 9.2 times the training time. On two cores of another machine one training step took 0.052 s
# an image for MobileNetV2 and 0.98 s for VGG16: 18.8 times.
#
# Measured here, at full size: one image forward (the latency), and forward + backward – *without* the optimizer, with batch normalization in inference mode, and on
# eight images at once for MobileNetV2 but on one for VGG16, to save time. So that line is not a training step, and flatters MobileNetV2 a little.
# A whole training step is timed for the networks that this profile trains. (Apart from the setup line this is the one output that differs from run to run.)
#
# %% [markdown] key="time-text" lang="ja"
# ### 時間
#
# パラメータは188倍、MACは161倍です。ところが、学習時間は9.2倍でした。別の計算機の2コアでは、学習の1ステップが画像1枚あたり、MobileNetV2で0.052秒、VGG16で0.98秒、
# すなわち18.8倍でした。
#
# ここでは、本来の大きさで、画像1枚の推論にかかる時間(レイテンシ)と、順伝播+逆伝播の時間を測ります。後者には**オプティマイザの更新が含まれず**、バッチ正規化は推論モードです。また、時間を節約するため、
# MobileNetV2は8枚まとめて、VGG16は1枚で測ります。したがって、この行は学習の1ステップそのものではなく、MobileNetV2に少し有利です。学習の1ステップ全体の時間は、
# このプロファイルで学習したネットワークについて測ります(準備のセルを除けば、出力が毎回変わるのはこのセルだけです)。
#
# %% key="table" tags=["nbval-ignore-output"]
def seconds(call, rounds):
    """The best of several: slower ones shared the processor."""
    call()
    best = math.inf
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


image = np.random.default_rng(0).random((1, 224, 224, 3), "float32")
latency = {m.name: seconds(lambda m=m: m.predict_on_batch(image), n) for m, n in ((light, 3), (heavy, 2))}
time_ratio = latency["vgg16"] / latency["mobilenet_v2"]
both = {}
for m, n in ((light, 8), (heavy, 1)):  # forward and backward
    images, dy = np.repeat(image, n, axis=0), np.ones((n, 5), "float32")
    both[m.name] = seconds(lambda m=m, x=images, dy=dy: keras_gradients(m, x, dy), 1) / n
batch = config["batch_size"]
steps = {name: step / batch for name, (_, _, step) in trained.items()}
small_steps = steps["MobileNetV2"], steps["VGG16 with BatchNorm"]
note = {"MobileNetV2": (167 * 60 + 36) / 40 / 10_473, "VGG16": (1536 * 60 + 50) / 40 / 10_473}

print(f"{'':34}{'MobileNetV2':>14}{'VGG16':>16}{'ratio':>8}")
table = [
    ("parameters", "{:,}", light.count_params(), heavy.count_params()),
    ("MACs for one image (224×224)", "{:,}", totals["mobilenet_v2"], totals["vgg16"]),
    ("file, weights alone (MB)", "{:,.2f}", *[computed_bytes(m)[0] / 1e6 for m in (light, heavy)]),
    ("file, with Adam (MB)", "{:,.2f}", *[computed_bytes(m)[1] / 1e6 for m in (light, heavy)]),
    ("   the note (MB)", "{:,}", 9, 1500),
    ("latency, one image (s)", "{:.4f}", latency["mobilenet_v2"], latency["vgg16"]),
    ("forward + backward alone (s/image)", "{:.4f}", both["mobilenet_v2"], both["vgg16"]),
    ("training step, s/image, the note", "{:.4f}", note["MobileNetV2"], note["VGG16"]),
    ("   two cores, measured before", "{:.4f}", 0.052, 0.98),
    (f"   this run, {data.name} {shape[0]}×{shape[1]}", "{:.5f}", *small_steps),
]
for name, form, small, large in table:
    print(f"{name:34}{form.format(small):>14}{form.format(large):>16}{large / small:8.1f}")
shown = [accuracies["MobileNetV2"], accuracies["VGG16 with BatchNorm"]]
print(
    f"{'test accuracy, this run':34}{shown[0]:14.3f}{shown[1]:16.3f}   (without BatchNorm: "
    f"{accuracies['VGG16 as in the note']:.3f})"
)


# %% [markdown] key="roofline-text" lang="en"
# The note's seconds an image contain everything: reading, training, testing 2,000 pictures after each epoch. The networks of the
# quick profile are small ones; their step times say little about the large ones. And with a single image VGG16 fetches its 537 MB of weights for
# one picture only: in a batch it shares them.
#
# ### Why: the roofline
#
# A processor computes *while* data arrive, so a layer takes at least the longer of two times:
#
# $$T \;\ge\; \max\left(\frac{\text{MACs}}{\text{peak}},\; \frac{\text{bytes}}{\text{bandwidth}}\right) \qquad\Longrightarrow\qquad \frac{\text{MACs}}{T} \;\le\; \min(\text{peak},\; \text{bandwidth} \cdot I), \quad I = \frac{\text{MACs}}{\text{bytes}}$$
#
# $I$ is the **arithmetic intensity**: how often a number is used once it has been fetched. A standard 3×3 convolution uses each input value $9\, C_{out}$
# times. A depthwise convolution reads a value, writes a value and does 9 MACs for these 8 bytes: $I \approx 9/8$. Batch normalization and
# ReLU6 do no MACs at all, and move the whole map. Measured, on layers of the two networks
# (the roof is measured too, with a large matrix product and a large copy, so a point may touch it):
#
# %% [markdown] key="roofline-text" lang="ja"
# 学習ノートの「画像1枚あたりの秒数」には、読み込み、学習、エポックごとの2,000枚のテストがすべて含まれています。quickプロファイルのネットワークは小さいので、その
# ステップ時間から大きなネットワークのことはあまりわかりません。また、画像が1枚だと、VGG16は537 MBの重みを1枚のためだけに読み込みます(バッチなら全画像で共有できます)。
#
# ### 理由:ルーフライン
#
# 計算機は、データが届くのと**並行して**計算します。そのため、1つの層には、少なくとも次の2つのうち長いほうの時間がかかります。
#
# $$T \;\ge\; \max\left(\frac{\text{MAC}}{\text{最高速度}},\; \frac{\text{バイト数}}{\text{帯域幅}}\right) \qquad\Longrightarrow\qquad \frac{\text{MAC}}{T} \;\le\; \min(\text{最高速度},\; \text{帯域幅} \cdot I), \quad I = \frac{\text{MAC}}{\text{バイト数}}$$
#
# $I$ は**演算強度(arithmetic intensity)** で、取ってきた数値を何回使うかを表します。通常の3×3畳み込みは、入力の値を1つにつき $9\, C_{out}$ 回使います。デプスワイズ畳み込みは、
# 値を1個読み、1個書く8バイトに対して9 MACなので、$I \approx 9/8$ です。バッチ正規化とReLU6は、MACが0なのに特徴マップ全体を動かします。2つの
# ネットワークの層で測ってみましょう(屋根の線も、大きな行列積と大きなコピーで測ったものなので、点が線に触れることもあります)。
#
# %% key="roofline"
def measured_layer(layer, size, channels):
    """(MACs per byte, giga-MACs a second) of one layer on a batch of four maps."""
    x = keras.ops.convert_to_tensor(np.ones((4, size, size, channels) if size else (4, channels), "float32"))
    layer.build(x.shape)
    y = layer(x)
    macs = math.prod(layer.weights[0].shape) * (math.prod(y.shape[:3]) if size else 4)
    moved = 4 * (math.prod(x.shape) + math.prod(y.shape) + math.prod(layer.weights[0].shape))
    return macs / moved, macs / seconds(lambda: np.asarray(layer(x)), 5) / 1e9


free = {"use_bias": False, "dtype": "float32"}
LAYERS = [
    ("standard", layers.Conv2D(64, 3, padding="same", **free), 112, 64),
    ("standard", layers.Conv2D(256, 3, padding="same", **free), 28, 256),
    ("standard", layers.Conv2D(512, 3, padding="same", **free), 14, 512),
    ("pointwise", layers.Conv2D(48, 1, **free), 112, 8),
    ("pointwise", layers.Conv2D(96, 1, **free), 28, 16),
    ("pointwise", layers.Conv2D(192, 1, **free), 14, 32),
    ("depthwise", layers.DepthwiseConv2D(3, padding="same", **free), 112, 48),
    ("depthwise", layers.DepthwiseConv2D(3, padding="same", **free), 56, 96),
    ("depthwise", layers.DepthwiseConv2D(3, padding="same", **free), 28, 192),
    ("dense", layers.Dense(4096, **free), 0, 4096),
]
square = keras.ops.ones((2048, 2048), "float32")
long = np.ones(2**24, "float32")
target = np.empty_like(long)


def roof():
    """(giga-MACs a second of a large matrix product, gigabytes a second of a large copy)."""
    product = seconds(lambda: np.asarray(keras.ops.matmul(square, square)), 5)
    return 2048**3 / product / 1e9, 2 * long.nbytes / seconds(lambda: np.copyto(target, long), 5) / 1e9


before = roof()
measured = [(kind, *measured_layer(layer, size, channels)) for kind, layer, size, channels in LAYERS]
peak, bandwidth = np.maximum(before, roof())  # the machine may have been busy once
mobilenet.roofline(measured, peak, bandwidth)
plt.show()
rates = {}
for kind in ("standard", "pointwise", "depthwise"):
    rates[kind] = float(np.median([rate for name, _, rate in measured if name == kind]))
slower = rates["depthwise"] < rates["standard"] / 2
print(f"depthwise at less than half the rate of standard 3×3: {slower}")
print(f"latency ratio far below the ratio of MACs (161): {time_ratio < mac_ratio / 2}")
if rt.device == "cpu":
    assert slower and time_ratio < mac_ratio / 2

# %% [markdown] key="why-text" lang="en"
# ### 161, 18.8, 9.2
#
# **From 161 to 18.8.** VGG16's convolutions stand far to the right: about a hundred MACs a byte or more, and the processor
# computes near its best. MobileNetV2's stand to the left, and low. (The roof is only a bound: below it, layers also lose time to being
# started, and to code that is tuned less than matrix products are.) Between them come batch normalization, ReLU6 and additions, which
# move the maps once more. So it works through its few MACs at a fraction of the rate. Ratio of times = ratio of MACs ÷ ratio of rates.
#
# **From 18.8 to 9.2.** Here we have a *hypothesis*, not a measurement. More cores raise the peak, but they share one memory: so they should help
# VGG16's large products more than layers that wait for memory. Compare the note's eight cores with our two:
#
# %% [markdown] key="why-text" lang="ja"
# ### 161倍、18.8倍、9.2倍
#
# **161倍から18.8倍へ。** VGG16の畳み込みは、図のずっと右にあります。1バイトあたり100 MAC前後かそれ以上で、計算機は最高速度に近い速さで働きます。MobileNetV2の層は左のほうの、低いところにあります
# (屋根は上限にすぎません。その下では、層を起動する手間や、行列積ほど最適化されていないコードにも時間を取られます)。さらに、バッチ正規化・ReLU6・足し算が間に挟まり、
# 特徴マップをもう一度ずつ動かします。そのため、少ないMACを、遅い速度で処理することになります。時間の比 = MACの比 ÷ 速度の比、です。
#
# **18.8倍から9.2倍へ。** こちらは測定ではなく**仮説**です。コアを増やすと最高速度は上がりますが、メモリは全コアで共有します。そのため、コアを増やす効果は、VGG16の大きな行列積のほうが、
# メモリを待つ層よりも大きいはずです。学習ノートの8コアと、こちらの2コアを比べてみましょう。
#
# %% key="why"
eight = {"MobileNetV2": (167 * 60 + 36) / 40 / 10_473, "VGG16": (1536 * 60 + 50) / 40 / 10_473}
two = {"MobileNetV2": 0.052, "VGG16": 0.98}
for name in two:
    gain = two[name] / eight[name]
    print(f"{name:12} ours {two[name]:.3f} s an image, the note's {eight[name]:.3f} s: {gain:.1f}×")
ratios = [cores["VGG16"] / cores["MobileNetV2"] for cores in (two, eight)]
print(f"VGG16 / MobileNetV2: {ratios[0]:.1f} on our two cores, {ratios[1]:.1f} on the note's eight")
assert round(ratios[1], 1) == 9.2

# %% [markdown] key="why-note" lang="en"
# On the note's machine VGG16 is 4.5 times as fast as on ours, MobileNetV2 only 2.2 times. That fits the hypothesis, and does not prove it: the two machines differ in more than
# their cores (processor, memory, library), and the note's seconds also contain reading and testing. The test would be *one* machine: train both with one, two, four and eight threads
# (`TF_NUM_INTRAOP_THREADS`) and see whether VGG16's time falls faster; and measure the bandwidth for each number of threads.
#
# On a phone, a GPU or with another library the ratio is different again. **MACs and parameters belong to the network; seconds belong to a network on a machine.**
#
# %% [markdown] key="why-note" lang="ja"
# 学習ノートの計算機では、VGG16はこちらの4.5倍の速さでしたが、MobileNetV2は2.2倍にとどまりました。仮説とは合いますが、証明にはなりません。2台は、コア数以外(プロセッサ、メモリ、
# ライブラリ)も違い、学習ノートの秒数には読み込みとテストも含まれるからです。確かめるには、**同じ1台の計算機**で、スレッド数を1・2・4・8と変えて
# (`TF_NUM_INTRAOP_THREADS`)両方を学習し、VGG16のほうが速く短縮されるかを見ます。帯域幅も、スレッド数ごとに測ります。
#
# スマートフォンやGPU、別のライブラリでは、比はまた変わります。**MACとパラメータ数はネットワークだけで決まりますが、秒数はネットワークと計算機の組み合わせで決まります。**
#
# %% [markdown] key="mistake-blanks" lang="en"
# ## Common mistakes
#
# Claims from notes that circulate among candidates. Each is wrong; each is shown by running something.
#
# ### "The cost of depthwise is 1/C, that of pointwise 1/K²"
#
# Where a question asks for a *cost*, a ratio cannot be the answer: $H W C K^2$ and $H W C M$ (with the question's $M$ for $C_{out}$). And the ratio is
# $1/M + 1/K^2$; the input channels $C$ cancel.
#
# ### "MobileNet cuts the cost to 1/9"
#
# It is always more than 1/9: at 64 output channels 0.127. And with one output channel the separable convolution is the dearer one; from one channel to
# one it has 9 + 1 = 10 weights where the standard one has 9.
#
# %% [markdown] key="mistake-blanks" lang="ja"
# ## よくある誤り
#
# 受験者の間に出回っているノートから取った主張です。どれも誤りであることを、実際に動かして示します。
#
# ### 「デプスワイズの計算量は1/C、ポイントワイズは1/K²」
#
# **計算量**を問う空欄に、比が入ることはありません。正しくは $H W C K^2$ と $H W C M$ です($M$ は問題文の記号で、$C_{out}$ のこと)。また、比は $1/M + 1/K^2$ で、
# 入力チャネル数 $C$ は約分されて消えます。
#
# ### 「MobileNetは計算量を1/9にする」
#
# 必ず1/9より大きくなります。出力が64チャネルなら0.127です。出力が1チャネルなら、セパラブル畳み込みのほうが計算量は多くなります。1チャネルから1チャネルなら、重みも
# 9 + 1 = 10個で、通常の畳み込みの9個より多くなります。
#
# %% key="mistake-blanks-run"
H, C, M, K = 14, 32, 64, 3
cost = {
    "depthwise": conv_arithmetic.depthwise_conv2d_macs(H, K, C),
    "pointwise": conv_arithmetic.conv2d_macs(H, 1, C, M),
}
print(f"depthwise H·W·C·K² = {cost['depthwise']:,}   pointwise H·W·C·M = {cost['pointwise']:,}")
assert cost == {"depthwise": H * H * C * K**2, "pointwise": H * H * C * M}
ratio = sum(cost.values()) / conv_arithmetic.conv2d_macs(H, K, C, M)
print(f"ratio {ratio:.3f}; 1/9 = {1 / 9:.3f}; 1/C + 1/K² would be {1 / C + 1 / 9:.3f}")
assert math.isclose(ratio, 1 / M + 1 / K**2) and not math.isclose(ratio, 1 / C + 1 / K**2) and ratio > 1 / 9
assert conv_arithmetic.separable_conv2d_macs(H, K, C, 1) > conv_arithmetic.conv2d_macs(H, K, C, 1)
one_to_one = [layers.SeparableConv2D(1, 3, use_bias=False), layers.Conv2D(1, 3, use_bias=False)]
for layer in one_to_one:
    layer.build((None, 8, 8, 1))
print("weights, 1 -> 1 channel: separable {}, standard {}".format(*[m.count_params() for m in one_to_one]))
assert [layer.count_params() for layer in one_to_one] == [10, 9]

# %% [markdown] key="mistake-shared" lang="en"
# ### "Depthwise: one kernel, shared by all channels"
#
# Each channel has its own. In MobileNetV2 itself, the first expanded block has 48 channels and 48 different kernels; make them equal, and the output changes.
# The output has as many channels as the input, times Keras' `depth_multiplier` (kernels for each channel, 1 unless told).
#
# %% [markdown] key="mistake-shared" lang="ja"
# ### 「デプスワイズ畳み込みは、1つのカーネルを全チャネルで共有する」
#
# カーネルはチャネルごとにあります。MobileNetV2で最初に拡張するブロックには、48チャネルに48個の異なるカーネルがあります。同じカーネルに揃えると、出力が変わります。
# 出力のチャネル数は、入力のチャネル数 × `depth_multiplier`(1チャネルあたりのカーネルの数。Kerasの既定は1)です。
#
# %% key="mistake-shared-run"
layer = light.get_layer("stage2_block1_depthwise")
kernel = np.asarray(layer.weights[0])
print(f"kernel (K, K, C, multiplier): {kernel.shape}, {layer.count_params()} weights = 9 · 48, not 9")
assert kernel.shape == (3, 3, 48, 1) and layer.count_params() == 9 * 48
x = np.random.default_rng(0).normal(size=(6, 6, 48))
own, _ = depthwise(x, kernel[..., 0])
shared, _ = depthwise(x, np.repeat(kernel[:, :, :1, 0], 48, axis=2))
print("own and shared kernels: equal outputs in channel 0, others elsewhere")
assert np.allclose(own[..., 0], shared[..., 0]) and not np.allclose(own[..., 1:], shared[..., 1:])
for multiplier in (1, 2):
    doubled = layers.DepthwiseConv2D(3, depth_multiplier=multiplier)
    print(f"depth_multiplier {multiplier}: 48 -> {doubled.compute_output_shape((1, 6, 6, 48))[-1]} channels")
    assert doubled.compute_output_shape((1, 6, 6, 48))[-1] == 48 * multiplier

# %% [markdown] key="mistake-block" lang="en"
# ### "MobileNetV2: ReLU6 after every convolution, a 1×1 depthwise, a skip whenever the stride is 1"
#
# Three mistakes of one printed block. A ReLU6 and an addition have no weights, so two of the three do not show in the number of parameters: look at the network itself.
# And the first block has $t = 1$: nothing to expand.
#
# %% [markdown] key="mistake-block" lang="ja"
# ### 「MobileNetV2では、すべての畳み込みの後にReLU6があり、デプスワイズは1×1で、ストライドが1なら必ずスキップ接続がある」
#
# あるノートに載っているブロックの、3つの誤りです。ReLU6と足し算は重みを持たないので、3つのうち2つは、パラメータ数を数えても見つかりません。ネットワークそのものを見ましょう。
# また、最初のブロックは $t = 1$ で、拡張の層がありません。
#
# %% key="mistake-block-run"
names = [layer.name for layer in light.layers]
follows = {}
for row in layer_table.rows(light):
    for source in row.inputs:
        follows.setdefault(source, []).append(row.kind)
bent = [name for name in names if name.endswith("_norm3") and "ReLU" in follows[name]]
depthwise_layers = [layer for layer in light.layers if layer.name.endswith("_depthwise")]
kernels = {layer.kernel_size for layer in depthwise_layers}
stride_1 = [layer for layer in depthwise_layers if layer.strides == (1, 1)]
adds = [name for name in names if name.endswith("_add")]
print(f"blocks with ReLU6 after the projection: {len(bent)}; depthwise kernels: {kernels}")
print(f"blocks with stride 1: {len(stride_1)}; with a skip connection: {len(adds)}")
assert not bent and kernels == {(3, 3)} and len(adds) < len(stride_1)
assert "stage1_block1_expand" not in names and "stage2_block1_expand" in names

block, wrong = InvertedResidual(8, 8, 6, 1), InvertedResidual(8, 8, 6, 1)
wrong.steps = [*block.steps, ReLU6()]
x = np.random.default_rng(0).normal(size=(1, 6, 6, 8))
branch = wrong.forward(x) - x
print(f"with a ReLU6 on the projection a block can add nothing below {branch.min():.1f}")
assert abs(branch.min()) < 1e-12 and (block.forward(x) - x).min() < -0.05


# %% [markdown] key="mistake-leak" lang="en"
# ### "12,473 pictures": augmented before the split
#
# The note's flowers come from a set of some 4,300 pictures; 10,473 + 2,000 = 12,473 is about three times as many. If three versions were made of each picture
# *before* the split, nearly every test picture has a sibling in training, with probability $1 - (2000/12473)^2 \approx 97\,\%$. How much does that flatter? Take 240 pieces of photographs
# that share no pixel, 18×18, three versions each (as it is, a little brighter, shifted by a pixel), and the simplest learner that only memorizes: it answers with the class of the
# nearest training picture. We look at the pictures **in grey**, where an honest test is harder, and in colour, which tells more of the class even to this learner and so leaves less to flatter.
#
# %% [markdown] key="mistake-leak" lang="ja"
# ### 「画像は12,473枚」:分割の前にデータ拡張をしてしまう
#
# 学習ノートの花の画像は、約4,300枚のデータセットから取られています。10,473 + 2,000 = 12,473枚は、その約3倍です。分割の**前**に1枚から3枚ずつ作ったのなら、ほぼすべての
# テスト画像の「きょうだい」が訓練データにあり、その確率は $1 - (2000/12473)^2 \approx 97\,\%$ です。見かけの精度はどれだけ上がるのでしょうか。画素を共有しない240枚の写真の断片から
# 3枚ずつ作り(そのまま、少し明るく、1画素ずらす。大きさは18×18)、覚えるだけの最も単純な学習器に解かせます。いちばん近い訓練画像のクラスを答えるものです。
# 画像は**グレースケール**とカラーの両方で試します。カラーでは色だけでもクラスの見当がつき、正しく測った正解率も高いので、かさ上げの幅は小さくなります。
#
# %% key="mistake-leak-run"
def nearest_neighbour(x_train, y_train, x_test, y_test):
    """Accuracy of answering with the class of the nearest training picture."""
    a, b = (x.reshape(len(x), -1).astype("float64") for x in (x_test, x_train))
    distance = (a**2).sum(axis=1)[:, None] - 2 * a @ b.T + (b**2).sum(axis=1)
    return np.mean(y_train[np.argmin(distance, axis=1)] == y_test)


def versions(x):
    return np.concatenate([x, np.clip(1.05 * x, 0, 1), np.roll(x, 1, axis=2)])


def leak(x, y, seed):
    """(augmented, then split; split, then augmented): the two accuracies."""
    rng = np.random.default_rng(seed)
    order, mixed, cut = rng.permutation(len(x)), rng.permutation(3 * len(x)), len(x) // 6
    test, rest = order[:cut], order[cut:]
    honest = nearest_neighbour(versions(x[rest]), np.tile(y[rest], 3), x[test], y[test])
    everything, labels, test, rest = versions(x), np.tile(y, 3), mixed[: 3 * cut], mixed[3 * cut :]
    return nearest_neighbour(everything[rest], labels[rest], everything[test], labels[test]), honest


pieces = datasets.load_images("textures", size=72)
x = np.concatenate([pieces.x_train, pieces.x_val, pieces.x_test])
y = np.concatenate([pieces.y_train, pieces.y_val, pieces.y_test])
x = x.reshape(len(x), 18, 4, 18, 4, 3).mean(axis=(2, 4))
print(f"chance that a test picture has a sibling in training: {100 * (1 - (2000 / 12473) ** 2):.0f} %")
for name, pictures in {"grey": x.mean(axis=3, keepdims=True), "colour": x}.items():
    leaked, honest = np.mean([leak(pictures, y, seed) for seed in range(5)], axis=0)
    print(f"{name:6} augment, then split {100 * leaked:.0f} %;  split, then augment {100 * honest:.0f} %")
    assert leaked > honest + 0.15

# %% [markdown] key="mistake-retired" lang="en"
# ### Code that should not be written any more
#
# `np_utils.to_categorical` is gone (integer labels with `sparse_categorical_crossentropy` need no conversion); `keras` and
# `tensorflow.keras` in one file are two libraries; `.h5` for a whole model is the old format; the history's key is `val_accuracy`, not `val_acc`. A `.keras` file keeps the optimizer, so that training can go on:
#
# %% [markdown] key="mistake-retired" lang="ja"
# ### もう書かないほうがよいコード
#
# `np_utils.to_categorical` はなくなりました(整数ラベルと `sparse_categorical_crossentropy` を使えば、変換は不要です)。1つのファイルに `keras` と `tensorflow.keras` を混ぜると、
# 2つのライブラリを使うことになります。モデル全体の `.h5` は古い形式で、履歴のキーは `val_acc` ではなく `val_accuracy` です。`.keras` ファイルにはオプティマイザも入り、学習を続けられます。
#
# %% key="mistake-retired-run"
small = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])
loss = "sparse_categorical_crossentropy"
small.compile(keras.optimizers.Adam(), loss)
small.fit(np.ones((6, 4)), np.array([0, 1, 2] * 2), epochs=2, verbose=0)  # integer labels
with tempfile.TemporaryDirectory() as folder:
    small.save(Path(folder) / "small.keras")
    again = keras.models.load_model(Path(folder) / "small.keras")
print(f"loaded: the optimizer has made {int(np.asarray(again.optimizer.iterations))} steps")
assert int(np.asarray(again.optimizer.iterations)) == 2 and not hasattr(keras.utils, "np_utils")
assert all(np.array_equal(a, b) for a, b in zip(small.get_weights(), again.get_weights(), strict=True))


# %% [markdown] key="ex-block-text" lang="en"
# ## Exercises
#
# Fill the blank, run the cell, then run the check below it. The checks recognise the usual mistakes. Each exercise needs only
# the setup and the imports at the top.
#
# ### 1. What does an inverted residual cost?
#
# Input $n \times n$ with $k$ channels, output with $k'$ (`k_out`), expansion $t > 1$, stride $s$, padding "same". Return the number
# of weights of the three convolutions and their MACs for one image (no biases, without batch normalization).
#
# %% [markdown] key="ex-block-text" lang="ja"
# ## 演習
#
# 空欄を埋めてセルを実行し、続けてすぐ下の確認セルを実行してください。よくある間違いなら、どこを間違えたかが表示されます。どの演習も、冒頭の準備と
# importのセルだけを実行しておけば始められます。
#
# ### 1. 反転残差ブロックのコスト
#
# 入力は $n \times n$、$k$ チャネル、出力は $k'$ チャネル(`k_out`)、拡大率 $t > 1$、ストライド $s$、パディングは "same" です。3つの畳み込みの(重みの数,
# 画像1枚のMAC)を返してください(バイアスなし、バッチ正規化は除く)。
#
# %% key="ex-block" tags=["exercise"]
def block_cost(n, k, k_out, t, s):
    """(weights, MACs) of the three convolutions."""
    wide, out = t * k, math.ceil(n / s)
    ### BEGIN SOLUTION
    weights = k * wide + 9 * wide + wide * k_out
    return weights, n * n * k * wide + out * out * (9 * wide + wide * k_out)
    ### END SOLUTION


# %% key="ex-block-check" tags=["edition-output"]
exam.check(block_cost, **exercises.BLOCK)


# %% [markdown] key="ex-bytes-text" lang="en"
# ### 2. How large is the file?
#
# A network in float32 has `trainable` weights that are trained and `frozen` ones that are not (moving averages). The optimizer keeps `slots` numbers for
# each weight it trains (SGD 0, with momentum 1, Adam 2). How many bytes do weights and slots take together?
#
# %% [markdown] key="ex-bytes-text" lang="ja"
# ### 2. ファイルの大きさ
#
# float32のネットワークに、学習する重みが `trainable` 個、学習しない数値(移動統計量)が `frozen` 個あります。オプティマイザは、学習する重み1個につき `slots` 個の数値を
# 持ちます(SGDは0、モメンタム付きは1、Adamは2)。重みとスロットを合わせて何バイトでしょうか。
#
# %% key="ex-bytes" tags=["exercise"]
def file_bytes(trainable, frozen, slots):
    """Bytes of all weights and all slots."""
    ### BEGIN SOLUTION
    return 4 * (trainable + frozen + slots * trainable)
    ### END SOLUTION


# %% key="ex-bytes-check" tags=["edition-output"]
exam.check(file_bytes, **exercises.BYTES)


# %% [markdown] key="ex-time-text" lang="en"
# ### 3. How long at least?
#
# A layer needs `macs` multiplications and moves `moved` bytes. The machine does `peak` MACs a second and moves `bandwidth` bytes a
# second, both at the same time. What is the least time, in seconds?
#
# %% [markdown] key="ex-time-text" lang="ja"
# ### 3. 少なくとも何秒かかるか
#
# ある層は、乗算を `macs` 回行い、`moved` バイトのデータを動かします。計算機は、1秒に `peak` 回の乗算と `bandwidth` バイトの移動を、並行して行えます。少なくとも何秒かかるでしょうか。
#
# %% key="ex-time" tags=["exercise"]
def least_time(macs, moved, peak, bandwidth):
    """Seconds that the layer takes at least."""
    ### BEGIN SOLUTION
    return max(macs / peak, moved / bandwidth)
    ### END SOLUTION


# %% key="ex-time-check" tags=["edition-output"]
exam.check(least_time, **exercises.ROOFLINE)


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
exam.quiz("06_mobilenet_vs_vgg16")

# %% [markdown] key="references" lang="en"
# ## References
#
# - A. G. Howard et al. (2017), *MobileNets: efficient convolutional neural networks for mobile vision applications*, arXiv:1704.04861. Costs:
#   §3.1, eqs. (2)–(5); width multiplier: §3.3, eq. (6).
# - M. Sandler et al. (2018), *MobileNetV2: inverted residuals and linear bottlenecks*, CVPR, arXiv:1801.04381. Block: Table 1;
#   network: Table 2; why linear: §3.2, Fig. 1.
# - K. Simonyan, A. Zisserman (2015), *Very deep convolutional networks for large-scale image recognition*, ICLR, arXiv:1409.1556.
#   Configuration D: Table 1; initialization: §3.1.
# - X. Glorot, Y. Bengio (2010), *Understanding the difficulty of training deep feedforward neural networks*, AISTATS.
# - K. He et al. (2015), *Delving deep into rectifiers*, ICCV, arXiv:1502.01852. Initialization for ReLU: §2.2.
# - S. Ioffe, C. Szegedy (2015), *Batch normalization*, ICML, arXiv:1502.03167. Moving averages at inference: §3.1.
# - D. Kingma, J. Ba (2015), *Adam: a method for stochastic optimization*, ICLR, arXiv:1412.6980. Two moments: Algorithm 1.
# - S. Williams, A. Waterman, D. Patterson (2009), *Roofline: an insightful visual performance model for multicore
#   architectures*, Communications of the ACM 52(4).
# - The experiment: a Japanese study note of about 2021 on applied models (MobileNetV2 and VGG16 on photographs of flowers).
#
# **Next** 07 turns from space to time. Chapters 20 and 21 make networks smaller *after* training.
#
# %% [markdown] key="references" lang="ja"
# ## 参考文献
#
# - A. G. Howard et al. (2017), *MobileNets: efficient convolutional neural networks for mobile vision applications*, arXiv:1704.04861. 計算量:§3.1、
#   式(2)〜(5)。幅の乗数:§3.3、式(6)。
# - M. Sandler et al. (2018), *MobileNetV2: inverted residuals and linear bottlenecks*, CVPR, arXiv:1801.04381. ブロック:Table 1。ネットワーク:Table 2。
#   線形である理由:§3.2、Fig. 1。
# - K. Simonyan, A. Zisserman (2015), *Very deep convolutional networks for large-scale image recognition*, ICLR, arXiv:1409.1556. 構成D:Table 1。初期値:§3.1。
# - X. Glorot, Y. Bengio (2010), *Understanding the difficulty of training deep feedforward neural networks*, AISTATS.
# - K. He et al. (2015), *Delving deep into rectifiers*, ICCV, arXiv:1502.01852. ReLUのための初期値:§2.2。
# - S. Ioffe, C. Szegedy (2015), *Batch normalization*, ICML, arXiv:1502.03167. 推論での移動平均:§3.1。
# - D. Kingma, J. Ba (2015), *Adam: a method for stochastic optimization*, ICLR, arXiv:1412.6980. 2つのモーメント:Algorithm 1。
# - S. Williams, A. Waterman, D. Patterson (2009), *Roofline: an insightful visual performance model for multicore architectures*,
#   Communications of the ACM 52(4).
# - 実験:応用モデルについての日本語の学習ノート(2021年ごろ。花の写真でMobileNetV2とVGG16を比較したもの)。
#
# **次の章** 7章では、空間から時間へ移ります。20章と21章では、学習した**後**にネットワークを小さくします。

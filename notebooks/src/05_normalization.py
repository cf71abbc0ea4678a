# ---
# study:
#   title: {en: "Normalization", ja: "正規化"}
#   scope: examined
#   minutes: 150
#   topics: ["3.7.2"]
#   prerequisites: [01_convolution]
#   tpu: true
# ---
# %% [markdown] key="title" lang="en"
# # 05 · Normalization
#
# {{badge}}
#
# After this chapter you can say for any tensor which numbers share a mean, how many parameters that makes, and what happens at
# inference; and you can write the backward pass. It all follows from one idea: **the same three lines, over other axes – and the
# axes decide who depends on whom.**
#
# **Examined** (syllabus 3.7.2) · **Time** two evenings of 75 minutes (the first: up to "Moving averages"; in a hurry,
# skip "Agreement") · **You need** NumPy's `axis=`, the chain rule, and a convolution (chapter 01)
#
# %% [markdown] key="title" lang="ja"
# # 05 · 正規化
#
# {{badge}}
#
# この章を終えると、どんなテンソルについても、どの数値が平均を共有するか、パラメータはいくつになるか、推論時に何が起こるかを言えるようになり、
# 逆伝播も自分で書けるようになります。すべては、たった1つの考え方から導かれます。**同じ3行の計算を、異なる軸に適用する。どの値がどの値に依存するかは、
# 軸の選び方で決まる。**
#
# **試験範囲**(シラバス 3.7.2)· **所要時間** 75分 × 2晩(1晩目は「移動平均」まで。急ぐ人は「確かめる」を飛ばせます)·
# **前提** NumPyの `axis=`、連鎖律、畳み込み(1章)
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
import dataclasses

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import ops

from utils import datasets, exam, plots, training
from utils.exam.exercises import normalization as exercises
from utils.gradient_check import check_layer, keras_gradients, numerical_gradient, relative_error
from utils.numpy_layers.batch_norm import BatchNormalization
from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.group_norm import GroupNormalization
from utils.numpy_layers.instance_norm import InstanceNormalization
from utils.numpy_layers.layer_norm import LayerNormalization
from utils.pictures import axes, norm_graph

plots.style()

# %% [markdown] key="three-lines" lang="en"
# ## Key ideas
#
# ### Three lines
#
# Take a set of numbers. Compute its mean and its variance. Subtract the one, divide by the root of the other:
#
# $$\mu = \frac{1}{m}\sum_{i=1}^{m} x_i, \qquad \sigma^2 = \frac{1}{m}\sum_{i=1}^{m} (x_i - \mu)^2, \qquad
# \hat{x}_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}$$
#
# Now $\hat{x}$ has mean 0 and variance 1 (almost: the small $\epsilon$ only keeps us from dividing by 0). So that the network can undo
# this where it must, two **learned** numbers follow, scale and shift:
#
# $$y_i = \gamma\,\hat{x}_i + \beta$$
#
# That is batch (BN), layer (LN), instance (IN) and group normalization (GN), all four. They differ in one thing only: **which numbers form the set.**
# Blue numbers share one mean and one variance:
#
# %% [markdown] key="three-lines" lang="ja"
# ## 要点
#
# ### 3行の計算
#
# 数値の集まりを1つ取り、平均と分散を計算します。平均を引き、分散の平方根で割ります。
#
# $$\mu = \frac{1}{m}\sum_{i=1}^{m} x_i, \qquad \sigma^2 = \frac{1}{m}\sum_{i=1}^{m} (x_i - \mu)^2, \qquad
# \hat{x}_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}$$
#
# これで $\hat{x}$ は平均0、分散1になります(小さな $\epsilon$ の分だけわずかにずれます。これは0で割らないためのものです)。ネットワークが必要に応じて元に
# 戻せるように、続けて、**学習される**2つのパラメータ $\gamma$(スケール)と $\beta$(シフト)を適用します。
#
# $$y_i = \gamma\,\hat{x}_i + \beta$$
#
# バッチ正規化(Batch Normalization, BN)、レイヤー正規化(Layer Normalization, LN)、インスタンス正規化(Instance Normalization, IN)、
# グループ正規化(Group Normalization, GN)は、4つともこの計算です。違いはただ1つ、**どの数値を1つの集まりとするか**です。
# 下の図では、青い数値が1組の平均と分散を共有します。
#
# %% key="cubes-figure"
axes.cubes()
plt.show()

# %% [markdown] key="unfolded-text" lang="en"
# The usual picture is this cube of samples $N$, channels $C$ and positions $H, W$ (after Wu & He 2018, Figure 2). Most of a
# cube is hidden, so here it is unfolded: each row a sample, each small map a channel. Below it, where $\gamma$ and $\beta$ live:
# in that paper (eq. (6)) one of each per channel in all four, however the mean is taken. (Keras departs from it for layer normalization
# on images: "Counting parameters".)
#
# %% [markdown] key="unfolded-text" lang="ja"
# よく使われるのは、この立方体の図です(サンプル $N$、チャネル $C$、位置 $H, W$。Wu & He 2018, Figure 2 にならって描きました)。立方体は大部分が隠れてしまうので、
# 展開した図も見ておきましょう。各行がサンプル、小さなマップがチャネルです。その下は $\gamma$ と $\beta$ のありかです。この論文(式(6))では、平均の取り方が
# 違っても、4つともチャネルごとに1組です(画像に対するKerasのレイヤー正規化は例外です。「パラメータ数を数える」で見ます)。
#
# %% key="unfolded-figure"
axes.unfolded()
plt.show()

# %% [markdown] key="tokens-text" lang="en"
# And for the sequences of a Transformer, $(N, L, D)$: $L$ tokens of $D$ features. Here layer normalization takes **one token**, not the whole
# sequence. The two pictures of layer normalization, on images and on tokens, are easily confused.
#
# %% [markdown] key="tokens-text" lang="ja"
# 次はTransformerの系列 $(N, L, D)$ です。$L$ 個のトークンが、それぞれ $D$ 次元の特徴を持ちます。ここでのレイヤー正規化は、系列全体ではなく
# **トークン1つ**の中で平均を取ります。画像の場合と混同しやすいので、注意してください。
#
# %% key="tokens-figure"
axes.tokens()
plt.show()


# %% [markdown] key="what-axes-decide" lang="en"
# ### What the axes decide
#
# | | mean over, $(N,H,W,C)$ | mean over, $(N,L,D)$ | sees other samples | at inference | typical home |
# |---|---|---|---|---|---|
# | **Batch** | $N, H, W$ | $N, L$ | **yes** | **moving averages** | CNNs with large batches |
# | **Layer** | $H, W, C$ | $D$ | no | the same | Transformer, RNN |
# | **Instance** | $H, W$ | $L$ | no | the same | style transfer |
# | **Group** | $H, W, C/G$ | $L, D/G$ | no | the same | detection, segmentation (small batches) |
#
# One column decides everything: only batch normalization reads the axis $N$. So in training the output for *your* picture depends on
# the pictures that happen to be beside it. At inference a picture may come alone, and its output must not depend on company. So
# averages collected during training replace mean and variance of the batch, however large it is. And when the batch is small, mean and
# variance are poor guesses: that is where group normalization comes in.
#
# **Six sentences to take into the exam**
#
# 1. $\hat{x} = (x - \mu)/\sqrt{\sigma^2 + \epsilon}$, then $y = \gamma\hat{x} + \beta$. Only $\gamma$ and $\beta$ are learned by gradient.
# 2. Batch normalization on $C$ channels has $4C$ numbers: $\gamma, \beta$ trainable, moving mean and variance not. The other three
#    have $2C$ (exception: layer normalization over several axes in Keras and PyTorch, $2HWC$).
# 3. BN: batch statistics in training, moving averages at inference. Layer, instance, group: no difference.
# 4. Group normalization with $G = C$ is instance normalization; with $G = 1$ it averages like layer normalization on images.
# 5. Order in the paper: convolution → BN → ReLU. The bias before BN is cancelled: `use_bias=False`.
# 6. Backward: $dx = \frac{1}{\sqrt{\sigma^2+\epsilon}}\left(d\hat{x} - \overline{d\hat{x}} - \hat{x}\,\overline{d\hat{x}\,\hat{x}}\right)$, the bar
#    a mean over the same axes.
#
# %% [markdown] key="what-axes-decide" lang="ja"
# ### 軸の選び方が決めること
#
# | | 平均を取る軸 $(N,H,W,C)$ | 平均を取る軸 $(N,L,D)$ | ほかのサンプルに依存するか | 推論時 | 主な用途 |
# |---|---|---|---|---|---|
# | **バッチ正規化** | $N, H, W$ | $N, L$ | **する** | **移動平均を使う** | 大きなバッチで学習するCNN |
# | **レイヤー正規化** | $H, W, C$ | $D$ | しない | 学習時と同じ | Transformer、RNN |
# | **インスタンス正規化** | $H, W$ | $L$ | しない | 学習時と同じ | スタイル変換 |
# | **グループ正規化** | $H, W, C/G$ | $L, D/G$ | しない | 学習時と同じ | 物体検出・領域分割(小さなバッチ) |
#
# 表で最も重要なのは、「ほかのサンプルに依存するか」の列です。軸 $N$ にわたって平均を取るのは、バッチ正規化だけです。そのため学習時には、ある画像の出力が、
# たまたま同じバッチに入った画像に左右されます。推論時の出力が、一緒に入力された画像に左右されては困ります。画像が1枚だけのこともあります。そこで推論では、
# バッチの大きさによらず、学習中に求めた移動平均を使います。また、バッチが小さいと、平均と分散の推定が粗くなります。そのようなときに使われるのがグループ正規化です。
#
# **試験前に覚えておく6項目**
#
# 1. $\hat{x} = (x - \mu)/\sqrt{\sigma^2 + \epsilon}$、続けて $y = \gamma\hat{x} + \beta$。勾配で学習するのは $\gamma$ と $\beta$ だけ。
# 2. $C$ チャネルのバッチ正規化が持つ数値は $4C$ 個。$\gamma, \beta$ は学習され、移動平均(平均と分散)は学習されない。ほかの3つは $2C$ 個
#    (例外:KerasやPyTorchで複数の軸にわたるレイヤー正規化は $2HWC$ 個)。
# 3. バッチ正規化は、学習時にバッチの統計量、推論時に移動平均を使う。レイヤー・インスタンス・グループでは、学習時と推論時で計算が同じ。
# 4. グループ正規化は、$G = C$ ならインスタンス正規化。$G = 1$ なら、画像に対するレイヤー正規化と同じ範囲で平均を取る。
# 5. 論文の順序は、畳み込み → バッチ正規化 → ReLU。バッチ正規化の前のバイアスは打ち消されるので `use_bias=False`。
# 6. 逆伝播は $dx = \frac{1}{\sqrt{\sigma^2+\epsilon}}\left(d\hat{x} - \overline{d\hat{x}} - \hat{x}\,\overline{d\hat{x}\,\hat{x}}\right)$。
#    上線は、順伝播と同じ軸での平均。
#
# %% [markdown] key="normalize-text" lang="en"
# ## From the formula to NumPy
#
# ### One function, four norms
#
# The three lines, with the axes as an argument. `keepdims=True` keeps the averaged axes as size 1, so that the result can be subtracted
# from `x` again.
#
# %% [markdown] key="normalize-text" lang="ja"
# ## 数式とコード
#
# ### 1つの関数で4つの正規化
#
# 3行の式をそのまま書き、軸は引数にします。`keepdims=True` とすると、平均を取った軸が大きさ1で残るので、結果を `x` からそのまま引けます。
#
# %% key="normalize"
def normalize(x, over, epsilon=1e-3):
    """x, axes to average over -> x_hat (shape of x), 1 / √(σ² + ε) (averaged axes: 1)."""
    mu = x.mean(axis=over, keepdims=True)
    variance = ((x - mu) ** 2).mean(axis=over, keepdims=True)
    s = 1 / np.sqrt(variance + epsilon)
    return (x - mu) * s, s


rng = np.random.default_rng(0)
x_images = 2 * rng.standard_normal((4, 5, 5, 6)) + 3  # (N, H, W, C)
G = 2
x_groups = x_images.reshape(4, 5, 5, G, 6 // G)  # (N, H, W, G, C/G)

for name, x, over in (
    ("batch", x_images, (0, 1, 2)),
    ("layer", x_images, (1, 2, 3)),
    ("instance", x_images, (1, 2)),
    ("group, G = 2", x_groups, (1, 2, 4)),
):
    x_hat, s = normalize(x, over)
    print(f"{name:13} axes {over!s:10} {s.size:2d} means, each of {x.size // s.size:3d} numbers")
    assert np.allclose(x_hat.mean(axis=over), 0) and np.allclose(x_hat.var(axis=over), 1, atol=1e-3)


# %% [markdown] key="groups-text" lang="en"
# Group normalization needs no new formula: split the channel axis into $(G, C/G)$ and average over the last part. With $G = C$ a group
# is one channel (instance normalization), with $G = 1$ it is all of them:
#
# %% [markdown] key="groups-text" lang="ja"
# グループ正規化に新しい式は要りません。チャネル軸を $(G, C/G)$ に分け、後ろのほうを平均に含めるだけです。$G = C$ なら1グループが1チャネルになり
# (インスタンス正規化)、$G = 1$ なら全チャネルになります。
#
# %% key="groups"
def group_norm(x, groups, epsilon=1e-3):
    """x (N, H, W, C) -> x_hat (N, H, W, C)."""
    N, H, W, C = x.shape
    x_hat, _ = normalize(x.reshape(N, H, W, groups, C // groups), (1, 2, 4), epsilon)
    return x_hat.reshape(x.shape)


assert np.allclose(group_norm(x_images, 6), normalize(x_images, (1, 2))[0])
assert np.allclose(group_norm(x_images, 1), normalize(x_images, (1, 2, 3))[0])
print("G = C: instance normalization.  G = 1: the axes of layer normalization on images.")

# %% [markdown] key="who-text" lang="en"
# ### Who depends on whom
#
# Change one number of one picture (sample 0), and look which outputs notice:
#
# %% [markdown] key="who-text" lang="ja"
# ### どの出力がどの入力に依存するか
#
# 1枚の画像(サンプル0)の数値を1つだけ変えて、どの出力が変わるかを見ます。
#
# %% key="who"
x_changed = x_images.copy()
x_changed[0, 2, 2, 5] += 1

for name, f in (
    ("batch", lambda x: normalize(x, (0, 1, 2))[0]),
    ("layer", lambda x: normalize(x, (1, 2, 3))[0]),
    ("instance", lambda x: normalize(x, (1, 2))[0]),
    ("group, G = 2", lambda x: group_norm(x, 2)),
):
    changed = f(x_changed) != f(x_images)
    samples, channels = changed.any(axis=(1, 2, 3)).sum(), changed.any(axis=(0, 1, 2)).sum()
    print(f"{name:13} {samples} of 4 samples change, {channels} of 6 channels")
    assert (samples, channels) == {"b": (4, 1), "l": (1, 6), "i": (1, 1), "g": (1, 3)}[name[0]]

# %% [markdown] key="hand-text" lang="en"
# ### By hand
#
# One channel, four numbers, $\epsilon = 0$: $x = (1, 7, 9, 15)$ with $\gamma = 2$, $\beta = 1$. Take a pencil.
#
# $\mu = 32/4 = 8$. Deviations $(-7, -1, 1, 7)$, squares $49 + 1 + 1 + 49 = 100$, so $\sigma^2 = 25$ and $\sigma = 5$.
# $\hat{x} = (-1.4, -0.2, 0.2, 1.4)$, $y = (-1.8, 0.6, 1.4, 3.8)$.
#
# %% [markdown] key="hand-text" lang="ja"
# ### 手で計算する
#
# チャネルは1つ、数値は4個、$\epsilon = 0$ とします。$x = (1, 7, 9, 15)$、$\gamma = 2$、$\beta = 1$ です。鉛筆を用意してください。
#
# $\mu = 32/4 = 8$。偏差は $(-7, -1, 1, 7)$、2乗の和は $49 + 1 + 1 + 49 = 100$ なので、$\sigma^2 = 25$、$\sigma = 5$ です。
# $\hat{x} = (-1.4, -0.2, 0.2, 1.4)$、$y = (-1.8, 0.6, 1.4, 3.8)$ となります。
#
# %% key="hand"
x_hand, gamma_hand, beta_hand = np.array([[1.0], [7], [9], [15]]), 2.0, 1.0  # (N, C) = (4, 1)
x_hat, s_hand = normalize(x_hand, 0, epsilon=0)
y = gamma_hand * x_hat + beta_hand
print("x_hat", x_hat.ravel().round(2), "  y", y.ravel().round(2), "  1/σ", s_hand.item())
assert np.allclose(x_hat.ravel(), [-1.4, -0.2, 0.2, 1.4])
assert np.allclose(y.ravel(), [-1.8, 0.6, 1.4, 3.8])

# %% [markdown] key="graph-text" lang="en"
# ### Backward: three ways back
#
# The input $x_i$ reaches $\hat{x}_i$ directly, but it also moved the mean and the variance, and through them *every* $\hat{x}_j$. So the
# gradient comes back on three ways:
#
# %% [markdown] key="graph-text" lang="ja"
# ### 逆伝播:勾配が戻る3つの経路
#
# 入力 $x_i$ は $\hat{x}_i$ に直接届くだけでなく、平均と分散も動かし、それを通じて**すべての** $\hat{x}_j$ に影響します。そのため、勾配は3つの
# 経路を通って戻ってきます。
#
# %% key="graph-figure"
norm_graph.batch_norm_graph()
plt.show()


# %% [markdown] key="steps-text" lang="en"
# Write $c_i = x_i - \mu$ and $s = 1/\sqrt{\sigma^2 + \epsilon}$, so $\hat{x}_i = c_i\, s$. Go backwards, box by box. A number that is used
# several times collects the sum of what comes back.
#
# $$\begin{aligned}
# d\beta &= \textstyle\sum_i dy_i, \qquad d\gamma = \sum_i dy_i\,\hat{x}_i, \qquad d\hat{x}_i = \gamma\, dy_i \\
# ds &= \textstyle\sum_i d\hat{x}_i\, c_i & &\text{every } \hat{x}_i \text{ used } s\\
# d\sigma^2 &= -\tfrac{1}{2}\, s^3\, ds & &\text{derivative of } (\sigma^2 + \epsilon)^{-1/2}\\
# dc_i &= \underbrace{s\, d\hat{x}_i}_{①} + \underbrace{\tfrac{2}{m}\, c_i\, d\sigma^2}_{②} & &\sigma^2 = \tfrac{1}{m}\textstyle\sum_i c_i^2\\
# d\mu &= -\textstyle\sum_i dc_i & &\text{every } c_i \text{ used } \mu\\
# dx_i &= dc_i + \underbrace{\tfrac{1}{m}\, d\mu}_{③} & &\mu = \tfrac{1}{m}\textstyle\sum_i x_i
# \end{aligned}$$
#
# These are the equations of Ioffe & Szegedy (2015, §3). The code is their transcript:
#
# %% [markdown] key="steps-text" lang="ja"
# $c_i = x_i - \mu$、$s = 1/\sqrt{\sigma^2 + \epsilon}$ とおくと、$\hat{x}_i = c_i\, s$ です。図の箱を1つずつ逆向きにたどります。複数の場所で使われた
# 値の勾配は、戻ってくる勾配の和になります。
#
# $$\begin{aligned}
# d\beta &= \textstyle\sum_i dy_i, \qquad d\gamma = \sum_i dy_i\,\hat{x}_i, \qquad d\hat{x}_i = \gamma\, dy_i \\
# ds &= \textstyle\sum_i d\hat{x}_i\, c_i & &s \text{ はすべての } \hat{x}_i \text{ で使われた}\\
# d\sigma^2 &= -\tfrac{1}{2}\, s^3\, ds & &(\sigma^2 + \epsilon)^{-1/2} \text{ の微分}\\
# dc_i &= \underbrace{s\, d\hat{x}_i}_{①} + \underbrace{\tfrac{2}{m}\, c_i\, d\sigma^2}_{②} & &\sigma^2 = \tfrac{1}{m}\textstyle\sum_i c_i^2\\
# d\mu &= -\textstyle\sum_i dc_i & &\mu \text{ はすべての } c_i \text{ で使われた}\\
# dx_i &= dc_i + \underbrace{\tfrac{1}{m}\, d\mu}_{③} & &\mu = \tfrac{1}{m}\textstyle\sum_i x_i
# \end{aligned}$$
#
# これは Ioffe & Szegedy(2015, §3)の式と同じものです。コードは、この式をそのまま書き下したものです。
#
# %% key="steps"
def backward_steps(dx_hat, x, over, epsilon=1e-3):
    """dx_hat -> dx, box by box along the graph; all of the shape of x."""
    c = x - x.mean(axis=over, keepdims=True)
    m = x.size / np.mean(x, axis=over).size
    s = 1 / np.sqrt((c**2).mean(axis=over, keepdims=True) + epsilon)
    ds = (dx_hat * c).sum(axis=over, keepdims=True)
    dvariance = -0.5 * s**3 * ds
    dc = s * dx_hat + 2 / m * c * dvariance
    dmu = -dc.sum(axis=over, keepdims=True)
    return dc + dmu / m


dy_hand = np.array([[0.0], [0], [0], [5]])
dx = backward_steps(gamma_hand * dy_hand, x_hand, 0, epsilon=0)
print("dx", dx.ravel().round(2), "  sum", abs(dx.sum()).round(2))
assert np.allclose(dx.ravel(), [0.48, -0.36, -0.64, 0.52])


# %% [markdown] key="compact-text" lang="en"
# ### The compact form
#
# Put the lines into each other. In ② stands $\tfrac{2}{m} c_i \cdot (-\tfrac12 s^3) \sum_j d\hat{x}_j c_j$. With $c = \hat{x}/s$ this is
# $-s\,\hat{x}_i \cdot \tfrac1m\sum_j d\hat{x}_j \hat{x}_j$: a mean. In ③ the part from ② vanishes, because the deviations sum to
# 0; there remains $-s \cdot \tfrac1m \sum_j d\hat{x}_j$: another mean. So, with a bar for the mean over the same axes,
#
# $$dx_i = s\left(d\hat{x}_i - \overline{d\hat{x}} - \hat{x}_i\,\overline{d\hat{x}\,\hat{x}}\right)$$
#
# By hand, with $dy = (0, 0, 0, 5)$: $d\hat{x} = (0, 0, 0, 10)$, $\overline{d\hat{x}} = 2.5$, $\overline{d\hat{x}\,\hat{x}} = 14/4 = 3.5$. First entry:
# $(0 - 2.5 + 1.4 \cdot 3.5)/5 = 0.48$. And $d\beta = 5$, $d\gamma = 5 \cdot 1.4 = 7$.
#
# The formula says what normalization does to learning. It subtracts from the gradient what would merely *shift* all
# numbers (the mean) and what would merely *stretch* them (the part along $\hat{x}$): both would be undone by the next forward pass.
#
# %% [markdown] key="compact-text" lang="ja"
# ### まとめた形
#
# 各行を代入していきます。②は $\tfrac{2}{m} c_i \cdot (-\tfrac12 s^3) \sum_j d\hat{x}_j c_j$ です。$c = \hat{x}/s$ を使うと
# $-s\,\hat{x}_i \cdot \tfrac1m\sum_j d\hat{x}_j \hat{x}_j$ となり、平均が現れます。③のうち②から来る部分は、偏差の和が0なので消え、残るのは
# $-s \cdot \tfrac1m \sum_j d\hat{x}_j$、これも平均です。順伝播と同じ軸での平均を上線で表すと、次のようになります。
#
# $$dx_i = s\left(d\hat{x}_i - \overline{d\hat{x}} - \hat{x}_i\,\overline{d\hat{x}\,\hat{x}}\right)$$
#
# 手で確かめましょう。$dy = (0, 0, 0, 5)$ とすると、$d\hat{x} = (0, 0, 0, 10)$、$\overline{d\hat{x}} = 2.5$、$\overline{d\hat{x}\,\hat{x}} = 14/4 = 3.5$ です。
# 最初の要素は $(0 - 2.5 + 1.4 \cdot 3.5)/5 = 0.48$ です。また $d\beta = 5$、$d\gamma = 5 \cdot 1.4 = 7$ となります。
#
# この式から、正規化が学習にどう働くかがわかります。勾配から、全体を**ずらす**だけの成分(平均)と、全体を**伸ばす**だけの成分($\hat{x}$ に沿った成分)を
# 取り除くのです。どちらも、次の順伝播で打ち消されてしまうからです。
#
# %% key="compact"
def backward_compact(dx_hat, x, over, epsilon=1e-3):
    """dx_hat -> dx in three terms."""
    x_hat, s = normalize(x, over, epsilon)
    mean = dx_hat.mean(axis=over, keepdims=True)
    along = (dx_hat * x_hat).mean(axis=over, keepdims=True)
    return s * (dx_hat - mean - x_hat * along)


assert np.allclose(backward_compact(gamma_hand * dy_hand, x_hand, 0, epsilon=0), dx)
x_hat, _ = normalize(x_hand, 0, epsilon=0)
assert dy_hand.sum() == 5 and np.isclose((dy_hand * x_hat).sum(), 7)  # dbeta, dgamma

for name, x, over in (
    ("batch", x_images[:2, :3, :3], (0, 1, 2)),
    ("layer", x_images[:2, :3, :3], (1, 2, 3)),
    ("instance", x_images[:2, :3, :3], (1, 2)),
    ("group, G = 2", x_groups[:2, :3, :3], (1, 2, 4)),
):
    x = x.copy()
    dx_hat = rng.standard_normal(x.shape)

    def loss(x=x, dx_hat=dx_hat, over=over):
        return np.sum(dx_hat * normalize(x, over)[0])

    numerical = numerical_gradient(loss, x)
    ways = backward_steps, backward_compact
    errors = [relative_error(way(dx_hat, x, over), numerical) for way in ways]
    assert max(errors) < 1e-6, errors
    x_hat, _ = normalize(x, over)
    dx = backward_compact(dx_hat, x, over)
    assert np.allclose(dx.sum(axis=over), 0)  # nothing left that would shift
    print(f"{name:13} step by step and compact, against numerical gradients: < 1e-6")


# %% [markdown] key="moving-text" lang="en"
# ### Moving averages: batch normalization at inference
#
# A picture alone has no batch. So during training BN also keeps a slow average of every mean and variance it has seen:
#
# $$\mu_{mov} \leftarrow \rho\,\mu_{mov} + (1 - \rho)\,\mu, \qquad \sigma^2_{mov} \leftarrow \rho\,\sigma^2_{mov} + (1 - \rho)\,\sigma^2$$
#
# They start at 0 and 1. Keras calls $\rho$ `momentum` (0.99). At inference they are **constants**: $y = \gamma\,(x - \mu_{mov})/\sqrt{\sigma^2_{mov} + \epsilon} + \beta$
# is a straight line in $x$, the same for every batch, and its backward pass is simply $dx = \gamma\, s\, dy$.
#
# %% [markdown] key="moving-text" lang="ja"
# ### 移動平均:推論時のバッチ正規化
#
# 推論時の画像は1枚だけのこともあり、バッチの統計量には頼れません。そこで学習中に、バッチごとの平均と分散を少しずつ取り込んだ**移動平均(moving average)** を持っておきます。
#
# $$\mu_{mov} \leftarrow \rho\,\mu_{mov} + (1 - \rho)\,\mu, \qquad \sigma^2_{mov} \leftarrow \rho\,\sigma^2_{mov} + (1 - \rho)\,\sigma^2$$
#
# 初期値は0と1です。Kerasでは $\rho$ を `momentum` と呼びます(既定値0.99)。推論時には、これらは**定数**です。
# $y = \gamma\,(x - \mu_{mov})/\sqrt{\sigma^2_{mov} + \epsilon} + \beta$ は $x$ の1次式で、どのバッチでも同じになり、逆伝播も $dx = \gamma\, s\, dy$ だけです。
#
# %% key="moving"
class BatchNorm:
    """Batch normalization of (N, …, C): `training` decides whose mean and variance are used."""

    def __init__(self, channels, momentum=0.99, epsilon=1e-3):
        self.gamma, self.beta = np.ones(channels), np.zeros(channels)
        self.moving_mean, self.moving_variance = np.zeros(channels), np.ones(channels)
        self.momentum, self.epsilon = momentum, epsilon

    def forward(self, x, training):
        over = tuple(range(x.ndim - 1))
        mean, variance = self.moving_mean, self.moving_variance
        if training:
            mean, variance, rho = x.mean(axis=over), x.var(axis=over), self.momentum
            self.moving_mean = rho * self.moving_mean + (1 - rho) * mean
            self.moving_variance = rho * self.moving_variance + (1 - rho) * variance
        self.s = 1 / np.sqrt(variance + self.epsilon)
        self.x_hat, self.training, self.over = (x - mean) * self.s, training, over
        return self.gamma * self.x_hat + self.beta

    def backward(self, dy):
        x_hat, over = self.x_hat, self.over
        self.dgamma, self.dbeta = (dy * x_hat).sum(axis=over), dy.sum(axis=over)
        dx_hat = self.gamma * dy
        if not self.training:
            return self.s * dx_hat
        return self.s * (dx_hat - dx_hat.mean(axis=over) - x_hat * (dx_hat * x_hat).mean(axis=over))


bn = BatchNorm(1, momentum=0.9)
bn.forward(x_hand, training=True)
mean, variance = bn.moving_mean[0], bn.moving_variance[0]
print(f"after one batch: moving mean {mean:.1f}, moving variance {variance:.1f}")
assert np.allclose([bn.moving_mean, bn.moving_variance], [[0.8], [3.4]])

# %% [markdown] key="moving-hand-text" lang="en"
# By hand: $0.9 \cdot 0 + 0.1 \cdot 8 = 0.8$ and $0.9 \cdot 1 + 0.1 \cdot 25 = 3.4$. After one batch the averages are still far from 8 and 25: what
# remains of the start shrinks by $\rho$ at every step. With $\rho = 0.99$ it takes 459 steps until 1 % is left. Evaluate a network
# before that, and it computes with half-filled averages. The curves:
#
# %% [markdown] key="moving-hand-text" lang="ja"
# 手計算では $0.9 \cdot 0 + 0.1 \cdot 8 = 0.8$、$0.9 \cdot 1 + 0.1 \cdot 25 = 3.4$ です。1バッチだけでは、8と25にはまだ遠く及びません。初期値の影響は、1ステップごとに
# $\rho$ 倍に減ります。$\rho = 0.99$ なら、1%まで減るのに459ステップかかります。それより前に評価すると、まだ収束していない移動平均で計算することになります。
# 移動平均の推移を図に示します。
#
# %% key="moving-figure"
steps = 600
batches = np.random.default_rng(1).normal(8, 5, (steps, 32, 1))
fig, panels = plt.subplots(1, 2, figsize=(9, 3))
for momentum, color in ((0.9, plots.SKY), (0.99, plots.INPUT)):
    layer, path = BatchNorm(1, momentum), []
    for batch in batches:
        layer.forward(batch, training=True)
        path.append((layer.moving_mean[0], layer.moving_variance[0]))
    for panel, values in zip(panels, np.transpose(path), strict=True):
        panel.plot(values, color=color, label=f"momentum {momentum}")
for panel, true, title in zip(panels, (8, 25), ("moving mean", "moving variance"), strict=True):
    panel.axhline(true, color=plots.INK, linestyle=":")
    panel.set(title=title, xlabel="training step", ylim=(0, 1.35 * true))
panels[1].legend(loc="lower right")
plt.show()
assert 0.99**458 > 0.01 > 0.99**459 and 0.9**43 > 0.01 > 0.9**44

# %% [markdown] key="biased-text" lang="en"
# **Which variance?** The batch variance divides by $m$, so on average it is too small: $\mathbb{E}[\sigma^2_{batch}] = \frac{m-1}{m}\sigma^2$. The paper
# therefore averages the *unbiased* $\frac{m}{m-1}\sigma^2$ for inference (Algorithm 2, line 10), and so does PyTorch. Keras 3 averages the
# biased one. With $m = 32 \cdot 14 \cdot 14$ numbers a channel nobody notices; with $m = 2$ it is a factor of 2. (That is also why the
# curves on the right settle a little below 25: at $25 \cdot 31/32 \approx 24.2$.)
#
# | | share of the **old** average | written | $\epsilon$ | variance in the average |
# |---|---|---|---|---|
# | Keras 3 | 0.99 | `momentum=0.99` | 1e-3 | biased |
# | PyTorch | 0.9 | `momentum=0.1` (share of the **new**) | 1e-5 | unbiased |
#
# %% [markdown] key="biased-text" lang="ja"
# **どの分散か。** バッチの分散は $m$ で割るので、平均すると真の値より小さくなります($\mathbb{E}[\sigma^2_{batch}] = \frac{m-1}{m}\sigma^2$)。そこで論文は、
# 推論用には**不偏**分散 $\frac{m}{m-1}\sigma^2$ を平均します(Algorithm 2 の10行目)。PyTorchも同じです。Keras 3は標本分散($m$ で割ったもの)を
# そのまま平均します。1チャネルあたり $m = 32 \cdot 14 \cdot 14$ 個もあれば差は見えませんが、$m = 2$ なら2倍違います。上の右の図で、曲線が25より
# 少し下に落ち着くのもこのためです($25 \cdot 31/32 \approx 24.2$)。
#
# | | **古い**平均の重み | 書き方 | $\epsilon$ | 移動平均に入る分散 |
# |---|---|---|---|---|
# | Keras 3 | 0.99 | `momentum=0.99` | 1e-3 | 標本分散 |
# | PyTorch | 0.9 | `momentum=0.1`(**新しい**値の重み) | 1e-5 | 不偏分散 |
#
# %% key="biased"
draws = np.random.default_rng(2).standard_normal((200_000, 32))  # true variance 1
for m in (2, 4, 8, 32):
    average = draws[:, :m].var(axis=1).mean()
    print(f"m = {m:2d}:  average batch variance {average:.2f}   (m - 1)/m = {(m - 1) / m:.2f}")
    assert abs(average - (m - 1) / m) < 0.005
assert round(25 * 31 / 32, 1) == 24.2  # where the curves above settle

# %% [markdown] key="two-text" lang="en"
# **Two numbers.** The smallest batch shows best what is lost. Of two numbers, one lies as far above the mean as the other lies below:
# $\hat{x} = \pm 1$, *whatever they were*, if they differ. With one number there is nothing left but $\beta$. (Convolutions are better off: a channel
# of a 14×14 map brings 196 numbers even from one picture. But they come from *one* picture.)
#
# %% [markdown] key="two-text" lang="ja"
# **数値が2つしかないとき。** バッチが小さいと何が失われるかは、最小のバッチを見るとよくわかります。数値が2つなら、一方は平均から上に、他方は下に同じだけ離れるので、異なる2つの値であれば、**何であっても**
# $\hat{x} = \pm 1$ になります。1つなら、$\beta$ しか残りません(畳み込みでは影響が小さく、14×14のマップなら画像1枚からでも1チャネル196個の数値が得られます。ただし、
# すべて**同じ1枚**から来ています)。
#
# %% key="two"
pairs = np.array([[[1.0], [2]], [[-100], [900]], [[0.5], [0.4]]])
for pair in pairs:
    x_hat, _ = normalize(pair, 0, epsilon=0)
    print(f"{pair.ravel()} -> {x_hat.ravel().round(6)}")
    assert np.allclose(np.abs(x_hat), 1)
alone = BatchNorm(1)
alone.beta = np.array([0.3])
assert [alone.forward(np.array([[v]]), training=True).item() for v in (-5.0, 0, 5)] == [0.3] * 3
print("a batch of one vector: y = beta, always")


# %% [markdown] key="homes-text" lang="en"
# ### Why each lives where it does
#
# What a normalization averages over, it makes the output blind to. **Instance normalization** removes brightness and contrast of each channel of
# each picture: for style transfer that is just right, since the contrast of the content picture should not matter (Ulyanov et al. 2016).
# For recognition it may be too much: how strongly a channel responds is information, and IN erases it.
#
# %% [markdown] key="homes-text" lang="ja"
# ### それぞれの用途の理由
#
# 正規化は、平均を取った範囲の「明るさ」と「コントラスト」を消してしまいます。**インスタンス正規化**が消すのは、画像ごと・チャネルごとの明るさとコントラストです。
# スタイル変換では、コンテンツ画像のコントラストに結果が左右されてほしくないので、これが好都合です(Ulyanov et al. 2016)。認識では消しすぎになることがあります。
# あるチャネルがどれだけ強く反応したかも情報であり、インスタンス正規化はそれを消すからです。
#
# %% key="homes"
photos = datasets.load_images("textures", size=64)
cat = photos.x_test[photos.y_test == photos.class_names.index("cat")][0]
tinted = np.array([0.2, 0.45, 0.6]) + np.array([0.3, 0.35, 0.25]) * cat  # weak contrast, bluish
before = np.stack([cat, tinted])
after, _ = normalize(before, (1, 2), epsilon=0)
assert np.allclose(after[0], after[1])

fig, panels = plt.subplots(1, 4, figsize=(9, 2.6))
shown = (*before, *np.clip(0.5 + after / 5, 0, 1))
titles = ("a photograph", "another contrast", "first, after IN", "second, after IN")
for panel, picture, title in zip(panels, shown, titles, strict=True):
    panel.imshow(picture)
    panel.set_title(title)
    panel.axis("off")
plt.show()
print("after instance normalization the two pictures are equal")


# %% [markdown] key="homes-note" lang="en"
# - **Layer normalization** in RNNs and Transformers: sequences have different lengths, and a step late in a long sentence has hardly any other
#   sequence beside it. One token always has its $D$ features.
# - **Group normalization** in detection and segmentation: large pictures, one or two per GPU.
# - **Batch normalization** where batches are large: its noise even regularizes a little (Ioffe & Szegedy 2015, §3.4).
#
# %% [markdown] key="homes-note" lang="ja"
# - RNNやTransformerの**レイヤー正規化**:系列の長さはまちまちで、長い文の後ろのほうの時刻まで続く系列は、バッチ内にほとんどありません。トークン1つには、いつも
#   $D$ 個の特徴があります。
# - 物体検出や領域分割の**グループ正規化**:画像が大きく、GPU 1台に1〜2枚しか載らないからです。
# - 大きなバッチで学習できるところでの**バッチ正規化**:統計量のゆらぎが、軽い正則化としても働きます(Ioffe & Szegedy 2015, §3.4)。
#
# %% [markdown] key="agree-keras-text" lang="en"
# ## Agreement
#
# `utils/numpy_layers` holds the four as classes, built on the same two functions (three lines forward, three terms backward). Against
# Keras with the same weights: output, gradient of the input, gradients of $\gamma$ and $\beta$, in float32. Keras has no
# `InstanceNormalization`; it is `GroupNormalization(groups=-1)`.
#
# %% [markdown] key="agree-keras-text" lang="ja"
# ## 確かめる
#
# `utils/numpy_layers` には、4つの正規化がクラスとして入っています。土台は同じ2つの関数(順伝播の3行と逆伝播の3項)です。同じ重みを与えたKerasと、出力、入力の勾配、
# $\gamma$ と $\beta$ の勾配をfloat32で比べます。Kerasには `InstanceNormalization` がなく、`GroupNormalization(groups=-1)` と書きます。
#
# %% key="agree-keras"
class InTraining(keras.layers.Layer):
    """Calls a layer with training=True, whoever calls it."""

    def __init__(self, inner):
        super().__init__(dtype="float32")
        self.inner, self.built = inner, True

    def call(self, x):
        return self.inner(x, training=True)


C = 6
images, sequences = (3, 5, 4, C), (3, 7, C)
CASES = [
    ("BatchNormalization, training", BatchNormalization(C), "BatchNormalization", {}, images),
    ("BatchNormalization, inference", BatchNormalization(C), "BatchNormalization", {}, images),
    ("BatchNormalization, training", BatchNormalization(C), "BatchNormalization", {}, (8, C)),
    ("LayerNormalization, token", LayerNormalization(C), "LayerNormalization", {}, sequences),
    (
        "LayerNormalization, picture",
        LayerNormalization(images[1:]),
        "LayerNormalization",
        {"axis": [1, 2, 3]},
        images,
    ),
    (
        "GroupNormalization, G = 2",
        GroupNormalization(C, 2),
        "GroupNormalization",
        {"groups": 2},
        images,
    ),
    (
        "GroupNormalization, G = 2",
        GroupNormalization(C, 2),
        "GroupNormalization",
        {"groups": 2},
        sequences,
    ),
    (
        "InstanceNormalization",
        InstanceNormalization(C),
        "GroupNormalization",
        {"groups": -1},
        images,
    ),
]
for name, layer, keras_name, options, shape in CASES:
    theirs = getattr(keras.layers, keras_name)(**options, dtype="float32")
    theirs.build(shape)
    for weight in theirs.weights:
        value = rng.uniform(0.5, 1.5, weight.shape).astype("float32")
        weight.assign(value)
        if weight.name in layer.params:
            layer.params[weight.name] = value
        else:
            setattr(layer, weight.name, value)  # moving_mean, moving_variance
    x = (2 * rng.standard_normal(shape) + 3).astype("float32")
    dy = rng.standard_normal(shape).astype("float32")
    now = "training" in name
    mine = [layer.forward(x, training=now), layer.backward(dy), *layer.grads.values()]
    y, dx, dweights = keras_gradients(InTraining(theirs) if now else theirs, x, dy)
    worst = max(relative_error(a, b) for a, b in zip(mine, [y, dx, *dweights], strict=True))
    assert worst < 1e-5, (name, worst)
    print(f"{name:30} {shape!s:13} y, dx, dgamma, dbeta: largest relative difference < 1e-5")

# %% [markdown] key="agree-numerical-text" lang="en"
# The class `BatchNorm` of this chapter gives the same as the layer in `utils`, the moving averages after five steps are those of Keras, and
# numerical gradients in float64 agree:
#
# %% [markdown] key="agree-numerical-text" lang="ja"
# `utils` の `BatchNormalization` は、この章で書いた `BatchNorm` と一致します。5ステップ後の移動平均はKerasと、勾配はfloat64の数値微分と一致します。
#
# %% key="agree-numerical"
ours, by_hand = BatchNormalization(C, dtype="float64"), BatchNorm(C)
theirs = keras.layers.BatchNormalization(dtype="float32")
theirs.build(images)
for _ in range(5):
    x = 3 * rng.standard_normal(images) + 5
    y, dy = ours.forward(x, training=True), rng.standard_normal(images)
    assert np.allclose(y, by_hand.forward(x, training=True))
    assert np.allclose(ours.backward(dy), by_hand.backward(dy))
    assert np.allclose(ours.grads["gamma"], by_hand.dgamma)
    theirs(x.astype("float32"), training=True)
for name in ("moving_mean", "moving_variance"):
    assert np.allclose(getattr(ours, name), getattr(by_hand, name))
    assert relative_error(getattr(ours, name), np.asarray(getattr(theirs, name))) < 1e-5
print("moving averages after 5 steps: by hand = utils = Keras")

x = rng.standard_normal((3, 4, 3, C))
for name, layer in (
    ("batch", BatchNormalization(C, dtype="float64")),
    ("layer", LayerNormalization(C, dtype="float64")),
    ("group", GroupNormalization(C, 2, dtype="float64")),
    ("instance", InstanceNormalization(C, dtype="float64")),
):
    assert max(check_layer(layer, x).values()) < 1e-6
    print(f"{name:9} against numerical gradients: dx, dgamma, dbeta < 1e-6")

# %% [markdown] key="count-text" lang="en"
# ### Counting parameters
#
# Keras counts all four numbers of a BN channel, two of them as not trainable. And mind the default of layer normalization: on images
# `LayerNormalization()` averages over the **channels of each pixel** (`axis=-1`). The cube above is `axis=[1, 2, 3]`, and there Keras
# departs from "one a channel": $\gamma$ and $\beta$ get the shape of everything that is averaged.
#
# %% [markdown] key="count-text" lang="ja"
# ### パラメータ数を数える
#
# Kerasは、バッチ正規化の1チャネルにつき4つを数え、そのうち2つは学習されないパラメータとして扱います。レイヤー正規化の既定値には注意が必要です。画像に
# `LayerNormalization()` を使うと、**画素ごとに、チャネルについて**平均を取ります(`axis=-1`)。先ほどの立方体の図にあたるのは `axis=[1, 2, 3]` です。この場合だけは
# 「チャネルごとに1組」ではなく、$\gamma$ と $\beta$ の形状は、平均を取る軸全体と同じになります。
#
# %% key="count"
H, W, C = 14, 14, 64
for name, layer, counts in (
    ("BatchNormalization()", keras.layers.BatchNormalization(), (2 * C, 2 * C)),
    ("LayerNormalization()", keras.layers.LayerNormalization(), (2 * C, 0)),
    (
        "LayerNormalization(axis=[1, 2, 3])",
        keras.layers.LayerNormalization(axis=[1, 2, 3]),
        (2 * H * W * C, 0),
    ),
    ("GroupNormalization(32)", keras.layers.GroupNormalization(32), (2 * C, 0)),
    ("GroupNormalization(-1)  (instance)", keras.layers.GroupNormalization(-1), (2 * C, 0)),
):
    layer.build((None, H, W, C))
    kinds = layer.trainable_weights, layer.non_trainable_weights
    found = [sum(int(np.prod(w.shape)) for w in weights) for weights in kinds]
    print(f"{name:36} trainable {found[0]:6,}   not trainable {found[1]:4,}")
    assert tuple(found) == counts

# %% [markdown] key="network-text" lang="en"
# ## In Keras
#
# ### One network, five ways
#
# Two convolutions and a dense layer without biases, each followed by a normalization and ReLU; then the output layer. Convolution → normalization →
# ReLU is the order of the paper. A dense layer has no positions: a channel of one sample is a single number, and instance
# normalization would leave nothing of it; there the IN network takes layer normalization instead.
#
# %% [markdown] key="network-text" lang="ja"
# ## Kerasで学習する
#
# ### 1つのネットワークで5通り
#
# バイアスのない畳み込み2層と全結合層1層からなり、それぞれの後に正規化とReLUを置きます。最後が出力層です。畳み込み → 正規化 → ReLU が論文の順序です。
# 全結合層には位置の軸がなく、1サンプルの1チャネルは数値1個なので、インスタンス正規化をすると何も残りません。そこで、INのネットワークでも、
# 全結合層だけはレイヤー正規化を使います。
#
# %% key="network"
MOMENTUM = 0.9
NORMS = {
    "none": lambda rank: None,
    "BN": lambda rank: keras.layers.BatchNormalization(momentum=MOMENTUM),
    "LN": lambda rank: keras.layers.LayerNormalization(axis=-1 if rank == 2 else [1, 2, 3]),
    "IN": lambda rank: keras.layers.GroupNormalization(-1 if rank > 2 else 1),
    "GN": lambda rank: keras.layers.GroupNormalization(4),
}


def build(norm, input_shape, classes, widths, units):
    """Convolutions and a dense layer; `norm(rank)` gives the layer that follows each of them."""
    inputs = x = keras.Input(input_shape)
    for number, filters in enumerate(widths):
        strides = 1 if number == 0 else 2
        x = keras.layers.Conv2D(filters, 3, strides, "same", use_bias=False)(x)
        layer = norm(4)
        x = keras.layers.ReLU()(x if layer is None else layer(x))
    x = keras.layers.Dense(units, use_bias=False)(keras.layers.Flatten()(x))
    layer = norm(2)
    x = keras.layers.ReLU()(x if layer is None else layer(x))
    outputs = keras.layers.Dense(classes, activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs)


# %% [markdown] key="train-text" lang="en"
# Four epochs on 1,024 digits of this repository, shrunk to 14×14, in batches of 32: that is 128 updates. With so few, the moving averages
# need `momentum=0.9`. To see why, one more network keeps the default 0.99. (Full profile: CIFAR-10, 30 epochs, with a backup of every
# epoch.)
#
# %% [markdown] key="train-text" lang="ja"
# リポジトリに同梱した手書き数字1,024枚を14×14に縮小し、バッチサイズ32で4エポック学習します。更新はわずか128回なので、移動平均には `momentum=0.9` を使います。
# その理由を見るために、既定値0.99のままのネットワークも1つ学習しておきます(fullプロファイルでは、CIFAR-10を30エポック、エポックごとにバックアップを取りながら
# 学習します)。
#
# %% key="data"
quick = {"data": "digits", "size": 14, "pictures": 1024, "widths": (8, 16), "units": 32}
full = {"data": "cifar10", "size": None, "pictures": 40_000, "widths": (64, 128, 256), "units": 256}
quick |= {"epochs": 4, "rate": 5e-3}
full |= {"epochs": 30, "rate": 1e-3}
config = rt.choose(quick=quick, full=full)
data = datasets.load_images(config["data"], size=config["size"])
number = min(config["pictures"], len(data.x_train))
kept = slice(number - number % 32)  # whole batches, which divide among workers
train_set = dataclasses.replace(data, x_train=data.x_train[kept], y_train=data.y_train[kept])
print(f"{number - number % 32:,} pictures of {data.name}, {config['epochs']} epochs")


# %% key="train"
def train(name, norm):
    """(history, test accuracy, network) of a network trained from a fixed seed."""
    keras.utils.set_random_seed(0)
    with rt.scope():
        shape, classes = data.x_train.shape[1:], len(data.class_names)
        network = build(norm, shape, classes, config["widths"], config["units"])
        steps = len(train_set.x_train) // 32 * config["epochs"]
        rate = keras.optimizers.schedules.CosineDecay(config["rate"], steps)
        loss = "sparse_categorical_crossentropy"
        adam = keras.optimizers.Adam(rate)
        network.compile(adam, loss, metrics=["accuracy"])
    history = training.fit(network, train_set, f"05_{name}", config["epochs"], batch_size=32)
    return history, network.evaluate(data.x_test, data.y_test, verbose=0)[1], network


results = {name: train(name, norm) for name, norm in NORMS.items()}
results["BN, momentum 0.99"] = train("BN_99", lambda rank: keras.layers.BatchNormalization())
plots.training_curves({name: history for name, (history, _, _) in results.items()}, chance=0.1)
plt.show()

# %% key="train-verdict"
final = {name: history["val_accuracy"][-1] for name, (history, _, _) in results.items()}
same = [results[name][0]["accuracy"] for name in ("BN", "BN, momentum 0.99")]
if rt.profile == "quick":
    assert all(final[name] > 0.85 for name in ("BN", "LN", "IN", "GN"))
    assert round(100 * 0.99**128) == 28
    assert np.allclose(*same, atol=0.01) and final["BN"] > final["BN, momentum 0.99"] + 0.06
    print("with any of the four: more than 85 % in validation after 128 updates")
    print("BN with momentum 0.99: the same accuracy in training, ", end="")
    print("more than 6 points less in validation")


# %% [markdown] key="train-note" lang="en"
# All four learn. The lesson is in the last curve: in *training* it equals BN, batch for batch (the moving averages play no
# part there), yet in *validation* it stays far below. Nothing is wrong with the weights. The averages are just not filled: after 128
# updates, $0.99^{128} = 28\,\%$ of them is still the initial 0 and 1, and the rest remembers weights of long ago. So when validation lags far
# behind training early on, suspect the moving averages before overfitting.
#
# %% [markdown] key="train-note" lang="ja"
# 4つとも学習できています。注目してほしいのは最後の曲線です。**学習**の精度はBNとまったく同じ(学習時に移動平均は使われません)なのに、**検証**の精度はずっと低いままです。
# 重みが悪いのではありません。移動平均がまだ追いついていないのです。128回の更新の後でも、$0.99^{128} = 28\,\%$ は初期値の0と1のままで、残りも古い重みのときの
# 統計量を引きずっています。学習の初期に検証だけが大きく遅れているときは、過学習よりも先に移動平均を疑ってください。
#
# %% [markdown] key="fold-text" lang="en"
# ### Folding BN into the convolution
#
# At inference BN is a straight line per channel (Algorithm 2, line 11), and a convolution in front of it is linear too. So the two are one
# convolution, with
#
# $$K'_{\dots,f} = K_{\dots,f}\,\frac{\gamma_f}{\sqrt{\sigma^2_{mov,f} + \epsilon}}, \qquad
# b'_f = \beta_f - \mu_{mov,f}\,\frac{\gamma_f}{\sqrt{\sigma^2_{mov,f} + \epsilon}}$$
#
# There is less to compute and, up to rounding, nothing changes. (A convolution with a bias $b_f$: put $b_f - \mu_{mov,f}$ in place of
# $-\mu_{mov,f}$.) Converters for phones do this without asking.
#
# %% [markdown] key="fold-text" lang="ja"
# ### バッチ正規化を畳み込みにまとめる
#
# 推論時のバッチ正規化はチャネルごとの1次式で(Algorithm 2 の11行目)、その前の畳み込みも線形です。そのため、2つを1つの畳み込みにまとめられます(BN folding)。
#
# $$K'_{\dots,f} = K_{\dots,f}\,\frac{\gamma_f}{\sqrt{\sigma^2_{mov,f} + \epsilon}}, \qquad
# b'_f = \beta_f - \mu_{mov,f}\,\frac{\gamma_f}{\sqrt{\sigma^2_{mov,f} + \epsilon}}$$
#
# 計算量が減り、丸め誤差を除いて結果は変わりません(畳み込みにバイアス $b_f$ があるときは、$-\mu_{mov,f}$ を $b_f - \mu_{mov,f}$ に置き換えます)。
# スマートフォン向けの変換ツールは、これを自動で行います。
#
# %% key="fold"
def fold(kernel, gamma, beta, mean, variance, epsilon):
    """kernel (k, k, C, F), the rest (F,) -> kernel and bias of one convolution."""
    factor = gamma / np.sqrt(variance + epsilon)
    return kernel * factor, beta - mean * factor


network = results["BN"][2]
conv, bn = network.layers[1], network.layers[2]
gamma, beta, mean, variance = (np.asarray(w) for w in bn.get_weights())
kernel, bias = fold(np.asarray(conv.get_weights()[0]), gamma, beta, mean, variance, bn.epsilon)

pictures = data.x_test[:50]
two, one = (
    Conv2D(len(beta), 3, pictures.shape[-1], padding="same", use_bias=False),
    BatchNormalization(len(beta)),
)
two.params["kernel"], one.params = np.asarray(conv.get_weights()[0]), {"gamma": gamma, "beta": beta}
one.moving_mean, one.moving_variance = mean, variance
folded = Conv2D(len(beta), 3, pictures.shape[-1], padding="same")
folded.params = {"kernel": kernel.astype("float32"), "bias": bias.astype("float32")}
error = relative_error(folded.forward(pictures), one.forward(two.forward(pictures)))
before, after = conv.count_params() + bn.count_params(), kernel.size + bias.size
print(f"{len(pictures)} pictures: largest relative difference < 1e-5;  ", end="")
print(f"{before} -> {after} parameters")
assert error < 1e-5

# %% [markdown] key="frozen-text" lang="en"
# ### Fine-tuning: frozen BN
#
# Whoever fine-tunes with a few pictures does not want a pretrained network's statistics replaced by those of small batches. In Keras
# `trainable = False` on a BN layer does **two** things: $\gamma, \beta$ are not trained, *and* the layer runs in inference mode, even inside
# `fit`. (For every other layer the two are unrelated. PyTorch needs both by hand: `bn.eval()`, again after every `model.train()`, and
# `bn.requires_grad_(False)`.)
#
# %% [markdown] key="frozen-text" lang="ja"
# ### ファインチューニング:バッチ正規化の固定
#
# 少ない画像でファインチューニングするとき、学習済みの統計量を、小さなバッチの統計量で置き換えたくはありません。Kerasでバッチ正規化層を
# `trainable = False` にすると、**2つ**のことが起こります。$\gamma, \beta$ が学習されなくなり、**さらに** `fit` の中でも推論モードで動きます
# (ほかの層では、この2つは無関係です。PyTorchでは、`bn.eval()` と `bn.requires_grad_(False)` の両方が必要です。`model.train()` を呼ぶと
# 学習モードに戻るので、そのたびに `bn.eval()` を呼び直します)。
#
# %% key="frozen"
layer = keras.layers.BatchNormalization(dtype="float32")
x = (rng.standard_normal((8, 4)) + 5).astype("float32")
layer.build(x.shape)
layer.trainable = False
y = np.asarray(layer(x, training=True))
still = layer.moving_mean[0]
print(f"frozen:    mean of the output {y.mean():.1f}, not 0; moving mean still {still:.0f}")
assert np.allclose(y, x / np.sqrt(1 + 1e-3), atol=1e-5) and not np.asarray(layer.moving_mean).any()
layer.trainable = True
y = np.asarray(layer(x, training=True))
print(f"trainable: mean of the output {abs(y.mean()):.1f}; moving mean {layer.moving_mean[0]:.2f}")
assert abs(y.mean()) < 1e-5 and np.asarray(layer.moving_mean).all()


# %% [markdown] key="experiment-text" lang="en"
# ## Experiment
#
# ### When the batch is small
#
# Wu & He (2018, Table 2) trained a ResNet-50 on ImageNet with 8 GPUs and gave each of them fewer and fewer pictures. Each GPU computes its
# own BN statistics, so "batch size" there means: **how many pictures share a mean.** Validation error in percent:
#
# | pictures per GPU | 32 | 16 | 8 | 4 | 2 |
# |---|---|---|---|---|---|
# | BN | 23.6 | 23.7 | 24.8 | 27.3 | **34.7** |
# | GN | 24.1 | 24.2 | 24.0 | 24.2 | 24.1 |
#
# We try the same with our small network and change that one thing. Every update still sees 32 pictures, as if $32/n$ workers
# had $n$ each; only the mean and the variance are taken over $n$. So neither the number of updates nor the learning rate nor the number of
# pictures behind a gradient can be the reason for what happens.
#
# %% [markdown] key="experiment-text" lang="ja"
# ## 実験
#
# ### バッチが小さいとき
#
# Wu & He(2018, Table 2)は、8台のGPUを使ってImageNetでResNet-50を学習し、GPU 1台あたりの画像を減らしていきました。バッチ正規化の統計量はGPUごとに計算されるので、
# ここでの「バッチサイズ」は**何枚の画像が平均を共有するか**を意味します。検証誤差(%)は次のとおりです。
#
# | GPU 1台あたりの画像数 | 32 | 16 | 8 | 4 | 2 |
# |---|---|---|---|---|---|
# | BN | 23.6 | 23.7 | 24.8 | 27.3 | **34.7** |
# | GN | 24.1 | 24.2 | 24.0 | 24.2 | 24.1 |
#
# 同じことを小さなネットワークで試し、変える条件をこの1つだけに絞ります。1回の更新に使う画像はいつも32枚で、$32/n$ 台のワーカーが $n$ 枚ずつ受け持つのと同じ状況です。
# 平均と分散だけを $n$ 枚ごとに計算します。更新の回数も、学習率も、1回の勾配に使う画像の枚数も変わらないので、これらは結果の違いの
# 原因になりません。
#
# %% key="workers"
class WorkerBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization with mean and variance of n samples at a time: workers with n each."""

    def __init__(self, n, **options):
        super().__init__(**options)
        self.n = n

    def call(self, x, training=False):
        if not training:
            return super().call(x, training=False)
        workers = ops.reshape(ops.cast(x, "float32"), (-1, self.n, *x.shape[1:]))
        mean, variance = ops.moments(workers, axes=list(range(1, len(x.shape))), keepdims=True)
        for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            new = ops.reshape(ops.mean(new, axis=0), (-1,))
            average.assign(self.momentum * average + (1 - self.momentum) * new)
        x_hat = ops.reshape((workers - mean) * ops.rsqrt(variance + self.epsilon), ops.shape(x))
        return ops.cast(self.gamma * x_hat + self.beta, self.compute_dtype)


x = rng.standard_normal((32, 5, 5, 3)).astype("float32")
alike = (
    keras.layers.BatchNormalization(dtype="float32"),
    WorkerBatchNormalization(32, dtype="float32"),
)
outputs = [np.asarray(layer(x, training=True)) for layer in alike]
assert np.allclose(*outputs, atol=1e-5)
assert np.allclose(alike[0].moving_variance, alike[1].moving_variance)
pair = np.asarray(WorkerBatchNormalization(2, dtype="float32")(x, training=True))[:2]
assert np.allclose(
    pair,
    np.asarray(keras.layers.BatchNormalization(dtype="float32")(x[:2], training=True)),
    atol=1e-5,
)
print("n = 32: keras.layers.BatchNormalization.  n = 2: as on the first two pictures alone")

# %% key="experiment"
SIZES = (1, 2, 4, 8, 32)
accuracy = {32: results["BN"][1]}
histories = {32: results["BN"][0]}
for n in SIZES[:-1]:

    def workers_of_n(rank, n=n):
        return WorkerBatchNormalization(n, momentum=MOMENTUM)

    histories[n], accuracy[n], _ = train(f"BN_of_{n}", workers_of_n)


def in_convolutions(rank):
    return WorkerBatchNormalization(1 if rank == 4 else 32, momentum=MOMENTUM)


_, convolutions, _ = train("BN_of_1_in_convolutions", in_convolutions)

# %% key="experiment-figure"
fig, panels = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
trained = [histories[n]["accuracy"][-1] for n in SIZES]
tested = [accuracy[n] for n in SIZES]
for panel, values, title in zip(
    panels,
    (trained, tested),
    ("training (batch statistics)", "test (moving averages)"),
    strict=True,
):
    panel.plot(SIZES, values, "o-", label="BN", color=plots.WEIGHT)
    panel.set(title=title, xlabel="n: samples that share a mean", xscale="log", ylim=(0, 1.03))
    panel.set_xticks(SIZES, SIZES)
    panel.minorticks_off()
for name, style, color in (
    ("LN", "--", plots.OUTPUT),
    ("IN", ":", plots.PINK),
    ("GN", "-.", plots.ORANGE),
):
    panels[0].axhline(results[name][0]["accuracy"][-1], linestyle=style, color=color)
    panels[1].axhline(results[name][1], linestyle=style, color=color, label=f"{name} (any n)")
diamond = {"color": plots.WEIGHT, "mfc": "white", "label": "n = 1 in convolutions only"}
panels[1].plot(1, convolutions, "D", **diamond)
panels[1].legend(loc="lower right")
panels[0].set_ylabel("accuracy")
plt.show()

# %% key="experiment-verdict"
print(f"{'n':>4}{'BN, test accuracy':>22}")
BOUNDS = {1: "< 30 %", 2: "50 % to 84 %", 4: "> 80 %", 8: "> 85 %", 32: "> 87 %"}
for n in SIZES:
    print(f"{n:4}{rt.choose(quick=BOUNDS[n], full=f'{100 * accuracy[n]:.1f} %'):>22}")
bound = rt.choose(quick="> 85 %", full=f"{100 * convolutions:.1f} %")
print(f"n = 1 in the convolutions, 32 in the dense layer: {bound}")
others = min(results[name][1] for name in ("LN", "IN", "GN"))
if rt.profile == "quick":
    assert accuracy[1] < 0.3 and 0.5 < accuracy[2] < 0.84 and accuracy[4] > 0.8
    assert accuracy[8] > 0.85 and accuracy[32] > 0.87 and others > 0.85
    assert min(accuracy[4], others) > accuracy[2] + 0.05
    assert convolutions > 0.85 and convolutions > accuracy[32] - 0.03
    print("LN, IN, GN: more than 85 %, whatever n is: they never read the axis N")

# %% [markdown] key="experiment-note" lang="en"
# BN falls off where the others do not even notice. With $n = 2$ it is worse in training than in the test: there each number has a single
# partner, here a smooth average. The exact values, of course, belong to this network and these 128 updates.
#
# On ImageNet the drop comes gently, in a network whose BN layers all follow convolutions. Here it is steep, and the dense layer is to blame:
# it has no positions to average over, so with $n = 2$ its $\hat{x}$ is $\pm 1$, with $n = 1$ it is 0 (you saw both above). The proof is
# the line below the table, in the figure the white diamond: with $n = 1$ in the convolutions alone hardly anything is lost, since each
# picture brings $H \cdot W$ numbers a channel. But these pictures are easy. On ImageNet even two pictures' worth of positions is too little.
#
# Why not simply accumulate gradients over 16 batches of 2? Because that repairs the gradient, not the statistics: every forward
# pass is the one above with $n = 2$. What does help:
#
# - **Group normalization** (detection and segmentation: large pictures, one or two per GPU; Wu & He 2018, §4.2).
# - **Frozen BN**: use the pretrained averages as constants.
# - **Synchronized BN**: compute mean and variance over all GPUs (`synchronized=True` in Keras, TensorFlow backend).
#
# %% [markdown] key="experiment-note" lang="ja"
# ほかの3つがまったく影響を受けないところで、BNだけが崩れます。$n = 2$ では、テストより学習のほうが低くなっています。学習時の統計量はたった1つの相手で決まり、
# テスト時には、平滑化された移動平均を使うからです。もちろん、数値そのものは、このネットワークと128回の更新での結果です。
#
# ResNet-50のバッチ正規化はすべて畳み込みの後にあり、ImageNetでの低下は緩やかです。ここで急に低下するのは、平均を取る位置の軸がない全結合層のためです。
# $n = 2$ なら $\hat{x}$ は $\pm 1$、$n = 1$ なら0になります(どちらも上で見ました)。証拠は表の下の1行(図では白いひし形)です。畳み込みだけを $n = 1$ にしても、
# 精度はほとんど落ちません。画像1枚から、1チャネルにつき $H \cdot W$ 個の数値が得られるからです。ただし、これはやさしい画像での結果で、ImageNetでは
# 2枚分の $H \cdot W$ 個でも足りません。
#
# では、2枚ずつ16回分の勾配を累積すればよいのでしょうか。それで直るのは勾配であって、統計量ではありません。順伝播は、どれも上の $n = 2$ の実験と同じです。
# 有効な対策は次のとおりです。
#
# - **グループ正規化**(物体検出や領域分割では、大きな画像をGPU 1台に1〜2枚しか載せられません。Wu & He 2018, §4.2)。
# - **バッチ正規化の固定**:学習済みの移動平均を定数として使う。
# - **同期バッチ正規化**:全GPUにまたがって平均と分散を計算する(Kerasでは `synchronized=True`、TensorFlowバックエンド)。
#
# %% [markdown] key="mistake-layer" lang="en"
# ## Common mistakes
#
# Claims from notes that circulate among candidates. Each is wrong; each is shown by running something.
#
# ### "Batch normalization normalizes the output distribution of each layer"
#
# Not of the layer: of each **channel**. With one mean for the whole layer, the channels keep their different means.
#
# %% [markdown] key="mistake-layer" lang="ja"
# ## よくある誤り
#
# 受験者の間に出回っているノートから取った主張です。どれも誤りであることを、実際に動かして示します。
#
# ### 「バッチ正規化は、レイヤーごとに出力の分布を正規化する」
#
# レイヤーごとではなく、**チャネルごと**です。レイヤー全体で1つの平均を引くだけでは、チャネル間の平均の違いが残ります。
#
# %% key="mistake-layer-run"
shifts = np.array([0, 5, -20])  # three very different channels
x = (rng.standard_normal((8, 4, 4, 3)) + shifts).astype("float32")
per_layer, _ = normalize(x, (0, 1, 2, 3))
layer = keras.layers.BatchNormalization(dtype="float32")
y = np.asarray(layer(x, training=True))
means = per_layer.mean(axis=(0, 1, 2))
print("means per channel:  one mean a layer", means.round(1), "  BN: all 0")
assert layer.moving_mean.shape == (3,)
assert np.abs(y.mean(axis=(0, 1, 2))).max() < 1e-4 < 0.5 < np.abs(means).max()

# %% [markdown] key="mistake-token" lang="en"
# ### "Layer normalization takes all features of a sample", also in a Transformer
#
# True for images in Wu & He's picture. In a Transformer the layer is applied to each token: mean and variance over $D$ only. A long
# sentence does not change what happens to its first word.
#
# %% [markdown] key="mistake-token" lang="ja"
# ### 「レイヤー正規化は、1サンプルのすべての値で平均を取る」をTransformerにもあてはめる
#
# Wu & Heの図にある画像の場合はそのとおりです。しかしTransformerでは、トークンごとに適用されます。平均と分散は $D$ についてだけ取ります。文の後ろに
# 何が続いても、最初の単語の正規化は変わりません。
#
# %% key="mistake-token-run"
x = rng.standard_normal((2, 7, 16)).astype("float32")  # (N, L, D)
other = x.copy()
other[:, 1:] = 100 * rng.standard_normal((2, 6, 16))  # every token but the first is replaced
token_norm = keras.layers.LayerNormalization(dtype="float32")
whole_norm = keras.layers.LayerNormalization(axis=[1, 2], dtype="float32")
same = {
    "over D": np.allclose(token_norm(x)[:, 0], token_norm(other)[:, 0], atol=1e-5),
    "over L and D": np.allclose(whole_norm(x)[:, 0], whole_norm(other)[:, 0], atol=1e-5),
}
for name, unchanged in same.items():
    verdict = "unchanged" if unchanged else "changed"
    print(f"mean {name:12}: token 0 is {verdict} when the other tokens are replaced")
assert same == {"over D": True, "over L and D": False}

# %% [markdown] key="mistake-equal" lang="en"
# ### "After normalization all distributions are equal"
#
# Only mean and variance are. Subtracting and dividing cannot change the *shape*: skewed stays skewed, two peaks stay two. And $\gamma, \beta$ may
# undo even mean and variance.
#
# %% [markdown] key="mistake-equal" lang="ja"
# ### 「正規化すると、すべての分布が等しくなる」
#
# 等しくなるのは平均と分散だけです。引き算と割り算では、分布の**形**は変わりません。歪んだ分布は歪んだまま、二峰の分布は二峰のままです。さらに $\gamma, \beta$ が
# 平均と分散さえ元に戻すことがあります。
#
# %% key="mistake-equal-run"
shapes = np.random.default_rng(3)
samples = {
    "normal": shapes.normal(3, 2, 20_000),
    "exponential": shapes.exponential(2, 20_000),
    "two peaks": np.where(shapes.random(20_000) < 0.5, -1, 1) * 4 + shapes.normal(0, 1, 20_000),
}
fig, panels = plt.subplots(1, 3, figsize=(9, 2.6), sharex=True)
skewness = {}
for panel, (name, values) in zip(panels, samples.items(), strict=True):
    x_hat, _ = normalize(values, 0, epsilon=0)
    skewness[name] = (x_hat**3).mean()
    panel.hist(x_hat, bins=80, range=(-4, 4), color=plots.INPUT)
    panel.set(title=name, yticks=[], xlabel="normalized")
    assert abs(x_hat.mean()) < 1e-9 and abs(x_hat.var() - 1) < 1e-9
plt.show()
print(
    "mean 0 and variance 1 in all three; skewness",
    "  ".join(f"{name} {s:.1f}" for name, s in skewness.items()),
)
assert skewness["exponential"] > 1.5 > 0.2 > abs(skewness["normal"])


# %% [markdown] key="mistake-shift" lang="en"
# ### "Batch normalization works because it removes covariate shift"
#
# Two corrections. *Covariate shift* is a difference between the input distributions of training and test data. The authors spoke of **internal** covariate shift: "the
# change in the distribution of network activations due to the change in network parameters during training" (Ioffe & Szegedy 2015, §2). And
# it is their **explanation**, which is disputed: Santurkar et al. (2018, §2.1) added noise with random mean and variance *after* every BN,
# so that the distributions shift more than before, and the network still trained about as well. They see the reason in a
# smoother loss (§3).
#
# A small version of their experiment: after each BN every channel is scaled and shifted at random, differently at each update.
#
# %% [markdown] key="mistake-shift" lang="ja"
# ### 「バッチ正規化が有効なのは、共変量シフトを取り除くからである」
#
# 訂正が2つあります。まず、**共変量シフト**は訓練データとテストデータの入力の分布の違いを指します。提案者が述べたのは**内部**共変量シフト(internal covariate shift)、
# すなわち「学習中にネットワークのパラメータが変わることによる、活性値の分布の変化」です(Ioffe & Szegedy 2015, §2)。次に、これは提案者による**説明**であり、
# 異論があります。Santurkarら(2018, §2.1)は、BNの**後**に平均と分散がランダムなノイズを加え、分布の変化をかえって大きくしました。それでも、ネットワークは
# ほぼ同じように学習できました。彼らは、損失関数が滑らかになることを理由に挙げています(§3)。
#
# この実験を小規模に試します。BNの直後で、チャネルごとに、更新のたびに異なるランダムなスケールとシフトを加えます。
#
# %% key="mistake-shift-run"
class ShiftingBatchNormalization(keras.layers.BatchNormalization):
    """BN, then in training a random scale and shift of each channel, new at every update."""

    def __init__(self, **options):
        super().__init__(**options)
        self.random = keras.random.SeedGenerator(0)

    def call(self, x, training=False):
        y = super().call(x, training=training)
        if not training:
            return y
        shape = (*[1] * (len(y.shape) - 1), y.shape[-1])
        scale = keras.random.uniform(shape, 1, 1.25, seed=self.random)
        shift = keras.random.uniform(shape, -0.5, 0.5, seed=self.random)
        return y * ops.cast(scale, y.dtype) + ops.cast(shift, y.dtype)


def shifting(rank):
    return ShiftingBatchNormalization(momentum=MOMENTUM)


history, shifted, _ = train("BN_shifting", shifting)
runs = {"BN": results["BN"][:2], "shifting": (history, shifted), "none": results["none"][:2]}
early = {name: run["accuracy"][0] for name, (run, _) in runs.items()}
if rt.profile == "quick":
    assert shifted > 0.85 and abs(shifted - results["BN"][1]) < 0.05
    assert min(early["BN"], early["shifting"]) > early["none"] + 0.05
    print("with distributions that jump at every update: within 5 points of BN in the test;")
    print("in the first epoch of training, like BN, over 5 points ahead of no normalization")
else:
    for name, (_, tested) in runs.items():
        print(f"{name:9} first epoch {100 * early[name]:.1f} %, test {100 * tested:.1f} %")


# %% [markdown] key="mistake-order" lang="en"
# ### "Conv → ReLU → BN"
#
# The paper puts BN "immediately before the nonlinearity" (§3.2): convolution → BN → ReLU. A printed snippet with ReLU first is another
# network, and three things that hold for the paper's order fail there: the bias is no longer cancelled; BN can no longer be folded into the
# convolution in front of it; and what the next layer receives is negative in places. (It trains nevertheless, and people have used it. Asked
# for "the order", answer with the paper's.)
#
# %% [markdown] key="mistake-order" lang="ja"
# ### 「畳み込み → ReLU → バッチ正規化」
#
# 論文はバッチ正規化を「非線形関数の直前」に置きます(§3.2)。畳み込み → バッチ正規化 → ReLU です。ReLUを先に書いたコードは別のネットワークになり、論文の順序なら
# 成り立つ3つのことが成り立たなくなります。バイアスが打ち消されず、バッチ正規化を直前の畳み込みにまとめられず、次の層への入力に負の値が現れます(それでも学習はできますし、
# 使われることもあります。「順序」を問われたら、論文の順序で答えましょう)。
#
# %% key="mistake-order-run"
def relu(z):
    return np.maximum(z, 0)


conv, bn = Conv2D(4, 3, 2, dtype="float64", rng=rng), BatchNormalization(4, dtype="float64")
x, dy = rng.standard_normal((8, 6, 6, 2)), rng.standard_normal((8, 4, 4, 4))

z = conv.forward(x)
y = relu(bn.forward(z, training=True))
conv.backward(bn.backward(dy * (y > 0)))
print(f"Conv → BN → ReLU: gradient of the bias is 0, smallest output {y.min():.1f}")
assert np.abs(conv.grads["bias"]).max() < 1e-12 and y.min() == 0

y = bn.forward(relu(z), training=True)
conv.backward(bn.backward(dy) * (z > 0))
print("Conv → ReLU → BN: gradient of the bias is not 0, there are negative outputs")
assert np.abs(conv.grads["bias"]).max() > 0.01 and y.min() < -0.1

bn.moving_mean, bn.moving_variance = np.array([0.5, 1, -1, 2]), np.array([1.0, 4, 2, 3])
weights = (
    conv.params["kernel"],
    bn.params["gamma"],
    bn.params["beta"],
    bn.moving_mean,
    bn.moving_variance,
)
once = Conv2D(4, 3, 2, dtype="float64")
once.params = dict(zip(("kernel", "bias"), fold(*weights, bn.epsilon), strict=True))
assert np.allclose(relu(once.forward(x)), relu(bn.forward(z)))
assert not np.allclose(relu(once.forward(x)), bn.forward(relu(z)))
print("folded into the convolution: equal for the first order, different for the second")

# %% [markdown] key="mistake-bias" lang="en"
# ### A bias before BN
#
# As you just saw, it is harmless and useless: its gradient is 0, so it never learns, and $\beta$ does its work (paper, §3.2).
# Write `use_bias=False` and save $F$ parameters.
#
# ### "momentum = 0.1, as in the PyTorch code"
#
# The same word means the opposite share. Keras' `momentum=0.1` keeps 10 % of the past: the moving averages become those of the last batch or
# two, and inference depends on chance again.
#
# %% [markdown] key="mistake-bias" lang="ja"
# ### バッチ正規化の前のバイアス
#
# いま見たとおり、害はありませんが、役にも立ちません。勾配が0なので学習されず、その役割は $\beta$ が果たします(論文 §3.2)。
# `use_bias=False` と書けば、パラメータを $F$ 個減らせます。
#
# ### 「PyTorchのコードに合わせて momentum = 0.1」
#
# 同じ言葉でも、重みの意味が逆です。Kerasの `momentum=0.1` は、過去を10%しか残しません。移動平均が直前の1〜2バッチだけで決まり、推論の結果がまた偶然に左右されます。
#
# %% key="mistake-momentum-run"
batches = np.random.default_rng(4).normal(8, 5, (500, 16, 1)).astype("float32")
spread = {}
for momentum in (0.1, 0.9):
    layer, path = BatchNormalization(1, momentum=momentum), []
    for batch in batches:
        layer.forward(batch, training=True)
        path.append(layer.moving_mean[0])
    spread[momentum] = np.std(path[100:])
print("   ".join(f"momentum {m}: the moving mean swings by ±{s:.1f}" for m, s in spread.items()))
assert spread[0.1] > 2.5 * spread[0.9]


# %% [markdown] key="ex-group-text" lang="en"
# ## Exercises
#
# Fill the blank, run the cell, then run the check below it. The checks recognise the usual mistakes. Each exercise needs only
# the setup and the imports at the top.
#
# ### 1. Group normalization
#
# Return $\hat{x}$ (no $\gamma$, no $\beta$). Neighbouring channels form a group.
#
# %% [markdown] key="ex-group-text" lang="ja"
# ## 演習
#
# 空欄を埋めてセルを実行し、続けてすぐ下の確認セルを実行してください。よくある間違いなら、どこを間違えたかが表示されます。どの演習も、冒頭の準備と
# importのセルだけを実行しておけば始められます。
#
# ### 1. グループ正規化
#
# $\hat{x}$ を返してください($\gamma$ と $\beta$ はなし)。隣り合うチャネルが1つのグループになります。
#
# %% key="ex-group" tags=["exercise"]
def group_normalization(x, groups, epsilon):
    """x (N, H, W, C) -> x_hat (N, H, W, C)."""
    N, H, W, C = x.shape
    ### BEGIN SOLUTION
    parts = x.reshape(N, H, W, groups, C // groups)
    mean = parts.mean(axis=(1, 2, 4), keepdims=True)
    variance = parts.var(axis=(1, 2, 4), keepdims=True)
    return ((parts - mean) / np.sqrt(variance + epsilon)).reshape(x.shape)
    ### END SOLUTION


# %% key="ex-group-check" tags=["edition-output"]
exam.check(group_normalization, **exercises.GROUP)


# %% [markdown] key="ex-backward-text" lang="en"
# ### 2. The backward pass of batch normalization
#
# `dy` and `x_hat` have the shape $(N, C)$; `s` is $1/\sqrt{\sigma^2 + \epsilon}$ and `gamma` is $\gamma$, both $(C,)$. Return `dx` in training.
#
# %% [markdown] key="ex-backward-text" lang="ja"
# ### 2. バッチ正規化の逆伝播
#
# `dy` と `x_hat` の形状は $(N, C)$、`s` は $1/\sqrt{\sigma^2 + \epsilon}$、`gamma` は $\gamma$ で、どちらも $(C,)$ です。学習時の `dx` を返してください。
#
# %% key="ex-backward" tags=["exercise"]
def batch_norm_backward(dy, x_hat, s, gamma):
    """dy (N, C) -> dx (N, C)."""
    ### BEGIN SOLUTION
    dx_hat = gamma * dy
    return s * (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))
    ### END SOLUTION


# %% key="ex-backward-check" tags=["edition-output"]
exam.check(batch_norm_backward, **exercises.BACKWARD)


# %% [markdown] key="ex-fold-text" lang="en"
# ### 3. Folding
#
# A convolution without bias (`kernel` of shape $(k, k, C, F)$) is followed by BN in inference. Return kernel and bias of the one
# convolution that does the work of both.
#
# %% [markdown] key="ex-fold-text" lang="ja"
# ### 3. 畳み込みにまとめる
#
# バイアスのない畳み込み(`kernel` の形状は $(k, k, C, F)$)の後に、推論時のバッチ正規化が続きます。2つ分の働きをする1つの畳み込みのカーネルとバイアスを返してください。
#
# %% key="ex-fold" tags=["exercise"]
def fold_batch_norm(kernel, gamma, beta, mean, variance, epsilon):
    """kernel (k, k, C, F), the rest (F,) -> (kernel, bias)."""
    ### BEGIN SOLUTION
    factor = gamma / np.sqrt(variance + epsilon)
    return kernel * factor, beta - mean * factor
    ### END SOLUTION


# %% key="ex-fold-check" tags=["edition-output"]
exam.check(fold_batch_norm, **exercises.FOLD)


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
exam.quiz("05_normalization")

# %% [markdown] key="references" lang="en"
# ## References
#
# - S. Ioffe, C. Szegedy (2015), *Batch normalization: accelerating deep network training by reducing internal covariate shift*, ICML,
#   arXiv:1502.03167. Definition of internal covariate shift: §2. Training: Algorithm 1; gradients: §3; inference: §3.1 and Algorithm 2;
#   convolutions, order and bias: §3.2.
# - J. L. Ba, J. R. Kiros, G. E. Hinton (2016), *Layer normalization*, arXiv:1607.06450. Eq. (3).
# - D. Ulyanov, A. Vedaldi, V. Lempitsky (2016), *Instance normalization: the missing ingredient for fast stylization*, arXiv:1607.08022.
# - Y. Wu, K. He (2018), *Group normalization*, ECCV, arXiv:1803.08494. The four sets: §3.1, eqs. (1)–(7), Figure 2; batch sizes: Table 2; detection
#   and segmentation: §4.2.
# - S. Santurkar, D. Tsipras, A. Ilyas, A. Mądry (2018), *How does batch normalization help optimization?*, NeurIPS, arXiv:1805.11604. Noise after
#   BN: §2.1; smoothness: §3.
# - A. Vaswani et al. (2017), *Attention is all you need*, NeurIPS, arXiv:1706.03762. Layer normalization after each residual connection: §3.1.
# - Keras documentation: `BatchNormalization` (also on `trainable = False`), `LayerNormalization`, `GroupNormalization`. PyTorch documentation:
#   `torch.nn.BatchNorm2d` (momentum, unbiased variance).
#
# **Next** 06 uses BN after every convolution of MobileNetV2; 12 puts layer normalization behind every residual connection.
#
# %% [markdown] key="references" lang="ja"
# ## 参考文献
#
# - S. Ioffe, C. Szegedy (2015), *Batch normalization: accelerating deep network training by reducing internal covariate shift*, ICML,
#   arXiv:1502.03167. 内部共変量シフトの定義:§2。学習:Algorithm 1。勾配:§3。推論:§3.1とAlgorithm 2。畳み込み、順序、バイアス:§3.2。
# - J. L. Ba, J. R. Kiros, G. E. Hinton (2016), *Layer normalization*, arXiv:1607.06450. 式(3)。
# - D. Ulyanov, A. Vedaldi, V. Lempitsky (2016), *Instance normalization: the missing ingredient for fast stylization*, arXiv:1607.08022.
# - Y. Wu, K. He (2018), *Group normalization*, ECCV, arXiv:1803.08494. 4つの集合:§3.1、式(1)〜(7)、Figure 2。バッチサイズ:Table 2。物体検出と領域分割:§4.2。
# - S. Santurkar, D. Tsipras, A. Ilyas, A. Mądry (2018), *How does batch normalization help optimization?*, NeurIPS, arXiv:1805.11604. BNの後のノイズ:§2.1。滑らかさ:§3。
# - A. Vaswani et al. (2017), *Attention is all you need*, NeurIPS, arXiv:1706.03762. 残差接続の後のレイヤー正規化:§3.1。
# - Kerasのドキュメント:`BatchNormalization`(`trainable = False` の説明も)、`LayerNormalization`、`GroupNormalization`。PyTorchのドキュメント:
#   `torch.nn.BatchNorm2d`(momentum、不偏分散)。
#
# **次の章** 6章では、MobileNetV2のすべての畳み込みの後にバッチ正規化を使います。12章では、残差接続の後にレイヤー正規化を置きます。

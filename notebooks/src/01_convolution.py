# ---
# study:
#   title: {en: "Convolution", ja: "畳み込み"}
#   scope: examined
#   minutes: 180
#   topics: ["3.4.1", "3.4.2", "3.4.3"]
#   prerequisites: []
#   tpu: true
# ---
# %% [markdown] key="title" lang="en"
# # 01 · Convolution
#
# {{badge}}
#
# After this chapter you can compute a multi-channel convolution with a pocket calculator, write its backward pass, and say
# what a layer costs before you build it. It all follows from one idea: **a convolution is a matrix product in disguise.**
#
# **Examined** (syllabus 3.4) · **Time** two evenings of an hour and a half (the first: up to
# "Receptive field" and exercise 1; in a hurry, skip the code of "Agreement") · **You need** NumPy and the matrix product; for the
# backward pass, the chain rule through one dense layer
#
# %% [markdown] key="title" lang="ja"
# # 01 · 畳み込み
#
# {{badge}}
#
# この章を終えると、複数チャネルの畳み込みを電卓だけで計算し、逆伝播を自分で書き、層を作る前にそのコストを見積もれるようになります。
# すべては、たった1つの考え方から導かれます。**畳み込みとは、姿を変えた行列積である。**
#
# **試験範囲**(シラバス 3.4)· **所要時間** 1時間半 × 2晩(1晩目は「受容野」までと演習1。
# 急ぐ人は「確かめる」のコードを飛ばせます)· **前提** NumPyと行列積。逆伝播の節では、全結合層1層の連鎖律
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
import time

import keras
import matplotlib.pyplot as plt
import numpy as np

from utils import datasets, exam, plots, training
from utils.exam.exercises import convolution as exercises
from utils.gradient_check import check_layer, keras_gradients, numerical_gradient, relative_error
from utils.numpy_layers import conv_arithmetic
from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.conv2d_transpose import Conv2DTranspose
from utils.numpy_layers.depthwise_conv2d import DepthwiseConv2D
from utils.numpy_layers.naive_conv2d import naive_conv2d
from utils.numpy_layers.separable_conv2d import SeparableConv2D
from utils.pictures import convolution, costs, windows

plots.style()

# %% [markdown] key="slide" lang="en"
# ## Key ideas
#
# ### Slide, multiply, add
#
# A **kernel** is a small grid of weights. Lay it on the image. Multiply each weight with the pixel under it. Add up the
# products: that is *one* number of the output. Slide the kernel one pixel on, and repeat.
#
# $$y_{i,j} \;=\; \sum_{u}\sum_{v} x_{i+u,\;j+v}\; K_{u,v}$$
#
# Follow the film. The small orange numbers are the weights; the arrows carry the running sum.
#
# %% [markdown] key="slide" lang="ja"
# ## 要点
#
# ### ずらして、掛けて、足す
#
# **カーネル(kernel)** は、重みを並べた小さな格子です。これを画像の上に置き、重みと、その下にある画素とを掛け、積を全部足します。
# それが出力の数値**1つ**です。カーネルを1画素ずらして、同じことを繰り返します。
#
# $$y_{i,j} \;=\; \sum_{u}\sum_{v} x_{i+u,\;j+v}\; K_{u,v}$$
#
# 下のコマ送りを順に追ってみてください。オレンジ色の小さな数字が重み、矢印の先が途中までの和です。
#
# %% key="slide-figure"
x_film = np.array([[1, 2, 0, 1], [0, 1, 3, 1], [2, 1, 0, 0], [1, 0, 2, 1]])
K_film = np.array([[1, 0, 2], [0, 3, 0], [1, 0, 1]])
convolution.sliding_kernel(x_film, K_film)
plt.show()

# %% [markdown] key="channels" lang="en"
# Two things make this powerful. The same nine weights serve every position, so a pattern is found wherever it is
# (**weight sharing**). And an output number sees only its window, so there is little to learn (**locality**).
#
# ### Several channels: one more sum
#
# A colour image has three channels, a hidden layer hundreds. Nothing new happens: the window gets deeper, and the sum
# runs over the channels too. Each **filter** has one slice per input channel and produces one output channel:
#
# $$y_{i,j,f} \;=\; b_f + \sum_{u}\sum_{v}\sum_{c} x_{i+u,\;j+v,\;c}\; K_{u,v,c,f}$$
#
# | symbol | meaning | shape | in Keras |
# |---|---|---|---|
# | $x$ | input | $(H, W, C)$, with a batch $(N, H, W, C)$ | channels last |
# | $K$ | kernel: $F$ filters, each $k \times k \times C$ | $(k, k, C, F)$ | `kernel` |
# | $b$ | bias, one number per filter | $(F,)$ | `bias` |
# | $y$ | output | $(H_{out}, W_{out}, F)$ | `filters` $= F$ |
#
# (PyTorch orders the axes differently: images $(N, C, H, W)$, kernels $(F, C, k, k)$. The arithmetic is the same.)
#
# Here is a layer from 2 channels to 3, with every number visible. The image is just one window large, so each filter gives
# one number. Take a calculator and check the first: nine products with the upper slice, nine with the lower.
#
# %% [markdown] key="channels" lang="ja"
# この操作が強力なのには、理由が2つあります。どの位置でも同じ9個の重みを使うので、パターンがどこにあっても見つけられます(**重み共有**)。
# そして、出力の各数値は自分の窓しか見ないので、学習すべき重みがわずかで済みます(**局所性**)。
#
# ### 複数チャネル:和が1つ増えるだけ
#
# カラー画像には3つ、中間層には数百のチャネル(channel)があります。それでも新しいことは起こりません。窓に奥行きができ、チャネルについても
# 和をとるだけです。**フィルタ(filter)** は入力チャネルごとに1枚ずつ重みの面を持ち、フィルタ1つが出力チャネル1つを作ります。
#
# $$y_{i,j,f} \;=\; b_f + \sum_{u}\sum_{v}\sum_{c} x_{i+u,\;j+v,\;c}\; K_{u,v,c,f}$$
#
# | 記号 | 意味 | 形状 | Kerasでの名前 |
# |---|---|---|---|
# | $x$ | 入力 | $(H, W, C)$、バッチがあれば $(N, H, W, C)$ | channels last |
# | $K$ | カーネル。$k \times k \times C$ のフィルタが $F$ 個 | $(k, k, C, F)$ | `kernel` |
# | $b$ | バイアス。フィルタごとに1つ | $(F,)$ | `bias` |
# | $y$ | 出力 | $(H_{out}, W_{out}, F)$ | `filters` $= F$ |
#
# (PyTorchでは軸の順序が違い、画像は $(N, C, H, W)$、カーネルは $(F, C, k, k)$ です。計算は同じです。)
#
# 下は2チャネルから3チャネルへの層を、すべての数値が見えるように描いたものです。画像がちょうど窓1つ分の大きさなので、フィルタ1つにつき
# 数値が1つ出ます。電卓を手に、最初の1つを確かめてみてください。上の面で積を9個、下の面で積を9個計算します。
#
# %% key="channels-figure"
x_seed = 0.1 * np.arange(1, 19).reshape(3, 3, 2)  # (H, W, C)
K_seed = np.arange(1.0, 55).reshape(3, 3, 2, 3)  # (k, k, C, F)
convolution.channels_meet(x_seed, K_seed)
plt.show()

# %% [markdown] key="one-idea" lang="en"
# $274.5 + 324 = 598.5$. If you can say which slice met which channel there, you know what `Conv2D` does. With 1024
# channels the picture gets larger, not different.
#
# ### The one idea: windows are rows
#
# Multiplying two lists number by number and adding up is a *dot product*. So write each window as a row of a matrix $X$
# and each filter as a column of a matrix $K$. All dot products together are one matrix product. In the example of 598.5, $X$ is
# 1×18, $K$ is 18×3, and $XK = (598.5,\ 615.6,\ 632.7)$. This rearrangement is called **im2col**:
#
# %% [markdown] key="one-idea" lang="ja"
# $274.5 + 324 = 598.5$ です。どの面とどのチャネルを掛け合わせたのかを言えるなら、`Conv2D` を理解できています。チャネルが1024になっても、
# 図が大きくなるだけで、することは同じです。
#
# ### 中心となる考え方:窓を行にする
#
# 2つの数列を要素ごとに掛けて足すのは、**内積**です。そこで、各窓を行列 $X$ の1行に、各フィルタを行列 $K$ の1列に並べます。すると、すべての内積が
# 1回の行列積にまとまります。598.5の例なら、$X$ は1×18、$K$ は18×3で、$XK = (598.5,\ 615.6,\ 632.7)$ です。この並べ替えを **im2col** といいます。
#
# %% key="one-idea-figure"
convolution.windows_as_rows(x_film, K_film)
plt.show()


# %% [markdown] key="three-products" lang="en"
# From here on, everything you know about dense layers holds. Three products tell the whole story of this chapter:
#
# | | product | meaning |
# |---|---|---|
# | forward | $Y = XK$ | gather the windows, multiply |
# | kernel gradient | $dK = X^\top dY$ | as in a dense layer |
# | input gradient | $dX = dY\,K^\top$, then **col2im** | multiply, scatter back to the pixels |
#
# The last line, used as a *forward* pass, is the **transposed convolution** (`Conv2DTranspose`).
#
# **Five sentences to take into the exam**
#
# 1. One output number costs $k \cdot k \cdot C$ multiplications. The kernel has $k \cdot k \cdot C \cdot F$ weights, plus
#    $F$ biases.
# 2. Output size: $\lfloor (i + 2p - k_{\mathrm{eff}})/s \rfloor + 1$ with $k_{\mathrm{eff}} = k + (k-1)(d-1)$. With
#    padding `same`: $\lceil i/s \rceil$.
# 3. Backward, gather becomes scatter: a pixel that lay in several windows receives the **sum** of their gradients.
# 4. A transposed convolution restores the **shape**, not the values. It is no inverse.
# 5. **Depthwise** works in space, each channel alone. **Pointwise** (1×1) works across channels, each pixel alone. Together
#    they cost $1/F + 1/k^2$ of a standard convolution (depth multiplier 1).
#
# %% [markdown] key="three-products" lang="ja"
# ここから先は、全結合層の知識がそのまま使えます。次の3つの積が、この章の骨組みです。
#
# | | 積 | 意味 |
# |---|---|---|
# | 順伝播 | $Y = XK$ | 窓を集めて、掛ける |
# | カーネルの勾配 | $dK = X^\top dY$ | 全結合層と同じ |
# | 入力の勾配 | $dX = dY\,K^\top$、続けて **col2im** | 掛けて、画素にばらまく |
#
# 最後の行を**順伝播**として使ったものが、**転置畳み込み(transposed convolution)**、`Conv2DTranspose` です。
#
# **試験前に覚えておく5項目**
#
# 1. 出力の数値1つにつき、掛け算は $k \cdot k \cdot C$ 回。カーネルの重みは $k \cdot k \cdot C \cdot F$ 個、バイアスは $F$ 個。
# 2. 出力サイズは $\lfloor (i + 2p - k_{\mathrm{eff}})/s \rfloor + 1$、ただし $k_{\mathrm{eff}} = k + (k-1)(d-1)$。パディングが `same` なら
#    $\lceil i/s \rceil$。
# 3. 逆伝播では「集める」が「ばらまく」に変わる。複数の窓に入っていた画素は、それぞれの窓から来る勾配の**和**を受け取る。
# 4. 転置畳み込みが復元するのは**形状**であって、値ではない。逆演算ではない。
# 5. **デプスワイズ(depthwise)** はチャネルごとに空間方向へ、**ポイントワイズ(pointwise、1×1)** は画素ごとにチャネル方向へ畳み込む。
#    合わせた計算量は、通常の畳み込みの $1/F + 1/k^2$ 倍(depth multiplierが1のとき)。
#
# %% [markdown] key="one-channel-text" lang="en"
# ## From the formula to NumPy
#
# ### One channel
#
# The first formula, symbol by symbol. The output is $k - 1$ smaller than the input, because the window must fit.
#
# %% [markdown] key="one-channel-text" lang="ja"
# ## 数式とコード
#
# ### 1チャネル
#
# 最初の式を、記号ごとにそのままコードにします。窓がはみ出せないので、出力は入力より $k - 1$ だけ小さくなります。
#
# %% key="one-channel"
def convolve_one_channel(x, K):
    """x (H, W), K (k, k) -> y (H - k + 1, W - k + 1)."""
    k = len(K)
    y = np.zeros((x.shape[0] - k + 1, x.shape[1] - k + 1))
    for i, j in np.ndindex(y.shape):
        for u, v in np.ndindex(k, k):
            y[i, j] += x[i + u, j + v] * K[u, v]
    return y


y = convolve_one_channel(x_film, K_film)
print(y)
assert y.tolist() == [[6, 14], [12, 4]]  # the film

# %% [markdown] key="edges-text" lang="en"
# What is it good for? These two kernels subtract the left neighbours from the right ones, and the upper from the lower.
# On flat ground the sum is 0; at an edge it is not. A network learns such kernels by itself.
#
# %% [markdown] key="edges-text" lang="ja"
# これが何の役に立つのでしょうか。下の2つのカーネルは、右隣から左隣を、下隣から上隣を引きます。平坦なところでは和が0になり、
# 縁(エッジ)では0になりません。ネットワークは、このようなカーネルを自分で学習します。
#
# %% key="edges"
digits = datasets.load_images("digits")
picture = digits.x_test[digits.y_test == 5][0, :, :, 0]
vertical = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
responses = [convolve_one_channel(picture, K) for K in (vertical, vertical.T)]

fig, axes = plt.subplots(1, 3, figsize=(9, 3))
axes[0].imshow(picture, cmap="gray_r")
axes[0].set_title("input 28×28")
titles = ("left-right edges 26×26", "top-bottom edges 26×26")
for ax, y, title in zip(axes[1:], responses, titles, strict=True):
    ax.imshow(y, cmap="PuOr", vmin=-abs(y).max(), vmax=abs(y).max())
    ax.set_title(title)
for ax in axes:
    ax.axis("off")
plt.show()

# %% [markdown] key="hand-text" lang="en"
# ### Two channels to three: 598.5 by hand
#
# Now the sum over the channels. These are the products of the picture above, for filter 0. Compute along.
#
# %% [markdown] key="hand-text" lang="ja"
# ### 2チャネルから3チャネルへ:598.5を手で計算する
#
# 次はチャネルについての和です。先ほどの図の、フィルタ0の積を書き出します。一緒に計算してみましょう。
#
# %% key="hand"
total = 0
for c in range(2):
    pairs = zip(x_seed[:, :, c].ravel(), K_seed[:, :, c, 0].ravel(), strict=True)
    part = np.sum(x_seed[:, :, c] * K_seed[:, :, c, 0])
    products = " + ".join(f"{pixel:.1f}·{weight:.0f}" for pixel, weight in pairs)
    print(f"channel {c}:  {products} = {part:g}")
    total += part
print(f"filter 0:   274.5 + 324 = {total:g}")
assert math.isclose(total, 598.5)

y = np.array([np.sum(x_seed * K_seed[:, :, :, f]) for f in range(3)])
print(f"all three filters:  {y[0]:.1f}  {y[1]:.1f}  {y[2]:.1f}")
assert np.allclose(y, [598.5, 615.6, 632.7])

# %% [markdown] key="slides-text" lang="en"
# ### Padding, stride, dilation
#
# Three numbers say how the window slides.
#
# - **Padding** $p$ surrounds the input with zeros, so that the output need not shrink.
# - **Stride** $s$ is the step of the window. Stride 2 halves the output.
# - **Dilation** $d$ spreads the weights apart. The kernel spans $k_{\mathrm{eff}} = k + (k-1)(d-1)$ pixels with the same
#   number of weights.
#
# %% [markdown] key="slides-text" lang="ja"
# ### パディング、ストライド、ダイレーション
#
# 窓のずらし方は、3つの数で決まります。
#
# - **パディング(padding)** $p$:入力の周りを0で囲み、出力が縮まないようにします。
# - **ストライド(stride)** $s$:窓をずらす歩幅です。2なら出力は半分になります。
# - **ダイレーション(dilation)** $d$:重みの間隔を広げます。重みの数はそのままで、$k_{\mathrm{eff}} = k + (k-1)(d-1)$ 画素に広がります。
#
# %% key="slides-figure"
windows.padding_stride_dilation()
plt.show()


# %% [markdown] key="size-text" lang="en"
# **How many windows fit?** The padded input is $i + 2p$ long. The last window must start at $i + 2p - k_{\mathrm{eff}}$ or
# before. The starts are $0, s, 2s, \dots$, so
#
# $$o = \left\lfloor \frac{i + 2p - k_{\mathrm{eff}}}{s} \right\rfloor + 1$$
#
# The $+1$ counts the window at 0. The floor drops pixels at the end that no window reaches any more.
#
# Keras does not ask for $p$. It knows two words: `valid` means no padding; `same` means as many zeros as it takes for
# $\lceil i/s \rceil$ windows. If that number is odd, the extra zero goes **after** (right, bottom): see the third panel.
#
# %% [markdown] key="size-text" lang="ja"
# **窓はいくつ入るでしょうか。** パディング後の長さは $i + 2p$ です。窓の始点は $i + 2p - k_{\mathrm{eff}}$ 以下でなければ
# なりません。始点は $0, s, 2s, \dots$ なので、次のようになります。
#
# $$o = \left\lfloor \frac{i + 2p - k_{\mathrm{eff}}}{s} \right\rfloor + 1$$
#
# $+1$ は始点0の窓の分です。床関数は、端に余ってどの窓も届かない画素を切り捨てます。
#
# Kerasでは $p$ を指定しません。指定できるのは次の2つです。`valid` はパディングなし、`same` は窓がちょうど $\lceil i/s \rceil$ 個入るだけの0を
# 補います。その個数が奇数なら、余りの1個は**後ろ**(右と下)に付きます。図の3枚目を見てください。
#
# %% key="size"
def output_size(i, k, s=1, p=0, d=1):
    """Output size along one axis; p zeros on each side."""
    k_eff = k + (k - 1) * (d - 1)
    return (i + 2 * p - k_eff) // s + 1


def same_padding(i, k, s=1, d=1):
    """Zeros (before, after) that Keras adds for padding="same"."""
    o, k_eff = math.ceil(i / s), k + (k - 1) * (d - 1)
    zeros = max((o - 1) * s + k_eff - i, 0)
    return zeros // 2, zeros - zeros // 2


SETTINGS = [(5, 3, 1, 0, 1), (5, 3, 1, 1, 1), (5, 3, 2, 1, 1), (6, 3, 2, 1, 1)]
SETTINGS += [(7, 3, 1, 0, 2), (224, 7, 2, 3, 1)]
for i, k, s, p, d in SETTINGS:
    print(f"i = {i:3d}, k = {k}, s = {s}, p = {p}, d = {d}:  o = {output_size(i, k, s, p, d)}")
for i, k, s in ((5, 3, 1), (6, 3, 2)):
    print(f"same, i = {i}, k = {k}, s = {s}: zeros {same_padding(i, k, s)} (before, after)")


# %% [markdown] key="definition-text" lang="en"
# With stride and dilation the index of the pixel becomes $s\,i + d\,u$. That is the complete definition, and the loop is
# its transcript. (Here $i$ and $j$ are positions again, not sizes.)
#
# $$y_{i,j,f} \;=\; b_f + \sum_{u,\,v,\,c} x_{s\,i + d\,u,\;\; s\,j + d\,v,\;\; c}\; K_{u,v,c,f}$$
#
# %% [markdown] key="definition-text" lang="ja"
# ストライドとダイレーションが入ると、画素の添字が $s\,i + d\,u$ になります。これが完全な定義で、ループはその書き写しです(ここでの $i, j$ は
# 位置を表す添字で、サイズではありません)。
#
# $$y_{i,j,f} \;=\; b_f + \sum_{u,\,v,\,c} x_{s\,i + d\,u,\;\; s\,j + d\,v,\;\; c}\; K_{u,v,c,f}$$
#
# %% key="definition"
def convolve(x, K, b=0.0, s=1, d=1):
    """x (H, W, C), K (k, k, C, F) -> y (H_out, W_out, F). Pad x beforehand."""
    H, W, C = x.shape
    k, _, _, F = K.shape
    y = np.zeros((output_size(H, k, s, 0, d), output_size(W, k, s, 0, d), F)) + b
    for i, j, f in np.ndindex(y.shape):
        for u, v, c in np.ndindex(k, k, C):
            y[i, j, f] += x[s * i + d * u, s * j + d * v, c] * K[u, v, c, f]
    return y


assert np.allclose(convolve(x_seed, K_seed), [[[598.5, 615.6, 632.7]]])

rng = np.random.default_rng(0)
x, K = rng.standard_normal((7, 6, 2)), rng.standard_normal((3, 3, 2, 4))
for s, d in ((1, 1), (2, 1), (1, 2)):
    print(f"x {x.shape}, K {K.shape}, s = {s}, d = {d}  ->  y {convolve(x, K, s=s, d=d).shape}")

# %% [markdown] key="field-text" lang="en"
# ### Receptive field
#
# How much of the image can one number deep in the network see? Go up layer by layer. Each layer adds $k_{\mathrm{eff}} - 1$
# steps, and a step is as wide as the product of all strides *below* it (the jump $J$):
#
# $$r_l = r_{l-1} + (k_{\mathrm{eff},l} - 1)\, J_{l-1}, \qquad J_l = J_{l-1}\, s_l, \qquad r_0 = J_0 = 1$$
#
# Three 3×3 layers see 7×7 pixels. With strides or growing dilation they see 15×15.
#
# %% [markdown] key="field-text" lang="ja"
# ### 受容野
#
# ネットワークの奥にある数値1つは、画像のどれだけの範囲を見ているのでしょうか。下の層から順にたどります。1層ごとに $k_{\mathrm{eff}} - 1$ 歩
# だけ広がり、1歩の幅は、それより**下の**層のストライドの積($J$)です。この範囲を**受容野(receptive field)** といいます。
#
# $$r_l = r_{l-1} + (k_{\mathrm{eff},l} - 1)\, J_{l-1}, \qquad J_l = J_{l-1}\, s_l, \qquad r_0 = J_0 = 1$$
#
# 3×3の層を3つ重ねると7×7画素、ストライドや広がるダイレーションを使えば15×15画素が見えます。
#
# %% key="field-figure"
windows.receptive_field_growth()
plt.show()


# %% [markdown] key="field-check-text" lang="en"
# Do not take the formula's word for it. Change one input after the other and note which changes the middle output feels:
#
# %% [markdown] key="field-check-text" lang="ja"
# 式を鵜呑みにせず、測ってみましょう。入力を1つずつ変えて、真ん中の出力が変化したものを数えます。
#
# %% key="field"
def receptive_field(layers):
    """layers: (k, s, d) from the input upwards -> pixels along one axis."""
    r, jump = 1, 1
    for k, s, d in layers:
        r += (k - 1) * d * jump  # k_eff - 1 = (k - 1) d
        jump *= s
    return r


def measured_field(layers, width=41):
    """Image n has its only 1 at pixel n: the middle output is not 0 where pixel n can be felt."""
    images = np.eye(width).reshape(width, 1, width, 1)
    for k, s, d in layers:
        ones = np.ones((1, k, 1, 1))
        images = naive_conv2d(images, ones, strides=(1, s), dilation_rate=(1, d))
    felt = np.flatnonzero(images[:, 0, images.shape[2] // 2, 0])
    return felt[-1] - felt[0] + 1


for name, layers in (
    ("3×3, 3×3, 3×3", [(3, 1, 1)] * 3),
    ("3×3 stride 2, 3×3 stride 2, 3×3", [(3, 2, 1), (3, 2, 1), (3, 1, 1)]),
    ("3×3 with dilation 1, 2, 4", [(3, 1, 1), (3, 1, 2), (3, 1, 4)]),
    ("5×5, pooling 2×2 stride 2, 3×3", [(5, 1, 1), (2, 2, 1), (3, 1, 1)]),
):
    print(f"{name:32}  formula {receptive_field(layers):2d}   measured {measured_field(layers):2d}")
    assert receptive_field(layers) == measured_field(layers)


# %% [markdown] key="im2col-text" lang="en"
# ### im2col: gather
#
# Row $(i, j)$ of $X$ is the window at $(i, j)$, flattened in the order $(u, v, c)$. The kernel, reshaped to
# $(k \cdot k \cdot C,\; F)$, lies in the same order. So $Y = XK$.
#
# %% [markdown] key="im2col-text" lang="ja"
# ### im2col:集める
#
# $X$ の行 $(i, j)$ は、位置 $(i, j)$ の窓を $(u, v, c)$ の順に並べたものです。$(k \cdot k \cdot C,\; F)$ に変形したカーネルも、同じ順に
# 並んでいます。だから $Y = XK$ となります。
#
# %% key="im2col"
def window(i, j, k, s=1, d=1):
    """Slices of the rows and columns under the window at output position (i, j)."""
    span = d * (k - 1) + 1
    return slice(s * i, s * i + span, d), slice(s * j, s * j + span, d)


def im2col(x, k, s=1, d=1):
    """x (H, W, C) -> X (H_out·W_out, k·k·C)."""
    H, W, C = x.shape
    H_out, W_out = output_size(H, k, s, 0, d), output_size(W, k, s, 0, d)
    X = np.zeros((H_out * W_out, k * k * C))
    for row, (i, j) in enumerate(np.ndindex(H_out, W_out)):
        X[row] = x[window(i, j, k, s, d)].ravel()
    return X


x_small, K_small = rng.standard_normal((5, 5, 2)), rng.standard_normal((3, 3, 2, 4))
X, K_matrix = im2col(x_small, 3), K_small.reshape(-1, 4)
Y = X @ K_matrix
print(f"X {X.shape} @ K {K_matrix.shape} = Y {Y.shape}, reshaped to y (3, 3, 4)")
assert np.allclose(Y.reshape(3, 3, 4), convolve(x_small, K_small))
for s, d in ((2, 1), (1, 2)):
    product = im2col(x_small, 3, s, d) @ K_matrix
    assert np.allclose(product, convolve(x_small, K_small, s=s, d=d).reshape(-1, 4))


# %% [markdown] key="why-text" lang="en"
# $X$ repeats each pixel up to nine times: memory for speed. Matrix products are what processors do best, so this is
# the classic way to a fast convolution. (Today's libraries avoid storing $X$, or use other algorithms such as Winograd's; the
# result is the same up to rounding.)
#
# ### Backward: derive it
#
# Let $E$ be the loss and $dY = \partial E/\partial Y$, given from above. **Step 1** is the dense layer you know. In
# $Y = XK$, that is $Y_{r,f} = \sum_m X_{r,m} K_{m,f}$ ($r$ numbers the windows, $m$ the places in a window, $f$ the filters),
# the weight $K_{m,f}$ is used in every row $r$. The chain rule adds up what comes back from all of them:
#
# $$dK_{m,f} = \sum_r X_{r,m}\, dY_{r,f} \;\Rightarrow\; dK = X^\top dY, \qquad dX_{r,m} = \sum_f dY_{r,f}\, K_{m,f} \;\Rightarrow\; dX = dY\, K^\top$$
#
# and $db_f = \sum_r dY_{r,f}$. Shapes, in the cell above: $(18, 9)(9, 4) = (18, 4)$ like $K$, and $(9, 4)(4, 18) = (9, 18)$ like $X$.
#
# **Step 2**: from $dX$ to $dx$. im2col *copied* each pixel into several rows. A number that is used several times collects
# the gradient of every use. So run through the rows once more, and **add** each back where it was taken from: col2im.
#
# %% [markdown] key="why-text" lang="ja"
# $X$ には各画素が最大9回現れます。メモリと引き換えに速さを得るわけです。行列積は計算機が最も得意とする演算なので、これが
# 高速な畳み込みの古典的な書き方です(現在のライブラリは、$X$ を実際には作らない方法や、Winogradなど別のアルゴリズムも使います。結果は丸め誤差を
# 除いて同じです)。
#
# ### 逆伝播を導く
#
# 損失を $E$ とし、上の層から $dY = \partial E/\partial Y$ が渡されるとします。**ステップ1**は、よく知っている全結合層です。$Y = XK$ では、
# $Y_{r,f} = \sum_m X_{r,m} K_{m,f}$ です($r$ は窓、$m$ は窓の中の位置、$f$ はフィルタの番号)。$K_{m,f}$ はすべての行 $r$ で使われるので、
# 連鎖律でその寄与を足し合わせて、
#
# $$dK_{m,f} = \sum_r X_{r,m}\, dY_{r,f} \;\Rightarrow\; dK = X^\top dY, \qquad dX_{r,m} = \sum_f dY_{r,f}\, K_{m,f} \;\Rightarrow\; dX = dY\, K^\top$$
#
# また $db_f = \sum_r dY_{r,f}$ です。上のセルの例では、形状は $(18, 9)(9, 4) = (18, 4)$ で $K$ と同じ、$(9, 4)(4, 18) = (9, 18)$ で $X$ と同じです。
#
# **ステップ2**は、$dX$ から $dx$ への変換です。im2colは、1つの画素を複数の行に**コピー**しました。複数回使われた値の勾配は、
# それぞれの使用箇所から戻る勾配の和です。そこで、もう一度すべての行をたどり、取り出した場所に**足し戻し**ます。これがcol2imです。
#
# %% key="col2im"
def col2im(X, shape, k, s=1, d=1):
    """X (H_out·W_out, k·k·C) -> x (H, W, C): the transpose of im2col."""
    H, W, C = shape
    x = np.zeros(shape)
    sizes = output_size(H, k, s, 0, d), output_size(W, k, s, 0, d)
    for row, (i, j) in enumerate(np.ndindex(sizes)):
        x[window(i, j, k, s, d)] += X[row].reshape(k, k, C)
    return x


print("windows over each pixel of a 5×5 input, k = 3:")
print(col2im(np.ones((9, 9)), (5, 5, 1), k=3)[:, :, 0].astype(int))


# %% [markdown] key="col2im-note" lang="en"
# Read the two functions side by side. `X[row] = x[window]` became `x[window] += X[row]`: gather became scatter. The table
# counts how many gradients each pixel receives: 9 in the middle, 1 in a corner.
#
# Textbooks also put it so (stride 1): pad $dy$ with $k-1$ zeros per side and convolve it with the kernel turned by 180° (its
# channel axes swapped). The result is the same.
#
# Now the whole backward pass, and the judge: a numerical gradient that knows nothing of our derivation.
#
# %% [markdown] key="col2im-note" lang="ja"
# 2つの関数を並べて読んでください。`X[row] = x[window]` が `x[window] += X[row]` に変わりました。「集める」が「ばらまく」になったのです。
# 上の表は、各画素が受け取る勾配の個数です。中央では9個、隅では1個です。
#
# 教科書では、ストライド1の場合を「$dy$ の周りを $k-1$ 個の0で囲み、180°回転したカーネル(入出力のチャネル軸も入れ替える)で畳み込む」とも
# 書きます。同じ結果になります。
#
# では逆伝播の全体を書き、導出のことを何も知らない数値微分に判定してもらいましょう。
#
# %% key="backward"
def convolve_backward(dy, x, K, s=1, d=1):
    """dy (H_out, W_out, F) -> dx, dK, db with the shapes of x, K, b."""
    k, _, _, F = K.shape
    X, K_matrix, dY = im2col(x, k, s, d), K.reshape(-1, F), dy.reshape(-1, F)
    dK = X.T @ dY
    dX = dY @ K_matrix.T
    return col2im(dX, x.shape, k, s, d), dK.reshape(K.shape), dY.sum(axis=0)


b_small = rng.standard_normal(4)
for s, d in ((1, 1), (2, 1), (1, 2)):
    dy = rng.standard_normal(convolve(x_small, K_small, b_small, s, d).shape)

    def loss(dy=dy, s=s, d=d):
        return np.sum(dy * convolve(x_small, K_small, b_small, s, d))

    gradients = convolve_backward(dy, x_small, K_small, s, d)
    pairs = zip(gradients, (x_small, K_small, b_small), strict=True)
    errors = [relative_error(g, numerical_gradient(loss, a)) for g, a in pairs]
    assert max(errors) < 1e-6, errors
    print(f"s = {s}, d = {d}:  dx, dK, db against numerical gradients: all < 1e-6")


# %% [markdown] key="backward-hand-text" lang="en"
# One number of each by hand, on the film's input and kernel. Let the four outputs receive the gradients
# $dY = \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$.
#
# - The pixel in row 1, column 1 lies in **all four** windows, each time under another weight:
#   $dx_{1,1} = 1 \cdot K_{1,1} + 2 \cdot K_{1,0} + 3 \cdot K_{0,1} + 4 \cdot K_{0,0} = 3 + 0 + 0 + 4 = 7$.
# - The weight $K_{0,0}$ meets the upper left pixel of each window:
#   $dK_{0,0} = 1 \cdot x_{0,0} + 2 \cdot x_{0,1} + 3 \cdot x_{1,0} + 4 \cdot x_{1,1} = 1 + 4 + 0 + 4 = 9$.
#
# %% [markdown] key="backward-hand-text" lang="ja"
# それぞれ1つだけ、手で計算してみましょう。入力とカーネルは最初の図のものを使い、4つの出力に
# $dY = \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$ という勾配が届いたとします。
#
# - 1行1列の画素は**4つすべて**の窓に入り、そのたびに別の重みと掛けられています。
#   $dx_{1,1} = 1 \cdot K_{1,1} + 2 \cdot K_{1,0} + 3 \cdot K_{0,1} + 4 \cdot K_{0,0} = 3 + 0 + 0 + 4 = 7$
# - 重み $K_{0,0}$ は、各窓の左上の画素と掛けられています。
#   $dK_{0,0} = 1 \cdot x_{0,0} + 2 \cdot x_{0,1} + 3 \cdot x_{1,0} + 4 \cdot x_{1,1} = 1 + 4 + 0 + 4 = 9$
#
# %% key="backward-hand"
dy_film = np.array([[1.0, 2], [3, 4]])[:, :, np.newaxis]
dx_film, dK_film, _ = convolve_backward(dy_film, x_film[:, :, None], K_film[:, :, None, None])
print(f"dx[1, 1] = {dx_film[1, 1, 0]:.0f}    dK[0, 0] = {dK_film[0, 0, 0, 0]:.0f}")
assert (dx_film[1, 1, 0], dK_film[0, 0, 0, 0]) == (7, 9)


# %% [markdown] key="transpose-text" lang="en"
# ### Transposed convolution: the scatter, forward
#
# A decoder must make images *larger*. The input gradient just did that: it took an array of the output's shape and
# returned one of the input's shape. Use it as a layer. Every input position **stamps** the kernel onto the output,
# weighted by its channels, and overlapping stamps add up:
#
# $$y_{s\,i+u,\;\;s\,j+v,\;\;f} \;\mathrel{+}=\; \sum_c K_{u,v,f,c}\; x_{i,j,c}$$
#
# Mind the kernel's shape: $(k, k, F, C)$, filters *before* channels. It is the kernel of the convolution that leads from
# the output back to the input.
#
# %% [markdown] key="transpose-text" lang="ja"
# ### 転置畳み込み:ばらまきを順伝播に使う
#
# デコーダでは、画像を**大きく**する必要があります。入力の勾配の計算は、まさにそれをしていました。出力の形状の配列を受け取り、入力の形状の
# 配列を返したのです。これを層として使います。入力の各位置は、自分のチャネルの値で重み付けしたカーネルを、出力の上に**スタンプ**のように押し、
# 重なったところは足し合わせます。
#
# $$y_{s\,i+u,\;\;s\,j+v,\;\;f} \;\mathrel{+}=\; \sum_c K_{u,v,f,c}\; x_{i,j,c}$$
#
# カーネルの形状に注意してください。$(k, k, F, C)$ で、フィルタがチャネルの**前**に来ます。出力から入力へ戻る畳み込みのカーネルだからです。
#
# %% key="transpose"
def convolve_transpose(x, K, s=1):
    """x (H, W, C), K (k, k, F, C) -> y (s(H - 1) + k, s(W - 1) + k, F)."""
    H, W, C = x.shape
    k, _, F, _ = K.shape
    y = np.zeros((s * (H - 1) + k, s * (W - 1) + k, F))
    for i, j in np.ndindex(H, W):
        y[s * i : s * i + k, s * j : s * j + k] += K @ x[i, j]  # (k, k, F, C) @ (C,) = (k, k, F)
    return y


x_up = 0.1 * np.arange(1, 13).reshape(2, 2, 3)
K_up = np.arange(1.0, 55).reshape(3, 3, 2, 3)
y_up = convolve_transpose(x_up, K_up)
print(f"x {x_up.shape} -> y {y_up.shape}")
for f in range(2):
    print(f"channel {f}")
    print("\n".join("  ".join(f"{value:6.1f}" for value in row) for row in y_up[:, :, f]))

expected = [
    [
        [1.4, 8.2, 20.8, 21.2],
        [17.2, 72.2, 119.0, 94.6],
        [71.2, 212.6, 259.4, 181.0],
        [91.4, 231.4, 265.6, 165.2],
    ],
    [
        [3.2, 14.5, 27.1, 25.7],
        [26.2, 95.6, 142.4, 109.0],
        [80.2, 236.0, 282.8, 195.4],
        [98.6, 248.5, 282.7, 175.1],
    ],
]
assert np.allclose(y_up.transpose(2, 0, 1), expected)

convolution.stamps(x_up, K_up)
plt.show()

# %% [markdown] key="stamps-note" lang="en"
# By hand: the corner belongs to one stamp, $0.1 \cdot 1 + 0.2 \cdot 2 + 0.3 \cdot 3 = 1.4$. Its neighbour to the right lies
# under two stamps, $5.0 + 3.2 = 8.2$. The four in the middle lie under all four.
#
# Two checks that this *is* the backward pass. First, `convolve_backward` returns the very same array. Second, the
# **adjoint identity**: with $A$ for the convolution and $A^\top$ for its transpose,
#
# $$\langle A z,\; x \rangle = \langle z,\; A^\top x \rangle \qquad \text{for all } z \text{ and } x$$
#
# %% [markdown] key="stamps-note" lang="ja"
# 手計算で確かめましょう。隅はスタンプ1つの中にあり、$0.1 \cdot 1 + 0.2 \cdot 2 + 0.3 \cdot 3 = 1.4$ です。その右隣では2つのスタンプが重なり、
# $5.0 + 3.2 = 8.2$ です。中央の4か所では、4つのスタンプがすべて重なります。
#
# これが逆伝播そのものであることを、2通りに確かめます。第1に、`convolve_backward` がまったく同じ配列を返します。第2に、**随伴(adjoint)の
# 等式**が成り立ちます。畳み込みを $A$、その転置を $A^\top$ とすると、
#
# $$\langle A z,\; x \rangle = \langle z,\; A^\top x \rangle \qquad \text{(すべての } z, x \text{ について)}$$
#
# %% key="adjoint"
rng = np.random.default_rng(1)
dx, _, _ = convolve_backward(x_up, np.zeros(y_up.shape), K_up)  # A: 4×4×2 -> 2×2×3 has this kernel
assert np.allclose(dx, y_up)
print("input gradient of the convolution = transposed convolution: the same 4×4×2 array")

for s in (1, 2, 3):
    y = convolve_transpose(x_up, K_up, s)
    z = rng.standard_normal(y.shape)
    left, right = np.sum(convolve(z, K_up, s=s) * x_up), np.sum(z * y)
    print(f"s = {s}:  ⟨A z, x⟩ = {left:.6f}   ⟨z, Aᵀ x⟩ = {right:.6f}")
    assert math.isclose(left, right)

# %% [markdown] key="transpose-size-text" lang="en"
# **Size.** The last stamp starts at $s(i-1)$ and is $k$ long: $o = s(i-1) + k$. Padding $p$ of the underlying convolution
# cuts $p$ off each side, and a strided convolution maps several sizes to one, so the way back takes an extra $a < s$
# (`output_padding`) to choose among them:
#
# $$o = s\,(i - 1) + k - 2p + a$$
#
# Keras (without `output_padding`): `valid` gives $s(i-1) + \max(k, s)$, and `same` gives simply $s\,i$.
#
# %% [markdown] key="transpose-size-text" lang="ja"
# **サイズ。** 最後のスタンプは $s(i-1)$ から始まり、長さが $k$ なので、$o = s(i-1) + k$ です。元の畳み込みにパディング $p$ があれば、両側から
# $p$ ずつ切り取ります。また、ストライドが2以上だと、異なる入力サイズから同じ出力サイズが得られます。そこで、戻るときは $a < s$(`output_padding`)を足して、
# そのうちの1つを選びます。
#
# $$o = s\,(i - 1) + k - 2p + a$$
#
# Kerasでは(`output_padding` を指定しないとき)、`valid` なら $s(i-1) + \max(k, s)$($k < s$ のときは、スタンプが届かない端を0で埋めます)、
# `same` なら単に $s\,i$ です。
#
# %% key="transpose-size"
for i, k, s in ((2, 3, 1), (7, 3, 2), (14, 4, 2)):
    made = [keras.layers.Conv2DTranspose(1, k, s, padding) for padding in ("valid", "same")]
    sizes = [layer.compute_output_shape((1, i, i, 1))[1] for layer in made]
    print(f"i = {i:2d}, k = {k}, s = {s}:  valid {sizes[0]}, same {sizes[1]}")
    assert sizes == [s * (i - 1) + max(k, s), s * i]

i, k, s, p = 7, 3, 2, 1
for a in range(s):
    o = s * (i - 1) + k - 2 * p + a
    back = output_size(o, k, s, p)
    print(f"p = {p}, a = {a}: {i} -> {o}, and the convolution leads back: {o} -> {back}")
    assert back == i

# %% [markdown] key="family-text" lang="en"
# ### Depthwise, pointwise, separable, groups
#
# A standard convolution does two jobs at once: it looks around in space, and it mixes channels. Drop some of the
# connections, and you get the rest of the family:
#
# %% [markdown] key="family-text" lang="ja"
# ### デプスワイズ、ポイントワイズ、セパラブル、グループ
#
# 通常の畳み込みは、2つの仕事を同時にしています。空間方向に周りを見ることと、チャネルを混ぜることです。結合の一部を取り除くと、ほかの種類の
# 畳み込みになります。
#
# %% key="family-figure"
costs.connections()
plt.show()


# %% [markdown] key="family-note" lang="en"
# - **Depthwise**: each channel has its own kernel and never meets another channel. One-channel convolutions side by side,
#   so the code is our first function in a loop. With `depth_multiplier` $M$ each channel gets $M$ kernels: $C \cdot M$
#   outputs.
# - **Pointwise**: a 1×1 kernel. Each pixel is a row, so it is a dense layer over the channels, and im2col has nothing to
#   copy.
# - **Separable**: depthwise, then pointwise, with nothing in between.
# - **Groups**: the channels are cut into $G$ blocks that do not meet; the kernel is $(k, k, C/G, F)$. $G = 1$ is standard,
#   $G = C$ is depthwise (with $F = C \cdot M$).
#
# %% [markdown] key="family-note" lang="ja"
# - **デプスワイズ畳み込み**:チャネルごとに専用のカーネルを持ち、ほかのチャネルとは混ざりません。1チャネルの畳み込みを並べただけなので、
#   最初に書いた関数をループで呼べば済みます。`depth_multiplier` を $M$ にすると、1チャネルにつきカーネルが $M$ 個、出力は $C \cdot M$ チャネルです。
# - **ポイントワイズ畳み込み**:カーネルが1×1です。画素1つが1行になるので、チャネルに対する全結合層と同じです。im2colでコピーするものもありません。
# - **セパラブル畳み込み**:デプスワイズの直後に、ポイントワイズを行います。間には何も挟みません。
# - **グループ化畳み込み**:チャネルを互いに混ざらない $G$ 個のブロックに分けます。カーネルは $(k, k, C/G, F)$ です。$G = 1$ なら通常の畳み込み、
#   $G = C$ ならデプスワイズ畳み込みになります($F = C \cdot M$)。
#
# %% key="depthwise"
def depthwise(x, K):
    """x (H, W, C), K (k, k, C, M) -> y (H_out, W_out, C·M), channel c·M + m from channel c."""
    maps = [convolve_one_channel(x[:, :, c], K[:, :, c, m]) for c, m in np.ndindex(K.shape[2:])]
    return np.stack(maps, axis=-1)


def pointwise(x, K):
    """x (H, W, C), K (1, 1, C, F) -> y (H, W, F): a matrix product on the last axis."""
    return x @ K[0, 0]


y = depthwise(x_seed, np.arange(1.0, 19).reshape(3, 3, 2, 1))
print(f"depthwise:  {y[0, 0, 0]:.1f}  {y[0, 0, 1]:.1f}")
assert np.allclose(y, [[[96.9, 114.0]]])

x_one = 0.1 * np.arange(1, 10).reshape(3, 3, 1)
space = np.arange(1.0, 10).reshape(3, 3, 1, 1)
mix = np.array([2.0, 3.0]).reshape(1, 1, 1, 2)
y = pointwise(depthwise(x_one, space), mix)
alone = depthwise(x_one, space)[0, 0, 0]
print(f"separable:  {y[0, 0, 0]:.1f}  {y[0, 0, 1]:.1f}   (depthwise alone: {alone:.1f})")
assert np.allclose(y, [[[57.0, 85.5]]])

# %% [markdown] key="factor-text" lang="en"
# By hand: the depthwise step gives $0.1 \cdot 1 + 0.2 \cdot 2 + \dots + 0.9 \cdot 9 = 28.5$, the pointwise step doubles and
# trebles it. A standard convolution could do the same with the kernel "times 2" and "times 3" of one pattern. In general
# a separable layer *is* a standard convolution whose kernel factors, $K_{u,v,c,f} = \sum_m D_{u,v,c,m} P_{cM+m,f}$. That
# restriction is what pays for the savings:
#
# %% [markdown] key="factor-text" lang="ja"
# 手計算では、デプスワイズの段で $0.1 \cdot 1 + 0.2 \cdot 2 + \dots + 0.9 \cdot 9 = 28.5$、ポイントワイズの段でその2倍と3倍になります。通常の畳み込みでも、
# 1つのパターンの「2倍」と「3倍」をカーネルにすれば同じ結果になります。一般に、セパラブル畳み込みとは、カーネルが
# $K_{u,v,c,f} = \sum_m D_{u,v,c,m} P_{cM+m,f}$ と分解できる通常の畳み込みです。この制約が、節約の代償です。
#
# %% key="factor"
D, P = rng.standard_normal((3, 3, 2, 2)), rng.standard_normal((4, 4))  # C = 2, M = 2, F = 4
K_factored = np.einsum("uvcm,cmf->uvcf", D, P.reshape(2, 2, 4))
assert np.allclose(convolve(x_small, K_factored), pointwise(depthwise(x_small, D), P[None, None]))
print(f"separable: {D.size} + {P.size} = {D.size + P.size} free weights")
print(f"the same outputs as a standard kernel of {K_factored.size} numbers, which are not free")

# %% [markdown] key="cost-text" lang="en"
# ### What it costs: just count
#
# **Parameters** are the entries of the kernel (plus the biases). **MACs** (multiply-accumulate operations) are the products
# in $Y = XK$: every number of $X$ is multiplied once with each of the $F$ columns, so size of $X$ × $F$.
#
# | layer | weights (without bias) | MACs |
# |---|---|---|
# | standard | $k^2 C F$ | $H_{out} W_{out} \cdot k^2 C F$ |
# | $G$ groups | $k^2 C F / G$ | $H_{out} W_{out} \cdot k^2 C F / G$ |
# | depthwise | $k^2 C M$ | $H_{out} W_{out} \cdot k^2 C M$ |
# | pointwise | $C F$ | $H_{out} W_{out} \cdot C F$ |
# | separable | $k^2 C M + C M F$ | $H_{out} W_{out} \cdot (k^2 C M + C M F)$ |
#
# Without transposed layers the rule is: MACs = weights × output positions. (For a transposed layer, × *input* positions:
# each of them stamps once.) For $M = 1$ the famous ratio follows in one line:
#
# $$\frac{k^2 C + C F}{k^2 C F} = \frac{1}{F} + \frac{1}{k^2}$$
#
# %% [markdown] key="cost-text" lang="ja"
# ### コスト:数えるだけ
#
# **パラメータ数**は、カーネルの要素数です(バイアスがあれば、その個数を加えます)。**MAC**(multiply-accumulate、積和演算)の回数は、
# $Y = XK$ の中の掛け算の数です。$X$ の各数値が $K$ の $F$ 本の列と1回ずつ掛け合わされるので、「$X$ の要素数 × $F$」になります。
#
# | 層 | 重みの数(バイアスなし) | MAC |
# |---|---|---|
# | 通常 | $k^2 C F$ | $H_{out} W_{out} \cdot k^2 C F$ |
# | $G$ グループ | $k^2 C F / G$ | $H_{out} W_{out} \cdot k^2 C F / G$ |
# | デプスワイズ | $k^2 C M$ | $H_{out} W_{out} \cdot k^2 C M$ |
# | ポイントワイズ | $C F$ | $H_{out} W_{out} \cdot C F$ |
# | セパラブル | $k^2 C M + C M F$ | $H_{out} W_{out} \cdot (k^2 C M + C M F)$ |
#
# 転置畳み込みを除けば、「MAC = 重みの数 × 出力の位置の数」です(転置畳み込みでは、**入力**の位置ごとに1回スタンプを押すので、× 入力の位置の数です)。
# $M = 1$ のときの、よく知られた比は、1行で導けます。
#
# $$\frac{k^2 C + C F}{k^2 C F} = \frac{1}{F} + \frac{1}{k^2}$$
#
# %% key="cost"
H, C, F, k = 16, 32, 64, 3
X_shape = (H * H, k * k * C)  # with padding "same" there are H·H windows
standard = X_shape[0] * X_shape[1] * F
separable = H * H * k * k * C + H * H * C * F
print(f"standard  {k * k * C * F:6,} weights  {standard:9,} MACs")
print(f"separable {k * k * C + C * F:6,} weights  {separable:9,} MACs")
print(f"ratio {separable / standard:.4f} = 1/64 + 1/9 = {1 / F + 1 / k**2:.4f}")
assert standard == conv_arithmetic.conv2d_macs(H, k, C, F) == 4_718_592
assert separable == conv_arithmetic.separable_conv2d_macs(H, k, C, F) == 598_016

costs.cost_bars(H, k, C, F)
plt.show()

# %% [markdown] key="agree-size-text" lang="en"
# ## Agreement
#
# ### The size formulas, on a grid
#
# Every combination of input size, kernel, stride, dilation and padding that Keras accepts (it refuses stride and dilation
# above 1 together, and kernels that do not fit):
#
# %% [markdown] key="agree-size-text" lang="ja"
# ## 確かめる
#
# ### サイズの公式を総当たりで確かめる
#
# 入力サイズ・カーネル・ストライド・ダイレーション・パディングの組み合わせのうち、Kerasが受け付けるものをすべて試します(Kerasは、ストライドと
# ダイレーションがともに1より大きい場合や、カーネルが入力に収まらない場合を拒否します)。
#
# %% key="agree-size"
compared = 0
for i, k, s, d in np.ndindex(12, 5, 3, 3):
    i, k, s, d = i + 1, k + 1, s + 1, d + 1
    if s > 1 and d > 1:
        continue
    for padding in ("valid", "same"):
        before, after = same_padding(i, k, s, d) if padding == "same" else (0, 0)
        ours = output_size(i + before + after, k, s, 0, d)
        if ours > 0:
            layer = keras.layers.Conv2D(1, k, s, padding, dilation_rate=d)
            assert ours == layer.compute_output_shape((1, i, i, 1))[1]
            assert ours == conv_arithmetic.output_size(i, k, s, padding, d)
            assert padding == "valid" or ours == math.ceil(i / s)
            compared += 1
print(f"{compared} combinations: formula = Keras")

# %% [markdown] key="agree-layers-text" lang="en"
# ### The layers: outputs and gradients
#
# `utils/numpy_layers` holds the same layers as classes, with batches, the options of this chapter, and im2col without
# Python loops over pixels. First: they are the loops above.
#
# %% [markdown] key="agree-layers-text" lang="ja"
# ### 層:出力と勾配
#
# `utils/numpy_layers` には、同じ層がクラスとして入っています。バッチと、この章で扱うオプションに対応し、im2colは画素についてのPythonループを使わずに
# 書かれています。まず、上で書いたループと同じものであることを確かめます。
#
# %% key="agree-loops"
x_big, dy = rng.standard_normal((7, 6, 2)), rng.standard_normal((3, 2, 4))
layer = Conv2D(4, 3, 2, strides=2, dtype="float64")
layer.params = {"kernel": K_small, "bias": b_small}
assert np.allclose(layer.forward(x_big[None])[0], convolve(x_big, K_small, b_small, s=2))
dx, dK, db = convolve_backward(dy, x_big, K_small, s=2)
assert np.allclose(layer.backward(dy[None])[0], dx)
assert np.allclose(layer.grads["kernel"], dK) and np.allclose(layer.grads["bias"], db)

layer = Conv2DTranspose(2, 3, 3, use_bias=False, dtype="float64")
layer.params["kernel"] = K_up
assert np.allclose(layer.forward(x_up[None])[0], y_up)

layer = SeparableConv2D(4, 3, 2, depth_multiplier=2, use_bias=False, dtype="float64")
layer.params = {"depthwise_kernel": D, "pointwise_kernel": P[None, None]}
assert np.allclose(layer.forward(x_big[None])[0], convolve(x_big, K_factored))
print("the loops of this chapter = the layers of utils/numpy_layers")

# %% [markdown] key="agree-hand-text" lang="en"
# The numbers worked out by hand, once more: from im2col, and from Keras with the same weights.
#
# %% [markdown] key="agree-hand-text" lang="ja"
# 手で計算した数値を、もう一度求めます。im2colと、同じ重みを与えたKerasを使います。
#
# %% key="agree-hand"
assert np.allclose(im2col(x_seed, 3) @ K_seed.reshape(-1, 3), [[598.5, 615.6, 632.7]])

K_own = np.arange(1.0, 19).reshape(3, 3, 2, 1)
plain = {"use_bias": False, "dtype": "float32"}
for layer, inputs, weights, by_hand in (
    (keras.layers.Conv2D(3, 3, **plain), x_seed, [K_seed], [598.5, 615.6, 632.7]),
    (keras.layers.DepthwiseConv2D(3, **plain), x_seed, [K_own], [96.9, 114.0]),
    (keras.layers.SeparableConv2D(2, 3, **plain), x_one, [space, mix], [57.0, 85.5]),
    (keras.layers.Conv2DTranspose(2, 3, **plain), x_up, [K_up], y_up),
):
    layer.build((None, *inputs.shape))
    layer.set_weights(weights)
    image = inputs[None].astype("float32")
    dy = np.zeros(layer.compute_output_shape(image.shape), "float32")
    y = keras_gradients(layer, image, dy)[0][0]
    assert np.allclose(y, by_hand, rtol=1e-5)
    corners = y[:: max(len(y) - 1, 1), :: max(len(y) - 1, 1), :].reshape(-1, y.shape[-1])
    texts = ["  ".join(f"{value:.1f}" for value in corner) for corner in corners]
    print(f"{type(layer).__name__:16} " + "   ".join(texts))

# %% [markdown] key="agree-keras-text" lang="en"
# Now against Keras, with the same weights: the output and the gradients of the input and of every weight, in float32.
#
# %% [markdown] key="agree-keras-text" lang="ja"
# 次にKerasと比べます。同じ重みを与え、出力、入力の勾配、すべての重みの勾配をfloat32で比較します。
#
# %% key="agree-keras"
odd = {"strides": 2, "padding": "same", "output_padding": 1}
CASES = [
    ("Conv2D", Conv2D, (8, 3), {}),
    ("Conv2D", Conv2D, (8, 3), {"strides": 2, "padding": "same"}),
    ("Conv2D", Conv2D, (8, 3), {"dilation_rate": 2, "padding": "same"}),
    ("Conv2D", Conv2D, (8, 3), {"groups": 2}),
    ("Conv2D", Conv2D, (8, 1), {}),
    ("DepthwiseConv2D", DepthwiseConv2D, (3,), {"strides": 2, "padding": "same"}),
    ("DepthwiseConv2D", DepthwiseConv2D, (3,), {"depth_multiplier": 3}),
    ("SeparableConv2D", SeparableConv2D, (8, 3), {"padding": "same"}),
    ("Conv2DTranspose", Conv2DTranspose, (8, 3), {}),
    ("Conv2DTranspose", Conv2DTranspose, (8, 3), {"strides": 2, "padding": "same"}),
    ("Conv2DTranspose", Conv2DTranspose, (8, 3), odd),
]
C = 4
x = rng.standard_normal((2, 9, 8, C)).astype("float32")
print(f"{'layer':16} {'options':41} y, dx, dweights   largest relative difference")
for name, ours, arguments, options in CASES:
    theirs = getattr(keras.layers, name)(*arguments, **options, dtype="float32")
    theirs.build(x.shape)
    layer = ours(*arguments, C, **options)
    for weight_name, weight in zip(layer.params, theirs.weights, strict=True):
        layer.params[weight_name] = rng.standard_normal(weight.shape).astype("float32")
        weight.assign(layer.params[weight_name])
    y = layer.forward(x)
    dy = rng.standard_normal(y.shape).astype("float32")
    mine = [y, layer.backward(dy), *layer.grads.values()]
    y_keras, dx_keras, dweights_keras = keras_gradients(theirs, x, dy)
    pairs = zip(mine, [y_keras, dx_keras, *dweights_keras], strict=True)
    worst = max(relative_error(a, b) for a, b in pairs)
    text = ", ".join(f"{key}={value}" for key, value in options.items())
    text = text or f"{arguments[-1]}×{arguments[-1]}"
    assert worst < 1e-5, (name, options, worst)
    print(f"{name:16} {text:41} {len(mine)} arrays           < 1e-5")

# %% [markdown] key="agree-numerical-text" lang="en"
# And against numerical gradients in float64, which trust nobody's formula:
#
# %% [markdown] key="agree-numerical-text" lang="ja"
# 最後に、どの公式も使わない数値微分(float64)と比べます。
#
# %% key="agree-numerical"
x = rng.standard_normal((2, 5, 4, C))
for name, ours, arguments, options in CASES:
    errors = check_layer(ours(*arguments, C, **options, dtype="float64"), x)
    assert max(errors.values()) < 1e-6, (name, options, errors)
number = sum(len(ours(*a, C, **o).params) + 1 for _, ours, a, o in CASES)
print(f"{len(CASES)} layers, {number} gradients: all < 1e-6")


# %% [markdown] key="speed-text" lang="en"
# How fast is one matrix product? Nanoseconds per MAC, on your machine. (Apart from the setup line, this is the one output
# that differs from run to run.)
#
# %% [markdown] key="speed-text" lang="ja"
# 行列積1回は、どれほど速いのでしょうか。いま使っている計算機で、MAC 1回あたりのナノ秒を測ります(冒頭の準備のセルを除けば、
# 出力が毎回変わるのはこのセルだけです)。
#
# %% key="speed" tags=["nbval-ignore-output"]
def nanoseconds(calls, rounds):
    """{name: (function, MACs)} -> {name: ns per MAC}: in turn, the best of `rounds`."""
    best = dict.fromkeys(calls, math.inf)
    for _ in range(rounds):
        for name, (call, macs) in calls.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], (time.perf_counter() - start) / macs * 1e9)
    return best


small, large = np.ones((1, 12, 12, 8), "float32"), np.ones((16, 32, 32, 32), "float32")
layer = Conv2D(32, 3, 32, padding="same")
theirs = keras.layers.Conv2D(32, 3, padding="same")
macs_large = 16 * conv_arithmetic.conv2d_macs(32, 3, 32, 32)
kernel = np.ones((3, 3, 8, 8), "float32")
loops = (lambda: naive_conv2d(small, kernel), conv_arithmetic.conv2d_macs(10, 3, 8, 8))
speeds = nanoseconds({"loops": loops}, rounds=5)
products = {"im2col": (lambda: layer.forward(large), macs_large)}
products |= {"Keras": (lambda: np.asarray(theirs(large)), macs_large)}
speeds |= nanoseconds(products, rounds=20)
by_loops, by_im2col, by_keras = speeds.values()
print(f"ns per MAC:  loops {by_loops:.0f}   im2col {by_im2col:.3f}   Keras {by_keras:.3f}")
print(f"im2col is {by_loops / by_im2col:,.0f} times as fast as the loops")
print(f"im2col takes {by_im2col / by_keras:.1f} times as long as Keras")

# %% [markdown] key="networks-text" lang="en"
# ## In Keras
#
# ### Three networks that differ in one layer
#
# Ten layers: nine convolutions and a dense layer. Each of three blocks has a 1×1 convolution that sets the number of
# channels, and two 3×3 layers of the kind under test; average pooling stands between the blocks, and the dense layer at the
# end. Each convolution is followed by batch normalization (chapter 05) and ReLU. The `width` scales all channels.
#
# The 1×1 layers are there for fairness: a depthwise layer with multiplier 1 cannot change the number of channels.
#
# %% [markdown] key="networks-text" lang="ja"
# ## Kerasで学習する
#
# ### 1種類の層だけが違う3つのネットワーク
#
# 畳み込み9層と全結合層1層の、計10層です。3つのブロックがあり、それぞれ、チャネル数を決める1×1畳み込み1層と、比較する種類の3×3の層2層からなります。
# ブロックの間には平均プーリングを置き、最後に全結合層が1層あります。どの畳み込みの後にも、バッチ正規化(5章)とReLUが続きます。`width` で全層のチャネル数を増減できます。
#
# 1×1の層は、公平に比べるためのものです。`depth_multiplier` が1のデプスワイズ畳み込みでは、チャネル数を変えられないからです。
#
# %% key="networks"
KINDS = {
    "Conv2D": lambda filters: keras.layers.Conv2D(filters, 3, padding="same"),
    "DepthwiseConv2D": lambda filters: keras.layers.DepthwiseConv2D(3, padding="same"),
    "SeparableConv2D": lambda filters: keras.layers.SeparableConv2D(filters, 3, padding="same"),
}


def build_network(kind, width=64, input_shape=(32, 32, 3), classes=10, momentum=0.99):
    """Nine convolutions and a dense layer; `kind` is a key of KINDS."""
    inputs = x = keras.Input(input_shape)
    for block, filters in enumerate((width, 2 * width, 4 * width)):
        if block > 0:
            x = keras.layers.AveragePooling2D(2)(x)
        for layer in (keras.layers.Conv2D(filters, 1), KINDS[kind](filters), KINDS[kind](filters)):
            x = layer(x)
            x = keras.layers.BatchNormalization(momentum=momentum)(x)
            x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x), name=kind)


# %% [markdown] key="parameters-text" lang="en"
# **Count before you build.** Biases count, and each batch normalization has four numbers per channel (scale, shift, and two
# running statistics).
#
# %% [markdown] key="parameters-text" lang="ja"
# **作る前に数えましょう。** バイアスも数えます。`SeparableConv2D` のバイアスはポイントワイズの段の $F$ 個だけです。バッチ正規化は、チャネルごとに4つの数値
# (スケール、シフト、2つの移動統計量)を持ちます。移動統計量の2つは学習されませんが、下の数には含めます。
#
# %% key="parameters"
def parameters_by_formula(kind, width=64, channels=3, classes=10):
    total = 0
    for filters in (width, 2 * width, 4 * width):
        spatial = {
            "Conv2D": 9 * filters * filters + filters,
            "DepthwiseConv2D": 9 * filters + filters,
            "SeparableConv2D": 9 * filters + filters * filters + filters,
        }[kind]
        total += (channels * filters + filters) + 2 * spatial + 3 * 4 * filters
        channels = filters
    return total + channels * classes + classes


print(f"{'':16}{'formula':>10}{'Keras':>11}")
known = {"Conv2D": 1_598_730, "DepthwiseConv2D": 58_506, "SeparableConv2D": 230_538}
for kind in KINDS:
    counts = parameters_by_formula(kind), build_network(kind).count_params()
    print(f"{kind:16}{counts[0]:10,} {counts[1]:10,}")
    assert counts == (known[kind], known[kind])

# %% [markdown] key="layers-text" lang="en"
# The same for sizes, MACs and receptive field of the first network. The exam asks for single lines of such a table. Look
# for the pattern: from block to block the side is halved and the channels are doubled. So every 3×3 layer costs the *same*
# multiplications, but four times the weights of the block before.
#
# %% [markdown] key="layers-text" lang="ja"
# 1つ目のネットワークについて、サイズ・MAC・受容野も同じように求めます。試験では、このような表の1行が問われます。規則性に注目してください。
# ブロックが進むたびに縦横が半分、チャネルが2倍になります。そのため、3×3の層の掛け算の回数はどれも**同じ**で、重みは前のブロックの4倍になります。
#
# %% key="layers"
chain, total_macs, channels = [], 0, 3
print(f"{'layer':22}{'output':>13}{'weights':>10}{'MACs':>13}{'receptive field':>17}")
for layer in build_network("Conv2D").layers:
    if isinstance(layer, keras.layers.Conv2D):
        size, filters, k = layer.output.shape[1], layer.filters, layer.kernel_size[0]
        weights = conv_arithmetic.conv2d_parameters(k, channels, filters, use_bias=False)
        macs = conv_arithmetic.conv2d_macs(size, k, channels, filters)
        chain.append((k, 1, 1))
        name, channels = f"Conv2D {k}×{k}", filters
    elif isinstance(layer, keras.layers.AveragePooling2D):
        chain.append((2, 2, 1))
        size, weights, macs, name = layer.output.shape[1], 0, 0, "AveragePooling2D 2×2"
    else:
        continue
    total_macs += macs
    r = receptive_field(chain)
    print(f"{name:22}{f'{size}×{size}×{channels}':>13}{weights:10,}{macs:13,}{f'{r}×{r}':>17}")
print(f"{total_macs:,} MACs for one image; receptive field {r}×{r} pixels: just the image")
assert r == 32

# %% [markdown] key="train-text" lang="en"
# ### Training
#
# The quick profile trains small: the digits of this repository, shrunk to 14×14, an eighth of the width, four epochs. It
# fits into a coffee break and shows the *order* of the networks; it is not CIFAR-10. On a GPU or TPU the full profile
# is the default: full width, CIFAR-10, 100 epochs, four trainings, with a line for each epoch and a backup after it: a
# session that was cut off goes on where it stopped. `runtime.setup(lang="en", profile="quick")` in the setup cell keeps
# it short.
#
# Two habits of practice: a learning rate that falls to zero along a cosine, so that the last epoch is not a gamble, and for
# very short training a smaller batch-normalization momentum (0.9), because running averages with 0.99 need some 500 steps to
# forget where they started.
#
# %% [markdown] key="train-text" lang="ja"
# ### 学習
#
# クイックプロファイルでは、小さく学習します。リポジトリに同梱した手書き数字を14×14に縮小し、チャネル数を8分の1にして、4エポックだけ回します。
# コーヒーを入れている間に終わり、3つのネットワークの**順位**はわかりますが、CIFAR-10の実験そのものではありません。GPUやTPUでは
# fullプロファイルが既定です。本来のチャネル数で、CIFAR-10を100エポック、4回学習し、エポックごとに経過を表示してバックアップも取ります。
# 途中で切れても、同じセルを実行すれば続きから再開します。
# 短く済ませるには、準備のセルで `runtime.setup(lang="ja", profile="quick")` とします。
#
# 実務でよく使う工夫を2つ入れました。1つは、学習率をコサイン曲線に沿って0まで下げること。最後のエポックの結果が偶然に左右されにくくなります。
# もう1つは、学習がごく短いときにバッチ正規化のmomentumを小さく(0.9に)すること。0.99の移動平均は、初期値の影響が消えるまでに500ステップほどかかります。
#
# %% key="train"
quick = {"data": "digits", "size": 14, "width": 8, "epochs": 4, "batch_size": 64}
quick |= {"rate": 3e-3, "momentum": 0.9}
full = {"data": "cifar10", "size": None, "width": 64, "epochs": 100, "batch_size": 128}
full |= {"rate": 1e-3, "momentum": 0.99}
config = rt.choose(quick=quick, full=full)
data = datasets.load_images(config["data"], size=config["size"])


def train(kind, width):
    """(history, test accuracy, parameters) of a network trained from a fixed seed."""
    keras.utils.set_random_seed(0)
    steps = math.ceil(len(data.x_train) / config["batch_size"]) * config["epochs"]
    with rt.scope():
        shape, classes = data.x_train.shape[1:], len(data.class_names)
        network = build_network(kind, width, shape, classes, config["momentum"])
        rate = keras.optimizers.schedules.CosineDecay(config["rate"], steps)
        loss = "sparse_categorical_crossentropy"
        adam = keras.optimizers.Adam(rate)
        network.compile(adam, loss, metrics=["accuracy"])
    name = f"01_{data.name}_{kind}_{width}"
    history = training.fit(network, data, name, config["epochs"], config["batch_size"])
    return history, network.evaluate(data.x_test, data.y_test, verbose=0)[1], network.count_params()


results = {kind: train(kind, config["width"]) for kind in KINDS}
plots.training_curves({kind: history for kind, (history, _, _) in results.items()}, chance=0.1)
plt.show()

# %% [markdown] key="experiment-text" lang="en"
# ## Experiment
#
# Our networks come from a study note of 2019 that trained them on CIFAR-10 at full width and reported the test accuracies
# below. (Its text leaves the training recipe to a linked script, and it may report the best epoch where we report the last; so
# do not expect the same decimals even with `profile="full"`.) Beside them this run: lower bounds with a margin for other
# machines; the exact values are in the figure.
#
# %% [markdown] key="experiment-text" lang="ja"
# ## 実験
#
# この3つのネットワークは、2019年のある学習ノートから取りました。本来のチャネル数でCIFAR-10を学習し、下のテスト精度を報告しています(学習の設定は
# 本文にはなく、リンク先のコードに委ねられています。また、最終エポックではなく最良のエポックの値かもしれません。そのため、`profile="full"` でも
# 小数点以下まで同じにはなりません)。その隣に、今回の結果を並べます。表示するのは計算機による差を見込んだ下限で、正確な値は図にあります。
#
# %% key="experiment"
REPORTED = {"Conv2D": 87.66, "DepthwiseConv2D": 77.36, "SeparableConv2D": 84.33}
BOUNDS = {"Conv2D": 93, "DepthwiseConv2D": 84, "SeparableConv2D": 89}
full_width = {kind: parameters_by_formula(kind) for kind in KINDS}

here = f"{data.name}, width {config['width']}"
print(f"{'':16}{'CIFAR-10, width 64':>22}    {here:>20}")
print(f"{'':16}{'parameters':>11}{'reported':>11}    {'parameters':>10}{'this run':>10}")
for kind, (_, accuracy, parameters) in results.items():
    if rt.profile == "quick":
        assert 100 * accuracy > BOUNDS[kind], (kind, accuracy)
    shown = rt.choose(quick=f"> {BOUNDS[kind]} %", full=f"{100 * accuracy:.2f} %")
    print(f"{kind:16}{full_width[kind]:11,}{REPORTED[kind]:9.2f} %    {parameters:10,}{shown:>10}")

accuracies = {kind: accuracy for kind, (_, accuracy, _) in results.items()}
order = sorted(accuracies, key=accuracies.get, reverse=True)
print("order:", " > ".join(order))
if rt.profile == "quick":
    assert order == sorted(REPORTED, key=REPORTED.get, reverse=True)

# %% [markdown] key="budget-text" lang="en"
# In the quick profile the order is the same. Is `Conv2D` then the better layer? Careful: at equal *width* it also has by far the most
# parameters. So ask the other question. Widen the separable network until its parameters are those of the `Conv2D` network,
# and train it in the same way:
#
# %% [markdown] key="budget-text" lang="ja"
# クイックプロファイルでは、順位は同じになります。では、`Conv2D` のほうが優れた層なのでしょうか。ここで注意が必要です。**チャネル数**を揃えると、`Conv2D` はパラメータ数も
# 圧倒的に多くなります。そこで、問いを変えてみましょう。セパラブル畳み込みのネットワークのチャネル数を増やし、パラメータ数を `Conv2D` のネットワークと
# 揃えて、同じように学習させます。
#
# %% key="budget"
channels = data.x_train.shape[-1]
budget = results["Conv2D"][2]
reported = [(kind, full_width[kind], REPORTED[kind]) for kind in KINDS]
ours = [(kind, parameters, 100 * accuracy) for kind, (_, accuracy, parameters) in results.items()]
kind = "SeparableConv2D"
sizes = {w: parameters_by_formula(kind, w, channels) for w in range(1, 500)}
width = min(sizes, key=lambda w: abs(sizes[w] - budget))
_, accuracy, parameters = train(kind, width)
assert parameters == sizes[width] and abs(parameters - budget) < 0.05 * budget
print(f"{kind}, width {width} instead of {config['width']}: ", end="")
print(f"{parameters:,} parameters (Conv2D: {budget:,})")
if rt.profile == "quick":
    assert accuracy > accuracies[kind] and abs(accuracy - accuracies["Conv2D"]) < 0.03
    print("test accuracy: within 3 points of Conv2D, and above the narrow network")
else:
    print(f"test accuracy: {100 * accuracy:.2f} %, Conv2D {100 * accuracies['Conv2D']:.2f} %")
images = len(data.x_test)
typical = rt.choose(quick=0.97, full=0.85)
error = 100 * math.sqrt(typical * (1 - typical) / images)
print(f"{images} test images: one is {100 / images:.2f} points")
print(f"an accuracy of {100 * typical:.0f} % has a standard error of {error:.1f} points")

ours.append((f"{kind}, width {width}", parameters, 100 * accuracy))
title = f"this run, {data.name}, width {config['width']}"
panels = {"reported, CIFAR-10, width 64": reported, title: ours}
costs.accuracy_against_parameters(panels)
plt.show()

# %% [markdown] key="discussion" lang="en"
# At equal parameters the lead of `Conv2D` over `SeparableConv2D` is gone: what separated these two was, above all, their
# *budget*. (Which of them is ahead now cannot be told: on so few test images, a point more or less is chance.) That is one small
# experiment, and so was the note's: one architecture, one data set, one training each. What the literature adds:
#
# - MobileNet with standard convolutions reached 71.7 % on ImageNet, with depthwise separable ones 70.6 %: about one point
#   less for 1/8.6 of the multiplications and 1/7 of the parameters (Howard et al. 2017, Table 4).
# - Xception, built from separable convolutions, beat Inception V3 at about equal parameters (Chollet 2017, Tables 1 and 3).
#
# So the number of parameters alone does not decide, and the last point of accuracy can be expensive. Ask: *at what cost?* Chapter 02 searches such trade-offs, chapter 06 measures
# them on MobileNet and VGG16.
#
# %% [markdown] key="discussion" lang="ja"
# パラメータ数を揃えると、`Conv2D` と `SeparableConv2D` の差はなくなりました。この2つを分けていたのは、何よりも**予算**だったのです(揃えた後に
# どちらが上かまでは、わかりません。テスト画像がこれだけ少ないと、1ポイント程度の差は偶然でも生じます)。ただし、これは小さな実験1つにすぎません。先の学習ノートも同じで、構成1つ、データ1つ、
# 学習は1回ずつです。文献からは、次のことがわかります。
#
# - ImageNetでの精度は、通常の畳み込みで作ったMobileNetが71.7%、デプスワイズ・セパラブル畳み込みでは70.6%でした。約1ポイントの低下と引き換えに、
#   掛け算は約8.6分の1、パラメータは約7分の1になっています(Howard et al. 2017, Table 4)。
# - セパラブル畳み込みで構成したXceptionは、ほぼ同じパラメータ数でInception V3を上回りました(Chollet 2017, Table 1・3)。
#
# つまり、精度はパラメータ数だけでは決まらず、最後の1ポイントは高くつくことがあります。問うべきは「**その精度に、いくらかかるか**」です。2章ではこのトレードオフを探索し、
# 6章ではMobileNetとVGG16で実測します。
#
# %% [markdown] key="mistake-shared" lang="en"
# ## Common mistakes
#
# Claims from notes that circulate among candidates. Each is wrong; each is shown by running something.
#
# ### "Depthwise: one kernel, shared by all channels"
#
# No: one kernel *per channel*, $k^2 C$ weights. Shared weights would be $k^2$, and would give something else.
#
# %% [markdown] key="mistake-shared" lang="ja"
# ## よくある誤り
#
# 受験者の間に出回っているノートから取った主張です。どれも誤りであることを、実際に動かして示します。
#
# ### 「デプスワイズ畳み込みでは、1つのカーネルを全チャネルで共有する」
#
# 違います。カーネルは**チャネルごとに**1つあり、重みは $k^2 C$ 個です。共有するなら重みは $k^2$ 個で、結果も変わります。
#
# %% key="mistake-shared-run"
own = np.arange(1.0, 19).reshape(3, 3, 2, 1)
shared = np.repeat(own[:, :, :1], 2, axis=2)  # channel 0's kernel for both
layer = keras.layers.DepthwiseConv2D(3, use_bias=False, dtype="float32")
layer.build((None, 3, 3, 2))
print(f"weights: {layer.count_params()} = 9·2, not 9")
assert layer.count_params() == 18
print(f"own kernels    {depthwise(x_seed, own)[0, 0].round(1)}")
print(f"shared kernel  {depthwise(x_seed, shared)[0, 0].round(1)}")
layer.set_weights([own])
y, _, _ = keras_gradients(layer, x_seed[None].astype("float32"), np.zeros((1, 1, 1, 2), "float32"))
assert np.allclose(y, depthwise(x_seed, own))
assert not np.allclose(depthwise(x_seed, shared), depthwise(x_seed, own))

# %% [markdown] key="mistake-directions" lang="en"
# ### "Depthwise works in the channel direction, pointwise in the XY direction"
#
# Reversed. Change one pixel of one channel and see who notices.
#
# %% [markdown] key="mistake-directions" lang="ja"
# ### 「デプスワイズはチャネル方向、ポイントワイズはXY方向に働く」
#
# 逆です。1つのチャネルの1画素だけを変えて、出力のどこが変わるかを見ましょう。
#
# %% key="mistake-directions-run"
before = rng.standard_normal((5, 5, 3))
after = before.copy()
after[2, 2, 0] += 1
D3, P3 = rng.standard_normal((3, 3, 3, 1)), rng.standard_normal((1, 1, 3, 3))
for name, convolution_of, kernel in (("depthwise", depthwise, D3), ("pointwise", pointwise, P3)):
    changed = ~np.isclose(convolution_of(after, kernel), convolution_of(before, kernel))
    pixels, channels = changed.any(axis=2).sum(), changed.any(axis=(0, 1)).sum()
    print(f"{name}: {pixels} pixels change, in {channels} of 3 channels")
    assert (pixels, channels) == {"depthwise": (9, 1), "pointwise": (1, 3)}[name]

# %% [markdown] key="mistake-inverse" lang="en"
# ### "Conv2DTranspose is the inverse of Conv2D" (and the name *deconvolution*)
#
# It is the adjoint: it restores the shape, not the values. Dumoulin & Visin advise against the name *deconvolution* for
# just this reason (§4.2).
#
# %% [markdown] key="mistake-inverse" lang="ja"
# ### 「Conv2DTransposeはConv2Dの逆変換である」(「逆畳み込み(deconvolution)」という呼び名も)
#
# 逆変換ではなく、随伴です。復元するのは形状で、値ではありません。DumoulinとVisinは、まさにこの理由で *deconvolution* という呼び名を
# 勧めていません(§4.2)。
#
# %% key="mistake-inverse-run"
original = rng.standard_normal((6, 6, 2))
kernel = rng.standard_normal((3, 3, 2, 3))
there = convolve(original, kernel)
back = convolve_transpose(there, kernel)
print(f"shapes {original.shape} -> {there.shape} -> {back.shape}")
assert back.shape == original.shape
distance = np.linalg.norm(back - original) / np.linalg.norm(original)
print(f"distance from the original: {'more' if distance > 1 else 'less'} ", end="")
print("than its own length: values are not restored")
assert distance > 1
test = rng.standard_normal(there.shape)
assert math.isclose(np.sum(there * test), np.sum(original * convolve_transpose(test, kernel)))
print("the adjoint identity holds")

# %% [markdown] key="mistake-output" lang="en"
# ### "A depthwise layer has as many outputs as inputs" and "separable is always smaller"
#
# Outputs: $C \cdot M$; with `depth_multiplier` you choose. And with a single filter ($F = 1$) the ratio $1/F + 1/k^2$ exceeds 1,
# whatever the number of input channels: from 1 channel to 1, $9 + 1 = 10$ weights where the standard layer has 9.
#
# %% [markdown] key="mistake-output" lang="ja"
# ### 「デプスワイズ畳み込みの出力チャネル数は入力と同じ」「セパラブル畳み込みは必ず小さくなる」
#
# 出力は $C \cdot M$ チャネルで、`depth_multiplier` で変えられます。また、フィルタが1個だけなら($F = 1$)、比 $1/F + 1/k^2$ が1を超え、
# 入力チャネル数によらず重みが増えます。1チャネルから1チャネルなら、通常の畳み込みの9個に対して $9 + 1 = 10$ 個です。
#
# %% key="mistake-output-run"
shape = keras.layers.DepthwiseConv2D(3, depth_multiplier=4).compute_output_shape((1, 8, 8, 3))
print(f"depth_multiplier=4: 3 -> {shape[-1]} channels")
assert shape[-1] == 12

for channels, filters in ((1, 1), (64, 1), (1, 2), (8, 8)):
    counts = []
    for layer in (keras.layers.Conv2D, keras.layers.SeparableConv2D):
        built = layer(filters, 3, use_bias=False)
        built.build((None, 8, 8, channels))
        counts.append(built.count_params())
    print(f"{channels} -> {filters}: standard {counts[0]:3d}, separable {counts[1]:3d} weights")
    assert (counts[1] > counts[0]) == (1 / filters + 1 / 9 > 1)

# %% [markdown] key="mistake-cost" lang="en"
# ### "MobileNet cuts the cost to 1/9" and the blanks of the cost question
#
# $1/9$ is the limit for infinitely many filters; the ratio is $1/F + 1/9$. And where a question asks for the *cost* of the
# two steps, ratios such as $1/C$ or $1/K^2$ cannot be the answer. With the question's letters ($H \times W$ positions, $C$ input
# channels, $M$ filters): depthwise $H W C K^2$, pointwise $H W C M$ (Howard et al. 2017, eqs. (4) and (5)). Their sum is
# $1/M + 1/K^2$ of the standard $H W C M K^2$. (Here $M$ counts filters; it is not the depth multiplier.)
#
# %% [markdown] key="mistake-cost" lang="ja"
# ### 「MobileNetは計算量を1/9にする」、そして計算量の空欄問題
#
# $1/9$ は、フィルタ数が無限に多いときの極限です。実際の比は $1/F + 1/9$ です。また、2つの段の**計算量**を問う空欄に、$1/C$ や $1/K^2$ のような
# **比**が入るはずはありません。問題の記号($H \times W$ の位置、入力 $C$ チャネル、フィルタ $M$ 個)で書けば、デプスワイズが $H W C K^2$、
# ポイントワイズが $H W C M$ です(Howard et al. 2017, 式(4)・(5))。合計は、通常の畳み込み $H W C M K^2$ の $1/M + 1/K^2$ 倍です(ここの $M$ は
# フィルタ数で、depth multiplierではありません)。
#
# %% key="mistake-cost-run"
for filters in (1, 8, 64, 512):
    separable = conv_arithmetic.separable_conv2d_macs(14, 3, 32, filters)
    ratio = separable / conv_arithmetic.conv2d_macs(14, 3, 32, filters)
    print(f"F = {filters:3d}: separable / standard = {ratio:.3f}   (1/9 = {1 / 9:.3f})")
    assert math.isclose(ratio, 1 / filters + 1 / 9) and ratio > 1 / 9

H, W, C, K, M = 14, 14, 32, 3, 64
X = np.ones((H * W, K * K))  # the windows of one channel
assert C * X.size == H * W * C * K**2 == conv_arithmetic.depthwise_conv2d_macs(14, 3, 32)
assert H * W * C * M == conv_arithmetic.conv2d_macs(14, 1, 32, 64)
assert math.isclose(H * W * C * K**2 + H * W * C * M, H * W * C * M * K**2 * (1 / M + 1 / K**2))
print(f"depthwise H·W·C·K² = {H * W * C * K**2:,}   pointwise H·W·C·M = {H * W * C * M:,}")

# %% [markdown] key="mistake-same" lang="en"
# ### "`padding='same'` is `padding=1` for a 3×3 kernel"
#
# Always with stride 1; with stride 2 it depends on the size. On an *odd* size Keras adds one zero on each side, as $p = 1$
# does. On an *even* size it adds one zero *after* and none before; a framework with $p = 1$ adds one on each side and ends with
# the same output size, but with every window shifted by a pixel. Weights moved from one to the other give different numbers,
# without any error.
#
# %% [markdown] key="mistake-same" lang="ja"
# ### 「3×3カーネルの `padding='same'` は `padding=1` と同じ」
#
# 必ず同じになるのは、ストライドが1のときです。ストライドが2のときは、サイズによります。**奇数**サイズなら、Kerasも両側に1つずつ補うので同じです。
# **偶数**サイズでは、Kerasは0を**後ろ**に1つだけ補い、前には補いません。$p = 1$ を指定するフレームワークでは、両側に1つずつ補います。出力サイズは
# 同じですが、すべての窓が1画素ずれます。重みを移すと、エラーも出ないまま値が変わります。
#
# %% key="mistake-same-run"
for size, strides in ((6, 1), (5, 2), (6, 2)):
    x = rng.standard_normal((1, size, size, 2))
    same = Conv2D(3, 3, 2, strides, padding="same", dtype="float64")
    one = Conv2D(3, 3, 2, strides, padding=1, dtype="float64")
    one.params = same.params
    y_same, y_one = same.forward(x), one.forward(x)
    equal = np.allclose(y_same, y_one)
    verdict = "equal" if equal else "different"
    zeros = conv_arithmetic.padding_amounts(size, 3, strides, "same")
    print(f"size {size}, stride {strides}: 'same' pads {zeros}, p = 1 pads (1, 1): ", end="")
    print(f"shapes equal, values {verdict}")
    assert y_same.shape == y_one.shape and equal == ((size, strides) != (6, 2))

# %% [markdown] key="mistake-flip" lang="en"
# ### "A convolution flips the kernel"
#
# In mathematics it does; in deep learning it does not. What frameworks call convolution is *cross-correlation*. For learned
# weights it makes no difference, but for a kernel you type in yourself it does.
#
# %% [markdown] key="mistake-flip" lang="ja"
# ### 「畳み込みではカーネルを反転させる」
#
# 数学の畳み込みでは反転させますが、深層学習では反転させません。フレームワークの「畳み込み」は、数学でいう**相互相関(cross-correlation)** です。
# 学習で決まる重みならどちらでも同じですが、自分で値を決めたカーネルでは結果が変わります。
#
# %% key="mistake-flip-run"
signal, weights = np.array([1.0, 2, 3, 4]), np.array([1.0, 0, -1])
ours = np.array([np.sum(signal[i : i + 3] * weights) for i in range(2)])  # slide, multiply, add
layer = keras.layers.Conv2D(1, (1, 3), use_bias=False, dtype="float32")
layer.build((None, 1, 4, 1))
layer.set_weights([weights.reshape(1, 3, 1, 1)])
line, dy = signal.reshape(1, 1, 4, 1).astype("float32"), np.zeros((1, 1, 2, 1), "float32")
theirs = keras_gradients(layer, line, dy)[0].ravel()
flipped = np.convolve(signal, weights, "valid")
print(f"Keras {theirs}   slide-multiply-add {ours}   np.convolve {flipped}")
assert np.allclose(theirs, ours) and not np.allclose(theirs, flipped)

# %% [markdown] key="mistake-retired" lang="en"
# ### Code that no longer runs, or should not be written any more
#
# Older notes use names that are gone (the first two rows) or that need care. What to write now:
#
# | old | now |
# |---|---|
# | `keras.utils.np_utils.to_categorical` | `keras.utils.to_categorical`, or integer labels with `sparse_categorical_crossentropy` |
# | `tf.layers.conv2d(…)` | `keras.layers.Conv2D(…)` |
# | `history["val_acc"]` | the name you gave in `metrics=`: `"accuracy"` gives `history["val_accuracy"]` |
# | `model.save("m.h5")` | `model.save("m.keras")` |
# | `from tensorflow.keras …` beside `from keras …` | one of them; here `import keras` |
#
# %% [markdown] key="mistake-retired" lang="ja"
# ### もう動かないコード、もう書かないほうがよいコード
#
# 古いノートには、今はもうない名前(上の2行)や、注意が必要な書き方が出てきます。現在の書き方は次のとおりです。
#
# | 古い書き方 | 現在の書き方 |
# |---|---|
# | `keras.utils.np_utils.to_categorical` | `keras.utils.to_categorical`、または整数ラベルと `sparse_categorical_crossentropy` |
# | `tf.layers.conv2d(…)` | `keras.layers.Conv2D(…)` |
# | `history["val_acc"]` | `metrics=` に書いた名前がキーになる。`"accuracy"` なら `history["val_accuracy"]` |
# | `model.save("m.h5")` | `model.save("m.keras")` |
# | `from tensorflow.keras …` と `from keras …` の混在 | どちらか一方に統一。この教材では `import keras` |
#
# %% key="mistake-retired-run"
history = results["Conv2D"][0]
print("names in the history:", ", ".join(sorted(history)))
assert "val_accuracy" in history  # the name that `compile(metrics=["accuracy"])` gave
assert not hasattr(keras.utils, "np_utils") and hasattr(keras.utils, "to_categorical")


# %% [markdown] key="ex-size-text" lang="en"
# ## Exercises
#
# Fill the blank, run the cell, then run the check below it. The checks recognise the usual mistakes. Each exercise needs only
# the setup and the imports at the top.
#
# ### 1. Output size with everything
#
# $p$ zeros on each side, stride $s$, dilation $d$. The kernel spans more than $k$ pixels.
#
# %% [markdown] key="ex-size-text" lang="ja"
# ## 演習
#
# 空欄を埋めてセルを実行し、続けてすぐ下の確認セルを実行してください。よくある間違いなら、どこを間違えたかが表示されます。どの演習も、冒頭の準備と
# importのセルだけを実行しておけば始められます。
#
# ### 1. すべての設定を含む出力サイズ
#
# 両側に $p$ 個ずつの0、ストライド $s$、ダイレーション $d$ です。カーネルは $k$ 画素より広い範囲に広がります。
#
# %% key="ex-size" tags=["exercise"]
def conv_output_size(i, k, s, p, d):
    """Output size along one axis, as an int."""
    ### BEGIN SOLUTION
    k_eff = k + (k - 1) * (d - 1)
    return (i + 2 * p - k_eff) // s + 1
    ### END SOLUTION


# %% key="ex-size-check" tags=["edition-output"]
exam.check(conv_output_size, **exercises.SIZE)


# %% [markdown] key="ex-backward-text" lang="en"
# ### 2. The scatter in the backward pass
#
# One channel, stride 1. `dy[i, j]` is the gradient of the output number at $(i, j)$. Complete the loop that computes the
# gradient of the input. (No flipping is needed if you go through the *output* positions.)
#
# %% [markdown] key="ex-backward-text" lang="ja"
# ### 2. 逆伝播でのばらまき
#
# 1チャネル、ストライド1とします。`dy[i, j]` は、出力の位置 $(i, j)$ の数値の勾配です。入力の勾配を求めるループを完成させてください
# (**出力**の位置を順にたどれば、カーネルの反転は要りません)。
#
# %% key="ex-backward" tags=["exercise"]
def input_gradient(dy, K, height, width):
    """dy (H - k + 1, W - k + 1), K (k, k) -> dx (H, W)."""
    k = len(K)
    dx = np.zeros((height, width))
    for i, j in np.ndindex(dy.shape):
        ### BEGIN SOLUTION
        dx[i : i + k, j : j + k] += dy[i, j] * K
        ### END SOLUTION
    return dx


# %% key="ex-backward-check" tags=["edition-output"]
exam.check(input_gradient, **exercises.SCATTER)


# %% [markdown] key="ex-cost-text" lang="en"
# ### 3. What does a separable layer cost?
#
# $C$ input channels, `depth_multiplier` $M$, $F$ filters, kernel $k \times k$, *output* of size $o \times o$, no bias. Return the
# number of weights and the number of MACs.
#
# %% [markdown] key="ex-cost-text" lang="ja"
# ### 3. セパラブル畳み込みのコスト
#
# 入力 $C$ チャネル、`depth_multiplier` は $M$、フィルタ $F$ 個、カーネル $k \times k$、**出力**のサイズ $o \times o$、バイアスなしとします。(重みの数,
# MACの回数) の順に返してください。
#
# %% key="ex-cost" tags=["exercise"]
def separable_cost(o, k, C, F, M):
    """(weights, MACs) of SeparableConv2D for one image."""
    ### BEGIN SOLUTION
    weights = k * k * C * M + C * M * F
    return weights, o * o * weights
    ### END SOLUTION


# %% key="ex-cost-check" tags=["edition-output"]
exam.check(separable_cost, **exercises.COST)


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
exam.quiz("01_convolution")

# %% [markdown] key="references" lang="en"
# ## References
#
# - V. Dumoulin, F. Visin (2016), *A guide to convolution arithmetic for deep learning*, arXiv:1603.07285. Output sizes:
#   Relationships 1–6 (ch. 2) and 15 (§5.1, dilation). Convolution as a matrix and its transpose: §4.1–4.2. Transposed sizes:
#   Relationships 8–14.
# - K. Chellapilla, S. Puri, P. Simard (2006), *High performance convolutional neural networks for document processing*, IWFHR.
#   Unrolling the convolution into matrix products, forward and backward (what is now called im2col).
# - A. Araujo, W. Norris, J. Sim (2019), *Computing receptive fields of convolutional neural networks*, Distill,
#   doi:10.23915/distill.00021. Recurrence and closed form: section "Computing receptive field size".
# - A. G. Howard et al. (2017), *MobileNets*, arXiv:1704.04861. Costs: §3.1, eqs. (2), (4), (5) and the ratio below (5);
#   standard against separable on ImageNet: Table 4.
# - F. Chollet (2017), *Xception: deep learning with depthwise separable convolutions*, CVPR, arXiv:1610.02357. The continuum
#   between convolutions and separable convolutions: §1.2; nothing between the two steps: §4.7; results: Tables 1 and 3.
# - A. Odena, V. Dumoulin, C. Olah (2016), *Deconvolution and checkerboard artifacts*, Distill: where stamps overlap unevenly.
# - I. Goodfellow, Y. Bengio, A. Courville (2016), *Deep learning*, MIT Press: cross-correlation in §9.1; the gradients in §9.5,
#   eqs. (9.11)–(9.13).
# - A. Krizhevsky, I. Sutskever, G. Hinton (2012), *ImageNet classification with deep convolutional neural networks*, NeurIPS,
#   §3.5: grouped convolution, to fit a network on two GPUs.
# - F. Yu, V. Koltun (2016), *Multi-scale context aggregation by dilated convolutions*, ICLR, arXiv:1511.07122, §2.
# - Keras documentation: `Conv2D`, `DepthwiseConv2D`, `SeparableConv2D`, `Conv2DTranspose`; TensorFlow documentation of
#   `tf.nn` on padding: the rule for `same`.
# - The three networks and their accuracies: a Japanese study note on Qiita by koshian2 (2019), on convolution by numerical
#   examples.
#
# **Next** 02 searches over such modules; 03 and 04 build the classic networks from them; 24 uses the transposed convolution
# to segment images.
#
# %% [markdown] key="references" lang="ja"
# ## 参考文献
#
# - V. Dumoulin, F. Visin (2016), *A guide to convolution arithmetic for deep learning*, arXiv:1603.07285. 出力サイズ:Relationship 1〜6(2章)、
#   15(§5.1、ダイレーション)。行列としての畳み込みとその転置:§4.1〜4.2。転置畳み込みのサイズ:Relationship 8〜14。
# - K. Chellapilla, S. Puri, P. Simard (2006), *High performance convolutional neural networks for document processing*, IWFHR.
#   順伝播と逆伝播を、それぞれ行列積に展開する方法(現在im2colと呼ばれるもの)。
# - A. Araujo, W. Norris, J. Sim (2019), *Computing receptive fields of convolutional neural networks*, Distill,
#   doi:10.23915/distill.00021. 漸化式と閉じた式:"Computing receptive field size" の節。
# - A. G. Howard et al. (2017), *MobileNets*, arXiv:1704.04861. 計算量:§3.1、式(2)・(4)・(5)と、式(5)の直後の比。ImageNetでの通常の畳み込みとの比較:
#   Table 4。
# - F. Chollet (2017), *Xception: deep learning with depthwise separable convolutions*, CVPR, arXiv:1610.02357. 通常の畳み込みとセパラブル畳み込みの
#   連続性:§1.2。2つの段の間に何も挟まないこと:§4.7。結果:Table 1・3。
# - A. Odena, V. Dumoulin, C. Olah (2016), *Deconvolution and checkerboard artifacts*, Distill. スタンプの重なりが均等でないときに起こること。
# - I. Goodfellow, Y. Bengio, A. Courville (2016), *Deep learning*, MIT Press. 相互相関:§9.1。勾配:§9.5、式(9.11)〜(9.13)。
# - A. Krizhevsky, I. Sutskever, G. Hinton (2012), *ImageNet classification with deep convolutional neural networks*, NeurIPS, §3.5:
#   ネットワークを2台のGPUに分けるためのグループ化畳み込み。
# - F. Yu, V. Koltun (2016), *Multi-scale context aggregation by dilated convolutions*, ICLR, arXiv:1511.07122, §2.
# - Kerasのドキュメント:`Conv2D`、`DepthwiseConv2D`、`SeparableConv2D`、`Conv2DTranspose`。TensorFlowの `tf.nn` のドキュメント:`same` のパディングの規則。
# - 3つのネットワークとその精度:数値例で畳み込みを解説した学習ノート(koshian2、Qiita、2019年)。
#
# **次の章** 2章では、こうしたモジュールの構成を探索します。3章と4章では、古典的なネットワークを組み立てます。24章では、転置畳み込みを使って画像を
# 領域分割します。

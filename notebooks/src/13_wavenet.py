# ---
# study:
#   title: {en: "WaveNet", ja: "WaveNet"}
#   scope: optional
#   minutes: 150
#   topics: ["4.5", "4.6.5"]
#   prerequisites: ["01_convolution", "07_rnn_bptt"]
#   tpu: true
# ---
# %% [markdown] key="title" lang="en"
# # 13 · WaveNet
#
# {{badge}}
#
# After this chapter you can compute the receptive field of a dilated causal stack, write μ-law and the gated unit from
# memory, and say what runs in parallel in WaveNet and what does not. On the way a small WaveNet learns six seconds of
# guitar, and you generate its samples with a thousandth of the multiplications, without changing a single one of them.
#
# **Optional** (※ in the 2024 and 2026 editions: syllabus 4.5 may be left out of a course's exam part; autoregressive
# models, 4.6.5, are new in 2026) · **Time** 150 minutes, best in two sittings (80 to the end of *Agreement*, then 70) ·
# **You need** convolution (chapter 01) and the idea of a state that is carried along (chapter 07)
#
# %% [markdown] key="title" lang="ja"
# # 13 · WaveNet
#
# {{badge}}
#
# この章を終えると、ダイレーション付き因果的畳み込みの受容野を計算でき、μ-law圧縮とゲート付き活性化の式を何も見ずに書け、WaveNetで並列に計算できるものとできないものを説明できるようになります。途中では、小さなWaveNetに6秒間のギターの音を学習させ、生成に必要な乗算を、1サンプルも変えずに約1,000分の1に減らします。
#
# **任意項目**(※ 2024年版・2026年版では、シラバス4.5は試験範囲から除かれることがあります。自己回帰モデル(4.6.5)は2026年版で新たに加わりました) · **所要時間** 150分(2回に分けるなら、「確かめる」まで80分、残り70分) · **前提** 畳み込み(第01章)、状態を引き継ぐという考え方(第07章)
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
import time
from collections import deque

import keras
import matplotlib.pyplot as plt
import numpy as np

from utils import datasets, exam, plots, training
from utils.audio import generation, mu_law
from utils.audio.player import Player, levels
from utils.exam.exercises import wavenet as exercises
from utils.gradient_check import keras_gradients, numerical_gradient, relative_error
from utils.keras_models.pixelcnn import MaskedConv2D, allowed_taps, pixelcnn
from utils.keras_models.wavenet import wavenet
from utils.numpy_layers.causal_conv1d import CausalConv1D, receptive_field
from utils.numpy_layers.gated_activation import GatedActivation
from utils.pictures import dilation as pictures

plots.style()

# %% [markdown] key="factor" lang="en"
# ## Key ideas
#
# ### A sound is a product of predictions
#
# A second of sound is thousands of numbers $x_1, x_2, \dots, x_T$, its **samples**. How probable is such a sequence? The
# product rule takes it apart, without any assumption:
#
# $$p(x_1, \dots, x_T) = \prod_{t=1}^{T} p(x_t \mid x_1, \dots, x_{t-1})$$
#
# So whoever can predict the next sample from the earlier ones has a model of sound. A model of this form is called
# **autoregressive**. It gives two very different jobs:
#
# | job | given | to compute | order |
# |---|---|---|---|
# | training | all of $x_1, \dots, x_T$ | all $T$ predictions | **in parallel**: every input is known |
# | generation | the beginning | $x_t$, then $x_{t+1}$, then … | **sequential**: each sample is the next one's input |
#
# WaveNet makes the predictions with convolutions, as PixelCNN had done before it for the pixels of a picture.
#
# ### Causal, and dilated
#
# A prediction must not read what it predicts. A **causal convolution** with $k$ taps reads the present and the past only
# (its output at $t$ serves to predict the **next** sample, $x_{t+1}$):
#
# $$y_t = b + \sum_{j=0}^{k-1} x_{t - d\,(k-1-j)}\; W_j$$
#
# | symbol | meaning | shape | in Keras |
# |---|---|---|---|
# | $x_t$, $y_t$ | input and output at time $t$ | $(N, C)$, $(N, F)$ | `x[:, t]`, `padding="causal"` |
# | $W_j$, $b$ | tap $j$ of the kernel, bias | $(C, F)$, $(F,)$ | `kernel[j]`, `bias` |
# | $k$, $d$ | number of taps, dilation | | `kernel_size`, `dilation_rate` |
#
# With $d = 1$, four layers with two taps see five samples:
#
# %% [markdown] key="factor" lang="ja"
# ## 要点
#
# ### 音の確率を予測の積で表す
#
# 1秒間の音は、数千個の数値 $x_1, x_2, \dots, x_T$ の列です。1つ1つを**サンプル**と呼びます。このような列の確率は、乗法定理によって、何の仮定も置かずに分解できます。
#
# $$p(x_1, \dots, x_T) = \prod_{t=1}^{T} p(x_t \mid x_1, \dots, x_{t-1})$$
#
# つまり、過去のサンプルから次のサンプルを予測できれば、音のモデルができます。この形のモデルを**自己回帰モデル**(autoregressive model)といいます。学習と生成とでは、計算の性質がまったく異なります。
#
# | 処理 | 与えられるもの | 計算するもの | 順序 |
# |---|---|---|---|
# | 学習 | $x_1, \dots, x_T$ のすべて | $T$ 個の予測のすべて | **並列**:入力はすべて既知 |
# | 生成 | 先頭の部分 | $x_t$、次に $x_{t+1}$、その次に… | **逐次**:サンプルが次のサンプルの入力になる |
#
# WaveNetは、この予測を畳み込みで行います。画像の画素について同じことを行った、PixelCNNの考え方を受け継いでいます。
#
# ### 因果的畳み込みとダイレーション
#
# 予測では、予測する値そのものを読んではいけません。タップが $k$ 個の**因果的畳み込み**(causal convolution)は、現在と過去だけを読みます(時刻 $t$ の出力から予測するのは、**次の**サンプル $x_{t+1}$ です)。
#
# $$y_t = b + \sum_{j=0}^{k-1} x_{t - d\,(k-1-j)}\; W_j$$
#
# | 記号 | 意味 | 形状 | Kerasでの名前 |
# |---|---|---|---|
# | $x_t$, $y_t$ | 時刻 $t$ の入力と出力 | $(N, C)$, $(N, F)$ | `x[:, t]`、`padding="causal"` |
# | $W_j$, $b$ | カーネルのタップ $j$、バイアス | $(C, F)$, $(F,)$ | `kernel[j]`, `bias` |
# | $k$, $d$ | タップの数、ダイレーション率 | | `kernel_size`, `dilation_rate` |
#
# $d = 1$ のとき、2タップの層を4つ重ねても、見えるサンプルは5個だけです。
#
# %% key="plain-figure"
pictures.stack((1, 1, 1, 1))
plt.show()

# %% [markdown] key="dilated" lang="en"
# Now **double the gap $d$ from layer to layer**. The same four layers, with the same number of weights and of
# multiplications, see sixteen:
#
# %% [markdown] key="dilated" lang="ja"
# ここで、**間隔 $d$ を層ごとに2倍**にします。層の数も、重みの数も、乗算の回数も同じまま、見えるサンプルは16個に増えます。
#
# %% key="dilated-figure"
pictures.stack((1, 2, 4, 8))
plt.show()

# %% [markdown] key="field" lang="en"
# Each layer adds $(k-1) \cdot d$ samples to what is seen. So the **receptive field** of a stack is
#
# $$\boxed{\;R = 1 + (k - 1) \sum_{\text{layers}} d\;}$$
#
# With $k = 2$ and $d = 1, 2, 4, 8$: $R = 1 + 15 = 16$. With ten layers, $d = 1, \dots, 512$: $R = 1 + 1023 = 1024$. Without
# dilation that would take 1,023 layers.
#
# ### What is in a block
#
# %% [markdown] key="field" lang="ja"
# 1つの層で、見えるサンプルが $(k-1) \cdot d$ 個増えます。したがって、層を重ねたときの**受容野**(receptive field)は次のとおりです。
#
# $$\boxed{\;R = 1 + (k - 1) \sum_{\text{各層}} d\;}$$
#
# $k = 2$、$d = 1, 2, 4, 8$ なら $R = 1 + 15 = 16$ です。10層で $d = 1, \dots, 512$ なら $R = 1 + 1023 = 1024$ になります。ダイレーションを使わなければ、1,023層が必要です。
#
# ### ブロックの中身
#
# %% key="block-figure"
pictures.block()
plt.show()


# %% [markdown] key="block" lang="en"
# - **Gated unit**: $z = \tanh(W_f * x) \odot \sigma(W_g * x)$. The tanh makes the content; the gate, between 0 and 1,
#   decides how much of it passes. (The LSTM of chapter 08 uses the same pair.)
# - **Residual connection**: the block adds its result to its input, so that many blocks can be trained.
# - **Skip connection**: every block also sends $z$, through a 1×1 convolution of its own, past the later blocks to the
#   output, where all of them are added up.
# - **Softmax over 256 classes**: the output is no number but a distribution. For that the samples are cut into 256
#   classes, after **μ-law** companding, which gives quiet samples finer steps:
#
# $$f(x) = \operatorname{sign}(x)\, \frac{\ln(1 + \mu |x|)}{\ln(1 + \mu)}, \qquad -1 \le x \le 1, \quad \mu = 255$$
#
# **Three sentences to take into the exam**
#
# 1. WaveNet is **autoregressive** and **causal**; it is built on PixelCNN and has no recurrent layer.
# 2. Dilation widens the receptive field **for the same number of parameters**: $R = 1 + (k-1) \sum d$.
# 3. **Training is parallel over time, generation is sequential.**
#
# %% [markdown] key="block" lang="ja"
# - **ゲート付き活性化**(gated activation unit):$z = \tanh(W_f * x) \odot \sigma(W_g * x)$。tanhが内容を作り、0〜1の値をとるゲートが通す量を決めます(第08章のLSTMにも同じ組み合わせがあります)。
# - **残差接続**(residual connection):ブロックの結果を入力に足します。多くのブロックを重ねても学習できます。
# - **スキップ接続**(skip connection):各ブロックの $z$ を、専用の1×1畳み込みを通して、後のブロックを経由せずに出力側へ送り、すべて足し合わせます。
# - **256クラスのソフトマックス**:出力は1つの数値ではなく確率分布です。そのために、サンプルを256個のクラスに分けます。分ける前に、小さい振幅ほど細かく区切られるよう、**μ-law**で圧縮します。
#
# $$f(x) = \operatorname{sign}(x)\, \frac{\ln(1 + \mu |x|)}{\ln(1 + \mu)}, \qquad -1 \le x \le 1, \quad \mu = 255$$
#
# **試験前に押さえる3つのポイント**
#
# 1. WaveNetは**自己回帰**かつ**因果的**なモデルである。PixelCNNをもとにしており、再帰層をもたない。
# 2. ダイレーションは、**パラメータ数を変えずに**受容野を広げる。$R = 1 + (k-1) \sum d$。
# 3. **学習は時間方向に並列化できる。生成は逐次的に行う。**
#
# %% [markdown] key="conv-text" lang="en"
# ## From the formula to NumPy
#
# ### The convolution, tap by tap
#
# %% [markdown] key="conv-text" lang="ja"
# ## 数式とコード
#
# ### 畳み込みをタップごとに
#
# %% key="conv"
def causal_conv(x, kernel, bias, d):
    """x (N, T, C), kernel (k, C, F), bias (F,) -> y (N, T, F)."""
    k, T = len(kernel), x.shape[1]
    y = np.zeros((len(x), T, kernel.shape[2])) + bias
    for j in range(k):
        lag = d * (k - 1 - j)  # tap j looks this far back; the last tap looks at x_t itself
        for t in range(lag, T):  # before the beginning the input counts as 0
            y[:, t] += x[:, t - lag] @ kernel[j]
    return y


# %% [markdown] key="hand-text" lang="en"
# **In your head.** Two taps, old = 1 and new = 10, dilation 2, no bias: $y_t = x_{t-2} + 10\, x_t$. For
# $x = 1, 2, 3, 4, 5, 6$ write down all six outputs before you look.
#
# <details><summary>Answer</summary>
#
# $y = 10, 20, 31, 42, 53, 64$: the tens are the sample itself, the ones are the sample two steps earlier. The first two
# have no such sample; there the zero padding stands in.
#
# </details>
#
# %% [markdown] key="hand-text" lang="ja"
# **暗算で。** タップは old = 1 と new = 10 の2つ、ダイレーション率は2、バイアスなしとします。つまり $y_t = x_{t-2} + 10\, x_t$ です。$x = 1, 2, 3, 4, 5, 6$ に対する6個の出力を、見る前に書き出してください。
#
# <details><summary>答え</summary>
#
# $y = 10, 20, 31, 42, 53, 64$ です。十の位がその時刻のサンプル、一の位が2時刻前のサンプルです。最初の2つには2時刻前がないので、パディングの0が入ります。
#
# </details>
#
# %% key="hand"
x_hand = np.arange(1.0, 7.0).reshape(1, 6, 1)
y_hand = causal_conv(x_hand, np.array([[[1.0]], [[10.0]]]), np.zeros(1), d=2)
print("x", x_hand.ravel())
print("y", y_hand.ravel())
assert y_hand.ravel().tolist() == [10, 20, 31, 42, 53, 64]


# %% [markdown] key="measure-text" lang="en"
# ### The receptive field, measured
#
# A formula for the receptive field can be wrong by one. So measure it: change one input, and see which outputs change.
# An input at time $t$ is seen by the outputs from $t$ to $t + R - 1$.
#
# %% [markdown] key="measure-text" lang="ja"
# ### 受容野を測る
#
# 受容野の式は、1だけずれて覚えてしまいがちです。そこで実際に測ります。入力を1つだけ変えて、どの出力が変わるかを見ます。時刻 $t$ の入力を見ているのは、時刻 $t$ から $t + R - 1$ までの出力です。
#
# %% key="measure"
def reached(dilations, length, at=5, kernel_size=2, C=3):
    """Times of the outputs that change when the input at time `at` changes."""
    rng = np.random.default_rng(0)
    stack = [CausalConv1D(C, kernel_size, C, d, dtype="float64", rng=rng) for d in dilations]
    x = rng.standard_normal((2, length, C))
    x[1] = x[0]
    x[1, at] += 1
    for layer in stack:
        x = np.tanh(layer.forward(x))
    return np.flatnonzero(np.any(x[0] != x[1], axis=-1))


TEN = [2**i for i in range(10)]
STACKS = {"4 layers, d = 1, 1, 1, 1": [1] * 4, "4 layers, d = 1, 2, 4, 8": [1, 2, 4, 8]}
STACKS |= {"10 layers, d = 1 … 1": [1] * 10, "10 layers, d = 1 … 512": TEN}
print("stack                       computed  measured  first  last output that changes (input: 5)")
for label, dilations in STACKS.items():
    R, times = receptive_field(dilations), reached(dilations, 1200)
    measured = times[-1] - times[0] + 1
    print(f"{label:27} {R:8} {measured:9} {times[0]:6} {times[-1]:5}")
    assert measured == R and times[0] == 5  # nothing before the changed input: the stack is causal
assert [receptive_field(STACKS[label]) for label in STACKS] == [5, 16, 11, 1024]


# %% [markdown] key="measure-note" lang="en"
# The column *first* is the **causality test**: no output before the changed input moved, not by the last bit.
#
# ### The way back
#
# Input $x_t$ was read by the outputs $t$, $t + d$, $t + 2d$, …, each through its own tap. What they send back adds up; and
# since all steps share the kernel, its gradient is a sum over steps, as in chapter 07.
#
# %% [markdown] key="measure-note" lang="ja"
# first の列が**因果性の検査**です。変えた入力より前の出力は、1ビットも変わっていません。
#
# ### 逆伝播
#
# 入力 $x_t$ は、時刻 $t$、$t + d$、$t + 2d$、… の出力から、それぞれ別のタップを通して読まれました。戻ってくる勾配は足し合わせます。また、カーネルは全時刻で共有されているので、その勾配は第07章と同じく時刻についての和になります。
#
# %% key="backward"
def causal_conv_backward(dy, x, kernel, d):
    """dy (N, T, F) -> gradients of x, kernel and bias."""
    k, T = len(kernel), x.shape[1]
    dx, dkernel = np.zeros_like(x), np.zeros_like(kernel)
    for j in range(k):
        lag = d * (k - 1 - j)
        for t in range(lag, T):
            dx[:, t - lag] += dy[:, t] @ kernel[j].T
            dkernel[j] += x[:, t - lag].T @ dy[:, t]
    return dx, dkernel, dy.sum(axis=(0, 1))


# %% [markdown] key="gate-text" lang="en"
# ### The gated unit by hand
#
# The convolution has $2C$ outputs: the first half $u_f$ is the filter, the second half $u_g$ the gate. Take
# $u_f = u_g = \ln 3$, where both functions are easy: $\tanh(\ln 3) = \frac{9 - 1}{9 + 1} = 0.8$ and
# $\sigma(\ln 3) = \frac{3}{3 + 1} = 0.75$. So $z = 0.8 \cdot 0.75 = 0.6$, and the two gradients are
#
# $$\frac{\partial z}{\partial u_f} = \sigma(u_g)\,(1 - \tanh^2 u_f) = 0.75 \cdot 0.36 = 0.27$$
#
# $$\frac{\partial z}{\partial u_g} = \tanh(u_f)\;\sigma(u_g)\,(1 - \sigma(u_g)) = 0.8 \cdot 0.1875 = 0.15$$
#
# %% [markdown] key="gate-text" lang="ja"
# ### ゲート付き活性化を手で計算する
#
# 畳み込みの出力は $2C$ チャネルです。前半の $u_f$ がフィルタ、後半の $u_g$ がゲートです。計算しやすい $u_f = u_g = \ln 3$ で試します。$\tanh(\ln 3) = \frac{9 - 1}{9 + 1} = 0.8$、$\sigma(\ln 3) = \frac{3}{3 + 1} = 0.75$ なので、$z = 0.8 \cdot 0.75 = 0.6$ です。勾配は次の2つです。
#
# $$\frac{\partial z}{\partial u_f} = \sigma(u_g)\,(1 - \tanh^2 u_f) = 0.75 \cdot 0.36 = 0.27$$
#
# $$\frac{\partial z}{\partial u_g} = \tanh(u_f)\;\sigma(u_g)\,(1 - \sigma(u_g)) = 0.8 \cdot 0.1875 = 0.15$$
#
# %% key="gate"
def gated(u):
    """u (..., 2C) -> z (..., C), and what the way back needs."""
    u_f, u_g = np.split(u, 2, axis=-1)
    content, gate = np.tanh(u_f), 1 / (1 + np.exp(-u_g))
    return content * gate, (content, gate)


def gated_backward(dz, content, gate):
    return np.concatenate([dz * gate * (1 - content**2), dz * content * gate * (1 - gate)], axis=-1)


z, halves = gated(np.log([[3.0, 3.0]]))
du = gated_backward(np.ones((1, 1)), *halves)
print(f"z = {z.item():.2f}   dz/du_f = {du[0, 0]:.2f}   dz/du_g = {du[0, 1]:.2f}")
np.testing.assert_allclose([z.item(), *du[0]], [0.6, 0.27, 0.15])


# %% [markdown] key="mu-text" lang="en"
# ### μ-law by hand
#
# A sample of 16 bits has 65,536 values; a softmax over so many would be hard to learn. 256 classes are enough if the quiet
# samples, of which there are most, get the fine steps. Take $x = \frac{1}{17}$:
#
# - $1 + 255 \cdot \frac{1}{17} = 16 = 2^4$ and $1 + 255 = 2^8$, so $f(x) = \ln 2^4 / \ln 2^8 = \frac{4}{8} = \frac12$
# - $[-1, 1]$ is cut into 256 equal pieces: class $\left\lfloor \frac{f + 1}{2} \cdot 256 \right\rfloor = 192$
#
# A sample at 6 % of the range is thus already halfway up. Without the law it would be in class 135, seven above
# silence (128).
#
# %% [markdown] key="mu-text" lang="ja"
# ### μ-lawを手で計算する
#
# 16ビットのサンプルは65,536通りの値をとり、それだけのクラスのソフトマックスは学習が困難です。大半を占める小さい振幅を細かく区切れば、256クラスで足ります。$x = \frac{1}{17}$ で試してみましょう。
#
# - $1 + 255 \cdot \frac{1}{17} = 16 = 2^4$、$1 + 255 = 2^8$ なので、$f(x) = \ln 2^4 / \ln 2^8 = \frac{4}{8} = \frac12$
# - $[-1, 1]$ を256等分すると、クラスは $\left\lfloor \frac{f + 1}{2} \cdot 256 \right\rfloor = 192$
#
# 振幅が全体の6 %しかないサンプルが、正の側の中央まで持ち上がります。圧縮しなければクラス135で、無音(クラス128)からわずか7つ上です。
#
# %% key="mu"
def compress(x, mu=255):
    return np.sign(x) * np.log1p(mu * np.abs(x)) / np.log1p(mu)


def expand(y, mu=255):
    return np.sign(y) * ((1 + mu) ** np.abs(y) - 1) / mu


def to_class(x):
    return np.minimum(np.floor((compress(x) + 1) / 2 * 256), 255).astype(int)  # x = 1: last class


def to_sample(classes):
    return expand((classes + 0.5) / 128 - 1)  # the middle of the piece


for x in (0.0, 1 / 255, 1 / 17, -1 / 17, 1.0):
    print(f"x = {x:+.4f}   f(x) = {compress(x):+.3f}   class {to_class(x):3}")
assert to_class(np.array([0, 1 / 17, -1 / 17, 1, -1])).tolist() == [128, 192, 64, 255, 0]
assert np.floor((1 / 17 + 1) / 2 * 256) == 135  # without the law
everything = np.arange(256)
assert np.array_equal(to_class(to_sample(everything)), everything)  # there and back
speech, rate = datasets.load_audio("speech")
assert np.array_equal(to_class(speech), mu_law.encode(speech))  # the tested version
np.testing.assert_allclose(to_sample(everything), mu_law.decode(everything), rtol=1e-6)

# %% key="mu-figure"
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
x_axis = np.linspace(-1, 1, 2001)
left.plot(x_axis, compress(x_axis), color=plots.WEIGHT, label="μ-law")
left.plot(x_axis, x_axis, color=plots.GREY, linewidth=1.2, label="no law")
left.plot([1 / 17], [0.5], "o", color=plots.INK)
left.annotate("(1/17, 1/2)", (1 / 17, 0.5), (0.35, -0.1), arrowprops={"arrowstyle": "-"})
left.set(xlabel="sample x", ylabel="f(x)", title="Companding")
left.legend(loc="upper left")
linear = np.minimum((speech + 1) * 128, 255).astype(int)
for classes, color, label in (
    (linear, plots.GREY, "no law"),
    (to_class(speech), plots.WEIGHT, "μ-law"),
):
    right.plot(np.bincount(classes, minlength=256) / len(speech), color=color, linewidth=1.3, label=label)
right.set(xlabel="class", ylabel="share of the samples", title="Speech in 256 classes", ylim=(0, 0.1))
right.legend()
plt.show()


# %% [markdown] key="mu-listen-text" lang="en"
# Without the law nearly half of the samples share the 14 classes around 128. Now look at the error, and listen. Signal
# to noise is measured in decibels (dB): 20 dB are a factor of 10 in amplitude.
#
# %% [markdown] key="mu-listen-text" lang="ja"
# 圧縮しないと、サンプルの半分近くが、128付近の14クラスに集中します。誤差を測り、音も聴いてみましょう。信号対雑音比はデシベル(dB)で表します。20 dBで振幅の比が10倍です。
#
# %% key="mu-listen"
def signal_to_noise(samples, approximation):
    noise = np.mean((samples - approximation) ** 2)
    return 10 * np.log10(np.mean(samples**2) / noise)


short = speech[: int(2.5 * rate)]
versions = {
    "16 classes, no law": mu_law.quantize_linearly(short, 16),
    "16 classes, μ-law": mu_law.decode(mu_law.encode(short, mu=15), mu=15),
    "256 classes, no law": mu_law.quantize_linearly(short),
    "256 classes, μ-law": mu_law.decode(mu_law.encode(short)),
}
quiet = np.abs(short) < 0.05
edge = np.array([-0.05, 0.05])
equal_steps, classes_of_quiet = np.floor((edge + 1) * 128), mu_law.encode(edge)
print(f"{np.mean(quiet):.0%} of the samples are quiet (below 5 % of the range); classes for them:")
print(f"{np.ptp(equal_steps) + 1:.0f} without the law, {np.ptp(classes_of_quiet) + 1} with it")
for label, heard in versions.items():
    print(
        f"{label:20} {signal_to_noise(short, heard):5.1f} dB   "
        f"quiet samples {signal_to_noise(short[quiet], heard[quiet]):5.1f} dB"
    )
said = slice(0, int(1.5 * rate))
display(Player(short[said], rate, "speech, 16 bits"))
display(Player(versions["256 classes, μ-law"][said], rate, "speech, 256 classes, μ-law"))


# %% [markdown] key="cache-text" lang="en"
# ### Generation: never compute anything twice
#
# To generate one sample, the naive way runs the whole receptive field through the network and uses the last column only.
# The next sample does it again, with a window that has moved by one. Nearly all of it has been computed before.
#
# **The cache** (Le Paine et al. 2016): each layer keeps its past inputs in a queue that is as long as its dilation. Then
# a sample costs one column. (The figure draws a layer's queue in the row below the layer, where its inputs are.)
#
# %% [markdown] key="cache-text" lang="ja"
# ### 生成:同じものを二度計算しない
#
# 素朴な方法では、1サンプルを生成するたびに受容野全体をネットワークに通し、最後の1列だけを使います。次のサンプルでは、1つずらした窓でまた同じことをします。そのほとんどは、すでに計算した値です。
#
# **キャッシュ**(Le Paineら 2016):各層が、過去の入力をダイレーション率と同じ長さのキューに保存します。すると、1サンプルの計算は1列で済みます(図では、各層のキューを、その層の入力である1つ下の段に描いています)。
#
# %% key="cache-figure"
pictures.cache((1, 2, 4))
plt.show()


# %% [markdown] key="cache-code-text" lang="en"
# The whole trick for $k = 2$: **pop** what was pushed $d$ steps ago, **push** what is there now. The queue starts with
# zeros, which is exactly the zero padding.
#
# %% [markdown] key="cache-code-text" lang="ja"
# $k = 2$ なら、要点はこれだけです。$d$ 時刻前に入れた値を**取り出し**、今の値を**入れる**。キューの初期値は0で、これがちょうどゼロパディングになります。
#
# %% key="cache"
class CachedLayer:
    """One causal convolution with two taps, one step at a time."""

    def __init__(self, layer):
        self.old, self.new = layer.params["kernel"]
        self.bias = layer.params["bias"]
        self.queue = deque(np.zeros((layer.dilation_rate, layer.input_dim)))

    def step(self, x_t):
        past = self.queue.popleft()  # x at t - d
        self.queue.append(x_t)
        return past @ self.old + x_t @ self.new + self.bias


# %% [markdown] key="cache-check-text" lang="en"
# Four such layers, fed sample by sample, against the whole sequence at once:
#
# %% [markdown] key="cache-check-text" lang="ja"
# この層を4つ重ねて1サンプルずつ与え、系列全体を一度に計算した結果と比べます。
#
# %% key="cache-check"
rng = np.random.default_rng(0)
layers = [CausalConv1D(3, 2, 3, d, dtype="float64", rng=rng) for d in (1, 2, 4, 8)]
x = rng.standard_normal((1, 50, 3))
whole = x
for layer in layers:
    whole = np.tanh(layer.forward(whole))

cached, columns = [CachedLayer(layer) for layer in layers], []
for x_t in x[0]:
    for layer in cached:
        x_t = np.tanh(layer.step(x_t))
    columns.append(x_t)
print("step by step = all at once:", np.allclose(columns, whole[0], atol=1e-12))
print("values kept in the queues:", sum(len(layer.queue) for layer in cached), "= 1 + 2 + 4 + 8")
assert np.allclose(columns, whole[0], atol=1e-12)

# %% [markdown] key="pixel-text" lang="en"
# ### The idea in two dimensions: PixelCNN
#
# WaveNet's parent generates pictures: pixel by pixel, row by row, each from the pixels above it and to its left. "Causal"
# here means **masking** the kernel of an ordinary convolution. In the first layer the pixel itself must be left out
# (mask A), for it is what we predict. In all later layers the features at its place come from earlier pixels only, and may
# be read (mask B).
#
# %% [markdown] key="pixel-text" lang="ja"
# ### 2次元の場合:PixelCNN
#
# WaveNetのもとになったPixelCNNは、画像を生成します。上の行から1画素ずつ、それより上と左にある画素から予測します。ここでの「因果的」は、普通の畳み込みのカーネルに**マスク**を掛けることです。第1層では、予測する画素そのものを除きます(マスクA)。以降の層では、その位置の特徴量はより前の画素だけから作られているので、読んでもかまいません(マスクB)。
#
# %% key="pixel-masks"
titles = {"A": "mask A: first layer", "B": "mask B: all others"}
pictures.masks({title: allowed_taps(kind, (5, 5)).astype(int) for kind, title in titles.items()})
plt.show()


# %% [markdown] key="pixel-field-text" lang="en"
# And what does a pixel see? Measure again, this time with the gradient of one logit with respect to every input pixel: where
# no path leads, it is exactly 0. (Changing the pixels one by one would not do: the farthest move the logit so little that
# float32 may round it away.) Masked 3×3 kernels go up, and at most one column to the right for each row: part of the upper
# right is never seen, however many layers there are. This **blind spot** was noticed by the authors, and removed in the next
# paper by two stacks, one for the rows above and one for the row itself.
#
# %% [markdown] key="pixel-field-text" lang="ja"
# では、1つの画素からは何が見えているのでしょうか。ここでも測ってみます。今度は、1つのロジットの、入力の全画素についての勾配を使います。経路のない画素では、勾配がちょうど0になります(画素を1つずつ変える方法は使えません。遠い画素ではロジットの変化がごくわずかで、float32では丸められて消えることがあるからです)。マスクした3×3のカーネルは、1行上がるごとに右へは1列しか進めません。そのため、層をいくら重ねても、右上の一部はけっして見えません。この**盲点**(blind spot)は、著者ら自身が次の論文で指摘し、上の行を読むスタックと同じ行を読むスタックに分けることで解消しました。
#
# %% key="pixel-field"
def pixels_seen(model, row, column, size=13):
    """On which input pixels the logit of one pixel depends, (size, size) of bool."""
    picture = np.random.default_rng(0).random((1, size, size, 1)).astype("float32")
    one = np.zeros((1, size, size, 1), "float32")
    one[0, row, column, 0] = 1
    _, gradient, _ = keras_gradients(model, picture, one)
    return gradient[0, :, :, 0] != 0


PIXEL, before_pixel = (8, 6), np.arange(169).reshape(13, 13) < 8 * 13 + 6
seen = {}
for label, gates in (("PixelCNN", False), ("two stacks", True)):
    small = pixelcnn((13, 13), 4, blocks=8, first_kernel_size=3, gated=gates)
    if not gates:  # no ReLU shall be closed: we ask for paths, not for values
        small.set_weights([np.abs(w) for w in small.get_weights()])
    seen[label] = pixels_seen(small, *PIXEL)
    blind = before_pixel & ~seen[label]
    print(
        f"{label:11} sees {seen[label].sum()} of {before_pixel.sum()} earlier pixels, "
        f"blind spot {blind.sum()}, later pixels {(seen[label] & ~before_pixel).sum()}"
    )
    assert not np.any(seen[label] & ~before_pixel) and (blind.sum() == 0) == gates
pictures.fields(seen, PIXEL)
plt.show()

# %% [markdown] key="agreement-text" lang="en"
# ## Agreement
#
# ### By hand = NumPy = Keras
#
# A gated convolution with three taps and dilation 2, three ways: the functions above, the layers of
# `utils.numpy_layers`, and Keras with its automatic differentiation. First the judge that knows no formula, the numerical
# gradient.
#
# %% [markdown] key="agreement-text" lang="ja"
# ## 確かめる
#
# ### 手書き = NumPyの層 = Keras
#
# タップ3個、ダイレーション率2の畳み込みにゲートを付け、3通りに計算します。上の関数、`utils.numpy_layers` の層、自動微分を使うKerasです。はじめに、公式を知らない審判である数値微分と照合します。
#
# %% key="numerical"
rng = np.random.default_rng(1)
STEPS, WIDTH, TAPS, GAP = 9, 3, 3, 2
x_in, dz = (rng.standard_normal((2, STEPS, WIDTH)) for _ in range(2))
weights = [rng.standard_normal((TAPS, WIDTH, 2 * WIDTH)), rng.standard_normal(2 * WIDTH)]


def unit_loss():
    return np.sum(dz * gated(causal_conv(x_in, *weights, GAP))[0])


z, halves = gated(causal_conv(x_in, *weights, GAP))
dx, dkernel, dbias = causal_conv_backward(gated_backward(dz, *halves), x_in, weights[0], GAP)
by_hand = {"z": z, "dx": dx, "dkernel": dkernel, "dbias": dbias}
for name, array in zip(("dx", "dkernel", "dbias"), (x_in, *weights)):
    error = relative_error(by_hand[name], numerical_gradient(unit_loss, array))
    print(f"{name:8} relative error below 1e-6: {error < 1e-6}")
    assert error < 1e-6

# %% key="three-ways"
conv, gate_layer = CausalConv1D(2 * WIDTH, TAPS, WIDTH, GAP, dtype="float64"), GatedActivation()
conv.params = {"kernel": weights[0], "bias": weights[1]}
layered = {"z": gate_layer.forward(conv.forward(x_in))}
layered["dx"] = conv.backward(gate_layer.backward(dz))
layered |= {"dkernel": conv.grads["kernel"], "dbias": conv.grads["bias"]}

inputs = keras.Input((STEPS, WIDTH), dtype="float32")
options = dict(padding="causal", dilation_rate=GAP, dtype="float32")
u_f, u_g = keras.ops.split(keras.layers.Conv1D(2 * WIDTH, TAPS, **options)(inputs), 2, axis=-1)
unit = keras.Model(inputs, keras.ops.tanh(u_f) * keras.ops.sigmoid(u_g))
unit.set_weights(weights)
z_keras, dx, dweights = keras_gradients(unit, x_in.astype("float32"), dz.astype("float32"))
in_keras = {"z": z_keras, "dx": dx, "dkernel": dweights[0], "dbias": dweights[1]}

print("           cells = layers   layers = Keras")
for name in by_hand:
    exact = relative_error(by_hand[name], layered[name])
    close = relative_error(layered[name], in_keras[name])
    print(
        f"{name:8}{'< 1e-12' if exact < 1e-12 else f'{exact:.0e}':>16}"
        f"{'< 1e-5' if close < 1e-5 else f'{close:.0e}':>17}"
    )
    assert exact < 1e-12 and close < 1e-5

# %% [markdown] key="whole-text" lang="en"
# ### The whole network, and the same samples twice
#
# `keras_models.wavenet` puts the blocks together. `generation.NumpyWaveNet` takes over its weights: first the logits are
# compared, then the two ways to generate. Both draw from the softmax with the *same random numbers*, so that wrong
# probabilities soon show as different samples. The test runs in float64, where two ways to add up the same numbers differ
# by about $10^{-15}$ only.
#
# %% [markdown] key="whole-text" lang="ja"
# ### ネットワーク全体と、2通りの生成
#
# `keras_models.wavenet` は、ブロックを組み合わせたものです。その重みを `generation.NumpyWaveNet` に移し、まずロジットを、次に2通りの生成を比べます。どちらも**同じ乱数**を使い、ソフトマックスの確率に従ってサンプルを選びます。確率が食い違っていれば、やがて違うサンプルが現れます。計算はfloat64で行います。足す順序による差は $10^{-15}$ 程度です。
#
# %% key="whole"
tiny = wavenet((1, 2, 4, 8, 1, 2, 4, 8), residual_channels=8, skip_channels=16)
network = generation.NumpyWaveNet(tiny)
network.weights["logits"][0][:] *= 8  # so that the probabilities are far from equal
start = mu_law.encode(speech[8000:8100])[None]
logits = network.forward(start)
scaled = np.asarray(keras.ops.convert_to_numpy(tiny(start))) * 8
print(f"logits {logits.shape}: NumPy = Keras", relative_error(logits, scaled) < 1e-5)
assert relative_error(logits, scaled) < 1e-5

ways = (generation.generate_naively, generation.generate)
naive, cached = (way(network, start, 200, np.random.default_rng(0)) for way in ways)
print("cached = naive, sample for sample:", np.array_equal(naive, cached))
print("more than 20 different classes among them:", len(np.unique(cached[0, 100:])) > 20)
assert np.array_equal(naive, cached) and len(np.unique(cached[0, 100:])) > 20

# %% [markdown] key="train-text" lang="en"
# ## In Keras
#
# ### Six seconds of guitar
#
# A chord on an electric guitar, 48,000 samples. Ten blocks with $d = 1, \dots, 512$; with the first convolution, which has
# two taps as well, a prediction sees 1,025 samples (0.13 s). The clip is cut into half-second pieces, of which every sixth
# is held out. In training, a position sees what stands before it in its window of 1,024 samples, and zeros before that.
#
# The target at each position is the **next** class: `ids[:, :-1]` goes in, `ids[:, 1:]` is asked for. One pass trains all
# positions of a window. The loss in bits, $-\log_2 p$ per sample, can be read directly: 8 bits is guessing.
#
# %% [markdown] key="train-text" lang="ja"
# ## Kerasで学習する
#
# ### 6秒間のギター
#
# エレキギターの和音、48,000サンプルを使います。$d = 1, \dots, 512$ の10ブロックに、タップが2個の最初の畳み込みを加えて、1回の予測で1,025サンプル(0.13秒)が見えます。音を0.5秒ずつに区切り、6つに1つを検証用に取り分けます。学習時に各位置から見えるのは、1,024サンプルの窓のなかで、その位置までの部分です。窓より前は0とみなします。
#
# 各位置の正解は**次の**クラスです。`ids[:, :-1]` を入力し、`ids[:, 1:]` を正解とします。窓の中の全位置を、1回の計算でまとめて学習できます。損失は、1サンプルあたりのビット数 $-\log_2 p$ で表すと読みやすくなります。当てずっぽうなら8ビットです。
#
# %% key="data"
guitar, rate = datasets.load_audio("guitar")
ids = mu_law.encode(guitar)
HALF_SECOND, WINDOW = rate // 2, 1024
pieces = ids[: len(ids) // HALF_SECOND * HALF_SECOND].reshape(-1, HALF_SECOND)
is_held_out = np.arange(len(pieces)) % 6 == 3

starts = np.arange(0, len(ids) - WINDOW, 256)
touched = [is_held_out[s // HALF_SECOND : (s + WINDOW) // HALF_SECOND + 1].any() for s in starts]
windows = np.stack([ids[s : s + WINDOW + 1] for s, t in zip(starts, touched) if not t])
held_out = pieces[is_held_out]
data = training.Arrays(windows[:, :-1], windows[:, 1:], held_out[:, :-1], held_out[:, 1:])
print(f"{len(ids):,} samples: {len(windows)} windows of {WINDOW}, {len(held_out)} held-out half seconds")
counts = np.bincount(pieces[~is_held_out].ravel(), minlength=256) + 1
alone = -np.mean(np.log2(counts / counts.sum())[held_out])
print(f"without any context, from the frequency of each class: {alone:.2f} bits")

# %% key="train"
CHANNELS, SKIP = rt.choose(quick=(24, 48), full=(64, 256))
EPOCHS, BATCH, RATE = rt.choose(quick=(3, 2, 0.008), full=(100, 8, 0.002))


keras.utils.set_random_seed(0)
with rt.scope():
    model = wavenet(TEN, CHANNELS, SKIP)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    schedule = keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * -(-len(windows) // BATCH))
    model.compile(keras.optimizers.Adam(schedule), loss, jit_compile=rt.jit_compile)
history = training.fit(model, data, "wavenet", EPOCHS, BATCH)
history = {key: np.array(values) / np.log(2) for key, values in history.items()}
bits = history["val_loss"][-1]
print(f"{model.count_params():,} parameters")
print(f"held-out sound, bits a sample: below 5.5 {bits < 5.5}; below {alone:.2f} {bits < alone}")
assert bits < min(5.5, alone)

# %% key="train-figure"
plots.training_curves({"WaveNet": history}, metric="loss", chance=8)
plt.gcf().axes[0].set_ylabel("loss (bits a sample)")
plt.show()

# %% [markdown] key="generate-text" lang="en"
# ### The network plays on
#
# It gets 0.15 seconds of the chord and goes on by itself. Every sample is drawn from its softmax; a
# *temperature* below 1 divides the logits and makes it less adventurous.
#
# %% [markdown] key="generate-text" lang="ja"
# ### 続きを生成する
#
# 和音の途中の0.15秒を与え、続きを生成させます。各サンプルはソフトマックスの確率に従って選びます。ロジットを1より小さい**温度**(temperature)で割ると、確率の高いクラスが選ばれやすくなります。
#
# %% key="generate"
network = generation.NumpyWaveNet(model)
BEGIN, LEAD, SECONDS = 2 * rate, 1200, rt.choose(quick=1.5, full=3)
lead = ids[None, BEGIN : BEGIN + LEAD]
played = generation.generate(network, lead, int(SECONDS * rate), np.random.default_rng(0), 0.8)
print(f"a prediction sees {network.receptive_field:,} samples, {network.receptive_field / rate:.2f} s")

few = generation.generate_naively(network, lead, 40, np.random.default_rng(0), 0.8)
print(
    "its first 40 samples, generated naively, are the same:",
    np.array_equal(few, played[:, : LEAD + 40]),
)
assert np.array_equal(few, played[:, : LEAD + 40])


# %% [markdown] key="sound-measured-text" lang="en"
# Before you listen, measure: how loud is it (root mean square), also where it is quietest? Is it clipped (classes 0 and
# 255)? And which tone is the strongest?
#
# %% [markdown] key="sound-measured-text" lang="ja"
# 聴く前に測っておきましょう。音量(二乗平均平方根)は最も小さい部分でも十分か、音割れ(クラス0と255)はないか、最も強い音は何Hzか、の3点です。
#
# %% key="sound-measured"
def strongest_tone(samples):
    """The frequency (Hz) at which the spectrum is largest."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.argmax(spectrum) * rate / len(samples)


sound = mu_law.decode(played[0])
original = guitar[BEGIN : BEGIN + len(sound)]
loudness, _ = levels(original)
quietest = min(levels(part)[0] for part in np.array_split(sound[LEAD:], 6))
clipped = np.mean(np.isin(played[0, LEAD:], (0, 255)))
tones = strongest_tone(original[LEAD:]), strongest_tone(sound[LEAD:])
semitones = 12 * np.log2(tones[1] / tones[0])
print(f"loudness of the guitar {loudness:.2f}; WaveNet's never below a third: {quietest > loudness / 3}")
print(f"clipped samples below 0.1 %: {clipped < 0.001}")
print(f"strongest tone of the guitar {tones[0]:.0f} Hz; WaveNet's within a whole tone: {abs(semitones) < 2}")
if rt.profile == "quick":
    assert quietest > loudness / 3 and clipped < 0.001 and abs(semitones) < 2

# %% key="listen" tags=["nbval-ignore-output"]
display(Player(original, rate, "the guitar"))
display(Player(sound, rate, f"the first {LEAD / rate:.2f} s of it, then WaveNet"))

# %% key="sound-figure"
fig, axes = plt.subplots(2, 2, figsize=(9, 4.6), sharex="col", width_ratios=(1, 1.3))
for (wave, spectrum), samples, label in zip(axes, (original, sound), ("guitar", "WaveNet")):
    shown = slice(LEAD - 300, LEAD + 900)
    wave.plot(np.arange(len(samples))[shown] / rate, samples[shown], color=plots.INPUT, linewidth=0.8)
    wave.axvline(LEAD / rate, color=plots.WEIGHT, linewidth=1.2)
    wave.set(ylabel=label, ylim=(-0.8, 0.8))
    spectrum.specgram(samples + 1e-5, NFFT=512, Fs=rate, noverlap=256, cmap="cividis", vmin=-110, vmax=-30)
    spectrum.axvline(LEAD / rate, color="white", linewidth=1.2)
    spectrum.set(ylabel="frequency (Hz)", ylim=(0, 2500))
    spectrum.grid(False)
axes[0, 0].set_title("waveform")
axes[0, 1].set_title("spectrogram")
for ax in axes[1]:
    ax.set_xlabel("time (s)")
plt.show()

# %% [markdown] key="generate-note" lang="en"
# From the vertical line on, the lower row is invented. The network has learnt the deepest tone of the chord, which is also
# the strongest – the brightest horizontal line goes on – while most of the lines above it drown in noise. What was played
# more than 0.13 s ago it does not know. The paper's networks saw about 0.3 s of speech or several seconds of music, and
# learnt from hours of recordings (§3.1, §3.3).
#
# ### What the cache saves
#
# Count the multiplications of a sample. Naively the whole window runs through each layer; with the cache one column does.
#
# %% [markdown] key="generate-note" lang="ja"
# 縦線から先は、下の段ではネットワークが作り出した音です。和音の最も低い音(いちばん強い音でもあります)は学習できていて、最も明るい横線は続いていますが、それより上の線の多くは雑音に埋もれています。0.13秒より前に何が鳴っていたかを、ネットワークは知りません。論文のネットワークは、音声では約0.3秒、音楽では数秒の範囲を見て、何時間もの録音から学習しています(論文の3.1節、3.3節)。
#
# ### キャッシュで減るもの
#
# 1サンプルあたりの乗算回数を数えます。素朴な方法では窓全体が各層を通りますが、キャッシュを使えば1列だけで済みます。
#
# %% key="count"
FIELDS = (16, 64, 256, 1024, 4096)
networks = {}
print("receptive field  layers    naive (multiplications)   cached    ratio   per layer")
for R in FIELDS:
    dilations = [2**i for i in range(int(np.log2(R)))]
    networks[R] = net = generation.NumpyWaveNet(wavenet(dilations, 32, 64, input_kernel_size=1))
    assert net.receptive_field == R == receptive_field(dilations)
    once = generation.multiplications(net)
    whole = generation.multiplications(net, R)
    print(f"{R:15,} {len(dilations):7} {whole:26,} {once:8,} {whole // once:8,} {once // len(dilations):11,}")
    assert whole == R * once


# %% [markdown] key="time-text" lang="en"
# The ratio *is* the receptive field. What the cached sample costs depends on the number of layers, not on how far they
# look back: a queue of 2,048 is popped as quickly as a queue of one. Times follow the count only roughly: in small matrix
# products much of the time is the overhead of each call, and large ones suffer most from other work on the machine. Run
# the cell to see yours.
#
# %% [markdown] key="time-text" lang="ja"
# 比は受容野の大きさそのものです。キャッシュを使った1サンプルの計算量は層の数で決まり、どれだけ過去を見るかにはよりません。長さ2,048のキューから取り出すのも、長さ1のキューから取り出すのも、同じ手間だからです。実際の時間は、乗算回数とおおまかにしか一致しません。小さな行列積では呼び出しごとの手間が大きな割合を占め、大きな行列積は同時に動いている他の処理の影響を受けやすいからです。自分の環境での時間は、セルを実行して確かめてください。
#
# %% key="time"
def seconds(function, argument, budget=0.04):
    """The shortest of several calls: the one that nothing else on the machine disturbed."""
    times = []
    while sum(times) < budget:
        begin = time.perf_counter()
        function(argument)
        times.append(time.perf_counter() - begin)
    return min(times)


steps = [generation.CachedWaveNet(net).step for net in networks.values()]
cached_time, naive_time = np.full((2, len(FIELDS)), np.inf)
for _ in range(3):  # rounds, so that a busy second of the machine does not fall on one network alone
    for i, (R, net) in enumerate(networks.items()):
        cached_time[i] = min(cached_time[i], seconds(steps[i], np.array([128])))
        naive_time[i] = min(naive_time[i], seconds(net.forward, np.full((1, R), 128)))
faster = dict(zip(FIELDS, naive_time / cached_time))
layers_times = cached_time[-1] / cached_time[0]  # 12 layers against 4
print(f"receptive field 1,024: more than 20 times faster: {faster[1024] > 20}")
print(f"256 times the receptive field, 3 times the layers: less than 6 times the time: {layers_times < 6}")
assert faster[1024] > 20 and layers_times < 6

# %% key="time-figure"
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
left.loglog(FIELDS, 1e3 * naive_time, "s-", color=plots.GREY, label="naive")
left.loglog(FIELDS, 1e3 * cached_time, "o-", color=plots.WEIGHT, label="cached")
left.axhline(1e3 / rate, color=plots.INK, linestyle=":", linewidth=1.2)
left.text(FIELDS[-1], 1.2e3 / rate, "real time at 8 kHz", fontsize=10, ha="right")
left.set(xlabel="receptive field", ylabel="milliseconds a sample", title="Time")
left.legend()
right.loglog(FIELDS, list(faster.values()), "o-", color=plots.OUTPUT)
right.set(xlabel="receptive field", ylabel="naive / cached", title="Speed-up")
for ax in (left, right):
    ax.set_xticks(FIELDS, [f"{R:,}" for R in FIELDS])
    ax.minorticks_off()
plt.show()

# %% [markdown] key="experiment-text" lang="en"
# ## Experiment
#
# ### The same parameters, another receptive field
#
# The paper reports about music (§3.3) that enlarging the receptive field was crucial; it prints no numbers for it. Here is
# the question in its purest form: a sound that nobody can predict from its last samples, but everybody who remembers it
# for long enough. Each clip is **noise of 30 samples that repeats**, every clip another noise, 16 classes (4 bits are
# guessing).
#
# Two networks with five blocks each, equal in parameters and multiplications: once all $d = 1$, once
# $d = 1, \dots, 16$. What will the loss look like along a clip?
#
# %% [markdown] key="experiment-text" lang="ja"
# ## 実験
#
# ### パラメータは同じ、受容野だけが違う
#
# 論文の3.3節は、音楽では受容野を広げることが決定的に重要だったと述べていますが、数値は載せていません。そこで、問題を最も単純な形にします。直前のサンプルからは誰にも予測できず、十分長く覚えていれば必ず予測できる音です。各クリップは**30サンプルの雑音の繰り返し**で、雑音はクリップごとに違います。クラスは16個です(当てずっぽうなら4ビット)。
#
# どちらも5ブロックで、パラメータ数も乗算回数も等しい2つのネットワークを用意します。一方はすべて $d = 1$、もう一方は $d = 1, \dots, 16$ です。損失は、クリップの先頭から末尾に向かってどう変わるでしょうか。
#
# %% key="experiment"
PERIOD, CLIP = 30, 90


def repeating_noise(clips, seed):
    pattern = np.random.default_rng(seed).integers(0, 16, (clips, PERIOD))
    return np.tile(pattern, (1, CLIP // PERIOD + 1))[:, : CLIP + 1]


clips, unheard = repeating_noise(256, seed=1), repeating_noise(64, seed=2)
noise = training.Arrays(clips[:, :-1], clips[:, 1:], unheard[:, :-1], unheard[:, 1:])


# %% key="experiment-train"
along = {}
for name, dilations, epochs in (
    ("undilated", [1] * 5, 2),
    ("dilated", [2**i for i in range(5)], 12),
):
    keras.utils.set_random_seed(0)
    listener = wavenet(dilations, 24, 24, classes=16)
    schedule = keras.optimizers.schedules.CosineDecay(0.01, epochs * 16)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    listener.compile(keras.optimizers.Adam(schedule), loss, jit_compile=rt.jit_compile)
    training.fit(listener, noise, f"wavenet_noise_{name}", epochs, batch_size=16)
    log_p = keras.ops.convert_to_numpy(keras.ops.log_softmax(listener(noise.x_val)))
    of_target = np.take_along_axis(log_p, noise.y_val[..., None], axis=-1)[..., 0]
    along[name] = -of_target.mean(axis=0) / np.log(2)
    known = along[name][PERIOD - 1 :].mean()  # from the prediction of sample PERIOD on
    print(
        f"{name:9} {listener.count_params():,} parameters, sees {receptive_field(dilations) + 1:2}; "
        f"second period on: below 2.5 bits {known < 2.5!s:5}, above 3.5 {known > 3.5}"
    )
    assert known < 2.5 if name == "dilated" else known > 3.5

# %% key="experiment-figure"
fig, ax = plt.subplots(figsize=(8, 3))
for (name, bits_along), color in zip(along.items(), (plots.GREY, plots.WEIGHT)):
    predicted = np.arange(1, CLIP + 1)  # position t predicts sample t + 1
    ax.plot(predicted, bits_along, color=color, linewidth=1.4, label=name)
ax.axhline(4, color=plots.INK, linestyle=":", linewidth=1.2, label="guessing")
ax.axvline(PERIOD, color=plots.INPUT, linewidth=1.2)
ax.text(PERIOD + 1, 1.4, "the noise begins again", color=plots.INPUT)
ax.set(xlabel="predicted sample of the clip", ylabel="loss (bits a sample)", ylim=(0, None))
ax.legend(loc="center right")
plt.show()

# %% [markdown] key="experiment-note" lang="en"
# In the first period nobody can know. From the second on the wide network looks 30 samples back and reads the answer
# there; the narrow one, which sees 7, has long forgotten it. Same number of weights, same number of multiplications.
# (The narrow one was trained for 2 epochs instead of 12, but more would not help it: the last 7 samples of a noise say
# nothing about the next. Just before the line the wide network can be worse than guessing: it already answers with some
# confidence, though what it finds 30 samples back is only the padding.)
#
# On real sound expect a smaller difference: neighbouring samples of a smooth wave already say much about the next one.
# A long memory is needed for what lasts longer, such as a rhythm.
#
# %% [markdown] key="experiment-note" lang="ja"
# 最初の1周期は、誰にも予測できません。2周期目からは、広い受容野をもつネットワークは30サンプル前を見て、そこに答えを見つけます。7サンプルしか見えない狭い方は、とうに忘れています。重みの数も、乗算の回数も同じです。(狭い方の学習は12エポックではなく2エポックですが、増やしても変わりません。雑音の直前の7サンプルには、次のサンプルの情報がないからです。また、線の直前では、広い方が当てずっぽうより悪くなることがあります。30サンプル前がまだパディングなのに、すでにある程度の自信をもって答えてしまうからです。)
#
# 実際の音では、差はこれほど大きくなりません。なめらかな波形では、直前の数サンプルだけで次のサンプルがかなり絞られるからです。長い記憶が必要なのは、リズムのように、もっと長く続く構造です。
#
# %% [markdown] key="digits-text" lang="en"
# ### PixelCNN completes digits
#
# The same idea on pictures: MNIST digits, made smaller (14×14 in the quick profile) and reduced to black and white. Trained on whole pictures
# in one pass each; then the upper half of pictures it has never seen is given, and the lower half is generated, pixel by
# pixel: one run of the network for each.
#
# %% [markdown] key="digits-text" lang="ja"
# ### PixelCNNで数字を補完する
#
# 同じ考え方を画像で試します。MNISTの数字を縮小し(quickプロファイルでは14×14)、白黒の2値にします。学習は画像全体を1回の計算で行います。そのあと、学習に使っていない画像の上半分を与え、下半分を1画素ずつ生成させます。1画素ごとに、ネットワークを1回動かします。
#
# %% key="digits"
images = datasets.load_images("digits", size=rt.choose(quick=14, full=28))
parts = ("x_train", "x_val", "x_test")
white = {part: (getattr(images, part) > 0.4).astype("float32") for part in parts}
pixels = training.Arrays(white["x_train"], white["x_train"], white["x_val"], white["x_val"])

keras.utils.set_random_seed(0)
FILTERS, BLOCKS, DIGIT_EPOCHS = rt.choose(quick=(16, 3, 2), full=(64, 12, 50))
with rt.scope():
    painter = pixelcnn(white["x_train"].shape[1:3], FILTERS, BLOCKS, first_kernel_size=5)
    painter.compile(
        keras.optimizers.Adam(0.006),
        keras.losses.BinaryCrossentropy(from_logits=True),
        jit_compile=rt.jit_compile,
    )
training.fit(painter, pixels, "pixelcnn", DIGIT_EPOCHS, batch_size=64)

share = np.clip(white["x_train"].mean(axis=0), 1e-3, 1 - 1e-3)  # each pixel for itself
test = white["x_test"]
apart = -np.mean(np.log2(np.where(test == 1, share, 1 - share)))
together = painter.evaluate(test, test, batch_size=250, verbose=0) / np.log(2)
print(f"{painter.count_params():,} parameters; bits a pixel on test pictures:")
print(f"each pixel for itself {apart:.2f}; PixelCNN saves more than a quarter: {together < 0.75 * apart}")
assert together < 0.75 * apart


# %% key="complete"
def complete(model, pictures, from_row, rng):
    """Draw the pixels from row `from_row` on, one after the other; the rows above stay."""
    pictures = pictures.copy()
    pictures[:, from_row:] = 0
    for row in range(from_row, pictures.shape[1]):
        for column in range(pictures.shape[2]):
            logits = model.predict_on_batch(pictures)[:, row, column, 0]
            pictures[:, row, column, 0] = rng.random(len(pictures)) < 1 / (1 + np.exp(-logits))
    return pictures


half = test.shape[1] // 2
chosen = np.array([np.flatnonzero(images.y_test == digit)[0] for digit in range(10)])
given = np.repeat(test[chosen], 2, axis=0)  # two tries for each digit
drawn = complete(painter, given, half, np.random.default_rng(0))
differ = np.any(drawn[::2] != drawn[1::2], axis=(1, 2, 3))
print(f"{drawn[0, half:].size} pixels drawn in each picture")
print("upper halves unchanged:", np.array_equal(drawn[:, :half], given[:, :half]))
print("two tries differ, in at least 8 of 10 digits:", differ.sum() >= 8)
assert np.array_equal(drawn[:, :half], given[:, :half]) and differ.sum() >= 8

# %% key="complete-figure"
fig, axes = plt.subplots(3, 10, figsize=(9, 3.1))
rows = {"original": test[chosen], "first try": drawn[::2], "second try": drawn[1::2]}
for line, (label, pictures_shown) in zip(axes, rows.items()):
    for ax, picture in zip(line, pictures_shown):
        ax.imshow(picture[..., 0], cmap="Greys", vmin=0, vmax=1)
        ax.axhline(half - 0.5, color=plots.WEIGHT, linewidth=1.2)
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
    line[0].set_ylabel(label)
plt.show()

# %% [markdown] key="digits-note" lang="en"
# Above the line everything is given, below it everything is drawn. Strokes often go on where they were cut, but not
# every result is a digit: this is a small network after seconds of training. Where the upper half leaves a
# choice, two tries end in two ways: it is a distribution that the network has learnt, not an answer.
#
# %% [markdown] key="digits-note" lang="ja"
# 線より上は与えたもの、線より下はすべて生成したものです。切れた線の続きが描かれているものも多いのですが、数字になっていないものもあります。小さなネットワークを数秒間学習しただけだからです。上半分だけでは決まらないところでは、2回の結果が異なります。学習したのは1つの答えではなく、確率分布だからです。
#
# %% [markdown] key="mistakes-text" lang="en"
# ## Common mistakes
#
# ### "There is no recurrence, so inference runs in parallel"
#
# Some study notes say so, because convolutions are parallel. Training is. But in generation the inputs do not exist yet.
# Try it: run the network on a blank sequence, take all its samples at once, feed them back, and repeat. The random numbers
# are those of proper generation, so that the outcome can be compared:
#
# %% [markdown] key="mistakes-text" lang="ja"
# ## よくある誤り
#
# ### 「再帰がないので、推論も並列にできる」
#
# 畳み込みは並列に計算できるので推論も並列化できる、と書いている学習ノートがあります。並列にできるのは学習時です。生成時には、入力がまだ存在しません。試してみましょう。仮の系列(無音)をネットワークに通し、全サンプルを一度に選び、それを入力に戻して繰り返します。乱数は通常の生成と同じものを使うので、結果を比べられます。
#
# %% key="mistake-parallel"
tiny_net = generation.NumpyWaveNet(tiny)
tiny_net.weights["logits"][0][:] *= 8
start = mu_law.encode(speech[8000:8100])[None]
uniform = np.random.default_rng(0).random(40)
right = generation.generate(tiny_net, start, 40, np.random.default_rng(0))[0, 100:]

guess = np.full(40, 128)
print("passes over all 40 samples   leading samples that are right, at least   all right")
for passes in range(1, 41):
    known = np.concatenate([start[0], guess])[None]
    guess = generation.choose(tiny_net.forward(known)[0, 99:-1], uniform)
    agree = guess == right
    leading = 40 if agree.all() else int(np.argmin(agree))
    if passes in (1, 5, 20, 40):
        print(f"{passes:26} {passes:43}   {agree.all()!s:>9}")
    assert leading >= passes
assert agree.all()

# %% [markdown] key="mistake-parallel-note" lang="en"
# After the first pass only the first sample is sure to be right, after the second pass the first two, … One more sample a
# pass is all that is certain. (The whole may be right earlier, as the last column shows: not every wrong input changes the
# class that is chosen.) **Training is parallel over time, generation is sequential.** (Later work, such as Parallel WaveNet, trains
# *another* network to get around this.)
#
# ### "WaveNet is a recurrent network", "WaveNet was made from an RNN"
#
# It is autoregressive *and* convolutional, from PixelCNN. An RNN sums up the past in a state; WaveNet's memory ends
# sharply at its receptive field:
#
# %% [markdown] key="mistake-parallel-note" lang="ja"
# 1回目の計算のあと、確実に正しいのは最初のサンプルだけです。2回目のあとは最初の2個、…と、全体を1回計算して確実に増えるのは1サンプルだけです(最後の列のように、全体がもっと早く正しくなることはあります。入力が誤っていても、選ばれるクラスが変わるとは限らないからです)。**学習は時間方向に並列化できますが、生成は逐次的です。**(Parallel WaveNetなどの後の研究は、これを避けるために**別の**ネットワークを学習します。)
#
# ### 「WaveNetは再帰型ネットワークの一種である」
#
# WaveNetは自己回帰モデルですが、PixelCNNをもとにした**畳み込み**ネットワークです。RNNは過去を状態に要約します。WaveNetの記憶は、受容野の端で完全に途切れます。
#
# %% key="mistake-memory"
R = tiny_net.receptive_field
for back in (R - 1, R):
    changed = start.copy()
    changed[0, -1 - back] = 255 - changed[0, -1 - back]
    same = np.array_equal(tiny_net.forward(changed)[0, -1], tiny_net.forward(start)[0, -1])
    print(f"sample {back} steps back changed, prediction unchanged: {same}")
    assert same == (back == R)

# %% [markdown] key="mistake-blocks-text" lang="en"
# ### "Three cycles of 1, …, 512 see 1024 · 3 = 3072 samples" (or 1024³)
#
# Gaps add up, and the present sample is counted once: $1 + 3 \cdot 1023 = 3070$.
#
# %% [markdown] key="mistake-blocks-text" lang="ja"
# ### 「1, …, 512 を3組重ねると、1024 · 3 = 3072サンプルが見える」(あるいは1024³)
#
# 足し合わされるのは間隔であり、現在のサンプルを数えるのは1回だけです。$1 + 3 \cdot 1023 = 3070$ です。
#
# %% key="mistake-blocks"
times = reached(TEN * 3, 3200)
print("computed:", receptive_field(TEN * 3), " measured:", times[-1] - times[0] + 1)
assert receptive_field(TEN * 3) == times[-1] - times[0] + 1 == 3070


# %% [markdown] key="mistake-same-text" lang="en"
# ### `padding="same"` instead of `"causal"`
#
# The shapes agree, the training loss is wonderful – and the network cheats: with three taps in the middle, the target
# $x_{t+1}$ is among its inputs. The best *linear* prediction of the guitar shows it:
#
# %% [markdown] key="mistake-same-text" lang="ja"
# ### `"causal"` の代わりに `padding="same"` を使う
#
# 形状は合い、学習時の損失はすばらしい値になります。しかし、これはカンニングです。3個のタップが $t$ を中心に並ぶので、予測すべき $x_{t+1}$ が入力に入っています。ギターの音を**線形**に予測するだけで、それがわかります。
#
# %% key="mistake-same"
def best_linear_error(offsets):
    """Error of the best prediction of x[t + 1] from x[t + offset], relative to the sound."""
    t = np.arange(2, len(guitar) - 1)
    inputs = np.stack([guitar[t + offset] for offset in offsets], axis=1).astype("float64")
    target = guitar[t + 1].astype("float64")
    taps, *_ = np.linalg.lstsq(inputs, target)
    return np.sqrt(np.mean((inputs @ taps - target) ** 2) / np.mean(target**2))


errors = {
    "causal, t-2 … t": best_linear_error((-2, -1, 0)),
    "same, t-1 … t+1": best_linear_error((-1, 0, 1)),
}
for label, error in errors.items():
    print(f"{label:16} error {100 * error:.1f} %")
assert errors["causal, t-2 … t"] > 0.05 and errors["same, t-1 … t+1"] < 1e-6

# %% [markdown] key="mistake-mask-text" lang="en"
# ### Mask B in the first layer
#
# Then a pixel is predicted from itself. In training the network only has to copy; in generation, where the pixel is still
# blank, there is nothing to copy. A perturbation finds it in a moment:
#
# %% [markdown] key="mistake-mask-text" lang="ja"
# ### 第1層にマスクBを使う
#
# これでは、画素をその画素自身から予測することになります。学習時には写すだけで済みますが、生成時にはその画素がまだ空白なので、写すものがありません。入力を変えてみれば、すぐに見つかります。
#
# %% key="mistake-mask"
for kind in ("A", "B"):
    first, last = MaskedConv2D(4, 3, kind), keras.layers.Conv2D(1, 1)
    one_layer = keras.Sequential([keras.Input((13, 13, 1)), first, last])
    sees_itself = pixels_seen(one_layer, *PIXEL)[PIXEL]
    print(f"mask {kind} in the first layer: the pixel sees itself: {sees_itself}")
    assert sees_itself == (kind == "B")

# %% [markdown] key="mistake-shift-text" lang="en"
# ### A cache that is shifted by one step
#
# A queue of $d + 1$ instead of $d$ values runs without an error, and all shapes agree. Only the comparison with the whole
# convolution tells:
#
# %% [markdown] key="mistake-shift-text" lang="ja"
# ### キャッシュが1時刻ずれている
#
# キューの長さを $d$ ではなく $d + 1$ にしても、エラーは出ず、形状も合います。畳み込み全体の計算と比べて、はじめてわかります。
#
# %% key="mistake-shift"
layer = CausalConv1D(3, 2, 3, 4, dtype="float64", rng=np.random.default_rng(1))
x = np.random.default_rng(2).standard_normal((1, 20, 3))
for extra in (0, 1, -1):
    cached_layer = CachedLayer(layer)
    cached_layer.queue = deque(np.zeros((layer.dilation_rate + extra, 3)))
    steps = [cached_layer.step(x_t) for x_t in x[0]]
    agrees = np.allclose(steps, layer.forward(x)[0])
    print(f"queue of d {extra:+}: agrees with the whole convolution: {agrees}")
    assert agrees == (extra == 0)


# %% [markdown] key="exercises-text" lang="en"
# ## Exercises
#
# Replace each `...`, run the cell, then run the check below it. The check names the mistake if it knows it. The solution
# is folded away beneath.
#
# ### 1. Dilated causal convolution
#
# One sequence. Fill in how many steps back tap `j` looks.
#
# %% [markdown] key="exercises-text" lang="ja"
# ## 演習
#
# `...` を書き換えてセルを実行し、続けてその下の確認用セルを実行してください。よくある間違いなら、どの間違いかを指摘します。解答例はその下に折りたたんであります。
#
# ### 1. ダイレーション付き因果的畳み込み
#
# 系列は1本です。タップ `j` が何時刻前を見るかを書いてください。
#
# %% key="exercise-conv" tags=["exercise"]
def causal_conv_one(x, kernel, d):
    """x (T, C), kernel (k, C, F) -> y (T, F). The last tap meets the newest input."""
    k, T = len(kernel), len(x)
    y = np.zeros((T, kernel.shape[2]))
    for t in range(T):
        for j in range(k):
            ### BEGIN SOLUTION
            past = t - d * (k - 1 - j)
            ### END SOLUTION
            if 0 <= past < T:
                y[t] += x[past] @ kernel[j]
    return y


# %% key="exercise-conv-check" tags=["edition-output"]
exam.check(causal_conv_one, **exercises.CONVOLUTION)


# %% [markdown] key="exercise-mu-text" lang="en"
# ### 2. μ-law classes
#
# From samples in $[-1, 1]$ to classes 0 … 255 with $\mu = 255$. Mind $x = 1$.
#
# %% [markdown] key="exercise-mu-text" lang="ja"
# ### 2. μ-lawのクラス
#
# $[-1, 1]$ のサンプルを、$\mu = 255$ で 0〜255 のクラスに変換します。$x = 1$ に注意してください。
#
# %% key="exercise-mu" tags=["exercise"]
def mu_law_classes(x):
    """x (n,) of floats -> (n,) of whole numbers."""
    ### BEGIN SOLUTION
    f = np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)
    return np.minimum(np.floor((f + 1) / 2 * 256), 255).astype(int)
    ### END SOLUTION


# %% key="exercise-mu-check" tags=["edition-output"]
exam.check(mu_law_classes, **exercises.ENCODE)


# %% [markdown] key="exercise-queue-text" lang="en"
# ### 3. The queue
#
# One channel, two taps, one step at a time: $y_t = x_{t-d} \cdot old + x_t \cdot new$.
#
# %% [markdown] key="exercise-queue-text" lang="ja"
# ### 3. キュー
#
# 1チャネル、2タップの畳み込みを1時刻ずつ計算します。$y_t = x_{t-d} \cdot old + x_t \cdot new$ です。
#
# %% key="exercise-queue" tags=["exercise"]
def stream(x, old, new, d):
    """x (T,), two taps and the dilation -> y (T,)."""
    y = []
    ### BEGIN SOLUTION
    queue = deque([0.0] * d)
    for value in x:
        past = queue.popleft()
        queue.append(value)
        y.append(past * old + value * new)
    ### END SOLUTION
    return np.array(y)


# %% key="exercise-queue-check" tags=["edition-output"]
exam.check(stream, **exercises.QUEUE)

# %% [markdown] key="questions-text" lang="en"
# ## Exam questions
#
# Answer first, then open. A wrong choice tells you which mistake leads to it.
#
# %% [markdown] key="questions-text" lang="ja"
# ## 確認テスト
#
# まず自分で答えてから、解説を開いてください。誤りの選択肢には、どう間違えるとその答えになるかが書いてあります。
#
# %% key="questions" tags=["edition-output"]
exam.quiz("13_wavenet")

# %% [markdown] key="references" lang="en"
# ## References
#
# - A. van den Oord, S. Dieleman, H. Zen, K. Simonyan, O. Vinyals, A. Graves, N. Kalchbrenner, A. Senior,
#   K. Kavukcuoglu, *WaveNet: A Generative Model for Raw Audio* (2016), arXiv:1609.03499: the factorization §2, dilated
#   causal convolutions §2.1, μ-law and softmax §2.2, gated units §2.3, residual and skip connections §2.4 and Fig. 4,
#   music §3.3.
# - A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, *Pixel Recurrent Neural Networks*, ICML 2016, arXiv:1601.06759:
#   masks §3.4, PixelCNN §3.5.
# - A. van den Oord, N. Kalchbrenner, O. Vinyals, L. Espeholt, A. Graves, K. Kavukcuoglu, *Conditional Image Generation
#   with PixelCNN Decoders*, NIPS 2016, arXiv:1606.05328: gated units (2), blind spot §2.2.
# - T. Le Paine, P. Khorrami, S. Chang, Y. Zhang, P. Ramachandran, M. A. Hasegawa-Johnson, T. S. Huang, *Fast Wavenet
#   Generation Algorithm* (2016), arXiv:1611.09482: the queues; $O(2^L)$ without, $O(L)$ with them.
# - A. van den Oord et al., *Parallel WaveNet: Fast High-Fidelity Speech Synthesis*, ICML 2018, arXiv:1711.10433.
# - Keras documentation: `Conv1D`, `padding="causal"`, `dilation_rate`.
#
# **Next**: 14 · Variational autoencoders, another way to learn a distribution, with a code instead of an order.
#
# %% [markdown] key="references" lang="ja"
# ## 参考文献
#
# - A. van den Oord, S. Dieleman, H. Zen, K. Simonyan, O. Vinyals, A. Graves, N. Kalchbrenner, A. Senior, K. Kavukcuoglu, *WaveNet: A Generative Model for Raw Audio* (2016), arXiv:1609.03499:確率の分解は2節、ダイレーション付き因果的畳み込みは2.1節、μ-lawとソフトマックスは2.2節、ゲート付き活性化は2.3節、残差接続とスキップ接続は2.4節と図4、音楽は3.3節。
# - A. van den Oord, N. Kalchbrenner, K. Kavukcuoglu, *Pixel Recurrent Neural Networks*, ICML 2016, arXiv:1601.06759:マスクは3.4節、PixelCNNは3.5節。
# - A. van den Oord, N. Kalchbrenner, O. Vinyals, L. Espeholt, A. Graves, K. Kavukcuoglu, *Conditional Image Generation with PixelCNN Decoders*, NIPS 2016, arXiv:1606.05328:ゲート付き活性化は式(2)、盲点は2.2節。
# - T. Le Paine, P. Khorrami, S. Chang, Y. Zhang, P. Ramachandran, M. A. Hasegawa-Johnson, T. S. Huang, *Fast Wavenet Generation Algorithm* (2016), arXiv:1611.09482:キューを使う生成。計算量はキャッシュなしで $O(2^L)$、ありで $O(L)$。
# - A. van den Oord ほか, *Parallel WaveNet: Fast High-Fidelity Speech Synthesis*, ICML 2018, arXiv:1711.10433。
# - Kerasのドキュメント:`Conv1D` の `padding="causal"` と `dilation_rate`。
#
# **次の章**:14 · 変分オートエンコーダ。順序ではなく潜在変数によって確率分布を学習する、もう1つの方法です。
#

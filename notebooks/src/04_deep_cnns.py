# ---
# study:
#   title: {en: "Deep CNNs", ja: "深いCNN"}
#   scope: examined
#   minutes: 180
#   topics: ["4.1", "4.1.1", "4.1.5"]
#   prerequisites: ["01_convolution"]
#   tpu: true
# ---
# %% [markdown] key="title" lang="en"
# # 04 · Deep CNNs
#
# {{badge}}
#
# After this chapter you can write a residual block and a dense block with their backward passes, count their parameters on
# paper, and read any network of this family from its block. It all follows from one idea: **give the signal a way around.**
#
# **Examined**: ResNet, WideResNet (syllabus 4.1.1) · **Legacy**, no longer named but still met: DenseNet, ResNeXt, PyramidNet,
# Xception, MobileNetV2's block · **Time** two evenings of an hour and a half (the second from "In Keras") · **You need**
# the convolution and its costs (chapter 01); batch normalization as a black box (chapter 05 opens it)
#
# %% [markdown] key="title" lang="ja"
# # 04 · 深いCNN
#
# {{badge}}
#
# この章を終えると、残差ブロックと密ブロックを逆伝播まで自分で書き、パラメータ数を紙の上で数え、この系統のネットワークならブロックを見るだけで
# 全体を読み取れるようになります。すべては、1つの考え方から導かれます。**信号に、回り道を用意する。**
#
# **試験範囲**:ResNet、WideResNet(シラバス 4.1.1)· **発展(legacy)**:DenseNet、ResNeXt、PyramidNet、Xception、MobileNetV2のブロック
# (現在のシラバスに名前はありませんが、よく出会うもの)· **所要時間** 1時間半 × 2晩(2晩目は「Kerasで学習する」から)· **前提** 畳み込みとそのコスト
# (1章)。バッチ正規化は、ここではブラックボックスとして使います(中身は5章)
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

import keras
import matplotlib.pyplot as plt
import numpy as np

from utils import datasets, exam, plots, training
from utils.exam.exercises import deep as exercises
from utils.gradient_check import check_layer, keras_gradients, relative_error
from utils.keras_models import densenet, layer_table, random_weights, weight_transfer, zoo
from utils.numpy_layers.batch_norm import BatchNormalization
from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.dense import Dense
from utils.numpy_layers.losses import softmax_crossentropy
from utils.pictures import blocks, networks

plots.style()

# %% [markdown] key="degradation" lang="en"
# ## Key ideas
#
# ### Deeper was worse
#
# More layers, a better network: so one thought after VGG. But beyond some 20 layers the opposite happened. On ImageNet a plain
# network of 34 layers had a *higher* error than one of 18: 28.54 % against 27.94 % (He et al. 2016a, Table 2). Not on the test
# images only; on the **training** images too (Fig. 1 and 4). So it is no overfitting. The authors call it **degradation**.
#
# It is strange, because the deep network contains the shallow one: let the additional layers compute the identity, and the
# error is equal. A solution exists; gradient descent does not find it. An identity is hard to learn for a stack of
# convolutions and ReLUs. Then do not let it be learned. **Lay it as a wire**, and let the layers learn what is to be *added*:
#
# $$y = x + F(x)$$
#
# %% [markdown] key="degradation" lang="ja"
# ## 要点
#
# ### 深くしたら、悪くなった
#
# VGGの後、層を増やせば性能は上がると考えられていました。ところが、20層あたりを超えると逆のことが起こります。ImageNetで、単に層を積んだ34層の
# ネットワークの誤り率は28.54%で、18層の27.94%を**上回り**ました(He et al. 2016a, Table 2)。テスト画像だけでなく、**訓練**画像の誤差も
# 大きくなります(Fig. 1・4)。つまり、過学習ではありません。論文はこの現象を**劣化(degradation)** と呼びます。
#
# これは奇妙なことです。深いネットワークは、浅いネットワークを含んでいるからです。余分な層が恒等写像になれば、誤差は同じになるはずです。解は
# 存在するのに、勾配降下法がそこにたどり着けません。畳み込みとReLUの積み重ねにとって、恒等写像は学習しにくいのです。それなら、学習させなければ
# よい。恒等写像は**配線として用意**してしまい、層には、そこに**足すべきもの**だけを学習させます。
#
# $$y = x + F(x)$$
#
# %% key="residual-figure"
blocks.residual()
plt.show()

# %% [markdown] key="plus-one" lang="en"
# $F$ is the **residual** (what is left to do), the wire is the **shortcut** or skip connection. Two things follow in a line each.
#
# **Depth becomes optional.** With $F = 0$ the block is the identity. Weights near zero are easy to reach; a block that cannot
# help steps aside.
#
# **The gradient finds a way around, too.** Differentiate:
#
# $$\frac{\partial y}{\partial x} = I + \frac{\partial F}{\partial x} \qquad\Rightarrow\qquad \frac{\partial E}{\partial x} = \frac{\partial E}{\partial y} + \frac{\partial E}{\partial y}\,\frac{\partial F}{\partial x}$$
#
# Whatever the weights in $F$ do to the second term, the first arrives as it is: the $+1$. A pocket example: let each
# of three layers multiply by 0.1. Without shortcuts, $0.1^3 = 0.001$ of a gradient is left. With shortcuts each block
# multiplies by $1 + 0.1$, and $1.1^3 = 1.331$ arrives.
#
# ### Add or concatenate
#
# There is a second way to keep what was there. **DenseNet** does not add: it sets the new channels *beside* the old ones.
#
# %% [markdown] key="plus-one" lang="ja"
# $F$ を**残差(residual)**(まだ残っている仕事)、回り道の配線を**ショートカット接続(shortcut connection)** またはスキップ接続と呼びます。
# ここから、2つのことがすぐにわかります。
#
# **余分な深さが害にならない。** $F = 0$ なら、ブロックは恒等写像です。重みを0に近づけるのは簡単なので、役に立たないブロックは、入力をそのまま通すだけに
# なれます。
#
# **勾配にも回り道ができる。** 微分してみましょう。
#
# $$\frac{\partial y}{\partial x} = I + \frac{\partial F}{\partial x} \qquad\Rightarrow\qquad \frac{\partial E}{\partial x} = \frac{\partial E}{\partial y} + \frac{\partial E}{\partial y}\,\frac{\partial F}{\partial x}$$
#
# $F$ の重みが第2項をどう変えようと、第1項はそのまま届きます。これが「$+1$」です。電卓で確かめましょう。3つの層がそれぞれ0.1倍するとします。
# ショートカットがなければ、残る勾配は $0.1^3 = 0.001$ です。ショートカットがあれば、各ブロックは $1 + 0.1$ 倍なので、$1.1^3 = 1.331$ が届きます。
#
# ### 足すか、連結するか
#
# それまでの値を残す方法は、もう1つあります。**DenseNet** は足しません。新しいチャネルを、古いチャネルの**隣に並べます**。
#
# %% key="dense-figure"
blocks.dense_block()
plt.show()


# %% [markdown] key="family" lang="en"
# | | ResNet | DenseNet |
# |---|---|---|
# | joins by | **adding**: $x_l = x_{l-1} + F_l(x_{l-1})$ | **concatenating**: $x_l = H_l([x_0, x_1, \dots, x_{l-1}])$ |
# | channels | stay | grow by $k$ (the **growth rate**) a layer: $k_0 + k\,l$ |
# | shapes must | agree entirely | agree in height and width |
# | between blocks | stride 2, shortcut by 1×1 convolution | **transition**: 1×1 convolution, 2×2 average pooling |
#
# The rest of the family changes one thing each.
#
# | network | what it changes | in a line |
# |---|---|---|
# | ResNet-50 and deeper | bottleneck 1×1 – 3×3 – 1×1 | the 3×3 works on a quarter of the channels |
# | ResNet v2 | pre-activation: BN – ReLU – conv | nothing stands on the shortcut |
# | WideResNet | width × $k$, fewer layers | WRN-28-10: 28 layers, 10 times as wide |
# | PyramidNet | every block a little wider | $D_k = D_{k-1} + \alpha/N$ |
# | ResNeXt | 3×3 in $C$ groups (**cardinality**) | 32×4d: 32 groups of 4 channels |
# | Xception | separable convolutions, with shortcuts | as many groups as channels |
# | MobileNetV2 | **inverted** residual | narrow – wide – narrow, the last 1×1 linear |
#
# **Five sentences to take into the exam**
#
# 1. ResNet answers **degradation**: a deeper plain network has a higher *training* error.
# 2. $y = x + F(x)$, so $\partial y/\partial x = I + \partial F/\partial x$: the gradient has a way around every block.
# 3. Where the shape changes, the shortcut needs help: zeros (option A) or a 1×1 convolution (B; C uses one everywhere).
# 4. ResNet **adds**, DenseNet **concatenates**: $k_0 + k\,l$ channels after $l$ layers.
# 5. WideResNet's $k$ multiplies the *channels*; parameters grow about with $k^2$. ResNeXt keeps the parameters about *equal*.
#
# %% [markdown] key="family" lang="ja"
# | | ResNet | DenseNet |
# |---|---|---|
# | つなぎ方 | **加算**:$x_l = x_{l-1} + F_l(x_{l-1})$ | **連結**:$x_l = H_l([x_0, x_1, \dots, x_{l-1}])$ |
# | チャネル数 | 変わらない | 1層ごとに $k$(**成長率**、growth rate)ずつ増える:$k_0 + k\,l$ |
# | 形状の条件 | すべて一致 | 高さと幅だけ一致 |
# | ブロックの間 | ストライド2。ショートカットは1×1畳み込み | **遷移層(transition layer)**:1×1畳み込みと2×2平均プーリング |
#
# ほかのネットワークは、それぞれ設計の1か所を変えたものです。
#
# | ネットワーク | 変えたところ | ひとことで |
# |---|---|---|
# | ResNet-50以上 | ボトルネック 1×1 – 3×3 – 1×1 | 3×3の層のチャネル数は4分の1 |
# | ResNet v2 | 事前活性化(pre-activation):BN – ReLU – conv | ショートカットの上に何も置かない |
# | WideResNet | 幅を $k$ 倍、層は少なめ | WRN-28-10:28層、幅10倍 |
# | PyramidNet | どのブロックも少しずつ広く | $D_k = D_{k-1} + \alpha/N$ |
# | ResNeXt | 3×3を $C$ グループに(**カーディナリティ**) | 32×4d:4チャネルのグループが32個 |
# | Xception | セパラブル畳み込みとショートカット | チャネル数と同じ数のグループ |
# | MobileNetV2 | **反転**残差(inverted residual) | 狭い – 広い – 狭い。最後の1×1は線形 |
#
# **試験前に覚えておく5項目**
#
# 1. ResNetが解決したのは**劣化**。単に層を積むだけだと、深いほうの**訓練誤差**が大きくなる。
# 2. $y = x + F(x)$ だから $\partial y/\partial x = I + \partial F/\partial x$。どのブロックにも、勾配の回り道がある。
# 3. 形状が変わるところでは、ショートカットに工夫が要る。0で埋める(A)か、1×1畳み込みを使う(B。Cはすべてに使う)。
# 4. ResNetは**加算**、DenseNetは**連結**。$l$ 層の後のチャネル数は $k_0 + k\,l$。
# 5. WideResNetの $k$ は**チャネル数**の倍率。パラメータ数はおよそ $k^2$ 倍になる。ResNeXtのパラメータ数は、ResNetと**ほぼ同じ**。
#
# %% [markdown] key="block-text" lang="en"
# ## From the formula to NumPy
#
# ### A residual block
#
# The basic block of ResNet-18 and -34, where input and output have the same shape. In the forward pass the shortcut is one
# plus sign; in the backward pass it is one plus sign again. The `shortcut` switch gives us the plain block for comparison.
#
# Follow the letters: $h = \mathrm{ReLU}(\mathrm{BN}(x * K_1))$, $\;F = \mathrm{BN}(h * K_2)$, $\;s = x + F$, $\;y = \mathrm{ReLU}(s)$.
#
# %% [markdown] key="block-text" lang="ja"
# ## 数式とコード
#
# ### 残差ブロック
#
# ResNet-18・34の基本ブロックで、入力と出力の形状が同じ場合です。ショートカットは、順伝播では足し算1つ、逆伝播でも足し算1つです。
# `shortcut` を切れば、比較用の単純な(plain)ブロックになります。
#
# 記号の対応は、$h = \mathrm{ReLU}(\mathrm{BN}(x * K_1))$、$F = \mathrm{BN}(h * K_2)$、$s = x + F$、$y = \mathrm{ReLU}(s)$ です。
#
# %% key="block"
class BasicBlock:
    """x (N, H, W, C) -> y of the same shape; plain without the shortcut."""

    def __init__(self, C, rng, shortcut=True, norm=True, gain=1.0, dtype="float32"):
        self.shortcut, self.layers = shortcut, {}
        for n in "12":
            conv = Conv2D(C, 3, C, padding="same", use_bias=False, dtype=dtype)
            deviation = gain * np.sqrt(2 / (9 * C))  # He's initialization, times gain
            kernel = rng.normal(0, deviation, (3, 3, C, C))
            conv.params["kernel"] = kernel.astype(dtype)
            self.layers["conv" + n] = conv
            if norm:
                self.layers["norm" + n] = BatchNormalization(C, momentum=0.9, dtype=dtype)

    def unit(self, n, x, training):
        x = self.layers["conv" + n].forward(x)
        return self.layers["norm" + n].forward(x, training) if "norm" + n in self.layers else x

    def unit_backward(self, n, d):
        d = self.layers["norm" + n].backward(d) if "norm" + n in self.layers else d
        return self.layers["conv" + n].backward(d)

    def forward(self, x, training=True):
        self.h = np.maximum(self.unit("1", x, training), 0)
        F = self.unit("2", self.h, training)
        self.y = np.maximum(x + F if self.shortcut else F, 0)
        return self.y

    def backward(self, dy):
        ds = dy * (self.y > 0)  # through the last ReLU
        dh = self.unit_backward("2", ds) * (self.h > 0)
        dx = self.unit_backward("1", dh)  # the way through F
        return ds + dx if self.shortcut else dx  # the way around: dE/ds · 1

    @property
    def params(self):
        return {(n, p): v for n, layer in self.layers.items() for p, v in layer.params.items()}

    @property
    def grads(self):
        return {(n, p): v for n, layer in self.layers.items() for p, v in layer.grads.items()}


rng = np.random.default_rng(0)
x_block = rng.standard_normal((2, 5, 4, 3))
errors = check_layer(BasicBlock(3, rng, dtype="float64"), x_block)
assert max(errors.values()) < 1e-6, errors
print(f"{len(errors)} gradients of the residual block against numerical ones: all < 1e-6")

# %% [markdown] key="zero-text" lang="en"
# **Two experiments with a switch.** Set the last scale $\gamma$ of a block to zero, so that $F = 0$. The residual block
# becomes the identity (for $x \ge 0$, as after every ReLU), and its gradient becomes exactly $dy$. The plain block outputs zeros
# and sends nothing back.
#
# %% [markdown] key="zero-text" lang="ja"
# **スイッチで実験する。** ブロックの最後のスケール $\gamma$ を0にして、$F = 0$ とします。残差ブロックは恒等写像になり($x \ge 0$ のとき。ReLUの後は
# 必ずそうです)、勾配はちょうど $dy$ になります。単純なブロックは0を出力し、勾配も返しません。
#
# %% key="zero"
x_positive = np.abs(x_block) + 0.1
dy_block = rng.standard_normal(x_block.shape)
for name, shortcut in (("residual", True), ("plain", False)):
    block = BasicBlock(3, rng, shortcut, dtype="float64")
    block.layers["norm2"].params["gamma"] = np.zeros(3)
    y, dx = block.forward(x_positive), block.backward(dy_block)
    print(f"{name:9} y = x: {np.allclose(y, x_positive)!s:6} dx = dy: {np.allclose(dx, dy_block)}")
    assert np.allclose(y, x_positive) == np.allclose(dx, dy_block) == shortcut
    assert shortcut or not (y.any() or dx.any())


# %% [markdown] key="depth-text" lang="en"
# ### The gradient against depth
#
# Stack 20 blocks (40 convolutions). Send a random gradient of length 1 in at the top, and measure its length below each block.
# Left: no BN, and kernels a little too small, as they were often enough before He's initialization. Right: with BN.
#
# %% [markdown] key="depth-text" lang="ja"
# ### 深さと勾配
#
# ブロックを20個(畳み込み40層)積みます。いちばん上から長さ1のランダムな勾配を入れ、各ブロックを通った後の長さを測ります。左はBNなしで、カーネルが
# やや小さすぎる場合(Heの初期化以前にはよくあったことです)。右はBNありです。
#
# %% key="depth"
def gradient_lengths(shortcut, norm, gain, count=20, C=8):
    """Length of dE/dx at the inputs of `count` blocks, from the output down, for a unit dE/dy."""
    rng = np.random.default_rng(0)
    stack = [BasicBlock(C, rng, shortcut, norm, gain) for _ in range(count)]
    x = np.abs(rng.standard_normal((8, 8, 8, C))).astype("float32")
    for block in stack:
        x = block.forward(x)
    d = rng.standard_normal(x.shape).astype("float32")
    d /= np.linalg.norm(d)
    lengths = []
    for block in reversed(stack):
        d = block.backward(d)
        lengths.append(np.linalg.norm(d))
    return lengths


SETTINGS = {"no BN, small kernels": (False, 0.5), "with BN, He's initialization": (True, 1.0)}
fig, axes = plt.subplots(1, 2, figsize=(9, 3.4))
for ax, (title, (norm, gain)) in zip(axes, SETTINGS.items()):
    for name, shortcut, marker in (("plain", False, "o"), ("residual", True, "s")):
        lengths = gradient_lengths(shortcut, norm, gain)
        ax.semilogy(range(1, 21), lengths, marker=marker, label=name)
        at_input = lengths[-1]
        size = "below 0.0001" if at_input < 1e-4 else "above 100" if at_input > 100 else "moderate"
        print(f"{title:30} {name:9} length at the input: {size}")
        if shortcut:
            assert 0.1 < at_input < 100
        else:
            assert at_input > 100 if norm else at_input < 1e-4
    ax.set(title=title, xlabel="blocks passed, from the output down", xticks=(1, 5, 10, 15, 20))
axes[0].set_ylabel("length of the gradient")
axes[0].legend()
plt.show()


# %% [markdown] key="depth-note" lang="en"
# Left, the classic story: the plain gradient *vanishes*, the residual one does not. Now look right. With BN the plain gradient
# does **not** vanish; it grows (batch normalization itself makes it grow in a deep plain stack, Yang et al. 2019). And yet such
# a network trains badly, as the experiment below shows. So vanishing gradients cannot be the whole story. The residual
# stack stays moderate on both sides. With BN, each block *adds* something of the same size to its input, so what a block does is small compared with
# what has come together already: the deeper, the closer to the identity.
#
# ### A dense block
#
# Here nothing is added; the new channels are set beside the old ones. What does the backward pass of a concatenation look like?
# It *cuts*: the first $C$ channels of $dy$ belong to $x$, the last $k$ to $H(x)$. And $x$ went two ways, so two gradients
# meet in it, one of them unchanged. Here, too, there is a way around.
#
# %% [markdown] key="depth-note" lang="ja"
# 左は、おなじみの話です。単純な構造では勾配が**消え**、残差ブロックでは消えません。では、右を見てください。BNがあれば、単純な構造でも勾配は
# **消えません**。むしろ大きくなります(深い単純な構造では、バッチ正規化そのものが勾配を大きくします。Yang et al. 2019)。それなのに、後の実験で見るとおり、
# このような構造では学習がうまく進みません。勾配消失だけでは説明がつかないのです。残差ブロックのほうは、左右どちらでもほどほどの大きさに収まっています。
# BNを使うと、各ブロックが**足す**量はどれも同じくらいの大きさです。深く進むほど、それまでの和に比べて1ブロックの寄与は小さくなり、
# ブロックは恒等写像に近づきます。
#
# ### 密ブロック
#
# 密ブロック(dense block)では何も足さず、新しいチャネルを古いチャネルの隣に並べます。では、連結の逆伝播はどうなるでしょうか。**切り分ける**だけです。$dy$ の最初の
# $C$ チャネルは $x$ のもの、最後の $k$ チャネルは $H(x)$ のものです。そして $x$ は2つの道に使われたので、2つの勾配がここで合流します。そのうちの1つは、
# そのままの値です。ここにも回り道があります。
#
# %% key="dense"
class DenseLayer:
    """x (N, H, W, C) -> (N, H, W, C + k): the input, and beside it k new channels."""

    def __init__(self, C, k, rng, dtype="float64"):
        self.norm = BatchNormalization(C, dtype=dtype)
        self.conv = Conv2D(k, 3, C, padding="same", use_bias=False, dtype=dtype, rng=rng)

    def forward(self, x):
        self.r = np.maximum(self.norm.forward(x, training=True), 0)
        return np.concatenate([x, self.conv.forward(self.r)], axis=-1)  # not x + …

    def backward(self, dy):
        C = self.r.shape[-1]
        old, new = dy[..., :C], dy[..., C:]
        return old + self.norm.backward(self.conv.backward(new) * (self.r > 0))


class DenseBlock:
    """Layer l reads C + (l - 1)·k channels."""

    def __init__(self, C, k, count, rng):
        self.layers = [DenseLayer(C + number * k, k, rng) for number in range(count)]
        numbered = list(enumerate(self.layers))
        parts = [(p + str(n), getattr(m, p)) for n, m in numbered for p in ("norm", "conv")]
        self.params = {(name, p): v for name, layer in parts for p, v in layer.params.items()}
        self.parts, self.grads = parts, {}

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        self.grads = {(name, p): v for name, layer in self.parts for p, v in layer.grads.items()}
        return dy


dense = DenseBlock(C=3, k=2, count=3, rng=rng)
y = dense.forward(x_block)
print(
    f"x {x_block.shape} -> y {y.shape}: 3 + 3·2 channels; "
    f"the first 3 are x itself: {np.array_equal(y[..., :3], x_block)}"
)
errors = check_layer(dense, x_block)
assert y.shape[-1] == 3 + 3 * 2 and max(errors.values()) < 1e-6, errors
print(f"{len(errors)} gradients of the dense block against numerical ones: all < 1e-6")

# %% [markdown] key="costs-text" lang="en"
# ### What a block costs: count it
#
# A convolution without bias has $k^2\, C\, F / G$ weights ($G$ groups), BN adds 2 a channel ($\gamma$, $\beta$). That is all one needs.
# First the reason for the **bottleneck**: a 3×3 layer is expensive on many channels, so one 1×1 layer reduces them before it, and
# another restores them behind it.
#
# %% [markdown] key="costs-text" lang="ja"
# ### ブロックのコスト:数えるだけ
#
# バイアスのない畳み込みの重みは $k^2\, C\, F / G$ 個($G$ はグループ数)、BNはチャネルごとに2個($\gamma$ と $\beta$)です。必要なのはこれだけです。
# まず**ボトルネック(bottleneck)** の理由から見ましょう。チャネルが多いと3×3の層はコストが大きいので、前の1×1の層でチャネルを減らし、後の1×1の層で元に戻します。
#
# %% key="bottleneck-figure"
blocks.bottleneck()
plt.show()

# %% [markdown] key="bottleneck-note" lang="en"
# By hand: $2 \cdot 9 \cdot 256^2 = 1{,}179{,}648$ against $256 \cdot 64 + 9 \cdot 64^2 + 64 \cdot 256 = 69{,}632$. That is about as
# much as a basic block on **64** channels, $2 \cdot 9 \cdot 64^2 = 73{,}728$: for the same cost one gets three layers
# instead of two, and maps four times as wide (He et al. 2016a, §4.1, "Deeper Bottleneck Architectures").
#
# **ResNeXt** spends the money differently: it cuts the 3×3 layer into $C = 32$ groups of $d = 4$ channels. One group alone is a tiny
# bottleneck, and the block is the *sum* of 32 of them. The three drawings compute the same:
#
# %% [markdown] key="bottleneck-note" lang="ja"
# 手計算では、$2 \cdot 9 \cdot 256^2 = 1{,}179{,}648$ に対して $256 \cdot 64 + 9 \cdot 64^2 + 64 \cdot 256 = 69{,}632$ です。これは**64**チャネルの
# 基本ブロック $2 \cdot 9 \cdot 64^2 = 73{,}728$ とほぼ同じです。同じコストで、2層ではなく3層になり、4倍のチャネル数を扱えるのです
# (He et al. 2016a, §4.1, "Deeper Bottleneck Architectures")。
#
# **ResNeXt** は、同じコストを別の形で使います。3×3の層を、$d = 4$ チャネルのグループ $C = 32$ 個に分けます。グループ1つは小さなボトルネックで、
# ブロックはその32個の**和**になります。次の3つの図は、どれも同じ計算です。
#
# %% key="resnext-figure"
blocks.resnext()
plt.show()

# %% key="resnext"
# 16 channels, 4 paths of width 2, 20 pixels; the 3×3 layer is written as 1×1 here, to fit a line
C, paths, d = 16, 4, 2
rng = np.random.default_rng(1)
K_in, K_out = rng.standard_normal((C, paths * d)), rng.standard_normal((paths * d, C))
K_mid = rng.standard_normal((paths, d, d))
x_pixels = rng.standard_normal((20, C))
split = [slice(p * d, (p + 1) * d) for p in range(paths)]
inner = [np.maximum(x_pixels @ K_in[:, s], 0) for s in split]
middle = [np.maximum(m @ K, 0) for m, K in zip(inner, K_mid)]
form_a = sum(m @ K_out[s] for m, s in zip(middle, split))  # add the paths
form_b = np.concatenate(middle, axis=-1) @ K_out  # concatenate, then mix
wide = np.maximum(x_pixels @ K_in, 0).reshape(20, paths, d)
grouped = np.maximum(np.einsum("npd,pde->npe", wide, K_mid), 0).reshape(20, -1)
form_c = grouped @ K_out
assert all(m.any() for m in middle)  # every path has something to say
assert np.allclose(form_a, form_b) and np.allclose(form_b, form_c)
print("sum of paths = concatenation and one 1×1 = grouped convolution: True")

# %% [markdown] key="widths-text" lang="en"
# **WideResNet** and **PyramidNet** change the widths instead. A WRN-$d$-$k$ has $d = 6n + 4$ layers ($n$ blocks in each of
# three stages) with $16k$, $32k$, $64k$ channels. PyramidNet widens *every* block by $\alpha/N$.
#
# %% [markdown] key="widths-text" lang="ja"
# **WideResNet** と **PyramidNet** は、チャネル数を変えます。WRN-$d$-$k$ は $d = 6n + 4$ 層(3つのステージにそれぞれ $n$ ブロック)で、チャネル数は
# $16k$、$32k$、$64k$ です。PyramidNetは、**すべて**のブロックを $\alpha/N$ ずつ広げます。
#
# %% key="widths-figure"
blocks.widths()
plt.show()


# %% [markdown] key="count-text" lang="en"
# Now whole networks, from five short functions: the block, and how often it stands there (He et al. 2016a, Table 1).
#
# %% [markdown] key="count-text" lang="ja"
# では、ネットワーク全体を数えます。ブロックと、その繰り返し回数(He et al. 2016a, Table 1)だけで書けます。
#
# %% key="count"
def conv(k, C, F, groups=1):
    return k * k * C * F // groups


def projection(C, F, n):
    return 0 if C == F else conv(1, C, F) + n * F  # option B: only where the shape changes


def basic(C, F, n):
    """C -> F channels; n numbers a channel beside the convolutions (BN: 2)."""
    return conv(3, C, F) + conv(3, F, F) + 2 * n * F + projection(C, F, n), F


def bottleneck(width=1, groups=1):
    def block(C, F, n):
        m = width * F  # channels of the 3×3 layer
        body = conv(1, C, m) + conv(3, m, m, groups) + conv(1, m, 4 * F) + n * (2 * m + 4 * F)
        return body + projection(C, 4 * F, n), 4 * F

    return block


def residual_network(repeats, block, n=2):
    total, C = conv(7, 3, 64) + n * 64, 64
    for F, count in zip((64, 128, 256, 512), repeats):
        for _ in range(count):
            weights, C = block(C, F, n)
            total += weights
    return total + C * 1000 + 1000


REPEATS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
REPEATS |= {101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
TRAINABLE = {
    "ResNet-18": residual_network(REPEATS[18], basic),
    "ResNet-34": residual_network(REPEATS[34], basic),
    "ResNet-50": residual_network(REPEATS[50], bottleneck()),
    "WideResNet-50-2": residual_network(REPEATS[50], bottleneck(width=2)),
    "ResNeXt-50 (32×4d)": residual_network(REPEATS[50], bottleneck(2, 32)),
    "ResNeXt-101 (32×4d)": residual_network(REPEATS[101], bottleneck(2, 32)),
    "ResNeXt-101 (32×8d)": residual_network(REPEATS[101], bottleneck(4, 32)),
}
PUBLISHED = [11_689_512, 21_797_672, 25_557_032, 68_883_240, 25_028_904, 44_177_704, 88_791_336]
for (name, count), published in zip(TRAINABLE.items(), PUBLISHED):
    print(f"{name:20} {count:11,} trainable parameters")
    assert count == published


# %% [markdown] key="count-note" lang="en"
# ResNet-50 is often quoted with 25,636,712. The difference is bookkeeping: Keras' version gives each convolution a bias
# (which the BN behind it subtracts again) and counts BN's two moving averages. So $n = 5$ a channel instead of 2. DenseNet and the
# two networks for CIFAR in the same manner; the dense block is one line, `C += k`.
#
# %% [markdown] key="count-note" lang="ja"
# ResNet-50のパラメータ数は、25,636,712と書かれることもよくあります。差は数え方の違いです。Keras版では各畳み込みにバイアスがあり(直後のBNが引き算して
# しまうので、意味はありません)、BNの移動平均2つも数えます。そのため、チャネルごとに $n = 2$ ではなく5個です。DenseNetと、CIFAR用の2つのネットワークも同じように
# 数えます。密ブロックは、`C += k` の1行です。
#
# %% key="count-dense"
def dense_network(layers, k=32, C=64, n=4):
    total = conv(7, 3, C) + n * C
    for stage, count in enumerate(layers):
        if stage:
            total, C = total + n * C + conv(1, C, C // 2), C // 2  # transition
        for _ in range(count):
            total += n * C + conv(1, C, 4 * k) + n * 4 * k + conv(3, 4 * k, k)
            C += k  # concatenated
    return total + n * C + C * 1000 + 1000


def cifar_network(widths, C, classes=10, projected=True, pyramid=False):
    """Pre-activation blocks of two 3×3 layers; `pyramid`: one BN more a block, no projections."""
    total = conv(3, 3, 16) + (2 * 16 if pyramid else 0)
    for F in widths:
        total += 2 * C + conv(3, C, F) + 2 * F + conv(3, F, F) + (2 * F if pyramid else 0)
        total, C = total + (conv(1, C, F) if projected and C != F else 0), F
    return total + 2 * C + C * classes + classes


def wrn(depth, k):
    return cifar_network([f * k for f in (16, 32, 64) for _ in range((depth - 4) // 6)], 16)


def pyramidnet(depth, alpha):
    N = (depth - 2) // 2  # blocks
    widths = [16 + number * alpha // N for number in range(1, N + 1)]
    return cifar_network(widths, 16, projected=False, pyramid=True)


KERAS = {
    "ResNet-50": (residual_network(REPEATS[50], bottleneck(), n=5), 25_636_712),
    "ResNet-101": (residual_network(REPEATS[101], bottleneck(), n=5), 44_707_176),
    "ResNet-152": (residual_network(REPEATS[152], bottleneck(), n=5), 60_419_944),
    "DenseNet-121": (dense_network((6, 12, 24, 16)), 8_062_504),
    "DenseNet-169": (dense_network((6, 12, 32, 32)), 14_307_880),
    "DenseNet-201": (dense_network((6, 12, 48, 32)), 20_242_984),
    "DenseNet-264": (dense_network((6, 12, 64, 48)), 33_736_232),
}
for name, (count, expected) in KERAS.items():
    print(f"{name:20} {count:11,} in Keras, moving averages included")
    assert count == expected
for name, count in (("WRN-28-1", wrn(28, 1)), ("WRN-28-2", wrn(28, 2)), ("WRN-28-10", wrn(28, 10))):
    print(f"{name:20} {count:11,} trainable, {count / wrn(28, 1):.1f} times WRN-28-1")
assert wrn(28, 10) == 36_479_194
for alpha, cut in ((48, 17), (84, 38)):
    count = pyramidnet(110, alpha)
    print(f"{f'PyramidNet-110, α {alpha}':20} {count:11,} trainable")
    assert count // 100_000 == cut

small = {"wide_resnet": dict(depth=10, width=2), "pyramidnet": dict(depth=20, alpha=24)}
for (name, options), count in zip(small.items(), (wrn(10, 2), pyramidnet(20, 24))):
    assert layer_table.parameters(zoo.build(name, **options), trainable_only=True) == count

# %% [markdown] key="count-check" lang="en"
# Ten times the width, a hundred times the parameters: in WRN-$d$-$k$ they grow with $k^2$. The papers print these counts as
# 36.5 M (Zagoruyko & Komodakis 2016, Table 5) and, cut after one digit, 1.7 M and 3.8 M (Han et al. 2017, results on CIFAR).
#
# %% [markdown] key="count-check" lang="ja"
# 幅が10倍なら、パラメータはおよそ100倍です。WRN-$d$-$k$ では $k^2$ に比例して増えます。論文では、36.5 M(Zagoruyko & Komodakis 2016,
# Table 5)、1.7 M・3.8 M(小数第2位以下を切り捨て。Han et al. 2017, CIFARの結果の表)と書かれています。
#
# %% [markdown] key="order-text" lang="en"
# ### Where do BN and ReLU stand?
#
# In the first version a ReLU follows the plus sign. It cuts off everything negative that comes along the shortcut, 50 times in
# ResNet-152. The second version moves BN and ReLU *before* the convolutions. Then $x_L = x_l + \sum_{i=l}^{L-1} F(x_i)$ for any two blocks, and the
# gradient is $\frac{\partial E}{\partial x_L}\left(1 + \frac{\partial}{\partial x_l}\sum F\right)$: an undisturbed way through the whole network
# (He et al. 2016b, eqs. (4) and (5)).
#
# %% [markdown] key="order-text" lang="ja"
# ### BNとReLUはどこに置くか
#
# 最初の版では、足し算の後にReLUがあります。ショートカットを通ってきた値のうち、負のものをすべて切り捨てるReLUが、ResNet-152では50個もあります。改良版は、BNとReLUを
# 畳み込みの**前**に移しました。すると、どの2つのブロックの間でも $x_L = x_l + \sum_{i=l}^{L-1} F(x_i)$ となり、勾配は
# $\frac{\partial E}{\partial x_L}\left(1 + \frac{\partial}{\partial x_l}\sum F\right)$ です。ネットワーク全体に、さえぎるもののない道が通ります
# (He et al. 2016b, 式(4)・(5))。
#
# %% key="order-figure"
blocks.activation_order()
plt.show()

# %% key="order"
rng = np.random.default_rng(2)
count, C = 8, 4
maps = [rng.standard_normal((C, C)) * 0.5 for _ in range(count)]  # stand-ins for the convolutions
x_first = rng.standard_normal((6, C))
post, pre, added = x_first, x_first, []
for W in maps:
    post = np.maximum(post + post @ W, 0)  # ReLU behind the plus sign
    added.append(np.maximum(pre, 0) @ W)  # ReLU before the weights
    pre = pre + added[-1]
assert np.allclose(pre, x_first + sum(added))
print("pre-activation: x_L = x_0 + sum of all F:", np.allclose(pre, x_first + sum(added)))
print(f"post-activation: smallest value {post.min():.1f}")
print(f"pre-activation: negative values pass: {pre.min() < 0}")
assert post.min() == 0 and pre.min() < 0

# %% [markdown] key="light-text" lang="en"
# ### Separable and inverted blocks
#
# Two relatives put chapter 01's separable convolution on the way through $F$. **Xception**: as many groups as
# channels, ResNeXt taken to its end. **MobileNetV2** turns the bottleneck inside out: expand by $t$, work depthwise where
# that is cheap, project back. The projection is **linear**, without ReLU6, since a ReLU on few channels destroys
# information (Sandler et al. 2018, §3.2). And the shortcut joins the *narrow* ends.
#
# %% [markdown] key="light-text" lang="ja"
# ### セパラブルなブロック、反転残差ブロック
#
# $F$ の中で1章のセパラブル畳み込みを使うネットワークが2つあります。**Xception** は、グループ数をチャネル数と同じにしたもので、ResNeXtの考え方を極限まで進めた
# 形です。**MobileNetV2** は、ボトルネックを裏返します。チャネル数を $t$ 倍に広げ、計算コストの小さいデプスワイズ畳み込みを行い、元のチャネル数に戻します(射影)。この射影は
# **線形**で、ReLU6を置きません。チャネルが少ないところにReLUを置くと、情報が失われるからです(Sandler et al. 2018, §3.2)。ショートカットは、チャネルの**少ない**両端を
# 結びます。
#
# %% key="separable-figure"
blocks.separable()
plt.show()

# %% key="inverted-figure"
blocks.inverted_residual()
plt.show()

# %% [markdown] key="agree-text" lang="en"
# ## Agreement
#
# ### By hand = Keras
#
# The two blocks once more in Keras, with the same weights and in training mode: outputs and all gradients.
#
# %% [markdown] key="agree-text" lang="ja"
# ## 確かめる
#
# ### 手書き = Keras
#
# 同じ2つのブロックをKerasで組み、同じ重みを与えて、学習モードで比べます。出力と、すべての勾配です。
#
# %% key="agree"
L = keras.layers
COMMON = {"dtype": "float32"}


def keras_conv(x, F):
    return L.Conv2D(F, 3, padding="same", use_bias=False, **COMMON)(x)


def keras_norm(x):
    return L.BatchNormalization(**COMMON)(x, training=True)


def keras_residual(x):
    h = L.ReLU(**COMMON)(keras_norm(keras_conv(x, x.shape[-1])))
    return L.ReLU(**COMMON)(L.Add(**COMMON)([x, keras_norm(keras_conv(h, x.shape[-1]))]))


def keras_dense(x, k=2, count=3):
    for _ in range(count):
        new = keras_conv(L.ReLU(**COMMON)(keras_norm(x)), k)
        x = L.Concatenate(**COMMON)([x, new])
    return x


rng = np.random.default_rng(0)
x_agree = rng.standard_normal((4, 6, 5, 3))
CASES = (
    ("residual block", BasicBlock(3, rng, dtype="float64"), keras_residual),
    ("dense block", DenseBlock(3, 2, 3, rng), keras_dense),
)
for name, ours, build in CASES:
    inputs = keras.Input(x_agree.shape[1:])
    theirs = keras.Model(inputs, build(inputs))
    for value in ours.params.values():
        value[...] = rng.uniform(0.5, 1.5, value.shape) if value.ndim == 1 else value
    for weight, value in zip(theirs.trainable_weights, ours.params.values(), strict=True):
        weight.assign(value)
    y = ours.forward(x_agree)
    dy = rng.standard_normal(y.shape)
    mine = [y, ours.backward(dy), *ours.grads.values()]
    single = x_agree.astype("float32"), dy.astype("float32")
    y_keras, dx_keras, dweights = keras_gradients(theirs, *single)
    pairs = zip(mine, [y_keras, dx_keras, *dweights], strict=True)
    worst = max(relative_error(a, b) for a, b in pairs)
    assert worst < 1e-5, (name, worst)
    print(f"{name:15} {len(mine):2} arrays (y, dx, dweights): relative differences < 1e-5")

# %% [markdown] key="logits-text" lang="en"
# ### The logit table
#
# `utils/keras_models` holds every network of chapters 03 and 04, written so that its blocks can be seen. Are they *the* networks? For
# twelve of them Keras has an implementation of its own. So: build both, give theirs random weights and unhandy BN statistics,
# copy the weights over **by structure** (what feeds what, of which type, with which shapes; names play no part), and compare the logits.
#
# A wrong stride, a wrong epsilon, a forgotten bias, an addition where a concatenation belongs: any of them would show.
#
# %% [markdown] key="logits-text" lang="ja"
# ### ロジットの対照表
#
# `utils/keras_models` には、3章と4章のすべてのネットワークが、ブロックの構造が見えるように書いてあります。それらは**元のネットワークと同じ**でしょうか。そのうち
# 12個は、Kerasにも実装があります。そこで、両方を組み立て、Keras側の重みとBNの統計量を乱数で設定し、重みを**構造にもとづいて**移し(どの層がどの層につながるか、
# 層の種類と形状だけを使い、名前は使いません)、ロジットを比べます。
#
# ストライドの位置、εの値、バイアスの有無、連結と加算の取り違え。どれか1つでも違えば、ここに現れます。
#
# %% key="logits"
TWINS = {  # name in keras.applications: (name in our zoo, parameters at 224×224, 1000 classes)
    "ResNet50": ("resnet50", 25_636_712),
    "ResNet101": ("resnet101", 44_707_176),
    "ResNet152": ("resnet152", 60_419_944),
    "ResNet50V2": ("resnet50v2", 25_613_800),
    "DenseNet121": ("densenet121", 8_062_504),
    "DenseNet169": ("densenet169", 14_307_880),
    "DenseNet201": ("densenet201", 20_242_984),
    "Xception": ("xception", 22_910_480),
    "MobileNet": ("mobilenet", 4_253_864),
    "MobileNetV2": ("mobilenet_v2", 3_538_984),
    "VGG16": ("vgg16", 138_357_544),
    "VGG19": ("vgg19", 143_667_240),
}


def compare(theirs_name, ours_name, images):
    """(parameters, largest difference of the logits, spread of the logits)."""
    options = {"input_shape": images.shape[1:], "classes": 1000, "classifier_activation": None}
    theirs = getattr(keras.applications, theirs_name)(weights=None, **options)
    ours = zoo.build(ours_name, **options)
    random_weights.randomize(theirs, images)
    weight_transfer.transfer(theirs, ours)
    a, b = (keras.ops.convert_to_numpy(model(images, training=False)) for model in (theirs, ours))
    return ours.count_params(), np.max(np.abs(a - b)), np.std(a, axis=0).mean()


gc.freeze()  # Python's garbage collector skips what is there: networks are built much faster
rng = np.random.default_rng(0)
print(f"{'network':12}{'parameters':>13}   largest difference of 3·1000 logits")
for theirs_name, (ours_name, expected) in TWINS.items():
    size = 71 if theirs_name == "Xception" else 64  # pixels; Keras' Xception takes no less
    images = rng.uniform(-1, 1, (3, size, size, 3)).astype("float32")
    parameters, difference, spread = compare(theirs_name, ours_name, images)
    if theirs_name.startswith("VGG"):
        # At 224 pixels the first dense layer reads 7·7 positions, here 2·2.
        parameters += (7 * 7 - 2 * 2) * 512 * 4096
    assert parameters == expected, (theirs_name, parameters)
    assert difference < 1e-4 < 1e-3 < spread, (theirs_name, difference, spread)
    print(f"{theirs_name:12}{parameters:13,}   < 1e-4")

# %% [markdown] key="logits-note" lang="en"
# (The counts are those for 1000 classes; the images are small to save time, which only VGG's first dense layer notices.) The
# tests of this repository do the same with the other networks' counts, and run each network on TensorFlow and on JAX with the same weights: the
# logits agree there, too (on PyTorch where it is installed). A Keras 3 model that uses `keras` and `keras.ops` alone is not tied to a backend.
#
# ### The layer table, by stage
#
# Nobody typed this table; it is read off the model.
#
# %% [markdown] key="logits-note" lang="ja"
# (パラメータ数は1000クラスのときの値です。時間を節約するため画像を小さくしましたが、影響を受けるのはVGGの最初の全結合層だけです。)このリポジトリのテストでは、
# ほかのネットワークのパラメータ数も確かめ、さらに、同じ重みを与えたネットワークをTensorFlowとJAXで動かして、ロジットが一致することを確認しています
# (PyTorchは、インストールされていれば)。`keras` と `keras.ops` だけで書いたKeras 3のモデルは、バックエンドに縛られません。
#
# ### ステージごとの層の表
#
# この表は、手で入力したものではなく、モデルから読み取ったものです。
#
# %% key="table"
resnet50 = zoo.build("resnet50")
print(layer_table.text(resnet50, every="stage"))
networks.stages(layer_table.fold(layer_table.rows(resnet50)), "ResNet-50", every="stage")
plt.show()

# %% [markdown] key="table-note" lang="en"
# Read it like chapter 01's: each stage halves the map and doubles the channels, so that *one block* costs about the same in every
# stage. The MACs follow the number of blocks (3, 4, 6, 3), while most parameters sit in the last two stages.
#
# %% [markdown] key="table-note" lang="ja"
# 1章と同じように読みましょう。ステージごとに縦横が半分、チャネルが2倍になるので、**1ブロック**の計算量はどのステージでもほぼ同じです。MACはブロック数(3、4、6、3)におよそ比例し、パラメータの大半は最後の2つのステージにあります。
#
# %% [markdown] key="keras-text" lang="en"
# ## In Keras
#
# ### A pre-activation ResNet and a DenseNet with equal budgets
#
# On the same data, with about the same number of parameters. The blocks are the ones of this chapter, in the order BN – ReLU –
# conv; where the residual block changes the shape, its shortcut is a 1×1 convolution (option B).
#
# %% [markdown] key="keras-text" lang="ja"
# ## Kerasで学習する
#
# ### パラメータ数をそろえた事前活性化ResNetとDenseNet
#
# データは同じ、パラメータ数もほぼ同じです。ブロックはこの章で見たもので、順序はBN – ReLU – convです。残差ブロックで形状が変わるところは、ショートカットを1×1畳み込みにします(選択肢B)。
#
# %% key="networks"
config = rt.choose(
    quick=dict(data="small_digits", width=12, growth=10, stages=2, blocks=1, epochs=5, batch=64),
    full=dict(data="cifar10", width=32, growth=24, stages=3, blocks=4, epochs=60, batch=128),
)
data = datasets.load_images(config["data"])
MOMENTUM = rt.choose(quick=0.9, full=0.99)


def activated(x):
    return L.ReLU()(L.BatchNormalization(momentum=MOMENTUM)(x))


def convolution(x, F, k=3, s=1):
    return L.Conv2D(F, k, s, padding="same", use_bias=False, kernel_initializer="he_normal")(x)


def residual_stage(x, F, s):
    for number in range(config["blocks"]):
        a, s_here = activated(x), s if number == 0 else 1
        if s_here > 1 or x.shape[-1] != F:
            x = convolution(a, F, 1, s_here)
        y = convolution(activated(convolution(a, F, 3, s_here)), F)
        x = L.Add()([x, y])
    return x


def dense_stage(x, k, s):
    if s > 1:  # transition
        x = L.AveragePooling2D(2)(convolution(activated(x), x.shape[-1] // 2, 1))
    for _ in range(2 * config["blocks"]):
        new = convolution(activated(x), k)
        x = L.Concatenate()([x, new])
    return x


def build_network(kind):
    w = config["width"]
    inputs = keras.Input(data.x_train.shape[1:])
    x = convolution(inputs, w if kind == "residual" else 2 * config["growth"])
    for stage in range(config["stages"]):
        s = 1 if stage == 0 else 2
        if kind == "residual":
            x = residual_stage(x, w * 2**stage, s)
        else:
            x = dense_stage(x, config["growth"], s)
    x = L.GlobalAveragePooling2D()(activated(x))
    outputs = L.Dense(len(data.class_names), activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name=kind)


# %% key="train"
histories, trained = {}, {}
for kind in ("residual", "dense"):
    keras.utils.set_random_seed(0)
    steps = -(-len(data.x_train) // config["batch"]) * config["epochs"]
    with rt.scope():
        network = build_network(kind)
        rate = keras.optimizers.schedules.CosineDecay(rt.choose(quick=1e-2, full=2e-3), steps)
        network.compile(
            keras.optimizers.Adam(rate),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=rt.jit_compile,
        )
    histories[kind] = training.fit(network, data, f"04_{kind}", config["epochs"], config["batch"])
    accuracy = network.evaluate(data.x_test, data.y_test, verbose=0)[1]
    trained[kind] = network.count_params(), accuracy
plots.training_curves(histories, chance=0.1)
plt.show()
for kind, (parameters, accuracy) in trained.items():
    shown = rt.choose(quick="> 88 %", full=f"{100 * accuracy:.2f} %")
    print(f"{kind:9}{parameters:9,} parameters   test accuracy {shown}")
    assert rt.profile != "quick" or accuracy > 0.88, (kind, accuracy)
small, large = sorted(parameters for parameters, _ in trained.values())
assert large < 1.15 * small


# %% [markdown] key="keras-note" lang="en"
# Both learn the digits within a few epochs. Which is ahead cannot be told from one training each (one image of so small a
# test set is half a point). On CIFAR-10 the authors report 4.51 % error for DenseNet-BC-100 ($k=12$) with 0.8 M parameters, against 6.41 % for a ResNet-110 with
# 1.7 M (Huang et al. 2017, Table 2, with augmentation): reuse of features saves parameters. What it costs is memory: every earlier map
# is kept and read again.
#
# %% [markdown] key="keras-note" lang="ja"
# どちらも、数エポックで数字を見分けられるようになります。ただし、1回ずつの学習では、どちらが上かは言えません(テスト画像が少ないので、1枚で0.5ポイントほど動きます)。CIFAR-10については、論文が
# DenseNet-BC-100($k=12$、0.8 Mパラメータ)の誤り率を4.51%、ResNet-110(1.7 M)を6.41%としています(データ拡張あり。Huang et al. 2017, Table 2)。
# 特徴を再利用するので、少ないパラメータで済みます。その代わり、メモリは多く使います。それまでの特徴マップをすべて残し、何度も読むからです。
#
# %% [markdown] key="experiment-text" lang="en"
# ## Experiment
#
# ### Degradation, reproduced with our own block
#
# He et al. compared plain and residual networks of two depths, everything else equal. We do the same with `BasicBlock` in NumPy: 8 and 26 layers, shortcut off and on,
# after their recipe (momentum 0.9, a falling learning rate, BN, He's initialization), on the 8×8 digits, for 160 steps. There is no weight in the
# shortcut, so plain and residual have the *same* parameters. We look at the **training** loss.
#
# %% [markdown] key="experiment-text" lang="ja"
# ## 実験
#
# ### 劣化を、自分のブロックで再現する
#
# Heらは、深さの違う単純なネットワークと残差ネットワークを、ほかの条件をそろえて比べました。NumPyで書いた `BasicBlock` で、同じことをします。8層と26層、ショートカット
# なしとあり。学習の設定も論文にならい(慣性係数0.9、徐々に下げる学習率、BN、Heの初期化)、8×8の数字の画像で160ステップ学習します。ショートカットに重みはないので、
# パラメータ数は**同じ**です。見るのは**訓練**損失です。
#
# %% key="degradation-network"
class Network:
    """Convolution, blocks, global average pooling, dense layer."""

    def __init__(self, count, shortcut, seed, C=8, classes=10):
        rng = np.random.default_rng(seed)
        self.stem = Conv2D(C, 3, 1, strides=2, padding="same", use_bias=False, rng=rng)
        self.norm = BatchNormalization(C, momentum=0.9)
        self.blocks = [BasicBlock(C, rng, shortcut) for _ in range(count)]
        self.head = Dense(classes, C, rng=rng)
        stacked = [layer for block in self.blocks for layer in block.layers.values()]
        self.layers = [self.stem, self.norm, *stacked, self.head]

    def forward(self, x):
        x = self.first = np.maximum(self.norm.forward(self.stem.forward(x), training=True), 0)
        for block in self.blocks:
            x = block.forward(x)
        self.size = x.shape
        return self.head.forward(x.mean(axis=(1, 2)))

    def backward(self, dlogits):
        N, H, W, C = self.size
        d = self.head.backward(dlogits)[:, None, None] / np.float32(H * W)
        d = np.broadcast_to(d, self.size).astype("float32")
        for block in reversed(self.blocks):
            d = block.backward(d)
        self.stem.backward(self.norm.backward(d * (self.first > 0)))


def sgd(network, x, labels, steps, seed, batch=28, rate=0.05, momentum=0.9):
    """(loss of every step, lengths of the first and the last kernel gradient at step 0)."""
    rng = np.random.default_rng(seed)
    velocity = [{name: 0 for name in layer.params} for layer in network.layers]
    losses, lengths = [], None
    for step in range(steps):
        chosen = rng.integers(0, len(x), batch)
        loss, d = softmax_crossentropy(network.forward(x[chosen]), labels[chosen])
        network.backward(d)
        if step == 0:
            ends = network.blocks[0].layers["conv1"], network.blocks[-1].layers["conv2"]
            lengths = [np.linalg.norm(layer.grads["kernel"]) for layer in ends]
        now = np.float32(rate * (1 + np.cos(np.pi * step / steps)) / 2)
        for layer, v in zip(network.layers, velocity):
            for name in layer.params:
                v[name] = momentum * v[name] - now * layer.grads[name]
                layer.params[name] = (layer.params[name] + v[name]).astype("float32")
        losses.append(loss)
    return losses, lengths


# %% key="degradation-run"
tiny = datasets.load_images("small_digits")
STEPS = rt.choose(quick=160, full=1000)
runs = {}
for name, shortcut in (("plain", False), ("residual", True)):
    for count in (3, 12):
        network = Network(count, shortcut, seed=0)
        runs[name, 2 * count + 2] = sgd(network, tiny.x_train, tiny.y_train, STEPS, seed=0)

fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True)
for ax, name in zip(axes, ("plain", "residual")):
    for depth, style in ((8, "--"), (26, "-")):
        smooth = np.convolve(runs[name, depth][0], np.ones(10) / 10, "valid")
        ax.plot(range(10, STEPS + 1), smooth, style, label=f"{name}, {depth} layers")
    ax.set(title=name, xlabel="step")
    ax.legend()
axes[0].set_ylabel("training loss (mean of 10 steps)")
plt.show()

# %% [markdown] key="degradation-table-text" lang="en"
# Beside it the paper's figures: top-1 error on ImageNet's validation images (He et al. 2016a, Table 2), and for residual networks
# on CIFAR-10 the test error (Table 6). Ours is a training loss on a tiny set after a short training, so compare *directions*, not numbers.
#
# %% [markdown] key="degradation-table-text" lang="ja"
# 論文の数値を並べます。ImageNetの検証画像でのトップ1誤り率(He et al. 2016a, Table 2)と、残差ネットワークについてはCIFAR-10のテスト誤り率(Table 6)です。ここでの結果は、
# ごく小さなデータを短く学習したときの訓練損失なので、数値ではなく**変化の向き**を比べてください。
#
# %% key="degradation-table"
final = {key: np.mean(losses[-STEPS // 5 :]) for key, (losses, _) in runs.items()}
PAPER = {
    ("plain", 18): 27.94,
    ("plain", 34): 28.54,
    ("residual", 18): 27.88,
    ("residual", 34): 25.03,
}
print(f"{'':10}{'ImageNet, 18 -> 34 layers':>28}     {'here, 8 -> 26 layers':24}")
for name in ("plain", "residual"):
    worse = final[name, 26] > final[name, 8] + 0.3
    paper = f"{PAPER[name, 18]:.2f} % -> {PAPER[name, 34]:.2f} %"
    print(f"{name:10}{paper:>28}     deeper trains {'worse' if worse else 'as well or better'}")
    if rt.profile == "quick":
        assert worse == (name == "plain"), final
print("CIFAR-10, residual: 20, 32, 44, 56, 110 layers: 8.75, 7.51, 7.17, 6.97, 6.43 %")
if rt.profile == "quick":
    assert final["residual", 26] < final["plain", 26] - 0.5, final
    print("26 layers: the loss with shortcuts is lower by more than 0.5")

# %% [markdown] key="discussion" lang="en"
# The same picture: without shortcuts the deeper network learns *worse*, on the training data; with them the depth costs nothing. And a
# network with 26 layers that cannot even match one with 8 is not short of capacity: it contains it. He et al. *conjecture* that deep plain
# nets converge exponentially slowly (§4.1); the +1 does not make the network more powerful, it makes it trainable. Five
# seeds (0–4) give the same verdicts.
#
# But depth is not everything. Wide and shallow does as well: on CIFAR-10 WRN-28-10 has a lower error than the ResNet of 1001 layers (Zagoruyko & Komodakis
# 2016, Table 5), and a wide network of 16 layers already matches one of a thousand and trains several times faster (§1). A wide layer is computed in parallel; a chain of layers is not.
#
# %% [markdown] key="discussion" lang="ja"
# 論文と同じ結果になりました。ショートカットがないと、深いほうが訓練データでも**うまく学習できず**、あれば、深くしても損はありません。8層に追いつけない26層のネットワークは、表現力が
# 足りないのではありません。8層のネットワークを含んでいるのですから。Heらは、深い単純なネットワークの収束は指数的に遅いのではないかと**推測**しています(§4.1)。「$+1$」は、
# ネットワークを強力にするのではなく、学習できるようにするのです。乱数の種を0〜4の5通りに変えても、判定は同じでした。
#
# とはいえ、深ければよいというわけでもありません。浅くて幅の広いネットワークでも、同等以上の結果が出ています。CIFAR-10では、WRN-28-10の誤り率が1001層のResNetを下回ります
# (Zagoruyko & Komodakis 2016, Table 5)。幅の広い16層でも、1000層のネットワークに並び、学習は数倍速く終わります(§1)。幅の広い層は並列に計算できますが、層の連鎖は順番に計算するしかないからです。
#
# %% [markdown] key="mistake-vanishing" lang="en"
# ## Common mistakes
#
# Claims from notes that circulate among candidates, and a cell for each that shows where it fails.
#
# ### "ResNet was proposed against vanishing (and exploding) gradients"
#
# Its paper says the contrary. That problem "has been largely addressed" by normalized initialization and normalization
# layers (§1), and the plain networks were trained with BN: their gradients "exhibit healthy norms", so vanishing gradients are
# unlikely to be the cause (§4.1). Its target is **degradation**. See our plain network of 26 layers: at the start, its *first*
# convolution has the larger gradient, and yet it trained worst. (That the shortcut *also* helps the gradient is true, and
# shown above; it is not what the paper set out from.)
#
# %% [markdown] key="mistake-vanishing" lang="ja"
# ## よくある誤り
#
# 受験者の間に出回っているノートから取った主張です。どれも誤りであることを、実際に動かして示します。
#
# ### 「ResNetは、勾配消失(・爆発)を防ぐために提案された」
#
# 論文の記述は逆です。その問題は、初期化の工夫と正規化層で「おおむね解決済み」であり(§1)、単純なネットワークもBN付きで学習していて、
# 勾配のノルムは健全なので、勾配消失が原因とは考えにくい(§4.1)、というのです。対象は**劣化**です。先ほどの26層の単純なネットワークを見てください。学習開始時の勾配は、
# **最初**の畳み込みのほうが大きいのに、学習の結果は最悪でした(ショートカットが勾配**にも**効くことは事実で、上で示したとおりです。ただ、それが論文の
# 出発点ではありません)。
#
# %% key="mistake-vanishing-run"
first, last = runs["plain", 26][1]
ratio = "> 5" if first > 5 * last else "< 5"
print(f"plain, 26 layers: gradient of the first convolution / of the last: {ratio}")
assert first > 5 * last  # nothing vanished on the way
worst = max(final, key=final.get)
print(f"highest training loss: {worst[0]}, {worst[1]} layers")
if rt.profile == "quick":
    assert worst == ("plain", 26)


# %% [markdown] key="mistake-dense" lang="en"
# ### "DenseNet adds the earlier outputs"
#
# It **concatenates** them; adding is ResNet. With an addition the number of channels would not grow, and the growth rate would mean
# nothing. A note of 2019 says "adds" in its text while its code concatenates. That code has bugs of its own: it reads `x`
# before `x` exists, has no stem, and its transition has neither BN nor ReLU, so that two linear layers stand in a row. Run it as it is built there, then the
# repaired one (`densenet.small_densenet`; its docstring lists every change):
#
# %% [markdown] key="mistake-dense" lang="ja"
# ### 「DenseNetは、前の層の出力を足し合わせる」
#
# **連結**します。足すのはResNetです。足すのならチャネル数は増えず、成長率にも意味がなくなります。2019年のある学習ノートは、本文で「足し合わせる」と書きながら、
# コードでは連結していました。そのコードにも誤りがあります。`x` を代入前に使い、最初の畳み込み(stem)がなく、遷移層にBNもReLUもないので、線形の層が2つ続きます。
# その組み立て方のまま動かし、次に修正版(`densenet.small_densenet`。変更点はdocstringにあります)を動かします。
#
# %% key="mistake-dense-run"
def as_printed(dense_block, transition):
    inputs = keras.Input((28, 28, 1))
    for count in (1, 2, 4):
        x = transition(dense_block(x, 16, count))  # where does the first x come from?
    return keras.Model(inputs, x)


try:
    as_printed(None, None)
    raise AssertionError("this should not run")
except UnboundLocalError as error:
    print(f"as printed: {type(error).__name__}, 'x' is read before it exists")

repaired = densenet.small_densenet()
channels = [row.output_shape[-1] for row in layer_table.rows(repaired) if row.kind == "Concatenate"]
print("repaired: channels after each dense layer:", *channels)
assert channels == [48, 40, 56, 44, 60, 76, 92, 62, 78, 94]  # + 16 a layer; transitions halve
rng = np.random.default_rng(0)
K3, K1 = rng.standard_normal((9 * 4, 16)), rng.standard_normal((16, 8))
windows = rng.standard_normal((20, 9 * 4))
assert np.allclose(windows @ K3 @ K1, windows @ (K3 @ K1))
print("3×3 and 1×1 without ReLU between them = one 3×3 convolution: True")

# %% [markdown] key="mistake-inverted" lang="en"
# ### "MobileNetV2: 1×1, depthwise 1×1, 1×1, each with ReLU6; with stride 1 add the shortcut"
#
# Three slips of a study note in one line. The depthwise kernel is **3×3** on $t \cdot k$ channels. The last 1×1 is
# **linear**. And the shortcut needs stride 1 **and** equal channels, $k = k'$ (Sandler et al. 2018, §3.3 and Table 1). Besides, the first
# block has $t = 1$ (Table 2). Read it off the model:
#
# %% [markdown] key="mistake-inverted" lang="ja"
# ### 「MobileNetV2は、1×1、デプスワイズ1×1、1×1のすべてにReLU6。ストライド1ならショートカットを足す」
#
# 1行に、誤りが3つあります。デプスワイズのカーネルは、$t \cdot k$ チャネルに対する**3×3**です。最後の1×1は**線形**です。そして、ショートカットの条件は、ストライドが1で、
# **かつ**チャネル数が等しい($k = k'$)ことです(Sandler et al. 2018, §3.3・Table 1)。なお、最初のブロックは $t = 1$ です(Table 2)。モデルから読み取りましょう。
#
# %% key="mistake-inverted-run"
steps = layer_table.fold(layer_table.rows(zoo.build("mobilenet_v2")))
blocks_v2 = {}
for row in steps:
    if "_block" in row.name:
        blocks_v2.setdefault("_".join(row.name.split("_")[:2]), []).append(row)
added = linear = strided = 0
for members in blocks_v2.values():
    layers = [row for row in members if row.kernel]
    depthwise = next(row for row in layers if row.kind == "DepthwiseConv2D")
    assert depthwise.kernel == (3, 3)
    linear += layers[-1].kernel == (1, 1) and "relu" not in layers[-1].activation
    added += any(row.kind == "Add" for row in members)
    strided += depthwise.strides == (2, 2)
total, rest = len(blocks_v2), len(blocks_v2) - strided - added
print(f"{total} blocks: {linear} end linearly, {strided} have stride 2, {added} have a shortcut")
print(f"so {rest} blocks have stride 1 and yet no shortcut: their channels change")
assert (len(blocks_v2), linear, strided, added) == (17, 17, 4, 10)

# %% [markdown] key="mistake-resnext" lang="en"
# ### "ResNeXt reduces the parameters" and "grouping makes a layer smaller, so the network is smaller"
#
# The grouped layer is made *wider* in return: the budget stays, the error falls. ResNet-50 and ResNeXt-50 (32×4d) were
# designed to have about the same number (Xie et al. 2017, §4 and Table 1).
#
# %% [markdown] key="mistake-resnext" lang="ja"
# ### 「ResNeXtは、パラメータ数を減らした」
#
# グループに分けた分、層のチャネルを**増やして**います。パラメータ数はほぼそのままで、誤差が下がるのです。ResNet-50とResNeXt-50(32×4d)は、パラメータ数がほぼ同じになるように設計されています
# (Xie et al. 2017, §4・Table 1)。
#
# %% key="mistake-resnext-run"
resnet, resnext = TRAINABLE["ResNet-50"], TRAINABLE["ResNeXt-50 (32×4d)"]
change = 100 * (resnext / resnet - 1)
print(f"ResNet-50 {resnet / 1e6:.2f} M, ResNeXt-50 (32×4d) {resnext / 1e6:.2f} M: {change:+.1f} %")
assert abs(resnext / resnet - 1) < 0.03
narrow, broad = conv(3, 64, 64), conv(3, 128, 128, groups=32)
print(f"the 3×3 layers of stage 2 alone: {narrow:,} weights, grouped {broad:,}")
whole = [block(256, 64, 2)[0] for block in (bottleneck(), bottleneck(2, 32))]
print(f"their blocks: {whole[0]:,} and {whole[1]:,}: the 1×1 layers took what the groups saved")
assert abs(whole[1] / whole[0] - 1) < 0.03

# %% [markdown] key="mistake-order" lang="en"
# ### "Conv → ReLU → BN" or "Conv → BN → ReLU": does it matter?
#
# It is not the same function. The paper of ResNet says: BN "right after each convolution and before activation" (§3.4). A study
# note's code puts ReLU first. Then the next layer gets negative values too, the mean and the variance are shaped by the zeros
# that ReLU has made, and weights moved from one order to the other give something else.
#
# %% [markdown] key="mistake-order" lang="ja"
# ### 「Conv → ReLU → BN」と「Conv → BN → ReLU」は同じようなもの?
#
# 別の関数です。ResNetの論文では、BNは「各畳み込みの直後、活性化の前」に置かれます(§3.4)。ある学習ノートのコードは、ReLUが先でした。すると、次の層には負の値も
# 渡り、正規化の統計量は、ReLUが作った0に左右されます。重みを一方の順序からもう一方へ移すと、違う結果になります。
#
# %% key="mistake-order-run"
rng = np.random.default_rng(0)
features = rng.standard_normal((16, 8, 8, 4)) + 0.5
paper = np.maximum(BatchNormalization(4, dtype="float64").forward(features, training=True), 0)
note = BatchNormalization(4, dtype="float64").forward(np.maximum(features, 0), training=True)
sign = "negative" if note.min() < -0.3 else "0"
print(f"smallest value: BN → ReLU {paper.min():.1f}, ReLU → BN {sign}")
assert paper.min() == 0 and note.min() < -0.3 and not np.allclose(paper, note)
resnet18 = zoo.build("resnet18", input_shape=(64, 64, 3))
folded = layer_table.fold(layer_table.rows(resnet18))
after = {row.name: row.activation for row in folded}["stage2_block1_conv1"]
print("after a convolution of our ResNet-18:", after)
assert after == "BN, relu"

# %% [markdown] key="mistake-identity" lang="en"
# ### "The shortcut of a ResNet is always the identity"
#
# An addition needs equal shapes. Where stride or channels change, ResNet-50 has a 1×1 convolution with BN on the
# shortcut (**projection**, option B). Keras refuses to add what does not fit, but beware: it *broadcasts* an axis of length 1.
#
# %% [markdown] key="mistake-identity" lang="ja"
# ### 「ResNetのショートカットは、つねに恒等写像である」
#
# 足すには、形状が同じでなければなりません。ストライドやチャネル数が変わるところでは、ResNet-50のショートカットには1×1畳み込みとBNがあります(**射影**、選択肢B)。形状が
# 合わなければKerasがエラーを出しますが、長さ1の軸は**ブロードキャスト**されるので、注意してください。
#
# %% key="mistake-identity-run"
for depth, network in ((18, resnet18), (50, resnet50)):
    rows = layer_table.rows(network)
    sums = sum(row.kind == "Add" for row in rows)
    projections = sum("shortcut" in row.name and row.kind == "Conv2D" for row in rows)
    print(f"ResNet-{depth}: {sums} shortcuts, {projections} of them projections")
    assert (sums, projections) == (sum(REPEATS[depth]), 3 + (depth >= 50))
try:
    L.Add()([keras.Input((32, 32, 64)), keras.Input((16, 16, 128))])
    raise AssertionError("this should not fit")
except ValueError:
    print("Add: (32, 32, 64) and (16, 16, 128) do not fit")
shape = L.Add()([keras.Input((32, 32, 64)), keras.Input((1, 1, 64))]).shape
print(f"Add: (32, 32, 64) and (1, 1, 64) give {shape[1:]} without a word")
assert shape == (None, 32, 32, 64)


# %% [markdown] key="ex-backward-text" lang="en"
# ## Exercises
#
# Fill the blank, run the cell, then run the check below it. The checks recognise the usual mistakes. Each exercise needs only
# the setup and the imports at the top.
#
# ### 1. Back through a residual block
#
# $F(x) = xW$, $s = x + F(x)$, $y = \mathrm{ReLU}(s)$. Given are $dy$, $y$ and $W$.
#
# %% [markdown] key="ex-backward-text" lang="ja"
# ## 演習
#
# 空欄を埋めてセルを実行し、続けてすぐ下の確認セルを実行してください。よくある間違いなら、どこを間違えたかが表示されます。どの演習も、冒頭の準備と
# importのセルだけを実行しておけば始められます。
#
# ### 1. 残差ブロックの逆伝播
#
# $F(x) = xW$、$s = x + F(x)$、$y = \mathrm{ReLU}(s)$ とします。与えられるのは $dy$、$y$、$W$ です。
#
# %% key="ex-backward" tags=["exercise"]
def residual_backward(dy, y, W):
    """dy, y (N, C), W (C, C) -> dx (N, C)."""
    ### BEGIN SOLUTION
    ds = dy * (y > 0)
    return ds + ds @ W.T
    ### END SOLUTION


# %% key="ex-backward-check" tags=["edition-output"]
exam.check(residual_backward, **exercises.RESIDUAL)


# %% [markdown] key="ex-bottleneck-text" lang="en"
# ### 2. Weights of a bottleneck
#
# 1×1, 3×3, 1×1, from $C$ channels to $C$, with $m$ channels inside; the 3×3 layer in $G$ groups. No biases, no BN, identity
# shortcut.
#
# %% [markdown] key="ex-bottleneck-text" lang="ja"
# ### 2. ボトルネックの重みの数
#
# 1×1、3×3、1×1の順で、入力も出力も $C$ チャネル、内側は $m$ チャネル、3×3の層は $G$ グループです。バイアスとBNは数えず、ショートカットは恒等写像とします。
#
# %% key="ex-bottleneck" tags=["exercise"]
def bottleneck_weights(C, m, G):
    """Number of weights, as an int."""
    ### BEGIN SOLUTION
    return C * m + 3 * 3 * m * m // G + m * C
    ### END SOLUTION


# %% key="ex-bottleneck-check" tags=["edition-output"]
exam.check(bottleneck_weights, **exercises.BOTTLENECK)


# %% [markdown] key="ex-dense-text" lang="en"
# ### 3. Channels of a DenseNet
#
# $k_0$ channels enter the first dense block; `layers` lists the layers of each block, $k$ is the growth rate. Between two blocks stands
# a transition that keeps $\lfloor \theta C \rfloor$ of $C$ channels. How many channels leave the *last* block?
#
# %% [markdown] key="ex-dense-text" lang="ja"
# ### 3. DenseNetのチャネル数
#
# 最初の密ブロックに $k_0$ チャネルが入ります。`layers` は各ブロックの層数のリスト、$k$ は成長率です。ブロックとブロックの間の遷移層は、$C$ チャネルを
# $\lfloor \theta C \rfloor$ チャネルに減らします。**最後**のブロックの出力は何チャネルでしょうか。
#
# %% key="ex-dense" tags=["exercise"]
def dense_channels(k0, k, layers, theta):
    """Number of channels, as an int."""
    ### BEGIN SOLUTION
    C = k0
    for number, count in enumerate(layers):
        if number > 0:
            C = int(theta * C)
        C += k * count
    return C
    ### END SOLUTION


# %% key="ex-dense-check" tags=["edition-output"]
exam.check(dense_channels, **exercises.CHANNELS)


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
exam.quiz("04_deep_cnns")

# %% [markdown] key="references" lang="en"
# ## References
#
# - K. He, X. Zhang, S. Ren, J. Sun (2016a), *Deep residual learning for image recognition*, CVPR, arXiv:1512.03385. Degradation:
#   §1, Fig. 1, §4.1; block: eq. (1), Fig. 2; options A, B, C: §3.3, §4.1, Table 3; bottleneck: Fig. 5; networks: Table 1;
#   figures quoted: Tables 2 and 6.
# - K. He, X. Zhang, S. Ren, J. Sun (2016b), *Identity mappings in deep residual networks*, ECCV, arXiv:1603.05027. Eqs.
#   (4) and (5), Fig. 1 and 4.
# - S. Zagoruyko, N. Komodakis (2016), *Wide residual networks*, BMVC, arXiv:1605.07146. Table 1, Table 5.
# - D. Han, J. Kim, J. Kim (2017), *Deep pyramidal residual networks*, CVPR, arXiv:1610.02915. Eq. (2); counts: the table of results on
#   CIFAR.
# - S. Xie, R. Girshick, P. Dollár, Z. Tu, K. He (2017), *Aggregated residual transformations for deep neural networks*, CVPR,
#   arXiv:1611.05431. Table 1, Fig. 3.
# - G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger (2017), *Densely connected convolutional networks*, CVPR, arXiv:1608.06993.
#   Eq. (2), §3, Tables 1 and 2.
# - F. Chollet (2017), *Xception: deep learning with depthwise separable convolutions*, CVPR, arXiv:1610.02357. Fig. 5.
# - M. Sandler et al. (2018), *MobileNetV2: inverted residuals and linear bottlenecks*, CVPR, arXiv:1801.04381. §3.2, §3.3, Tables 1
#   and 2.
# - G. Yang et al. (2019), *A mean field theory of batch normalization*, ICLR, arXiv:1902.08129: gradients explode with depth in plain
#   networks with BN.
# - Keras documentation: `keras.applications`, `Add`, `Concatenate`.
# - The small DenseNet of "Common mistakes": a Japanese study note of 2019.
#
# **Next** 05 opens batch normalization; 06 measures MobileNetV2 against VGG16; 18 uses residual blocks to play Go.
#
# %% [markdown] key="references" lang="ja"
# ## 参考文献
#
# - K. He, X. Zhang, S. Ren, J. Sun (2016a), *Deep residual learning for image recognition*, CVPR, arXiv:1512.03385. 劣化:§1、Fig. 1、§4.1。
#   ブロック:式(1)、Fig. 2。選択肢A・B・C:§3.3、§4.1、Table 3。ボトルネック:Fig. 5。ネットワーク:Table 1。引用した数値:Table 2・6。
# - K. He, X. Zhang, S. Ren, J. Sun (2016b), *Identity mappings in deep residual networks*, ECCV, arXiv:1603.05027. 式(4)・(5)、Fig. 1・4。
# - S. Zagoruyko, N. Komodakis (2016), *Wide residual networks*, BMVC, arXiv:1605.07146. Table 1・5。
# - D. Han, J. Kim, J. Kim (2017), *Deep pyramidal residual networks*, CVPR, arXiv:1610.02915. 式(2)。パラメータ数:CIFARの結果の表。
# - S. Xie, R. Girshick, P. Dollár, Z. Tu, K. He (2017), *Aggregated residual transformations for deep neural networks*, CVPR,
#   arXiv:1611.05431. Table 1、Fig. 3。
# - G. Huang, Z. Liu, L. van der Maaten, K. Q. Weinberger (2017), *Densely connected convolutional networks*, CVPR, arXiv:1608.06993.
#   式(2)、§3、Table 1・2。
# - F. Chollet (2017), *Xception: deep learning with depthwise separable convolutions*, CVPR, arXiv:1610.02357. Fig. 5。
# - M. Sandler et al. (2018), *MobileNetV2: inverted residuals and linear bottlenecks*, CVPR, arXiv:1801.04381. §3.2、§3.3、Table 1・2。
# - G. Yang et al. (2019), *A mean field theory of batch normalization*, ICLR, arXiv:1902.08129. BN付きの単純なネットワークでは、深さとともに勾配が爆発すること。
# - Kerasのドキュメント:`keras.applications`、`Add`、`Concatenate`。
# - 「よくある誤り」の小さなDenseNet:2019年の学習ノート。
#
# **次の章** 5章では、バッチ正規化の中身を見ます。6章ではMobileNetV2とVGG16を比べて実測し、18章では残差ブロックで囲碁を打ちます。

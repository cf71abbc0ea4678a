# ---
# study:
#   title: {en: "Recurrent networks and BPTT", ja: "再帰型ニューラルネットワークとBPTT"}
#   scope: examined
#   minutes: 150
#   topics: ["3.5.1", "3.5.2", "3.5.3"]
#   prerequisites: []
#   tpu: true
# ---
# %% [markdown] key="title" lang="en"
# # 07 · Recurrent networks and BPTT
#
# {{badge}}
#
# After this chapter you can write the line that computes $\delta^t$ from memory, say where each factor in it comes from,
# and find the mistake in a wrong version of it. On the way, a network of 16 units learns to add binary numbers with
# gradients that you have derived yourself.
#
# **Examined** (syllabus 3.5) · **Time** 150 minutes, best in two sittings (70 to the end of *Agreement*, then 80) ·
# **You need** back-propagation through one dense layer, and matrix products in NumPy
#
# %% [markdown] key="title" lang="ja"
# # 07 · 再帰型ニューラルネットワークとBPTT
#
# {{badge}}
#
# この章を終えると、$\delta^t$ を求める1行を何も見ずに書けるようになります。式の各因子がどこから来るのかを説明でき、間違った式を見ればどこが間違いかも指摘できます。途中では、自分で導出した勾配だけを使って、隠れユニット16個のネットワークに2進数の足し算を学習させます。
#
# **試験範囲**(シラバス 3.5) · **所要時間** 150分(2回に分けるなら、「確かめる」まで70分、残り80分) · **前提** 全結合層1層の誤差逆伝播法、NumPyの行列積
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
import keras
import matplotlib.pyplot as plt
import numpy as np

from utils import datasets, exam, plots
from utils.exam.exercises import recurrent as exercises
from utils.gradient_check import keras_gradients, numerical_gradient, relative_error
from utils.numpy_layers.clipping import clip_by_global_norm, clip_by_norm
from utils.numpy_layers.dense import Dense
from utils.numpy_layers.rnn import SimpleRNN
from utils.numpy_layers.truncated import truncated_bptt
from utils.pictures import recurrent as pictures

plots.style()

# %% [markdown] key="cell" lang="en"
# ## Key ideas
#
# ### One cell, used again and again
#
# A recurrent neural network (RNN) reads a sequence one element at a time. What it has read so far is summed up in a
# **hidden state** $z^t$, which it hands to itself:
#
# $$u^t = x^t W_{in} + z^{t-1} W + b \qquad\qquad z^t = f(u^t)$$
#
# $$v^t = z^t W_{out} + c \qquad\qquad y^t = g(v^t)$$
#
# | symbol | meaning | shape | in Keras |
# |---|---|---|---|
# | $x^t$ | input at step $t$ | $(N, D)$ | `x[:, t]` |
# | $u^t$, $z^t$ | before and after the activation $f$ | $(N, H)$ | $z^t$ is the output of `SimpleRNN(H)` |
# | $W_{in}$, $W$, $b$ | weights of the cell | $(D, H)$, $(H, H)$, $(H,)$ | `kernel`, `recurrent_kernel`, `bias` |
# | $v^t$, $y^t$ | before and after the activation $g$ | $(N, K)$ | output of `Dense(K)` |
# | $W_{out}$, $c$ | weights of the output layer | $(H, K)$, $(K,)$ | `kernel`, `bias` of `Dense` |
#
# **Convention.** Vectors are rows and the batch is the first axis ($N$ sequences at once), as in NumPy and Keras. Notes
# that write $W_{in} x^t$ use column vectors: transpose both sides and you have this form, with every matrix transposed.
#
# To see what happens over time, **unroll** the network: draw the cell once for each step.
#
# %% [markdown] key="cell" lang="ja"
# ## 要点
#
# ### 1つのセルを繰り返し使う
#
# 再帰型ニューラルネットワーク(Recurrent Neural Network, RNN)は、系列の要素を1つずつ順番に読みます。それまでに読んだ内容は**隠れ状態** $z^t$ に要約され、次の時刻の自分自身に渡されます。
#
# $$u^t = x^t W_{in} + z^{t-1} W + b \qquad\qquad z^t = f(u^t)$$
#
# $$v^t = z^t W_{out} + c \qquad\qquad y^t = g(v^t)$$
#
# | 記号 | 意味 | 形状 | Kerasでの名前 |
# |---|---|---|---|
# | $x^t$ | 時刻 $t$ の入力 | $(N, D)$ | `x[:, t]` |
# | $u^t$, $z^t$ | 活性化関数 $f$ の前と後 | $(N, H)$ | $z^t$ が `SimpleRNN(H)` の出力 |
# | $W_{in}$, $W$, $b$ | セルの重みとバイアス | $(D, H)$, $(H, H)$, $(H,)$ | `kernel`, `recurrent_kernel`, `bias` |
# | $v^t$, $y^t$ | 活性化関数 $g$ の前と後 | $(N, K)$ | `Dense(K)` の出力 |
# | $W_{out}$, $c$ | 出力層の重みとバイアス | $(H, K)$, $(K,)$ | `Dense` の `kernel`, `bias` |
#
# **表記の約束。** ベクトルは行ベクトル、先頭の軸はバッチ($N$ 本の系列をまとめて処理)とします。NumPyやKerasと同じです。$W_{in} x^t$ と書く資料は列ベクトルを使っています。両辺を転置すれば同じ形になります(行列も互いに転置の関係です)。
#
# 時間に沿って何が起こるかを見るために、セルを時刻の数だけ描いて**展開**(unroll)します。
#
# %% key="forward-figure"
pictures.unrolled_forward()
plt.show()

# %% [markdown] key="unrolled" lang="en"
# Unrolling computes nothing new. It turns the loop into a picture you know: a deep feed-forward network, $T$ layers deep,
# with an input and an output at every layer. Only one thing is unusual. **Arrows of one colour are one and the same
# matrix.**
#
# ### The one idea: every state is read twice
#
# Follow the arrows that leave $z^1$. One goes up, to its own output $y^1$. One goes right, into $z^2$. So $z^t$ affects
# the loss $E$ along two paths, and the chain rule adds what comes back along them:
#
# $$\frac{\partial E}{\partial z^t} \;=\; \underbrace{\delta_{out}^{t}\, W_{out}^\top}_{\text{from its own output}} \;+\; \underbrace{\delta^{t+1}\, W^\top}_{\text{from the next step}}$$
#
# Here $\delta^t = \partial E/\partial u^t$ and $\delta_{out}^{t} = \partial E/\partial v^t$. Why $W^\top$? In
# $u_j^{t+1} = \dots + \sum_i z_i^t W_{ij}$ the state $z_i^t$ meets every $u_j^{t+1}$ through $W_{ij}$. On the way back it
# collects from all of them, $\sum_j \delta_j^{t+1} W_{ij}$, and that is element $i$ of $\delta^{t+1} W^\top$.
#
# And since $z^t = f(u^t)$, multiplying by $f'(u^t)$ element by element turns this gradient into $\delta^t$. After the last
# step there is no next one, so $\delta^{T+1} = 0$:
#
# $$\boxed{\;\delta^t = \left(\delta_{out}^{t}\, W_{out}^\top + \delta^{t+1}\, W^\top\right) \odot f'(u^t), \qquad \delta^{T+1} = 0\;}$$
#
# That is all of **back-propagation through time** (BPTT): ordinary back-propagation in the unrolled network, from the
# last step to the first.
#
# %% [markdown] key="unrolled" lang="ja"
# 展開しても、計算の内容は何も変わりません。ループが、見慣れた図に変わるだけです。すなわち、深さが $T$ 層で、各層に入力と出力が付いた順伝播型のネットワークです。普通と違うのは1点だけです。**同じ色の矢印は、すべて同じ1つの行列です。**
#
# ### 中心となる考え方:隠れ状態は2か所で使われる
#
# $z^1$ から出る矢印をたどってみましょう。1本は上へ向かい、その時刻の出力 $y^1$ に届きます。もう1本は右へ向かい、$z^2$ に届きます。つまり $z^t$ は2つの経路を通って損失 $E$ に影響します。連鎖律により、それぞれの経路を戻ってくる勾配を足し合わせます。
#
# $$\frac{\partial E}{\partial z^t} \;=\; \underbrace{\delta_{out}^{t}\, W_{out}^\top}_{\text{同じ時刻の出力から}} \;+\; \underbrace{\delta^{t+1}\, W^\top}_{\text{次の時刻から}}$$
#
# ここで $\delta^t = \partial E/\partial u^t$、$\delta_{out}^{t} = \partial E/\partial v^t$ です。なぜ $W^\top$ なのでしょうか。$u_j^{t+1} = \dots + \sum_i z_i^t W_{ij}$ では、$z_i^t$ が $W_{ij}$ を通ってすべての $u_j^{t+1}$ に入ります。逆向きには、そのすべてから集めて $\sum_j \delta_j^{t+1} W_{ij}$ となり、これは $\delta^{t+1} W^\top$ の第 $i$ 要素です。
#
# さらに $z^t = f(u^t)$ なので、$f'(u^t)$ を要素ごとに掛けると $\delta^t$ になります。最後の時刻には次の時刻がないので、$\delta^{T+1} = 0$ です。
#
# $$\boxed{\;\delta^t = \left(\delta_{out}^{t}\, W_{out}^\top + \delta^{t+1}\, W^\top\right) \odot f'(u^t), \qquad \delta^{T+1} = 0\;}$$
#
# **通時的誤差逆伝播法(Backpropagation Through Time, BPTT)** はこれで全部です。展開したネットワークの上で、最後の時刻から最初の時刻へ、普通の誤差逆伝播法を行っているだけです。
#
# %% key="backward-figure"
pictures.unrolled_backward()
plt.show()


# %% [markdown] key="sums" lang="en"
# The dashed arrows carry the second half of the story. Each step uses the *same* weights, so each step has its share in
# their gradients, and the shares add up:
#
# $$\frac{\partial E}{\partial W_{in}} = \sum_{t=1}^{T} (x^t)^\top \delta^t \qquad \frac{\partial E}{\partial W} = \sum_{t=1}^{T} (z^{t-1})^\top \delta^t \qquad \frac{\partial E}{\partial b} = \sum_{t=1}^{T} \delta^t$$
#
# $$\frac{\partial E}{\partial W_{out}} = \sum_{t=1}^{T} (z^t)^\top \delta_{out}^{t} \qquad \frac{\partial E}{\partial c} = \sum_{t=1}^{T} \delta_{out}^{t}$$
#
# For $W_{in}$ and $W_{out}$ shapes give the transposes away: $(x^t)^\top \delta^t$ is $(D, N)$ times $(N, H)$, which is
# $(D, H)$, the shape of $W_{in}$. $W$ is square, so its shape does not; follow the pattern of $W_{in}$: **what came in,
# transposed, times $\delta$**. (For $b$ and $c$, sum over the batch as well.)
#
# **Three sentences to take into the exam**
#
# 1. A state is read twice, so its gradient is a **sum of two terms**; then comes the factor $f'(u^t)$.
# 2. The weights are shared over time, so their gradients are **sums over $t$**.
# 3. Each step back multiplies by $W^\top$ and by $f'$, so over many steps the gradient **tends to vanish or explode**;
#    clipping helps against explosion only.
#
# %% [markdown] key="sums" lang="ja"
# 破線の矢印は、重みの勾配への寄与を表します。どの時刻も**同じ**重みを使うので、重みの勾配にはすべての時刻が寄与します。その寄与を時刻について足し合わせます。
#
# $$\frac{\partial E}{\partial W_{in}} = \sum_{t=1}^{T} (x^t)^\top \delta^t \qquad \frac{\partial E}{\partial W} = \sum_{t=1}^{T} (z^{t-1})^\top \delta^t \qquad \frac{\partial E}{\partial b} = \sum_{t=1}^{T} \delta^t$$
#
# $$\frac{\partial E}{\partial W_{out}} = \sum_{t=1}^{T} (z^t)^\top \delta_{out}^{t} \qquad \frac{\partial E}{\partial c} = \sum_{t=1}^{T} \delta_{out}^{t}$$
#
# $W_{in}$ と $W_{out}$ では、転置の位置は形状からわかります。$(x^t)^\top \delta^t$ は $(D, N)$ と $(N, H)$ の積なので $(D, H)$、つまり $W_{in}$ と同じ形状です。$W$ は正方行列なので形状では決まりません。$W_{in}$ の式にならい、**「入ってきた値の転置 × $\delta$」** と覚えます($b$ と $c$ については、バッチ方向にも和をとります)。
#
# **試験前に押さえる3つのポイント**
#
# 1. 隠れ状態は2か所で使われる。だから勾配は**2つの項の和**になり、それに $f'(u^t)$ を掛ける。
# 2. 重みは全時刻で共有される。だから重みの勾配は**時刻 $t$ についての和**になる。
# 3. 1時刻さかのぼるたびに $W^\top$ と $f'$ が掛かる。だから長い系列では勾配が**消失または爆発しやすい**。クリッピングが効くのは爆発だけである。
#
# %% [markdown] key="forward-text" lang="en"
# ## From the formula to NumPy
#
# ### Forward, line by line
#
# The time index of the arrays is that of the formulas: `z[:, t]` is $z^t$ and `z[:, 0]` is the initial state $z^0$. That
# costs one unused row in the other arrays and saves us from $t \pm 1$ confusion.
#
# %% [markdown] key="forward-text" lang="ja"
# ## 数式とコード
#
# ### 順伝播を1行ずつ
#
# 配列の時刻の添字は、数式に合わせます。`z[:, t]` が $z^t$、`z[:, 0]` が初期状態 $z^0$ です。ほかの配列に使わない行が1つできますが、$t \pm 1$ の取り違えを避けられます。
#
# %% key="forward"
def sigmoid(u):
    return 1 / (1 + np.exp(-u))


def identity(v):
    return v


def rnn_forward(x, z0, weights, f, g):
    """x (N, T, D), z0 (N, H) -> x, u, z, v, y, each with the formula's time index on axis 1."""
    W_in, W, b, W_out, c = weights
    N, T, D = x.shape
    H, K = W_out.shape
    x = np.concatenate([np.zeros((N, 1, D)), x], axis=1)  # row 0 is never read
    u, z = np.zeros((N, T + 1, H)), np.zeros((N, T + 1, H))
    v, y = np.zeros((N, T + 1, K)), np.zeros((N, T + 1, K))
    z[:, 0] = z0
    for t in range(1, T + 1):
        u[:, t] = x[:, t] @ W_in + z[:, t - 1] @ W + b
        z[:, t] = f(u[:, t])
        v[:, t] = z[:, t] @ W_out + c
        y[:, t] = g(v[:, t])
    return x, u, z, v, y


# %% [markdown] key="forward-shapes-text" lang="en"
# Try it with sizes that are all different, so that a mix-up of axes cannot hide. The number of weights does not depend on
# $T$: the cell is the same at every step.
#
# %% [markdown] key="forward-shapes-text" lang="ja"
# 軸の取り違えが隠れないように、わざと全部違う大きさで試します。パラメータ数は系列長 $T$ によりません。どの時刻でも同じセルを使うからです。
#
# %% key="forward-shapes"
N, T, D, H, K = 4, 5, 2, 3, 1
rng = np.random.default_rng(0)
weights = [rng.standard_normal(shape) for shape in ((D, H), (H, H), (H,), (H, K), (K,))]
x_small = rng.standard_normal((N, T, D))
x, u, z, v, y = rnn_forward(x_small, np.zeros((N, H)), weights, np.tanh, identity)

print(f"z {z.shape} = (N, T + 1, H)    y {y.shape} = (N, T + 1, K)")
assert z.shape == (N, T + 1, H) and y.shape == (N, T + 1, K)

in_cell = sum(w.size for w in weights[:3])
print(f"weights in the cell: {in_cell} = D·H + H·H + H = {D * H} + {H * H} + {H}")
assert in_cell == D * H + H * H + H

# %% [markdown] key="hand-text" lang="en"
# ### A whole RNN in your head
#
# Now an example small enough to do without a calculator. One input, one hidden unit, one output, three steps; $f$ is the
# sigmoid and $g$ does nothing:
#
# $$W_{in} = 1,\quad W = -2,\quad b = -1,\quad W_{out} = 4,\quad c = 0,\quad z^0 = 0,\quad x = (1, 2, 2)$$
#
# The weights are chosen so that every $u^t$ is 0, where the sigmoid is easy: $\sigma(0) = \frac12$ and
# $\sigma'(0) = \frac12 \cdot \frac12 = \frac14$.
#
# - $u^1 = 1 \cdot 1 + 0 \cdot (-2) - 1 = 0$, so $z^1 = \frac12$ and $y^1 = \frac12 \cdot 4 = 2$
# - $u^2 = 2 \cdot 1 + \frac12 \cdot (-2) - 1 = 0$, so $z^2 = \frac12$ and $y^2 = 2$
# - $u^3 = 2 \cdot 1 + \frac12 \cdot (-2) - 1 = 0$, so $z^3 = \frac12$ and $y^3 = 2$
#
# %% [markdown] key="hand-text" lang="ja"
# ### 暗算で追えるRNN
#
# 次は、電卓なしで計算できるほど小さい例です。入力・隠れユニット・出力が1つずつ、時刻は3つ、$f$ はシグモイド関数、$g$ は恒等関数とします。
#
# $$W_{in} = 1,\quad W = -2,\quad b = -1,\quad W_{out} = 4,\quad c = 0,\quad z^0 = 0,\quad x = (1, 2, 2)$$
#
# どの $u^t$ も0になるように重みを選んであります。0ではシグモイド関数の計算が簡単で、$\sigma(0) = \frac12$、$\sigma'(0) = \frac12 \cdot \frac12 = \frac14$ です。
#
# - $u^1 = 1 \cdot 1 + 0 \cdot (-2) - 1 = 0$ なので、$z^1 = \frac12$、$y^1 = \frac12 \cdot 4 = 2$
# - $u^2 = 2 \cdot 1 + \frac12 \cdot (-2) - 1 = 0$ なので、$z^2 = \frac12$、$y^2 = 2$
# - $u^3 = 2 \cdot 1 + \frac12 \cdot (-2) - 1 = 0$ なので、$z^3 = \frac12$、$y^3 = 2$
#
# %% key="hand-forward"
x_hand = np.array([[[1.0], [2.0], [2.0]]])  # (N, T, D) = (1, 3, 1)
hand = [np.array(w) for w in ([[1.0]], [[-2.0]], [-1.0], [[4.0]], [0.0])]
x, u, z, v, y = rnn_forward(x_hand, np.zeros((1, 1)), hand, sigmoid, identity)

for t in range(1, 4):
    print(f"t = {t}:  u = {u[0, t, 0]:g}   z = {z[0, t, 0]:g}   y = {y[0, t, 0]:g}")
assert u[0, 1:, 0].tolist() == [0, 0, 0]
assert z[0, 1:, 0].tolist() == [0.5, 0.5, 0.5]
assert y[0, 1:, 0].tolist() == [2, 2, 2]

pictures.unrolled_forward(values={"x": x[0, 1:, 0], "z": z[0, :, 0], "y": y[0, 1:, 0]})
plt.show()


# %% [markdown] key="backward-text" lang="en"
# ### Backward: the line, then the loop
#
# The right side of the boxed formula in three steps: what comes from the output, what comes from the next step, and the
# way through $f$. `slope` is $f'(u^t)$, and `*` between arrays is $\odot$.
#
# %% [markdown] key="backward-text" lang="ja"
# ### 逆伝播:まず1行、次にループ
#
# 枠で囲んだ式の右辺を、3段階でコードにします。出力から戻る項、次の時刻から戻る項、そして $f$ を通過する部分です。`slope` が $f'(u^t)$、配列どうしの `*` が $\odot$ です。
#
# %% key="delta-line"
def delta_line(delta_out_t, delta_next, W_out, W, slope):
    """The line of BPTT: δ^t from δ_out^t and δ^{t+1}."""
    from_output = delta_out_t @ W_out.T  # (N, K) @ (K, H): what y^t sends back to z^t
    from_next = delta_next @ W.T  # (N, H) @ (H, H): what u^{t+1} sends back to z^t
    return (from_output + from_next) * slope  # (N, H): through f, from z^t to u^t


# %% [markdown] key="loop-text" lang="en"
# The rest is bookkeeping: start from $\delta^{T+1} = 0$, walk backwards, then add up the shares of all steps. The line
# comes in as an argument, because later we shall swap it for wrong ones and watch.
#
# %% [markdown] key="loop-text" lang="ja"
# 残りは段取りだけです。$\delta^{T+1} = 0$ から始めて時刻を逆にたどり、最後に全時刻の寄与を足し合わせます。上の1行は引数として渡します。あとで間違った式に差し替えて、何が起こるかを見るためです。
#
# %% key="backward"
NAMES = ("W_in", "W", "b", "W_out", "c")


def rnn_backward(delta_out, x, u, z, weights, f_prime, line=delta_line):
    """delta_out (N, T + 1, K) -> delta (N, T + 2, H) and the gradients of all weights."""
    W_in, W, b, W_out, c = weights
    N, T, H = u.shape[0], u.shape[1] - 1, u.shape[2]
    delta = np.zeros((N, T + 2, H))  # delta[:, T + 1] stays 0
    for t in range(T, 0, -1):
        delta[:, t] = line(delta_out[:, t], delta[:, t + 1], W_out, W, f_prime(u[:, t]))
    steps = range(1, T + 1)
    gradients = {
        "W_in": sum(x[:, t].T @ delta[:, t] for t in steps),
        "W": sum(z[:, t - 1].T @ delta[:, t] for t in steps),
        "b": sum(delta[:, t].sum(axis=0) for t in steps),
        "W_out": sum(z[:, t].T @ delta_out[:, t] for t in steps),
        "c": sum(delta_out[:, t].sum(axis=0) for t in steps),
    }
    return delta, gradients


# %% [markdown] key="hand-backward-text" lang="en"
# ### The same example, backwards
#
# Take the squared error $E = \frac12 \sum_t (y^t - d^t)^2$ with targets $d = (0, 3, 1)$. Since $g$ does nothing,
# $\delta_{out}^{t} = y^t - d^t$, which is $(2, -1, 1)$. Every slope is $\frac14$. Work out
# $\delta^3, \delta^2, \delta^1$ on paper before you open the answer (and look at the picture):
#
# <details><summary>Answer</summary>
#
# - $\delta^3 = (1 \cdot 4 + 0) \cdot \frac14 = 1$
# - $\delta^2 = (-1 \cdot 4 + 1 \cdot (-2)) \cdot \frac14 = -1.5$
# - $\delta^1 = (2 \cdot 4 + (-1.5) \cdot (-2)) \cdot \frac14 = 2.75$
#
# </details>
#
# The picture shows the same numbers on their way:
#
# %% [markdown] key="hand-backward-text" lang="ja"
# ### 同じ例で逆伝播
#
# 損失は二乗誤差 $E = \frac12 \sum_t (y^t - d^t)^2$、目標値は $d = (0, 3, 1)$ とします。$g$ は恒等関数なので $\delta_{out}^{t} = y^t - d^t$、すなわち $(2, -1, 1)$ です。傾きはどれも $\frac14$ です。図を見る前に、紙に $\delta^3, \delta^2, \delta^1$ を求めてから開いてください。
#
# <details><summary>答え</summary>
#
# - $\delta^3 = (1 \cdot 4 + 0) \cdot \frac14 = 1$
# - $\delta^2 = (-1 \cdot 4 + 1 \cdot (-2)) \cdot \frac14 = -1.5$
# - $\delta^1 = (2 \cdot 4 + (-1.5) \cdot (-2)) \cdot \frac14 = 2.75$
#
# </details>
#
# 同じ数値が流れていく様子を、図で確かめましょう。
#
# %% key="hand-backward-figure"
labels = {
    "out": ["2 · 4 = 8", "−1 · 4 = −4", "1 · 4 = 4"],
    "future": ["−1.5 · (−2) = 3", "1 · (−2) = −2"],
    "slope": ["× ¼"] * 3,
    "sum": ["11", "−6", "4"],
    "delta": ["2.75", "−1.5", "1"],
}
pictures.unrolled_backward(values=labels)
plt.show()


# %% [markdown] key="hand-gradients-text" lang="en"
# Then the sums over $t$, for instance $\partial E/\partial W_{in} = 1 \cdot 2.75 + 2 \cdot (-1.5) + 2 \cdot 1 = 1.75$
# and $\partial E/\partial W = 0 \cdot 2.75 + \frac12 \cdot (-1.5) + \frac12 \cdot 1 = -0.25$. The code agrees to the
# last bit:
#
# %% [markdown] key="hand-gradients-text" lang="ja"
# 続いて $t$ についての和です。たとえば $\partial E/\partial W_{in} = 1 \cdot 2.75 + 2 \cdot (-1.5) + 2 \cdot 1 = 1.75$、$\partial E/\partial W = 0 \cdot 2.75 + \frac12 \cdot (-1.5) + \frac12 \cdot 1 = -0.25$ となります。コードの結果は、1ビットの違いもなく一致します。
#
# %% key="hand-backward"
def sigmoid_prime(u):
    return sigmoid(u) * (1 - sigmoid(u))


d_hand = np.array([[[0.0], [3.0], [1.0]]])
x, u, z, v, y = rnn_forward(x_hand, np.zeros((1, 1)), hand, sigmoid, identity)
delta_out = np.zeros_like(y)
delta_out[:, 1:] = y[:, 1:] - d_hand
delta, gradients = rnn_backward(delta_out, x, u, z, hand, sigmoid_prime)

print("delta  ", delta[0, 1:4, 0].tolist())
for name in NAMES:
    print(f"dE/d{name:6}{gradients[name].item():6.2f}")
assert delta[0, 1:4, 0].tolist() == [2.75, -1.5, 1]
assert [gradients[name].item() for name in NAMES] == [1.75, -0.25, 2.25, 1, 2]


# %% [markdown] key="nudge-text" lang="en"
# What does a gradient of 1.75 promise? That raising $W_{in}$ a little raises $E$ by 1.75 times as much. Ask the network:
#
# %% [markdown] key="nudge-text" lang="ja"
# 勾配が1.75とは、$W_{in}$ を $\varepsilon$ だけ増やすと $E$ が約 $1.75\,\varepsilon$ 増えるという意味です。実際に増やしてみましょう。
#
# %% key="nudge"
def error_of(weights):
    y = rnn_forward(x_hand, np.zeros((1, 1)), weights, sigmoid, identity)[-1]
    return 0.5 * np.sum((y[:, 1:] - d_hand) ** 2)


nudged = [hand[0] + 0.001, *hand[1:]]
print(f"E = {error_of(hand):.4f}, with W_in + 0.001: {error_of(nudged):.4f}")
print(f"change / 0.001 = {(error_of(nudged) - error_of(hand)) / 0.001:.2f}")


# %% [markdown] key="reach-text" lang="en"
# ### How far back does a gradient reach?
#
# Look at one loss only, at the last step, and follow it back. Nothing is added on the way, so what reaches $z^t$ is a
# product, with one factor for each step. For one sequence, its factors from left to right being $s = T, \dots, t+1$:
#
# $$\frac{\partial E^T}{\partial z^t} = \frac{\partial E^T}{\partial z^T}\; \prod_{s=T}^{t+1} \operatorname{diag}\!\left(f'(u^s)\right) W^\top$$
#
# Each factor lengthens the gradient by at most $\gamma\,\sigma_{max}$. Here $\sigma_{max}$ is the largest singular value
# of $W$ (by how much it can lengthen a vector), and $\gamma$ the largest slope of $f$: 1 for tanh, only $\frac14$ for the sigmoid. So
#
# $$\left\lVert \frac{\partial E^T}{\partial z^t} \right\rVert \;\le\; (\gamma\,\sigma_{max})^{\,T-t}\; \left\lVert \frac{\partial E^T}{\partial z^T} \right\rVert$$
#
# - $\gamma\,\sigma_{max} < 1$: the gradient **must vanish** exponentially.
# - $\gamma\,\sigma_{max} > 1$: it **can explode**, but need not.
#
# Let us measure. $W$ is an orthogonal matrix times $\rho$, so all its singular values are $\rho$. In a linear network the
# slope of the curve should then be exactly $\log_{10} \rho$ a step.
#
# %% [markdown] key="reach-text" lang="ja"
# ### 勾配はどこまでさかのぼれるか
#
# 最後の時刻の損失だけを考えて、さかのぼってみます。途中で加わるものがないので、$z^t$ に届く勾配は1時刻につき因子が1つずつ増える積になります。系列が1本のとき、次のとおりです(因子は左から順に $s = T, \dots, t+1$)。
#
# $$\frac{\partial E^T}{\partial z^t} = \frac{\partial E^T}{\partial z^T}\; \prod_{s=T}^{t+1} \operatorname{diag}\!\left(f'(u^s)\right) W^\top$$
#
# 因子1つで、勾配の長さは最大でも $\gamma\,\sigma_{max}$ 倍にしかなりません。$\sigma_{max}$ は $W$ の最大特異値($W$ がベクトルの長さを最大で何倍にするか)、$\gamma$ は $f$ の傾きの最大値です。$\gamma$ はtanhで1、シグモイド関数ではわずか $\frac14$ です。したがって
#
# $$\left\lVert \frac{\partial E^T}{\partial z^t} \right\rVert \;\le\; (\gamma\,\sigma_{max})^{\,T-t}\; \left\lVert \frac{\partial E^T}{\partial z^T} \right\rVert$$
#
# - $\gamma\,\sigma_{max} < 1$ なら、勾配は指数関数的に**必ず消失**します(勾配消失)。
# - $\gamma\,\sigma_{max} > 1$ なら、勾配は**爆発しうる**ものの、必ず爆発するわけではありません(勾配爆発)。
#
# 測ってみましょう。$W$ を直交行列の $\rho$ 倍とすると、特異値はすべて $\rho$ です。線形のネットワークなら、グラフの傾きは1時刻あたりちょうど $\log_{10} \rho$ になるはずです。
#
# %% key="reach"
def gradient_norms(activation, rho, T=40, H=64, N=8):
    """Norm of the last step's loss gradient at z^T, z^(T-1), …, z^1, relative to the first."""
    rng = np.random.default_rng(0)
    rnn = SimpleRNN(H, 1, activation, dtype="float64", rng=rng)  # starts with an orthogonal W
    W = rnn.params["recurrent_kernel"]
    W *= rho
    rnn.forward(rng.standard_normal((N, T, 1)))
    at_end = rng.standard_normal((N, H))
    rnn.backward(at_end)
    earlier = rnn.delta[:, :0:-1] @ W.T  # from z^(T-1) down to z^1
    norms = [np.linalg.norm(at_end), *np.linalg.norm(earlier, axis=(0, 2))]
    return np.array(norms) / norms[0]


GAMMA = {"linear": 1, "tanh": 1, "sigmoid": 1 / 4}
steps_back = np.arange(40)
print("activation   rho   measured slope   bound log10(gamma · rho)")
for activation in GAMMA:
    for rho in (0.8, 1.0, 1.2):
        norms = gradient_norms(activation, rho)
        bound = np.log10(GAMMA[activation] * rho)
        slope = round(np.log10(norms[-1]) / steps_back[-1], 9) + 0.0
        print(f"{activation:10}   {rho:.1f}   {slope:+14.3f}   {bound:+.3f}")
        assert np.all(norms <= (GAMMA[activation] * rho) ** steps_back * (1 + 1e-9))
        assert activation != "linear" or abs(slope - bound) < 1e-9
print(f"over 40 linear steps: 0.8^40 = 1 / {1 / 0.8**40:,.0f}   1.2^40 = {1.2**40:,.0f}")

# %% key="reach-figure"
RHO_COLORS = {0.8: plots.INPUT, 1.0: plots.INK, 1.2: plots.WEIGHT}
fig, axes = plt.subplots(1, 3, figsize=(9, 3.1), sharey=True)
for ax, activation in zip(axes, GAMMA):
    for rho, color in RHO_COLORS.items():
        ax.semilogy(steps_back, gradient_norms(activation, rho), color=color, label=f"ρ = {rho}")
        ax.semilogy(steps_back, (GAMMA[activation] * rho) ** steps_back, color=color, linewidth=0.8)
    ax.set_title(f"{activation}  (γ = {GAMMA[activation]:g})")
    ax.set_xlabel("steps back, T − t")
axes[0].set_ylabel("norm of ∂E/∂z, relative")
axes[0].legend(loc="lower left")
axes[0].set_ylim(1e-26, 1e5)
fig.suptitle("Measured (thick) and bound (thin)")
plt.show()


# %% [markdown] key="reach-note" lang="en"
# Read the picture from left to right.
#
# - **Linear**: the measured lines lie on their bounds. With $\rho$ only 20 % off from 1, a gradient of 40 steps ago
#   arrives some 7,500 times too small or almost 1,500 times too large.
# - **tanh**: the lines lie below their bounds, because the slope is below 1 wherever $u \ne 0$. With $\rho = 1.2$ the
#   gradient *could* explode; it keeps its length.
# - **Sigmoid**: the factor $\frac14$ means that even for $\rho = 1.2$ the gradient is multiplied by at most 0.3 at every step.
#   After 40 steps hardly a trace is left.
#
# A sum over $t$ hides this. The gradient of $W$ is not zero when the early terms vanish: it just no longer contains them.
# The network learns, but only what recent steps can teach.
#
# %% [markdown] key="reach-note" lang="ja"
# 左から順に見ていきます。
#
# - **線形**:測定値(太線)が上界(細線)に一致しています。$\rho$ が1から20 %ずれただけで、40時刻前の勾配は約7,500分の1、または約1,500倍になります。
# - **tanh**:測定値は上界より下にあります。$u$ が0から離れるほど、傾きが1より小さくなるからです。$\rho = 1.2$ では爆発する**可能性**がありますが、ここでは長さがほぼ保たれています。
# - **シグモイド**:因子 $\frac14$ のため、$\rho = 1.2$ でも1時刻ごとに0.3倍以下になります。40時刻前には、ほとんど何も届きません。
#
# $t$ についての和は、この現象を見えにくくします。昔の項が消えても、$W$ の勾配は0にはなりません。昔の項を含まなくなるだけです。ネットワークは学習を続けますが、最近の時刻から学べることしか学びません。
#
# %% [markdown] key="clip-text" lang="en"
# ### Gradient clipping
#
# Against explosion there is a blunt, effective tool: if the gradient is longer than a threshold, shorten it to the
# threshold, and keep its direction (Pascanu et al., Algorithm 1).
#
# $$g \;\leftarrow\; g \cdot \min\!\left(1,\; \frac{threshold}{\lVert g \rVert}\right)$$
#
# Divide by $\lVert g \rVert$ only if it exceeds the threshold. Then a zero gradient needs no special care.
#
# %% [markdown] key="clip-text" lang="ja"
# ### 勾配クリッピング
#
# 勾配爆発には、単純でよく効く方法があります。勾配の長さ(ノルム)が閾値(threshold)を超えたら、向きを保ったまま長さを閾値まで縮めます(Pascanuら, Algorithm 1)。
#
# $$g \;\leftarrow\; g \cdot \min\!\left(1,\; \frac{threshold}{\lVert g \rVert}\right)$$
#
# $\lVert g \rVert$ で割るのは、閾値を超えたときだけにします。そうすれば、勾配がゼロの場合も特別扱いは要りません。
#
# %% key="clip"
def clip(g, threshold):
    norm = np.linalg.norm(g)
    if norm > threshold:  # so norm is not 0 below
        g = g * (threshold / norm)
    return g


g = np.array([3.0, 4.0])
print("norm of [3, 4]:", np.linalg.norm(g))
print("clipped to 1:  ", clip(g, 1.0).round(6), " norm", np.linalg.norm(clip(g, 1.0)).round(6))
print("zero gradient: ", clip(np.zeros(2), 1.0))
np.testing.assert_allclose(clip(g, 1.0), [0.6, 0.8])
assert np.array_equal(clip(np.zeros(2), 1.0), [0, 0]) and np.array_equal(clip(g, 6.0), g)

# %% [markdown] key="global-text" lang="en"
# A network has several gradients. Clip **each alone** (`clipnorm` in Keras), or measure the length of **all together**
# and scale them by one common factor (`global_clipnorm`)? The second keeps the direction of the whole gradient, the
# first does not:
#
# %% [markdown] key="global-text" lang="ja"
# ネットワークには勾配がいくつもあります。**変数ごとに**クリッピングするか(Kerasの `clipnorm`)、**全体をまとめた**長さを測って共通の倍率を掛けるか(`global_clipnorm`)の2通りがあります。勾配全体の向きが保たれるのは後者だけです。
#
# %% key="global"
grads = {"kernel": np.array([3.0, 4.0]), "bias": np.array([0.5])}
alone = {name: clip_by_norm(g, 1.0) for name, g in grads.items()}
together, norm = clip_by_global_norm(grads, 1.0)

print("                 kernel           bias    bias / kernel[0]")
for label, group in (("as it was", grads), ("each alone", alone), ("all together", together)):
    kernel, bias = group["kernel"], group["bias"]
    print(f"{label:14}  [{kernel[0]:.3f} {kernel[1]:.3f}]   [{bias[0]:.3f}]   {bias[0] / kernel[0]:.3f}")
print(f"global norm: sqrt(3² + 4² + 0.5²) = {norm:.3f}")
np.testing.assert_allclose(together["bias"] / together["kernel"][0], grads["bias"] / grads["kernel"][0])

# %% [markdown] key="cliff-text" lang="en"
# Why is shortening enough? Because explosion is a matter of *places*. Take the smallest RNN, $z^t = \sigma(w z^{t-1} + b)$
# with 50 steps, and ask that $z^{50} = 0.7$. Its error over $(w, b)$ is flat almost everywhere, with a cliff
# across it. On the cliff the gradient is huge, and one step throws the weights out of the picture.
#
# %% [markdown] key="cliff-text" lang="ja"
# 長さを縮めるだけで足りるのはなぜでしょうか。勾配が爆発するのは、パラメータ空間の**限られた場所**だけだからです。最小のRNN $z^t = \sigma(w z^{t-1} + b)$ を50時刻動かし、$z^{50} = 0.7$ を目標にします。誤差を $(w, b)$ の平面で見ると、ほとんどの場所は平らで、そこを1本の崖が横切っています。崖の上では勾配が巨大になり、1回の更新で重みが図の外まで飛ばされます。
#
# %% key="cliff"
one_unit = SimpleRNN(1, 1, "sigmoid", dtype="float64")
one_unit.params["kernel"][:] = 0
no_input, z_start = np.zeros((1, 50, 1)), np.array([[sigmoid(0.5)]])


def descend(w, b, learning_rate, threshold=None, updates=60):
    """Gradient descent on (z^50 - 0.7)²: the points (w, b) passed, gradient norm and error before each update."""
    path, norms, errors = [(w, b)], [], []
    for _ in range(updates):
        one_unit.params["recurrent_kernel"][:] = w
        one_unit.params["bias"][:] = b
        z_end = one_unit.forward(no_input, z_start)
        one_unit.backward(2 * (z_end - 0.7))
        gradient = np.array([one_unit.grads["recurrent_kernel"].item(), one_unit.grads["bias"].item()])
        norms.append(np.linalg.norm(gradient))
        errors.append((z_end.item() - 0.7) ** 2)
        step = clip(gradient, threshold) if threshold else gradient
        w, b = np.array([w, b]) - learning_rate * step
        path.append((w, b))
    return np.array(path), norms, errors


walks = {
    "without clipping": descend(5.0, -2.4, learning_rate=0.3),
    "with clipping": descend(5.0, -2.4, learning_rate=0.3, threshold=0.3),
}
for label, (path, norms, errors) in walks.items():
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    print(
        f"{label:17} largest gradient norm {max(norms):.0f}, longest step {steps.max():.2f}, last error {errors[-1]:.3f}"
    )
    for update in np.flatnonzero(steps > 0.5) + 1:
        w, b = path[update]
        print(f"{'':17} update {update}: norm {norms[update - 1]:.0f}, to ({w:.1f}, {b:.1f})")
assert np.max(np.abs(walks["without clipping"][0])) > 5
assert np.max(np.linalg.norm(np.diff(walks["with clipping"][0], axis=0), axis=1)) < 0.3 * 0.3 + 1e-9

# %% key="cliff-figure"
w_axis, b_axis = np.linspace(4, 5.6, 321), np.linspace(-3, -1.7, 261)
w_grid, b_grid = np.meshgrid(w_axis, b_axis)
z_grid = np.full_like(w_grid, sigmoid(0.5))
for _ in range(50):
    z_grid = sigmoid(w_grid * z_grid + b_grid)

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.7), width_ratios=(1, 1.35))
for vector, label, color, spot in (
    ((3, 4), "g = (3, 4), length 5", plots.INK, (2.1, 2.3)),
    ((0.6, 0.8), "clipped by norm: (0.6, 0.8)", plots.OUTPUT, (1.15, 0.62)),
    ((1, 1), "clipped by value: (1, 1)", plots.WEIGHT, (1.15, 1.15)),
):
    arrow = {"arrowstyle": "-|>", "color": color, "linewidth": 2.5}
    left.annotate("", xy=vector, xytext=(0, 0), arrowprops=arrow)
    left.text(*spot, label, color=color, va="center")
left.add_patch(plt.Circle((0, 0), 1, fill=False, linestyle="--", color=plots.INK))
left.plot([0, 3], [0, 4], ":", color=plots.INK, linewidth=1)
left.set(xlim=(-0.2, 4.6), ylim=(-0.2, 4.3), aspect="equal", title="Threshold 1")
left.set(xlabel="g[0]", ylabel="g[1]")
bands = plt.get_cmap("cividis", 9)
image = right.pcolormesh(w_axis, b_axis, (z_grid - 0.7) ** 2, cmap=bands, vmin=0, vmax=0.45)
fig.colorbar(image, ax=right, label="error")
free, clipped = (path for path, _, _ in walks.values())
gone = int(np.argmax(np.linalg.norm(np.diff(free, axis=0), axis=1))) + 2  # up to its longest step
right.plot(*free[:gone].T, "o-", color="white", markersize=4, linewidth=1.2, label="without clipping")
right.plot(*clipped.T, ".-", color=plots.ORANGE, markersize=5, linewidth=1.2, label="with clipping")
right.plot(*free[0], "*", color="white", markersize=14)
right.set(xlim=(4, 5.6), ylim=(-3, -1.7), title="A cliff in the error of 50 steps")
right.set(xlabel="w", ylabel="b")
right.legend(loc="lower left", frameon=True, facecolor=plots.INK, labelcolor="white")
plt.show()


# %% [markdown] key="cliff-note" lang="en"
# Both walks start at the star and zigzag across the edge; the steep part is so thin that most steps miss it. The white
# walk hits it twice: after update 24 it finds its way back, at update 52 a gradient of norm 39 throws it far off the
# upper right, and there it stays. The orange walk meets a norm of 49, but no step is longer than 0.3 · 0.3 = 0.09: it
# stays near the edge and ends at a small error.
#
# Clipping by *value* (`clipvalue`, the arrow to (1, 1) on the left) is not the same: it changes the direction.
#
# Clipping does nothing for vanishing gradients. A gradient that carries no trace of step 1 cannot be scaled up to
# contain one. That takes another architecture (LSTM and GRU, the next chapter) or a careful initialization.
#
# %% [markdown] key="cliff-note" lang="ja"
# どちらの軌跡も星印から出発し、崖の縁をまたいでジグザグに進みます。急な部分はごく薄いので、たいていの更新では踏みません。白い軌跡は2回踏みます。24回目の更新では戻ってこられますが、52回目にはノルム39の勾配で右上のはるか外まで飛ばされ、そのまま戻りません。オレンジの軌跡はノルム49の勾配に出会っても、1回の移動が 0.3 · 0.3 = 0.09 を超えないので、縁のそばにとどまり、小さな誤差で終わります。
#
# **値**によるクリッピング(`clipvalue`、左図の (1, 1) への矢印)は別物です。向きが変わってしまいます。
#
# なお、クリッピングは勾配消失には効きません。時刻1の情報を含まない勾配は、何倍しても時刻1の情報を含むようにはなりません。勾配消失には、別の構造(次章のLSTMやGRU)や、初期値の工夫が必要です。
#
# %% [markdown] key="truncated-text" lang="en"
# ### Truncated BPTT
#
# Full BPTT keeps every $z^t$ in memory until the backward pass has used it. With $N = 128$ and $H = 256$ in float32, the
# states alone of 100,000 steps take 13 GB. **Truncated BPTT** goes back a limited number of steps: after every $k_1$
# steps, back-propagate through the last $k_2$. Only the losses of the $k_1$ new steps are sent back, so none counts twice.
# The state at the cut is carried forward as a number, but no gradient passes it.
#
# Each square below is one term of the gradient: the loss at step $t$ (row) reaching back to step $k$ (column).
#
# %% [markdown] key="truncated-text" lang="ja"
# ### 打ち切り型BPTT
#
# 通常のBPTTでは、逆伝播で使い終わるまで、すべての $z^t$ をメモリに置いておきます。$N = 128$、$H = 256$、float32なら、100,000時刻分の状態だけで13 GBになります。**打ち切り型BPTT**(truncated BPTT)では、さかのぼる時刻数に上限を設けます。$k_1$ 時刻進むごとに、直前の $k_2$ 時刻分だけさかのぼります。逆伝播するのは新しく加わった $k_1$ 時刻分の損失だけなので、同じ損失を二重に数えることはありません。切れ目の状態は数値としては先へ渡しますが、勾配はそこを越えません。
#
# 下の図のマス目1つが勾配の項1つで、時刻 $t$ の損失(行)が時刻 $k$(列)まで届くことを表します。
#
# %% key="truncated-figure"
def window_start(t, k1, k2):
    """First step that the loss at step t reaches (steps count from 1)."""
    end = -(-t // k1) * k1  # the backward pass that handles t begins here
    return max(1, end - k2 + 1)


states_in_memory = 100_000 * 128 * 256 * 4  # steps, sequences, units, bytes of a float32
print(f"states of 100,000 steps, 128 sequences, 256 units: {states_in_memory / 1e9:.1f} GB")

fig, axes = plt.subplots(1, 3, figsize=(8.6, 3.4))
CUTS = (("full BPTT", 12, 12), ("chunks: k1 = k2 = 4", 4, 4), ("k1 = 1, k2 = 4", 1, 4))
for ax, (title, k1, k2) in zip(axes, CUTS):
    kept = np.array([[window_start(t, k1, k2) <= k <= t for k in range(1, 13)] for t in range(1, 13)])
    possible = np.tri(12, dtype=bool)
    for t, k in np.argwhere(possible):
        color = plots.INPUT if kept[t, k] else plots.PALE
        ax.add_patch(plt.Rectangle((k + 0.55, t + 0.55), 0.9, 0.9, color=color))
    ax.set_title(f"{title}\n{kept.sum()} of {possible.sum()} terms")
    ax.set(xlabel="reached step k", aspect="equal")
    ax.set(xlim=(0.4, 12.6), ylim=(12.6, 0.4), xticks=(1, 4, 8, 12), yticks=(1, 4, 8, 12))
    ax.grid(False)
axes[0].set_ylabel("loss at step t")
plt.show()


# %% [markdown] key="truncated-bias-text" lang="en"
# The grey terms are left out, so the result is **not the gradient** but an approximation with a bias. How large the bias
# is depends on how much reaches that far back anyway. Here is the relative error of $\partial E/\partial W$ for a sequence
# of 16 steps, a loss at each step and $k_1 = 1$:
#
# %% [markdown] key="truncated-bias-text" lang="ja"
# 灰色の項は捨てられます。したがって結果は**真の勾配ではなく**、偏り(バイアス)のある近似です。偏りの大きさは、もともとどれだけの勾配がそこまで届くかで決まります。16時刻の系列、各時刻に損失、$k_1 = 1$ の条件で、$\partial E/\partial W$ の相対誤差を調べます。
#
# %% key="truncated-bias"
def truncation_errors(rho, windows, T=16, H=8):
    rng = np.random.default_rng(0)
    rnn = SimpleRNN(H, 2, return_sequences=True, dtype="float64", rng=rng)
    rnn.params["recurrent_kernel"] *= rho
    x, dy = rng.standard_normal((4, T, 2)), rng.standard_normal((4, T, H))
    rnn.forward(x)
    rnn.backward(dy)
    full = rnn.grads["recurrent_kernel"]
    cut = [truncated_bptt(rnn, x, dy, 1, k2)[1]["recurrent_kernel"] for k2 in windows]
    return [relative_error(gradient, full) for gradient in cut]


windows = (1, 2, 4, 8, 16)
print("window k2   " + "".join(f"{k2:8}" for k2 in windows))
for rho in (0.5, 1.0):
    errors = truncation_errors(rho, windows)
    print(f"rho = {rho:.1f}   " + "".join(f"{100 * e:7.1f}%" for e in errors))
    assert errors[-1] < 1e-9 and errors[0] > 0.2


# %% [markdown] key="truncated-note" lang="en"
# With a window of 16, the whole sequence, nothing is lost. Where the gradient vanishes quickly ($\rho = 0.5$) eight steps
# do; where it does not, they cost accuracy. So truncation saves memory and lets the weights be updated after every $k_1$
# steps; for $k_2 > k_1$ it even costs extra backward steps. And it gives up exactly the long dependencies.
#
# %% [markdown] key="truncated-note" lang="ja"
# 窓が16、つまり系列全体なら、何も失われません。勾配が速く消える場合($\rho = 0.5$)は8時刻で十分ですが、そうでない場合は誤差が残ります。打ち切りでは、メモリが節約でき、$k_1$ 時刻ごとに重みを更新できます($k_2 > k_1$ なら逆伝播の計算量はむしろ増えます)。その代わり、まさに長期の依存関係をあきらめることになります。
#
# %% [markdown] key="agreement-text" lang="en"
# ## Agreement
#
# ### The numerical gradient: a judge that knows no formula
#
# A numerical gradient nudges one weight up and down and watches the loss. It is slow and only approximate, but it uses no
# formula of ours, so it cannot share our mistake. Relative error here: largest difference, divided by the largest value
# in either array (at least 1).
#
# %% [markdown] key="agreement-text" lang="ja"
# ## 確かめる
#
# ### 数値微分:公式を知らない審判
#
# 数値微分は、重みを1つずつ少しだけ増減させて損失の変化を見ます。遅く、近似値でもありますが、こちらの式を一切使わないので、同じ間違いをすることがありません。ここでの相対誤差は、差の最大値を、両配列の絶対値の最大値(1未満なら1)で割ったものです。
#
# %% key="numerical"
def tanh_prime(u):
    return 1 - np.tanh(u) ** 2


class Problem:
    """A small random network with its data, the loss ½ Σ (y - d)², and the numerical gradients."""

    def __init__(self, T, N=4, D=2, H=3, K=2, seed=0):
        rng = np.random.default_rng(seed)
        self.weights = [rng.standard_normal(shape) for shape in ((D, H), (H, H), (H,), (H, K), (K,))]
        self.x, self.d = rng.standard_normal((N, T, D)), rng.standard_normal((N, T, K))
        self.numerical = {name: numerical_gradient(self.loss, w) for name, w in zip(NAMES, self.weights)}

    def run(self):
        return rnn_forward(self.x, 0, self.weights, np.tanh, identity)

    def loss(self):
        return 0.5 * np.sum((self.run()[-1][:, 1:] - self.d) ** 2)

    def gradients(self, line=delta_line):
        x, u, z, v, y = self.run()
        delta_out = np.zeros_like(y)
        delta_out[:, 1:] = y[:, 1:] - self.d
        return rnn_backward(delta_out, x, u, z, self.weights, tanh_prime, line)[1]

    def errors(self, line=delta_line):
        """Relative error of each weight's gradient."""
        gradients = self.gradients(line)
        return {name: relative_error(gradients[name], self.numerical[name]) for name in NAMES}


problem = Problem(T=5)
for name, error in problem.errors().items():
    print(f"dE/d{name:5}  relative error below 1e-6: {error < 1e-6}")
assert max(problem.errors().values()) < 1e-6

# %% [markdown] key="bugs-text" lang="en"
# ### Find the bug
#
# Now six wrong lines. The first two are formulas that circulate in study notes; the others are what slips in while typing.
# Each runs without an error, and each returns arrays of the right shape. Before you look at the table: which columns
# will show it?
#
# %% [markdown] key="bugs-text" lang="ja"
# ### バグを見つける
#
# 次は、間違った式を6つ試します。最初の2つは学習ノートで見かける式、残りはコードを書くときに起こりがちな間違いです。どれもエラーなく動き、返す配列の形状も正しいのが厄介なところです。表を見る前に考えてみてください。どの列に誤りが現れるでしょうか。
#
# %% key="bugs"
LINES = {
    "right": delta_line,
    "future term missing": lambda out, after, W_out, W, slope: (out @ W_out.T) * slope,
    "own output missing": lambda out, after, W_out, W, slope: (
        (after @ W.T if after.any() else out @ W_out.T) * slope  # at the last step, only out
    ),
    "f' missing": lambda out, after, W_out, W, slope: out @ W_out.T + after @ W.T,
    "W not transposed": lambda out, after, W_out, W, slope: (out @ W_out.T + after @ W) * slope,
    "f' on one term only": lambda out, after, W_out, W, slope: out @ W_out.T * slope + after @ W.T,
    "wrong sign": lambda out, after, W_out, W, slope: (out @ W_out.T - after @ W.T) * slope,
}


def shown(error):
    return "ok" if error < 1e-6 else f"{100 * error:.0f} %"


print(f"{'relative error of dE/d…':24}" + "".join(f"{name:>8}" for name in NAMES))
for label, line in LINES.items():
    errors = problem.errors(line)
    print(f"{label:24}" + "".join(f"{shown(errors[name]):>8}" for name in NAMES))
    wrong = [errors[name] for name in ("W_in", "W", "b")]
    assert max(wrong) < 1e-6 if label == "right" else min(wrong) > 0.2
    assert errors["W_out"] < 1e-6 and errors["c"] < 1e-6

# %% [markdown] key="bugs-note" lang="en"
# The table is a fingerprint. $W_{out}$ and $c$ are right throughout, because their gradients use $\delta_{out}$ only; the
# three others go through $\delta$. So **the pattern of errors tells you where to look**: one bad column is a mistake in
# that sum, three bad columns are a mistake in $\delta$.
#
# And a check is only as sharp as its example. The same lines on shorter sequences:
#
# %% [markdown] key="bugs-note" lang="ja"
# この表はバグの指紋です。$W_{out}$ と $c$ の勾配は $\delta_{out}$ しか使わないので、つねに正しく、$\delta$ を通る残り3つに誤りが現れます。つまり、**誤りの現れ方から、どこを見ればよいかがわかります**。1列だけなら、その和の計算が間違っています。3列とも間違っていれば、$\delta$ の計算が間違っています。
#
# ただし、バグを見つけられるかどうかは、試す例しだいです。同じ式を、もっと短い系列で試してみましょう。
#
# %% key="bugs-short"
short = {T: Problem(T) for T in (1, 2, 3)}
print(f"{'largest relative error':24}{'T = 1':>9}{'T = 2':>9}{'T = 3':>9}   dE/dW, T = 2")
for label, line in LINES.items():
    largest = [max(short[T].errors(line).values()) for T in (1, 2, 3)]
    of_W = shown(short[2].errors(line)["W"])
    print(f"{label:24}" + "".join(f"{shown(e):>9}" for e in largest) + f"{of_W:>15}")
    assert label == "right" or largest[2] > 0.2
    assert (largest[0] > 1e-6) == (label == "f' missing") == (of_W != "ok")

# %% [markdown] key="bugs-short-note" lang="en"
# With $T = 1$ only the missing $f'$ shows. The other five differ in what they make of the term from the next step. The last
# $\delta$ has no such term, so it is right. With $T = 2$ and $z^0 = 0$ the five still do not show in
# $\partial E/\partial W$: its only nonzero term is $(z^1)^\top \delta^2$. **Wrong at $T = 1$: look at $f'$ or the output
# side. Wrong only from $T = 2$: look at how the future term enters.**
#
# So test a recurrent network with **at least three steps**, sizes that all differ, and a $W$ that is not symmetric.
#
# ### By hand = NumPy layer = Keras
#
# The tested layer `utils.numpy_layers.rnn.SimpleRNN` arranges the same formulas for speed. Keras computes its gradients
# by automatic differentiation. All three get the same weights, the same input and the same $\delta_{out}$:
#
# %% [markdown] key="bugs-short-note" lang="ja"
# $T = 1$ で誤りが出るのは $f'$ の欠落だけです。ほかの5つは次の時刻からの項との足し方が違うだけなので、最後の時刻の $\delta$ は正しく、$T = 1$ では見えません。$T = 2$、$z^0 = 0$ でも、$\partial E/\partial W$ の0でない項は $(z^1)^\top \delta^2$ だけなので、やはり現れません。**$T = 1$ で外れるなら $f'$ か出力側、$T = 2$ で初めて外れるなら次の時刻からの項**を疑います。
#
# RNNのテストは**3時刻以上**で行い、軸の大きさはすべて変え、対称でない $W$ を使いましょう。
#
# ### 手書き = NumPyの層 = Keras
#
# テスト済みの層 `utils.numpy_layers.rnn.SimpleRNN` は、同じ式を速く計算できるように並べ替えたものです。Kerasの勾配は自動微分で計算されます。3つに同じ重み・同じ入力・同じ $\delta_{out}$ を与えて比べます。
#
# %% key="three-ways"
N, T, D, H, K = 4, 7, 3, 5, 2
rng = np.random.default_rng(1)
weights = [0.7 * rng.standard_normal(shape) for shape in ((D, H), (H, H), (H,), (H, K), (K,))]
x_in, z0, dy = (rng.standard_normal(shape) for shape in ((N, T, D), (N, H), (N, T, K)))

# 1. the cells above
x, u, z, v, y = rnn_forward(x_in, z0, weights, np.tanh, identity)
delta_out = np.concatenate([np.zeros((N, 1, K)), dy], axis=1)
delta, cells = rnn_backward(delta_out, x, u, z, weights, tanh_prime)
cells |= {"y": y[:, 1:], "z0": delta[:, 1] @ weights[1].T, "x": delta[:, 1:-1] @ weights[0].T}

# 2. the NumPy layers
rnn, dense = SimpleRNN(H, D, return_sequences=True, dtype="float64"), Dense(K, H, dtype="float64")
rnn.params = dict(zip(("kernel", "recurrent_kernel", "bias"), weights[:3]))
dense.params = dict(zip(("kernel", "bias"), weights[3:]))
layers = {"y": dense.forward(rnn.forward(x_in, z0))}
layers["x"] = rnn.backward(dense.backward(dy))
layers |= dict(zip(NAMES, [*rnn.grads.values(), *dense.grads.values()])) | {"z0": rnn.d_initial_state}

# 3. Keras
inputs = [keras.Input((T, D)), keras.Input((H,))]
states = keras.layers.SimpleRNN(H, return_sequences=True, dtype="float32")(inputs[0], initial_state=inputs[1])
model = keras.Model(inputs, keras.layers.Dense(K, dtype="float32")(states))
model.set_weights(weights)
x32, z32, dy32 = (a.astype("float32") for a in (x_in, z0, dy))
y_keras, (dx, dz0), d_weights = keras_gradients(model, [x32, z32], dy32)
in_keras = dict(zip(NAMES, d_weights)) | {"y": y_keras, "x": dx, "z0": dz0}

print("                     cells = layers   layers = Keras")
for name in ("y", "x", "z0", *NAMES):
    label = "output y" if name == "y" else f"dE/d{name}"
    exact = relative_error(cells[name], layers[name])
    close = relative_error(layers[name], in_keras[name])
    print(
        f"{label:12}{'< 1e-12' if exact < 1e-12 else f'{exact:.0e}':>20}{'< 1e-5' if close < 1e-5 else f'{close:.0e}':>17}"
    )
    assert exact < 1e-12 and close < 1e-5


# %% [markdown] key="clip-agreement-text" lang="en"
# The same for clipping. An optimizer with learning rate 1 and weights that start at 0 shows what it subtracts:
#
# %% [markdown] key="clip-agreement-text" lang="ja"
# クリッピングも比べます。学習率を1、重みの初期値を0にすると、オプティマイザが引いた量がそのまま見えます。
#
# %% key="clip-agreement"
def subtracted(**clipping):
    variables = [keras.Variable(np.zeros(g.shape, "float32")) for g in grads.values()]
    gradients = [keras.ops.array(g, "float32") for g in grads.values()]
    keras.optimizers.SGD(1.0, **clipping).apply(gradients, variables)
    return dict(zip(grads, (-np.asarray(v) for v in variables)))


for label, ours, keras_step in (
    ("each alone = clipnorm", alone, subtracted(clipnorm=1.0)),
    ("all together = global_clipnorm", together, subtracted(global_clipnorm=1.0)),
):
    largest = max(relative_error(ours[name], keras_step[name]) for name in grads)
    print(f"{label:31} difference below 1e-6: {largest < 1e-6}")
    assert largest < 1e-6

# %% [markdown] key="keras-text" lang="en"
# ## In Keras
#
# ### What comes back
#
# Two switches decide what `SimpleRNN` returns. Predict the shapes first. The input
# has 4 sequences of 7 steps with 3 features; the layer has 5 units.
#
# %% [markdown] key="keras-text" lang="ja"
# ## Kerasで学習する
#
# ### 戻り値の形状
#
# `SimpleRNN` の戻り値は、2つの引数で変わります。先に形状を予想してください。入力は、3次元の特徴量が7時刻並んだ系列4本、層のユニット数は5です。
#
# %% key="keras-shapes"
for sequences in (False, True):
    for state in (False, True):
        result = keras.layers.SimpleRNN(H, return_sequences=sequences, return_state=state)(x32)
        parts = result if isinstance(result, (list, tuple)) else [result]
        shapes = ", ".join(str(tuple(part.shape)) for part in parts)
        print(f"return_sequences={sequences!s:5} return_state={state!s:5} -> {shapes}")

# %% [markdown] key="stateful-text" lang="en"
# By default every call starts from $z^0 = 0$. With `stateful=True` the layer keeps its last state for the next call
# (sequence $i$ of the next batch continues sequence $i$ of this one), until `reset_state()`. Only the value is kept, not
# its gradient: fed chunk by chunk, a stateful layer does truncated BPTT with $k_1 = k_2$.
# In a model this needs a fixed batch size (`keras.Input(batch_size=…)`) and `fit(shuffle=False)`.
#
# %% [markdown] key="stateful-text" lang="ja"
# 既定では、呼び出すたびに $z^0 = 0$ から始まります。`stateful=True` にすると、最後の状態を次の呼び出しに引き継ぎます(次のバッチの $i$ 番目は、今のバッチの $i$ 番目の続きとみなされます)。`reset_state()` で初期化されます。引き継ぐのは値だけで、勾配は引き継ぎません。したがって、系列を区切って順に与えれば、$k_1 = k_2$ の打ち切り型BPTTになります。モデルで使うには、バッチサイズの固定(`keras.Input(batch_size=…)`)と `fit(shuffle=False)` が必要です。
#
# %% key="stateful"
stateful = keras.layers.SimpleRNN(H, return_sequences=True, stateful=True)
whole = np.asarray(stateful(x32))
stateful.reset_state()
halves = np.concatenate([np.asarray(stateful(x32[:, :4])), np.asarray(stateful(x32[:, 4:]))], axis=1)
continued = np.asarray(stateful(x32[:, :4]))  # without a reset: goes on from step 7

print("two halves = the whole sequence:", relative_error(halves, whole) < 1e-6)
print("without reset_state it starts elsewhere:", relative_error(continued, whole[:, :4]) > 0.01)
assert relative_error(halves, whole) < 1e-6 and relative_error(continued, whole[:, :4]) > 0.01

# %% [markdown] key="digits-text" lang="en"
# ### Real data: reading digits row by row
#
# A handwritten digit is a sequence of 28 rows with 28 pixels each. The network reads it from top to bottom and names the
# digit after the last row. The loss sits at the end, 27 steps from the first row, so both sides of the gradient problem
# are there.
#
# Four runs from the same initial weights: SGD with momentum, the same with `global_clipnorm=0.3`, the same with a tenth of
# the learning rate instead, and Adam with clipping, which is what most people would start with.
#
# %% [markdown] key="digits-text" lang="ja"
# ### 実データ:手書き数字を1行ずつ読む
#
# 手書き数字の画像を、28画素の行が28本並んだ系列とみなします。ネットワークは上から順に読み、最後の行を読み終えたら数字を答えます。損失は最後にあり、最初の行は27時刻前なので、勾配消失と勾配爆発の両方が問題になります。
#
# 同じ初期値から4通りに学習します。モーメンタム付きSGD、それに `global_clipnorm=0.3` を加えたもの、代わりに学習率を10分の1にしたもの、そして実務で最初に試すことの多い「Adam + クリッピング」です。
#
# %% key="digits"
images = datasets.load_images(rt.choose(quick="digits", full="mnist"))
UNITS, EPOCHS = rt.choose(quick=(64, 4), full=(128, 20))
OPTIMIZERS = {
    "SGD, no clipping": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "SGD, global_clipnorm=0.3": lambda: keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.3),
    "SGD(0.01), no clipping": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    "Adam, global_clipnorm=1": lambda: keras.optimizers.Adam(0.002, global_clipnorm=1.0),
}


def train_on_rows(optimizer):
    keras.utils.set_random_seed(0)
    with rt.scope():
        model = keras.Sequential(
            [
                keras.Input((28, 28)),  # 28 steps with 28 features
                keras.layers.SimpleRNN(UNITS),
                keras.layers.Dense(10),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer(), loss, metrics=["accuracy"], jit_compile=rt.jit_compile)
    history = model.fit(
        images.x_train[..., 0],
        images.y_train,
        validation_data=(images.x_val[..., 0], images.y_val),
        batch_size=64,
        epochs=EPOCHS,
        verbose=rt.choose(quick=0, full=2),
    )
    return model, history.history


trained = {label: train_on_rows(optimizer) for label, optimizer in OPTIMIZERS.items()}
cell = trained["SGD, no clipping"][0].layers[0]
print(f"weights in the cell: {cell.count_params():,} = 28·{UNITS} + {UNITS}·{UNITS} + {UNITS}")
assert cell.count_params() == 28 * UNITS + UNITS * UNITS + UNITS

# %% key="digits-figure"
plots.training_curves({label: history for label, (_, history) in trained.items()}, chance=0.1)
plt.show()

# %% key="digits-verdict"
test_accuracy, slope = {}, {}
for label, (model, _) in trained.items():
    result = model.evaluate(images.x_test[..., 0], images.y_test, batch_size=500, verbose=0)
    test_accuracy[label] = accuracy = result[1]
    last_state = keras.ops.cast(model.layers[0](images.x_test[:500, ..., 0]), "float32")
    slope[label] = np.mean(1 - np.asarray(last_state) ** 2)  # f' of tanh
    print(f"{label:24} test accuracy above 60 %: {accuracy > 0.6!s:5}  mean f' below 0.3: {slope[label] < 0.3}")

stuck = "SGD, no clipping"
if rt.profile == "quick":  # the thresholds were measured there
    assert min(test_accuracy[label] for label in trained if label != stuck) - test_accuracy[stuck] > 0.3
    assert all((test_accuracy[label] > 0.6) == (slope[label] > 0.3) == (label != stuck) for label in trained)


# %% [markdown] key="digits-note" lang="en"
# Without clipping the steps are too long: most units saturate, where $f' \approx 0$, and the run ends at the level of
# guessing. One argument makes the same optimizer learn. Here it acts like a smaller learning rate: 0.01 without clipping
# learns as well. Clipping pays most where long gradients are rare, as on the cliff.
#
# A plain RNN is no match for a convolution on these images (chapter 01).
#
# %% [markdown] key="digits-note" lang="ja"
# クリッピングなしでは更新の幅が大きすぎ、大半のユニットが飽和して $f' \approx 0$ となり、正解率は当てずっぽうと同程度で終わります。引数を1つ加えるだけで、同じオプティマイザが学習できるようになります。ただし、ここでは学習率を下げるのと同じ働きで、クリッピングなしでも学習率0.01なら学習できます。クリッピングが本領を発揮するのは、崖の例のように、ときどき極端に長い勾配が現れる場合です。
#
# なお、この種の画像では、単純なRNNは畳み込み(第01章)にはかないません。
#
# %% [markdown] key="experiment-text" lang="en"
# ## Experiment
#
# ### Learning to add
#
# The classic exercise, and the one behind many Japanese study notes: add two binary numbers. The network reads one pair of
# bits at a time, **least significant bit first**, and must print one bit of the sum at each step. To do that it has to
# remember a carry, which nobody tells it about.
#
# The notes' network has sigmoid units and a sigmoid output and starts from `weight_init_std = 1`. They print no
# accuracy that we could quote beside ours. Here is that network, with 16 hidden units and 8 bits.
#
# %% [markdown] key="experiment-text" lang="ja"
# ## 実験
#
# ### 足し算を学習する
#
# 日本語の学習ノートにもよく登場する定番の課題、2進数の足し算です。ネットワークは**下位の桁から順に**1桁ずつ2つのビットを読み、各時刻に和のビットを1つ出力します。正しく答えるには繰り上がりを覚えておく必要がありますが、繰り上がりの存在は誰も教えません。
#
# 元のノートでは、隠れ層も出力層もシグモイド関数、重みの初期値は `weight_init_std = 1` です。正解率は載っていないので、比べられる数値はありません。同じネットワークを、隠れユニット16個、8ビットで再現します。
#
# %% key="addition-data"
def bits(numbers, width):
    """(N,) -> (N, width) of 0.0 and 1.0, least significant bit first."""
    return ((np.asarray(numbers)[:, None] >> np.arange(width)) & 1).astype(float)


def as_sequences(a, b, width):
    """Pairs of numbers -> x (N, width, 2) and the bits of their sums d (N, width, 1)."""
    return np.stack([bits(a, width), bits(b, width)], axis=-1), bits(a + b, width)[..., None]


numbers = np.arange(128)  # so that every sum fits in 8 bits
a_all, b_all = (grid.ravel() for grid in np.meshgrid(numbers, numbers))
order = np.random.default_rng(0).permutation(128 * 128)
x_all, d_all = as_sequences(a_all[order], b_all[order], 8)
x_train, d_train, x_held, d_held = x_all[:2000], d_all[:2000], x_all[2000:], d_all[2000:]

print(f"{len(x_train):,} pairs to learn from, {len(x_held):,} held out")
for number in (51, 19, 70):
    print(f"{number:4} = {number:08b}, read from the right:", *bits([number], 8)[0].astype(int))


# %% [markdown] key="addition-train-text" lang="en"
# With a sigmoid output and cross entropy, $\delta_{out}^{t} = y^t - d^t$, the same as before: the loss's slope
# $\frac{y - d}{y (1 - y)}$ and the sigmoid's slope $y (1 - y)$ cancel. Training uses the two
# functions from above and nothing else: forward, backward, and a step against the gradient.
#
# %% [markdown] key="addition-train-text" lang="ja"
# 出力がシグモイド関数、損失が交差エントロピーなら、ここでも $\delta_{out}^{t} = y^t - d^t$ です。損失の傾き $\frac{y - d}{y (1 - y)}$ とシグモイド関数の傾き $y (1 - y)$ が打ち消し合うからです。学習に使うのは上で作った2つの関数だけです。順伝播、逆伝播、そして勾配の逆向きに1歩進む、を繰り返します。
#
# %% key="addition-train"
def initial_weights(seed, std=1.0, std_W=None, H=16):
    """Normal weights of standard deviation `std`; the recurrent W may have its own, `std_W`."""
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal(shape) for shape in ((2, H), (H, H), (H,), (H, 1), (1,))]
    scales = (std, std if std_W is None else std_W, std, std, std)
    return [scale * w for scale, w in zip(scales, weights)]


def predict(x, weights):
    return rnn_forward(x, 0, weights, sigmoid, sigmoid)[-1][:, 1:] > 0.5


def learn_to_add(seed, std=1.0, std_W=None, line=delta_line, updates=1000, batch=16, learning_rate=0.5):
    """Weights after training, and the bit accuracy on 1,000 held-out pairs every 50 updates."""
    rng = np.random.default_rng(seed + 100)
    weights, curve = initial_weights(seed, std, std_W), []
    for update in range(updates + 1):
        if update % 50 == 0:
            curve.append(np.mean(predict(x_held[:1000], weights) == d_held[:1000]))
        chosen = rng.integers(0, len(x_train), batch)
        x, u, z, v, y = rnn_forward(x_train[chosen], 0, weights, sigmoid, sigmoid)
        delta_out = np.zeros_like(y)
        delta_out[:, 1:] = (y[:, 1:] - d_train[chosen]) / batch
        _, gradients = rnn_backward(delta_out, x, u, z, weights, sigmoid_prime, line)
        for weight, name in zip(weights, NAMES):
            weight -= learning_rate * gradients[name]
    return weights, np.array(curve)


SEEDS = range(rt.choose(quick=5, full=20))
adders = [learn_to_add(seed) for seed in SEEDS]
for seed, (weights, _) in zip(SEEDS, adders):
    right = predict(x_held, weights) == d_held
    bits_right, sums_right = np.mean(right), np.mean(right.all(axis=(1, 2)))
    print(f"seed {seed}: {bits_right:7.2%} of the held-out bits, {sums_right:7.2%} of the held-out sums")
    assert bits_right > 0.99


# %% [markdown] key="carry-text" lang="en"
# All seeds learn it. What is in those 16 numbers? Look at one sum in which the carry comes and goes,
# 51 + 19 = 70. The units are sorted by how they go with the carry, from "on with it" to "off with it".
#
# %% [markdown] key="carry-text" lang="ja"
# どのシードでも学習できました。では、16個の数値には何が入っているのでしょうか。途中で繰り上がりが起きたり消えたりする 51 + 19 = 70 で見てみます。ユニットは、繰り上がりとの相関が大きい順(正から負へ)に並べてあります。
#
# %% key="carry"
def carries(x):
    """Carry out of every digit, (N, T)."""
    carry, found = np.zeros(len(x)), []
    for t in range(x.shape[1]):
        carry = (x[:, t].sum(axis=1) + carry >= 2).astype(float)
        found.append(carry)
    return np.stack(found, axis=1)


def states(x, weights):
    return rnn_forward(x, 0, weights, sigmoid, sigmoid)[2][:, 1:]


def with_one(z):
    """All states as rows (steps, 16 + 1), with a 1 for the offset."""
    return np.concatenate([z.reshape(-1, 16), np.ones((z.shape[0] * z.shape[1], 1))], axis=1)


weights = adders[0][0]
reader, *_ = np.linalg.lstsq(with_one(states(x_train, weights)), carries(x_train).ravel() - 0.5)
share = np.mean((with_one(states(x_held, weights)) @ reader > 0) == carries(x_held).ravel())
print(f"a linear read-out finds the carry in the state of held-out sums: above 98 %: {share > 0.98}")
assert share > 0.98

# %% key="carry-figure"
z_held, carry_held = states(x_held[:1000], weights).reshape(-1, 16), carries(x_held[:1000]).ravel()
correlation = np.corrcoef(z_held.T, carry_held)[-1, :-1]
x_one, d_one = as_sequences(np.array([51]), np.array([19]), 8)
rows = dict(zip(("a = 51", "b = 19", "carry", "sum = 70"), (*x_one[0].T, carries(x_one)[0], d_one[0, :, 0])))
sorted_states = states(x_one, weights)[0].T[np.argsort(-correlation)]

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6, 4.6), height_ratios=(16, 6), sharex=True)
image = top.imshow(sorted_states, cmap="cividis", vmin=0, vmax=1, aspect="auto")
top.set(ylabel="hidden unit, sorted", yticks=[])
fig.colorbar(image, ax=(top, bottom), label="state z", fraction=0.04)
bottom.imshow(np.stack(list(rows.values())), cmap="Greys", vmin=0, vmax=1.6, aspect="auto")
for row, values in enumerate(rows.values()):
    for t, value in enumerate(values):
        color = "white" if value else plots.INK
        bottom.text(t, row, f"{value:.0f}", ha="center", va="center", color=color)
bottom.set(yticks=range(4), yticklabels=rows, xlabel="step t (least significant bit first)")
bottom.set(xticks=range(8), xticklabels=range(1, 9))
for ax in (top, bottom):
    ax.grid(False)
plt.show()

# %% [markdown] key="length-text" lang="en"
# Compare the top row with the row *carry*: it is bright at the same steps. The network has found the carry by itself. If it is really the rule of addition that it has learned, the length of the
# numbers should not matter: the cell is the same at every step. Give it sums of 60 bits, seven times longer than
# anything it has seen.
#
# %% [markdown] key="length-text" lang="ja"
# いちばん上の行を carry の行と見比べてください。同じ時刻に点灯しています。ネットワークは、繰り上がりを自力で見つけていました。本当に足し算の規則を学んだのなら、数の桁数は関係ないはずです。どの時刻でも同じセルを使うからです。学習時の7倍以上の長さ、60ビットの足し算をさせてみましょう。
#
# %% key="length"
rng = np.random.default_rng(7)
a_long, b_long = rng.integers(0, 2**59, 1000), rng.integers(0, 2**59, 1000)
x_long, d_long = as_sequences(a_long, b_long, 60)
for seed, (weights, _) in zip(SEEDS, adders):
    exact = np.mean((predict(x_long, weights) == d_long).all(axis=(1, 2)))
    print(f"seed {seed}: sums of 60 bits without a single wrong bit, above 95 %: {exact > 0.95}")
    assert exact > 0.95

# %% [markdown] key="wrong-text" lang="en"
# ### A wrong gradient can learn, too
#
# Here is the reason for all the checking. Train the same network with three of the wrong lines from the bug hunt:
#
# %% [markdown] key="wrong-text" lang="ja"
# ### 間違った勾配でも学習は進む
#
# しつこく検査してきた理由が、ここにあります。先ほどの間違った式のうち3つで、同じネットワークを学習させてみましょう。
#
# %% key="wrong"
tried = {"right": [curve for _, curve in adders[:3]]}
for label in ("W not transposed", "future term missing", "own output missing"):
    tried[label] = [learn_to_add(seed, line=LINES[label])[1] for seed in SEEDS[:3]]

for label, curves in tried.items():
    worst = min(curve[-1] for curve in curves)
    print(f"{label:20} all seeds above 60 %: {worst > 0.6!s:6} above 99 %: {worst > 0.99}")
assert min(curve[-1] for curve in tried["W not transposed"]) > 0.99
assert max(curve[-1] for curve in tried["own output missing"]) < 0.9

# %% key="wrong-figure"
fig, axes = plt.subplots(1, 4, figsize=(9, 2.5), sharey=True)
for ax, (label, curves) in zip(axes, tried.items()):
    for curve in curves:
        color = plots.INK if label == "right" else plots.WEIGHT
        ax.plot(np.arange(len(curve)) * 50, curve, color=color, linewidth=1.5)
    ax.set(title=label, xlabel="updates", ylim=(0.4, 1.03), xticks=(0, 500, 1000))
axes[0].set_ylabel("bit accuracy")
plt.show()


# %% [markdown] key="wrong-note" lang="en"
# With $W$ not transposed the gradient was more than 100 % off in the bug hunt, and the network learns to add **perfectly**. Without the
# future term it gets most of the way. Only one of the three fails visibly.
#
# Gradient descent is forgiving: a direction that points roughly downhill is often enough. So a falling loss proves
# nothing about a backward pass. **A gradient check does**, and it takes a second.
#
# %% [markdown] key="wrong-note" lang="ja"
# $W$ を転置し忘れた勾配は、先ほどの検査で100 %以上ずれていました。それなのに、ネットワークは足し算を**完全に**学習しました。未来の項がなくても、かなりの正解率になります。目に見えて失敗したのは3つのうち1つだけです。
#
# 勾配降下法は寛容です。だいたい下り坂を向いていれば、それで足りることが多いのです。したがって、損失が下がっていても逆伝播が正しい証拠にはなりません。**証拠になるのは数値微分との照合です。** 1秒で終わります。
#
# %% [markdown] key="std-text" lang="en"
# ### Why `weight_init_std = 1`?
#
# A standard deviation of 1 looks careless. Is it there against vanishing gradients? The sigmoid's slope is at most
# $\frac14$, so a small $W$ lets hardly anything of the last step's gradient reach the first. Test the explanation: shrink
# $W$ and the other weights separately.
#
# %% [markdown] key="std-text" lang="ja"
# ### なぜ `weight_init_std = 1` なのか
#
# 標準偏差1は無造作に見えます。勾配消失を避けるためでしょうか。シグモイド関数の傾きは最大 $\frac14$ なので、$W$ が小さいと、最後の時刻の勾配は最初の時刻にほとんど届きません。この説明が正しいか、$W$ とそれ以外の重みを別々に小さくして確かめます。
#
# %% key="std"
def share_that_arrives(weights):
    """Norm of the last step's loss gradient at z^1, relative to z^8."""
    x, u, z, v, y = rnn_forward(x_held[:200], 0, weights, sigmoid, sigmoid)
    delta_out = np.zeros_like(y)
    delta_out[:, 8] = y[:, 8] - d_held[:200, 7]
    delta, _ = rnn_backward(delta_out, x, u, z, weights, sigmoid_prime)
    return np.linalg.norm(delta[:, 2] @ weights[1].T) / np.linalg.norm(delta_out[:, 8] @ weights[3].T)


print("std of W   others   share that arrives   bit accuracy after 300 updates")
for std_W, std in ((1.0, 1.0), (0.1, 1.0), (1.0, 0.1), (0.1, 0.1)):
    arrives = np.mean([share_that_arrives(initial_weights(seed, std, std_W)) for seed in SEEDS])
    after = np.mean([learn_to_add(seed, std, std_W, updates=300)[1][-1] for seed in SEEDS])
    print(f"{std_W:8}   {std:6}   about 1e{np.log10(arrives):+.0f}{'':10}above 80 %: {after > 0.8}")
    assert (after > 0.8) == (std == 1.0)

# %% [markdown] key="std-note" lang="en"
# The obvious explanation fails. With a small $W$ the gradient vanishes and the network learns all the same: a carry is
# handed on one digit at a time, so the gradient need not reach far. What slows learning is small *other* weights: the
# units hardly react to their input. **A vanishing gradient hurts only where the task needs the distant steps.**
#
# %% [markdown] key="std-note" lang="ja"
# もっともらしい説明は外れました。$W$ だけを小さくすると勾配は消失しますが、学習はうまくいきます。繰り上がりは1桁ずつ渡されるので、勾配が遠くまで届く必要はないのです。学習を遅らせるのは $W$ 以外の重みが小さいことで、ユニットが入力にほとんど反応しなくなります。**勾配消失が問題になるのは、課題が遠い時刻を必要とするときだけです。**
#
# %% [markdown] key="keras-addition-text" lang="en"
# ### The same in Keras
#
# What a practitioner would write: tanh and orthogonal recurrent weights (both default), Adam, and logits into the loss.
#
# %% [markdown] key="keras-addition-text" lang="ja"
# ### Kerasで書くと
#
# 実務なら次のように書きます。活性化関数はtanh、再帰の重みは直交初期化(どちらも既定)、オプティマイザはAdam、損失関数にはロジットを渡します。
#
# %% key="keras-addition"
keras.utils.set_random_seed(0)
with rt.scope():
    adder = keras.Sequential(
        [
            keras.Input((None, 2)),
            keras.layers.SimpleRNN(16, return_sequences=True),
            keras.layers.Dense(1),
        ]
    )
    adder.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],  # logit 0 is probability ½
        jit_compile=rt.jit_compile,
    )
adder.fit(x_train, d_train, batch_size=64, epochs=12, verbose=0)
_, accuracy = adder.evaluate(x_held, d_held, batch_size=4096, verbose=0)
print(f"weights: {adder.count_params()} = (2·16 + 16·16 + 16) + (16 + 1)")
print(f"held-out bits right, above 99 %: {accuracy > 0.99}")
assert accuracy > 0.99 and adder.count_params() == 321

# %% [markdown] key="mistakes-text" lang="en"
# ## Common mistakes
#
# ### "$\delta^t = \delta_{out}^{t} W_{out} f'(u^t)$" and "$\delta^{t-1} = \delta^t W f'(u^{t-1})$"
#
# Notes print these two as the formulas for $\delta$. Each is **one half** of the sum: the first forgets the future, the
# second forgets the output of its own step. (The code beside them is often right.) On the example worked by hand:
#
# %% [markdown] key="mistakes-text" lang="ja"
# ## よくある誤り
#
# ### 「$\delta^t = \delta_{out}^{t} W_{out} f'(u^t)$」「$\delta^{t-1} = \delta^t W f'(u^{t-1})$」
#
# $\delta$ の式として、この2つを並べた学習ノートがあります。どちらも2つの項の**片方だけ**です。前者は次の時刻からの項を、後者は同じ時刻の出力からの項を忘れています(隣に載っているコードは正しいことが多いのですが)。暗算で解いた例で確かめます。
#
# %% key="mistake-delta"
x, u, z, v, y = rnn_forward(x_hand, np.zeros((1, 1)), hand, sigmoid, identity)
delta_out = np.zeros_like(y)
delta_out[:, 1:] = y[:, 1:] - d_hand
for label in ("right", "future term missing", "own output missing"):
    delta, gradients = rnn_backward(delta_out, x, u, z, hand, sigmoid_prime, LINES[label])
    print(f"{label:20} delta = {delta[0, 1:4, 0].tolist()!s:20} dE/dW_in = {gradients['W_in'].item():g}")
    assert (gradients["W_in"].item() == 1.75) == (label == "right")
nudged = [hand[0] + 1e-6, *hand[1:]]
print(f"{'the loss itself says':20} {'':28} dE/dW_in = {(error_of(nudged) - error_of(hand)) / 1e-6:.2f}")

# %% [markdown] key="mistake-sum-text" lang="en"
# ### "$\partial E/\partial W = (z^{t-1})^\top \delta^t$", without the sum
#
# With a free $t$ on the right and none on the left this cannot be an equation. It is the share of one step. Keeping only
# the last step, or taking $z^t$ for $z^{t-1}$, are the two ways it goes wrong in code:
#
# %% [markdown] key="mistake-sum-text" lang="ja"
# ### 和のない「$\partial E/\partial W = (z^{t-1})^\top \delta^t$」
#
# 右辺に $t$ が残り左辺にはないので、等式になりえません。これは1時刻分の寄与です。コードでは、最後の時刻だけを使う、$z^{t-1}$ の代わりに $z^t$ を使う、という2通りの間違いがよく起こります。
#
# %% key="mistake-sum"
x, u, z, v, y = problem.run()
delta_out = np.zeros_like(y)
delta_out[:, 1:] = y[:, 1:] - problem.d
delta, gradients = rnn_backward(delta_out, x, u, z, problem.weights, tanh_prime)
T = problem.x.shape[1]
candidates = {
    "sum over t of z[t-1], delta[t]": gradients["W"],
    "last step only": z[:, T - 1].T @ delta[:, T],
    "z[t] instead of z[t-1]": sum(z[:, t].T @ delta[:, t] for t in range(1, T + 1)),
}
for label, candidate in candidates.items():
    error = relative_error(candidate, problem.numerical["W"])
    print(f"{label:32} error of dE/dW: {shown(error)}")
    assert (error < 1e-6) == label.startswith("sum")

# %% [markdown] key="mistake-update-text" lang="en"
# ### "BPTT adjusts the parameters"
#
# It does not. BPTT computes gradients; the *optimizer* (SGD, Adam, …) uses them to change the parameters.
#
# %% [markdown] key="mistake-update-text" lang="ja"
# ### 「BPTTはパラメータを調整する方法である」
#
# 違います。BPTTは勾配を計算する方法です。その勾配を使ってパラメータを更新するのは、SGDやAdamなどの**最適化手法(オプティマイザ)** です。
#
# %% key="mistake-update"
before = [w.copy() for w in problem.weights]


def changed():
    return any(not np.array_equal(w, old) for w, old in zip(problem.weights, before))


gradients, loss = problem.gradients(), problem.loss()
print("changed by BPTT:", changed())
assert not changed()
for w, name in zip(problem.weights, NAMES):
    w -= 0.001 * gradients[name]  # the optimizer's part: gradient descent
print("changed by the optimizer:", changed(), " and the loss went down:", problem.loss() < loss)
assert changed() and problem.loss() < loss
for w, old in zip(problem.weights, before):
    w[...] = old  # so that the cells above can run again

# %% [markdown] key="mistake-rows-text" lang="en"
# ### Rows mixed with columns
#
# In notes, the formulas often use column vectors ($u^t = W_{in} x^t + \dots$, $\delta^t = f'(u^t) \odot (W_{out}^\top \delta_{out}^{t} + W^\top \delta^{t+1})$) and the code
# beside them uses rows (`x @ W_in`, `delta @ W.T`). Both are right, with different matrices: each is the other's transpose.
# Wrong is only the mixture, and a square $W$ lets it pass without a shape error.
#
# %% [markdown] key="mistake-rows-text" lang="ja"
# ### 行ベクトルと列ベクトルの混在
#
# 学習ノートでは、式は列ベクトル($u^t = W_{in} x^t + \dots$、$\delta^t = f'(u^t) \odot (W_{out}^\top \delta_{out}^{t} + W^\top \delta^{t+1})$)、コードは行ベクトル(`x @ W_in`、`delta @ W.T`)ということがよくあります。行列が互いに転置の関係にあるだけで、どちらも正しい書き方です。間違いになるのは、両者を混ぜたときです。$W$ は正方行列なので、混ぜても形状のエラーになりません。
#
# %% key="mistake-rows"
rng = np.random.default_rng(3)
W_row, out_row, nxt_row, slope_row = (rng.standard_normal(s) for s in ((3, 3), (1, 2), (1, 3), (1, 3)))
W_out_row = rng.standard_normal((3, 2))
as_rows = delta_line(out_row, nxt_row, W_out_row, W_row, slope_row)

W_col, W_out_col = W_row.T, W_out_row.T  # the same network, written for columns
as_columns = slope_row.T * (W_out_col.T @ out_row.T + W_col.T @ nxt_row.T)
mixed = slope_row.T * (W_out_col.T @ out_row.T + W_row.T @ nxt_row.T)  # formula for columns, W for rows
print("columns = rows transposed:", np.allclose(as_columns, as_rows.T))
print("mixed: same shape", mixed.shape == as_columns.shape, "- same numbers", np.allclose(mixed, as_columns))
assert np.allclose(as_columns, as_rows.T) and not np.allclose(mixed, as_columns)

# %% [markdown] key="mistake-zero-text" lang="en"
# ### Clipping that divides by zero
#
# `rate = threshold / norm` before any test, as in many notes, divides by zero when the gradient is zero. Depending on what
# is written next, NumPy goes on with `inf` (and a warning) or ends up with NaN, which then spreads to all weights.
#
# %% [markdown] key="mistake-zero-text" lang="ja"
# ### ゼロ除算を起こすクリッピング
#
# 多くの学習ノートでは、判定の前に `rate = threshold / norm` を計算しています。勾配がゼロならゼロ除算です。NumPyでは、その後の書き方によって、警告だけ出て `inf` のまま進むこともあれば、NaNになってすべての重みに広がることもあります。
#
# %% key="mistake-zero"
zero = np.zeros(2)
norm = np.linalg.norm(zero)
with np.errstate(divide="ignore", invalid="ignore"):
    print("threshold / norm:               ", 1.0 / norm)
    print("g * threshold / norm:           ", zero * 1.0 / norm)
    print("g * min(1, threshold / norm):   ", zero * min(1.0, 1.0 / norm))
print("g * threshold / max(norm, threshold):", zero * 1.0 / max(norm, 1.0), "- never divides by zero")
assert np.array_equal(clip_by_norm(zero, 1.0), zero)

# %% [markdown] key="mistake-eigen-text" lang="en"
# ### "If all eigenvalues of $W$ are below 1 in absolute value, the gradient vanishes"
#
# A good rule of thumb, true in the long run for a *linear* network, but no theorem for tanh. What bounds a step is the
# largest **singular value**. (The arXiv version of Pascanu et al. says "eigenvalue" in §2.1; the published ICML
# version corrects this to "singular value", which the proof in (6) needs.)
# Here is a $W$ whose eigenvalues are all 0, and a gradient that grows by half at every step:
#
# %% [markdown] key="mistake-eigen-text" lang="ja"
# ### 「$W$ の固有値の絶対値がすべて1未満なら、勾配は消失する」
#
# 目安としては有用で、**線形**のネットワークなら系列が十分長ければ正しいのですが、tanhでは一般に成り立ちません。1時刻ごとの倍率を抑えるのは最大**特異値**です(Pascanuらの2.1節は、arXiv版では固有値と書いていますが、ICMLの掲載版では最大特異値に訂正されています。式(6)の証明に必要なのは特異値です)。固有値がすべて0なのに、勾配が1時刻ごとに1.5倍になる例を示します。
#
# %% key="mistake-eigen"
W = np.array([[2.0, -2.0], [2.0, -2.0]])
z_fixed = np.array([[0.0, np.sqrt(0.75)]])  # tanh' = 1 - z² is 1 for the first unit, 1/4 for the second
b = np.arctanh(z_fixed) - z_fixed @ W  # so that the state stays where it is

rnn = SimpleRNN(2, 1, dtype="float64")
rnn.params = {"kernel": np.zeros((1, 2)), "recurrent_kernel": W, "bias": b[0]}
stays = rnn.forward(np.zeros((1, 12, 1)), z_fixed)
rnn.backward(np.array([[1.0, 0.0]]))
norms = np.linalg.norm(rnn.delta[0, ::-1] @ W.T, axis=1)  # 1, 2, … steps back

print("largest |eigenvalue| below 1e-6:", np.max(np.abs(np.linalg.eigvals(W))) < 1e-6)
print("largest singular value:", np.linalg.svd(W, compute_uv=False)[0].round(6))
print("growth of the gradient per step:", np.round(norms[1:] / norms[:-1], 6)[:6])
np.testing.assert_allclose(stays, z_fixed, atol=1e-12)
np.testing.assert_allclose(norms[1:] / norms[:-1], 1.5)

# %% [markdown] key="mistake-names-text" lang="en"
# ### Names that have changed
#
# The history key follows the name in `metrics=`: `"accuracy"` gives `val_accuracy`, only `"acc"` gives `val_acc`. `lr=` is
# refused: write `learning_rate=`. `.h5` still works but is legacy: use `.keras`.
#
# %% [markdown] key="mistake-names-text" lang="ja"
# ### 変わった名前
#
# 履歴のキーは `metrics=` に書いた名前で決まります(`"accuracy"` なら `val_accuracy`、`"acc"` なら `val_acc`)。`lr=` はエラーになるので `learning_rate=` と書きます。`.h5` はまだ使えますが旧形式なので、`.keras` を使います。
#
# %% key="mistake-names"
print("history:", sorted(trained["SGD, no clipping"][1]))
try:
    keras.optimizers.SGD(lr=0.1)
except ValueError as error:
    print("lr=0.1:", type(error).__name__)
else:
    raise AssertionError("lr= is accepted again")


# %% [markdown] key="exercises-text" lang="en"
# ## Exercises
#
# Replace each `...`, run the cell, then run the check below it. The check names the mistake if it knows it. The solution
# is folded away beneath.
#
# ### 1. The line
#
# One sequence, hidden activation tanh. Fill in the line of BPTT. All you have of $u$ is $z = \tanh(u)$; that is enough,
# because $\tanh'(u) = 1 - z^2$.
#
# %% [markdown] key="exercises-text" lang="ja"
# ## 演習
#
# `...` を書き換えてセルを実行し、続けてその下の確認用セルを実行してください。よくある間違いなら、どの間違いかを指摘します。解答例はその下に折りたたんであります。
#
# ### 1. BPTTの1行
#
# 系列は1本、隠れ層の活性化関数はtanhです。BPTTの1行を埋めてください。$u$ は与えられていませんが、$z = \tanh(u)$ があれば足ります。$\tanh'(u) = 1 - z^2$ だからです。
#
# %% key="exercise-delta" tags=["exercise"]
def all_deltas(delta_out, z, W_out, W):
    """delta_out (T, K), z (T, H), W_out (H, K), W (H, H) -> delta (T, H). Row 0 is the first step."""
    T, H = z.shape
    delta = np.zeros((T + 1, H))  # one row more: beyond the end, delta is 0
    for t in reversed(range(T)):
        ### BEGIN SOLUTION
        delta[t] = (delta_out[t] @ W_out.T + delta[t + 1] @ W.T) * (1 - z[t] ** 2)
        ### END SOLUTION
    return delta[:T]


# %% key="exercise-delta-check" tags=["edition-output"]
exam.check(all_deltas, **exercises.DELTA)


# %% [markdown] key="exercise-sum-text" lang="en"
# ### 2. The sum
#
# From all $\delta^t$ to $\partial E/\partial W$. The rows of `z` and `delta` are steps 1 to $T$; the initial state comes
# separately.
#
# %% [markdown] key="exercise-sum-text" lang="ja"
# ### 2. 時刻についての和
#
# すべての $\delta^t$ から $\partial E/\partial W$ を求めます。`z` と `delta` の行は時刻1から $T$ までで、初期状態は別に渡されます。
#
# %% key="exercise-sum" tags=["exercise"]
def recurrent_gradient(delta, z, z0):
    """delta (T, H), z (T, H), z0 (H,) -> dE/dW (H, H)."""
    ### BEGIN SOLUTION
    before = np.concatenate([z0[None], z[:-1]])  # row t holds the state before step t
    return before.T @ delta  # the matrix product sums over t
    ### END SOLUTION


# %% key="exercise-sum-check" tags=["edition-output"]
exam.check(recurrent_gradient, **exercises.SUM)


# %% [markdown] key="exercise-clip-text" lang="en"
# ### 3. Clipping by global norm
#
# Scale all gradients by one common factor so that their global norm is at most `threshold`. All gradients may be zero.
#
# %% [markdown] key="exercise-clip-text" lang="ja"
# ### 3. 全体のノルムによるクリッピング
#
# すべての勾配に共通の倍率を掛け、全体のノルムを `threshold` 以下にします。勾配がすべてゼロの場合もあります。
#
# %% key="exercise-clip" tags=["exercise"]
def clip_together(grads, threshold):
    """List of arrays -> list of arrays whose global norm is at most `threshold`."""
    ### BEGIN SOLUTION
    norm = np.sqrt(sum(np.sum(g**2) for g in grads))
    scale = threshold / max(norm, threshold)  # never above 1, and no division by zero
    return [g * scale for g in grads]
    ### END SOLUTION


# %% key="exercise-clip-check" tags=["edition-output"]
exam.check(clip_together, **exercises.CLIP)

# %% [markdown] key="questions-text" lang="en"
# ## Exam questions
#
# Answer first, then open. A wrong choice tells you which mistake leads to it. Some questions write $h$ for the state and
# `du` for $\delta^t$.
#
# %% [markdown] key="questions-text" lang="ja"
# ## 確認テスト
#
# まず自分で答えてから、解説を開いてください。誤りの選択肢には、どう間違えるとその答えになるかが書いてあります。隠れ状態を $h$、$\delta^t$ を `du` と書く問題もあります。
#
# %% key="questions" tags=["edition-output"]
exam.quiz("07_rnn_bptt")

# %% [markdown] key="references" lang="en"
# ## References
#
# - J. L. Elman, *Finding Structure in Time*, Cognitive Science 14 (1990), Fig. 2: the simple recurrent network.
# - P. J. Werbos, *Backpropagation Through Time: What It Does and How to Do It*, Proceedings of the IEEE 78 (1990), §III.
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), §10.2.2: the two terms in (10.20), the sums over $t$ in
#   (10.22)–(10.28), in column vectors.
# - R. J. Williams, J. Peng, *An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network
#   Trajectories*, Neural Computation 2 (1990), 490–501: truncated BPTT as BPTT($h$; $h'$), here $h = k_2$, $h' = k_1$.
# - I. Sutskever, *Training Recurrent Neural Networks*, PhD thesis, University of Toronto (2013), §2.8.6: truncated BPTT
#   with $k_1$, $k_2$.
# - Y. Bengio, P. Simard, P. Frasconi, *Learning Long-Term Dependencies with Gradient Descent is Difficult*, IEEE
#   Transactions on Neural Networks 5 (1994), 157–166: vanishing gradients.
# - R. Pascanu, T. Mikolov, Y. Bengio, *On the Difficulty of Training Recurrent Neural Networks*, ICML 2013,
#   arXiv:1211.5063: the product in (5), the bound in (6)–(7) of §2.1, the cliff in §2.3 and Fig. 6, clipping in §3.2,
#   Algorithm 1. Their (2) applies the activation before $W$; ours, after.
# - Keras documentation: `SimpleRNN`, and `clipnorm`, `global_clipnorm`, `clipvalue` of `Optimizer`.
#
# **Next**: 08 · LSTM and GRU, which give the gradient a path on which it need not vanish.
#
# %% [markdown] key="references" lang="ja"
# ## 参考文献
#
# - J. L. Elman, *Finding Structure in Time*, Cognitive Science 14 (1990), 図2:単純再帰型ネットワーク。
# - P. J. Werbos, *Backpropagation Through Time: What It Does and How to Do It*, Proceedings of the IEEE 78 (1990), III節。
# - I. Goodfellow, Y. Bengio, A. Courville, *Deep Learning* (2016), 10.2.2節:2つの項は式(10.20)、$t$ についての和は式(10.22)〜(10.28)。列ベクトルで書かれています。
# - R. J. Williams, J. Peng, *An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories*, Neural Computation 2 (1990), 490–501:打ち切り型BPTT。BPTT($h$; $h'$) の $h$ が本章の $k_2$、$h'$ が $k_1$ です。
# - I. Sutskever, *Training Recurrent Neural Networks*, 博士論文, トロント大学 (2013), 2.8.6節:$k_1$, $k_2$ による打ち切り型BPTT。
# - Y. Bengio, P. Simard, P. Frasconi, *Learning Long-Term Dependencies with Gradient Descent is Difficult*, IEEE Transactions on Neural Networks 5 (1994), 157–166:勾配消失。
# - R. Pascanu, T. Mikolov, Y. Bengio, *On the Difficulty of Training Recurrent Neural Networks*, ICML 2013, arXiv:1211.5063:積の形は式(5)、上界は2.1節の式(6)(7)、崖は2.3節と図6、クリッピングは3.2節のAlgorithm 1。この論文の式(2)では活性化関数が $W$ より先に掛かります(本章では後)。
# - Kerasのドキュメント:`SimpleRNN`、`Optimizer` の `clipnorm`・`global_clipnorm`・`clipvalue`。
#
# **次の章**:08 · LSTMとGRU。勾配が消えずに済む道を用意します(必ず消えないわけではありません)。
#

# ---
# study:
#   title: {en: "Attention", ja: "アテンション(注意機構)"}
#   scope: examined
#   minutes: 120
#   topics: ["3.5.6"]
#   prerequisites: [08_lstm_gru, 10_seq2seq]
#   tpu: true
# ---
# %% [markdown] key="title" lang="en"
# # 11 · Attention
#
# {{badge}}
#
# After this chapter you can compute an attention by hand, forwards and backwards, say where its query, its keys and its
# values come from, and see a missing mask in a picture. On the way a small network learns to read dates in sixteen
# spellings, English and Japanese, and shows you which characters it looks at.
#
# **Examined** (syllabus 3.5) · **Time** 120 minutes, best in two sittings (60 to the end of *Agreement*, then 60) ·
# **You need** an encoder–decoder with a thought vector (chapter 10), the GRU (chapter 08), the softmax
#
# %% [markdown] key="title" lang="ja"
# # 11 · アテンション(注意機構)
#
# {{badge}}
#
# この章を終えると、注意の計算を順伝播も逆伝播も手で行えるようになります。クエリ・キー・バリューがどこから来るかを説明でき、マスクの付け忘れを図から見抜けます。途中では、英語と日本語あわせて16通りの書き方の日付を小さなネットワークに読ませ、どの文字を見ているかを目で確かめます。
#
# **試験範囲**(シラバス 3.5) · **所要時間** 120分(2回に分けるなら、「確かめる」まで60分、残り60分) · **前提** 文脈を1つのベクトルで渡すエンコーダ・デコーダ(第10章)、GRU(第08章)、softmax
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
import datetime

import keras
import matplotlib.pyplot as plt
import numpy as np

from utils import exam, plots, training
from utils.exam.exercises import attention as exercises
from utils.gradient_check import keras_gradients, numerical_gradient, relative_error
from utils.keras_models.attention_seq2seq import AttentionSeq2Seq
from utils.keras_models.seq2seq import Seq2Seq
from utils.numpy_layers.attention import AdditiveAttention, DotAttention
from utils.numpy_layers.gru import GRU
from utils.pictures import alignment as pictures
from utils.text import batches, dates, decoding, scores
from utils.text.vocabulary import BOS, EOS, PAD, Vocabulary

plots.style()

# %% [markdown] key="bottleneck" lang="en"
# ## Key ideas
#
# ### Look back instead of remembering everything
#
# The encoder–decoder of chapter 10 hands over **one vector of fixed size**, however long the sentence is. Everything the
# decoder will ever need must be in it. Attention removes this bottleneck with a simple thought: the encoder has computed
# a state for *every* token anyway. Keep them all, and let the decoder look back at each step at those that matter now.
#
# %% [markdown] key="bottleneck" lang="ja"
# ## 要点
#
# ### 全部を覚える代わりに、見返す
#
# 第10章のエンコーダ・デコーダは、文がどれだけ長くても**固定サイズのベクトル1つ**だけを渡します。デコーダが後で必要とするものは、すべてその中に入っていなければなりません。アテンション(attention, 注意機構)は、このボトルネックを単純な考え方で取り除きます。エンコーダは、もともと**すべての**トークンについて状態を計算しています。それを全部とっておき、デコーダが各時刻に、いま必要な状態を見返せばよいのです。
#
# %% key="bottleneck-figure"
pictures.bottleneck()
plt.show()

# %% [markdown] key="formula" lang="en"
# In three lines. $s_t$ is the decoder's state that asks, $h_1, \dots, h_S$ are the encoder's states:
#
# $$e_{tj} = \mathrm{score}(s_t, h_j) \qquad \alpha_{tj} = \frac{\exp(e_{tj})}{\sum_{k=1}^{S} \exp(e_{tk})} \qquad \boxed{\;c_t = \sum_{j=1}^{S} \alpha_{tj}\, h_j\;}$$
#
# | symbol | meaning | shape for a batch | in Keras |
# |---|---|---|---|
# | $s_t$ | query: what is looked for | $(N, T, D)$ | `query` |
# | $h_j$ | keys and values: what is looked through | $(N, S, D)$ | `key`, `value` |
# | $e_{tj}$ | score: how well they match | $(N, T, S)$ | |
# | $\alpha_{tj}$ | attention weight; every row sums to 1 | $(N, T, S)$ | `attention_scores` |
# | $c_t$ | context vector: the weighted mean | $(N, T, D)$ | the layer's output |
#
# **Convention.** Vectors are rows, the batch comes first, as in NumPy and Keras. Notes with column vectors write
# $v_a^\top \tanh(W_a s + U_a h)$ where we write $\tanh(s W_a + h U_a) \cdot v_a$.
#
# Two scores are common:
#
# - **Additive** (Bahdanau et al. 2015): $e_{tj} = \tanh(s\, W_a + h_j U_a) \cdot v_a$, a small network with one hidden layer.
# - **Dot product** (Luong et al. 2015): $e_{tj} = s_t \cdot h_j$, or with one matrix $e_{tj} = (s_t W_a) \cdot h_j$.
#   No loop and no tanh, just a matrix product. The Transformer uses this form, scaled (chapter 12).
#
# ### Attention is a dictionary that answers softly
#
# A Python dictionary compares your query with its keys, and hands over the value of the one that is equal. Attention compares the query with
# **all** keys, turns the scores into weights and hands over the **mean of all values** with these weights.
#
# %% [markdown] key="formula" lang="ja"
# 式は3つだけです。$s_t$ は問い合わせるデコーダの状態、$h_1, \dots, h_S$ はエンコーダの状態です。
#
# $$e_{tj} = \mathrm{score}(s_t, h_j) \qquad \alpha_{tj} = \frac{\exp(e_{tj})}{\sum_{k=1}^{S} \exp(e_{tk})} \qquad \boxed{\;c_t = \sum_{j=1}^{S} \alpha_{tj}\, h_j\;}$$
#
# | 記号 | 意味 | バッチでの形状 | Kerasでの名前 |
# |---|---|---|---|
# | $s_t$ | クエリ:何を探すか | $(N, T, D)$ | `query` |
# | $h_j$ | キーとバリュー:どこから探すか | $(N, S, D)$ | `key`, `value` |
# | $e_{tj}$ | スコア:どれだけ合うか | $(N, T, S)$ | |
# | $\alpha_{tj}$ | 注意の重み。各行の和は1 | $(N, T, S)$ | `attention_scores` |
# | $c_t$ | 文脈ベクトル:重み付き平均 | $(N, T, D)$ | 層の出力 |
#
# **表記の約束。** NumPyやKerasと同じく、ベクトルは行ベクトル、先頭の軸はバッチです。列ベクトルの資料で $v_a^\top \tanh(W_a s + U_a h)$ と書く式は、ここでは $\tanh(s W_a + h U_a) \cdot v_a$ となります。
#
# スコアは2種類がよく使われます。
#
# - **加法注意(additive attention)**(Bahdanauら 2015):$e_{tj} = \tanh(s\, W_a + h_j U_a) \cdot v_a$。隠れ層が1つの小さなネットワークです。
# - **内積注意(dot-product attention)**(Luongら 2015):$e_{tj} = s_t \cdot h_j$、または行列を1つ挟んだ $e_{tj} = (s_t W_a) \cdot h_j$。ループもtanhもなく、行列積だけで済みます。Transformerが使うのもこの形(にスケールを付けたもの)です(第12章)。
#
# ### アテンションは「やわらかく答える辞書」
#
# Pythonの辞書は、クエリをキーと比べ、一致したキーのバリューを返します。アテンションは、クエリを**すべての**キーと比べ、スコアを重みに変えて、**すべてのバリューの重み付き平均**を返します。
#
# %% key="lookup-figure"
pictures.lookup(
    query="q",
    keys=["k₁", "k₂", "k₃"],
    scores=[0, np.log(3), 0],
    weights=[0.2, 0.6, 0.2],
    values=[10, 20, 30],
    result="20",
)
plt.show()

# %% [markdown] key="kinds" lang="en"
# ### Who asks whom
#
# The same three lines serve two purposes. In **source–target attention** the decoder asks and the encoder answers: the
# query comes from the decoder, keys and values from the encoder. In **self-attention** a sequence asks itself: all three
# come from the same sequence.
#
# %% [markdown] key="kinds" lang="ja"
# ### 誰が誰に問い合わせるか
#
# 同じ3つの式が、2通りに使われます。**ソース・ターゲット注意(source–target attention)** では、デコーダが問い合わせ、エンコーダが答えます。クエリはデコーダから、キーとバリューはエンコーダから来ます。**自己注意(self-attention)** では、系列が自分自身に問い合わせます。3つとも同じ系列から来ます。
#
# %% key="origins-figure"
pictures.origins()
plt.show()


# %% [markdown] key="three" lang="en"
# **Three sentences to take into the exam**
#
# 1. Attention = **scores, softmax, weighted mean of the values**; the weights of one query sum to 1 over the keys.
# 2. Fixed in size is the **vector into which the plain encoder compresses**, not the input. Attention keeps all states,
#    at the price of $T \times S$ scores.
# 3. Padding must be masked **before** the softmax, with $-\infty$.
#
# %% [markdown] key="three" lang="ja"
# **試験前に押さえる3つのポイント**
#
# 1. アテンション = **スコア → softmax → バリューの重み付き平均**。1つのクエリの重みは、キーの位置についての和が1になる。
# 2. サイズが固定なのは入力ではなく、アテンションのないエンコーダが**情報を圧縮して入れるベクトル**である。アテンションは全状態を残す代わりに、$T \times S$ 個のスコアを計算する。
# 3. パディングは、softmaxの**前に** $-\infty$ でマスクする。
#
# %% [markdown] key="hard-text" lang="en"
# ## From the formula to NumPy
#
# ### Step 1: a look-up as a matrix product
#
# Start from a plain dictionary. Give every key a one-hot vector. Then "is equal to" is a dot product (1 for the same key,
# 0 for another), and "hand over the value" is a weighted sum in which one weight is 1 and all others are 0.
#
# %% [markdown] key="hard-text" lang="ja"
# ## 数式とコード
#
# ### ステップ1:辞書引きを行列積で書く
#
# 普通の辞書から始めます。各キーをone-hotベクトルで表します。すると「等しいか」は内積になり(同じキーなら1、違えば0)、「バリューを返す」は、1つだけが1で残りが0の重みによる和になります。
#
# %% key="hard"
months = {"Mar": 3.0, "Jul": 7.0, "Dec": 12.0}

month_keys = np.eye(3)  # (S, D): one row a key
month_values = np.array([[3.0], [7.0], [12.0]])  # (S, 1)
month_query = np.array([[0.0, 1.0, 0.0]])  # (T, D): asks for "Jul"

weights = month_query @ month_keys.T  # (T, S): 1 where they are equal
print("dictionary:", months["Jul"], "  matrix product:", (weights @ month_values).item())
assert (weights @ month_values).item() == months["Jul"]


# %% [markdown] key="soft-text" lang="en"
# ### Step 2: let it answer softly
#
# A dictionary fails where no key is equal, and it has no slope: a small change of the query changes nothing, or
# everything. So replace "equal or not" by a softmax over the scores. A query between two keys now gets a mixture, and
# everything can be differentiated. Multiply the scores by a large number, and where one key fits best, the
# dictionary is back.
#
# %% [markdown] key="soft-text" lang="ja"
# ### ステップ2:やわらかく答えさせる
#
# 辞書は、等しいキーがなければ答えられません。また、傾きがありません。クエリを少し変えても、何も変わらないか、まったく別の答えになるかのどちらかです。そこで「等しいかどうか」を、スコアについてのsoftmaxに置き換えます。2つのキーの間のクエリには混ざった答えが返り、全体が微分可能になります。最もよく合うキーが1つに決まっていれば、スコアに大きな数を掛けると元の辞書に戻ります。
#
# %% key="soft"
def softmax(scores, mask=None):
    """Over the last axis. mask: True where a place takes part."""
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    exps = np.exp(scores - scores.max(axis=-1, keepdims=True))  # the largest is exp(0): no overflow
    return exps / exps.sum(axis=-1, keepdims=True)


for name, q in (("exactly Jul", [0.0, 1, 0]), ("Jul or Dec", [0.0, 0.5, 0.5])):
    for factor in (1, 5, 50):
        weights = softmax(factor * np.array([q]) @ month_keys.T)
        shown, answer = ", ".join(f"{w:.2f}" for w in weights[0]), (weights @ month_values).item()
        print(f"{name:11}  scores × {factor:2}   weights {shown}   answer {answer:5.2f}")
assert np.allclose(softmax(50 * month_query @ month_keys.T) @ month_values, months["Jul"])


# %% [markdown] key="learned-text" lang="en"
# ### Step 3: let it learn
#
# Soft means trainable. Let six queries lie on a circle and each want one of six values. Which key belongs where is unknown;
# the keys begin near 0, so that at first every query gets the mean of all values. We need the gradients. Let
# $dc$ be the gradient of the output $c = \alpha v$:
#
# $$d\alpha = dc\; v^\top \qquad de_j = \alpha_j \left( d\alpha_j - \sum_k \alpha_k\, d\alpha_k \right) \qquad dv = \alpha^\top dc$$
#
# The middle one is the softmax: the weights sum to 1, so one can only grow at the cost of the others, and what they
# lose is the weighted mean that is subtracted. Then, for the dot product $e = q\,k^\top$: $\;dq = de\; k$ and
# $dk = de^\top q$.
#
# %% [markdown] key="learned-text" lang="ja"
# ### ステップ3:学習させる
#
# 微分できるなら、学習できます。円周上に並んだ6つのクエリが、それぞれ6つのバリューのうち1つを欲しがっているとします。どのキーをどこに置けばよいかはわかりません。キーは0の近くから始めるので、最初はどのクエリにも全バリューの平均が返ります。必要なのは勾配です。出力 $c = \alpha v$ についての勾配を $dc$ とすると、次のようになります。
#
# $$d\alpha = dc\; v^\top \qquad de_j = \alpha_j \left( d\alpha_j - \sum_k \alpha_k\, d\alpha_k \right) \qquad dv = \alpha^\top dc$$
#
# 中央の式がsoftmaxの逆伝播です。重みの和は1なので、1つが増えればほかが減ります。引かれている重み付き平均が、その減る分です。内積 $e = q\,k^\top$ については $dq = de\; k$、$dk = de^\top q$ です。
#
# %% key="attend"
def attend(scores, value, mask=None):
    """scores (N, T, S), value (N, S, D) -> context vectors (N, T, D) and weights (N, T, S)."""
    weights = softmax(scores, mask)
    return weights @ value, weights


def attend_backward(dc, weights, value):
    """dc (N, T, D) -> gradients of the scores (N, T, S) and of the values (N, S, D)."""
    d_weights = dc @ value.swapaxes(1, 2)
    row = np.sum(weights * d_weights, axis=-1, keepdims=True)  # what the others lose
    return weights * (d_weights - row), weights.swapaxes(1, 2) @ dc


def dot_scores(query, key):
    return query @ key.swapaxes(1, 2)  # (N, T, D) @ (N, D, S) = (N, T, S)


def dot_scores_backward(d_scores, query, key):
    return d_scores @ key, d_scores.swapaxes(1, 2) @ query  # dq, dk


# %% key="learn-keys"
angles = np.arange(6) * np.pi / 3
query = 3 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)[None]  # (1, 6, 2)
value = np.eye(6)[None]  # value j is the one-hot vector of j
wanted = np.array([2, 0, 3, 5, 1, 4])  # query i wants value wanted[i]
key = np.random.default_rng(0).normal(0, 0.1, (1, 6, 2))

weights_before = attend(dot_scores(query, key), value)[1][0]
for _ in range(300):
    c, weights = attend(dot_scores(query, key), value)
    d_scores, _ = attend_backward(c - value[:, wanted], weights, value)  # half the squared error
    key -= 0.5 * dot_scores_backward(d_scores, query, key)[1]
weights_after = attend(dot_scores(query, key), value)[1][0]
print("largest weight of each query before:", weights_before.max(axis=-1).round(1))
print("and after:                          ", weights_after.max(axis=-1).round(1))
assert np.array_equal(weights_after.argmax(axis=-1), wanted)
assert weights_after.max(axis=-1).min() > 0.9

# %% key="learn-keys-figure"
fig, axes = plt.subplots(1, 3, figsize=(9, 2.9), width_ratios=(1, 1, 1.15))
for ax, title, shown in zip(axes, ("before", "after 300 steps"), (weights_before, weights_after)):
    ax.pcolormesh(shown, cmap=pictures.SHADES, vmin=0, vmax=1, edgecolors=plots.PALE)
    ax.set(title=title, xlabel="key", ylim=(6, 0), aspect="equal")
    ax.set_xticks(np.arange(6) + 0.5, range(6))
    ax.set_yticks(np.arange(6) + 0.5, range(6))
    ax.grid(False)
axes[0].set_ylabel("query")
for points, color, name, where in (
    (query[0], plots.OUTPUT, "queries", 1.33),
    (key[0], plots.INPUT, "learned keys", 0.6),
):
    axes[2].plot(*points.T, "o", color=color, label=name, markersize=5)
    for i, (x, y) in enumerate(where * points):
        axes[2].text(x, y, str(i), color=color, ha="center", va="center")
axes[2].set(title="in the plane", aspect="equal", xlim=(-5, 5), ylim=(-4.6, 5.8))
axes[2].legend(loc="upper center", fontsize=9, ncols=2, handletextpad=0.1, columnspacing=0.8)
plt.show()

# %% [markdown] key="learned-note" lang="en"
# Each key has moved in the direction of the query that wants its value: query 0 wants value 2, and key 2 now lies on its
# side. Nobody told the keys where to go; the error of the *answers* did. In a network the same happens with the weights
# that make queries, keys and values out of states.
#
# ### A whole attention in your head
#
# One query, three places. The keys are chosen so that the exponentials are whole numbers:
#
# $$q = (1, 0), \qquad k_1 = (0, 0),\; k_2 = (\ln 3, 0),\; k_3 = (0, \ln 3), \qquad v = (10, 20, 30)$$
#
# - scores: $q \cdot k_j = (0, \ln 3, 0)$
# - exponentials: $(1, 3, 1)$, sum 5, so the weights are $(0.2,\; 0.6,\; 0.2)$
# - output: $0.2 \cdot 10 + 0.6 \cdot 20 + 0.2 \cdot 30 = 20$
#
# And backwards, for $dc = 1$: $d\alpha = v = (10, 20, 30)$, the weighted mean is 20, so
# $de = (0.2 \cdot (-10),\; 0.6 \cdot 0,\; 0.2 \cdot 10) = (-2, 0, 2)$. The place with the largest weight gets **no**
# gradient: its value is exactly what came out, so looking there more or less would change nothing.
#
# %% [markdown] key="learned-note" lang="ja"
# どのキーも、自分のバリューを欲しがるクエリの方向へ動きました。クエリ0はバリュー2を欲しがっているので、キー2がクエリ0の側にあります。キーの行き先を教えたのは、**答え**の誤差だけです。ネットワークの中では、状態からクエリ・キー・バリューを作る重みに対して、同じことが起こります。
#
# ### 暗算で追えるアテンション
#
# クエリは1つ、位置は3つです。$\exp$ の値が整数になるようにキーを選んであります。
#
# $$q = (1, 0), \qquad k_1 = (0, 0),\; k_2 = (\ln 3, 0),\; k_3 = (0, \ln 3), \qquad v = (10, 20, 30)$$
#
# - スコア:$q \cdot k_j = (0, \ln 3, 0)$
# - $\exp$ の値:$(1, 3, 1)$、和は5。重みは $(0.2,\; 0.6,\; 0.2)$
# - 出力:$0.2 \cdot 10 + 0.6 \cdot 20 + 0.2 \cdot 30 = 20$
#
# 逆伝播は、$dc = 1$ のとき、$d\alpha = v = (10, 20, 30)$、その重み付き平均は20なので、$de = (0.2 \cdot (-10),\; 0.6 \cdot 0,\; 0.2 \cdot 10) = (-2, 0, 2)$ です。重みが最大の位置の勾配は**0**です。そのバリューは出力と同じなので、もっと見ても見なくても出力は変わらないからです。
#
# %% key="hand"
q = np.array([[[1.0, 0.0]]])
k = np.log(np.array([[[1.0, 1.0], [3.0, 1.0], [1.0, 3.0]]]))
v = np.array([[[10.0], [20.0], [30.0]]])

c, weights = attend(dot_scores(q, k), v)
d_scores, dv = attend_backward(np.ones((1, 1, 1)), weights, v)
print("weights  ", weights[0, 0].round(6))
print("output   ", round(c.item(), 6))
print("d scores ", d_scores[0, 0].round(6) + 0.0)
print("d values ", dv[0, :, 0].round(6), " the weights: each value enters with its weight")
np.testing.assert_allclose(weights[0, 0], [0.2, 0.6, 0.2])
np.testing.assert_allclose(d_scores[0, 0], [-2, 0, 2], atol=1e-12)


# %% [markdown] key="additive-text" lang="en"
# ### The additive score
#
# Bahdanau's score asks a small network: project query and key, add, tanh, and weigh the elements with $v_a$. Why the
# tanh? Without it $(sW_a + h_jU_a) \cdot v_a$ would be a sum of a part of $s$ and a part of $h_j$. The part of $s$ is the
# same for all $j$ and cancels in the softmax: **the query would have no say.** Try it before you read the output: what
# happens to the weights if the query changes?
#
# %% [markdown] key="additive-text" lang="ja"
# ### 加法注意のスコア
#
# Bahdanauのスコアは、小さなネットワークに判定させます。クエリとキーを射影して足し、tanhを通し、$v_a$ で要素に重みを付けます。なぜtanhが要るのでしょうか。tanhがないと、$(sW_a + h_jU_a) \cdot v_a$ は $s$ だけの項と $h_j$ だけの項の和になります。$s$ の項はどの $j$ でも同じなので、softmaxで打ち消し合います。つまり**クエリが何であっても結果が変わりません**。出力を見る前に考えてみてください。クエリを変えると、重みはどうなるでしょうか。
#
# %% key="additive"
def additive_scores(query, key, v_a):
    """query (N, T, D), key (N, S, D), already projected; v_a (D,) -> scores (N, T, S)."""
    return np.tanh(query[:, :, None] + key[:, None]) @ v_a


def additive_scores_backward(d_scores, query, key, v_a):
    z = np.tanh(query[:, :, None] + key[:, None])  # (N, T, S, D)
    du = d_scores[..., None] * v_a * (1 - z**2)
    return du.sum(axis=2), du.sum(axis=1), np.einsum("nts,ntsd->d", d_scores, z)  # dq, dk, dv_a


k1 = np.array([[[-1.0], [0.0], [1.0]]])  # three keys with one element
for q1 in (-1.0, 1.0):
    asked = np.array([[[q1]]])
    with_tanh = softmax(additive_scores(asked, k1, np.array([2.0])))
    without = softmax((asked[:, :, None] + k1[:, None]) @ np.array([2.0]))
    print(f"query {q1:4}:  with tanh {with_tanh[0, 0].round(2)}   without {without[0, 0].round(2)}")

# %% [markdown] key="additive-note" lang="en"
# Without the tanh both lines show the same weights. The dot product needs no tanh: it multiplies query and key, so the
# query is in every term.
#
# | | additive | dot product |
# |---|---|---|
# | score | $\tanh(sW_a + h_jU_a) \cdot v_a$ | $(s W_a) \cdot h_j$ |
# | parameters | $D_s A + D_h A + A$ | $D_s D_h$ (none without $W_a$) |
# | largest array | $(N, T, S, A)$ | $(N, T, S)$ |
# | query and key | may differ in size | same size after the projection |
#
# %% [markdown] key="additive-note" lang="ja"
# tanhがないと、2行とも同じ重みです。内積ではクエリとキーを掛けるので、すべての項にクエリが入っており、tanhは要りません。
#
# | | 加法注意 | 内積注意 |
# |---|---|---|
# | スコア | $\tanh(sW_a + h_jU_a) \cdot v_a$ | $(s W_a) \cdot h_j$ |
# | パラメータ数 | $D_s A + D_h A + A$ | $D_s D_h$($W_a$ がなければ0) |
# | 最大の配列 | $(N, T, S, A)$ | $(N, T, S)$ |
# | クエリとキー | 次元が違ってよい | 射影後に同じ次元 |
#
# %% [markdown] key="mask-text" lang="en"
# ### The mask
#
# A batch holds sentences of different lengths, filled up with padding. Padding has states, too, and a softmax gives every
# one of them a share. So the answer for a sentence would depend on **how much padding happens to stand behind it**. The
# mask sets the scores of padding to $-\infty$: $e^{-\infty} = 0$, and the shares of the real tokens sum to 1 again.
#
# %% [markdown] key="mask-text" lang="ja"
# ### マスク
#
# バッチには長さの違う文が入り、短い文にはパディングが付きます。パディングにも状態があり、softmaxはそのすべてに重みを配ってしまいます。つまり、ある文に対する答えが、**後ろに付いたパディングの量**で変わることになります。マスクは、パディングのスコアを $-\infty$ にします。$e^{-\infty} = 0$ なので、本物のトークンの重みだけで和が1になります。
#
# %% key="mask"
rng = np.random.default_rng(0)
query_one, sentence = rng.standard_normal((1, 1, 4)), rng.standard_normal((1, 3, 4))
alone, _ = attend(dot_scores(query_one, sentence), sentence)
print("padding   without a mask: distance, weight lost   with the mask: distance")
for padding in (0, 2, 5, 20):
    padded = np.concatenate([sentence, np.full((1, padding, 4), 0.1)], axis=1)  # states of padding
    mask = np.arange(3 + padding) < 3
    open_, weights = attend(dot_scores(query_one, padded), padded)
    masked, _ = attend(dot_scores(query_one, padded), padded, mask)
    lost, away = weights[..., 3:].sum(), np.abs(open_ - alone).max()
    print(f"{padding:7}   {away:24.2f} {lost:12.0%}   {np.abs(masked - alone).max():24.2f}")
    assert np.allclose(masked, alone) and (padding == 0 or away > 0.1)


# %% [markdown] key="self-text" lang="en"
# ### Self-attention, and what it does not know
#
# Let a sequence ask itself: query, key and value are the same array. Every token gets a mixture of all tokens, in one
# step, however far apart they are. But shuffle the tokens, and the outputs are shuffled in the same way, nothing else changes:
# **attention has no sense of order.** An RNN's states carry the order, so in this chapter nobody misses it. The Transformer has no RNN and must add
# positions (chapter 12).
#
# %% [markdown] key="self-text" lang="ja"
# ### 自己注意と、それが知らないこと
#
# 系列に、自分自身へ問い合わせさせます。クエリ・キー・バリューは同じ配列です。どのトークンも、どれだけ離れていても1回で、すべてのトークンを混ぜた結果を受け取ります。ただし、トークンを並べ替えると、出力も同じように並べ替わるだけで、ほかは何も変わりません。**アテンションは順序を知らないのです。** この章では、RNNの状態が順序の情報をもっているので困りません。RNNのないTransformerでは、位置の情報を足す必要があります(第12章)。
#
# %% key="self"
rng = np.random.default_rng(0)
tokens = rng.standard_normal((1, 5, 4))
mixed, weights = attend(dot_scores(tokens, tokens), tokens)
order = [3, 0, 4, 1, 2]
shuffled, _ = attend(dot_scores(tokens[:, order], tokens[:, order]), tokens[:, order])
print("weights", weights.shape, "= (N, T, T)   outputs", mixed.shape, "= (N, T, D)")
print("shuffled tokens give shuffled outputs:", np.allclose(shuffled, mixed[:, order]))
assert np.allclose(shuffled, mixed[:, order])

# %% [markdown] key="scale-text" lang="en"
# ### Why chapter 12 will scale the scores
#
# If the elements of $q$ and $k$ are independent with mean 0 and variance 1, then $q \cdot k$ is a sum of $d_k$ products,
# each of mean 0 and variance 1: its variance is $d_k$, its spread $\sqrt{d_k}$. Large scores make the softmax sharp, almost a hard look-up, and there the
# gradient $\alpha_j(d\alpha_j - \dots)$ is almost 0. Measure it: ten keys, random vectors, the sum of $\alpha_j(1 - \alpha_j)$ as a
# yardstick for the softmax's slope.
#
# %% [markdown] key="scale-text" lang="ja"
# ### 第12章でスコアを割り算する理由
#
# $q$ と $k$ の要素が互いに独立で平均0、分散1なら、$q \cdot k$ は平均0、分散1の積を $d_k$ 個足したものなので、分散は $d_k$、ばらつき(標準偏差)は $\sqrt{d_k}$ です。スコアが大きいとsoftmaxは鋭くなり、ほとんど普通の辞書引きになります。そこでは勾配 $\alpha_j(d\alpha_j - \dots)$ がほぼ0です。測ってみましょう。キーは10個、ベクトルは乱数とし、softmaxの傾きの目安として $\alpha_j(1 - \alpha_j)$ の和を見ます。
#
# %% key="scale"
rng = np.random.default_rng(0)
print("            bare score q·k                  q·k / √d")
print("   d    spread  largest  slope        spread  largest  slope")
for d in (4, 16, 64, 256, 1024):
    e = dot_scores(rng.standard_normal((1000, 1, d)), rng.standard_normal((1000, 10, d)))
    line = f"{d:4}"
    for factor in (1, d**-0.5):
        w = softmax(factor * e)
        slope = (w * (1 - w)).sum(axis=-1).mean()
        line += f"{(factor * e).std():10.1f} {w.max(axis=-1).mean():8.2f} {slope:6.2f}    "
    print(line.rstrip())
assert slope > 0.7 and (softmax(e) * (1 - softmax(e))).sum(axis=-1).mean() < 0.1

# %% [markdown] key="scale-note" lang="en"
# Our date model does with the bare product, as the training below shows: a GRU's states lie between −1 and 1, and $W_a$ can
# learn the right size. Vaswani et al. (§3.2.1) suspect the effect measured here where unscaled dot products with a large
# $d_k$ do worse than the additive score, and divide by $\sqrt{d_k}$.
#
# %% [markdown] key="scale-note" lang="ja"
# この章の日付モデルは、後で見るとおり内積のままで学習できます。GRUの状態は−1から1の間にあり、大きさは $W_a$ が学習で調整できます。一方、$d_k$ が大きいとスケールなしの内積は加法注意に劣ります。Vaswaniらは、ここで測った現象がその原因だと推測し(3.2.1節)、$\sqrt{d_k}$ で割りました。
#
# %% [markdown] key="agreement-text" lang="en"
# ## Agreement
#
# The cells above, the tested layers of `utils.numpy_layers.attention` and Keras' layers, with the same numbers and the same
# padding mask. First the judge that knows no formula: the numerical gradient.
#
# %% [markdown] key="agreement-text" lang="ja"
# ## 確かめる
#
# 上のセル、テスト済みの層 `utils.numpy_layers.attention`、Kerasの層を、同じ数値と同じパディングマスクで比べます。はじめに、微分の公式を使わない数値微分と照らし合わせます。
#
# %% key="numerical"
rng = np.random.default_rng(1)
N, T, S, D = 3, 4, 6, 5
places = {"query": T, "key": S, "value": S}
arrays = {name: rng.standard_normal((N, n, D)) for name, n in places.items()}
v_a, dc = rng.standard_normal(D), rng.standard_normal((N, T, D))
pad_mask = np.arange(S) < np.array([6, 2, 4])[:, None]  # (N, S): sentences of 6, 2 and 4 tokens


def by_cells(kind):
    """Output and gradients by the cells of this chapter."""
    query, key, value = arrays.values()
    score = dot_scores(query, key) if kind == "dot" else additive_scores(query, key, v_a)
    c, weights = attend(score, value, pad_mask[:, None])
    d_scores, d_value = attend_backward(dc, weights, value)
    if kind == "dot":
        dq, dk = dot_scores_backward(d_scores, query, key)
        return {"output": c, "query": dq, "key": dk, "value": d_value}
    dq, dk, dv_a = additive_scores_backward(d_scores, query, key, v_a)
    return {"output": c, "query": dq, "key": dk, "value": d_value, "v_a": dv_a}


def largest_error(kind):
    """Of all gradients, against the numerical ones."""

    def loss():
        return np.sum(dc * by_cells(kind)["output"])

    found = by_cells(kind)
    del found["output"]
    numerical = {name: numerical_gradient(loss, (arrays | {"v_a": v_a})[name]) for name in found}
    return max(relative_error(found[name], numerical[name]) for name in found)


for kind in ("dot", "additive"):
    print(f"{kind:9} every gradient agrees with the numerical one to 1e-6:", largest_error(kind) < 1e-6)
    assert largest_error(kind) < 1e-6


# %% [markdown] key="three-ways-text" lang="en"
# Mind Keras' order: the list is **[query, value, key]**, and where the key is left out, the value is the key.
#
# %% [markdown] key="three-ways-text" lang="ja"
# Kerasの引数の順序に注意します。リストは **[query, value, key]** で、keyを省くとvalueがkeyになります。
#
# %% key="three-ways"
class Masked(keras.layers.Layer):
    """A Keras attention layer with a fixed padding mask: a function of its arrays alone."""

    def __init__(self, layer):
        super().__init__(dtype="float32")
        self.layer = layer

    def call(self, inputs):
        return self.layer(list(inputs), mask=[None, pad_mask])


theirs = {
    "dot": keras.layers.Attention(dtype="float32"),
    "additive": keras.layers.AdditiveAttention(dtype="float32"),
}
ours = {"dot": DotAttention(dtype="float64"), "additive": AdditiveAttention(D, dtype="float64")}
ours["additive"].params["scale"] = v_a
inputs = [arrays[name] for name in ("query", "value", "key")]
print("                     cells = layers   layers = Keras")
for kind, layer in ours.items():
    cells = by_cells(kind)
    y = layer.forward(*inputs, value_mask=pad_mask)
    layers = {"output": y} | dict(zip(("query", "value", "key"), layer.backward(dc)))
    theirs[kind].build([(N, T, D), (N, S, D), (N, S, D)])
    if kind == "additive":
        layers["v_a"] = layer.grads["scale"]
        theirs[kind].set_weights([v_a])
    inputs32, masked = [array.astype("float32") for array in inputs], Masked(theirs[kind])
    masked(inputs32)  # builds it
    y, dx, d_weights = keras_gradients(masked, inputs32, dc.astype("float32"))
    in_keras = {"output": y} | dict(zip(("query", "value", "key"), dx))
    in_keras |= dict(zip(["v_a"], d_weights))
    for name in cells:
        exact = relative_error(cells[name], layers[name])
        close = relative_error(layers[name], in_keras[name])
        label = f"{kind} {'' if name == 'output' else 'd'}{name}"
        print(f"{label:20}{'< 1e-12' if exact < 1e-12 else f'{exact:.0e}':>12}", end="")
        print(f"{'< 1e-5' if close < 1e-5 else f'{close:.0e}':>17}")
        assert exact < 1e-12 and close < 1e-5

# %% [markdown] key="dates-text" lang="en"
# ## In Keras
#
# ### The task: read a date, write it as ISO
#
# Babel spells every day of a hundred years (1950 to 2049) in eight English and eight Japanese ways. The network sees characters only
# and must write `1994-09-07`. **One date in ten is held out in all its spellings**: what counts are dates that it has
# never seen.
#
# %% [markdown] key="dates-text" lang="ja"
# ## Kerasで学習する
#
# ### 課題:日付を読んでISO形式で書く
#
# Babelで、100年分(1950〜2049年)のすべての日を、英語8通り、日本語8通りの書き方にします。ネットワークに見えるのは文字だけで、`1994-09-07` の形で書かなければなりません。**日付の1割は、すべての書き方ごと、学習に使いません。** 評価するのは、一度も見ていない日付です。
#
# %% key="spellings"
day = datetime.date(1994, 9, 7)
for lang, names in dates.FORMATS.items():
    for name in names:
        print(f"{lang}   {dates.spell(day, name, lang)}   ({name})")
held_out, learned = set(dates.dates("test")), set(dates.dates("train"))
common = len(held_out & learned)
print(f"{len(learned):,} dates to learn from, {len(held_out):,} held out, in common: {common}")
assert common == 0

# %% key="data"
PAIRS = rt.choose(quick=50_000, full=200_000)
texts, iso = dates.date_pairs(PAIRS, "both")
reads, writes = Vocabulary.from_texts(texts), Vocabulary.from_texts(iso)
LENGTH = max(len(text) for text in texts)


def arrays_of(texts, iso):
    """(source (N, S), decoder_in (N, 11), decoder_out (N, 11)): characters as numbers."""
    source = batches.pad([reads.encode(text) for text in texts], LENGTH)
    target = batches.pad([writes.encode(t, bos=True, eos=True) for t in iso])
    return source, *batches.teacher_forcing(target)


source, decoder_in, decoder_out = arrays_of(texts, iso)
source_val, in_val, out_val = arrays_of(*dates.date_pairs(1000, "both", seed=1, part="test"))
print(f"{PAIRS:,} pairs of up to {LENGTH} characters", end="; ")
print(f"{len(reads)} different ones to read, {len(writes)} to write")
print("read: ", reads.encode("9/7/94"), "\nwrite:", writes.encode("1994-09-07", bos=True, eos=True))

# %% [markdown] key="model-text" lang="en"
# ### The network, layer by layer
#
# Two GRUs as in chapter 10, and between them three layers. In **Luong's order** the decoder's RNN runs first and its
# states ask afterwards. Under teacher forcing all its inputs are known, so the RNN is one layer over the whole
# sentence, and all questions of all steps are one matrix product:
#
# $$\tilde h_t = \tanh\left([c_t; s_t]\, W_c + b_c\right) \qquad p_t = \mathrm{softmax}\left(\tilde h_t W_{out} + b_{out}\right)$$
#
# %% [markdown] key="model-text" lang="ja"
# ### ネットワークを1層ずつ
#
# 第10章と同じ2つのGRUの間に、3つの層を加えます。**Luongの順序**では、先にデコーダのRNNが動き、その状態があとから問い合わせます。教師強制(teacher forcing)ではデコーダの入力がすべてわかっているので、RNNは文全体に対する1つの層になり、全時刻の問い合わせは1つの行列積になります。
#
# $$\tilde h_t = \tanh\left([c_t; s_t]\, W_c + b_c\right) \qquad p_t = \mathrm{softmax}\left(\tilde h_t W_{out} + b_{out}\right)$$
#
# %% key="model"
UNITS, EMBEDDING = rt.choose(quick=(64, 32), full=(256, 64))


def open_network():
    layers = keras.layers
    read = keras.Input((None,), dtype="int32")
    written = keras.Input((None,), dtype="int32")
    mask = keras.ops.not_equal(read, PAD)  # (N, S)
    embedded = layers.Embedding(len(reads), EMBEDDING, name="source_embedding")(read)
    encoder = layers.GRU(UNITS, return_sequences=True, return_state=True, name="encoder")
    memory, last = encoder(embedded, mask=mask)  # all states (N, S, U) and the last one
    embedded = layers.Embedding(len(writes), EMBEDDING, name="target_embedding")(written)
    states = layers.GRU(UNITS, return_sequences=True, name="decoder")(embedded, initial_state=last)

    query = layers.Dense(UNITS, use_bias=False, name="query")(states)  # s_t W_a
    context = layers.Attention(name="attention")([query, memory], mask=[None, mask])
    both = layers.Concatenate()([context, states])
    attentional = layers.Dense(UNITS, activation="tanh", name="combine")(both)
    return keras.Model((read, written), layers.Dense(len(writes), name="output")(attentional))


# %% [markdown] key="same-text" lang="en"
# `utils.keras_models.attention_seq2seq` holds the same network with a `step` for decoding. Same weights, same answers:
#
# %% [markdown] key="same-text" lang="ja"
# 同じネットワークに、1トークンずつ生成するための `step` を付けたものが `utils.keras_models.attention_seq2seq` です。同じ重みなら同じ答えになります。
#
# %% key="same"
def new_translator(attention="dot", seed=0):
    keras.utils.set_random_seed(seed)
    with rt.scope():
        if attention is None:
            model = Seq2Seq(len(reads), len(writes), UNITS, EMBEDDING, cell="gru")
        else:
            model = AttentionSeq2Seq(len(reads), len(writes), UNITS, EMBEDDING, attention)
        model((source[:2], decoder_in[:2]))  # builds it
    return model


translator, opened = new_translator(), open_network()
for layer in opened.layers:
    if layer.weights:
        layer.set_weights(translator.get_layer(layer.name).get_weights())
some = source[:8], decoder_in[:8]
difference = relative_error(opened(some), translator(some))
print(f"parameters: {translator.count_params():,} and {opened.count_params():,}", end="; ")
print("same logits:", difference < 1e-5)
assert translator.count_params() == opened.count_params() and difference < 1e-5

# %% [markdown] key="train-text" lang="en"
# ### Training
#
# A pair counts only if all ten characters are right: **exact match**. Can that be measured under teacher forcing, where the
# decoder sees the right characters? Yes: if every character is right given the right ones before it, greedy decoding
# writes them all, one after the other. If one is wrong, greedy decoding errs at the first wrong one as well. So the two agree, and one
# forward pass replaces eleven steps.
#
# %% [markdown] key="train-text" lang="ja"
# ### 学習
#
# 10文字すべてが正しいときだけ正解とします。これを**完全一致(exact match)** と呼びます。デコーダが正解の文字を見ている教師強制のもとで、これを測れるでしょうか。測れます。正しい文字が前に並んでいるときに次の文字が必ず正しいなら、貪欲法(greedy)でも1文字ずつ正しく書けます。どこかで間違うなら、貪欲法も最初に間違うところで同じように間違います。両者は一致し、順伝播1回が11回のステップの代わりになります。
#
# %% key="train"
EPOCHS, BATCH = rt.choose(quick=(2, 96), full=(10, 256))


def exact(y_true, logits):
    """1 where all characters of a row are right. (N, T), (N, T, V) -> (N,)"""
    right = keras.ops.equal(keras.ops.argmax(logits, axis=-1), keras.ops.cast(y_true, "int64"))
    return keras.ops.cast(keras.ops.all(right, axis=-1), "float32")


def train(model, data, name, epochs=EPOCHS, batch_size=BATCH, peak=6e-3, metrics=()):
    """The learning rate falls from `peak` to almost 0 along a cosine."""
    steps = epochs * -(-len(data.y_train) // batch_size)
    rate = keras.optimizers.schedules.CosineDecay(peak, steps, alpha=0.02)
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=1.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=PAD)
    model.compile(optimizer, loss, metrics=list(metrics), jit_compile=rt.jit_compile)
    return training.fit(model, data, name, epochs, batch_size)


pairs = training.Arrays((source, decoder_in), decoder_out, (source_val, in_val), out_val)
history = train(translator, pairs, "11_dates", metrics=[exact])
print("exact match on dates never seen, above 98 %:", history["val_exact"][-1] > 0.98)

# %% key="greedy"
held = {lang: dates.date_pairs(1000, lang, seed=2, part="test") for lang in ("en", "ja")}


def write(model, source):
    """Greedy decoding: ISO texts."""
    ids = decoding.greedy(model.step, model.start(source), len(source), 12)
    return [writes.decode(row) for row in ids]


share = {}
for lang, (held_texts, held_iso) in held.items():
    x, x_in, x_out = arrays_of(held_texts, held_iso)
    written = write(translator, x)
    share[lang] = scores.exact_match(written, held_iso)
    one_pass = np.mean(np.all(np.argmax(translator((x, x_in)), axis=-1) == x_out, axis=-1))
    print(f"{lang}: 1,000 pairs of held-out dates", end="   ")
    print(f"exact match at least 99 %: {share[lang] >= 0.99}", end="   ")
    print("the same in one pass:", share[lang] == one_pass)
    assert abs(share[lang] - one_pass) < 1e-3  # rounding may decide between two equal logits
if rt.profile == "quick":
    assert min(share.values()) >= 0.99

# %% [markdown] key="alignment-text" lang="en"
# ### Where it looks
#
# Each row is a character written, each column one that was read (`_` is a space); dark means a large weight. Read a few
# rows before you go on: in the first map, which character does it look at when it writes the month?
#
# %% [markdown] key="alignment-text" lang="ja"
# ### どこを見ているか
#
# 1行が書いた文字1つ、1列が読んだ文字1つ(`_` は空白)で、濃いほど重みが大きいことを表します。先へ進む前に、何行か読んでみてください。最初の図では、月を書くときにどの文字を見ているでしょうか。
#
# %% key="alignment"
SHOWN = [("full", "en"), ("short", "en"), ("d MMMM y", "en"), ("dd.MM.y", "en")]
SHOWN += [("long", "ja"), ("y.MM.dd", "ja"), ("y年M月d日(E)", "ja")]
day = next(d for d in dates.dates("test") if d.year == 1994 and d.month == 9)
panels = []
for name, lang in SHOWN:
    text, target = dates.spell(day, name, lang), day.isoformat()
    x, x_in, _ = arrays_of([text], [target])
    weights = translator.alignment(x, x_in)[0]
    panels.append((weights[: len(target), : len(text)], text, target))
x, _, _ = arrays_of([text for _, text, _ in panels], [day.isoformat()] * len(panels))
print(f"written: {sorted(set(write(translator, x)))}, from {len(panels)} spellings")
pictures.alignments(panels)
plt.show()


# %% [markdown] key="alignment-note" lang="en"
# Nobody told the network which characters belong together. The maps are not a perfect diagonal, for two reasons:
#
# - A GRU's state knows what was read **before** it. To write "09" one look into "September" is enough: halfway through the
#   word, the state knows the month. The state at the year's third digit knows the first two.
# - A character that does not depend on the source, such as "-", can be written from anywhere.
#
# Bahdanau et al. read the sentence in both directions and join the two states (§3.2), so that each $h_j$ knows what stands
# before it **and** behind it.
#
# So a map shows where information was **fetched**, not what it was fetched for. With that in mind it is a good tool for finding
# mistakes in a network, and no proof of an explanation.
#
# %% [markdown] key="alignment-note" lang="ja"
# どの文字とどの文字が対応するかは、誰も教えていません。図がきれいな対角線にならない理由は2つあります。
#
# - GRUの状態は、それより**前**に読んだ内容を知っています。「09」と書くには、「September」の途中の1文字を見れば足ります。単語の半ばまで読めば、何月かが状態に入っているからです。年の3桁目の状態は、上2桁を知っています。
# - 「-」のようにソースに依存しない文字は、どこを見ていても書けます。
#
# Bahdanauらのエンコーダは双方向RNNで、両方向の状態を連結します(3.2節)。そのため各 $h_j$ は、前に**も**後ろに**も**何があるかを知っています。
#
# つまり、この図が示すのは情報を**どこから取り出したか**であり、何に使うために取り出したかではありません。そのことを踏まえれば、ネットワークの不具合を探すよい道具になりますが、判断理由の証明にはなりません。
#
# %% [markdown] key="no-mask-text" lang="en"
# ### The same network without its masks
#
# Keep all weights. First take away the attention's mask: the encoder still passes over the padding and repeats its last
# state there. Then take away the encoder's mask too, so that it reads the padding as if it were text.
#
# %% [markdown] key="no-mask-text" lang="ja"
# ### 同じネットワークからマスクを外す
#
# 重みはそのままです。まずアテンションのマスクだけを外します。エンコーダはパディングを読み飛ばし、そこでは最後の状態を繰り返します。次にエンコーダのマスクも外し、パディングを文字として読ませます。
#
# %% key="no-mask"
def answers(source, decoder_in, encoder_mask, attention_mask):
    """(characters written, weights) of the trained network, with or without its two masks."""
    real = source != PAD
    embedded = translator.source_embedding(source)
    memory, last = translator.encoder(embedded, mask=real if encoder_mask else np.ones_like(real))
    states = translator.decoder(translator.target_embedding(decoder_in), initial_state=last)
    # Keras hands a mask on with an output; plain arrays carry none.
    asked = [np.asarray(translator.query(states)), np.asarray(memory)]
    mask = [None, real if attention_mask else np.ones_like(real)]
    context, weights = translator.attention(asked, mask=mask, return_attention_scores=True)
    both = keras.ops.concatenate([context, states], axis=-1)
    logits = translator.output_logits(translator.combine(both))
    return np.argmax(logits, axis=-1), np.asarray(weights)


x, x_in, x_out = arrays_of(*held["en"])
for label, masks in (
    ("both masks", (True, True)),
    ("none in the attention", (True, False)),
    ("none at all", (False, False)),
):
    written, weights = answers(x, x_in, *masks)
    right = np.all(written == x_out, axis=1)
    lost = (weights * (x == PAD)[:, None]).sum(axis=-1).mean()
    print(f"{label:22} weight on padding above 5 %: {lost > 0.05!s:5}", end="   ")
    print(f"exact match above 95 %: {right.mean() > 0.95}")
    if rt.profile == "quick":
        assert (lost > 0.05) != masks[1] and (right.mean() > 0.95) == masks[0]

# %% [markdown] key="no-mask-note" lang="en"
# Without the attention's mask, weight leaks to the padding, but here it hardly hurts: the states there are copies of the
# last one, so nothing foreign comes in, and the trained look is sharp. Without the encoder's mask the padding has states
# that the network has never met, and the decoder starts from one of them. **Two masks, two jobs:** the RNN's keeps the
# state, the attention's keeps the weights. Frameworks pass them on silently, and lose them as silently.
#
# %% [markdown] key="no-mask-note" lang="ja"
# アテンションのマスクがないと、重みがパディングに漏れます。ただし、ここではほとんど害がありません。そこにあるのは最後の状態のコピーで、異質な情報は入らず、学習後の注意も鋭いからです。エンコーダのマスクまで外すと、パディングには見たこともない状態が並び、デコーダもその1つから出発することになります。**マスクは2つ、役割も2つ**です。RNNのマスクは状態を守り、アテンションのマスクは重みを守ります。フレームワークはマスクを黙って受け渡し、黙って失います。
#
# %% [markdown] key="experiment-text" lang="en"
# ## Experiment
#
# ### The bottleneck, measured
#
# Bahdanau et al. show in their Figure 2 how the plain encoder–decoder gets worse on long sentences, while attention is more
# robust; trained with sentences of up to 50 words, it does not deteriorate even at 50 words and more (§5.1). The study notes that call this weakness by its name print
# no figures. They translate; we take a task in which the amount of information is known exactly: **copy a string of
# random digits**. Each digit more is $\log_2 10 = 3.3$ bits more. Both networks have the same GRUs and see the same strings; attention
# adds two Dense layers, so the network without it may practise **twice as long**. They are tested on strings drawn anew.
#
# %% [markdown] key="experiment-text" lang="ja"
# ## 実験
#
# ### ボトルネックを測る
#
# Bahdanauらは図2で、普通のエンコーダ・デコーダは長い文で性能が大きく落ちるのに対し、アテンション付きは落ちにくいことを示しています。50語までの文で学習したモデルは、50語以上でも劣化しません(5.1節)。この弱点に触れている学習ノートには、数値は載っていません。論文の課題は翻訳ですが、ここでは情報量が正確にわかる課題を使います。**ランダムな数字の列を書き写す**課題です。1桁増えるごとに、情報は $\log_2 10 = 3.3$ ビット増えます。2つのネットワークのGRUは同じで、同じ数字列を学習します。アテンション付きは全結合層が2つ多いので、ないほうには**2倍の学習回数**を与えます。評価は、新しく生成した列で行います。
#
# %% key="copy-data"
LONGEST, DIGITS = rt.choose(quick=10, full=24), "0123456789"
copies = Vocabulary(DIGITS)


def strings(count, seed):
    """source (N, S), decoder_in and decoder_out (N, S + 1), and the lengths (N,)."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, LONGEST + 1, count)
    inside = np.arange(LONGEST) < lengths[:, None]
    source = np.where(inside, rng.integers(4, len(copies), (count, LONGEST)), PAD).astype("int32")
    written = np.pad(source, ((0, 0), (1, 1)), constant_values=PAD)
    written[:, 0] = BOS
    written[np.arange(count), lengths + 1] = EOS
    return source, *batches.teacher_forcing(written), lengths


copy_x, copy_in, copy_out, _ = strings(rt.choose(quick=19_200, full=200_000), seed=0)
test_x, test_in, test_out, test_lengths = strings(3000, seed=1)
digits = training.Arrays((copy_x, copy_in), copy_out, (test_x[:200], test_in[:200]), test_out[:200])
print("copies:", copies.decode(copy_x[0]), "->", copies.decode(copy_out[0]))


# %% key="copy"
def copier(attention, units=64, seed=0):
    keras.utils.set_random_seed(seed)
    with rt.scope():
        if attention:
            model = AttentionSeq2Seq(len(copies), len(copies), units, 16, attention)
        else:
            model = Seq2Seq(len(copies), len(copies), units, 16, cell="gru")
        model((copy_x[:2], copy_in[:2]))
    return model


by_length = {}
for name, attention, passes in (("one vector of 64 numbers", None, 2), ("attention", "dot", 1)):
    model, passes = copier(attention), passes * rt.choose(quick=1, full=5)
    train(model, digits, f"11_copy_{attention}", epochs=passes, batch_size=128, peak=8e-3)
    right = np.argmax(model((test_x, test_in)), axis=-1) == test_out
    right = np.all(right | (test_out == PAD), axis=1)
    by_length[name] = np.array([right[test_lengths == n].mean() for n in range(1, LONGEST + 1)])

# %% key="copy-figure"
fig, ax = plt.subplots(figsize=(6.4, 3.3))
for (name, accuracy), color, marker in zip(by_length.items(), (plots.WEIGHT, plots.INPUT), "so"):
    ax.plot(range(1, LONGEST + 1), accuracy, marker=marker, color=color, label=name)
ax.set(xlabel="length of the string", ylabel="strings copied without an error", ylim=(-0.03, 1.05))
ax.legend(loc="center right")
plt.show()

# %% key="copy-verdict"
long = np.arange(1, LONGEST + 1) > LONGEST // 2
for name, accuracy in by_length.items():
    print(f"{name:25} long strings copied: above 90 % {accuracy[long].mean() > 0.9!s:5}", end="   ")
    print(f"below 30 % {accuracy[long].mean() < 0.3}")
if rt.profile == "quick":
    plain, looking = by_length.values()
    assert looking[long].mean() > 0.9 and plain[long].mean() < 0.3

# %% [markdown] key="copy-note" lang="en"
# An honest reading: 64 numbers *could* hold ten digits (33 bits). The plain network has not learned to pack them in and
# to take them out in this time; with longer training and more units one may expect the wall further to the right. But every
# length asks for more packing. With attention the task is the same at every length: find the place, take the digit.
#
# Attention is no guarantee either. On strings longer than any of the training, the network meets states that
# it has never seen:
#
# %% [markdown] key="copy-note" lang="ja"
# 公平に言えば、64個の数値には10桁(33ビット)が十分に入る**はず**です。普通のネットワークは、この学習時間では、情報を詰め込んで取り出す方法を身に付けられなかったのです。学習を長くし、ユニットを増やせば、壁は右へ動くと考えられます。それでも、長くなるほど多く詰め込まなければならないことは変わりません。アテンションがあれば、どの長さでもやることは同じです。場所を見つけ、その数字を取り出すだけです。
#
# アテンションも万能ではありません。学習時より長い列では、ネットワークは見たことのない状態に出会います。
#
# %% key="copy-beyond"
rng = np.random.default_rng(5)
longer = rng.integers(4, len(copies), (1000, LONGEST + 5)).astype("int32")
fed = np.concatenate([np.full((1000, 1), BOS), longer], axis=1).astype("int32")
written = np.argmax(model((longer, fed)), axis=-1)[:, :-1]  # `model` is the one with attention
right = np.mean(np.all(written == longer, axis=1))
print(f"strings of {LONGEST + 5} digits copied, above 50 %: {right > 0.5}")

# %% [markdown] key="bahdanau-text" lang="en"
# ### Bahdanau's order
#
# In the original, the decoder looks **first**, with the state before the step, and what it finds enters the RNN:
#
# $$c_t = \mathrm{attention}(s_{t-1}, h) \qquad s_t = \mathrm{GRU}([y_{t-1}; c_t],\, s_{t-1})$$
#
# Now each state depends on the look before it, so the steps must run one after the other even under teacher forcing.
# The paper starts from $s_0 = \tanh(W_s \overleftarrow{h}_1)$, the backward state at the first word (§A.2.2); ours, which
# reads in one direction, from the encoder's last state. Here is one such step from the NumPy layers, beside the Keras
# network with the same weights:
#
# %% [markdown] key="bahdanau-text" lang="ja"
# ### Bahdanauの順序
#
# 元の論文では、デコーダは**先に**、ステップの前の状態で見に行き、見つけたものをRNNに入れます。
#
# $$c_t = \mathrm{attention}(s_{t-1}, h) \qquad s_t = \mathrm{GRU}([y_{t-1}; c_t],\, s_{t-1})$$
#
# 各状態がその前の結果に依存するので、教師強制でも1時刻ずつ順に計算しなければなりません。論文の初期状態は $s_0 = \tanh(W_s \overleftarrow{h}_1)$、つまり先頭の単語における逆方向の状態から作ります(A.2.2節)。ここでは一方向に読むので、エンコーダの最後の状態を使います。NumPyの層で書いた1ステップを、同じ重みのKerasのネットワークと比べます。
#
# %% key="bahdanau"
bahdanau = new_translator("bahdanau")
table, kernel = bahdanau.target_embedding.get_weights()[0], bahdanau.query.get_weights()[0]
cell = GRU(UNITS, EMBEDDING + UNITS, return_state=True)
cell.params = dict(zip(("kernel", "recurrent_kernel", "bias"), bahdanau.decoder.get_weights()))
look = AdditiveAttention(UNITS)
look.params["scale"] = bahdanau.attention.get_weights()[0]

s, memory, keys, mask = bahdanau.start(source[:4])  # s_0 is the encoder's last state
c = look.forward((s @ kernel)[:, None], memory, keys, value_mask=mask)  # look with s_{t-1}
y = table[decoder_in[:4, :1]]  # the character before, embedded: (N, 1, E)
_, s_next = cell.forward(np.concatenate([y, c], axis=-1), s)  # then the GRU

_, (s_keras, *_) = bahdanau.step(decoder_in[:4, 0], (s, memory, keys, mask))
print("one step by hand = Keras:", relative_error(s_next, s_keras) < 1e-5)
print(f"parameters, Luong's order:    {translator.count_params():,}")
print(f"parameters, Bahdanau's order: {bahdanau.count_params():,}")
assert relative_error(s_next, s_keras) < 1e-5

# %% [markdown] key="mistakes-text" lang="en"
# ## Common mistakes
#
# ### "Seq2seq needs an input of fixed size"
#
# Study notes give this as the reason for attention. It is not the input that is fixed. An RNN reads sentences of any
# length; fixed is the size of the **vector into which it compresses them**.
#
# %% [markdown] key="mistakes-text" lang="ja"
# ## よくある誤り
#
# ### 「seq2seqは固定次元の入力しか受け付けない」
#
# アテンションが必要な理由をこう説明する学習ノートがありますが、固定なのは入力ではありません。RNNはどんな長さの文でも読めます。固定なのは、**文を圧縮して入れるベクトル**のサイズです。
#
# %% key="mistake-fixed"
encoder = GRU(8, 4, dtype="float64")
rng = np.random.default_rng(0)
for length in (1, 10, 1000):
    vector = encoder.forward(rng.standard_normal((1, length, 4)))
    print(f"input (1, {length:4}, 4) -> thought vector {vector.shape}")
    assert vector.shape == (1, 8)

# %% [markdown] key="mistake-retrieve-text" lang="en"
# ### "Attention retrieves the value whose key matches the query"
#
# That is a hard look-up, `argmax`. Attention returns a **weighted mean**, written out $\mathrm{softmax}(QK^\top)\,V$ (in
# the Transformer with $\sqrt{d_k}$). The difference is the gradient: that of `argmax` is 0 wherever it
# exists, so backpropagation could not teach queries and keys where to look.
#
# %% [markdown] key="mistake-retrieve-text" lang="ja"
# ### 「アテンションは、クエリに一致するキーのバリューを取り出す」
#
# それは `argmax` による普通の辞書引きです。アテンションが返すのは**重み付き平均**で、式で書けば $\mathrm{softmax}(QK^\top)\,V$ です(Transformerでは $\sqrt{d_k}$ で割ります)。違いは勾配です。`argmax` の勾配は、存在するところではどこでも0なので、どこを見るべきかを誤差逆伝播で学習できません。
#
# %% key="mistake-retrieve"
q, k, v = (np.array(a)[None] for a in ([[1.0, 0.2]], [[1.0, 0], [0, 1.0]], [[10.0], [20.0]]))


def hard(q):
    return v[0, np.argmax(dot_scores(q, k)[0, 0])].item()


def soft(q):
    return attend(dot_scores(q, k), v)[0].item()


nudged = q + [[[0, 0.01]]]
print(f"hard: {hard(q):.2f}, slope {(hard(nudged) - hard(q)) / 0.01:.2f}")
print(f"soft: {soft(q):.2f}, slope {(soft(nudged) - soft(q)) / 0.01:.2f}")
assert hard(nudged) == hard(q) and soft(nudged) > soft(q)

# %% [markdown] key="mistake-axis-text" lang="en"
# ### Softmax over the wrong axis, a mask that is no mask
#
# Four lines that run without an error. Each should give one sentence of three tokens and two of padding the same answer as
# without padding.
#
# %% [markdown] key="mistake-axis-text" lang="ja"
# ### softmaxの軸違いと、マスクになっていないマスク
#
# どれもエラーなく動く4つの書き方です。トークン3個にパディング2個を付けた文に対し、パディングがないときと同じ答えになるはずのものです。
#
# %% key="mistake-axis"
rng = np.random.default_rng(2)
asked, sentence = rng.standard_normal((1, 2, 4)), rng.standard_normal((1, 3, 4))
expected, _ = attend(dot_scores(asked, sentence), sentence)
padded = np.concatenate([sentence, rng.standard_normal((1, 2, 4))], axis=1)
real = np.array([True, True, True, False, False])
e = dot_scores(asked, padded)
hidden = np.where(real, e, -1e9)
candidates = {
    "masked with -inf": softmax(e, real),
    "scores set to 0": softmax(np.where(real, e, 0.0)),
    "weights set to 0 afterwards": softmax(e) * real,
    "softmax over the queries": softmax(hidden.swapaxes(1, 2)).swapaxes(1, 2) * real,
}
for label, weights in candidates.items():
    close = np.allclose(weights @ padded, expected)
    sums = np.allclose(weights.sum(axis=-1), 1)
    print(f"{label:28} rows sum to 1: {sums!s:5}   right answer: {close}")
    assert close == label.startswith("masked")

# %% [markdown] key="mistake-keras-text" lang="en"
# ### The wrong order in Keras, and a scale that is not there
#
# Papers say query, key, value. `Attention` takes the list [query, **value**, key], and so does `MultiHeadAttention`.
# Swapped arrays of the same shape raise no error. And this layer does not divide by $\sqrt{d_k}$, as the agreement above shows.
#
# %% [markdown] key="mistake-keras-text" lang="ja"
# ### Kerasに渡す順序の間違い、存在しないスケール
#
# 論文の順序につられて間違えやすいのですが、`Attention` が受け取るリストは [query, **value**, key] の順です(`MultiHeadAttention` の引数も query, value, key の順です)。形状が同じなら、入れ替えてもエラーになりません。また、「確かめる」で見たとおり、この層は $\sqrt{d_k}$ で割りません。
#
# %% key="mistake-keras"
rng = np.random.default_rng(3)
q, k, v = (rng.standard_normal((1, n, 4)).astype("float32") for n in (2, 3, 3))
right, _ = attend(dot_scores(q, k), v)
for label, given in (("[query, value, key]", [q, v, k]), ("[query, key, value]", [q, k, v])):
    layer = keras.layers.Attention(dtype="float32")
    y, _, _ = keras_gradients(layer, given, np.ones((1, 2, 4), "float32"))
    print(f"{label}: the attention of the formula: {relative_error(y, right) < 1e-5}")
    assert (relative_error(y, right) < 1e-5) == (label == "[query, value, key]")


# %% [markdown] key="exercises-text" lang="en"
# ## Exercises
#
# Replace each `...`, run the cell, then run the check below it. The check names the mistake if it knows it. The solution
# is folded away beneath.
#
# ### 1. The mask
#
# %% [markdown] key="exercises-text" lang="ja"
# ## 演習
#
# `...` を書き換えてセルを実行し、続けてその下の確認用セルを実行してください。よくある間違いなら、どの間違いかを指摘します。解答例はその下に折りたたんであります。
#
# ### 1. マスク
#
# %% key="exercise-mask" tags=["exercise"]
def masked_weights(scores, mask):
    """scores (T, S), mask (T, S) of True where a token counts -> attention weights (T, S)."""
    ### BEGIN SOLUTION
    scores = np.where(mask, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
    ### END SOLUTION


# %% key="exercise-mask-check" tags=["edition-output"]
exam.check(masked_weights, **exercises.MASK)


# %% [markdown] key="exercise-dot-text" lang="en"
# ### 2. Dot-product attention
#
# Without mask and without scaling.
#
# %% [markdown] key="exercise-dot-text" lang="ja"
# ### 2. 内積注意
#
# マスクもスケールもなしとします。
#
# %% key="exercise-dot" tags=["exercise"]
def dot_attention(query, key, value):
    """query (N, T, D), key (N, S, D), value (N, S, Dv) -> (N, T, Dv)."""
    ### BEGIN SOLUTION
    scores = query @ key.swapaxes(1, 2)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights @ value
    ### END SOLUTION


# %% key="exercise-dot-check" tags=["edition-output"]
exam.check(dot_attention, **exercises.DOT)


# %% [markdown] key="exercise-back-text" lang="en"
# ### 3. Back through the softmax
#
# %% [markdown] key="exercise-back-text" lang="ja"
# ### 3. softmaxの逆伝播
#
# %% key="exercise-back" tags=["exercise"]
def scores_gradient(w, dw):
    """Weights w and the loss's gradient by them dw, (T, S) -> gradient by the scores (T, S)."""
    ### BEGIN SOLUTION
    return w * (dw - np.sum(w * dw, axis=-1, keepdims=True))
    ### END SOLUTION


# %% key="exercise-back-check" tags=["edition-output"]
exam.check(scores_gradient, **exercises.BACK)

# %% [markdown] key="questions-text" lang="en"
# ## Exam questions
#
# Answer first, then open. A wrong choice tells you which mistake leads to it. Some questions write column vectors,
# $v_a^\top \tanh(W_a s + U_a h)$, as the papers do.
#
# %% [markdown] key="questions-text" lang="ja"
# ## 確認テスト
#
# まず自分で答えてから、解説を開いてください。誤りの選択肢には、どう間違えるとその答えになるかが書いてあります。論文にならい、$v_a^\top \tanh(W_a s + U_a h)$ と列ベクトルで書く問題もあります。
#
# %% key="questions" tags=["edition-output"]
exam.quiz("11_attention")

# %% [markdown] key="references" lang="en"
# ## References
#
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate*, ICLR 2015,
#   arXiv:1409.0473: weights and context in §3.1, the bidirectional encoder in
#   §3.2, the score in §A.1.2, the decoder in §A.2.2, length in Fig. 2 and §5.1.
# - M.-T. Luong, H. Pham, C. D. Manning, *Effective Approaches to Attention-based Neural Machine Translation*, EMNLP 2015,
#   arXiv:1508.04025: $\tilde h_t$ in (5), the output in (6), the scores and the comparison with Bahdanau et al. in §3.1.
# - K. Cho, B. van Merriënboer, D. Bahdanau, Y. Bengio, *On the Properties of Neural Machine Translation: Encoder–Decoder
#   Approaches*, SSST-8, 2014, arXiv:1409.1259: the plain encoder–decoder on long sentences.
# - A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, arXiv:1706.03762: query, key and value in §3.2,
#   $\sqrt{d_k}$ in §3.2.1, (1), with footnote 4, the uses of attention in §3.2.3.
# - S. Jain, B. C. Wallace, *Attention is not Explanation*, NAACL 2019, arXiv:1902.10186.
# - Keras documentation: `Attention`, `AdditiveAttention`. Babel documentation: `format_date`.
#
# **Next**: 12 · Transformer. If attention reaches every place in one step, is the RNN still needed?
#
# %% [markdown] key="references" lang="ja"
# ## 参考文献
#
# - D. Bahdanau, K. Cho, Y. Bengio, *Neural Machine Translation by Jointly Learning to Align and Translate*, ICLR 2015, arXiv:1409.0473:重みと文脈ベクトルは3.1節、双方向のエンコーダは3.2節、スコアはA.1.2節、デコーダはA.2.2節、文の長さは図2と5.1節。
# - M.-T. Luong, H. Pham, C. D. Manning, *Effective Approaches to Attention-based Neural Machine Translation*, EMNLP 2015, arXiv:1508.04025:$\tilde h_t$ は式(5)、出力は式(6)、スコアとBahdanauらとの比較は3.1節。
# - K. Cho, B. van Merriënboer, D. Bahdanau, Y. Bengio, *On the Properties of Neural Machine Translation: Encoder–Decoder Approaches*, SSST-8, 2014, arXiv:1409.1259:普通のエンコーダ・デコーダと長い文。
# - A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017, arXiv:1706.03762:クエリ・キー・バリューは3.2節、$\sqrt{d_k}$ は3.2.1節の式(1)と脚注4、アテンションの使い方は3.2.3節。
# - S. Jain, B. C. Wallace, *Attention is not Explanation*, NAACL 2019, arXiv:1902.10186。
# - Kerasのドキュメント:`Attention`、`AdditiveAttention`。Babelのドキュメント:`format_date`。
#
# **次の章**:12 · Transformer。アテンションがどの位置にも1回で届くなら、RNNはまだ必要でしょうか。
#

# ---
# study:
#   title: {en: "word2vec", ja: "word2vec"}
#   scope: examined
#   minutes: 130
#   topics: ["4.4.1"]
#   prerequisites: []
#   tpu: true
# ---
# %% [markdown] key="title" lang="en"
# # 09 · word2vec
#
# {{badge}}
#
# After this chapter you can cut a sentence into the training pairs of CBOW and skip-gram, write the loss of negative
# sampling and its gradient from memory, and say what each of the three output layers costs. You train word vectors on
# 50,000 real sentences, in English and in Japanese, in seconds – and count honestly what so small a text can give and
# what it cannot.
#
# **Examined** (syllabus 4.4) · **Time** 130 minutes, best in two sittings (65 to the end of *Agreement*, then 65) ·
# **You need** softmax and cross entropy, back-propagation through one dense layer
#
# %% [markdown] key="title" lang="ja"
# # 09 · word2vec
#
# {{badge}}
#
# この章を終えると、1つの文からCBOWとskip-gramの訓練データを作れるようになります。負例サンプリングの損失と勾配を何も見ずに書けて、3種類の出力層の計算量を比べられるようにもなります。最後に、英語と日本語の実際の例文5万組から単語ベクトルを数秒で学習し、この規模で何ができて何ができないかを、数えて確かめます。
#
# **試験範囲**(シラバス 4.4) · **所要時間** 130分(2回に分けるなら、「確かめる」まで65分、残り65分) · **前提** ソフトマックスと交差エントロピー、全結合層1層の誤差逆伝播法
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
import heapq
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np

from utils import exam, plots, training
from utils.exam.exercises import embeddings as exercises
from utils.gradient_check import numerical_gradient, relative_error
from utils.numpy_layers.activations import sigmoid
from utils.numpy_layers.embedding import Embedding, sum_rows
from utils.numpy_layers.losses import softmax_crossentropy
from utils.numpy_layers.masked_mean import MaskedMean
from utils.numpy_layers.negative_sampling import NegativeSampling
from utils.pictures import embedding_space as pictures
from utils.text import corpus, skipgram
from utils.text.vocabulary import UNK, Vocabulary

plots.style()

# %% [markdown] key="idea" lang="en"
# ## Key ideas
#
# ### A word is known by the company it keeps
#
# A network computes with numbers, so each of the $V$ words of a vocabulary gets a number. The number itself means nothing
# (word 7 is not close to word 8). Written as a **one-hot** vector, one 1 and $V-1$ zeros, every word is equally far from
# every other one: *monday* is as near to *tuesday* as to *bread*.
#
# We want short vectors of real numbers instead, **embeddings** (distributed representations), in which words that are
# used alike lie close together. Nobody labels them. The text itself sets the task: **predict a word from its
# neighbours, or the neighbours from the word** (Mikolov et al. 2013a). *Monday* and *tuesday* have the same neighbours –
# *on*, *morning*, *next* –, so the same vector is good for both.
#
# A window of $c$ words to each side slides over the sentence. There are two ways to make a task of it:
#
# %% [markdown] key="idea" lang="ja"
# ## 要点
#
# ### 単語の意味は周りの単語で決まる
#
# ネットワークが扱えるのは数値なので、語彙に含まれる $V$ 個の単語に番号を付けます。番号の大小に意味はありません(7番の単語が8番に似ているわけではありません)。1か所だけ1で残りが0の**one-hotベクトル**で表すと、どの2語の距離も同じになります。*monday* から見て、*tuesday* も *bread* も等距離です。
#
# そこで、単語を短い実数ベクトルで表します。これを**分散表現**または**埋め込み**(embedding)と呼びます。使われ方が似た単語どうしが近くなるようにしたいのですが、人が正解を付けるわけではありません。課題はテキストから自動的に作れます。**周りの単語からその単語を、またはその単語から周りの単語を予測する**のです(Mikolovら 2013a)。*monday* と *tuesday* は *on*、*morning*、*next* など同じ単語に囲まれるので、予測に役立つベクトルも似てきます(分布仮説)。
#
# 左右 $c$ 語の窓(window)を文の上で動かします。課題の作り方は2通りあります。
#
# %% key="windows-figure"
pictures.windows("she went to school by bus".split(), place=2, window=2)
plt.show()

# %% [markdown] key="models" lang="en"
# - **Skip-gram**: the centre word predicts each of its neighbours. Every (centre, context) pair is one example.
# - **CBOW** (continuous bag of words): the *mean* of the neighbours' vectors predicts the centre. One example a window;
#   the order of the neighbours is lost.
#
# Each word has **two** vectors: $v_w$ for when it goes in, $v'_w$ for when it is to be predicted. The whole network is
#
# $$h = \begin{cases} v_{w_I} & \text{skip-gram: the centre } w_I \\ \frac{1}{C} \sum_{j=1}^{C} v_{w_j} & \text{CBOW: the mean over the } C \text{ context words} \end{cases}
# \qquad\qquad s_w = v'_w \cdot h$$
#
# and nothing else: a row of a table, no bias, **no activation function**. The score $s_w$ says how well word $w$ fits.
# Below, $w_O$ is the word to be predicted.
#
# | symbol | meaning | shape | in Keras |
# |---|---|---|---|
# | $V$, $D$ | words in the vocabulary, length of a vector | | `input_dim`, `output_dim` of `Embedding` |
# | $v_w$ | input vector of word $w$: **the embedding** that is kept | $(D,)$, all: $(V, D)$ | a row of `embeddings` |
# | $v'_w$ | output vector of word $w$, thrown away after training | $(D,)$, all: $(V, D)$ | a second `Embedding`, or the `kernel` of `Dense` |
# | $h$, $s_w$ | hidden vector, score of word $w$ | $(D,)$, a number | |
# | $c$, $k$ | words on each side of the window, noise words a pair | | |
#
# ### The output layer is the problem
#
# The obvious loss is the **softmax** over the vocabulary, $p(w_O \mid w_I) = \exp(s_{w_O}) / \sum_{w} \exp(s_w)$ and
# $L = -\log p(w_O \mid w_I)$. Its sum runs over all $V$ words – for every single pair. With a million words that is a
# million dot products to learn from one. **Negative sampling** (Mikolov et al. 2013b) asks another question: *is this
# pair real, or is the second word drawn by chance?* One true word, $k$ drawn ones, each a yes-or-no question with a
# sigmoid of its own:
#
# $$\boxed{\;L = -\log \sigma(v'_{w_O} \cdot h) \;-\; \sum_{i=1}^{k} \log \sigma(-v'_{w_i} \cdot h), \qquad w_i \sim P_n(w)\;}$$
#
# With the label $t = 1$ for the true word and $t = 0$ for noise, the gradient is as short as it gets:
#
# $$\frac{\partial L}{\partial s_w} = \sigma(s_w) - t_w \qquad\qquad \frac{\partial L}{\partial v'_w} = (\sigma(s_w) - t_w)\, h \qquad\qquad \frac{\partial L}{\partial h} = \sum_{w \in \{w_O, w_1, \dots, w_k\}} (\sigma(s_w) - t_w)\, v'_w$$
#
# %% [markdown] key="models" lang="ja"
# - **skip-gram**:中心語から、周りの各単語(文脈語)を予測します。(中心語, 文脈語)の1組が1つの訓練データです。
# - **CBOW**(continuous bag of words):文脈語のベクトルの**平均**から、中心語を予測します。窓1つが1つの訓練データです。文脈語の語順は失われます。
#
# どの単語も**2つの**ベクトルをもちます。入力になるときの $v_w$ と、予測されるときの $v'_w$ です。ネットワークはこれだけです。
#
# $$h = \begin{cases} v_{w_I} & \text{skip-gram:中心語 } w_I \\ \frac{1}{C} \sum_{j=1}^{C} v_{w_j} & \text{CBOW:} C \text{ 個の文脈語の平均} \end{cases}
# \qquad\qquad s_w = v'_w \cdot h$$
#
# 表から行を1つ取り出すだけで、バイアスも**活性化関数もありません**。スコア $s_w$ は、単語 $w$ がそこにどれだけ合うかを表します。以下、予測する単語を $w_O$ と書きます。
#
# | 記号 | 意味 | 形状 | Kerasでの名前 |
# |---|---|---|---|
# | $V$, $D$ | 語彙数、ベクトルの次元数 | | `Embedding` の `input_dim`, `output_dim` |
# | $v_w$ | 単語 $w$ の入力ベクトル。学習後に使う**分散表現** | $(D,)$、全体で $(V, D)$ | `embeddings` の1行 |
# | $v'_w$ | 単語 $w$ の出力ベクトル。学習が終わったら捨てる | $(D,)$、全体で $(V, D)$ | もう1つの `Embedding`、または `Dense` の `kernel` |
# | $h$, $s_w$ | 隠れ層のベクトル、単語 $w$ のスコア | $(D,)$、スカラー | |
# | $c$, $k$ | 窓の片側の語数、1組あたりのノイズ語の数 | | |
#
# ### 問題は出力層
#
# 素直に考えれば、損失は語彙全体の**ソフトマックス**を使う $L = -\log p(w_O \mid w_I)$、$p(w_O \mid w_I) = \exp(s_{w_O}) / \sum_{w} \exp(s_w)$ です。しかし分母の和は、1組ごとに $V$ 語すべてにわたります。語彙が100万語なら、1組から学ぶために内積を100万回計算することになります。**負例サンプリング**(negative sampling、Mikolovら 2013b)は、問いを変えます。「この組は本物か、それとも後ろの単語はでたらめに選ばれたものか」。正解の1語と、でたらめに選んだ $k$ 語のそれぞれに、独立のシグモイド関数で「はい・いいえ」を答えさせます。
#
# $$\boxed{\;L = -\log \sigma(v'_{w_O} \cdot h) \;-\; \sum_{i=1}^{k} \log \sigma(-v'_{w_i} \cdot h), \qquad w_i \sim P_n(w)\;}$$
#
# 正解の語のラベルを $t = 1$、ノイズ語のラベルを $t = 0$ とすると、勾配はとても簡単になります。
#
# $$\frac{\partial L}{\partial s_w} = \sigma(s_w) - t_w \qquad\qquad \frac{\partial L}{\partial v'_w} = (\sigma(s_w) - t_w)\, h \qquad\qquad \frac{\partial L}{\partial h} = \sum_{w \in \{w_O, w_1, \dots, w_k\}} (\sigma(s_w) - t_w)\, v'_w$$
#
# %% key="output-figure"
pictures.output_layers()
plt.show()


# %% [markdown] key="summary" lang="en"
# The third way, **hierarchical softmax**, puts the words at the leaves of a binary tree. The probability of a word is the
# product of left-or-right decisions on the way to it; each inner node has a vector, and a pair touches only those on one
# path. With a Huffman tree frequent words have short paths.
#
# | output layer | vectors touched per pair | a probability over the vocabulary? |
# |---|---|---|
# | full softmax | $V$ | yes: perplexity can be computed |
# | hierarchical softmax | about $\log_2 V$ | yes: the leaves' probabilities sum to 1 |
# | negative sampling | $1 + k$ | no: $1 + k$ separate yes-or-no questions |
#
# **Three sentences to take into the exam**
#
# 1. **Skip-gram predicts the context from the centre, CBOW the centre from the mean of the context.** Hidden layer: a
#    look-up, no activation function.
# 2. Negative sampling replaces one softmax over $V$ words by $1 + k$ **sigmoids**; $\partial L / \partial s = \sigma(s) - t$.
# 3. Noise is drawn from the word counts to the power **3/4**; very frequent words are **subsampled** (dropped at random)
#    before the windows are cut.
#
# %% [markdown] key="summary" lang="ja"
# 3つ目の方法が**階層的ソフトマックス**(hierarchical softmax)です。二分木の葉に単語を置き、根から葉までの「左か右か」の確率の積を、その単語の確率とします。ベクトルは内部ノードがもち、1組で更新されるのは1本の経路(パス)上のノードだけです。ハフマン木を使うと、よく出る単語ほど経路が短くなります。
#
# | 出力層 | 1組で更新するベクトルの数 | 語彙全体の確率分布になるか |
# |---|---|---|
# | 通常のソフトマックス | $V$ | なる。パープレキシティを計算できる |
# | 階層的ソフトマックス | 約 $\log_2 V$ | なる。葉の確率の和は1 |
# | 負例サンプリング | $1 + k$ | ならない。$1 + k$ 個の独立な二値分類 |
#
# **試験前に押さえる3つのポイント**
#
# 1. **skip-gramは中心語から文脈語を、CBOWは文脈語の平均から中心語を予測する。** 隠れ層は表引きだけで、活性化関数はない。
# 2. 負例サンプリングは、$V$ 語のソフトマックス1つを $1 + k$ 個の**シグモイド関数**に置き換える。$\partial L / \partial s = \sigma(s) - t$。
# 3. ノイズ語は出現回数の **3/4乗**に比例する確率で選ぶ。頻出語は、窓を切り出す前に**サブサンプリング**で間引く。
#
# %% [markdown] key="pairs-text" lang="en"
# ## From the formula to NumPy
#
# ### Cutting pairs by hand
#
# This is a favourite in exams, so do it on paper first: *i like green tea*, window $c = 1$. Which pairs does skip-gram
# get, which examples CBOW?
#
# <details><summary>Answer</summary>
#
# - Skip-gram, 6 pairs (centre → context): i → like · like → i · like → green · green → like · green → tea · tea → green
# - CBOW, 4 examples (context → centre): {like} → i · {i, green} → like · {like, tea} → green · {green} → tea
#
# </details>
#
# At the borders the window is cut off. So a sentence of $T > c$ words gives $2cT$ pairs, less the $2 \cdot (1 + 2 + \dots + c) = c(c+1)$
# that would lie outside: $2cT - c(c+1)$, here $2 \cdot 4 - 2 = 6$.
#
# %% [markdown] key="pairs-text" lang="ja"
# ## 数式とコード
#
# ### 訓練データを手で作る
#
# 試験でよく問われるので、まず紙に書いてみましょう。文は *i like green tea*、窓は $c = 1$ です。skip-gramの組と、CBOWの訓練データをすべて挙げてください。
#
# <details><summary>答え</summary>
#
# - skip-gramは6組(中心語 → 文脈語):i → like · like → i · like → green · green → like · green → tea · tea → green
# - CBOWは4個(文脈語 → 中心語):{like} → i · {i, green} → like · {like, tea} → green · {green} → tea
#
# </details>
#
# 文の端では窓が切れます。$T > c$ 語の文では、$2cT$ 組から、はみ出す $2 \cdot (1 + 2 + \dots + c) = c(c+1)$ 組を引いて、$2cT - c(c+1)$ 組です。ここでは $2 \cdot 4 - 2 = 6$ 組になります。
#
# %% key="pairs"
def context_of(sentence, t, window):
    """The words around place t, from left to right; the window ends where the sentence ends."""
    return sentence[max(0, t - window) : t] + sentence[t + 1 : t + 1 + window]


def skip_gram(sentence, window):
    places = range(len(sentence))
    return [(sentence[t], word) for t in places for word in context_of(sentence, t, window)]


def cbow(sentence, window):
    return [(context_of(sentence, t, window), sentence[t]) for t in range(len(sentence))]


tea = "i like green tea".split()
print("skip-gram:", " · ".join(f"{center} → {word}" for center, word in skip_gram(tea, 1)))
print("CBOW:     ", " · ".join(f"{{{', '.join(bag)}}} → {center}" for bag, center in cbow(tea, 1)))
for T in (4, 6, 9):
    for c in (1, 2, 3):
        assert len(skip_gram(list(range(T)), c)) == 2 * c * T - c * (c + 1)

# %% [markdown] key="fast-pairs-text" lang="en"
# `utils.text.skipgram` does the same for all sentences at once, on word numbers. Numbers 0 to 3 are reserved (0 is
# padding), so words start at 4:
#
# %% [markdown] key="fast-pairs-text" lang="ja"
# `utils.text.skipgram` は、同じことを単語番号を使って全文まとめて行います。番号0〜3は予約済み(0はパディング)なので、単語は4から始まります。
#
# %% key="fast-pairs"
numbers = [[4, 5, 6, 7], [8, 5, 6]]
centers, contexts = skipgram.pairs(numbers, window=2)
slow = [pair for sentence in numbers for pair in skip_gram(sentence, 2)]
print("pairs:", len(slow), " the same:", list(zip(centers.tolist(), contexts.tolist())) == slow)
bags, middles = skipgram.bags(numbers, window=2)
print("CBOW, padded with 0:")
for bag, word in zip(bags.tolist(), middles):
    print(f"  {bag} → {word}")
assert list(zip(centers.tolist(), contexts.tolist())) == slow
assert [[w for w in bag if w] for bag in bags.tolist()] == [b for s in numbers for b, _ in cbow(s, 2)]


# %% [markdown] key="lookup-text" lang="en"
# ### The embedding layer: a product that is never computed
#
# $v_w$ is the one-hot vector of $w$ times the table $(V, D)$. Multiplying by zeros is a waste, so the layer just copies
# row $w$. Backward, the gradient of the table is $\text{onehot}^\top dy$: row $w$ gets the **sum** of what came back to
# each copy of it. A word that stands twice in the batch gets two shares.
#
# %% [markdown] key="lookup-text" lang="ja"
# ### 埋め込み層:実際には計算しない行列積
#
# $v_w$ は、$w$ のone-hotベクトルと表 $(V, D)$ の積です。ただし0との掛け算は無駄なので、層は第 $w$ 行をコピーするだけです。逆伝播では、表の勾配は $\text{onehot}^\top dy$ になります。つまり第 $w$ 行には、その行のコピーに戻ってきた勾配の**和**が入ります。バッチに2回出てくる単語には、2回分の勾配が加わります。
#
# %% key="lookup"
rng = np.random.default_rng(0)
table = rng.standard_normal((5, 2))  # V = 5 words, D = 2
words = np.array([3, 1, 3])  # word 3 twice
one_hot = np.eye(5)[words]
dy = np.array([[1.0, 0.0], [5.0, 5.0], [10.0, 1.0]])

gradient = np.zeros_like(table)
np.add.at(gradient, words, dy)  # adds every share, also where a number comes twice
print("look-up = one-hot product:", np.allclose(table[words], one_hot @ table))
print("gradient of row 1:", gradient[1], " of row 3:", gradient[3])
assert np.allclose(table[words], one_hot @ table)
assert np.array_equal(gradient, one_hot.T @ dy) and gradient[3].tolist() == [11, 1]


# %% [markdown] key="hand-text" lang="en"
# ### Negative sampling in your head
#
# Let $h = (1, 1)$, $k = 2$, and choose the output vectors so that the sigmoids are easy. $\sigma(\ln 3) = \frac34$, because
# $1 / (1 + \frac13) = \frac34$; likewise $\sigma(0) = \frac12$ and $\sigma(-\ln 3) = \frac14$.
#
# | word | $v'_w$ | $s_w$ | $\sigma(s_w)$ | $t_w$ | $\sigma(s_w) - t_w$ |
# |---|---|---|---|---|---|
# | true, $w_O$ | $(\ln 3, 0)$ | $\ln 3$ | 3/4 | 1 | −1/4 |
# | noise, $w_1$ | $(0, 0)$ | 0 | 1/2 | 0 | 1/2 |
# | noise, $w_2$ | $(-\ln 3, 0)$ | $-\ln 3$ | 1/4 | 0 | 1/4 |
#
# Loss: for noise $\sigma(-s) = 1 - \sigma(s)$, so
# $L = -\ln \frac34 - \ln (1 - \frac12) - \ln (1 - \frac14) = \ln \frac{32}{9} \approx 1.27$.
#
# Gradient of $h$: $-\frac14 (\ln 3, 0) + \frac12 (0, 0) + \frac14 (-\ln 3, 0) = (-\frac12 \ln 3, 0) \approx (-0.55, 0)$. A step
# against it moves $h$ **towards the true word and away from the noise**.
#
# %% [markdown] key="hand-text" lang="ja"
# ### 暗算で追える負例サンプリング
#
# $h = (1, 1)$、$k = 2$ とし、シグモイド関数の値が簡単になるように出力ベクトルを選びます。$1 / (1 + \frac13) = \frac34$ なので $\sigma(\ln 3) = \frac34$ です。同じように $\sigma(0) = \frac12$、$\sigma(-\ln 3) = \frac14$ です。
#
# | 単語 | $v'_w$ | $s_w$ | $\sigma(s_w)$ | $t_w$ | $\sigma(s_w) - t_w$ |
# |---|---|---|---|---|---|
# | 正解 $w_O$ | $(\ln 3, 0)$ | $\ln 3$ | 3/4 | 1 | −1/4 |
# | ノイズ $w_1$ | $(0, 0)$ | 0 | 1/2 | 0 | 1/2 |
# | ノイズ $w_2$ | $(-\ln 3, 0)$ | $-\ln 3$ | 1/4 | 0 | 1/4 |
#
# 損失は、ノイズ語では $\sigma(-s) = 1 - \sigma(s)$ なので、
# $L = -\ln \frac34 - \ln (1 - \frac12) - \ln (1 - \frac14) = \ln \frac{32}{9} \approx 1.27$ です。
#
# $h$ の勾配は $-\frac14 (\ln 3, 0) + \frac12 (0, 0) + \frac14 (-\ln 3, 0) = (-\frac12 \ln 3, 0) \approx (-0.55, 0)$ です。この逆向きに動かすと、$h$ は**正解の語に近づき、ノイズ語から離れます**。
#
# %% key="hand"
def pair_loss(h, true, noise, table_out):
    """One pair: h (D,), number of the true word and of the k noise words -> loss, dh, d(table_out)."""
    words = np.array([true, *noise])
    labels = np.array([1.0] + [0.0] * len(noise))
    scores = table_out[words] @ h  # (1 + k,)
    loss = -np.sum(np.log(sigmoid(np.where(labels == 1, scores, -scores))))
    error = sigmoid(scores) - labels  # dL/ds
    dh = error @ table_out[words]
    d_out = np.zeros_like(table_out)
    np.add.at(d_out, words, error[:, None] * h)
    return loss, dh, d_out


h_hand = np.array([1.0, 1.0])
out_hand = np.array([[np.log(3), 0], [0, 0], [-np.log(3), 0]])
loss, dh, d_out = pair_loss(h_hand, 0, [1, 2], out_hand)
print(f"loss {loss:.2f}   dh ({dh[0]:.2f}, {dh[1]:.2f})")
for name, row in zip(("true", "noise 1", "noise 2"), d_out):
    print(f"gradient of v' of {name:8} ({row[0]:5.2f}, {row[1]:5.2f})")
assert np.isclose(loss, np.log(32 / 9)) and np.allclose(dh, [-np.log(3) / 2, 0])
assert np.allclose(d_out, [[-0.25, -0.25], [0.5, 0.5], [0.25, 0.25]])

# %% [markdown] key="softmax-text" lang="en"
# The **full softmax** on the same three words, if they were the whole vocabulary: $p = \exp(s) / \sum \exp(s)$, and again
# $\partial L / \partial s_w = p_w - t_w$ – but now the errors of all words sum to 0, and the sum in the denominator must be
# computed for all $V$ words.
#
# %% [markdown] key="softmax-text" lang="ja"
# 同じ3語が語彙のすべてだったとして、**通常のソフトマックス**と比べます。$p = \exp(s) / \sum \exp(s)$ で、やはり $\partial L / \partial s_w = p_w - t_w$ です。ただし全単語の誤差の和が0になり、分母の計算には $V$ 語すべてのスコアが必要です。
#
# %% key="softmax"
scores = out_hand @ h_hand
p = np.exp(scores) / np.sum(np.exp(scores))
print("exp(s):", np.exp(scores).round(3), " sum", np.exp(scores).sum().round(3))
print("softmax error p - t:        ", (p - [1, 0, 0]).round(3), " sums to", round(abs(p.sum() - 1), 9))
print("negative-sampling error σ - t:", (sigmoid(scores) - [1, 0, 0]).round(3))
loss_softmax, error_softmax = softmax_crossentropy(scores[None], np.array([0]))
assert np.allclose(error_softmax[0], p - [1, 0, 0]) and np.isclose(loss_softmax, np.log(13 / 9))


# %% [markdown] key="data-text" lang="en"
# ### The text
#
# Sentences of the Tatoeba project, already cut into words: English at its spaces, Japanese – which has none – by the
# morphological analyser *janome*. Sentence $i$ is the same in both languages. Words that occur fewer than 10 times are
# left out. The $V$ printed here counts the four reserved numbers as well, since the table has a row for each.
#
# %% [markdown] key="data-text" lang="ja"
# ### テキスト
#
# Tatoebaプロジェクトの例文を、あらかじめ単語に区切ったものです。英語は空白で、空白のない日本語は形態素解析器 *janome* で区切ってあります。$i$ 番目の文は、両言語で互いに訳になっています。出現が10回未満の単語は除きます。ここで表示する $V$ には、予約済みの4つの番号も含まれます(表にはその行もあるからです)。
#
# %% key="data"
class Text:
    """The sentences of one language as numbers, with their vocabulary."""

    def __init__(self, lang):
        self.sentences = corpus.load_sentences(lang)
        self.vocabulary = Vocabulary.from_texts(self.sentences, str.split, min_count=10)
        rows = (self.vocabulary.encode(sentence) for sentence in self.sentences)
        self.ids = [[i for i in row if i != UNK] for row in rows]
        self.counts = skipgram.count(self.ids, len(self.vocabulary))
        self.words = self.vocabulary.tokens

    def number(self, word):
        return self.vocabulary.encode(word)[0]


texts = {"en": Text("en"), "ja": Text("ja")}
for lang, text in texts.items():
    total = f"{len(text.sentences):,} sentences, {text.counts.sum():,} words, V = {len(text.words):,}"
    print(f"{lang}: {total}; for instance: {text.sentences[2000]}")
en, ja = texts["en"], texts["ja"]


# %% [markdown] key="frequency-text" lang="en"
# ### Frequent words: draw fewer of them, keep fewer of them
#
# A few words make up most of any text. *The* stands beside everything and says little; rare words say much and are seldom
# seen. Two corrections (Mikolov et al. 2013b):
#
# **Noise** (§2.2) is drawn from the counts to the power 3/4, $P_n(w) \propto \text{count}(w)^{3/4}$. A word that is 16 times
# rarer is drawn only $16^{3/4} = 8$ times less often.
#
# **Subsampling** (§2.3, (5)): every occurrence of a word with share $f(w)$ of the text is *dropped* with probability
# $1 - \sqrt{t / f(w)}$, that is, *kept* with $\sqrt{t / f(w)}$ (at most 1). With $f = 100\,t$ one in ten stays. It happens
# **before** the windows are cut, so that the window reaches farther. The paper's $t \approx 10^{-5}$ is meant for a billion words.
# A text of a few hundred thousand has nothing to waste: we take $t = 5 \cdot 10^{-4}$.
#
# %% [markdown] key="frequency-text" lang="ja"
# ### 頻出語の扱い:ノイズとして選びにくくし、訓練からも間引く
#
# どんなテキストでも、少数の頻出語が大半を占めます。*the* はどの単語の隣にも現れ、情報がほとんどありません。逆に、まれな単語は情報が多いのに、めったに現れません。そこで2つの補正をします(Mikolovら 2013b)。
#
# **ノイズ分布**(2.2節):出現回数の3/4乗に比例させ、$P_n(w) \propto \text{count}(w)^{3/4}$ とします。出現回数が16分の1の単語でも、選ばれる確率は $16^{3/4} = 8$ 分の1にしかなりません。
#
# **サブサンプリング**(2.3節、式(5)):テキスト中の割合が $f(w)$ の単語を、1回出てくるごとに確率 $1 - \sqrt{t / f(w)}$ で**捨てます**。つまり**残す**確率は $\sqrt{t / f(w)}$(最大1)です。$f = 100\,t$ なら10回に1回残ります。窓を切り出す**前に**行うので、窓はより遠くの単語に届きます。論文の $t \approx 10^{-5}$ は10億語規模の値です。数十万語しかないこのテキストでは捨てすぎになるので、$t = 5 \cdot 10^{-4}$ とします。
#
# %% key="frequency"
THRESHOLD = 5e-4
keep = skipgram.keep_probability(en.counts, THRESHOLD)
noise = skipgram.noise(en.counts)
share = en.counts / en.counts.sum()
print("word        share of text   kept    drawn as noise")
for word in ("the", "he", "school", "monday", "piano"):
    i = en.number(word)
    print(f"{word:10} {share[i]:12.3%} {keep[i]:9.1%} {noise[i]:12.3%}")
    assert np.isclose(keep[i], min(1, np.sqrt(THRESHOLD / share[i])))
left = np.sum(en.counts * keep) / en.counts.sum()
print(f"of all words stay: {left:.0%}")
assert np.isclose(noise.sum(), 1) and noise[:4].sum() == 0

# %% key="frequency-figure"
ranks = np.arange(1, len(en.words) - 3)
fig, (left_ax, right_ax) = plt.subplots(1, 2, figsize=(9, 3.4))
for power, color in ((1.0, plots.GREY), (0.75, plots.WEIGHT), (0.0, plots.SKY)):
    drawn = skipgram.noise(en.counts, power)[4:]
    left_ax.loglog(ranks, drawn, color=color, label=f"power {power:g}")
left_ax.set(xlabel="rank of the word", ylabel="probability as noise", title="Noise distribution")
left_ax.legend()
right_ax.semilogx(share[4:], keep[4:], ".", color=plots.INPUT, markersize=4)
for word in ("the", "he", "school"):
    i = en.number(word)
    right_ax.plot(share[i], keep[i], "o", color=plots.WEIGHT)
    right_ax.text(1.2 * share[i], keep[i] + 0.03, word, fontsize=11, color=plots.WEIGHT)
right_ax.set(xlabel="share of the text f", ylabel="kept", ylim=(0, 1.1))
right_ax.set_title("Subsampling, t = 5e-4")
plt.show()


# %% [markdown] key="huffman-text" lang="en"
# ### Hierarchical softmax: a tree of decisions
#
# A Huffman tree joins the two rarest nodes again and again, until one is left. Each of its $V - 1$ inner nodes $n$ has a
# vector $v'_n$ and decides with $\sigma(v'_n \cdot h)$ for left, $\sigma(-v'_n \cdot h) = 1 - \sigma(v'_n \cdot h)$ for right (2013b, (3)).
# The two sum to 1 at every node, so all leaves sum to 1, whatever the vectors are. Below: the length of the path to each
# word, which is the number of vectors that a pair touches.
#
# %% [markdown] key="huffman-text" lang="ja"
# ### 階層的ソフトマックス:二分木の分岐をたどる
#
# ハフマン木は、最もまれな2つのノードをまとめる操作を、1つになるまで繰り返して作ります。$V - 1$ 個の内部ノード $n$ はそれぞれベクトル $v'_n$ をもち、左へ進む確率を $\sigma(v'_n \cdot h)$、右へ進む確率を $\sigma(-v'_n \cdot h) = 1 - \sigma(v'_n \cdot h)$ とします(2013b の式(3))。どのノードでも左右の和は1なので、ベクトルが何であっても、葉の確率の合計は1です。各単語までの経路の長さが、1組で更新するベクトルの数になります。
#
# %% key="huffman"
def huffman_codes(counts):
    """{word: [(inner node, +1 for left or -1 for right), …] from the root down}; ties by number."""
    heap = [(count, word, word) for word, count in counts.items()]
    heapq.heapify(heap)
    parent, nodes = {}, 0
    while len(heap) > 1:
        (few, tie, left), (more, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        inner, nodes = ("node", nodes), nodes + 1
        parent[left], parent[right] = (inner, 1), (inner, -1)
        heapq.heappush(heap, (few + more, tie, inner))
    root, codes = heap[0][2], {}
    for word in counts:
        path, place = [], word
        while place != root:
            place, side = parent[place]
            path.append((place[1], side))
        codes[word] = path[::-1]
    return codes, nodes


codes, inner_nodes = huffman_codes({w: int(n) for w, n in enumerate(en.counts) if n})
V_words = len(codes)
rng = np.random.default_rng(0)
decisions = rng.standard_normal((inner_nodes, 8)) @ rng.standard_normal(8)  # v'_n · h of random vectors
leaves = [np.prod(sigmoid(np.array([side * decisions[n] for n, side in path]))) for path in codes.values()]
mean_length = np.sum([en.counts[w] * len(path) for w, path in codes.items()]) / en.counts.sum()

print(f"inner nodes: {inner_nodes} = V - 1;  the leaves' probabilities sum to {np.sum(leaves):.6f}")
for word in ("the", "school", "piano"):
    print(f"path to {word!r:9}: {len(codes[en.number(word)]):2} nodes")
print(f"on average {mean_length:.1f} nodes; log2 V = {np.log2(V_words):.1f}; full softmax: {V_words:,}")
assert inner_nodes == V_words - 1 and np.isclose(np.sum(leaves), 1)
assert mean_length < np.log2(V_words)


# %% [markdown] key="cosine-text" lang="en"
# ### How close are two words?
#
# **Cosine similarity** compares directions and ignores lengths (the length of $v_w$ has much to do with how often $w$
# occurs):
#
# $$\cos(a, b) = \frac{a \cdot b}{\lVert a \rVert\, \lVert b \rVert}$$
#
# 1 means the same direction, 0 nothing in common, −1 opposite. For $a = (3, 4)$ and $b = (4, 3)$:
# $(12 + 12) / (5 \cdot 5) = 0.96$, and just as much for $b = (40, 30)$.
#
# %% [markdown] key="cosine-text" lang="ja"
# ### 2つの単語はどれだけ近いか
#
# **コサイン類似度**(cosine similarity)は、長さを無視して向きだけを比べます($v_w$ の長さは、単語の出現頻度に大きく左右されるからです)。
#
# $$\cos(a, b) = \frac{a \cdot b}{\lVert a \rVert\, \lVert b \rVert}$$
#
# 1なら同じ向き、0なら無関係、−1なら逆向きです。$a = (3, 4)$、$b = (4, 3)$ なら $(12 + 12) / (5 \cdot 5) = 0.96$ で、$b = (40, 30)$ でも同じ値です。
#
# %% key="cosine"
def cosine(a, b):
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


a = np.array([3.0, 4.0])
for b in ([4.0, 3.0], [40.0, 30.0], [-4.0, 3.0], [-3.0, -4.0]):
    print(f"cos of (3, 4) and ({b[0]:g}, {b[1]:g}): {cosine(a, np.array(b)):.2f}")
assert np.isclose(cosine(a, np.array([4.0, 3.0])), 0.96)
assert np.isclose(cosine(np.eye(5)[1], np.eye(5)[3]), 0)  # one-hot vectors: nothing in common, ever


# %% [markdown] key="agreement-text" lang="en"
# ## Agreement
#
# ### The numerical gradient, for both models
#
# A tiny vocabulary, so that words meet themselves in the batch: as centre, as target and as noise. The layers are
# `Embedding`, `MaskedMean` (CBOW) and `NegativeSampling`; the judge nudges one number of each table up and down.
#
# %% [markdown] key="agreement-text" lang="ja"
# ## 確かめる
#
# ### 数値微分と比べる(2つのモデルとも)
#
# 語彙をわざと小さくして、同じ単語がバッチの中で中心語・正解・ノイズとして何度も出るようにします。使う層は `Embedding`、`MaskedMean`(CBOW用)、`NegativeSampling` です。数値微分では、表の数値を1つずつ増減させます。
#
# %% key="model"
class Word2vec:
    """Skip-gram or CBOW with negative sampling: words in, loss out."""

    def __init__(self, size, dim, cbow=False, dtype="float32", rng=None):
        self.cbow = cbow
        self.embedding = Embedding(size, dim, mask_zero=cbow, dtype=dtype, rng=rng)
        self.mean, self.output = MaskedMean(), NegativeSampling(size, dim, dtype=dtype)

    def forward(self, words, targets, negatives):
        """words (N,) centres, or (N, 2c) contexts padded with 0 -> loss."""
        h = self.embedding.forward(words)
        if self.cbow:
            h = self.mean.forward(h, self.embedding.compute_mask(words))
        return self.output.forward(h, targets, negatives)

    def backward(self):
        dh = self.output.backward()
        self.embedding.backward(self.mean.backward(dh) if self.cbow else dh)
        return self.embedding.grads["embeddings"], self.output.grads["embeddings"]


SIZE, DIM, K = 8, 3, 5
rng = np.random.default_rng(0)
batch = {
    "skip-gram": np.array([4, 5, 5, 7, 6, 4]),
    "CBOW": np.array([[4, 5, 0], [6, 0, 0], [7, 7, 4], [5, 4, 6], [4, 0, 0], [5, 7, 0]]),
}
targets, negatives = rng.integers(4, SIZE, 6), rng.integers(4, SIZE, (6, K))
for name, words in batch.items():
    model = Word2vec(SIZE, DIM, cbow=name == "CBOW", dtype="float64", rng=rng)
    tables = [model.embedding.params["embeddings"], model.output.params["embeddings"]]
    for table in tables:
        table[...] = rng.standard_normal((SIZE, DIM))
    loss_now = partial(model.forward, words, targets, negatives)
    loss_now()
    for label, found, table in zip(("v ", "v'"), model.backward(), tables):
        wanted = numerical_gradient(loss_now, table)
        error = relative_error(found, wanted)
        print(f"{name:10} gradient of {label}: relative error below 1e-6: {error < 1e-6}")
        assert error < 1e-6


# %% [markdown] key="three-ways-text" lang="en"
# ### By hand = NumPy layer = Keras, in one step
#
# In Keras the same network is two `Embedding` layers and a `Dot`; the loss is binary cross entropy with logits, **summed**
# over the $1 + k$ words. With learning rate 1, one step of SGD subtracts the gradient itself: table before minus table
# after. All three get the same tables, words and noise.
#
# %% [markdown] key="three-ways-text" lang="ja"
# ### 手書き = NumPyの層 = Keras(1回の更新で比べる)
#
# Kerasでは、同じネットワークを2つの `Embedding` と `Dot` で書けます。損失は、ロジットを受け取る二値交差エントロピーを $1 + k$ 語について**合計**したものです。学習率1のSGDは勾配そのものを引くので、更新前の表から更新後の表を引けば勾配が得られます。3つに同じ表・同じ単語・同じノイズを与えます。
#
# %% key="keras-model"
def sum_of_crossentropies(labels, scores):
    return keras.ops.sum(keras.ops.binary_crossentropy(labels, scores, from_logits=True), axis=-1)


def keras_word2vec(size, dim, k, width=None):
    """Inputs: words () or (width,), candidates (1 + k,), the true one first -> scores (1 + k,)."""
    words = keras.Input(() if width is None else (width,), dtype="int32")
    candidates = keras.Input((1 + k,), dtype="int32")
    table = keras.layers.Embedding(size, dim, mask_zero=width is not None, dtype="float32", name="v")
    h = table(words)
    if width is not None:
        h = keras.layers.GlobalAveragePooling1D(dtype="float32")(h)  # the mean, padding left out
    out = keras.layers.Embedding(size, dim, dtype="float32", name="v_out")(candidates)
    return keras.Model([words, candidates], keras.layers.Dot(axes=(2, 1), dtype="float32")([out, h]))


# %% key="three-ways"
tables = [rng.standard_normal((SIZE, DIM)).astype("float32") for _ in range(2)]
candidates = np.column_stack([targets, negatives])
labels = np.eye(1, 1 + K, dtype="float32").repeat(len(targets), axis=0)

print("                        cells = layers   layers = Keras")
for name, words in batch.items():
    is_cbow = name == "CBOW"
    # 1. the cells above, pair by pair; the loss of a batch is the mean
    cells = {"loss": 0.0, "v": np.zeros((SIZE, DIM)), "v'": np.zeros((SIZE, DIM))}
    for word, target, noise_words in zip(words, targets, negatives):
        inputs = word[word > 0] if is_cbow else np.array([word])
        loss, dh, d_out = pair_loss(tables[0][inputs].mean(axis=0), target, noise_words, tables[1])
        cells["loss"] += loss / 6
        cells["v'"] += d_out / 6
        np.add.at(cells["v"], inputs, dh / len(inputs) / 6)
    # 2. the NumPy layers
    model = Word2vec(SIZE, DIM, cbow=is_cbow)
    model.embedding.params["embeddings"], model.output.params["embeddings"] = tables
    layers = {"loss": model.forward(words, targets, negatives)}
    layers["v"], layers["v'"] = model.backward()
    # 3. Keras
    other = keras_word2vec(SIZE, DIM, K, width=3 if is_cbow else None)
    other.compile(keras.optimizers.SGD(1.0), sum_of_crossentropies, jit_compile=rt.jit_compile)
    for layer, table in zip(("v", "v_out"), tables):
        other.get_layer(layer).set_weights([table])
    in_keras = {"loss": float(np.squeeze(other.train_on_batch([words, candidates], labels)))}
    for key, layer, table in zip(("v", "v'"), ("v", "v_out"), tables):
        in_keras[key] = table - other.get_layer(layer).get_weights()[0]
    for key in cells:
        exact = relative_error(np.float64(cells[key]), np.float64(layers[key]))
        close = relative_error(np.float32(layers[key]), np.float32(in_keras[key]))
        row = "loss" if key == "loss" else f"gradient of {key}"
        shown = ("< 1e-6" if exact < 1e-6 else exact, "< 1e-5" if close < 1e-5 else close)
        print(f"{name:10} {row:15} {shown[0]:>10} {shown[1]:>16}")
        assert exact < 1e-6 and close < 1e-5


# %% [markdown] key="keras-text" lang="en"
# ## In Keras
#
# ### CBOW with the full softmax, and its perplexity
#
# A vocabulary of two thousand is small enough for the full softmax. So here is CBOW as the formula says: the mean of the
# context, a `Dense` layer with $V$ outputs, softmax cross entropy – and, since this is a true probability over the
# vocabulary, its **perplexity** can be measured: $\exp$ of the mean cross entropy in nats. It says among how many
# equally likely words the model hesitates. (With negative sampling there is no such probability, and no perplexity.)
#
# Two baselines to beat: all words alike gives perplexity $V$; the frequencies of the words, without looking at the
# context, give the line *unigram*.
#
# %% [markdown] key="keras-text" lang="ja"
# ## Kerasで学習する
#
# ### 通常のソフトマックスのCBOWと、そのパープレキシティ
#
# 語彙が2千語程度なら、通常のソフトマックスで学習できます。数式どおりのCBOW、つまり文脈語の平均、$V$ 出力の `Dense`、ソフトマックスと交差エントロピーです。出力は語彙全体の確率分布なので、**パープレキシティ**(perplexity)を測れます。平均交差エントロピー(自然対数)の $\exp$ で、「同じくらい確からしい何語の間で迷っているか」を表します(負例サンプリングでは確率分布が得られないので、パープレキシティも定義できません)。
#
# 比べる基準は2つです。全単語を同じ確率とすればパープレキシティは $V$、文脈を見ずに単語の頻度だけで答えると、図の *unigram* の線になります。
#
# %% key="cbow-data"
def cbow_data(text, sentences, window=3, held_out=1000, seed=0):
    """For `training.fit`: contexts (P, 2c), padded with 0, and the words in the middle."""
    order = np.random.default_rng(seed).permutation(len(text.ids))[: sentences + held_out]
    chosen = [text.ids[i] for i in order if len(text.ids[i]) > 1]
    x_val, y_val = skipgram.bags(chosen[:held_out], window)
    x_train, y_train = skipgram.bags(chosen[held_out:], window)
    return training.Arrays(x_train, y_train, x_val, y_val)


cbow_set = cbow_data(en, rt.choose(quick=10_000, full=48_000))
unigram = np.maximum(np.bincount(cbow_set.y_train, minlength=len(en.words)), 0.5)
unigram_perplexity = np.exp(-np.mean(np.log(unigram / unigram.sum())[cbow_set.y_val]))
print(f"{len(cbow_set.y_train):,} examples to learn from, {len(cbow_set.y_val):,} held out")
print(f"perplexity, all words alike: {len(en.words) - 4:,}   unigram: {unigram_perplexity:.0f}")


# %% key="cbow-train"
def full_softmax_cbow(size, dim, width):
    contexts = keras.Input((width,), dtype="int32")
    v = keras.layers.Embedding(size, dim, mask_zero=True)(contexts)
    h = keras.layers.GlobalAveragePooling1D()(v)
    scores = keras.layers.Dense(size, use_bias=False)(h)  # s = v' · h of all words
    return keras.Model(contexts, scores)


keras.utils.set_random_seed(0)
with rt.scope():
    cbow_model = full_softmax_cbow(len(en.words), 64, cbow_set.x_train.shape[1])
    cbow_model.compile(
        keras.optimizers.Adam(0.01),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=rt.jit_compile,
    )
epochs = rt.choose(quick=4, full=10)
history = training.fit(cbow_model, cbow_set, "09_cbow", epochs=epochs, batch_size=512)
perplexities = {name: np.exp(history[name]) for name in ("loss", "val_loss")}
best = perplexities["val_loss"].min()
print(f"weights: {cbow_model.count_params():,} = 2 · V · D = 2 · {len(en.words):,} · 64")
print(f"best held-out perplexity below half of unigram: {best < unigram_perplexity / 2}")
assert cbow_model.count_params() == 2 * len(en.words) * 64
if rt.profile == "quick":  # the thresholds were measured there
    assert best < unigram_perplexity / 2

# %% key="cbow-figure"
fig, ax = plt.subplots(figsize=(6, 3.4))
epochs_axis = np.arange(1, len(history["loss"]) + 1)
ax.plot(epochs_axis, perplexities["loss"], "o-", label="training (while it learns)")
ax.plot(epochs_axis, perplexities["val_loss"], "s-", label="held out")
ax.axhline(unigram_perplexity, color=plots.GREY, linestyle=":", label="unigram")
ax.set(xlabel="epoch", ylabel="perplexity", yscale="log", title="CBOW, full softmax", xticks=epochs_axis)
ax.set_yticks([25, 50, 100, 200, 400], labels=["25", "50", "100", "200", "400"])
ax.minorticks_off()
ax.legend()
plt.show()


# %% key="cbow-fill"
def fill(sentence, count=10):
    """The words that CBOW thinks most likely in place of ___."""
    words = sentence.split()
    place = words.index("___")
    bag = [en.number(w) for w in words[max(0, place - 3) : place] + words[place + 1 : place + 4]]
    scores = np.asarray(cbow_model(np.array([bag + [0] * (6 - len(bag))])))[0]
    return [en.words[i] for i in np.argsort(-scores)[:count]]


for sentence, word in (
    ("he is taller ___ me", "than"),
    ("he went ___ school by bus", "to"),
    ("i have ___ seen him", "never"),
):
    print(f"{sentence:28} {word!r:8} among the first ten: {word in fill(sentence)}")

# %% [markdown] key="keras-use-text" lang="en"
# ### Using word vectors
#
# What a practitioner does with vectors: they become the first layer of another network. `mask_zero=True` reserves number
# 0 for padding – so `input_dim` is the largest number **plus 1** – and the mask travels on to the layers that can use it.
# `trainable=False` keeps the vectors as they are.
#
# %% [markdown] key="keras-use-text" lang="ja"
# ### 単語ベクトルを使う
#
# 実務では、学習済みのベクトルを別のネットワークの最初の層に入れます。`mask_zero=True` とすると番号0がパディング専用になるので、`input_dim` は「最大の番号 + 1」にします。マスクは、対応している後続の層へ自動的に渡されます。`trainable=False` ならベクトルは固定されたままです。
#
# %% key="keras-use"
learned = cbow_model.layers[1].get_weights()[0]
frozen = keras.layers.Embedding(*learned.shape, mask_zero=True, trainable=False)
sequence = np.array([[en.number("good"), en.number("morning"), 0, 0]])
frozen(sequence)  # the first call makes the table
frozen.set_weights([learned])
mask = np.asarray(frozen.compute_mask(sequence)).tolist()
print("output", tuple(frozen(sequence).shape), " mask", mask)
print("trainable weights:", len(frozen.trainable_weights))
assert np.allclose(np.asarray(frozen(sequence))[0, 0], learned[en.number("good")])


# %% [markdown] key="experiment-text" lang="en"
# ## Experiment
#
# ### Skip-gram with negative sampling on 50,000 sentences
#
# The study notes behind this chapter promise that word vectors "express the semantic distance between words
# quantitatively", and print no figure. The paper does: on a billion words of news, subsampled, vectors of 300 numbers
# answer 60 % of analogy questions with five noise words, 61 % with fifteen (2013b, Table 1). We have a few hundred
# thousand words. What is left of that?
#
# The loop is the paper's: subsample, cut windows, draw noise, step. The authors' program makes a step for each pair; to
# come near that, the gradients of a batch are *added*, not averaged. The rate falls linearly, as theirs does. Only rows that
# were touched are changed.
#
# %% [markdown] key="experiment-text" lang="ja"
# ## 実験
#
# ### 5万文で、負例サンプリングのskip-gramを学習する
#
# この章のもとになった学習ノートには、「単語間の意味的な距離を定量的に表現できる」とありますが、数値は載っていません。論文には載っています。サブサンプリングしたニュース記事10億語から学習した300次元のベクトルで、アナロジー問題の正解率はノイズ5語で60 %、15語で61 %です(2013b、表1)。こちらのテキストは数十万語しかありません。どこまで再現できるでしょうか。
#
# ループは論文どおりです。間引く、窓を切り出す、ノイズ語を抽出する、更新する。著者のプログラムは1組ごとに更新するので、それに近づけるため、バッチ内の勾配は平均せずに**足し合わせます**。学習率も、著者と同じく直線的に下げます。更新するのは、バッチに現れた単語の行だけです。
#
# %% key="train"
def train(text, dim=64, window=4, k=5, epochs=5, batch=512, rate=0.1, seed=0):
    """Input vectors (V, D) and the mean loss of every epoch."""
    rng = np.random.default_rng(seed)
    keep, noise = skipgram.keep_probability(text.counts, THRESHOLD), skipgram.noise(text.counts)
    model = Word2vec(len(text.words), dim, rng=rng)
    v, v_out = model.embedding.params["embeddings"], model.output.params["embeddings"]
    curve = []
    for epoch in range(epochs):
        centers, contexts = skipgram.pairs(skipgram.subsample(text.ids, keep, rng), window, rng)
        order = rng.permutation(len(centers))
        losses = []
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            progress = (epoch + start / len(order)) / epochs
            step = rate * (1 - progress) * len(chosen)  # the layers' gradients are means
            words = centers[chosen]
            negatives = skipgram.draw(noise, (len(chosen), k), rng)
            losses.append(model.output.forward(v[words], contexts[chosen], negatives))
            rows, sums = sum_rows(words, model.output.backward())
            v[rows] -= np.float32(step) * sums
            rows, sums = model.output.sparse_grads
            v_out[rows] -= np.float32(step) * sums
        curve.append(np.mean(losses))
    return v, curve


class Vectors:
    """Word vectors of length 1, and what lies near."""

    def __init__(self, text, table):
        self.text, self.table = text, table / np.linalg.norm(table, axis=1, keepdims=True)

    def __getitem__(self, word):
        return self.table[self.text.number(word)]

    def nearest(self, query, count=5, without=()):
        scores = self.table @ query
        scores[[0, 1, 2, 3, *(self.text.number(word) for word in without)]] = -np.inf
        return [self.text.words[i] for i in np.argsort(-scores, kind="stable")[:count]]


space, curves = {}, {}
for lang, text in texts.items():
    table, curves[lang] = train(text)
    space[lang] = Vectors(text, table)
    falling = bool(np.all(np.diff(curves[lang]) < 0))
    print(f"{lang}: {len(table):,} vectors of {table.shape[1]} numbers; the loss fell: {falling}")
    assert falling and curves[lang][0] < 6 * np.log(2)  # 6 coins at the start


# %% [markdown] key="neighbours-text" lang="en"
# ### Neighbours
#
# The five words with the largest cosine similarity. (This list is the one output here that is not compared when the
# chapter is tested: the last place of a list may differ from machine to machine.)
#
# %% [markdown] key="neighbours-text" lang="ja"
# ### 近傍語
#
# コサイン類似度が大きい順に5語を示します(この一覧だけは、テストで比較していません。機種によって末尾の順位が入れ替わることがあるからです)。
#
# %% key="neighbours" tags=["nbval-ignore-output"]
PROBES = {
    "en": "three monday father red french she doctor dog school yesterday happy bread went tokyo good",
    "ja": "三 月曜日 父 赤い フランス語 彼女 医者 犬 学校 昨日 うれしい パン 行っ 東京 良い",
}
for lang, vectors in space.items():
    for word in PROBES[lang].split():
        times = vectors.text.counts[vectors.text.number(word)]
        print(f"{word} ({times}):", *vectors.nearest(vectors[word], without=[word]))
    print()

# %% [markdown] key="groups-text" lang="en"
# Most lines make sense, and nobody told the network what a weekday is. But a list can be picked to please. So count: for
# groups of words chosen beforehand, how many of a word's three nearest neighbours – out of the whole vocabulary – belong
# to its own group? The count is strict: the digit *３* beside *三*, say, is in no list and counts as wrong.
#
# %% [markdown] key="groups-text" lang="ja"
# ほとんどの行が納得できる結果です。曜日とは何かを、誰も教えていません。しかし、都合のよい例だけを並べることもできてしまいます。そこで数えます。あらかじめ決めた単語のグループについて、語彙全体の中で最も近い3語のうち、同じグループの語がいくつあるかを調べます。判定は厳しめです。たとえば *三* の近くに来た全角数字の *３* は、グループの一覧にないので不正解とします。
#
# %% key="groups"
GROUPS = {
    "en": {
        "numbers": "two three four five six seven eight nine ten twenty thirty",
        "days": "monday tuesday wednesday thursday friday saturday sunday",
        "family": "father mother son daughter brother sister grandfather grandmother uncle aunt husband wife",
        "colours": "red blue green white black yellow brown",
        "pronouns": "i you he she we they",
        "languages": "english french german japanese chinese spanish",
        "countries": "japan america england france germany china canada italy",
    },
    "ja": {
        "numbers": "一 二 三 四 五 六 七 八 九 十",
        "days": "月曜日 水曜日 金曜日 土曜日 日曜日 月曜 水曜 金曜 土曜 日曜",
        "family": "父 母 息子 娘 兄 姉 弟 妹 祖父 祖母 おじ おば 夫 妻",
        "colours": "赤い 青い 白い 黒い 茶色",
        "pronouns": "私 あなた 彼 彼女 彼ら 僕 君",
        "languages": "英語 日本語 フランス語",
        "countries": "日本 アメリカ イギリス フランス ドイツ 中国 カナダ インド",
    },
}
for lang, groups in GROUPS.items():
    for name, words in groups.items():
        known = [word for word in words.split() if word in texts[lang].vocabulary]
        groups[name] = known


def in_own_group(vectors, group, count=3):
    """Share of the nearest neighbours of a group's words that are in the group."""
    count = min(count, len(group) - 1)  # more cannot be right
    found = [vectors.nearest(vectors[word], count, without=[word]) for word in group]
    return np.mean([[word in group for word in words] for words in found])


def shares(vectors, lang):
    return {name: in_own_group(vectors, words) for name, words in GROUPS[lang].items()}


own = {lang: shares(vectors, lang) for lang, vectors in space.items()}
for lang, found in own.items():
    chance = np.mean([(len(words) - 1) / len(texts[lang].words) for words in GROUPS[lang].values()])
    mean = np.mean(list(found.values()))
    size = sum(len(words) for words in GROUPS[lang].values())
    print(f"{lang}: {size} words in {len(found)} groups; by chance {chance:.1%} would be right;", end=" ")
    print(f"mean above 40 %: {mean > 0.4}")
    assert mean > 0.4

# %% key="groups-figure"
fig, ax = plt.subplots(figsize=(7, 3.2))
for shift, (lang, color) in enumerate((("en", plots.INPUT), ("ja", plots.WEIGHT))):
    place = np.arange(len(own[lang])) + 0.4 * shift
    ax.bar(place, own[lang].values(), 0.38, color=color, label=lang)
ax.set_xticks(np.arange(len(own["en"])) + 0.2, own["en"])
ax.set(ylim=(0, 1), ylabel="in the same group", title="Three nearest neighbours")
ax.grid(False, axis="x")
ax.legend()
plt.show()

# %% key="blocks-figure"
pictures.blocks(
    [np.array([space[lang][w] for ws in GROUPS[lang].values() for w in ws]) for lang in space],
    [{name: len(words) for name, words in GROUPS[lang].items()} for lang in space],
    ["English", "Japanese"],
)
plt.show()

# %% key="map-figure"
SHOWN = ("numbers", "family", "colours", "languages", "countries")
MEANING = dict(
    zip(
        "一 二 三 四 五 父 母 息子 娘 兄 赤い 青い 白い 黒い 茶色 "
        "英語 日本語 フランス語 日本 アメリカ イギリス フランス ドイツ".split(),
        "1 2 3 4 5 father mother son daughter brother red blue white black brown "
        "english japanese french japan america england france germany".split(),
    )
)
fig, axes = plt.subplots(1, 2, figsize=(10, 4.8))
titles = ("English", "Japanese (labels in English)")
for ax, (lang, vectors), title in zip(axes, space.items(), titles):
    groups = {name: GROUPS[lang][name][:5] for name in SHOWN}
    points = pictures.plane([np.array([vectors[w] for w in words]) for words in groups.values()])
    names = {name: [MEANING.get(w, w) for w in words] for name, words in groups.items()}
    pictures.map_of(ax, names, points, font=9)
    ax.set_title(title)
axes[0].legend(loc="best", fontsize=9)
plt.show()

# %% [markdown] key="analogy-text" lang="en"
# ### Analogies, counted
#
# *Father* is to *mother* as *brother* is to …? If the step from one to the other were the same everywhere, then
# $v_{mother} - v_{father} + v_{brother}$ would lie near $v_{sister}$. The answer is the word with the largest cosine, **the three
# words of the question left out** (2013a, §4). One word is right, all others are wrong: chance is one in two thousand.
#
# Leaving them out is not innocent: often the answer is simply the nearest neighbour of $c$. So the honest control
# ignores $a$ and $b$ and answers with that neighbour.
#
# %% [markdown] key="analogy-text" lang="ja"
# ### アナロジー問題を数える
#
# *father* と *mother* の関係は、*brother* と何の関係と同じでしょうか。差のベクトルがどこでも同じなら、$v_{mother} - v_{father} + v_{brother}$ は $v_{sister}$ の近くに来るはずです。コサイン類似度が最大の単語を答えとし、**問いに出てきた3語は除きます**(2013a、4節)。正解は1語だけなので、でたらめに答えれば2千分の1しか当たりません。
#
# ただし、3語を除くことには落とし穴があります。答えが単に $c$ の最近傍であることも多いのです。そこで、$a$ と $b$ を無視して $c$ の最近傍を答える方法を、公平な比較対象とします。
#
# %% key="analogies"
ANALOGIES = {
    "en": {
        "family": "father mother|son daughter|brother sister|grandfather grandmother|uncle aunt|husband wife|"
        "boy girl|man woman|men women|he she|his her|himself herself",
        "past": "go went|come came|see saw|eat ate|take took|give gave|know knew|make made|say said|get got|"
        "write wrote|leave left|speak spoke|tell told|think thought|buy bought|find found|lose lost|feel felt",
        "comparative": "old older|young younger|big bigger|good better|early earlier|late later|long longer|"
        "tall taller|easy easier|bad worse|fast faster|high higher|small smaller|hard harder|large larger",
        "-ing": "go going|come coming|look looking|play playing|read reading|wait waiting|talk talking|"
        "work working|study studying|sing singing|run running|make making|write writing|eat eating",
        "plural": "book books|friend friends|boy boys|girl girls|child children|student students|day days|"
        "year years|hour hours|word words|flower flowers|tree trees|house houses|letter letters|"
        "eye eyes|dog dogs",
        "language": "japan japanese|france french|germany german|china chinese|england english|italy italian",
    },
    "ja": {
        "family": "父 母|息子 娘|兄 姉|弟 妹|祖父 祖母|叔父 叔母|おじ おば|夫 妻|少年 少女|男の子 女の子|彼 彼女",
        "past": "行く 行っ|食べる 食べ|見る 見|言う 言っ|書く 書い|読む 読ん|買う 買っ|飲む 飲ん|待つ 待っ|"
        "持つ 持っ|話す 話し|走る 走っ|歩く 歩い|泳ぐ 泳い|使う 使っ|会う 会っ|帰る 帰っ",
        "adjective": "高い 高く|早い 早く|速い 速く|良い 良く|強い 強く|長い 長く|忙しい 忙しく|遅い 遅く|"
        "美しい 美しく|難しい 難しく|楽しい 楽しく|大きい 大きく",
        "language": "日本 日本語|フランス フランス語|中国 中国語|イギリス 英語",
    },
}


def questions(lang):
    """{kind: list of (a, b, c, d)}: a is to b as c is to d; every two pairs of a kind, both ways."""
    known = texts[lang].vocabulary
    pairs = {
        kind: [pair.split() for pair in text.split("|") if all(w in known for w in pair.split())]
        for kind, text in ANALOGIES[lang].items()
    }
    return {k: [(*p, *q) for p in ps for q in ps if not set(p) & set(q)] for k, ps in pairs.items()}


def right(vectors, asked):
    """Shares of right answers: by the analogy, among its first five, and by the control."""
    hits = []
    for a, b, c, d in asked:
        five = vectors.nearest(vectors[b] - vectors[a] + vectors[c], without=(a, b, c))
        control = vectors.nearest(vectors[c], 1, without=(a, b, c))
        hits.append((five[0] == d, d in five, control[0] == d))
    return np.mean(hits, axis=0)


scored, overall = {}, {}
for lang, vectors in space.items():
    asked = questions(lang)
    scored[lang] = {f"{kind} ({len(q)})": right(vectors, q) for kind, q in asked.items()}
    sizes = [len(q) for q in asked.values()]
    overall[lang] = np.average(list(scored[lang].values()), axis=0, weights=sizes)
    first, _, control = overall[lang]
    print(f"{lang}: {sum(sizes):,} questions; right above 20 %: {first > 0.2};", end=" ")
    print(f"ahead of the control: {first > control + 0.05}; chance {1 / len(texts[lang].words):.2%}")
    assert first > 0.2 and first > control + 0.05

# %% key="analogies-figure"
BARS = {
    "analogy": plots.INPUT,
    "among the first five": plots.SKY,
    "control: nearest to c": plots.GREY,
}
fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, width_ratios=(6, 4))
for ax, (lang, kinds) in zip(axes, scored.items()):
    values = {**kinds, "all": overall[lang]}
    place = np.arange(len(values))
    for shift, (label, color) in enumerate(BARS.items()):
        heights = [v[shift] for v in values.values()]
        ax.bar(place + 0.28 * (shift - 1), heights, 0.26, color=color, label=label)
    ax.set_xticks(place, values, rotation=30, ha="right")
    ax.set(title={"en": "English", "ja": "Japanese"}[lang], ylim=(0, 1))
    ax.grid(False, axis="x")
axes[0].axhline(0.6, color=plots.WEIGHT, linestyle=":", label="paper, 10⁹ words: 60 %")
axes[0].set_ylabel("right answers")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
plt.show()


# %% [markdown] key="analogy-note" lang="en"
# **About two answers in five are right in English, three in ten in Japanese** – from a text two to three thousand times
# smaller than the paper's, where guessing would get one in two thousand. In most kinds of question the right word is among
# the first five at least half of the time. (The number beside a kind is how many questions it has: a bar of 6 or 30
# questions says little.)
#
# Read the grey bars before you rejoice. In *family* the nearest neighbour of $c$ alone does nearly as well: *brother* and *sister*
# are neighbours anyway, and the step $b - a$ adds little. In *-ing*, *plural* and *language*, and in every Japanese kind
# but *family*, it is the other way round: the control gets next to nothing, and what is right there is owed to adding $b - a$.
#
# And do not set our bars beside the paper's line as equals. Our questions are made of frequent words and have two thousand
# candidates; the paper's vocabulary has 692,000 words, and its questions ask for capitals and currencies as well.
#
# %% [markdown] key="analogy-note" lang="ja"
# **英語では約4割、日本語では約3割が正解でした。** テキストは論文の2千分の1から3千分の1の規模で、でたらめに答えれば2千分の1しか当たらない問題です。多くの種類の問題で、正解の語は半分以上の割合で上位5語に入っています(種類名の横の数字は問題数です。6問や30問の棒は参考程度に見てください)。
#
# ただし、喜ぶ前に灰色の棒を見てください。*family* では、$c$ の最近傍を答えるだけで、ほぼ同じ正解率になります。*brother* と *sister* はもともと近くにあるので、差 $b - a$ はあまり役に立っていません。逆に、英語の *-ing*・*plural*・*language* と、日本語の *past*・*adjective*・*language* では、最近傍ではほとんど当たりません。ここで当たっているのは、差 $b - a$ を足したおかげです。
#
# また、論文の値(点線)とそのまま比べることはできません。ここでの問題は頻出語だけから作られていて、候補は約2千語です。論文の語彙は69万2千語で、首都や通貨を問う問題も含まれています。
#
# %% [markdown] key="lsi-text" lang="en"
# ### The older way: LSI
#
# **Latent semantic indexing** (LSI; Deerwester et al. 1990) counts instead of predicting. $X$ is the term–document matrix:
# how often each word occurs in each document (here: sentence). Its truncated singular value decomposition
# $X \approx U_r \Sigma_r V_r^\top$ keeps the $r$ largest singular values – the best approximation of rank $r$. A word's vector is
# its row of $U_r \Sigma_r$. Words that occur in the same documents come close together.
#
# $U$ and $\Sigma^2$ are eigenvectors and eigenvalues of $X X^\top$, which is only $V \times V$. The rows are weighted by idf, as
# usual: $\log(\text{documents} / \text{documents with the word})$.
#
# %% [markdown] key="lsi-text" lang="ja"
# ### それ以前の方法:LSI
#
# **潜在的意味インデキシング**(Latent Semantic Indexing, LSI。Deerwesterら 1990)は、予測する代わりに数えます。$X$ は単語文書行列で、各単語が各文書(ここでは文)に何回現れるかを並べたものです。特異値分解を大きいほうから $r$ 個の特異値で打ち切ると $X \approx U_r \Sigma_r V_r^\top$ となり、これは階数 $r$ の最良の近似です。単語のベクトルは $U_r \Sigma_r$ の行です。同じ文書に現れる単語どうしが近くなります。
#
# $U$ と $\Sigma^2$ は $X X^\top$ の固有ベクトルと固有値なので、$V \times V$ の行列だけで計算できます。行には、通例どおりidf($\log(\text{文書数} / \text{その単語を含む文書数})$)を掛けておきます。
#
# %% key="lsi"
def lsi(text, dim=64):
    """Word vectors U_r Σ_r of the idf-weighted term-document matrix; a sentence is a document."""
    V = len(text.words)
    documents = np.repeat(np.arange(len(text.ids)), [len(row) for row in text.ids])
    words = np.concatenate(text.ids)
    where, times = np.unique(documents * V + words, return_counts=True)  # X, where it is not 0
    having = np.bincount(where % V, minlength=V)
    idf = np.log(len(text.ids) / np.maximum(having, 1))
    product = np.zeros((V, V))  # X Xᵀ: sums over documents of products of counts
    ends = np.flatnonzero(np.diff(where // V)) + 1
    for row, n in zip(np.split(where % V, ends), np.split(times, ends)):
        product[np.ix_(row, row)] += np.outer(n, n)
    values, U = np.linalg.eigh(product * np.outer(idf, idf))
    kept = np.argsort(-values)[:dim]
    return U[:, kept] * np.sqrt(values[kept]) + 1e-12  # never a row of length 0


counted = Vectors(en, lsi(en))
by_lsi, by_skip_gram = (np.mean(list(f.values())) for f in (shares(counted, "en"), own["en"]))
every_question = [question for asked in questions("en").values() for question in asked]
right_lsi, right_skip_gram = right(counted, every_question)[0], overall["en"][0]
for what, lsi_share, skip_gram_share in (
    ("neighbours in the own group", by_lsi, by_skip_gram),
    ("analogies", right_lsi, right_skip_gram),
):
    ahead = skip_gram_share > lsi_share + 0.05
    print(f"{what}: LSI far above chance: {lsi_share > 0.05}, skip-gram ahead of LSI: {ahead}")
    assert lsi_share > 0.05 and ahead
for one, other in (("monday", "on"), ("father", "my")):
    both = [other in v.nearest(v[one], 6, without=[one]) for v in (counted, space["en"])]
    print(f"{other!r} among the six nearest to {one!r}: LSI {both[0]}, skip-gram {both[1]}")

# %% [markdown] key="lsi-note" lang="en"
# On sentences as short as these LSI is no bad competitor, and it takes seconds. But its neighbours are in part words that
# occur *together* (*on monday*, *my father*), because its context is the whole document. Predicting from a narrow window
# favours words that can *replace* each other. Counting is not the weaker idea as such: skip-gram with negative sampling itself
# amounts to factorizing a word–context matrix (Levy and Goldberg 2014).
#
# %% [markdown] key="lsi-note" lang="ja"
# 文がこれだけ短いと、LSIもなかなか健闘します。計算も数秒で済みます。ただし、文脈が文書全体なので、*on monday* や *my father* のように**一緒に現れる**語も近くに来ます。狭い窓から予測するword2vecでは、互いに**置き換えられる**語が近くなりやすいのです。数え上げる方法そのものが劣っているわけではありません。負例サンプリングのskip-gramも、単語と文脈の行列を分解しているとみなせます(LevyとGoldberg 2014)。
#
# %% [markdown] key="limits-text" lang="en"
# ### What so small a text cannot give
#
# **Certainty.** A word that was seen a dozen times has a dozen contexts; much of its vector is chance. Train again with
# another seed and see how many of its five neighbours come back: of rare words about a third, of frequent ones about half. So
# at this size trust the groups, not the order within a list.
#
# %% [markdown] key="limits-text" lang="ja"
# ### この規模のテキストでできないこと
#
# **確実さ。** 十数回しか現れない単語には文脈も十数個しかなく、ベクトルは偶然に大きく左右されます。乱数のシードを変えてもう一度学習し、近傍5語のうちいくつが再び現れるかを調べます。まれな単語では約3分の1、頻出語でも約半分です。この規模では、グループとしての近さは信用できても、一覧の中の順位までは信用できません。
#
# %% key="limits"
again = Vectors(en, train(en, seed=1)[0])
bands = ((10, 20), (20, 40), (40, 80), (80, 160), (160, 320), (320, 1000))


def come_back(word, count=5):
    """Share of a word's neighbours that both trainings agree on."""
    first, second = (set(v.nearest(v[word], count, without=[word])) for v in (space["en"], again))
    return len(first & second) / count


rng = np.random.default_rng(0)
stable = []
for low, high in bands:
    inside = np.flatnonzero((en.counts >= low) & (en.counts < high))
    chosen = rng.choice(inside, min(100, len(inside)), replace=False)
    stable.append(np.mean([come_back(en.words[i]) for i in chosen]))
print(f"less than half of a rare word's neighbours come back: {stable[0] < 0.5}")
print(f"frequent words do better, but not well: {stable[0] + 0.05 < stable[-1] < 0.75}")
assert stable[0] < 0.5 and stable[0] + 0.05 < stable[-1] < 0.75

# %% key="limits-figure"
fig, ax = plt.subplots(figsize=(6, 3))
ax.bar(range(len(bands)), stable, color=plots.INPUT)
ax.set_xticks(range(len(bands)), [f"{low}–{high}" for low, high in bands])
ax.set(xlabel="occurrences of the word", ylabel="the same neighbours", ylim=(0, 1))
ax.set_title("Five nearest neighbours, two seeds")
ax.grid(False, axis="x")
plt.show()

# %% [markdown] key="limits-note" lang="en"
# **Word senses.** A word has one vector, whatever it means in a sentence: *spring* the season and *spring* the coil are one
# row of the table. **Opposites.** *Good* and *bad* stand in the same places, so they are neighbours (see below).
# **Knowledge.** Capitals and kings are hardly mentioned in everyday sentences; the famous *king − man + woman* needs
# newspapers.
#
# **And BERT, GPT?** Their input layer is an embedding table like this one; but what they pass on is computed anew for each
# sentence by self-attention, so that the same word gets a different vector in a different context (*contextualized*
# embeddings). BERT reads the context on both sides (masked words are predicted), GPT only what stands before (the next
# word is predicted).
#
# %% [markdown] key="limits-note" lang="ja"
# **多義語。** どんな意味で使われても、1つの単語のベクトルは1つです。季節の *spring* も、ばねの *spring* も、表の同じ1行です。**反意語。** *good* と *bad* は同じような場所に現れるので、近いベクトルになります(後述)。**知識。** 日常会話の文には、首都や王様はあまり出てきません。有名な *king − man + woman* を再現するには、新聞記事のようなテキストが要ります。
#
# **BERTやGPTとの違い。** BERTやGPTの入力層もこれと同じ埋め込みの表ですが、その先は自己注意によって文ごとに計算し直すので、同じ単語でも文脈が違えば違うベクトルになります(**文脈を考慮した埋め込み**)。BERTは左右両側の文脈を使い(マスクした語を予測)、GPTはそれより前の語だけを使います(次の語を予測)。
#
# %% [markdown] key="mistakes-text" lang="en"
# ## Common mistakes
#
# ### "Neural networks cannot read strings of variable length, so words need vectors of fixed length"
#
# So says the study note behind this chapter. It mixes two things. What word2vec fixes is the length of a **word's** vector.
# The **sentence** may keep its length: a table of $V$ rows takes any number of words, and a mean, an RNN or attention makes
# something of them.
#
# %% [markdown] key="mistakes-text" lang="ja"
# ## よくある誤り
#
# ### 「可変長の文字列はニューラルネットワークに与えられないので、固定長で単語を表す必要がある」
#
# この章のもとになった学習ノートの説明ですが、2つのことが混ざっています。word2vecが固定するのは**単語**のベクトルの長さです。**文**の長さは変わってもかまいません。$V$ 行の表からは何語でも引けますし、平均・RNN・アテンションがそれを1つにまとめます。
#
# %% key="mistake-length"
layer = Embedding(len(en.words), 64)
layer.params["embeddings"] = space["en"].table
for sentence in ("good morning", "i play the piano every day"):
    row = np.array([[en.number(word) for word in sentence.split()]])
    vectors = layer.forward(row)
    print(f"{sentence:28} {vectors.shape} -> mean {MaskedMean().forward(vectors).shape}")
    assert vectors.shape == (1, len(sentence.split()), 64)

# %% [markdown] key="mistake-direction-text" lang="en"
# ### Skip-gram and CBOW the wrong way round
#
# "Skip-gram predicts a word from its context" – no, that is CBOW. Count the examples: for skip-gram the number grows with
# the window, for CBOW it does not. (Here the window is fixed; in 2013a, §3.2 it is drawn from 1 … $c$ for each centre.)
#
# %% [markdown] key="mistake-direction-text" lang="ja"
# ### skip-gramとCBOWの取り違え
#
# 「skip-gramは文脈から単語を予測する」は誤りで、それはCBOWです。訓練データの数を数えると違いがわかります。skip-gramでは窓を広げると増えますが、CBOWでは変わりません(ここでは窓を固定しています。2013aの3.2節では、中心語ごとに1〜$c$ から乱数で決めます)。
#
# %% key="mistake-direction"
for c in (1, 2, 4):
    pairs_found, bags_found = len(skipgram.pairs(en.ids, c)[0]), len(skipgram.bags(en.ids, c)[1])
    print(f"window {c}: skip-gram {pairs_found:9,} pairs   CBOW {bags_found:9,} examples")
    assert bags_found == en.counts.sum() - sum(len(row) == 1 for row in en.ids)

# %% [markdown] key="mistake-add-text" lang="en"
# ### `gradient[ids] += dy` in the embedding layer
#
# It runs, and it is wrong as soon as a word comes twice in a batch: NumPy writes each row once, with the last share.
# `np.add.at` adds them all.
#
# %% [markdown] key="mistake-add-text" lang="ja"
# ### 埋め込み層の逆伝播に `gradient[ids] += dy` と書く
#
# エラーは出ませんが、バッチに同じ単語が2回あると間違いになります。NumPyは各行に1回しか書き込まず、最後の分だけが残るからです。`np.add.at` ならすべて加算されます。
#
# %% key="mistake-add"
repeated, dy = np.array([2, 0, 2]), np.array([[1.0], [1.0], [10.0]])
wrong, good = np.zeros((3, 1)), np.zeros((3, 1))
wrong[repeated] += dy
np.add.at(good, repeated, dy)
print("gradient[ids] += dy:  ", wrong.ravel())
print("np.add.at:            ", good.ravel())
print("one-hot transposed, dy:", (np.eye(3)[repeated].T @ dy).ravel())
assert wrong[2, 0] == 10 and np.array_equal(good, np.eye(3)[repeated].T @ dy)

# %% [markdown] key="mistake-softmax-text" lang="en"
# ### "Negative sampling is a softmax over 1 + k words"
#
# It is $1 + k$ sigmoids. Their values need not sum to 1, and the gradient differs. Mind the sign of the noise words: their
# term is $-\log \sigma(-s)$, which *falls* when the score falls. With $-\log \sigma(s)$ noise would be pulled near as well.
#
# %% [markdown] key="mistake-softmax-text" lang="ja"
# ### 「負例サンプリングは 1 + k 語のソフトマックスである」
#
# 違います。$1 + k$ 個のシグモイド関数です。値の和は1になるとは限らず、勾配も異なります。また、ノイズ語の項は $-\log \sigma(-s)$ で、スコアが下がるほど**小さく**なります。符号を忘れて $-\log \sigma(s)$ とすると、ノイズ語まで近づけてしまいます。
#
# %% key="mistake-softmax"
h = h_hand.copy()
wanted = numerical_gradient(lambda: pair_loss(h, 0, [1, 2], out_hand)[0], h)
scores = out_hand @ h
labels = np.array([1.0, 0.0, 0.0])
errors = {
    "sigmoid each, σ(s) - t": sigmoid(scores) - labels,
    "softmax over 1 + k": np.exp(scores) / np.exp(scores).sum() - labels,
    "noise with the sign of the true word": sigmoid(scores) - 1,
}
for label, error in errors.items():
    distance = relative_error(error @ out_hand, wanted)
    print(f"{label:38} gradient of h right: {distance < 1e-6}")
    assert (distance < 1e-6) == label.startswith("sigmoid")
print(f"the sigmoids sum to {sigmoid(scores).sum():.2f}")

# %% [markdown] key="mistake-meaning-text" lang="en"
# ### "Close vectors mean the same"
#
# They are *used* alike. Opposites fit the same gap – *it is a good idea, it is a bad idea* – and come out among the near
# neighbours. Here is the place of the opposite among all neighbours of a word:
#
# %% [markdown] key="mistake-meaning-text" lang="ja"
# ### 「ベクトルが近ければ意味も近い」
#
# 近いのは**使われ方**です。*it is a good idea* と *it is a bad idea* のように、反意語は同じ場所に入ります。そのため、意味が反対でも近くに並びます。ある単語の近傍の中で、反意語が何番目に来るかを調べます。
#
# %% key="mistake-meaning"
OPPOSITES = {
    "en": "good bad|easy difficult|buy sell|left right|rich poor|before after|big small|old new",
    "ja": "良い 悪い|高い 安い|父 母|夏 冬|長い 短い|多い 少ない|右 左|新しい 古い",
}
for lang, vectors in space.items():
    ranks = []
    for one, other in (pair.split() for pair in OPPOSITES[lang].split("|")):
        order = vectors.nearest(vectors[one], len(vectors.text.words) - 5, without=[one])
        ranks.append(order.index(other) + 1)
    middle = np.median(ranks)
    near = bool(middle < 0.02 * len(order))
    print(f"{lang}: median place of the opposite within the nearest 2 % of all words: {near}")
    assert near

# %% [markdown] key="mistake-dot-text" lang="en"
# ### Dot product where cosine is meant
#
# Vectors differ in length, and a dot product favours the long ones. With the table as it was trained, one long vector
# turns up in many lists where it has no business.
#
# %% [markdown] key="mistake-dot-text" lang="ja"
# ### コサイン類似度の代わりに内積を使う
#
# ベクトルの長さは単語ごとに違い、内積では長いものが有利になります。学習したままの表で内積をとると、関係のない単語の近傍にまで、同じ長いベクトルが何度も顔を出します。
#
# %% key="mistake-dot"
raw = cbow_model.layers[1].get_weights()[0][4:]
unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
frequent = np.arange(300)


def busiest(rows, query):
    """How many of the first 300 words have the commonest neighbour (of three) in their list."""
    scores = query @ rows.T
    scores[np.arange(len(query)), frequent] = -np.inf
    return np.bincount(np.argsort(-scores, axis=1)[:, :3].ravel()).max()


by_dot, by_cosine = busiest(raw, raw[frequent]), busiest(unit, unit[frequent])
print(f"the commonest neighbour stands in more lists with the dot product: {by_dot > by_cosine}")
if rt.profile == "quick":  # measured there
    assert by_dot > by_cosine


# %% [markdown] key="exercises-text" lang="en"
# ## Exercises
#
# Replace each `...`, run the cell, then run the check below it. The check names the mistake if it knows it. The solution
# is folded away beneath.
#
# ### 1. Skip-gram pairs
#
# All (centre, context) pairs of a sentence, centre by centre, the context from left to right.
#
# %% [markdown] key="exercises-text" lang="ja"
# ## 演習
#
# `...` を書き換えてセルを実行し、続けてその下の確認用セルを実行してください。よくある間違いなら、どの間違いかを指摘します。解答例はその下に折りたたんであります。
#
# ### 1. skip-gramの組
#
# 1つの文から(中心語, 文脈語)の組をすべて作ります。中心語の順に、文脈語は左から右へ並べます。
#
# %% key="exercise-pairs" tags=["exercise"]
def skip_gram_pairs(sentence, window):
    """List of words, c -> list of (centre, context)."""
    found = []
    for t in range(len(sentence)):
        ### BEGIN SOLUTION
        for place in range(max(0, t - window), min(len(sentence), t + window + 1)):
            if place != t:
                found.append((sentence[t], sentence[place]))
        ### END SOLUTION
    return found


# %% key="exercise-pairs-check" tags=["edition-output"]
exam.check(skip_gram_pairs, **exercises.PAIRS)


# %% [markdown] key="exercise-gradient-text" lang="en"
# ### 2. The gradient of negative sampling
#
# One pair. From $h$, the output vector of the true word and those of the $k$ noise words to $\partial L/\partial h$.
#
# %% [markdown] key="exercise-gradient-text" lang="ja"
# ### 2. 負例サンプリングの勾配
#
# 1組分です。$h$、正解の語の出力ベクトル、$k$ 個のノイズ語の出力ベクトルから $\partial L/\partial h$ を求めます。
#
# %% key="exercise-gradient" tags=["exercise"]
def context_gradient(h, true_vector, noise_vectors):
    """h (D,), true_vector (D,), noise_vectors (k, D) -> dL/dh (D,)."""
    rows = np.concatenate([true_vector[None], noise_vectors])  # (1 + k, D), the true word first
    ### BEGIN SOLUTION
    error = sigmoid(rows @ h)
    error[0] -= 1  # the label of the true word is 1, of noise 0
    return error @ rows
    ### END SOLUTION


# %% key="exercise-gradient-check" tags=["edition-output"]
exam.check(context_gradient, **exercises.GRADIENT)


# %% [markdown] key="exercise-analogy-text" lang="en"
# ### 3. Answering an analogy
#
# $a$ is to $b$ as $c$ is to …? Bring all rows to length 1 first, as `Vectors` does above; then $b - a + c$ and cosine
# similarity. The three words of the question are no answer.
#
# %% [markdown] key="exercise-analogy-text" lang="ja"
# ### 3. アナロジー問題に答える
#
# $a$ と $b$ の関係は、$c$ と何の関係と同じでしょうか。先に全行の長さを1にそろえ(上の `Vectors` と同じ)、$b - a + c$ とのコサイン類似度で答えます。問いの3語は答えから除きます。
#
# %% key="exercise-analogy" tags=["exercise"]
def analogy(table, a, b, c):
    """table (V, D), three row numbers -> number of the row that answers."""
    ### BEGIN SOLUTION
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    scores = unit @ (unit[b] - unit[a] + unit[c])
    scores[[a, b, c]] = -np.inf
    return int(np.argmax(scores))
    ### END SOLUTION


# %% key="exercise-analogy-check" tags=["edition-output"]
exam.check(analogy, **exercises.ANALOGY)

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
exam.quiz("09_word2vec")

# %% [markdown] key="references" lang="en"
# ## References
#
# - T. Mikolov, K. Chen, G. Corrado, J. Dean, *Efficient Estimation of Word Representations in Vector Space* (2013a),
#   arXiv:1301.3781: CBOW in §3.1, skip-gram and its random window in §3.2, analogies in §4.
# - T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, *Distributed Representations of Words and Phrases and their
#   Compositionality*, NIPS 2013 (2013b), arXiv:1310.4546: full softmax (2), hierarchical softmax (3), negative sampling (4) and
#   its noise in §2.2, subsampling (5), analogies in Table 1.
# - Y. Goldberg, O. Levy, *word2vec Explained* (2014), arXiv:1402.3722: where (4) comes from.
# - O. Levy, Y. Goldberg, *Neural Word Embedding as Implicit Matrix Factorization*, NIPS 2014.
# - S. Deerwester et al., *Indexing by Latent Semantic Analysis*, Journal of the American Society for Information Science
#   41 (1990), 391–407: LSI.
# - J. Devlin et al., *BERT*, NAACL 2019, arXiv:1810.04805: contextual representations from both sides.
# - Keras documentation: `Embedding`, `GlobalAveragePooling1D`, `Dot`.
# - Sentences: the contributors of [Tatoeba](https://tatoeba.org), CC BY 2.0 FR; cut into words for this chapter (changed). Japanese: janome 0.5.0.
#
# **Next**: 10 · Sequence to sequence, where embeddings feed an encoder and a decoder.
#
# %% [markdown] key="references" lang="ja"
# ## 参考文献
#
# - T. Mikolov, K. Chen, G. Corrado, J. Dean, *Efficient Estimation of Word Representations in Vector Space* (2013a), arXiv:1301.3781:CBOWは3.1節、skip-gramと乱数で決める窓は3.2節、アナロジー問題は4節。
# - T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, *Distributed Representations of Words and Phrases and their Compositionality*, NIPS 2013 (2013b), arXiv:1310.4546:通常のソフトマックスは式(2)、階層的ソフトマックスは式(3)、負例サンプリングは式(4)、ノイズ分布は2.2節、サブサンプリングは式(5)、アナロジー問題の結果は表1。
# - Y. Goldberg, O. Levy, *word2vec Explained* (2014), arXiv:1402.3722:式(4)の導出。
# - O. Levy, Y. Goldberg, *Neural Word Embedding as Implicit Matrix Factorization*, NIPS 2014。
# - S. Deerwesterら, *Indexing by Latent Semantic Analysis*, Journal of the American Society for Information Science 41 (1990), 391–407:LSI。
# - J. Devlinら, *BERT*, NAACL 2019, arXiv:1810.04805:両側の文脈を使う表現。
# - Kerasのドキュメント:`Embedding`、`GlobalAveragePooling1D`、`Dot`。
# - 例文:[Tatoeba](https://tatoeba.org) の投稿者の皆さん、CC BY 2.0 FR(この章のために単語に区切るなどの変更を加えています)。日本語の分割:janome 0.5.0。
#
# **次の章**:10 · 系列変換(seq2seq)。埋め込みをエンコーダとデコーダに入力します。
#

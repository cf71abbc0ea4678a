# ---
# study:
#   kind: guide
#   title: {en: "Start here", ja: "はじめに"}
#   scope: examined
#   minutes: 20
#   topics: []
#   prerequisites: []
#   tpu: true
#   depends: ["data/syllabus.yaml", "notebooks/src/*.py"]
# ---
# %% [markdown] key="title" lang="en"
# # 00 · Start here
#
# {{badge}}
#
# These notebooks prepare you for the **E資格** (JDLA Deep Learning for ENGINEER) with code you run yourself. Twenty
# minutes here tell you what the exam asks, what each chapter covers, and which one to open first.
#
# **Time** 20 minutes · **You need** Python and a little linear algebra
#
# %% [markdown] key="title" lang="ja"
# # 00 · はじめに
#
# {{badge}}
#
# **E資格**(JDLA Deep Learning for ENGINEER)の対策を、自分の手で動かすコードで進めるためのノートブック集です。
# この20分で、試験で何が問われるか、どの章で何を学ぶか、どこから始めればよいかがわかります。
#
# **所要時間** 20分 · **前提** Pythonと線形代数の初歩
#
# %% [markdown] key="promise" lang="en"
# Three things hold for everything printed in these chapters:
#
# - **Every number you see was computed by the cell above it**, and a test runs all cells again and compares the outputs.
# - **Every layer written by hand agrees with Keras**, in its outputs and in its gradients, and with a numerical gradient.
# - **Every exam answer that can be computed is computed.** A program has checked that exactly one choice is right, and
#   each wrong choice is a mistake with a name, so a wrong answer tells you what to look at again.
#
# %% [markdown] key="promise" lang="ja"
# このノートブック集では、次の3つを約束します。
#
# - **表示されている数値は、すべてすぐ上のセルが計算したものです。** テストで全セルを再実行し、出力が一致することを確認しています。
# - **手書きした層は、すべてKerasと一致します。** 出力だけでなく勾配も一致し、数値微分とも照合しています。
# - **計算で決まる設問の答えは、すべてプログラムが計算しています。** 正解がちょうど1つであることを機械的に検証し、
#   誤答の選択肢にはそれぞれ「どう間違えるとその値になるか」が対応しています。間違えたら、どこを見直せばよいかがわかります。
#
# %% [markdown] key="setup-heading" lang="en"
# ## Setup
#
# Run the cell below first, here and in every chapter (click it, then **Shift + Enter**). It finds the files, fixes the
# random seeds and reports what machine you are on.
#
# %% [markdown] key="setup-heading" lang="ja"
# ## 準備
#
# 最初に下のセルを実行してください(クリックして **Shift + Enter**)。どの章も同じです。ファイルの場所を探し、
# 乱数のシードを固定し、いま使っている計算機の構成を1行で表示します。
#
# %% key="setup" tags=["nbval-ignore-output"]
# {{setup}}
# %% key="imports"
import matplotlib.pyplot as plt

from utils import exam
from utils.exam import overview, syllabus

topics = syllabus.load()

# %% [markdown] key="exam" lang="en"
# ## What the exam asks
#
# | | |
# |---|---|
# | **Where** | at a test centre, on a computer (CBT), with an on-screen calculator and a whiteboard |
# | **Form** | four choices a question; about 100 questions, many in linked sets of three or four |
# | **Time** | 120 minutes |
# | **Code** | NumPy and one framework, chosen at the start: TensorFlow/Keras (this collection) or PyTorch |
# | **Result** | pass or fail, and a percentage in each of four areas; the pass mark is not published |
#
# How long is that for one question?
#
# %% [markdown] key="exam" lang="ja"
# ## 試験で問われること
#
# | | |
# |---|---|
# | **会場** | テストセンターのCBT方式。画面上の電卓とホワイトボードが使えます |
# | **形式** | 4択。約100問で、3〜4問ずつの大問形式が多く出ます |
# | **時間** | 120分 |
# | **コード** | NumPyと、試験開始時に選ぶフレームワーク(TensorFlow/Keras または PyTorch)。この教材はTensorFlow/Kerasです |
# | **結果** | 合否と、4分野それぞれの得点率。合格点は公表されていません |
#
# 1問あたりに使える時間はどれくらいでしょうか。
#
# %% key="seconds"
minutes, questions = 120, 100
print(f"{minutes * 60 / questions:.0f} seconds a question")

# %% [markdown] key="seconds-text" lang="en"
# Just over a minute. Nobody derives BPTT in a minute; you recognise it because you have derived it before. So the
# chapters make you do each calculation once, slowly, with small numbers, and then drill the short form.
#
# The questions come in a handful of patterns, and each chapter's drill contains them:
#
# - fill the **blank in a line of code** (a line of BPTT, a GRU gate, a dropout mask)
# - compute an **output size, parameter count or number of multiplications**
# - choose the **wrong statement** among four
# - read a **figure or a table**
# - know what the **framework** does (shapes that come back, logits or probabilities, training or inference)
#
# The exam's own questions are confidential. Everything here is written afresh after what candidates say publicly about
# the patterns.
#
# %% [markdown] key="seconds-text" lang="ja"
# 1分あまりしかありません。BPTTを1分で導出できる人はいませんが、一度でも自分で導出していれば、見た瞬間にわかります。
# そこで各章では、まず小さな数値を使って一度だけゆっくり計算し、そのあと試験の形式で繰り返し練習します。
#
# 設問の型はそれほど多くありません。各章の確認テストには、次の型がひととおり入っています。
#
# - **コードの空欄**を埋める(BPTTの1行、GRUのゲート、ドロップアウトのマスクなど)
# - **出力サイズ・パラメータ数・計算量**を求める
# - 4つの中から**誤っている記述**を選ぶ
# - **図や表**を読み取る
# - **フレームワークの挙動**を答える(戻り値の形状、ロジットか確率か、学習時と推論時の違いなど)
#
# 実際の試験問題は非公開です。この教材の設問は、公開されている受験者の声から出題の型だけを参考にして、すべて新しく作成しました。
#
# %% [markdown] key="topics-text" lang="en"
# Here is the syllabus as a map, one tile for each topic. The numbers are those of the table further down.
#
# %% [markdown] key="topics-text" lang="ja"
# 出題範囲を地図にしてみます。タイル1枚が1つの項目で、番号は後ろの表と対応しています。
#
# %% key="topics-figure"
overview.draw_topics(topics)
plt.show()

# %% [markdown] key="topics-note" lang="en"
# Deep learning fills most of the map, and most of the exam: one candidate's percentages from 2020 fit 12 questions of
# mathematics, 13 of machine learning and 77 of deep learning. JDLA does not publish the weights, and the scope of some
# topics differs between public sources; those are marked in the table.
#
# %% [markdown] key="topics-note" lang="ja"
# 地図の大半を占めるのは深層学習で、試験でも同じです。2020年のある受験者の得点率からは、応用数学12問・機械学習13問・
# 深層学習77問と逆算できます。配点は公表されておらず、資料によって扱いが分かれる項目もあります。そうした項目は表に印を付けました。
#
# %% [markdown] key="how" lang="en"
# ## How to study with this
#
# Every chapter has the same ten sections, so you can jump:
#
# | Section | What you do there | With one evening left |
# |---|---|---|
# | Key ideas | read; look at the picture until you could redraw it | **read** |
# | From the formula to NumPy | predict each output **before** you run the cell | worked example only |
# | Agreement | see that the hand-written layer equals Keras | skip |
# | In Keras | train something real; change one number and run again | skip |
# | Experiment | compare with a published result | skip |
# | Common mistakes | claims you may have read elsewhere, and what is true | **read** |
# | Exercises | fill two or three blanks; the check says what went wrong | do one |
# | Exam questions | answer all; read why the other three are wrong | **do** |
#
# Two habits are worth more than another hour of reading. **Predict, then run**: write the shape or the value down before
# you press Shift + Enter. **Break it**: flip a sign in a formula and see which check notices. You cannot damage anything:
# *Kernel → Restart Kernel and Run All Cells* puts a chapter back into order, and `git checkout notebooks` restores the
# files.
#
# Chapters run in the **quick** profile by default: real data that ships with the collection, small enough for a laptop
# without a GPU and without network. On a GPU the **full** profile takes over, with the public data sets and the original
# settings. To choose for yourself, write `runtime.setup(lang="en", profile="full")` in the setup cell.
#
# %% [markdown] key="how" lang="ja"
# ## 学習の進め方
#
# どの章も同じ10の節でできているので、必要なところだけ拾って読めます。
#
# | 節 | やること | 残り一晩なら |
# |---|---|---|
# | 要点 | 読む。図は、自分で描き直せるようになるまで眺める | **読む** |
# | 数式とコード | セルを実行する**前に**、出力を予想する | 計算例だけ |
# | 確かめる | 手書きの層がKerasと一致することを確認する | 飛ばす |
# | Kerasで学習する | 実データで学習させる。数値を1つ変えて再実行する | 飛ばす |
# | 実験 | 公表された結果と比べる | 飛ばす |
# | よくある誤り | 解説記事でよく見る誤りと、正しい理解 | **読む** |
# | 演習 | 空欄を2〜3か所埋める。どこで間違えたかは判定が教えてくれる | 1問だけ |
# | 確認テスト | 全問解く。残り3つの選択肢が誤りである理由も読む | **解く** |
#
# 読む時間を1時間増やすより効く習慣が2つあります。ひとつは**予想してから実行する**ことです。Shift + Enterの前に、形状や値を
# 書き出してみてください。もうひとつは**壊してみる**ことです。数式の符号を反転させて、どの検査が気づくかを見ます。
# 何をしても元に戻せます。*Kernel → Restart Kernel and Run All Cells* で章全体をやり直せますし、
# `git checkout notebooks` でファイルも元どおりになります。
#
# 既定では**quick**プロファイルで動きます。同梱の実データを使い、GPUもネットワークもないノートPCで動く大きさにしてあります。
# GPUがあれば**full**プロファイルに切り替わり、公開データセットと元の設定で学習します。自分で選ぶときは、準備のセルを
# `runtime.setup(lang="ja", profile="full")` と書き換えてください。
#
# %% [markdown] key="map" lang="en"
# ## Which chapter covers what
#
# A chapter with a link is ready; the others are being written. **Examined** topics can come up in every sitting,
# **optional** ones are listed by some public sources as outside the required scope, **legacy** ones have left the
# syllabus but are still in many notes.
#
# %% [markdown] key="map" lang="ja"
# ## 章と出題範囲の対応
#
# リンクがある章は公開済みで、それ以外は執筆中です。**必須**は毎回出題されうる項目、**任意**は必須範囲の外とする資料がある項目、
# **旧範囲**はシラバスから外れたものの、多くのノートに残っている項目です。
#
# %% key="map-table" tags=["edition-output"]
overview.topic_table(topics)

# %% [markdown] key="where" lang="en"
# ## Where you are
#
# Four questions from the chapters that are ready. Answer without looking anything up; on paper is fine.
#
# %% [markdown] key="where" lang="ja"
# ## 現在地を確かめる
#
# 公開済みの章から4問です。何も調べずに解いてみてください。紙とペンは使ってかまいません。
#
# %% key="where-convolution" tags=["edition-output"]
exam.quiz("01_convolution", ids=["conv-read-pixels", "conv-depthwise-wrong-statement"])

# %% key="where-rnn" tags=["edition-output"]
exam.quiz("07_rnn_bptt", ids=["rnn-bptt-line", "rnn-return-shapes"])

# %% [markdown] key="where-advice" lang="en"
# - **Both of a chapter right, with reasons:** go straight to its *Common mistakes* and *Exam questions*.
# - **One right:** read *Key ideas*, then the worked example by hand.
# - **None, or a lucky guess:** take the chapter from the top. It assumes nothing beyond this page.
#
# Now put in the minutes you have on an evening.
#
# %% [markdown] key="where-advice" lang="ja"
# - **ある章の2問とも、理由まで説明できた:** その章の「よくある誤り」と「確認テスト」に進んでください。
# - **1問だけ正解:** 「要点」を読み、手計算の例を自分でも計算してみてください。
# - **正解なし、または勘で当たった:** 章の最初から読みましょう。このページより先の知識は前提にしていません。
#
# 次のセルに、一晩に使える分数を入れてみてください。
#
# %% key="plan"
minutes_per_evening = 60

for evening, tasks in enumerate(overview.plan(minutes_per_evening), start=1):
    print(f"evening {evening}: " + ", ".join(f"{name} {minutes} min" for name, minutes in tasks))

# %% [markdown] key="machine" lang="en"
# ## If something does not work
#
# | What you see | What to do |
# |---|---|
# | `FileNotFoundError: Open this notebook inside its clone …` | you opened a copy outside the collection: open the one in its `notebooks` folder |
# | a name is not defined | run the Setup cell, then the import cell below it: *Run → Run All Above Selected Cell* |
# | your numbers differ from the stored ones | you have other versions of Keras or TensorFlow than `constraints.txt`; the verdicts (`True`, `agree`) must hold all the same |
# | `note: …` under the Setup cell | the machine lacks something, and the note says what is used in its place |
#
# Ready: open [01 · Convolution](01_convolution.ipynb) or [07 · RNN and BPTT](07_rnn_bptt.ipynb).
#
# %% [markdown] key="machine" lang="ja"
# ## うまく動かないとき
#
# | 表示 | 対処 |
# |---|---|
# | `FileNotFoundError: Open this notebook inside its clone …` | 別の場所にコピーしたノートブックを開いています。元の `notebooks` フォルダのものを開いてください |
# | name … is not defined | 準備のセルとその下のインポートのセルを実行してください(*Run → Run All Above Selected Cell*) |
# | 保存されている数値と違う | KerasやTensorFlowが `constraints.txt` と違う版です。それでも判定(`True` や `agree`)は成り立つはずです |
# | 準備のセルに `note: …` と出る | 計算機に足りないものがあります。代わりに何を使ったかが書いてあります |
#
# 準備ができたら、[01 · 畳み込み](01_convolution.ipynb)か[07 · RNNとBPTT](07_rnn_bptt.ipynb)を開いてください。

"""How a source's prose becomes a page's: Japanese lines flow together, nothing else moves."""

import pytest

from tools.render import flowing


@pytest.mark.parametrize(
    ("source", "page"),
    [
        ("形状や値を\n書き出します。\n次に", "形状や値を書き出します。次に"),
        ("- 一つ目の\n  続き\n- 二つ目", "- 一つ目の続き\n- 二つ目"),
        ("# 見出し\n本文", "# 見出し\n本文"),
        ("English words\nstay apart", "English words\nstay apart"),
        ("時刻\n$t$ の\nRNN", "時刻\n$t$ のRNN"),
        ("内積が\n1回の行列積、\n$y$ です。\n`x` は", "内積が1回の行列積、$y$ です。`x` は"),
        ("次の順です。\n1. 一つ目\n2. 二つ目\n- 項目\n$$y$$", "次の順です。\n1. 一つ目\n2. 二つ目\n- 項目\n$$y$$"),
        ("| 章 |\n次", "| 章 |\n次"),
        ("段落。\n\n次の段落", "段落。\n\n次の段落"),
        ("改行する。  \n次の行", "改行する。  \n次の行"),
        ("**太字です。**\n次", "**太字です。**\n次"),
        ("```\n一\n二\n```\n三\n四", "```\n一\n二\n```\n三四"),
        ("| 章 |\n|---|\n| 畳み込み |\n| 再帰 |", "| 章 |\n|---|\n| 畳み込み |\n| 再帰 |"),
    ],
)
def test_only_japanese_lines_of_one_paragraph_flow_together(source, page):
    assert flowing(source) == page

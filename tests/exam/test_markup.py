"""The bank's little markup, and that nothing else gets through."""

import pytest

from utils.exam import markup


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("$a<b$", r"\(a&lt;b\)"),
        ("$$x$$ and $y$", r"\[x\] and \(y\)"),
        ("`a $ b` costs", "<code>a $ b</code> costs"),
        ("**not** this", "<strong>not</strong> this"),
        ("**$x$ and `y`**", r"<strong>\(x\) and <code>y</code></strong>"),
        ("the *old* average, **not *this* one**", "the <em>old</em> average, <strong>not <em>this</em> one</strong>"),
        ("*one*, *two $x$*.", r"<em>one</em>, <em>two \(x\)</em>."),
        ("2 * 3 * 4, a*b*c and x *", "2 * 3 * 4, a*b*c and x *"),
        ("`h**2` and `k**2`", "<code>h**2</code> and <code>k**2</code>"),
        ("$x_1 ** y$ ** z", r"\(x_1 ** y\) ** z"),
        (r"5 \$", '5 <span class="tex2jax_ignore mathjax_ignore">$</span>'),
        ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"),
    ],
)
def test_inline(text, expected):
    markup.check(text)
    assert markup.inline(text) == expected


def test_paragraphs_and_fenced_code():
    text = "First\nline.\n\nSecond.\n\n```python\nx = 1 < 2\n\ny = '$'\n```\n\nThird."
    markup.check(text)
    html = markup.blocks(text)
    assert html.startswith("<p>First\nline.</p><p>Second.</p><pre") and html.endswith("</pre><p>Third.</p>")
    assert "x = 1 &lt; 2\n\ny = '$'" in html


def test_plain_text_has_no_markup():
    assert markup.plain("a ** b ** <c> `d`\ne") == "a ** b ** &lt;c&gt; `d`<br>e"
    assert markup.plain("$x$").count("tex2jax_ignore") == 2


@pytest.mark.parametrize("text", ["costs $5", "`open", "", " \n", "$a$ and $", "a ` b $c$"])
def test_markup_that_does_not_close(text):
    with pytest.raises(ValueError, match="without its partner|is empty"):
        markup.check(text)


def test_code_in_a_line_keeps_lines_and_indentation():
    html = markup.code_inline("if a < b:\n    c = 1\n")
    assert html.endswith("if a &lt; b:<br>&nbsp;&nbsp;&nbsp;&nbsp;c = 1</code>")
    assert markup.code_inline("x") == "<code>x</code>"

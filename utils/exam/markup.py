"""The little markup of the bank's texts, and its way to HTML.

Paragraphs are separated by an empty line; `code` in backticks, fenced blocks of code, $math$, $$displayed math$$,
**strong**, *emphasis*. `\\$` is a dollar sign. Everything else is text, and is escaped.
"""

import html
import re

_FENCE = re.compile(r"^```\w*\n(.*?)\n```\s*$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(
    r"(?P<escaped>\\\$)"
    r"|`(?P<code>[^`\n]+)`"
    r"|\$\$(?P<display>.+?)\$\$"
    r"|\$(?P<math>[^$]+?)\$"
    r"|\*\*(?P<strong>.+?)\*\*"
    # no spaces inside, no letter outside: "2 * 3 * 4" and "a*b*c" are products
    r"|(?<![A-Za-z0-9_*])\*(?P<emphasis>[^\s*](?:[^*\n]*[^\s*])?)\*(?![A-Za-z0-9_*])",
    re.DOTALL,
)


_DOLLAR = '<span class="tex2jax_ignore mathjax_ignore">$</span>'


def check(text):
    """Refuse a text whose markup does not close.

    Raises:
        ValueError: for an empty text, or a $ or ` without its partner.
    """
    if not text.strip():
        raise ValueError("is empty; expected a text")
    rest = _INLINE.sub("", _FENCE.sub("", text))
    for mark, name in (("$", "dollar sign (a plain one is written \\$)"), ("`", "backtick")):
        if mark in rest:
            where = rest.index(mark)
            raise ValueError(f"a {name} without its partner near {rest[max(0, where - 20) : where + 20].strip()!r}")


def inline(text):
    """HTML of a text without its paragraphs (for a choice): phrasing content only."""
    return _INLINE.sub(_element, _escape_around(text))


def _escape_around(text):
    # quote=False: texts never stand inside an attribute, and the markup's own characters are untouched by escaping.
    return html.escape(text.strip(), quote=False)


def _element(match):
    kind, content = match.lastgroup, match[match.lastgroup]
    if kind == "escaped":
        return _DOLLAR
    if kind == "code":
        return f"<code>{content}</code>"
    if kind == "display":
        return rf"\[{content}\]"
    if kind == "math":
        return rf"\({content}\)"
    tag = {"strong": "strong", "emphasis": "em"}[kind]
    return f"<{tag}>{_INLINE.sub(_element, content)}</{tag}>"


def plain(text):
    """HTML of a text without any markup: escaped, and no dollar sign is taken for math."""
    return html.escape(text, quote=False).replace("$", _DOLLAR).replace("\n", "<br>")


def blocks(text):
    """HTML of a text with its paragraphs and blocks of code."""
    parts = []
    for i, part in enumerate(_FENCE.split(text)):
        if i % 2:
            parts.append(code_block(part))
        else:
            parts += [f"<p>{inline(paragraph)}</p>" for paragraph in re.split(r"\n\s*\n", part) if paragraph.strip()]
    return "".join(parts)


def code_block(source):
    """HTML of a block of code."""
    style = "margin:.6em 0;padding:.6em .8em;overflow-x:auto;background-color:rgba(128,128,128,.1);border-radius:4px"
    code = html.escape(source.strip("\n"), quote=False)
    return f'<pre class="sq-code" style="{style}"><code style="background-color:transparent">{code}</code></pre>'


def code_inline(source):
    """HTML of code inside a line; line breaks and indentation survive without a style sheet."""
    lines = html.escape(source.strip("\n"), quote=False).split("\n")
    kept = [re.sub(r"^ +", lambda indent: "&nbsp;" * len(indent[0]), line) for line in lines]
    style = ' style="display:inline-block;vertical-align:top"' if len(kept) > 1 else ""
    return f"<code{style}>{'<br>'.join(kept)}</code>"

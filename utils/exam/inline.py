"""A chapter's questions as HTML in a notebook's output.

Every choice is a `<details>` element: opening it shows whether it is right, and which mistake leads to it. That needs
no script and no style, so it works in a stored notebook that is not trusted, on a static page, and with a keyboard.
The script only keeps the score.
"""

import html
from functools import cache
from itertools import groupby
from pathlib import Path

from utils import runtime
from utils.exam import bank, instance, markup, model, syllabus
from utils.exam.faults import BankError, QuestionError, nearest

ASSETS = Path(__file__).parent / "assets"

WORDS = {
    "en": {
        "intro": "Open the choice you would give as your answer; it says whether it is right, and why.",
        "set": "Questions {first}–{last} share this text.",
        "question": "Question {number}",
        "concept": "Concept",
        "calculation": "Calculation",
        "code": "Code",
        "right": "✓ Right.",
        "wrong": "✗ Not right.",
        "source": "Source: {citation}",
        "first_right": "← your answer: ✓ right",
        "first_wrong": "← your answer: ✗ not right",
        "score": "Right: {right} of {answered} answered ({all} questions)",
        "again": "Start over",
    },
    "ja": {
        "intro": "答えだと思う選択肢を開くと、正誤と理由が表示される。",
        "set": "問{first}〜問{last}に共通の文章",
        "question": "問{number}",
        "concept": "知識",
        "calculation": "計算",
        "code": "コード",
        "right": "✓ 正解。",
        "wrong": "✗ 不正解。",
        "source": "出典:{citation}",
        "first_right": "← あなたの解答:✓ 正解",
        "first_wrong": "← あなたの解答:✗ 不正解",
        "score": "正解 {right} 問/解答 {answered} 問(全 {all} 問)",
        "again": "最初から",
    },
}


def quiz(name, ids=None):
    """The questions of a chapter, to be shown at the end of a cell.

    Args:
        name: the chapter, for instance "01_convolution".
        ids: ids of the questions to show, in this order; all of them without it.

    Returns:
        Quiz. Its HTML is in the edition's language (`runtime.language()`).

    Raises:
        ValueError: for an unknown chapter or id, or a fault in the bank.
    """
    return Quiz(bank.chapter(name), ids)


class Quiz:
    """Questions ready to be shown: the same HTML every time, without touching any random stream."""

    def __init__(self, chapter, ids=None):
        self.name = chapter.chapter
        known = {question.id: question for question in chapter.questions}
        unknown = [one for one in ids or () if one not in known]
        if unknown:
            raise ValueError(f"{self.name} has no question {unknown[0]!r}{nearest(unknown[0], known)}")
        chosen = [known[one] for one in ids] if ids is not None else chapter.questions
        self._stems = chapter.stems
        self._asked = []
        for question in chosen:
            try:
                self._asked.append(instance.ask(question))
            except QuestionError as error:
                raise BankError([chapter.fault(question, error.field, str(error))]) from error

    def __repr__(self):
        count = len(self._asked)
        return f"Quiz {self.name}: {count} question{'s' * (count != 1)}"

    def _repr_html_(self):
        return self.html(runtime.language())

    def html(self, lang):
        """The quiz as HTML in one language ("en" or "ja")."""
        words = WORDS[lang]
        numbered = list(enumerate(self._asked, 1))
        parts = []
        for stem, group in groupby(numbered, key=lambda pair: pair[1].source.stem):
            group = list(group)
            body = "".join(_question(number, asked, lang) for number, asked in group)
            parts.append(body if stem is None else _set(self._stems[stem], group, lang, body))
        said = {"score": "score", "again": "again", "right": "first_right", "wrong": "first_wrong"}
        data = " ".join(f'data-{key}="{html.escape(words[word])}"' for key, word in said.items())
        label = html.escape(repr(self))
        return (
            f'<div class="study-quiz tex2jax_process mathjax_process" lang="{lang}" role="group" aria-label="{label}" '
            f"{data}><style>{_asset('quiz.css')}</style><p>{words['intro']}</p>{''.join(parts)}"
            f'<div class="sq-end"><p role="status" aria-live="polite"></p></div></div>'
            f"<script>{_asset('quiz.js')}</script>"
        )


@cache
def _asset(name):
    return (ASSETS / name).read_text(encoding="utf-8")


def _set(stem, group, lang, body):
    """A linked set: the shared text once, then its questions."""
    words, numbers = WORDS[lang], [number for number, _ in group]
    share = f"<p><em>{words['set'].format(first=numbers[0], last=numbers[-1])}</em></p>" if len(group) > 1 else ""
    text = instance.stem_text(stem, [asked for _, asked in group])
    code = markup.code_block(stem.code) if stem.code else ""
    return f'<div class="sq-set">{share}{markup.blocks(text[lang])}{code}{_figure(stem, {}, lang)}{body}</div>'


def _question(number, asked, lang):
    words, source = WORDS[lang], asked.source
    topic = syllabus.load().ids[source.topic]
    label = f"{words[source.kind]} · {topic.id} {html.escape(getattr(topic, lang))}"
    head = f"<legend><strong>{words['question'].format(number=number)}</strong> · {label}</legend>"
    code = ""
    if source.kind == "code":
        blank = f'<strong class="sq-blank">{model.BLANK}</strong>'
        code = markup.code_block(source.code).replace(model.BLANK, blank)
    choices = "".join(
        _choice(letter, choice, source, lang) for letter, choice in zip(model.LETTERS, asked.choices, strict=True)
    )
    body = f"{markup.blocks(asked.text[lang])}{code}{_figure(source, asked.values, lang)}{choices}"
    return f"<fieldset>{head}{body}</fieldset>"


def _choice(letter, choice, source, lang):
    words = WORDS[lang]
    text = markup.code_inline(choice.code) if choice.code is not None else markup.inline(choice.text[lang])
    verdict, style = (words["right"], "sq-right") if choice.correct else (words["wrong"], "sq-wrong")
    cited = ""
    if choice.correct and source.citation:
        cited = f'<p class="sq-source">{words["source"].format(citation=markup.inline(source.citation[lang]))}</p>'
    why = f"<p><strong>{verdict}</strong></p>{markup.blocks(choice.why[lang])}{cited}"
    return f'<details><summary>{letter}. {text}</summary><div class="{style}">{why}</div></details>'


def _figure(owner, values, lang):
    if owner.figure is None:
        return ""
    from utils.exam import figure

    png = figure.png(owner.figure, values)
    return f'<p><img alt="{html.escape(owner.alt[lang])}" src="data:image/png;base64,{png}"></p>'

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

# Styles in place survive in a notebook that is not trusted, where a style sheet does not. Half-transparent grey shows
# on a light and on a dark page; text keeps the page's colour.
STYLE = {
    "quiz": "max-width:54em;line-height:1.6",
    "set": "margin:1.5em 0;padding-left:1em;border-left:3px solid rgba(128,128,128,.4)",
    "question": "margin:1.2em 0;padding:.4em 1em .8em;min-width:0;border:1px solid rgba(128,128,128,.5)",
    "legend": "padding:0 .5em;font-size:90%",
    "choice": "margin:.4em 0;border:1px solid rgba(128,128,128,.3);border-radius:4px",
    "summary": "padding:.35em .7em;cursor:pointer",
    "right": "margin:0 0 .4em;padding:.1em 1em .1em 1.4em;border-left:4px solid #2a9d8f",
    "wrong": "margin:0 0 .4em;padding:.1em 1em .1em 1.4em;border-left:4px solid #d1495b",
    "source": "font-size:90%",
    "blank": "padding:0 .3em;border:1px solid rgba(128,128,128,.9);border-radius:3px",
    "image": "max-width:100%;background-color:#ffffff;border-radius:4px",
}

WORDS = {
    "en": {
        "quiz": "Questions",
        "intro": "Open the choice you would give as your answer; it says whether it is right, and why.",
        "set": "Questions {first}–{last} share this text.",
        "question": "Question {number}",
        "concept": "Concept",
        "calculation": "Calculation",
        "code": "Code",
        "right": "✓ Right answer.",
        "wrong": "✗ Not the answer.",
        "source": "Source: {citation}",
        "first_right": "← your answer: ✓ right",
        "first_wrong": "← your answer: ✗ not this one",
        "score": "Right: {right} of {answered} answered ({all} questions)",
        "again": "Start over",
    },
    "ja": {
        "quiz": "確認テスト",
        "intro": "答えだと思う選択肢を開いてください。正誤と理由が表示されます。",
        "set": "次の文章は問{first}〜問{last}に共通です。",
        "question": "問{number}",
        "concept": "知識",
        "calculation": "計算",
        "code": "コード",
        "right": "✓ 正解。",
        "wrong": "✗ 不正解。",
        "source": "出典: {citation}",
        "first_right": "← あなたの解答: ✓ 正解",
        "first_wrong": "← あなたの解答: ✗ 不正解",
        "score": "解答 {answered} 問のうち正解 {right} 問(全 {all} 問)",
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
        style = f"<style>{_asset('quiz.css')}</style>"
        score = '<div class="sq-end"><p role="status" aria-live="polite"></p></div>'
        script = f"<script>{_asset('quiz.js')}</script>"
        attributes = f'class="study-quiz tex2jax_process mathjax_process" style="{STYLE["quiz"]}" lang="{lang}"'
        label = f'role="group" aria-label="{words["quiz"]} {self.name}"'
        body = f"{style}<p>{words['intro']}</p>{''.join(parts)}{score}"
        return f"<div {attributes} {label} {data}>{body}</div>{script}"


@cache
def _asset(name):
    return (ASSETS / name).read_text(encoding="utf-8")


def _set(stem, group, lang, body):
    """A linked set: the shared text once, then its questions."""
    words, numbers = WORDS[lang], [number for number, _ in group]
    share = ""
    if len(group) > 1:
        share = f'<p style="{STYLE["source"]}">{words["set"].format(first=numbers[0], last=numbers[-1])}</p>'
    text = instance.stem_text(stem, [asked for _, asked in group])
    code = markup.code_block(stem.code) if stem.code else ""
    return f'<div style="{STYLE["set"]}">{share}{markup.blocks(text[lang])}{code}{_figure(stem, {}, lang)}{body}</div>'


def _question(number, asked, lang):
    words, source = WORDS[lang], asked.source
    topic = syllabus.load().ids[source.topic]
    label = f"{words[source.kind]} · {topic.id} {html.escape(getattr(topic, lang))}"
    number = words["question"].format(number=number)
    head = f'<legend style="{STYLE["legend"]}"><strong>{number}</strong> · {label}</legend>'
    code = ""
    if source.kind == "code":
        blank = f'<strong style="{STYLE["blank"]}">{model.BLANK}</strong>'
        code = markup.code_block(source.code).replace(model.BLANK, blank)
    choices = "".join(
        _choice(letter, choice, source, lang) for letter, choice in zip(model.LETTERS, asked.choices, strict=True)
    )
    body = f"{markup.blocks(asked.text[lang])}{code}{_figure(source, asked.values, lang)}{choices}"
    return f'<fieldset style="{STYLE["question"]}">{head}{body}</fieldset>'


def _choice(letter, choice, source, lang):
    words = WORDS[lang]
    text = markup.code_inline(choice.code) if choice.code is not None else markup.inline(choice.text[lang])
    verdict = "right" if choice.correct else "wrong"
    cited = ""
    if choice.correct and source.citation:
        cited = (
            f'<p style="{STYLE["source"]}">{words["source"].format(citation=markup.inline(source.citation[lang]))}</p>'
        )
    why = markup.blocks(f"**{words[verdict]}** {choice.why[lang]}") + cited
    return (
        f'<details style="{STYLE["choice"]}"><summary style="{STYLE["summary"]}">{letter}. {text}</summary>'
        f'<div class="sq-{verdict}" style="{STYLE[verdict]}">{why}</div></details>'
    )


def _figure(owner, values, lang):
    if owner.figure is None:
        return ""
    from utils.exam import figure

    png = figure.png(owner.figure, values)
    return (
        f'<p><img style="{STYLE["image"]}" alt="{html.escape(owner.alt[lang])}" src="data:image/png;base64,{png}"></p>'
    )

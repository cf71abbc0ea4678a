"""A chapter's questions as HTML in a notebook's output.

Every choice is a `<details>` element: opening it shows whether it is right, and which mistake leads to it. That needs
no script and no style, so it works in a stored notebook that is not trusted, on a static page, and with a keyboard.
The script only keeps the score.
"""

import html
from itertools import groupby

from utils import runtime
from utils.exam import bank, instance, markup, model, page, syllabus
from utils.exam.faults import BankError, QuestionError, nearest
from utils.exam.page import SCRIPT, SHEET, STYLE, WORDS


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
        return page.frame(self.html(runtime.language()))

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
        style = f"<style>{SHEET}</style>"
        score = '<div class="sq-end"><p role="status" aria-live="polite"></p></div>'
        script = f"<script>{SCRIPT}</script>"
        attributes = f'class="study-quiz tex2jax_process mathjax_process" style="{STYLE["quiz"]}" lang="{lang}"'
        label = f'role="group" aria-label="{words["quiz"]} {self.name}"'
        body = f"{style}<p>{words['intro']}</p>{''.join(parts)}{score}"
        return f"<div {attributes} {label} {data}>{body}</div>{script}"


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

"""What a question is: the schema of `data/questions/*.yaml`.

Every text is given in English and Japanese; a plain string stands for both. Nothing is converted silently: YAML reads
an unquoted `no` as False and an unquoted 3.10 as the number 3.1, so a text that is not a string is refused.
"""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from utils.exam import markup

LANGUAGES = ("en", "ja")
LETTERS = "ABCD"
BLANK = "____"

Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]
Source = Annotated[str, Field(min_length=1)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Text(Model):
    """A text in both languages."""

    en: str
    ja: str

    @model_validator(mode="before")
    @classmethod
    def _one_for_both(cls, value):
        if isinstance(value, str):
            return {"en": value, "ja": value}
        if not isinstance(value, dict):
            raise ValueError(f"{as_read(value)}; expected a text in quotes, or {{en: …, ja: …}}")
        return value

    @field_validator("en", "ja")
    @classmethod
    def _readable(cls, value):
        markup.check(value)
        return value

    def __getitem__(self, lang):
        return getattr(self, lang)


def as_read(value):
    """How YAML read something that should have been a text."""
    if value is None:
        return "nothing stands here"
    return f"YAML reads this as {value!r} ({type(value).__name__})"


class Choice(Model):
    why: Text


class ConceptChoice(Choice):
    text: Text
    correct: bool = False


class CalculationChoice(Choice):
    answer: bool = False
    mistake: str | None = None

    @property
    def correct(self):
        return self.answer

    @model_validator(mode="after")
    def _one_of_both(self):
        if self.answer == (self.mistake is not None):
            raise ValueError("give either `answer: true` or `mistake: name_of_the_mistake`")
        return self


class CodeChoice(Choice):
    code: Source
    correct: bool = False
    # How a wrong candidate fails where that is on purpose: by default an assertion or an exception is expected, and a
    # syntax error, an undefined name or an endless loop is taken for an oversight.
    fails: Literal["assertion", "exception", "syntax", "timeout"] | None = None


class Stem(Text):
    """The text that the questions of a linked set (大問) share."""

    code: Source | None = None
    figure: Reference | None = None
    alt: Text | None = None

    @model_validator(mode="after")
    def _described(self):
        return _check_figure(self)


class Question(Model):
    id: Id
    topic: str
    stem: str | None = None
    question: Text
    figure: Reference | None = None
    alt: Text | None = None
    keep_order: bool = False  # for choices whose order means something, such as the letters of curves in a figure

    @model_validator(mode="after")
    def _four_choices_one_correct(self):
        if len(self.choices) != 4:
            raise ValueError(f"choices: {len(self.choices)} given; expected exactly four")
        correct = [letter for letter, choice in zip(LETTERS, self.choices, strict=True) if choice.correct]
        if len(correct) != 1:
            key = "answer" if self.kind == "calculation" else "correct"
            given = f"{' and '.join(correct)} are" if correct else "none is"
            raise ValueError(f"choices: {given} marked `{key}: true`; expected exactly one")
        return _check_figure(self)


def _check_figure(model):
    if (model.figure is None) != (model.alt is None):
        given, missing = ("figure", "alt") if model.figure else ("alt", "figure")
        raise ValueError(
            f"{missing}: is missing beside `{given}`; a figure needs a description for those who don't see it"
        )
    return model


class Concept(Question):
    kind: Literal["concept"]
    choices: list[ConceptChoice]
    citation: Text
    check: Source | None = None


class Calculation(Question):
    kind: Literal["calculation"]
    generator: Reference
    seed: int = Field(ge=0)
    format: Text = Text(en="{}", ja="{}")
    choices: list[CalculationChoice]
    citation: Text | None = None

    @model_validator(mode="after")
    def _three_mistakes(self):
        named = [choice.mistake for choice in self.choices if choice.mistake]
        if len(set(named)) != len(named):
            raise ValueError(f"choices: a mistake is named twice in {named}")
        return self


class Code(Question):
    kind: Literal["code"]
    code: Source
    choices: list[CodeChoice]
    setup: str = ""
    check: Source
    citation: Text | None = None

    @model_validator(mode="after")
    def _one_blank(self):
        runs = re.findall(r"_{4,}", self.code)
        if runs != [BLANK]:
            raise ValueError(
                f"code: {len(runs)} blanks {runs}; expected exactly one blank of four underscores: {BLANK}"
            )
        return self

    def filled(self, candidate):
        """The code with a candidate in its blank; further lines of the candidate get the blank's indentation."""
        start = self.code.rindex("\n", 0, self.code.index(BLANK)) + 1 if "\n" in self.code.split(BLANK)[0] else 0
        line = self.code[start:]
        indentation = line[: len(line) - len(line.lstrip())]
        return self.code.replace(BLANK, candidate.strip("\n").replace("\n", "\n" + indentation))


KINDS = {"concept": Concept, "calculation": Calculation, "code": Code}

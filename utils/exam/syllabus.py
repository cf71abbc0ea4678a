"""The exam's topics: `data/syllabus.yaml`, read and checked."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

PATH = Path(__file__).parents[2] / "data" / "syllabus.yaml"

Scope = Literal["examined", "optional", "new", "legacy", "not named", "unknown"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(_Model):
    title: str
    date: str
    note: str


class Chapter(_Model):
    name: str
    en: str
    ja: str
    scope: Literal["examined", "optional", "legacy", "guide"]


class Names(_Model):
    en: str
    ja: str


class Area(Names):
    """One of the five parts; `report` is the area under which the score report counts it."""

    id: str
    report: Names


class Topic(_Model):
    id: str
    en: str
    ja: str
    scope: dict[str, Scope]
    chapters: list[str] = []
    uncertain: str | None = None


class Syllabus(_Model):
    """Editions of the exam, its four areas, the chapters of this collection, and the topics."""

    editions: list[str]
    sources: list[Source]
    areas: list[Area]
    chapters: list[Chapter]
    topics: list[Topic]

    @model_validator(mode="after")
    def _consistent(self):
        chapters = [chapter.name for chapter in self.chapters]
        ids = [topic.id for topic in (*self.areas, *self.topics)]
        for name, given in (("chapter", chapters), ("topic", ids)):
            twice = sorted({item for item in given if given.count(item) > 1})
            if twice:
                raise ValueError(f"{name} {twice} stands twice")
        for topic in self.topics:
            unknown = [name for name in topic.chapters if name not in chapters]
            if unknown:
                raise ValueError(f"topic {topic.id}: unknown chapter {unknown}; known are {chapters}")
            if list(topic.scope) != self.editions:
                raise ValueError(f"topic {topic.id}: scope names {list(topic.scope)}, expected {self.editions}")
            parent = topic.id.rpartition(".")[0]
            if parent not in ids[: ids.index(topic.id)]:
                raise ValueError(f"topic {topic.id}: its parent {parent!r} does not stand before it")
        return self

    @property
    def names(self):
        """Name of a chapter -> Chapter."""
        return {chapter.name: chapter for chapter in self.chapters}

    @property
    def ids(self):
        """Id of a topic -> Topic, areas included."""
        return {topic.id: topic for topic in (*self.areas, *self.topics)}


@cache
def load(path=PATH):
    """Read the syllabus.

    Raises:
        ValueError: naming the file and the topic or chapter that is not consistent.
    """
    try:
        return Syllabus.model_validate(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as error:
        raise ValueError(f"{path}: {error}") from error

"""Reading the question bank: YAML files to questions, with errors that say where and what."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from utils.exam import model, syllabus
from utils.exam.faults import ROOT, BankError, Fault, nearest, shown

FOLDER = ROOT / "data" / "questions"


@dataclass(frozen=True)
class Chapter:
    """The questions of one file."""

    path: Path
    chapter: str
    stems: dict
    questions: tuple
    lines: dict

    def fault(self, question, field, message):
        """A Fault that points at one of this file's questions."""
        return Fault(shown(self.path), message, self.lines.get(question.id), question.id, field)


def files(folder=FOLDER):
    """The bank's files in the order of the chapters."""
    return sorted(Path(folder).glob("*.yaml"))


def read(paths=None):
    """Read several files and collect what is wrong with them.

    Args:
        paths: files; all of `data/questions` without it.

    Returns:
        (list of Chapter for the files without faults of their own, list of Fault).
    """
    chapters, faults, seen = [], [], {}
    for path in paths if paths is not None else files():
        try:
            chapters.append(load_file(path))
        except BankError as error:
            faults += error.faults
    for chapter in chapters:
        for question in chapter.questions:
            first = seen.setdefault(question.id, chapter)
            if first is not chapter:
                where = f"{shown(first.path)}:{first.lines[question.id]}"
                faults.append(chapter.fault(question, "id", f"stands in {where} too; ids are unique in the bank"))
    return chapters, faults


def chapter(name):
    """The questions of one chapter by name.

    Raises:
        ValueError: if there is no such file; the nearest name is given.
        BankError: if the file has faults.
    """
    names = [path.stem for path in files()]
    if name not in names:
        raise ValueError(f"no questions for chapter {name!r} in {shown(FOLDER)}{nearest(name, names)}")
    return load_file(FOLDER / f"{name}.yaml")


def load_file(path):
    """Read one file.

    Raises:
        BankError: with every fault of the file: syntax, keys, types, the rules of the three kinds, topics and stems.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BankError([Fault(shown(path), f"cannot be read: {error}")]) from error
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        content = loader.construct_document(node) if node else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = " ".join(part for name in ("context", "problem") if (part := getattr(error, name, None))) or error
        raise BankError([Fault(shown(path), f"not valid YAML: {problem}", mark.line + 1 if mark else None)]) from error
    return _Reader(path, node).read(content)


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice (YAML would keep the second and drop the first in silence)."""

    def construct_mapping(self, node, deep=False):
        keys = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key.start_mark)
            if key.value in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            keys.add(key.value)
        return super().construct_mapping(node, deep)


class _Reader:
    """Turns the content of one file into a Chapter and collects faults on the way."""

    def __init__(self, path, node):
        self.path, self.node, self.faults = path, node, []

    def read(self, content):
        if not isinstance(content, dict):
            self._fault((), "the file must hold the keys `chapter` and `questions`")
            raise BankError(self.faults)
        for key in content.keys() - {"chapter", "stems", "questions"}:
            self._fault((key,), f"unknown key{nearest(key, ['chapter', 'stems', 'questions'])}")
        name = self._chapter_name(content.get("chapter"))
        stems = self._stems(content.get("stems", {}))
        questions = self._questions(content.get("questions"), stems)
        if self.faults:
            raise BankError(self.faults)
        lines = {question.id: self._line(("questions", i)) for i, question in enumerate(questions)}
        return Chapter(self.path, name, stems, tuple(questions), lines)

    def _chapter_name(self, name):
        known = list(syllabus.load().names)
        if name not in known:
            self._fault(("chapter",), f"unknown chapter {name!r}{nearest(name, known)}")
        elif name != self.path.stem:
            self._fault(("chapter",), f"{name!r} given, but the file is named {self.path.name}")
        return name

    def _stems(self, given):
        if not isinstance(given, dict):
            self._fault(("stems",), "expected names of stems, each with {en: …, ja: …}")
            return {}
        stems = {}
        for name, value in given.items():
            stem = self._validate(model.Stem, value, ("stems", name), None)
            stems[name] = stem
        return stems

    def _questions(self, given, stems):
        if not isinstance(given, list) or not given:
            self._fault(("questions",), "expected a list of questions")
            return []
        questions, seen = [], {}
        for i, raw in enumerate(given):
            question = self._question(i, raw)
            if question is None:
                continue
            if question.id in seen:
                first = self._line(("questions", seen[question.id]))
                self._fault(
                    ("questions", i, "id"), f"stands in line {first} too; ids are unique in the bank", question.id
                )
            seen.setdefault(question.id, i)
            topics = [topic.id for topic in syllabus.load().topics]
            if question.topic not in topics:
                message = f"unknown topic {question.topic!r}{nearest(question.topic, topics)}; see data/syllabus.yaml"
                self._fault(("questions", i, "topic"), message, question.id)
            if question.stem is not None and question.stem not in stems:
                self._fault(
                    ("questions", i, "stem"),
                    f"unknown stem {question.stem!r}{nearest(question.stem, stems)}",
                    question.id,
                )
            questions.append(question)
        if len(questions) == len(given):
            for name in stems.keys() - {question.stem for question in questions}:
                self._fault(("stems", name), "no question uses this stem")
        return questions

    def _question(self, i, raw):
        where = ("questions", i)
        if not isinstance(raw, dict):
            self._fault(where, f"expected a question with its keys, got {raw!r}")
            return None
        label = raw.get("id") if isinstance(raw.get("id"), str) else f"number {i + 1}"
        kind = raw.get("kind")
        if not isinstance(kind, str) or kind not in model.KINDS:
            self._fault((*where, "kind"), f"{kind!r} given; expected concept, calculation or code", label)
            return None
        return self._validate(model.KINDS[kind], raw, where, label)

    def _validate(self, cls, value, where, label):
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            for detail in error.errors():
                self._fault((*where, *detail["loc"]), _explain(cls, detail), label)

    def _fault(self, where, message, label=None):
        field = where[2:] if where[:1] == ("questions",) and len(where) > 1 else where
        self.faults.append(Fault(shown(self.path), message, self._line(where), label, _dotted(field)))

    def _line(self, where):
        """Line of the deepest node on the way to `where`."""
        node, line = self.node, None
        for part in where:
            if isinstance(node, yaml.MappingNode):
                found = [(key, value) for key, value in node.value if key.value == str(part)]
                if not found:
                    break
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            else:
                break
        return line


def _dotted(where):
    """("choices", 2, "why", "ja") as choices[2].why.ja, as one would write it in Python."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).lstrip(".")


def _explain(cls, detail):
    """A pydantic error in words."""
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return f"unknown key{nearest(detail['loc'][-1], _keys(cls, detail['loc'][:-1]))}"
    if kind == "string_pattern_mismatch":
        expected = "lower-case words joined by hyphens, such as conv-output-size"
        if detail["loc"][-1] != "id":
            expected = "module.function"
        return f"{given!r} given; expected {expected}"
    if kind in ("string_type", "int_type", "bool_type", "list_type", "dict_type", "model_type"):
        noun = {"string": "a text in quotes", "int": "a whole number", "bool": "true or false", "list": "a list"}
        return f"{model.as_read(given)}; expected {noun.get(kind[:-5], 'keys and values')}"
    return f"{given!r} given; {detail['msg']}"


def _keys(cls, where):
    """The keys allowed in the part of the model that `where` leads to."""
    for part in where:
        if not isinstance(part, str):
            continue
        annotation = cls.model_fields[part].annotation
        nested = [annotation, *getattr(annotation, "__args__", ())]
        cls = next(item for item in nested if isinstance(item, type) and issubclass(item, model.Model))
    return list(cls.model_fields)

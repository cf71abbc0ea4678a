"""A bank with a fault: the message names file, line, question and field, what was given and what is expected."""

import re
from pathlib import Path

import pytest

from utils.exam import bank
from utils.exam.faults import BankError

FIXTURES = Path(__file__).parent / "fixtures"
CONVOLUTION = (FIXTURES / "01_convolution.yaml").read_text(encoding="utf-8")
RNN = (FIXTURES / "07_rnn_bptt.yaml").read_text(encoding="utf-8")


def faults_of(tmp_path, text, name="01_convolution.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BankError) as caught:
        bank.load_file(path)
    for fault in caught.value.faults:
        assert fault.file.endswith(name)
    return [str(fault) for fault in caught.value.faults]


def changed(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


def line_of(text, part):
    return text[: text.index(part)].count("\n") + 1


CONVOLUTION_CASES = {
    "unknown key": ("    check: |", "    chek: |", "sample-depthwise", "chek: unknown key; did you mean 'check'?"),
    "unknown key of a choice": (
        "- {mistake: side,",
        "- {mistke: side,",
        "sample-pixels",
        "choices[1].mistke: unknown key; did you mean 'mistake'?",
    ),
    "missing translation": (
        ', ja: "一つのカーネルをすべてのチャネルが共有する。"',
        "",
        "sample-depthwise",
        "choices[0].text.ja: is missing",
    ),
    "text that YAML reads as a truth value": (
        'text: {en: "It does not mix channels.", ja: "チャネル間の混合は行わない。"}',
        "text: no",
        "sample-depthwise",
        "choices[1].text: YAML reads this as False (bool); expected a text in quotes",
    ),
    "half a text that is a truth value": (
        '{en: "It does not mix channels."',
        "{en: no",
        "sample-depthwise",
        "choices[1].text.en: YAML reads this as False (bool); expected a text in quotes",
    ),
    "topic without quotes": (
        'topic: "3.4.2"',
        "topic: 3.10",
        "sample-depthwise",
        "topic: YAML reads this as 3.1 (float); expected a text in quotes",
    ),
    "unknown topic": (
        'topic: "3.4.2"',
        'topic: "3.4.9"',
        "sample-depthwise",
        "topic: unknown topic '3.4.9'; did you mean",
    ),
    "area instead of a topic": ('topic: "3.4.2"', 'topic: "3"', "sample-depthwise", "topic: unknown topic '3'"),
    "seed in scientific notation": (
        "seed: 7",
        "seed: 1e3",
        "sample-output-size",
        "seed: YAML reads this as '1e3' (str); expected a whole number",
    ),
    "negative seed": ("seed: 7", "seed: -7", "sample-output-size", "seed: -7 given"),
    "truth value as text": (
        "answer: true\n",
        'answer: "yes"\n',
        "sample-output-size",
        "choices[0].answer: YAML reads this as 'yes' (str); expected true or false",
    ),
    "no right choice": (
        "        correct: true\n",
        "",
        "sample-depthwise",
        "choices: none is marked `correct: true`; expected exactly one",
    ),
    "two right choices": (
        "- {mistake: side,",
        "- {answer: true,",
        "sample-pixels",
        "choices: A and B are marked `answer: true`; expected exactly one",
    ),
    "three choices": (
        '      - {mistake: side, why: {en: "That is one side.", ja: "それは一辺である。"}}\n',
        "",
        "sample-pixels",
        "choices: 3 given; expected exactly four",
    ),
    "answer and mistake": (
        "- {answer: true, why",
        "- {answer: true, mistake: side, why",
        "sample-pixels",
        "choices[0]: give either `answer: true` or `mistake: name_of_the_mistake`",
    ),
    "the same mistake twice": (
        "- {mistake: twice,",
        "- {mistake: side,",
        "sample-pixels",
        "choices: a mistake is named twice",
    ),
    "no why": (
        ', why: {en: "That is one side.", ja: "それは一辺である。"}',
        "",
        "sample-pixels",
        "choices[1].why: is missing",
    ),
    "empty text": (
        'en: "That is one side."',
        'en: " "',
        "sample-pixels",
        "choices[1].why.en: is empty; expected a text",
    ),
    "no citation": ('    citation: "Howard et al. (2017), §3.1"\n', "", "sample-depthwise", "citation: is missing"),
    "unknown kind": (
        "kind: concept",
        "kind: conept",
        "sample-depthwise",
        "kind: 'conept' given; expected concept, calculation or code",
    ),
    "id in capitals": (
        "id: sample-pixels",
        "id: Sample_Pixels",
        "Sample_Pixels",
        "id: 'Sample_Pixels' given; expected lower-case words joined by hyphens",
    ),
    "id twice": (
        "id: sample-pixels",
        "id: sample-output-size",
        "sample-output-size",
        "id: stands in line 9 too; ids are unique in the bank",
    ),
    "unknown stem": (
        "    stem: layer\n    generator: tests.exam.fixtures.drawn.same",
        "    stem: layers\n    generator: tests.exam.fixtures.drawn.same",
        "sample-pixels",
        "stem: unknown stem 'layers'; did you mean 'layer'?",
    ),
    "figure without description": (
        '    alt: {en: "A rising line.", ja: "右上がりの直線。"}\n',
        "",
        "sample-pixels",
        "alt: is missing beside `figure`",
    ),
    "dollar without partner": (
        'It has $K^2 C$ weights.",',
        'It has $K^2 C weights.",',
        "sample-depthwise",
        "choices[2].text.en: a dollar sign",
    ),
    "backtick without partner": (
        "`depth_multiplier` is 1.",
        "`depth_multiplier is 1.",
        "sample-depthwise",
        "question.en: a backtick without its partner",
    ),
    "generator without module": (
        "drawn.output_size",
        "drawn.output-size",
        "sample-output-size",
        "generator: 'tests.exam.fixtures.drawn.output-size' given; expected module.function",
    ),
}


@pytest.mark.parametrize(("old", "new", "question", "expected"), CONVOLUTION_CASES.values(), ids=CONVOLUTION_CASES)
def test_fault_in_a_question(tmp_path, old, new, question, expected):
    text = changed(CONVOLUTION, old, new)
    (message,) = faults_of(tmp_path, text)
    assert re.match(r".*01_convolution\.yaml:\d+: question ", message)
    assert f"question {question!r}: {expected}" in message


def test_the_line_is_the_one_of_the_fault(tmp_path):
    text = changed(CONVOLUTION, 'topic: "3.4.2"', "topic: 3.10")
    (message,) = faults_of(tmp_path, text)
    assert f"01_convolution.yaml:{line_of(text, 'topic: 3.10')}: " in message


def test_all_faults_of_a_file_are_reported_at_once(tmp_path):
    text = changed(CONVOLUTION, "seed: 7", "seed: no")
    text = changed(text, 'topic: "3.4.2"', 'topic: "9"')
    assert len(faults_of(tmp_path, text)) == 2


CODE_CASES = {
    "no blank": ("du = ____", "du = 0", "code: 0 blanks []; expected exactly one blank of four underscores: ____"),
    "two blanks": ("dh: gradient", "____: gradient", "code: 2 blanks ['____', '____']"),
    "blank of five": ("du = ____", "du = _____", "code: 1 blanks ['_____']"),
    "no check": ("    check: |\n      assert np.allclose(g, [1.2, 1.6])\n", "", "check: is missing"),
    "way of failing": (
        'code: "g = g / norm"\n',
        'code: "g = g / norm"\n        fails: syntx\n',
        "choices[3].fails: 'syntx' given",
    ),
    "code that is a number": (
        'code: "g = g / norm"',
        "code: 7",
        "choices[3].code: YAML reads this as 7 (int); expected a text in quotes",
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), CODE_CASES.values(), ids=CODE_CASES)
def test_fault_in_a_code_question(tmp_path, old, new, expected):
    (message,) = faults_of(tmp_path, changed(RNN, old, new), "07_rnn_bptt.yaml")
    assert expected in message


FILE_CASES = {
    "syntax": ("kind: concept", "kind: concept: x", r":\d+: not valid YAML: .*mapping values are not allowed"),
    "tab": ("    kind: concept", "\tkind: concept", r":\d+: not valid YAML"),
    "key twice": (
        "    kind: concept",
        "    kind: concept\n    kind: concept",
        r":\d+: not valid YAML: the key 'kind' stands twice",
    ),
    "object of Python": ("seed: 7", "seed: !!python/object/apply:os.getcwd []", r":\d+: not valid YAML"),
    "control character": ("seed: 7", "seed: 7 # \x00", r"not valid YAML: .*special characters are not allowed"),
    "list as a key": ("seed: 7", "? [seed]\n    : 7", r":\d+: not valid YAML: a key must be a word"),
    "unknown chapter": (
        "chapter: 01_convolution",
        "chapter: 01_convolutions",
        r":1: chapter: unknown chapter '01_convolutions'; did you mean '01_convolution'",
    ),
    "other chapter": (
        "chapter: 01_convolution",
        "chapter: 07_rnn_bptt",
        r":1: chapter: '07_rnn_bptt' given, but the file is named 01_convolution.yaml",
    ),
    "unknown key of the file": ("stems:", "stem:", r":2: stem: unknown key; did you mean 'stems'"),
    "no list": ("questions:\n", "questions: none\nstems:\n", r"not valid YAML|expected a list of questions"),
}


@pytest.mark.parametrize(("old", "new", "expected"), FILE_CASES.values(), ids=FILE_CASES)
def test_fault_in_a_file(tmp_path, old, new, expected):
    messages = faults_of(tmp_path, changed(CONVOLUTION, old, new))
    assert re.search(expected, messages[0]), messages[0]


@pytest.mark.parametrize("text", ["", "[]", "chapter: 01_convolution", "chapter: 01_convolution\nquestions: [1]"])
def test_file_without_questions(tmp_path, text):
    assert faults_of(tmp_path, text)


def test_unused_stem(tmp_path):
    text = CONVOLUTION.replace("    stem: layer\n", "")
    assert "stems.layer: no question uses this stem" in faults_of(tmp_path, text)[0]


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(BankError, match="nowhere.yaml: cannot be read"):
        bank.load_file(tmp_path / "nowhere.yaml")


def test_the_same_id_in_two_files(tmp_path):
    for name, text in (("01_convolution", CONVOLUTION), ("07_rnn_bptt", RNN)):
        text = text.replace("sample-depthwise", "same").replace("sample-many-outputs", "same")
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    chapters, faults = bank.read(sorted(tmp_path.glob("*.yaml")))
    assert len(chapters) == 2
    assert re.search(
        r"07_rnn_bptt.yaml:\d+: question 'same': id: stands in .*01_convolution.yaml:\d+ too", str(faults[0])
    )


def test_unknown_chapter_names_the_nearest():
    with pytest.raises(ValueError, match=r"no questions for chapter '01_convolutoin' in data/questions"):
        bank.chapter("01_convolutoin")

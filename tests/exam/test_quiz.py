"""The quiz in a notebook: complete without script and style, the same every time, everything escaped."""

import base64
import random
import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

from tests.exam.page import read
from utils import exam, runtime
from utils.exam import bank, figure, inline, instance, model, page
from utils.exam.faults import ROOT, BankError

# What JupyterLab's sanitizer lets through in a notebook that is not trusted (of what a quiz uses).
KEPT = {"div", "p", "fieldset", "legend", "details", "summary", "strong", "span", "pre", "code", "br", "img"}


@pytest.fixture(params=model.LANGUAGES)
def lang(request):
    return request.param


def test_repr_is_short_text(convolution):
    assert repr(exam.Quiz(convolution)) == "Quiz 01_convolution: 3 questions"
    assert repr(exam.Quiz(convolution, ["sample-pixels"])) == "Quiz 01_convolution: 1 question"


def test_html_is_in_the_language_of_the_edition(convolution, japanese):
    quiz = exam.Quiz(convolution)
    assert quiz._repr_html_() == quiz.html("ja") != quiz.html("en")
    runtime.set_language("en")
    assert quiz._repr_html_() == quiz.html("en")


def test_every_question_stands_with_its_choices_and_reasons(sample, lang):
    page = read(exam.Quiz(sample).html(lang))
    shown = page.all("fieldset")
    assert len(shown) == len(sample.questions)
    for number, (field, question) in enumerate(zip(shown, sample.questions, strict=True), 1):
        asked = instance.ask(question)
        legend = field.all("legend")[0].text()
        words = inline.WORDS[lang]
        assert legend.startswith(words["question"].format(number=number))
        assert words[question.kind] in legend and question.topic in legend
        choices = field.all("details")
        assert [choice.all("summary")[0].text()[:2] for choice in choices] == ["A.", "B.", "C.", "D."]
        for choice, expected in zip(choices, asked.choices, strict=True):
            body = choice.all("div")[0].text()
            assert body.startswith(words["right" if expected.correct else "wrong"])
            assert plain(expected.why[lang]) in body
            text = expected.code if expected.code is not None else plain(expected.text[lang])
            assert "".join(text.split()) in "".join(choice.all("summary")[0].text().split())


def plain(text):
    """A text as it reads on the page."""
    parts = text.strip().split("$")
    math = [rf"\({part}\)" if i % 2 else part for i, part in enumerate(parts)]
    return "".join(math).replace("`", "").replace("**", "")


def test_all_that_must_be_seen_survives_the_sanitizer(sample, lang):
    """Script and style sheet go with their content; every other element is one that stays."""
    page = read(exam.Quiz(sample).html(lang))
    tags = set()

    def collect(element):
        for child in element.content:
            if not isinstance(child, str):
                tags.add(child.tag)
                collect(child)

    collect(page)
    assert tags - {"style", "script"} <= KEPT
    assert len(page.all("style")) == len(page.all("script")) == 1


def test_nothing_is_loaded_from_elsewhere(sample, lang):
    html = exam.Quiz(sample).html(lang)
    assert "http" not in html and "src=" not in html.replace('src="data:image/png;base64,', "")


def test_colab_sets_formulas_and_nothing_else_changes(convolution, monkeypatch):
    quiz, feedback = exam.Quiz(convolution), exam.check(len, reference=len, cases=[("ab",)])
    plain = quiz._repr_html_(), feedback._repr_html_()
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    in_colab = quiz._repr_html_(), feedback._repr_html_()
    assert in_colab == tuple(html + page.COLAB_MATH for html in plain)
    assert all("MathJax.js" not in html for html in plain)


def test_no_colour_is_set_for_text():
    """Text takes the page's colour, so that it is legible on light and dark; backgrounds are half transparent."""
    for style in [*inline.STYLE.values(), inline.SHEET]:
        assert "color:#" not in style.replace("background-color:#ffffff", "").replace(" ", "")


def test_everything_is_escaped(tmp_path, convolution):
    attack = "<script>alert(1)</script><b onclick='x()'> & \" '"
    text = (ROOT / "tests/exam/fixtures/01_convolution.yaml").read_text(encoding="utf-8")
    quoted = attack.replace("\\", "\\\\").replace('"', '\\"')
    for field in ("One kernel is shared by all channels.", "It does not mix channels.", "A rising line.",
                  "Howard et al. (2017), §3.1", "That is one side.", "How many pixels has the image?"):  # fmt: skip
        assert field in text
        text = text.replace(field, quoted)
    path = tmp_path / "01_convolution.yaml"
    path.write_text(text, encoding="utf-8")
    page = read(exam.Quiz(bank.load_file(path)).html("en"))
    assert len(page.all("script")) == 1 and page.all("b") == []
    assert page.text(without=("script", "style")).count(attack) == 5
    assert page.all("img")[0].attributes["alt"] == attack


def test_code_is_shown_with_its_blank_and_its_lines(rnn):
    page = read(exam.Quiz(rnn).html("en"))
    block = page.all("pre")[0]
    assert block.text() == rnn.questions[0].code.rstrip("\n")
    assert block.all("strong")[0].text() == "____"
    multi = next(code for code in page.all("code") if "scale = limit" in code.text())
    assert len(multi.all("br")) == 1


def test_math_is_marked_for_the_typesetter(convolution):
    page = read(exam.Quiz(convolution).html("en"))
    assert "tex2jax_process" in page.all("div")[0].attributes["class"]
    assert r"The kernel is \(4 \times 4\), the stride \(3\)." in page.text()


def test_linked_questions_share_their_text_once(convolution, lang):
    html = exam.Quiz(convolution).html(lang)
    stem = {"en": "A convolution without padding", "ja": "パディングなしの畳み込みが"}[lang]
    assert html.count(stem) == 1
    share = inline.WORDS[lang]["set"].format(first=1, last=2)
    assert share in html
    assert share not in exam.Quiz(convolution, ["sample-pixels"]).html(lang)
    assert html.count("38") >= 2  # the stem's {size} is the calculations' own


def test_figure_with_its_description(convolution, lang):
    (image,) = read(exam.Quiz(convolution).html(lang)).all("img")
    assert image.attributes["alt"] == {"en": "A rising line.", "ja": "右上がりの直線。"}[lang]
    png = base64.b64decode(image.attributes["src"].removeprefix("data:image/png;base64,"))
    assert png.startswith(b"\x89PNG") and b"Software" not in png


def test_figure_ignores_and_leaves_the_readers_style():
    import matplotlib as mpl

    before = figure.png("tests.exam.fixtures.drawn.picture", {"size": 5, "other": 1})
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 20}):
        assert figure.png("tests.exam.fixtures.drawn.picture", {"size": 5}) == before
        assert mpl.rcParams["lines.linewidth"] == 9


def test_the_same_in_every_process_and_no_random_stream_touched(convolution):
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from utils import exam\nfrom utils.exam import bank\n"
        "quiz = exam.Quiz(bank.load_file('tests/exam/fixtures/01_convolution.yaml'))\n"
        "sys.stdout.buffer.write(quiz.html('ja').encode())"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT).stdout for _ in range(2)
    }
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    states = random.getstate(), str(np.random.get_state())  # noqa: NPY002
    runs.add(exam.Quiz(convolution).html("ja").encode())
    assert len(runs) == 1
    assert (random.getstate(), str(np.random.get_state())) == states  # noqa: NPY002


def test_chosen_questions_in_the_order_asked_for(convolution):
    fields = read(exam.Quiz(convolution, ["sample-depthwise", "sample-pixels"]).html("en")).all("fieldset")
    assert ["depthwise" in fields[0].text(), "pixels" in fields[1].text()] == [True, True]


def test_unknown_id_names_the_nearest(convolution):
    with pytest.raises(ValueError, match="01_convolution has no question 'sample-pixel'; did you mean 'sample-pixels'"):
        exam.Quiz(convolution, ["sample-pixel"])


def test_unknown_chapter():
    with pytest.raises(ValueError, match="no questions for chapter '99_nothing'"):
        exam.quiz("99_nothing")


def test_broken_generator_names_file_and_id(tmp_path):
    text = (ROOT / "tests/exam/fixtures/01_convolution.yaml").read_text(encoding="utf-8")
    path = tmp_path / "01_convolution.yaml"
    path.write_text(text.replace("mistake: ceiling", "mistake: cieling"), encoding="utf-8")
    with pytest.raises(BankError, match=r"01_convolution.yaml:9: question 'sample-output-size': choices\[1\].mistake"):
        exam.Quiz(bank.load_file(path))


def test_another_seed_draws_other_numbers(convolution):
    question = convolution.questions[0]
    texts = {instance.ask(question, seed).text.en for seed in range(8)}
    assert len(texts) > 3 and instance.ask(question, 7).values == instance.ask(question).values


def test_order_of_choices_can_be_kept(rnn):
    question = rnn.questions[2]
    as_written = [choice.text.en for choice in question.choices]
    kept = question.model_copy(update={"keep_order": True})
    for seed in (None, 1, 2):
        assert [choice.text.en for choice in instance.ask(kept, seed).choices] == as_written
    orders = {tuple(choice.text.en for choice in instance.ask(question, seed).choices) for seed in (None, 1, 2, 3)}
    assert len(orders) > 1

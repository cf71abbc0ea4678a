"""The map, the table and the plan of the start page."""

import random

import matplotlib
import numpy as np
import pytest

from utils import runtime
from utils.exam import overview, syllabus

matplotlib.use("Agg")


@pytest.fixture
def topics():
    return syllabus.load()


def test_plan_fills_evenings_in_order_and_loses_no_minute():
    assert overview.plan(60, {"a": 90, "b": 50}) == [[("a", 60)], [("a", 30), ("b", 30)], [("b", 20)]]
    assert overview.plan(200, {"a": 90, "b": 50}) == [[("a", 90), ("b", 50)]]
    rng = random.Random(0)
    for _ in range(50):
        chapters = {str(i): rng.randint(1, 200) for i in range(rng.randint(1, 6))}
        minutes = rng.randint(15, 120)
        evenings = overview.plan(minutes, chapters)
        assert all(sum(m for _, m in evening) == minutes for evening in evenings[:-1])
        for name, whole in chapters.items():
            assert sum(m for evening in evenings for n, m in evening if n == name) == whole


@pytest.mark.parametrize("minutes", [0, 14, -60, 1.5, "60", None])
def test_plan_refuses_what_is_no_evening(minutes):
    with pytest.raises(ValueError, match="at least 15"):
        overview.plan(minutes, {"a": 90})


def test_every_subject_and_every_part_stands_once(topics):
    drawn = [topic.id for _, group in overview.subjects(topics) for topic in group]
    assert len(drawn) == len(set(drawn)) > 20
    below = [
        part.id
        for _, group in overview.subjects(topics)
        for subject in group
        for part in overview.parts(topics, subject)
    ]
    assert len(below) == len(set(below))
    assert set(below) | set(drawn) >= {topic.id for topic in topics.topics if topic.id.count(".") <= 2}


def test_table_is_in_the_edition_s_language_and_links_ready_chapters(topics):
    table = overview.topic_table(topics)
    try:
        runtime.set_language("ja")
        japanese = table._repr_html_()
        runtime.set_language("en")
        english = table._repr_html_()
    finally:
        runtime.set_language("en")
    assert "畳み込み" in japanese and "必須" in japanese
    assert "Convolution" in english and "examined" in english
    for html in (english, japanese):
        assert html.count("<tr>") == html.count("</tr>")
        for name in overview.headers():
            assert f'href="{name}.ipynb"' in html
        assert 'href="25_mock_exam.ipynb"' not in html


def test_names_in_the_table_are_escaped(topics):
    hostile = topics.model_copy(update={"topics": [topics.topics[0].model_copy(update={"en": "<script>x</script>"})]})
    assert "<script>" not in overview.topic_table(hostile)._repr_html_()


def test_no_tile_s_text_leaves_its_tile(topics):
    axes = overview.draw_topics(topics)
    axes.figure.canvas.draw()
    inner = [patch.get_window_extent() for patch in axes.patches]
    labels = [text for text in axes.texts if text.get_fontweight() != "bold"]
    assert len(labels) == len(inner)
    for label, tile in zip(labels, inner, strict=True):
        box = label.get_window_extent()
        assert np.all([box.x0 >= tile.x0, box.x1 <= tile.x1, box.y0 >= tile.y0 - 1, box.y1 <= tile.y1 + 1]), (
            label.get_text()
        )
    matplotlib.pyplot.close(axes.figure)

"""The syllabus that ships, and faults in one."""

import pytest

from utils.exam import syllabus

TEXT = syllabus.PATH.read_text(encoding="utf-8")


def test_the_syllabus_names_every_part_and_chapter():
    topics = syllabus.load()
    assert topics.editions == ["2022#2", "2024#2", "2026"]
    assert [area.id for area in topics.areas] == list("12345")
    assert sorted(topics.names) == [chapter.name for chapter in topics.chapters]
    assert [name[:2] for name in topics.names] == [f"{i:02}" for i in range(26)]
    taught = {name for topic in topics.topics for name in topic.chapters}
    assert set(topics.names) - taught == {"00_start_here", "25_mock_exam"}


def test_what_2026_adds():
    new = {topic.en for topic in syllabus.load().topics if topic.scope["2026"] == "new"}
    assert len(new) == 6
    for topic in syllabus.load().topics:
        assert (topic.scope["2026"] == "new") == (topic.scope["2024#2"] == "not named")


def test_what_is_not_known_is_marked():
    for topic in syllabus.load().topics:
        if "unknown" in topic.scope.values():
            assert topic.uncertain, topic.id


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[05_normalization]", "[05_normalisation]", "topic 3.7.2: unknown chapter .'05_normalisation'."),
        ('id: "3.7.2"', 'id: "3.7.1"', "topic .'3.7.1'. stands twice"),
        ('id: "3.7.2"', 'id: "3.8.2"', "topic 3.8.2: its parent '3.8' does not stand before it"),
        ('id: "3.7.2"', "id: 3.7", "topics.*id"),
        ('"2024#2": optional', '"2024#2": optionl', "topics.*scope"),
        ('"2024#2": optional, "2026": optional', '"2024#2": optional', "topic 1.1: scope names"),
        ("ja: 線形代数", "jp: 線形代数", "topics.*jp"),
        ("topics:", "topics: :", "mapping values are not allowed"),
    ],
)  # fmt: skip
def test_fault(tmp_path, old, new, expected):
    assert old in TEXT
    path = tmp_path / "syllabus.yaml"
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"(?s)syllabus.yaml.*{expected}"):
        syllabus.load(path)

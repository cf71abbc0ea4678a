"""Dialogues: the reply needs the first turn and the last one, and the last one alone tells nothing about the city."""

from collections import Counter, defaultdict

import numpy as np
import pytest

from utils.text import dialogues
from utils.text.vocabulary import BOS, EOS, PAD, UNK

LANGUAGES = ("en", "ja")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_replies_belong_to_one_city_and_question(lang):
    owners = defaultdict(set)
    for city in dialogues.PLACES:
        for question in ("eat", "see"):
            replies = dialogues.right_replies(city, question, lang)
            assert len(set(replies)) == 6
            for reply in replies:
                owners[reply].add((city, question))
    assert len(owners) == 6 * 2 * len(dialogues.PLACES) and all(len(found) == 1 for found in owners.values())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_only_the_first_turn_names_the_city(lang):
    made = dialogues.make(400, lang, seed=1)
    names = [place[lang][0] for place in dialogues.PLACES.values()]
    for dialogue in made:
        own = dialogues.PLACES[dialogue.city][lang][0]
        assert own in dialogue.turns[0]
        assert not any(name in turn for name in names for turn in dialogue.turns[1:])
        assert dialogue.reply in dialogue.right
    assert {len(dialogue.turns) for dialogue in made} == set(dialogues.LENGTHS)
    assert Counter(dialogue.city for dialogue in made) == dict.fromkeys(dialogues.PLACES, 50)


def test_the_best_guess_from_the_last_turn_is_right_once_in_eight():
    """Whatever rule reads the last turn alone: its share of right replies, computed on all dialogues."""
    made = dialogues.make(4000, seed=2)
    right = defaultdict(Counter)
    for dialogue in made:
        for reply in dialogue.right:
            right[dialogue.turns[-1]][reply] += 1
    best = sum(max(counts.values()) for counts in right.values()) / len(made)
    assert 1 / 8 <= best < 0.15  # the best of 8 · 6 counted shares lies a little above 1/8


@pytest.mark.parametrize("lang", LANGUAGES)
def test_parts_are_apart_and_repeat(lang):
    test = dialogues.make(100, lang, seed=7)
    train = dialogues.make(500, lang, seed=8, apart_from=test)
    assert not {one.turns for one in test} & {one.turns for one in train}
    assert train == dialogues.make(500, lang, seed=8, apart_from=test)
    assert train != dialogues.make(500, lang, seed=9, apart_from=test)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_arrays_hold_the_texts(lang):
    made = dialogues.make(60, lang)
    vocabulary = dialogues.vocabulary(made, lang)
    found = dialogues.arrays(made, vocabulary)
    assert found.turns.shape[:2] == (60, 5) and found.reply_in.shape == found.reply_out.shape
    for i, dialogue in enumerate(made):
        for turn, row in zip(dialogue.turns, found.turns[i], strict=False):
            assert vocabulary.encode(turn) == row[row != PAD].tolist()
        assert not found.turns[i, len(dialogue.turns) :].any()
        assert found.reply_in[i, 0] == BOS and EOS in found.reply_out[i]
        assert found.reply_out[i, : np.argmax(found.reply_out[i] == EOS)].tolist() == vocabulary.encode(dialogue.reply)
    strange = dialogues.turn_array([["zzz" if lang == "en" else "☃"]], vocabulary, turns=2)
    assert strange.tolist() == [[[UNK], [PAD]]]


def test_wrong_arguments_say_so():
    made = dialogues.make(8)
    vocabulary = dialogues.vocabulary(made)
    for fault, call in {
        "lang must be": lambda: dialogues.make(3, "fr"),
        "at least 1": lambda: dialogues.make(0),
        "city must be": lambda: dialogues.right_replies("paris", "eat"),
        "question must be": lambda: dialogues.right_replies("kyoto", "drink"),
        "more than turns=1": lambda: dialogues.turn_array(made, vocabulary, turns=1),
        "at least one dialogue": lambda: dialogues.turn_array([], vocabulary),
        "at least one turn": lambda: dialogues.turn_array([[]], vocabulary),
        "is empty": lambda: dialogues.turn_array([["hello", ""]], vocabulary),
        "more than length=2": lambda: dialogues.turn_array(made, vocabulary, length=2),
    }.items():
        with pytest.raises(ValueError, match=fault):
            call()
    with pytest.raises(TypeError, match="whole number"):
        dialogues.make(2.5)
    with pytest.raises(TypeError, match="single text"):
        dialogues.turn_array(["how nice !"], vocabulary)


def test_a_part_that_leaves_nothing_over_is_refused(monkeypatch):
    monkeypatch.setattr(dialogues, "LENGTHS", (3,))  # 1,200 dialogues are possible
    everything = dialogues.make(20_000)
    with pytest.raises(ValueError, match="holds too many"):
        dialogues.make(5, seed=1, apart_from=everything)

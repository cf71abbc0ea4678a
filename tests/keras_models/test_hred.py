"""HRED: three RNNs that fit together, and replies that depend on the first turn."""

import keras
import numpy as np
import pytest
from keras import ops

from utils.keras_models import hred
from utils.keras_models.hred import HRED
from utils.text import decoding, dialogues, vocabulary
from utils.text.vocabulary import BOS, EOS, PAD

WORDS = 12


@pytest.fixture
def small():
    keras.utils.set_random_seed(0)
    return HRED(WORDS, embedding_dim=5, units=7)


def random_turns(rng, lengths):
    """One dialogue with turns of these lengths, (1, U, T)."""
    turns = np.zeros((1, len(lengths), max(lengths)), np.int32)
    for row, length in zip(turns[0], lengths, strict=True):
        row[:length] = rng.integers(4, WORDS, length)
    return turns


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def test_the_same_number_stands_for_padding():
    assert hred.PAD == vocabulary.PAD


def test_context_is_a_loop_over_turns_and_each_turn_a_loop_over_words(small):
    rng = np.random.default_rng(0)
    lengths = (3, 1, 4)
    turns = random_turns(rng, lengths)
    context = np.zeros((1, 7), np.float32)
    for turn, length in zip(turns[0], lengths, strict=True):
        state = np.zeros((1, 7), np.float32)
        for word in turn[:length]:
            state = small.utterance_rnn.cell(small.embedding(np.array([word])), [state])[0]
        context = small.context_rnn.cell(state, [context])[0]
    np.testing.assert_allclose(numbers(small.encode_context(turns)), numbers(context), atol=1e-6)


def test_padding_of_words_turns_and_replies_changes_nothing(small):
    rng = np.random.default_rng(1)
    turns = random_turns(rng, (2, 3))
    reply_in = np.array([[BOS, 5, 6]], np.int32)
    short = numbers(small((turns, reply_in)))
    padded = np.pad(turns, ((0, 0), (0, 2), (0, 4)))
    long = numbers(small((padded, np.pad(reply_in, ((0, 0), (0, 3))))))
    np.testing.assert_allclose(long[:, :3], short, atol=1e-6)


def test_dialogues_of_a_batch_do_not_mix(small):
    rng = np.random.default_rng(5)
    turns = np.concatenate([random_turns(rng, (2, 3, 1)) for _ in range(4)])
    together = numbers(small.encode_context(turns))
    alone = np.concatenate([numbers(small.encode_context(one[None])) for one in turns])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_every_turn_and_their_order_reach_the_reply(small):
    rng = np.random.default_rng(2)
    turns = random_turns(rng, (3, 3, 3))
    reply_in = np.array([[BOS, 5]], np.int32)
    before = numbers(small((turns, reply_in)))
    for turn in range(3):
        changed = turns.copy()
        changed[0, turn, 0] = 4 + (changed[0, turn, 0] - 3) % (WORDS - 4)
        assert np.abs(numbers(small((changed, reply_in))) - before).max() > 1e-3, turn
    assert np.abs(numbers(small((turns[:, [1, 0, 2]], reply_in))) - before).max() > 1e-3


def test_steps_give_what_teacher_forcing_gives(small):
    rng = np.random.default_rng(3)
    turns = np.concatenate([random_turns(rng, (2, 3)), random_turns(rng, (3, 1))])
    reply_in = np.array([[BOS, 5, 6, 7], [BOS, 8, 4, 9]], np.int32)
    expected = numbers(ops.log_softmax(small((turns, reply_in))))
    state = small.start(turns)
    for t in range(4):
        log_probs, state = small.step(reply_in[:, t], state)
        np.testing.assert_allclose(log_probs, expected[:, t], atol=1e-5)


def test_loss_is_the_log_probability_of_the_reply(small):
    rng = np.random.default_rng(4)
    turns = np.concatenate([random_turns(rng, (2, 3)), random_turns(rng, (3, 1))])
    reply_in = np.array([[BOS, 5, 6], [BOS, 8, PAD]], np.int32)
    reply_out = np.array([[5, 6, EOS], [8, EOS, PAD]], np.int32)
    losses = numbers(hred.reply_loss(reply_out, small((turns, reply_in))))
    by_steps = decoding.log_probability(small.step, small.start(turns), reply_out)
    np.testing.assert_allclose(losses, -by_steps, rtol=1e-5)
    small.compile()
    assert small.evaluate((turns, reply_in), reply_out, verbose=0) == pytest.approx(losses.mean(), rel=1e-5)


@pytest.mark.parametrize(
    "options", [dict(vocabulary_size=4), dict(vocabulary_size=9, units=0), dict(vocabulary_size=9, embedding_dim=-1)]
)
def test_sizes_are_checked(options):
    with pytest.raises(ValueError, match="must be at least"):
        HRED(**options)


def test_inputs_are_checked(small):
    turns, reply_in = np.ones((2, 3, 4), np.int32), np.ones((2, 3), np.int32)
    with pytest.raises(TypeError, match="pair"):
        small(turns)
    for fault, inputs in {
        r"turns must be \(N, U, T\)": (turns[0], reply_in),
        r"reply_in must be \(N, R\)": (turns, reply_in[0]),
        "as many dialogues": (turns, reply_in[:1]),
        "turns hold no word": (turns[:, :, :0], reply_in),
        "reply_in holds no word": (turns, reply_in[:, :0]),
    }.items():
        with pytest.raises(ValueError, match=fault):
            small((inputs[0], inputs[1]))
    with pytest.raises(ValueError, match="turns must be"):
        small.start(turns[0])


def right_share(model, turns, made, vocabulary):
    ids = decoding.greedy(model.step, model.start(turns), len(made), 12)
    said = [vocabulary.decode(row) for row in ids]
    return np.mean([text in one.right for text, one in zip(said, made, strict=True)]), said


def last_turns(turns):
    """Of every dialogue the last turn alone, (N, 1, T)."""
    count = (turns != PAD).any(axis=2).sum(axis=1)
    return turns[np.arange(len(turns)), count - 1][:, None]


def test_only_who_reads_the_first_turn_answers_right():
    test = dialogues.make(160, seed=100)
    train = dialogues.make(2000, seed=0, apart_from=test)
    words = dialogues.vocabulary(train)
    data, held_out = dialogues.arrays(train, words), dialogues.arrays(test, words)
    shares = {}
    for name, choose, epochs in (("all turns", lambda turns: turns, 6), ("the last turn", last_turns, 3)):
        keras.utils.set_random_seed(0)
        model = HRED(len(words))
        rate = keras.optimizers.schedules.CosineDecay(0.015, epochs * 32)  # a constant rate fails with one seed of five
        model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0))
        model.fit((choose(data.turns), data.reply_in), data.reply_out, batch_size=64, epochs=epochs, verbose=0)
        shares[name], said = right_share(model, choose(held_out.turns), test, words)
        if name == "all turns":
            trained = model
    assert shares["all turns"] > 0.95
    assert shares["the last turn"] <= 0.15  # cities are equally frequent: chance is 1/8
    first = [["i have a ticket to kyoto !"], ["i have a ticket to naha !"]]
    rest = ["lucky you .", "what should i eat there ?"]
    _, (kyoto, naha) = right_share(
        trained, dialogues.turn_array([one + rest for one in first], words, length=held_out.turns.shape[2]),
        test[:2], words,
    )  # fmt: skip
    assert kyoto in dialogues.right_replies("kyoto", "eat") and naha in dialogues.right_replies("naha", "eat")

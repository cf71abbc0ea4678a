"""Decoding against the search over all sentences: a small random model whose every sentence can be scored."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.text import decoding
from utils.text.vocabulary import BOS, EOS, PAD

V, LENGTH = 6, 4  # EOS, UNK and two more tokens can be written


def log_softmax(logits):
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


class Model:
    """P(next | the two tokens before, source, step).

    The state is (number of the source (N, 1), (steps so far (N,), the token before the last one (N,))): the rows of a
    beam differ in it.
    """

    def __init__(self, seed, sources=3, sharpness=1.5):
        rng = np.random.default_rng(seed)
        logits = sharpness * rng.standard_normal((sources, LENGTH + 1, V, V, V))
        logits[..., [PAD, BOS]] = -np.inf
        self.table = log_softmax(logits)
        self.state = self.start(np.arange(sources))

    def start(self, sources):
        return sources[:, None], (np.zeros(len(sources), int), np.full(len(sources), PAD))

    def step(self, ids, state):
        source, (steps, before) = state
        return self.table[source[:, 0], steps, before, ids], (source, (steps + 1, ids))

    def log_prob(self, source, ids):
        whole = [PAD, BOS, *ids]
        return sum(
            self.table[source, t, a, b, c] for t, (a, b, c) in enumerate(zip(whole, whole[1:], whole[2:], strict=False))
        )


def all_sentences(length):
    """All complete sentences of at most `length` tokens."""
    for n in range(length):
        for tokens in itertools.product(range(EOS + 1, V), repeat=n):
            yield (*tokens, EOS)


seeds = st.integers(0, 10**6)


@given(seeds)
def test_greedy_takes_the_best_token_at_every_step(seed):
    model = Model(seed)
    written = decoding.greedy(model.step, model.state, 3, LENGTH)
    assert written.dtype == np.int32 and written.shape[1] <= LENGTH
    for source, row in enumerate(written):
        before, last, ended = PAD, BOS, False
        for t, token in enumerate(row):
            expected = PAD if ended else int(np.argmax(model.table[source, t, before, last]))
            assert token == expected
            before, last, ended = last, token, ended or token == EOS


@given(seeds)
def test_beam_of_width_one_is_greedy(seed):
    model = Model(seed)
    written = decoding.greedy(model.step, model.state, 3, LENGTH)
    for row, found in zip(written, decoding.beam(model.step, model.state, 1, LENGTH), strict=True):
        assert [hypothesis.ids for hypothesis in found] == [tuple(row[row != PAD])]


@settings(max_examples=30, deadline=None)
@given(seeds, st.sampled_from([0.0, 0.6, 1.0]))
def test_a_beam_wide_enough_finds_the_best_of_all_sentences(seed, alpha):
    model = Model(seed, sources=2)
    sentences = list(all_sentences(LENGTH))
    for source, found in enumerate(decoding.beam(model.step, model.state, 120, LENGTH, length_penalty=alpha)):

        def score(ids, source=source):
            return model.log_prob(source, ids) / ((5 + len(ids)) / 6) ** alpha

        complete = [h for h in found if h.ids[-1] == EOS]
        assert {h.ids for h in complete} == set(sentences)
        assert complete == found[: len(complete)]  # complete ones first
        assert complete[0].ids == max(sentences, key=score)
        for hypothesis in complete[:20]:
            assert hypothesis.log_prob == pytest.approx(model.log_prob(source, hypothesis.ids))
            assert hypothesis.score == pytest.approx(score(hypothesis.ids))
        assert [h.score for h in complete] == sorted((h.score for h in complete), reverse=True)


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(1, 5), st.sampled_from([0.0, 1.0]))
def test_beam_keeps_what_a_plain_search_keeps(seed, width, alpha):
    """The definition, sentence by sentence and with lists."""
    model = Model(seed)
    for source, found in enumerate(decoding.beam(model.step, model.state, width, LENGTH, alpha)):
        alive, complete = [()], []
        for _ in range(LENGTH):
            longer = [(*ids, token) for ids in alive for token in range(EOS, V)]
            kept = sorted(longer, key=lambda ids: -model.log_prob(source, ids))[:width]
            complete += [ids for ids in kept if ids[-1] == EOS]
            alive = [ids for ids in kept if ids[-1] != EOS]

        def score(ids, source=source):
            return model.log_prob(source, ids) / ((5 + len(ids)) / 6) ** alpha

        expected = sorted(complete, key=score, reverse=True) + sorted(alive, key=score, reverse=True)
        assert [h.ids for h in found] == expected[:width]


def test_sources_in_a_batch_do_not_see_each_other():
    model = Model(5)
    together = decoding.beam(model.step, model.state, 3, LENGTH)
    for source in range(3):
        alone = model.start(np.array([source]))
        assert decoding.beam(model.step, alone, 3, LENGTH) == [together[source]]


def test_samples_follow_the_probabilities():
    model = Model(1, sources=1)
    many = model.start(np.zeros(20_000, int))
    for temperature in (0.5, 1.0, 2.0):
        written = decoding.sample(model.step, many, 20_000, 1, temperature, np.random.default_rng(0))
        expected = np.exp(log_softmax(model.table[0, 0, PAD, BOS] / temperature))
        shares = np.bincount(written[:, 0], minlength=V) / 20_000
        assert np.abs(shares - expected).max() < 0.015
        assert shares[PAD] == shares[BOS] == 0


def test_a_cold_sample_is_greedy_and_a_seed_repeats():
    model = Model(2)
    cold = decoding.sample(model.step, model.state, 3, LENGTH, 1e-4)
    assert np.array_equal(cold, decoding.greedy(model.step, model.state, 3, LENGTH))
    first, again = (decoding.sample(model.step, model.state, 3, LENGTH, 1.0, np.random.default_rng(7)) for _ in "ab")
    assert np.array_equal(first, again)


def test_nothing_after_the_end():
    model = Model(3)
    written = decoding.sample(model.step, model.state, 3, LENGTH, 1.0, np.random.default_rng(1))
    for row in written:
        if EOS in row:
            assert np.all(row[list(row).index(EOS) + 1 :] == PAD)


def test_pad_and_bos_are_never_written():
    def step(ids, state):
        log_probs = np.full((len(ids), V), -5.0)
        log_probs[:, [PAD, BOS]] = -0.1
        log_probs[:, EOS] = -4.0
        return log_probs, state

    state = np.zeros((2, 1))
    assert decoding.greedy(step, state, 2, 3).tolist() == [[EOS], [EOS]]
    assert decoding.beam(step, state, 1, 3)[0][0].ids == (EOS,)


def test_log_probability_adds_the_tokens_and_skips_the_padding():
    model = Model(4)
    written = decoding.sample(model.step, model.state, 3, LENGTH, 1.0, np.random.default_rng(0))
    found = decoding.log_probability(model.step, model.state, written)
    assert found == pytest.approx([model.log_prob(s, row[row != PAD]) for s, row in enumerate(written)])


def test_length_penalty_of_wu_et_al():
    assert decoding.length_factor(1, 0.6) == 1  # one token is not penalized
    assert decoding.length_factor(7, 1.0) == 2
    assert decoding.length_factor(13, 0.0) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: decoding.greedy(m.step, m.state, 3, 0), ValueError, "max_length must be at least 1"),
        (lambda m: decoding.greedy(m.step, m.state, 2.0, 3), TypeError, "batch must be a whole number"),
        (lambda m: decoding.greedy(m.step, m.state, 2, 3), ValueError, r"batch of 2.*got shape \(3, 1\)"),
        (lambda m: decoding.greedy(lambda i, s: (m.table[0, 0, 0], s), m.state, 3, 3), ValueError, r"shape \(3, V\)"),
        (lambda m: decoding.beam(m.step, (np.zeros(2), np.zeros(3)), 2, 3), ValueError, "batch of 2"),
        (lambda m: decoding.log_probability(m.step, m.state, np.full((2, 2), 4)), ValueError, "batch of 2"),
        (lambda m: decoding.beam(m.step, m.state, 0, 3), ValueError, "width must be at least 1"),
        (lambda m: decoding.beam(m.step, (), 2, 3), ValueError, "holds no array"),
        (lambda m: decoding.beam(m.step, (3,), 2, 3), ValueError, "as its first axis, got shape"),
        (lambda m: decoding.beam(m.step, m.state, 2, 3, -0.5), ValueError, "length_penalty must be 0 or more"),
        (lambda m: decoding.sample(m.step, m.state, 3, 3, 0), ValueError, "use greedy"),
        (lambda m: decoding.sample(m.step, m.state, 3, 3, -1), ValueError, "above 0"),
        (lambda m: decoding.greedy(lambda i, s: m.table[0, 0, 0, i], m.state, 3, 3), TypeError, "must return the pair"),
        (lambda m: decoding.greedy(lambda i, s: (np.ones((3, V)), s), m.state, 3, 3), ValueError, "log_softmax"),
        (lambda m: decoding.greedy(lambda i, s: (np.full((3, V), np.nan), s), m.state, 3, 3), ValueError, "0 or less"),
        (lambda m: decoding.log_probability(m.step, m.state, [4, 5]), ValueError, r"\(N, T\)"),
    ],
)
def test_errors_say_what_to_do(call, error, message):
    with pytest.raises(error, match=message):
        call(Model(0))

"""Writing a sentence token by token with a decoder that gives the next token's probabilities.

All functions take `step(ids, state) -> (log_probs, state)`: from the last tokens (N,) and the decoder's state to the
logarithms of the next token's probabilities (N, V) and the new state. A state is an array with the batch first, or a
(nested) tuple of such arrays. They start from BOS, never write PAD or BOS, and end a row after its EOS.
"""

from typing import NamedTuple

import numpy as np

from utils.numpy_layers.checks import positive_int
from utils.text.vocabulary import BOS, EOS, PAD, SPECIAL


class Hypothesis(NamedTuple):
    """One sentence that beam search has found.

    ids: the tokens, EOS included where it came. log_prob: sum of their log-probabilities. score: log_prob divided by
    the length penalty.
    """

    ids: tuple[int, ...]
    log_prob: float
    score: float


def greedy(step, state, batch, max_length):
    """The most probable token at every step.

    Args:
        step, state: see the module; the state of `batch` sentences.
        batch: number of sentences N.
        max_length: at most so many tokens a sentence, EOS included.

    Returns:
        (N, L) int32 with L ≤ max_length: tokens without BOS, PAD after EOS. A row without EOS was cut off.

    Raises:
        TypeError, ValueError: if `step` does not return log-probabilities (N, V), or a number is out of range.
    """
    return _write(step, state, batch, max_length, lambda log_probs: np.argmax(log_probs, axis=1))


def sample(step, state, batch, max_length, temperature=1.0, rng=None):
    """A random token at every step, drawn from softmax(log_probs / temperature).

    Args:
        step, state, batch, max_length: as in `greedy`.
        temperature: 1 draws from the model's own probabilities; smaller is bolder (towards greedy), larger flatter.
        rng: NumPy Generator; None for one with seed 0.

    Returns:
        as `greedy`.

    Raises:
        ValueError: also if temperature is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be above 0, got {temperature}; for the most probable token use greedy")
    rng = np.random.default_rng(0) if rng is None else rng

    def draw(log_probs):
        heat = (log_probs - log_probs.max(axis=1, keepdims=True)) / temperature
        cumulative = np.cumsum(np.exp(heat), axis=1)
        # As many sums as lie at or below u · total: the number of the interval that u falls into.
        return np.sum(cumulative <= rng.random((len(heat), 1)) * cumulative[:, -1:], axis=1)

    return _write(step, state, batch, max_length, draw)


def beam(step, state, width, max_length, length_penalty=0.0):
    """Beam search: keep the `width` most probable beginnings at every step (Sutskever et al. 2014, §3.2).

    A beginning that EOS completes leaves the beam and is kept aside. The search of a sentence ends when nothing in its
    beam can come among the `width` best complete ones any more: a log-probability only falls. With width 1 and no
    length penalty this is greedy search.

    Args:
        step: see the module.
        state: of N sentences; each gets a beam of its own.
        width: number of beginnings kept.
        max_length: at most so many tokens a sentence, EOS included.
        length_penalty: α of Wu et al. (2016), eq. 14: score = log_prob / ((5 + length) / 6)^α, length with EOS.
            At least 0, which compares plain log-probabilities and so favours short sentences.

    Returns:
        list of N lists of up to `width` `Hypothesis`, best score first. Sentences that max_length cut off come last.

    Raises:
        TypeError, ValueError: as `greedy`; also if the state holds no array.
    """
    width, max_length = positive_int("width", width), positive_int("max_length", max_length)
    if not length_penalty >= 0:
        raise ValueError(f"length_penalty must be 0 or more, got {length_penalty}")
    batch = len(_first(state))
    _check_batch(state, batch)
    rows = np.repeat(np.arange(batch), width)
    state = _take(state, rows)
    ids = np.full(batch * width, BOS, np.int32)
    log_prob = np.full((batch, width), -np.inf)
    log_prob[:, 0] = 0  # at first all beginnings are the same: one is enough
    begun = np.zeros((batch, width, 0), np.int32)
    found = [[] for _ in range(batch)]
    for _ in range(max_length):
        log_probs, state = _checked(step(ids, state), batch * width)
        total = (log_prob[:, :, None] + log_probs.reshape(batch, width, -1)).reshape(batch, -1)
        best = _largest(total, width)
        log_prob = np.take_along_axis(total, best, axis=1)
        if best.shape[1] < width:  # fewer candidates than places: fill with dead ones
            missing = width - best.shape[1]
            best = np.pad(best, ((0, 0), (0, missing)))
            log_prob = np.pad(log_prob, ((0, 0), (0, missing)), constant_values=-np.inf)
        parent, token = np.divmod(best, log_probs.shape[1])
        begun = np.concatenate([np.take_along_axis(begun, parent[:, :, None], axis=1), token[:, :, None]], axis=2)
        for i, j in np.argwhere((token == EOS) & np.isfinite(log_prob)):
            found[i].append(_hypothesis(begun[i, j], log_prob[i, j], length_penalty))
        log_prob = np.where(token == EOS, -np.inf, log_prob)
        for i in range(batch):  # the best that a beginning can still become: nothing more lost, the longest length
            found[i] = sorted(found[i], key=lambda hypothesis: -hypothesis.score)[:width]
            best_to_come = log_prob[i].max() / length_factor(max_length, length_penalty)
            if len(found[i]) == width and best_to_come <= found[i][-1].score:
                log_prob[i] = -np.inf
        if not np.isfinite(log_prob).any():
            break
        ids = token.ravel().astype(np.int32)
        state = _take(state, (np.arange(batch)[:, None] * width + parent).ravel())
    for i in range(batch):
        cut = [_hypothesis(begun[i, j], log_prob[i, j], length_penalty) for j in range(width)]
        found[i] += sorted((h for h in cut if np.isfinite(h.log_prob)), key=lambda hypothesis: -hypothesis.score)
    return [hypotheses[:width] for hypotheses in found]


def length_factor(length, alpha):
    """lp(Y) of Wu et al. (2016), eq. 14: ((5 + length) / (5 + 1))^α."""
    return ((5 + length) / 6) ** alpha


def log_probability(step, state, ids):
    """log P of given sentences, (N,): the sum over their tokens, PAD left out.

    Args:
        step, state: see the module; the state of N sentences.
        ids: (N, T) tokens without BOS, as `greedy` returns them.

    Raises:
        TypeError, ValueError: as `greedy`; also if `ids` are no whole numbers (N, T).
    """
    ids = np.asarray(ids)
    if ids.ndim != 2 or ids.dtype.kind not in "iu":
        raise ValueError(f"ids must be whole numbers (N, T), got {ids.dtype} of shape {ids.shape}")
    _check_batch(state, len(ids))
    last, total = np.full(len(ids), BOS, np.int32), np.zeros(len(ids))
    for token in ids.T:
        log_probs, state = _checked(step(last, state), len(ids))
        total += np.where(token == PAD, 0, log_probs[np.arange(len(ids)), token])
        last = token.astype(np.int32)
    return total


def _write(step, state, batch, max_length, choose):
    batch, max_length = positive_int("batch", batch), positive_int("max_length", max_length)
    _check_batch(state, batch)
    last, written, ended = np.full(batch, BOS, np.int32), [], np.zeros(batch, bool)
    for _ in range(max_length):
        log_probs, state = _checked(step(last, state), batch)
        last = np.where(ended, PAD, choose(log_probs)).astype(np.int32)
        written.append(last)
        ended |= last == EOS
        if ended.all():
            break
    return np.stack(written, axis=1)


def _checked(result, rows):
    """What `step` returned, PAD and BOS made impossible."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"step(ids, state) must return the pair (log_probs, state), got {type(result).__name__}")
    log_probs, state = np.array(result[0], dtype=np.float64), result[1]
    if log_probs.ndim != 2 or len(log_probs) != rows or log_probs.shape[1] < len(SPECIAL):
        raise ValueError(f"step must return log_probs of shape ({rows}, V), V at least 4; got {log_probs.shape}")
    if not np.all(log_probs <= 1e-3):  # NaN too
        raise ValueError("step must return log-probabilities (0 or less): pass logits through log_softmax")
    log_probs[:, [PAD, BOS]] = -np.inf
    return log_probs, state


def _largest(total, width):
    """Places of the `width` largest numbers of each row, the largest first."""
    if total.shape[1] > width:  # sorting a few instead of all saves most of the time
        few = np.sort(np.argpartition(-total, width - 1, axis=1)[:, :width], axis=1)
    else:
        few = np.broadcast_to(np.arange(total.shape[1]), total.shape)
    order = np.argsort(-np.take_along_axis(total, few, axis=1), axis=1, kind="stable")
    return np.take_along_axis(few, order, axis=1)


def _hypothesis(ids, log_prob, alpha):
    return Hypothesis(tuple(int(i) for i in ids), float(log_prob), float(log_prob / length_factor(len(ids), alpha)))


def _take(state, rows):
    """The given rows of every array of a state."""
    if isinstance(state, tuple | list):
        return tuple(_take(part, rows) for part in state)
    return np.asarray(state)[rows]


def _first(state):
    """The first array of a state."""
    while isinstance(state, tuple | list):
        if not state:
            raise ValueError("the state holds no array; beam search reads the number of sentences from it")
        state = state[0]
    return np.atleast_1d(state)


def _check_batch(state, batch):
    """Every array of the state is of `batch` sentences."""
    if isinstance(state, tuple | list):
        for part in state:
            _check_batch(part, batch)
    elif np.shape(state)[:1] != (batch,):
        raise ValueError(
            f"every array of the state must have the batch of {batch} as its first axis, got shape {np.shape(state)}"
        )

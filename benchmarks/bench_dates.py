"""Time to 99 % exact match: reading dates in sixteen spellings, English and Japanese, and writing them as ISO 8601.

50,000 pairs to learn from; the 2,000 pairs that are counted are of dates that no training pair spells. A GRU
encoder–decoder with dot-product attention (float32, 64 units) is trained as in chapter 11. The clock runs from the
first batch on, the building of the graph included and the counting excluded, and stops at the first count of 99 % or
more, four a pass over the data. The goal is a time, 60 seconds on two cores. The peer is the same network without
attention (one vector of 64 numbers from encoder to decoder) in as many steps; how far it came is in its name.
"""

import time

import numpy as np

from benchmarks.timing import Row
from utils import runtime
from utils.text import batches, dates
from utils.text.vocabulary import Vocabulary

PAIRS, UNITS, EMBEDDING, BATCH, EPOCHS, RATE = 50_000, 64, 32, 96, 2, 6e-3
TARGET, SECONDS = 0.99, 60.0


def rows():
    """Lines of the table of ratios (see `timing.Row`)."""
    runtime.setup()
    data, sizes = load()
    ours, steps, reached = train("dot", data, sizes)
    peer, _, left = train(None, data, sizes, steps)
    work = f"dates: {PAIRS:,} pairs, {steps} steps"
    return [
        Row(f"{work}, exact match {reached:.1%}", ours, "the goal: 60 s", SECONDS, ours / SECONDS, 1.0),
        Row(work, ours, f"no attention: {left:.1%} after as many steps", peer, ours / peer),
    ]


def load():
    """((source, decoder_in, decoder_out) to train, the same of held-out dates), and the sizes of both vocabularies."""
    parts = [dates.date_pairs(PAIRS, "both"), dates.date_pairs(2000, "both", seed=1, part="test")]
    reads, writes = (Vocabulary.from_texts(texts) for texts in parts[0])
    length = max(len(text) for text in parts[0][0])
    data = [
        (
            batches.pad([reads.encode(text) for text in texts], length),
            *batches.teacher_forcing(batches.pad([writes.encode(text, bos=True, eos=True) for text in iso])),
        )
        for texts, iso in parts
    ]
    return data, (len(reads), len(writes))


def train(attention, data, sizes, steps=None):
    """Train to the target, or for a number of steps.

    Returns:
        (seconds, steps, exact match at the end).
    """
    import keras

    from utils.keras_models.attention_seq2seq import AttentionSeq2Seq
    from utils.keras_models.seq2seq import Seq2Seq

    (source, decoder_in, decoder_out), held = data
    keras.utils.set_random_seed(0)
    if attention is None:
        model = Seq2Seq(*sizes, UNITS, EMBEDDING, cell="gru")
    else:
        model = AttentionSeq2Seq(*sizes, UNITS, EMBEDDING, attention)
    model((source[:2], decoder_in[:2]))
    a_pass = -(-PAIRS // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * a_pass, alpha=0.02)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), loss, jit_compile=False)
    seconds, done, reached = 0.0, 0, 0.0
    for epoch in range(EPOCHS):
        order = np.random.default_rng(epoch).permutation(PAIRS)
        for quarter in quarters(order):
            start = time.perf_counter()
            for chosen in quarter:
                model.train_on_batch((source[chosen], decoder_in[chosen]), decoder_out[chosen])
                done += 1
                if done == steps:
                    break
            seconds += time.perf_counter() - start
            reached = exact_match(model, *held)
            if done == steps or (steps is None and reached >= TARGET):
                return seconds, done, reached
    return seconds, done, reached


def quarters(order):
    """The batches of one pass in four parts."""
    chunks = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    return [chunks[i::4] for i in range(4)]


def exact_match(model, source, decoder_in, decoder_out):
    """Share of dates with all characters right. Under teacher forcing this is what greedy decoding reaches."""
    right = [
        np.all(np.argmax(model((source[i : i + 500], decoder_in[i : i + 500])), axis=-1) == decoder_out[i : i + 500], 1)
        for i in range(0, len(source), 500)
    ]
    return float(np.mean(np.concatenate(right)))

"""VHRED (and in it HRED) on another backend: the same answer from the same weights, and training that learns.

KERAS_BACKEND=jax python -m tests.keras_models.dialogue_worker FOLDER
"""

import sys
from pathlib import Path

import numpy as np


def main(folder):
    import keras

    from utils.keras_models.vhred import VHRED

    given = np.load(Path(folder) / "given.npz")
    turns, reply_in = given["turns"], given["reply_in"]
    model = VHRED(12, embedding_dim=5, units=7, latent_dim=3, annealing=10)
    with np.load(Path(folder) / "weights.npz") as stored:
        for weight, name in zip(model.trainable_weights, stored.files, strict=True):
            weight.assign(stored[name])
    found, _ = model.step(reply_in[:, 0], model.start(turns, np.zeros((4, 3))))
    same = np.abs(found - given["expected"]).max() < 1e-5
    model.compile(keras.optimizers.Adam(0.02))
    reply_out = np.concatenate([reply_in[:, 1:], np.full((4, 1), 2, np.int32)], axis=1)
    history = model.fit((turns, reply_in), reply_out, epochs=12, batch_size=4, verbose=0).history
    learned = history["reconstruction"][-1] < history["reconstruction"][0] - 1
    annealed = np.allclose(history["beta"], np.minimum(np.arange(1, 13) / 10, 1))
    print(keras.backend.backend(), "same" if same else found, "learned" if learned and annealed else history)


if __name__ == "__main__":
    main(sys.argv[1])

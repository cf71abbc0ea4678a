"""Embedding, CBOW's mean and negative sampling against Keras with the same weights: one step of gradient descent.

With learning rate 1 a step of SGD subtracts the gradient itself, on every backend and for sparse gradients too.
"""

import numpy as np
import pytest

from utils.gradient_check import keras_gradients, relative_error
from utils.numpy_layers.embedding import Embedding
from utils.numpy_layers.masked_mean import MaskedMean
from utils.numpy_layers.negative_sampling import NegativeSampling

V, D, N, K = 7, 4, 6, 5


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def build(keras, cbow):
    """Words in, candidates in -> scores of the candidates; the loss sums over them and averages over the batch."""
    words, candidates = keras.Input((3,) if cbow else (), dtype="int32"), keras.Input((1 + K,), dtype="int32")
    h = keras.layers.Embedding(V, D, mask_zero=cbow, name="v")(words)
    if cbow:
        h = keras.layers.GlobalAveragePooling1D()(h)
    scores = keras.layers.Dot(axes=(2, 1))([keras.layers.Embedding(V, D, name="v_out")(candidates), h])
    model = keras.Model([words, candidates], scores)

    def loss(labels, scores):
        return keras.ops.sum(keras.ops.binary_crossentropy(labels, scores, from_logits=True), axis=-1)

    model.compile(keras.optimizers.SGD(1.0), loss, jit_compile=False)
    return model


@pytest.mark.parametrize("cbow", [False, True])
def test_one_step(keras, cbow):
    rng = np.random.default_rng(0)
    table, out = (rng.standard_normal((V, D)).astype("float32") for _ in range(2))
    words = np.array([[1, 2, 3], [4, 4, 0], [5, 0, 0], [1, 6, 2], [1, 1, 1], [2, 0, 0]], "int32")
    words = words if cbow else words[:, 0]
    targets, negatives = rng.integers(1, V, N), rng.integers(1, V, (N, K))

    embedding, mean, loss_layer = Embedding(V, D, mask_zero=cbow), MaskedMean(), NegativeSampling(V, D)
    embedding.params["embeddings"], loss_layer.params["embeddings"] = table, out
    h = embedding.forward(words)
    h = mean.forward(h, embedding.compute_mask(words)) if cbow else h
    loss = loss_layer.forward(h, targets, negatives)
    dh = loss_layer.backward()
    embedding.backward(mean.backward(dh) if cbow else dh)

    model = build(keras, cbow)
    model.get_layer("v").set_weights([table])
    model.get_layer("v_out").set_weights([out])
    labels = np.eye(1, 1 + K, dtype="float32").repeat(N, axis=0)
    keras_loss = model.train_on_batch([words, np.column_stack([targets, negatives])], labels)
    assert loss == pytest.approx(float(np.squeeze(keras_loss)), rel=1e-5)
    for ours, name, before in ((embedding, "v", table), (loss_layer, "v_out", out)):
        step = before - model.get_layer(name).get_weights()[0]
        assert relative_error(ours.grads["embeddings"], step) < 1e-5, name


def test_masked_mean(keras):
    rng = np.random.default_rng(1)
    x, dy = rng.standard_normal((2, 3, 4)).astype("float32"), rng.standard_normal((2, 4)).astype("float32")
    mask = np.array([[True, False, True], [True, False, False]])

    class Masked(keras.layers.Layer):
        def call(self, x):
            return keras.layers.GlobalAveragePooling1D()(x, mask=keras.ops.array(mask))

    y, dx, _ = keras_gradients(Masked(), x, dy)
    layer = MaskedMean()
    assert relative_error(layer.forward(x, mask), y) < 1e-6
    assert relative_error(layer.backward(dy), dx) < 1e-6


def test_embedding_first_table_and_mask(keras):
    theirs = keras.layers.Embedding(50, 20, mask_zero=True)
    ids = np.array([[3, 0], [0, 1]])
    theirs(ids)
    ours = Embedding(50, 20, mask_zero=True)
    for table in (np.asarray(theirs.embeddings), ours.params["embeddings"]):
        assert 0.045 < table.max() < 0.05 and -0.05 < table.min() < -0.045
    assert np.array_equal(np.asarray(theirs.compute_mask(ids)), ours.compute_mask(ids))
    ours.params["embeddings"] = np.asarray(theirs.embeddings)
    assert np.array_equal(np.asarray(theirs(ids)), ours.forward(ids))  # mask_zero does not change the output

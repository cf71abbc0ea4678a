"""Multi-head attention, blocks and the whole Transformer against Keras with the same weights: outputs, gradients."""

import numpy as np
import pytest

from utils.gradient_check import keras_gradients, relative_error
from utils.numpy_layers import masks
from utils.numpy_layers.multi_head_attention import MultiHeadAttention
from utils.numpy_layers.transformer import Transformer

REAL = np.array([[True] * 6, [True] * 4 + [False] * 2, [True] + [False] * 5])


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def random(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def shake(layer, seed=5):
    rng = np.random.default_rng(seed)
    for value in layer.params.values():
        value += rng.uniform(-0.2, 0.2, value.shape).astype(value.dtype)
    return layer


def masked(keras, layer, **options):
    """The layer as a function of its arrays alone, its masks fixed, so that `keras_gradients` can call it."""

    class Masked(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layer

        def call(self, arrays):
            return self.inner(*arrays, **options)

    return Masked()


@pytest.mark.parametrize("mask", [None, "padding", "causal", "both", "random"])
@pytest.mark.parametrize("arrays", [1, 2, 3])
def test_multi_head_attention(keras, arrays, mask):
    ours = shake(MultiHeadAttention(8, 4, 12, value_dim=5, source_dim=12 if arrays == 1 else 7))
    theirs = keras.layers.MultiHeadAttention(8, 4, value_dim=5)
    T = 6 if arrays == 1 else 5
    given = [random(3, T, 12), random(3, 6, 7, seed=1), random(3, 6, 7, seed=2)][:arrays]
    theirs.build(given[0].shape, given[min(1, arrays - 1)].shape)
    theirs.set_weights(list(ours.params.values()))
    options = {}
    if mask in ("padding", "both"):
        options["attention_mask"] = masks.padding(REAL)
    if mask in ("causal", "both"):
        options["use_causal_mask"] = True
    if mask == "random":
        options["attention_mask"] = (random(3, T, 6, seed=3) > 0) | np.eye(T, 6, dtype=bool)
    y = ours.forward(*given, **options)
    dy = random(*y.shape, seed=4)
    d_given = ours.backward(dy)
    fed = [given[0], given[0]] if arrays == 1 else given
    keras_y, keras_d, keras_dw = keras_gradients(masked(keras, theirs, **options), fed, dy)
    assert relative_error(y, keras_y) < 1e-5
    if arrays == 1:
        d_given, keras_d = [d_given], [keras_d[0] + keras_d[1]]
    for mine, other in zip(d_given, keras_d, strict=True):
        assert relative_error(mine, other) < 1e-5
    for name, other in zip(ours.params, keras_dw, strict=True):
        assert relative_error(ours.grads[name], other) < 1e-5, name


def test_attention_weights_and_count(keras):
    ours = shake(MultiHeadAttention(8, 64, 512))
    theirs = keras.layers.MultiHeadAttention(8, 64)
    x = random(1, 5, 512)
    theirs.build(x.shape, x.shape)
    theirs.set_weights(list(ours.params.values()))
    assert theirs.count_params() == sum(p.size for p in ours.params.values()) == 4 * (512 * 512 + 512)
    ours.forward(x, use_causal_mask=True)
    _, scores = theirs(x, x, use_causal_mask=True, return_attention_scores=True)
    assert relative_error(ours.weights, np.asarray(scores)) < 1e-5


@pytest.mark.parametrize("norm", ["post", "pre"])
def test_the_whole_transformer(keras, norm):
    """Embeddings, encoder, decoder, masks, logits: one weight list, one set of outputs and gradients."""
    from utils.keras_models.transformer import Transformer as KerasTransformer

    sizes = {"d_model": 16, "num_heads": 4, "d_ff": 24, "blocks": 2, "norm": norm}
    ours = shake(Transformer(11, 9, 7, rng=np.random.default_rng(0), **sizes))
    theirs = KerasTransformer(11, 9, 7, dropout=0.0, **sizes)
    assert [tuple(w.shape) for w in theirs.trainable_weights] == [p.shape for p in ours.params.values()]
    for weight, value in zip(theirs.trainable_weights, ours.params.values(), strict=True):
        weight.assign(value)
    source, target = np.array([[3, 10, 4, 2, 5], [1, 2, 0, 0, 0]]), np.array([[1, 5, 8, 8], [1, 2, 0, 0]])

    class OfIds(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = theirs

        def call(self, nothing):
            return self.inner([source, target]) + 0 * nothing

    y = ours.forward(source, target)
    dy = random(*y.shape, seed=4)
    ours.backward(dy)
    keras_y, _, keras_dw = keras_gradients(OfIds(), np.zeros((1, 1, 1), "float32"), dy)
    assert relative_error(y, keras_y) < 1e-5
    for name, other in zip(ours.params, keras_dw, strict=True):
        assert relative_error(ours.grads[name], other) < 1e-5, name

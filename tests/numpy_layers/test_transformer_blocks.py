"""Feed-forward network, encoder and decoder block, and the whole Transformer: numerical gradients, leaks, errors."""

import numpy as np
import pytest

from utils.gradient_check import check_layer, numerical_gradient, relative_error
from utils.numpy_layers import masks
from utils.numpy_layers.feed_forward import FeedForward
from utils.numpy_layers.transformer import Transformer
from utils.numpy_layers.transformer_blocks import DecoderBlock, EncoderBlock

NORMS = pytest.mark.parametrize("norm", ["post", "pre"])


def random(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape)


def shaken(layer, seed=3):
    """The layer with no parameter at 0 or 1, so that none can be forgotten unseen."""
    rng = np.random.default_rng(seed)
    for value in layer.params.values():
        value += rng.uniform(-0.3, 0.3, value.shape)
    return layer


def encoder(norm="post"):
    return shaken(EncoderBlock(4, 2, 6, norm, "float64"))


def decoder(norm="post"):
    return shaken(DecoderBlock(4, 2, 6, norm, "float64"))


def model(norm="post", blocks=2):
    rng = np.random.default_rng(0)
    return shaken(Transformer(7, 6, 8, 4, 2, 5, blocks, norm, "float64", rng))


def test_feed_forward_by_hand_and_alike_at_every_position():
    ffn, x = shaken(FeedForward(4, 6, "float64")), random(2, 5, 4)
    w1, b1, w2, b2 = ffn.params.values()
    np.testing.assert_allclose(ffn.forward(x), np.maximum(x @ w1 + b1, 0) @ w2 + b2, rtol=1e-12)
    np.testing.assert_allclose(ffn.forward(x)[:, 2:3], ffn.forward(x[:, 2:3]), rtol=1e-12)
    assert max(check_layer(ffn, x).values()) < 1e-6


@NORMS
def test_gradients_of_the_encoder_block(norm):
    errors = check_layer(encoder(norm), random(2, 3, 4))
    assert len(errors) == 1 + 8 + 4 + 4
    assert max(errors.values()) < 1e-6, errors


@NORMS
def test_gradients_of_the_decoder_block(norm):
    block, x, memory, dy = decoder(norm), random(2, 3, 4), random(2, 5, 4, seed=2), random(2, 3, 4, seed=3)
    real = masks.padding(np.array([[True] * 5, [True] * 3 + [False] * 2]))

    def loss():
        return float(np.sum(dy * block.forward(x, memory, memory_mask=real)))

    loss()
    dx, d_memory = block.backward(dy)
    assert (d_memory[1, 3:] == 0).all()  # padding: nobody looked there
    analytic = {"x": dx, "memory": d_memory, **block.grads}
    for name, array in {"x": x, "memory": memory, **block.params}.items():
        assert relative_error(analytic[name], numerical_gradient(loss, array)) < 1e-6, name


@NORMS
def test_gradients_of_the_whole_transformer(norm):
    net = model(norm)
    source, target = np.array([[1, 3, 2, 0], [4, 4, 6, 5]]), np.array([[1, 2, 2], [1, 5, 3]])
    dy = random(2, 3, 6)

    def loss():
        return float(np.sum(dy * net.forward(source, target)))

    loss()
    net.backward(dy)
    assert set(net.grads) == set(net.params)
    for name, array in net.params.items():
        assert relative_error(net.grads[name], numerical_gradient(loss, array)) < 1e-6, name


def test_post_norm_ends_in_normalized_tokens_and_pre_norm_keeps_a_clear_path():
    x = random(2, 3, 4)
    y = EncoderBlock(4, 2, 6, "post", "float64").forward(x)
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-12)  # per token, over d_model
    np.testing.assert_allclose(y.var(axis=-1), 1, rtol=1e-4)
    block = EncoderBlock(4, 2, 6, "pre", "float64")
    for name in ("attention/output_kernel", "feed_forward/outer/kernel"):
        block.params[name][...] = 0  # both sublayers silent: what is left is the residual path
    assert np.array_equal(block.forward(x), x)


@NORMS
def test_no_output_of_the_decoder_sees_a_later_token(norm):
    net = model(norm)
    source, target = np.array([[1, 3, 2, 0]]), np.array([[1, 2, 3, 4, 5]])
    before = net.forward(source, target)
    for s in range(5):
        changed = target.copy()
        changed[0, s] = (changed[0, s] + 1) % 5 + 1
        after = net.forward(source, changed)
        assert np.array_equal(after[:, :s], before[:, :s])
        assert np.all(np.any(after[:, s:] != before[:, s:], axis=-1))


def test_every_output_of_the_decoder_sees_every_real_token_of_the_source():
    net, target = model(), np.array([[1, 2, 3]])
    source = np.array([[1, 3, 2, 6, 0, 0]])
    before = net.forward(source, target)
    for s in range(4):
        changed = source.copy()
        changed[0, s] = changed[0, s] % 5 + 1
        assert np.all(np.any(net.forward(changed, target) != before, axis=-1)), s
    # More padding changes nothing.
    np.testing.assert_allclose(net.forward(source[:, :4], target), before, rtol=1e-10)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: EncoderBlock(4, 3, 6), ValueError, "d_model must be a multiple of num_heads, got 4 and 3"),
        (lambda: EncoderBlock(4, 0, 6), ValueError, "num_heads must be at least 1"),
        (lambda: DecoderBlock(4, 2, 6, "middle"), ValueError, "norm must be 'post' or 'pre', got 'middle'"),
        (lambda: decoder().forward(random(2, 3, 4), random(1, 5, 4)), ValueError, "axis 0 is 1, not 2"),
        (lambda: model().forward(np.ones((1, 9), int), np.ones((1, 2), int)), ValueError, r"max_length=9"),
        (lambda: model().forward(np.ones((1, 3), int), np.ones((2, 2), int)), ValueError, "got 1 and 2 sequences"),
        (lambda: model().forward(np.zeros((1, 3), int), np.ones((1, 2), int)), ValueError, "padding only"),
        (lambda: model().forward(np.full((1, 3), 7), np.ones((1, 2), int)), ValueError, "ids must lie in 0 … 6"),
        (lambda: model().forward(np.ones((1, 3)), np.ones((1, 2), int)), TypeError, "ids must be an integer array"),
    ],
)
def test_errors_say_what_is_wrong(call, error, message):
    with pytest.raises(error, match=message):
        call()

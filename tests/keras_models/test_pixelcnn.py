"""PixelCNN: its masks, what a pixel sees (with and without blind spot), errors."""

import keras
import numpy as np
import pytest

from utils.keras_models.pixelcnn import MaskedConv2D, allowed_taps, pixelcnn

SIZE = 13


@pytest.mark.parametrize(
    "kind, expected",
    [
        ("A", [[1, 1, 1], [1, 0, 0], [0, 0, 0]]),
        ("B", [[1, 1, 1], [1, 1, 0], [0, 0, 0]]),
        ("above", [[1, 1, 1], [0, 0, 0], [0, 0, 0]]),
        ("left A", [[0, 0, 0], [1, 0, 0], [0, 0, 0]]),
        ("left B", [[0, 0, 0], [1, 1, 0], [0, 0, 0]]),
    ],
)
def test_masks_of_a_3x3_kernel(kind, expected):
    assert allowed_taps(kind, (3, 3)).tolist() == expected


def seen(model, row, column):
    """Which inputs change the logit at a pixel, found by changing each of them alone: (SIZE, SIZE) of bool."""
    picture = np.random.default_rng(0).random((1, SIZE, SIZE, 1)).astype("float32")
    changed = np.repeat(picture, SIZE * SIZE, axis=0)
    changed.reshape(SIZE * SIZE, -1)[np.arange(SIZE * SIZE), np.arange(SIZE * SIZE)] += 1.0
    logits = keras.ops.convert_to_numpy(model(np.concatenate([picture, changed])))[:, row, column, 0]
    return (logits[1:] != logits[0]).reshape(SIZE, SIZE)


def network(gated, blocks=8):
    """A network in which every path counts: no ReLU closed."""
    keras.utils.set_random_seed(0)
    model = pixelcnn((SIZE, SIZE), 4, blocks, first_kernel_size=3, gated=gated)
    if not gated:
        model.set_weights([np.abs(w) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("row, column", [(6, 6), (0, 4), (12, 12)])
def test_a_pixel_sees_nothing_from_itself_on(gated, row, column):
    before = np.arange(SIZE * SIZE).reshape(SIZE, SIZE) < row * SIZE + column
    assert not np.any(seen(network(gated), row, column) & ~before)


def test_the_blind_spot_and_the_network_without():
    row, column = 8, 6
    before = np.arange(SIZE * SIZE).reshape(SIZE, SIZE) < row * SIZE + column
    # With 3×3 kernels a step up allows one step to the right at most: the rest of the upper right stays unseen.
    rows, columns = np.indices((SIZE, SIZE))
    blind = before & (columns - column > row - rows)
    assert blind.sum() > 5
    plain = seen(network(False), row, column)
    assert np.array_equal(plain, before & ~blind)
    assert np.array_equal(seen(network(True), row, column), before)


def convolved(x, weights, kind=None):
    """A convolution with zero padding, tap by tap; `kind` is its mask."""
    kernel = weights[0]
    height, width = kernel.shape[:2]
    if kind:
        kernel = kernel * allowed_taps(kind, (height, width))[:, :, None, None]
    padded = np.pad(x, ((0, 0), (height // 2,) * 2, (width // 2,) * 2, (0, 0)))
    rows, columns = x.shape[1:3]
    taps = [(i, j) for i in range(height) for j in range(width)]
    y = sum(padded[:, i : i + rows, j : j + columns] @ kernel[i, j] for i, j in taps)
    return y + weights[1] if len(weights) > 1 else y


def gate(u):
    filter_half, gate_half = np.split(u, 2, axis=-1)
    return np.tanh(filter_half) / (1 + np.exp(-gate_half))


def by_hand(weights, x, blocks, gated):
    """The logits in NumPy: 2016b with residual blocks, or the two stacks of 2016c, (2) and Fig. 2."""
    if gated:
        vertical = horizontal = x
        for number in range(blocks + 1):
            name = f"block_{number}" if number else "first"
            above = convolved(vertical, weights[f"{name}_vertical"], "above")
            if number:
                above = above + convolved(vertical, weights[f"{name}_row"])
            left = convolved(horizontal, weights[f"{name}_horizontal"], "left B" if number else "left A")
            left = gate(left + convolved(above, weights[f"{name}_down"]))
            left = convolved(left, weights[f"{name}_mix"])
            vertical, horizontal = gate(above), horizontal + left if number else left
        x = horizontal
    else:
        x = convolved(x, weights["first"], "A")
        for number in range(1, blocks + 1):
            x = x + convolved(np.maximum(x, 0), weights[f"masked_{number}"], "B")
    x = np.maximum(convolved(np.maximum(x, 0), weights["post_1"]), 0)
    return convolved(x, weights["logits"])


@pytest.mark.parametrize("gated", [False, True])
def test_logits_are_those_of_the_formulas(gated):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = pixelcnn((6, 7), 4, 2, first_kernel_size=5, gated=gated)
    model.set_weights([w + 0.3 * rng.standard_normal(w.shape) for w in model.get_weights()])
    x = rng.integers(0, 2, (3, 6, 7, 1)).astype("float32")
    weights = {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}
    ours, theirs = by_hand(weights, x, 2, gated), keras.ops.convert_to_numpy(model(x))
    assert np.std(ours) > 0.05  # about 0.3: they do differ from pixel to pixel
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.max(np.abs(theirs)))


def test_masked_taps_are_never_used():
    layer = MaskedConv2D(2, 3, "A")
    x = np.random.default_rng(0).random((1, 5, 5, 1)).astype("float32")
    y = keras.ops.convert_to_numpy(layer(x))
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    layer.kernel.assign(np.where(allowed_taps("A", (3, 3))[:, :, None, None] == 0, 99.0, kernel))
    assert np.array_equal(y, keras.ops.convert_to_numpy(layer(x)))


def test_parameters_count_the_masked_taps_too():
    model = pixelcnn((8, 8), 4, 2, first_kernel_size=5)
    assert model.count_params() == (25 * 4 + 4) + 2 * (9 * 4 * 4 + 4) + (4 * 4 + 4) + (4 + 1)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: allowed_taps("C", (3, 3)), ValueError, "mask must be one of 'A', 'B'"),
        (lambda: MaskedConv2D(4, 2), ValueError, "sizes must be odd"),
        (lambda: pixelcnn((8,), 4), ValueError, "input_shape must be"),
        (lambda: pixelcnn((8, 8), 0), ValueError, "filters must be at least 1"),
    ],
)
def test_errors_say_what_is_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()

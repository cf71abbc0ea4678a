"""The pooling layers by hand: gradients, values on paper, invariants, ties, and what they refuse."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from utils.gradient_check import check_layer, relative_error
from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.pooling import AveragePooling2D, GlobalAveragePooling2D, LpPooling2D, MaxPooling2D

ON_PAPER = np.array([[1, 3, 2, 0], [4, 2, 1, 1], [0, 5, 6, 2], [2, 1, 3, 1]], "float64").reshape(1, 4, 4, 1)


@pytest.mark.parametrize(
    "layer, expected",
    [
        (MaxPooling2D(dtype="float64"), [[4, 2], [5, 6]]),
        (AveragePooling2D(dtype="float64"), [[2.5, 1], [2, 3]]),
        (LpPooling2D(dtype="float64"), [[np.sqrt(30 / 4), np.sqrt(6 / 4)], [np.sqrt(30 / 4), np.sqrt(50 / 4)]]),
        (LpPooling2D(p=1, normalize=False, dtype="float64"), [[10, 4], [8, 12]]),
        (MaxPooling2D(3, 2, dtype="float64"), [[6]]),
        (MaxPooling2D(3, 2, "same", dtype="float64"), [[6, 6], [6, 6]]),
        (AveragePooling2D(3, 2, "same", dtype="float64"), [[26 / 9, 12 / 6], [17 / 6, 12 / 4]]),
    ],
)
def test_values_on_paper(layer, expected):
    if layer.window["padding"] == "same":
        # size 4, window 3, stride 2: one row and one column are added after, none before
        rows = ((0, 3), (2, 4))
        pool = np.max if isinstance(layer, MaxPooling2D) else np.mean
        expected = [[pool(ON_PAPER[0, a:b, c:d, 0]) for c, d in rows] for a, b in rows]
    np.testing.assert_allclose(layer.forward(ON_PAPER)[0, :, :, 0], expected, rtol=1e-13)


def test_global_average_on_paper():
    layer = GlobalAveragePooling2D(dtype="float64")
    assert layer.forward(ON_PAPER).tolist() == [[34 / 16]]
    assert GlobalAveragePooling2D(keepdims=True, dtype="float64").forward(ON_PAPER).shape == (1, 1, 1, 1)
    np.testing.assert_allclose(layer.backward(np.array([[32.0]])), np.full((1, 4, 4, 1), 2.0))


LAYERS = {
    "max": lambda: MaxPooling2D(dtype="float64"),
    "max, overlapping": lambda: MaxPooling2D(3, 2, dtype="float64"),
    "max, same": lambda: MaxPooling2D((3, 2), (2, 1), "same", dtype="float64"),
    "average": lambda: AveragePooling2D(dtype="float64"),
    "average, overlapping, same": lambda: AveragePooling2D(3, 2, "same", dtype="float64"),
    "average, gaps": lambda: AveragePooling2D((1, 2), 3, dtype="float64"),
    "Lp, p = 2": lambda: LpPooling2D(dtype="float64"),
    "Lp, p = 3.5, same": lambda: LpPooling2D(3, 3.5, 2, "same", dtype="float64"),
    "Lp, p = 2, sum": lambda: LpPooling2D((2, 3), 2, 1, "same", normalize=False, dtype="float64"),
    "Lp, p = 60": lambda: LpPooling2D(2, 60, dtype="float64"),
    "global average": lambda: GlobalAveragePooling2D(dtype="float64"),
    "global average, axes kept": lambda: GlobalAveragePooling2D(keepdims=True, dtype="float64"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_backward_is_the_numerical_gradient(name):
    rng = np.random.default_rng(1)
    # All values apart from each other and from 0, so that no step of the check changes which one is the largest.
    x = rng.permutation(np.linspace(0.2, 2, 2 * 5 * 6 * 3)).reshape(2, 5, 6, 3) * rng.choice([-1, 1], (2, 5, 6, 3))
    errors = check_layer(LAYERS[name](), x)
    assert max(errors.values()) < 1e-6, errors


@st.composite
def poolings(draw):
    """Input shape and settings of a pooling that fits."""
    size, pool = [draw(st.tuples(st.integers(1, top), st.integers(1, top))) for top in (7, 3)]
    padding = draw(st.sampled_from(["valid", "same"]))
    assume(padding == "same" or all(p <= s for p, s in zip(pool, size, strict=True)))
    strides = draw(st.none() | st.tuples(st.integers(1, 3), st.integers(1, 3)))
    return (draw(st.integers(1, 2)), *size, draw(st.integers(1, 3))), pool, strides, padding


@given(poolings(), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_windows_are_those_of_the_definition(case, seed):
    shape, pool, strides, padding = case
    x = np.random.default_rng(seed).standard_normal(shape)
    largest = MaxPooling2D(pool, strides, padding, "float64").forward(x)
    mean = AveragePooling2D(pool, strides, padding, "float64").forward(x)
    norm = LpPooling2D(pool, 3, strides, padding, dtype="float64").forward(x)
    steps = pool if strides is None else strides
    before = []
    for axis in (0, 1):
        count = -(-shape[axis + 1] // steps[axis]) if padding == "same" else None
        total = max((count - 1) * steps[axis] + pool[axis] - shape[axis + 1], 0) if count else 0
        before.append(total // 2)
        assert largest.shape[axis + 1] == (count or (shape[axis + 1] - pool[axis]) // steps[axis] + 1)
    for n, i, j, c in np.ndindex(largest.shape):
        rows, columns = (
            slice(max(at * s - b, 0), at * s - b + p) for at, s, b, p in zip((i, j), steps, before, pool, strict=True)
        )
        window = x[n, rows, columns, c]
        assert largest[n, i, j, c] == window.max()
        assert mean[n, i, j, c] == pytest.approx(window.mean(), abs=1e-12)
        assert norm[n, i, j, c] == pytest.approx(np.mean(np.abs(window) ** 3) ** (1 / 3), abs=1e-12)


@given(poolings(), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_gradients_keep_what_they_hand_on(case, seed):
    """Max and average hand on the whole gradient: Σ dx = Σ dy. Average is linear: ⟨A x, dy⟩ = ⟨x, Aᵀ dy⟩."""
    shape, pool, strides, padding = case
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    for kind in (MaxPooling2D, AveragePooling2D):
        layer = kind(pool, strides, padding, "float64")
        y = layer.forward(x)
        dy = rng.standard_normal(y.shape)
        dx = layer.backward(dy)
        assert dx.sum() == pytest.approx(dy.sum(), abs=1e-9)
        # Both are homogeneous, f(t x) = t f(x), so Euler's identity holds: Σ x·dx = Σ y·dy.
        assert np.sum(x * dx) == pytest.approx(np.sum(y * dy), abs=1e-9)


@given(poolings(), st.integers(0, 2**32 - 1), st.floats(1, 40))
@settings(max_examples=100, deadline=None)
def test_lp_lies_between_average_and_maximum(case, seed, p):
    shape, pool, strides, padding = case
    x = np.random.default_rng(seed).uniform(0, 5, shape)
    options = (strides, padding)
    mean = AveragePooling2D(pool, *options, "float64").forward(x)
    largest = MaxPooling2D(pool, *options, "float64").forward(x)
    norms = [LpPooling2D(pool, q, *options, dtype="float64").forward(x) for q in (1, p, p + 1, 1e5)]
    np.testing.assert_allclose(norms[0], mean, atol=1e-12)
    for smaller, larger in zip(norms, norms[1:], strict=False):
        assert np.all(smaller <= larger + 1e-12)
    np.testing.assert_allclose(norms[-1], largest, rtol=1e-3)
    # The sum is m^(1/p) times the mean, with m pixels in a window that lies inside.
    if padding == "valid":
        total = LpPooling2D(pool, p, *options, normalize=False, dtype="float64").forward(x)
        np.testing.assert_allclose(total, norms[1] * (pool[0] * pool[1]) ** (1 / p), rtol=1e-10)


def test_lp_survives_values_whose_power_does_not():
    x = np.full((1, 2, 2, 1), 1e200)
    layer = LpPooling2D(p=300, dtype="float64")
    np.testing.assert_allclose(layer.forward(x), [[[[1e200]]]])
    np.testing.assert_allclose(layer.backward(np.ones((1, 1, 1, 1))), np.full((1, 2, 2, 1), 0.25))


def test_lp_of_a_window_of_zeros_has_gradient_zero():
    layer = LpPooling2D(p=2, dtype="float64")
    assert layer.forward(np.zeros((1, 2, 2, 1))).item() == 0
    assert not layer.backward(np.ones((1, 1, 1, 1))).any()


def test_the_first_of_several_maxima_receives_the_gradient():
    layer = MaxPooling2D(2, dtype="float64")
    layer.forward(np.full((1, 2, 2, 1), 7.0))
    assert layer.backward(np.full((1, 1, 1, 1), 3.0))[0, :, :, 0].tolist() == [[3, 0], [0, 0]]
    layer.forward(np.array([[0.0, 1], [1, 1]]).reshape(1, 2, 2, 1))
    assert layer.backward(np.full((1, 1, 1, 1), 3.0))[0, :, :, 0].tolist() == [[0, 3], [0, 0]]


def test_a_pixel_that_wins_in_two_windows_receives_both_gradients():
    x = np.zeros((1, 1, 3, 1))
    x[0, 0, 1] = 1
    layer = MaxPooling2D((1, 2), 1, dtype="float64")
    layer.forward(x)
    assert layer.backward(np.array([[[[2.0], [5.0]]]]))[0, 0, :, 0].tolist() == [0, 7, 0]


def test_the_border_never_wins_and_is_never_counted():
    x = np.full((1, 3, 3, 1), -4.0)
    for kind in (MaxPooling2D, AveragePooling2D):
        assert np.all(kind(2, 2, "same", "float64").forward(x) == -4)
    assert np.all(LpPooling2D(2, 2, 2, "same", dtype="float64").forward(x) == 4)


def test_average_pooling_is_a_depthwise_convolution_with_equal_weights():
    x = np.random.default_rng(0).standard_normal((2, 7, 6, 4))
    conv = Conv2D(4, 3, 4, strides=2, groups=4, use_bias=False, dtype="float64")
    conv.params["kernel"] = np.full((3, 3, 1, 4), 1 / 9)
    np.testing.assert_allclose(AveragePooling2D(3, 2, dtype="float64").forward(x), conv.forward(x), atol=1e-12)


def test_global_average_is_average_pooling_with_one_window_and_commutes_with_1x1_convolution():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 5, 7, 3))
    whole = AveragePooling2D((5, 7), dtype="float64").forward(x)
    gap = GlobalAveragePooling2D(dtype="float64").forward(x)
    np.testing.assert_allclose(gap, whole[:, 0, 0], atol=1e-12)
    conv = Conv2D(4, 1, 3, dtype="float64", rng=rng)
    after = GlobalAveragePooling2D(dtype="float64").forward(conv.forward(x))
    np.testing.assert_allclose(after, conv.forward(gap[:, None, None])[:, 0, 0], atol=1e-12)
    # It does not see where things are.
    np.testing.assert_allclose(gap, GlobalAveragePooling2D(dtype="float64").forward(np.roll(x, (2, 3), (1, 2))))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [MaxPooling2D, AveragePooling2D, LpPooling2D, GlobalAveragePooling2D])
def test_dtype_stays_what_it_is(kind, dtype):
    layer = kind(dtype=dtype)
    y = layer.forward(np.ones((2, 5, 5, 4), dtype))
    dx = layer.backward(np.ones_like(y))
    assert y.dtype == dx.dtype == np.dtype(dtype) and dx.shape == (2, 5, 5, 4)
    assert layer.params == layer.grads == {}


def test_relative_error_of_float32_stays_small():
    x = np.random.default_rng(0).standard_normal((2, 9, 9, 3))
    for kind in (AveragePooling2D, LpPooling2D):
        exact, single = (kind(3, dtype=t).forward(x.astype(t)) for t in ("float64", "float32"))
        assert relative_error(exact, single.astype("float64")) < 1e-6


def test_settings_that_do_not_fit_are_refused():
    refused = [
        (lambda: MaxPooling2D(0), ValueError, "pool_size must be at least 1, got 0"),
        (lambda: MaxPooling2D(2.0), TypeError, "pool_size must be a whole number, got 2.0"),
        (lambda: AveragePooling2D((2, 2, 2)), ValueError, r"pool_size must be a whole number or \(height, width\)"),
        (lambda: AveragePooling2D(2, 0), ValueError, "strides must be at least 1, got 0"),
        (lambda: MaxPooling2D(2, padding=1), ValueError, "takes no number of zeros"),
        (lambda: MaxPooling2D(2, padding="full"), ValueError, "padding must be 'valid' or 'same', got 'full'"),
        (lambda: LpPooling2D(2, 0.5), ValueError, "p must be a finite number ≥ 1, got 0.5"),
        (lambda: LpPooling2D(2, np.inf), ValueError, "for p = ∞ use MaxPooling2D"),
        (lambda: LpPooling2D(2, np.nan), ValueError, "p must be a finite number"),
        (lambda: LpPooling2D(2, "2"), TypeError, "p must be a number, got '2'"),
        (lambda: GlobalAveragePooling2D(dtype="int8"), ValueError, "'float32' or 'float64', got 'int8'"),
    ]
    for call, error, words in refused:
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize("kind", [MaxPooling2D, AveragePooling2D, LpPooling2D, GlobalAveragePooling2D])
def test_arrays_that_do_not_fit_are_refused(kind):
    layer = kind()
    refused = [
        (np.ones((5, 5, 2), "float32"), ValueError, r"x must have 4 axes \(batch, height, width, channels\)"),
        (np.ones((1, 5, 5, 2)), TypeError, "x must be float32, got float64"),
        (np.ones((1, 0, 5, 2), "float32"), ValueError, "x is empty"),
        ([[1.0]], TypeError, "must be a NumPy array"),
    ]
    if kind is not GlobalAveragePooling2D:
        refused.append((np.ones((1, 1, 5, 2), "float32"), ValueError, "kernel that spans 2 does not fit into 1"))
    for x, error, words in refused:
        with pytest.raises(error, match=words):
            layer.forward(x)
    good = np.ones((1, 5, 5, 2), "float32")
    with pytest.raises(RuntimeError, match=r"call forward\(x\) first"):
        layer.backward(good)
    layer.forward(good)
    with pytest.raises(ValueError, match="dy must have"):
        layer.backward(good)

"""μ-law: the formula, its inverse, the 256 classes, and what they are good for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils import datasets
from utils.audio import mu_law


def test_values_that_a_pocket_calculator_gives():
    x = np.array([0.0, 1 / 255, -1 / 17, 1.0, -1.0])
    np.testing.assert_allclose(mu_law.compress(x), [0, 1 / 8, -1 / 2, 1, -1], atol=1e-12)  # ln 2, ln 16, ln 256
    assert mu_law.encode(x).tolist() == [128, 144, 64, 255, 0]


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=20), st.sampled_from([1.0, 15.0, 255.0]))
def test_expand_is_the_inverse(values, mu):
    x = np.array(values)
    np.testing.assert_allclose(mu_law.expand(mu_law.compress(x, mu), mu), x, atol=1e-12)
    np.testing.assert_allclose(mu_law.compress(mu_law.expand(x, mu), mu), x, atol=1e-12)


def test_every_class_survives_the_way_there_and_back():
    classes = np.arange(256)
    samples = mu_law.decode(classes)
    assert mu_law.encode(samples).tolist() == classes.tolist()
    assert samples.dtype == np.float32 and np.all(np.diff(samples) > 0) and np.max(np.abs(samples)) < 1
    np.testing.assert_allclose(samples, -samples[::-1], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_classes_cut_the_companded_range_into_equal_pieces(dtype):
    x = np.linspace(-1, 1, 100_001).astype(dtype)
    classes = mu_law.encode(x)
    assert mu_law.compress(x).dtype == mu_law.expand(x).dtype == dtype
    assert classes.dtype == np.int64 and np.all(np.diff(classes) >= 0)
    assert sorted(set(classes.tolist())) == list(range(256))
    # The error is at most half of a piece, and a piece near 1 is 256 times as wide as one at 0.
    middle, width = mu_law.decode(classes), np.log(256) / 255 * (1 + 255 * np.abs(x)) * 2 / 256
    assert np.all(np.abs(middle - x) <= 0.52 * width)


def test_quiet_samples_gain_and_loud_ones_lose():
    x, _ = datasets.load_audio("speech")
    error = {True: mu_law.decode(mu_law.encode(x)) - x, False: mu_law.quantize_linearly(x) - x}
    for quiet, better in ((np.abs(x) < 0.05, True), (np.abs(x) > 0.3, False)):
        root_mean_square = {law: np.sqrt(np.mean(found[quiet] ** 2)) for law, found in error.items()}
        assert root_mean_square[better] < 0.7 * root_mean_square[not better]


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: mu_law.encode(np.array([1.5])), ValueError, r"x must lie in \[-1, 1\]"),
        (lambda: mu_law.encode(np.array([np.nan])), ValueError, r"x must lie in \[-1, 1\]"),
        (lambda: mu_law.encode(np.array([300, 2])), TypeError, "divide int16 samples by 32768"),
        (lambda: mu_law.decode(np.array([0.5])), TypeError, "classes must be whole numbers"),
        (lambda: mu_law.decode(np.array([3, 256])), ValueError, "classes must lie in 0 … 255, got 3 … 256"),
        (lambda: mu_law.compress(np.array([0.5]), mu=0), ValueError, "mu must be above 0"),
    ],
)
def test_errors_say_what_is_expected(call, error, message):
    with pytest.raises(error, match=message):
        call()

"""Gradient clipping: by hand, its invariants, and what Keras' optimizers really do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from utils.numpy_layers.clipping import clip_by_global_norm, clip_by_norm, global_norm

GRADIENTS = {"kernel": np.array([3.0, 4.0], "float32"), "bias": np.array([0.3], "float32")}


def test_by_hand():
    np.testing.assert_allclose(clip_by_norm(np.array([3.0, 4.0]), 1.0), [0.6, 0.8], rtol=1e-15)
    assert clip_by_norm(np.array([3.0, 4.0]), 5.0).tolist() == [3, 4]
    assert clip_by_norm(np.array([3.0, 4.0]), 6.0).tolist() == [3, 4]


def test_a_zero_gradient_stays_zero():
    with np.errstate(all="raise"):
        assert clip_by_norm(np.zeros(3), 1.0).tolist() == [0, 0, 0]
        clipped, norm = clip_by_global_norm({"kernel": np.zeros(2), "bias": np.zeros(1)}, 1.0)
    assert norm == 0
    assert clipped["kernel"].tolist() == [0, 0]


def test_an_infinite_threshold_changes_nothing():
    clipped, norm = clip_by_global_norm(GRADIENTS, float("inf"))
    assert norm == global_norm(GRADIENTS)
    assert all(np.array_equal(clipped[name], GRADIENTS[name]) for name in GRADIENTS)


@given(
    gradient=hnp.arrays("float64", hnp.array_shapes(max_dims=3), elements=st.floats(-1e6, 1e6)),
    threshold=st.floats(1e-3, 1e3),
)
def test_direction_is_kept_and_length_is_limited(gradient, threshold):
    clipped = clip_by_norm(gradient, threshold)
    norm = np.linalg.norm(gradient)
    np.testing.assert_allclose(np.linalg.norm(clipped), min(norm, threshold), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(clipped * norm, gradient * min(norm, threshold), rtol=1e-9, atol=1e-6)


def test_global_norm_is_that_of_one_long_vector():
    assert global_norm(GRADIENTS) == pytest.approx(np.sqrt(3**2 + 4**2 + 0.3**2), rel=1e-6)
    clipped, norm = clip_by_global_norm(GRADIENTS, 1.0)
    assert norm == global_norm(GRADIENTS)
    assert global_norm(clipped) == pytest.approx(1, rel=1e-6)
    ratios = [clipped[name] / GRADIENTS[name] for name in GRADIENTS]
    np.testing.assert_allclose(np.concatenate(ratios), 1 / norm, rtol=1e-6)


def test_float32_does_not_overflow_and_stays_float32():
    clipped = clip_by_norm(np.array([3e30, 4e30], "float32"), 1.0)
    assert clipped.dtype == np.float32
    np.testing.assert_allclose(clipped, [0.6, 0.8], rtol=1e-6)
    assert clip_by_global_norm(GRADIENTS, np.float64(1))[0]["kernel"].dtype == np.float32


def test_errors():
    for threshold in (0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="threshold must be above 0"):
            clip_by_norm(np.ones(2), threshold)
        with pytest.raises(ValueError, match="threshold must be above 0"):
            clip_by_global_norm(GRADIENTS, threshold)
    with pytest.raises(ValueError, match="NaN or infinity"):
        clip_by_norm(np.array([1.0, np.inf]), 1.0)
    with pytest.raises(ValueError, match="NaN or infinity"):
        clip_by_global_norm({"kernel": np.array([np.nan])}, 1.0)


def step_of_keras(keras, gradients, **clipping):
    """What SGD with learning rate 1 subtracts from weights that are zero."""
    variables = [keras.Variable(np.zeros_like(g)) for g in gradients.values()]
    keras.optimizers.SGD(1.0, **clipping).apply(list(gradients.values()), variables)
    return {name: -np.asarray(v) for name, v in zip(gradients, variables, strict=True)}


@pytest.mark.parametrize("threshold", [0.2, 1.0, 4.9, 5.005, 10.0])
def test_keras_optimizers_clip_the_same_way(threshold):
    keras = pytest.importorskip("keras")
    alone = step_of_keras(keras, GRADIENTS, clipnorm=threshold)
    together = step_of_keras(keras, GRADIENTS, global_clipnorm=threshold)
    clipped, _ = clip_by_global_norm(GRADIENTS, threshold)
    for name, gradient in GRADIENTS.items():
        np.testing.assert_allclose(alone[name], clip_by_norm(gradient, threshold), rtol=1e-6)
        np.testing.assert_allclose(together[name], clipped[name], rtol=1e-6)


def test_keras_leaves_a_zero_gradient_zero_too():
    keras = pytest.importorskip("keras")
    zeros = {name: np.zeros_like(g) for name, g in GRADIENTS.items()}
    for clipping in ({"clipnorm": 1.0}, {"global_clipnorm": 1.0}):
        assert all(np.all(step == 0) for step in step_of_keras(keras, zeros, **clipping).values())


def test_keras_takes_one_kind_of_clipping_only():
    keras = pytest.importorskip("keras")
    with pytest.raises(ValueError, match="Only one of"):
        keras.optimizers.SGD(1.0, clipnorm=1.0, global_clipnorm=1.0)

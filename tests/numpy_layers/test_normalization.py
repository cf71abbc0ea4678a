"""The normalization layers by hand: gradients, who depends on whom, invariants, moving averages, what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.gradient_check import check_layer, relative_error
from utils.numpy_layers.batch_norm import BatchNormalization
from utils.numpy_layers.conv2d import Conv2D
from utils.numpy_layers.group_norm import GroupNormalization
from utils.numpy_layers.instance_norm import InstanceNormalization
from utils.numpy_layers.layer_norm import LayerNormalization

C = 6
LAYERS = {
    "batch": lambda **o: BatchNormalization(C, dtype="float64", **o),
    "layer": lambda **o: LayerNormalization(C, dtype="float64", **o),
    "layer, whole picture": lambda **o: LayerNormalization((4, 3, C), dtype="float64", **o),
    "group": lambda **o: GroupNormalization(C, groups=3, dtype="float64", **o),
    "instance": lambda **o: InstanceNormalization(C, dtype="float64", **o),
}
# The axes of (N, H, W, G, C/G) = (5, 4, 3, 3, 2) over which each takes its mean and its variance.
AXES = {
    "batch": (0, 1, 2),
    "layer": (3, 4),
    "layer, whole picture": (1, 2, 3, 4),
    "group": (1, 2, 4),
    "instance": (1, 2),
}
SHAPE, SPLIT = (5, 4, 3, C), (5, 4, 3, 3, 2)


class InTraining:
    """A layer whose forward pass is that of training."""

    def __init__(self, layer):
        self.layer, self.params = layer, layer.params

    def forward(self, x):
        return self.layer.forward(x, training=True)

    def backward(self, dy):
        return self.layer.backward(dy)

    @property
    def grads(self):
        return self.layer.grads


def drawn(shape, seed=0):
    return 3 * np.random.default_rng(seed).standard_normal(shape) + 2


@pytest.mark.parametrize("options", [{}, {"center": False}, {"scale": False}, {"epsilon": 0.5}], ids=str)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", LAYERS)
def test_backward_is_the_numerical_gradient(name, training, options):
    layer, rng = LAYERS[name](**options), np.random.default_rng(1)
    for parameter in layer.params.values():
        parameter += rng.standard_normal(parameter.shape)
    if name == "batch":
        layer.moving_mean, layer.moving_variance = rng.standard_normal(C), rng.uniform(0.5, 2, C)
    x = drawn((3, 4, 3, C))
    errors = check_layer(InTraining(layer) if training else layer, x)
    assert max(errors.values()) < 1e-6, errors


@pytest.mark.parametrize("name", LAYERS)
def test_mean_0_and_variance_1_over_the_axes_of_the_layer_and_over_no_other(name):
    """epsilon = 0: exactly 1. Every other choice of axes leaves some mean that is not 0."""
    x_hat = LAYERS[name](epsilon=0).forward(drawn(SHAPE), training=True).reshape(SPLIT)
    assert np.abs(x_hat.mean(axis=AXES[name])).max() < 1e-12
    assert np.abs(x_hat.var(axis=AXES[name]) - 1).max() < 1e-12
    for other, axes in AXES.items():
        if not set(AXES[name]) <= set(axes):
            assert np.abs(x_hat.mean(axis=axes)).max() > 1e-3, other


@pytest.mark.parametrize("name", LAYERS)
def test_epsilon_is_added_to_the_variance_under_the_root(name):
    x = drawn(SHAPE)
    variance = x.reshape(SPLIT).var(axis=AXES[name], keepdims=True)
    plain = LAYERS[name](epsilon=0).forward(x, training=True).reshape(SPLIT)
    with_epsilon = LAYERS[name](epsilon=0.7).forward(x, training=True).reshape(SPLIT)
    assert relative_error(with_epsilon, plain * np.sqrt(variance / (variance + 0.7))) < 1e-12


@pytest.mark.parametrize("name", LAYERS)
def test_who_depends_on_whom(name):
    """Outputs that change when one number of sample 0 changes: those that share its mean, and no other."""
    before, after = drawn(SHAPE), drawn(SHAPE)
    after[0, 1, 2, 3] += 5
    layer = LAYERS[name]()
    changed = layer.forward(before, training=True) != layer.forward(after, training=True)
    expected = np.zeros(SPLIT, bool)
    place = [0, 1, 2, *divmod(3, 2)]
    for axis in AXES[name]:
        place[axis] = slice(None)
    expected[tuple(place)] = True
    assert (changed == expected.reshape(SHAPE)).all()
    assert changed[1:].any() == (name == "batch")
    if name == "batch":  # in inference nobody depends on anybody
        assert (layer.forward(before) != layer.forward(after)).sum() == 1


@pytest.mark.parametrize("name", LAYERS)
def test_shift_and_positive_scale_of_the_input_do_not_matter(name):
    layer, x = LAYERS[name](epsilon=0), drawn(SHAPE)
    y = layer.forward(x, training=True)
    assert relative_error(layer.forward(4 * x - 7, training=True), y) < 1e-12
    assert relative_error(layer.forward(-x, training=True), -y) < 1e-12


@pytest.mark.parametrize("name", LAYERS)
def test_gradient_of_the_input_has_no_part_along_1_and_along_x_hat(name):
    """Neither a shift nor a scale can change the loss: dx is orthogonal to both directions, group by group."""
    layer, x = LAYERS[name](epsilon=0), drawn(SHAPE)
    x_hat = layer.forward(x, training=True).reshape(SPLIT)
    dx = layer.backward(drawn(SHAPE, 1)).reshape(SPLIT)
    assert np.abs(dx.sum(axis=AXES[name])).max() < 1e-9
    assert np.abs((dx * x_hat).sum(axis=AXES[name])).max() < 1e-9


def test_bias_before_batch_normalization_is_cancelled_and_its_gradient_is_zero():
    rng = np.random.default_rng(0)
    conv, norm = Conv2D(C, 3, 2, dtype="float64", rng=rng), BatchNormalization(C, dtype="float64")
    x = rng.standard_normal((4, 6, 6, 2))
    y = norm.forward(conv.forward(x), training=True)
    conv.backward(norm.backward(rng.standard_normal(y.shape)))
    assert np.abs(conv.grads["bias"]).max() < 1e-12 < np.abs(conv.grads["kernel"]).max()
    conv.params["bias"] = rng.standard_normal(C)
    assert relative_error(norm.forward(conv.forward(x), training=True), y) < 1e-12


def test_a_batch_of_one_vector_leaves_only_beta():
    layer = BatchNormalization(C, dtype="float64")
    layer.params["beta"] = drawn(C)
    assert (layer.forward(drawn((1, C)), training=True) == layer.params["beta"]).all()
    assert not layer.backward(drawn((1, C), 1)).any()


def test_one_sample_in_training_is_instance_normalization():
    x = drawn((1, 4, 3, C))
    y = BatchNormalization(C, dtype="float64").forward(x, training=True)
    assert relative_error(y, InstanceNormalization(C, dtype="float64").forward(x)) < 1e-12


def test_moving_averages_by_hand():
    """Two steps with momentum 0.9 from 0 and 1; the biased variances 4 and 1 (the unbiased: 8 and 2)."""
    layer = BatchNormalization(1, momentum=0.9, dtype="float64")
    layer.forward(np.array([[1.0], [5.0]]), training=True)
    np.testing.assert_allclose([layer.moving_mean, layer.moving_variance], [[0.3], [1.3]], rtol=1e-12)
    layer.forward(np.array([[0.0], [2.0]]), training=True)
    np.testing.assert_allclose([layer.moving_mean, layer.moving_variance], [[0.37], [1.27]], rtol=1e-12)
    y = layer.forward(np.array([[2.0]]))
    np.testing.assert_allclose(y, [[(2 - 0.37) / np.sqrt(1.27 + 1e-3)]], rtol=1e-12)


def test_backward_of_inference_treats_the_statistics_as_constants():
    layer, dy = BatchNormalization(C, dtype="float64"), drawn((4, C), 1)
    layer.moving_variance = np.full(C, 3.999)
    layer.forward(drawn((4, C)))
    np.testing.assert_allclose(layer.backward(dy), dy / 2, rtol=1e-12)


def test_what_a_caller_does_with_the_output_does_not_reach_the_backward_pass():
    """Without γ and β the output is x̂ itself; it must be a copy."""
    layer, x, dy = LayerNormalization(C, center=False, scale=False, dtype="float64"), drawn((4, C)), drawn((4, C), 1)
    layer.forward(x)
    expected = layer.backward(dy)
    layer.forward(x)[:] = 0
    assert (layer.backward(dy) == expected).all()


@st.composite
def inputs(draw):
    """A shape (N, …, C), a number of groups that divides C, and a seed."""
    groups = draw(st.integers(1, 3))
    channels = groups * draw(st.integers(1, 3))
    between = draw(st.lists(st.integers(1, 4), max_size=3))
    return (draw(st.integers(1, 4)), *between, channels), groups, draw(st.integers(0, 2**32 - 1))


@given(inputs())
@settings(max_examples=100, deadline=None)
def test_each_layer_is_its_definition_number_by_number(case):
    shape, groups, seed = case
    rng = np.random.default_rng(seed)
    x, channels = rng.standard_normal(shape), shape[-1]
    gamma, beta = rng.standard_normal((2, channels))
    size = channels // groups
    layers = {
        BatchNormalization(channels, dtype="float64"): lambda n, c: x[..., c],
        LayerNormalization(channels, dtype="float64"): None,
        GroupNormalization(channels, groups, dtype="float64"): lambda n, c: x[
            n, ..., c // size * size : (c // size + 1) * size
        ],
        InstanceNormalization(channels, dtype="float64"): lambda n, c: x[n, ..., c],
    }
    for layer, members in layers.items():
        layer.params = {"gamma": gamma, "beta": beta}
        y = layer.forward(x, training=True)
        assert y.shape == shape and y.dtype == np.float64
        assert layer.backward(x).shape == shape
        for place in np.ndindex(shape):
            same = x[place[:-1]] if members is None else members(place[0], place[-1])
            mean = same.sum() / same.size
            variance = ((same - mean) ** 2).sum() / same.size
            expected = gamma[place[-1]] * (x[place] - mean) / np.sqrt(variance + 1e-3) + beta[place[-1]]
            assert y[place] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: BatchNormalization(0), ValueError, "channels must be at least 1, got 0"),
        (lambda: BatchNormalization(2.0), TypeError, "channels must be a whole number, got 2.0"),
        (lambda: BatchNormalization(2, momentum=1.5), ValueError, "momentum must be from 0 to 1, got 1.5"),
        (lambda: BatchNormalization(2, momentum="0.9"), TypeError, "momentum must be a number, got '0.9'"),
        (lambda: BatchNormalization(2, epsilon=-1e-3), ValueError, "epsilon must be 0 or more, got -0.001"),
        (lambda: BatchNormalization(2, epsilon=float("nan")), ValueError, "epsilon must be 0 or more, got nan"),
        (lambda: BatchNormalization(2, epsilon=float("inf")), ValueError, "epsilon must be 0 or more, got inf"),
        (lambda: BatchNormalization(2, epsilon=True), TypeError, "epsilon must be a number, got True"),
        (lambda: BatchNormalization(2, dtype="float16"), ValueError, "dtype must be 'float32' or 'float64'"),
        (lambda: LayerNormalization(()), ValueError, "features must name at least one size"),
        (lambda: LayerNormalization((2, 0)), ValueError, "features must be at least 1, got 0"),
        (lambda: GroupNormalization(10, groups=4), ValueError, r"groups = 4 must divide channels = 10: .* or -1"),
        (lambda: GroupNormalization(10), ValueError, "groups = 32 must divide channels = 10"),
        (lambda: GroupNormalization(10, groups=0), ValueError, "groups must be at least 1, got 0"),
        (lambda: InstanceNormalization(-3), ValueError, "channels must be at least 1, got -3"),
    ],
)
def test_settings_that_cannot_be_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "x, error, message",
    [
        (np.ones(C), ValueError, r"x must have at least 2 axes \(batch, …, 6\), got shape \(6,\)"),
        (np.ones((2, 5)), ValueError, r"x must have shape \(batch, 6\), got \(2, 5\): axis 1 is 5, not 6"),
        (np.ones((0, C)), ValueError, "x is empty"),
        (np.ones((2, 0, C)), ValueError, "x is empty"),
        (np.ones((2, C), "float32"), TypeError, r"x must be float64, got float32; use x.astype\('float64'\)"),
        ([[1.0] * C], TypeError, "x must be a NumPy array"),
    ],
)
@pytest.mark.parametrize("name", ["batch", "layer", "group", "instance"])
def test_inputs_that_do_not_fit_are_refused(name, x, error, message, training):
    with pytest.raises(error, match=message):
        LAYERS[name]().forward(x, training=training)


def test_a_picture_of_another_size_is_refused_where_gamma_has_its_size():
    with pytest.raises(ValueError, match=r"x must have at least 4 axes \(batch, …, 4, 3, 6\), got shape \(4, 3, 6\)"):
        LAYERS["layer, whole picture"]().forward(drawn((4, 3, C)))
    with pytest.raises(ValueError, match="axis 1 is 5, not 4"):
        LAYERS["layer, whole picture"]().forward(drawn((2, 5, 3, C)))


def test_weights_of_the_wrong_shape_are_refused():
    layer = BatchNormalization(C, dtype="float64")
    layer.params["gamma"] = np.ones(1)  # would broadcast without a word
    with pytest.raises(ValueError, match="gamma must have shape"):
        layer.forward(drawn((2, C)))
    layer = BatchNormalization(C, dtype="float64")
    layer.moving_variance = np.ones((C, 1))
    with pytest.raises(ValueError, match="moving_variance must have 1 axes"):
        layer.forward(drawn((2, C)))


def test_backward_wants_a_forward_pass_and_its_shape():
    layer = GroupNormalization(C, 2, dtype="float64")
    with pytest.raises(RuntimeError, match=r"call forward\(x\) first"):
        layer.backward(drawn((2, C)))
    layer.forward(drawn((2, C)))
    with pytest.raises(ValueError, match="dy must have shape"):
        layer.backward(drawn((1, C)))

"""The normalization layers by hand against Keras with the same weights: outputs, gradients, moving averages."""

import numpy as np
import pytest

from utils.gradient_check import keras_gradients, relative_error
from utils.numpy_layers.batch_norm import BatchNormalization
from utils.numpy_layers.group_norm import GroupNormalization
from utils.numpy_layers.instance_norm import InstanceNormalization
from utils.numpy_layers.layer_norm import LayerNormalization

C = 6
SHAPES = [(5, C), (4, 7, C), (3, 5, 4, C), (2, 3, 2, 4, C)]


def cases():
    """(ours, options of ours, Keras' class, its options, input shape)."""
    for shape in SHAPES:
        yield BatchNormalization, (C,), {}, "BatchNormalization", {}, shape
        yield LayerNormalization, (C,), {}, "LayerNormalization", {}, shape
        yield LayerNormalization, (shape[1:],), {}, "LayerNormalization", {"axis": list(range(1, len(shape)))}, shape
        for groups in (1, 2, 3, 6, -1):
            yield GroupNormalization, (C,), {"groups": groups}, "GroupNormalization", {"groups": groups}, shape
        if len(shape) > 2:
            yield InstanceNormalization, (C,), {}, "GroupNormalization", {"groups": -1}, shape
    for options in ({"epsilon": 0.1}, {"center": False}, {"scale": False}, {"center": False, "scale": False}):
        yield BatchNormalization, (C,), options, "BatchNormalization", options, SHAPES[2]
        yield LayerNormalization, (C,), options, "LayerNormalization", options, SHAPES[2]
        yield (
            GroupNormalization,
            (C,),
            {"groups": 2} | options,
            "GroupNormalization",
            {"groups": 2} | options,
            SHAPES[2],
        )


def build_both(ours, arguments, options, name, keras_options, shape, rng):
    """Our layer and Keras', built, with the same random γ and β."""
    import keras

    layer, theirs = ours(*arguments, **options), getattr(keras.layers, name)(**keras_options)
    theirs.build(shape)
    names = [weight.name for weight in theirs.trainable_weights]
    assert names == list(layer.params)
    for weight in theirs.trainable_weights:
        assert weight.shape == layer.params[weight.name].shape
        layer.params[weight.name] = rng.standard_normal(weight.shape).astype("float32")
        weight.assign(layer.params[weight.name])
    return layer, theirs


def in_training(layer):
    """A layer that calls another one with training=True, whoever calls it."""
    import keras

    class InTraining(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layer
            self.built = True

        def call(self, x):
            return self.inner(x, training=True)

    return InTraining()


def compare(layer, theirs, shape, rng, training=False):
    """Largest relative differences of the output and of every gradient."""
    x = (2 * rng.standard_normal(shape) + 3).astype("float32")
    dy = rng.standard_normal(shape).astype("float32")
    y, dx = layer.forward(x, training=training), layer.backward(dy)
    their_y, their_dx, their_dweights = keras_gradients(theirs, x, dy)
    errors = {"y": relative_error(y, their_y), "x": relative_error(dx, their_dx)}
    for (name, gradient), their_gradient in zip(layer.grads.items(), their_dweights, strict=True):
        errors[name] = relative_error(gradient, their_gradient)
    return errors


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c[0].__name__} {c[2] or c[4]} {c[5]}") for c in cases()])
def test_outputs_and_gradients_are_those_of_keras(case):
    rng = np.random.default_rng(0)
    layer, theirs = build_both(*case, rng)
    if isinstance(layer, BatchNormalization):
        layer.moving_mean = rng.standard_normal(C).astype("float32")
        layer.moving_variance = rng.uniform(0.5, 2, C).astype("float32")
        theirs.moving_mean.assign(layer.moving_mean)
        theirs.moving_variance.assign(layer.moving_variance)
        errors = compare(layer, in_training(theirs), case[5], rng, training=True)
        assert max(errors.values()) < 1e-5, errors
    errors = compare(layer, theirs, case[5], rng)
    assert max(errors.values()) < 1e-5, errors


def test_defaults_are_those_of_keras():
    import keras

    for ours, theirs in (
        (BatchNormalization(3), keras.layers.BatchNormalization()),
        (LayerNormalization(3), keras.layers.LayerNormalization()),
        (GroupNormalization(32), keras.layers.GroupNormalization()),
        (InstanceNormalization(3), keras.layers.GroupNormalization(groups=-1)),
    ):
        assert ours.epsilon == theirs.epsilon
        assert getattr(ours, "momentum", None) == getattr(theirs, "momentum", None)
    assert GroupNormalization(32).groups == keras.layers.GroupNormalization().groups


@pytest.mark.parametrize("momentum", [0.99, 0.5, 0.0, 1.0])
@pytest.mark.parametrize("shape", [(4, C), (3, 5, C), (2, 3, 4, C)])
def test_moving_averages_are_those_of_keras_after_several_steps(shape, momentum):
    """Small batches: there the biased and the unbiased variance differ by far more than rounding."""
    import keras

    rng = np.random.default_rng(0)
    layer, theirs = BatchNormalization(C, momentum=momentum), keras.layers.BatchNormalization(momentum=momentum)
    for _ in range(5):
        x = (3 * rng.standard_normal(shape) + 5).astype("float32")
        assert relative_error(layer.forward(x, training=True), np.asarray(theirs(x, training=True))) < 1e-5
        assert relative_error(layer.moving_mean, np.asarray(theirs.moving_mean)) < 1e-5
        assert relative_error(layer.moving_variance, np.asarray(theirs.moving_variance)) < 1e-5
    assert relative_error(layer.forward(x), np.asarray(theirs(x, training=False))) < 1e-5


def test_inference_leaves_the_moving_averages_alone():
    layer = BatchNormalization(C)
    layer.forward(np.random.default_rng(0).standard_normal((4, C)).astype("float32"))
    assert not layer.moving_mean.any() and (layer.moving_variance == 1).all()


def test_layer_normalization_on_pictures_is_a_group_of_all_channels_but_for_its_parameters():
    """Ours as in the papers: γ and β a number (LN) or a channel (GN with one group). x̂ is the same."""
    x = np.random.default_rng(0).standard_normal((2, 3, 4, C))
    layer = LayerNormalization((3, 4, C), dtype="float64")
    group = GroupNormalization(C, groups=1, dtype="float64")
    assert relative_error(layer.forward(x), group.forward(x)) < 1e-12
    assert (layer.params["gamma"].shape, group.params["gamma"].shape) == ((3, 4, C), (C,))

"""Weights carried over by structure: right layers whatever they are called, and a clear word where networks differ."""

import keras
import numpy as np
import pytest
from keras import layers

from utils.keras_models import random_weights, weight_transfer, zoo

IMAGES = np.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype("float32")


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session()


def two_branches(merge, swapped=False, filters=4, names=("a", "b")):
    """Two convolutions of the same shape behind different ones, merged; `swapped` writes them the other way round."""
    x = keras.Input((8, 8, 3))
    first = layers.Conv2D(filters, 3, padding="same", name=names[0])(layers.Conv2D(2, 1)(x))
    second = layers.Conv2D(4, 3, padding="same", name=names[1])(layers.Conv2D(2, 3, padding="same")(x))
    y = merge()([second, first] if swapped else [first, second])
    return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling2D()(y)))


def agree(source, target):
    a, b = (keras.ops.convert_to_numpy(model(IMAGES)) for model in (source, target))
    return bool(np.abs(a - b).max() < 1e-5)


@pytest.mark.parametrize("merge", [layers.Add, layers.Multiply, layers.Average, layers.Maximum])
def test_branches_of_a_commutative_merge_are_found_in_any_order(merge):
    source, target = two_branches(merge), two_branches(merge, swapped=True, names=("b", "a"))
    assert not agree(source, target)
    pairs = weight_transfer.transfer(source, target)
    assert agree(source, target)
    assert ("a", "b") in pairs and ("b", "a") in pairs  # their names say the contrary


@pytest.mark.parametrize("merge", [layers.Concatenate, layers.Subtract])
def test_branches_of_an_ordered_merge_keep_their_order(merge):
    source = two_branches(merge)
    with pytest.raises(ValueError, match="kernel"):
        weight_transfer.transfer(source, two_branches(merge, swapped=True))
    target = two_branches(merge)
    weight_transfer.transfer(source, target)
    assert agree(source, target)


def test_layers_without_weights_do_not_matter():
    x = keras.Input((8, 8, 3))
    y = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    source = keras.Model(x, layers.Conv2D(5, 1)(layers.GlobalAveragePooling2D(keepdims=True)(y)))
    z = layers.Conv2D(4, 3)(layers.ZeroPadding2D(1)(x))
    z = layers.Dropout(0.5)(layers.ReLU()(z))
    target = keras.Model(x, layers.Dense(5)(layers.GlobalAveragePooling2D()(z)))
    weight_transfer.transfer(source, target)
    a, b = keras.ops.convert_to_numpy(source(IMAGES)), keras.ops.convert_to_numpy(target(IMAGES))
    np.testing.assert_allclose(a[:, 0, 0], b, atol=1e-5)  # the 1×1 convolution was a dense layer


def test_sequential_and_operations():
    source = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
    x = keras.Input((8, 8, 3))
    y = keras.ops.relu(layers.Conv2D(4, 3)(x)) + 0.0
    target = keras.Model(x, layers.Dense(3)(layers.Flatten()(y)))
    weight_transfer.transfer(source, target)
    for mine, theirs in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_no_weight_is_left_behind():
    """Every weight of the target, gamma and moving averages included, is one of the source's."""
    options = dict(input_shape=(32, 32, 3), classes=7, classifier_activation=None)
    source, target = zoo.build("resnet18", **options), zoo.build("resnet18", **options)
    random_weights.randomize(source, np.random.default_rng(0).standard_normal((2, 32, 32, 3)))
    pairs = weight_transfer.transfer(source, target)
    assert sorted(mine for mine, _ in pairs) == sorted(layer.name for layer in source.layers if layer.weights)
    for mine, theirs in zip(source.get_weights(), target.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def small(name, **options):
    return zoo.build(name, input_shape=(32, 32, 3), classes=10, **options)


def test_mismatch_names_both_layers_and_shapes_and_copies_nothing():
    source, target = small("mobilenet_v2", alpha=0.5), small("mobilenet_v2", alpha=0.35)
    kept = target.get_weights()
    with pytest.raises(
        ValueError,
        match=r"'last_conv' \(Conv2D: kernel \(1, 1, 160, 1280\)\) of the source and 'last_conv' .*1, 1, 112, 1280",
    ):
        weight_transfer.transfer(source, target)
    for before, after in zip(kept, target.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_mismatch_deep_inside_a_branch_is_named_as_what_it_is():
    """The first difference from the outputs is named, not the branches that were taken for each other."""
    source, target = two_branches(layers.Add), two_branches(layers.Add, swapped=True)
    x = keras.Input((8, 8, 3))
    first = layers.Conv2D(4, 3, padding="same", name="a")(layers.Conv2D(2, 1, name="thin")(x))
    second = layers.Conv2D(4, 3, padding="same", name="b")(layers.Conv2D(2, 5, padding="same", name="big")(x))
    target = keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling2D()(layers.Add()([second, first]))))
    with pytest.raises(ValueError, match=r"kernel \(3, 3, 3, 2\).*'big' \(Conv2D: kernel \(5, 5, 3, 2\)"):
        weight_transfer.transfer(source, target)


@pytest.mark.parametrize(
    "target, message",
    [
        (lambda: small("resnet34"), "of the source and .* of the target"),
        (lambda: small("resnet18", use_bias=True), r"bias \(512,\)"),
        (lambda: small("densenet121"), r"\(512, 10\).*\(1024, 10\)"),
    ],
)
def test_other_networks_are_refused(target, message):
    with pytest.raises(ValueError, match=message):
        weight_transfer.transfer(small("resnet18"), target())


def test_missing_skip_and_added_concatenation_are_refused():
    def chain(join):
        x = keras.Input((8, 8, 4))
        y = layers.Conv2D(4, 3, padding="same")(x)
        return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D()(join(x, y))))

    add = chain(lambda x, y: layers.Add()([x, y]))
    with pytest.raises(ValueError, match=r"\(Add\).*Conv2D"):
        weight_transfer.transfer(add, chain(lambda x, y: y))
    with pytest.raises(ValueError, match=r"\(2, 2\)|\(4, 2\)"):
        weight_transfer.transfer(add, chain(lambda x, y: layers.Concatenate()([x, y])))
    with pytest.raises(ValueError, match="Add"):
        weight_transfer.transfer(add, chain(lambda x, y: layers.Maximum()([x, y])))


def test_what_is_no_network_is_refused():
    model = small("resnet18")
    with pytest.raises(TypeError, match="keras.Models, got str"):
        weight_transfer.transfer(model, "resnet18")
    with pytest.raises(ValueError, match="has no graph yet; build it with keras.Input"):
        weight_transfer.transfer(keras.Sequential([layers.Dense(3)]), model)
    two = keras.Model(model.inputs, [model.outputs[0], model.outputs[0]])
    with pytest.raises(ValueError, match="has 2 outputs"):
        weight_transfer.transfer(two, model)


def test_random_weights_move_every_weight_but_the_kernels():
    model = small("mobilenet_v2", alpha=0.35)
    kept = [keras.ops.convert_to_numpy(weight) for weight in model.weights]
    momenta = [layer.momentum for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    images = np.random.default_rng(0).standard_normal((4, 32, 32, 3))
    random_weights.randomize(model, images, seed=1)
    moved = [keras.ops.convert_to_numpy(weight) for weight in model.weights]
    for weight, before, after in zip(model.weights, kept, moved, strict=True):
        assert np.all(before == after) == (weight.name == "kernel"), weight.path
    assert momenta == [layer.momentum for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    logits = keras.ops.convert_to_numpy(model(images))
    assert logits.std(axis=0).max() > 0.01  # images are told apart

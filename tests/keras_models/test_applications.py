"""Our networks against keras.applications: the same weights, carried over by structure, give the same logits."""

import keras
import numpy as np
import pytest

from utils.keras_models import random_weights, weight_transfer, zoo

CLASSES = 10
SMALL = (64, 64, 3)
NETWORKS = {
    "vgg16": (keras.applications.VGG16, {}, SMALL),
    "vgg19": (keras.applications.VGG19, {}, SMALL),
    "resnet50": (keras.applications.ResNet50, {}, SMALL),
    "resnet101": (keras.applications.ResNet101, {}, SMALL),
    "resnet152": (keras.applications.ResNet152, {}, SMALL),
    "resnet50v2": (keras.applications.ResNet50V2, {}, SMALL),
    "densenet121": (keras.applications.DenseNet121, {}, SMALL),
    "densenet169": (keras.applications.DenseNet169, {}, SMALL),
    "densenet201": (keras.applications.DenseNet201, {}, SMALL),
    "xception": (keras.applications.Xception, {}, (71, 71, 3)),
    "mobilenet": (keras.applications.MobileNet, {}, SMALL),
    "mobilenet α=.25": (keras.applications.MobileNet, {"alpha": 0.25}, SMALL),
    "mobilenet_v2": (keras.applications.MobileNetV2, {}, SMALL),
    "mobilenet_v2 α=.5": (keras.applications.MobileNetV2, {"alpha": 0.5}, SMALL),
    "mobilenet_v2 α=1.4": (keras.applications.MobileNetV2, {"alpha": 1.4}, SMALL),
    "mobilenet_v2 odd maps": (keras.applications.MobileNetV2, {"alpha": 0.35}, (75, 69, 3)),
}
SETTINGS = ("strides", "groups", "dilation_rate", "depth_multiplier", "use_bias", "epsilon", "momentum")


@pytest.fixture(autouse=True)
def fresh():
    """The same draws in every order of tests; the memory of one network is free before the next."""
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session()


def logits(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


@pytest.mark.parametrize("name", NETWORKS)
def test_same_weights_give_the_same_logits(name):
    peer, options, shape = NETWORKS[name]
    same = dict(input_shape=shape, classes=CLASSES, classifier_activation=None, **options)
    theirs, ours = peer(weights=None, **same), zoo.build(name.split()[0], **same)
    images = np.random.default_rng(1).standard_normal((4, *shape)).astype("float32")
    random_weights.randomize(theirs, images)
    before = logits(ours, images)

    pairs = weight_transfer.transfer(theirs, ours)

    expected, got = logits(theirs, images), logits(ours, images)
    assert got.shape == (4, CLASSES)
    assert np.abs(expected - got).max() < 1e-4
    # The comparison can fail: the logits depend on the image, on the weights, and on which layer holds which.
    assert expected.std(axis=0).mean() > 0.05
    assert np.abs(before - got).max() > 0.1
    swap_two_layers(ours)
    assert np.abs(expected - logits(ours, images)).max() > 1e-2
    # What logits cannot show: momentum works in training only, 1.001e-5 and 1e-5 differ too little.
    assert len(pairs) == sum(bool(layer.weights) for layer in theirs.layers)
    for their_name, our_name in pairs:
        there, here = theirs.get_layer(their_name), ours.get_layer(our_name)
        for setting in SETTINGS if type(there) is type(here) else ():  # their head may be a 1×1 convolution
            first, second = getattr(there, setting, None), getattr(here, setting, None)
            assert first == second, (their_name, our_name, setting)
    assert ours.count_params() == theirs.count_params()


def swap_two_layers(model):
    """Exchange the weights of two layers in the middle whose shapes are equal."""
    weighted = [layer for layer in model.layers if layer.weights]
    normalized = [layer for layer in weighted if isinstance(layer, keras.layers.BatchNormalization)] or weighted
    first = normalized[len(normalized) // 2]
    second = next(n for n in reversed(normalized) if n.weights[0].shape == first.weights[0].shape)
    assert first is not second
    held, other = first.get_weights(), second.get_weights()
    first.set_weights(other)
    second.set_weights(held)

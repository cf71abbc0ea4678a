"""What the classic networks do: Keras' logits, files that come back, images of any size, clear words for bad input."""

import keras
import numpy as np
import pytest

from utils.keras_models import alexnet, googlenet, lenet, nin, random_weights, vgg, weight_transfer, zfnet

# Variants with the smallest images they take.
SMALL = {
    "LeNet, printed": (lenet.lenet, {"input_shape": (16, 16, 3), "variant": "printed"}),
    "AlexNet, padding 1, two devices": (alexnet.alexnet, {"input_shape": (83, 83, 3), "conv2_padding": 1, "groups": 2}),
    "AlexNet, no padding": (alexnet.alexnet, {"input_shape": (99, 99, 3), "conv2_padding": 0}),
    "AlexNet, much padding": (alexnet.alexnet, {"input_shape": (19, 19, 3), "conv2_padding": 6}),
    "ZFNet, printed": (zfnet.zfnet, {"input_shape": (67, 67, 3), "variant": "printed"}),
    "ZFNet, GAP, printed": (zfnet.zfnet_gap, {"input_shape": (67, 67, 3), "variant": "printed"}),
    "NIN, no border": (nin.nin, {"input_shape": (7, 7, 3), "pool_padding": "valid"}),
    "VGG19": (vgg.vgg19, {"input_shape": (32, 32, 3), "dense_units": 64}),
    "GoogLeNet with heads": (googlenet.googlenet, {"input_shape": (65, 65, 3), "auxiliary": True}),
}


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session()


def images(shape, count=2, seed=0):
    return np.random.default_rng(seed).standard_normal((count, *shape)).astype("float32")


def outputs(model, x):
    return [keras.ops.convert_to_numpy(y) for y in keras.tree.flatten(model(x, training=False))]


@pytest.mark.parametrize("peer, ours", [("VGG16", vgg.vgg16), ("VGG19", vgg.vgg19), ("VGG16", vgg.vgg16_long)])
def test_vgg_gives_the_logits_of_keras_applications(peer, ours):
    same = {"input_shape": (40, 32, 3), "classes": 10, "classifier_activation": None}
    theirs, model = getattr(keras.applications, peer)(weights=None, **same), ours(**same)
    x = 10 * images((40, 32, 3), 4)
    random_weights.randomize(theirs, x)
    before = outputs(model, x)[0]
    pairs = weight_transfer.transfer(theirs, model)
    expected, got = outputs(theirs, x)[0], outputs(model, x)[0]
    assert len(pairs) == int(peer[3:]) and model.count_params() == theirs.count_params()
    assert np.abs(expected - got).max() < 1e-4
    assert expected.std(axis=0).mean() > 0.05 and np.abs(before - got).max() > 0.1  # and it could have been otherwise


@pytest.mark.parametrize("name", SMALL)
def test_saved_and_loaded_with_the_smallest_images(name, tmp_path):
    build, options = SMALL[name]
    model = build(classes=5, **options)
    x = images(options["input_shape"])
    random_weights.randomize(model, x)
    expected = outputs(model, x)
    assert all(y.shape == (2, 5) and np.allclose(y.sum(axis=1), 1, atol=1e-5) for y in expected)
    model.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    for y, again in zip(expected, outputs(loaded, x), strict=True):
        assert np.array_equal(y, again)


@pytest.mark.parametrize("name", SMALL)
def test_an_image_one_pixel_smaller_is_refused(name):
    build, options = SMALL[name]
    height, width, channels = options["input_shape"]
    for shape in ((height - 1, width, channels), (height, width - 1, channels)):
        with pytest.raises(ValueError, match=f"too small.*must be at least {height}"):
            build(**options | {"input_shape": shape})


@pytest.mark.parametrize(
    "build, options, message",
    [
        (lenet.lenet, {"input_shape": ()}, "got 0 axes"),
        (zfnet.zfnet_gap, {"variant": 1}, "'paper', 'printed'; got 1"),
        (alexnet.alexnet, {"conv2_padding": -1}, "conv2_padding must be at least 0, got -1"),
        (nin.nin, {"pool_padding": "sane"}, "did you mean 'same'"),
        (vgg.vgg16, {"dense_units": 0}, "dense_units must be at least 1"),
        (googlenet.googlenet, {"input_shape": (None, None, 3), "auxiliary": True}, "need a fixed size"),
    ],
)
def test_unknown_variants(build, options, message):
    with pytest.raises(ValueError, match=message):
        build(**options)


@pytest.mark.parametrize(
    "build, options",
    [(zfnet.zfnet_gap, {}), (zfnet.zfnet_gap, {"variant": "printed"}), (nin.nin, {}), (googlenet.googlenet, {})],
)
def test_one_set_of_weights_takes_images_of_any_size(build, options):
    any_size = build((None, None, 3), 5, classifier_activation=None, **options)
    for shape in ((96, 96, 3), (120, 75, 3)):
        fixed = build(shape, 5, classifier_activation=None, **options)
        fixed.set_weights(any_size.get_weights())
        x = images(shape)
        assert outputs(any_size, x)[0].shape == (2, 5)
        assert np.abs(outputs(any_size, x)[0] - outputs(fixed, x)[0]).max() < 1e-5


@pytest.mark.parametrize("build", [lenet.lenet, zfnet.zfnet_gap, nin.nin, googlenet.googlenet])
def test_softmax_of_the_logits(build):
    shape = (32, 32, 1) if build is lenet.lenet else (56, 56, 3)
    logits, probabilities = build(shape, 4, classifier_activation=None), build(shape, 4)
    random_weights.randomize(logits, images(shape))
    probabilities.set_weights(logits.get_weights())
    expected = outputs(logits, images(shape))[0]
    exponentials = np.exp(expected - expected.max(axis=1, keepdims=True))
    got = outputs(probabilities, images(shape))[0]
    assert np.abs(exponentials / exponentials.sum(axis=1, keepdims=True) - got).max() < 1e-5


def test_the_helping_heads_train_and_are_left_out_of_the_plain_network():
    shape = (65, 65, 3)
    model = googlenet.googlenet(shape, 3, auxiliary=True)
    x, labels = images(shape, 4), np.array([0, 1, 2, 0])
    model.compile("sgd", ["sparse_categorical_crossentropy"] * 3, loss_weights=[1, 0.3, 0.3])
    before = keras.ops.convert_to_numpy(model.get_layer("inception3a_1x1").kernel).copy()
    loss = model.train_on_batch(x, [labels] * 3)
    assert np.isfinite(loss).all()
    after = keras.ops.convert_to_numpy(model.get_layer("inception3a_1x1").kernel)
    assert np.abs(after - before).max() > 0
    plain = googlenet.googlenet(shape, 3)
    for layer in plain.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights())
    assert np.array_equal(outputs(plain, x)[0], outputs(model, x)[0])

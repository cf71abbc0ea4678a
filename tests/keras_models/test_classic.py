"""The classic networks: parameters as printed or published, the order of branches, and clear errors."""

import keras
import numpy as np
import pytest

from utils.keras_models import alexnet, googlenet, layer_table, lenet, nin, vgg, zfnet

COUNTS = [
    ("LeNet, printed", lambda: lenet.lenet(variant="printed"), 58_866),
    ("LeNet, paper", lenet.lenet, 61_750),
    ("AlexNet, 2 classes", lambda: alexnet.alexnet(classes=2), 58_289_538),
    ("AlexNet", alexnet.alexnet, 62_378_344),
    ("AlexNet on two GPUs", lambda: alexnet.alexnet(groups=2), 60_965_224),
    ("ZFNet, printed", lambda: zfnet.zfnet(classes=2, variant="printed"), 46_734_466),
    ("NIN, 2 classes", lambda: nin.nin((128, 128, 3), 2), 965_442),
    ("VGG16, 2 classes", lambda: vgg.vgg16(classes=2), 134_268_738),
    ("VGG19, 2 classes", lambda: vgg.vgg19(classes=2), 139_578_434),
    ("VGG16", vgg.vgg16, 138_357_544),
    ("VGG19", vgg.vgg19, 143_667_240),
    # each of the 4,224 biases gives way to a scale, a shift and two moving averages
    ("VGG16 + BN", lambda: vgg.vgg16(batch_norm=True), 138_357_544 + 3 * 4_224),
    ("GoogLeNet", googlenet.googlenet, 6_998_552),
    ("GoogLeNet with its helpers", lambda: googlenet.googlenet(auxiliary=True), 13_378_280),
]


@pytest.fixture(autouse=True)
def fresh():
    yield
    keras.backend.clear_session()


@pytest.fixture
def no_weights(monkeypatch):
    """Counting needs no random numbers: VGG's 138 million take seconds."""
    monkeypatch.setattr(keras.initializers.GlorotUniform, "__call__", lambda self, shape, dtype=None: np.zeros(shape))


@pytest.mark.parametrize("build, count", [case[1:] for case in COUNTS], ids=[case[0] for case in COUNTS])
def test_parameters(build, count, no_weights):
    assert layer_table.parameters(build()) == count


def test_vgg_written_short_is_vgg_written_long(no_weights):
    short, long = (layer_table.rows(build(classes=2)) for build in (vgg.vgg16, vgg.vgg16_long))
    assert short == long


def test_branches_of_an_inception_module_stand_in_the_order_of_the_table():
    image = keras.Input((8, 8, 4))
    model = keras.Model(image, googlenet.inception(image, (1, 2, 3, 4, 5, 6), "test"))
    for number, (name, filters) in enumerate({"1x1": 1, "3x3": 3, "5x5": 5, "poolproj": 6}.items()):
        model.get_layer(f"test_{name}").bias.assign(np.full(filters, number + 1.0))
    channels = keras.ops.convert_to_numpy(model(np.zeros((1, 8, 8, 4))))[0, 4, 4]
    np.testing.assert_array_equal(channels, [1] + [2] * 3 + [3] * 5 + [4] * 6)


@pytest.mark.parametrize("build, last, size", [(zfnet.zfnet_gap, "head_conv", 96), (nin.nin, "block3_conv3", 32)])
def test_global_average_pooling_averages_over_the_positions(build, last, size):
    model = build((size, size, 3), 4, None)
    maps = keras.Model(model.input, model.get_layer(last).output)
    images = np.random.default_rng(0).random((2, size, size, 3), "float32")
    expected = keras.ops.convert_to_numpy(maps(images)).mean(axis=(1, 2))
    assert np.ptp(expected) > 1e-4
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(images)), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("build", [lenet.lenet, alexnet.alexnet, zfnet.zfnet, nin.nin, vgg.vgg19, googlenet.googlenet])
def test_bad_input(build):
    for shape, message in [((224, 224), "2 axes"), ((8, 224, 224, 3), "4 axes")]:
        with pytest.raises(ValueError, match=message):
            build(shape)
    with pytest.raises(TypeError, match="input_shape"):
        build("224")
    with pytest.raises(ValueError, match="classes must be at least 1, got 0"):
        build((224, 224, 3), 0)
    with pytest.raises(TypeError, match="classes must be a whole number"):
        build((224, 224, 3), 2.5)


def test_images_with_another_number_of_channels_are_refused():
    with pytest.raises(ValueError, match=r"expected axis -1 .* to have value 1, .* shape \(2, 32, 32, 3\)"):
        lenet.lenet()(np.zeros((2, 32, 32, 3), "float32"))

"""The zoo as a reader meets it: names, wrong input, and networks that survive being saved."""

import keras
import numpy as np
import pytest

from utils.keras_models import pyramidnet, random_weights, resnet, resnet_v2, resnext, zoo

DEEP = (
    ("resnet18", {}),
    ("resnet50v2", {}),
    ("wide_resnet", dict(depth=10, width=1)),
    ("pyramidnet", dict(depth=8, alpha=6)),
    ("resnext50_32x4d", {}),
    ("xception", {}),
    ("small_densenet", {}),
    ("mobilenet", dict(alpha=0.25)),
    ("mobilenet_v2", dict(alpha=0.35)),
)
families = pytest.mark.parametrize("name, options", DEEP, ids=[name for name, _ in DEEP])


@pytest.fixture(autouse=True)
def fresh():
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session()


def test_unknown_name_gives_the_nearest():
    with pytest.raises(ValueError, match=r"name must be one of .*; got 'resnet5O'; did you mean 'resnet50'\?"):
        zoo.build("resnet5O")


def test_options_reach_the_builder():
    model = zoo.build("mobilenet_v2", input_shape=(32, 32, 1), classes=3, alpha=0.5)
    assert (model.input_shape, model.output_shape) == ((None, 32, 32, 1), (None, 3))
    with pytest.raises(TypeError, match="widht"):
        zoo.build("wide_resnet", widht=2)


@families
@pytest.mark.parametrize(
    "wrong, error, message",
    [
        (dict(input_shape=(32, 32)), ValueError, "input_shape must be .*got 2 axes"),
        (dict(input_shape=(1, 32, 32, 3)), ValueError, "without the batch axis.*got 4 axes"),
        (dict(input_shape=32), TypeError, "input_shape must be"),
        (dict(input_shape=(32, 32, None)), ValueError, "channels must be a whole number"),
        (dict(input_shape=(1, 32, 3)), ValueError, "too small.*at least"),
        (dict(classes=0), ValueError, "classes must be at least 1, got 0"),
        (dict(classes=2.5), TypeError, "classes must be a whole number, got 2.5"),
    ],
    ids=["no channels", "batch axis", "a number", "open channels", "too small", "no class", "half a class"],
)
def test_wrong_input_is_refused(name, options, wrong, error, message):
    with pytest.raises(error, match=message):
        zoo.build(name, **{"input_shape": (32, 32, 3), **options, **wrong})


@pytest.mark.parametrize(
    "build, error, message",
    [
        (lambda: resnet.resnet(42), ValueError, "depth must be one of 18, 34, 50, 101, 152; got 42"),
        (lambda: resnet.resnet("50"), ValueError, "depth must be one of"),
        (lambda: resnet.resnet50(stride_on="5x5"), ValueError, "stride_on must be one of '1x1', '3x3'; got '5x5'"),
        (lambda: resnet_v2.resnet_v2(18), ValueError, "depth must be one of 50, 101, 152; got 18"),
        (lambda: resnext.resnext(152, 32, 4), ValueError, "depth must be one of 50, 101; got 152"),
        (lambda: resnext.resnext(50, 0, 4), ValueError, "cardinality must be at least 1"),
        (lambda: zoo.build("wide_resnet", depth=27), ValueError, r"depth must be 6n \+ 4 .* got 27; the nearest is 28"),
        (lambda: zoo.build("wide_resnet", depth=4), ValueError, "the nearest is 10"),
        (lambda: zoo.build("wide_resnet", width=0), ValueError, "width must be at least 1"),
        (lambda: zoo.build("pyramidnet", depth=111), ValueError, r"depth must be 6n \+ 2 .*the nearest is 110"),
        (
            lambda: zoo.build("pyramidnet", depth=112, bottleneck=True),
            ValueError,
            r"9n \+ 2 .*the nearest is 110",
        ),
        (lambda: zoo.build("pyramidnet", alpha=0), ValueError, "alpha must be at least 1"),
        (lambda: zoo.build("small_densenet", growth_rate=0), ValueError, "growth_rate must be at least 1"),
        (lambda: zoo.build("mobilenet", alpha=0), ValueError, "alpha must be above 0"),
        (lambda: zoo.build("mobilenet_v2", alpha=float("nan")), ValueError, "alpha must be above 0"),
        (lambda: zoo.build("mobilenet_v2", alpha="half"), TypeError, "alpha must be a number such as 1.0 or 0.5"),
        (lambda: pyramidnet.ZeroChannels(0), ValueError, "channels must be at least 1"),
    ],
)
def test_unknown_depth_or_variant_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


@families
def test_batch_of_another_channel_count_is_refused(name, options):
    model = zoo.build(name, input_shape=(32, 32, 3), classes=4, **options)
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 3"):
        model(np.zeros((2, 32, 32, 1), "float32"))


@families
def test_saved_and_loaded_network_answers_alike(name, options, tmp_path):
    model = zoo.build(name, input_shape=(32, 32, 3), classes=4, classifier_activation=None, **options)
    images = np.random.default_rng(0).standard_normal((2, 32, 32, 3)).astype("float32")
    random_weights.randomize(model, images)
    model.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    first, second = (keras.ops.convert_to_numpy(net(images)) for net in (model, loaded))
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]

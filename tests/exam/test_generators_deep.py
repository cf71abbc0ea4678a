"""The answers of chapter 04's generators, against the networks of utils.keras_models and against counting."""

import numpy as np
import pytest

from utils.exam.figures import deep as figures
from utils.exam.generators import deep

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(deep, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


def weights(model, among=""):
    layers = [layer for layer in model.layers if "Conv2D" in type(layer).__name__ and among in layer.name]
    return sum(int(np.prod(layer.kernel.shape)) for layer in layers)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_linked_resnet_is_what_keras_builds(seed):
    import keras

    from utils.keras_models import resnet

    v, depth = drawn("resnet_depth", seed)
    repeats = (v["a"], v["b"], v["c"], v["d"])
    x = keras.Input((32, 32, 64))
    y, path, identities = x, 2, 0
    for stage, (filters, count) in enumerate(zip((64, 128, 256, 512), repeats, strict=True), start=2):
        for number in range(count):
            before = y
            y = resnet.bottleneck_block(y, filters, 2 if number == 0 and stage > 2 else 1, f"s{stage}_b{number}")
            path += 3
            identities += before.shape[1:] == y.shape[1:]
    assert path == depth
    model = keras.Model(x, y)
    assert sum("shortcut" in layer.name and "Conv2D" in type(layer).__name__ for layer in model.layers) == 4
    assert drawn("resnet_identity_shortcuts", seed)[1] == identities
    last = f"s5_b{v['d'] - 1}_"
    assert drawn("resnet_block_weights", seed)[1] == weights(model, last)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_linked_densenet_is_what_keras_builds(seed):
    import keras

    from utils.keras_models import densenet

    v, channels = drawn("dense_channels", seed)
    x = keras.Input((8, 8, v["start"]))
    y = x
    for number in range(v["first"]):
        y = densenet.dense_layer(y, v["k"], f"first_l{number}")
    y = densenet.transition(y, 0.5, "transition")
    for number in range(v["second"]):
        y = densenet.dense_layer(y, v["k"], f"second_l{number}")
    assert y.shape[-1] == channels
    model = keras.Model(x, y)
    assert drawn("dense_layer_weights", seed)[1] == weights(model, f"second_l{v['second'] - 1}_")
    nodes = range(v["second"] + 1)  # the block's input and its layers
    assert drawn("dense_connections", seed)[1] == sum(a < b for a in nodes for b in nodes)


@pytest.mark.parametrize("seed", SEEDS)
def test_grouped_bottleneck_is_what_keras_builds(seed):
    import keras

    from utils.keras_models import resnet

    v, count = drawn("grouped_bottleneck", seed)
    x = keras.Input((8, 8, v["channels"]))
    y = resnet.bottleneck_block(x, v["channels"] // 4, 1, "s_b", width=v["m"], groups=v["groups"])
    assert weights(keras.Model(x, y)) == count


@pytest.mark.parametrize("seed", SEEDS)
def test_wide_resnet_has_the_blocks_and_channels_of_its_name(seed):
    from utils.keras_models import wide_resnet

    v, (blocks, channels) = drawn("wide_resnet_name", seed)
    model = wide_resnet.wide_resnet((8, 8, 3), depth=v["depth"], width=v["k"])
    sums = [layer for layer in model.layers if type(layer).__name__ == "Add"]
    assert len(sums) == 3 * blocks == v["total"]
    assert sums[-1].output.shape[-1] == channels


@pytest.mark.parametrize("seed", SEEDS)
def test_pyramid_channels_are_the_networks(seed):
    from utils.keras_models import pyramidnet

    v, channels = drawn("pyramid_channels", seed)
    assert pyramidnet.widths(v["blocks"], v["alpha"])[v["number"] - 1] == channels


def test_error_curves_show_degradation_and_no_overfitting():
    curves = figures.error_curves()
    assert (curves["B", "training"] >= curves["A", "training"]).all()
    for name in "AB":
        assert (np.diff(curves[name, "validation"])[5:] <= 0.5).all()


def test_two_blocks_are_named_by_their_place_alone():
    places = {text.get_text(): text.get_position()[0] for text in figures.two_blocks().axes[0].texts}
    assert places["left"] < places["right"] and not any("activation" in text for text in places)

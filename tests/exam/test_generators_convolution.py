"""The answers of chapter 01's generators, against Keras and against counting."""

import numpy as np
import pytest

from utils.exam.generators import convolution

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(convolution, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


def network(v):
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((v["size"], v["size"], v["c"])),
            layers.ZeroPadding2D(v["p"]),
            layers.Conv2D(v["f"], v["k"], strides=2),
            layers.AveragePooling2D(3, 2),  # reaches as far as max pooling, and every pixel counts
            layers.DepthwiseConv2D(3, dilation_rate=v["d"], depth_multiplier=v["m"]),
            layers.Conv2D(v["last"], 1),
        ]
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_network_is_what_keras_builds(seed):
    v, out = drawn("network_output_size", seed)
    model = network(v)
    assert model.output_shape == (None, out, out, v["last"])
    assert model.count_params() == drawn("network_parameters", seed)[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_network_multiplications_are_counted_one_by_one(seed):
    v, macs = drawn("network_macs", seed)
    count = 0
    for _ in np.ndindex(v["out"], v["out"]):
        for _ in np.ndindex(v["f"], v["m"]):
            count += 3 * 3
        count += v["deep"] * v["last"]
    assert macs == count


@pytest.mark.parametrize("seed", SEEDS)
def test_network_receptive_field_is_as_far_as_a_change_reaches(seed):
    v, field = drawn("network_receptive_field", seed)
    model = network(v)
    for layer in model.layers:
        layer.set_weights([np.ones_like(w) for w in layer.get_weights()])
    middle = v["out"] // 2
    x = np.zeros((v["size"], v["size"], v["size"], v["c"]), "float32")
    x[np.arange(v["size"]), np.arange(v["size"])] = 1  # image i: a bright pixel at (i, i)
    y = np.asarray(model(np.concatenate([np.zeros_like(x[:1]), x])))[:, middle, middle, 0]
    # The window's corners are read by the first and the last weight, so the diagonal meets both ends.
    reached = np.flatnonzero(y[1:] != y[0])
    assert reached[-1] - reached[0] + 1 == field


@pytest.mark.parametrize("seed", SEEDS)
def test_same_padding_is_what_keras_adds(seed):
    import keras

    v, (above, below) = drawn("same_padding", seed)
    layer = keras.layers.Conv2D(1, (v["k"], 1), strides=(v["s"], 1), padding="same", kernel_initializer="ones")
    y = np.asarray(layer(np.ones((1, v["size"], 1, 1), "float32")))[0, :, 0, 0]
    assert (v["k"] - y[0], v["k"] - y[-1]) == (above, below)  # zeros that the first and the last window meet


@pytest.mark.parametrize("seed", SEEDS)
def test_transposed_size_is_the_one_that_the_convolution_leads_back_from(seed):
    import keras

    v, out = drawn("transposed_size", seed)
    padded = keras.layers.ZeroPadding2D(v["p"])(np.zeros((1, out, out, 1), "float32"))
    assert keras.layers.Conv2D(1, v["k"], strides=v["s"])(padded).shape[1:3] == (v["size"], v["size"])
    full = keras.layers.Conv2DTranspose(1, v["k"], strides=v["s"])(np.zeros((1, v["size"], v["size"], 1), "float32"))
    assert full.shape[1] - 2 * v["p"] == out


@pytest.mark.parametrize("seed", SEEDS)
def test_by_hand_is_the_sum_of_what_its_explanation_shows(seed):
    v, value = drawn("by_hand", seed)
    sums = [eval(v[name].replace("\\cdot", "*")) for name in ("first_products", "second_products")]
    assert sums == [v["first"], v["second"]] and sum(sums) == value
    numbers = [[int(n) for n in line.split()] for line in v["arrays"].split("\n")[1:3]]
    x = np.array([row[:6] for row in numbers]).reshape(2, 2, 3)[:, :, 1:]  # row, channel, column
    kernel = np.array([row[6:] for row in numbers]).reshape(2, 2, 2)
    assert np.sum(x * kernel) == value


@pytest.mark.parametrize("seed", SEEDS)
def test_mobilenet_ratio_is_the_papers(seed):
    v, ratio = drawn("mobilenet_ratio", seed)
    assert ratio == pytest.approx(1 / v["filters"] + 1 / v["k"] ** 2, rel=1e-12)

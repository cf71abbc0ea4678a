"""The answers of chapter 03's generators, against Keras and against counting."""

import numpy as np
import pytest

from utils.exam.figures import classic as figures
from utils.exam.generators import classic

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(classic, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


def network(v, head):
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((v["size"], v["size"], 3)),
            layers.Conv2D(v["first"], v["k"], strides=v["s"], activation="relu"),
            layers.MaxPooling2D(3, 2),
            layers.ZeroPadding2D(v["p"]),
            layers.Conv2D(v["second"], 5, activation="relu", name="conv2"),
            layers.MaxPooling2D(3, 2, name="pool2"),
            head,
            layers.Dense(v["units"], name="dense"),
        ]
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_table_is_what_keras_builds(seed):
    import keras

    v, out = drawn("table_size", seed)
    flat = network(v, keras.layers.Flatten())
    assert flat.get_layer("pool2").output.shape == (None, out, out, v["second"])
    assert flat.get_layer("conv2").output.shape[1] == v["conv2"]
    assert flat.get_layer("dense").count_params() == drawn("table_dense", seed)[1]
    pooled = network(v, keras.layers.GlobalAveragePooling2D())
    assert pooled.get_layer("dense").count_params() == drawn("table_gap", seed)[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_table_multiplications_are_counted_one_by_one(seed):
    v, macs = drawn("table_macs", seed)
    assert macs == sum(5 * 5 * v["first"] for _ in range(v["conv2"] ** 2 * v["second"]))


@pytest.mark.parametrize("seed", range(40))
def test_conv1_of_the_table_leaves_no_remainder(seed):
    v, _ = drawn("table_size", seed)
    assert (v["size"] - v["k"]) % v["s"] == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_stacked_kernels_see_as_far_as_the_single_one(seed):
    import keras

    v, (stack, single) = drawn("stacked_kernels", seed)
    n, c, side = v["n"], v["channels"], v["side"]
    stacked, single_layer = (
        keras.Sequential(
            [keras.Input((side, side, c)), *[keras.layers.Conv2D(c, k, use_bias=False) for _ in range(times)]]
        )
        for k, times in ((3, n), (side, 1))
    )
    assert (stacked.count_params(), single_layer.count_params()) == (stack, single)
    assert stacked.output_shape == single_layer.output_shape == (None, 1, 1, c)  # side × side pixels in one position


@pytest.mark.parametrize("seed", SEEDS)
def test_inception_channels_and_costs_are_those_of_the_module(seed):
    import keras

    layers = keras.layers
    v, channels = drawn("inception_channels", seed)
    x = keras.Input((8, 8, v["channels"]))
    branches = [
        layers.Conv2D(v["ones"], 1)(x),
        layers.Conv2D(v["threes"], 3, padding="same")(layers.Conv2D(v["before3"], 1)(x)),
        layers.Conv2D(v["fives"], 5, padding="same")(layers.Conv2D(v["before5"], 1)(x)),
        layers.Conv2D(v["pool"], 1)(layers.MaxPooling2D(3, 1, padding="same")(x)),
    ]
    assert layers.Concatenate()(branches).shape == (None, 8, 8, channels)
    v, macs = drawn("reduced_branch", seed)
    positions = v["size"] ** 2
    assert macs == positions * v["channels"] * v["reduced"] + positions * 25 * v["reduced"] * v["filters"]


@pytest.mark.parametrize("seed", SEEDS)
def test_lp_value_is_the_mean_of_its_cubes(seed):
    v, value = drawn("lp_value", seed)
    numbers = [int(n) for n in v["window"].split()]
    assert min(numbers) < 0
    assert [int(n) for n in v["cubes"].split(" + ")] == [abs(n) ** 3 for n in numbers]
    assert value == pytest.approx((sum(abs(n) ** 3 for n in numbers) / 4) ** (1 / 3), rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_max_backward_is_what_tensorflow_returns(seed):
    import tensorflow as tf

    v, gradient = drawn("max_backward", seed)
    lines = [[int(n) for n in line.split()] for line in v["arrays"].split("\n")[1:]]
    x = tf.constant([line[:3] for line in lines], "float32")[None, :, :, None]
    dy = tf.constant([line[3:] for line in lines[:2]], "float32")[None, :, :, None]
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(dy * tf.nn.max_pool2d(x, 2, 1, "VALID"))
    assert tape.gradient(loss, x)[0, 1, 1, 0] == gradient == eval(v["terms"])


@pytest.mark.parametrize("seed", SEEDS)
def test_softmax_floor_is_the_loss_of_a_perfect_answer(seed):
    import keras

    v, floor = drawn("softmax_floor", seed)
    perfect = np.eye(v["classes"], dtype="float32")[:1]
    loss = keras.losses.sparse_categorical_crossentropy(np.array([0]), perfect, from_logits=True)
    assert float(np.asarray(loss)[0]) == pytest.approx(floor, rel=1e-5)


def test_figure_shows_vgg16():
    parameters, macs = figures.vgg16_shares()
    assert sum(parameters) == 138_357_544
    assert sum(macs) == 15_470_264_320  # by conv_arithmetic; biases and pooling are not counted
    assert parameters.index(max(parameters)) == 5 and macs.index(max(macs)) < 5

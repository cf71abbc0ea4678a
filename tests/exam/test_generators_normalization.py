"""The answers of chapter 05's generators, against Keras and against counting; the figure of its question."""

import numpy as np
import pytest

from utils.exam.figures import normalization as figures
from utils.exam.generators import normalization

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(normalization, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


@pytest.mark.parametrize("seed", SEEDS)
def test_map_parameters_are_what_keras_counts(seed):
    import keras

    v, parameters = drawn("map_parameters", seed)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((v["size"], v["size"], v["inputs"])),
            layers.Conv2D(v["c"], v["k"], padding="same", use_bias=False),
            layers.BatchNormalization(),
        ]
    )
    assert model.count_params() == parameters
    assert model.output_shape == (None, v["size"], v["size"], v["c"])


@pytest.mark.parametrize("seed", SEEDS)
def test_numbers_and_means_are_counted_one_by_one(seed):
    v, numbers = drawn("map_numbers", seed)
    assert drawn("map_means", seed)[0] == v
    shape = (v["n"], v["size"], v["size"], v["c"])
    places = np.indices(shape)[:, ..., 0].reshape(4, -1)
    assert numbers == places.shape[1]
    block = v["c"] // v["g"]
    groups = {(n, c // block) for n in range(v["n"]) for c in range(v["c"])}
    assert drawn("map_means", seed)[1] == len(groups)


@pytest.mark.parametrize("seed", SEEDS)
def test_token_is_normalized_by_keras_alike(seed):
    import keras

    v, answer = drawn("token", seed)
    x = np.array([[float(n) for n in v[name].split()] for name in ("first", "second")], "float32")
    y = np.asarray(keras.layers.LayerNormalization(epsilon=0, dtype="float32")(x[None]))[0]
    assert answer == pytest.approx(y[0, v["place"]], abs=1e-5)
    assert sum(int(n) for n in v["squares"].split("+")) / 4 == float(v["variance"])
    assert (v["chosen"], v["other"]) == tuple(x[:, v["place"]])


@pytest.mark.parametrize("seed", SEEDS)
def test_moving_variance_is_that_of_keras(seed):
    import keras

    v, answer = drawn("moving_variance", seed)
    layer = keras.layers.BatchNormalization(momentum=v["keep"], dtype="float32")
    layer.build((None, 1))
    layer.moving_variance.assign([v["before"]])
    layer(np.array([[float(n)] for n in v["batch"].split(", ")], "float32"), training=True)
    assert answer == pytest.approx(np.asarray(layer.moving_variance)[0], rel=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_folded_convolution_gives_what_the_two_layers_give(seed):
    import keras

    v, (weight, bias) = drawn("folded", seed)
    layer = keras.layers.BatchNormalization(epsilon=0, dtype="float32")
    layer.build((None, 1))
    layer.set_weights([np.array([float(v[name])]) for name in ("gamma", "beta", "mean", "variance")])
    x = np.array([[-2.0], [0.5], [3.0]], "float32")
    assert np.allclose(layer(v["w"] * x), weight * x + bias, atol=1e-4)


def test_panels_of_the_figure_are_all_different():
    sets = [
        {(n, c) for n in range(figures.SAMPLES) for c in range(figures.CHANNELS) if shares(n, c)}
        for shares in figures.PANELS
    ]
    assert sorted(map(len, sets)) == [1, 2, 3, 4]

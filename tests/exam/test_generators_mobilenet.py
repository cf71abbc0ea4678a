"""The answers of chapter 06's generators, against Keras and against simulation."""

import math

import numpy as np
import pytest

from utils.exam.exercises import mobilenet as exercises
from utils.exam.figures import mobilenet as figures
from utils.exam.generators import mobilenet
from utils.pictures import mobilenet as pictures

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(mobilenet, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


@pytest.mark.parametrize("seed", SEEDS)
def test_block_is_what_keras_builds(seed):
    import keras

    from utils.keras_models.layer_table import rows
    from utils.keras_models.mobilenet_v2 import inverted_residual

    v, weights = drawn("block_weights", seed)
    inputs = keras.Input((v["size"], v["size"], v["k"]))
    model = keras.Model(inputs, inverted_residual(inputs, v["last"], 2, v["t"], "block"))
    table = [row for row in rows(model) if row.kernel]
    assert model.output_shape == (None, v["out"], v["out"], v["last"])
    assert weights == sum(row.parameters for row in table)
    assert drawn("block_macs", seed)[1] == sum(row.macs for row in table)
    assert drawn("block_kept", seed)[1] == sum(math.prod(row.output_shape) for row in table[:2])
    assert exercises.BLOCK["reference"](v["size"], v["k"], v["last"], v["t"], 2)[0] == weights


@pytest.mark.parametrize("seed", SEEDS)
def test_file_holds_weights_and_two_moments(seed):
    import keras

    v, megabytes = drawn("saved_size", seed)
    model = keras.Sequential([keras.Input((v["millions"],)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.Adam())
    model.optimizer.build(model.trainable_variables)
    slots = sum(math.prod(variable.shape) for variable in model.optimizer.variables if len(variable.shape))
    assert megabytes == 4 * (model.count_params() + slots)


@pytest.mark.parametrize("seed", SEEDS)
def test_width_multiplier_thins_both_sides(seed):
    v, macs = drawn("width_multiplier", seed)
    positions = v["size"] ** 2
    assert v["thin"] == v["alpha"] * v["channels"] and v["thin_filters"] == v["alpha"] * v["filters"]
    assert macs == positions * 9 * v["thin"] + positions * v["thin"] * v["thin_filters"]


@pytest.mark.parametrize("seed", SEEDS)
def test_time_is_macs_over_rate(seed):
    v, ratio = drawn("time_ratio", seed)
    small = v["small"] * 1e6 / (v["slow"] * 1e9)
    assert math.isclose(ratio, float(v["large"]) * 1e9 / (v["fast"] * 1e9) / small)


@pytest.mark.parametrize("seed", SEEDS)
def test_twins_counted(seed):
    v, percent = drawn("twin_in_training", seed)
    rng = np.random.default_rng(seed)
    in_test = rng.random((200_000, v["copies"])) < v["test"]
    asked = in_test[in_test[:, 0]]
    assert abs(100 * np.mean(~asked[:, 1:].all(axis=1)) - percent) < 0.6


@pytest.mark.parametrize("seed", SEEDS)
def test_loss_of_chance_is_what_keras_computes(seed):
    import keras

    v, loss = drawn("loss_of_chance", seed)
    labels = np.arange(v["classes"])
    same = np.full((v["classes"], v["classes"]), 1 / v["classes"], "float32")
    assert math.isclose(float(keras.losses.SparseCategoricalCrossentropy()(labels, same)), loss, rel_tol=1e-5)


def test_layers_of_the_figure():
    assert figures.intensity("A") < figures.intensity("B") < figures.PEAK / figures.BANDWIDTH < figures.intensity("C")
    for letter, (macs, values) in figures.LAYERS.items():
        seconds = exercises.ROOFLINE["reference"](macs, 4 * values, figures.PEAK * 1e9, figures.BANDWIDTH * 1e9)
        assert math.isclose(macs / seconds, figures.rate(letter) * 1e9)
    assert figures.roofline().axes[0].get_xscale() == "log"


def test_measured_roofline():
    ax = pictures.roofline([("standard", 100, 30.0), ("depthwise", 1.1, 4.0)], peak=40, bandwidth=8).axes[0]
    roof = dict(zip(*ax.lines[0].get_data(), strict=True))
    assert roof[40 / 8] == 40 and roof[2000] == 40 and math.isclose(roof[0.05], 0.4)
    assert [text.get_text() for text in ax.get_legend().get_texts()][1:] == ["standard", "depthwise"]
    with pytest.raises(ValueError, match=r"standard, pointwise, depthwise, dense; got \['conv'\]"):
        pictures.roofline([("conv", 1, 1)], 40, 8)
    with pytest.raises(ValueError, match="points"):
        pictures.roofline([], 40, 8)


def test_recoverable_needs_two_active_channels():
    cross = np.array([[1.0, -1, 0, 0], [0, 0, 1, -1]])  # two of these four are active at every point
    fig = pictures.recoverable([cross, cross[:, :2]])
    assert [ax.get_xlabel() for ax in fig.axes] == ["100 % kept", "0 % kept"]
    assert [ax.get_title() for ax in fig.axes] == ["4 channels", "2 channels"]

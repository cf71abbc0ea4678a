"""The answers of chapter 13's generators, against layers that are run and against Keras."""

import numpy as np
import pytest

from utils.exam.generators import wavenet
from utils.keras_models.pixelcnn import allowed_taps
from utils.numpy_layers.causal_conv1d import CausalConv1D
from utils.pictures.dilation import path_to

SEEDS = range(5)


def drawn(name, seed):
    problem = getattr(wavenet, name)(np.random.default_rng(seed))
    return problem.values, problem.answer


def reached(dilations, kernel_size):
    """Outputs that one input changes when a stack of ones is run: as many as one output sees."""
    x = np.zeros((1, 1 + 2 * sum(dilations) + 5, 1))
    x[0, 0] = 1
    for d in dilations:
        conv = CausalConv1D(1, kernel_size, 1, d, use_bias=False, dtype="float64")
        conv.params["kernel"][:] = 1
        x = conv.forward(x)
    return np.flatnonzero(x[0, :, 0])[-1] + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_fields_are_what_a_stack_reaches(seed):
    values, field = drawn("stack_field", seed)
    dilations = [2**i for i in range(values["layers"])]
    assert field == reached(dilations, values["k"])
    layers = drawn("stack_plain_layers", seed)[1]
    assert reached([1] * layers, values["k"]) == field > reached([1] * (layers - 1), values["k"])
    assert drawn("stack_queues", seed)[1] == sum((values["k"] - 1) * d for d in dilations)
    values, field = drawn("repeated_field", seed)
    assert field == reached([2**i for i in range(values["layers"])] * values["times"], 2)


@pytest.mark.parametrize("seed", SEEDS)
def test_block_has_the_weights_of_keras(seed):
    import keras

    from utils.keras_models.wavenet import wavenet as network

    keras.backend.clear_session()
    values, weights = drawn("block_weights", seed)
    sizes = (values["C"], values["S"], 4)
    two, one = (network((values["d"],) * blocks, *sizes).count_params() for blocks in (2, 1))
    assert weights == two - one


@pytest.mark.parametrize("seed", SEEDS)
def test_mu_law_masks_and_tree(seed):
    values, y = drawn("mu_law_value", seed)
    assert abs(y) == pytest.approx(values["power"] / 8) and (y < 0) == values["x"].startswith("-")
    values, taps = drawn("masked_taps", seed)
    assert taps == allowed_taps(values["kind"], (values["k"], values["k"])).sum()
    values, outputs = drawn("tree", seed)
    rows = path_to(2 ** values["layers"], [2**i for i in range(values["layers"])])
    assert outputs == sum(len(row) for row in rows[1:])

"""The 27 networks of chapter 02: what the formula counts is what Keras builds."""

import itertools

import pytest

from utils.keras_models.module_network import KINDS, module_network, parameters

ALL = list(itertools.product(KINDS, repeat=3))
PRINTED = {  # in the result table of the study note of 2019
    ("separable", "separable", "depthwise"): 236_810,
    ("separable", "separable", "separable"): 322_826,
    ("conv", "depthwise", "depthwise"): 834_890,
    ("conv", "separable", "separable"): 1_006_922,
}


@pytest.mark.parametrize("layers", ALL, ids="-".join)
def test_formula_counts_what_keras_builds(layers):
    assert parameters(layers) == module_network(layers).count_params()


@pytest.mark.parametrize("layers", PRINTED, ids="-".join)
def test_printed_counts(layers):
    assert parameters(layers) == PRINTED[layers]


def test_other_sizes():
    for width, channels, classes in ((1, 1, 1), (5, 3, 7), (8, 1, 10)):
        model = module_network(("depthwise", "conv", "separable"), width, (9, 4, channels), classes)
        assert parameters(("depthwise", "conv", "separable"), width, channels, classes) == model.count_params()
        assert model.output_shape == (None, classes)


def test_structure():
    model = module_network(("conv", "depthwise", "separable"))
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("BatchNormalization") == kinds.count("ReLU") == 12
    assert kinds.count("AveragePooling2D") == 2 and kinds.count("GlobalAveragePooling2D") == 1
    shapes = [layer.output.shape[1:] for layer in model.layers if layer.name.endswith("layer3_relu")]
    assert shapes == [(32, 32, 64), (16, 16, 128), (8, 8, 256)]
    order = [layer.name for layer in model.layers if layer.name.startswith("module2")]
    assert order[:5] == [
        "module2_pool",
        *(f"module2_{role}" for role in ("adjust_conv", "adjust_bn", "adjust_relu")),
    ] + ["module2_layer1_conv"]
    assert [name for name in order if "layer" in name and not name.endswith(("bn", "relu"))] == [
        "module2_layer1_conv", "module2_layer2_depthwise", "module2_layer3_separable"
    ]  # fmt: skip


def test_logits_and_momentum():
    model = module_network(width=2, classifier_activation=None, momentum=0.9)
    assert model.layers[-1].activation.__name__ == "linear"
    assert {layer.momentum for layer in model.layers if hasattr(layer, "momentum")} == {0.9}


@pytest.mark.parametrize("of", [parameters, module_network])
def test_bad_input(of):
    with pytest.raises(ValueError, match="did you mean 'depthwise'"):
        of(("conv", "depthwize", "conv"))
    with pytest.raises(ValueError, match="got 2"):
        of(("conv", "conv"))
    with pytest.raises(TypeError, match="three layers"):
        of("conv")
    with pytest.raises(TypeError, match="three layers"):
        of(3)
    with pytest.raises(ValueError, match="classes must be at least 1"):
        of(classes=0, layers=("conv",) * 3)
    with pytest.raises(ValueError, match="width must be at least 1"):
        of(width=0, layers=("conv",) * 3)


def test_bad_image():
    with pytest.raises(ValueError, match="too small"):
        module_network(input_shape=(3, 32, 1))
    with pytest.raises(ValueError, match="without the batch axis"):
        module_network(input_shape=(None, 32, 32, 3))

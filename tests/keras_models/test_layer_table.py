"""The layer table: what it reads off a model is what the formulas of chapter 01 give, layer by layer."""

import keras
import pytest
from keras import layers

from utils.keras_models import layer_table, vgg
from utils.numpy_layers import conv_arithmetic as arithmetic


@pytest.fixture(scope="module")
def model():
    image = keras.Input((12, 10, 4), name="image")
    x = layers.ZeroPadding2D(1, name="a_pad")(image)
    x = layers.Conv2D(8, (3, 5), strides=2, groups=2, use_bias=False, name="a_conv")(x)
    x = layers.BatchNormalization(name="a_norm")(x)
    x = layers.ReLU(6, name="a_relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="b_depthwise")(x)
    x = layers.SeparableConv2D(6, 3, padding="same", activation="relu", name="b_separable")(x)
    x = layers.Conv2DTranspose(5, 3, strides=2, name="c_up")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="c_pool")(x)
    x = layers.Dropout(0.25, name="c_dropout")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="head_dense")(x))


@pytest.fixture(scope="module")
def rows(model):
    return {row.name: row for row in layer_table.rows(model)}


def test_shapes_and_settings(rows):
    conv, pool = rows["a_conv"], rows["c_pool"]
    assert (conv.kernel, conv.filters, conv.strides, conv.groups) == ((3, 5), 8, (2, 2), 2)
    assert conv.output_shape == (6, 4, 8)
    assert rows["head_dense"].filters == 3 and rows["head_dense"].activation == "softmax"
    assert (pool.kind, pool.kernel, pool.strides) == ("MaxPooling2D", (3, 3), (2, 2))
    assert conv.inputs == ("a_pad",) and conv.stage == "a"


def test_costs_are_those_of_the_formulas(rows):
    by_formula = {
        "a_conv": (
            arithmetic.conv2d_parameters((3, 5), 4, 8, 2, use_bias=False),
            arithmetic.conv2d_macs((6, 4), (3, 5), 4, 8, 2),
        ),
        "b_depthwise": (
            arithmetic.depthwise_conv2d_parameters(3, 8, 2),
            arithmetic.depthwise_conv2d_macs((6, 4), 3, 8, 2),
        ),
        "b_separable": (
            arithmetic.separable_conv2d_parameters(3, 16, 6),
            arithmetic.separable_conv2d_macs((6, 4), 3, 16, 6),
        ),
        # a transposed convolution stamps once for every input position
        "c_up": (arithmetic.conv2d_parameters(3, 6, 5), arithmetic.conv2d_macs((6, 4), 3, 6, 5)),
        "a_norm": (4 * 8, 0),
        "c_pool": (0, 0),
    }
    assert {name: (rows[name].parameters, rows[name].macs) for name in by_formula} == by_formula
    features = 7 * 5 * 5
    assert rows["c_pool"].output_shape == (7, 5, 5)
    assert (rows["head_dense"].parameters, rows["head_dense"].macs) == (features * 3 + 3, features * 3)


def test_sums(model):
    table = layer_table.rows(model)
    assert layer_table.parameters(model) == model.count_params() == sum(row.parameters for row in table)
    assert layer_table.parameters(model, trainable_only=True) == model.count_params() - 2 * 8
    assert layer_table.macs(model) == sum(row.macs for row in table)


def test_folding_loses_nothing(model):
    folded = {row.name: row for row in layer_table.fold(layer_table.rows(model))}
    assert sum(row.parameters for row in folded.values()) == model.count_params()
    assert folded["a_conv"].activation == "BN, relu6" and folded["a_conv"].padding == "1"
    assert folded["c_pool"].activation == "dropout 0.25"
    assert not {"a_norm", "a_relu", "a_pad", "c_dropout"} & set(folded)


def test_vgg16_costs_15_billion(monkeypatch):
    """Σ over the 13 convolutions of H·W·9·C_in·C_out, and the three dense layers."""
    monkeypatch.setattr(
        keras.initializers.GlorotUniform, "__call__", lambda self, shape, dtype=None: keras.ops.zeros(shape)
    )
    size, channels, convolutions = 224, 3, 0
    for filters, count in vgg.BLOCKS_16:
        for _ in range(count):
            convolutions += size * size * 9 * channels * filters
            channels = filters
        size //= 2
    dense = 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert layer_table.macs(vgg.vgg16()) == convolutions + dense == 15_470_264_320


@pytest.mark.parametrize("every, lines", [("layer", 12), ("step", 8), ("stage", 6)])
def test_text_has_a_line_for_each_and_a_total(model, every, lines):
    text = layer_table.text(model, every).splitlines()
    assert len(text) == lines + 3  # header, rule, total
    assert text[-1].startswith("total") and f"{model.count_params():,}" in text[-1]


def test_a_network_for_any_size_has_no_macs_but_a_table():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, layers.Conv2D(2, 3, name="a_conv")(image))
    assert layer_table.text(model).splitlines()[-1].split() == ["total", "56", "?"]
    with pytest.raises(ValueError, match="depends on the image size"):
        layer_table.macs(model)


def test_what_is_no_flat_model_is_refused():
    with pytest.raises(TypeError, match="must be a keras.Model"):
        layer_table.rows([1])
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="inner")
    with pytest.raises(ValueError, match="'inner' is a model inside"):
        layer_table.rows(keras.Sequential([keras.Input((4,)), inner]))
    with pytest.raises(ValueError, match="no layer shapes"):
        layer_table.rows(keras.Sequential([layers.Dense(2)]))
    with pytest.raises(ValueError, match="did you mean 'stage'"):
        layer_table.text(inner, every="stages")

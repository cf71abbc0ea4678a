"""How the layer table is written: zeros as numbers, folded neighbours, columns that stand under each other."""

import keras
import pytest
from keras import layers

from utils.keras_models import layer_table
from utils.numpy_layers import conv_arithmetic as arithmetic


@pytest.fixture(autouse=True)
def fresh():
    yield
    keras.backend.clear_session()


@pytest.fixture
def branches():
    """A stem with padding of its own, two branches, one of them with a layer that changes values only."""
    x = image = keras.Input((32, 32, 3), name="image")
    x = layers.ZeroPadding2D(3, name="stem_pad")(x)
    x = layers.Conv2D(8, 7, 2, use_bias=False, name="stem_conv")(x)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.ReLU(6.0, name="stem_relu")(x)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="body_pad")(x)
    y = layers.DepthwiseConv2D(3, 2, name="body_depthwise")(x)
    y = layers.Dropout(0.2, name="body_dropout")(y)
    z = layers.AveragePooling2D(2, name="short_pool")(layers.Activation("tanh", name="short_tanh")(y))
    y = layers.Conv2D(8, 3, 2, groups=4, padding="same", activation="relu", name="long_conv")(y)
    return keras.Model(image, layers.Concatenate(name="join")([y, z]), name="branches")


@pytest.mark.parametrize("kernel, stride, dilation", [(3, 1, 1), (3, 2, 1), (5, 2, 1), (2, 2, 1), (4, 1, 1), (3, 1, 3)])
@pytest.mark.parametrize("size", [8, 11])
def test_same_padding_is_written_as_zeros(size, kernel, stride, dilation):
    image = keras.Input((size, size, 1))
    y = layers.Conv2D(1, kernel, stride, "same", dilation_rate=dilation, name="conv")(image)
    before, after = arithmetic.padding_amounts(size, kernel, stride, "same", dilation)
    written = layer_table.rows(keras.Model(image, y))[-1].padding
    assert written == (str(before) if before == after else f"{before}+{after}")


def test_padding_that_differs_between_height_and_width():
    image = keras.Input((30, 23, 1))
    y = layers.Conv2D(1, (3, 5), (2, 1), "same", name="conv")(image)
    assert layer_table.rows(keras.Model(image, y))[-1].padding == "0+1×2"


def test_same_padding_of_an_unknown_size():
    image = keras.Input((None, None, 3))
    y = layers.Conv2D(4, 3, 2, padding="same", name="half")(layers.Conv2D(4, 3, padding="same", name="whole")(image))
    rows = {row.name: row for row in layer_table.rows(keras.Model(image, y))}
    assert rows["whole"].padding == "1" and rows["half"].padding == "same"  # the latter depends on the size


def test_folding_moves_notes_parameters_and_inputs(branches):
    steps = {row.name: row for row in layer_table.fold(layer_table.rows(branches))}
    assert set(steps) == {"image", "stem_conv", "body_depthwise", "long_conv", "short_pool", "join"}
    assert steps["stem_conv"].padding == "3" and steps["stem_conv"].activation == "BN, relu6"
    assert steps["stem_conv"].parameters == 7 * 7 * 3 * 8 + 4 * 8
    assert steps["body_depthwise"].padding == "0+1" and steps["body_depthwise"].activation == "dropout 0.2, tanh"
    assert steps["stem_conv"].inputs == ("image",) and steps["body_depthwise"].inputs == ("stem_conv",)
    assert steps["join"].inputs == ("long_conv", "short_pool")
    assert steps["short_pool"].inputs == steps["long_conv"].inputs == ("body_depthwise",)


def test_columns_stand_under_each_other(branches):
    for every in (None, "layer", "step", "stage"):
        header, rule, *lines = layer_table.text(branches, every).splitlines()
        assert lines[-1].split() == ["total", f"{branches.count_params():,}", f"{layer_table.macs(branches):,}"]
        assert max(map(len, lines)) == len(header) == len(rule)
        assert not any(line != line.rstrip() for line in lines)
        start = header.index("output")
        assert all(line[start - 2 : start].strip() == "" and line[start] != " " for line in lines[:-1])
    line = next(line for line in layer_table.text(branches).splitlines() if line.startswith("long_conv"))
    assert line.split() == "long_conv Conv2D /4 3×3 8 2 0+1 relu 4×4×8 152 2,304".split()


def test_long_networks_are_written_by_stage(monkeypatch, branches):
    assert layer_table.text(branches) == layer_table.text(branches, "step")
    monkeypatch.setattr(layer_table, "LONG", 5)
    assert layer_table.text(branches) == layer_table.text(branches, "stage")
    stages = layer_table.stages(layer_table.rows(branches))
    assert [(name, len(part)) for name, part in stages] == [
        ("image", 1), ("stem", 4), ("body", 3), ("short", 2), ("long", 1), ("join", 1),
    ]  # fmt: skip
    assert "2 × Conv2D 3×3" in layer_table.text(
        keras.Sequential([keras.Input((9, 9, 1)), layers.Conv2D(2, 3, name="a_1"), layers.Conv2D(2, 3, name="a_2")]),
        "stage",
    )

"""Parameters and shapes of the deep networks: as published, and by formulas that build nothing."""

import keras
import pytest

from utils.keras_models import layer_table, pyramidnet, wide_resnet, zoo

# all parameters, those that are trained
PUBLISHED = {
    "resnet18": (None, 11_689_512),
    "resnet34": (None, 21_797_672),
    "resnet50": (25_636_712, None),
    "resnet101": (44_707_176, None),
    "resnet152": (60_419_944, None),
    "resnet50v2": (25_613_800, None),
    "resnet101v2": (44_675_560, None),
    "resnet152v2": (60_380_648, None),
    "wide_resnet50_2": (None, 68_883_240),
    "resnext50_32x4d": (None, 25_028_904),
    "resnext101_32x4d": (None, 44_177_704),
    "resnext101_32x8d": (None, 88_791_336),
    "xception": (22_910_480, None),
    "densenet121": (8_062_504, None),
    "densenet169": (14_307_880, None),
    "densenet201": (20_242_984, None),
    "densenet264": (33_736_232, None),
    "mobilenet": (4_253_864, None),
    "mobilenet_v2": (3_538_984, None),
}
# height = width and channels after each stage, for the paper's input
RESNET = {"stem": (56, 64), "stage2": (56, 256), "stage3": (28, 512), "stage4": (14, 1024), "stage5": (7, 2048)}
BASIC = {"stem": (56, 64), "stage2": (56, 64), "stage3": (28, 128), "stage4": (14, 256), "stage5": (7, 512)}
RESNET_V2 = RESNET | {"stage2": (28, 256), "stage3": (14, 512), "stage4": (7, 1024)}
MAPS = {
    "resnet18": BASIC,
    "resnet34": BASIC,
    "resnet50": RESNET,
    "resnet50v2": RESNET_V2,
    "wide_resnet50_2": RESNET,
    "resnext50_32x4d": RESNET,
    "densenet121": {"stage2": (56, 256), "stage3": (28, 512), "stage4": (14, 1024), "stage5": (7, 1024)},
    "densenet169": {"stage2": (56, 256), "stage3": (28, 512), "stage4": (14, 1280), "stage5": (7, 1664)},
    "densenet201": {"stage2": (56, 256), "stage3": (28, 512), "stage4": (14, 1792), "stage5": (7, 1920)},
    "densenet264": {"stage2": (56, 256), "stage3": (28, 512), "stage4": (14, 2304), "stage5": (7, 2688)},
    "xception": {"stem": (147, 64), "middle": (19, 728), "exit": (10, 2048)},
    "mobilenet": {"stem": (112, 32), "block1": (112, 64), "block11": (14, 512), "block13": (7, 1024)},
    "mobilenet_v2": {"stem": (112, 32), "stage1": (112, 16), "stage2": (56, 24), "stage5": (14, 96), "last": (7, 1280)},
}


@pytest.fixture(autouse=True)
def fresh():
    yield
    keras.backend.clear_session()


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_maps_are_the_published_ones(name):
    model = zoo.build(name)
    total, trained = PUBLISHED[name]
    assert layer_table.parameters(model) == total or total is None
    assert layer_table.parameters(model, trainable_only=True) == trained or trained is None
    stages = dict(layer_table.stages(layer_table.rows(model)))
    for stage, (size, channels) in MAPS.get(name, {}).items():
        assert stages[stage][-1].output_shape == (size, size, channels), stage


@pytest.mark.parametrize("depth, width, millions", [(28, 10, 36.5), (40, 4, 8.9), (16, 8, 11.0), (10, 1, None)])
def test_wide_resnet_by_formula_and_as_published(depth, width, millions):
    """Zagoruyko & Komodakis 2016, Table 5, in millions; and the sum over its layers by hand."""
    model = zoo.build("wide_resnet", depth=depth, width=width)
    expected, channels = 9 * 3 * 16, 16
    for filters in (16 * width, 32 * width, 64 * width):
        for _ in range((depth - 4) // 6):
            expected += 2 * channels + 9 * channels * filters + 2 * filters + 9 * filters * filters
            expected += channels * filters if channels != filters else 0
            channels = filters
    expected += 2 * channels + channels * 10 + 10
    assert layer_table.parameters(model, trainable_only=True) == expected
    assert millions is None or round(expected / 1e6, 1) == millions
    maps = [model.get_layer(f"stage{stage}_block1_add").output.shape[1:] for stage in (2, 3, 4)]
    assert maps == [(32, 32, 16 * width), (16, 16, 32 * width), (8, 8, 64 * width)]


@pytest.mark.parametrize(
    "depth, alpha, bottleneck, millions", [(110, 48, False, 1.7), (110, 84, False, 3.8), (29, 27, True, None)]
)
def test_pyramidnet_by_formula_and_as_published(depth, alpha, bottleneck, millions):
    """Han, Kim & Kim 2017, CIFAR results, in millions cut to one digit; and the sum over the layers by hand."""
    model = zoo.build("pyramidnet", depth=depth, alpha=alpha, bottleneck=bottleneck)
    blocks = (depth - 2) // (9 if bottleneck else 6) * 3
    expected, channels = 9 * 3 * 16 + 2 * 16, 16
    for k in range(1, blocks + 1):
        width = (16 * blocks + alpha * k) // blocks
        if bottleneck:
            expected += 2 * channels + channels * width + 2 * width + 9 * width * width + 2 * width
            expected += width * 4 * width + 2 * 4 * width
            channels = 4 * width
        else:
            expected += 2 * channels + 9 * channels * width + 2 * width + 9 * width * width + 2 * width
            channels = width
    expected += 2 * channels + channels * 10 + 10
    assert channels == (16 + alpha) * (4 if bottleneck else 1)
    assert layer_table.parameters(model, trainable_only=True) == expected
    assert millions is None or expected // 100_000 / 10 == millions


def test_pyramidnet_widens_by_the_same_amount_everywhere():
    assert pyramidnet.widths(6, 12) == [18, 20, 22, 24, 26, 28]
    assert pyramidnet.widths(6, 3) == [16, 17, 17, 18, 18, 19]


def test_the_widest_pyramidnet():
    """α = 270, N = 54: whole widths; for those of its multiplicative twin (α = 27) see the docstring of `widths`."""

    def parameters(widths, norms=True):
        total, channels = 9 * 3 * 16 + 10 * widths[-1] + 10 + norms * 2 * (16 + widths[-1]), 16
        for width in widths:
            total += 9 * channels * width + 9 * width * width + norms * 2 * (channels + 2 * width)
            channels = width
        return total

    widths = pyramidnet.widths(54, 270)
    assert widths == list(range(21, 287, 5))
    assert (parameters(widths), parameters(widths) - parameters(widths, norms=False)) == (28_485_477, 49_798)
    assert round(parameters([int(16 * 27 ** (k / 54) + 1e-9) for k in range(1, 55)]) / 1e6, 2) == 28.26


def test_resnext_has_about_the_parameters_of_resnet():
    """Xie et al. 2017, Table 1: 25.0 million against 25.5; cardinality costs nothing, it does not save either."""
    resnext, resnet = zoo.build("resnext50_32x4d"), zoo.build("resnet50", use_bias=False)
    count = [layer_table.parameters(model, trainable_only=True) for model in (resnext, resnet)]
    assert count == [25_028_904, 25_557_032]
    for stage, channels in zip((2, 3, 4, 5), (128, 256, 512, 1024), strict=True):
        grouped = resnext.get_layer(f"stage{stage}_block1_conv2")
        assert (grouped.groups, grouped.kernel.shape) == (32, (3, 3, channels // 32, channels))


def test_mobilenet_v2_half_as_wide():
    model = zoo.build("mobilenet_v2", alpha=0.5, classes=5)
    assert layer_table.parameters(model) == 712_629
    assert model.get_layer("last_conv").filters == 1280  # not halved
    assert {layer.filters % 8 for layer in model.layers if isinstance(layer, keras.layers.Conv2D)} <= {0}


def test_wide_resnet_dropout_stands_between_the_convolutions():
    model = wide_resnet.wide_resnet(depth=10, width=1, dropout=0.3)
    rows = {row.name: row for row in layer_table.rows(model)}
    assert rows["stage2_block1_conv2"].inputs == ("stage2_block1_dropout",)
    assert rows["stage2_block1_dropout"].inputs == ("stage2_block1_relu2",)
    assert not any("dropout" in row.name for row in layer_table.rows(wide_resnet.wide_resnet(depth=10, width=1)))

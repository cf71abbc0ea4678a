"""What the papers of 1998 to 2014 say of their networks beyond the number of parameters: order, kernels, tables."""

import keras
import numpy as np
import pytest

from utils.keras_models import alexnet, googlenet, layer_table, lenet, nin, vgg, zfnet
from utils.numpy_layers import conv_arithmetic as arithmetic


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Counting needs no random numbers: VGG's 138 million take seconds."""
    monkeypatch.setattr(keras.initializers.GlorotUniform, "__call__", lambda self, shape, dtype=None: np.zeros(shape))
    yield
    keras.backend.clear_session()


def rows(model):
    return {row.name: row for row in layer_table.rows(model)}


def maps(model, kinds=("Conv2D", "MaxPooling2D", "AveragePooling2D")):
    """Height (= width) after each convolution and pooling, repetitions left out."""
    sizes = [row.output_shape[:2] for row in layer_table.rows(model) if row.kind in kinds]
    assert all(height == width for height, width in sizes)
    return [height for number, (height, _) in enumerate(sizes) if not number or sizes[number - 1] != (height, height)]


def test_lenet_layer_by_layer():
    """LeCun et al. 1998, §II.B: 156, 12, 1,516, 32, 48,120 and 10,164 – but C3 here sees all six maps: 2,416."""
    table = rows(lenet.lenet())
    counts = [row.parameters for row in table.values() if row.parameters]
    assert counts == [156, 12, 2_416, 32, 48_120, 10_164, 84 * 10 + 10]
    assert [row.output_shape for row in table.values() if len(row.output_shape) == 3] == [
        (32, 32, 1), (28, 28, 6), (14, 14, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (5, 5, 16),
    ]  # fmt: skip
    assert table["f6_dense"].filters == 84 and table["s2_pool"].kind == "AveragePooling2D"
    assert [row.activation for row in table.values() if row.activation] == ["scaled_tanh"] * 6 + ["softmax"]
    printed = rows(lenet.lenet(variant="printed"))
    assert printed["f6_dense"].filters == 64 and printed["s2_pool"].kind == "MaxPooling2D"
    assert [row.activation for row in printed.values() if row.activation] == ["sigmoid", "sigmoid", "softmax"]
    assert printed["image"].output_shape == (32, 32, 3) and printed["head_dense"].output_shape == (2,)


def test_scaled_tanh_is_one_at_one():
    """LeCun et al. 1998, Appendix A: f(1) = 1 and f(-1) = -1."""
    y = keras.ops.convert_to_numpy(lenet.scaled_tanh(keras.ops.convert_to_tensor([-1.0, 0.0, 1.0])))
    assert y == pytest.approx([-1, 0, 1], abs=1e-4)


@pytest.mark.parametrize(
    "padding, sizes, features", [(2, [55, 27, 13, 6], 9_216), (1, [55, 27, 25, 12, 5], 6_400), (0, None, 6_400)]
)
def test_alexnets_second_padding_decides_what_the_dense_layers_see(padding, sizes, features):
    model = alexnet.alexnet(classes=2, conv2_padding=padding)
    assert rows(model)["flatten"].output_shape == (features,)
    if sizes:
        assert maps(model) == sizes
    by_hand = 227
    for kernel, stride, zeros in [(11, 4, 0), (3, 2, 0), (5, 1, padding), (3, 2, 0)] + 3 * [(3, 1, 1)] + [(3, 2, 0)]:
        by_hand = arithmetic.output_size(by_hand, kernel, stride, zeros)
    assert by_hand**2 * 256 == features


def test_alexnet_overlaps_its_pooling_and_drops_the_hidden_dense_layers():
    table = rows(alexnet.alexnet(classes=2))
    assert all(r.kernel == (3, 3) and r.strides == (2, 2) for r in table.values() if r.kind == "MaxPooling2D")
    order = [row.kind for row in table.values()]
    assert order[1:4] == ["Conv2D", "LocalResponseNormalization", "MaxPooling2D"]
    assert order[-6:] == ["Flatten", "Dense", "Dropout", "Dense", "Dropout", "Dense"]


def test_two_devices_halve_the_work_of_layers_2_4_5():
    one, two = (rows(alexnet.alexnet(classes=2, groups=groups)) for groups in (1, 2))
    halved = [name for name in one if one[name].macs and one[name].macs == 2 * two[name].macs]
    assert halved == ["conv2_conv", "conv4_conv", "conv5_conv"]


def test_zfnets_maps():
    paper, printed = zfnet.zfnet(classes=2), zfnet.zfnet(classes=2, variant="printed")
    assert maps(paper) == [110, 55, 26, 13, 6]  # Zeiler and Fergus 2014, Fig. 3
    assert maps(printed) == [109, 54, 26, 12, 5]
    assert maps(printed, ("MaxPooling2D",)) == [54, 12, 5]
    assert [row.kind for row in rows(paper).values()][2:5] == ["Conv2D", "MaxPooling2D", "LocalResponseNormalization"]
    assert [row.kind for row in rows(printed).values()][1:4] == ["Conv2D", "LocalResponseNormalization", "MaxPooling2D"]


def test_nins_maps_and_kernels():
    model = nin.nin()
    assert maps(model) == [32, 16, 8] and model.output_shape == (None, 10)
    assert maps(nin.nin((128, 128, 3), 2)) == [128, 64, 32]
    assert maps(nin.nin((128, 128, 3), 2, pool_padding="valid")) == [128, 63, 31]
    filters = [(row.kernel[0], row.filters) for row in rows(model).values() if row.kind == "Conv2D"]
    assert filters == [(5, 192), (1, 160), (1, 96), (5, 192), (1, 192), (1, 192), (3, 192), (1, 192), (1, 10)]


def test_vgg_by_hand():
    """Simonyan and Zisserman 2015, Table 1: convolutions by block of columns D and E; 9·C·F + F each."""
    for blocks, convolutions in ((vgg.BLOCKS_16, (2, 2, 3, 3, 3)), (vgg.BLOCKS_19, (2, 2, 4, 4, 4))):
        total, channels = 0, 3
        for filters, count in zip((64, 128, 256, 512, 512), convolutions, strict=True):
            for _ in range(count):
                total += arithmetic.conv2d_parameters(3, channels, filters)
                channels = filters
        total += sum(a * b + b for a, b in ((7 * 7 * 512, 4096), (4096, 4096), (4096, 1000)))
        assert total == {13: 138_357_544, 16: 143_667_240}[sum(convolutions)]
        assert tuple(count for _, count in blocks) == convolutions


def test_vgg_with_batch_norm():
    """Four numbers a channel more, one bias less; the map sizes stay."""
    small = {"input_shape": (32, 32, 3), "classes": 2, "dense_units": 64}
    plain, normed = vgg.vgg16(**small), vgg.vgg16(batch_norm=True, **small)
    channels = 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512
    assert channels == 4_224 and normed.count_params() - plain.count_params() == 3 * channels
    # With the dense layers of the paper: 138,357,544 and so many more.
    assert 138_357_544 + 3 * channels == 138_370_216
    kinds = [row.kind for row in rows(normed).values()][1:4]
    assert kinds == ["Conv2D", "BatchNormalization", "ReLU"]  # Ioffe and Szegedy 2015, §3.2
    assert maps(normed) == maps(plain) == [32, 16, 8, 4, 2, 1]
    assert layer_table.macs(normed) == layer_table.macs(plain)


# Szegedy et al. 2015, Table 1: parameters in K, operations in M
TABLE_1 = {
    "inception3a": (159, 128), "inception3b": (380, 304), "inception4a": (364, 73), "inception4b": (437, 88),
    "inception4c": (463, 100), "inception4d": (580, 119), "inception4e": (840, 170), "inception5a": (1072, 54),
    "inception5b": (1388, 71), "head": (1000, 1),
}  # fmt: skip
OUTPUTS = {
    "stem": (28, 28, 192), "inception3a": (28, 28, 256), "inception3b": (28, 28, 480), "inception4a": (14, 14, 512),
    "inception4b": (14, 14, 512), "inception4c": (14, 14, 512), "inception4d": (14, 14, 528),
    "inception4e": (14, 14, 832), "inception5a": (7, 7, 832), "inception5b": (7, 7, 1024), "head": (1000,),
}  # fmt: skip


def test_googlenet_against_table_1():
    table = layer_table.rows(googlenet.googlenet())
    stages = dict(layer_table.stages(table))
    assert {name: part[-1].output_shape for name, part in stages.items() if name != "image"} == OUTPUTS
    for name, (parameters, operations) in TABLE_1.items():
        # K is 1024 in the parameters' column. 4c and 5a do not follow from the filters that the table itself prints.
        near = {"inception4c": 0.08, "inception5a": 0.055}.get(name, 0.02)
        assert sum(row.parameters for row in stages[name]) / 1024 == pytest.approx(parameters, rel=near)
        assert sum(row.macs for row in stages[name]) / 1e6 == pytest.approx(operations, rel=max(near, 0.03))
    stem = {row.name: row for row in stages["stem"]}
    both = [stem["stem_reduce2"], stem["stem_conv2"]]
    assert sum(row.parameters for row in both) / 1024 == pytest.approx(112, rel=0.01)
    assert sum(row.macs for row in both) / 1e6 == pytest.approx(360, rel=0.01)
    assert stem["stem_conv1"].parameters == 7 * 7 * 3 * 64 + 64  # where the table prints 2.7K
    # 22 layers with parameters on the way, counted as the paper does: an inception is two deep.
    assert 3 + 2 * len(googlenet.INCEPTIONS) + 1 == 22


def test_the_helping_heads_of_googlenet():
    model = googlenet.googlenet(auxiliary=True)
    table = rows(model)
    assert model.output_names == ["head_dense", "auxiliary4a_dense2", "auxiliary4d_dense2"]
    for name, channels in (("4a", 512), ("4d", 528)):  # Szegedy et al. 2015, §5
        assert table[f"auxiliary{name}_pool"].inputs == (f"inception{name}_concat",)
        assert table[f"auxiliary{name}_pool"].output_shape == (4, 4, channels)
        assert table[f"auxiliary{name}_dense1"].output_shape == (1024,)
        assert table[f"auxiliary{name}_dropout"].activation == "dropout 0.7"
    assert table["head_dropout"].activation == "dropout 0.4"


@pytest.mark.parametrize("build", [alexnet.alexnet, zfnet.zfnet, nin.nin, vgg.vgg16, vgg.vgg19, googlenet.googlenet])
def test_a_relu_follows_every_hidden_layer(build):
    """Krizhevsky et al. 2012, §3.5; Lin et al. 2014, §3.1, with the last map; Szegedy et al. 2015, §5."""
    table = layer_table.rows(build(classes=2))
    activations = [row.activation for row in table if row.kind in ("Conv2D", "Dense")]
    if build is nin.nin:
        assert activations == ["relu"] * 9
    else:
        assert activations == ["relu"] * (len(activations) - 1) + ["softmax"]

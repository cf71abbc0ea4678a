"""What makes each family what it is: shortcuts, strides, cardinality, concatenation, linear projections."""

import keras
import numpy as np
import pytest

from utils.keras_models import layer_table, parts, resnet, zoo
from utils.keras_models.pyramidnet import ZeroChannels


def rows(name, **options):
    return {row.name: row for row in layer_table.rows(zoo.build(name, classes=10, **options))}


@pytest.fixture(autouse=True)
def fresh():
    yield
    keras.backend.clear_session()


def test_bottleneck_halves_the_map_where_it_is_told_to():
    for stride_on, strides in (("1x1", [2, 1, 1]), ("3x3", [1, 2, 1])):
        table = rows("resnet50", stride_on=stride_on)
        for stage in (3, 4, 5):
            found = [table[f"stage{stage}_block1_conv{number}"].strides[0] for number in (1, 2, 3)]
            assert found == strides
            assert table[f"stage{stage}_block1_shortcut"].strides == (2, 2)
    assert rows("resnet50") == rows("resnet50", stride_on="1x1")  # the paper's is the default


def test_shortcut_is_the_identity_unless_the_shape_changes():
    for name, projected in (("resnet18", {3, 4, 5}), ("resnet50", {2, 3, 4, 5})):
        table = rows(name)
        assert {int(row[5]) for row in table if row.endswith("block1_shortcut")} == projected
        assert not any("shortcut" in row for row in table if "block2" in row)
        assert table["stage4_block2_add"].inputs[0] == "stage4_block1_out"


def test_v1_ends_in_relu_and_v2_in_the_sum():
    assert rows("resnet50")["stage3_block2_conv1"].inputs == ("stage3_block1_out",)
    table = rows("resnet50v2")
    assert table["stage3_block2_norm1"].inputs == ("stage3_block1_add",)
    assert table["stage3_block2_add"].inputs == ("stage3_block1_add", "stage3_block2_conv3")
    assert table["stage3_block1_shortcut"].inputs == ("stage3_block1_relu1",)  # the projection sees the activated input
    assert table["stage3_block4_shortcut"].inputs == ("stage3_block3_add",)  # the identity does not


def test_wide_resnet_projects_the_activated_input():
    """He et al. 2016b, §4: BN and ReLU stand before the branches part."""
    table = rows("wide_resnet", depth=10, width=2)
    projections = [row for name, row in table.items() if name.endswith("_shortcut")]
    assert len(projections) == 3  # one a stage
    assert {table[row.inputs[0]].activation for row in projections} == {"relu"}


def test_dense_layers_concatenate_and_transitions_compress():
    table = rows("densenet121")
    channels = [table[f"stage2_block{number}_concat"].output_shape[-1] for number in range(1, 7)]
    assert channels == [64 + 32 * number for number in range(1, 7)]
    assert [table[f"transition{n}_pool"].output_shape for n in (2, 3, 4)] == [(28, 28, 128), (14, 14, 256), (7, 7, 512)]
    assert table["stage2_block2_concat"].inputs == ("stage2_block1_concat", "stage2_block2_conv2")


def test_small_densenet_is_the_printed_one_repaired():
    table = rows("small_densenet")
    assert [sum(f"stage{n}" in row and "concat" in row for row in table) for n in (2, 3, 4, 5)] == [1, 2, 4, 3]
    assert table["stem_conv"].output_shape == (28, 28, 32)
    assert table["transition2_conv"].inputs == ("transition2_relu",)
    assert table["transition2_relu"].inputs == ("transition2_norm",)
    assert table["final_norm"].inputs == ("stage5_block3_concat",)
    assert table["final_norm"].output_shape[:2] == (3, 3)  # 28 → 14 → 7 → 3


def test_mobilenet_v2_projects_linearly_and_skips_where_it_may():
    table = rows("mobilenet_v2", alpha=0.5)
    for name, row in table.items():
        if name.endswith("_project"):
            block = name.removesuffix("_project")
            fed = [other.name for other in table.values() if f"{block}_norm3" in other.inputs]
            assert all(n.endswith(("_add", "_expand", "_depthwise", "last_conv")) for n in fed), "something bends it"
            assert row.activation == ""
    skips = [name for name in table if name.endswith("_add")]
    assert skips == [
        f"stage{s}_block{b}_add" for s, n in ((2, 2), (3, 3), (4, 4), (5, 3), (6, 3)) for b in range(2, n + 1)
    ]
    assert table["stage1_block1_depthwise"].inputs == ("stem_relu6",)  # t = 1: nothing to expand
    for block in ("stage2_block1", "stage5_block2"):
        inside, outside = table[f"{block}_depthwise"].output_shape[-1], table[f"{block}_expand"].inputs[0]
        assert inside == 6 * table[outside].output_shape[-1]


def test_xception_bends_between_the_separable_convolutions_not_inside():
    table = rows("xception")
    assert sum(row.kind == "SeparableConv2D" for row in table.values()) == 34
    assert {row.activation for row in table.values() if row.kind == "SeparableConv2D"} == {""}
    assert table["entry_block1_conv1"].inputs == ("stem_relu2",)
    assert table["middle_block1_add"].inputs == ("entry_block3_add", "middle_block1_conv3_norm")


def test_pyramid_shortcut_has_no_weights():
    model = zoo.build("pyramidnet", depth=20, alpha=18, classes=10)
    table = {row.name: row for row in layer_table.rows(model)}
    assert not [row for row in table.values() if ("shortcut" in row.name or "zeros" in row.name) and row.parameters]
    assert table["stage3_block1_add"].inputs == ("stage3_block1_zeros", "stage3_block1_norm2")
    assert table["stage3_block1_zeros"].inputs == ("stage3_block1_shortcut",)
    assert table["stage3_block1_shortcut"].kind == "AveragePooling2D"
    # BN first without ReLU, BN last
    assert table["stage2_block1_conv1"].inputs == ("stage2_block1_norm0",)


def test_zero_channels_are_appended():
    x = np.arange(8.0, dtype="float32").reshape(1, 2, 2, 2)
    y = keras.ops.convert_to_numpy(ZeroChannels(5)(x))
    np.testing.assert_array_equal(y[..., :2], x)
    assert y.shape == (1, 2, 2, 5) and not y[..., 2:].any()


@pytest.mark.parametrize(
    "name, options",
    [
        ("resnet18", {}),
        ("resnet50v2", {}),
        ("wide_resnet", dict(depth=10, width=1)),
        ("pyramidnet", dict(depth=20, alpha=12)),
        ("xception", {}),
        ("densenet121", {}),
        ("mobilenet", dict(alpha=0.25)),
        ("mobilenet_v2", dict(alpha=0.35)),
    ],
)
def test_one_set_of_weights_takes_images_of_any_size(name, options):
    """No Flatten anywhere, so height and width may be left open; an odd size is no problem either."""
    model = zoo.build(name, input_shape=(None, None, 3), classes=4, **options)
    for height, width in ((32, 32), (45, 39)):
        assert model(np.zeros((1, height, width, 3), "float32")).shape == (1, 4)


@pytest.mark.parametrize("name", ["resnet18", "small_densenet", "mobilenet_v2"])
def test_softmax_by_default_and_logits_on_request(name):
    images = np.random.default_rng(0).standard_normal((2, 32, 32, 1)).astype("float32")
    options = dict(input_shape=(32, 32, 1), classes=6)
    answers = keras.ops.convert_to_numpy(zoo.build(name, **options)(images))
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert zoo.build(name, classifier_activation=None, **options).layers[-1].activation is keras.activations.linear


@pytest.mark.parametrize("dtype_policy", ["float32", "mixed_bfloat16"])
def test_grouped_convolution_runs_forward_and_backward(dtype_policy):
    """On the CPU too, where grouped convolutions came late; one training step changes every kernel."""
    kept = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype_policy)
    try:
        x = keras.Input((8, 8, 64))
        y = resnet.bottleneck_block(x, 64, 2, "stage3_block1", width=128, groups=32, stride_on="3x3")
        model = keras.Model(x, parts.head(y, 3, "softmax"))
        before = [np.array(w, "float32") for w in map(keras.ops.convert_to_numpy, model.trainable_weights)]
        model.compile("sgd", "sparse_categorical_crossentropy")
        x = np.random.default_rng(0).standard_normal((4, 8, 8, 64)).astype("float32")
        loss = model.train_on_batch(x, np.array([0, 1, 2, 0]))
    finally:
        keras.config.set_dtype_policy(kept)
    assert np.isfinite(loss)
    after = map(keras.ops.convert_to_numpy, model.trainable_weights)
    for weight, old, new in zip(model.trainable_weights, before, after, strict=True):
        if weight.name == "kernel":
            assert np.isfinite(new).all() and (old != new).any(), weight.path

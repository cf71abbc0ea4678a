"""The block diagrams: what they print is computed, every shortcut is there, nothing overlaps or leaves the picture."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex

from tests.pictures import looks
from utils.numpy_layers import conv_arithmetic
from utils.pictures import blocks
from utils.plots import INPUT

DRAWN = [
    blocks.residual,
    blocks.bottleneck,
    blocks.activation_order,
    blocks.widths,
    blocks.resnext,
    blocks.separable,
    blocks.inverted_residual,
    blocks.dense_block,
]


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def boxes(figure):
    return [patch for patch in figure.axes[0].patches if isinstance(patch, plt.Rectangle)]


@pytest.mark.parametrize("draw", DRAWN)
def test_texts_lie_inside_the_picture_and_do_not_overlap(draw):
    figure = draw()
    renderer = figure.canvas.get_renderer()
    places = [(t, t.get_window_extent(renderer)) for t in figure.axes[0].texts if t.get_text()]
    for number, (text, place) in enumerate(places):
        assert figure.bbox.x0 <= place.x0 and place.x1 <= figure.bbox.x1, text
        assert figure.bbox.y0 <= place.y0 and place.y1 <= figure.bbox.y1, text
        assert text.get_fontsize() >= 9
        for other, there in places[number + 1 :]:
            assert not place.overlaps(there), (text.get_text(), other.get_text())
    for box in boxes(figure):
        place = box.get_window_extent(renderer)
        assert 0 <= place.x0 and place.x1 <= figure.bbox.x1 and 0 <= place.y0 and place.y1 <= figure.bbox.y1


@pytest.mark.parametrize("draw", DRAWN)
def test_the_same_bytes_every_time(draw):
    looks.assert_same_bytes(draw)


@pytest.mark.parametrize(
    ("draw", "count"),
    [
        (blocks.residual, 1),
        (blocks.bottleneck, 2),
        (blocks.activation_order, 2),
        (blocks.resnext, 3),
        (blocks.separable, 1),
        (blocks.inverted_residual, 2),
        (blocks.dense_block, 0),  # nothing is added there
    ],
)
def test_each_shortcut_ends_in_a_plus(draw, count):
    figure = draw()
    lines = [line for line in figure.axes[0].lines if to_hex(line.get_color()) == INPUT.lower()]
    assert len(lines) == count
    assert texts(figure).count("+") == count


@pytest.mark.parametrize("channels", [128, 256])
def test_bottleneck_weights_are_the_convolutions(channels):
    shown = [int(text.split()[0].replace(",", "")) for text in texts(blocks.bottleneck(channels)) if "weights" in text]
    narrow = channels // 4
    layers = [(1, channels, narrow), (3, narrow, narrow), (1, narrow, channels)]
    squeezed = sum(conv_arithmetic.conv2d_parameters(*layer, use_bias=False) for layer in layers)
    assert shown == [2 * 9 * channels**2, squeezed]


def test_widths_of_the_families():
    shown = [int(text) for text in texts(blocks.widths(6, 3, 16, 48)) if text.isdigit()]
    assert shown[:6] == [16, 16, 32, 32, 64, 64]
    assert shown[6:12] == [48, 48, 96, 96, 192, 192]
    assert shown[12:] == [24, 32, 40, 48, 56, 64]  # Han et al. 2017, eq. (2): from 16, α/N = 8 a block


def test_dense_block_stacks_channels():
    figure = blocks.dense_block(layers=3, growth=12, start=24, compression=0.5)
    shown = [int(text) for text in texts(figure) if text.isdigit()]
    assert shown == [24, 36, 48, 60, 30]
    heights = sorted(round(box.get_height(), 3) for box in boxes(figure) if box.get_width() == 0.9)
    assert heights == [0.3] * 6 + [0.6] * 4  # 12 channels each of 1 + 2 + 3 layers; the input's 24 in all four stacks


def test_resnext_forms_name_the_same_channels():
    shown = texts(blocks.resnext(cardinality=8, width=16, channels=128))
    assert "concat: 128" in shown and "3×3, 128 → 128\n8 groups" in shown and shown.count("3×3\n16 → 16") == 6


def below(figure, title):
    """The texts that stand under a title, from the top down."""
    placed = [(*text.get_position(), text.get_text()) for text in figure.axes[0].texts if text.get_text()]
    column = next(x for x, _, text in placed if text == title)
    return [text for x, _, text in sorted(placed, key=lambda place: place[1]) if x == column and text != title]


def test_layers_stand_in_the_order_of_the_papers():
    order = blocks.activation_order()
    assert below(order, "post-activation (v1)") == ["conv", "BN", "ReLU", "conv", "BN", "+", "ReLU"]
    assert below(order, "pre-activation (v2)") == ["BN", "ReLU", "conv"] * 2 + ["+"]
    both = blocks.residual()
    assert below(both, "plain: $y = F(x)$") == ["3×3 conv", "BN", "ReLU"] * 2
    assert below(both, "residual: $y = x + F(x)$") == ["3×3 conv", "BN", "ReLU", "3×3 conv", "BN", "+", "ReLU"]
    assert below(blocks.separable(), "Xception, middle flow") == ["ReLU", "separable 3×3, BN"] * 3 + ["+"]


def test_inverted_residual_is_narrow_at_its_ends_and_linear_at_the_last():
    figure = blocks.inverted_residual(channels=16, expansion=4)
    ends = below(figure, "inverted residual: narrow ends, wide middle")
    assert ends == ["16", "64", "64", "16", "+", "no ReLU here"]
    assert below(figure, "bottleneck: wide ends, narrow middle")[-1] == "ReLU"
    steps = [text for text in texts(figure) if text.startswith(("1×1", "3×3"))]
    assert steps[3:] == ["1×1 expand, ReLU6", "3×3 depthwise, ReLU6", "1×1 project, linear"]

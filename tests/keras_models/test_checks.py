"""What a reader gives wrongly is answered with what was given, what is expected and what to do."""

import numpy as np
import pytest

from utils.keras_models import checks


def test_right_values_come_back():
    assert checks.image_shape([32, np.int64(48), 3], smallest=32) == (32, 48, 3)
    assert checks.image_shape((None, None, 3), smallest=32, any_size=True) == (None, None, 3)
    assert checks.class_count(np.int32(7)) == 7
    assert checks.variant("depth", 50, (18, 50)) == 50


@pytest.mark.parametrize(
    "shape, error, message",
    [
        (224, TypeError, r"\(height, width, channels\).*got 224"),
        ((224, 224), ValueError, r"got 2 axes: \(224, 224\)"),
        ((8, 224, 224, 3), ValueError, "without the batch axis.*got 4 axes"),
        ((31, 224, 3), ValueError, "too small.*height must be at least 32"),
        ((224, 31, 3), ValueError, "too small.*width must be at least 32"),
        ((224, 224, 0), ValueError, "channels must be at least 1, got 0"),
        ((224.0, 224, 3), TypeError, "height must be a whole number, got 224.0"),
        ((True, 224, 3), TypeError, "height must be a whole number, got True"),
        ((None, 224, 3), ValueError, "height must be a whole number; the dense layers need a fixed size"),
        ((224, 224, None), ValueError, "channels must be a whole number; the kernels"),
    ],
)
def test_wrong_shapes(shape, error, message):
    with pytest.raises(error, match=message):
        checks.image_shape(shape, smallest=32)


def test_any_size_has_no_any_number_of_channels():
    with pytest.raises(ValueError, match="channels must be a whole number"):
        checks.image_shape((None, None, None), any_size=True)


@pytest.mark.parametrize("classes, error", [(0, ValueError), (-1, ValueError), (2.0, TypeError), ("ten", TypeError)])
def test_wrong_class_counts(classes, error):
    with pytest.raises(error, match="classes must be"):
        checks.class_count(classes)


def test_unknown_variants_name_the_known_ones_and_the_nearest():
    with pytest.raises(
        ValueError, match="variant must be one of 'paper', 'printed'; got 'papper'; did you mean 'paper'"
    ):
        checks.variant("variant", "papper", ("paper", "printed"))
    with pytest.raises(ValueError, match="depth must be one of 18, 34; got 35$"):
        checks.variant("depth", 35, (18, 34))
    with pytest.raises(ValueError, match="got True"):
        checks.variant("groups", True, (1, 2))  # equal to 1, and not meant
    with pytest.raises(ValueError, match="got None"):
        checks.variant("variant", None, ("paper", "printed"))

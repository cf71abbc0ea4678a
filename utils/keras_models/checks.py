"""Checks of what a reader passes to a network. Each error says what was given, what is expected and what to do."""

import difflib

import numpy as np


def positive_int(name, value, smallest=1):
    """The value as an int.

    Raises:
        TypeError: if it is no whole number.  ValueError: if it is below `smallest`.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < smallest:
        raise ValueError(f"{name} must be at least {smallest}, got {value}")
    return int(value)


def image_shape(input_shape, smallest=1, any_size=False):
    """(height, width, channels) of one image, without the batch axis.

    Args:
        input_shape: three whole numbers.
        smallest: height and width that the network needs so that no map shrinks to nothing.
        any_size: True for a network without Flatten: height and width may be None.

    Returns:
        tuple of int (or None, where allowed).

    Raises:
        TypeError: if it is no tuple of whole numbers.  ValueError: if an axis is missing, too many or too small.
    """
    expected = "(height, width, channels) of one image, without the batch axis"
    if not isinstance(input_shape, (tuple, list)):
        raise TypeError(f"input_shape must be {expected}, got {input_shape!r}")
    if len(input_shape) != 3:
        raise ValueError(f"input_shape must be {expected}, got {len(input_shape)} axes: {tuple(input_shape)}")
    shape = []
    for name, size in zip(("height", "width", "channels"), input_shape, strict=True):
        if size is None and any_size and name != "channels":
            shape.append(None)
            continue
        if size is None:
            fixed = "the dense layers need a fixed size" if name != "channels" else "the kernels need a fixed depth"
            raise ValueError(f"input_shape {tuple(input_shape)}: {name} must be a whole number; {fixed}")
        size = positive_int(f"input_shape's {name}", size)
        if name != "channels" and size < smallest:
            raise ValueError(
                f"input_shape {tuple(input_shape)} is too small: this network halves the map so often that {name} must "
                f"be at least {smallest}; use larger images"
            )
        shape.append(size)
    return tuple(shape)


def class_count(classes):
    """The number of classes as an int.

    Raises:
        TypeError: if it is no whole number.  ValueError: if it is below 1.
    """
    return positive_int("classes", classes)


def variant(name, value, known):
    """The value, if it is one of the known ones.

    Args:
        name: of the argument, for the error.
        value: what the reader gave.
        known: the values there are.

    Raises:
        ValueError: naming all known values, and the nearest one where a text was mistyped.
    """
    known = tuple(known)
    if any(value == other and type(value) is type(other) for other in known):
        return value
    near = difflib.get_close_matches(value, [str(other) for other in known], 1) if isinstance(value, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}; got {value!r}{hint}")

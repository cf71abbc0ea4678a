"""Checks of what a reader passes to a layer. Each error says what was given, what is expected and what to do."""

import numpy as np


def positive_int(name, value):
    """The value as an int.

    Raises:
        TypeError: if it is no whole number.  ValueError: if it is below 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return int(value)


def float_dtype(dtype):
    """The NumPy dtype float32 or float64.

    Raises:
        ValueError: for any other.
    """
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found not in (np.float32, np.float64):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    return found


def array(name, value, shape, dtype):
    """Check an array's shape and dtype.

    Args:
        name: what the reader calls it.
        value: the array.
        shape: expected sizes; a str ("N", "T", …) stands for any size of at least 1.
        dtype: expected dtype.

    Raises:
        TypeError: if it is no array or has another dtype.  ValueError: if its shape does not fit.
    """
    expected = "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array of shape {expected}, got {type(value).__name__}")
    if value.ndim != len(shape):
        raise ValueError(f"{name} must have {len(shape)} axes {expected}, got shape {value.shape}")
    for axis, (size, wanted) in enumerate(zip(value.shape, shape, strict=True)):
        if isinstance(wanted, str):
            if size < 1:
                raise ValueError(f"{name} is empty: axis {axis} ({wanted}) of shape {value.shape} has size 0")
        elif size != wanted:
            raise ValueError(
                f"{name} must have shape {expected}, got {value.shape}: axis {axis} is {size}, not {wanted}"
            )
    if value.dtype != dtype:
        raise TypeError(f"{name} must be {dtype}, got {value.dtype}; use {name}.astype('{dtype}')")

"""Comparing what a reader's function returns with what the reference returns, and saying where they part."""

import numpy as np


def both(en, ja):
    """A message in both languages."""
    return {"en": en, "ja": ja}


def difference(got, expected, rtol, atol, part=""):
    """How `got` differs from `expected`.

    Args:
        got, expected: numbers, arrays, texts, or tuples, lists and dicts of them. Tensors count as arrays.
        rtol, atol: tolerance for numbers, as in numpy.allclose. Whole numbers and texts must be equal.
        part: what the two are called in the message, for instance "[1]" inside a tuple.

    Returns:
        None if they agree, else a dict with the message in "en" and "ja".
    """
    if isinstance(expected, dict):
        return _dicts(got, expected, rtol, atol, part)
    if isinstance(expected, (tuple, list)) and not _plain_numbers(expected):
        return _sequences(got, expected, rtol, atol, part)
    if isinstance(expected, (str, bytes)) or expected is None:
        return None if type(got) is type(expected) and got == expected else _values(got, expected, part)
    return _arrays(got, expected, rtol, atol, part)


def summary(value):
    """A value in a few words: small ones in full, arrays by shape and type."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {summary(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (tuple, list)):
        inner = ", ".join(summary(item) for item in value[:6]) + (", …" if len(value) > 6 else "")
        if isinstance(value, list):
            return f"[{inner}]"
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, (str, bytes)) or value is None or callable(value):
        return getattr(value, "__name__", None) or repr(value)
    array = _array(value)
    if array is None or array.dtype.kind not in "biufc":
        return type(value).__name__
    if array.ndim == 0:
        return _number(array[()])
    if array.size <= 8:
        return f"array({_nested(array)})"
    return f"array(shape={_shape(array)}, {array.dtype})"


def _shape(array):
    return "(" + ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "") + ")"


def _nested(array):
    if array.ndim == 0:
        return _number(array[()])
    return "[" + ", ".join(_nested(row) for row in array) + "]"


def _number(number, digits=6):
    """A number as Python would write it, with few digits; a float keeps its point."""
    if isinstance(number, (bool, np.bool_)):
        return str(bool(number))
    if isinstance(number, (int, np.integer)):
        return str(int(number))
    text = f"{number:.{digits}g}"
    return f"{text}.0" if text.lstrip("-").isdigit() else text


def _told_apart(mine, theirs):
    """Two different numbers as texts that differ."""
    for digits in (6, 9, 17):
        texts = _number(mine, digits), _number(theirs, digits)
        if texts[0] != texts[1]:
            break
    return texts


def _array(value):
    """A value as an array, or None if it is none (ragged lists, objects)."""
    try:
        return np.asarray(value)
    except (ValueError, TypeError):
        return None


def _plain_numbers(sequence):
    """Whether a list is an array in disguise: numbers only."""
    return isinstance(sequence, list) and bool(sequence) and all(isinstance(x, (int, float)) for x in sequence)


def _named(part):
    """("its part [1] ", "戻り値の [1] ") in front of a message about a part of the result."""
    return (f"at {part}: ", f"{part} の") if part else ("", "")


def _values(got, expected, part):
    en, ja = _named(part)
    return both(
        f"{en}got {summary(got)}, expected {summary(expected)}",
        f"{ja}結果は {summary(got)}、正しくは {summary(expected)} です",
    )


def _sequences(got, expected, rtol, atol, part):
    en, ja = _named(part)
    if not isinstance(got, (tuple, list)):
        kind = summary(got)
        return both(
            f"{en}got {kind}, expected {len(expected)} results: return a, b, …",
            f"{ja}結果は {kind} ですが、{len(expected)} 個の値を返す必要があります(return a, b, …)",
        )
    if len(got) != len(expected):
        return both(
            f"{en}got {len(got)} results, expected {len(expected)}",
            f"{ja}返された値は {len(got)} 個、正しくは {len(expected)} 個です",
        )
    for i, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
        found = difference(mine, theirs, rtol, atol, f"{part}[{i}]")
        if found:
            return found
    return None


def _dicts(got, expected, rtol, atol, part):
    en, ja = _named(part)
    if not isinstance(got, dict) or set(got) != set(expected):
        wanted = ", ".join(map(repr, expected))
        keys = ", ".join(map(repr, got)) if isinstance(got, dict) else ""
        return both(
            f"{en}got {f'a dict with the keys {keys}' if keys else summary(got)}, expected the keys {wanted}",
            f"{ja}結果は {f'キー {keys} をもつ辞書' if keys else summary(got)}、正しくはキー {wanted} をもつ辞書です",
        )
    for key, theirs in expected.items():
        found = difference(got[key], theirs, rtol, atol, f"{part}[{key!r}]")
        if found:
            return found
    return None


def _arrays(got, expected, rtol, atol, part):
    en, ja = _named(part)
    mine, theirs = _array(got), _array(expected)
    if theirs is None or theirs.dtype.kind not in "biufc":
        return None if got == expected else _values(got, expected, part)
    if mine is None or mine.dtype.kind not in "biufc":
        wanted = f"an array of shape {_shape(theirs)}" if theirs.ndim else "a number"
        wanted_ja = f"形状 {_shape(theirs)} の配列" if theirs.ndim else "数"
        return both(f"{en}got {summary(got)}, expected {wanted}", f"{ja}結果は {summary(got)}、正しくは{wanted_ja}です")
    if mine.shape != theirs.shape:
        return both(
            f"{en}got shape {_shape(mine)}, expected shape {_shape(theirs)}",
            f"{ja}結果の形状は {_shape(mine)}、正しくは {_shape(theirs)} です",
        )
    exact = theirs.dtype.kind in "biu" and mine.dtype.kind in "biu"
    close = mine == theirs if exact else np.isclose(mine, theirs, rtol=rtol, atol=atol, equal_nan=True)
    if close.all():
        return None
    if theirs.ndim == 0:
        here, there = _told_apart(mine[()], theirs[()])
        return both(f"{en}got {here}, expected {there}", f"{ja}結果は {here}、正しくは {there} です")
    return _elements(mine, theirs, close, part)


def _elements(mine, theirs, close, part):
    """The message for two arrays of one shape: the largest difference, where, and how many differ."""
    en, ja = _named(part)
    gap = np.abs(mine.astype(complex) - theirs.astype(complex))
    gap[close] = 0.0
    worst = np.unravel_index(np.argmax(np.where(np.isnan(gap), np.inf, gap)), gap.shape)
    index = "[" + ", ".join(str(int(i)) for i in worst) + "]"
    wrong, size = int((~close).sum()), close.size
    here, there = _told_apart(mine[worst], theirs[worst])
    types = types_ja = ""
    if mine.dtype != theirs.dtype:
        types = f"; dtype {mine.dtype}, expected {theirs.dtype}"
        types_ja = f"(dtype は {mine.dtype}、正しくは {theirs.dtype})"
    return both(
        f"{en}the shape {_shape(mine)} is right, but {wrong} of {size} elements differ; "
        f"furthest at {index}: got {here}, expected {there}{types}",
        f"{ja}形状 {_shape(mine)} は正しいのですが、{size} 要素のうち {wrong} 個が異なります。"
        f"差が最大の {index} では結果が {here}、正しくは {there} です{types_ja}",
    )

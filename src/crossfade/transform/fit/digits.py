"""Exact decimals whose text is canonical already, or only lacks zeros at its end: found and padded for a whole column.

They are what SQL databases print, and nearly all that mappings make. The others are checked one by one (numeric.py).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.target import ColumnType

_LONGEST = 16_383  # bytes of a text that numeric without a precision certainly holds
_MOST_REPEATED = 200  # times that a pattern repeats a part: RE2 spells each of them out
_NEGATIVE_ZERO = r"^-0(?:\.0+)?$"
_NO_EXPONENT = 6  # digits after the point up to which Arrow prints decimals without an exponent


def plain_texts(values: Any) -> Any | None:
    """Return numbers of Arrow as text, None for types that Arrow prints in another form. Infinities and numbers with
    an exponent are text of another form.
    """
    kind = values.type
    if pa.types.is_string(kind):
        return values
    is_plain = pa.types.is_decimal(kind) and 0 <= kind.scale <= _NO_EXPONENT
    return values.cast(pa.string()) if is_plain or pa.types.is_integer(kind) or pa.types.is_float64(kind) else None


def canonical_digits(texts: Any, kind: ColumnType) -> Any | None:
    """Return the canonical text of each number, NULL for those that are not certain to fit; None if all of them
    have to be checked one by one.
    """
    pattern = _pattern(kind)
    if pattern is None or (kind.precision is None and (pc.max(pc.binary_length(texts)).as_py() or 0) > _LONGEST):
        return None
    fits = pc.and_not(pc.match_substring_regex(texts, pattern), pc.match_substring_regex(texts, _NEGATIVE_ZERO))
    if not pc.all(fits).as_py():
        texts = pc.if_else(fits, texts, pa.scalar(None, pa.string()))
    return _padded(texts, kind.scale) if kind.scale else texts


def _pattern(kind: ColumnType) -> str | None:
    """Return what digits of numeric(p, s) look like, with s digits after the point or fewer."""
    if kind.precision is None:
        return r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"
    scale = kind.scale or 0
    whole = kind.precision - scale
    if not (0 <= scale <= _MOST_REPEATED and 0 < whole <= _MOST_REPEATED):
        return None
    fraction = rf"(?:\.[0-9]{{1,{scale}}})?" if scale else ""
    return rf"^-?(?:0|[1-9][0-9]{{0,{whole - 1}}}){fraction}$"


def _padded(texts: Any, scale: int) -> Any:
    """Return the texts with zeros at their end, up to `scale` digits after the point."""
    point = pc.find_substring(texts, ".")
    after = pc.subtract(pc.subtract(pc.binary_length(texts), point), 1)
    digits = pc.if_else(pc.less(point, 0), 0, after)
    if pc.min(digits).as_py() in (scale, None):
        return texts
    zeros = pa.array(["." + "0" * scale, *("0" * (scale - given) for given in range(1, scale + 1))])
    return pc.binary_join_element_wise(texts, zeros.take(digits), "")

"""Fit exact decimals, as text, with the scale of the source or with that declared for the column.

NUMERIC has no negative zero, so -0.00 becomes 0.00. It has NaN, and infinities if no precision is declared.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.rejection import Rejected
from crossfade.model.target import ColumnType
from crossfade.transform.fit.digits import canonical_digits, plain_texts
from crossfade.transform.fit.numbers import not_of_type
from crossfade.transform.fit.rejections import Rejections, shown

WHOLE_DIGITS, FRACTION_DIGITS = 131072, 16383  # what PostgreSQL's numeric holds before and after the point

# As Decimal128 is printed. Text with a sign "+", blanks or leading zeros is not a number: 007 is not 7.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,6})?")
_SPECIAL = {"NaN", "Infinity", "-Infinity"}
_EXACT = decimal.Context(prec=WHOLE_DIGITS + FRACTION_DIGITS, Emax=999999, Emin=-999999, traps=[decimal.Inexact])


def fit_numeric(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if pa.types.is_integer(values.type) and kind.precision is None:
        return values.cast(pa.string())
    if pa.types.is_float32(values.type):  # Arrow prints the shortest digits that lead back to the same float4
        values = values.cast(pa.string()).cast(pa.float64())
    read = _reader_of(values.type)
    if read is None:
        return not_of_type(values, kind, rejections, "as_decimal(...) or as_number(...)")
    write = _plain if kind.precision is None else _declared(kind)
    texts = plain_texts(values)
    found = None if texts is None else canonical_digits(texts, kind)
    if found is None:
        return rejections.each(values, pa.string(), lambda value: write(read(value)))
    if found.null_count == values.null_count:  # the usual case
        return found
    others = pc.if_else(found.is_valid(), pa.scalar(None, values.type), values)
    return pc.coalesce(found, rejections.each(others, pa.string(), lambda value: write(read(value))))


def _reader_of(arrow: Any) -> Callable[[Any], Decimal] | None:
    if pa.types.is_string(arrow):
        return _of_text
    if pa.types.is_float64(arrow):
        return _of_double
    return Decimal if pa.types.is_integer(arrow) or pa.types.is_decimal(arrow) else None


def _of_text(text: str) -> Decimal:
    if text not in _SPECIAL and not _NUMBER.fullmatch(text):
        raise Rejected("not_a_number", f"{shown(text)} is not a number in plain digits")
    return Decimal(text)


def _of_double(value: float) -> Decimal:
    """Return the decimal of the shortest digits: 0.1 is 0.1. A whole double has no fraction: 5.0 is 5."""
    return Decimal(int(value)) if value.is_integer() and abs(value) < 1e16 else Decimal(repr(value).removesuffix(".0"))


def _plain(value: Decimal) -> str:
    if value.is_finite():
        if value and value.adjusted() >= WHOLE_DIGITS:
            raise Rejected("out_of_range", f"{shown(str(value))} has more than {WHOLE_DIGITS} digits")
        if -int(value.as_tuple().exponent) > FRACTION_DIGITS:
            raise Rejected("precision", f"{shown(str(value))} has more than {FRACTION_DIGITS} digits after the point")
        if not value:
            return "0" if int(value.as_tuple().exponent) >= 0 else format(abs(value), "f")
    return format(value, "f")


def _declared(kind: ColumnType) -> Callable[[Decimal], str]:
    """Return a function that pads to the s fractional digits of numeric(p, s) without losing a digit."""
    precision, scale = kind.precision or 0, kind.scale or 0
    unit = Decimal(1).scaleb(-scale)

    def write(value: Decimal) -> str:
        if value.is_nan():
            return "NaN"
        if value.is_infinite():
            raise Rejected("precision", f"{value} cannot be stored as {kind.sql}")
        if value and value.adjusted() >= precision - scale:
            raise Rejected("out_of_range", f"{shown(str(value))} is out of range for {kind.sql}")
        try:
            exact = value.quantize(unit, context=_EXACT)
        except (decimal.Inexact, decimal.InvalidOperation):
            raise Rejected("precision", f"{shown(str(value))} has more digits than {kind.sql}") from None
        return format(exact if exact else abs(exact), "f")

    return write

"""Fit integers, floating-point numbers and booleans."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.canonical import arrow_type
from crossfade.model.rejection import Rejected
from crossfade.model.target import ColumnType
from crossfade.transform.fit.rejections import Rejections, shown

_BITS = {"int2": 16, "int4": 32, "int8": 64}
EXACT_IN_DOUBLE = 2**53


def fit_int(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    to = arrow_type(kind)
    if pa.types.is_decimal(values.type):
        values = _whole(values, kind, rejections)
    if not pa.types.is_integer(values.type):
        return not_of_type(values, kind, rejections, "as_int(...)")
    if values.type == to:
        return values
    high = 2 ** (_BITS[kind.kind] - 1) - 1
    if pa.types.is_uint64(values.type):
        beyond = pc.greater(values, pa.scalar(high, pa.uint64()))
        return rejections.where(beyond, values, "out_of_range", lambda v: f"{v} is out of range for {kind.sql}").cast(
            to
        )
    bounds = (-high - 1, high)
    return rejections.outside(values.cast(pa.int64()), bounds, lambda v: f"{v} is out of range for {kind.sql}").cast(to)


def _whole(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    """Return decimals without a fraction as int64. One by one, because only sums and constants produce them."""

    def whole(value: Decimal) -> int:
        number = int(value)
        if number != value:
            raise Rejected("precision", f"{value} has a fraction, but {kind.sql} has none")
        if not -(2**63) <= number < 2**63:
            raise Rejected("out_of_range", f"{value} is out of range for {kind.sql}")
        return number

    return rejections.each(values, pa.int64(), whole)


def fit_float(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if kind.kind == "float4" and pa.types.is_float32(values.type):
        return values
    doubles = _doubles(values, kind, rejections)
    return doubles if kind.kind == "float8" else _singles(doubles, kind, rejections)


def _doubles(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if pa.types.is_floating(values.type):
        return values.cast(pa.float64())
    if pa.types.is_decimal(values.type):
        return rejections.each(values, pa.float64(), _double_of_decimal)
    if not pa.types.is_integer(values.type):
        return not_of_type(values, kind, rejections, "as_double(...)")
    limit = pa.scalar(EXACT_IN_DOUBLE, values.type) if values.type.bit_width == 64 else None
    if limit is not None:
        beyond = pc.greater(values, limit)
        if pa.types.is_signed_integer(values.type):
            beyond = pc.or_(beyond, pc.less(values, -EXACT_IN_DOUBLE))
        values = rejections.where(beyond, values, "precision", lambda v: f"{v} is not exact as {kind.sql}")
    return values.cast(pa.float64())


def _double_of_decimal(value: Decimal) -> float:
    """Return the double whose shortest digits are this decimal. Raises Rejected if there is none."""
    double = float(value)
    if Decimal(repr(double)) != value:
        raise Rejected("precision", f"{shown(str(value))} has more digits than a double")
    return double


def _singles(doubles: Any, kind: ColumnType, rejections: Rejections) -> Any:
    near = doubles.cast(pa.float32(), safe=False)
    other = pc.and_(pc.not_equal(near.cast(pa.float64()), doubles), pc.invert(pc.is_nan(doubles)))
    beyond = pc.and_(other, pc.is_inf(near))
    rejections.where(beyond, doubles, "out_of_range", lambda v: f"{v} is out of range for {kind.sql}")
    exact = rejections.where(other, doubles, "precision", lambda v: f"{v} cannot be represented exactly as {kind.sql}")
    return near if exact is doubles else pc.if_else(exact.is_valid(), near, pa.scalar(None, pa.float32()))


def fit_bool(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if pa.types.is_boolean(values.type):
        return values
    return not_of_type(values, kind, rejections, "as_bool(...), or a comparison")


def not_of_type(values: Any, kind: ColumnType, rejections: Rejections, hint: str) -> Any:
    """Record all values of a type that cannot go into this column. plan.py refuses such a mapping before it runs."""
    rejections.where(
        values.is_valid(), values, "bad_type", lambda v: f"{v} ({values.type}) cannot be stored in {kind.sql}: {hint}"
    )
    return pa.nulls(len(values), arrow_type(kind))

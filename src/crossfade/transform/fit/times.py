"""Fit dates and times: microseconds since 1970 in UTC, days since 1970, microseconds of a day."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.target import ColumnType
from crossfade.transform.fit.numbers import not_of_type
from crossfade.transform.fit.rejections import Rejections

DAY = 86_400_000_000  # microseconds
FIRST_DAY = -2_440_588  # 4714-11-24 BC, the first day of PostgreSQL's calendar
LAST_DAY = 2_145_031_948  # 5874897-12-31
FIRST_MOMENT = FIRST_DAY * DAY
LAST_MOMENT = 2**63 - 2  # in the year 294247; the largest integer is DuckDB's infinity


def fit_timestamp(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if pa.types.is_date32(values.type):
        moments = _of_days(values, kind, rejections)
    elif pa.types.is_timestamp(values.type) and (values.type.tz or kind.kind != "timestamptz"):
        moments = _micros(values, rejections)
    else:  # a timestamp without a zone is not a point in time
        return not_of_type(values, kind, rejections, "as_date(...), parse_date(...) or epoch_ms_date(...)")
    bounds = (FIRST_MOMENT, LAST_MOMENT)
    moments = rejections.outside(moments, bounds, lambda v: f"{v} microseconds is out of range for {kind.sql}")
    return _digits(moments, kind, rejections).cast(pa.timestamp("us"))


def _of_days(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    days = values.cast(pa.int32()).cast(pa.int64())
    days = rejections.outside(
        days, (FIRST_DAY, LAST_MOMENT // DAY), lambda v: f"day {v} is out of range for {kind.sql}"
    )
    return pc.multiply(days, DAY)


def _micros(values: Any, rejections: Rejections) -> Any:
    """Convert any unit to int64 microseconds. Nanoseconds that are not whole microseconds do not fit."""
    unit, numbers = values.type.unit, values.cast(pa.int64())
    if unit == "us":
        return numbers
    if unit == "ns":
        part = pc.not_equal(_modulo(numbers, 1000), 0)
        numbers = rejections.where(part, numbers, "precision", lambda v: f"{v} nanoseconds is finer than a microsecond")
        return pc.divide(numbers, 1000)
    factor = {"s": 1_000_000, "ms": 1000}[unit]
    limit = LAST_MOMENT // factor
    numbers = rejections.outside(numbers, (-limit, limit), lambda v: f"{v} {unit} is out of range")
    return numbers.cast(pa.timestamp(unit)).cast(pa.timestamp("us")).cast(pa.int64())


def _modulo(numbers: Any, by: int) -> Any:
    """Return the remainder of a division, with any sign. `divide` truncates toward zero, so nothing can overflow."""
    return pc.subtract(numbers, pc.multiply(pc.divide(numbers, by), by))


def _digits(numbers: Any, kind: ColumnType, rejections: Rejections) -> Any:
    """Refuse more fractional digits than timestamptz(p) and time(p) keep."""
    if kind.precision is None or kind.precision >= 6:
        return numbers
    finer = pc.not_equal(_modulo(numbers, 10 ** (6 - kind.precision)), 0)
    return rejections.where(finer, numbers, "precision", lambda v: f"{v} microseconds is finer than {kind.sql}")


def fit_date(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if pa.types.is_timestamp(values.type):
        moments = _micros(values, rejections)
        within = pc.not_equal(_modulo(moments, DAY), 0)
        moments = rejections.where(
            within, moments, "precision", lambda v: f"{v} microseconds is not midnight UTC; write CAST(x AS DATE)"
        )
        days = pc.divide(moments, DAY)
    elif pa.types.is_date32(values.type):
        days = values.cast(pa.int32()).cast(pa.int64())
    else:
        return not_of_type(values, kind, rejections, "CAST(as_date(...) AS DATE)")
    days = rejections.outside(days, (FIRST_DAY, LAST_DAY), lambda v: f"day {v} is out of range for {kind.sql}")
    return days.cast(pa.int32()).cast(pa.date32())


def fit_time(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if not pa.types.is_time64(values.type) or values.type.unit != "us":
        return not_of_type(values, kind, rejections, "CAST(x AS TIME)")
    return _digits(values.cast(pa.int64()), kind, rejections).cast(pa.time64("us"))

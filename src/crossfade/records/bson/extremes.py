"""The least and greatest values of a BSON type, and how they are stored while counting.

Stored values are simple and bounded (the first characters of a text, the milliseconds of a date) and have an order that
does not depend on the order of counting (-0.0 before 0.0, NaN before all numbers as in MongoDB, equal decimals by their
text). They are converted to canonical Extended JSON only once, at the end.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import copysign, isnan
from typing import Any, NamedTuple

from bson import Binary, Code, Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from crossfade.records.bson.ejson import canonical
from crossfade.records.bson.values import Symbol

SHOWN = 64  # characters of a value's canonical text
ELLIPSIS = "…"
_KEPT = SHOWN + 1  # characters of a text, enough to see that it is longer

_EPOCH = datetime.datetime(1970, 1, 1)
_MS = datetime.timedelta(milliseconds=1)


class Extremes(NamedTuple):
    """The least and greatest stored values of a class, and lengths; None if they do not apply."""

    least: Any = None
    greatest: Any = None
    min_length: int | None = None
    max_length: int | None = None


def extremes(cls: type[Any], values: Sequence[Any]) -> Extremes:
    """Return the extremes of `values` (at least one), all of class `cls`."""
    find = _FINDERS.get(cls)
    return find(values) if find else Extremes()


def rank(kind: str, stored: Any) -> Any:
    """Return the sort key of a stored value of a BSON type."""
    return _RANKS[kind](stored) if kind in _RANKS else stored


def shown(kind: str, stored: Any) -> str | None:
    """Return the canonical text of a stored value, shortened if it is long."""
    return None if stored is None else cut(canonical(_REVIVED.get(kind, _same)(stored)), SHOWN)


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[:length] + ELLIPSIS


def _same(value: Any) -> Any:
    return value


def _ints(values: Sequence[Any]) -> Extremes:
    return Extremes(int(min(values)), int(max(values)))


def _plain(values: Sequence[Any]) -> Extremes:
    return Extremes(min(values), max(values))


def _doubles(values: Sequence[float]) -> Extremes:
    least, greatest = min(values), max(values)
    if least == 0 or greatest == 0 or isnan(sum(values)):  # min() and max() would depend on the order
        return Extremes(min(values, key=_rank_double), max(values, key=_rank_double))
    return Extremes(least, greatest)


def _rank_double(value: float) -> tuple[bool, float, float]:
    return (False, 0.0, 0.0) if isnan(value) else (True, value, copysign(1.0, value))


def _decimals(values: Sequence[Decimal128]) -> Extremes:
    return Extremes(min(values, key=_rank_decimal), max(values, key=_rank_decimal))


def _rank_decimal(value: Decimal128) -> tuple[bool, Decimal, str]:
    number = value.to_decimal()
    return (False, Decimal(0), str(value)) if number.is_nan() else (True, number, str(value))


def _texts(values: Sequence[str]) -> Extremes:
    least, greatest = min(values), max(values)
    return Extremes(least[:_KEPT], greatest[:_KEPT], *_lengths(values))


def _symbols(values: Sequence[Symbol]) -> Extremes:
    return _texts([value.text for value in values])


def _object_ids(values: Sequence[ObjectId]) -> Extremes:
    return _plain([value.binary for value in values])


def _dates(values: Sequence[datetime.datetime]) -> Extremes:
    return Extremes((min(values) - _EPOCH) // _MS, (max(values) - _EPOCH) // _MS)


def _far_dates(values: Sequence[DatetimeMS]) -> Extremes:
    return _plain([int(value) for value in values])


def _timestamps(values: Sequence[Timestamp]) -> Extremes:
    return _plain([(value.time, value.inc) for value in values])


def _sized(values: Sequence[Any]) -> Extremes:
    return Extremes(None, None, *_lengths(values))


def _lengths(values: Sequence[Any]) -> tuple[int, int]:
    lengths = list(map(len, values))
    return min(lengths), max(lengths)


_FINDERS: Mapping[type[Any], Callable[[Sequence[Any]], Extremes]] = {
    str: _texts,
    Symbol: _symbols,
    int: _ints,
    Int64: _ints,
    float: _doubles,
    Decimal128: _decimals,
    bool: _plain,
    ObjectId: _object_ids,
    datetime.datetime: _dates,
    DatetimeMS: _far_dates,
    Timestamp: _timestamps,
    dict: _sized,
    list: _sized,
    bytes: _sized,
    Binary: _sized,
    Code: _sized,
}
_RANKS: Mapping[str, Callable[[Any], Any]] = {"double": _rank_double, "decimal": _rank_decimal}
_REVIVED: Mapping[str, Callable[[Any], Any]] = {
    "long": Int64,
    "date": DatetimeMS,
    "objectId": ObjectId,
    "symbol": Symbol,
    "timestamp": lambda stored: Timestamp(*stored),
}

"""Store a rebuilt value in a document: in the type that the old value has, or that the survey saw at its place."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from bson import Binary, Decimal128, Int64, ObjectId
from bson.errors import InvalidId

from crossfade.model.rebuilt import CannotStore, Day, Digits, Moment, TimeOfDay
from crossfade.model.shape import Node
from crossfade.records.bson.canonical import date_to_ms
from crossfade.records.bson.plain import iso_text
from crossfade.records.bson.types import type_name
from crossfade.records.bson.walk import date
from crossfade.records.rows import calendar

MISSING: Any = object()
"""Stands for a field that a document does not have."""

_DAY_MS = 86_400_000
_NUMERIC = (int, Int64, float, Decimal128)
_INT32, _INT64 = range(-(2**31), 2**31), range(-(2**63), 2**63)


def assign(value: Any, node: Node | None, old: Any = MISSING) -> Any:
    """Return the value as one of BSON. Raises CannotStore if no type of the place holds it exactly."""
    if isinstance(value, Moment) and value.us % 1000:
        text = f"{calendar.timestamp(value.us, '+00' if value.zoned else '')} is finer than a millisecond"
        raise CannotStore("precision", text)
    names = list(_candidates(value, node, old))
    made = [stored for name in names if (stored := _as_type(value, name)) is not None]
    if isinstance(value, Digits):  # 1.0 and 1 are the same number: first the type that prints this text
        made.sort(key=lambda stored: _printed(stored) != value.text)
    if isinstance(value, str):  # the integer 0 is never printed as -0.0
        made.sort(key=lambda stored: type(stored) in _NUMERIC and _text(stored) != value)
    if made:
        return made[0]
    types = " | ".join(sorted(node.value_types)) if node is not None and node.value_types else "nothing"
    raise CannotStore("bad_type", f"{value!r} cannot be stored where the source holds {types}")


def _printed(stored: Any) -> str:
    return repr(stored) if isinstance(stored, float) else str(stored)


def _candidates(value: Any, node: Node | None, old: Any) -> Iterator[str]:
    """Yield types, the best first: the old value's, those of the place, the value's own."""
    seen = {} if node is None else {name: stats.count for name, stats in node.types.items() if name != "null"}
    own = _OWN.get(type(value), ("string",))
    if old is not MISSING and old is not None:
        yield type_name(old)
    if not isinstance(value, Digits):
        yield from (name for name in own if name in seen)
    yield from sorted(seen, key=lambda name: -seen[name])
    if not seen:
        yield own[0]


_OWN: Mapping[type, tuple[str, ...]] = {
    str: ("string",),
    bool: ("bool",),
    int: ("int", "long", "double", "decimal"),
    float: ("double", "int", "long", "decimal"),
    Digits: ("decimal",),
    Moment: ("date",),
    Day: ("date",),
    bytes: ("objectId", "binData:0"),
    UUID: ("objectId", "binData:4"),
}


def _as_type(value: Any, name: str) -> Any:
    """Return the value as this type of BSON, or None if that would change it."""
    found = _TO.get((type(value), "binData" if name.startswith("binData:") else name))
    if found is None:
        return None
    try:
        made = found(value)
    except (ValueError, InvalidId, InvalidOperation, OverflowError):
        return None
    return _binary(made, int(name.partition(":")[2])) if isinstance(made, _Bytes) else made


def _binary(data: bytes, subtype: int) -> bytes:
    return Binary(data, subtype) if subtype else bytes(data)


class _Bytes(bytes):
    """The bytes of binary data, whose subtype is that of the place."""


def _int(value: Any) -> Any:
    whole = _whole(value)
    return whole if whole in _INT32 else None


def _long(value: Any) -> Any:
    whole = _whole(value)
    return Int64(whole) if whole in _INT64 else None


def _whole(value: Any) -> int:
    if isinstance(value, int):
        return value
    number = Decimal(value.text) if isinstance(value, Digits) else Decimal(value)
    if not number.is_finite() or number != number.to_integral_value():
        raise ValueError("not a whole number")
    return int(number)


def _double(value: Any) -> Any:
    if isinstance(value, float):
        return value
    text = value.text if isinstance(value, Digits) else str(value)
    made = float(text)
    return made if not math.isfinite(made) or Decimal(repr(made)) == Decimal(text) else None


def _decimal(value: Any) -> Any:
    text = value.text if isinstance(value, Digits) else repr(value) if isinstance(value, float) else str(value)
    made = Decimal128(text)
    return made if made.to_decimal() == Decimal(text) or "nan" in text.lower() else None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = repr(value)
        return text.removesuffix(".0")
    return value.text if isinstance(value, Digits) else str(value)


def _moment(value: Moment) -> Any:
    return date(value.us // 1000)


def _moment_text(value: Moment) -> str:
    at = date(value.us // 1000)
    if not isinstance(at, datetime.datetime):
        raise ValueError("outside the years 1 to 9999")
    return iso_text(at)


def _date_of_text(value: str) -> Any:
    us = calendar.micros_of(value.replace("T", " ").replace("Z", "+00"))
    made = date(us // 1000)
    return made if us % 1000 == 0 and date_to_ms(made) * 1000 == us else None


def _object_id_in(value: UUID) -> Any:
    digits = value.hex
    if digits[12] != "8" or digits[16] != "8" or digits[26:] != "cf01d0":
        return None
    return ObjectId(digits[:12] + digits[13:16] + digits[17:20] + digits[20:26])


def _of_text(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: make(Digits(value))


_NUMBERS: Mapping[str, Callable[[Any], Any]] = {"int": _int, "long": _long, "double": _double, "decimal": _decimal}
_TO: Mapping[tuple[type, str], Callable[[Any], Any]] = {
    **{(kind, name): make for kind in (int, float, Digits) for name, make in _NUMBERS.items()},
    **{(str, name): _of_text(make) for name, make in _NUMBERS.items()},
    **{(kind, "string"): _text for kind in (str, bool, int, float, Digits, UUID)},
    (bool, "bool"): lambda value: value,
    (str, "bool"): lambda value: {"true": True, "false": False}.get(value.lower()),
    (str, "objectId"): lambda value: ObjectId(value) if len(value) == 24 else None,
    (str, "date"): _date_of_text,
    (str, "binData"): lambda value: _Bytes(UUID(value).bytes),
    (Moment, "date"): _moment,
    (Moment, "string"): _moment_text,
    (Day, "date"): lambda value: date(value.days * _DAY_MS),
    (Day, "string"): lambda value: calendar.date(value.days),
    (TimeOfDay, "string"): lambda value: calendar.time(value.us),
    (bytes, "objectId"): lambda value: ObjectId(value) if len(value) == 12 else None,
    (bytes, "string"): lambda value: value.hex() if len(value) == 12 else None,
    (bytes, "binData"): _Bytes,
    (UUID, "objectId"): _object_id_in,
    (UUID, "binData"): lambda value: _Bytes(value.bytes),
}

__all__ = ["MISSING", "assign"]

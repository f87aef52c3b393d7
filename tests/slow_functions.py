"""The functions of mappings in the slow and obvious way: over decoded values, with exact arithmetic.

`Refuse` is what a record is quarantined for. None stays None.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid5

from bson import ObjectId

import crossfade_ids as ids
from crossfade.records.bson.canonical import canonical, date_to_ms
from crossfade.records.bson.types import type_name
from crossfade.records.bson.vocabulary import DATE_GREATEST_MS, DATE_LEAST_MS

LONG = range(-(2**63), 2**63)
EXACT = 2**53


class Refuse(Exception):
    """The value does not fit."""


def whole(text: str) -> int:
    number = Fraction(text)
    if number.denominator != 1 or int(number) not in LONG:
        raise Refuse(text)
    return int(number)


def as_int(value: Any) -> int:
    kind = type_name(value)
    if kind in ("int", "long"):
        return int(value)
    if kind == "double" and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    if kind == "decimal" and not value.to_decimal():
        return 0
    if kind == "decimal" and value.to_decimal().is_finite() and abs(value.to_decimal().adjusted()) < 60:
        return whole(str(value.to_decimal()))
    raise Refuse(kind)


def as_double(value: Any) -> float:
    kind = type_name(value)
    if kind == "double" or (kind in ("int", "long") and abs(value) <= EXACT):
        return float(value)
    raise Refuse(kind)


def double_text(value: float) -> str:
    if value != value:
        return "NaN"
    if abs(value) == float("inf"):
        return "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < 1e15:
        return "-0" if value == 0 and str(value) == "-0.0" else str(int(value))
    return repr(value)


def iso(ms: int) -> str:
    try:
        at = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    except OverflowError:
        raise Refuse("outside the years 1 to 9999") from None
    return at.isoformat(timespec="milliseconds") + "Z"


def as_text(value: Any) -> str:
    kind = type_name(value)
    if kind in ("string", "decimal", "objectId"):
        return str(value)
    if kind in ("int", "long"):
        return str(int(value))
    if kind == "double":
        return double_text(value)
    if kind == "bool":
        return str(value).lower()
    if kind == "date":
        return iso(date_to_ms(value))
    if kind == "binData:4" and len(value) == 16:
        return str(UUID(bytes=bytes(value)))
    raise Refuse(kind)


def as_string(value: Any) -> str:
    if type_name(value) == "string":
        return str(value)
    raise Refuse(type_name(value))


def as_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Refuse(type_name(value))


def as_date(value: Any) -> int:
    """Microseconds since 1970."""
    if type_name(value) != "date":
        raise Refuse(type_name(value))
    return moment(date_to_ms(value))


def moment(ms: int) -> int:
    if not DATE_LEAST_MS <= ms <= DATE_GREATEST_MS:
        raise Refuse("out of range")
    return ms * 1000


def as_number(value: Any) -> Decimal:
    kind = type_name(value)
    if kind in ("int", "long"):
        return Decimal(int(value))
    if kind == "double":
        return Decimal(repr(value))
    if kind == "decimal":
        return Decimal(str(value))
    raise Refuse(kind)


NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def as_decimal(value: Any, precision: int, scale: int) -> Decimal:
    kind = type_name(value)
    if kind == "string":
        if not NUMBER.fullmatch(value):
            raise Refuse(value)
        before, exponent, _ = value.lower().partition("e")
        if exponent and len(before.lstrip("+-0").partition(".")[0]) > precision - scale:
            raise Refuse(value)  # DuckDB has no room for the digits as they are written
        number = Decimal(value)
    else:
        number = as_number(value)
    if not number.is_finite():
        raise Refuse(str(number))
    try:
        fitted = number.quantize(Decimal(1).scaleb(-scale), context=Context(prec=200, Emin=-9999, Emax=9999))
    except InvalidOperation:
        raise Refuse(str(number)) from None
    if fitted != number or abs(fitted) >= Decimal(10) ** (precision - scale):
        raise Refuse(str(number))
    return fitted


def parse_int(value: Any) -> int:
    if type_name(value) != "string":
        return as_int(value)
    if not re.fullmatch(r"[+-]?[0-9]+", value, re.ASCII):
        raise Refuse(value)
    return whole(value)


def parse_double(value: Any) -> float:
    if type_name(value) != "string":
        return as_double(value)
    if not NUMBER.fullmatch(value) or (abs(Decimal(value).adjusted()) > 400 and Decimal(value)):
        raise Refuse(value)
    made = float(value)
    if abs(made) == float("inf") or Decimal(value) not in (
        Decimal(repr(made)),
        Decimal(int(made)) if made.is_integer() else None,
    ):
        raise Refuse(value)
    return made


def parse_bool(value: Any) -> bool:
    if type_name(value) != "string":
        return as_bool(value)
    if value.lower() not in ("true", "false"):
        raise Refuse(value)
    return bool(value.lower() == "true")


DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
)

END_OF_DAY = re.compile(r"(.{11})24(:00(?::00(?:\.0+)?)?(?:Z|[+-].*))")


def parse_date(value: Any) -> int:
    if type_name(value) != "string":
        return as_date(value)
    if DATE.fullmatch(value):
        value += "T00:00:00Z"
    if not MOMENT.fullmatch(value):
        raise Refuse(value)
    ends = END_OF_DAY.fullmatch(value)  # it is the next midnight; Python reads it from 3.14 on
    days = datetime.timedelta(days=1 if ends else 0)
    try:
        at = datetime.datetime.fromisoformat(f"{ends[1]}00{ends[2]}" if ends else value)
    except ValueError:
        raise Refuse(value) from None
    return (at + days - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(microseconds=1)


def epoch_ms_date(value: Any) -> int:
    return moment(as_int(value))


def epoch_s_date(value: Any) -> int:
    return moment(as_int(value) * 1000)


def oid_of(value: Any) -> bytes:
    if isinstance(value, ObjectId):
        return value.binary
    if isinstance(value, str) and re.fullmatch("[0-9a-fA-F]{24}", value):
        return bytes.fromhex(value)
    raise Refuse(type_name(value))


def oid_text(value: Any) -> str:
    return oid_of(value).hex()


def bytes_of(value: Any) -> bytes:
    if type_name(value).startswith("binData:"):
        return bytes(value)
    raise Refuse(type_name(value))


def identity(value: Any) -> object:
    """The value as ids.py takes it; a text of its own for what it does not."""
    kind = type_name(value)
    if kind == "objectId":
        return bytes(value.binary)
    if kind == "decimal":
        return Decimal(str(value))
    if kind in ("int", "long"):
        return int(value)
    if kind == "binData:4" and len(value) == 16:
        return UUID(bytes=bytes(value))
    if kind in ("string", "bool", "double", "null"):
        return value
    return None


def name(value: Any) -> str | None:
    kind = type_name(value)
    if kind == "date":
        return f"date:{date_to_ms(value)}"
    if kind == "binData:0":
        return f"binData:0:{bytes(value).hex()}"
    if kind == "null":
        return None
    known = identity(value)
    return ids.identity_name(known) if known is not None else f"ejson:{canonical(value)}"


def uuid_of(value: Any) -> UUID | None:
    kind = type_name(value)
    if kind == "objectId":
        return ids.uuid_of_object_id(value.binary)
    if kind == "binData:4" and len(value) == 16:
        return UUID(bytes=bytes(value))
    known = name(value)
    return None if known is None else uuid5(ids.NAMESPACE, known)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "as_int(x.v)": as_int,
    "as_double(x.v)": as_double,
    "as_text(x.v)": as_text,
    "as_string(x.v)": as_string,
    "as_bool(x.v)": as_bool,
    "as_date(x.v)": as_date,
    "as_number(x.v)": as_number,
    "as_decimal(x.v, 12, 2)": lambda v: as_decimal(v, 12, 2),
    "as_decimal(x.v, 38, 18)": lambda v: as_decimal(v, 38, 18),
    "as_decimal(x.v, 4, 4)": lambda v: as_decimal(v, 4, 4),
    "parse_int(x.v)": parse_int,
    "parse_double(x.v)": parse_double,
    "parse_bool(x.v)": parse_bool,
    "parse_date(x.v)": parse_date,
    "epoch_ms_date(x.v)": epoch_ms_date,
    "epoch_s_date(x.v)": epoch_s_date,
    "oid_of(x.v)": oid_of,
    "oid_text(x.v)": oid_text,
    "bytes_of(x.v)": bytes_of,
    "uuid_of(x.v)": uuid_of,
}

__all__ = ["FUNCTIONS", "Refuse", "name", "uuid_of"]

"""Write JSON as an application would print it: numbers as numbers, dates as ISO text, ObjectIds as hex.

orjson writes nearly everything in one pass, and calls a function for classes that it does not know. It writes NaN and
infinities as null without a call; a text in which that may have happened is written again value by value.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from json.encoder import encode_basestring as quote
from typing import Any
from uuid import UUID

import orjson
from bson import Binary, Int64, ObjectId
from bson.datetime_ms import DatetimeMS

from crossfade.records.bson.canonical import WRITERS, Writers, canonical
from crossfade.records.bson.reserved import PLAIN, like_a_value
from crossfade.records.bson.walk import date

_OPTIONS = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def plain(value: Any) -> str:
    """Return JSON as an application would print it, and Extended JSON for values that JSON lacks (see mapping.md)."""
    cls = type(value)
    if cls in _NESTED and None not in (value.values() if cls is dict else value):
        try:
            text = orjson.dumps(value, _ask, _OPTIONS)
        except orjson.JSONEncodeError:  # too deep for orjson, or not a BSON value
            return _PLAIN[cls](value)
        if b"null" not in text and b"-0.0" not in text and not (b'{"$' in text and _has_reserved(value)):
            return text.decode()
    return _PLAIN[cls](value)


def _has_reserved(value: Any) -> bool:
    """Return whether it contains an object that looks like a value (reserved.py)."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is dict:
            if like_a_value(one, PLAIN):
                return True
            waiting += one.values()
        elif type(one) is list:
            waiting += one
    return False


def iso_text(value: datetime.datetime) -> str:
    """Return text such as `2024-01-26T10:00:00.000Z`. A datetime without a zone is UTC."""
    if value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value.isoformat(timespec="milliseconds") + "Z"


def _ask(value: Any) -> orjson.Fragment:
    return orjson.Fragment(_PLAIN[type(value)](value))


def _object(value: dict[str, Any]) -> str:
    if value and next(iter(value))[:1] == "$" and like_a_value(value, PLAIN):
        value = {"$" + name: v for name, v in value.items()}
    return "{" + ",".join([quote(name) + ":" + _PLAIN[type(v)](v) for name, v in value.items()]) + "}"


def _array(value: list[Any]) -> str:
    return "[" + ",".join([_PLAIN[type(v)](v) for v in value]) + "]"


def _double(value: float) -> str:
    if value - value != 0.0:
        return canonical(value)
    text = orjson.dumps(value).decode()  # with the same notation of exponents as in the fast path
    return canonical(value) if text == "-0.0" else text


def _date(value: DatetimeMS) -> str:
    at = date(int(value))
    return canonical(at) if isinstance(at, DatetimeMS) else f'"{iso_text(at)}"'


def _binary(value: Binary) -> str:
    return f'"{UUID(bytes=bytes(value))}"' if value.subtype == 4 and len(value) == 16 else canonical(value)


_NESTED = frozenset((dict, list))
_OWN: dict[type[Any], Callable[[Any], str]] = {
    dict: _object,
    list: _array,
    int: str,
    Int64: lambda value: str(int(value)),
    float: _double,
    ObjectId: lambda value: f'"{value}"',
    datetime.datetime: lambda value: f'"{iso_text(value)}"',
    DatetimeMS: _date,
    Binary: _binary,
}
_PLAIN = Writers(WRITERS | _OWN)

"""Write values as canonical Extended JSON v2.

Canonical text is lossless and has one notation for each value, so it also serves as a key. It is compact, keeps the
order of fields, and does not escape letters outside ASCII.

An object that looks like a value in Extended JSON, such as `{"$numberLong": "5"}`, is distinguished from that value
(reserved.py). `{"$ref", "$id"}` is not such a case: a DBRef is an object.
"""

from __future__ import annotations

import datetime
from base64 import b64encode
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring as quote
from types import NoneType
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS
from bson.regex import Regex

from crossfade.records.bson.reserved import CANONICAL, like_a_value
from crossfade.records.bson.values import DBPointer, RawRegex, Symbol, Undefined, regex_options

_EPOCH = datetime.datetime(1970, 1, 1)
_MS = datetime.timedelta(milliseconds=1)
_INT32 = range(-(2**31), 2**31)


def canonical(value: Any) -> str:
    """Return canonical Extended JSON v2. Raises TypeError for a value that no decoded document contains."""
    return WRITERS[type(value)](value)


def date_to_ms(value: datetime.datetime | DatetimeMS) -> int:
    """Return the exact milliseconds since 1970. A datetime without a zone is UTC."""
    if isinstance(value, DatetimeMS):
        return int(value)
    if value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return (value - _EPOCH) // _MS


def _object(value: Mapping[str, Any]) -> str:
    if value and next(iter(value))[:1] == "$" and like_a_value(value, CANONICAL):
        value = {"$" + name: v for name, v in value.items()}
    return "{" + ",".join([quote(name) + ":" + WRITERS[type(v)](v) for name, v in value.items()]) + "}"


def _array(value: list[Any]) -> str:
    return "[" + ",".join([WRITERS[type(v)](v) for v in value]) + "]"


def double_text(value: float) -> str:
    """Return the shortest digits that restore the double, or "NaN", "Infinity" or "-Infinity"."""
    if value - value == 0.0:
        return repr(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def _int(value: int) -> str:
    return f'{{"$numberInt":"{value}"}}' if value in _INT32 else f'{{"$numberLong":"{value}"}}'


def binary_text(data: bytes, subtype: int) -> str:
    return f'{{"$binary":{{"base64":"{b64encode(data).decode()}","subType":"{subtype:02x}"}}}}'


def _code(value: Code) -> str:
    text = '{"$code":' + quote(str(value))
    return text + "}" if value.scope is None else text + ',"$scope":' + _object(value.scope) + "}"


def _regex(pattern: str, options: str) -> str:
    return '{"$regularExpression":{"pattern":' + quote(pattern) + ',"options":' + quote(options) + "}}"


def _pointer(value: DBPointer) -> str:
    return '{"$dbPointer":{"$ref":' + quote(value.namespace) + f',"$id":{{"$oid":"{value.id}"}}}}}}'


class Writers(dict[type[Any], Callable[[Any], str]]):
    """Writers by class, without intermediate calls, so that 200 levels of nesting fit on Python's stack."""

    def __missing__(self, cls: type[Any]) -> Callable[[Any], str]:
        raise TypeError(f"not a BSON value: {cls.__name__}")


WRITERS = Writers(
    {
        str: quote,
        dict: _object,
        list: _array,
        NoneType: lambda value: "null",
        bool: lambda value: "true" if value else "false",
        int: _int,
        Int64: lambda value: f'{{"$numberLong":"{int(value)}"}}',
        float: lambda value: f'{{"$numberDouble":"{double_text(value)}"}}',
        Decimal128: lambda value: f'{{"$numberDecimal":"{value}"}}',
        ObjectId: lambda value: f'{{"$oid":"{value}"}}',
        datetime.datetime: lambda value: f'{{"$date":{{"$numberLong":"{date_to_ms(value)}"}}}}',
        DatetimeMS: lambda value: f'{{"$date":{{"$numberLong":"{int(value)}"}}}}',
        bytes: lambda value: binary_text(value, 0),
        Binary: lambda value: binary_text(value, value.subtype),
        Code: _code,
        Timestamp: lambda value: f'{{"$timestamp":{{"t":{value.time},"i":{value.inc}}}}}',
        Regex: lambda value: _regex(value.pattern, regex_options(value)),
        RawRegex: lambda value: _regex(value.pattern, value.options),
        Symbol: lambda value: '{"$symbol":' + quote(value.text) + "}",
        DBPointer: _pointer,
        Undefined: lambda value: '{"$undefined":true}',
        MinKey: lambda value: '{"$minKey":1}',
        MaxKey: lambda value: '{"$maxKey":1}',
    }
)

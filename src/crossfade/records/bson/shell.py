"""Write values in the notation of mongosh, `117`, `"abc"`, `ObjectId("...")`, and read them back without loss.

Different values have different notations, so a printed key can be passed to `--key`: 5 is an int, `Long("5")` a long,
`5.0` a double and `"5"` a string. Values without a short form in mongosh are written as Extended JSON.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from json.encoder import encode_basestring as quote
from typing import Any
from uuid import UUID

from bson import Binary, Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from crossfade.records.bson.canonical import WRITERS, Writers, canonical
from crossfade.records.bson.ejson_loads import loads_canonical
from crossfade.records.bson.plain import iso_text
from crossfade.records.bson.reserved import CANONICAL, like_a_value
from crossfade.records.bson.walk import date

_INT32 = range(-(2**31), 2**31)  # only tested with plain ints: for a subclass, `in` would search linearly


def shell(value: Any) -> str:
    """Return a value of a document on one line."""
    return _printable(_line(value))


def shell_lines(value: Any, indent: int = 2) -> str:
    """Return a document with every field and element on its own line."""
    return "\n".join(map(_printable, _lines(value, indent)))


def readable(text: str | None) -> str:
    """Format canonical Extended JSON (a key, an example of the survey) for people; truncated text is unchanged.

    >>> readable('{"$numberInt":"117"}')
    '117'
    """
    if text is None:
        return "-"
    try:
        return shell(loads_canonical(text))
    except (ValueError, RecursionError, TypeError):
        return text


def loads_shell(text: str) -> Any:
    """Return the value that a person wrote, in mongosh's notation or as Extended JSON. Raises ValueError.

    >>> loads_shell('ObjectId("5e0be1000000000000000007")')
    ObjectId('5e0be1000000000000000007')
    """
    return loads_canonical(_TOKENS.sub(_as_json, text))


# -- writing


def _printable(text: str) -> str:
    """Escape invisible characters. They are inside quotes, because everything else is ASCII."""
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _line(value: Any) -> str:
    return _WRITERS[type(value)](value)


def _object(value: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{quote(name)}: {_line(v)}" for name, v in _with_escaped_names(value).items()) + "}"


def _with_escaped_names(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if value and next(iter(value))[:1] == "$" and like_a_value(value, CANONICAL):
        return {"$" + name: v for name, v in value.items()}
    return value


def _lines(value: Any, indent: int) -> list[str]:
    if not isinstance(value, dict | list) or not value:
        return [_line(value)]
    out, inside = ["{" if isinstance(value, dict) else "["], " " * indent
    parts = (
        [(f"{quote(name)}: ", v) for name, v in _with_escaped_names(value).items()]
        if isinstance(value, dict)
        else [("", v) for v in value]
    )
    for i, (name, part) in enumerate(parts):
        first, *rest = _lines(part, indent)
        lines = [inside + name + first, *(inside + line for line in rest)]
        lines[-1] += "," if i < len(parts) - 1 else ""
        out += lines
    return [*out, "}" if isinstance(value, dict) else "]"]


def _date(value: datetime.datetime | DatetimeMS) -> str:
    at = date(int(value)) if isinstance(value, DatetimeMS) else value
    return canonical(at) if isinstance(at, DatetimeMS) else f'ISODate("{iso_text(at)}")'


def _binary(value: Binary) -> str:
    return f'UUID("{UUID(bytes=bytes(value))}")' if value.subtype == 4 and len(value) == 16 else canonical(value)


def _double(value: float) -> str:
    return repr(value) if value - value == 0.0 else canonical(value)


_WRITERS = Writers(
    WRITERS
    | {
        dict: _object,
        list: lambda value: "[" + ", ".join(map(_line, value)) + "]",
        int: str,
        Int64: lambda value: f'Long("{int(value)}")' if int(value) in _INT32 else str(int(value)),
        float: _double,
        Decimal128: lambda value: f'Decimal128("{value}")',
        ObjectId: lambda value: f'ObjectId("{value}")',
        datetime.datetime: _date,
        DatetimeMS: _date,
        Binary: _binary,
        Timestamp: lambda value: f"Timestamp({value.time}, {value.inc})",
    }
)

# -- reading

_NAMES = "ObjectId|UUID|Long|NumberLong|Int32|NumberInt|Double|Decimal128|NumberDecimal|ISODate|Timestamp"
_TOKENS = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*")'
    rf"|\b(?P<name>{_NAMES})\s*\(\s*(?P<argument>\"[^\"\\]*\"|'[^'\"\\]*'|[-+.0-9eE]+(?:\s*,\s*[0-9]+)?)\s*\)",
    re.DOTALL,
)
_SIGNS = {
    "ObjectId": "$oid",
    "UUID": "$uuid",
    "Long": "$numberLong",
    "NumberLong": "$numberLong",
    "Int32": "$numberInt",
    "NumberInt": "$numberInt",
    "Double": "$numberDouble",
    "Decimal128": "$numberDecimal",
    "NumberDecimal": "$numberDecimal",
    "ISODate": "$date",
}


def _as_json(found: re.Match[str]) -> str:
    if found["text"] is not None:
        return found["text"]
    argument = found["argument"].strip("\"'")
    if found["name"] == "Timestamp":
        time, _, inc = argument.partition(",")
        return json.dumps({"$timestamp": {"t": int(time), "i": int(inc or 0)}})
    return json.dumps({_SIGNS[found["name"]]: argument})

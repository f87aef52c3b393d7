"""Values of SQL columns as text, and the canonical Arrow (model/target.CANONICAL) that such text stands for."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from crossfade.model.canonical import arrow_type, element_of
from crossfade.model.target import CANONICAL, ColumnType
from crossfade.records.rows import calendar

INFINITE = {"infinity": 2**63 - 1, "-infinity": -(2**63)}
"""The numbers that stand for infinite moments, in microseconds."""
INFINITE_DAYS = {"infinity": 2**31 - 1, "-infinity": -(2**31)}

# -- from text


def canonical(texts: Sequence[str | None], kind: ColumnType) -> Any:
    """Return values of a kind of column, given as the server prints them, as an Arrow array.

    Raises ValueError for a text that the server does not print.
    """
    if kind.kind == "array":
        return _arrays(texts, kind)
    to = arrow_type(kind)
    if (read := _READ.get(kind.kind)) is None:
        return pa.array(texts, pa.string()).cast(to)
    values = [None if text is None else read(text) for text in texts]
    if pa.types.is_temporal(to):
        return pa.array(values, pa.int32() if pa.types.is_date32(to) else pa.int64()).cast(to)
    return pa.array(values, to)


def _truth(text: str) -> bool:
    if text not in _TRUTH:
        raise ValueError(f"{text!r} is not a boolean")
    return _TRUTH[text]


def _bytes(text: str) -> bytes:
    if not text.startswith(r"\x"):
        raise ValueError(f"{text!r} is not bytea in hexadecimal")
    return bytes.fromhex(text[2:])


def _moment(text: str) -> int:
    return INFINITE[text] if text in INFINITE else calendar.micros_of(text)


def _day(text: str) -> int:
    return INFINITE_DAYS[text] if text in INFINITE_DAYS else calendar.days_of(text)


_TRUTH = {"true": True, "t": True, "false": False, "f": False}
_READ: Mapping[str, Callable[[str], Any]] = {
    "bool": _truth,
    "float4": float,
    "float8": float,
    "uuid": lambda text: uuid.UUID(text).bytes,
    "bytea": _bytes,
    "timestamptz": _moment,
    "timestamp": _moment,
    "date": _day,
    "time": calendar.micros_of_day,
}


def require(text: str, kind: ColumnType) -> None:
    """Raise as `canonical` does for one text. An array of one value is slow, so none is made for most kinds."""
    bound = _BOUNDS.get(kind.kind)
    if bound is not None and _WHOLE.fullmatch(text) and -bound <= int(text) < bound:
        return
    if kind.kind in _READ_ALONE:
        _READ[kind.kind](text)
    elif kind.kind in _ANY_TEXT:
        text.encode()
    else:
        canonical([text], kind)


_WHOLE = re.compile(r"-?[0-9]{1,19}")
_BOUNDS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
_READ_ALONE = frozenset({"bool", "uuid", "bytea"})
"""Kinds of which every value that is read from text fits its array."""
_ANY_TEXT = frozenset(kind for kind, form in CANONICAL.items() if form == "string")


def _arrays(texts: Sequence[str | None], kind: ColumnType) -> Any:
    lists = [None if text is None else elements(text) for text in texts]
    flat = canonical([element for one in lists for element in one or ()], element_of(kind))
    offsets, at = [0], 0
    for one in lists:
        at += len(one or ())
        offsets.append(at)
    mask = pa.array([one is None for one in lists], pa.bool_()) if None in lists else None
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat, type=arrow_type(kind), mask=mask)


_ELEMENT = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([^",{}\\ \t\n\r\v\f]+))([,}])', re.DOTALL)
"""An element as the server prints it: quoted if it has a blank of ASCII. Other blanks are characters like any other."""


def elements(text: str) -> list[str | None]:
    """Return the elements of an array literal of one dimension. Raises ValueError for any other.

    >>> elements('{1,NULL,"a \\\\"b"}'), elements("{}")
    (['1', None, 'a "b'], [])
    """
    if not is_plain(text):
        raise ValueError(f"{text!r} is not an array of one dimension that begins at 1")
    return [] if text == "{}" else list(_elements(text))


def is_plain(text: str) -> bool:
    """Return whether an array literal has one dimension, or none, and begins at 1."""
    return text.startswith("{") and not text.startswith("{{")


def _elements(text: str) -> Iterator[str | None]:
    at = 1
    while at < len(text):
        found = _ELEMENT.match(text, at)
        if found is None:
            raise ValueError(f"{text!r} is not an array literal")
        if found[1] is not None:
            yield re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)
        else:
            yield None if found[2].upper() == "NULL" else found[2]
        at = found.end()


# -- to text


def text_of(value: Any, kind: str) -> str:
    """Return the text of a value of the engine. `kind` is one of model/vocabulary.KINDS.

    Moments and times are given as microseconds, days as their number.
    """
    return _WRITE.get(kind, str)(value)


def _uuid(value: Any) -> str:
    return str(uuid.UUID(bytes=value) if isinstance(value, bytes) else value)


def _number(value: float) -> str:
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), repr(value))


_WRITE: Mapping[str, Callable[[Any], str]] = {
    "bool": lambda value: "true" if value else "false",
    "double": _number,
    "float": _number,
    "uuid": _uuid,
    "binary": lambda value: r"\x" + value.hex(),
    "date": lambda value: calendar.timestamp(value, "+00"),
    "timestamp": calendar.timestamp,
    "day": calendar.date,
    "time": calendar.time,
}


PRINTED = frozenset({"float", "double", "array"})
"""Kinds whose text only the server can print. That of others follows from the canonical values."""


def texts_of(values: Any, kind: str) -> list[str | None]:
    """Return the texts of canonical values of a kind that is not among PRINTED."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_timestamp(values.type) or pa.types.is_time64(values.type):
        values = values.cast(pa.int64())
    elif pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    elif pa.types.is_integer(values.type):
        values = values.cast(pa.string())
    found: list[Any] = values.to_pylist()
    write = None if pa.types.is_string(values.type) else _WRITE.get(kind)
    return found if write is None else [None if v is None else write(v) for v in found]


# -- JSON


def json_text(text: str | None, kind: ColumnType) -> str:
    """Return a value as applications print it in JSON: numbers as numbers, JSON as it is, anything else as text."""
    if text is None:
        return "null"
    if kind.kind == "array":
        return "[" + ",".join(json_text(one, element_of(kind)) for one in elements(text)) + "]"
    if kind.kind == "bool":
        return "true" if _truth(text) else "false"
    is_number = kind.kind in _NUMBERS and text not in ("NaN", "Infinity", "-Infinity")
    return text if is_number or kind.kind in ("json", "jsonb") else json.dumps(text, ensure_ascii=False)


_NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric"})

"""JSON as an application would print it: numbers as numbers, dates as ISO text, ObjectIds as hex.

orjson writes nearly everything in one pass, and asks us for the classes it does not know. It writes NaN and
infinities as null and minus zero as JSON does, without asking; a text in which that may have happened is written
again by the slow way.
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

from crossfade.documents.walk import date

_OPTIONS = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME
_JSON = frozenset((str, bool, type(None)))


def plain_with(value: Any, canonical: Callable[[Any], str]) -> str:
    """The plain JSON of a value; `canonical` writes what JSON has no word for."""

    def other(value: Any) -> Any:
        scalar = _scalar(value)
        return orjson.Fragment(canonical(value)) if scalar is None else scalar

    try:
        text = orjson.dumps(value, other, _OPTIONS)
    except orjson.JSONEncodeError:
        return _slow(value, canonical)
    if b"null" in text or b"-0.0" in text:
        return _slow(value, canonical)
    return text.decode()


def _scalar(value: Any) -> Any:
    """The value as JSON's own, or None where it has none."""
    cls = type(value)
    if cls is Int64:
        return int(value)
    if cls is ObjectId:
        return str(value)
    if cls is DatetimeMS:
        value = date(int(value))
        cls = type(value)
    if cls is datetime.datetime:
        return iso_text(value)
    if cls is Binary and value.subtype == 4 and len(value) == 16:
        return str(UUID(bytes=bytes(value)))
    return None


def iso_text(value: datetime.datetime) -> str:
    """`2024-01-26T10:00:00.000Z`; a datetime without a zone is UTC."""
    if value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value.isoformat(timespec="milliseconds") + "Z"


def _slow(value: Any, canonical: Callable[[Any], str]) -> str:
    cls = type(value)
    if cls is dict:
        return "{" + ",".join([quote(name) + ":" + _slow(v, canonical) for name, v in value.items()]) + "}"
    if cls is list:
        return "[" + ",".join([_slow(v, canonical) for v in value]) + "]"
    if cls is float:
        return _double(value, canonical)
    if cls is int or cls in _JSON:
        return quote(value) if cls is str else orjson.dumps(value).decode()
    scalar = _scalar(value)
    return canonical(value) if scalar is None else orjson.dumps(scalar).decode()


def _double(value: float, canonical: Callable[[Any], str]) -> str:
    if value - value != 0.0 or (value == 0.0 and str(value) == "-0.0"):
        return canonical(value)
    return orjson.dumps(value).decode()

"""A key of every type that a MongoDB server takes as one: it refuses arrays, patterns and undefined."""

from __future__ import annotations

import datetime
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from crossfade.records.bson.values import DBPointer, Symbol

KEYS: list[Any] = [
    MinKey(),
    None,
    float("nan"),
    float("-inf"),
    -5,
    -0.0,
    Decimal128("1.50"),
    2,
    Int64(3),
    3.5,
    Int64(2**62),
    Decimal128("1E+3"),
    Decimal128("Infinity"),
    "",
    "A",
    "a",
    "ä",
    "5",
    {},
    {"a": 1},
    {"a": 1, "b": [1, {"c": None}]},
    {"b": 1, "a": 1},
    b"",
    b"xyz",
    Binary(b"\0" * 16, 3),
    Binary(b"\1" * 16, 4),
    Binary(b"x", 128),
    ObjectId("0" * 24),
    ObjectId("5" * 24),
    False,
    True,
    DatetimeMS(-(2**60)),
    datetime.datetime(2020, 1, 1),
    DatetimeMS(2**60),
    Timestamp(1, 1),
    Timestamp(1, 2),
    DBPointer("db.c", ObjectId("7" * 24)),
    Code("f()"),
    Code("f()", {"x": 1}),
    MaxKey(),
]
SYMBOLS = [Symbol("s1"), Symbol("s2")]  # a collection with a collation takes none

"""Documents of every BSON type, and shortcuts to read a dump."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from crossfade.records.bson.decode import split
from crossfade.records.bson.ejson import canonical, to_bson
from crossfade.records.bson.values import DBPointer, Symbol, Undefined
from crossfade.records.bson.walk import walk
from crossfade.stores.contract import Store
from crossfade.stores.dump.store import open_dump

OID = ObjectId("55a0f1d420a4d760b5fbdbd6")

EVERY_TYPE: list[Any] = [
    0.1,
    -0.0,
    float("inf"),
    float("-inf"),
    float("nan"),
    5e-324,
    "text",
    "",
    "a\0b",
    "日本語 \U0001f600",
    {},
    {"b": 1, "a": {"": 2}},
    [],
    [1, [None, {}], "x"],
    b"\0\xff",
    Binary(b"old", 2),
    Binary(bytes(16), 3),
    Binary(bytes(range(16)), 4),
    Binary(b"u", 128),
    Undefined(),
    OID,
    True,
    False,
    datetime.datetime(2024, 2, 29, 12, 0, 0, 123000),
    DatetimeMS(-(2**62)),
    None,
    Regex("^a.*b$", "im"),
    DBPointer("db.c", OID),
    Code("return 1"),
    Symbol("sym"),
    Code("f()", {"x": 1}),
    -1,
    2**31 - 1,
    Timestamp(1, 2),
    Int64(1),
    Int64(-(2**63)),
    Decimal128("1.10"),
    Decimal128("NaN"),
    Decimal128("1E+3"),
    MinKey(),
    MaxKey(),
]

DOCUMENTS = [to_bson({"_id": n, "v": value, "deep": {"list": [value]}}) for n, value in enumerate(EVERY_TYPE)]


def as_lines(documents: list[bytes]) -> list[str]:
    return [canonical(walk(document)) for document in documents]


def scanned(store: Store, entity: str) -> list[bytes]:
    assert store.reader is not None
    return [piece for run in store.reader.scan(entity) for piece in split(run)]


def read_all(path: Path | str, entity: str) -> list[bytes]:
    with open_dump(path) as store:
        return scanned(store, entity)


def entities(store: Store) -> dict[str, Any]:
    assert store.inspector is not None
    return {info.name: info for info in store.inspector.entities()}


def numbered(count: int) -> Iterator[bytes]:
    return (to_bson({"_id": n, "pad": "x" * (n % 50)}) for n in range(count))

"""Convert the values of a place to an Arrow array: one small function for each kind and each form.

`ARROW_KINDS` has the Arrow types for the table in docs/reference/mapping.md ("What arrives"). The functions rely on
values that were checked against the shape: they receive only the node's types and None.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from types import NoneType
from typing import Any

import pyarrow as pa
from bson.datetime_ms import DatetimeMS

from crossfade.records.bson.canonical import canonical, date_to_ms
from crossfade.records.bson.plain import plain
from crossfade.records.bson.types import type_name
from crossfade.records.forms import TEXT, Form, as_it_is, by_value, each
from crossfade.records.places import Values
from crossfade_ids import uuid_bytes

UUID_METADATA = {b"crossfade": b"uuid"}  # 16 bytes that the SQL layer turns into a UUID


def _dates(place: Values) -> Any:
    if DatetimeMS in place.classes:  # beyond Python's years: Arrow accepts the numbers themselves
        return pa.array(each(place, lambda v: date_to_ms(v) * 1000), pa.int64()).cast(_TIMESTAMP)
    return pa.array(place.values, _TIMESTAMP)


_TIMESTAMP = pa.timestamp("us", "UTC")

ARROW_KINDS: Mapping[str, Form] = {
    "null": as_it_is(pa.null()),
    "int": as_it_is(pa.int32()),
    "long": as_it_is(pa.int64()),
    "double": as_it_is(pa.float64()),
    "string": as_it_is(TEXT),
    "bool": as_it_is(pa.bool_()),
    "objectId": by_value(attrgetter("binary"), pa.binary()),
    "date": Form(_TIMESTAMP, _dates),
    "decimal": by_value(str, TEXT),
    "binary": as_it_is(pa.binary()),
    "uuid": Form(pa.binary(), lambda place: pa.array(place.values, pa.binary()), UUID_METADATA),
    "mixed": by_value(canonical, TEXT),
}

EJSON = by_value(canonical, TEXT)
JSON = by_value(plain, TEXT)
OID_UUID = by_value(lambda v: uuid_bytes(v.binary), pa.uuid())
OID_TEXT = by_value(str, TEXT)


def _types(place: Values) -> Any:
    names = [type_name(v) for v in place.values]
    if NoneType in place.classes:
        names = [n if there else None for n, there in zip(names, place.present, strict=True)]  # type: ignore[misc]
    return pa.array(names, TEXT)


TYPE = Form(TEXT, _types)

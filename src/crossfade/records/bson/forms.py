"""Convert the values of a place to an Arrow array: one small function for each kind and each form.

`ARROW_KINDS` has the Arrow types for the table in docs/reference/mapping.md ("What arrives"). The functions rely on
values that were checked against the shape: they receive only the node's types and None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from types import NoneType
from typing import Any

import pyarrow as pa
from bson.datetime_ms import DatetimeMS

from crossfade.records.bson.canonical import canonical, date_to_ms
from crossfade.records.bson.places import Entries, Values
from crossfade.records.bson.plain import plain
from crossfade.records.bson.types import type_name
from crossfade_ids import uuid_bytes

UUID_METADATA = {b"crossfade": b"uuid"}  # 16 bytes that the SQL layer turns into a UUID

Build = Callable[[Values], Any]


@dataclass(frozen=True, slots=True)
class Form:
    """How a place becomes a column: the Arrow type, the field's metadata, and the conversion function."""

    type: Any
    build: Build
    metadata: Mapping[bytes, bytes] | None = None

    def field(self, name: str) -> Any:
        return pa.field(name, self.type, metadata=self.metadata)


def _each(place: Values, function: Callable[[Any], Any]) -> list[Any]:
    """Apply the function to every value except None."""
    if NoneType in place.classes:
        return [None if v is None else function(v) for v in place.values]
    return list(map(function, place.values))


def _as_it_is(arrow: Any) -> Form:
    return Form(arrow, lambda place: pa.array(place.values, arrow))


def by_value(function: Callable[[Any], Any], arrow: Any) -> Form:
    return Form(arrow, lambda place: pa.array(_each(place, function), arrow))


def _dates(place: Values) -> Any:
    if DatetimeMS in place.classes:  # beyond Python's years: Arrow accepts the numbers themselves
        return pa.array(_each(place, lambda v: date_to_ms(v) * 1000), pa.int64()).cast(_TIMESTAMP)
    return pa.array(place.values, _TIMESTAMP)


_TIMESTAMP = pa.timestamp("us", "UTC")
TEXT = pa.string()

ARROW_KINDS: Mapping[str, Form] = {
    "null": _as_it_is(pa.null()),
    "int": _as_it_is(pa.int32()),
    "long": _as_it_is(pa.int64()),
    "double": _as_it_is(pa.float64()),
    "string": _as_it_is(TEXT),
    "bool": _as_it_is(pa.bool_()),
    "objectId": by_value(attrgetter("binary"), pa.binary()),
    "date": Form(_TIMESTAMP, _dates),
    "decimal": by_value(str, TEXT),
    "binary": _as_it_is(pa.binary()),
    "uuid": Form(pa.binary(), lambda place: pa.array(place.values, pa.binary()), UUID_METADATA),
    "mixed": by_value(canonical, TEXT),
}

EJSON = by_value(canonical, TEXT)
JSON = by_value(plain, TEXT)
OID_UUID = by_value(lambda v: uuid_bytes(v.binary), pa.uuid())
OID_TEXT = by_value(str, TEXT)
PRESENT = Form(pa.bool_(), lambda place: pa.array(place.present, pa.bool_()))


KEY = Form(TEXT, lambda place: pa.array(place.values, TEXT))


def _types(place: Values) -> Any:
    names = [type_name(v) for v in place.values]
    if NoneType in place.classes:
        names = [n if there else None for n, there in zip(names, place.present, strict=True)]  # type: ignore[misc]
    return pa.array(names, TEXT)


TYPE = Form(TEXT, _types)


def list_of(fields: Sequence[tuple[str, Form, Build]], form: str) -> Form:
    """Return the form for a list of structs with these fields (name, form and builder), made from the elements.

    `entries` are the fields of an object, with their names as the field KEY. With `listed`, a value that is not an
    array is a list of one. Without fields, the struct has `#` (0), so that unnest still makes a row for each element.
    """
    struct = pa.struct([form.field(name) for name, form, _ in fields] or [pa.field("#", pa.int32())])
    arrow = pa.list_(struct)

    def build(place: Values) -> Any:
        lists = place.entries if form == "entries" else place.listed if form == "listed" else place.elements
        size = len(lists.values.values)
        keys = Values(lists.keys) if isinstance(lists, Entries) else lists.values
        columns = [make(keys if of is KEY else lists.values) for _, of, make in fields] or [
            pa.array([0] * size, pa.int32())
        ]
        structs = pa.StructArray.from_arrays(columns, fields=list(struct))
        return pa.ListArray.from_arrays(pa.array(lists.offsets, pa.int32()), structs, type=arrow)

    return Form(arrow, build)

"""How a place of records becomes an Arrow array: what documents and the JSON of a column share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import pyarrow as pa

from crossfade.records.places import Entries, Values

Build = Callable[[Values], Any]


@dataclass(frozen=True, slots=True)
class Form:
    """How a place becomes a column: the Arrow type, the field's metadata, and the conversion function."""

    type: Any
    build: Build
    metadata: Mapping[bytes, bytes] | None = None

    def field(self, name: str) -> Any:
        return pa.field(name, self.type, metadata=self.metadata)


def each(place: Values, function: Callable[[Any], Any]) -> list[Any]:
    """Apply the function to every value except None."""
    if NoneType in place.classes:
        return [None if v is None else function(v) for v in place.values]
    return list(map(function, place.values))


def as_it_is(arrow: Any) -> Form:
    return Form(arrow, lambda place: pa.array(place.values, arrow))


def by_value(function: Callable[[Any], Any], arrow: Any) -> Form:
    return Form(arrow, lambda place: pa.array(each(place, function), arrow))


TEXT = pa.string()
PRESENT = Form(pa.bool_(), lambda place: pa.array(place.present, pa.bool_()))
KEY = Form(TEXT, lambda place: pa.array(place.values, TEXT))


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

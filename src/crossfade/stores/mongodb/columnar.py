"""Read documents of a target as canonical columns, by the native reader, if they conform to their schema.

A document that does not (a value of another type, a field that is missing or unknown) is left to rows.py, which
describes the difference. The reader shares nothing with documents.py and encoded.py, which wrote the documents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.canonical import arrow_type
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.records.native import extension
from crossfade.stores.mongodb.fields import is_compound, stored

_FORMS: Mapping[str, tuple[str, str]] = {
    "int4": ("int", "int"),
    "int8": ("long", "long"),
    "float8": ("double", "double"),
    "bool": ("bool", "bool"),
    "timestamptz": ("date", "date"),
    "objectid": ("objectId", "objectId"),
    "uuid": ("binData:4", "uuid"),
    "string": ("string", "string"),
    "text": ("string", "string"),
    "bytea": ("", "binary"),
    "decimal128": ("decimal", "ejson"),
    "ejson": ("", "ejson"),
}
"""Kind of a column -> the only type that its values have, and the reader's form of them."""
_DECIMAL = '{"$numberDecimal":"'


@dataclass(frozen=True)
class Columns:
    """Reads the columns of one table. `required`: the numbers of the columns that say whether a field exists."""

    reader: Any
    kinds: Sequence[ColumnType]
    names: Sequence[str]
    required: Sequence[int]

    def read(self, raw: bytes) -> tuple[Any, list[bytes]]:
        """Return the canonical batch of the documents that fit, and the others."""
        made, bounds, rejected = self.reader.read(raw)
        batch, at = pa.record_batch(made), memoryview(bounds).cast("I")
        others = [raw[start:end] for _, start, end, *_ in rejected]
        if self.required:
            complete = pc.min_element_wise(*(batch.column(place).cast(pa.int8()) for place in self.required))
            lacking = pc.indices_nonzero(pc.equal(complete, 0)).to_pylist()
            others += [raw[at[2 * row] : at[2 * row + 1]] for row in lacking]
            batch = batch.filter(pc.not_equal(complete, 0)) if lacking else batch
        arrays = [_canonical(batch.column(1 + place), kind) for place, kind in enumerate(self.kinds)]
        return pa.record_batch(arrays, names=list(self.names)), others


def columns_of(table: TargetTable, columns: Sequence[str]) -> Columns | None:
    """Return a reader of these columns; None without the extension, or if it does not support one of them."""
    module = extension()
    if module is None or is_compound(table) or table.is_open:
        return None
    fields = [column for column in table.columns if column.type.kind in _FORMS]
    wanted = [column for name in columns for column in fields if column.name == name]
    if len(fields) < len(table.columns) or len(wanted) < len(columns):
        return None
    rule = [_place(["object"], fields=[(stored(table, c.name), at) for at, c in enumerate(fields, 1)])]
    rule += [_rule(column) for column in fields]
    required = [c for c in fields if not c.absent and not c.has_default]
    asked = [_column(c.name, stored(table, c.name), _FORMS[c.type.kind][1]) for c in wanted]
    asked += [_column(f"#{at}", stored(table, c.name), "present") for at, c in enumerate(required)]
    spec = {"top": list(range(len(asked))), "columns": asked, "plus": True}
    reader = module.ColumnReader(json.dumps(rule), json.dumps(spec))
    places = range(1 + len(wanted), 1 + len(asked))
    return Columns(reader, [c.type for c in wanted], [c.name for c in wanted], list(places))


def _rule(column: TargetColumn) -> dict[str, Any]:
    """Return the rule of a column. NULL is stored as null unless the field is to be missing."""
    null = [] if column.absent else ["null"]
    if column.type.kind == "ejson":
        return _place(null, anything=True)
    return _place([_type(column.type), *null], uuids=column.type.kind == "uuid")


def _type(kind: ColumnType) -> str:
    return f"binData:{kind.subtype or 0}" if kind.kind == "bytea" else _FORMS[kind.kind][0]


def _place(
    types: Sequence[str], *, fields: Sequence[tuple[str, int]] = (), anything: bool = False, uuids: bool = False
) -> dict[str, Any]:
    flags = {"dates": True, "uuids": uuids, "anything": anything}
    return {"types": list(types), "fields": list(fields), "element": None, "entry": None, **flags}


def _column(name: str, path: str, form: str) -> dict[str, Any]:
    return {"name": name, "path": [path], "form": form, "elements": [], "without": []}


def _canonical(values: Any, kind: ColumnType) -> Any:
    to = arrow_type(kind)
    if kind.kind == "decimal128":
        return pc.utf8_slice_codeunits(values, len(_DECIMAL), -2)
    return values.cast(to)


__all__ = ["Columns", "columns_of"]

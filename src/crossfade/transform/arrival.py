"""Rows of the target as the engine reads them in an inverse: moments, UUIDs and 32-bit numbers as such."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from crossfade.model.canonical import arrow_schema, element_of
from crossfade.model.equal import one_array
from crossfade.model.inverse import PLACE
from crossfade.model.program import ROW
from crossfade.model.target import ColumnType, TargetTable


def empty_rows(table: TargetTable) -> pa.Table:
    """Return a table without rows, as the engine reads it."""
    return arriving(table, None)


def arriving(table: TargetTable, rows: pa.Table | None) -> pa.Table:
    """Return canonical rows as the engine reads them, with all columns of the table: missing ones are NULL."""
    names = [column.name for column in table.columns]
    schema = arrow_schema(table, names)
    if rows is None:
        rows = schema.empty_table()
    columns = {}
    for column in table.columns:
        found = rows.column(column.name) if column.name in rows.column_names else None
        values = pa.nulls(len(rows), schema.field(column.name).type) if found is None else one_array(found)
        columns[column.name] = _arriving(values, column.type)
    for name in (ROW, PLACE):
        numbers = rows.column(name) if name in rows.column_names else pa.nulls(len(rows), pa.int64())
        columns[name] = one_array(numbers).cast(pa.int64())
    return pa.table(columns)


def _arriving(values: Any, kind: ColumnType) -> Any:
    if kind.kind == "timestamptz":
        return values.cast(pa.timestamp("us", "UTC"))
    if kind.kind == "uuid":
        return pa.ExtensionArray.from_storage(pa.uuid(), values)
    if kind.kind == "objectid":
        return values.cast(pa.binary())
    if kind.kind == "array":
        return _list(values, _arriving(values.values, element_of(kind)))
    if kind.kind == "struct":
        parts = [_arriving(part, field.type) for part, field in zip(values.flatten(), kind.fields, strict=True)]
        return pa.StructArray.from_arrays(parts, [field.name for field in kind.fields], mask=values.is_null())
    return values


def _list(values: Any, elements: Any) -> Any:
    mask = values.is_null() if values.null_count else None
    if values.offset:
        values = pa.concat_arrays([values])
        return _list(values, elements)
    return pa.ListArray.from_arrays(values.offsets, elements, type=pa.list_(elements.type), mask=mask)


__all__ = ["arriving", "empty_rows"]

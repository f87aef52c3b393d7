"""Canonical column types as Arrow types. Their meaning is defined in model/target.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from crossfade.model.target import CANONICAL, ColumnType, TargetTable

_ARROW: dict[str, Any] = {
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "string": pa.string(),
    "bool": pa.bool_(),
    "binary16": pa.binary(16),
    "binary12": pa.binary(12),
    "timestamp[us]": pa.timestamp("us"),
    "date32": pa.date32(),
    "time64[us]": pa.time64("us"),
    "binary": pa.binary(),
}


def arrow_type(kind: ColumnType) -> Any:
    """Return the Arrow type of the canonical values of a column type; a list for an array, a struct for an object."""
    if kind.kind == "array":
        return pa.list_(arrow_type(element_of(kind)))
    if kind.kind == "struct":
        return pa.struct([pa.field(part.name, arrow_type(part.type)) for part in kind.fields])
    return _ARROW[CANONICAL[kind.kind]]


def element_of(kind: ColumnType) -> ColumnType:
    """Return the type of an array's elements (text if unknown)."""
    return kind.of or ColumnType("other", "text")


def arrow_schema(table: TargetTable, columns: Iterable[str]) -> Any:
    """Return the schema of canonical rows of `table` with `columns`. Raises KeyError for an unknown column."""
    types = {c.name: c.type for c in table.columns}
    return pa.schema([pa.field(name, arrow_type(types[name])) for name in columns])


def with_nulls(table: TargetTable, rows: pa.Table) -> pa.Table:
    """Return the rows with the columns that neither a mapping nor the target fills. They are expected to be NULL."""
    for column in table.columns:
        if column.name not in rows.column_names and not column.has_default and not column.generated:
            rows = rows.append_column(column.name, pa.nulls(len(rows), arrow_type(column.type)))
    return rows


def only_changed(table: TargetTable, rows: pa.Table, changed: Iterable[str] | None) -> pa.Table:
    """Return the keys of the rows, and the columns that change; all columns if these are not known."""
    return rows if changed is None else rows.select(list(dict.fromkeys([*table.primary_key, *changed])))


def python_rows(table: Any) -> list[tuple[Any, ...]]:
    """Return the rows as hashable Python values. Dates and times are numbers, because Python's end with 9999."""
    if not table.num_columns:
        return [()] * len(table)
    return list(zip(*map(python_values, table.columns), strict=True))


class _Object(dict[str, Any]):
    """A value with fields: the key of a document may be one."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


class _List(list[Any]):
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))


def python_values(column: Any) -> list[Any]:
    """Return the values of a column as `python_rows` has them."""
    plain = _plain(column.type)
    values = (column if plain == column.type else column.cast(plain)).to_pylist()
    return list(map(_hashable, values)) if pa.types.is_nested(plain) else values


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return _Object((name, _hashable(of)) for name, of in value.items())
    return _List(map(_hashable, value)) if isinstance(value, list) else value


def arrow_rows(table: TargetTable, columns: Iterable[str], rows: Sequence[tuple[Any, ...]]) -> Any:
    """Return the canonical table from the rows of `python_rows`."""
    schema = arrow_schema(table, columns)
    values = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([_array(v, field.type) for v, field in zip(values, schema, strict=True)], schema=schema)


def _array(values: Sequence[Any], kind: Any) -> Any:
    plain = _plain(kind)
    made = pa.array(values, plain)
    return made if plain == kind else made.cast(kind)


def _plain(kind: Any) -> Any:
    """Return the type with numbers in the place of dates and times."""
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return pa.int64()
    if pa.types.is_date32(kind):
        return pa.int32()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    return pa.list_(kind.value_field.with_type(_plain(kind.value_type))) if pa.types.is_list(kind) else kind

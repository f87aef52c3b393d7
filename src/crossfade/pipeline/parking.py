"""Let unique values pass from one row to another: the row that gives one up gets a spare value first."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from crossfade.model.canonical import arrow_type, python_rows
from crossfade.model.target import TargetColumn, TargetTable, Unique
from crossfade.pipeline.difference import TableChange


def passes_values(change: TableChange) -> bool:
    """Return whether a row is to get a unique value that another row of the change gives up."""
    named = (columns_of(change.table, unique) for unique in change.table.uniques)
    plain = (columns for columns in named if not any(c.type.kind in ("array", "struct") for c in columns))
    return any(_passes(change, [c.name for c in columns]) for columns in plain)


def _passes(change: TableChange, columns: Sequence[str]) -> bool:
    new = [part.rows for part in (*change.inserts, *change.updates)]
    if not columns or any(not set(columns) <= set(rows.column_names) for rows in (*new, *change.old)):
        return False
    current = {values: key for rows in change.old for key, values in _values(change.table, rows, columns)}
    wanted = (one for rows in new for one in _values(change.table, rows, columns))
    return any(current.get(values, key) != key for key, values in wanted if None not in values)


def _values(table: TargetTable, rows: pa.Table, columns: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    return zip(python_rows(rows.select(list(table.primary_key))), python_rows(rows.select(list(columns))), strict=True)


def parked(change: TableChange, *, nulls: bool) -> Iterator[pa.Table]:
    """Yield the rows that are updated or deleted, with spare values in their unique columns: with `nulls` NULL, where
    that is allowed.
    """
    table = change.table
    for unique in table.uniques:
        found = _parking_column(table, unique, change, nulls)
        if found is None:
            continue
        column, is_null = found
        kind = arrow_type(column.type)
        for old in change.old:
            if column.name in old.column_names:
                spare = [None if is_null else _SPARE[column.type.kind]() for _ in range(old.num_rows)]
                yield old.select(list(table.primary_key)).append_column(column.name, pa.array(spare, kind))


def _parking_column(
    table: TargetTable, unique: Unique, change: TableChange, nulls: bool
) -> tuple[TargetColumn, bool] | None:
    """Return a column that can hold a spare value for a moment, and whether that is NULL. Every update writes it."""
    written = [set(part.rows.column_names) for part in change.updates]
    named = [
        c for c in columns_of(table, unique) if c.name not in table.primary_key and all(c.name in w for w in written)
    ]
    for column in named:
        if nulls and column.nullable and unique.nulls_distinct and unique.names(column.name):
            return column, True
    referring = {name for key in table.foreign_keys for name in key.columns}
    return next(((c, False) for c in named if c.name not in referring and c.type.kind in _SPARE), None)


def columns_of(table: TargetTable, unique: Unique) -> list[TargetColumn]:
    """Return the columns that the expressions of a unique constraint name."""
    text = " ".join(unique.expressions)
    return [c for c in table.columns if unique.names(c.name) or c.name in text]


def _text() -> str:
    return f"crossfade {secrets.token_hex(8)}"


_SPARE: dict[str, Callable[[], Any]] = {
    "text": _text,
    "string": _text,
    "ejson": lambda: json.dumps(_text()),
    "int2": lambda: -1 - secrets.randbelow(2**15 - 1),
    "int4": lambda: -1 - secrets.randbelow(2**31 - 1),
    "int8": lambda: -1 - secrets.randbelow(2**63 - 1),
    "float8": lambda: -1.0 - secrets.randbelow(2**52),
    "decimal128": lambda: str(-1 - secrets.randbelow(10**30)),
    "uuid": lambda: secrets.token_bytes(16),
    "bytea": lambda: secrets.token_bytes(16),
    "objectid": lambda: secrets.token_bytes(12),
}
"""Kind of a column -> a value that no row has."""

"""Rows that violate a constraint, found by SQLite with its own equality and collations."""

from __future__ import annotations

import sqlite3
from typing import Any

import pyarrow as pa

from crossfade.errors import Unsupported
from crossfade.model.canonical import arrow_schema
from crossfade.model.quoting import identifier
from crossfade.model.target import ForeignKey, TargetTable, Unique
from crossfade.stores.sqlite.rows import canonical_batch

_ROWS_AT_ONCE = 20_000


def duplicates(connection: sqlite3.Connection, table: TargetTable, unique: Unique) -> Any:
    """Return the primary keys of the rows to remove so that `unique` holds: all of a group but its least key."""
    key, groups = listed_key(table), ", ".join(unique.expressions)
    conditions = [f"({unique.predicate})"] if unique.predicate else []
    conditions += [f"({expression}) IS NOT NULL" for expression in unique.expressions if unique.nulls_distinct]
    return _keys(
        connection,
        table,
        f"SELECT {key} FROM (SELECT {key}, row_number() OVER (PARTITION BY {groups} ORDER BY {key}) AS crossfade_place"
        f" FROM {identifier(table.table)} WHERE {' AND '.join(conditions) or '1'}) WHERE crossfade_place > 1",
    )


def orphans(connection: sqlite3.Connection, table: TargetTable, key: ForeignKey) -> Any:
    """Return the primary keys of the rows that reference a missing row (MATCH SIMPLE: a NULL references nothing)."""
    pairs = zip(key.parent_columns, key.columns, strict=True)
    # the parent's column first: its collation and affinity decide, as in SQLite's own check
    same = " AND ".join(f"crossfade_parent.{identifier(p)} = crossfade_child.{identifier(c)}" for p, c in pairs)
    whole = " AND ".join(f"crossfade_child.{identifier(c)} IS NOT NULL" for c in key.columns)
    return _keys(
        connection,
        table,
        f"SELECT {listed_key(table)} FROM {identifier(table.table)} AS crossfade_child WHERE {whole} AND NOT EXISTS"
        f" (SELECT 1 FROM {identifier(key.parent)} AS crossfade_parent WHERE {same})",
    )


def listed_key(table: TargetTable) -> str:
    if not table.primary_key:
        raise Unsupported(
            f"rows of table {table.name} cannot be identified: it has no primary key",
            hint=f"give {table.name} a primary key in the schema",
        )
    return ", ".join(identifier(name) for name in table.primary_key)


def keys_of(table: TargetTable, rows: list[tuple[Any, ...]]) -> Any:
    """Convert primary key values as SQLite returns them into canonical Arrow."""
    schema = arrow_schema(table, table.primary_key)
    batches = [canonical_batch(table, table.primary_key, rows).select(schema.names)] if rows else []
    return pa.Table.from_batches(batches, schema=schema)


def _keys(connection: sqlite3.Connection, table: TargetTable, query: str) -> Any:
    schema = arrow_schema(table, table.primary_key)
    cursor = connection.execute(query)
    batches = []
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        batches.append(canonical_batch(table, table.primary_key, rows).select(schema.names))
    return pa.Table.from_batches(batches, schema=schema)

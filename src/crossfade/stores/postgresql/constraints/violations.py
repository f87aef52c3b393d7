"""Rows that violate a constraint, found by the server with its own equality and collations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from crossfade.errors import Unsupported
from crossfade.model.canonical import arrow_schema
from crossfade.model.target import ColumnType, ForeignKey, TargetColumn, TargetTable, Unique
from crossfade.records.rows.texts import canonical as canonical_of_texts
from crossfade.stores.postgresql.catalog.own_rows import own_rows
from crossfade.stores.postgresql.reading.canonical import expression

_ROWS_AT_ONCE = 20_000


def duplicates(connection: psycopg.Connection[Any], table: TargetTable, unique: Unique) -> Any:
    """Return the primary keys of the rows to remove so that `unique` holds: all of a group but its least key."""
    groups = _listed(sql.SQL(expression) for expression in unique.expressions)
    conditions = [sql.SQL("({})").format(sql.SQL(unique.predicate))] if unique.predicate else []
    if unique.nulls_distinct:
        conditions.append(sql.SQL("num_nulls({}) = 0").format(groups))
    query = sql.SQL(
        "SELECT {keys} FROM (SELECT {plain},"
        " row_number() OVER (PARTITION BY {groups} ORDER BY {plain}) AS crossfade_place FROM {table}"
        " WHERE {conditions}) AS crossfade_rows WHERE crossfade_place > 1"
    ).format(
        keys=_canonical(table, "crossfade_rows"),
        plain=_listed(map(sql.Identifier, table.primary_key)),
        groups=groups,
        table=own_rows(connection, _name(table)),
        conditions=sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("true"),
    )
    return _keys(connection, table, query)


def orphans(connection: psycopg.Connection[Any], table: TargetTable, key: ForeignKey) -> Any:
    """Return the primary keys of the rows that reference a missing row. A NULL references nothing; but if the key is
    MATCH FULL, a row with a NULL beside a value breaks it.
    """
    child_columns = [sql.Identifier("crossfade_child", column) for column in key.columns]
    parent_columns = [sql.Identifier("crossfade_parent", column) for column in key.parent_columns]
    same = [sql.SQL("{} = {}").format(p, c) for p, c in zip(parent_columns, child_columns, strict=True)]
    query = sql.SQL(
        "SELECT {keys} FROM {child} AS crossfade_child WHERE {predicate} AND (num_nulls({columns}) = 0"
        " AND NOT EXISTS (SELECT FROM {parent} AS crossfade_parent WHERE {same})"
        + (" OR num_nulls({columns}) > 0 AND num_nonnulls({columns}) > 0)" if key.match_full else ")")
    ).format(
        predicate=sql.SQL(f"({key.predicate or 'true'})"),
        keys=_canonical(table, "crossfade_child"),
        child=own_rows(connection, _name(table)),
        columns=_listed(child_columns),
        parent=own_rows(connection, _parent(key)),
        same=sql.SQL(" AND ").join(same),
    )
    return _keys(connection, table, query)


def keys_with(
    connection: psycopg.Connection[Any], table: TargetTable, source: sql.Composed, texts: Mapping[str, str]
) -> Any:
    """Return primary keys of the rows of `source`, named crossfade_rows there, and further columns of text."""
    keys, more = _canonical(table, "crossfade_rows"), _listed(sql.SQL(e) for e in texts.values())
    query = sql.SQL("SELECT {}, {} FROM {}").format(keys, more, source)
    schema = arrow_schema(table, table.primary_key)
    for name in texts:
        schema = schema.append(pa.field(name, pa.string()))
    return _fetched(connection, query, schema, table)


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _name(table: TargetTable) -> sql.Identifier:
    return sql.Identifier(table.schema or "public", table.table)


def _parent(key: ForeignKey) -> sql.Identifier:
    """Return the parent as an SQL name. `key.parent` is a name as in mapping files; a dot follows its schema."""
    schema, dot, name = (key.parent_part or key.parent).partition(".")
    return sql.Identifier(schema, name) if dot else sql.Identifier(schema)  # the search_path begins with its schema


_MOMENT = (  # whole seconds and the rest apart: before version 14 extract returns a double, which would round their sum
    "CASE WHEN {0} >= '294247-01-10 04:00:54.775807+00' THEN 9223372036854775807"
    " WHEN {0} = '-infinity' THEN (-9223372036854775808)::bigint"
    " ELSE extract(epoch FROM date_trunc('second', {0}))::bigint * 1000000"
    " + mod(extract(microseconds FROM {0})::bigint, 1000000) END"
)
# How a value is selected so that it arrives in canonical form; all other kinds arrive as PostgreSQL prints them. Values
# that are infinite, or beyond our range, become the first or last number, as in reading/canonical.py.
_CANONICAL = {
    "uuid": "uuid_send({0})",
    "timestamptz": _MOMENT,
    "timestamp": _MOMENT,
    "date": "CASE {0} WHEN 'infinity' THEN 2147483647 WHEN '-infinity' THEN -2147483648"
    " ELSE {0} - DATE '1970-01-01' END",
    "time": "(extract(epoch FROM {0}) * 1000000)::bigint",
}
_AS_THEY_ARE = {"int2", "int4", "int8", "float4", "float8", "bool", "bytea"}


def canonical(table: TargetTable, alias: str, columns: Iterable[str]) -> sql.Composed:
    """Select columns in the form that `batch` expects."""
    return _listed(
        sql.SQL(_expression(column.type)).format(sql.Identifier(alias, name))
        for name in columns
        if (column := table.column(name)) is not None
    )


def _canonical(table: TargetTable, alias: str) -> sql.Composed:
    return canonical(table, alias, table.primary_key)


def _expression(kind: ColumnType) -> str:
    if kind.kind == "array":
        return f"({expression(kind, '{0}')})::text"
    return "{0}" if kind.kind in _AS_THEY_ARE else _CANONICAL.get(kind.kind, "{0}::text")


def _keys(connection: psycopg.Connection[Any], table: TargetTable, query: sql.Composed) -> Any:
    """Return the result as a canonical table of the primary key's columns, fetched in parts."""
    if not table.primary_key:
        raise Unsupported(
            f"rows of table {table.name} cannot be identified: it has no primary key",
            hint=f"give {table.name} a primary key in the schema",
        )
    return _fetched(connection, query, arrow_schema(table, table.primary_key), table)


def _fetched(connection: psycopg.Connection[Any], query: sql.Composed, schema: Any, table: TargetTable) -> Any:
    batches = []
    # The transaction is the inner context: it ends the cursor too, so that closing it needs no further statement.
    with connection.cursor(name="crossfade_census", binary=True) as cursor, connection.transaction():
        cursor.execute(query)
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            batches.append(batch(rows, schema, table))
    return pa.Table.from_batches(batches, schema=schema)


def batch(rows: Sequence[tuple[Any, ...]], schema: Any, table: TargetTable) -> Any:
    """Return rows that the server returned as canonical Arrow."""
    columns = zip(zip(*rows, strict=True), schema, strict=True)
    arrays = [_array(values, field.type, table.column(field.name)) for values, field in columns]
    return pa.record_batch(arrays, schema=schema)


def _array(values: tuple[Any, ...], kind: Any, column: TargetColumn | None) -> Any:
    if pa.types.is_list(kind) and column is not None:
        return canonical_of_texts(values, column.type)
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return pa.array(values, pa.int64()).cast(kind)
    if pa.types.is_date32(kind):
        return pa.array(values, pa.int32()).cast(kind)
    return pa.array(values, kind)

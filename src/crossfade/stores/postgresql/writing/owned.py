"""Find rows by the values of their primary key, or of the column that identifies their record.

The values are sent as arrays of text and cast to the columns' types. Text is also compared byte by byte, because a
collation may treat different texts as equal, and rows of another record would be found. `own` is what the rows are in
(catalog/own_rows.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
import pyarrow as pa
from psycopg import sql

from crossfade.model.canonical import arrow_schema
from crossfade.model.target import TargetTable
from crossfade.stores.postgresql.constraints import violations as census
from crossfade.stores.postgresql.text_form import array, texts


def select(
    connection: psycopg.Connection[Any],
    table: TargetTable,
    own: sql.Composable,
    by: Any,
    columns: Sequence[str],
    type_names: Mapping[str, str],
) -> Any:
    """Return these columns, in canonical form, of the rows that have the values in `by`."""
    schema = arrow_schema(table, columns)
    if not len(by):
        return schema.empty_table()
    query = sql.SQL("SELECT {} FROM {} AS t JOIN {} ON {}").format(
        census.canonical(table, "t", columns),
        own,
        given(by.column_names),
        same(table, by.column_names, type_names),
    )
    rows = connection.execute(query, sent(table, by), binary=True).fetchall()
    return pa.Table.from_batches([census.batch(rows, schema, table)] if rows else [], schema=schema)


def delete(
    table: TargetTable, own: sql.Composable, names: Sequence[str], type_names: Mapping[str, str]
) -> sql.Composed:
    """Return a DELETE of the rows that have the sent values."""
    return sql.SQL("DELETE FROM {} AS t USING {} WHERE {}").format(own, given(names), same(table, names, type_names))


def update(
    table: TargetTable, own: sql.Composable, names: Sequence[str], type_names: Mapping[str, str]
) -> sql.Composed:
    """Return an UPDATE of the rows with the sent primary keys to the other values sent."""
    place = {name: i for i, name in enumerate(names)}
    others = [name for name in names if name not in table.primary_key] or list(table.primary_key[:1])
    values = [sql.SQL("{} = {}").format(sql.Identifier(name), cast(place[name], type_names[name])) for name in others]
    keys = [
        sql.SQL("t.{} = {}").format(sql.Identifier(name), cast(place[name], type_names[name]))
        for name in table.primary_key
    ]
    return sql.SQL("UPDATE {} AS t SET {} FROM {} WHERE {}").format(
        own, sql.SQL(", ").join(values), given(names), sql.SQL(" AND ").join(keys)
    )


def sent(table: TargetTable, rows: Any) -> list[str]:
    """Return the parameters: one array for each column."""
    types = {c.name: c.type for c in table.columns}
    return [array(texts(rows.column(name), types[name])) for name in rows.column_names]


def same(table: TargetTable, names: Sequence[str], type_names: Mapping[str, str]) -> sql.Composed:
    """Return the condition that a row of the table, t, has the sent values."""
    conditions: list[sql.Composable] = []
    for i, name in enumerate(names):
        column = sql.Identifier("t", name)
        conditions.append(sql.SQL("{} = {}").format(column, cast(i, type_names[name])))
        target = table.column(name)
        if target is not None and target.type.kind == "text":
            conditions.append(sql.SQL('{}::text COLLATE "C" = {}').format(column, sql.Identifier("sent", f"k{i}")))
    return sql.SQL(" AND ").join(conditions)


def cast(place: int, type_name: str) -> sql.Composed:
    """Return a sent value of the column at this place, with the column's type."""
    return sql.SQL("{}::{}").format(sql.Identifier("sent", f"k{place}"), sql.SQL(type_name))


def given(names: Sequence[str]) -> sql.Composed:
    """Return the sent values as rows to select from."""
    keys = sql.SQL(", ").join(sql.Identifier(f"k{i}") for i in range(len(names)))
    return sql.SQL("unnest({}) AS sent({})").format(sql.SQL(", ").join([sql.SQL("%s::text[]")] * len(names)), keys)

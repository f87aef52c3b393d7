"""Spare values for unique columns of a source's rows: a row that gives a value up gets one for a moment, so that values
can pass from row to row in any order, even in a cycle.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from crossfade.model.sql_files import named_queries

_TEXT = "'~' || pg_catalog.md5(pg_catalog.random()::text || pg_catalog.clock_timestamp()::text)"
_NULL = sql.SQL("NULL")
_SPARE: Mapping[str, LiteralString] = {
    "int2": "-1 - pg_catalog.floor(pg_catalog.random() * 32767)::int",
    "int4": "-1 - pg_catalog.floor(pg_catalog.random() * 2147483647)::bigint",
    "int8": "-1 - pg_catalog.floor(pg_catalog.random() * 9e15)::bigint",
    "numeric": "-1 - pg_catalog.floor(pg_catalog.random() * 9e15)::numeric",
    "float8": "-1 - pg_catalog.floor(pg_catalog.random() * 9e15)",
    "uuid": "pg_catalog.gen_random_uuid()",
    "bytea": "pg_catalog.decode(pg_catalog.md5(pg_catalog.random()::text), 'hex')",
    "date": "DATE '0001-01-01' + pg_catalog.floor(pg_catalog.random() * 300000)::int",
    "timestamp": "TIMESTAMP '0001-01-01' + pg_catalog.random() * INTERVAL '300000 days'",
    "timestamptz": "TIMESTAMPTZ '0001-01-01 00:00:00Z' + pg_catalog.random() * INTERVAL '300000 days'",
    "text": _TEXT,
    "varchar": _TEXT,
    "bpchar": _TEXT,
    "citext": _TEXT,
}
"""Type -> an expression for a value that most likely no row has; otherwise the row is refused as before."""


@dataclass(frozen=True)
class Spare:
    """A column of a unique index, and the expression of a spare value. `of` are all columns of the index."""

    column: str
    expression: sql.Composable
    of: frozenset[str]


def spares(connection: psycopg.Connection[Any], oid: str, key: Collection[str]) -> list[Spare]:
    """Return for each unique index a column that can take a spare value: not of the key, and not referenced."""
    found: dict[str, list[tuple[str, sql.Composable]]] = {}
    columns: dict[str, set[str]] = {}
    statement = _queries()["unique_columns"].format(oid=oid).encode()
    for index, column, kind, modifier, is_null, is_referred in connection.execute(statement).fetchall():
        columns.setdefault(index, set()).add(column)
        expression = _NULL if is_null else _expression(kind, int(modifier))
        if expression is not None and column not in key and not is_referred:
            found.setdefault(index, []).append((column, expression))
    return [Spare(*_best(of), frozenset(columns[index])) for index, of in found.items()]


def _best(columns: list[tuple[str, sql.Composable]]) -> tuple[str, sql.Composable]:
    """Return a column that can be NULL, if there is one."""
    return next((one for one in columns if one[1] is _NULL), columns[0])


def _expression(kind: str, modifier: int) -> sql.Composable | None:
    """Return the expression of a spare value; `modifier` has the length of a text, if there is one."""
    if kind not in _SPARE:
        return None
    made = sql.SQL(_SPARE[kind])
    is_short = _SPARE[kind] is _TEXT and modifier > 4
    return sql.SQL("pg_catalog.left({}, {})").format(made, sql.Literal(modifier - 4)) if is_short else made


@cache
def _queries() -> dict[str, str]:
    return named_queries(__package__, "spare.sql")

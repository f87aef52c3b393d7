"""Detects columns whose type is no longer the one in the schema: their values would be misread.

COPY silently reads the bits of a double as a bigint, and rounds for a numeric that now has fewer digits.
"""

from __future__ import annotations

from typing import Any

import psycopg

from crossfade.errors import Stale
from crossfade.model.target import ColumnType, TargetTable
from crossfade.schema.column_types import postgresql_type

_TYPES = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
"""


def require_unaltered(connection: psycopg.Connection[Any], table: TargetTable, name: str) -> None:
    """Raise Stale if a column of the table (`name` as in SQL) has another type than in the schema."""
    oid = connection.execute("SELECT %s::pg_catalog.regclass::pg_catalog.oid", [name]).fetchall()[0][0]
    with connection.transaction(force_rollback=True):  # print qualified names, as in the schema that was read
        connection.execute("SET LOCAL search_path TO ''")
        found = dict(connection.execute(_TYPES, [oid]).fetchall())
    for column in table.columns:
        there = found.get(column.name)
        if there is not None and not _same(column.type, there):
            raise Stale(
                f"the column {table.name}.{column.name} is {there} in the target, but {column.type.sql} in the schema;"
                " nothing of this chunk was written",
                hint="change it back; otherwise rows copied before would be compared with another type",
            )


def _same(expected: ColumnType, found: str) -> bool:
    """Return whether the types are the same: by name, with or without a schema, or by what they hold."""
    if found == expected.sql or found.rpartition(".")[2] == expected.sql.rpartition(".")[2]:
        return True
    there = postgresql_type(found)
    return there.kind != "other" and _holds(there) in (_holds(expected), _holds(postgresql_type(expected.sql)))


def _holds(kind: ColumnType) -> tuple[Any, ...]:
    return kind.kind, kind.length, kind.precision, kind.scale, kind.of and _holds(kind.of)

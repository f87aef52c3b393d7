"""The rows of a table itself: those of its partitions are its own, those of tables that inherit from it are not."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

_PARTITIONED = "SELECT c.relkind = 'p' FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)"


def own_rows(connection: psycopg.Connection[Any], table: sql.Identifier) -> sql.Composable:
    """Return what to read from, and what to change or delete rows of."""
    row = connection.execute(_PARTITIONED, [table.as_string(connection)]).fetchone()
    return of_kind(table, partitioned=row is not None and bool(row[0]))


def of_kind(table: sql.Composable, *, partitioned: bool) -> sql.Composable:
    return table if partitioned else sql.SQL("ONLY {}").format(table)

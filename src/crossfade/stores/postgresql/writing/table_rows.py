"""The rows of a table, counted and deleted in one transaction."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

_TABLE = """
SELECT c.relkind = 'p', c.relkind IN ('r', 'p'),
       c.relforcerowsecurity AND pg_catalog.row_security_active(c.oid) AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)
"""

_REFERRING = """
SELECT k.conname, n.nspname, c.relname
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.confrelid = pg_catalog.to_regclass(%s) AND k.conparentid = 0
ORDER BY 1, 2, 3
"""


def referring(connection: psycopg.Connection[Any], table: sql.Identifier) -> list[tuple[str, str, str]]:
    """The foreign keys that refer to the table, from tables that hold rows: name, schema and table of each."""
    found = connection.execute(_REFERRING, [table.as_string(connection)]).fetchall()
    return [
        key
        for key in found
        if connection.execute(
            sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(key[1], key[2]))
        ).fetchone()
        == (True,)
    ]


def empty(connection: psycopg.Connection[Any], table: sql.Identifier) -> None:
    """Deletes its rows; those of tables that inherit from it stay, those of partitions are its own."""
    row = connection.execute(_TABLE, [table.as_string(connection)]).fetchone()
    name = table if row is None or row[0] else sql.SQL("ONLY {}").format(table)
    connection.execute(sql.SQL("DELETE FROM {}").format(name))


def count(connection: psycopg.Connection[Any], table: sql.Identifier, *, hold: bool) -> int | None:
    """None where there is no such table. With `hold` its rows stay as they are until the transaction ends.

    The catalogue says whether it is there: a count that fails says nothing of it. Rows of tables that inherit from this
    one are theirs, rows of partitions are its own.
    """
    row = connection.execute(_TABLE, [table.as_string(connection)]).fetchone()
    if row is None:
        return None
    partitioned, may_lock, is_forced = row
    if hold and may_lock:
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table))
    name = table if partitioned else sql.SQL("ONLY {}").format(table)
    if is_forced:
        return _count_of_owner(connection, table, name)
    return _count(connection, name)


def _count_of_owner(connection: psycopg.Connection[Any], table: sql.Identifier, rows: sql.Composable) -> int:
    """Policies hide nothing from the owner while they are not forced; nobody else sees the table meanwhile."""
    connection.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(table))
    found = _count(connection, rows)
    connection.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(table))
    return found


def _count(connection: psycopg.Connection[Any], rows: sql.Composable) -> int:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(rows)).fetchone()
    assert row is not None
    return int(row[0])

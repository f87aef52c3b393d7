"""Find the tables that a database already has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from crossfade.stores.postgresql.catalog.tables import called
from crossfade.stores.postgresql.session.default_schema import default_schema

_TABLES = """
SELECT n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'crossfade')
  AND NOT EXISTS (SELECT FROM pg_depend e
                  WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY n.nspname <> %s, 1, 2
"""


@dataclass(frozen=True)
class TableThere:
    schema: str
    table: str
    name: str


def user_tables(connection: psycopg.Connection[Any]) -> list[TableThere]:
    """Return the tables outside the journal's schema, without those of extensions. Partitions count as their parent."""
    default = default_schema(connection)
    found = connection.execute(_TABLES, [default]).fetchall()
    return [TableThere(schema, table, called(schema, table, default)) for schema, table in found]


def described(connection: psycopg.Connection[Any], there: TableThere) -> str:
    """Return the table's name, and whether it has rows."""
    holds = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(there.schema, there.table))
    try:
        with connection.transaction():
            row = connection.execute(holds).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return f"{there.name} (no privilege to read it)"
    return f"{there.name} ({'has rows' if row and row[0] else 'no rows'})"

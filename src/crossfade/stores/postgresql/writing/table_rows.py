"""The rows of a table, counted and deleted in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from crossfade.stores.contract import OtherRows
from crossfade.stores.postgresql.writing.rewritten import carried_out

_TABLE = """
SELECT c.relkind = 'p', c.relkind IN ('r', 'p'),
       c.relforcerowsecurity AND pg_catalog.row_security_active(c.oid) AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)
"""

_KEY = """
SELECT a.attname
FROM pg_catalog.pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
WHERE i.indrelid = pg_catalog.to_regclass(%s) AND i.indisprimary AND k.place <= i.indnkeyatts
ORDER BY k.place
"""

_KEY_NAME = """
SELECT k.conname FROM pg_catalog.pg_constraint k
WHERE k.contype = 'p' AND k.conrelid = pg_catalog.to_regclass(%s)
"""

_PACK = """
WITH old AS (
    DELETE FROM {loaded} WHERE gone = 0 AND (mark IS NULL OR pg_catalog.length(mark) < 1000000)
    RETURNING table_name, coalesce(mark, pg_catalog.xidsend(xmin)) AS numbers
)
INSERT INTO {loaded} (id, table_name, gone, mark)
SELECT pg_catalog.md5(table_name || pg_catalog.clock_timestamp()::pg_catalog.text), table_name, 0,
    pg_catalog.string_agg(numbers, ''::pg_catalog.bytea)
FROM old GROUP BY table_name
"""
"""The transaction number of a note is that of the rows; a packed note has such numbers in its mark."""

_OWN = """
SELECT l.xmin FROM {loaded} AS l WHERE l.mark IS NULL
UNION ALL
SELECT ('x' || pg_catalog.encode(pg_catalog.substring(l.mark, at, 4), 'hex'))::pg_catalog.bit(32)::pg_catalog.int8
    ::pg_catalog.text::pg_catalog.xid
FROM {loaded} AS l, pg_catalog.generate_series(1, pg_catalog.length(l.mark), 4) AS at
WHERE l.mark IS NOT NULL
"""
_SAME = f"SELECT FROM ({_OWN}) AS own (number) WHERE own.number OPERATOR(pg_catalog.=) t.xmin"

_REFERRING = """
SELECT k.conname, n.nspname, c.relname
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0
  AND (k.confrelid = pg_catalog.to_regclass(%s)
       OR k.confrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(%s))))
ORDER BY 1, 2, 3
"""


def referring(connection: psycopg.Connection[Any], table: sql.Identifier) -> list[tuple[str, str, str]]:
    """Return the foreign keys that reference the table from tables that hold rows: name, schema and table of each."""
    found = connection.execute(_REFERRING, [table.as_string(connection)] * 2).fetchall()
    return [
        key
        for key in found
        if connection.execute(
            sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(key[1], key[2]))
        ).fetchone()
        == (True,)
    ]


def key_name(connection: psycopg.Connection[Any], table: sql.Identifier) -> str | None:
    row = connection.execute(_KEY_NAME, [table.as_string(connection)]).fetchone()
    return None if row is None else str(row[0])


def empty(connection: psycopg.Connection[Any], table: sql.Identifier) -> None:
    """Delete the table's rows; rows of inheriting tables stay, rows of partitions are its own."""
    row = connection.execute(_TABLE, [table.as_string(connection)]).fetchone()
    name = table if row is None or row[0] else sql.SQL("ONLY {}").format(table)
    connection.execute(sql.SQL("DELETE FROM {}").format(name))
    left = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(name)).fetchone() == (True,)
    carried_out(connection, table, "DELETE", 0, int(left))


def holds(connection: psycopg.Connection[Any], table: sql.Identifier, column: str | None) -> bool:
    """Return whether there is a row, or one with a value in the column (quoted if necessary)."""
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(table)
    if column is not None:
        named = sql.SQL(column) if column.startswith('"') else sql.Identifier(column)
        query = sql.SQL("SELECT EXISTS (SELECT FROM {} AS t WHERE t.{} IS DISTINCT FROM NULL)").format(table, named)
    return connection.execute(query).fetchone() == (True,)


def count(connection: psycopg.Connection[Any], table: sql.Identifier, *, hold: bool) -> int | None:
    """Count the rows; return None if the table does not exist. With `hold` the rows are locked until the end.

    The catalog says whether the table exists, not a failing count. Rows of inheriting tables are not
    counted, rows of partitions are.
    """
    row = connection.execute(_TABLE, [table.as_string(connection)]).fetchone()
    if row is None:
        return None
    if hold and row[1]:
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(table))
    with _all_rows(connection, table) as rows:
        return _number(connection, sql.SQL("SELECT count(*) FROM {}").format(rows))


def pack(loaded: str) -> bytes:
    """Return the statement that packs the notes in the journal's table of loads."""
    return _PACK.format(loaded=loaded).encode()


def other_rows(connection: psycopg.Connection[Any], table: sql.Identifier, limit: int, loaded: str) -> OtherRows:
    """Return the rows that no load of the move wrote.

    A row carries the number of the (sub)transaction that wrote this version of it, and so does the journal's entry of
    each load: a row whose number is in no entry was inserted or changed by another session. Freezing keeps the numbers;
    they wrap around after four billion transactions. Rewriting the table or restoring a dump assigns new ones: then all
    rows count as foreign, which errs on the safe side.
    """
    key = [name for (name,) in connection.execute(_KEY, [table.as_string(connection)])]
    with _all_rows(connection, table) as rows:
        others = sql.SQL("FROM {} AS t WHERE NOT EXISTS ({})").format(rows, sql.SQL(_SAME.format(loaded=loaded)))
        found = _number(connection, sql.SQL("SELECT count(*) {}").format(others))
        if not found or not key:
            return OtherRows(found, edits_show=True)
        columns = [sql.SQL("t.{}").format(sql.Identifier(name)) for name in key]
        texts = sql.SQL(", ").join(sql.SQL("{}::pg_catalog.text").format(column) for column in columns)
        query = sql.SQL("SELECT {} {} ORDER BY {} LIMIT {}").format(
            texts, others, sql.SQL(", ").join(columns), sql.Literal(limit)
        )
        return OtherRows(found, tuple(", ".join(row) for row in connection.execute(query)), edits_show=True)


@contextmanager
def _all_rows(connection: psycopg.Connection[Any], table: sql.Identifier) -> Iterator[sql.Composable]:
    """Yield what to select from. While row-level security is not forced, policies hide no rows from the owner. No other
    session sees the table in the meantime.
    """
    row = connection.execute(_TABLE, [table.as_string(connection)]).fetchone()
    assert row is not None  # the caller has found it in this transaction
    partitioned, _, is_forced = row
    rows = table if partitioned else sql.SQL("ONLY {}").format(table)
    if is_forced:
        connection.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(table))
    yield rows
    if is_forced:
        connection.execute(sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(table))


def _number(connection: psycopg.Connection[Any], query: sql.Composed) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])

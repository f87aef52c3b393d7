"""Runs a SELECT of the user's in a read-only transaction, and counts its rows without reading all of them into memory.

The server itself enforces most of it. The extended protocol accepts a single statement; DECLARE accepts only a SELECT
(no INTO, nothing that writes in a WITH); and a READ ONLY transaction that has run a query can neither be left nor made
writable from inside a SELECT. The rest is in side_effects.py.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.types.string import TextLoader

from crossfade.errors import CrossfadeError, InvalidQuery
from crossfade.model.urls import hide_password
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.reading import side_effects
from crossfade.stores.postgresql.session.connect import connect

_PARAMETER = {"08P01", "42P18"}
"""What PostgreSQL reports of `$1`, which no value is given for."""
_INVALID = {"0A000", "42601", "42611", "42702", "42703", "42803", "42P20", *_PARAMETER}
"""What nothing that is created later cures: syntax, a column that does not exist, a statement that writes."""
_NATIVE = {"bool", "int2", "int4", "int8", "float4", "float8", "numeric", "bytea", "uuid"}


def query(url: str, sql: str, limit: int) -> tuple[list[str], list[tuple[Any, ...]], int]:
    """Return column names, the first `limit` rows, and the row count. Raises CrossfadeError if PostgreSQL refuses.

    Values of types other than numbers, booleans, bytes and UUIDs are returned as PostgreSQL prints them: Python's dates
    end with the year 9999. The session is used for this query only, so that no setting or lock remains.
    """
    with connect(url) as connection:
        try:
            return _fetch(connection, sql, limit)
        except psycopg.Error as error:
            if failures.is_lost(error):
                raise failures.lost(error, url) from error
            said = error.diag.message_primary or str(error)
            if error.sqlstate in _PARAMETER and "parameter" in said:
                said = f"it has a parameter ($1), and a rule is run without any ({said})"
            kind = InvalidQuery if error.sqlstate in _INVALID else CrossfadeError
            raise kind(f"PostgreSQL at {hide_password(url)} refused the query: {said}") from error
        finally:
            connection.rollback() if not connection.closed else None


def _fetch(connection: psycopg.Connection[Any], sql: str, limit: int) -> tuple[list[str], list[tuple[Any, ...]], int]:
    connection.read_only = True
    side_effects.require_none(connection, sql)
    with connection.cursor() as cursor:
        # binary: makes psycopg use the extended protocol
        cursor.execute(b"DECLARE crossfade_query NO SCROLL CURSOR FOR " + sql.encode(), binary=True)
        for info in connection.adapters.types:
            if info.name not in _NATIVE:
                cursor.adapters.register_loader(info.oid, TextLoader)
        cursor.execute(b"FETCH FORWARD %d FROM crossfade_query" % limit, binary=False)
        names = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall()
        moved = connection.execute(b"MOVE FORWARD ALL IN crossfade_query").statusmessage or "MOVE 0"
        return names, rows, len(rows) + int(moved.split()[-1])

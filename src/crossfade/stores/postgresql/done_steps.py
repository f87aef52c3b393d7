"""Which steps were done, noted in the transaction that does them, so that a killed run can be run again."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import psycopg

from crossfade.model.target import Step

_SCHEMA = "CREATE SCHEMA crossfade"
_TABLE = "CREATE TABLE crossfade.ddl_done (step text PRIMARY KEY, statement_sha256 text NOT NULL)"


def done_before(connection: psycopg.Connection[Any], step: Step) -> bool:
    """Whether exactly this statement was run under this id."""
    if not _is_there(connection, "to_regclass('crossfade.ddl_done')"):
        return False
    query = "SELECT FROM crossfade.ddl_done WHERE step = %s AND statement_sha256 = %s"
    return connection.execute(query, (step.id, _digest(step))).fetchone() is not None


def note_done(connection: psycopg.Connection[Any], step: Step) -> None:
    """In the caller's transaction."""
    # asked first: IF NOT EXISTS wants the right to create even where there is nothing to do
    if not _is_there(connection, "to_regnamespace('crossfade')"):
        connection.execute(_SCHEMA)
    if not _is_there(connection, "to_regclass('crossfade.ddl_done')"):
        connection.execute(_TABLE)
    connection.execute(
        "INSERT INTO crossfade.ddl_done VALUES (%s, %s)"
        " ON CONFLICT (step) DO UPDATE SET statement_sha256 = excluded.statement_sha256",
        (step.id, _digest(step)),
    )


def _is_there(connection: psycopg.Connection[Any], name: str) -> bool:
    row = connection.execute(f"SELECT {name} IS NOT NULL".encode()).fetchone()
    return bool(row and row[0])


def _digest(step: Step) -> str:
    return sha256(step.sql.encode()).hexdigest()

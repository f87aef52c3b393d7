"""Which steps were done, noted in the transaction that does them, so that a killed run can be run again."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import psycopg

from crossfade.model.target import Step

_TABLE = """
CREATE SCHEMA IF NOT EXISTS crossfade;
CREATE TABLE IF NOT EXISTS crossfade.ddl_done (step text PRIMARY KEY, statement_sha256 text NOT NULL)
"""


def done_before(connection: psycopg.Connection[Any], step: Step) -> bool:
    """Whether exactly this statement was run under this id."""
    there = connection.execute("SELECT to_regclass('crossfade.ddl_done') IS NOT NULL").fetchone()
    if not there or not there[0]:
        return False
    query = "SELECT FROM crossfade.ddl_done WHERE step = %s AND statement_sha256 = %s"
    return connection.execute(query, (step.id, _digest(step))).fetchone() is not None


def note_done(connection: psycopg.Connection[Any], step: Step) -> None:
    """In the caller's transaction."""
    connection.execute("SET LOCAL client_min_messages TO warning")
    connection.execute(_TABLE.encode())
    connection.execute(
        "INSERT INTO crossfade.ddl_done VALUES (%s, %s)"
        " ON CONFLICT (step) DO UPDATE SET statement_sha256 = excluded.statement_sha256",
        (step.id, _digest(step)),
    )


def _digest(step: Step) -> str:
    return sha256(step.sql.encode()).hexdigest()

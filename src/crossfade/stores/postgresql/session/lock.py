"""One run at a time on a target, by a lock of the session: it ends with the connection, however the process ends."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg

from crossfade.errors import Busy
from crossfade.model.quoting import literal
from crossfade.model.urls import hide_password
from crossfade.stores.patience import patiently
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.session.connect import NAME

_LOCK = "'x63726f7373666164'::bit(64)::bigint"  # "crossfad"; such a lock is of one database, not of the server

_HOLDER = """
SELECT a.pid, a.application_name, coalesce(pg_catalog.host(a.client_addr), 'a socket'),
       to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS')
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.datname = pg_catalog.current_database()
  AND (l.classid::bigint << 32) + l.objid::bigint = """


def take_lock(connection: psycopg.Connection[Any], url: str) -> None:
    """Take the lock on the connection's database. Raises Busy if another session keeps it."""
    try:
        if patiently(lambda: _one(connection, f"SELECT 1 WHERE pg_try_advisory_lock({_LOCK})")) is None:
            raise _busy(connection, url)
    except psycopg.Error as error:
        raise failures.translated(error, url, "") from error


def release_lock(connection: psycopg.Connection[Any]) -> None:
    with suppress(psycopg.Error):  # a connection that is lost has no lock
        connection.execute(f"SELECT pg_advisory_unlock({_LOCK})")


def end_with_client(connection: psycopg.Connection[Any]) -> None:
    """Let the server check that the client is alive, so that the statements of a killed run end within seconds.

    Servers before version 14 and some systems cannot: there a statement runs to its end first.
    """
    with suppress(psycopg.Error):
        connection.execute("SET client_connection_check_interval TO '1s'")


def _busy(connection: psycopg.Connection[Any], url: str) -> Busy:
    pid, name, host, since = _one(connection, _HOLDER + _LOCK) or ("unknown", "", "unknown", None)
    who = f"process {pid} of the server, from {host}" + (f", since {since} UTC" if since else "")
    return Busy(
        f"another run of crossfade is at work in {hide_password(url)} (its connection: {who}); nothing was written",
        hint=f"wait until it ends; or end it: {end_all(name, pid)}",
    )


def end_all(application: str | None, pid: object) -> str:
    """Return the statement that ends a session, or all sessions of a run: each of its workers has its own."""
    if not (application or "").startswith(f"{NAME}-"):
        return f"SELECT pg_terminate_backend({pid})"
    return (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE application_name = {literal(application or '')} AND datname = current_database()"
    )


def _one(connection: psycopg.Connection[Any], statement: str) -> Any:
    return connection.execute(statement.encode()).fetchone()

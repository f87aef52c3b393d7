"""The lock of a run on a target: a session-level advisory lock, which ends with the connection, however the process
ends.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import Any

import psycopg

from crossfade.errors import Busy
from crossfade.model.quoting import literal
from crossfade.model.urls import hide_password
from crossfade.stores.patience import patiently
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.session.connect import NAME, group_of

_LOCK = "'x63726f7373666164'::bit(64)::bigint"  # "crossfad"; such a lock is of one database, not of the server


def _lock(url: str) -> str:
    """Return the number of the lock. Each group of entities that is moved alone has its own."""
    group = group_of(url)
    return str(int.from_bytes(sha256(group.encode()).digest()[:7])) if group else _LOCK


_HELD = """
SELECT 1 FROM pg_catalog.pg_locks l
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND (l.classid::bigint << 32) + l.objid::bigint = """

_HOLDER = """
SELECT a.pid, a.application_name, coalesce(pg_catalog.host(a.client_addr), 'a socket'),
       to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS')
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.datname = pg_catalog.current_database()
  AND (l.classid::bigint << 32) + l.objid::bigint = """


def take_lock(connection: psycopg.Connection[Any], url: str) -> None:
    """Take the lock on the connection's database. Raises Busy if another session holds it."""
    try:
        if patiently(lambda: _one(connection, f"SELECT 1 WHERE pg_try_advisory_lock({_lock(url)})")) is None:
            raise _busy(connection, url)
    except psycopg.Error as error:
        raise failures.translated(error, url, "") from error


def lock_is_held(connection: psycopg.Connection[Any], url: str) -> bool:
    """Return whether any session holds the lock."""
    try:
        return _one(connection, _HELD + _lock(url)) is not None
    except psycopg.Error as error:
        raise failures.translated(error, url, "") from error


def release_lock(connection: psycopg.Connection[Any], url: str) -> None:
    with suppress(psycopg.Error):  # a connection that is lost has no lock
        connection.execute(f"SELECT pg_advisory_unlock({_lock(url)})")


def end_with_client(connection: psycopg.Connection[Any]) -> None:
    """Let the server check that the client is alive, so that the statements of a killed run end within seconds.

    Servers before version 14 and some systems cannot: there a statement runs to its end first.
    """
    with suppress(psycopg.Error):
        connection.execute("SET client_connection_check_interval TO '1s'")


def _busy(connection: psycopg.Connection[Any], url: str) -> Busy:
    pid, name, host, since = _one(connection, _HOLDER + _lock(url)) or ("unknown", "", "unknown", None)
    who = f"process {pid} of the server, from {host}" + (f", since {since} UTC" if since else "")
    return Busy(
        f"another run of crossfade is working in {hide_password(url)} (its connection: {who}); nothing was written",
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

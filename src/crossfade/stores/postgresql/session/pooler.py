"""Detects a connection pooler in front of the server, and whether it gives each client a session of its own.

The server tells each client its process number when it connects. A pooler (such as PgBouncer) sends a number of its
own, which differs from `pg_backend_pid()`. That alone is harmless: in session mode a client keeps one server process.
In transaction and statement mode each transaction may run in another one: settings, session locks and cursors would
affect other clients, and be missing here.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
from psycopg import pq

from crossfade.errors import Misused
from crossfade.model.urls import hide_password

_ROUNDS = 3
_SECONDS = 5.0
NO_TRANSACTIONS = "not allowed in statement pooling mode"
"""What PgBouncer says of BEGIN in statement mode."""
_PID = b"SELECT pg_catalog.pg_backend_pid()"

Connection = psycopg.Connection[Any]


def require_session(connection: Connection, another: Callable[[], Connection], url: str) -> None:
    """Raise Misused if the pooler gives several clients the same server process, or one client several.

    No statement here changes a session. A pooler in session mode never fails this test. One in another mode passes it
    three times only if it has as many server processes as clients.
    """
    _require_transactions(connection, url)
    for _ in range(_ROUNDS):
        mine = _pid(connection, url)
        with closing(another()) as other:
            theirs = _pid(other, url)
            other.execute(b"BEGIN")
            if theirs == mine or _pid(connection, url) != mine:
                raise refused("transaction", url)
            other.execute(b"ROLLBACK")


def _require_transactions(connection: Connection, url: str) -> None:
    try:
        connection.execute(b"BEGIN")
        connection.execute(b"ROLLBACK")
    except psycopg.Error:
        raise refused("statement", url) from None


def _pid(connection: Connection, url: str) -> int:
    """Return the server process that answers. Raises Misused if none does: the pool has no connection left."""
    pgconn = connection.pgconn
    pgconn.send_query(_PID)
    deadline = time.monotonic() + _SECONDS
    while pgconn.is_busy():
        ready, _, _ = select.select([pgconn.socket], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise Misused(
                f"the connection pooler at {hide_password(url)} has no free connection: a run takes several at once;"
                " what is committed stays",
                hint="name the server itself in the URL, or raise the pooler's default_pool_size to the number of"
                " --workers plus six; then run the same command again",
            )
        pgconn.consume_input()
    value = b""
    while (result := pgconn.get_result()) is not None:
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise psycopg.OperationalError(result.error_message.decode("utf-8", "replace"))
        value = result.get_value(0, 0) or b""
    return int(value)


def refused(mode: str, url: str) -> Misused:
    """Return the error of a pooler in which clients share sessions."""
    return Misused(
        f"{hide_password(url)} leads to a connection pooler in {mode} mode, where clients share sessions: settings"
        " and locks of this run would affect other clients; nothing was done, and no session was changed",
        hint="name the server itself in the URL (PostgreSQL's own port, often 5432), or a pooler in session mode"
        " (PgBouncer: pool_mode = session)",
    )

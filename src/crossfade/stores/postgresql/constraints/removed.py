"""Rows that were removed, but are still visible to an older transaction.

PostgreSQL includes them in a new index, so they prevent it until such transactions end: those of this database that
read, and those of any database of the server that write.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg

from crossfade.errors import Busy
from crossfade.model.urls import hide_password

PATIENCE = 20.0  # seconds
_PAUSE = 0.05

_OLDER = """
SELECT a.pid, a.datname, to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS')
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_catalog.pg_backend_pid()
  AND (age(a.backend_xid) >= age(%(now)s::xid)
       OR (a.datname = pg_catalog.current_database() AND age(a.backend_xmin) >= age(%(now)s::xid)))
ORDER BY a.xact_start
"""


def outlive_removed(connection: psycopg.Connection[Any], url: str) -> None:
    """Wait until no transaction is left that began before now, as far as this role can see them."""
    row = connection.execute("SELECT pg_catalog.txid_current() % 4294967296").fetchone()
    assert row is not None  # a function's result
    end = time.monotonic() + PATIENCE
    while older := connection.execute(_OLDER, {"now": str(row[0])}).fetchall():
        if time.monotonic() > end:
            raise _busy(older, url)
        time.sleep(_PAUSE)
    time.sleep(_PAUSE)  # sessions of other roles are not visible: give them a moment


def _busy(older: list[tuple[Any, ...]], url: str) -> Busy:
    pid, database, since = older[0]
    more = f" and {len(older) - 1} more" if len(older) > 1 else ""
    return Busy(
        f"removed rows are still visible to server process {pid} at {hide_password(url)}"
        f" (database {database}, in a transaction since {since} UTC){more}",
        hint=f"wait until it ends, or end it: SELECT pg_terminate_backend({pid}); then run the same command again",
    )

"""Finds the sessions of a run that wait for a lock, and the holder, on a connection of its own that never waits."""

from __future__ import annotations

from typing import Any

import psycopg

from crossfade.model.events import Blocker
from crossfade.stores.contract import Watch
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.session.connect import connect

_BLOCKERS = """
SELECT DISTINCT p.pid, coalesce(b.application_name, ''), coalesce(b.usename::text, ''), coalesce(b.state, ''),
       coalesce(to_char(b.query_start, 'YYYY-MM-DD HH24:MI:SS'), ''), coalesce(left(b.query, 200), '')
FROM pg_stat_activity a
CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS p(pid)
LEFT JOIN pg_stat_activity b ON b.pid = p.pid
WHERE a.application_name = current_setting('application_name') AND a.datname = current_database()
  AND a.wait_event_type = 'Lock' AND a.query_start < clock_timestamp() - %s * interval '1 second'
  AND b.application_name IS DISTINCT FROM a.application_name
ORDER BY 1
"""


class PostgresWatch:
    """One connection, opened on first use. A store may be closed while another thread still asks."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: psycopg.Connection[Any] | None = None
        self._is_over = False

    def blockers(self, seconds: float) -> list[Blocker]:
        connection = self._connected()
        try:
            return [Blocker(*row) for row in connection.execute(_BLOCKERS, [seconds]).fetchall()]
        except psycopg.Error as error:
            connection.close()
            raise failures.translated(error, self._url, "") from error

    def _connected(self) -> psycopg.Connection[Any]:
        connection = self._open
        if connection is None or connection.closed:
            connection = self._open = connect(self._url, autocommit=True)
            if self._is_over:  # `close` was called meanwhile, and did not see this connection
                connection.close()
        return connection

    def close(self) -> None:
        self._is_over = True
        if self._open is not None:
            self._open.close()


_: type[Watch] = PostgresWatch

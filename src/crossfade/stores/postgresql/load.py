"""The replicas of a server and its sessions, as its statistics show them."""

from __future__ import annotations

from crossfade.errors import Refused
from crossfade.stores.contract.load import Load
from crossfade.stores.postgresql.changes.control import Control

_LAG = """
SELECT pg_catalog.bool_or(r.state IS NULL)::text,
       coalesce(pg_catalog.max(EXTRACT(epoch FROM r.replay_lag)), 0)::text
FROM pg_catalog.pg_stat_replication r
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')
"""
_ACTIVE = """
SELECT pg_catalog.bool_or(a.backend_type IS NULL)::text,
       pg_catalog.count(*) FILTER (
           WHERE a.state = 'active' AND a.backend_type = 'client backend'
             AND a.application_name <> pg_catalog.current_setting('application_name')
       )::text
FROM pg_catalog.pg_stat_activity a WHERE a.pid <> pg_catalog.pg_backend_pid()
"""


class PostgresLoad:
    """One connection, opened on first use."""

    def __init__(self, url: str) -> None:
        self._control = Control(url)

    def lag(self) -> float:
        return float(self._asked(_LAG, "the lag of the replicas"))

    def active(self) -> int:
        return int(self._asked(_ACTIVE, "the sessions of others"))

    def _asked(self, query: str, what: str) -> str:
        """Return the value. The server shows every login the rows of others, but most of their columns as NULL."""
        ((hidden, value),) = self._control.rows(query)
        if hidden in ("true", "t"):
            raise Refused(f"the source does not show {what} to this login", hint="GRANT pg_read_all_stats TO it")
        return str(value)

    def close(self) -> None:
        self._control.close()


_: type[Load] = PostgresLoad

"""The sessions of a database, as the server shows them to every login: login and application name."""

from __future__ import annotations

from collections.abc import Sequence

from crossfade.stores.contract.sessions import SessionList, Sessions
from crossfade.stores.postgresql.changes.control import Control

_CLIENTS = "a.datid IS NOT NULL AND coalesce(a.backend_type, 'client backend') = 'client backend'"
"""The type of other logins' sessions is hidden from a login without pg_read_all_stats."""
_OTHERS = f"""
SELECT coalesce(a.usename::text, ''), coalesce(a.application_name, ''), pg_catalog.count(*)::text
FROM pg_catalog.pg_stat_activity a
WHERE {_CLIENTS} AND a.datname = pg_catalog.current_database()
  AND coalesce(a.application_name, '') !~ '^crossfade(-|$)'
GROUP BY 1, 2 ORDER BY 1, 2
"""
_FREE = f"""
SELECT pg_catalog.current_setting('max_connections')::int
       - pg_catalog.current_setting('superuser_reserved_connections')::int
       - coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::int
       - pg_catalog.count(*),
       d.datconnlimit,
       pg_catalog.count(*) FILTER (WHERE a.datid = d.oid)
FROM pg_catalog.pg_database d, pg_catalog.pg_stat_activity a
WHERE d.datname = pg_catalog.current_database() AND {_CLIENTS} GROUP BY d.datconnlimit
"""


class PostgresSessions:
    """One connection, opened on first use."""

    def __init__(self, url: str) -> None:
        self._control = Control(url)

    def others(self) -> Sequence[Sessions]:
        return [Sessions(str(login), str(name), int(count)) for login, name, count in self._control.rows(_OTHERS)]

    def free(self) -> int:
        ((of_server, limit, used),) = self._control.rows(_FREE)
        return int(of_server) if int(limit) < 0 else min(int(of_server), int(limit) - int(used))

    def close(self) -> None:
        self._control.close()


_: type[SessionList] = PostgresSessions

"""Timelines: two servers share the log before a standby took over, but not the log after that."""

from __future__ import annotations

from typing import Any

import psycopg

from crossfade.stores.contract.changes import PositionLost
from crossfade.stores.postgresql.changes import lsn
from crossfade.stores.postgresql.changes.lsn import LogPoint


def of_server(connection: psycopg.Connection[Any]) -> int:
    """Return the timeline that the server writes now, over a replication connection."""
    row = connection.execute(b"IDENTIFY_SYSTEM").fetchone()
    assert row is not None
    return int(row[1])


def require_common(connection: psycopg.Connection[Any], since: LogPoint, now: int) -> None:
    """Raise PositionLost if `since` is after the point at which the server took over from another one."""
    if since.timeline in (0, now):
        return
    row = connection.execute(b"TIMELINE_HISTORY %d" % now).fetchone()
    history = bytes(row[1]).decode() if row is not None and not isinstance(row[1], str) else str(row and row[1])
    ended = switches(history).get(since.timeline)
    if ended is None or since.lsn > ended:
        raise PositionLost(
            f"the server took over at {'another point' if ended is None else lsn.text(ended)}, before the journal's"
            f" position {lsn.text(since.lsn)}: it may lack what was followed last",
            hint="crossfade start, which takes a new position and compares everything that may have changed",
        )


def switches(history: str) -> dict[int, int]:
    """Return where each earlier timeline ended, from a timeline's history file.

    >>> switches("1\\t0/3000158\\tno recovery target specified") == {1: 0x3000158}
    True
    """
    lines = (line.split() for line in history.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return {int(line[0]): lsn.parse(line[1]) for line in lines}

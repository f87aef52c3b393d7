"""The replication slot: it makes the server retain its log for this feed, and shows if it no longer does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from crossfade.errors import Busy, CrossfadeError, Unreachable, may_pass
from crossfade.model.quoting import literal
from crossfade.stores.contract.changes import PositionLost
from crossfade.stores.patience import patiently
from crossfade.stores.postgresql.changes import lsn
from crossfade.stores.postgresql.changes.control import Control, queries

FAILOVER = 170000
"""The version from which a slot can be synchronized to a standby."""
WAIT_SECONDS = 600
"""How long to wait for transactions that were open when the feed began."""
_RESTART = "crossfade start, which takes a new position and compares everything that may have changed"


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as the server shows it. `server`: the server's current position; `retained`: the bytes of log that it
    keeps.
    """

    plugin: str
    database: str
    active_pid: str
    status: str
    confirmed: int
    retained: int | None
    server: int
    reason: str


def slot(control: Control, name: str) -> Slot | None:
    """Return the slot, or None if there is none."""
    for row in control.rows(queries()["slot"].format(slot=literal(name))):
        plugin, database, pid, status, confirmed, retained, server, reason = (value or "" for value in row)
        return Slot(
            plugin,
            database,
            pid,
            status,
            lsn.parse(confirmed) if confirmed else 0,
            int(retained) if retained else None,
            lsn.parse(server),
            reason,
        )
    return None


def require_position(found: Slot | None, name: str, since: int) -> None:
    """Raise PositionLost if the server no longer has all changes after `since`, or never had that position."""
    if found is None:
        raise PositionLost(f"the replication slot {name} is gone, and with it the changes", hint=_RESTART)
    if found.status == "lost" or found.retained is None or found.reason:
        why = found.reason or "it fell too far behind"
        raise PositionLost(f"the server has invalidated the replication slot {name} ({why})", hint=_RESTART)
    if found.confirmed > since:
        raise PositionLost(
            f"the replication slot {name} is at {lsn.text(found.confirmed)}, after the journal's position"
            f" {lsn.text(since)}: the server skips what is between",
            hint=_RESTART,
        )
    if since > found.server:
        raise PositionLost(
            f"the server is at {lsn.text(found.server)}, before the journal's position {lsn.text(since)}: it was"
            " restored from a backup, or a standby took over that lacked the last changes",
            hint=_RESTART,
        )


def create(connection: psycopg.Connection[Any], name: str, version: int) -> tuple[int, str]:
    """Create the slot, and return its position and the name of its snapshot, which ends with the next command.

    The server waits for running transactions that have written; no session waits for this. Raises
    psycopg.errors.LockNotAvailable if one of them does not end.
    """
    connection.execute(f"SET lock_timeout TO '{WAIT_SECONDS}s'".encode())
    options = ["SNAPSHOT 'export'", *(["FAILOVER true"] if version >= FAILOVER else [])]
    spelled = f"({', '.join(options)})" if version >= 150000 else "EXPORT_SNAPSHOT"
    row = connection.execute(f"CREATE_REPLICATION_SLOT {name} LOGICAL pgoutput {spelled}".encode()).fetchone()
    assert row is not None
    return lsn.parse(row[1]), str(row[2])


def waited(control: Control) -> Busy:
    """Return the error for a slot that could not be created, with the sessions that it waited for."""
    sessions = "; ".join(
        f"process {pid} ({name or 'no name'}), since {since}" for pid, name, since in _writing(control)
    )
    return Busy(
        f"transactions that were open when the feed began have not ended for {WAIT_SECONDS} seconds"
        f" ({sessions or 'they have now'}); nothing was created",
        hint="end them, or wait for them; then run the same command again",
    )


def _writing(control: Control) -> list[tuple[str, str, str]]:
    return [(pid, name, since) for pid, name, since in control.rows(queries()["writing"])]


def release(control: Control, name: str) -> None:
    """End the session that reads the slot, left by a dead process or a replaced controller. Raises Unreachable if it
    does not end.
    """

    def is_free() -> bool | None:
        found = slot(control, name)
        if found is None or not found.active_pid:
            return True
        control.rows(queries()["end_stream"].format(slot=literal(name)))
        return None

    if not patiently(is_free):
        raise may_pass(Unreachable(f"another session reads the replication slot {name}, and does not end"))


def drop(control: Control, name: str) -> None:
    """Drop the slot, if there is one."""
    release(control, name)
    try:
        control.rows(queries()["drop_slot"].format(slot=literal(name)))
    except CrossfadeError:
        if slot(control, name) is not None:
            raise

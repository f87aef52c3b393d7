"""Notices printed beside the progress: a lost connection, a wait for a lock."""

from __future__ import annotations

from typing import Any

from crossfade.cli.screen import safe
from crossfade.model.counts import counted
from crossfade.move.events import OnCluster, RecordsGone, TryingAgain, Waiting, WorksHere
from crossfade.move.values import Blocker

_SHOWN = 80


def notice_of(event: Any) -> str | None:
    """Return a line about the event, safe for a terminal, or None if the progress shows it."""
    match event:
        case TryingAgain(reason, attempt, attempts, seconds):
            return safe(f"{reason}; retrying in {seconds:g} s ({attempt} of {attempts})")
        case RecordsGone(entity=entity, count=count):
            said = f"{counted(count, 'record')} of {entity} {'is' if count == 1 else 'are'} no longer in the source"
            return safe(f"{said}; the rows were removed ({event.constraint})")
        case Waiting(seconds, blockers):
            return safe(
                f"waiting (at least {seconds:g} s so far) for a lock held by " + "; ".join(map(_blocker, blockers))
            )
        case OnCluster(scheduler, workers):
            return safe(f"running on the Dask cluster at {scheduler}: up to {counted(workers, 'task')} at once")
        case WorksHere(reason):
            return safe(f"running in this process, not on the cluster: {reason}")
    return None


def _blocker(blocker: Blocker) -> str:
    if not blocker.pid:
        return "a prepared transaction (SELECT * FROM pg_prepared_xacts)"
    known = [blocker.application or "unknown application", f"user {blocker.user or 'unknown'}"]
    known += [f"query began {blocker.query_start} UTC"] if blocker.query_start else []
    known += [blocker.state] if blocker.state else []
    query = blocker.query[:_SHOWN] + ("..." if len(blocker.query) > _SHOWN else "")
    return f"process {blocker.pid} ({', '.join(known)})" + (f": {query}" if query else "")

"""Notices printed beside the progress: a lost connection, a wait for a lock."""

from __future__ import annotations

from crossfade.cli.screen import safe
from crossfade.model.counts import counted
from crossfade.model.events import (
    Blocker,
    ClusterNotUsed,
    ClusterUsed,
    ConnectionLost,
    Event,
    LockAwaited,
    RecordsGone,
    WorkerLost,
)

_SHOWN = 80


def notice_of(event: Event) -> str | None:
    """Return a line about the event, safe for a terminal, or None if the progress shows it."""
    match event:
        case ConnectionLost(reason, attempt, attempts, seconds):
            return safe(f"{reason}; retrying in {seconds:g} s ({attempt} of {attempts})")
        case RecordsGone(entity=entity, count=count):
            said = f"{counted(count, 'record')} of {entity} {'is' if count == 1 else 'are'} no longer in the source"
            return safe(f"{said}; the rows were removed ({event.constraint})")
        case LockAwaited(seconds, blockers):
            return safe(
                f"waiting (at least {seconds:g} s so far) for a lock held by " + "; ".join(map(_blocker, blockers))
            )
        case ClusterUsed(scheduler, workers):
            return safe(f"running on the Dask cluster at {scheduler}: up to {counted(workers, 'task')} at once")
        case ClusterNotUsed(reason):
            return safe(f"running in this process, not on the cluster: {reason}")
        case WorkerLost(worker, groups):
            repeated = f"; its work ({counted(groups, 'task')}) is repeated on another worker" if groups else ""
            return safe(f"the worker {worker} of the Dask cluster is lost{repeated}")
    return None


def _blocker(blocker: Blocker) -> str:
    if not blocker.pid:
        return "a prepared transaction (SELECT * FROM pg_prepared_xacts)"
    known = [blocker.application or "unknown application", f"user {blocker.user or 'unknown'}"]
    known += [f"query began {blocker.query_start} UTC"] if blocker.query_start else []
    known += [blocker.state] if blocker.state else []
    query = blocker.query[:_SHOWN] + ("..." if len(blocker.query) > _SHOWN else "")
    return f"process {blocker.pid} ({', '.join(known)})" + (f": {query}" if query else "")

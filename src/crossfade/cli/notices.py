"""Notices printed beside the progress: a lost connection, a wait for a lock."""

from __future__ import annotations

from crossfade.cli.screen import safe
from crossfade.model.counts import counted
from crossfade.model.events import (
    Blocker,
    ClusterNotUsed,
    ClusterUsed,
    ConnectionLost,
    CutoverStepDone,
    EntityHalted,
    Event,
    FeedRemoved,
    FeedSilent,
    FeedStarted,
    FollowingPaused,
    GuardBroken,
    LockAwaited,
    PositionRenewed,
    RecordsGone,
    StepFailed,
    SteppedBack,
    Throttled,
    WorkerLost,
)

_SHOWN = 80


def notice_of(event: Event) -> str | None:
    """Return a line about the event, safe for a terminal, or None if the progress shows it."""
    match event:
        case ConnectionLost(reason, attempt, attempts, seconds):
            which = f"{attempt} of {attempts}" if attempts else f"attempt {attempt}"
            return safe(f"{reason}; retrying in {seconds:g} s ({which})")
        case RecordsGone(entity=entity, count=count):
            said = f"{counted(count, 'record')} of {entity} {'is' if count == 1 else 'are'} no longer in the source"
            return safe(f"{said}; the rows were removed ({event.constraint})")
        case StepFailed(step, reason):
            said = f"the step {step.id!r} of the schema failed: {reason}"
            return safe(f"{said}; it exists without data, and the other steps go on")
        case LockAwaited(seconds, blockers):
            return safe(
                f"waiting (at least {seconds:g} s so far) for a lock held by " + "; ".join(map(_blocker, blockers))
            )
        case FeedStarted(name, since):
            return safe(f"following with the feed {name}" + (f", from {since}" if since else ""))
        case FeedSilent(seconds):
            return f"the feed has reported nothing for {seconds:.0f} s, although marks were written; still waiting"
        case FeedRemoved(retained, limit):
            said = f"the source retained {retained:,} bytes for the feed (limits.backlog_gb: {limit:,})"
            return f"{said}; the feed was removed, and changes from now on are not recorded"
        case Throttled(cause):
            return safe("the source is no longer busy" if cause is None else f"waiting for the source: {cause}")
        case SteppedBack():
            return "the controller of a cutover died, or took too long; what it had closed takes writes again"
        case GuardBroken(guards, outcome):
            return safe(f"{guards}: {outcome}")
        case CutoverStepDone(step, seconds, outcome):
            return safe(f"{step}: {outcome} ({seconds:.3f} s)")
        case EntityHalted(entity, cause):
            return safe(f"{entity} is no longer followed, other entities are: {cause}")
        case FollowingPaused(cause):
            return safe(f"paused: {cause}")
        case PositionRenewed(cause):
            return safe(f"{cause}; every record is compared, and what differs is put back")
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

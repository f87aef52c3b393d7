"""Poll a source without a change feed: compare everything repeatedly, and repair what differs.

When a pass ends, the target has everything that was written before the pass began. What is written during the pass may
be in the target; the next pass finds it. So a pass always takes as long as comparing both sides, but has little to
repair: what changed during the last one.

Records that change while they are compared differ, and are read again when they are applied.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from crossfade.errors import Busy, CrossfadeError, Misused, Refused
from crossfade.journal import dirty, journal, passes
from crossfade.journal import feed as feeds
from crossfade.journal.passes import Pass
from crossfade.journal.status import Status
from crossfade.model.events import FollowingPaused, Listener, PassEnded
from crossfade.move import accounts, copying, repairing, running, starting
from crossfade.move.context import Context
from crossfade.pipeline.budget import Budget
from crossfade.pipeline.noting import Applied
from crossfade.pipeline.repair import Watch, unwatched
from crossfade.pipeline.threads import Endurance, Following
from crossfade.runtime.session import session
from crossfade.runtime.stop import stop_at_the_end

REST = (1.0, 60.0)
"""The least and the most seconds between two passes. Within these limits, the pause is as long as the last pass."""
LAST = 3
"""The most passes that a source at rest needs: one repairs, one applies what that made possible, one finds nothing."""
BEATS = 1.0
_EQUAL = "equal"


class _Overdrawn(Exception):
    """Too many of the records that a pass applied went to quarantine."""


def start(context: Context, listen: Listener, *, seconds: float | None = None, source_moved: bool = False) -> Status:
    """Copy what is not copied, then compare and repair until the run is stopped, or for this many seconds."""
    running.prepare(context, source_moved=source_moved)
    _begin(context)
    context.forget_work()
    polling = Following(replace(context.work, token=uuid.uuid4().hex), passes.NO_FEED, (), listen)
    try:
        with stop_at_the_end(polling.ask_to_end):
            _run(context, polling, source_moved, seconds)
    except KeyboardInterrupt:
        pass  # the usual end of a run in the foreground
    return accounts.status(context)


def last_pass(context: Context, listen: Listener) -> Pass:
    """Compare and repair a source that is no longer written to, until a pass finds nothing. Return that pass. Raises
    Refused if every pass finds something.
    """
    for _ in range(LAST):
        done = one_pass(context, listen)
        if not done.repaired:
            return done
    raise Refused(
        f"the last of {LAST} passes still repaired {done.repaired:,} records: the source is still being written to",
        hint="find what writes to the source",
    )


def one_pass(context: Context, listen: Listener, watch: Watch = unwatched) -> Pass:
    """Compare everything as it is from now on, repair what differs, and note that in the journal."""
    _read_again(context)
    began, start = journal.now(), time.perf_counter()
    found = repairing.repair(context, listen, watch=watch)
    changed = sum(count for (_, outcome), count in found.applied.records.items() if outcome != _EQUAL)
    left = sum(found.rows_of_no_record.values()) + len(found.applied.stuck)
    with context.transaction() as tx:
        record = feeds.find(tx)
        last = None if record is None else passes.last_of(record)
        seconds, number = round(time.perf_counter() - start, 3), 1 if last is None else last.number + 1
        done = Pass(number, began, seconds, found.compared, changed, left)
        passes.note(tx, done)
    _read_again(context)
    return done


def _begin(context: Context) -> None:
    """Note that the source is polled from now on. Remove a feed whose position is lost from the source."""
    with context.transaction() as tx:
        record = feeds.find(tx)
    if record is not None and not passes.is_polled(record):
        if record.state != "lost":
            raise Misused("this move follows its source by a feed; nothing was changed", hint="crossfade start")
        starting.finish(context)
    with context.transaction() as tx:
        finished = journal.find_stage(tx) == journal.FINISHED
        if not passes.is_polled(record):
            passes.begin(tx)
        feeds.set_state(tx, "polling" if finished else "copying")
        feeds.want_stop(tx, False)


def _run(context: Context, polling: Following, source_moved: bool, seconds: float | None) -> None:
    with running.noted_end(context), polling.thread("pulse", _Pulse(context, running.ends_in(seconds))):
        with suppress(running.Stopped):
            running.copy_the_rest(context, polling, "polling", source_moved=source_moved)
            _until_stopped(context, polling)
        polling.require_alive()
        _read_again(context)


def _until_stopped(context: Context, polling: Following) -> None:
    """Raises Stopped, or what ended the run. Returns if it has paused."""
    endurance, budget = Endurance(polling), Budget(copying.stop_at(context))
    listen = running.stoppable(polling)

    def watch(applied: Applied) -> None:
        if (cause := budget.overdrawn(applied)) is not None:
            raise _Overdrawn(cause)

    while not polling.is_ending:
        try:
            if context.throttle.allows(polling.tell):
                done = one_pass(context, listen, watch)
                polling.tell(PassEnded(**{name: getattr(done, name) for name in done.__slots__}))
                _rest(context, polling, listen, done.seconds)
                endurance.goes_on()
            else:
                polling.stop.wait(BEATS)
        except _Overdrawn as reached:
            _pause(context, polling, str(reached))
            return
        except CrossfadeError as error:
            endurance.pause(error)


def _rest(context: Context, polling: Following, listen: Listener, seconds: float) -> None:
    """Release the source until the next pass. Meanwhile, apply the records that a person names."""
    least, most = REST
    end = time.monotonic() + min(max(seconds, least), most)
    while not polling.is_ending and (left := end - time.monotonic()) > 0:
        polling.stop.wait(min(BEATS, left))
        with context.transaction() as tx:
            some = bool(dirty.pending(tx, 1))
        if some:
            repairing.apply_pending(context, listen)
            _read_again(context)


def _pause(context: Context, polling: Following, cause: str) -> None:
    with context.transaction() as tx:
        feeds.set_state(tx, "paused", cause)
    polling.tell(FollowingPaused(cause))


def _read_again(context: Context) -> None:
    """Release the snapshot of the source, so that the next read sees the present state."""
    context.forget_work()
    context.release_source()


class _Pulse:
    """Tells the journal once a second that the run is alive, and checks whether it is to end."""

    def __init__(self, context: Context, ends: Callable[[], bool]) -> None:
        self._context, self._ends = context, ends

    def __call__(self, polling: Following) -> None:
        while not polling.stop.wait(BEATS):
            if polling.asked or self._ends():
                polling.end()
            with suppress(CrossfadeError):  # the passes raise their errors themselves
                self._beat(polling)

    def _beat(self, polling: Following) -> None:
        try:
            with session(polling.work).transaction() as tx:
                feeds.tell(tx, throttled=self._context.throttle.cause)
                record = feeds.find(tx)
        except Busy as error:
            polling.end(error)
            return
        if record is None or record.stop_wanted:
            polling.end()

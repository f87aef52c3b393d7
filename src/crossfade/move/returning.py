"""Following the target after a cutover, so that the source stays equal."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from crossfade.errors import Busy, Refused
from crossfade.journal import cutover as stages
from crossfade.journal import feed as feeds
from crossfade.journal import looked_up, verified
from crossfade.journal.feed import FeedRecord
from crossfade.journal.status import Status
from crossfade.model.events import FeedStarted, Listener, PositionRenewed
from crossfade.move import accounts, cutting_back, feed_names, round_trips, running, way_back
from crossfade.move.context import Context
from crossfade.move.guarding import Guard
from crossfade.pipeline.feeding import read_feed
from crossfade.pipeline.pulse import Pulse
from crossfade.pipeline.returning import EVERYTHING, Return, Returning
from crossfade.runtime.stop import stop_at_the_end
from crossfade.stores.contract import PositionLost


def start(context: Context, listen: Listener, *, seconds: float | None = None) -> Status:
    """Follow the target until it is told to stop, or for this many seconds. The run has the lock."""
    try:
        while _is_lost(context, listen, seconds):
            pass
    except KeyboardInterrupt:
        pass  # the usual end of a run in the foreground
    except Busy:
        context.takes_part = False
        with context.transaction() as tx:
            if stages.find(tx).stage == stages.TARGET:
                raise
        with suppress(KeyboardInterrupt):
            cutting_back.until_settled(context)
    return accounts.status(context)


def _is_lost(context: Context, listen: Listener, seconds: float | None) -> bool:
    """Follow until the run is to end, or the target no longer has what changed. Return whether that is so."""
    record = _begun(context)
    if record.state == "lost":
        listen(PositionRenewed(record.cause or "the position is lost"))
        record = _begin_again(context)
    feed_names.remove_unused(context.transaction, context.source, context.target, context.feed_names)
    listen(FeedStarted(record.name, None if record.position.at is None else record.position.at.isoformat()))
    following = Returning(
        round_trips.work_of(context),
        record.name,
        (),
        listen,
        way=way_back.way_of(context),
        number=record.writer,
    )
    try:
        with stop_at_the_end(following.ask_to_end):
            _run(context, following, seconds)
    except PositionLost:
        return True
    return False


def _begin_again(context: Context) -> FeedRecord:
    """Take a new position in place of a lost one. The writes in between are unknown, so all records are looked at."""
    started = way_back.start_feed(context)
    tables = way_back.way_of(context).tables
    with context.transaction() as tx:
        feeds.turn(tx, context.feed_names.back, started.position, started.floor, feeds.BACK, "following")
        verified.end(tx)
        for table in tables:
            looked_up.put(tx, table, [EVERYTHING])
        found = feeds.find(tx)
    assert found is not None
    return found


def _run(context: Context, following: Returning, seconds: float | None) -> None:
    pulse = Pulse(running.ends_in(seconds))
    with (
        running.noted_end(context),
        following.thread("feed", read_feed),
        following.thread("pulse", pulse),
        following.thread("guards", Guard(context.project, following.tell)),
        following.thread("cutover", partial(cutting_back.watch, names=context.feed_names)),
    ):
        Return(following, context.keep_lock).until_stopped()


def _begun(context: Context) -> FeedRecord:
    """Begin as a run with a number of its own. Raises Refused if there is no way back."""
    with context.transaction() as tx:
        # A rollback takes its number after it has left this stage: so no run that began here has a greater one.
        stage, record = stages.hold(tx).stage, feeds.find(tx)
        if record is None or not record.is_back:
            raise Refused(
                "the target is open, and no way back was kept (cutover.way_back): nothing is followed;"
                " nothing was changed",
                hint="crossfade finish",
            )
        if stage != stages.TARGET:
            raise Busy(f"a rollback is running (stage {stage}); nothing was changed", hint="crossfade status")
        feeds.next_writer(tx)
        if record.state != "lost":
            feeds.set_state(tx, "following")
        feeds.want_stop(tx, False)
        found = feeds.find(tx)
    assert found is not None
    return found

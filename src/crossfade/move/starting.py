"""Follow a source: take the position, copy while the feed is read, then apply changes as they arrive.

If changes may have been missed, everything is compared and repaired first: when the source no longer has the changes
after the position, when the copy was made without a feed, and when a mapping has changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial

from crossfade.errors import Busy, CrossfadeError, Misused, Refused, Unsupported
from crossfade.journal import agreed, cutover, dirty, halted, journal, passes
from crossfade.journal import feed as feeds
from crossfade.journal.feed import FeedRecord
from crossfade.journal.status import FollowStatus, Status, counts_of, following_of
from crossfade.model.events import FeedStarted, Listener
from crossfade.move import accounts, copying, cutting_back, feed_names, repairing, running, target_ownership
from crossfade.move.changed import changed
from crossfade.move.context import Context
from crossfade.move.executors import executor_for
from crossfade.pipeline.feeding import read_feed
from crossfade.pipeline.follow import Follow
from crossfade.pipeline.pulse import Pulse
from crossfade.pipeline.retained import Retained
from crossfade.pipeline.threads import Following
from crossfade.runtime.executor import Executor
from crossfade.runtime.records import pieces
from crossfade.runtime.stop import stop_at_the_end
from crossfade.stores.contract import ChangeFeed, Started, TargetTransaction, need

POLL = "crossfade start --poll, which needs no feed: it compares everything again and again"


def start(context: Context, listen: Listener, *, seconds: float | None = None, source_moved: bool = False) -> Status:
    """Copy what is not copied, and follow the source until the run is stopped, or for this many seconds."""
    _require_transactions(context)
    goes_on = has_begun(context)
    if goes_on:
        cutting_back.settle(context)
    may_be_altered = goes_on and target_ownership.own_move(context).stage == journal.FINISHED
    replaced = running.prepare(context, source_moved=source_moved, may_be_altered=may_be_altered)
    record = _begun(context, replaced)
    feed_names.remove_unused(context.transaction, context.source, context.target, context.feed_names)
    context.forget_work()
    listen(FeedStarted(record.name, None if record.position.at is None else record.position.at.isoformat()))
    following = Following(context.work, record.name, followed(context), listen)
    try:
        with stop_at_the_end(following.ask_to_end):
            _run(context, following, source_moved, seconds)
    except KeyboardInterrupt:
        pass  # the usual end of a run in the foreground
    except Busy:
        context.takes_part = False
        if not cutting_back.is_cut_over(context):
            raise
    return accounts.status(context)


def _run(context: Context, following: Following, source_moved: bool, seconds: float | None) -> None:
    retained = Retained(context.project.settings.limits.backlog_gb * 1e9)
    pulse = Pulse(running.ends_in(seconds), lambda: context.throttle.cause)
    with (
        running.noted_end(context),
        following.thread("retained", retained),
        following.thread("feed", read_feed),
        following.thread("pulse", pulse),
        following.thread("cutover", partial(cutting_back.watch, names=context.feed_names)),
    ):
        try:
            running.copy_the_rest(context, following, "following", source_moved=source_moved)
            _compare(context, following)
        except running.Stopped:
            following.require_alive()
            return
        context.release_source()
        stop_at = copying.stop_at(context)
        workers = _workers(context, following.tell)
        may_begin = partial(context.throttle.allows, following.tell)
        Follow(following, stop_at, workers, context.keep_lock, may_begin).until_stopped()


def followed(context: Context) -> tuple[str, ...]:
    """Return the entities that mappings read, as roots or as lookups."""
    looked_up = {lookup.entity for branch in context.program.branches for lookup in branch.lookups}
    return tuple(sorted({*context.fed_entities, *looked_up}))


def has_begun(context: Context) -> bool:
    """Return whether the source was ever followed. An older journal has no table for that."""
    move = target_ownership.find_move(context)
    if move is None or move.version < feeds.SINCE:
        return False
    with context.transaction() as tx:
        return feeds.find(tx) is not None


def start_feed(context: Context) -> Started:
    """Create the source's feed, and return where it begins."""
    with closing(feed_of(context)) as feed:
        return feed.start()


def feed_of(context: Context) -> ChangeFeed:
    """Return the source's feed, whether it exists or not."""
    changes = need(context.source.changes, context.source, "follow changes")
    return changes.feed(context.feed_names.forward, followed(context))


def end_forward_feed(context: Context, token: int) -> None:
    """Remove the source's feed, now that the target's is followed. If that fails, the next run does it; if another
    controller has taken over, the feed may be its own.
    """
    with suppress(CrossfadeError), context.transaction() as tx:
        cutover.require(tx, token, cutover.TARGET)
        feed_names.remove(context.source, context.feed_names.forward)


def created(context: Context) -> tuple[str, ...]:
    """Return what following has created at the source, in words."""
    with _feed_of(context) as feed:
        return () if feed is None else tuple(feed.created())


def finish(context: Context) -> None:
    """Remove what following has created at the source. Raises if that cannot be done: a replication slot that is never
    read fills the source's disk.
    """
    with _feed_of(context) as feed:
        if feed is not None:
            feed.finish()


@contextmanager
def _feed_of(context: Context) -> Iterator[ChangeFeed | None]:
    """Open the move's feed; None if the source is polled."""
    with context.transaction() as tx:
        record = feeds.find(tx)
    assert record is not None, "the source was never followed"
    if passes.is_polled(record):
        yield None
        return
    store = context.target if record.is_back else context.source
    feed = need(store.changes, store, "follow changes").feed(record.name, ())
    try:
        yield feed
    finally:
        feed.close()


def stop(context: Context, *, seconds: float = 60.0) -> FollowStatus:
    """Let the run that follows end, and wait for that. Raises Misused if the source is not followed, Busy if the run
    does not end within this time.
    """
    target_ownership.known_move(context)
    end = time.monotonic() + seconds
    while ((found := _asked_to_stop(context)) is not None and found.running) or context.is_at_work:
        if time.monotonic() >= end:
            raise Busy(f"the run that follows has not ended within {seconds:g} s; it will end as soon as it can")
        time.sleep(0.2)
    assert found is not None, "the journal has no feed any more"
    return found


def _asked_to_stop(context: Context) -> FollowStatus | None:
    """Ask, and return the state. A run that is beginning forgets what one before it was asked."""
    with context.transaction() as tx:
        if feeds.find(tx) is None:
            raise Misused("this move does not follow its source; nothing was changed", hint="crossfade start")
        feeds.want_stop(tx)
    return status(context)


def status(context: Context) -> FollowStatus | None:
    """Return the state of following, or None if there is no move yet or it does not follow."""
    target_ownership.bring_up_to_date(context)
    if not has_begun(context):
        return None
    at_work = context.is_at_work
    with context.transaction() as tx:
        return following_of(tx, at_work=at_work)


# -- the feed


def _begun(context: Context, replaced: Collection[str]) -> FeedRecord:
    """Return the feed of the move. If it may have missed changes, a new one begins now, before anything is read."""
    with context.transaction() as tx:
        record = feeds.find(tx)
        finished = journal.find_stage(tx) == journal.FINISHED
        copied = finished or any(c.counts is not None for c in journal.chunks(tx) if c.chunk.number != journal.LATER)
        unknown = _unknown(context, tx, record, replaced)
        if unknown is None:
            feeds.set_state(tx, "following" if finished else "copying")
            halted.release_but_unseen(tx)
            feeds.want_stop(tx, False)
            record = feeds.find(tx)
    if unknown is not None:
        return _begin(context, "lost", unknown) if copied else _begin(context, "copying", None)
    assert record is not None
    return record


def _unknown(
    context: Context, tx: TargetTransaction, record: FeedRecord | None, replaced: Collection[str]
) -> str | None:
    """Return why a feed may have missed changes since the copy began, or None if it has not."""
    if record is None:
        return "the copy began without a feed"
    if passes.is_polled(record):
        return "the source was polled"
    if record.state == "lost":
        return record.cause or "its position is lost"
    if names := sorted({*replaced, *(h.entity for h in halted.find(tx) if h.kind == "redefined")}):
        return f"dropped, renamed, truncated or replaced in the source: {', '.join(names)}"
    move = journal.find_move(tx)
    assert move is not None
    if changed(context, tx) or move.mapping_digest != context.digests["mapping_digest"]:
        return "a mapping has changed"
    return None


def _require_transactions(context: Context) -> None:
    if not context.target.traits.has_transactions:
        raise Unsupported(
            f"{context.target.url} cannot follow a source: the server has no transactions, and a run that was killed"
            " could leave out what has changed; nothing was changed",
            hint="make it a replica set, one member is enough: start it with --replSet rs0, then rs.initiate() once",
        )


def _begin(context: Context, state: feeds.State, cause: str | None) -> FeedRecord:
    source = context.source
    if source.changes is None:
        raise Unsupported(f"{source.scheme} has no feed of changes ({source.url}); nothing was changed", hint=POLL)
    changes = source.changes
    lacks = changes.check(followed(context))
    if lacks:
        raise Refused("\n".join(["the source cannot be followed; nothing was changed", *lacks]), hint=POLL)
    name, started = context.feed_names.forward, start_feed(context)
    with context.transaction() as tx:
        feeds.begin(tx, name, started.position, started.floor, state)
        feeds.set_state(tx, state, cause)
        halted.release_but_unseen(tx)
        found = feeds.find(tx)
    assert found is not None
    return found


# -- phases


def _compare(context: Context, following: Following) -> None:
    """If it is unknown what has changed, compare everything. Differing records are applied as if the feed had named
    them.
    """
    with context.transaction() as tx:
        record = feeds.find(tx)
    if record is None or record.state != "lost":
        return
    _account_for_mapped(context)
    _, wrong, _ = repairing.compared(context, running.stoppable(following))
    for entity, keys in sorted(wrong.records.items()):
        for piece in pieces(sorted(keys)):
            with context.transaction() as tx:
                dirty.put(tx, entity, piece)
    with context.transaction() as tx:
        agreed.note(tx, context.parts)
        journal.set_digests(tx, context.digests)
        feeds.go_over(tx, "lost", "following")
        if following.lost is not None:  # the reader sets this before it tells the journal, which waits for it
            raise following.lost


def _account_for_mapped(context: Context) -> None:
    """Take entities that were discarded as a whole, and that a mapping reads now, out of the accounts: their records
    are counted when they are applied.
    """
    with context.transaction() as tx:
        before = agreed.find(tx)
        for entity, counts in counts_of(tx).items():
            if before and entity in context.fed_entities and (agreed.ENTITY, entity) not in before:
                journal.shift_counts(tx, entity, discarded=-counts.discarded, came=-counts.discarded)


def _workers(context: Context, listen: Listener) -> Callable[[], Executor] | None:
    """Return what opens the workers for a large backlog."""
    in_process = context.source.traits.in_process or context.target.traits.in_process
    if in_process or not context.target.traits.parallel_apply or (context.writers < 2 and not context.scheduler):
        return None
    return lambda: executor_for(context, context.writers, listen, get_ready=context.get_ready)

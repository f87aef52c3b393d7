"""What a cutover and a rollback wait for while neither side takes writes, and the sessions that their gates check."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from crossfade.errors import Refused
from crossfade.journal import dirty, halted, looked_up
from crossfade.journal import feed as feeds
from crossfade.model.positions import Position
from crossfade.move.context import Context
from crossfade.stores.contract import ChangeFeed, Sessions, Store
from crossfade.verify.follower import Follower

POLL = 0.02
NEAR, TRIES = 0.3, 20


def come_near(follower: Follower, limit: float) -> None:
    """Wait until the run that follows needs less than NEAR seconds for what was written before a mark, for at most
    TRIES marks. What it is behind when a side is closed is a time in which no side takes writes. Raises Refused if that
    would be more than `limit` seconds: the run does not catch up, or only slowly.
    """
    took = math.inf
    for _ in range(TRIES):
        before, began = took, time.monotonic()
        follower.reach(follower.source.heartbeat())
        follower.drain()
        took = time.monotonic() - began
        if took < NEAR:
            return
        if before <= took > limit:
            break
    if took > limit:
        raise Refused(
            f"the run that follows needs {took:.0f} s for what was written before a mark, and neither side may refuse"
            f" writes for more than {limit:g} s; nothing was closed",
            hint="the same command when there is less to follow; crossfade status shows how far it is behind",
        )


def drain(context: Context, feed: ChangeFeed, marker: Position, require: Callable[[], None]) -> None:
    """Wait until the run that follows has applied everything up to the marker. `require` raises when time is over."""
    has_named = False
    while True:
        # asked first: what the run finds by looking at tables is in the journal, read below, before it counts as
        # reported
        unreported = feed.unreported() if has_named else ()
        with context.transaction() as tx:
            record = feeds.find(tx)
            left = sum(dirty.count(tx).values()) or looked_up.newest(tx)
            stopped = halted.find(tx)
        if record is None or not record.is_running:
            raise Refused("the run that follows has ended", hint="crossfade start --detach")
        if stopped:
            raise Refused("; ".join(f"halted: {one.entity}: {one.cause}" for one in stopped), hint="crossfade status")
        if not left and has_named and not unreported:
            return
        has_named = has_named or feed.reached(record.position, marker)
        require()
        time.sleep(POLL)


def others(store: Store) -> Sequence[Sessions] | None:
    """Return who else has a session with the server; None if this login may not see that."""
    try:
        return None if store.sessions is None else store.sessions.others()
    except Refused:
        return None

"""The proof after a cutover: the source equals what the target's rows put back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from crossfade.errors import Refused
from crossfade.journal import feed as feeds
from crossfade.journal import journal, returned, verified
from crossfade.journal.returned import SetAside, Who
from crossfade.journal.verified import BACK_AGAIN, BACK_WHOLE, Proof
from crossfade.model.events import Listener
from crossfade.move import round_trips, way_back
from crossfade.move.context import Context
from crossfade.pipeline.returning import feed_of
from crossfade.runtime.session import close_sessions, session
from crossfade.runtime.way_back import WayBack
from crossfade.verify import returned as comparing
from crossfade.verify.follower import Follower, require_following
from crossfade.verify.returned import Compared, Tick, ignore

EXAMPLES = 20


@dataclass(frozen=True)
class ProvenBack:
    """`kind`: BACK_WHOLE or BACK_AGAIN. `through`: every write to the target up to this time was compared. `differ`:
    entity, key and reason of the first records that differ. `losing`: how many records have changes that a rollback
    loses by decision ([[inverse.lose]]).
    """

    kind: str
    compared: int
    differences: int
    differ: tuple[tuple[str, str, str], ...]
    set_aside: int
    moving: int
    through: datetime | None
    seconds: float
    losing: int = 0
    aside: tuple[SetAside, ...] = ()
    """The first records that are set aside."""

    @property
    def equal(self) -> bool:
        return not self.differences


def verify(context: Context, listen: Listener, *, only_changed: bool) -> ProvenBack:
    """Compare everything, or what changed since, while others write. Raises Refused if no run follows the target."""
    with prepared(context, listen) as (way, follower):
        if only_changed and last_whole(context) is None:
            raise Refused(
                "--again goes on from a verification of everything, and there is none since the cutover; nothing was"
                " compared",
                hint="crossfade verify",
            )
        return compare(context, way, follower, only_changed=only_changed)


@contextmanager
def prepared(context: Context, listen: Listener) -> Iterator[tuple[WayBack, Follower]]:
    with context.transaction() as tx:
        record = require_following(feeds.find(tx))
    work = round_trips.work_of(context)
    s = session(work)
    try:
        way = way_back.way_of(context)
        with closing(feed_of(s, record.name, way)) as feed:
            yield (
                WayBack(s, way, context.transaction),
                Follower(feed, frozenset({*context.fed_entities, *way.tables}), context.transaction, listen),
            )
    finally:
        close_sessions(work.token)


def compare(
    context: Context, way: WayBack, follower: Follower, tick: Tick = ignore, *, only_changed: bool
) -> ProvenBack:
    return differing(context, way, follower, tick, only_changed=only_changed)[0]


def differing(
    context: Context, way: WayBack, follower: Follower, tick: Tick = ignore, *, only_changed: bool
) -> tuple[ProvenBack, set[Who]]:
    """Compare, and return all records that differ."""
    began, start, mark = journal.now(), time.perf_counter(), uuid.uuid4().hex
    through = follower.position()

    def drain() -> None:
        follower.reach(follower.position())
        follower.drain()

    drain()
    with context.transaction() as tx:
        returned.take(tx, mark, everything=not only_changed)
    if only_changed:
        found = comparing.some(way, mark, drain, tick)
    else:
        found = comparing.everything(way, mark, context.fed_entities, context.chunk_bytes, drain, tick)
    kind = BACK_AGAIN if only_changed else BACK_WHOLE
    verdict = "not_equal" if found.differ else "equal_but_quarantined" if found.set_aside else "equal_and_complete"
    proof = Proof(kind, through, began, journal.now(), verdict, found.compared, digest_of(context))
    with context.transaction() as tx:
        returned.compared(tx, mark, found.differ)
        verified.note(tx, proof)
        aside = tuple(returned.set_aside(tx, limit=EXAMPLES))
    proven = replace(_proven(kind, found, through.at, time.perf_counter() - start), aside=aside)
    return proven, {*found.differ}


def _proven(kind: str, found: Compared, through: datetime | None, seconds: float) -> ProvenBack:
    differ = tuple((entity, key, why) for (entity, key), why in sorted(found.differ.items())[:EXAMPLES])
    counts = found.compared, len(found.differ), differ, len(found.set_aside), len(found.moving)
    return ProvenBack(kind, *counts, through, seconds, len(found.losing))


def last_whole(context: Context) -> Proof | None:
    """Return the last verification of everything since the cutover, if it was one by the present mappings."""
    with context.transaction() as tx:
        found = verified.last_whole(tx, BACK_WHOLE)
    return found if found is not None and found.digest == digest_of(context) else None


def digest_of(context: Context) -> str:
    digests = context.digests
    return f"{digests['lock_digest']} {digests['mapping_digest']}"

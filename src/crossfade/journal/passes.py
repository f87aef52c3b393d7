"""A source that is polled: it has no feed, and passes of compare and repair find what has changed.

It is recorded as a feed without a name, whose position has the result of the last complete pass.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from crossfade.journal import feed
from crossfade.journal.feed import FeedRecord
from crossfade.model.positions import Floor, Position
from crossfade.stores.contract import TargetTransaction

NO_FEED = ""
"""The name of the feed of a source that is polled."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass that ended: everything that was written before `began_at` (this machine's clock) was compared, and is in
    the target or in quarantine. `repaired` of `compared` records differed; `left` counts rows of no record, and records
    whose rows could not be removed.
    """

    number: int
    began_at: str
    seconds: float
    compared: int
    repaired: int
    left: int = 0


def begin(tx: TargetTransaction) -> None:
    """Note that the source is polled from now on, in the place of a feed."""
    feed.begin(tx, NO_FEED, Position(""), Floor(), "copying")


def is_polled(record: FeedRecord | None) -> bool:
    return record is not None and record.name == NO_FEED


def note(tx: TargetTransaction, done: Pass) -> None:
    feed.advance(tx, Position(json.dumps(asdict(done))), Floor())


def last_of(record: FeedRecord) -> Pass | None:
    """Return the last pass that ended, or None if none has, or if the source has a feed."""
    if not is_polled(record) or not record.position.token:
        return None
    return Pass(**json.loads(record.position.token))

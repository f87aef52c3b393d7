"""Release entities that were halted because a record had what no survey had seen, if their records fit now.

The records are in quarantine. They are read again, with the shape of the last survey.
"""

from __future__ import annotations

from collections.abc import Iterator

from crossfade.journal import dirty, halted, journal
from crossfade.journal import feed as feeds
from crossfade.journal.halted import Halted
from crossfade.model.reasons import UNSEEN
from crossfade.runtime.records import pieces, read
from crossfade.runtime.session import Session


def release_fitting(s: Session) -> list[Halted]:
    """Release the entities whose records fit, and put those records in. Return the entities that stay halted."""
    with s.transaction() as tx:
        stopped = [one for one in halted.find(tx) if one.kind == "unseen"]
        record = feeds.find(tx)
    assert record is not None, "the journal has no feed"
    stay: list[Halted] = []
    for one in stopped:
        keys = sorted(_keys(s, one.entity))
        with s.reading(record.floor):
            fits = not any(_misfits(s, one.entity, piece) for piece in pieces(keys))
        if not fits:
            stay.append(one)
            continue
        with s.transaction() as tx:
            halted.release(tx, one.entity)
            dirty.put(tx, one.entity, keys)
    return stay


def _keys(s: Session, entity: str) -> Iterator[str]:
    """Yield the keys of the entity's records that are in quarantine for this reason."""
    with s.transaction() as tx:
        found = journal.entries_outside(tx, entity)
    yield from (e.key for e in found if e.key is not None and e.state == "open" and e.reason in UNSEEN)


def _misfits(s: Session, entity: str, keys: list[str]) -> bool:
    raws = [raw for some in read(s, entity, keys).values() for raw in some]
    return bool(raws) and any(one.reason in UNSEEN for one in s.batch_of(entity, b"".join(raws)).rejected)

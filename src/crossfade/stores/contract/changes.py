"""Names the records of a source that changed. No store has this part yet; the copy does not need it.

A feed names keys only: the record itself is read afterwards, by a read that is proven to have seen the change
(`reading`). So events that are repeated, late or coalesced are harmless, and every kind of feed fits:

                        position                 changes                        reading
    MongoDB             resume token             change stream, projected to    session with
                                                 documentKey                    advance_operation_time
    PostgreSQL          LSN of the commit        pgoutput, keys of a column     snapshot in which every transaction of
                                                 list                           the batch is visible
    change tables       last number read         rows that triggers wrote       any read after it
    polling             number of the pass       the ranges that differ         any read after it
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from crossfade.errors import Refused
from crossfade.model.keys import KeySet
from crossfade.model.positions import NO_FLOOR, Floor, Position
from crossfade.stores.contract.source import Reader


class PositionLost(Refused):
    """the source no longer has the changes after this position

    Following does not resume from "now" instead: what may have changed since is first compared and repaired.
    """


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed up to `position`: keys, or, if the feed does not know them, ranges that hold every change.

    `floor` is what a read of them must have seen. `redefined` are entities that were dropped, renamed or replaced:
    every key of them may have changed.
    """

    position: Position
    changed: tuple[KeySet, ...] = ()
    floor: Floor = NO_FLOOR
    redefined: tuple[str, ...] = ()


class ChangeFeed(Protocol):
    """One feed of a source, for the entities that a move reads. `check` changes nothing in the source; `start`,
    `finish` and `undo` say what they create or remove there.
    """

    def check(self, entities: Sequence[str]) -> Sequence[str]:
        """Return what a feed of these entities lacks, one sentence each: privileges, a replica set, a replica identity.

        Called before `start`, because with some feeds the application's own writes fail without it.
        """
        ...

    def start(self, entities: Sequence[str]) -> Position:
        """Create what the feed needs at the source (a slot, a publication, triggers) without blocking writers. The
        position is from before the first read of the copy: everything written from then on is named.
        """
        ...

    def position(self) -> Position:
        """Return where the source is now. Of two positions, `changes` from the earlier one reaches the later one."""
        ...

    def changes(self, since: Position) -> Iterator[Changes]:
        """Yield batches in order, bounded, the keys of each coalesced. It does not end; while nothing changes, it
        yields a later position from time to time. Raises PositionLost, and Unreachable (the caller resumes from what it
        keeps).
        """
        ...

    def durable(self, position: Position) -> None:
        """Confirm that the journal holds everything up to here: the source may discard it."""
        ...

    def backlog(self) -> int | None:
        """Return the bytes that the source retains for this feed, or None if it retains none. If there are too many,
        the feed is stopped, not the source.
        """
        ...

    def heartbeat(self) -> Position:
        """Write a mark into the changes that no application sees, also while the source is fenced: when `changes`
        reaches this position, the feed is alive and everything before the mark has been delivered.
        """
        ...

    def reading(self, floor: Floor) -> AbstractContextManager[Reader]:
        """Return a reader whose reads have seen all of `floor`. Waits for that; raises Stale if it does not happen."""
        ...

    def finish(self) -> None:
        """End the move: remove what `start` created. Calling it twice is harmless."""
        ...

    def undo(self) -> None:
        """Do as `finish` does, for a feed that was started and never used."""
        ...

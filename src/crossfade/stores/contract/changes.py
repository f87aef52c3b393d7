"""Names the records of a source that changed. No store has this part yet; the copy stands without it.

A feed names keys only: the record itself is read afterwards, by a read that is proven to have seen the change
(`reading`). So events that come twice, late or coalesced do no harm, and every kind of feed fits:

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
from crossfade.model.batch import Chunk
from crossfade.model.positions import NO_FLOOR, Floor, Position
from crossfade.stores.contract.source import Reader


class PositionLost(Refused):
    """the source no longer has the changes after this position

    Nothing goes on from "now" in its place: what may have changed since then is compared, and repaired, first.
    """


@dataclass(frozen=True, slots=True)
class ChangedKeys:
    """Keys of one entity, each once."""

    entity: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed up to `position`: keys, or, where the feed does not know so much, ranges that hold every change.

    `floor` is what a read of them must have seen. `redefined` are entities that were dropped, renamed or replaced:
    every key of them may have changed.
    """

    position: Position
    changed: tuple[ChangedKeys | Chunk, ...] = ()
    floor: Floor = NO_FLOOR
    redefined: tuple[str, ...] = ()


class ChangeFeed(Protocol):
    """One feed of a source, for the entities that a move reads. Four verbs change the source: `check` changes nothing,
    `start` and `finish` say what they leave there, `undo` takes it away.
    """

    def check(self, entities: Sequence[str]) -> Sequence[str]:
        """What is missing for a feed of these entities, a sentence each: rights, a replica set, a replica identity.

        Asked before `start`, because some feeds make the application's own writes fail where it is not there.
        """
        ...

    def start(self, entities: Sequence[str]) -> Position:
        """Makes what the feed needs at the source (a slot, a publication, triggers) without blocking writers. The
        position is from before the first read of the copy: what is written from then on is named.
        """
        ...

    def position(self) -> Position:
        """Where the source is now. Of two, `changes` from the earlier one reaches the later one."""
        ...

    def changes(self, since: Position) -> Iterator[Changes]:
        """Batches in order, bounded, the keys of each coalesced; without end, and with a later position from time to
        time while nothing changes. Raises PositionLost, Unreachable (the caller begins again from what it keeps).
        """
        ...

    def durable(self, position: Position) -> None:
        """The journal holds everything up to here: the source may forget it."""
        ...

    def backlog(self) -> int | None:
        """The bytes that the source keeps for this feed; None where it keeps none. Too many stop the feed, not it."""
        ...

    def heartbeat(self) -> Position:
        """Leaves a mark among the changes that no application sees, also while the source is fenced: when `changes`
        reaches this position, the feed is alive and nothing before the mark is still to come.
        """
        ...

    def reading(self, floor: Floor) -> AbstractContextManager[Reader]:
        """A reader whose reads have seen all of `floor`. Waits for that; raises Stale where it does not come about."""
        ...

    def finish(self) -> None:
        """The move is over: takes away what `start` made. Done twice, it does no harm."""
        ...

    def undo(self) -> None:
        """As `finish`, for a feed that was started and never used."""
        ...

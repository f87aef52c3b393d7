"""Names the records of a source that changed. A source that is not written during the copy does not need it.

A feed names keys only: the record itself is read afterwards, by a read that is proven to have seen the change
(`reading`). So events that are repeated, late or coalesced are harmless, and every kind of feed fits:

                        position                 changes                        reading
    MongoDB             resume token             change stream, projected to    session with
                                                 documentKey                    advance_operation_time
    PostgreSQL          LSN of the commit        pgoutput, keys of a column     snapshot in which every transaction of
                                                 list                           the batch is visible
    change tables       last number read         rows that triggers wrote       any read after it
    polling             number of the pass       the keys that differ           any read after it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from crossfade.errors import Refused
from crossfade.model.keys import Listed
from crossfade.model.positions import NO_FLOOR, Floor, Position
from crossfade.stores.contract.source import Reader


class PositionLost(Refused):
    """the source no longer has the changes after this position

    Following does not resume from "now" instead: first, everything that may have changed is compared and repaired.
    """


@dataclass(frozen=True, slots=True)
class Started:
    """Where a feed begins. Everything written after `position` is named; every read of the copy must have seen `floor`,
    which includes everything written before it.
    """

    position: Position
    floor: Floor = NO_FLOOR


@dataclass(frozen=True, slots=True)
class ChangeBatch:
    """What changed up to `position`: at most one list of keys for each entity, each key once, in the source's canonical
    form (`Codec.key`).

    `floor` is what a read of them must have seen; it includes the floors of earlier batches. `redefined` are entities
    that were dropped, renamed, truncated or replaced: every key of them may have changed.
    """

    position: Position
    changed: tuple[Listed, ...] = ()
    floor: Floor = NO_FLOOR
    redefined: tuple[str, ...] = ()


class ChangeFeed(Protocol):
    """One feed of a source, for the entities that a move reads. One thread uses it at a time; a process that only needs
    `position`, `backlog` or `heartbeat` opens its own.
    """

    def start(self) -> Started:
        """Create what the feed needs at the source (a slot, a publication, triggers) without blocking writers, and
        return where it begins. Leftovers of an earlier start with the same name are replaced.
        """
        ...

    def position(self) -> Position:
        """Return where the source is now: every write that was acknowledged before is at or before it. It needs no
        stream.
        """
        ...

    def changes(self, since: Position) -> Iterator[ChangeBatch]:
        """Yield batches in order, bounded, the keys of each coalesced. It does not end. While nothing changes, it
        yields a later position without keys at least once a second, if the source has one.

        Raises PositionLost if the source does not have everything after `since`; Unreachable if the connection is lost
        (the caller resumes from the position that it has recorded, with a new call).
        """
        ...

    def reached(self, position: Position, mark: Position) -> bool:
        """Return whether a feed at `position` has named everything up to `mark`."""
        ...

    def durable(self, position: Position) -> None:
        """Confirm that the journal has everything up to here: the source may discard it."""
        ...

    def backlog(self) -> int | None:
        """Return the bytes that the source retains for this feed, or None if it retains none. If there are too many,
        the feed is stopped, not the source.
        """
        ...

    def heartbeat(self) -> Position:
        """Write a mark into the changes that no application sees, also while the source is fenced, and return its
        position: when `changes` reaches it, the feed is alive and everything before the mark has been named.
        """
        ...

    def unreported(self) -> Sequence[str]:
        """Return the entities that are redefined or no longer watched, and that `changes` has not durably reported as
        such: writes to them may not have been named. Raises PositionLost if the feed is gone.

        When `changes` reaches a position, every write before it was named only if this returns nothing afterwards.
        """
        ...

    def finish(self) -> None:
        """Remove what `start` created. Calling it twice, or without `start`, is harmless."""
        ...

    def created(self) -> Sequence[str]:
        """Return what `start` created at the source and `finish` would remove now, in words."""
        ...

    def close(self) -> None:
        """Release the connections. What `start` created stays."""
        ...


NamedBy = Mapping[str, Sequence[str]]
"""The columns of an entity that a feed names instead of its key: their values before and after each change."""
BY_KEY: NamedBy = {}


class Changes(Protocol):
    """The part of a store that names changes."""

    def check(self, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> Sequence[str]:
        """Return what a feed of these entities lacks, one sentence each: privileges, a replica set, a replica identity.
        Changes nothing.
        """
        ...

    def feed(self, name: str, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> ChangeFeed:
        """Return the feed of these entities. `name` is unique to the move and its target: lower-case letters, digits
        and `_`, at most 40. Nothing is created before `start`.
        """
        ...

    def reading(self, floor: Floor) -> AbstractContextManager[Reader]:
        """Return a reader whose reads have seen all of `floor`. Waits for that; raises Stale if it does not happen.
        With NO_FLOOR every read will do.
        """
        ...

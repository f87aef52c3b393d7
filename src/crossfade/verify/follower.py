"""Wait for a follower that runs in another process, and read what it has applied.

A verification waits for the journal to have all changes up to a position, and for everything that was pending then to
be applied. It gives up when the follower has stopped, or no longer reports that it is alive.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from crossfade.errors import Refused
from crossfade.journal import dirty, feed, halted, looked_up, verified
from crossfade.journal.feed import FeedRecord
from crossfade.model.events import FollowerAwaited, Listener
from crossfade.model.positions import Floor, Position
from crossfade.runtime.again import again
from crossfade.stores.contract import ChangeFeed, TargetTransaction, Transaction
from crossfade.verify.generations import Who

FOLLOWING = ("copying", "following")
PATIENCE = 30.0
"""Seconds without a sign of the follower after which it counts as gone. It gives one every second."""
_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2)
_TOLD = 1.0


@dataclass(frozen=True)
class Follower:
    """`source` returns positions; `entities` are followed; `transaction` begins one of the target, for the journal."""

    source: ChangeFeed
    entities: frozenset[str]
    transaction: Transaction
    listen: Listener
    pause: Callable[[float], None] = time.sleep
    patience: float = PATIENCE

    def position(self) -> Position:
        """Return where the source is now."""
        return again(self.source.position, self.listen)

    def record(self) -> FeedRecord:
        """Return what the journal has of the feed. Raises Refused if no run follows the source."""
        with self.transaction() as tx:
            found = feed.find(tx)
        return require_following(found)

    def reach(self, position: Position) -> None:
        """Wait until the journal has all changes up to here, including those of tables that were not watched."""
        self._until(lambda: self.source.reached(self.record().position, position))
        self._until(lambda: not self.source.unreported())

    def drain(self) -> None:
        """Wait until everything that is pending now is applied, or was put in again. Halted entities are left out.

        Looked-up records come first: the records that look them up are put in before they are removed.
        """
        self._drain(looked_up.newest, looked_up.is_pending)
        self._drain(dirty.newest, dirty.is_pending)

    def _drain(self, newest: Callable[..., str | None], is_pending: Callable[..., bool]) -> None:
        with self.transaction() as tx:
            without = {one.entity for one in halted.find(tx)} | (dirty.count(tx).keys() - self.entities)
            number = newest(tx, without)

        def is_applied() -> bool:
            with self.transaction() as tx:
                require_following(feed.find(tx))
                return not is_pending(tx, number, without)

        if number is not None:
            self._until(is_applied)

    def take(self, mark: str, entities: Collection[str], file: Path) -> tuple[Floor, Suspects]:
        """Make all applied records suspects with this mark. Return the floor for reading suspects, and all suspects of
        these entities (in a file).

        A record moves from one list to the other in one transaction, so that none is lost after a kill.
        """
        while again(lambda: self._take(mark), self.listen) == verified.AT_ONCE:
            pass
        return again(lambda: self._suspects(entities, file), self.listen)

    def _suspects(self, entities: Collection[str], file: Path) -> tuple[Floor, Suspects]:
        with self.transaction() as tx:
            suspects = Suspects(tx, entities, file)
            return require_following(feed.find(tx)).floor, suspects

    def _take(self, mark: str) -> int:
        with self.transaction() as tx:
            return verified.take_applied(tx, mark)

    def changed(self, marked: Mapping[Who, str]) -> set[Who]:
        """Return the suspects of a generation, given with their marks, that were put in or applied since."""
        with self.transaction() as tx:
            return verified.changed(tx, marked)

    def _until(self, holds: Callable[[], bool]) -> None:
        sign, since, tries = "", time.monotonic(), 0
        told = since + _TOLD
        while not again(holds, self.listen):
            record, now = self.record(), time.monotonic()
            if record.seen_at != sign:
                sign, since = record.seen_at or "", now
            elif now - since > self.patience:
                raise _gone(record)
            if now > told:
                told = now + _TOLD
                with self.transaction() as tx:
                    pending = sum(dirty.count(tx).values()) + sum(looked_up.count(tx).values())
                self.listen(FollowerAwaited(pending))
            self.pause(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += 1


def require_following(found: FeedRecord | None) -> FeedRecord:
    """Return the record. Raises Refused if the follower was stopped, or stopped by itself."""
    if found is None:
        raise Refused("the source is not followed; nothing was compared", hint="crossfade start")
    if found.state not in FOLLOWING:
        cause = f": {found.cause}" if found.cause else ""
        raise Refused(
            f"the follower of this move is {found.state}{cause}; what the source writes is not applied, and was not"
            " compared",
            hint="crossfade start, then crossfade verify while it runs",
        )
    return found


def _gone(record: FeedRecord) -> Refused:
    return Refused(
        f"the follower of this move does not run (it was last seen at {record.seen_at or 'its start'}); what the source"
        " writes is not applied, and was not compared",
        hint="crossfade start, then crossfade verify while it runs",
    )


class Suspects:
    """Suspects with their marks, in a file: they may be many."""

    def __init__(self, tx: TargetTransaction, entities: Collection[str], file: Path) -> None:
        self._file, self._count, last = file, 0, ("", "")
        with file.open("w", encoding="utf-8") as out:
            while page := verified.suspects(tx, last):
                last = page[-1][:2]
                mine = [one for one in page if one[0] in entities]
                self._count += len(mine)
                out.writelines(json.dumps(one) + "\n" for one in mine)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        with self._file.open(encoding="utf-8") as file:
            yield from ((entity, key, mark) for entity, key, mark in map(json.loads, file))

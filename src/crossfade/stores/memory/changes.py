"""Names the records of a source in memory that change: its writes are numbered, and the numbers are the positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime

from crossfade.errors import Refused, Stale
from crossfade.model.keys import Listed
from crossfade.model.positions import Floor, Position
from crossfade.stores.contract import ChangeBatch, ChangeFeed, Changes, PositionLost, Reader, Started
from crossfade.stores.contract.changes import BY_KEY, NamedBy
from crossfade.stores.memory.database import Database
from crossfade.stores.memory.history import Write
from crossfade.stores.memory.source import MemoryReader

_AT_ONCE = 1000
_QUIET = 0.2
"""Seconds after which a position is yielded although nothing has changed."""


class MemoryChanges:
    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> Sequence[str]:
        return [f"there is no entity {name!r}" for name in entities if name not in self._database.entities]

    def feed(self, name: str, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> ChangeFeed:
        assert not named_by, "records are named by their keys"
        return MemoryFeed(self._database, name, entities)

    def reading(self, floor: Floor) -> AbstractContextManager[Reader]:
        seen = int(floor.token or 0)
        if seen > self._database.history.now:
            raise Stale(f"memory://{self._database.name} does not have the write {seen} yet; nothing was read")
        return nullcontext(MemoryReader(self._database, seen))


class MemoryFeed:
    """The feed of one move. `Database.feeds` has it from `start` to `finish`."""

    def __init__(self, database: Database, name: str, entities: Sequence[str]) -> None:
        self._database, self._history = database, database.history
        self._name, self._entities = name, frozenset(entities)
        self._closed = False

    def start(self) -> Started:
        with self._history.turn:
            self._database.feeds[self._name] = self._history.now
            return Started(self.position(), Floor(str(self._history.now)))

    def position(self) -> Position:
        with self._history.turn:
            return Position(str(self._history.now), datetime.now(UTC))

    def changes(self, since: Position) -> Iterator[ChangeBatch]:
        at = int(since.token)
        while not self._closed:
            self._database.reach("before batch")
            found = self._after(at)
            at += len(found)
            yield self._batch(at, found)
            self._database.reach("after batch")

    def _after(self, at: int) -> list[Write]:
        """Wait for writes, but not for long."""
        with self._history.turn:
            if self._history.now == at:
                self._history.turn.wait(_QUIET)
            durable = self._database.feeds.get(self._name)
            if durable is None or at < durable or self._history.is_lost(at):
                raise PositionLost(f"memory://{self._database.name} does not keep the writes after {at} any more")
            return self._history.after(at, _AT_ONCE)

    def _batch(self, at: int, found: Sequence[Write]) -> ChangeBatch:
        keys: dict[str, dict[str, None]] = {}
        for one in found:
            if one.entity in self._entities and one.key is not None:
                keys.setdefault(one.entity, {})[one.key] = None
        changed = tuple(Listed(entity, tuple(of)) for entity, of in sorted(keys.items()))
        replaced = {one.entity for one in found if one.key is None and one.before is not None}
        when = found[-1].at if found else datetime.now(UTC)
        return ChangeBatch(Position(str(at), when), changed, Floor(str(at)), tuple(sorted(replaced & self._entities)))

    def reached(self, position: Position, mark: Position) -> bool:
        return int(position.token) >= int(mark.token)

    def durable(self, position: Position) -> None:
        with self._history.turn:
            if self._name not in self._database.feeds:
                raise Refused(f"memory://{self._database.name} has no feed {self._name}")
            self._database.feeds[self._name] = max(int(position.token), self._database.feeds[self._name])

    def backlog(self) -> int | None:
        durable = self._database.feeds.get(self._name)
        return None if durable is None else sum(one.size for one in self._history.after(durable))

    def heartbeat(self) -> Position:
        number = self._history.add()
        return Position(str(number), datetime.now(UTC))

    def unreported(self) -> Sequence[str]:
        return ()

    def finish(self) -> None:
        with self._history.turn:
            self._database.feeds.pop(self._name, None)
            self._history.turn.notify_all()

    def created(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        with self._history.turn:
            self._closed = True
            self._history.turn.notify_all()


_: type[ChangeFeed] = MemoryFeed
__: type[Changes] = MemoryChanges

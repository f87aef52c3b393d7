"""What was written to a source in memory: every write has a number, and the state at each number can be read again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Write:
    """One write. `before` is the record that had the key (`compared`), or all records of an entity that was replaced by
    another (`key` is None). Without an entity it is a mark, which changes nothing.
    """

    number: int
    at: datetime
    entity: str = ""
    key: str | None = None
    compared: object = None
    before: bytes | Mapping[object, bytes] | None = None
    size: int = 0


class History:
    """The writes, oldest first. `visible`: reads see the writes up to this number; None: they see all at once.

    A thread holds the lock `turn` while it writes or reads records.
    """

    def __init__(self) -> None:
        self.turn = threading.Condition(threading.RLock())
        self.visible: int | None = None
        self._writes: list[Write] = []
        self._lost = 0

    @property
    def now(self) -> int:
        """The number of the last write."""
        return len(self._writes)

    def add(
        self,
        entity: str = "",
        key: str | None = None,
        compared: object = None,
        before: bytes | Mapping[object, bytes] | None = None,
        size: int = 0,
    ) -> int:
        """Note a write; return its number."""
        with self.turn:
            number = self.now + 1
            self._writes.append(Write(number, datetime.now(UTC), entity, key, compared, before, size))
            self.turn.notify_all()
            return number

    def lose(self, number: int) -> None:
        """Discard the writes up to this number: no feed can resume from an earlier position."""
        with self.turn:
            self._lost = max(self._lost, number)
            self.turn.notify_all()

    def is_lost(self, number: int) -> bool:
        """Return whether writes after this number were discarded."""
        return number < self._lost

    def after(self, number: int, limit: int | None = None) -> list[Write]:
        with self.turn:
            return self._writes[number : None if limit is None else number + limit]

    def at(self, entity: str, records: Mapping[object, bytes], floor: int) -> dict[object, bytes]:
        """Return the records of an entity that a read sees which must have seen `floor`."""
        with self.turn:
            found = dict(records)
            if self.visible is None:
                return found
            for one in reversed(self._writes[max(self.visible, floor) :]):
                if one.entity == entity:
                    found = _undone(found, one)
            return found


def _undone(records: dict[object, bytes], one: Write) -> dict[object, bytes]:
    if one.key is None:
        return dict(one.before) if isinstance(one.before, Mapping) else {}
    if isinstance(one.before, bytes):
        return {**records, one.compared: one.before}
    return {compared: record for compared, record in records.items() if compared != one.compared}

"""Places in the changes of a source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Position:
    """Everything up to it has been named by the feed that made it, which alone can compare and read it.

    `token` is the feed's own text: a resume token, a log sequence number, the number of a pass. `at` is the source's
    clock when it was there, for people.
    """

    token: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """What a read must have seen before its records may be applied: a cluster time, the transactions of a batch. Of
    two floors, `merged` is what both ask for; the feed that made them reads them.
    """

    tokens: frozenset[str] = frozenset()

    def merged(self, other: Floor) -> Floor:
        return Floor(self.tokens | other.tokens)


NO_FLOOR = Floor()

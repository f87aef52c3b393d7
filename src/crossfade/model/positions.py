"""Positions in the changes of a source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Position:
    """A position of a feed, which has named all changes up to it. Only that feed can compare and read it.

    `token` is the feed's own text: a resume token, a log sequence number, the number of a pass. `at` is the source's
    time at the position, for people.
    """

    token: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Floor:
    """What a read must have seen before its records may be applied: a cluster time, the transactions of a batch. Only
    the feed that made it can read it. `merged` returns a floor that includes two others.
    """

    tokens: frozenset[str] = frozenset()

    def merged(self, other: Floor) -> Floor:
        return Floor(self.tokens | other.tokens)


NO_FLOOR = Floor()

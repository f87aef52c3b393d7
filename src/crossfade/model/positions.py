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
    """The point that a read must have seen before its records may be applied: a cluster time, a snapshot. Only the feed
    that made it can read it. Floors of one feed only grow: a later one includes all earlier ones.
    """

    token: str = ""


NO_FLOOR = Floor()

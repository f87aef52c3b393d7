"""Positions of PostgreSQL: a log sequence number, and the timeline that it was seen on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crossfade.model.positions import Position

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class LogPoint:
    """A place in the write-ahead log. `timeline` is 0 if it was not queried."""

    lsn: int
    timeline: int = 0

    def position(self, micros: int | None = None) -> Position:
        """Return it as a position; `micros` is the server's time in microseconds since 2000."""
        at = None if micros is None else _EPOCH + timedelta(microseconds=micros)
        return Position(f"{text(self.lsn)}@{self.timeline}", at)


CLOCK = "(extract(epoch FROM pg_catalog.statement_timestamp()) * 1000000)::bigint - 946684800000000"
"""SQL: the time when a statement arrived, by the server's clock, in microseconds since 2000."""


def text(lsn: int) -> str:
    """Return a number as the server prints it.

    >>> text(0x1_0000_00FF)
    '1/FF'
    """
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def parse(lsn: str) -> int:
    """Return the number of a printed one.

    >>> parse("1/FF") == 0x1_0000_00FF
    True
    """
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


def point(position: Position) -> LogPoint:
    """Return the point of a position of this feed."""
    lsn, _, timeline = position.token.partition("@")
    return LogPoint(parse(lsn), int(timeline or 0))

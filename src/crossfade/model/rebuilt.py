"""Values of rebuilt records that no type of Python represents exactly or distinctly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Moment:
    """Microseconds since 1970, in UTC or (not `zoned`) of a time without a zone."""

    us: int
    zoned: bool = True


@dataclass(frozen=True, slots=True)
class Day:
    """Days since 1970."""

    days: int


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """Microseconds since midnight."""

    us: int


@dataclass(frozen=True, slots=True)
class Digits:
    """A number by its digits."""

    text: str


@dataclass(frozen=True, slots=True)
class Json:
    """JSON as an application prints it: it does not tell a date from text."""

    text: str


@dataclass(frozen=True, slots=True)
class Ejson:
    """Canonical Extended JSON."""

    text: str


@dataclass(frozen=True)
class Map:
    """The fields of an object as a list of objects with `key` and `value`."""

    entries: list[Any]

    __hash__ = None  # type: ignore[assignment]


class CannotStore(Exception):
    """A record has no place for a value: the reason (docs/reference/errors.md), the place, and the detail."""

    def __init__(self, reason: str, detail: str, place: str = "") -> None:
        self.reason, self.detail, self.place = reason, detail, place
        super().__init__(detail)

"""The base of all events, and their listeners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """The base of all events. `run` and `sequence` are set when the event is passed to a listener."""

    run: str = ""
    sequence: int = 0


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Ignore the event."""

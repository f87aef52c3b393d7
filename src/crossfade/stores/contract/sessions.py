"""Who has a session with a server, and how many more it takes, for the gates of a cutover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sessions:
    """The number of sessions of one login and one application, as far as these are known."""

    login: str
    application: str
    count: int

    def __str__(self) -> str:
        named = " of ".join(filter(None, (self.application, self.login))) or "clients that give no name"
        return f"{self.count} × {named}"


class SessionList(Protocol):
    """Asked before a cutover. Raises Refused if the login may not ask."""

    def others(self) -> Sequence[Sessions]:
        """Return the sessions of clients that could write now, without Crossfade's."""
        ...

    def free(self) -> int:
        """Return how many more sessions an ordinary login can open."""
        ...

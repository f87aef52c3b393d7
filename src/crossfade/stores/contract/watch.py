"""Observes a run from outside: which sessions block it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds a lock for which this run waits; texts are empty if the login may not see them.

    `pid` is 0 for a prepared transaction, which has no session.
    """

    pid: int
    application: str
    user: str
    state: str
    query_start: str
    query: str


class Watch(Protocol):
    """Observes the run from outside."""

    def blockers(self, seconds: float) -> list[Blocker]:
        """Return other sessions for which a session of this run has waited `seconds` or more. Never waits itself.

        Raises CrossfadeError if the query fails.
        """
        ...

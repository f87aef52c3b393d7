"""Looks at a run from outside: who keeps it waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds a lock which this run waits for; texts are empty where the login may not see them.

    `pid` is 0 for a prepared transaction, which has no session.
    """

    pid: int
    application: str
    user: str
    state: str
    query_start: str
    query: str


class Watch(Protocol):
    """Looks at the run from outside."""

    def blockers(self, seconds: float) -> list[Blocker]:
        """Sessions of others that some session of this run has waited for, for `seconds` or more. Never waits itself.

        Raises CrossfadeError where the server cannot be asked.
        """
        ...

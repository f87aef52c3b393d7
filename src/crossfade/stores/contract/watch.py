"""Observes a run from outside: which sessions block it."""

from __future__ import annotations

from typing import Protocol

from crossfade.model.events import Blocker


class Watch(Protocol):
    """Observes the run from outside."""

    def blockers(self, seconds: float) -> list[Blocker]:
        """Return other sessions for which a session of this run has waited `seconds` or more. Never waits itself.

        Raises CrossfadeError if the query fails.
        """
        ...

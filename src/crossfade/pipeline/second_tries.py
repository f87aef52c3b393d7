"""Decide when a record that is set aside is tried again: what it waited for may have been written meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from crossfade.journal.returned import Who

SOON, LATEST = 0.1, 60.0
"""Seconds between two tries of a record, doubled after each that fails."""


@dataclass(frozen=True, slots=True)
class _Next:
    """The next try of a record: not before `due`, `wait` seconds after the last one; `writes` is their number then."""

    due: float
    wait: float = SOON
    writes: int = -1


class SecondTries:
    """The next try of each record that is set aside: one that fails again and again does not delay others. A record is
    tried again only if something was written since.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._writes = 0
        self._next: dict[Who, _Next] = {}
        self._is_looked_at = False

    def written(self) -> None:
        self._writes += 1
        self._is_looked_at = False

    @property
    def wait(self) -> float | None:
        """How long until there may be something to try; None if that needs a write first."""
        waiting = [one.due for one in self._next.values() if one.writes < self._writes]
        if not self._is_looked_at:
            return SOON
        return max(0.0, min(waiting) - self._clock()) if waiting else None

    def due(self, aside: Collection[Who]) -> list[Who]:
        """Return the records that are tried now, among all that are set aside."""
        now, known, self._is_looked_at = self._clock(), self._next, True
        self._next = {who: known.get(who, _Next(now)) for who in aside}
        chosen = [who for who, one in self._next.items() if one.due <= now and one.writes < self._writes]
        for who in chosen:
            wait = self._next[who].wait
            self._next[who] = replace(self._next[who], due=now + wait, wait=min(2 * wait, LATEST), writes=self._writes)
        return chosen

"""Prove the lag: a mark is written at the source, and everything before it is seen applied at the target.

A mark is first *written*. It is *named* when the feed has reached it and every key before it is in the journal, and
*proven* when all these keys are applied.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from crossfade.journal import dirty
from crossfade.journal.dirty import Dirty
from crossfade.model.positions import Position
from crossfade.pipeline.ownership import Who

MOST = 600
"""The highest number of marks. Older ones that were never named are dropped."""


@dataclass
class Mark:
    """`number` is greater than those of all keys before the mark; None until it is named. `waits_for`: keys before it
    that are still to be applied; None until they are known.
    """

    position: Position
    written: float
    number: str | None = None
    waits_for: set[Who] | None = None


class Marks:
    """The marks that are not proven yet, and the last proof. Safe to be used by several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._marks: list[Mark] = []
        self._heard = now()
        self._lag: float | None = None
        self._told = True

    def written(self, position: Position, at: float) -> None:
        """Add a mark. Writing it began `at` this time."""
        with self._lock:
            self._marks = [*self._marks[-MOST:], Mark(position, at)]

    def named(self, reached: Callable[[Position], bool]) -> None:
        """Name the marks that are `reached`: the journal has all keys before them."""
        with self._lock:
            self._heard = self._now()
            waiting = [mark for mark in self._marks if mark.number is None]
        found = [mark for mark in waiting if reached(mark.position)]
        number = dirty.new_number() if found else None
        with self._lock:
            for mark in found:
                mark.number = number

    def named_again(self, marks: Sequence[Mark]) -> None:
        """Raise the numbers of these marks, because keys that they have to wait for were just put in."""
        number = dirty.new_number()
        with self._lock:
            for mark in marks:
                if mark.waits_for is None:
                    mark.number = number

    @property
    def all_named(self) -> list[Mark]:
        """Return the marks that are named now. Call it before the pending keys are read."""
        with self._lock:
            return [mark for mark in self._marks if mark.number is not None]

    def applied(self, marks: Sequence[Mark], read: Sequence[Dirty], left: Collection[Who], *, is_all: bool) -> None:
        """These pending keys were read after `marks` were named, and applied, but for those in `left` (and others that
        are to be applied because of them). `is_all`: there were no others.
        """
        last = read[-1].number or "" if read else ""
        numbers = {(one.entity, one.key): one.number or "" for one in read}
        with self._lock:
            for mark in marks:
                if mark.waits_for is not None:
                    mark.waits_for -= numbers.keys() - set(left)
                elif is_all or (mark.number or "") <= last:
                    mark.waits_for = {who for who in left if numbers.get(who, "") < (mark.number or "")}
            proven = [mark for mark in marks if mark.waits_for is not None and not mark.waits_for]
            if proven:
                self._lag, self._told = self._now() - proven[-1].written, False
                self._marks = [mark for mark in self._marks if mark not in proven]

    def new_lag(self) -> float | None:
        """Return the last lag that was proven, in seconds, once."""
        with self._lock:
            lag = None if self._told else self._lag
            self._told = True
            return lag

    def silent_for(self) -> float:
        """Return for how many seconds the feed has named nothing, although a mark was written; 0 if there is none."""
        with self._lock:
            waiting = [mark.written for mark in self._marks if mark.number is None]
            return self._now() - max(waiting[0], self._heard) if waiting else 0.0

"""A run that follows a source, in a thread of the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from crossfade.journal.status import FollowStatus, Status
from crossfade.model.events import Event
from crossfade.move import Move

SECONDS = 120.0
"""Nothing is waited for that takes so long; but a machine that is busy may make a second of half a minute."""


class Run:
    """`status` and `error` are set when it has ended."""

    def __init__(
        self, move: Callable[[], AbstractContextManager[Move]], seconds: float | None = None, *, poll: bool = False
    ) -> None:
        self.events: list[Event] = []
        self.status: Status | None = None
        self.error: BaseException | None = None
        self._move, self._seconds, self._poll = move, seconds, poll
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._move() as move:
                self.status = move.start(self.events.append, seconds=self._seconds, poll=self._poll)
        except BaseException as error:
            self.error = error

    def ended(self) -> Status:
        """Wait for the end. Raises what ended it."""
        self._thread.join(SECONDS)
        assert not self._thread.is_alive(), "the run has not ended"
        if self.error is not None:
            raise self.error
        assert self.status is not None
        return self.status

    def saw(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()


@contextmanager
def running(move: Callable[[], Move], *, poll: bool = False) -> Iterator[Run]:
    """A run during the block; stopped at its end, and required to end without an error."""
    run = Run(move, poll=poll)
    try:
        wait_for(lambda: run.is_over or (polls if poll else follows)(move))
        if run.error is not None:
            raise run.error
        yield run
    finally:
        if not run.is_over:
            stop(move)
        if run.error is not None:
            raise run.error
    run.ended()


def stop(move: Callable[[], Move]) -> FollowStatus:
    with move() as own:
        return own.stop(seconds=SECONDS)


def state(move: Callable[[], Move]) -> FollowStatus | None:
    with move() as own:
        return own.following()


def follows(move: Callable[[], Move]) -> bool:
    found = state(move)
    return found is not None and found.running and found.state == "following"


def polls(move: Callable[[], Move]) -> bool:
    found = state(move)
    return found is not None and found.running and found.state == "polling"


def wait_for(there: Callable[[], object], seconds: float = SECONDS) -> None:
    """Ask until it is so. Whoever is waited for has more of the machine than the questions."""
    end = time.monotonic() + seconds
    while True:
        asked = time.monotonic()
        if there():
            return
        now = time.monotonic()
        assert now < end, "it did not become so"
        time.sleep(min(max(0.02, 2 * (now - asked)), 0.3))

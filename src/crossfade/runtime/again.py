"""Retry work that a lost connection interrupted, after pauses that together outlast the restart of a server.

Only idempotent work is retried: a chunk that is one transaction, a step that the journal records, a read. The error
says whether its cause is temporary (`CrossfadeError.passing`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import TypeVar

from crossfade.errors import CrossfadeError
from crossfade.model.events import ConnectionLost, Listener, ignore

Result = TypeVar("Result")

PAUSES: tuple[float, ...] = (1, 2, 4, 8, 15, 15, 15)
"""Seconds. MongoDB elects a primary within about 12; PostgreSQL usually recovers from a crash within a minute."""


_RESUMES = "then run the same command again: it resumes where it stopped"


class Patience:
    """Count how often work was interrupted since it last made progress."""

    def __init__(self, tell: Listener) -> None:
        self._tell, self._cut = tell, 0

    def pause(self, error: CrossfadeError) -> float:
        """Return how long to wait before the next attempt. Raises the error if its cause is not temporary."""
        if not error.passing:
            raise error
        if self._cut >= len(PAUSES):
            error.passing = False  # an enclosing retry would repeat it again
            if "again" not in (error.hint or ""):
                error.hint = "; ".join(filter(None, (error.hint, _RESUMES)))
            raise error
        seconds = PAUSES[self._cut]
        self._cut += 1
        self._tell(ConnectionLost(error.message, self._cut, len(PAUSES), seconds))
        return seconds

    def done(self) -> None:
        self._cut = 0


def again(action: Callable[[], Result], tell: Listener = ignore) -> Result:
    """Run the action, retry it after a lost connection, and return its result. Raises its last error."""
    patience = Patience(tell)
    while True:
        try:
            return action()
        except CrossfadeError as error:
            time.sleep(patience.pause(error))


def again_from(begin: Callable[[], Iterator[Result]], tell: Listener = ignore) -> Iterator[Result]:
    """Yield the items of `begin()`, each once. After a lost connection, start over and skip the items already yielded.

    Raises an error if the second iteration does not yield the same items.
    """
    given: list[Result] = []
    patience = Patience(tell)
    while True:
        try:
            expected = chain(given[:], repeat(None))
            for item in begin():
                if (before := next(expected)) is None:
                    given.append(item)
                    patience.done()
                    yield item
                elif before != item:
                    raise _changed()
            if next(expected) is not None:  # fewer than before
                raise _changed()
            return
        except CrossfadeError as error:
            time.sleep(patience.pause(error))


def _changed() -> CrossfadeError:
    return CrossfadeError(
        "the source changed while its keys were read, and the connection was lost in between; nothing was written",
        hint="run the same command again",
    )

"""Passes the events of a run to listeners: with the run's id, numbered without gaps, one at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from crossfade.model.events import Event, Listener, PhaseEnded, PhaseStarted


class Emitter:
    """Numbers the events of one run, whichever listeners they go to and whichever thread they come from."""

    def __init__(self, run: str) -> None:
        self._run, self._last = run, 0
        # numbering and delivery are one step, so that a listener sees the numbers in order; reentrant, because a
        # listener may call a method of the move
        self._lock = threading.RLock()

    def to(self, listen: Listener) -> Listener:
        """Return a listener that numbers events and passes them on to `listen`."""

        def emit(event: Event) -> None:
            with self._lock:
                self._last += 1
                listen(replace(event, run=self._run, sequence=self._last))

        return emit


@contextmanager
def phase(listen: Listener, name: str) -> Iterator[Listener]:
    """Tell that a phase starts, and how it ended."""
    listen(PhaseStarted(name))
    start = time.monotonic()
    outcome = "finished"
    try:
        yield listen
    except BaseException as error:
        outcome = "failed" if isinstance(error, Exception) else "stopped"
        raise
    finally:
        with suppress(*(() if outcome == "finished" else (Exception,))):  # the first error is the one to be raised
            listen(PhaseEnded(name, outcome, time.monotonic() - start))

"""What the threads of a run that follows a source share: whether it is to end, and what went wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from crossfade.errors import CrossfadeError
from crossfade.journal import dirty, halted, looked_up
from crossfade.model.events import ConnectionLost, Listener
from crossfade.pipeline.expand import Trail, trails
from crossfade.pipeline.marks import Marks
from crossfade.runtime.session import Session, Work, close_own_sessions, session
from crossfade.stores.contract import ChangeBatch, ChangeFeed, PositionLost, TargetTransaction, need

PAUSES = (0.2, 1.0, 2.0, 5.0, 15.0)
"""Seconds to wait before work that a lost connection interrupted is repeated. The last value is used from then on."""


@dataclass
class Following:
    """`stop` says that the run is to end, `wake` that there may be something to apply."""

    work: Work
    name: str
    entities: tuple[str, ...]
    tell: Listener
    marks: Marks = field(default_factory=Marks)
    stop: threading.Event = field(default_factory=threading.Event)
    wake: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None
    asked: bool = False
    is_applying: bool = False
    """Whether the copy is finished, so that records are applied."""
    removed: PositionLost | None = None
    """Why the feed was removed, if that was done on purpose."""
    lost: PositionLost | None = None
    """The position is lost; set before the journal says so."""

    @cached_property
    def fed(self) -> set[str]:
        """The entities whose records make rows."""
        return {feed.entity for feed in self.work.program.feeds.values() if feed.branches}

    @cached_property
    def trails(self) -> Mapping[str, Sequence[Trail]]:
        """Entity -> the lookups that read it."""
        return trails(self.work.program)

    def ask_to_end(self) -> None:
        """Ask the run to end; it looks once a second. A signal handler may call this: it takes no lock."""
        self.asked = True

    @property
    def is_ending(self) -> bool:
        return self.asked or self.stop.is_set()

    def end(self, failure: BaseException | None = None) -> None:
        """Make all threads end; `failure` is the reason."""
        self.failure = self.failure or failure
        self.stop.set()
        self.wake.set()

    def require_alive(self) -> None:
        """Raise the error that ended another thread."""
        if self.failure is not None:
            raise self.failure

    @contextmanager
    def thread(self, name: str, work: Callable[[Following], None]) -> Iterator[None]:
        """Run the work in a thread during the block, and end it with the block."""

        def run() -> None:
            try:
                work(self)
            except BaseException as error:
                self.end(error)
            finally:
                close_own_sessions()

        thread = threading.Thread(target=run, name=f"crossfade-{name}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.end()
            thread.join()

    def note_batch(self, tx: TargetTransaction, batch: ChangeBatch) -> None:
        """Put what a batch of the feed names into the journal."""
        for entity in batch.redefined:
            halted.note(
                tx, entity, "redefined", f"{entity} was dropped, renamed, truncated, altered or replaced in the source"
            )
        changed = sorted(batch.changed, key=lambda listed: listed.entity)  # in the order in which they are claimed
        for listed in changed:
            if listed.entity in self.fed:
                dirty.put(tx, listed.entity, listed.keys)
        for listed in changed:
            if listed.entity in self.trails:
                looked_up.put(tx, listed.entity, listed.keys)

    @contextmanager
    def feed(self) -> Iterator[tuple[Session, ChangeFeed]]:
        """The session and a feed of the calling thread."""
        s = session(self.work)
        opened = need(s.source.changes, s.source, "follow changes").feed(self.name, self.entities)
        try:
            yield s, opened
        finally:
            opened.close()


class Endurance:
    """Waits after each lost connection, without a limit on attempts."""

    def __init__(self, following: Following) -> None:
        self._following, self._cut = following, 0

    def pause(self, error: CrossfadeError) -> None:
        """Wait, or until the run ends. Raises the error if its cause is not temporary."""
        if not error.passing:
            raise error
        seconds = PAUSES[min(self._cut, len(PAUSES) - 1)]
        self._cut += 1
        self._following.tell(ConnectionLost(error.message, self._cut, 0, seconds))
        self._following.stop.wait(seconds)

    def goes_on(self) -> None:
        """The work has made progress."""
        self._cut = 0

"""The loop of a feed: receive, confirm, and yield what changed once a new snapshot sees it."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import islice

from crossfade.errors import Unreachable, may_pass
from crossfade.model.positions import Floor, Position
from crossfade.model.quoting import literal
from crossfade.stores.contract.changes import ChangeBatch
from crossfade.stores.postgresql.changes import publication, snapshot
from crossfade.stores.postgresql.changes.control import Control, queries
from crossfade.stores.postgresql.changes.following import Arrived
from crossfade.stores.postgresql.changes.redefined import Look, Redefined
from crossfade.stores.postgresql.changes.stream import SlotStream

LINGER_SECONDS = 0.03
"""How long changes wait for more, to become one batch."""
IDLE_SECONDS = 0.5
"""How often a position is yielded while nothing changes."""
CONFIRM_SECONDS = 1.0
LOOK_SECONDS = 2.0
"""How often the definitions of the tables are checked."""
LONGEST_PAUSE = 0.05
UNSEEN_SECONDS = 30
"""How long to wait until commits can be seen. Then the stream ends, because a server that shuts down would wait for it.
"""
AT_ONCE = 1_000
"""How many messages are read before the clock and the size of the batch are checked."""


@dataclass
class Durable:
    """The journal has everything up to `lsn`; `position` was confirmed since the last batch."""

    lsn: int = 0
    position: Position | None = None


class Batches:
    """The batches of a stream, from one position on. The driver's errors pass through."""

    def __init__(
        self, source: SlotStream, control: Control, name: str, redefined: Redefined, reading: Arrived, durable: Durable
    ) -> None:
        self._stream, self._reading, self._durable = source, reading, durable
        self._control, self._name, self._redefined = control, name, redefined
        self._yielded, self._floor = reading.position, Floor()
        self._confirmed = 0
        self._published = ""
        self._is_noted = True
        now = time.monotonic()
        self._yielded_at = self._confirmed_at = now
        self._looked_at = self._urgent_at = 0.0

    def __iter__(self) -> Iterator[ChangeBatch]:
        while True:
            self._receive()
            self._confirm()
            if self._is_due():
                yield from self._batch()

    def _receive(self) -> None:
        waited = LINGER_SECONDS if self._reading.is_urgent else IDLE_SECONDS / 2
        for data in islice(self._stream.received(waited), AT_ONCE):
            self._reading.take(data)

    def _confirm(self) -> None:
        """Confirm what is durable, and ask for the server's position: a server with nothing to send does not report it
        unasked.
        """
        now, durable = time.monotonic(), self._durable.lsn
        is_due = now - self._confirmed_at >= CONFIRM_SECONDS / 2
        if self._reading.wants_reply or is_due or durable > self._confirmed:
            self._stream.confirm(self._reading.at.lsn, durable, ask=is_due)
            self._reading.wants_reply = False
            self._confirmed = durable
            if is_due:
                self._confirmed_at = now

    def _is_due(self) -> bool:
        now = time.monotonic()
        if self._reading.is_urgent:
            self._urgent_at = self._urgent_at or now
            return self._reading.is_full or now - self._urgent_at >= LINGER_SECONDS
        return now - self._yielded_at >= IDLE_SECONDS and (
            self._reading.position != self._yielded or now - self._looked_at >= LOOK_SECONDS
        )

    def _batch(self) -> Iterator[ChangeBatch]:
        self._floor = yield from self._seen()
        changed, redefined = self._reading.finish_batch()
        batch = ChangeBatch(self._reading.position, changed, self._floor, redefined)
        self._durable.position = None
        yield batch
        self._yielded, self._yielded_at, self._urgent_at = batch.position, time.monotonic(), 0.0
        if not self._is_noted and self._durable.position == batch.position:
            self._redefined.note()
            self._is_noted = True

    def _seen(self) -> Generator[ChangeBatch, None, Floor]:
        """Wait for a snapshot that sees all transactions that were read, and return it. Until then (a synchronous
        standby may not answer) the position stays as it is.
        """
        pause, since = 0.0005, time.monotonic()
        while time.monotonic() - since < UNSEEN_SECONDS:
            self._look()
            text, _ = self._state()
            sees = snapshot.parse(text)
            if all(sees.sees(sees.widened(xid)) for xid in self._reading.xids):
                return Floor(text)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            self._confirm()
            if time.monotonic() - self._yielded_at >= IDLE_SECONDS:
                yield ChangeBatch(self._yielded, floor=self._floor)
                self._yielded_at = time.monotonic()
        raise may_pass(
            Unreachable(
                f"the source has committed transactions that no snapshot has seen for {UNSEEN_SECONDS} seconds",
                hint="they wait for a synchronous standby: see synchronous_standby_names and pg_stat_replication there",
            )
        )

    def _look(self) -> None:
        """Check the definitions of the tables, from time to time and whenever the publication has changed.

        The server does not report tables that are not published, nor, from version 18 on, a publication that is gone.
        So this is done before every batch.
        """
        _, published = self._state()
        if published == self._published and time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        if published is None:
            publication.noted(self._control, self._name)
        found = self._redefined.look()
        self._reading.keys.redefined(found.redefined)
        self._reading.keys.add(found.keys)
        self._is_noted = self._is_noted and found == Look()
        self._reading.keys.know(self._redefined.tables)
        self._looked_at = time.monotonic()
        self._published = self._state()[1] or ""

    def _state(self) -> tuple[str, str | None]:
        ((text, published),) = self._control.rows(queries()["state"].format(publication=literal(self._name)))
        return text, published

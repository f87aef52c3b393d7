"""Reads a stream into batches: bounded, with a position that is never inside a transaction."""

from __future__ import annotations

from crossfade.model.keys import Listed
from crossfade.model.positions import Position
from crossfade.stores.postgresql.changes import pgoutput
from crossfade.stores.postgresql.changes.keys import ChangedKeys
from crossfade.stores.postgresql.changes.lsn import LogPoint
from crossfade.stores.postgresql.changes.stream import DATA, DATA_AT, keepalive

PREFIX = "crossfade"
"""The prefix of Crossfade's messages in the log."""
_MARK = PREFIX.encode() + b"\0"
_PREFIX_AT = 10
_ROWS = (pgoutput.INSERT, pgoutput.UPDATE, pgoutput.DELETE)

KEYS_A_BATCH = 10_000
"""The approximate size of a batch; a larger transaction takes several batches."""


class Arrived:
    """What has arrived since the last batch."""

    def __init__(self, keys: ChangedKeys, since: LogPoint) -> None:
        self.keys = keys
        self.at = since
        """Everything that committed before this point has arrived."""
        self.micros: int | None = None
        self.xids: set[int] = set()
        self.is_marked = False
        self.wants_reply = False
        self._inside, self._current = False, 0

    @property
    def position(self) -> Position:
        return self.at.position(self.micros)

    @property
    def is_full(self) -> bool:
        return len(self.keys) >= KEYS_A_BATCH

    @property
    def is_urgent(self) -> bool:
        """Return whether a caller is waiting for the next batch."""
        return self.is_marked or bool(self.keys)

    def finish_batch(self) -> tuple[tuple[Listed, ...], tuple[str, ...]]:
        """Return what changed (`ChangedKeys.take`), and begin the next batch. A transaction that has not ended belongs
        to that one too.
        """
        self.xids = {self._current} if self._inside else set()
        self.is_marked = False
        return self.keys.take()

    def take(self, data: bytes) -> None:
        """Process a message of the stream."""
        if data[0] == DATA:
            self._message(data[DATA_AT:])
            return
        said = keepalive(data)
        self.wants_reply |= said.wants_reply
        if not self._inside and said.lsn > self.at.lsn:
            self._reached(said.lsn, said.micros)

    def _message(self, data: bytes) -> None:
        kind = data[0]
        if kind in _ROWS:
            self.keys.row(data)
        elif kind == pgoutput.BEGIN:
            self._current = pgoutput.begin(data).xid
            self.xids.add(self._current)
            self._inside = True
        elif kind == pgoutput.COMMIT:
            ended = pgoutput.commit(data)
            self._inside = False
            self._reached(ended.end, ended.micros)
        elif kind == pgoutput.RELATION:
            self.keys.relation(pgoutput.relation(data))
        elif kind == pgoutput.TRUNCATE:
            self.keys.truncated(pgoutput.truncated(data))
        elif kind == pgoutput.MESSAGE:
            self.is_marked |= data.startswith(_MARK, _PREFIX_AT)
        elif kind not in (pgoutput.TYPE, pgoutput.ORIGIN):
            raise pgoutput.UnknownMessage(f"the server sent a message of kind {chr(kind)!r}")

    def _reached(self, lsn: int, micros: int) -> None:
        self.at, self.micros = LogPoint(lsn, self.at.timeline), micros

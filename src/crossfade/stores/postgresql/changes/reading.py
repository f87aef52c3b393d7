"""Readers for a source that is followed: each use begins a new snapshot, which sees the floor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from crossfade.errors import Stale
from crossfade.model.positions import NO_FLOOR, Floor
from crossfade.stores.patience import patiently
from crossfade.stores.postgresql.changes import snapshot
from crossfade.stores.postgresql.source import PostgresReader


class Readers:
    """Idle readers are reused, with their connections."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[PostgresReader] = []
        self._lock = Lock()

    @contextmanager
    def reader(self, floor: Floor) -> Iterator[PostgresReader]:
        """Provide a reader, for one thread. Raises Stale if no snapshot sees all of `floor` for ten seconds."""
        with self._lock:
            reader = self._idle.pop() if self._idle else PostgresReader(self._url)
        try:
            _begin(reader, floor)
            yield reader
            reader.end_snapshot()
        except BaseException:
            reader.close()
            raise
        with self._lock:
            self._idle.append(reader)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()


def _begin(reader: PostgresReader, floor: Floor) -> None:
    """Begin a snapshot that sees all of `floor`."""
    if floor == NO_FLOOR:
        return
    wanted = snapshot.parse(floor.token)

    def sees() -> bool | None:
        ((text,),) = reader.text_rows("SELECT pg_catalog.pg_current_snapshot()::text")
        if snapshot.parse(text or "").sees_all_of(wanted):
            return True
        reader.end_snapshot()
        return None

    if not patiently(sees):
        raise Stale(
            "no new snapshot of the source sees the transactions that were followed",
            hint="check that the URL names the same server as before, and that its synchronous standbys answer",
        )

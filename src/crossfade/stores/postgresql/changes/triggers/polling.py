"""Reads the keys that the triggers have noted, repeatedly, in consecutive snapshots."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg

from crossfade.model.keys import Listed
from crossfade.model.positions import Floor, Position
from crossfade.model.quoting import literal
from crossfade.records.rows.keys import key_of_texts
from crossfade.stores.contract.changes import ChangeBatch
from crossfade.stores.postgresql.changes import snapshot
from crossfade.stores.postgresql.changes.control import Control
from crossfade.stores.postgresql.changes.redefined import Look, Redefined
from crossfade.stores.postgresql.changes.triggers.names import changes, head, queries
from crossfade.stores.postgresql.changes.triggers.state import Triggers
from crossfade.stores.postgresql.session.connect import connect

POLL_SECONDS = 0.1
QUIET_SECONDS = 0.5
LOOK_SECONDS = 2.0
PURGE_SECONDS = 5.0
KEYS_A_BATCH = 10_000
_FETCH = f"FETCH {KEYS_A_BATCH} FROM crossfade_changes".encode()
BEGIN = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Polling:
    """The batches of keys that were noted after a position. The driver's errors pass through."""

    def __init__(
        self, url: str, control: Control, name: str, triggers: Triggers, redefined: Redefined, since: Position
    ) -> None:
        self._url, self._control, self._name = url, control, name
        self._triggers, self._redefined, self._at = triggers, redefined, since
        self._looked_at = self._purged_at = self._yielded_at = 0.0
        self._unnoted: Position | None = None

    def __iter__(self) -> Iterator[ChangeBatch]:
        with closing(connect(self._url, autocommit=True)) as connection:
            while True:
                yield from self._poll(connection)
                time.sleep(POLL_SECONDS)

    def confirm(self, position: Position) -> None:
        """Note that the journal has everything up to here: store its definitions, and let the rows be deleted."""
        if self._unnoted == position:
            self._redefined.note()
            self._unnoted = None
        if time.monotonic() - self._purged_at >= PURGE_SECONDS:
            self._purge(_snapshot(position).xmin)
            self._purged_at = time.monotonic()

    def _poll(self, connection: psycopg.Connection[Any]) -> Iterator[ChangeBatch]:
        """Yield the keys that were noted since the last snapshot, and then the next one as the position."""
        found = self._look()
        connection.execute(BEGIN)
        row = connection.execute(queries()["now"].encode()).fetchone()
        assert row is not None
        now = Position(row[0], datetime.fromtimestamp(int(row[1]) / 1e6, UTC))
        before = _snapshot(self._at)
        floor = Floor(_seen(now))
        redefined = set(found.redefined)
        if now.token != self._at.token:
            for listed in self._noted(connection, before):
                if isinstance(listed, str):
                    redefined.add(listed)
                else:
                    yield ChangeBatch(self._at, (listed,), floor)
        connection.execute(b"COMMIT")
        if redefined or found.keys or now.token != self._at.token or self._is_quiet():
            if found != Look():
                self._unnoted = now
            self._at, self._yielded_at = now, time.monotonic()
            yield ChangeBatch(now, _listed(found), floor, tuple(sorted(redefined)))

    def _noted(self, connection: psycopg.Connection[Any], since: snapshot.Snapshot) -> Iterator[Listed | str]:
        """Yield keys that were written, and entities of which every key may have been written."""
        seen = _seen(self._at)
        for table in self._redefined.tables:
            number = self._triggers.numbers.get(table.entity)
            if number is None:
                continue
            statement = queries()["since"].format(
                texts=", ".join(f"k{i}::text" for i in range(len(table.key))),
                changes=changes(self._name, number),
                xmin=literal(str(since.xmin)),
                snapshot=literal(seen),
            )
            connection.execute(f"DECLARE crossfade_changes NO SCROLL CURSOR FOR {statement}".encode())
            while rows := connection.execute(_FETCH).fetchall():
                keys = tuple(key_of_texts(row) for row in rows if None not in row)
                if len(keys) < len(rows):
                    yield table.entity
                if keys:
                    yield Listed(table.entity, keys)
            connection.execute(b"CLOSE crossfade_changes")

    def _look(self) -> Look:
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            self._triggers.require()
            return Look()
        self._triggers.require()
        found = self._redefined.look()
        self._looked_at = time.monotonic()
        return found

    def _is_quiet(self) -> bool:
        return time.monotonic() - self._yielded_at >= QUIET_SECONDS

    def _purge(self, xmin: int) -> None:
        xid = literal(str(xmin))
        with self._control.speaking() as connection, connection.transaction():
            self._control.rows(queries()["may_purge"])
            for number in self._triggers.numbers.values():
                self._control.rows(queries()["purge"].format(changes=changes(self._name, number), xid=xid))
            self._control.rows(queries()["purged"].format(head=head(self._name), xid=xid))


def _listed(found: Look) -> tuple[Listed, ...]:
    by_entity: dict[str, list[str]] = {}
    for entity, key in found.keys:
        by_entity.setdefault(entity, []).append(key)
    return tuple(Listed(entity, tuple(keys)) for entity, keys in by_entity.items())


def _seen(position: Position) -> str:
    return position.token.partition("@")[0]


def _snapshot(position: Position) -> snapshot.Snapshot:
    return snapshot.parse(_seen(position))

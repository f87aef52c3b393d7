"""A feed of tables by logical decoding: what it creates at the source, and the batches that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any

import psycopg

from crossfade.model.positions import Floor, Position
from crossfade.model.quoting import literal
from crossfade.stores.contract.changes import ChangeBatch, ChangeFeed, Started
from crossfade.stores.postgresql.changes import following, lsn, publication, slot, stream, timeline
from crossfade.stores.postgresql.changes.batches import Batches, Durable
from crossfade.stores.postgresql.changes.control import Control, queries, translated
from crossfade.stores.postgresql.changes.following import Arrived
from crossfade.stores.postgresql.changes.keys import ChangedKeys
from crossfade.stores.postgresql.changes.lsn import LogPoint
from crossfade.stores.postgresql.changes.redefined import Redefined, unreported
from crossfade.stores.postgresql.changes.stream import SlotStream
from crossfade.stores.postgresql.session.connect import connect


class LogFeed:
    """`name` is the name of its slot and of its publication."""

    def __init__(self, url: str, name: str, entities: Sequence[str]) -> None:
        self._url, self._name, self._entities = url, name, tuple(entities)
        self._control = Control(url)
        self._durable = Durable()
        self._connection: psycopg.Connection[Any] | None = None

    @cached_property
    def _version(self) -> int:
        ((version,),) = self._control.rows("SELECT pg_catalog.current_setting('server_version_num')")
        return int(version)

    # -- objects at the source

    def start(self) -> Started:
        self.finish()
        self._durable.lsn, self._durable.position = 0, None
        try:
            publication.create(self._control, self._name, self._entities, self._version)
            return self._started()
        except BaseException:
            self.finish()
            raise

    def _started(self) -> Started:
        ((micros,),) = self._control.rows(f"SELECT ({lsn.CLOCK})::text")
        with closing(stream.connected(self._url)) as connection:
            try:
                now = timeline.of_server(connection)
                at, exported = slot.create(connection, self._name, self._version)
            except psycopg.errors.LockNotAvailable as error:
                raise slot.waited(self._control) from error
            except psycopg.Error as error:
                raise translated(error, self._url) from error
            return Started(LogPoint(at, now).position(int(micros)), Floor(self._seen_by(exported)))

    def _seen_by(self, exported: str) -> str:
        """Return what the snapshot of a new slot sees: every transaction that is not in its stream."""
        with connect(self._url) as connection:
            connection.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute(f"SET TRANSACTION SNAPSHOT {literal(exported)}".encode())
            row = connection.execute(b"SELECT pg_catalog.pg_current_snapshot()::text").fetchone()
            assert row is not None
            return str(row[0])

    def finish(self) -> None:
        slot.drop(self._control, self._name)
        publication.drop(self._control, self._name)

    def created(self) -> Sequence[str]:
        there = slot.slot(self._control, self._name) is not None
        published = bool(self._control.rows(queries()["noted"].format(publication=literal(self._name))))
        return [
            *([f"the replication slot {self._name}"] if there else []),
            *([f"the publication {self._name}"] if published else []),
        ]

    def close(self) -> None:
        self._control.close()
        if self._connection is not None:
            self._connection.close()

    # -- positions

    def position(self) -> Position:
        return self.heartbeat()

    def heartbeat(self) -> Position:
        mark = queries()["mark"].format(prefix=literal(following.PREFIX), clock=lsn.CLOCK)
        ((at, micros),) = self._control.rows(mark)
        return LogPoint(lsn.parse(at)).position(int(micros))

    def reached(self, position: Position, mark: Position) -> bool:
        return lsn.point(position).lsn >= lsn.point(mark).lsn

    def backlog(self) -> int | None:
        found = slot.slot(self._control, self._name)
        return found.retained if found is not None else None

    def unreported(self) -> Sequence[str]:
        installed = publication.Publication(self._control, self._name, self._version)
        return unreported(self._control, installed, self._entities, self._version)

    def durable(self, position: Position) -> None:
        self._durable.lsn = max(self._durable.lsn, lsn.point(position).lsn)
        self._durable.position = position

    # -- changes

    def changes(self, since: Position) -> Iterator[ChangeBatch]:
        at = lsn.point(since)
        try:
            self._require(at)
            slot.release(self._control, self._name)
            installed = publication.Publication(self._control, self._name, self._version)
            redefined = Redefined(self._control, installed, self._entities, self._version)
            with closing(stream.connected(self._url)) as self._connection:
                now = timeline.of_server(self._connection)
                timeline.require_common(self._connection, at, now)
                source = SlotStream(self._connection, stream.start_command(self._name, at.lsn, self._version))
                reading = Arrived(ChangedKeys(redefined.tables), LogPoint(at.lsn, now))
                yield from Batches(source, self._control, self._name, redefined, reading, self._durable)
        except psycopg.Error as error:
            self._require(LogPoint(max(at.lsn, self._durable.lsn)))
            raise translated(error, self._url) from error

    def _require(self, since: LogPoint) -> None:
        """Raise PositionLost if the slot or the publication is gone, or no longer has the changes after `since`."""
        slot.require_position(slot.slot(self._control, self._name), self._name, since.lsn)
        publication.noted(self._control, self._name)


_: type[ChangeFeed] = LogFeed

"""Names the documents that changed, by a change stream of the database, and reads them in that state or a newer one.

A stream delivers only changes that the majority of the replica set has, so none of them is rolled back. Therefore it
also starts at a time that the majority has.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from bson import Timestamp
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from crossfade.errors import CrossfadeError, Stale
from crossfade.model.keys import Listed
from crossfade.model.positions import Floor, Position
from crossfade.model.urls import hide_password
from crossfade.stores.contract import ChangeBatch, ChangeFeed, Changes, PositionLost, Reader, Started
from crossfade.stores.contract.changes import BY_KEY, NamedBy
from crossfade.stores.mongodb.errors import speaking, translated
from crossfade.stores.mongodb.events import Named
from crossfade.stores.mongodb.feed_check import expands_events, lacking
from crossfade.stores.mongodb.position import OplogPoint, point_of, time_of
from crossfade.stores.mongodb.source import MongoReader
from crossfade.stores.mongodb.stream import MongoStream

FOLLOWING = "following the changes"
LOST = frozenset({286, 280, 260})
"""ChangeStreamHistoryLost; ChangeStreamFatalError: the token is not in the oplog; InvalidResumeToken."""
NOT_ALLOWED = frozenset({13, 59, 20, 115, 8000})
"""Unauthorized, CommandNotFound, IllegalOperation, CommandNotSupported, and Atlas's."""
QUIET = 0.2  # seconds between positions while nothing is named
ALIVE = 0.8  # the same, while the position does not change either
PATIENCE = 10.0  # seconds that a newly elected server may need to know what the majority has


class MongoChanges:
    """The changes of one database."""

    def __init__(self, db: Database[dict[str, Any]], url: str, reader: MongoReader) -> None:
        self._db, self._url, self._reader = db, url, reader

    def check(self, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> Sequence[str]:
        with speaking(self._url, "checking whether its changes can be followed"):
            return lacking(self._db, entities)

    def feed(self, name: str, entities: Sequence[str], named_by: NamedBy = BY_KEY) -> ChangeFeed:
        """Documents are named by their keys alone: `named_by` must be empty."""
        assert not named_by, "documents are named by their keys"
        return MongoFeed(self._db, self._url, entities)

    @contextmanager
    def reading(self, floor: Floor) -> Iterator[Reader]:
        """Return a reader of the member that the URL prefers: a secondary waits until it has seen the floor."""
        wanted = time_of(floor)
        client = self._db.client
        with speaking(self._url, "waiting for what was written"):
            session = client.start_session(causal_consistency=True)
        with session:
            if wanted is not None:
                with speaking(self._url, "waiting for what was written"):
                    client.admin.command("ping", session=session)  # the newest time that the primary knows
                self._require_known(wanted, (session.cluster_time or {}).get("clusterTime"))
                session.advance_operation_time(wanted)
            preferred = client.get_database(self._db.name, read_concern=ReadConcern("majority"))
            yield self._reader.within(preferred, session)

    def _require_known(self, wanted: Timestamp, known: Timestamp | None) -> None:
        if known is None or known < wanted:
            raise Stale(
                f"the source is at an earlier time than the changes that were followed ({hide_password(self._url)});"
                " nothing was read",
                hint="a source that was restored from a backup is another source: crossfade start compares everything",
            )


class MongoFeed:
    """The feed of some collections. It creates nothing in the source."""

    def __init__(self, db: Database[dict[str, Any]], url: str, entities: Sequence[str]) -> None:
        self._db, self._url, self._entities = db, url, tuple(entities)
        self._may_note = True
        self._is_closed = False

    def start(self) -> Started:
        """Start at a time that the majority of the replica set has, because only that cannot be rolled back."""
        with speaking(self._url, "asking for the source's time"):
            point = self._last_write("majorityOpTime")
        return Started(point.position(), point.floor)

    def position(self) -> Position:
        with speaking(self._url, "asking for the source's time"):
            return self._last_write("opTime").position()

    def changes(self, since: Position) -> Iterator[ChangeBatch]:
        point = point_of(since)
        try:
            self._require_reached(point)
            while not self._is_closed:
                with MongoStream(self._db, self._entities, point, expanded=expands_events(self._db)) as stream:
                    for named in _worth_saying(self._until_closed(stream), point):
                        point = named.point
                        yield _batch(named)
        except OperationFailure as error:
            if error.code in LOST:
                raise self._lost(since) from error
            raise translated(error, self._url, FOLLOWING) from error
        except PyMongoError as error:
            raise translated(error, self._url, FOLLOWING) from error

    def reached(self, position: Position, mark: Position) -> bool:
        return point_of(position).includes(point_of(mark))

    def durable(self, position: Position) -> None:
        """Do nothing: the oplog is discarded by size and age, regardless of its readers."""

    def backlog(self) -> int | None:
        return None

    def unreported(self) -> Sequence[str]:
        """Return nothing: the oplog has what is dropped and renamed, in order."""
        return ()

    def heartbeat(self) -> Position:
        """Write a note into the oplog, which also works while writes are blocked. If that is not allowed, the mark is
        the source's newest write; a replica set writes a note of its own every ten seconds.
        """
        if self._may_note:
            try:
                with speaking(self._url, "writing a note into the oplog"):
                    return self._note().position()
            except CrossfadeError as error:
                cause = error.__cause__
                if not isinstance(cause, OperationFailure) or cause.code not in NOT_ALLOWED:
                    raise
                self._may_note = False
        return self.position()

    def finish(self) -> None:
        """Do nothing: nothing was created."""

    def created(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        self._is_closed = True

    def _note(self) -> OplogPoint:
        reply = self._db.client.admin.command("appendOplogNote", 1, data={"crossfade": "heartbeat"})
        return OplogPoint(reply["operationTime"])

    def _last_write(self, which: str) -> OplogPoint:
        hello = self._db.client.admin.command("hello")
        if "lastWrite" not in hello:  # a router of a sharded cluster
            return OplogPoint(hello["$clusterTime"]["clusterTime"])
        return OplogPoint(hello["lastWrite"][which]["ts"])

    def _until_closed(self, stream: MongoStream) -> Iterator[Named]:
        return takewhile(lambda _: not self._is_closed, stream.replies())

    def _require_reached(self, point: OplogPoint) -> None:
        """Raise PositionLost if the source is at an earlier time: it was restored, and has other changes."""
        until = time.monotonic() + PATIENCE
        while self._last_write("opTime").time < point.time:
            if time.monotonic() > until:
                raise self._lost(point.position(), "it is at an earlier time, as after a restore from a backup")
            time.sleep(0.1)

    def _lost(self, since: Position, why: str = "its oplog does not reach back so far") -> PositionLost:
        return PositionLost(
            f"the source no longer has the changes after {since.at:%Y-%m-%d %H:%M:%S} UTC: {why}"
            f" ({hide_password(self._url)}); what was written since is not known",
            hint="crossfade start: it begins at a new position, compares everything and repairs what differs. A larger"
            " oplog bridges longer pauses (replSetResizeOplog)",
        )


def _worth_saying(found: Iterator[Named], since: OplogPoint) -> Iterator[Named]:
    """Leave out positions that follow one another closely while nothing is named."""
    said, at = since, 0.0
    for named in found:
        now = time.monotonic()
        if named or now - at >= (ALIVE if named.point == said else QUIET):
            said, at = named.point, now
            yield named


def _batch(named: Named) -> ChangeBatch:
    changed = tuple(Listed(entity, tuple(keys)) for entity, keys in named.keys.items() if keys)
    return ChangeBatch(named.point.position(), changed, named.point.floor, tuple(named.redefined))


_: type[Changes] = MongoChanges
_feed: type[ChangeFeed] = MongoFeed

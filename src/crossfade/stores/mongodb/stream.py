"""One change stream on the database, which names only the keys of changed documents.

The events are projected in the server: with full documents or descriptions of updates, one of more than 16 MB would end
the stream. Its commands are sent here, because pymongo's `ChangeStream` creates an object for each event, which takes
several times as long. Errors are left to the caller of a feed. While little happens, the next reply is requested after
a pause, so that many changes need few replies.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from bson import CodecOptions, Int64
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database
from pymongo.errors import PyMongoError

from crossfade.stores.mongodb.events import Named, read_reply
from crossfade.stores.mongodb.position import OplogPoint

EVENTS_A_REPLY = 5000
PAUSE = 0.05  # seconds between replies, unless they are full
WAIT_MS = 100  # that the server waits for an event
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_WRITES = ["insert", "update", "replace", "delete"]
_FIELDS = ("operationType", "ns", "to", "documentKey._id", "fullDocument._id", "updateDescription.updatedFields._id")
_WHOLE_DATABASE = "$cmd.aggregate"


class MongoStream:
    """An open stream that begins after `since`. `expanded`: whether the server also shows changes of collections."""

    def __init__(self, db: Database[Any], entities: Sequence[str], since: OplogPoint, *, expanded: bool) -> None:
        self._db, self._entities = db, tuple(entities)
        self._session = db.client.start_session(causal_consistency=False)
        self._cursor = 0
        try:
            self._first = self._opened(since, {"showExpandedEvents": True} if expanded else {})
        except BaseException:
            self._session.end_session()
            raise

    def replies(self) -> Iterator[Named]:
        """Yield the content of each reply, even an empty one. Ends with the stream if the database is dropped."""
        named = self._first
        while True:
            began = time.monotonic()
            if named is not None:
                yield named
            if not self._cursor:
                return
            if named is not None and 0 < named.count < EVENTS_A_REPLY:
                time.sleep(max(0.0, began + PAUSE - time.monotonic()))
            named = self._more()

    def close(self) -> None:
        with suppress(PyMongoError):
            if self._cursor:
                command = {"killCursors": _WHOLE_DATABASE, "cursors": [Int64(self._cursor)]}
                self._db.command(command, session=self._session)
        self._cursor = 0
        self._session.end_session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self, since: OplogPoint, options: Mapping[str, Any]) -> Named | None:
        stream = {"$changeStream": {**since.option(), **options}}
        return self._read(
            {
                "aggregate": 1,
                "pipeline": [stream, *stages(self._entities, since)],
                "cursor": {"batchSize": EVENTS_A_REPLY},
                "readConcern": {"level": "majority"},
            }
        )

    def _more(self) -> Named | None:
        command = {"getMore": Int64(self._cursor), "collection": _WHOLE_DATABASE}
        return self._read({**command, "batchSize": EVENTS_A_REPLY, "maxTimeMS": WAIT_MS})

    def _read(self, command: dict[str, Any]) -> Named | None:
        reply = self._db.command(command, codec_options=_RAW, session=self._session)
        self._cursor, named = read_reply(bytes(reply["cursor"].raw), self._entities)
        return named


def stages(entities: Sequence[str], since: OplogPoint) -> list[dict[str, Any]]:
    """Return the stages that pass on keys of these entities, and events on their collections."""
    later = {"clusterTime": {"$gt": since.time}} if since.token is None else {}  # the server's own start is inclusive
    names = {"$in": list(entities)}
    written = {"operationType": {"$in": _WRITES}, "ns.coll": names}
    redefined = {"operationType": {"$in": ["drop", "rename"]}, "$or": [{"ns.coll": names}, {"to.coll": names}]}
    gone = {"operationType": {"$in": ["dropDatabase", "invalidate"]}}
    return [{"$match": {**later, "$or": [written, redefined, gone]}}, {"$project": dict.fromkeys(_FIELDS, 1)}]

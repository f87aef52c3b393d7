"""Reads collections by ranges of their keys if they have an index on `_id`, otherwise in one stream.

Time-outs, and why sessions are not refreshed here: the server closes a cursor after ten idle minutes and a session
after thirty. Ranges are short, the key scan runs a query for each range, and a stream requests more after every reply
(at most 16 MB). A caller that takes longer over one reply gets Unreachable and reads the range again.
`no_cursor_timeout` would leave cursors open in the server when the process is killed, and Atlas refuses it.

Orphaned documents of a sharded cluster are not seen, because the router filters them under majority reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache
from typing import Any

from bson.max_key import MaxKey
from pymongo.client_session import ClientSession
from pymongo.cursor import RawBatchCursor
from pymongo.database import Database
from pymongo.errors import OperationFailure

from crossfade.errors import Refused
from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.shape import Path, Shape
from crossfade.records.bson.batch_size import documents_a_batch
from crossfade.records.bson.columns import Transcoder, compile_columns
from crossfade.records.bson.ejson import loads_canonical
from crossfade.stores.contract import Reader
from crossfade.stores.mongodb.bounds import ID, documents, ranges
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.errors import speaking
from crossfade.stores.mongodb.listing import has_key_index
from crossfade.stores.mongodb.match import matching, slices
from crossfade.stores.mongodb.replies import find_replies

DOCUMENTS_A_REPLY = 5000  # where all are read; of a chunk, see documents_a_batch
DOCUMENTS_A_CHUNK = 200_000  # the most documents in a chunk, to bound the keys held while chunks are computed
USUAL_SIZE = 1024  # bytes of a document if the server does not say
KEPT_TRANSCODERS = 8


class MongoReader:
    """Reads one database. Every method that reads an entity raises Refused if it does not exist, Unreachable if the
    connection is lost."""

    def __init__(self, db: Database[dict[str, Any]], url: str) -> None:
        self._db = db
        self._url = url
        self._session: ClientSession | None = None
        self._has_key_index = lru_cache(maxsize=None)(self._ask_for_key_index)
        self._transcoders: list[tuple[Shape, tuple[Column, ...], Transcoder]] = []

    def within(self, db: Database[dict[str, Any]], session: ClientSession) -> MongoReader:
        """Return a reader of the same database whose reads belong to the session. It shares this one's caches."""
        other = copy(self)
        other._db, other._session = db, session
        return other

    def chunks(self, entity: str, *, target_bytes: int) -> Iterator[Chunk]:
        with speaking(self._url, f"looking at the keys of {entity}"):
            collection = collection_of(self._db, entity)
            if not self._has_key_index(entity):
                yield Chunk(entity, 0, None, None, collection.count_documents({}, session=self._session))
                return
            size = max(1, min(DOCUMENTS_A_CHUNK, target_bytes // self._average_size(entity)))
            for number, (lower, upper, count) in enumerate(ranges(collection, size, self._session)):
                count += self._count_last_key(entity) if upper is None and lower is not None else 0
                yield Chunk(entity, number, lower, upper, count)

    def raw(self, chunk: Chunk) -> Iterator[bytes]:
        with speaking(self._url, f"reading {chunk.entity}"):
            if not self._has_key_index(chunk.entity):
                yield from self._stream(chunk.entity, {})
                return
            yield from self._range(chunk)
            if chunk.upper is None and chunk.lower is not None:
                yield from self._last_key(chunk.entity)

    def batches(self, chunk: Chunk, shape: Shape, columns: Sequence[Column]) -> Iterator[Batch]:
        transcoder = self._transcoder(shape, tuple(columns))
        for raw in self.raw(chunk):
            yield transcoder.read(raw)

    def count(self, entity: str) -> int:
        with speaking(self._url, f"counting {entity}"):
            options: dict[str, Any] = {"hint": ID} if self._has_key_index(entity) else {}
            return collection_of(self._db, entity).count_documents({}, session=self._session, **options)

    def scan(self, entity: str) -> Iterator[bytes]:
        with speaking(self._url, f"reading {entity}"):
            self._has_key_index(entity)
            yield from self._stream(entity, {})

    def keys(self, entity: str) -> Iterator[bytes]:
        with speaking(self._url, f"reading the keys of {entity}"):
            covered = {"hint": ID} if self._has_key_index(entity) else {}
            yield from self._stream(entity, {}, projection={"_id": 1}, **covered)

    def fetch(self, entity: str, path: Path, values: Sequence[str], shape: Shape | None = None) -> Iterator[bytes]:
        with speaking(self._url, f"fetching from {entity}"):
            self._has_key_index(entity)
            seen: set[bytes] = set()
            for portion in slices(values):
                for batch in self._stream(entity, matching(path, portion)):
                    if fresh := b"".join(_unseen(batch, seen)):
                        yield fresh

    def _range(self, chunk: Chunk) -> Iterator[bytes]:
        size = (
            documents_a_batch(chunk.count) + 1
        )  # one more, so that the server closes the cursor with the last document
        cursor = self._cursor(chunk.entity, {}, size, sort=ID, hint=ID)
        if chunk.lower is not None:
            cursor = cursor.min([("_id", loads_canonical(chunk.lower))])
        if chunk.upper is not None:
            cursor = cursor.max([("_id", loads_canonical(chunk.upper))])
        yield from _replies(cursor)

    def _last_key(self, entity: str) -> Iterator[bytes]:
        """Return the document whose `_id` is MaxKey: a range without an upper bound does not include it."""
        yield from self._stream(entity, {"_id": MaxKey()})

    def _count_last_key(self, entity: str) -> int:
        return sum(1 for batch in self._last_key(entity) for _ in documents(batch))

    def _stream(self, entity: str, query: Mapping[str, Any], **options: Any) -> Iterator[bytes]:
        yield from _replies(self._cursor(entity, query, **options))

    def _cursor(
        self, entity: str, query: Mapping[str, Any], size: int = DOCUMENTS_A_REPLY, **options: Any
    ) -> RawBatchCursor[Any]:
        return find_replies(collection_of(self._db, entity), query, batch_size=size, session=self._session, **options)

    def _ask_for_key_index(self, entity: str) -> bool:
        """Return whether the entity has an index on `_id`: views, time series and clustered collections have none."""
        found = has_key_index(self._db, entity)
        if found is None:
            raise Refused(
                f"the database {self._db.name!r} has no collection {entity!r}; nothing was read",
                hint="compare the entities in crossfade.toml with what the source holds (crossfade survey)",
            )
        return found

    def _average_size(self, entity: str) -> int:
        try:
            for stats in collection_of(self._db, entity).aggregate([{"$collStats": {"storageStats": {"scale": 1}}}]):
                return int(stats["storageStats"].get("avgObjSize") or USUAL_SIZE)
        except OperationFailure:  # a login may have the right to read without the right to see sizes
            return USUAL_SIZE
        return USUAL_SIZE

    def _transcoder(self, shape: Shape, columns: tuple[Column, ...]) -> Transcoder:
        """Return the transcoder, compiled once: a worker reads many chunks of one entity with the same columns."""
        for known, its_columns, transcoder in self._transcoders:
            if its_columns == columns and (known is shape or known == shape):
                return transcoder
        transcoder = compile_columns(shape, columns)
        self._transcoders = [(shape, columns, transcoder), *self._transcoders][:KEPT_TRANSCODERS]
        return transcoder


def _replies(cursor: RawBatchCursor[Any]) -> Iterator[bytes]:
    """Yield the server's replies: at most 16 MB each, or one document. Always closes the cursor."""
    with cursor:
        yield from (reply for reply in cursor if reply)


def _unseen(batch: bytes, seen: set[bytes]) -> Iterator[bytes]:
    """Return the documents that no earlier portion of values found."""
    for document in documents(batch):
        mark = hashlib.blake2b(document, digest_size=16).digest()
        if mark not in seen:
            seen.add(mark)
            yield document


_: type[Reader] = MongoReader

"""Writes to MongoDB: documents encoded here, one transaction for everything that belongs together.

On a standalone server, which has no transactions, every write is done at once and the journal's record of a chunk comes
after its documents: after a kill in between, the next run recognizes these documents by their keys and bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa
from bson import CodecOptions, encode
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure, PyMongoError

from crossfade.model.described import Described
from crossfade.model.target import TargetTable
from crossfade.stores.contract import OtherRows, RecordRows, RowRejected, TargetTransaction, Writer
from crossfade.stores.mongodb import keys as by_key
from crossfade.stores.mongodb import other_rows, refusals
from crossfade.stores.mongodb.catalog import describe
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.commands import drops, run_command
from crossfade.stores.mongodb.documents import documents
from crossfade.stores.mongodb.errors import UNAUTHORIZED, speaking
from crossfade.stores.mongodb.fields import KEY, is_compound, stored
from crossfade.stores.mongodb.journal import MongoJournal
from crossfade.stores.mongodb.lock import Lease
from crossfade.stores.mongodb.rows import canonical_batch
from crossfade.stores.mongodb.slots import Slots
from crossfade.stores.mongodb.transaction import MAJORITY, Repeatable, Session

Undo = Callable[[], None]

_PARALLEL = 32
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_BYTES_AT_ONCE = 40_000_000


class MongoWriter:
    """Writes through the client of its store."""

    def __init__(self, client: MongoClient[dict[str, Any]], db: Database[dict[str, Any]], url: str) -> None:
        self._client, self._url = client, url
        self._db = db.with_options(write_concern=MAJORITY)
        self._session: ClientSession | None = None
        self._slots: Slots | None = None

    def _opened(self) -> Slots:
        """Return the slots of this writer, with its session; a standalone server has no sessions."""
        if self._slots is None:
            hello = self._client.admin.command("hello")
            if "setName" in hello or hello.get("msg") == "isdbgrid":
                self._session = self._client.start_session(causal_consistency=True)
            self._slots = Slots(self._db, self._session)
        return self._slots

    def close(self) -> None:
        if self._session is not None:
            self._session.end_session()
        self._session = self._slots = None

    @contextmanager
    def transaction(self) -> Iterator[TargetTransaction]:
        with speaking(self._url, "writing"):
            slots = self._opened()
            work = Repeatable(self._session)
            try:
                yield MongoTransaction(self._db, self._url, work, slots)
                work.commit()
            except ConnectionFailure:
                self.close()
                raise
            finally:
                work.end()

    @contextmanager
    def lock(self) -> Iterator[None]:
        with speaking(self._url, "locking the target"), Lease(self._db, self._url).hold():
            yield

    def is_locked(self) -> bool:
        with speaking(self._url, "asking for its lock"):
            return Lease(self._db, self._url).is_held

    def fill_rank(self) -> int:
        return _PARALLEL


class MongoTransaction:
    """Works inside the transaction that MongoWriter began."""

    def __init__(self, db: Database[dict[str, Any]], url: str, work: Repeatable, slots: Slots) -> None:
        self._db, self._url, self._work = db, url, work
        self.journal = MongoJournal(db, work, slots)

    def load(self, table: TargetTable, rows: Any) -> None:
        if not len(rows):
            return
        raws = documents(table, rows)
        collection = collection_of(self._db, table.table).with_options(codec_options=_RAW)
        try:
            self._work.write(partial(_insert, collection, raws), undo=lambda: self._delete_raws(table, raws))
        except (BulkWriteError, OperationFailure) as error:
            self._settle(table, raws, error)

    def _settle(self, table: TargetTable, raws: Sequence[bytes], error: OperationFailure) -> None:
        """Raise RowRejected for the documents that the server refused. The others are removed again."""
        found = refusals.of(self._db, table, raws, error, own=not self._work.has_transactions)
        if found is None:
            raise error
        if not found:  # all documents exist already, byte for byte: a killed run wrote them
            self._work.write(lambda session: None, undo=lambda: self._delete_raws(table, raws))
            return
        if not self._work.has_transactions:
            out = {refusal.row for refusal in found}
            self._delete_raws(table, [raw for row, raw in enumerate(raws) if row not in out])
        first = found[0]
        raise RowRejected(
            first.reason,
            first.detail,
            table=table.name,
            column=first.column,
            constraint=first.constraint,
            rows=found,
        )

    def _delete_raws(self, table: TargetTable, raws: Sequence[bytes]) -> None:
        ids = [refusals.key_of(raw) for raw in raws]
        for at in range(0, len(ids), 1000):
            collection_of(self._db, table.table).delete_many({"_id": {"$in": ids[at : at + 1000]}})

    def load_each(self, parts: Sequence[RecordRows]) -> Mapping[int, RowRejected] | None:
        """Return None: an error ends a transaction of MongoDB, and `load` names the documents at fault."""
        return None

    def update(
        self, table: TargetTable, rows: Any, changed: Sequence[str] | None = None, *, for_now: bool = False
    ) -> int:
        """Set the fields of `rows`, and remove those that are to be missing; all others stay as they are. If the schema
        and `rows` have all fields of a document, the document is replaced: then all that the validator refuses can be
        queried. Values `for_now` bypass the validator, if the login may do that.
        """
        if not len(rows):
            return 0
        is_whole = not table.is_open and {c.name for c in table.columns} <= set(rows.column_names)
        raws = [RawBSONDocument(raw, _RAW) for raw in documents(table, rows)]
        names = [stored(table, name) for name in rows.column_names if name not in table.primary_key]
        requests: list[Any] = [ReplaceOne({KEY: raw[KEY]}, raw) if is_whole else _changed(raw, names) for raw in raws]
        collection = collection_of(self._db, table.table).with_options(codec_options=_RAW)

        def write(session: Session, *, past: bool | None = None) -> int:
            return collection.bulk_write(requests, session=session, bypass_document_validation=past).matched_count

        keys = [RawBSONDocument(encode({KEY: {"$in": [raw[KEY] for raw in raws]}}))]
        try:
            with self._restored(table, keys) as undo:
                return self._past_validator(write, undo) if for_now else self._work.write(write, undo)
        except PyMongoError as error:
            refusal = refusals.of_updates(self._db, table, raws, error, whole=is_whole)
            if refusal is None:
                raise
            raise refusal from error

    def _past_validator(self, write: Callable[..., int], undo: Undo | None) -> int:
        """Write without the validator, or with it if the login may not bypass it."""
        try:
            return self._work.write(partial(write, past=True), undo)
        except OperationFailure as error:
            if error.code != UNAUTHORIZED:
                raise
            return self._work.write(write, undo)

    @contextmanager
    def _restored(
        self, table: TargetTable, filters: Sequence[Mapping[str, Any]]
    ) -> Iterator[Callable[[], None] | None]:
        """Yield what undoes changes of these documents on a standalone server; after an error it is done at once."""
        if self._work.has_transactions:
            yield None
            return
        collection: Any = collection_of(self._db, table.table).with_options(codec_options=_RAW)
        before = [ReplaceOne({KEY: one[KEY]}, one, upsert=True) for some in filters for one in collection.find(some)]

        def undo() -> None:
            if before:
                collection.bulk_write(before, ordered=False)

        try:
            yield undo
        except PyMongoError:
            undo()
            raise

    def delete(self, table: TargetTable, keys: Any, *, beside: Sequence[tuple[TargetTable, Any]] = ()) -> int:
        if not len(keys):
            return 0
        collection = collection_of(self._db, table.table)
        found = list(by_key.filters(table, keys))
        with self._restored(table, found) as undo:
            return self._work.write(
                lambda session: sum(collection.delete_many(one, session=session).deleted_count for one in found), undo
            )

    def owned(self, table: TargetTable, by: Any, columns: Sequence[str]) -> Any:
        collection = collection_of(self._db, table.table).with_options(codec_options=_RAW)
        found = list(by_key.filters(table, by))
        own = table.primary_key if is_compound(table) else ()  # compared with the same fields beside the key
        # The whole document if unknown fields are to be described as well, or if a name would be taken for a path.
        is_whole = {c.name for c in table.columns} <= set(columns) or any(map(_is_odd, (*columns, *own)))
        only = None if is_whole else dict.fromkeys((*(stored(table, name) for name in (*columns, *own)), KEY), 1)

        def read(session: Session) -> bytes:
            return b"".join(bytes(d.raw) for one in found for d in collection.find(one, only, session=session))

        return pa.Table.from_batches([canonical_batch(table, columns, self._work.ask(read))])

    def key_name(self, table: TargetTable) -> str | None:
        return refusals.KEY_INDEX

    def count(self, table: TargetTable, *, hold: bool) -> int | None:
        """Count the documents. `hold` has no effect: MongoDB has no locks on collections."""
        if table.table not in self._db.list_collection_names(filter={"name": table.table}):
            return None
        collection = collection_of(self._db, table.table)
        return self._work.ask(lambda session: collection.count_documents({}, session=session))

    def holds(self, table: TargetTable, column: str | None = None) -> bool:
        query = {} if column is None else {stored(table, column): {"$nin": [None]}}
        found = self._work.ask(lambda s: collection_of(self._db, table.table).find_one(query, {"_id": 1}, session=s))
        return found is not None

    def mark(self, table: TargetTable, rows: Any) -> bytes | None:
        return other_rows.mark(table, rows)

    @property
    def edits_show(self) -> bool:
        return False

    def pack_marks(self) -> None:
        """Put the keys of many small notes into one. The last note of each key counts."""
        self._work.write(lambda session: other_rows.pack(self._db, session))

    def other_rows(self, table: TargetTable, *, limit: int) -> OtherRows:
        return self._work.ask(lambda session: other_rows.other_rows(self._db, table, limit, session))

    def describe(self) -> Described:
        return describe(self._db)

    def left_broken(self, statements: Sequence[str]) -> list[str]:
        """Return nothing: objects that read a collection still work without it, and find no documents."""
        return []

    def empty(self, table: TargetTable, *, beside: Collection[TargetTable]) -> None:
        collection = collection_of(self._db, table.table)
        self._work.write(lambda session: collection.delete_many({}, session=session))

    def run(self, sql: str) -> None:
        """Run a command of the schema. It cannot run in the transaction; running it twice is harmless.

        A command that drops something is run after the commit, and so are those that follow it.
        """
        if drops(sql) or self._work.waits:
            self._work.later(lambda: run_command(self._db, sql))
            return
        try:
            run_command(self._db, sql)
        except OperationFailure as error:
            if error.code not in refusals.REASONS:
                raise
            raise RowRejected(refusals.REASONS[error.code], refusals.said(error), table="") from error

    def begin_journal(self) -> None:
        """Do nothing: its collections have a prefix."""

    def note_default_schema(self) -> None:
        """Do nothing: a database has no schemas."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with self._work.savepoint():
            yield


def _changed(raw: RawBSONDocument, names: Sequence[str]) -> UpdateOne:
    sets = {name: value for name, value in raw.items() if name in names}
    gone = {name: "" for name in names if name not in sets}
    if any(map(_is_odd, names)):
        return UpdateOne({KEY: raw[KEY]}, list(_steps(sets, list(gone))))
    change = {op: values for op, values in (("$set", sets), ("$unset", gone)) if values}
    return UpdateOne({KEY: raw[KEY]}, change or {"$set": {}})


def _is_odd(name: str) -> bool:
    """Return whether a name of a field would be taken for a path, or for an operator."""
    return "." in name or name.startswith("$")


def _steps(sets: Mapping[str, Any], gone: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the stages that set and remove fields of any names. Requires MongoDB 5.0."""
    if plain := {name: {"$literal": value} for name, value in sets.items() if not _is_odd(name)}:
        yield {"$set": plain}
    if left := [name for name in gone if not _is_odd(name)]:
        yield {"$unset": left}
    whole: Any = "$$ROOT"
    for name in filter(_is_odd, [*sets, *gone]):
        value = {"$literal": sets[name]} if name in sets else "$$REMOVE"
        whole = {"$setField": {"field": {"$literal": name}, "input": whole, "value": value}}
    yield {"$replaceWith": whole}


def _insert(collection: Any, raws: Sequence[bytes], session: Session) -> None:
    """Insert the documents; without a transaction also those after one that is refused. The error has all of them, by
    their places among all documents.
    """
    refused: list[BulkWriteError] = []
    errors: list[dict[str, Any]] = []
    start = 0
    for some in _portions(raws):
        try:
            collection.insert_many([RawBSONDocument(raw) for raw in some], ordered=session is not None, session=session)
        except BulkWriteError as error:
            found = (error.details or {}).get("writeErrors", [])
            if not found:
                raise
            errors += [{**one, "index": one["index"] + start} for one in found]
            refused.append(error)
            if session is not None:
                break
        start += len(some)
    if refused:
        raise BulkWriteError({**(refused[0].details or {}), "writeErrors": errors}) from refused[0]


def _portions(raws: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start, size = 0, 0
    for place, raw in enumerate(raws):
        if size + len(raw) > _BYTES_AT_ONCE and place > start:
            yield raws[start:place]
            start, size = place, 0
        size += len(raw)
    yield raws[start:]


_: type[Writer] = MongoWriter

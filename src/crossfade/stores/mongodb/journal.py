"""The journal's tables as collections (stores/contract/journal.py says what each operation does).

A row is a document whose `_id` is its key: the value itself, or a document of the key's columns. A value of many bytes
is cut into pieces that are documents of their own, because a source document of 16 MB leaves no room for anything else.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pymongo import DeleteMany, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from crossfade.stores.contract.journal import (
    Groups,
    JournalColumn,
    JournalTable,
    JournalTables,
    OneOf,
    Row,
    Size,
    Where,
)
from crossfade.stores.mongodb.conditions import Document, filter_of
from crossfade.stores.mongodb.transaction import Changed, Repeatable, Session

PREFIX = "crossfade."
SLOTS = f"{PREFIX}slot"
"""A document for each writer: a transaction that keeps others from taking over writes into its own."""
PIECES = f"{PREFIX}piece"
_PIECE = 8_000_000
_NAMESPACE_EXISTS = 48
_ROWS_AT_ONCE = 1000


class Slot:
    """The document of one writer, made when it first takes part in a run. It says which session is to be ended when
    another run takes over.
    """

    def __init__(self, db: Database[Document], session: Session) -> None:
        self.name = uuid.uuid4().hex
        self._db, self._session, self._is_noted = db, session, False

    def note(self) -> None:
        if not self._is_noted and self._session is not None:
            noted = {"n": 0, "session": self._session.session_id["id"]}
            self._db[SLOTS].update_one({"_id": self.name}, {"$set": noted}, upsert=True)
            self._is_noted = True


class MongoJournal:
    """The tables in one transaction of the writer that `slot` is of."""

    def __init__(self, db: Database[Document], work: Repeatable, slot: Slot) -> None:
        self._db, self._work, self._slot = db, work, slot

    def create(self, table: JournalTable) -> None:
        for name in (_name(table), SLOTS, PIECES):
            try:
                self._db.command("create", name)
            except OperationFailure as error:
                if error.code != _NAMESPACE_EXISTS:
                    raise
        for name, columns in table.indexes.items():
            self._db[_name(table)].create_index([(column, 1) for column in columns], name=name)
        self._db[PIECES].create_index([("of", 1)], name="piece_of")

    def add_column(self, table: JournalTable, column: JournalColumn) -> None:
        self._db[_name(table)].update_many({}, {"$set": {column.name: column.default}})

    def drop(self, table: JournalTable) -> None:
        """Drop the collection when the transaction is committed; with the last one, what belongs to none."""
        names = [_name(table), *((SLOTS, PIECES) if table.name == "move" else ())]

        def run() -> None:
            for name in names:
                self._db.drop_collection(name)

        self._work.later(run)

    def select(
        self,
        table: JournalTable,
        columns: Sequence[str | Size],
        where: Where = (),
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
        distinct: bool = False,
    ) -> list[tuple[Any, ...]]:
        wanted: dict[str, Any] = {"_id": 0}
        for column in columns:
            wanted[_sized(column.column) if isinstance(column, Size) else column] = 1

        def find(session: Session) -> list[tuple[Any, ...]]:
            found = self._db[_name(table)].find(filter_of(where), wanted, session=session)
            found = found.sort([(name, 1) for name in order]) if order else found
            found = found.limit(limit) if limit is not None else found
            return [self._row(document, columns, session) for document in found]

        rows = self._work.ask(find)
        return list(dict.fromkeys(rows)) if distinct else rows

    def _row(self, document: Document, columns: Sequence[str | Size], session: Session) -> tuple[Any, ...]:
        return tuple(
            document.get(_sized(c.column)) if isinstance(c, Size) else self._whole(document.get(c), session)
            for c in columns
        )

    def _whole(self, value: Any, session: Session) -> Any:
        """The value; of one that was cut, its pieces together."""
        if not isinstance(value, dict):
            return value
        found = self._db[PIECES].find({"of": value["pieces"]}, session=session).sort("number")
        return b"".join(piece["data"] for piece in found)

    def shared(self, table: JournalTable, columns: Sequence[str], where: Where) -> list[tuple[Any, ...]]:
        first: list[list[tuple[Any, ...]]] = []
        self._slot.note()

        def hold(session: Session) -> list[tuple[Any, ...]]:
            if session is not None:  # conflicts with `upsert` of the same table, which writes into all slots
                self._db[SLOTS].update_one({"_id": self._slot.name}, {"$inc": {"n": 1}}, session=session)
            found = self._db[_name(table)].find(filter_of(where), session=session)
            rows = [tuple(document.get(name) for name in columns) for document in found]
            if first and first[0] != rows:
                raise Changed
            first.append(rows)
            return rows

        return self._work.write(hold)

    def lock(self, table: JournalTable, where: Where = ()) -> None:
        first: list[int] = []

        def take(session: Session) -> None:
            count = (
                self._db[_name(table)].update_many(filter_of(where), {"$inc": {"#": 1}}, session=session).matched_count
            )
            if first and first[0] != count:
                raise Changed
            first.append(count)

        self._work.write(take)

    def count(self, table: JournalTable, by: Sequence[str], where: Where = ()) -> list[tuple[Any, ...]]:
        group = {"_id": {name: f"${name}" for name in by}, "n": {"$sum": 1}}
        sort = {f"_id.{name}": 1 for name in by}
        steps = [{"$match": filter_of(where)}, {"$group": group}, {"$sort": sort}]
        found = self._aggregate(table, steps)
        return [(*(one["_id"].get(name) for name in by), one["n"]) for one in found]

    def groups(
        self, table: JournalTable, columns: Sequence[str], where: Where, of: Groups
    ) -> list[tuple[int, Any, tuple[Any, ...]]]:
        link = {"from": _name(table), "localField": of.link, "foreignField": "_id", "as": "linked"}
        link["pipeline"] = [{"$project": {of.linked: 1}}]  # type: ignore[assignment]
        kept = dict.fromkeys((*of.by, *of.order), 1)
        key = {name: f"${name}" for name in of.by} | {"linked": {"$first": f"$linked.{of.linked}"}}
        first = {"$topN": {"n": of.first, "sortBy": dict.fromkeys(of.order, 1), "output": "$_id"}}
        steps = [
            {"$match": filter_of(where)},
            {"$lookup": link},
            {"$project": {**kept, "linked": 1}},
            {"$group": {"_id": key, "n": {"$sum": 1}, "first": first}},
        ]
        found: list[tuple[int, Any, tuple[Any, ...]]] = []
        for group in self._aggregate(table, steps):
            ids = group["first"]
            rows = {
                row[0]: row[1:] for row in self.select(table, (table.key[0], *columns), (OneOf(table.key[0], ids),))
            }
            found += [(group["n"], group["_id"].get("linked"), rows[id_]) for id_ in ids if id_ in rows]
        return found

    def _aggregate(self, table: JournalTable, steps: Sequence[Document]) -> list[Document]:
        collection = self._db[_name(table)]
        return self._work.ask(lambda session: list(collection.aggregate(steps, session=session)))

    def insert(self, table: JournalTable, rows: Sequence[Row], *, keep: bool = False) -> None:
        if keep:
            documents = [self._document(table, row) for row in rows]
            self._write(table, [UpdateOne({"_id": d["_id"]}, {"$setOnInsert": d}, upsert=True) for d in documents])
        else:
            self._write(table, [InsertOne(self._document(table, row)) for row in rows])

    def upsert(self, table: JournalTable, rows: Sequence[Row]) -> None:
        documents = [self._document(table, row) for row in rows]
        self._write(table, [ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in documents], overtakes=True)

    def update(self, table: JournalTable, values: Row, where: Where = ()) -> None:
        self._write(table, [UpdateMany(filter_of(where), {"$set": self._stored(table, values)})])

    def update_each(self, table: JournalTable, changes: Sequence[tuple[Row, Row]]) -> None:
        self._write(
            table, [UpdateMany(_same(table, now), {"$set": self._stored(table, then)}) for now, then in changes]
        )

    def add(self, table: JournalTable, amounts: Mapping[str, int], where: Where) -> None:
        self._write(table, [UpdateMany(filter_of(where), {"$inc": dict(amounts)})])

    def delete(self, table: JournalTable, where: Where = ()) -> None:
        self._write(table, [DeleteMany(filter_of(where))])

    def delete_each(self, table: JournalTable, rows: Sequence[Row]) -> None:
        self._write(table, [DeleteMany(_same(table, row)) for row in rows])

    def _write(self, table: JournalTable, requests: Sequence[Any], *, overtakes: bool = False) -> None:
        collection: Collection[Document] = self._db[_name(table)]
        overtakes = overtakes and table.name == "run"

        if overtakes and self._work.has_transactions:
            self._end_others()

        def run(session: Session) -> None:
            if overtakes and session is not None:
                self._db[SLOTS].update_many({}, {"$inc": {"n": 1}}, session=session)
            collection.bulk_write(requests, ordered=False, session=session)

        if requests:
            self._work.write(run)

    def _end_others(self) -> None:
        """End the sessions of other writers, with what they have begun: a server keeps it for a minute otherwise."""
        others = {"_id": {"$ne": self._slot.name}}
        sessions = [{"id": slot["session"]} for slot in self._db[SLOTS].find(others) if "session" in slot]
        if sessions:
            with suppress(OperationFailure):  # a login of another user's: they end by themselves
                self._db.client.admin.command("killSessions", sessions)
        self._db[SLOTS].delete_many(others)

    def _document(self, table: JournalTable, row: Row) -> Document:
        defaults = {column.name: column.default for column in table.columns}
        return {"_id": _key(table, row), **defaults, **self._stored(table, row)}

    def _stored(self, table: JournalTable, row: Row) -> Document:
        kinds = {column.name: column.kind for column in table.columns}
        found: Document = {}
        for name, value in row.items():
            found[name] = value
            if kinds[name] == "bytes":
                found[_sized(name)] = None if value is None else len(value)
                if value is not None and len(value) > _PIECE:
                    found[name] = {"pieces": self._cut(value)}
        return found

    def _cut(self, value: bytes) -> str:
        name = uuid.uuid4().hex
        starts = range(0, len(value), _PIECE)
        pieces = [{"of": name, "number": n, "data": value[at : at + _PIECE]} for n, at in enumerate(starts)]
        for piece in pieces:
            self._work.write(_inserts(self._db[PIECES], piece))
        return name


def _inserts(collection: Collection[Document], document: Document) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        collection.insert_one(dict(document), session=session)

    return run


def _name(table: JournalTable) -> str:
    return PREFIX + table.name


def _sized(column: str) -> str:
    return f"{column}#size"


def _key(table: JournalTable, row: Row) -> Any:
    values = {name: row[name] for name in table.key}
    return values[table.key[0]] if len(table.key) == 1 else values


def _same(table: JournalTable, row: Row) -> Document:
    if set(row) == set(table.key) and len(row) == 1:
        return {"_id": row[table.key[0]]}
    return dict(row)


_: type[JournalTables] = MongoJournal

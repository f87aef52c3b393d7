"""The journal's tables as collections (stores/contract/journal.py says what each operation does).

A row is a document whose `_id` is its key: the value itself, or a document of the key's columns. A value of many bytes
is split into documents of their own, because a source document of 16 MB leaves no room for anything else.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pymongo import DeleteMany, InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

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
from crossfade.stores.mongodb.slots import COLLECTION, SHARED, Slots
from crossfade.stores.mongodb.transaction import LockedChanged, Repeatable, Session, is_transient

PREFIX = "crossfade."
PIECES = f"{PREFIX}piece"
_PIECE = 8_000_000
_NAMESPACE_EXISTS = 48
_ROWS_AT_ONCE = 1000


class MongoJournal:
    """The tables in one transaction of the writer that has these slots."""

    def __init__(self, db: Database[Document], work: Repeatable, slots: Slots) -> None:
        self._db, self._work, self._slots = db, work, slots
        self._locked: set[str] = set()

    def create(self, table: JournalTable) -> None:
        for name in (_name(table), COLLECTION, PIECES):
            try:
                self._db.command("create", name)
            except OperationFailure as error:
                if error.code != _NAMESPACE_EXISTS:
                    raise
        if table.name in SHARED:
            self._slots.exist(table.name)
        own = {f"{table.name}_of": table.key} if len(table.key) > 1 else {}
        for name, columns in {**own, **table.indexes}.items():
            self._db[_name(table)].create_index([(column, 1) for column in columns], name=name)
        self._db[PIECES].create_index([("of", 1)], name="piece_of")

    def add_column(self, table: JournalTable, column: JournalColumn) -> None:
        self._db[_name(table)].update_many({}, {"$set": {column.name: column.default}})

    def drop(self, table: JournalTable) -> None:
        """Drop the collection after the commit; with the last one, also those that belong to no table."""
        names = [_name(table), *((COLLECTION, PIECES) if table.name == "move" else ())]

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
        find = self._find(table, columns, where, order=order, limit=limit)
        rows = self._work.ask(find)
        return list(dict.fromkeys(rows)) if distinct else rows

    def _find(
        self,
        table: JournalTable,
        columns: Sequence[str | Size],
        where: Where,
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
    ) -> Callable[[Session], list[tuple[Any, ...]]]:
        wanted: dict[str, Any] = {"_id": 0}
        for column in columns:
            wanted[_sized(column.column) if isinstance(column, Size) else column] = 1

        def find(session: Session) -> list[tuple[Any, ...]]:
            found = self._db[_name(table)].find(filter_of(where), wanted, session=session)
            found = found.sort([(name, 1) for name in order]) if order else found
            found = found.limit(limit) if limit is not None else found
            return [self._row(document, columns, session) for document in found]

        return find

    def _row(self, document: Document, columns: Sequence[str | Size], session: Session) -> tuple[Any, ...]:
        return tuple(
            document.get(_sized(c.column)) if isinstance(c, Size) else whole(self._db, document.get(c), session)
            for c in columns
        )

    def shared(self, table: JournalTable, columns: Sequence[str], where: Where) -> list[tuple[Any, ...]]:
        first: list[list[tuple[Any, ...]]] = []
        self._locked.add(table.name)
        self._slots.note(table.name)

        def hold(session: Session) -> list[tuple[Any, ...]]:
            if session is not None:
                self._slots.share(table.name, session)
            found = self._db[_name(table)].find(filter_of(where), session=session)
            rows = [tuple(document.get(name) for name in columns) for document in found]
            if first and first[0] != rows:
                raise LockedChanged
            first.append(rows)
            return rows

        return self._work.write(hold)

    def lock(self, table: JournalTable, where: Where = ()) -> None:
        first: list[int] = []
        is_shared, is_first = table.name in SHARED, table.name not in self._locked
        self._locked.add(table.name)
        if is_shared and self._work.has_transactions:
            self._prepare(table)

        def take(session: Session) -> None:
            if session is not None and is_shared:
                self._slots.alone(table.name, session)
            elif session is not None and is_first:  # later, others may wait for rows that are already locked
                self._slots.wait(table.name)
            count = (
                self._db[_name(table)].update_many(filter_of(where), {"$inc": {"#": 1}}, session=session).matched_count
            )
            if first and first[0] != count:
                raise LockedChanged
            first.append(count)

        self._work.write(take)

    def locked(self, table: JournalTable, columns: Sequence[str], where: Where = ()) -> list[tuple[Any, ...]]:
        """Return the rows. Writes depend on them, so a repeated transaction must find the same ones."""
        self.lock(table, where)
        return self._work.ask(self._find(table, columns, where, order=table.key), again=True)

    def take(self, table: JournalTable, values: Row, where: Where, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        found = self.locked(table, columns, where)
        self.update(table, values, where)
        return found

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
        needed = dict.fromkeys((*of.by, *of.order), 1)
        key = {name: f"${name}" for name in of.by} | {"linked": {"$first": f"$linked.{of.linked}"}}
        first = {"$topN": {"n": of.first, "sortBy": dict.fromkeys(of.order, 1), "output": "$_id"}}
        steps = [
            {"$match": filter_of(where)},
            {"$lookup": link},
            {"$project": {**needed, "linked": 1}},
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
            requests = [UpdateOne({"_id": d["_id"]}, {"$setOnInsert": d}, upsert=True) for d in documents]
            self._write(table, requests, kept=documents)
        else:
            self._write(table, [InsertOne(self._document(table, row)) for row in rows])

    def upsert(self, table: JournalTable, rows: Sequence[Row]) -> None:
        documents = [self._document(table, row) for row in rows]
        if table.name == "dirty" and "move" in self._locked:
            # The caller reads the records then: a repeated transaction must not replace a number that came meanwhile.
            own = {"_id": {"$in": [d["_id"] for d in documents]}}
            self._work.ask(lambda session: self._numbers(table, own, session), again=True)
        requests = [ReplaceOne({"_id": d["_id"]}, d, upsert=True) for d in documents]
        self._write(table, requests, overtakes=True, replaced=[{"_id": d["_id"]} for d in documents])

    def _numbers(self, table: JournalTable, where: Document, session: Session) -> list[Any]:
        found = self._db[_name(table)].find(where, {"number": 1}, session=session).sort("_id")
        return [(one["_id"], one["number"]) for one in found]

    def update(self, table: JournalTable, values: Row, where: Where = ()) -> None:
        replaced = [filter_of(where)] if _bytes_in(table, values) else []
        self._write(table, [UpdateMany(filter_of(where), {"$set": self._stored(table, values)})], replaced=replaced)

    def update_each(self, table: JournalTable, changes: Sequence[tuple[Row, Row]]) -> None:
        requests = [UpdateMany(_same(table, now), {"$set": self._stored(table, then)}) for now, then in changes]
        replaced = [_same(table, now) for now, then in changes if _bytes_in(table, then)]
        self._write(table, requests, replaced=replaced)

    def add(self, table: JournalTable, amounts: Mapping[str, int], where: Where) -> None:
        self._write(table, [UpdateMany(filter_of(where), {"$inc": dict(amounts)})])

    def delete(self, table: JournalTable, where: Where = ()) -> None:
        self._write(table, [DeleteMany(filter_of(where))], replaced=[filter_of(where)])

    def delete_each(self, table: JournalTable, rows: Sequence[Row]) -> None:
        found = [_same(table, row) for row in rows]
        self._write(table, [DeleteMany(one) for one in found], replaced=found)

    def _write(
        self,
        table: JournalTable,
        requests: Sequence[Any],
        *,
        overtakes: bool = False,
        replaced: Sequence[Document] = (),
        kept: Sequence[Document] = (),
    ) -> None:
        """Write. Delete the pieces of the values of rows that are `replaced` or deleted, and those of `kept` rows that
        were not inserted, because they were there. The rows are written first: on a standalone server a run that is
        killed between leaves pieces of no row, not a row without its pieces.
        """
        collection: Collection[Document] = self._db[_name(table)]
        is_shared = table.name in SHARED and self._work.has_transactions
        if is_shared and overtakes and table.name == "run":
            self._end_others()

        def run(session: Session) -> None:
            if is_shared and session is not None:
                self._slots.alone(table.name, session)
            pieces = self._pieces(table, replaced, session)
            try:
                done = collection.bulk_write(requests, ordered=False, session=session)
            except PyMongoError as error:
                if overtakes and is_transient(error):  # others hold these rows, one after the other
                    self._prepare(table)
                raise
            inserted = (done.upserted_ids or {}).keys()
            left = [one for place, one in enumerate(kept) if place not in inserted]
            pieces += [name for one in left for name in _pieces_of(table, one)]
            if pieces:
                self._db[PIECES].delete_many({"of": {"$in": pieces}}, session=session)

        if requests:
            self._work.write(run)

    def _pieces(self, table: JournalTable, rows: Sequence[Document], session: Session) -> list[str]:
        """Return the names of the pieces that the values of these rows were split into."""
        columns = _bytes_in(table)
        large = {"$or": [{_sized(name): {"$gt": _PIECE}} for name in columns]}
        found: list[str] = []
        for at in range(0, len(rows) if columns else 0, _ROWS_AT_ONCE):
            some = {"$and": [{"$or": list(rows[at : at + _ROWS_AT_ONCE])}, large]}
            for document in self._db[_name(table)].find(some, dict.fromkeys(columns, 1), session=session):
                found += _pieces_of(table, document)
        return found

    def _prepare(self, table: JournalTable) -> None:
        self._slots.prepare(table.name)
        self._work.at_end(lambda: self._slots.release(table.name))

    def _end_others(self) -> None:
        """End the sessions of other writers, with their transactions, which a server would keep open for a minute."""
        if sessions := self._slots.others():
            with suppress(OperationFailure):  # a login of another user's: they end by themselves
                self._db.client.admin.command("killSessions", sessions)
        self._slots.forget_others()

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


def whole(db: Database[Document], value: Any, session: Session) -> Any:
    """Return a value of a row; one that was split is joined."""
    if not isinstance(value, dict):
        return value
    found = db[PIECES].find({"of": value["pieces"]}, session=session).sort("number")
    return b"".join(piece["data"] for piece in found)


def _bytes_in(table: JournalTable, row: Row | None = None) -> list[str]:
    """Return the columns of bytes, of a row only those that it has."""
    return [column.name for column in table.columns if column.kind == "bytes" and (row is None or column.name in row)]


def _pieces_of(table: JournalTable, document: Document) -> list[str]:
    values = [document.get(name) for name in _bytes_in(table)]
    return [value["pieces"] for value in values if isinstance(value, dict)]


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
    """Return the rows that have these values; by their `_id` where the values include the key."""
    if not set(table.key) <= set(row):
        return dict(row)
    return {"_id": _key(table, row), **{name: value for name, value in row.items() if name not in table.key}}


_: type[JournalTables] = MongoJournal

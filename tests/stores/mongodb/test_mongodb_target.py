"""Writing to MongoDB: what a transaction promises, on a replica set and on a standalone server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pymongo
import pytest
from bson import Int64
from pymongo.database import Database
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from crossfade.errors import Busy, CrossfadeError
from crossfade.journal import journal, loaded
from crossfade.journal.tables import CHUNK, LOADED
from crossfade.model.canonical import arrow_schema
from crossfade.model.target import ColumnType, TargetColumn, TargetTable, Unique
from crossfade.stores.contract import RowRejected, Store, TargetTransaction, Writer, need
from crossfade.stores.contract.journal import Is
from crossfade.stores.mongodb import journal as mongo_journal
from crossfade.stores.mongodb import lock, target
from crossfade.stores.open import open_store
from scratch import MongoScratch

LONG, TEXT = ColumnType("int8", "long"), ColumnType("string", "string")
COLUMNS = (
    TargetColumn("id", LONG, nullable=False), TargetColumn("name", TEXT, absent=True), TargetColumn("n", LONG),
)  # fmt: skip
TABLE = TargetTable("things", None, "things", COLUMNS, ("id",))


@pytest.fixture(params=["replica set", "standalone"])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "replica set":
        return str(request.getfixturevalue("mongo_db").url)
    return str(request.getfixturevalue("standalone_db"))


@pytest.fixture
def db(url: str) -> Iterator[Database[dict[str, Any]]]:
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        yield client.get_default_database()


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as found:
        journal.create(found)
        yield found


@pytest.fixture
def writer(store: Store) -> Writer:
    return need(store.writer, store, "be written to")


def rows(*values: tuple[Any, ...]) -> Any:
    ids, names, numbers = zip(*values, strict=True)
    columns = [pa.array(ids, pa.int64()), pa.array(names, pa.string()), pa.array(numbers, pa.int64())]
    return pa.table(columns, names=["id", "name", "n"])


def ids(db: Database[dict[str, Any]]) -> list[int]:
    return sorted(d["_id"] for d in db.things.find())


def test_documents_whose_key_is_taken_are_named_at_once(db: Database[dict[str, Any]], writer: Writer) -> None:
    db.things.insert_many([{"_id": Int64(2), "of": "another"}, {"_id": Int64(4)}])
    with writer.transaction() as tx:
        tx.load(TABLE, rows((10, "before", None)))
        with pytest.raises(RowRejected) as caught, tx.savepoint():
            tx.load(TABLE, rows((1, "a", 1), (2, "b", 2), (3, "c", 3), (4, "d", 4), (1, "again", 5)))
        assert [(r.row, r.reason, r.column, r.constraint) for r in caught.value.rows] == [
            (row, "unique", "id", "_id_") for row in (1, 3, 4)
        ]
        tx.load(TABLE, rows((1, "a", 1), (3, "c", 3)))
    assert ids(db) == [1, 2, 3, 4, 10]
    assert db.things.find_one({"_id": 2}) == {"_id": 2, "of": "another"}, "a document of others stays as it is"


def test_documents_that_fail_the_validator_are_named(db: Database[dict[str, Any]], writer: Writer) -> None:
    db.create_collection("things", validator={"$jsonSchema": {"properties": {"n": {"minimum": 0}}}})
    with pytest.raises(RowRejected) as caught, writer.transaction() as tx:
        tx.load(TABLE, rows((1, "a", 1), (2, "b", -2), (3, "c", 3), (4, "d", -4)))
    assert [(r.row, r.reason) for r in caught.value.rows] == [(1, "check"), (3, "check")]
    assert (caught.value.column, caught.value.constraint) == ("n", "validator")
    assert ids(db) == []


@pytest.mark.parametrize(("level", "named"), [("strict", [1, 3]), ("moderate", [1])])
def test_updates_that_fail_the_validator_are_named(
    db: Database[dict[str, Any]], writer: Writer, level: str, named: list[int]
) -> None:
    """With `moderate` the server takes documents that were invalid before: only the one that it names is refused."""
    validator = {"$jsonSchema": {"properties": {"n": {"minimum": 0}}}}
    db.create_collection("things", validator=validator, validationLevel=level)
    with writer.transaction() as tx:
        tx.load(TABLE, rows((1, "a", 1), (2, "b", 2), (3, "c", 3), (4, "d", 4)))
    with pytest.raises(RowRejected) as caught, writer.transaction() as tx:
        tx.update(TABLE, rows((1, "a", 5), (2, "b", -2), (3, "c", 5), (4, "d", -4)))
    assert [(r.row, r.reason) for r in caught.value.rows] == [(row, "check") for row in named]
    assert [d["n"] for d in db.things.find({"_id": {"$in": [2, 4]}}).sort("_id")] == [2, 4]


def test_a_validator_that_forbids_other_fields_refuses_no_others(db: Database[dict[str, Any]], writer: Writer) -> None:
    fields: dict[str, Any] = {"_id": {}, "name": {"bsonType": "string"}, "n": {"minimum": 0}}
    db.create_collection("things", validator={"$jsonSchema": {"properties": fields, "additionalProperties": False}})
    with pytest.raises(RowRejected) as caught, writer.transaction() as tx:
        tx.load(TABLE, rows((1, "$n", 1), (2, "b", -2), (3, "c", 3), (4, "d", -4), (3, "again", -3), (3, "$$", 3)))
    assert [r.row for r in caught.value.rows if r.reason == "check"] == [1, 3, 4]


@pytest.mark.parametrize("is_open", [True, False])
def test_fields_of_others_stay_in_a_collection_that_is_open(
    db: Database[dict[str, Any]], writer: Writer, is_open: bool
) -> None:
    table = replace(TABLE, is_open=is_open)
    db.things.insert_one({"_id": Int64(1), "name": "a", "n": Int64(1), "theirs": {"x": 1}})
    with writer.transaction() as tx:
        found = tx.owned(table, rows((1, None, 1)).select(["id"]), ["id", "name", "n"])
        assert ("#unreadable" in found.column_names) is not is_open
        assert tx.update(table, rows((1, None, 2), (9, "no such", 9))) == 1
    assert list(db.things.find()) == [{"_id": 1, "n": 2} | ({"theirs": {"x": 1}} if is_open else {})]


def test_rows_are_found_and_deleted_by_a_column(db: Database[dict[str, Any]], writer: Writer) -> None:
    with writer.transaction() as tx:
        tx.load(TABLE, rows((1, "a", 1), (2, "b", 1), (3, "c", 2), (4, "d", None)))
        by = pa.table([pa.array([1, None], pa.int64())], names=["n"])
        assert sorted(tx.owned(TABLE, by, ["id"]).column("id").to_pylist()) == [1, 2]
        assert tx.delete(TABLE, by) == 2
    assert ids(db) == [3, 4]


def test_fields_whose_names_look_like_paths(db: Database[dict[str, Any]], writer: Writer) -> None:
    names = ("id", "a.b", "$c", "n", "a")
    columns = (COLUMNS[0], *(TargetColumn(name, TEXT, absent=True) for name in names[1:]))
    table = TargetTable("things", None, "things", columns, ("id",), is_open=True)

    def given(*texts: str | None) -> Any:
        return pa.Table.from_pylist([dict(zip(names, (1, *texts), strict=True))], arrow_schema(table, names))

    with writer.transaction() as tx:
        tx.load(table, given("x", "y", "$z", None))
        assert tx.update(table, given("$x2", None, None, "q")) == 1
        found = tx.owned(table, given(None, None, None, None).select(["id"]), ["a.b"])
        assert found.select(["a.b"]).to_pylist() == [{"a.b": "$x2"}]
    assert list(db.things.find()) == [{"_id": 1, "a.b": "$x2", "a": "q"}]


def _change(tx: TargetTransaction) -> None:
    with tx.savepoint():
        tx.update(TABLE, rows((1, "x", 5)))
        tx.delete(TABLE, rows((2, None, None)).select(["id"]))
        tx.load(TABLE, rows((4, "d", 4)))
        tx.update(TABLE, rows((1, "y", 5), (4, "c", 3)))


def test_what_was_changed_comes_back_with_the_savepoint(db: Database[dict[str, Any]], writer: Writer) -> None:
    with writer.transaction() as tx:
        tx.load(TABLE, rows((1, "a", 1), (2, "b", 2), (3, "c", 3)))
    db.things.create_index("name", unique=True)
    before = sorted(db.things.find(), key=lambda one: int(one["_id"]))
    with writer.transaction() as tx:
        with pytest.raises(RowRejected):
            _change(tx)
        assert tx.owned(TABLE, rows((1, None, None)).select(["id"]), ["name"]).to_pylist() == [{"name": "a"}]
    assert sorted(db.things.find(), key=lambda one: int(one["_id"])) == before


def test_a_document_that_a_killed_run_left_is_its_own(standalone_db: str) -> None:
    """On a standalone server the record of a chunk comes after its documents."""
    url = standalone_db
    with open_store(url) as store, pymongo.MongoClient[dict[str, Any]](url) as client:
        db, begin = client.get_default_database(), need(store.writer, store, "be written to").transaction
        with begin() as tx:
            tx.load(TABLE, rows((1, "a", 1), (2, "b", 2)))
        db.things.update_one({"_id": 2}, {"$set": {"n": Int64(5)}})
        with begin() as tx:
            with pytest.raises(RowRejected) as caught, tx.savepoint():
                tx.load(TABLE, rows((1, "a", 1), (2, "b", 2), (3, "c", 3)))
            assert [r.row for r in caught.value.rows] == [1], "what others changed is not overwritten"
            tx.load(TABLE, rows((1, "a", 1), (3, "c", 3)))
        assert [(d["_id"], d.get("n")) for d in db.things.find().sort("_id")] == [(1, 1), (2, 5), (3, 3)]
        client.drop_database(db.name)


def test_documents_that_are_sent_in_portions_are_named(
    db: Database[dict[str, Any]], writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And those that are in no refused portion are there, with the documents of others in any."""
    monkeypatch.setattr(target, "_BYTES_AT_ONCE", 100)
    db.things.insert_many([{"_id": Int64(key), "of": "another"} for key in (2, 7)])
    given = [(key, "x" * 20, key) for key in range(1, 10)]
    with writer.transaction() as tx:
        with pytest.raises(RowRejected) as caught, tx.savepoint():
            tx.load(TABLE, rows(*given))
        assert [r.row for r in caught.value.rows] == [1, 6]
        tx.load(TABLE, rows(*(one for one in given if one[0] not in (2, 7))))
    assert ids(db) == list(range(1, 10))
    assert sorted(one["_id"] for one in db.things.find({"of": "another"})) == [2, 7]


def test_portions_that_a_killed_run_left_are_its_own(standalone_db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "_BYTES_AT_ONCE", 100)
    given = rows(*((key, "x" * 20, key) for key in range(1, 10)))
    with open_store(standalone_db) as store, pymongo.MongoClient[dict[str, Any]](standalone_db) as client:
        begin = need(store.writer, store, "be written to").transaction
        with begin() as tx:
            tx.load(TABLE, given.slice(0, 2))
        with begin() as tx:
            tx.load(TABLE, given)
        assert ids(client.get_default_database()) == list(range(1, 10))
        client.drop_database(client.get_default_database().name)


def test_notes_of_many_keys_are_read_whole(store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mongo_journal, "_PIECE", 50)
    given = rows(*((key * 7919, "a", 1) for key in range(100)))
    with writer.transaction() as tx:
        tx.load(TABLE, given)
        loaded.note(tx, [(TABLE, given)])
    with writer.transaction() as tx:
        tx.pack_marks()
        assert tx.other_rows(TABLE, limit=5).count == 0


def test_pieces_go_with_their_rows(
    db: Database[dict[str, Any]], store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of large values in the journal: when a row is changed, replaced, left as it was, or deleted."""
    monkeypatch.setattr(mongo_journal, "_PIECE", 50)

    def row(key: str, byte: bytes) -> dict[str, Any]:
        return {"id": key, "table_name": "t", "gone": 0, "mark": byte * 120}

    def there() -> list[bytes]:
        with writer.transaction() as tx:
            rows = tx.journal.select(LOADED, ("mark",), order=("id",))
        assert sorted(bytes(one["data"][:1]) for one in db[mongo_journal.PIECES].find()) == sorted(
            mark[:1] for (mark,) in rows for _ in range(3)
        )
        return [mark[:1] for (mark,) in rows]

    with writer.transaction() as tx:
        tx.journal.insert(LOADED, [row("1", b"a"), row("2", b"b"), row("3", b"c"), row("4", b"d")])
    assert there() == [b"a", b"b", b"c", b"d"]
    with writer.transaction() as tx:
        tx.journal.insert(LOADED, [row("1", b"x"), row("5", b"e")], keep=True)
        tx.journal.upsert(LOADED, [row("2", b"B")])
        tx.journal.update_each(LOADED, [({"id": "3"}, {"mark": b"C" * 120})])
        tx.journal.update(LOADED, {"gone": 1}, (Is("id", "4"),))
    assert there() == [b"a", b"B", b"C", b"d", b"e"]
    with writer.transaction() as tx:
        tx.journal.delete_each(LOADED, [{"id": "1"}, {"id": "2"}])
        tx.journal.update(LOADED, {"mark": b"D" * 120}, (Is("id", "4"),))
    assert there() == [b"C", b"D", b"e"]
    with writer.transaction() as tx:
        tx.journal.delete(LOADED)
    assert there() == []
    assert db[mongo_journal.PIECES].find_one() is None


FIELDS = (TargetColumn("sku", TEXT, absent=True), TargetColumn("n", TEXT, absent=True))
STRUCT = ColumnType("struct", "object", fields=FIELDS)
LISTS = TargetTable(
    "things", None, "things",
    (COLUMNS[0], TargetColumn("tags", ColumnType("array", "array", of=TEXT), absent=True),
     TargetColumn("items", ColumnType("array", "array", of=STRUCT), absent=True)),
    ("id",),
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "documents"),
    [
        ("tags", [{"tags": []}, {}]),
        ("tags", [{"tags": []}, {"tags": []}]),
        ("tags", [{"tags": [None]}, {}]),
        ("tags", [{"tags": ["a", "b"]}, {"tags": ["b", "b"]}, {"tags": ["c"]}]),
        ("items.sku", [{"items": [{"sku": "a"}]}, {"items": [{"sku": "b"}, {"sku": "a"}]}]),
        ("items.sku", [{"items": [{"sku": "a"}, {}]}, {"items": [{"sku": "b"}, {}]}]),
        ("items.sku", [{"items": []}, {}]),
        ("items.sku", [{"items": []}, {"items": [{}]}]),
        ("items.sku", [{"items": []}, {"items": []}]),
        ("items.sku", [{"items": [{"sku": "a"}, {"sku": "a"}]}, {"items": [{"sku": "b"}]}]),
        (
            "items.sku items.n",
            [{"items": [{"sku": "a", "n": "1"}, {"sku": "b", "n": "2"}]}, {"items": [{"sku": "a", "n": "2"}]}],
        ),
        ("items.sku items.n", [{"items": [{"sku": "a", "n": "1"}, {"sku": "b"}]}, {"items": [{"sku": "b"}]}]),
        ("items.sku tags.x", [{"items": [{"sku": "a"}], "tags": "x"}, {"items": [{"sku": "a"}, {"sku": "b"}]}]),
    ],
)
def test_duplicates_in_lists_are_those_of_the_index(
    db: Database[dict[str, Any]], store: Store, path: str, documents: list[dict[str, Any]]
) -> None:
    db.things.insert_many([{"_id": Int64(n), **one} for n, one in enumerate(documents)])
    try:
        db.things.create_index([(name, 1) for name in path.split()], unique=True)
        builds = True
    except pymongo.errors.DuplicateKeyError:
        builds = False
    found = need(store.ddl, store, "be looked at").duplicates(
        LISTS, Unique("own", tuple(path.split()), nulls_distinct=False)
    )
    assert found.num_rows == (not builds)
    db.things.delete_many({"_id": {"$in": found.column("id").to_pylist()}})
    db.things.create_index([(name, 1) for name in path.split()], unique=True)


@pytest.mark.parametrize(
    ("path", "document", "is_held"),
    [
        ("tags", {}, False), ("tags", {"tags": ["a", "b"]}, True), ("tags", {"tags": ["b"]}, False),
        ("items.sku", {}, False), ("items.sku", {"items": []}, False), ("items.sku", {"items": [{}]}, False),
        ("items.sku", {"items": [{"sku": "c"}, {"sku": "a"}]}, True), ("items.sku", {"items": [{"sku": "b"}]}, False),
    ],
)  # fmt: skip
def test_who_holds_a_value_of_a_list(
    db: Database[dict[str, Any]], store: Store, path: str, document: dict[str, Any], is_held: bool
) -> None:
    db.things.insert_one({"_id": Int64(1), **document})
    given = {"id": 2, "tags": ["a"], "items": [{"sku": "a"}, {"sku": "d"}]}
    asked = pa.Table.from_pylist([given], arrow_schema(LISTS, list(given)))
    (found,) = need(store.conflicts, store, "explain").holders(LISTS, Unique("own", (path,)), asked)
    assert found is not None
    assert found.key == ((1,) if is_held else None)


def test_transactions_that_conflict_are_repeated(mongo_db: MongoScratch) -> None:
    with open_store(mongo_db.url) as one, open_store(mongo_db.url) as two:
        journal.create(one)
        with need(one.writer, one, "x").transaction() as tx:
            tx.journal.insert(CHUNK, [{"entity": "e", "number": 0, "planned": 0}])
        both = threading.Barrier(2)

        def add(store: Store, key: int) -> None:
            with need(store.writer, store, "x").transaction() as tx:
                tx.load(TABLE, rows((key, "a", 1)))
                both.wait()
                tx.journal.add(CHUNK, {"planned": 1}, (Is("entity", "e"),))

        threads = [threading.Thread(target=add, args=args) for args in ((one, 1), (two, 2))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with need(one.writer, one, "x").transaction() as tx:
            assert tx.journal.select(CHUNK, ("planned",)) == [(2,)]
    assert ids(mongo_db.db) == [1, 2]


def test_a_run_that_takes_over_ends_what_another_has_begun(mongo_db: MongoScratch) -> None:
    with open_store(mongo_db.url) as old, open_store(mongo_db.url) as new:
        journal.create(old)
        with need(old.writer, old, "x").transaction() as tx:
            journal.take_over(tx, "old")
        left = need(old.writer, old, "x").transaction()
        tx = left.__enter__()
        journal.take_part(tx, "old")
        tx.load(TABLE, rows((1, "a", 1)))
        with need(new.writer, new, "x").transaction() as later:
            journal.take_over(later, "new")
        with pytest.raises(CrossfadeError):
            left.__exit__(None, None, None)
    assert ids(mongo_db.db) == []


def test_one_run_at_a_time(url: str, store: Store, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_PATIENCE", 0.3)
    with open_store(url) as other, writer.lock():
        again = need(other.writer, other, "be written to").lock()
        with pytest.raises(Busy):
            again.__enter__()
    with writer.lock():
        pass


def test_the_lease_of_a_process_that_ended_ends(
    db: Database[dict[str, Any]], writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "SECONDS", 0.5)
    killed = lock.Lease(db, "")
    killed._take()
    with writer.lock():
        found = db[lock.LOCK].find_one()
        assert found is not None
        assert found["token"] != killed._token


def test_what_another_has_taken_is_not_released(
    url: str, db: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run takes the lease at the moment when this one drops the collection, because the journal is gone."""
    monkeypatch.setattr(lock, "_PATIENCE", 0.0)
    other, took = lock.Lease(db, ""), list[bool]()

    class Dropping(CommandListener):
        def started(self, event: CommandStartedEvent) -> None:
            if event.command_name == "drop":
                with suppress(Busy):
                    other._take()
                took.append(other.is_held and _token(db) == other._token)

        def succeeded(self, event: CommandSucceededEvent) -> None: ...
        def failed(self, event: CommandFailedEvent) -> None: ...

    with pymongo.MongoClient[dict[str, Any]](url, event_listeners=[Dropping()]) as client:
        with lock.Lease(client[db.name], "").hold():
            pass
        assert len(took) == 1
        assert took == [_token(db) == other._token]
    other._take()
    assert _token(db) == other._token


def _token(db: Database[dict[str, Any]]) -> str | None:
    return (db[lock.LOCK].find_one() or {}).get("token")


def test_the_holder_of_a_key_is_told(db: Database[dict[str, Any]], store: Store) -> None:
    db.things.insert_one({"_id": Int64(1), "name": "a"})
    key = Unique("things_pkey", ('"id"',))
    name = Unique("name_1", ("name",))
    conflicts = need(store.conflicts, store, "explain")
    given = rows((1, "a", 1), (2, "b", 2))
    for unique, field, values in ((key, "_id", ("1", "2")), (name, "name", ("a", "b"))):
        taken, free = conflicts.holders(TABLE, unique, given)
        assert taken is not None
        assert free is not None
        assert [values[0] in str(taken.values[field]), values[1] in str(free.values[field])] == [True, True]
        assert (taken.key, free.key) == ((1,), None)


def test_documents_outside_of_a_partial_index_hold_nothing(db: Database[dict[str, Any]], store: Store) -> None:
    """Two documents without a name are not the same, where the index has only those with one."""
    db.things.insert_one({"_id": Int64(1), "n": 1})
    unique = Unique("name_1", ("name",), '{"name": {"$gt": ""}}', nulls_distinct=False)
    conflicts = need(store.conflicts, store, "explain")
    none, free, none_again = conflicts.holders(TABLE, unique, rows((1, None, 1), (2, "b", 2), (3, None, 3)))
    assert none is none_again is None
    assert free is not None

"""Writing to MongoDB: what a transaction promises, on a replica set and on a standalone server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pymongo
import pytest
from bson import Int64
from pymongo.database import Database

from crossfade.errors import Busy, CrossfadeError
from crossfade.journal import journal
from crossfade.journal.tables import CHUNK
from crossfade.model.target import ColumnType, TargetColumn, TargetTable, Unique
from crossfade.stores.contract import RowRejected, Store, Writer, need
from crossfade.stores.contract.journal import Is
from crossfade.stores.mongodb import lock
from crossfade.stores.open import open_store
from crossfade.testing import mongodb, with_database
from scratch import MongoScratch

LONG, TEXT = ColumnType("int8", "long"), ColumnType("string", "string")
COLUMNS = (
    TargetColumn("id", LONG, nullable=False), TargetColumn("name", TEXT, absent=True), TargetColumn("n", LONG),
)  # fmt: skip
TABLE = TargetTable("things", None, "things", COLUMNS, ("id",))


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mongodb(tmp_path_factory.mktemp("standalone"), replica_set=False) as server:
        yield server


@pytest.fixture(params=["replica set", "standalone"])
def url(request: pytest.FixtureRequest, mongo_db: MongoScratch) -> str:
    if request.param == "replica set":
        return mongo_db.url
    return with_database(request.getfixturevalue("standalone"), mongo_db.name)


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


def test_a_document_that_a_killed_run_left_is_its_own(standalone: str, mongo_db: MongoScratch) -> None:
    """On a standalone server the record of a chunk comes after its documents."""
    url = with_database(standalone, mongo_db.name + "_left")
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

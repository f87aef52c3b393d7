"""Documents moved into documents of another model, on a replica set and on a standalone server: whole, or found out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import mongodb_move as people
import pymongo
import pytest
from bson import Binary, Decimal128, Int64
from pymongo.database import Database

from crossfade.errors import Unsupported
from crossfade.move import Move
from crossfade.testing import with_database
from outcome import open_move
from scratch import MongoScratch
from victim import killed_in

NewTarget = Callable[[], str]
COUNTS = {"orders": (120, 117, 3, 0), "users": (60, 59, 1, 0)}


@pytest.fixture(params=["replica set", "standalone"])
def new_target(request: pytest.FixtureRequest, mongodb_url: str) -> Iterator[NewTarget]:
    server = mongodb_url if request.param == "replica set" else request.getfixturevalue("standalone_url")
    made: list[str] = []

    def new() -> str:
        made.append("cf_" + secrets.token_hex(6))
        return with_database(server, made[-1])

    yield new
    with pymongo.MongoClient[dict[str, Any]](server) as client:
        for name in made:
            client.drop_database(name)


@pytest.fixture
def folder(mongo_db: MongoScratch, tmp_path: Path) -> Path:
    people.fill(mongo_db.url)
    made = people.project(tmp_path / "project")
    with open_move(made, mongo_db.url, with_database(mongo_db.url, "none")) as move:
        move.survey()
    return made


def counts(move: Move) -> dict[str, tuple[int, int, int, int]]:
    found = move.status().entities
    return {e.entity: (e.counts.source, e.counts.copied, e.counts.quarantined, e.counts.discarded) for e in found}


def test_a_move_is_copied_verified_retried_and_reset(
    folder: Path, mongo_db: MongoScratch, new_target: NewTarget
) -> None:
    target = new_target()
    with open_move(folder, mongo_db.url, target) as move:
        found = move.check()
        assert [f for f in found if f.severity == "fault"] == []
        assert [f.place for f in found if f.kind == "no_cutover"] == ["target"]
        assert move.copy().ok
        assert counts(move) == COUNTS
        entries = {(e.entity, e.reason, e.table, e.column, e.constraint, e.parent) for e in move.quarantine()}
        assert entries == {
            ("users", "unique", "people", "email", "people_email_key", None),
            ("orders", "foreign_key", "orders", "buyerId", "orders_buyerId_fkey", "quarantined"),
            ("orders", "foreign_key", "orders", "buyerId", "orders_buyerId_fkey", "missing"),
        }
        verdict = move.verify()
        assert (verdict.equal, verdict.differences) == (True, 0)
        mongo_db.db.users.update_one({"_id": people.key(7)}, {"$set": {"email": "u7@x.org"}})
        assert [r.outcome for r in move.retry()].count("copied") == 3
        assert counts(move) == {"orders": (120, 119, 1, 0), "users": (60, 60, 0, 0)}
        assert move.verify().equal
        assert move.reset() is not None
    assert people.everything(target) == {}


def test_a_repair_of_records_that_are_decided_together(
    folder: Path, mongo_db: MongoScratch, new_target: NewTarget
) -> None:
    """One of them is refused, so that what was tried is rolled back: also where the server has no transactions."""
    target = new_target()
    named = {"users": [str(people.key(n)) for n in (2, 7, 8)]}
    with open_move(folder, mongo_db.url, target) as move, pymongo.MongoClient[dict[str, Any]](target) as client:
        move.copy()
        db, email = client.get_default_database(), {"$set": {"email": "other@x.org"}}
        db.people.update_one({"_id": people.key(2)}, email)
        has_transactions = move.context.target.traits.has_transactions
        with nullcontext() if has_transactions else pytest.raises(Unsupported, match="has no transactions"):
            move.repair(keys=named, dry_run=True)
        assert db.people.count_documents(email["$set"]) == 1
        move.repair(keys=named)
        assert move.verify().equal
        db.people.update_one({"_id": people.key(2)}, email)
        mongo_db.db.users.update_one({"_id": people.key(8)}, {"$set": {"email": "u4@x.org"}})
        move.repair(keys=named)
        assert move.verify().equal
        assert counts(move)["users"] == (60, 58, 2, 0)


def test_documents_are_as_the_mapping_says(folder: Path, mongo_db: MongoScratch, new_target: NewTarget) -> None:
    target = new_target()
    with open_move(folder, mongo_db.url, target) as move:
        move.copy()
    found = people.everything(target)
    (one,) = [d for d in found["people"] if d["_id"] == people.key(1)]
    assert list(one.items()) == [
        ("_id", people.key(1)), ("email", "u1@x.org"), ("nick", "n1"), ("role", "user"),
        ("home", {"street": "S 1", "zip": "1", "geo": [1.5, -0.0]}), ("born", people.user(1)["born"]),
        ("visits", Int64(10**10)), ("tags", ["a"]), ("token", b"\0\1"),
        ("extra", {"k": 1, "d": Decimal128("1.10"), "deep": [1, {"x": None}]}), ("friendIds", [people.key(2)]),
    ]  # fmt: skip
    assert {type(d["visits"]) for d in found["people"]} == {Int64}
    assert not any("home" in d for d in found["people"] if d["_id"] in map(people.key, range(0, 60, 4))), (
        "NULL: no field"
    )
    assert {tuple(d["_id"]) for d in found["lines"]} == {("order", "n")}


MOMENTS = [("begin_move", 1), ("plan_chunks", 1), ("finish_chunk", 2), ("quarantine_all", 1), ("note_step", 2)]


@pytest.mark.torture
@pytest.mark.parametrize("new_target", ["replica set", "standalone"], indirect=True)
def test_killed_at_every_step_of_the_journal(folder: Path, mongo_db: MongoScratch, new_target: NewTarget) -> None:
    undisturbed, target = new_target(), new_target()
    with open_move(folder, mongo_db.url, undisturbed) as move:
        move.copy()
    for moment, times in MOMENTS:
        assert killed_in(moment, times, folder, mongo_db.url, target), (moment, times)
    with open_move(folder, mongo_db.url, target) as move:
        move.copy()
        assert counts(move) == COUNTS
        assert move.verify().equal
    assert people.everything(target, journal=True) == people.everything(undisturbed, journal=True)


def _set(**fields: Any) -> Callable[[Any], Any]:
    return lambda c: c.update_one({"_id": people.key(2)}, {"$set": fields}, bypass_document_validation=True)


LATER = {"$set": {"at": {"$add": ["$at", 1]}}}
CORRUPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "another value": ("people", _set(email="other@x.org")),
    "int for long": ("people", _set(visits=20)),
    "double for long": ("people", _set(visits=2e10)),
    "null for a missing field": ("people", lambda c: c.update_one({"_id": people.key(3)}, {"$set": {"nick": None}})),
    "a missing field": ("people", lambda c: c.update_one({"_id": people.key(2)}, {"$unset": {"nick": 1}})),
    "another order in a list": ("people", _set(tags=["b", "a"])),
    "another element": ("people", _set(friendIds=[people.key(4)])),
    "a field within": ("people", _set(**{"home.zip": "2"})),
    "a field more within": ("people", _set(**{"home.more": 1})),
    "a field more": ("people", _set(more=1)),
    "another zero": ("people", _set(**{"home.geo": [1.5, 0.0]})),
    "another subtype": ("people", _set(token=Binary(b"\0\2", 5))),
    "another digit": ("people", _set(**{"extra.d": Decimal128("1.1")})),
    "another order of fields": ("people", _set(extra={"d": Decimal128("1.10"), "k": 2, "deep": [1, {"x": None}]})),
    "a millisecond": ("orders", lambda c: c.update_one({"_id": people.key(1002)}, [LATER])),
    "a document less": ("orders", lambda c: c.delete_one({"_id": people.key(1002)})),
    "a document more": ("orders", lambda c: c.insert_one({"_id": "x"}, bypass_document_validation=True)),
    "another part of a key": ("lines", lambda c: c.update_one({"n": 2}, {"$set": {"n": 3}})),
}  # fmt: skip


def test_every_corruption_is_found(folder: Path, mongo_db: MongoScratch, mongodb_url: str) -> None:
    target = with_database(mongodb_url, f"{mongo_db.name}_target")
    with pymongo.MongoClient[dict[str, Any]](target) as client, open_move(folder, mongo_db.url, target) as move:
        db: Database[dict[str, Any]] = client.get_default_database()
        move.copy()
        missed = []
        for name, (collection, corrupt) in CORRUPTIONS.items():
            before = list(db[collection].find())
            corrupt(db[collection])
            verdict = move.verify()
            if verdict.equal or not verdict.differences:
                missed.append(name)
            db[collection].delete_many({})
            db[collection].insert_many(before)
        assert missed == []
        assert move.verify().equal
        client.drop_database(db.name)


def test_a_lost_index_and_a_lost_parent_are_found(folder: Path, mongo_db: MongoScratch, mongodb_url: str) -> None:
    target = with_database(mongodb_url, f"{mongo_db.name}_target")
    with pymongo.MongoClient[dict[str, Any]](target) as client, open_move(folder, mongo_db.url, target) as move:
        db = client.get_default_database()
        move.copy()
        db.people.drop_index("people_email_key")
        db.orders.update_one({"_id": people.key(1002)}, {"$set": {"buyerId": people.key(5000)}})
        schema = move.verify().schema
        assert schema is not None
        said = {(d.what, d.name, d.kind) for d in schema.faults}
        assert said == {("unique index", "people.people_email_key", "missing"), ("collection", "orders", "changed")}
        client.drop_database(db.name)


def test_a_new_field_of_a_collection(folder: Path, mongo_db: MongoScratch, new_target: NewTarget) -> None:
    """The validator changes, and the collection is copied again; the other stays."""
    target = new_target()
    with open_move(folder, mongo_db.url, target) as move:
        move.copy()
        before = counts(move)
    schema, mapping = folder / "schema.prisma", folder / "mapping" / "orders.sql"
    schema.write_text(schema.read_text().replace("paid    Boolean", "paid    Boolean\n  settled Boolean"))
    mapping.write_text(mapping.read_text().replace("o.paid AS paid", "o.paid AS paid, o.paid AS settled"))
    with open_move(folder, mongo_db.url, target) as move:
        move.forget(tables=["orders"])
        assert move.copy().ok
        assert counts(move) == before
        verdict = move.verify()
        assert (verdict.equal, verdict.schema and verdict.schema.differences) == (True, ())
    with pymongo.MongoClient[dict[str, Any]](target) as client:
        found = client.get_default_database()["orders"].find_one()
        assert found is not None
        assert found["settled"] == found["paid"]

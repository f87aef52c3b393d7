"""What applying by key leaves in a MongoDB target, field by field: the documents, and the journal's shape of them.

Runs of other versions read it: a change of it needs a new version of the journal, or a new move.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mongodb_move as people
import pymongo
import pytest
from bson import Decimal128, Int64
from pymongo.database import Database

from crossfade.testing import with_database
from outcome import open_move
from scratch import MongoScratch

ENTRY = {
    *("_id", "entity", "chunk", "record_key", "digest", "reason", "detail", "target_table", "target_column"),
    *(
        "target_constraint",
        "phase",
        "state",
        "note",
        "noted_at",
        "parent",
        "waits_for",
        "row_key",
        "cause",
        "raw",
        "raw#size",
        "id",
    ),
}
ACCOUNT = {
    *("_id", "entity", "number", "planned", "source", "copied", "quarantined", "discarded", "gone"),
    *("row_counts", "seconds", "done_at", "lower_key", "upper_key", "#"),
}


@pytest.fixture
def applied(mongo_db: MongoScratch, mongodb_url: str, tmp_path: Path) -> Iterator[Database[dict[str, Any]]]:
    """After the copy one record changed, one came, one went and one no longer fits; then they were applied."""
    people.fill(mongo_db.url)
    name = f"{mongo_db.name}_target"
    target = with_database(mongodb_url, name)
    with pymongo.MongoClient[dict[str, Any]](target) as client:
        with open_move(people.project(tmp_path / "p"), mongo_db.url, target) as move:
            move.survey()
            move.copy()
            users, orders = mongo_db.db.users, mongo_db.db.orders
            users.update_one({"_id": people.key(1)}, {"$set": {"visits": Int64(5)}, "$unset": {"nick": ""}})
            users.update_one({"_id": people.key(2)}, {"$set": {"email": "u3@x.org"}})
            orders.delete_one({"_id": people.key(1003)})
            orders.insert_one(people.order(500) | {"_id": people.key(1500)})
            keys = {"users": [people.key(1), people.key(2)], "orders": [people.key(1003), people.key(1500)]}
            move.repair(keys={entity: [str(key) for key in of] for entity, of in keys.items()})
            assert move.verify().equal
            yield client[name]
        client.drop_database(name)


def test_the_shape_of_what_was_applied(applied: Database[dict[str, Any]]) -> None:
    db = applied
    person = db.people.find_one({"_id": people.key(1)})
    assert person is not None
    assert list(person) == [
        *("_id", "email", "role", "home", "born", "visits", "tags", "token", "extra", "friendIds"),
    ]
    assert [type(value) for value in person.values()][5:8] == [Int64, list, bytes]
    assert (person["visits"], person["tags"], person["token"]) == (5, ["a"], b"\0\1")
    assert person["born"] == dt.datetime(1990, 1, 2, 1, 2, 3, 456000)
    assert person["extra"] == {"k": 1, "d": Decimal128("1.10"), "deep": [1, {"x": None}]}
    assert db.people.find_one({"_id": people.key(2)}) is None
    assert db.orders.find_one({"_id": people.key(1003)}) is None
    order = db.orders.find_one({"_id": people.key(1500)})
    assert order is not None
    assert list(order) == ["_id", "buyerId", "lines", "paid", "at"]


def test_the_shape_of_the_journal(applied: Database[dict[str, Any]]) -> None:
    entry = applied["crossfade.quarantine"].find_one({"record_key": {"$regex": "000002"}, "entity": "users"})
    assert entry is not None
    assert set(entry) == ENTRY
    assert (entry["reason"], entry["target_table"], entry["phase"], entry["state"]) == (
        *("unique", "people", "apply", "open"),
    )
    account = applied["crossfade.chunk"].find_one({"entity": "users", "number": -1})
    assert account is not None
    assert set(account) == ACCOUNT
    assert [account[name] for name in ("source", "copied", "quarantined", "gone")] == [0, -2, 2, 0]

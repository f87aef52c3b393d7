"""`repair` makes the target equal to the source again, whatever happened on either side, and says what it changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

import shop
from crossfade.move import Move
from crossfade_ids import uuid_of
from outcome import open_move
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE customers (id uuid PRIMARY KEY, email text NOT NULL UNIQUE, age int NOT NULL, extra text);
CREATE TABLE orders (
    id uuid PRIMARY KEY, n int NOT NULL UNIQUE, customer uuid NOT NULL REFERENCES customers (id) ON DELETE CASCADE
);
CREATE TABLE items (
    order_id uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE, sku text, PRIMARY KEY (order_id, sku)
);
CREATE TABLE notes (sku text, n int, PRIMARY KEY (sku, n));
"""
MAPPING = {
    "customers": "SELECT uuid_of(c._id) AS id, c.email AS email, parse_int(c.age) AS age FROM customers AS c",
    "orders": "SELECT uuid_of(o._id) AS id, o.n AS n, uuid_of(o.customer) AS customer FROM orders AS o",
    "items": "SELECT uuid_of(o._id) AS order_id, i.sku AS sku FROM orders AS o, unnest(o.skus) AS i(sku)",
    "notes": "SELECT i.sku AS sku, o.n AS n FROM orders AS o, unnest(o.skus) AS i(sku)",
}
"""`notes` has no owner column: the journal keeps a ledger of it."""


def oid(kind: int, n: int) -> ObjectId:
    return ObjectId(f"{kind:02x}{n:022x}")


class Target:
    """The target of a move, for what others do to it."""

    def __init__(self, url: str, pg: PostgresScratch | None) -> None:
        self.url, self.pg = url, pg

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        if self.pg is not None:
            return self.pg.execute(sql)
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection, connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(params=["postgresql", "sqlite"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    if request.param == "sqlite":
        return Target(f"sqlite:///{tmp_path / 't.db'}", None)
    pg: PostgresScratch = request.getfixturevalue("pg_db")
    return Target(pg.url, pg)


@pytest.fixture
def move(mongo_db: MongoScratch, target: Target, tmp_path: Path) -> Iterator[Move]:
    """Four customers, of whom one does not fit, and three orders of each."""
    ages = ["30", "?", "50", "40"]
    mongo_db.db.customers.insert_many([{"_id": oid(1, i), "email": f"e{i}", "age": age} for i, age in enumerate(ages)])
    mongo_db.db.orders.insert_many(
        [{"_id": oid(2, i), "customer": oid(1, i % 4), "skus": ["a", "b"], "n": i} for i in range(12)]
    )
    with open_move(shop.small_project(tmp_path / "p", SCHEMA, MAPPING), mongo_db.url, target.url) as found:
        found.survey()
        found.copy()
        yield found


def require_equal(move: Move) -> None:
    verdict = move.verify()
    assert verdict.equal, [t.differences for t in verdict.tables] + [e.disagreements for e in verdict.entities]
    assert all(e.balanced for e in move.status().entities)


def test_nothing_is_written_where_all_is_equal(move: Move) -> None:
    found = move.repair()
    assert (found.records, found.ok, dict(found.applied.rows)) == (0, True, {})


def test_what_changed_in_the_source(move: Move, mongo_db: MongoScratch) -> None:
    db = mongo_db.db
    db.customers.update_one({"_id": oid(1, 1)}, {"$set": {"age": "20"}})  # its three orders waited for it
    db.customers.delete_one({"_id": oid(1, 0)})  # three orders lose their parent
    db.customers.update_one({"_id": oid(1, 2)}, {"$set": {"email": "e3"}})
    db.customers.update_one({"_id": oid(1, 3)}, {"$set": {"email": "e2"}})
    db.orders.update_one({"_id": oid(2, 2)}, {"$set": {"skus": ["b", "c"]}})
    db.orders.delete_one({"_id": oid(2, 3)})
    db.orders.insert_one({"_id": oid(2, 50), "customer": oid(1, 3), "skus": ["x"], "n": 50})
    before = move.repair(dry_run=True)
    assert (before.dry_run, move.verify().equal) == (True, False)
    found = move.repair()
    assert found.ok
    require_equal(move)
    counts = {e.entity: e.counts for e in move.status().entities}
    assert (counts["customers"].source, counts["customers"].copied) == (3, 3)
    assert (counts["orders"].source, counts["orders"].quarantined) == (12, 3)
    assert found.applied.records["customers", "gone"] == found.applied.records["customers", "admitted"] == 1
    assert found.applied.records["orders", "quarantined"] == 3
    assert found.applied.records["orders", "admitted"] == 3


def test_what_somebody_did_to_the_target(move: Move, target: Target) -> None:
    target.run("UPDATE customers SET age = 31, extra = 'x' WHERE email = 'e0'")
    target.run("DELETE FROM items WHERE sku = 'a'")
    target.run("DELETE FROM notes WHERE n = 2")
    target.run("DELETE FROM orders WHERE n = 7")
    target.run("DELETE FROM items WHERE order_id NOT IN (SELECT id FROM orders)")  # SQLite does not cascade here
    target.run("INSERT INTO items SELECT id, 'more' FROM orders WHERE n = 6")
    found = move.repair()
    assert found.ok
    require_equal(move)
    assert found.applied.rows["customers"] == (0, 1, 0)
    assert found.applied.rows["orders"] == (1, 0, 0)
    assert found.applied.rows["items"][2] == 1


def test_rows_that_others_wrote_are_no_records_that_were_in_the_source(
    move: Move, target: Target, mongo_db: MongoScratch
) -> None:
    mongo_db.db.orders.delete_one({"_id": oid(2, 3)})
    never = uuid_of(oid(9, 1))
    assert never is not None
    target.run(f"INSERT INTO orders SELECT '{never.hex}', 99, id FROM customers WHERE email = 'e0'")
    assert move.repair().ok
    require_equal(move)
    assert {e.entity: e.gone for e in move.status().entities} == {"customers": 0, "orders": 1}


def test_a_row_of_no_record_is_left_and_said(move: Move, target: Target) -> None:
    target.run("INSERT INTO notes (sku, n) VALUES ('mine', 99)")
    found = move.repair()
    assert (found.ok, dict(found.rows_of_no_record)) == (False, {"notes": 1})
    assert target.run("SELECT count(*) FROM notes WHERE n = 99") == [(1,)]


def test_one_key(move: Move, mongo_db: MongoScratch) -> None:
    mongo_db.db.customers.update_many({}, {"$set": {"age": "77"}})
    found = move.repair(keys={"customers": [str(oid(1, 0))]})
    assert (found.records, found.applied.rows["customers"]) == (1, (0, 1, 0))
    assert not move.verify().equal
    move.repair()
    require_equal(move)


DISCARD = """
[[discard]]
entity = "customers"
where = "c.age = '99'"
alias = "c"
reason = "who is 99 stays"
"""


def test_a_record_that_is_no_longer_discarded(mongo_db: MongoScratch, target: Target, tmp_path: Path) -> None:
    """The source has no more records than before, and one that is discarded and then deleted is in no account."""
    people = [{"_id": oid(1, i), "email": f"e{i}", "age": "99" if i < 3 else "30"} for i in range(4)]
    mongo_db.db.customers.insert_many(people)
    mongo_db.db.orders.insert_one({"_id": oid(2, 1), "customer": oid(1, 3), "skus": ["a"], "n": 1})
    folder = shop.small_project(tmp_path / "q", SCHEMA, MAPPING, more=DISCARD)
    with open_move(folder, mongo_db.url, target.url) as move:
        move.survey()
        move.copy()
        mongo_db.db.customers.update_one({"_id": oid(1, 0)}, {"$set": {"age": "31"}})
        mongo_db.db.customers.delete_one({"_id": oid(1, 1)})
        move.repair(keys={"customers": [str(oid(1, n)) for n in range(4)]})
        counts = {e.entity: e.counts for e in move.status().entities}["customers"]
        assert (counts.source, counts.copied, counts.discarded) == (3, 2, 1)
        require_equal(move)

"""A foreign key that PostgreSQL does not enforce refuses no record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import shop
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, customer int, maybe int REFERENCES customers,
  CONSTRAINT loose FOREIGN KEY (customer) REFERENCES customers NOT ENFORCED);
"""
MAPPING = {
    "customers": "SELECT c._id AS id FROM customers AS c",
    "orders": "SELECT o._id AS id, o.customer AS customer, o.maybe AS maybe FROM orders AS o",
}


def test_orphans_of_it_are_copied(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    ((version,),) = pg_db.execute("SHOW server_version_num")
    if int(version) < 180000:
        pytest.skip("NOT ENFORCED is new in PostgreSQL 18")
    mongo_db.db.customers.insert_one({"_id": 1})
    orders: list[dict[str, Any]] = [{"_id": 1, "customer": 1, "maybe": None}, {"_id": 2, "customer": 9, "maybe": 1}]
    mongo_db.db.orders.insert_many([*orders, {"_id": 3, "customer": 9, "maybe": 9}])
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more="limits.stop_at = 1.0\n")
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        assert counts_of(move.copy()) == {"customers": (1, 1, 0, 0), "orders": (3, 2, 1, 0)}
        mongo_db.db.customers.delete_one({"_id": 1})
        mongo_db.db.orders.update_many({}, {"$set": {"maybe": None}})
        move.repair()
        assert counts_of(move.status()) == {"customers": (0, 0, 0, 0), "orders": (3, 3, 0, 0)}
        verdict = move.verify()
        assert (verdict.equal, verdict.schema and verdict.schema.differences) == (True, ())
    assert pg_db.execute("SELECT conenforced FROM pg_constraint WHERE conname = 'loose'") == [(False,)]

"""A whole move from memory to memory, and one that fails at every possible point."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

import shop
from crossfade.move import Move
from crossfade.stores.memory.database import POINTS
from in_memory import fill, held, rows
from outcome import open_move

SCHEMA = """
CREATE TABLE customers (id uuid PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (id uuid PRIMARY KEY, customer_id uuid NOT NULL REFERENCES customers (id), total integer);
CREATE INDEX orders_customer_idx ON orders (customer_id);
"""
MAPPING = {
    "customers": "SELECT uuid_of(c._id) AS id, c.email AS email FROM customers AS c",
    "orders": "SELECT uuid_of(o._id) AS id, uuid_of(o.customer) AS customer_id, o.total AS total FROM orders AS o",
}
CUSTOMERS: list[dict[str, Any]] = [{"_id": ObjectId(f"{n:024x}"), "email": f"c{n}@x.org"} for n in range(20)]
ORDERS: list[dict[str, Any]] = [
    {"_id": ObjectId(f"{1000 + n:024x}"), "customer": CUSTOMERS[n % 20]["_id"], "total": n} for n in range(60)
]
SAME_EMAIL = {"_id": ObjectId("f" * 24), "email": "c0@x.org"}
ORPHAN = {"_id": ObjectId("e" * 24), "customer": SAME_EMAIL["_id"], "total": 1}


@dataclass(frozen=True)
class Shop:
    folder: Path
    source: str
    target: str

    def move(self) -> Move:
        return open_move(self.folder, self.source, self.target)


@pytest.fixture
def small(tmp_path: Path, new_memory: Callable[[], str]) -> Shop:
    """The databases are filled, the source is surveyed; two records cannot come in."""
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.002)
    made = Shop(folder, new_memory(), new_memory())
    fill(made.source, "customers", [*CUSTOMERS, SAME_EMAIL])
    fill(made.source, "orders", [*ORDERS, ORPHAN])
    with made.move() as move:
        move.survey()
    return made


def test_a_whole_move_in_well_under_a_second(small: Shop) -> None:
    fill(small.source, "customers", CUSTOMERS)
    fill(small.source, "orders", ORDERS)
    start = time.process_time()
    with small.move() as move:
        move.survey()
        assert [finding for finding in move.check() if finding.severity == "fault"] == []
        assert move.copy().ok
        assert move.verify().equal
    assert time.process_time() - start < 1
    assert (len(rows(small.target, "customers")), len(rows(small.target, "orders"))) == (20, 60)


def require_finished(small: Shop) -> None:
    """Copy what is left: all records are in but the two, and verification finds the same."""
    with small.move() as move:
        move.copy()
        assert move.verify().equal
        open_entries = {(entry.entity, entry.reason) for entry in move.quarantine() if entry.state == "open"}
    assert open_entries == {("customers", "unique"), ("orders", "foreign_key")}
    assert (len(rows(small.target, "customers")), len(rows(small.target, "orders"))) == (20, 60)


def test_records_that_break_a_constraint_are_in_quarantine(small: Shop) -> None:
    require_finished(small)


class Stopped(Exception):
    pass


@pytest.mark.parametrize("point", [point for point in POINTS if not point.endswith("batch")])
def test_a_move_that_fails_anywhere_is_finished_by_the_next_run(small: Shop, point: str) -> None:
    """Each run fails at a point that it reaches a later time than the one before, until one gets through."""
    database = held(small.source if point.endswith("read") else small.target)
    for times in range(1, 200):
        left = times

        def stop() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Stopped

        database.at(point, stop)
        try:
            with small.move() as move:
                move.copy()
            break
        except Stopped:
            continue
    database.at(point, None)
    assert times > 1
    require_finished(small)

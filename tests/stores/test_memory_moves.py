"""A whole move from memory to memory, and one that fails at every point where it can."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from memory_moves import Pair, pair

from crossfade.stores.memory.database import POINTS

SCHEMA = """
CREATE TABLE customers (id uuid PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (id uuid PRIMARY KEY, customer_id uuid NOT NULL REFERENCES customers (id), total integer);
CREATE INDEX orders_customer_idx ON orders (customer_id);
"""
MAPPING = {
    "customers": "SELECT uuid_of(c._id) AS id, c.email AS email FROM customers AS c",
    "orders": "SELECT uuid_of(o._id) AS id, uuid_of(o.customer) AS customer_id, o.total AS total FROM orders AS o",
}
CUSTOMERS: list[dict[str, Any]] = [{"_id": ObjectId(f"{n:024x}"), "email": f"c{n}@x.org"} for n in range(40)]
ORDERS: list[dict[str, Any]] = [
    {"_id": ObjectId(f"{1000 + n:024x}"), "customer": CUSTOMERS[n % 40]["_id"], "total": n} for n in range(200)
]
TWIN = {"_id": ObjectId("f" * 24), "email": "c0@x.org"}
ORPHAN = {"_id": ObjectId("e" * 24), "customer": TWIN["_id"], "total": 1}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path / "shop", SCHEMA, MAPPING, chunk_mb=0.003) as found:
        found.fill("customers", [*CUSTOMERS, TWIN])
        found.fill("orders", [*ORDERS, ORPHAN])
        with found.move() as move:
            move.survey()
        yield found


def verified(shop: Pair) -> tuple[int, int]:
    """Copy what is left, verify it, and return how many rows are in and how many records are in quarantine."""
    with shop.move() as move:
        move.copy()
        assert move.verify().equal
        held = [entry for entry in move.quarantine() if entry.state == "open"]
    return len(shop.rows("customers")) + len(shop.rows("orders")), len(held)


def test_a_whole_move_in_under_a_second(tmp_path: Path) -> None:
    with pair(tmp_path / "shop", SCHEMA, MAPPING) as shop:
        shop.fill("customers", CUSTOMERS)
        shop.fill("orders", ORDERS)
        start = time.perf_counter()
        with shop.move() as move:
            move.survey()
            assert [f for f in move.check() if f.severity == "fault"] == []
            move.copy()
            verdict = move.verify()
        assert verdict.equal
        assert (len(shop.rows("customers")), len(shop.rows("orders"))) == (40, 200)
        print(f"{time.perf_counter() - start:.2f} s")


def test_records_that_break_a_constraint_are_in_quarantine(shop: Pair) -> None:
    assert verified(shop) == (240, 2)


class Stopped(Exception):
    pass


@pytest.mark.parametrize("point", POINTS)
def test_a_move_that_fails_anywhere_is_finished_by_the_next_run(shop: Pair, point: str) -> None:
    """Fail at the first, the second, ... time that a point is reached, until a run gets through."""
    database = shop.source if point.endswith("read") else shop.target
    for times in range(1, 200):
        left = times

        def stop() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Stopped

        database.at(point, stop)
        try:
            with shop.move() as move:
                move.copy()
        except Stopped:
            continue
        finally:
            database.at(point, None)
        break
    assert times > 1
    assert verified(shop) == (240, 2)

"""The source may change while the copy runs: records that are deleted or updated between their reading and the check
of the constraints.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

import shop
from crossfade.errors import CrossfadeError
from crossfade.model.events import RecordsGone
from crossfade.move import Move
from crossfade.pipeline import duplicate_keys
from outcome import Outcome, balanced, counts_of, open_move, outcome
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE customers (id uuid PRIMARY KEY, age int NOT NULL);
CREATE TABLE orders (id uuid PRIMARY KEY, n int, customer uuid NOT NULL REFERENCES customers (id));
CREATE TABLE items (order_id uuid NOT NULL REFERENCES orders (id), sku text, PRIMARY KEY (order_id, sku));
CREATE TABLE notes (sku text, n int, PRIMARY KEY (sku, n));
"""
MAPPING = {
    "customers": "SELECT uuid_of(c._id) AS id, as_int(c.age) AS age FROM customers AS c",
    "orders": "SELECT uuid_of(o._id) AS id, o.n AS n, uuid_of(o.customer) AS customer FROM orders AS o",
    "items": "SELECT uuid_of(o._id) AS order_id, i.sku AS sku FROM orders AS o, unnest(o.skus) AS i(sku)",
    "notes": "SELECT i.sku AS sku, o.n AS n FROM orders AS o, unnest(o.skus) AS i(sku)",
}
"""`notes` has no owner column: the journal keeps a ledger of it."""


def oid(kind: int, n: int) -> ObjectId:
    return ObjectId(f"{kind:02x}{n:022x}")


@pytest.fixture
def opened(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> Any:
    """Four customers, of whom two do not fit, and three orders of each."""
    ages: list[Any] = [30, "?", "?", 40]
    mongo_db.db.customers.insert_many([{"_id": oid(1, i), "age": age} for i, age in enumerate(ages)])
    mongo_db.db.orders.insert_many(
        [{"_id": oid(2, i), "customer": oid(1, i % 4), "skus": ["a", "b"], "n": i} for i in range(12)]
    )
    with open_move(shop.small_project(tmp_path / "p", SCHEMA, MAPPING), mongo_db.url, pg_db.url) as move:
        move.survey()
        yield move


def copied(move: Move, monkeypatch: pytest.MonkeyPatch, change: Any) -> list[Any]:
    """Copies, with a change of the source after all was read; the events."""
    events: list[Any] = []
    decide = duplicate_keys.decide

    def changed(work: Any, entities: Any) -> None:
        change()
        decide(work, entities)

    monkeypatch.setattr(duplicate_keys, "decide", changed)
    move.copy(events.append)
    monkeypatch.undo()
    return events


def everything(pg_db: PostgresScratch, move: Move) -> Outcome:
    found = outcome(pg_db.url, move.status())
    balanced(move.status(), found)
    return found


def test_children_whose_documents_are_gone_are_removed_and_said(
    opened: Move, mongo_db: MongoScratch, pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = copied(
        opened, monkeypatch, lambda: mongo_db.db.orders.delete_many({"_id": {"$in": [oid(2, 1), oid(2, 2)]}})
    )
    gone = [(e.entity, e.table, e.count) for e in events if isinstance(e, RecordsGone)]
    assert gone == [("orders", "orders", 2)]
    assert counts_of(opened.status())["orders"] == (10, 6, 4, 0)
    assert next(e for e in opened.status().entities if e.entity == "orders").gone == 2
    found = everything(pg_db, opened)
    assert len(found.tables["orders"]) == 6
    assert len(found.tables["items"]) == len(found.tables["notes"]) == 12
    assert pg_db.execute("SELECT count(*) FROM crossfade.ledger") == [(12,)]
    assert opened.verify().equal


def test_a_child_that_has_another_parent_by_now_comes_in_by_a_retry(
    opened: Move, mongo_db: MongoScratch, pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change() -> None:
        mongo_db.db.orders.update_many({"customer": oid(1, 1)}, {"$set": {"customer": oid(1, 0), "skus": ["c"]}})

    copied(opened, monkeypatch, change)
    assert counts_of(opened.status())["orders"] == (12, 6, 6, 0)
    tried = opened.retry()
    assert sorted(r.outcome for r in tried if r.entry.entity == "orders") == ["copied"] * 3 + ["quarantined"] * 3
    assert counts_of(opened.status())["orders"] == (12, 9, 3, 0)
    found = everything(pg_db, opened)
    assert sorted(row[0] for row in found.tables["notes"]) == ["a"] * 6 + ["b"] * 6 + ["c"] * 3
    assert opened.verify().equal


def test_rows_of_somebody_else_are_not_taken_for_those_of_records_that_are_gone(
    opened: Move, pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = "INSERT INTO orders VALUES ('00000000-0000-8000-8000-000000cf01d0', 7, gen_random_uuid())"
    with pytest.raises(CrossfadeError, match="orders_customer_fkey"):
        copied(opened, monkeypatch, lambda: pg_db.execute(stranger))
    assert len(pg_db.execute("SELECT * FROM orders")) == 7

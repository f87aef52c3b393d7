"""A run that fails at a named point, at any time, is continued by the next: nothing is lost and none is counted twice.

An error before a commit leaves nothing behind, as kill -9 there does; one after it is a commit whose answer is lost.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from bson import ObjectId

import shop
from crossfade.move import Move
from crossfade.pipeline import follow, pulse
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.ejson import to_bson
from crossfade.stores.memory.database import POINTS
from crossfade_ids import object_id_in
from following import Run, running, wait_for
from in_memory import fill, held, rows
from outcome import open_move

SCHEMA = """
CREATE TABLE customers (id uuid PRIMARY KEY, email text NOT NULL UNIQUE);
CREATE TABLE orders (id uuid PRIMARY KEY, customer_id uuid NOT NULL REFERENCES customers (id), total integer);
"""
MAPPING = {
    "customers": "SELECT uuid_of(c._id) AS id, c.email AS email FROM customers AS c",
    "orders": "SELECT uuid_of(o._id) AS id, uuid_of(o.customer) AS customer_id, o.total AS total FROM orders AS o",
}


class Killed(Exception):
    pass


@dataclass
class Live:
    """A source with an application that writes at random, from a seed."""

    folder: Path
    source: str
    target: str
    chance: random.Random

    def move(self) -> Move:
        return open_move(self.folder, self.source, self.target)

    def write(self) -> None:
        """Insert, change or delete one record: customers that exchange addresses, orders without a customer."""
        database, n = held(self.source), self.chance.randrange(12)
        entity = self.chance.choice(("customers", "orders"))
        id_ = ObjectId(f"{n if entity == 'customers' else 100 + n:024x}")
        if self.chance.random() < 0.25:
            key = BSON.key(to_bson({"_id": id_}))
            assert key is not None
            database.remove(entity, key)
        elif entity == "customers":
            database.put(entity, to_bson({"_id": id_, "email": f"c{self.chance.randrange(14)}"}))
        else:
            customer = ObjectId(f"{self.chance.randrange(14):024x}")
            database.put(entity, to_bson({"_id": id_, "customer": customer, "total": self.chance.randrange(99)}))


@pytest.fixture
def live(tmp_path: Path, new_memory: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setattr(pulse, "SECONDS", 0.05)
    monkeypatch.setattr(follow, "IDLE", 0.05)
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.0005)
    made = Live(folder, new_memory(), new_memory(), random.Random(7))
    fill(made.source, "customers", [{"_id": ObjectId(f"{n:024x}"), "email": f"c{n}"} for n in range(12)])
    fill(
        made.source,
        "orders",
        [{"_id": ObjectId(f"{100 + n:024x}"), "customer": ObjectId(f"{n:024x}"), "total": n} for n in range(12)],
    )
    with made.move() as move:
        move.survey()
    return made


def require_equal(live: Live) -> None:
    """Both sides are equal, by what the records say themselves and by a verification, and the accounts balance."""
    with running(live.move):
        wait_for(lambda: not _moving(live))
        with live.move() as move:
            assert move.verify().equal
    customers = {r["_id"]: r["email"] for r in _records(live, "customers")}
    there = {_id(row[0]): row[1] for row in rows(live.target, "customers")}
    assert there.items() <= customers.items()
    with live.move() as move:
        found = move.status()
        assert all(entity.balanced for entity in found.entities)
        counts = {entity.entity: entity.counts for entity in found.entities}
        assert counts["customers"].source == len(customers)
        assert counts["orders"].source == len(_records(live, "orders"))
        assert counts["customers"].copied == len(there)


def _records(live: Live, entity: str) -> list[dict[str, Any]]:
    return [decode_one(raw) for raw in held(live.source).entities[entity].records.values()]


def _id(value: bytes) -> ObjectId:
    found = object_id_in(UUID(bytes=bytes(value)))
    assert found is not None
    return ObjectId(found)


def _moving(live: Live) -> bool:
    with live.move() as move:
        found = move.following()
        return found is None or bool(found.moving) or found.position_at is None


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_fails_anywhere_is_continued(live: Live, point: str) -> None:
    """The application writes at every point that is reached; each run ends at another time."""
    of = live.source if point.split()[1] in ("read", "batch") else live.target
    for times in (1, 2, 5, 13):
        left = times

        def reached() -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed
            live.write()

        held(of).at(point, reached)
        run = Run(live.move, seconds=0.5)
        try:
            run.ended()
        except Killed:
            pass
        finally:
            held(of).at(point, None)
    require_equal(live)

"""A MongoDB database is followed into another one, both real: by its change stream, and with transactions."""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import PyMongoError

import shop
from crossfade.errors import Unsupported
from crossfade.move import Move
from crossfade.pipeline import follow
from crossfade.testing import with_database
from following import Run, running, state, stop, wait_for
from outcome import open_move
from scratch import MongoScratch

SCHEMA = """
datasource db {
  provider = "mongodb"
  url      = env("TARGET_URL")
}
model Customer {
  id     Int     @id @map("_id")
  email  String  @unique
  orders Order[]
  @@map("customers")
}
model Order {
  id         Int      @id @map("_id")
  customerId Int
  customer   Customer @relation(fields: [customerId], references: [id])
  total      Int
  lines      Int[]
  @@map("orders")
}
"""
MAPPING = {
    "customers": "SELECT c._id AS _id, c.email AS email FROM customers AS c",
    "orders": 'SELECT o._id AS _id, o.customer AS "customerId", o.total AS total, o.lines AS lines FROM orders AS o',
}
LIMITS = "limits.stop_at = 1.0\n"


@dataclass(frozen=True)
class Pair:
    folder: Path
    source: str
    target: str
    app: Database[dict[str, Any]]
    new: Database[dict[str, Any]]

    def move(self) -> Move:
        return open_move(self.folder, self.source, self.target)

    def has_come(self, n: int) -> bool:
        return self.new.customers.find_one({"_id": n}) is not None

    def is_settled(self) -> bool:
        """Whether what was written last is there, and nothing else is to be applied."""
        found = state(self.move)
        return self.new.customers.find_one({"_id": 99}) is not None and found is not None and found.moving == {}

    def require_true(self) -> set[tuple[str, int]]:
        """What is in quarantine is there for a reason that holds; all else is in the target. Return the former."""
        with self.move() as move:
            status = move.status()
            assert status.following is not None
            assert status.following.moving == {}
            assert all(entity.balanced for entity in status.entities)
            out = {(e.entity, int(str(e.key).split('"')[-2])) for e in move.quarantine() if e.state == "open"}
        customers = {c["_id"]: c["email"] for c in self.app.customers.find() if ("customers", c["_id"]) not in out}
        orders = {o["_id"]: o for o in self.app.orders.find() if ("orders", o["_id"]) not in out}
        assert {c["_id"]: c["email"] for c in self.new.customers.find()} == customers
        expected = {of: (o["customer"], o["total"], o["lines"]) for of, o in orders.items()}
        assert {o["_id"]: (o["customerId"], o["total"], o["lines"]) for o in self.new.orders.find()} == expected
        for entity, of in out:
            record = self.app[entity].find_one({"_id": of})
            assert record is not None
            if entity == "orders":
                assert record["customer"] not in customers
            else:
                assert record["email"] in customers.values()
        return out


@pytest.fixture
def pair(tmp_path: Path, mongo_db: MongoScratch, mongodb_url: str) -> Iterator[Pair]:
    name = "cf_" + secrets.token_hex(6)
    client = mongo_db.db.client
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.01, more=LIMITS)
    (folder / "schema.sql").rename(folder / "schema.prisma")
    settings = folder / "crossfade.toml"
    settings.write_text(settings.read_text().replace("schema.sql", "schema.prisma"))
    made = Pair(folder, mongo_db.url, with_database(mongodb_url, name), mongo_db.db, client[name])
    made.app.customers.insert_many([{"_id": n, "email": f"c{n}"} for n in range(20)])
    made.app.orders.insert_many([{"_id": n, "customer": n % 20, "total": n, "lines": [n]} for n in range(60)])
    with made.move() as move:
        move.survey()
    yield made
    client.drop_database(name)


def change(app: Database[dict[str, Any]], rng: random.Random) -> None:
    """Do one of the things that applications do, some of them in a transaction."""
    what, a, b = rng.randrange(16), rng.randrange(25), rng.randrange(25)
    if what == 0:
        app.customers.update_one({"_id": a}, {"$set": {"email": f"c{b}"}}, upsert=True)
    elif what == 1 and a > 17:  # its orders go to quarantine with it
        app.customers.delete_one({"_id": a})
    elif what in (2, 6):
        with app.client.start_session() as session, session.start_transaction():
            mine, theirs = (app.customers.find_one({"_id": of}, session=session) for of in (a, b))
            if mine and theirs:
                app.customers.update_one({"_id": a}, {"$set": {"email": theirs["email"]}}, session=session)
                app.customers.update_one({"_id": b}, {"$set": {"email": mine["email"]}}, session=session)
    elif what == 3:
        app.orders.update_one({"_id": rng.randrange(80)}, {"$set": {"customer": a}})
    elif what == 4:
        order = {"customer": a, "total": b, "lines": [a, b]}
        app.orders.replace_one({"_id": rng.randrange(80)}, order, upsert=True)
    elif what == 5:
        app.orders.delete_one({"_id": rng.randrange(80)})
    else:
        app.orders.update_many({"customer": a}, {"$push": {"lines": b}, "$inc": {"total": 1}})


def exchange(app: Database[dict[str, Any]], session: ClientSession) -> None:
    app.customers.update_one({"_id": 1}, {"$set": {"email": "c2"}}, session=session)
    app.customers.update_one({"_id": 2}, {"$set": {"email": "c1"}}, session=session)


def write(pair: Pair, seed: int, stopped: threading.Event) -> None:
    rng = random.Random(seed)
    while not stopped.wait(0.02):
        with suppress(PyMongoError):  # two writers whose transactions meet
            change(pair.app, rng)


@pytest.mark.torture
def test_writers_during_copy_and_follow(pair: Pair) -> None:
    stopped = threading.Event()
    writers = [threading.Thread(target=write, args=(pair, n, stopped)) for n in range(2)]
    for writer in writers:
        writer.start()
    run = Run(pair.move)
    stopped.wait(1)
    stopped.set()
    for writer in writers:
        writer.join()
    pair.app.customers.insert_one({"_id": 99, "email": "last"})
    wait_for(lambda: run.is_over or pair.is_settled(), 300)
    stop(pair.move)
    run.ended()
    pair.require_true()


def test_what_changes_is_applied(pair: Pair) -> None:
    with running(pair.move) as run:
        with pair.app.client.start_session() as session:
            session.with_transaction(partial(exchange, pair.app))  # a busy server may end a transaction
        pair.app.orders.update_many({"customer": 3}, {"$push": {"lines": 7}})
        pair.app.customers.delete_one({"_id": 4})
        pair.app.customers.insert_one({"_id": 99, "email": "last"})
        wait_for(lambda: run.is_over or pair.is_settled())
    assert pair.require_true() == {("orders", 4), ("orders", 24), ("orders", 44)}


def test_the_notes_of_what_was_written_stay_few(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """And `reset` still knows the documents of the move by them."""
    monkeypatch.setattr(follow, "NOTES", 0)
    with running(pair.move) as run:
        for n in range(100, 104):
            pair.app.customers.insert_one({"_id": n, "email": f"new{n}"})
            wait_for(partial(pair.has_come, n))
        pair.app.customers.delete_one({"_id": 102})
        pair.app.customers.insert_one({"_id": 99, "email": "last"})
        wait_for(lambda: run.is_over or pair.is_settled())
    assert pair.new["crossfade.loaded"].count_documents({}) <= 3
    with pair.move() as move:
        move.reset()


def test_a_target_without_transactions_is_refused(pair: Pair, standalone_db: str) -> None:
    with pytest.raises(Unsupported):
        Run(lambda: open_move(pair.folder, pair.source, standalone_db)).ended()
    with pymongo.MongoClient[dict[str, Any]](standalone_db) as client:
        assert client.get_default_database().list_collection_names() == []

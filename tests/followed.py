"""A move that is followed in this process, with writers on its source: customers, and orders with their items."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import shop
from crossfade.journal import feed
from crossfade.move import Move
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.stores.contract import TargetTransaction, need
from crossfade.stores.memory.database import Database, database
from crossfade.stores.open import open_store
from following import SECONDS, wait_for
from outcome import open_move

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL UNIQUE, age int NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, note text, customer_id int NOT NULL REFERENCES customers (id));
CREATE TABLE items (order_id int NOT NULL REFERENCES orders (id), sku text, PRIMARY KEY (order_id, sku));
"""
MAPPING = {
    "customers": "SELECT c._id AS id, c.email AS email, parse_int(c.age) AS age FROM customers AS c",
    "orders": "SELECT o._id AS id, o.note AS note, o.customer AS customer_id FROM orders AS o",
    "items": "SELECT o._id AS order_id, i.sku AS sku FROM orders AS o, unnest(o.skus) AS i(sku)",
}
HIDDEN = "99"
DISCARD = f"""
[[discard]]
entity = "customers"
where = "c.age = '{HIDDEN}'"
alias = "c"
reason = "who is {HIDDEN} stays"
"""
CUSTOMERS, ORDERS = 60, 300

STILL = range(5000, 5010)
"""Records that no writer touches."""

Document = Mapping[str, Any]
Write = tuple[str, Any, Document | None]
"""Entity, key, document; None: it is deleted."""


class Followed:
    """`source` is in memory; the target is where `target` says."""

    def __init__(self, folder: Path, source: str, target: str) -> None:
        self.url, self.target = source, target
        self.folder = shop.small_project(folder / "p", SCHEMA, MAPPING)
        self.failure: BaseException | None = None
        for entity in ("customers", "orders"):
            self.source.create(entity)

    @property
    def source(self) -> Database:
        return database(self.url, BSON)

    def write(self, entity: str, of: int, doc: Document | None) -> None:
        if doc is None:
            self.source.remove(entity, key(of))
        else:
            self.source.put(entity, to_bson({"_id": of, **doc}))

    def move(self) -> Move:
        return open_move(self.folder, self.url, self.target)

    def survey(self) -> None:
        """Survey a source that has every path and type, then put in what the writers begin with."""
        self.write("customers", 1, {"email": "e1", "age": "30"})
        self.write("orders", 1, {"customer": 1, "note": "n", "skus": ["a"]})
        self.write("orders", 2, {"customer": 1, "note": None, "skus": []})
        with self.move() as move:
            move.survey()
        r = random.Random(0)
        for of in range(CUSTOMERS):
            self.write("customers", of, customer(r, of))
        for of in range(ORDERS):
            self.write("orders", of, order(r))
        for of in STILL:
            self.write("customers", of, {"email": f"e{of}", "age": "30"})
            self.write("orders", of, {"customer": of, "note": "n", "skus": ["a", "b"]})

    @contextmanager
    def meddling(self) -> Iterator[TargetTransaction]:
        """A transaction of the target that somebody else has opened; nothing of it is in the journal."""
        with open_store(self.target) as store, need(store.writer, store, "be written to").transaction() as tx:
            yield tx

    def applied(self) -> None:
        """Wait until all that was written is applied."""

        def nothing_is_left() -> bool:
            found = move.following()
            assert found is not None
            return self.source.history.now <= int(self._position(move)) and not any(found.moving.values())

        with self.move() as move:
            wait_for(nothing_is_left)

    def _position(self, move: Move) -> str:
        with move.context.transaction() as tx:
            record = feed.find(tx)
        assert record is not None
        return record.position.token

    @contextmanager
    def following(self) -> Iterator[None]:
        """Copy and follow in a thread, until the end of the block."""
        with self.move() as moved:
            thread = threading.Thread(target=self._start, args=(moved,))
            thread.start()
            try:
                self._until_it_follows()
                yield
            finally:
                with self.move() as other:
                    if thread.is_alive():
                        other.stop(seconds=SECONDS)
                thread.join()
        if self.failure is not None:
            raise self.failure

    def _start(self, moved: Move) -> None:
        try:
            moved.start()
        except BaseException as error:
            self.failure = error

    def _until_it_follows(self) -> None:
        def follows() -> bool:
            found = other.following()
            return found is not None and found.state == "following" and found.running

        with self.move() as other:
            wait_for(lambda: self.failure is not None or follows())
        if self.failure is not None:
            raise self.failure

    @contextmanager
    def writing(self, seed: int, pause: float = 0.002) -> Iterator[None]:
        """Write at random in a thread, until the end of the block; with longer pauses where the machine is slow, as
        nothing settles that changes faster than it can be read.
        """
        ends, r = threading.Event(), random.Random(seed)

        def write() -> None:
            with self.move() as own:
                while not ends.is_set():
                    asked = time.monotonic()
                    own.following()
                    pace = max(pause, time.monotonic() - asked)
                    for _ in range(10):
                        self.write(*some_write(r))
                        ends.wait(pace)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()


def key(of: int) -> str:
    return str(BSON.key(to_bson({"_id": of})))


def some_write(r: random.Random) -> Write:
    if r.random() < 0.1:
        of = r.randrange(CUSTOMERS)
        return "customers", of, None if r.random() < 0.1 else customer(r, of)
    return "orders", r.randrange(ORDERS), None if r.random() < 0.2 else order(r)


def customer(r: random.Random, of: int) -> Document:
    """Now and then one does not fit, stays, or wants what another has."""
    email = f"e{r.randrange(CUSTOMERS) if r.random() < 0.05 else of}"
    return {"email": email, "age": r.choice(["30", "31", "32", "33"] * 5 + ["old"])}


def order(r: random.Random) -> Document:
    skus = r.choice([[], ["a"], ["a", "b"], ["b", "c"]])
    return {"customer": r.randrange(CUSTOMERS), "note": r.choice([None, "n", "m", "o"]), "skus": skus}

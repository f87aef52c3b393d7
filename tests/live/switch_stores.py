"""Customers with orders, in an old store and a new one, as their application writes them, and what it was told.

`visits` is counted up by writes: one that is lost, or applied twice, is seen in it. `note` is known to the old store
alone. Nothing here is Crossfade's but the ids that the application has to make.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import psycopg
import pymongo
from bson import ObjectId
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import OperationFailure

from crossfade.stores.postgresql.session.connection import CommittingConnection
from crossfade_ids import object_id_in, uuid_of

FIRST, UNTOUCHED = 40, 10
"""How many customers there are at first; the last of them are never written."""


@dataclass(frozen=True)
class Customer:
    email: str
    visits: int = 0
    orders: tuple[tuple[int, int], ...] = ()
    """Numbers and totals, by number."""


class Refused(Exception):
    """The database refused the write, or undid it."""


class Side(Protocol):
    def put(self, n: int, old: Customer | None, new: Customer | None) -> None:
        """Insert, change or remove a customer."""

    def all(self) -> dict[int, Customer]: ...

    def close(self) -> None: ...


def first() -> dict[int, Customer]:
    return {n: Customer(f"c{n}", n, tuple((no, 10 * n + no) for no in range(n % 4))) for n in range(FIRST)}


# -- documents


class Documents:
    def __init__(self, url: str) -> None:
        self._client = pymongo.MongoClient[dict[str, Any]](url, retryWrites=False)
        self._customers = self._client.get_default_database()["customers"]

    def create(self) -> None:
        """Fill it, with what no mapping knows, and what a mapping does not see: the fields' order."""
        for n, one in first().items():
            note = {"note": {"deep": [n, 2.5, None], "of": "old"}}
            own = {"_id": _oid(n), "email": one.email, "visits": one.visits, "orders": _listed(one)}
            self._customers.insert_one({**own, **note} if n % 2 else {**note, **own})

    def put(self, n: int, old: Customer | None, new: Customer | None) -> None:
        if new is None:
            change: Callable[[], Any] = lambda: self._customers.delete_one({"_id": _oid(n)})  # noqa: E731
        elif old is None:
            own = {"_id": _oid(n), "email": new.email, "visits": new.visits, "orders": _listed(new)}
            change = lambda: self._customers.insert_one(own)  # noqa: E731
        else:
            update = {
                "$set": {"email": new.email, "orders": _listed(new)},
                "$inc": {"visits": new.visits - old.visits},
            }
            change = lambda: self._customers.update_one({"_id": _oid(n)}, update)  # noqa: E731
        try:
            done = change()
        except OperationFailure as error:
            if error.code == 371:
                raise Refused from error
            raise
        if getattr(done, "matched_count", getattr(done, "deleted_count", 1)) == 0:
            raise Refused  # a closed server refuses only what would change something, and it is not there yet

    def all(self) -> dict[int, Customer]:
        return {
            int(str(d["_id"]), 16): Customer(
                d["email"], d["visits"], tuple(sorted((o["no"], o["total"]) for o in d["orders"]))
            )
            for d in self._customers.find()
        }

    def kept(self) -> dict[int, Any]:
        """Of each customer what no mapping knows; of those that are never written every byte."""
        raw: Any = self._customers.with_options(CodecOptions(document_class=RawBSONDocument))
        found = {int(str(d["_id"]), 16): d for d in raw.find({"_id": {"$lt": _oid(FIRST)}})}
        return {n: bytes(d.raw) if n >= FIRST - UNTOUCHED else bytes(d["note"].raw) for n, d in found.items()}

    def close(self) -> None:
        self._client.close()


def _oid(n: int) -> ObjectId:
    return ObjectId(f"{n:024x}")


def _listed(one: Customer) -> list[dict[str, int]]:
    return [{"no": no, "total": total} for no, total in one.orders]


# -- rows

OLD_ROWS = """
CREATE TABLE customers (id bigint PRIMARY KEY, note text, email text NOT NULL, visits bigint NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers (id), no bigint NOT NULL,
    total bigint NOT NULL);
CREATE INDEX orders_of_customer ON orders (customer_id);
"""


class Rows:
    """`id_of` and `line_of` make the keys of customers and their orders, `n_of` the number again."""

    def __init__(
        self, url: str, id_of: Callable[[int], Any], line_of: Callable[[int, int], Any], n_of: Callable[[Any], int]
    ) -> None:
        self._connection = CommittingConnection.connect(url, autocommit=True)
        self._id_of, self._line_of, self._n_of = id_of, line_of, n_of

    def create(self) -> None:
        self._connection.execute(OLD_ROWS.encode())
        for n, one in first().items():
            self.put(n, None, one)
        self._connection.execute("UPDATE customers SET note = 'note ' || id")

    def together(self) -> AbstractContextManager[Any]:
        """Writes of this block are one transaction."""
        return self._connection.transaction()

    def put(self, n: int, old: Customer | None, new: Customer | None) -> None:
        with self._refusing() as c:
            own, there = self._id_of(n), dict(old.orders) if old else {}
            wanted = dict(new.orders) if new else {}
            for no in there.keys() - wanted.keys():
                c.execute("DELETE FROM orders WHERE id = %s", [self._line_of(n, no)])
            if new is None:
                c.execute("DELETE FROM customers WHERE id = %s", [own])
            elif old is None:
                row = [own, new.email, new.visits]
                c.execute("INSERT INTO customers (id, email, visits) VALUES (%s, %s, %s)", row)
            else:
                more = "UPDATE customers SET email = %s, visits = visits + %s WHERE id = %s"
                c.execute(more, [new.email, new.visits - old.visits, own])
            for no, total in wanted.items() - there.items():
                if no in there:
                    c.execute("UPDATE orders SET total = %s WHERE id = %s", [total, self._line_of(n, no)])
                else:
                    row = [self._line_of(n, no), own, no, total]
                    c.execute("INSERT INTO orders (id, customer_id, no, total) VALUES (%s, %s, %s, %s)", row)

    def all(self) -> dict[int, Customer]:
        with self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            found = {
                self._n_of(own): Customer(email, visits)
                for own, email, visits in self._connection.execute("SELECT id, email, visits FROM customers")
            }
            for own, no, total in self._connection.execute("SELECT customer_id, no, total FROM orders ORDER BY no"):
                one = found[self._n_of(own)]
                found[self._n_of(own)] = replace(one, orders=(*one.orders, (no, total)))
            return found

    def kept(self) -> dict[int, Any]:
        """Of each customer what no mapping knows; of those that are never written the whole row."""
        rows = self._connection.execute("SELECT id, note, c::text FROM customers AS c WHERE id < %s", [FIRST])
        return {n: row if n >= FIRST - UNTOUCHED else note for n, note, row in rows}

    def is_closed(self) -> bool:
        try:
            with self._connection.transaction(force_rollback=True):
                self._connection.execute("DELETE FROM customers WHERE false")
        except psycopg.errors.ReadOnlySqlTransaction:
            return True
        return False

    @contextmanager
    def _refusing(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            with self._connection.transaction():
                yield self._connection
        except (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.DeadlockDetected) as error:
            raise Refused from error

    def close(self) -> None:
        self._connection.close()


def by_uuid(url: str) -> Rows:
    return Rows(
        url,
        lambda n: uuid_of(_oid(n)),
        lambda n, no: uuid_of(_oid(n), "orders", no),
        lambda own: int.from_bytes(object_id_in(own) or b"", "big"),
    )


def by_number(url: str) -> Rows:
    return Rows(url, lambda n: n, lambda n, no: n * 100 + no, int)


# -- what was told


class Told:
    """What applications were told is written: the customers, and side and moment of each write."""

    def __init__(self) -> None:
        self.customers = first()
        self.writes: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def note(self, side: str, begun: float, n: int, now: Customer | None) -> None:
        with self._lock:
            self.writes.append((begun, side))
            if now is None:
                del self.customers[n]
            else:
                self.customers[n] = now

    def count(self, side: str = "") -> int:
        with self._lock:
            return sum(1 for _, there in self.writes if not side or there == side)

    def phases(self) -> list[str]:
        """The sides that took writes, one after the other."""
        with self._lock:
            sides = [side for _, side in sorted(self.writes)]
        return [side for place, side in enumerate(sides) if not place or sides[place - 1] != side]

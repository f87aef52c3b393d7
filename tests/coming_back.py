"""A small system that is cut over and comes back: an old store, the new one, and an application on either side.

The oracle knows nothing of mappings: it keeps what was written as plain values, and reads both stores by their drivers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pymongo
from bson import ObjectId
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.errors import WriteError

import shop
from crossfade.errors import CrossfadeError
from crossfade.journal.status import FollowStatus
from crossfade.move import Move
from crossfade_ids import object_id_in, uuid_of
from cutover_times import PATIENT
from following import SECONDS, Run, wait_for
from outcome import open_move

SETTINGS = f"[cutover]\n{PATIENT}[rollback]\n{PATIENT}"

Customer = dict[str, Any]
"""`email`, and `orders`: number -> total."""


class Refused(Exception):
    """The application's write was refused by a fence."""


class Side(Protocol):
    """A store as its application uses it, by numbers of customers."""

    def put(self, n: int, email: str, orders: dict[int, int]) -> None: ...

    def remove(self, n: int) -> None: ...

    def all(self) -> dict[int, Customer]: ...


# -- documents


class Documents:
    def __init__(self, url: str) -> None:
        self.url = url
        self._client = pymongo.MongoClient[dict[str, Any]](url)
        self._db = self._client.get_default_database()

    def put(self, n: int, email: str, orders: dict[int, int]) -> None:
        listed = [{"no": no, "total": total} for no, total in sorted(orders.items())]
        with _blocked():
            self._db.customers.update_one({"_id": oid(n)}, {"$set": {"email": email, "orders": listed}}, upsert=True)

    def remove(self, n: int) -> None:
        with _blocked():
            self._db.customers.delete_one({"_id": oid(n)})

    def all(self) -> dict[int, Customer]:
        return {number(d["_id"]): _customer(d) for d in self._db.customers.find()}

    def prepare(self, value: Any) -> None:
        """Give all of them a field that no mapping knows, and let no two have the same email."""
        self._db.customers.create_index("email", unique=True)
        self._db.customers.update_many({}, {"$set": {"note": value}})

    def notes(self) -> dict[Any, Any]:
        return {d["_id"]: d["note"] for d in self._db.customers.find({"note": {"$exists": True}})}

    def whole(self) -> dict[int, bytes]:
        raw: Any = self._db.customers.with_options(CodecOptions(document_class=RawBSONDocument))
        return {number(d["_id"]): bytes(d.raw) for d in raw.find()}

    def close(self) -> None:
        self._client.close()


def _customer(d: dict[str, Any]) -> Customer:
    return {"email": d["email"], "orders": {o["no"]: o["total"] for o in d["orders"]}}


def oid(n: int) -> ObjectId:
    return ObjectId(f"{n:024x}")


def number(of: ObjectId) -> int:
    return int(str(of), 16)


@contextmanager
def _blocked() -> Iterator[None]:
    try:
        yield
    except WriteError as error:
        if error.code == 371:
            raise Refused from error
        raise


# -- rows


class Rows:
    """`id_of` and `line_of` make the keys of customers and their orders, `n_of` the number again."""

    def __init__(
        self, url: str, id_of: Callable[[int], Any], line_of: Callable[[int, int], Any], n_of: Callable[[Any], int]
    ) -> None:
        self.url, self._id_of, self._line_of, self._n_of = url, id_of, line_of, n_of

    def put(self, n: int, email: str, orders: dict[int, int]) -> None:
        with self._connected() as c:
            own = self._id_of(n)
            c.execute(
                "INSERT INTO customers (id, email) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET email = %s",
                [own, email, email],
            )
            c.execute("DELETE FROM orders WHERE customer_id = %s AND NOT no = ANY (%s)", [own, list(orders)])
            for no, total in orders.items():
                c.execute(
                    "INSERT INTO orders (id, customer_id, no, total) VALUES (%s, %s, %s, %s)"
                    " ON CONFLICT (id) DO UPDATE SET total = %s",
                    [self._line_of(n, no), own, no, total, total],
                )

    def remove(self, n: int) -> None:
        with self._connected() as c:
            c.execute("DELETE FROM orders WHERE customer_id = %s", [self._id_of(n)])
            c.execute("DELETE FROM customers WHERE id = %s", [self._id_of(n)])

    def all(self) -> dict[int, Customer]:
        with psycopg.connect(self.url) as c:
            c.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            found: dict[int, Customer] = {
                self._n_of(own): {"email": email, "orders": {}}
                for own, email in c.execute("SELECT id, email FROM customers").fetchall()
            }
            for own, no, total in c.execute("SELECT customer_id, no, total FROM orders").fetchall():
                found[self._n_of(own)]["orders"][no] = total
            return found

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            with psycopg.connect(self.url) as c:
                yield c
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise Refused from error


def by_uuid(url: str) -> Rows:
    return Rows(
        url,
        lambda n: uuid_of(oid(n)),
        lambda n, no: uuid_of(oid(n), "orders", no),
        lambda own: int.from_bytes(object_id_in(own) or b"", "big"),
    )


def by_number(url: str) -> Rows:
    return Rows(url, lambda n: n, lambda n, no: n * 100 + no, int)


# -- the system

DOCUMENTS_SCHEMA = """
CREATE TABLE customers (id uuid PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id uuid PRIMARY KEY, customer_id uuid NOT NULL REFERENCES customers (id), no bigint NOT NULL,
    total bigint NOT NULL);
"""
DOCUMENTS = {
    "customers": "SELECT uuid_of(c._id) AS id, c.email AS email FROM customers AS c",
    "orders": """
        SELECT uuid_of(c._id, 'orders', o.o.no) AS id, uuid_of(c._id) AS customer_id, o.o.no AS no, o.o.total AS total
        FROM customers AS c, unnest(c.orders) AS o(o)""",
}
OLD_ROWS = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL UNIQUE, note text);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers (id), no bigint NOT NULL,
    total bigint NOT NULL);
"""
ROWS_SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers (id), no bigint NOT NULL,
    total bigint NOT NULL);
"""
ROWS = {
    "customers": "SELECT c.id AS id, c.email AS email FROM customers AS c",
    "orders": "SELECT o.id AS id, o.customer_id AS customer_id, o.no AS no, o.total AS total FROM orders AS o",
}
NOT_MAPPED = '[[discard]]\nentity = "customers"\npath = "note"\nreason = "a test"\n'


@dataclass
class System:
    """`told`: what the applications were told is written."""

    folder: Path
    source: str
    target: str
    old: Side
    new: Side
    notes: Callable[[], dict[Any, Any]]
    whole: Callable[[], dict[int, Any]] = dict
    """Every record of the old store, byte for byte."""
    told: dict[int, Customer] = field(default_factory=dict)

    def move(self) -> Move:
        return open_move(self.folder, self.source, self.target)

    def put(self, side: Side, n: int, email: str, orders: dict[int, int]) -> bool:
        with suppress(Refused):
            side.put(n, email, orders)
            self.told[n] = {"email": email, "orders": dict(orders)}
            return True
        return False

    def remove(self, side: Side, n: int) -> bool:
        with suppress(Refused):
            side.remove(n)
            self.told.pop(n, None)
            return True
        return False

    def follows(self, direction: str) -> bool:
        found = self._following()
        return found is not None and found.running and found.state == "following" and found.direction == direction

    def proves(self) -> bool:
        found = self._following()
        return found is not None and found.lag_ms is not None

    def _following(self) -> FollowStatus | None:
        with self.move() as move, suppress(CrossfadeError):  # the run that begins locks tables of the journal
            return move.following()
        return None

    @contextmanager
    def following(self, direction: str) -> Iterator[Run]:
        """A run of this direction, which has proven a lag. It is ended, if it has not ended by itself."""
        run = Run(self.move)
        try:
            wait_for(lambda: run.is_over or self.follows(direction))
            if run.error is not None:
                raise run.error
            wait_for(lambda: run.is_over or self.proves())
            yield run
        finally:
            if not run.is_over:
                with self.move() as move:
                    move.stop(seconds=SECONDS)
            wait_for(lambda: run.is_over)  # a rollback ends it too: then it may still have the lock of the target
        if run.error is not None:
            raise run.error

    def aside(self) -> int:
        found = self._following()
        return -1 if found is None else sum(number for *_, number in found.set_aside)

    def roll_back(self) -> None:
        with self.following("back"), self.move() as move:
            proof = move.verify_back()
            assert proof.equal, proof
            ready = move.plan_rollback()
            assert ready.ok, [gate for gate in ready.gates if not gate.holds]
            assert ready.plan is not None
            assert move.rollback(plan=ready.plan.digest).stage == "source"

    def cut_over(self) -> None:
        with self.following("forward"), self.move() as move:
            assert move.verify().equal
            ready = move.plan_cutover()
            assert ready.ok, [gate for gate in ready.gates if not gate.holds]
            assert move.cutover(plan=ready.plan.digest).stage == "target"


def documents_and_rows(old: Documents, target: str, folder: Path) -> System:
    made = System(
        _project(folder, DOCUMENTS_SCHEMA, DOCUMENTS), old.url, target, old, by_uuid(target), old.notes, old.whole
    )
    for n in range(30):
        made.put(old, n, f"c{n}@x.org", {no: 10 * n + no for no in range(n % 3)})
    old.prepare({"deep": [1, 2.5, "x"]})
    return surveyed(made)


def rows_and_rows(source: str, target: str, folder: Path) -> System:
    with psycopg.connect(source) as connection:
        connection.execute(OLD_ROWS.encode())
    old = by_number(source)
    notes, whole = (lambda: _read(source, "note")), (lambda: _read(source, "c::text"))
    made = System(_project(folder, ROWS_SCHEMA, ROWS), source, target, old, by_number(target), notes, whole)
    for n in range(30):
        made.put(old, n, f"c{n}@x.org", {no: 10 * n + no for no in range(n % 3)})
    with psycopg.connect(source) as connection:
        connection.execute("UPDATE customers SET note = 'kept ' || id")
    return surveyed(made)


def _read(url: str, what: str) -> dict[Any, Any]:
    with psycopg.connect(url) as connection:
        return dict(
            connection.execute(f"SELECT id, {what} FROM customers AS c WHERE note IS NOT NULL".encode()).fetchall()
        )


def _project(folder: Path, schema: str, mapping: dict[str, str]) -> Path:
    made = shop.small_project(folder, schema, mapping, chunk_mb=0.002)
    with (made / "crossfade.toml").open("a") as file:
        file.write(SETTINGS + NOT_MAPPED)
    return made


def surveyed(made: System) -> System:
    with made.move() as move:
        move.survey()
        move.invert()
    return made

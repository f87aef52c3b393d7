"""Rolled back after ten thousand writes on the new side: the old store is equal, and what was not written is untouched.

The short form is test_rolled_back, beside the other tests of moves.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pymongo
import pytest
from bson import BSON, Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from switch_run import DOCUMENTS, LIMITS, ROWS, ROWS_SCHEMA, SCHEMA
from switch_stores import OLD_ROWS, Customer, Rows, by_number, by_uuid

import shop
from coming_back import System
from crossfade.testing import with_database
from crossfade.testing.mongod import mongodb
from following import wait_for
from scratch import PostgresScratch

COUNT, WRITES, AT_ONCE = 1000, 10_000, 100
MAPPING = {
    **DOCUMENTS,
    "customers": "SELECT uuid_of(c._id) AS id, c.email AS email, as_int(c.visits) AS visits FROM customers AS c",
}
MAPPED = ("_id", "email", "visits", "orders")
ODD: tuple[Any, ...] = (
    Decimal128("1.50"), Decimal128("NaN"), Int64(5), 5, 5.0, -0.0, float("inf"), Binary(b"\0x", 5), Regex("a", "im"),
    Code("f()", {"x": 1}), MinKey(), MaxKey(), Timestamp(1, 2), ObjectId("0" * 24), None, [], {}, [[None, {"": 1}]],
    {"b": 1, "a": {"z": [1, 2.0, Int64(3)], "A": "é\u0301"}}, datetime.datetime(1, 1, 1), "\0", True,
)  # fmt: skip
"""Values that no mapping knows; each customer has some, in an order of its own."""


def first() -> dict[int, Customer]:
    return {n: Customer(f"c{n}", n, tuple((no, n + no) for no in range(n % 4))) for n in range(COUNT)}


def is_written(n: int) -> bool:
    """Every third one is left alone."""
    return n % 3 > 0


class OldDocuments:
    def __init__(self, url: str) -> None:
        self._client = pymongo.MongoClient[dict[str, Any]](url)
        self._customers = self._client.get_default_database()["customers"]

    def create(self) -> None:
        rng, kinds = random.Random(1), (int, Int64, float)
        made = []
        for n, one in first().items():
            fields: list[tuple[str, Any]] = [
                ("_id", ObjectId(f"{n:024x}")), ("email", one.email), ("visits", kinds[n % 3](one.visits)),
                ("orders", [{"total": kinds[total % 2](total), "no": no} for no, total in one.orders]),
                *((f"kept{k}", rng.choice(ODD)) for k in range(rng.randrange(4))),
            ]  # fmt: skip
            rng.shuffle(fields)
            made.append(dict(fields))
        self._customers.insert_many(made)

    def all(self) -> dict[int, Customer]:
        return {
            int(str(d["_id"]), 16): Customer(
                d["email"], int(d["visits"]), tuple(sorted((o["no"], int(o["total"])) for o in d["orders"]))
            )
            for d in self._customers.find({}, MAPPED)
        }

    def kept(self) -> dict[int, Any]:
        """All bytes of what is left alone; of others the order of the fields, and the bytes of those not mapped."""
        raw: Any = self._customers.with_options(CodecOptions(document_class=RawBSONDocument))
        found = {int(str(d["_id"]), 16): d for d in raw.find()}
        return {n: _parts(d) if is_written(n) else bytes(d.raw) for n, d in found.items() if n < COUNT}

    def close(self) -> None:
        self._client.close()


def _parts(document: RawBSONDocument) -> list[Any]:
    parts = [(name, None if name in MAPPED else BSON.encode({name: value})) for name, value in document.items()]
    return [name for name, _ in parts if name != "_id"] + [value for _, value in parts]


class OldRows(Rows):
    """Of which no mapping knows the column `note`."""

    def __init__(self, url: str) -> None:
        super().__init__(url, lambda n: n, lambda n, no: n * 100 + no, int)

    def create(self) -> None:
        self._connection.execute(OLD_ROWS.encode())
        with self._connection.transaction():
            for n, one in first().items():
                self.put(n, None, one)
            self._connection.execute("UPDATE customers SET note = 'note ' || id")

    def kept(self) -> dict[int, Any]:
        rows = self._connection.execute("SELECT id, note, c::text FROM customers AS c WHERE id < %s", [COUNT])
        return {n: note if is_written(n) else row for n, note, row in rows}


@pytest.fixture(params=["documents", "rows"])
def moved(
    request: pytest.FixtureRequest, tmp_path: Path, new_target: Callable[[], PostgresScratch]
) -> Iterator[tuple[System, Any, Rows]]:
    target = new_target().url
    if request.param == "rows":
        source = new_target().url
        with closing(OldRows(source)) as rows:
            rows.create()
            yield _system(tmp_path / "p", source, target, ROWS_SCHEMA, ROWS, LIMITS), rows, by_number(target)
        return
    with mongodb() as server, closing(OldDocuments(with_database(server, "shop"))) as documents:
        documents.create()
        discards = "".join(
            f'[[discard]]\nentity = "customers"\npath = "kept{k}"\nreason = "a test"\n' for k in range(4)
        )
        more = LIMITS[: LIMITS.index("[[discard]]")] + discards
        system = _system(tmp_path / "p", with_database(server, "shop"), target, SCHEMA, MAPPING, more)
        yield system, documents, by_uuid(target)


def _system(folder: Path, source: str, target: str, schema: str, mapping: dict[str, str], more: str) -> System:
    shop.small_project(folder, schema, mapping, more=more)
    nobody: Any = None
    made = System(folder, source, target, nobody, nobody, dict, dict)
    with made.move() as move:
        move.survey()
        move.invert()
    return made


def written(new: Rows, told: dict[int, Customer]) -> None:
    """Insert, change and remove customers, a hundred in each transaction."""
    rng, last = random.Random(2), COUNT
    for _ in range(WRITES // AT_ONCE):
        with new.together():
            for _ in range(AT_ONCE):
                last += 1
                n, now = _change(rng, told, last)
                new.put(n, told.get(n), now)
                if now is None:
                    del told[n]
                else:
                    told[n] = now


def _change(rng: random.Random, told: dict[int, Customer], last: int) -> tuple[int, Customer | None]:
    orders = tuple((no, rng.randrange(1000)) for no in sorted(rng.sample(range(5), rng.randrange(4))))
    kind, n = rng.random(), rng.randrange(last)
    if kind < 0.1 or n not in told or not (n >= COUNT or is_written(n)):
        return last, Customer(f"n{last}", 1, orders)
    if kind < 0.17:
        return n, None
    changed = replace(told[n], email=f"e{last}", visits=told[n].visits + 1)
    return n, replace(changed, orders=orders) if kind < 0.5 else changed


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_rolled_back_after_ten_thousand_writes(moved: tuple[System, Any, Rows]) -> None:
    system, old, new = moved
    kept, told = old.kept(), first()
    assert old.all() == told
    system.cut_over()
    with closing(new), system.following("back") as run:
        written(new, told)
        wait_for(lambda: run.is_over or old.all() == told, 900)
    assert old.all() == told
    system.roll_back()
    assert old.all() == told
    there = old.kept()
    assert {n: one for n, one in kept.items() if n in told} == there

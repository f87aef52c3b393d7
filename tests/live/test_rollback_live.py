"""MongoDB to PostgreSQL and back, by processes that are killed at each step, while applications write to both sides."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pymongo
import pytest
from bson import ObjectId
from controller import Controller
from pymongo.errors import PyMongoError

import shop
from crossfade.testing import with_database
from crossfade.testing.mongod import mongodb
from crossfade_ids import uuid_of
from following import wait_for
from scratch import PostgresScratch

RUN = Path(__file__).with_name("run_cutover.py")
SCHEMA = "CREATE TABLE customers (id uuid PRIMARY KEY, email text NOT NULL);"
MAPPING = {"customers": "SELECT uuid_of(c._id) AS id, c.email AS email FROM customers AS c"}
LIMITS = "[cutover]\nfence_s = 3\nrefused_s = 20\n[rollback]\nfence_s = 3\nrefused_s = 20\n"
NOT_MAPPED = '[[discard]]\nentity = "customers"\npath = "kept"\nreason = "a test"\n'
STEPS = "crossfade.move.rolling_back:_Rollback"
UNDECIDED = [
    (f"{STEPS}.{name}", when)
    for name, when in (
        ("_begin_forward", "after"),
        ("_ahead", "after"),
        ("_close", "before"),
        ("_close", "after"),
        ("_mark", "after"),
        ("_drain", "after"),
        ("_compare", "after"),
        ("_advance", "after"),
        ("_decide", "before"),
    )
]
DECIDED = [(f"{STEPS}.{name}", when) for name, when in (("_decide", "after"), ("_open", "before"), ("_open", "after"))]
WRITE = "crossfade.stores.mongodb.records:MongoRecordWriter.write"
OLD, NEW = "old", "new"


class Sides:
    """Two applications that write all the while, and what each was told: side, number, and when it began and ended."""

    def __init__(self, source: str, target: str) -> None:
        self._source, self._target = source, target
        self.told: list[tuple[str, int, float, float]] = []
        self.changed: dict[int, str] = {}
        self._lock, self._stop = threading.Lock(), threading.Event()

    @contextmanager
    def writing(self) -> Iterator[None]:
        threads = [threading.Thread(target=work, daemon=True) for work in (self._write_old, self._write_new)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(120)

    def count(self, side: str) -> int:
        with self._lock:
            return sum(1 for one in self.told if one[0] == side)

    def phases(self) -> list[str]:
        """The sides that took writes, one after the other."""
        with self._lock:
            sides = [one[0] for one in sorted(self.told, key=lambda one: one[2])]
        return [side for place, side in enumerate(sides) if not place or sides[place - 1] != side]

    def _write_old(self) -> None:
        number = 1000
        with pymongo.MongoClient[Any](self._source, retryWrites=False) as client:
            customers = client.get_default_database()["customers"]
            while not self._stop.wait(0.004):
                number, begun = number + 1, time.monotonic()
                try:
                    customers.insert_one({"_id": oid(number), "email": f"c{number}"})
                except PyMongoError:
                    continue
                self._tell(OLD, number, begun)

    def _write_new(self) -> None:
        number = 1_000_000
        with psycopg.connect(self._target, autocommit=True) as connection:
            while not self._stop.wait(0.02) and not self._is_refused(connection):
                pass  # an application comes to the target when that is closed for the first time
            while not self._stop.wait(0.004):
                number, begun = number + 1, time.monotonic()
                try:
                    connection.execute("INSERT INTO customers VALUES (%s, %s)", (uuid_of(oid(number)), f"c{number}"))
                    self._tell(NEW, number, begun)
                    connection.execute(
                        "UPDATE customers SET email = %s WHERE id = %s", (f"n{number}", uuid_of(oid(number % 50)))
                    )
                    self.changed[number % 50] = f"n{number}"
                except psycopg.errors.ReadOnlySqlTransaction:
                    continue

    def _tell(self, side: str, number: int, begun: float) -> None:
        with self._lock:
            self.told.append((side, number, begun, time.monotonic()))

    def _is_refused(self, connection: psycopg.Connection[Any]) -> bool:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("INSERT INTO customers VALUES (gen_random_uuid(), 'x')")
        except psycopg.errors.ReadOnlySqlTransaction:
            return True
        return False


def oid(number: int) -> ObjectId:
    return ObjectId(f"{number:024x}")


class Pair:
    def __init__(self, run: Controller, sides: Sides, source: str) -> None:
        self.run, self.sides, self.source = run, sides, source

    def command(self, name: str, *point: str) -> int:
        """Run a command by its plan, as soon as its gates hold; it is killed at `point`."""
        document: Any = {}

        def holds() -> bool:
            nonlocal document
            seen = self.run.command(name, "--dry-run", "--json")
            document = json.loads(seen.stdout) if seen.stdout else {}
            return bool(document.get("ok"))

        try:
            wait_for(holds)
        except AssertionError:
            raise AssertionError([one for one in document.get("gates", [document]) if not one.get("holds")]) from None
        done = subprocess.run(
            [sys.executable, str(RUN), str(self.run.folder), *point],
            env={**self.run.env, "PLAN": document["plan"], "COMMAND": name},
            capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        assert done.returncode == (-9 if point else 0), done.stderr
        return done.returncode

    def start(self) -> None:
        wait_for(lambda: not self.run.running)
        self.run.start()

    def stop(self) -> None:
        self.run.kill(group=True)

    def verified(self) -> None:
        wait_for(lambda: self.run.command("verify").returncode == 0)

    def require_all(self) -> None:
        """The old store has everything that anybody was told, and what was changed last."""
        with pymongo.MongoClient[Any](self.source) as client:
            there = {doc["_id"]: doc["email"] for doc in client.get_default_database().customers.find()}
        assert {oid(number) for _, number, _, _ in self.sides.told} <= there.keys()
        late = {n: (there[oid(n)], email) for n, email in self.sides.changed.items() if there[oid(n)] != email}
        # the last change of each side may have been refused after the insert beside it was taken
        assert all(int(found[1:]) > int(wanted[1:]) for found, wanted in late.values()), late


@pytest.fixture
def pair(tmp_path: Path, pg_db: PostgresScratch) -> Iterator[Pair]:
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more=LIMITS + NOT_MAPPED)
    with mongodb(auth=True) as server, pymongo.MongoClient[Any](server) as client:
        client.admin.command("createUser", "application", pwd="x", roles=["readWriteAnyDatabase"])
        client.shop.customers.insert_many([{"_id": oid(n), "email": f"c{n}", "kept": [n]} for n in range(50)])
        host = server.partition("@")[2].partition("/")[0]
        source = f"mongodb://application:x@{host}/shop?directConnection=true&authSource=admin"
        run = Controller(folder, with_database(server, "shop"), pg_db.url)
        made = Pair(run, Sides(source, pg_db.url), source)
        assert run.command("survey").returncode == 0
        try:
            made.start()
            made.verified()
            yield made
        finally:
            made.stop()


def grown(sides: Sides, least: int) -> None:
    """Somebody may write again."""
    wait_for(lambda: sides.count(OLD) + sides.count(NEW) > least)


def rolled_back(pair: Pair, kills: list[tuple[str, str]]) -> None:
    """Cut over, be killed at these points of rollbacks, and roll back; then follow forward again."""
    sides = pair.sides
    with sides.writing():
        wait_for(lambda: sides.count(OLD) > 20)
        pair.command("cutover")
        pair.start()
        wait_for(lambda: sides.count(NEW) > 20)
        decided = False
        for place, when in kills:
            pair.verified()
            before = sides.count(OLD) + sides.count(NEW)
            assert pair.command("rollback", place, when) == -9
            grown(sides, before + 10)
            decided |= (place, when) in DECIDED
        if not decided:
            pair.verified()
            pair.command("rollback")
        after = sides.count(OLD)
        wait_for(lambda: sides.count(OLD) > after + 20)
    assert sides.phases() == [OLD, NEW, OLD]
    pair.require_all()
    pair.stop()
    pair.start()
    pair.verified()


@pytest.mark.torture
def test_rolled_back_while_both_sides_write(pair: Pair) -> None:
    rolled_back(pair, [UNDECIDED[6]])


@pytest.mark.torture
@pytest.mark.parametrize(("place", "when"), [*UNDECIDED, *DECIDED])
def test_killed_at_a_step_of_the_rollback(pair: Pair, place: str, when: str) -> None:
    rolled_back(pair, [(place, when)])


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(int(os.environ.get("CROSSFADE_SEEDS", "5"))))
def test_killed_anywhere(pair: Pair, seed: int) -> None:
    chance = random.Random(seed)
    rolled_back(pair, [*chance.choices(UNDECIDED, k=2), *chance.choices([*UNDECIDED, *DECIDED], k=1)])

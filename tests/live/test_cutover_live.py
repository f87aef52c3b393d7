"""MongoDB to PostgreSQL, cut over by processes that are killed at each step, while applications write to both sides."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pymongo
import pytest
from controller import Controller
from pymongo.errors import PyMongoError

import shop
from crossfade.errors import CrossfadeError
from crossfade.move import Move
from crossfade.testing import with_database
from crossfade.testing.mongod import mongodb
from cutover_times import PATIENT, time_is_over
from following import wait_for
from outcome import open_move
from scratch import PostgresScratch

RUN = Path(__file__).with_name("run_cutover.py")
SCHEMA = "CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL);"
MAPPING = {"customers": "SELECT c._id AS id, c.email AS email FROM customers AS c"}
LIMITS = f"[cutover]\n{PATIENT}after = ['touch told']\n"

FENCE = "crossfade.stores.mongodb.fence:MongoFence"
STEPS = "crossfade.move.cutting:_Cutover"
UNDECIDED = (
    (f"{FENCE}.take_over", "before"),
    (f"{FENCE}.close", "before"),
    (f"{FENCE}.close", "after"),
    (f"{STEPS}._mark", "before"),
    (f"{STEPS}._drain", "before"),
    (f"{STEPS}._compare", "after"),
    (f"{STEPS}._open", "before"),
)
DECIDED = ((f"{STEPS}._open", "after"), (f"{STEPS}._announce", "before"))
FROM_TARGET = 1_000_000


class Sides:
    """What applications were told is there, with the moments around each write."""

    def __init__(self, source: str, target: str) -> None:
        self._source, self._target = source, target
        self.old: dict[int, tuple[float, float]] = {}
        self.new: dict[int, tuple[float, float]] = {}
        self.refused = 0
        self._stop = threading.Event()

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

    def _write_old(self) -> None:
        number = 100
        with pymongo.MongoClient[Any](self._source, retryWrites=False) as client:
            customers = client.get_default_database()["customers"]
            while not self._stop.wait(0.004):
                number, begun = number + 1, time.monotonic()
                try:
                    customers.insert_one({"_id": number, "email": f"c{number}"})
                    self.old[number] = (begun, time.monotonic())
                except PyMongoError:
                    self.refused += 1

    def _write_new(self) -> None:
        number = FROM_TARGET
        with psycopg.connect(self._target, autocommit=True) as connection:
            while not self._stop.wait(0.02) and not self._is_refused(connection):
                pass  # an application comes to the target when that is closed for the first time
            while not self._stop.wait(0.004):
                number, begun = number + 1, time.monotonic()
                try:
                    connection.execute("INSERT INTO customers VALUES (%s, %s)", (number, f"c{number}"))
                    self.new[number] = (begun, time.monotonic())
                except psycopg.errors.ReadOnlySqlTransaction:
                    self.refused += 1

    def _is_refused(self, connection: psycopg.Connection[Any]) -> bool:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("INSERT INTO customers VALUES (%s, 'x')", (FROM_TARGET,))
        except psycopg.errors.ReadOnlySqlTransaction:
            return True
        return False

    def require_one_side(self) -> None:
        """No write of the source was begun after one of the target had ended."""
        if new := list(self.new.values()):  # the applications write on
            first = min(end for _, end in new)
            assert all(begun <= first for begun, _ in list(self.old.values())), "both sides took writes"


@pytest.fixture
def sides(tmp_path: Path, pg_db: PostgresScratch) -> Iterator[tuple[Controller, Sides]]:
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more=LIMITS)
    with mongodb(auth=True) as server, pymongo.MongoClient[Any](server) as client:
        client.admin.command("createUser", "application", pwd="x", roles=["readWriteAnyDatabase"])
        client.shop.customers.insert_many([{"_id": n, "email": f"c{n}"} for n in range(50)])
        host = server.partition("@")[2].partition("/")[0]
        source = f"mongodb://application:x@{host}/shop?directConnection=true&authSource=admin"
        run = Controller(folder, with_database(server, "shop"), pg_db.url)
        with move_of(run) as move:
            move.survey()
        run.start()
        try:
            wait_for(lambda: not run.running or is_proven(run))
            yield run, Sides(source, pg_db.url)
        finally:
            run.kill(group=True)


def move_of(run: Controller) -> Move:
    """The move in this process: only what is killed needs one of its own."""
    return open_move(run.folder, run.env["SOURCE_URL"], run.env["TARGET_URL"])


def is_proven(run: Controller) -> bool:
    with move_of(run) as move, suppress(CrossfadeError):  # before the run has begun
        found = move.following()
        return found is not None and found.state == "following" and move.verify().equal
    return False


def cut(run: Controller, *point: str) -> subprocess.CompletedProcess[str]:
    with move_of(run) as move:
        wait_for(lambda: move.plan_cutover().ok)
        plan = move.plan_cutover().plan
    assert plan is not None
    return subprocess.run(
        [sys.executable, str(RUN), str(run.folder), *point],
        env={**run.env, "PLAN": plan.digest}, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip


def killed_undecided(run: Controller, sides: Sides, place: str, when: str) -> None:
    assert cut(run, place, when).returncode == -9
    count = len(sides.old)
    with move_of(run) as move:
        time_is_over(move)
    wait_for(lambda: len(sides.old) > count + 10)  # the run that follows has opened the source
    assert not sides.new


def end(run: Controller, sides: Sides, target: str) -> None:
    wait_for(lambda: len(sides.new) > 20)
    sides.require_one_side()
    told = {*sides.old, *list(sides.new)}
    with psycopg.connect(target) as connection:
        there = {number for (number,) in connection.execute("SELECT id FROM customers")}
    assert told <= there
    assert (run.folder / "told").exists()


def cut_over_after(sides: tuple[Controller, Sides], place: str, when: str) -> None:
    run, both = sides
    with both.writing():
        killed_undecided(run, both, place, when)
        done = cut(run)
        assert done.returncode == 0, done.stderr
        end(run, both, run.env["TARGET_URL"])
    assert both.refused


def test_killed_and_cut_over(sides: tuple[Controller, Sides]) -> None:
    cut_over_after(sides, *UNDECIDED[2])


@pytest.mark.torture
@pytest.mark.parametrize(("place", "when"), UNDECIDED)
def test_killed_before_the_decision(sides: tuple[Controller, Sides], place: str, when: str) -> None:
    """Everything goes back, and the next cutover succeeds."""
    cut_over_after(sides, place, when)


@pytest.mark.torture
@pytest.mark.parametrize(("place", "when"), DECIDED)
def test_killed_after_the_decision(sides: tuple[Controller, Sides], place: str, when: str) -> None:
    """The target is open; the next command tells of it."""
    run, both = sides
    with both.writing():
        assert cut(run, place, when).returncode == -9
        assert not (run.folder / "told").exists()
        assert run.command("cutover", "--plan", "x").returncode == 0
        end(run, both, run.env["TARGET_URL"])

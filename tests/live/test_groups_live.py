"""PostgreSQL is cut over to PostgreSQL group by group, and one comes back, while applications write to both sides."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

import shop
from crossfade.errors import Misused
from crossfade.move import Move, evidence
from crossfade.project import load_project
from crossfade.stores.contract import need
from cutover_times import PATIENT
from following import Run, wait_for
from scratch import MongoScratch, PostgresScratch, scratch_postgresql

TABLES = """
CREATE TABLE invoices (id int PRIMARY KEY, note text NOT NULL);
CREATE TABLE payments (id int PRIMARY KEY, invoice_id int NOT NULL REFERENCES invoices (id));
CREATE TABLE users (id int PRIMARY KEY, note text NOT NULL);
CREATE INDEX payments_of_invoice ON payments (invoice_id);
"""
MAPPING = {
    "invoices": "SELECT i.id AS id, i.note AS note FROM invoices AS i",
    "payments": "SELECT p.id AS id, p.invoice_id AS invoice_id FROM payments AS p",
    "users": "SELECT u.id AS id, u.note AS note FROM users AS u",
}
GROUPS = f"""
[cutover]
{PATIENT}
[rollback]
{PATIENT}
[groups]
billing = ["invoices", "payments"]
"""
OLD, NEW = "old", "new"
PATIENCE = 150.0
WRITTEN = ("invoices", "users")


class Applications:
    """One on each side, which writes to both groups wherever it may. `told`: of each table, side, number and when."""

    def __init__(self, source: str, target: str) -> None:
        self._urls = {OLD: source, NEW: target}
        self.told: dict[str, list[tuple[float, float, str, int]]] = defaultdict(list)
        self._stop = threading.Event()

    @contextmanager
    def writing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._write, args=(s, t), daemon=True) for s in (OLD, NEW) for t in WRITTEN]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(120)

    def _write(self, side: str, table: str) -> None:
        number = 1_000 if side == OLD else 1_000_000
        with psycopg.connect(self._urls[side], autocommit=True) as connection:
            if side == NEW:  # an application comes to the target when that is closed for the first time
                while not self._stop.wait(0.02) and not self._is_refused(connection, table):
                    pass
            while not self._stop.wait(0.05):
                number, begun = number + 1, time.monotonic()
                try:
                    connection.execute(f"INSERT INTO {table} VALUES (%s, 'n')".encode(), (number,))
                except psycopg.errors.ReadOnlySqlTransaction:
                    continue
                self.told[table].append((begun, time.monotonic(), side, number))

    def _is_refused(self, connection: psycopg.Connection[Any], table: str) -> bool:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(f"INSERT INTO {table} VALUES (0, 'n')".encode())
        except psycopg.errors.ReadOnlySqlTransaction:
            return True
        return False

    def wait_until_written(self, table: str, side: str) -> None:
        many = len(self.told[table])
        wait_for(lambda: sum(one[2] == side for one in self.told[table][many:]) >= 5, PATIENCE)

    def phases(self, table: str) -> list[str]:
        """The sides that took writes, one after the other. Raises AssertionError if two did at once."""
        found: list[tuple[str, float]] = []
        for begun, ended, side, _ in sorted(self.told[table]):
            if not found or found[-1][0] != side:
                assert not found or begun > found[-1][1], f"{table} was written on both sides"
                found.append((side, ended))
            found[-1] = (side, max(ended, found[-1][1]))
        return [side for side, _ in found]

    def numbers(self, table: str) -> set[int]:
        return {number for *_, number in self.told[table]}


class Pair:
    def __init__(self, folder: Path, source: str, target: str) -> None:
        self.source, self.target = source, target
        self.project = load_project(folder, {"SOURCE_URL": source, "TARGET_URL": target})
        self._runs: list[Run] = []

    def move(self, group: str = "") -> Move:
        return Move(self.project.of_group(group) if group else self.project)

    def follow(self, group: str) -> None:
        """Follow the side of a group that takes writes."""
        run = Run(lambda: self.move(group))
        self._runs.append(run)

        def follows() -> bool:
            if run.error is not None:
                raise run.error
            with self.move(group) as move:
                found = move.following()
            return found is not None and found.running and found.lag_ms is not None

        wait_for(follows, PATIENCE)

    def cutover(self, group: str) -> None:
        with self.move(group) as move:
            wait_for(lambda: move.verify().equal, PATIENCE)
            ready = move.plan_cutover()
            assert ready.ok, [gate for gate in ready.gates if not gate.holds]
            assert move.cutover(plan=ready.plan.digest).closed_seconds < 150
        wait_for(lambda: self._over(group), PATIENCE)

    def _over(self, group: str) -> bool:
        with self.move(group) as move:
            found = move.following()
        return found is None or not found.running

    def rollback(self, group: str) -> None:
        with self.move(group) as move:
            wait_for(lambda: move.verify_back().equal, PATIENCE)
            ready = move.plan_rollback()
            assert ready.ok, [gate for gate in ready.gates if not gate.holds]
            assert ready.plan is not None
            move.rollback(plan=ready.plan.digest)
        wait_for(lambda: self._over(group), PATIENCE)

    def stop(self) -> None:
        for group in self.project.group_names:
            with self.move(group) as move:
                if (found := move.following()) is not None and found.running:
                    move.stop(seconds=PATIENCE)

    def require_equal(self, applications: Applications) -> None:
        """Both sides have all that anybody was told is there, and nothing else."""
        with self.move() as move:
            stages = {one.name: one.stage for one in move.groups()}
        for group, stage in stages.items():
            self._verify(group, is_back=stage == "target")
        for table in WRITTEN:
            assert applications.numbers(table) | set(range(1, 101)) == self.there(self.source, table)
            assert self.there(self.source, table) == self.there(self.target, table)

    def _verify(self, group: str, *, is_back: bool) -> None:
        with self.move(group) as move:
            wait_for(lambda: (move.verify_back() if is_back else move.verify()).equal, PATIENCE)

    def there(self, url: str, table: str) -> set[int]:
        with psycopg.connect(url) as connection:
            return {int(n) for (n,) in connection.execute(f"SELECT id FROM {table}".encode())}


@pytest.fixture
def pair(tmp_path: Path, pg_db: PostgresScratch, postgresql_url: str) -> Iterator[Pair]:
    folder = shop.small_project(tmp_path / "p", "", MAPPING, more=GROUPS, live=True)
    with scratch_postgresql(postgresql_url) as new:
        for url in (pg_db.url, new.url):
            with psycopg.connect(url) as connection:
                connection.execute(TABLES.encode())
        pg_db.execute("INSERT INTO invoices SELECT n, 'n' FROM generate_series(1, 100) AS n")
        pg_db.execute("INSERT INTO payments SELECT n, n FROM generate_series(1, 100) AS n")
        pg_db.execute("INSERT INTO users SELECT n, 'n' FROM generate_series(1, 100) AS n")
        made = Pair(folder, pg_db.url, new.url)
        with made.move() as move:
            move.survey()
            assert [f for f in move.check() if f.severity == "fault"] == []
            with pytest.raises(Misused, match="has groups"):
                move.copy()
        try:
            yield made
        finally:
            made.stop()


def test_one_group_is_cut_over_and_comes_back(pair: Pair) -> None:
    applications = Applications(pair.source, pair.target)
    for group in ("billing", "rest"):
        pair.follow(group)
    with applications.writing():
        pair.cutover("billing")
        applications.wait_until_written("invoices", NEW)
        applications.wait_until_written("users", OLD)
        with pair.move() as move:
            assert [(one.name, one.stage) for one in move.groups()] == [("billing", "target"), ("rest", "source")]
        pair.follow("billing")
        pair.rollback("billing")
        applications.wait_until_written("invoices", OLD)
        applications.wait_until_written("users", OLD)
    assert applications.phases("invoices") == [OLD, NEW, OLD]
    assert applications.phases("users") == [OLD]
    pair.follow("billing")
    pair.require_equal(applications)


def test_a_group_that_is_finished_is_not_one_that_never_began(pair: Pair) -> None:
    """The journal of both is not there: the source says which of them is closed for good, or the evidence, without the
    source.
    """
    with pair.move("billing") as billing:
        fence = need(billing.context.source.fence, billing.context.source, "refuse writes")
        fence.take_over(1)
        fence.close(1, seconds=10)
        fence.close_for_good(1)
    with pair.move() as move:
        assert [(one.name, one.stage) for one in move.groups()] == [("billing", "finished"), ("rest", None)]
    evidence.file_of(pair.project.root, datetime.now(UTC), "rest").touch()
    nowhere = "postgresql://nobody@127.0.0.1:1/shop"
    away = load_project(pair.project.root, {"SOURCE_URL": nowhere, "TARGET_URL": pair.target})
    with Move(away) as move:
        assert [(one.name, one.stage) for one in move.groups()] == [("billing", None), ("rest", "finished")]


@pytest.mark.torture
def test_one_after_the_other_and_one_back(pair: Pair) -> None:
    applications = Applications(pair.source, pair.target)
    for group in ("billing", "rest"):
        pair.follow(group)
    with applications.writing():
        pair.cutover("billing")
        applications.wait_until_written("invoices", NEW)
        pair.follow("billing")
        pair.cutover("rest")
        applications.wait_until_written("users", NEW)
        pair.follow("rest")
        pair.rollback("billing")
        applications.wait_until_written("invoices", OLD)
        applications.wait_until_written("users", NEW)
    assert applications.phases("invoices") == [OLD, NEW, OLD]
    assert applications.phases("users") == [OLD, NEW]
    pair.follow("billing")
    pair.require_equal(applications)
    with pair.move("rest") as rest:
        rest.stop()
        rest.finish()
    with pair.move("billing") as billing:
        wait_for(lambda: billing.verify().equal, PATIENCE)
        assert billing.status().ok
    with pair.move() as move:
        assert [(one.name, one.stage) for one in move.groups()] == [("billing", "source"), ("rest", "finished")]


def test_a_source_that_closes_as_a_whole(tmp_path: Path, mongo_db: MongoScratch, pg_db: PostgresScratch) -> None:
    """A group of it is copied and verified; a gate refuses its cutover."""
    mapping = {name: f"SELECT x._id AS id, x.note AS note FROM {name} AS x" for name in ("invoices", "users")}
    groups = '[groups]\nbilling = ["invoices"]\n'
    folder = shop.small_project(tmp_path / "p", "", mapping, more=groups, live=True)
    for name in mapping:
        mongo_db.db[name].insert_many([{"_id": n, "note": "n"} for n in range(20)])
        pg_db.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, note text)")
    pair = Pair(folder, mongo_db.url, pg_db.url)
    with pair.move() as move:
        move.survey()
    with pair.move("billing") as billing:
        billing.copy()
        assert billing.verify().equal
        assert pair.there(pg_db.url, "users") == set()
        (gate,) = [one for one in billing.plan_cutover().gates if one.name == "fence of the source"]
        assert (gate.holds, gate.figure) == (
            False, "mongodb cannot refuse the writes of applications to some of its tables",
        )  # fmt: skip
    with pair.move() as move:
        assert [(one.name, one.stage) for one in move.groups()] == [("billing", "source"), ("rest", None)]

"""Sources that no feed can be had of are polled while an application writes to them; an oracle of its own compares."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pymongo
import pytest
from pymongo.database import Database

import shop
from crossfade.errors import Refused, Unsupported
from crossfade.model.events import PassEnded
from crossfade.move import Move, polling
from crossfade.testing import as_user
from following import Run, running, state, wait_for
from outcome import open_move
from scratch import PostgresScratch, role

SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE pets (id int PRIMARY KEY, owner_id int NOT NULL REFERENCES people (id), name text);
"""
ROWS = {
    "people": "SELECT p.id AS id, p.name AS name FROM people AS p",
    "pets": "SELECT a.id AS id, a.owner AS owner_id, a.name AS name FROM pets AS a",
}
DOCUMENTS = {table: text.replace(".id AS", "._id AS") for table, text in ROWS.items()}
Write = tuple[str, int, tuple[Any, ...] | None]
"""Table, key, the other values; None: it is deleted."""
Content = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]
SIZE = 60


class Source(Protocol):
    """What an application does. Writes of one call are one transaction, where there are some."""

    url: str

    def write(self, writes: Sequence[Write]) -> None: ...
    def content(self) -> Content: ...


class SqlSource:
    def __init__(self, url: str, open_: Callable[[], Any], mark: str) -> None:
        self.url, self._open, self._mark = url, open_, mark

    def write(self, writes: Sequence[Write]) -> None:
        with closing(self._open()) as connection:
            for table, key, values in writes:
                connection.execute(f"DELETE FROM {table} WHERE id = {self._mark}", (key,))
                if values is not None:
                    marks = ", ".join([self._mark] * (1 + len(values)))
                    connection.execute(f"INSERT INTO {table} VALUES ({marks})", (key, *values))
            connection.commit()

    def content(self) -> Content:
        with closing(self._open()) as connection:
            people = connection.execute("SELECT id, name FROM people ORDER BY id").fetchall()
            pets = connection.execute("SELECT id, owner, name FROM pets ORDER BY id").fetchall()
        return people, pets


class MongoSource:
    def __init__(self, url: str, db: Database[dict[str, Any]]) -> None:
        self.url, self._db = url, db

    def write(self, writes: Sequence[Write]) -> None:
        for table, key, values in writes:
            if values is None:
                self._db[table].delete_one({"_id": key})
            else:
                names = ("name",) if table == "people" else ("owner", "name")
                self._db[table].replace_one({"_id": key}, dict(zip(names, values, strict=True)), upsert=True)

    def content(self) -> Content:
        people = [(one["_id"], one["name"]) for one in self._db.people.find().sort("_id")]
        return people, [(one["_id"], one["owner"], one["name"]) for one in self._db.pets.find().sort("_id")]


@dataclass(frozen=True)
class Polled:
    folder: Path
    source: Source
    target: str
    read_target: Callable[[], Content]
    pause: float = 0.003
    """Seconds between two writes."""

    def move(self) -> Move:
        return open_move(self.folder, self.source.url, self.target)

    def survey(self) -> None:
        self.source.write([("people", n, (f"p{n}",)) for n in range(SIZE)])
        self.source.write([("pets", n, (n % SIZE, f"a{n}" if n % 7 else None)) for n in range(4 * SIZE)])
        with self.move() as move:
            move.survey()

    @contextmanager
    def writing(self, seed: int) -> Iterator[None]:
        ends, chance = threading.Event(), random.Random(seed)

        def write() -> None:
            names = {n: f"p{n}" for n in range(SIZE)}
            while not ends.wait(self.pause):
                before = dict(names)
                try:
                    self.source.write(some_writes(chance, names))
                except sqlite3.OperationalError:  # a reader kept it out until its time was over
                    names = before

        thread = threading.Thread(target=write)
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()

    def require_equal(self) -> None:
        people, pets = self.source.content()
        there = {key for key, *_ in people}
        assert self.read_target() == (people, [one for one in pets if one[1] in there])
        with self.move() as move:
            assert move.verify().equal
            assert all(entity.balanced for entity in move.status().entities)


def some_writes(chance: random.Random, names: dict[int, str]) -> list[Write]:
    """Insert, change or delete one record, or let two exchange a unique name."""
    n, what = chance.randrange(SIZE), chance.random()
    if what < 0.5:
        key, owner = chance.randrange(5 * SIZE), chance.randrange(SIZE)
        return [("pets", key, None if chance.random() < 0.2 else (owner, chance.choice(("b", "c", None))))]
    if what < 0.6:
        return [("people", n, None)]
    if what < 0.8:
        other = chance.choice([m for m in range(SIZE) if m != n])
        names[n], names[other] = names[other], names[n]
        return [("people", n, None), ("people", other, (names[other],)), ("people", n, (names[n],))]
    return [("people", n, (names[n],))]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "BEATS", 0.1)
    monkeypatch.setattr(polling, "REST", (0.1, 0.5))


def _postgresql(url: str) -> Content:
    with psycopg.connect(url) as connection:
        people = connection.execute("SELECT id, name FROM people ORDER BY id").fetchall()
        return people, connection.execute("SELECT id, owner_id, name FROM pets ORDER BY id").fetchall()


def _sqlite(file: Path) -> Content:
    with closing(sqlite3.connect(file)) as connection:
        people = connection.execute("SELECT id, name FROM people ORDER BY id").fetchall()
        return people, connection.execute("SELECT id, owner_id, name FROM pets ORDER BY id").fetchall()


TABLES = (
    "CREATE TABLE people (id int PRIMARY KEY, name text)",
    "CREATE TABLE pets (id int PRIMARY KEY, owner int, name text)",
)


def out_of_sqlite(folder: Path, target: str, mode: str) -> Polled:
    """In the journal mode `delete`, readers and writers keep each other out."""
    file = folder / "app.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
        for statement in TABLES:
            connection.execute(statement.replace("id int", "id integer"))
    source = SqlSource(f"sqlite:///{file}", partial(sqlite3.connect, file, timeout=0.5), "?")
    pause = 0.2 if mode == "delete" else 0.003
    return Polled(project(folder, ROWS), source, target, partial(_postgresql, target), pause)


@contextmanager
def out_of_postgresql(folder: Path, db: PostgresScratch) -> Iterator[Polled]:
    """The login may read, and nothing else."""
    for statement in TABLES:
        db.execute(statement)
    with role(db, "") as name:
        db.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
        source = SqlSource(as_user(db.url, name, "secret"), partial(psycopg.connect, db.url), "%s")
        file = folder / "target.db"
        yield Polled(project(folder, ROWS), source, f"sqlite:///{file}", partial(_sqlite, file))


@contextmanager
def out_of_mongodb(folder: Path, url: str, target: str) -> Iterator[Polled]:
    """A server without a replica set."""
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        source = MongoSource(url, client.get_default_database())
        yield Polled(project(folder, DOCUMENTS), source, target, partial(_postgresql, target))


def project(folder: Path, mapping: dict[str, str]) -> Path:
    return shop.small_project(folder / "p", SCHEMA, mapping, chunk_mb=0.001)


DELETE = pytest.param("sqlite, delete", marks=pytest.mark.torture)


@pytest.fixture(params=["sqlite, wal", DELETE, "postgresql", "mongodb"])
def polled(request: pytest.FixtureRequest, tmp_path: Path, pg_db: PostgresScratch) -> Iterator[Polled]:
    with ExitStack() as opened:
        if request.param == "postgresql":
            made = opened.enter_context(out_of_postgresql(tmp_path, pg_db))
        elif request.param == "mongodb":
            url = request.getfixturevalue("standalone_db")
            made = opened.enter_context(out_of_mongodb(tmp_path, url, pg_db.url))
        else:
            made = out_of_sqlite(tmp_path, pg_db.url, request.param.split()[1])
        made.survey()
        yield made


def test_both_sides_are_equal_when_the_writers_have_stopped(polled: Polled) -> None:
    with pytest.raises((Unsupported, Refused)) as refused:
        Run(polled.move).ended()
    assert "--poll" in (refused.value.hint or "")
    with polled.writing(1), running(polled.move, poll=True) as run:
        wait_for(lambda: len(run.saw(PassEnded)) >= 2)
    settle(polled)
    polled.require_equal()


def settle(polled: Polled) -> None:
    """Poll until a pass finds nothing: nobody writes any more."""
    with running(polled.move, poll=True) as run:
        wait_for(lambda: any(not one.repaired for one in run.saw(PassEnded) if isinstance(one, PassEnded)))


@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.torture)])
def test_a_killed_run_is_continued(tmp_path: Path, pg_db: PostgresScratch, kills: int) -> None:
    polled = out_of_sqlite(tmp_path, pg_db.url, "wal")
    polled.survey()
    command = [sys.executable, "-m", "crossfade", "start", "--poll", "--workers", "1", "--project", str(polled.folder)]
    settings = {**os.environ, "SOURCE_URL": polled.source.url, "TARGET_URL": polled.target}
    with polled.writing(2):
        for passes in range(kills):
            run = subprocess.Popen(command, env=settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_for(partial(_has_done, polled, run, passes))
                assert run.poll() is None, "it has ended by itself"
            finally:
                run.kill()
                run.wait()
    settle(polled)
    polled.require_equal()


def _has_done(polled: Polled, run: subprocess.Popen[bytes], passes: int) -> bool:
    found = state(polled.move)
    last = None if found is None else found.last_pass
    return run.poll() is not None or (last is not None and last.number > passes)

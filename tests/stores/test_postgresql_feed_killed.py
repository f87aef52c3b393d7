"""The change feed of PostgreSQL while writers write, connections are cut and the server crashes: what is read by the
keys that it names is what the tables hold.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg
import pytest
from postgresql_feed import changes_of

from crossfade.errors import Unreachable
from crossfade.model.positions import Position
from crossfade.records.rows.keys import texts_of_key
from crossfade.records.rows.raw import read, split
from crossfade.stores.postgresql.store import open_postgresql
from crossfade.testing import launch_postgresql
from following import wait_for

TABLES = ("item", "app.pair")


def write_something(connection: psycopg.Connection, chance: random.Random) -> None:
    """Run one transaction of an application; some of them are rolled back, in whole or in part."""
    with connection.transaction():
        for _ in range(chance.randint(1, 5)):
            a, b = chance.randint(1, 400), chance.randint(1, 400)
            match chance.randint(0, 7):
                case 0 | 1:
                    connection.execute(
                        "INSERT INTO item VALUES (%s, 0) ON CONFLICT (id) DO UPDATE SET v = item.v + 1", [a]
                    )
                case 2:
                    connection.execute("DELETE FROM item WHERE id = %s", [a])
                case 3:  # the key changes
                    connection.execute(
                        "UPDATE item SET id = %s, v = v + 1 WHERE id = %s"
                        " AND NOT EXISTS (SELECT FROM item WHERE id = %s)",
                        [b, a, b],
                    )
                case 4 | 5:
                    connection.execute(
                        "INSERT INTO app.pair VALUES (%s, %s, 0) ON CONFLICT (a, b) DO UPDATE SET v = app.pair.v + 1",
                        [a % 20, str(b % 20)],
                    )
                case 6:
                    connection.execute("DELETE FROM app.pair WHERE a = %s", [a % 20])
                case 7:
                    with connection.transaction(force_rollback=chance.random() < 0.5):
                        connection.execute("UPDATE item SET v = v + 1 WHERE id BETWEEN %s AND %s", [a, a + 20])
        if chance.random() < 0.1:
            raise psycopg.Rollback


@contextmanager
def writers(url: str, number: int, seed: int) -> Iterator[None]:
    """Run an application of several connections, which go on when theirs is lost."""
    stop = threading.Event()

    def write(which: int) -> None:
        chance = random.Random(seed * 100 + which)
        while not stop.is_set():
            # a rollback that finds the connection lost raises what it was asked with, psycopg.Rollback
            with suppress(psycopg.Error, psycopg.Rollback), psycopg.connect(url, autocommit=True) as connection:
                while not stop.is_set():
                    with suppress(psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation):
                        write_something(connection, chance)
            time.sleep(0.05)

    threads = [threading.Thread(target=write, args=(which,)) for which in range(number)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class Copy:
    """What a follower keeps: the records by key, and the position up to which they are applied."""

    def __init__(self, url: str) -> None:
        self.store = open_postgresql(url)
        self.changes = changes_of(self.store)
        self.feed = self.changes.feed("killed", TABLES)
        self.rows: dict[tuple[str, str], dict[str, str | None]] = {}
        began = self.feed.start()
        self.position: Position = began.position
        self.interrupted = 0
        with self.changes.reading(began.floor) as reader:
            for table in TABLES:
                for piece in reader.scan(table):
                    self._put(table, piece)

    @property
    def has_seen_enough(self) -> bool:
        return self.interrupted > 1 and len(self.rows) > 100

    def _put(self, table: str, piece: bytes) -> None:
        for raw in split(piece):
            row = read(raw)
            self.rows[table, "\t".join(map(str, row.key))] = dict(row.columns)

    def follow(self, ends: threading.Event) -> None:
        """Apply what the feed names until it `ends`, however often the feed is cut; then up to a mark."""
        while not ends.is_set():
            try:
                self._follow_once(ends)
            except Unreachable:
                self.interrupted += 1
                time.sleep(0.05)
        self.follow_to_a_mark()

    def follow_to_a_mark(self) -> None:
        def followed() -> bool:
            with suppress(Unreachable):
                self._follow_once(None)
                return True
            return False

        wait_for(followed)

    def _follow_once(self, ends: threading.Event | None) -> None:
        mark = self.feed.heartbeat()
        for batch in self.feed.changes(self.position):
            for listed in batch.changed:
                with self.changes.reading(batch.floor) as reader:
                    pieces = list(reader.fetch(listed.entity, (), listed.keys))
                for key in listed.keys:
                    self.rows.pop((listed.entity, "\t".join(texts_of_key(key))), None)
                for piece in pieces:
                    self._put(listed.entity, piece)
            self.position = batch.position
            self.feed.durable(batch.position)
            if self.feed.reached(batch.position, mark) if ends is None else ends.is_set():
                return

    def close(self) -> None:
        self.feed.finish()
        self.feed.close()
        self.store.close()


def disturb(url: str, chance: random.Random, *, crash: bool) -> None:
    """End the feed's connections; or kill a process of the server, which then starts over from its log."""
    with suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as connection:
        if crash:
            with psycopg.connect(url, autocommit=True) as another:
                os.kill(connection.info.backend_pid, signal.SIGKILL)
                another.execute("SELECT pg_sleep(600)")  # until the server has noticed, and ends it too
        which = "backend_type = 'walsender'" if chance.random() < 0.5 else "application_name LIKE 'crossfade%'"
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {which}")


def run(seed: int, seconds: float, crashes: int, level: str = "logical") -> None:
    chance = random.Random(seed)
    server = launch_postgresql(settings={"wal_level": level})
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE item (id int PRIMARY KEY, v int)")
            connection.execute("CREATE SCHEMA app; CREATE TABLE app.pair (a int, b text, v int, PRIMARY KEY (b, a))")
        with writers(server.url, 4, seed):
            time.sleep(0.3)
            copy = Copy(server.url)
            until, ends = time.monotonic() + seconds, threading.Event()
            with ThreadPoolExecutor(1) as pool:
                follower = pool.submit(copy.follow, ends)
                try:
                    while not follower.done() and (time.monotonic() < until or not copy.has_seen_enough):
                        time.sleep(chance.uniform(0.3, 1.5))
                        crashes -= (crash := crashes > 0 and chance.random() < 0.4)
                        disturb(server.url, chance, crash=crash)
                finally:
                    ends.set()
                follower.result()
        copy.follow_to_a_mark()
        with psycopg.connect(server.url) as connection:
            there = {
                ("item", str(i)): {"id": str(i), "v": str(v)} for i, v in connection.execute("SELECT id, v FROM item")
            }
            there |= {
                ("app.pair", f"{b}\t{a}"): {"a": str(a), "b": b, "v": str(v)}
                for a, b, v in connection.execute("SELECT a, b, v FROM app.pair")
            }
        copy.close()
        assert copy.rows == there
    finally:
        server.stop()


def test_what_is_followed_is_what_is_there() -> None:
    run(1, 6, crashes=1)


def test_what_triggers_follow_is_what_is_there() -> None:
    run(2, 6, crashes=1, level="replica")


@pytest.mark.torture
@pytest.mark.parametrize("level", ["logical", "replica"])
@pytest.mark.parametrize("seed", range(3, 11))
def test_what_is_followed_is_what_is_there_for_long(seed: int, level: str) -> None:
    run(seed, 30, crashes=4, level=level)

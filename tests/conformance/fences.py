"""Databases with applications that write to them all the while, whether they may or not."""

from __future__ import annotations

import itertools
import secrets
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg
import pymongo
import pytest
from pymongo.errors import PyMongoError

from crossfade.records.bson.codec import BSON
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.ejson import to_bson
from crossfade.stores.contract import Fence, Store, need
from crossfade.stores.memory.database import Fenced, database
from crossfade.stores.open import open_store
from crossfade.testing import with_database


class Refusal(Exception):
    """The database has refused a write."""


class Session(ABC):
    """A connection of an application. `begin` and `commit` make one transaction of the writes between them."""

    @abstractmethod
    def insert(self, number: int) -> None:
        """Raises Refusal."""

    def begin(self) -> None:
        raise NotImplementedError

    def begin_reading(self) -> None:
        self.begin()
        self.numbers()

    def commit(self) -> None:
        raise NotImplementedError

    @abstractmethod
    def numbers(self) -> set[int]:
        """Return what is committed."""

    def close(self) -> None:  # noqa: B027
        """Release the connection."""


class _InMemory(Session):
    def __init__(self, url: str) -> None:
        self._held = database(url, BSON)

    def insert(self, number: int) -> None:
        try:
            self._held.put("things", to_bson({"_id": number}))
        except Fenced as error:
            raise Refusal from error

    def numbers(self) -> set[int]:
        return {decode_one(record)["_id"] for record in self._held.records("things").values()}


class _MongoDB(Session):
    def __init__(self, url: str) -> None:
        self._client: pymongo.MongoClient[Any] = pymongo.MongoClient(url)
        self._things = self._client.get_default_database()["things"]
        self._session: Any = None

    def insert(self, number: int) -> None:
        try:
            self._things.insert_one({"_id": number}, session=self._session)
        except PyMongoError as error:
            raise Refusal from error

    def begin(self) -> None:
        self._session = self._client.start_session()
        self._session.start_transaction()

    def commit(self) -> None:
        self._session.commit_transaction()
        self._session = None

    def numbers(self) -> set[int]:
        return {one["_id"] for one in self._things.find()}

    def close(self) -> None:
        self._client.close()


class _PostgreSQL(Session):
    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)

    def insert(self, number: int) -> None:
        try:
            self._connection.execute("INSERT INTO things VALUES (%s)", (number,))
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise Refusal from error

    def begin(self) -> None:
        self._connection.execute("BEGIN")

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def numbers(self) -> set[int]:
        return {one for (one,) in self._connection.execute("SELECT id FROM things")}

    def close(self) -> None:
        self._connection.close()


class _SQLite(Session):
    def __init__(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=20, check_same_thread=False)

    def insert(self, number: int) -> None:
        try:
            self._connection.execute("INSERT INTO things VALUES (?)", (number,))
        except (sqlite3.IntegrityError, sqlite3.OperationalError) as error:
            raise Refusal from error

    def begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def begin_reading(self) -> None:
        self._connection.execute("BEGIN")
        self.numbers()

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def numbers(self) -> set[int]:
        return {one for (one,) in self._connection.execute("SELECT id FROM things")}

    def close(self) -> None:
        self._connection.close()


def _new_memory(request: pytest.FixtureRequest) -> str:
    url = str(request.getfixturevalue("new_memory")())
    database(url, BSON).create("things")
    return url


def _new_mongodb(request: pytest.FixtureRequest) -> str:
    """On a server of its own: writes are blocked in all its databases."""
    server = str(request.getfixturevalue("mongodb_with_logins"))
    name = "cf_" + secrets.token_hex(6)
    with pymongo.MongoClient[Any](server) as client:
        client[name].create_collection("things")
    return with_database(server, name)


def _new_postgresql(request: pytest.FixtureRequest) -> str:
    url = str(request.getfixturevalue("emptied_postgresql"))
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE things (id int PRIMARY KEY); CREATE TABLE others (id int PRIMARY KEY)")
    return url


def _new_sqlite(request: pytest.FixtureRequest) -> str:
    path = request.getfixturevalue("tmp_path") / "fenced.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE things (id INTEGER PRIMARY KEY)")
    return f"sqlite:///{path}"


def application_url(name: str, url: str) -> str:
    """Where the server knows logins, the application has one of its own."""
    if name != "mongodb":
        return url
    with pymongo.MongoClient[Any](url) as client:
        if not client.admin.command("usersInfo", "application")["users"]:
            client.admin.command("createUser", "application", pwd="x", roles=["readWriteAnyDatabase"])
    host = url.partition("@")[2].partition("/")[0]
    path = url.partition("@")[2].partition("/")[2].partition("?")[0]
    return f"mongodb://application:x@{host}/{path}?directConnection=true&authSource=admin"


FENCES: dict[str, tuple[Callable[[pytest.FixtureRequest], str], Callable[[str], Session]]] = {
    "memory": (_new_memory, _InMemory),
    "mongodb": (_new_mongodb, _MongoDB),
    "postgresql": (_new_postgresql, _PostgreSQL),
    "sqlite": (_new_sqlite, _SQLite),
}
FENCE_NEEDED = {"memory": "new_memory", "mongodb": "mongodb_with_logins", "postgresql": "emptied_postgresql"}
"""The fixture that each of them needs."""


class Fenceable:
    """A database, an application's url, and the part under test. `acknowledged` has what writers were told is there."""

    def __init__(self, name: str, request: pytest.FixtureRequest) -> None:
        new, self._session = FENCES[name]
        self.url = new(request)
        self.application = application_url(name, self.url)
        self.stores = [open_store(self.url)]
        self._numbers = itertools.count(1)
        self.acknowledged: dict[int, float] = {}
        self.refused: dict[int, float] = {}

    @property
    def store(self) -> Store:
        return self.stores[0]

    @property
    def fence(self) -> Fence:
        return need(self.store.fence, self.store, "refuse writes")

    def another(self) -> Fence:
        """The part, as another process has it."""
        self.stores.append(open_store(self.url))
        return need(self.stores[-1].fence, self.store, "refuse writes")

    @contextmanager
    def session(self) -> Iterator[Session]:
        with closing(self._session(self.application)) as session:
            yield session

    def number(self) -> int:
        return next(self._numbers)

    def writes(self) -> bool:
        """Whether an application can write now."""
        with self.session() as session:
            try:
                session.insert(self.number())
                return True
            except Refusal:
                return False

    def there(self) -> set[int]:
        with self.session() as session:
            return session.numbers()

    @contextmanager
    def writers(self, count: int = 3) -> Iterator[None]:
        """Applications that write as fast as they can, whatever they are told."""
        stop = threading.Event()
        threads = [threading.Thread(target=self._write, args=(stop,), daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(120)

    def _write(self, stop: threading.Event) -> None:
        with self.session() as session:
            while not stop.is_set():
                number, begun = self.number(), time.monotonic()
                try:
                    session.insert(number)
                    self.acknowledged[number] = begun
                except Refusal:
                    self.refused[number] = begun
                time.sleep(0.001)

    def wait_for(self, what: dict[int, float], more: int = 20) -> None:
        """Wait until so many more writes have gone this way."""
        wanted, until = len(what) + more, time.monotonic() + 120
        while len(what) < wanted:
            assert time.monotonic() < until, "the writers do not get there"
            time.sleep(0.005)

    def close(self) -> None:
        with suppress(Exception):
            self.fence.remove()
        for store in self.stores:
            store.close()

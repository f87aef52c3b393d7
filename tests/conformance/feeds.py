"""Sources with an application that writes: two entities whose records have a whole number as their key and a text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pymongo
import pytest
from pymongo.client_session import ClientSession

from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.records.codec import Codec
from crossfade.stores.contract import ChangeFeed, Changes, Reader, Store, need
from crossfade.stores.memory.database import database
from crossfade.stores.open import open_store

ENTITIES = ("others", "things")

Write = tuple[str, int, str | None]
"""Entity, key, text; None: the record is deleted."""


class Application(ABC):
    """What writes to a source. `lose` makes the source forget what it keeps for a feed; not every test can do that."""

    url: str

    @abstractmethod
    def write(self, *writes: Write) -> None:
        """Write all of it, in one transaction where the source has transactions."""

    @abstractmethod
    def replace(self, entity: str) -> None:
        """Empty an entity by dropping, truncating or creating it again."""

    def lose(self, feed: str) -> None:
        raise NotImplementedError

    def close(self) -> None:  # noqa: B027
        """Release the connections."""


class _InMemory(Application):
    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.url = str(request.getfixturevalue("new_memory")())
        self._held = database(self.url, BSON)
        for entity in ENTITIES:
            self._held.create(entity)

    def write(self, *writes: Write) -> None:
        for entity, of, text in writes:
            if text is None:
                self._held.remove(entity, str(BSON.key(to_bson({"_id": of}))))
            else:
                self._held.put(entity, to_bson({"_id": of, "text": text}))

    def replace(self, entity: str) -> None:
        self._held.create(entity)

    def lose(self, feed: str) -> None:
        self._held.history.lose(self._held.history.now)


class _MongoDB(Application):
    def __init__(self, request: pytest.FixtureRequest) -> None:
        scratch = request.getfixturevalue("mongo_db")
        self.url = str(scratch.url)
        self._client: pymongo.MongoClient[Any] = pymongo.MongoClient(self.url)
        self._db = self._client[scratch.db.name]
        for entity in ENTITIES:
            self._db.create_collection(entity)

    def write(self, *writes: Write) -> None:
        """A server that is busy may end a transaction: it is repeated, as applications do."""

        def write_all(session: ClientSession) -> None:
            for entity, of, text in writes:
                if text is None:
                    self._db[entity].delete_one({"_id": of}, session=session)
                else:
                    self._db[entity].replace_one({"_id": of}, {"text": text}, upsert=True, session=session)

        with self._client.start_session() as session:
            session.with_transaction(write_all)

    def replace(self, entity: str) -> None:
        self._db[entity].drop()

    def close(self) -> None:
        self._client.close()


class _PostgreSQL(Application):
    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.url = str(request.getfixturevalue("emptied_postgresql"))
        self._connection = psycopg.connect(self.url)
        for entity in ENTITIES:
            self._connection.execute(f"CREATE TABLE {entity} (id int PRIMARY KEY, text text)")
        self._connection.commit()

    def write(self, *writes: Write) -> None:
        with self._connection.transaction():
            for entity, of, text in writes:
                if text is None:
                    self._connection.execute(f"DELETE FROM {entity} WHERE id = %s", (of,))
                    continue
                self._connection.execute(
                    f"INSERT INTO {entity} VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET text = excluded.text",
                    (of, text),
                )

    def replace(self, entity: str) -> None:
        with self._connection.transaction():
            self._connection.execute(f"TRUNCATE {entity}")

    def lose(self, feed: str) -> None:
        with self._connection.transaction():
            self._connection.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                " WHERE slot_name LIKE '%%' || %s || '%%' AND NOT active",
                (feed,),
            )

    def close(self) -> None:
        self._connection.close()


FEEDS: dict[str, Callable[[pytest.FixtureRequest], Application]] = {
    "memory": _InMemory,
    "mongodb": _MongoDB,
    "postgresql": _PostgreSQL,
}
NEEDED = {"memory": "new_memory", "mongodb": "mongo_db", "postgresql": "emptied_postgresql"}
"""The fixture that each of them needs."""


class Fed:
    """A source that an application writes to, and the part that names what it writes. `name` is that of the feed."""

    def __init__(self, application: Application, name: str) -> None:
        self.application, self.name = application, name
        self.write, self.replace = application.write, application.replace
        self.store: Store = open_store(application.url)

    @property
    def changes(self) -> Changes:
        return need(self.store.changes, self.store, "name changes")

    @property
    def codec(self) -> Codec:
        return need(self.store.codec, self.store, "read records")

    @property
    def reader(self) -> Reader:
        return need(self.store.reader, self.store, "read records")

    @contextmanager
    def feed(self, entities: Sequence[str] = ("things",)) -> Iterator[ChangeFeed]:
        """A feed of its own, which is closed at the end. What `start` created stays."""
        with closing(self.changes.feed(self.name, entities)) as found:
            yield found

    def key(self, of: int) -> str:
        """The canonical key of a record, by the codec alone."""
        ((key,), *_) = self.codec.keys_meant(str(of))
        return str(key)

    def close(self) -> None:
        if self.store.changes is not None:
            with self.feed(ENTITIES) as feed:
                feed.finish()
        self.store.close()
        self.application.close()

"""The databases of this process, by name: what all stores of one URL share, and where tests reach into them.

A test fills `entities`, and sets hooks that are called at named points (`POINTS`); an exception of a hook is raised
there. An error "before commit" leaves nothing behind; one "after commit" is a commit whose answer was lost.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from crossfade.errors import Misused
from crossfade.records.codec import Codec
from crossfade.stores.memory.history import History
from crossfade.stores.memory.tables import Catalog

Hook = Callable[[], object]

_WHAT = ("read", "claim", "step", "commit", "batch")
POINTS = tuple(f"{when} {what}" for what in _WHAT for when in ("before", "after"))
"""A batch is one of a change feed."""

_URL = re.compile(r"^memory://(?P<name>[\w.-]+)$")


class Fenced(Exception):
    """An application's write was refused."""


@dataclass
class Entity:
    """Records by the comparable form of their keys. `identity` distinguishes it from another of the same name."""

    records: dict[object, bytes] = field(default_factory=dict)
    identity: str = field(default_factory=lambda: uuid.uuid4().hex)


class Database:
    """Records of a source, tables of a target, and the journal beside them."""

    def __init__(self, name: str, codec: Codec) -> None:
        self.name, self.codec = name, codec
        self.entities: dict[str, Entity] = {}
        self.history = History()
        self.feeds: dict[str, int] = {}
        """The feeds that were started, each with the number of the last durable write."""
        self.catalog = Catalog()
        self.transactions = 0
        self.writing = Turn()
        self.running = threading.Lock()
        self.hooks: dict[str, Hook] = {}

    def create(self, entity: str) -> None:
        """Create an empty entity. It replaces one with this name."""
        with self._writing():
            old = self.entities.get(entity)
            self.entities[entity] = Entity()
            self.history.add(entity, before=old.records if old is not None else None)

    def put(self, entity: str, *records: bytes) -> None:
        """Insert records. Each replaces one with an equal key. Raises ValueError for one without a key."""
        for record in records:
            if (key := self.codec.key(record)) is None:
                raise ValueError(f"a record of {entity} has no key: {record[:40]!r}")
            with self._writing():
                stored, compared = self.entities.setdefault(entity, Entity()).records, self.codec.compared(key)
                self.history.add(entity, key, compared, stored.get(compared), len(record))
                stored[compared] = record

    def remove(self, entity: str, *keys: str) -> None:
        """Delete the records with these keys, if they exist."""
        for key in keys:
            with self._writing():
                stored, compared = self.entities[entity].records, self.codec.compared(key)
                if compared in stored:
                    self.history.add(entity, key, compared, stored.pop(compared))

    def records(self, entity: str, floor: int = 0) -> dict[object, bytes]:
        """Return the records that a read sees which must have seen the write `floor`."""
        with self.history.turn:
            return self.history.at(entity, self.entities[entity].records, floor)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Write as an application. Raises Fenced while writes are refused."""
        with self.history.turn:
            if self.catalog.fence.closed:
                raise Fenced(f"memory://{self.name} takes no writes: crossfade has closed it")
            yield

    def at(self, point: str, hook: Hook | None) -> None:
        """Call `hook` at a point from now on; None removes the hook. Raises ValueError for an unknown point."""
        if point not in POINTS:
            raise ValueError(f"no point {point!r}: one of {', '.join(POINTS)}")
        self.hooks.pop(point, None)
        if hook is not None:
            self.hooks[point] = hook

    def reach(self, point: str) -> None:
        if (hook := self.hooks.get(point)) is not None:
            hook()


class Turn:
    """A lock for writing. A thread that already has it would wait for itself: it gets an error instead."""

    def __init__(self) -> None:
        self._lock, self._owner = threading.Lock(), 0

    def take(self) -> None:
        if self._owner == threading.get_ident():
            raise RuntimeError("this thread has a transaction of this database open")
        self._lock.acquire()
        self._owner = threading.get_ident()

    def leave(self) -> None:
        self._owner = 0
        self._lock.release()


_databases: dict[str, Database] = {}


def database(url: str, codec: Codec) -> Database:
    """Return the database of this URL, a new one at first. Raises Misused for a URL without a name."""
    found = _URL.match(url)
    if not found:
        raise Misused(f"not the URL of a database in memory: {url}", hint="memory://name")
    return _databases.setdefault(found["name"], Database(found["name"], codec))


def forget(url: str) -> None:
    """Drop the database of this URL."""
    if found := _URL.match(url):
        _databases.pop(found["name"], None)

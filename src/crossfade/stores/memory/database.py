"""The databases of this process, by name: what all stores of one URL share, and where tests reach into them.

A test fills `entities`, and sets hooks that are called at named points (`POINTS`): what a hook raises is raised there.
An error "before commit" leaves nothing behind; one "after commit" is a commit whose answer was lost.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from crossfade.errors import Misused
from crossfade.records.codec import Codec
from crossfade.stores.memory.tables import Catalog

Hook = Callable[[], object]

POINTS = tuple(f"{when} {what}" for what in ("read", "claim", "step", "commit") for when in ("before", "after"))

_URL = re.compile(r"^memory://(?P<name>[\w.-]+)$")


@dataclass
class Entity:
    """Records by what their keys are compared by. `identity` tells it from another of the same name."""

    records: dict[object, bytes] = field(default_factory=dict)
    identity: str = field(default_factory=lambda: uuid.uuid4().hex)


class Database:
    """Records of a source, tables of a target, and the journal beside them."""

    def __init__(self, name: str, codec: Codec) -> None:
        self.name, self.codec = name, codec
        self.entities: dict[str, Entity] = {}
        self.catalog = Catalog()
        self.transactions = 0
        self.writing = Turn()
        self.running = threading.Lock()
        self.hooks: dict[str, Hook] = {}

    def create(self, entity: str) -> None:
        """Create an empty entity, in the place of one with this name."""
        self.entities[entity] = Entity()

    def put(self, entity: str, *records: bytes) -> None:
        """Insert records, each in the place of one with an equal key. Raises ValueError for one without a key."""
        held = self.entities.setdefault(entity, Entity())
        for record in records:
            if (key := self.codec.key(record)) is None:
                raise ValueError(f"a record of {entity} has no key: {record[:40]!r}")
            held.records[self.codec.compared(key)] = record

    def remove(self, entity: str, *keys: str) -> None:
        """Delete the records with these keys, if they are there."""
        for key in keys:
            self.entities[entity].records.pop(self.codec.compared(key), None)

    def at(self, point: str, hook: Hook | None) -> None:
        """Call `hook` at a point from now on; None: no hook any more. Raises ValueError for an unknown point."""
        if point not in POINTS:
            raise ValueError(f"no point {point!r}: one of {', '.join(POINTS)}")
        self.hooks.pop(point, None)
        if hook is not None:
            self.hooks[point] = hook

    def reach(self, point: str) -> None:
        if (hook := self.hooks.get(point)) is not None:
            hook()


class Turn:
    """Whose turn it is to write. A thread that already has it would wait for itself: it gets an error instead."""

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

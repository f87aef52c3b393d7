"""Shared and exclusive locks on tables of the journal. MongoDB has no locks, only write conflicts.

Each writer has a document for each such table, its slot. A transaction that shares the table writes to its own slot.
One that locks the table exclusively writes to all slots, so that the two conflict and the later one is repeated. A new
writer registers its slot in the table's own document, to which an exclusive transaction writes as well.

Many short transactions could make an exclusive one wait forever. It announces itself beforehand (`turnstile`), and
transactions that begin meanwhile wait a moment.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from crossfade.stores.mongodb.transaction import NotSeen

Document = dict[str, Any]

COLLECTION = "crossfade.slot"
SHARED = ("run", "move")
"""The tables that transactions share."""
_WAITS = 5.0  # the most seconds that others wait at the turnstile, even if the writer that set it was killed
_PAUSE = 0.005


class Slots:
    """The slots of one writer."""

    def __init__(self, db: Database[Document], session: ClientSession | None) -> None:
        """Without a session the server has no transactions, and nothing is locked."""
        self.name = uuid.uuid4().hex
        self._all, self._session = db[COLLECTION], session
        self._noted: set[str] = set()

    def note(self, table: str) -> None:
        """Create this writer's slot, before the transaction that writes to it."""
        if self._session is None or table in self._noted:
            return
        noted = {"table": table, "writer": self.name, "session": self._session.session_id["id"], "n": 0}
        self._all.update_one({"_id": self._own(table)}, {"$set": noted}, upsert=True)
        self._tell(table, {"$inc": {"n": 1}})  # waits while another writer has an exclusive lock
        self._noted.add(table)

    def share(self, table: str, session: ClientSession) -> None:
        """Take a shared lock until the transaction ends. Call `note` before."""
        self.wait(table)
        if not self._all.update_one({"_id": self._own(table)}, {"$inc": {"n": 1}}, session=session).matched_count:
            self._noted.discard(table)  # the transaction began before the slot existed, or another run has removed it
            self.note(table)
            raise NotSeen

    def exist(self, table: str) -> None:
        """Create the table's own document, before the first transaction that locks the table exclusively."""
        self._tell(table, {"$setOnInsert": {"n": 0}})

    def prepare(self, table: str) -> None:
        """Let others wait from now on, before an exclusive lock, or before changing rows that others always change.
        Call `release` in the end.
        """
        until = time.monotonic() + 2 * _WAITS
        while not self._turned(table) and time.monotonic() < until:  # after that, go on without it
            time.sleep(_PAUSE)

    def alone(self, table: str, session: ClientSession) -> None:
        """Take an exclusive lock until the transaction ends. Slots of older versions name no table."""
        if not self._all.update_one({"_id": table}, {"$inc": {"n": 1}}, session=session).matched_count:
            self.exist(table)
            raise NotSeen
        self._all.update_many({"table": {"$in": [table, None]}}, {"$inc": {"n": 1}}, session=session)

    def wait(self, table: str) -> None:
        """Wait while another writer has announced an exclusive lock on the table, or changes of its rows."""
        until = time.monotonic() + _WAITS
        others = {"_id": _turnstile(table), "by": {"$ne": self.name}, "$expr": {"$gt": ["$until", "$$NOW"]}}
        while self._all.find_one(others, {"_id": 1}) is not None and time.monotonic() < until:
            time.sleep(_PAUSE)

    def release(self, table: str) -> None:
        self._all.delete_one({"_id": _turnstile(table), "by": self.name})

    def others(self) -> list[Document]:
        """Return the sessions of all other writers."""
        found = self._all.find({"writer": {"$ne": self.name}, "session": {"$exists": True}})
        return [{"id": slot["session"]} for slot in found]

    def forget_others(self) -> None:
        self._all.delete_many({"writer": {"$ne": self.name}, "session": {"$exists": True}})

    def _own(self, table: str) -> str:
        return f"{self.name} {table}"

    def _tell(self, table: str, change: Document) -> None:
        self._all.update_one({"_id": table}, {**change, "$set": {"table": table}}, upsert=True)

    def _turned(self, table: str) -> bool:
        own = {"_id": _turnstile(table), "by": self.name}
        free = {"_id": _turnstile(table), "$expr": {"$lt": ["$until", "$$NOW"]}}
        ours = [{"$set": {"table": "turnstile", "by": self.name, "until": {"$add": ["$$NOW", int(_WAITS * 1000)]}}}]
        try:
            if not self._all.update_one(free, ours).matched_count:
                self._all.update_one(own, ours, upsert=True)
        except DuplicateKeyError:  # another has it
            return False
        return True


def _turnstile(table: str) -> str:
    return f"turnstile {table}"

"""The lock of a run on a target: a document with a lease that its holder renews.

MongoDB has no locks of sessions. A holder that was killed no longer renews its lease, which ends by itself.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, PyMongoError

from crossfade.errors import Busy

LOCK, JOURNAL = "crossfade.lock", "crossfade.move"
SECONDS = 10.0
RENEWED = 2.0
_PATIENCE = SECONDS + 5


class Lease:
    """The lease on one database. The server's clock decides when it ends."""

    def __init__(self, db: Database[dict[str, Any]], url: str) -> None:
        self._locks, self._url, self._token = db[LOCK], url, uuid.uuid4().hex
        self._stop = threading.Event()

    @contextmanager
    def hold(self) -> Iterator[None]:
        self._take()
        keeper = threading.Thread(target=self._keep, daemon=True, name="crossfade-lease")
        keeper.start()
        try:
            yield
        finally:
            self._stop.set()
            keeper.join()
            with suppress(PyMongoError):
                self._release()

    @property
    def is_held(self) -> bool:
        """Whether a process has a lease that has not ended."""
        return self._locks.find_one({"_id": 1, "$expr": {"$gte": ["$until", "$$NOW"]}}) is not None

    def _release(self) -> None:
        """Release the lease. If the journal no longer exists, drop the collection of the lock, together with the lease.
        If the lease were deleted first, another run could take one, which would be dropped with the collection.
        """
        if not self._locks.database.list_collection_names(filter={"name": JOURNAL}) and self._renew():
            self._locks.drop()
        else:
            self._locks.delete_one({"_id": 1, "token": self._token})

    def _take(self) -> None:
        until = time.monotonic() + _PATIENCE
        while not self._renew():
            if time.monotonic() > until:
                raise Busy(
                    f"another run of crossfade is working in {self._url}; this one has written nothing",
                    hint="wait until it ends: crossfade status",
                )
            time.sleep(0.2)

    def _renew(self) -> bool:
        """Return whether the lease is ours now."""
        own = {"_id": 1, "token": self._token}
        free = {"_id": 1, "$expr": {"$lt": ["$until", "$$NOW"]}}
        ours = {"token": self._token, "until": {"$add": ["$$NOW", int(SECONDS * 1000)]}}
        try:
            if self._locks.update_one({"$or": [own, free]}, [{"$set": ours}]).matched_count:
                return True
            return self._locks.update_one(own, [{"$set": ours}], upsert=True).upserted_id is not None
        except DuplicateKeyError:  # another process has it
            return False

    def _keep(self) -> None:
        while not self._stop.wait(RENEWED):
            with suppress(PyMongoError):  # if the server is away for longer, the writes fail as well
                self._renew()

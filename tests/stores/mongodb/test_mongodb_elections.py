"""A feed and its readers on a replica set of three: elections, secondaries that lag, a primary that is killed."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pymongo
import pytest
from feeding import Heard, changes_of, feed_of, heard, keys
from pymongo.errors import OperationFailure, PyMongoError

from crossfade.errors import Unreachable
from crossfade.model.positions import NO_FLOOR, Floor
from crossfade.records.bson.codec import BSON
from crossfade.stores.contract import Store
from crossfade.stores.mongodb.store import open_mongodb
from crossfade.testing import ReplicaSet, replica_set, with_database
from following import wait_for


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    with replica_set(tmp_path_factory.mktemp("set")) as found:
        yield found


@pytest.fixture
def url(members: ReplicaSet) -> str:
    """A database of its own for each test; it goes with the servers."""
    return with_database(members.url, "db_" + secrets.token_hex(4))


class Writer:
    """Inserts documents, and keeps the keys of those that a majority acknowledged."""

    def __init__(self, url: str) -> None:
        self.acknowledged: list[int] = []
        self._url, self._stop = url, threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def has_written(self, wanted: int) -> bool:
        return len(self.acknowledged) > wanted

    def _write(self) -> None:
        n = 0
        with pymongo.MongoClient[dict[str, Any]](self._url, w="majority", serverSelectionTimeoutMS=20_000) as client:
            things = client.get_default_database().things
            while not self._stop.is_set():
                with suppress(PyMongoError):
                    things.insert_one({"_id": n})
                    self.acknowledged.append(n)
                n += 1


def test_no_acknowledged_write_is_missed_by_an_election(members: ReplicaSet, url: str) -> None:
    with open_mongodb(url) as store:
        feed = feed_of(store, "things")
        found = Heard(feed.start().position)
        with Writer(url) as writer, ThreadPoolExecutor(1) as pool:
            elections = pool.submit(_two_elections, members, writer)
            while not elections.done():
                try:
                    for batch in feed.changes(found.position):
                        found.add(batch)
                        if elections.done():
                            break
                except Unreachable:
                    continue
            elections.result()
        assert len(writer.acknowledged) > 100
        rest = heard(feed, found.position)
        named = found.keys.get("things", set()) | rest.keys.get("things", set())
        assert keys(*writer.acknowledged) <= named


def _two_elections(members: ReplicaSet, writer: Writer) -> None:
    for wanted in (60, 120):
        wait_for(partial(writer.has_written, wanted))
        members.step_down()


@pytest.mark.parametrize("preference", ["primary", "secondary", "secondaryPreferred", "nearest"])
def test_what_was_named_can_be_read(url: str, preference: str) -> None:
    """Of a secondary that is not told what to have seen, some of these reads find nothing."""
    found, older = 0, list[str]()
    with open_mongodb(f"{url}&readPreference={preference}") as store:
        feed = feed_of(store, "things")
        since = feed.start().position
        with Writer(url):
            until = time.monotonic() + 2
            for batch in feed.changes(since):
                for listed in batch.changed:
                    read = _keys_read(store, batch.floor, listed.keys)
                    found += len(read)
                    older += set(listed.keys) - read
                if time.monotonic() > until and found > 50:
                    break
    assert older == []


def test_a_member_that_lags_is_waited_for(members: ReplicaSet, url: str) -> None:
    """One secondary stops applying what is written; the reads go to it."""
    lagging = next(m for m in members.members if m.url.split("/")[2] != members.primary())
    tag = f"readPreference=secondary&readPreferenceTags=member:{members.members.index(lagging)}"
    with open_mongodb(url) as store, pymongo.MongoClient[dict[str, Any]](lagging.url) as direct:
        feed = feed_of(store, "things")
        since = feed.start().position
        wait_for(lambda: _stands_still(direct))
        try:
            with pymongo.MongoClient[dict[str, Any]](url, w="majority") as client:
                client.get_default_database().things.insert_one({"_id": 1})
            floor = heard(feed, since).floor
            with open_mongodb(f"{url}&{tag}") as reading:
                assert _keys_read(reading, NO_FLOOR, list(keys(1))) == set()
                with ThreadPoolExecutor(1) as pool:
                    waiting = pool.submit(_keys_read, reading, floor, list(keys(1)))
                    time.sleep(1)
                    assert not waiting.done()
                    direct.admin.command("fsyncUnlock")
                    assert waiting.result() == keys(1)
        finally:
            with suppress(PyMongoError):
                direct.admin.command("fsyncUnlock")


def _stands_still(member: pymongo.MongoClient[dict[str, Any]]) -> bool:
    """Right after the initial sync it refuses."""
    try:
        return bool(member.admin.command("fsync", lock=True)["ok"])
    except OperationFailure:
        return False


def _keys_read(store: Store, floor: Floor, wanted: Sequence[str]) -> set[str]:
    with changes_of(store).reading(floor) as reader:
        read = b"".join(reader.fetch("things", ("_id",), wanted))
    return {str(BSON.key(raw)) for raw in BSON.split(read)}

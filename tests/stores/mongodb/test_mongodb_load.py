"""The lag of a replica set's members, on one of which replication was stopped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from pymongo.errors import OperationFailure
from pymongo.write_concern import WriteConcern

from crossfade.stores.mongodb.store import open_mongodb
from crossfade.testing import ReplicaSet, replica_set, with_database
from following import wait_for


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    with replica_set(tmp_path_factory.mktemp("set"), members=2) as found:
        yield found


def test_a_member_that_does_not_apply_falls_behind_and_comes_back(members: ReplicaSet) -> None:
    primary = members.primary()
    behind = next(one.url for one in members.members if primary not in one.url)
    with (
        open_mongodb(with_database(members.url, "load")) as store,
        pymongo.MongoClient[dict[str, Any]](behind) as secondary,
        pymongo.MongoClient[dict[str, Any]](members.url, w=1) as client,
    ):
        load = store.load
        assert load is not None
        wait_for(lambda: load.lag() < 2)

        def falls_behind() -> bool:
            client.load.things.insert_one({})
            return load.lag() > 3

        def stands_still() -> bool:
            """Right after the initial sync it refuses."""
            client.get_database("load", write_concern=WriteConcern("majority")).things.insert_one({})
            try:
                return bool(secondary.admin.command("fsync", lock=True)["ok"])
            except OperationFailure:
                return False

        wait_for(stands_still)
        try:
            wait_for(falls_behind)
        finally:
            secondary.admin.command("fsyncUnlock")
        wait_for(lambda: load.lag() < 2)
        assert load.active() >= 0


def test_a_set_of_one_has_no_lag(mongo_db: Any) -> None:
    with open_mongodb(mongo_db.url) as store:
        assert store.load is not None
        assert store.load.lag() == 0.0

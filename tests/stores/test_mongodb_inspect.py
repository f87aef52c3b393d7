from __future__ import annotations

import datetime

import gridfs
import pytest

from crossfade.errors import Unreachable
from crossfade.stores.contract import EntityInfo
from crossfade.stores.mongodb.store import open_mongodb
from crossfade.testing import with_database
from scratch import MongoScratch


def entities(url: str) -> dict[str, EntityInfo]:
    with open_mongodb(url) as store:
        assert store.inspector is not None
        listed = store.inspector.entities()
    assert [info.name for info in listed] == sorted(info.name for info in listed)
    return {info.name: info for info in listed}


def test_everything_has_a_class_and_a_plan(mongo_db: MongoScratch) -> None:
    db = mongo_db.db
    db.users.insert_many([{"_id": n} for n in range(3)])
    db.create_collection("log", capped=True, size=4096)
    db.create_collection("clustered", clusteredIndex={"key": {"_id": 1}, "unique": True})
    db.create_collection("active", viewOn="users", pipeline=[])
    db.create_collection("weather", timeseries={"timeField": "t"}, expireAfterSeconds=10**9)
    db.weather.insert_many([{"t": datetime.datetime(2020, 1, 1)} for _ in range(4)])
    gridfs.GridFS(db, "photos").put(b"x" * 300_000, filename="a.png")
    db["tax.files"].insert_one({"_id": 1, "name": "no GridFS"})
    db["tax.chunks"].insert_one({"_id": 1, "name": "no GridFS"})
    found = entities(mongo_db.url)
    assert {name: (info.entity_class, info.copied) for name, info in found.items()} == {
        "active": ("view", False),
        "clustered": ("clustered", True),
        "log": ("capped", True),
        "photos.chunks": ("gridfs_chunks", True),
        "photos.files": ("gridfs_files", True),
        "system.buckets.weather": ("system", False),
        "system.views": ("system", False),
        "tax.chunks": ("collection", True),
        "tax.files": ("collection", True),
        "users": ("collection", True),
        "weather": ("timeseries", True),
    }
    assert "computed from users" in found["active"].plan
    assert "internal storage of weather" in found["system.buckets.weather"].plan
    assert "photos.chunks" in found["photos.files"].plan
    assert "expiry" in found["weather"].plan
    assert (found["users"].count, found["photos.chunks"].count, found["weather"].count) == (3, 2, 4)
    assert found["photos.chunks"].bytes > 300_000
    assert all(info.plan for info in found.values())


def test_indexes_and_options_are_reported(mongo_db: MongoScratch) -> None:
    users = mongo_db.db.create_collection("users", validator={"$jsonSchema": {"required": ["email"]}})
    users.create_index("email", unique=True, sparse=True)
    users.create_index("seen", expireAfterSeconds=60)
    info = entities(mongo_db.url)["users"]
    assert info.indexes == ("email_1 (email 1; unique; sparse)", "seen_1 (seen 1; documents expire 60 s after)")
    assert info.options is not None
    assert info.options["validator"] == {"$jsonSchema": {"required": ["email"]}}


def test_encrypted_fields_are_flagged(mongo_db: MongoScratch) -> None:
    encrypted = {"encrypt": {"bsonType": "string", "algorithm": "AEAD_AES_256_CBC_HMAC_SHA_512-Random"}}
    mongo_db.db.create_collection("people", validator={"$jsonSchema": {"properties": {"ssn": encrypted}}})
    mongo_db.db.create_collection("plain", validator={"$jsonSchema": {"properties": {"ssn": {"bsonType": "string"}}}})
    found = entities(mongo_db.url)
    assert "ciphertext" in found["people"].plan
    assert "ciphertext" not in found["plain"].plan


def test_a_database_that_is_not_there_is_said_with_those_that_are(mongo_db: MongoScratch) -> None:
    mongo_db.db.c.insert_one({"_id": 1})
    with pytest.raises(Unreachable, match="'typo_of_mine' does not exist") as caught:
        entities(with_database(mongo_db.url, "typo_of_mine"))
    assert mongo_db.name in (caught.value.hint or "")


def test_the_version_says_product_and_kind(mongo_db: MongoScratch) -> None:
    with open_mongodb(mongo_db.url) as store:
        assert store.inspector is not None
        assert store.inspector.version().startswith("MongoDB ")
        assert "replica set" in store.inspector.version()

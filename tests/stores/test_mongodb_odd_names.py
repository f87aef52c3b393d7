"""Collections with names that the server accepts and pymongo does not, and other unusual names."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from crossfade.assess.survey import survey
from crossfade.model.batch import Chunk
from crossfade.records.bson.decode import decode
from crossfade.stores.contract import Reader, Store
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.store import open_mongodb
from scratch import MongoScratch

REFUSED_BY_PYMONGO = ["a..b", "trail.", "x...y"]
NAMES = [*REFUSED_BY_PYMONGO, " ", "with space", "é中", "e\u0301", "*", "a/b", 'a"b', "a\nb", "tab\t", "n" * 200]


def put(source: MongoScratch, name: str, count: int) -> None:
    documents: list[dict[str, Any]] = [{"_id": n, "v": n} for n in range(count)]
    source.db.command({"insert": name, "documents": documents})
    source.db.command({"createIndexes": name, "indexes": [{"key": {"v": 1}, "name": "by_v"}]})


@pytest.fixture
def source(mongo_db: MongoScratch) -> MongoScratch:
    for number, name in enumerate(NAMES):
        put(mongo_db, name, number + 2)
    return mongo_db


def reader_of(store: Store) -> Reader:
    assert store.reader is not None
    return store.reader


def test_each_is_listed_counted_and_surveyed(source: MongoScratch) -> None:
    with open_mongodb(source.url) as store:
        assert store.inspector is not None
        found = store.inspector.entities()
    counts = {name: number + 2 for number, name in enumerate(NAMES)}
    assert {info.name: info.count for info in found} == counts
    assert all(info.indexes == ("by_v (v 1)",) for info in found)
    shapes = survey(partial(open_mongodb, source.url), found)
    assert {shape.entity: shape.count for shape in shapes} == counts


@pytest.mark.parametrize("name", REFUSED_BY_PYMONGO)
def test_one_is_read_in_ranges_by_keys_and_by_value(mongo_db: MongoScratch, name: str) -> None:
    put(mongo_db, name, 50)
    mongo_db.db["other"].insert_one({"_id": 1000})
    with open_mongodb(mongo_db.url) as store:
        reader = reader_of(store)
        chunks = list(reader.chunks(name, target_bytes=500))
        assert len(chunks) == 3
        assert [doc["_id"] for chunk in chunks for doc in read(reader, chunk)] == list(range(50))
        assert [doc["v"] for raw in reader.fetch(name, ("v",), ['{"$numberInt":"7"}']) for doc in decode(raw).docs] == [
            7
        ]


def read(reader: Reader, chunk: Chunk) -> list[dict[str, Any]]:
    return [doc for raw in reader.raw(chunk) for doc in decode(raw).docs]


def test_a_renamed_collection_is_the_one_that_was_asked_for(mongo_db: MongoScratch) -> None:
    assert collection_of(mongo_db.db, "a..b").full_name == f"{mongo_db.name}.a..b"

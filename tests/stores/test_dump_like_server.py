"""A dump returns the same as the server from which it was taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, Int64, encode
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from crossfade.model.shape import Path as Place
from crossfade.records.bson.decode import split
from crossfade.records.bson.ejson import canonical
from crossfade.records.bson.walk import walk
from crossfade.stores.contract import Store
from crossfade.stores.dump.store import open_dump
from crossfade.stores.mongodb.store import open_mongodb
from crossfade.testing.dump_writer import write_archive, write_dump_folder
from scratch import MongoScratch

VALUES: list[Any] = [
    1, 1.0, Int64(1), Decimal128("1.0"), "1", True, 0.1, Decimal128("0.1"), 2**53, float(2**53), -0.0, 0, float("nan"),
    Decimal128("NaN"), "", "A", "a", {}, {"b": 1}, {"b": [1, 2]}, {"b": {"c": 1}}, [], [1, "1"], [[1]],
    [{"b": 1}, {"b": 2}], [[{"b": 1}]], [{"b": [1]}], [{"c": 1}], [[]], [{}],
]  # fmt: skip
ASKED = [1, "1", True, 0.1, Decimal128("0.1"), 2**53, 0, float("nan"), "", "a", {}]
PLACES: list[Place] = [("v",), ("v", "[]"), ("v", "b"), ("v", "[]", "b"), ("v", "b", "[]"), ("v", "b", "c"), ("_id",)]


def ids(store: Store, place: Place, value: Any) -> list[int]:
    assert store.reader is not None
    runs = store.reader.fetch("things", place, [canonical(value)])
    return sorted(walk(document)["_id"] for run in runs for document in split(run))


@pytest.mark.parametrize("place", PLACES, ids=".".join)
def test_fetch_finds_what_the_server_finds(mongo_db: MongoScratch, tmp_path: Path, place: Place) -> None:
    documents = [encode({"_id": n, "v": value}) for n, value in enumerate(VALUES)]
    mongo_db.db["things"].insert_many(map(RawBSONDocument, documents))
    write_dump_folder(tmp_path, "shop", {"things": documents})
    with open_mongodb(mongo_db.url) as server, open_dump(tmp_path) as dump:
        for value in ASKED:
            assert ids(dump, place, value) == ids(server, place, value), canonical(value)


def test_an_archive_of_what_the_server_stores(mongo_db: MongoScratch, tmp_path: Path) -> None:
    documents = [encode({"_id": n, "v": value}) for n, value in enumerate(VALUES)]
    mongo_db.db["things"].insert_many(map(RawBSONDocument, documents))
    raw = mongo_db.db["things"].with_options(CodecOptions(document_class=RawBSONDocument)).find().sort("_id")
    path = write_archive(tmp_path / "x", "shop", {"things": [bytes(document.raw) for document in raw]}, gzip=True)
    with open_mongodb(mongo_db.url) as server, open_dump(path) as dump:
        assert server.reader is not None
        assert dump.reader is not None
        assert b"".join(dump.reader.scan("things")) == b"".join(documents)
        assert sorted(split(b"".join(dump.reader.keys("things")))) == sorted(
            split(b"".join(server.reader.keys("things")))
        )

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import pytest
from bson import Code, MaxKey, ObjectId, encode
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection
from pymongo.cursor import RawBatchCursor
from pymongo.errors import OperationFailure

from crossfade.errors import Refused, Unreachable
from crossfade.model.batch import Chunk, Column
from crossfade.model.shape import Path
from crossfade.records.bson.count import Histogram
from crossfade.records.bson.decode import decode, split
from crossfade.records.bson.ejson import canonical, to_bson
from crossfade.records.bson.values import DBPointer, Symbol
from crossfade.stores.contract import Reader, Store
from crossfade.stores.mongodb import replies
from crossfade.stores.mongodb.replies import IS_QUICK, find_replies
from crossfade.stores.mongodb.source import DOCUMENTS_A_REPLY
from crossfade.stores.mongodb.store import open_mongodb
from crossfade.testing import Proxy, through
from keys_of_all_types import KEYS, SYMBOLS
from scratch import MongoScratch


@pytest.fixture
def store(mongo_db: MongoScratch) -> Iterator[Store]:
    with open_mongodb(mongo_db.url) as opened:
        yield opened


@pytest.fixture
def reader(store: Store) -> Reader:
    assert store.reader is not None
    return store.reader


def insert_raw(collection: Collection[Any], docs: Iterable[dict[str, Any]]) -> None:
    raw: Collection[Any] = collection.with_options(CodecOptions(RawBSONDocument))
    raw.insert_many([RawBSONDocument(to_bson(doc)) for doc in docs])


def documents(batches: Iterable[Any]) -> list[bytes]:
    return [document for batch in batches for document in split(batch)]


def keys_of(raws: Iterable[bytes]) -> list[str]:
    return [canonical(doc["_id"]) for doc in decode(b"".join(raws)).docs]


@pytest.mark.parametrize("collation", [None, {"locale": "en", "strength": 3}], ids=["simple", "english"])
@pytest.mark.parametrize("target_bytes", [1, 150, 10**9], ids=["one", "few", "all"])
def test_keys_of_every_type_are_each_in_exactly_one_chunk(
    mongo_db: MongoScratch, reader: Reader, collation: dict[str, Any] | None, target_bytes: int
) -> None:
    mixed: Collection[Any] = mongo_db.db.create_collection("mixed", collation=collation)
    keys = KEYS if collation else KEYS + SYMBOLS
    insert_raw(mixed, ({"_id": key, "v": n} for n, key in enumerate(keys)))
    chunks = list(reader.chunks("mixed", target_bytes=target_bytes))
    read = [documents(reader.raw(chunk)) for chunk in chunks]
    assert [len(part) for part in read] == [chunk.count for chunk in chunks]
    found = [document for part in read for document in part]
    assert sorted(found) == sorted(to_bson({"_id": key, "v": n}) for n, key in enumerate(keys))
    assert keys_of(found) == keys_of(documents(mixed.find_raw_batches({}, sort=[("_id", 1)])))
    assert (chunks[0].lower, chunks[-1].upper) == (None, None)
    assert [chunk.upper for chunk in chunks[:-1]] == [chunk.lower for chunk in chunks[1:]]
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert len(chunks) > 30 or target_bytes > 1


def test_a_range_without_an_upper_bound_holds_the_greatest_key_of_all(mongo_db: MongoScratch, reader: Reader) -> None:
    mongo_db.db.c.insert_many([{"_id": 1}, {"_id": 2}, {"_id": MaxKey()}])
    last = Chunk("c", 1, canonical(2), None, 2)
    assert keys_of(documents(reader.raw(last))) == [canonical(2), canonical(MaxKey())]


def test_an_empty_collection_is_one_open_chunk(mongo_db: MongoScratch, reader: Reader) -> None:
    mongo_db.db.create_collection("empty")
    assert list(reader.chunks("empty", target_bytes=100)) == [Chunk("empty", 0, None, None, 0)]
    assert list(reader.raw(Chunk("empty", 0, None, None, 0))) == []


def test_chunks_are_about_as_large_as_asked(mongo_db: MongoScratch, reader: Reader) -> None:
    mongo_db.db.c.insert_many([{"_id": n, "text": "x" * 80} for n in range(1000)])
    size = len(encode({"_id": 1, "text": "x" * 80}))
    chunks = list(reader.chunks("c", target_bytes=size * 100))
    assert [chunk.count for chunk in chunks] == [100] * 10


def test_what_is_written_between_the_chunks_and_the_reading_is_read(mongo_db: MongoScratch, reader: Reader) -> None:
    mongo_db.db.c.insert_many([{"_id": n} for n in (10, 20, 30, 40)])
    chunks = list(reader.chunks("c", target_bytes=1))
    mongo_db.db.c.insert_many([{"_id": n} for n in (5, 25, 45, "z")])
    assert len(documents(raw for chunk in chunks for raw in reader.raw(chunk))) == 8


def test_replies_are_bounded(mongo_db: MongoScratch, reader: Reader) -> None:
    mongo_db.db.many.insert_many([{"_id": n} for n in range(DOCUMENTS_A_REPLY + 1)])
    mongo_db.db.big.insert_many([{"_id": n, "x": b"x" * 5_000_000} for n in range(5)])
    mongo_db.db.big.insert_one({"_id": 9, "x": b"x" * (16 * 1024 * 1024 - 50)})
    assert [len(split(reply)) for reply in reader.scan("many")] == [DOCUMENTS_A_REPLY, 1]
    assert max(map(len, reader.scan("big"))) <= 16 * 1024 * 1024
    assert len(documents(reader.scan("big"))) == 6


@pytest.mark.parametrize("options", [{}, {"collation": {"locale": "en"}}, {"capped": True, "size": 10_000}])
def test_keys_are_the_keys_and_nothing_else(mongo_db: MongoScratch, reader: Reader, options: dict[str, Any]) -> None:
    insert_raw(mongo_db.db.create_collection("c", **options), ({"_id": key, "x": 1} for key in KEYS))
    assert sorted(documents(reader.keys("c"))) == sorted(to_bson({"_id": key}) for key in KEYS)


def test_views_time_series_and_clustered_collections_are_one_stream(mongo_db: MongoScratch, reader: Reader) -> None:
    db = mongo_db.db
    db.base.insert_many([{"_id": n} for n in range(4)])
    db.create_collection("view", viewOn="base", pipeline=[{"$match": {"_id": {"$gt": 0}}}])
    db.create_collection("clustered", clusteredIndex={"key": {"_id": 1}, "unique": True})
    db.clustered.insert_many([{"_id": n} for n in (2, 1, "a")])
    db.create_collection("series", timeseries={"timeField": "t", "metaField": "m"})
    db.series.insert_many([{"t": datetime.datetime(2020, 1, 1, n), "m": "a", "_id": 1} for n in range(5)])
    for name, count in (("view", 3), ("clustered", 3), ("series", 5)):
        (chunk,) = reader.chunks(name, target_bytes=1)
        assert chunk == Chunk(name, 0, None, None, count)
        assert len(documents(reader.raw(chunk))) == len(documents(reader.scan(name))) == count
        assert len(documents(reader.keys(name))) == count


def test_batches_are_arrow_held_against_the_shape(mongo_db: MongoScratch, reader: Reader) -> None:
    mongo_db.db.c.insert_many([{"_id": n, "name": f"n{n}"} for n in range(3)])
    histogram = Histogram()
    for raw in reader.scan("c"):
        histogram.add(raw)
    mongo_db.db.c.insert_one({"_id": 3, "name": 5})
    (chunk,) = reader.chunks("c", target_bytes=10**6)
    columns = [Column("id", ("_id",)), Column("name", ("name",))]
    for _ in range(2):  # the second time with what was compiled the first time
        (batch,) = reader.batches(chunk, histogram.to_shape("c"), columns)
        assert batch.table.to_pylist() == [{"#row": n, "id": n, "name": f"n{n}"} for n in range(3)]
        assert [(one.key, one.reason) for one in batch.rejected] == [(canonical(3), "unseen_type")]


@pytest.mark.parametrize(
    "read",
    [
        lambda reader: list(reader.chunks("absent", target_bytes=1)),
        lambda reader: list(reader.raw(Chunk("absent", 0, None, None, 0))),
        lambda reader: list(reader.scan("absent")),
        lambda reader: list(reader.keys("absent")),
        lambda reader: list(reader.fetch("absent", ("_id",), ["1"])),
    ],
)
def test_a_collection_that_is_not_there_is_refused_by_name(reader: Reader, read: Any) -> None:
    with pytest.raises(Refused, match="no collection 'absent'"):
        read(reader)


FETCHED = [
    {"_id": 1, "a": {"b": 5}, "tags": ["x", "y"], "items": [{"sku": "p"}, {"sku": "q"}]},
    {"_id": 2, "a": {"b": "5"}, "tags": [], "n": None},
    {"_id": 3, "a": {"b": 5.0}, "tags": ["y"], "items": [{"sku": "q"}]},
    {"_id": 4, "a.b": 5, "": {"$k": ["v"]}, "0": "zero"},
    {"_id": 5, "m": [[1, 2], [3]], "odd": [{"x.y": 1}, {"x.y": 2}], "r": Symbol("s")},
]


@pytest.mark.parametrize(
    ("path", "values", "found"),
    [
        (("_id",), [1, 2, 99], [1, 2]),
        (("_id",), [], []),
        (("a", "b"), [5], [1, 3]),
        (("a", "b"), ["5"], [2]),
        (("tags", "[]"), ["x", "y"], [1, 3]),
        (("items", "[]", "sku"), ["q"], [1, 3]),
        (("n",), [None], [2]),
        (("a.b",), [5], [4]),
        (("", "$k", "[]"), ["v"], [4]),
        (("0",), ["zero"], [4]),
        (("m", "[]", "[]"), [3], [5]),
        (("odd", "[]", "x.y"), [2, 7], [5]),
        (("odd", "[]", "x.y"), [None], []),
        (("r",), [Symbol("s")], [5]),
        (("a", "b"), [DBPointer("d.c", ObjectId("0" * 24)), Code("x", {"y": 1})], []),
    ],
)
def test_documents_are_fetched_by_the_value_at_a_path(
    mongo_db: MongoScratch, reader: Reader, path: Path, values: list[Any], found: list[int]
) -> None:
    insert_raw(mongo_db.db.c, FETCHED)
    fetched = documents(reader.fetch("c", path, [canonical(value) for value in values]))
    assert sorted(fetched) == sorted(to_bson(doc) for doc in FETCHED if doc["_id"] in found)


def test_every_key_fetches_its_own_document(mongo_db: MongoScratch, reader: Reader) -> None:
    insert_raw(mongo_db.db.c, ({"_id": key} for key in KEYS))
    for key in KEYS:
        assert documents(reader.fetch("c", ("_id",), [canonical(key)])) == [to_bson({"_id": key})]


def test_many_values_are_fetched_in_portions_and_no_document_twice(mongo_db: MongoScratch, reader: Reader) -> None:
    mongo_db.db.c.insert_many([{"_id": n, "refs": [n, n + 2000]} for n in range(3000)])
    fetched = documents(reader.fetch("c", ("refs", "[]"), [canonical(n) for n in range(2500)]))
    assert sorted(doc["_id"] for doc in decode(b"".join(fetched)).docs) == list(range(2500))


def test_a_connection_that_is_cut_is_reported_and_the_next_reading_is_whole(mongo_db: MongoScratch) -> None:
    mongo_db.db.c.insert_many([{"_id": n, "x": "x" * 1000} for n in range(12_000)])
    host, port = mongo_db.db.client.address or ("", 0)
    with Proxy(host, port) as proxy, open_mongodb(through(mongo_db.url, proxy)) as store:
        assert store.reader is not None
        replies = store.reader.scan("c")
        next(replies)
        proxy.cut_after(1_000_000)
        with pytest.raises(Unreachable, match="while reading c"):
            list(replies)
        assert len(documents(store.reader.scan("c"))) == 12_000


def test_a_store_can_be_opened_by_workers(mongo_db: MongoScratch) -> None:
    mongo_db.db.c.insert_one({"_id": 1})
    with partial(open_mongodb, mongo_db.url)() as store:
        assert store.reader is not None
        assert len(documents(store.reader.scan("c"))) == 1


def test_replies_are_those_of_pymongo(mongo_db: MongoScratch) -> None:
    """Of one batch and of several, of an empty collection, and with an error in place of a reply."""
    collection = mongo_db.db["c"]
    collection.insert_many([{"_id": n, "a": [n, {"b": "x" * n}]} for n in range(300)])
    assert IS_QUICK, "pymongo is not what replies.py expects: every copy reads more slowly"
    for query, options in (({}, {"batch_size": 70}), ({"_id": 7}, {}), ({"_id": -1}, {}), ({}, {"limit": 90})):
        quick = list(find_replies(collection, query, sort=[("_id", 1)], **options))
        assert quick == list(collection.find_raw_batches(query, sort=[("_id", 1)], **options))
        assert all(type(reply) is bytes for reply in quick)
    with pytest.raises(OperationFailure):
        next(find_replies(collection, {"$nonsense": 1}))


def test_pymongos_own_cursor_is_used_instead(mongo_db: MongoScratch, monkeypatch: pytest.MonkeyPatch) -> None:
    mongo_db.db["c"].insert_one({"_id": 1})
    monkeypatch.setattr(replies, "IS_QUICK", False)
    assert type(find_replies(mongo_db.db["c"], {})) is RawBatchCursor
    assert list(find_replies(mongo_db.db["c"], {})) == [encode({"_id": 1})]

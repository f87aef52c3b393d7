"""Objects that look like a value of Extended JSON arrive in MongoDB as the objects they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

from crossfade.move import Move
from crossfade.testing import with_database
from crossfade.verify.verdict import SET_ASIDE
from outcome import open_move
from scratch import MongoScratch, PostgresScratch

OBJECTS: list[dict[str, Any]] = [
    {"$date": 5}, {"a": [{"$numberLong": "7"}]}, {"$oid": "64f17de07dfb4cf677000000"}, {"$$date": 5},
    {"$set": {"a": 1}},
]  # fmt: skip
SCHEMA = {
    "collections": {"made": {"validator": {"$jsonSchema": {"properties": {"_id": {"bsonType": "int"}, "x": {}}}}}}
}
SETTINGS = 'source.url = "${SOURCE_URL}"\ntarget.url = "${TARGET_URL}"\ntarget.schema = "schema.json"\n'


@contextmanager
def made(folder: Path, source: str, target: MongoScratch, key: str, read: str) -> Iterator[Move]:
    (folder / "mapping").mkdir()
    (folder / "crossfade.toml").write_text(SETTINGS)
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    (folder / "mapping" / "made.sql").write_text(f"SELECT s.{key} AS _id, {read} AS x FROM items AS s")
    with open_move(folder, source, target.url) as move:
        move.survey()
        assert [f for f in move.check() if f.severity == "fault"] == []
        yield move


def moved(folder: Path, source: str, target: MongoScratch, key: str) -> list[Any]:
    with made(folder, source, target, key, "ejson_of(s.x)") as move:
        assert move.copy().ok
        assert move.verify().equal
    return [document.get("x", "missing") for document in target.db.made.find().sort("_id")]


def test_out_of_documents(mongo_db: MongoScratch, tmp_path: Path) -> None:
    name = mongo_db.db.name + "_from"
    source = mongo_db.db.client[name]
    values = [*OBJECTS, ObjectId("64f17de07dfb4cf677000000")]
    try:
        source.items.insert_many([{"_id": i, "x": value} for i, value in enumerate(values)])
        assert moved(tmp_path, with_database(mongo_db.url, name), mongo_db, "_id") == values
    finally:
        mongo_db.db.client.drop_database(name)


def test_out_of_json_columns(pg_db: PostgresScratch, mongo_db: MongoScratch, tmp_path: Path) -> None:
    """The null of JSON is null, and NULL is a missing field."""
    pg_db.execute("CREATE TABLE items (id int PRIMARY KEY, x json)")
    for i, value in enumerate([*OBJECTS, None]):
        pg_db.execute(f"INSERT INTO items VALUES ({i}, '{json.dumps(value)}')")
    pg_db.execute("""INSERT INTO items VALUES (100, NULL), (101, '{"\\u0024date": 5}')""")
    assert moved(tmp_path, pg_db.url, mongo_db, "id") == [*OBJECTS, None, "missing", {"$date": 5}]


@pytest.mark.parametrize("read", ["json_of(s.x)", "s.x", "json_of(s.x) || ''", "rest_of(s)"])
def test_plain_json_that_would_be_read_as_extended_json_is_quarantined(
    pg_db: PostgresScratch, mongo_db: MongoScratch, tmp_path: Path, read: str
) -> None:
    """Of every way to read plain JSON; what cannot be misread goes in."""
    pg_db.execute("CREATE TABLE items (id int PRIMARY KEY, x jsonb)")
    values = ['{"$date": 5}', '{"a": [{"$numberLong": "7"}]}', '{"\\u0024oid": "x"}', '{"a": "$date"}', '{"a$": 1}']
    for i, value in enumerate(values):
        pg_db.execute(f"INSERT INTO items VALUES ({i}, '{value}')")
    with made(tmp_path, pg_db.url, mongo_db, "id", read) as move:
        move.copy()
        assert move.verify().outcome == SET_ASIDE
    assert [document["_id"] for document in mongo_db.db.made.find().sort("_id")] == [3, 4]

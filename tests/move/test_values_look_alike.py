"""Objects that look like a value of Extended JSON arrive in MongoDB as the objects they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bson import ObjectId

from crossfade.testing import with_database
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


def moved(folder: Path, source: str, target: MongoScratch, key: str) -> list[Any]:
    (folder / "mapping").mkdir()
    (folder / "crossfade.toml").write_text(SETTINGS)
    (folder / "schema.json").write_text(json.dumps(SCHEMA))
    (folder / "mapping" / "made.sql").write_text(f"SELECT s.{key} AS _id, ejson_of(s.x) AS x FROM items AS s")
    with open_move(folder, source, target.url) as move:
        move.survey()
        assert [f for f in move.check() if f.severity == "fault"] == []
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

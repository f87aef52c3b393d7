"""Rows of PostgreSQL become documents: types, NULL and missing fields, references, and dates too fine for MongoDB."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from pathlib import Path

from bson import Binary, Decimal128, Int64

from outcome import open_move
from scratch import MongoScratch, PostgresScratch

SCRIPT = """
CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL, mail text, tags text[] NOT NULL, at timestamptz,
                     money numeric, extra jsonb, token uuid);
CREATE TABLE orders (code text PRIMARY KEY, person bigint, n int);
INSERT INTO people SELECT i, 'n' || i, CASE WHEN i % 3 = 0 THEN NULL WHEN i = 7 THEN 'm5' ELSE 'm' || i END,
    ARRAY['a', 'b'],
    '2024-01-01T00:00:00.123Z'::timestamptz + CASE WHEN i = 9 THEN interval '1us' ELSE interval '0' END,
    i * 1.10, '{"a": [1, 2.5, {"b": null}]}', '00000000-0000-0000-0000-000000000001' FROM generate_series(1, 20) AS i;
INSERT INTO orders SELECT 'c' || i, i, i FROM generate_series(1, 22) AS i
"""
VALIDATOR = {
    "required": ["_id", "name", "tags", "at"],
    "additionalProperties": False,
    "properties": {
        "_id": {"bsonType": "long"}, "name": {"bsonType": "string"}, "mail": {"bsonType": "string"},
        "tags": {"bsonType": "array", "items": {"bsonType": "string"}}, "at": {"bsonType": ["date", "null"]},
        "money": {"bsonType": "decimal"}, "extra": {}, "token": {"bsonType": "binData"},
    },
}  # fmt: skip
MAIL = {"key": {"mail": 1}, "unique": True, "partialFilterExpression": {"mail": {"$exists": True}}}
ORDERS = {
    "required": ["_id", "person"],
    "properties": {"_id": {"bsonType": "string"}, "person": {"bsonType": "long"}, "n": {"bsonType": "int"}},
}
COLLECTIONS = {
    "people": {"validator": {"$jsonSchema": VALIDATOR}, "types": {"token": "uuid"}, "indexes": [MAIL]},
    "orders": {
        "validator": {"$jsonSchema": ORDERS},
        "references": [{"fields": ["person"], "collection": "people"}],
    },
}
MAPPING = {
    "people": "SELECT p.id AS _id, p.name AS name, p.mail AS mail, p.tags AS tags, p.at AS at, p.money AS money,"
    " json_of(p.extra) AS extra, p.token AS token FROM people AS p",
    "orders": "SELECT o.code AS _id, o.person AS person, o.n AS n FROM orders AS o",
}
SETTINGS = """
source.url = "${SOURCE_URL}"
target.url = "${TARGET_URL}"
target.schema = "schema.json"
limits.quarantine = 1.0
"""


def test_rows_become_documents(pg_db: PostgresScratch, mongo_db: MongoScratch, tmp_path: Path) -> None:
    for statement in SCRIPT.split(";\n"):
        pg_db.execute(statement)
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    (tmp_path / "schema.json").write_text(json.dumps({"collections": COLLECTIONS}))
    (tmp_path / "mapping").mkdir()
    for table, sql in MAPPING.items():
        (tmp_path / "mapping" / f"{table}.sql").write_text(sql)
    with open_move(tmp_path, pg_db.url, mongo_db.url) as move:
        move.survey()
        assert [f for f in move.check() if f.severity == "fault"] == []
        assert move.copy().ok
        assert {(e.key, e.reason, e.parent) for e in move.quarantine()} == {
            ('["9"]', "precision", None),
            ('["7"]', "unique", None),
            ('["c7"]', "foreign_key", "quarantined"),
            ('["c9"]', "foreign_key", "quarantined"),
            ('["c21"]', "foreign_key", "missing"),
            ('["c22"]', "foreign_key", "missing"),
        }
        verdict = move.verify()
        assert (verdict.equal, verdict.differences) == (True, 0)
    one, three = mongo_db.db.people.find_one({"_id": 1}), mongo_db.db.people.find_one({"_id": 3})
    assert one == {
        "_id": Int64(1), "name": "n1", "mail": "m1", "tags": ["a", "b"],
        "at": dt.datetime(2024, 1, 1, 0, 0, 0, 123000), "money": Decimal128("1.10"),
        "extra": {"a": [1, 2.5, {"b": None}]}, "token": Binary(uuid.UUID(int=1).bytes, 4),
    }  # fmt: skip
    assert three is not None
    assert "mail" not in three, "NULL is a missing field"


def test_into_collections_that_are_there(pg_db: PostgresScratch, mongo_db: MongoScratch, tmp_path: Path) -> None:
    """With schema = "live" the validators of the target are its schema: nothing is made, and all is held to it."""
    pg_db.execute("CREATE TABLE t (id bigint PRIMARY KEY, n int, words text NOT NULL, price numeric(6,2))")
    pg_db.execute("INSERT INTO t VALUES (1, 5, 'a', 1.50), (2, NULL, 'b', NULL), (3, 7, 'a', 0.01)")
    fields = {"_id": "long", "n": "int", "words": "string", "price": "decimal"}
    properties = {name: {"bsonType": kind} for name, kind in fields.items()}
    validator = {"$jsonSchema": {"required": ["_id", "words"], "properties": properties}}
    mongo_db.db.create_collection("t", validator=validator)
    mongo_db.db.t.create_index("words", unique=True)
    folder = tmp_path / "p"
    (folder / "mapping").mkdir(parents=True)
    (folder / "mapping" / "t.sql").write_text(
        "SELECT x.id AS _id, x.n AS n, x.words AS words, x.price AS price FROM t AS x"
    )
    settings = {"source.url": "${SOURCE_URL}", "target.url": "${TARGET_URL}", "target.schema": "live", "name": "live"}
    lines = [f'{name} = "{value}"' for name, value in settings.items()]
    (folder / "crossfade.toml").write_text("\n".join([*lines, "limits.quarantine = 1.0"]))
    with open_move(folder, pg_db.url, mongo_db.url) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        move.copy()
        assert [(e.key, e.reason) for e in move.quarantine()] == [('["3"]', "unique")]
        assert move.verify().equal
    assert list(mongo_db.db.t.find()) == [
        {"_id": Int64(1), "n": 5, "words": "a", "price": Decimal128("1.50")}, {"_id": Int64(2), "words": "b"},
    ]  # fmt: skip
    assert mongo_db.db.t.options()["validator"] == validator

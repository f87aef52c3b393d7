"""Every type of PostgreSQL into the databases that have fewer: kept as a value or as its text, or set aside by name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from row_project import SETTINGS, open_move

from scratch import MongoScratch, PostgresScratch

TYPES = (Path(__file__).parent / "rows_of_all_types.sql").read_text()
DISCARDS = '[[discard]]\nentity = "kinds"\npath = "gen"\nreason = "computed"\n'
MILLIS = "date_trunc('millisecond', {})"
OTHERS = ("box[]", "inet[]", "character(3)[]", "pair[]")
INTO_MONGODB = {
    **dict.fromkeys(("smallint", "integer"), ("int", "{}")),
    "bigint": ("long", "{}"),
    **dict.fromkeys(("real", "double precision"), ("double", "{}")),
    "numeric(10,2)": ("decimal", "{}"),
    "boolean": ("bool", "{}"),
    "uuid": ("uuid", "{}"),
    "timestamp with time zone": ("date", MILLIS),
    "timestamp(3) with time zone": ("date", MILLIS),
    "timestamp without time zone": ("date", f"timezone('UTC', {MILLIS})"),
    "date": ("date", "timezone('UTC', CAST({} AS TIMESTAMP))"),
    "time without time zone": ("string", "CAST({} AS VARCHAR)"),
    **dict.fromkeys(("json", "jsonb"), ("", "json_of({})")),
    "bytea": ("binData", "{}"),
    "posint": ("int", "{}"),
    "integer[]": ("int[]", "{}"),
    "boolean[]": ("bool[]", "{}"),
    "uuid[]": ("uuid[]", "{}"),
    "timestamp with time zone[]": ("date[]", "list_transform({}, lambda e: date_trunc('millisecond', e))"),
    "date[]": ("date[]", "list_transform({}, lambda e: timezone('UTC', CAST(e AS TIMESTAMP)))"),
    **dict.fromkeys(("text[]", "numeric[]", "mood[]", *OTHERS), ("string[]", "{}")),
}
INTO_SQLITE = {
    **dict.fromkeys(("smallint", "integer", "bigint", "posint"), ("BIGINT", "{}")),
    **dict.fromkeys(("real", "double precision"), ("DOUBLE PRECISION", "{}")),
    "boolean": ("BOOLEAN", "{}"),
    "bytea": ("BLOB", "{}"),
    **dict.fromkeys(("uuid", "date", "time without time zone"), ("TEXT", "CAST({} AS VARCHAR)")),
    **dict.fromkeys(
        ("timestamp with time zone", "timestamp(3) with time zone", "timestamp without time zone"),
        ("TEXT", "CAST({} AS VARCHAR)"),
    ),
    **dict.fromkeys(
        ("integer[]", "boolean[]", "text[]", "numeric[]", "mood[]", "uuid[]", "timestamp with time zone[]", "date[]"),
        ("JSON", "to_json({})"),
    ),
    **dict.fromkeys(OTHERS, ("JSON", "to_json({})")),
}
_COLUMNS = """SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = 'kinds'::regclass AND attnum > 0 AND attgenerated = ''"""


@pytest.fixture
def columns(pg_db: PostgresScratch) -> dict[str, str]:
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(TYPES.encode())
        return dict(connection.execute(_COLUMNS.encode()).fetchall())


def write(folder: Path, file: str, schema: str, outputs: Mapping[str, str]) -> Path:
    (folder / "mapping").mkdir(parents=True)
    (folder / file).write_text(schema)
    settings = (SETTINGS % 1).replace("schema.sql", file)
    (folder / "crossfade.toml").write_text('entities = ["kinds"]\n' + settings + DISCARDS)
    selected = ", ".join(f'{sql} AS "{name}"' for name, sql in outputs.items())
    (folder / "mapping" / "kinds.sql").write_text(f"SELECT {selected} FROM kinds AS x\n")
    return folder


def test_into_mongodb(pg_db: PostgresScratch, mongo_db: MongoScratch, tmp_path: Path, columns: dict[str, str]) -> None:
    made = {name: INTO_MONGODB.get(kind, ("string", "{}")) for name, kind in columns.items()}
    outputs = {"_id" if name == "id" else name: sql.format(f'x."{name}"') for name, (_, sql) in made.items()}
    fields = {"_id" if name == "id" else name: of for name, (of, _) in made.items()}
    validator = {"$jsonSchema": {"required": ["_id"], "properties": {n: _field(of) for n, of in fields.items()}}}
    uuids = {name: "uuid" for name, of in fields.items() if of == "uuid"} | {"ua.[]": "uuid"}
    schema = json.dumps({"collections": {"kinds": {"validator": validator, "types": uuids}}})
    with open_move(write(tmp_path / "p", "schema.json", schema, outputs), pg_db.url, mongo_db.url) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        move.copy()
        assert [(e.key, e.reason, e.detail) for e in move.quarantine()] == []
        assert move.verify().equal
    found = {one["_id"]: one for one in mongo_db.db.kinds.find(projection={"tz": 0, "ts": 0, "d": 0})}
    assert len(found) == 5
    texts = [name for name, of in fields.items() if of == "string" and columns.get(name) != "time without time zone"]
    for name in texts:
        assert {k: one.get(name) for k, one in found.items()} == _texts(pg_db.url, name), name
    assert found[2].keys() == {"_id"}, "NULL is a missing field"


def _field(of: str) -> dict[str, Any]:
    if of.endswith("[]"):
        return {"bsonType": "array", "items": {"bsonType": [_type(of[:-2]), "null"]}}
    return {"bsonType": _type(of)} if of else {}


def _type(of: str) -> str:
    return "binData" if of == "uuid" else of


def _texts(url: str, name: str) -> dict[int, str | None]:
    with psycopg.connect(url) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return dict(connection.execute(f'SELECT id, "{name}"::text FROM kinds'.encode()).fetchall())


def test_into_sqlite(pg_db: PostgresScratch, tmp_path: Path, columns: dict[str, str]) -> None:
    """SQLite has no NaN: the two rows that have one are set aside, and say so."""
    made = {name: INTO_SQLITE.get(kind, ("TEXT", "{}")) for name, kind in columns.items()}
    outputs = {name: sql.format(f'x."{name}"') for name, (_, sql) in made.items()}
    declared = ", ".join(f'"{n}" {of}{" PRIMARY KEY" if n == "id" else ""}' for n, (of, _) in made.items())
    folder, file = write(tmp_path / "p", "schema.sql", f"CREATE TABLE kinds ({declared});", outputs), tmp_path / "t.db"
    with open_move(folder, pg_db.url, f"sqlite:///{file}") as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        move.copy()
        assert [(e.key, e.reason, e.column) for e in move.quarantine()] == [
            ('["3"]', "out_of_range", "f4"),
            ('["4"]', "out_of_range", "f8"),
        ]
        assert move.verify().equal
    with closing(sqlite3.connect(file)) as connection:
        for name in [name for name, (of, sql) in made.items() if (of, sql) == ("TEXT", "{}")]:
            rows = dict(connection.execute(f'SELECT id, "{name}" FROM kinds').fetchall())
            assert rows == {k: text for k, text in _texts(pg_db.url, name).items() if k in (1, 2, 5)}, name

"""One set of records in every database that is a source and a target, written and read by the databases' own drivers.

`things` has a column of every type that all of them share, with values at the edges; `pairs` has a composite key. A
mapping goes from any of the three to any of the three.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pymongo
from bson import Binary, CodecOptions, Decimal128, Int64
from bson.binary import UuidRepresentation
from psycopg.types.json import Jsonb
from row_project import SETTINGS

Record = dict[str, Any]
Records = dict[str, list[Record]]

FIELDS = ("flag", "n", "big", "ratio", "money", "words", "data", "uid", "at", "day", "doc", "tags")
TEXTS = ("", " ", "a\tb\n'\"\\", "é 😀 e\u0301", "NULL", "null", "007", "1e5", "\u2028", "x" * 300)
DOCS: tuple[Any, ...] = (
    {}, [], {"a": {"b": [1, 2.5, None, True, {"c": "é\"\\"}]}}, [[], {}, ""], {"z": 1, "a": 2}, {"n": 2**53 + 1},
    "text", 7,
)  # fmt: skip
MOMENTS = ("0001-01-01T00:00:00", "1969-12-31T23:59:59.999", "1970-01-01T00:00:00.001", "9999-12-31T23:59:59.999")


def records(count: int, seed: int) -> Records:
    """The edges first; then as many as are asked for."""
    r = random.Random(seed)
    things = [{"id": number, **dict.fromkeys(FIELDS)} for number in (-(2**63), 0, 2**63 - 1)]
    things += [_edge(number) for number in range(1, 11)]
    things += [_thing(r, number) for number in range(100, 100 + count)]
    pairs = [
        {"a": r.randrange(-3, 4), "b": f"{i}{r.choice(TEXTS)}"[:40], "note": r.choice([None, *TEXTS])}
        for i in range(count)
    ]
    return {"things": things, "pairs": pairs}


def _edge(number: int) -> Record:
    """Each field's values one after the other."""

    def of(*values: Any) -> Any:
        return values[number % len(values)]

    return {
        "id": number,
        "flag": of(True, False),
        "n": of(-(2**31), 2**31 - 1, 0),
        "big": of(-(2**63), 2**63 - 1, 2**53 + 1),
        "ratio": of(0.1, 0.0, 1e308, 5e-324, float("inf"), float("-inf"), 2.0, -1e15),
        "money": Decimal(of("0.00", "-0.01", "9999999999.99", "-9999999999.99", "1.10")),
        "words": of(*TEXTS),
        "data": of(b"", b"\0", b"\xff\xfe", bytes(range(256))),
        "uid": of(uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID("11111111-2222-4333-8444-555555555555")),
        "at": dt.datetime.fromisoformat(of(*MOMENTS)).replace(tzinfo=dt.UTC),
        "day": dt.date.fromisoformat(of("0001-01-01", "1969-12-31", "9999-12-31")),
        "doc": of(*DOCS),
        "tags": of([], [""], ["a", "b", "a"], list(TEXTS)),
    }  # fmt: skip


def _thing(r: random.Random, number: int) -> Record:
    made = {
        "id": number,
        "flag": r.random() < 0.5,
        "n": r.randrange(-(2**31), 2**31),
        "big": r.randrange(-(2**63), 2**63),
        "ratio": r.uniform(-1e6, 1e6),
        "money": Decimal(r.randrange(-(10**12), 10**12)).scaleb(-2),
        "words": f"{number} {r.choice(TEXTS)}",
        "data": r.randbytes(r.randrange(20)),
        "uid": uuid.UUID(bytes=r.randbytes(16)),
        "at": dt.datetime.fromtimestamp(r.randrange(10**12, 2 * 10**12) / 1000, dt.UTC),
        "day": dt.date(2000, 1, 1) + dt.timedelta(r.randrange(9000)),
        "doc": {"n": number, "deep": r.choice(DOCS)},
        "tags": [r.choice(TEXTS) for _ in range(r.randrange(4))],
    }
    return {name: None if name != "id" and r.random() < 0.1 else value for name, value in made.items()}


def alike(found: Records) -> dict[str, list[tuple[str, ...]]]:
    """The records in an order and a form in which equal ones are equal: types count, and JSON is JSON."""
    return {name: sorted(tuple(map(_shown, one.items())) for one in all_of) for name, all_of in found.items()}


def _shown(item: tuple[str, Any]) -> str:
    name, value = item
    return f"{name}={json.dumps(value, sort_keys=True) if name == 'doc' else repr(value)}"


@dataclass(frozen=True)
class Kind:
    """One of the databases. `out` is the SQL of a field that is read from it, over `t`, `into` what is made of a value
    for it; `key` is the SQL of the parts of a key. `corrupt` gives a record another value of one field.
    """

    name: str
    schema: str
    out: Mapping[str, str]
    into: Mapping[str, str]
    fill: Callable[[str, Records], None]
    read: Callable[[str], Records]
    change: Callable[[str, str, Record, str, Any], None]
    remove: Callable[[str, str, Record], None]
    add: Callable[[str, Records], None]


def project(folder: Path, source: Kind, target: Kind, chunk_mb: float) -> Path:
    (folder / "mapping").mkdir(parents=True)
    file = "schema.json" if target.name == "mongodb" else "schema.sql"
    (folder / file).write_text(target.schema)
    (folder / "crossfade.toml").write_text((SETTINGS % chunk_mb).replace("schema.sql", file))
    things = {"id": "t.id", **{name: f"t.{name}" for name in FIELDS}} | dict(source.out)
    outputs = {name: target.into.get(name, "{}").format(sql) for name, sql in things.items() if name not in ("a", "b")}
    pairs = {name: things.get(name, f"t.{name}") for name in ("a", "b", "note")}
    if target.name == "mongodb":
        outputs["_id"] = outputs.pop("id")
        pairs = {"_id": f"{{'a': {pairs['a']}, 'b': {pairs['b']}}}", "note": pairs["note"]}
    for table, columns in (("things", outputs), ("pairs", pairs)):
        selected = ",\n       ".join(f"{sql} AS {name}" for name, sql in columns.items())
        (folder / "mapping" / f"{table}.sql").write_text(f"SELECT {selected}\nFROM {table} AS t\n")
    return folder


# -- PostgreSQL

_OF_PAIRS = "CREATE TABLE pairs (a integer, b text{}, note text, PRIMARY KEY (a, b));"
POSTGRESQL_TABLES = f"""
CREATE TABLE things (id bigint PRIMARY KEY, flag boolean, n integer, big bigint, ratio double precision,
  money numeric(12, 2), words text, data bytea, uid uuid, at timestamptz, day date, doc jsonb, tags text[]);
{_OF_PAIRS.format(' COLLATE "C"')}
"""


def _pg(value: Any, name: str) -> Any:
    return Jsonb(value) if name == "doc" and value is not None else value


def fill_postgresql(url: str, all_of: Records) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(POSTGRESQL_TABLES.encode())
    add_to_postgresql(url, all_of)


def add_to_postgresql(url: str, all_of: Records) -> None:
    with psycopg.connect(url) as connection:
        for table, some in all_of.items():
            for one in some:
                names, places = ", ".join(one), ", ".join(["%s"] * len(one))
                values = [_pg(value, name) for name, value in one.items()]
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})".encode(), values)


def read_postgresql(url: str) -> Records:
    with psycopg.connect(url) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = {}
        for table, names in (("things", ("id", *FIELDS)), ("pairs", ("a", "b", "note"))):
            rows = connection.execute(f"SELECT {', '.join(names)} FROM {table}".encode()).fetchall()
            found[table] = [dict(zip(names, map(_from_pg, row), strict=True)) for row in rows]
    return found


def _from_pg(value: Any) -> Any:
    return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value


def _where(one: Record) -> tuple[str, list[Any]]:
    keys = [name for name in ("id", "a", "b") if name in one]
    return " AND ".join(f"{name} = %s" for name in keys), [one[name] for name in keys]


def change_postgresql(url: str, table: str, one: Record, name: str, value: Any) -> None:
    where, keys = _where(one)
    with psycopg.connect(url) as connection:
        connection.execute(f"UPDATE {table} SET {name} = %s WHERE {where}".encode(), [_pg(value, name), *keys])


def remove_postgresql(url: str, table: str, one: Record) -> None:
    where, keys = _where(one)
    with psycopg.connect(url) as connection:
        connection.execute(f"DELETE FROM {table} WHERE {where}".encode(), keys)


# -- SQLite

SQLITE_TABLES = f"""
CREATE TABLE things (id INTEGER PRIMARY KEY, flag BOOLEAN, n INTEGER, big BIGINT, ratio REAL, money TEXT, words TEXT,
  data BLOB, uid TEXT, at TEXT, day TEXT, doc TEXT, tags TEXT);
{_OF_PAIRS.format("")}
"""
SQLITE_TARGET = f"""
CREATE TABLE things (id bigint PRIMARY KEY, flag boolean, n integer, big bigint, ratio double precision, money TEXT,
  words TEXT, data BLOB, uid TEXT, at TEXT, day TEXT, doc TEXT, tags TEXT);
{_OF_PAIRS.format("")}
"""


def _lite(value: Any, name: str) -> Any:
    if value is None:
        return None
    if name in ("doc", "tags"):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.").zfill(20) + f"{value.microsecond // 1000:03}"
    return str(value) if isinstance(value, Decimal | uuid.UUID | dt.date) else value


def _from_lite(value: Any, name: str) -> Any:
    if value is None:
        return None
    reads: dict[str, Callable[[Any], Any]] = {
        "flag": lambda v: {0: False, 1: True}[v],
        "money": Decimal,
        "uid": uuid.UUID,
        "at": lambda v: dt.datetime.fromisoformat(v).replace(tzinfo=dt.UTC),
        "day": dt.date.fromisoformat,
        "doc": json.loads,
        "tags": json.loads,
    }
    return reads.get(name, lambda v: v)(value)


def _path(url: str) -> str:
    return url.removeprefix("sqlite:///")


def fill_sqlite(url: str, all_of: Records) -> None:
    with closing(sqlite3.connect(_path(url))) as connection:
        connection.executescript(SQLITE_TABLES)
    add_to_sqlite(url, all_of)


def add_to_sqlite(url: str, all_of: Records) -> None:
    with closing(sqlite3.connect(_path(url))) as connection:
        for table, some in all_of.items():
            for one in some:
                names, places = ", ".join(one), ", ".join("?" * len(one))
                values = [_lite(value, name) for name, value in one.items()]
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", values)
        connection.commit()


def read_sqlite(url: str) -> Records:
    found = {}
    with closing(sqlite3.connect(_path(url))) as connection:
        for table, names in (("things", ("id", *FIELDS)), ("pairs", ("a", "b", "note"))):
            rows = connection.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
            found[table] = [{n: _from_lite(v, n) for n, v in zip(names, row, strict=True)} for row in rows]
    return found


def _in_sqlite(url: str, statement: str, values: Sequence[Any]) -> None:
    with closing(sqlite3.connect(_path(url))) as connection:
        assert connection.execute(statement.replace("%s", "?"), values).rowcount == 1
        connection.commit()


def change_sqlite(url: str, table: str, one: Record, name: str, value: Any) -> None:
    where, keys = _where(one)
    _in_sqlite(url, f"UPDATE {table} SET {name} = %s WHERE {where}", [_lite(value, name), *keys])


def remove_sqlite(url: str, table: str, one: Record) -> None:
    where, keys = _where(one)
    _in_sqlite(url, f"DELETE FROM {table} WHERE {where}", keys)


# -- MongoDB

_TYPES = {
    "_id": "long", "flag": "bool", "n": "int", "big": "long", "ratio": "double", "money": "decimal", "words": "string",
    "data": "binData", "uid": "binData", "at": "date", "day": "date",
}  # fmt: skip
_PAIR_KEY = {
    "bsonType": "object",
    "required": ["a", "b"],
    "properties": {"a": {"bsonType": "int"}, "b": {"bsonType": "string"}},
}
MONGODB_COLLECTIONS: dict[str, Any] = {
    "things": {
        "validator": {"$jsonSchema": {"required": ["_id"], "additionalProperties": False, "properties": {
            **{name: {"bsonType": kind} for name, kind in _TYPES.items()},
            "doc": {}, "tags": {"bsonType": "array", "items": {"bsonType": "string"}},
        }}},
        "types": {"uid": "uuid"},
    },
    "pairs": {
        "validator": {"$jsonSchema": {"required": ["_id"], "additionalProperties": False, "properties": {
            "_id": _PAIR_KEY, "note": {"bsonType": "string"},
        }}},
    },
}  # fmt: skip
_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    uuid_representation=UuidRepresentation.STANDARD, tz_aware=True, tzinfo=dt.UTC
)


@contextmanager
def _database(url: str) -> Iterator[Any]:
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        yield client.get_default_database(codec_options=_OPTIONS)


def _mongo(value: Any, name: str) -> Any:
    if isinstance(value, Decimal):
        return Decimal128(value)
    if name in ("big", "id") and value is not None:
        return Int64(value)
    if name == "day" and value is not None:
        return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    return Binary(value, 0) if isinstance(value, bytes) else value


def _document(one: Record) -> dict[str, Any]:
    found = {name: _mongo(value, name) for name, value in one.items() if value is not None}
    if "id" in found:
        return {"_id": found.pop("id"), **found}
    return {"_id": {"a": found.pop("a"), "b": found.pop("b")}, **found}


def _record(document: dict[str, Any], names: Sequence[str]) -> Record:
    key = document.pop("_id")
    document |= key if isinstance(key, dict) else {"id": key}
    assert {*document} <= {*names}
    return {name: _from_mongo(document.get(name), name) for name in names}


def _from_mongo(value: Any, name: str) -> Any:
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if name == "day" and value is not None:
        assert value.time() == dt.time(0)
        return value.date()
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC)
    wanted = {"id": Int64, "big": Int64, "n": int, "a": int}.get(name, type(value))
    assert value is None or type(value) is wanted, (name, value)
    return int(value) if isinstance(value, Int64) else value


def fill_mongodb(url: str, all_of: Records) -> None:
    with _database(url) as database:
        for name, some in all_of.items():
            database[name].insert_many([_document(one) for one in some])


def read_mongodb(url: str) -> Records:
    names = {"things": ("id", *FIELDS), "pairs": ("a", "b", "note")}
    with _database(url) as database:
        return {name: [_record(d, fields) for d in database[name].find()] for name, fields in names.items()}


def change_mongodb(url: str, table: str, one: Record, name: str, value: Any) -> None:
    change = {"$unset": {name: ""}} if value is None else {"$set": {name: _mongo(value, name)}}
    with _database(url) as database:
        assert database[table].update_one({"_id": _document(one)["_id"]}, change).modified_count == 1


def remove_mongodb(url: str, table: str, one: Record) -> None:
    with _database(url) as database:
        assert database[table].delete_one({"_id": _document(one)["_id"]}).deleted_count == 1


# -- from any to any

POSTGRESQL = Kind(
    "postgresql", POSTGRESQL_TABLES, {}, {},
    fill_postgresql, read_postgresql, change_postgresql, remove_postgresql, add_to_postgresql,
)  # fmt: skip
SQLITE = Kind(
    "sqlite",
    SQLITE_TARGET,
    {
        "flag": "CAST(t.flag AS BOOLEAN)", "money": "as_decimal(t.money, 12, 2)", "uid": "CAST(t.uid AS UUID)",
        "at": "timezone('UTC', CAST(t.at AS TIMESTAMP))", "day": "CAST(t.day AS DATE)",
        "tags": "from_json(t.tags, '[\"VARCHAR\"]')",
    },
    {
        "money": "CAST({} AS VARCHAR)", "uid": "CAST({} AS VARCHAR)", "day": "CAST({} AS VARCHAR)",
        "at": "strftime(timezone('UTC', {}), '%Y-%m-%d %H:%M:%S.%g')", "tags": "CAST(to_json({}) AS VARCHAR)",
    },
    fill_sqlite, read_sqlite, change_sqlite, remove_sqlite, add_to_sqlite,
)  # fmt: skip
MONGODB = Kind(
    "mongodb",
    json.dumps({"collections": MONGODB_COLLECTIONS}),
    {
        "id": "t._id", "a": "t._id.a", "b": "t._id.b", "uid": "uuid_of(t.uid)", "day": "CAST(t.day AS DATE)",
        "doc": "json_of(t.doc)", "data": "t.data",
    },
    {},
    fill_mongodb, read_mongodb, change_mongodb, remove_mongodb, fill_mongodb,
)  # fmt: skip
KINDS = (POSTGRESQL, SQLITE, MONGODB)

Place = Callable[[Kind, str], str]
"""Gives the URL of an empty database of a kind, for a role."""

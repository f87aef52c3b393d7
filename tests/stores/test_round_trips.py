"""There and back: what comes back is what was there, read by the drivers of the databases and by no path of ours."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from matrix import KINDS, MONGODB, POSTGRESQL, SQLITE, Kind, Place, alike, project, records
from row_project import SETTINGS, open_move, rows_of
from row_project import project as project_of_rows

from crossfade.model.quoting import identifier

LONG = pytest.mark.torture
WAYS = [
    pytest.param(one, other, marks=() if one is POSTGRESQL else LONG, id=f"{one.name} by {other.name}")
    for one in KINDS
    for other in KINDS
    if one is not other
]


def moved(folder: Path, source: str, target: str, copied: int | None = None) -> None:
    """Move everything, with nothing left over and nothing that differs."""
    with open_move(folder, source, target) as move:
        move.survey()
        assert [f.message for f in move.check() if f.severity == "fault"] == []
        counts = [e.counts for e in move.copy().entities]
        assert all(c.balanced and not c.quarantined for c in counts), [
            (e.entity, e.key, e.detail) for e in move.quarantine()
        ]
        assert copied is None or sum(c.copied for c in counts) == copied
        assert move.verify().equal


@pytest.mark.parametrize(("one", "other"), WAYS)
def test_a_table_of_every_type(one: Kind, other: Kind, place: Place, tmp_path: Path) -> None:
    held = records(40, 7)
    source, between, back = place(one, "source"), place(other, "between"), place(one, "back")
    one.fill(source, held)
    moved(project(tmp_path / "there", one, other, 1), source, between)
    moved(project(tmp_path / "back", other, one, 1), between, back)
    assert alike(one.read(back)) == alike(held)


# -- published data

SAMPLES = Path(os.environ.get("CROSSFADE_SAMPLES", ""))
CHINOOK, PAGILA = SAMPLES / "chinook", SAMPLES / "pagila"

_TABLES = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum),
       array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum),
       (SELECT array_agg(k.attname::text ORDER BY k.attnum) FROM pg_index i JOIN pg_attribute k
        ON k.attrelid = i.indrelid AND k.attnum = ANY (i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY c.oid, c.relname ORDER BY c.relname
"""


def chinook(url: str) -> tuple[str, dict[str, tuple[dict[str, str], list[str]]]]:
    """Fill a database. Return its schema, and of each table the columns with their types, and the key."""
    text = (CHINOOK / "Chinook_PostgreSql.sql").read_text()
    text = text[text.index("\\c chinook;") + len("\\c chinook;") :]
    with psycopg.connect(url) as connection:
        connection.execute(text.encode())
        found = connection.execute(_TABLES).fetchall()
    schema = "".join(re.findall(r"(?:CREATE TABLE|ALTER TABLE|CREATE INDEX) .*?;\n", text, re.DOTALL))
    return schema, {table: (dict(zip(names, types, strict=True)), key) for table, names, types, key in found}


def write(folder: Path, file: str, schema: str, mappings: Mapping[str, Mapping[str, str]]) -> Path:
    (folder / "mapping").mkdir(parents=True)
    (folder / file).write_text(schema)
    (folder / "crossfade.toml").write_text((SETTINGS % 1).replace("schema.sql", file))
    for table, columns in mappings.items():
        selected = ", ".join(f"{sql} AS {identifier(name)}" for name, sql in columns.items())
        (folder / "mapping" / f"{table}.sql").write_text(f"SELECT {selected} FROM {identifier(table)} AS x\n")
    return folder


Form = Mapping[str, Callable[[str], str]]
"""The SQL of a value by the type of its column in PostgreSQL; of other types, the value as it is."""


def columns(types: Mapping[str, str], form: Form) -> dict[str, str]:
    return {name: form.get(kind, str)(f"x.{identifier(name)}") for name, kind in types.items()}


_INTO_SQLITE: Form = {
    "numeric": lambda x: f"CAST({x} AS VARCHAR)",
    "timestamp without time zone": lambda x: f"CAST({x} AS VARCHAR)",
}
_OUT_OF_SQLITE: Form = {
    "numeric": lambda x: f"as_decimal({x}, 10, 2)",
    "timestamp without time zone": lambda x: f"CAST({x} AS TIMESTAMP)",
}


@pytest.mark.torture
@pytest.mark.skipif(not CHINOOK.is_dir(), reason="CROSSFADE_SAMPLES names no folder with chinook")
def test_chinook_by_sqlite(place: Place, tmp_path: Path) -> None:
    source, between, back = place(POSTGRESQL, "source"), place(SQLITE, "between"), place(POSTGRESQL, "back")
    schema, tables = chinook(source)
    in_sqlite = re.sub(
        r"NUMERIC\([0-9,]*\)|TIMESTAMP", "TEXT", re.sub(r"ALTER TABLE .*?;\n", "", schema, flags=re.DOTALL)
    )
    there = {table: columns(types, _INTO_SQLITE) for table, (types, _) in tables.items()}
    moved(write(tmp_path / "there", "schema.sql", in_sqlite, there), source, between, 15_607)
    again = {table: columns(types, _OUT_OF_SQLITE) for table, (types, _) in tables.items()}
    moved(write(tmp_path / "back", "schema.sql", schema, again), between, back, 15_607)
    assert {table: rows_of(back, table) for table in tables} == {table: rows_of(source, table) for table in tables}


_BSON = {"numeric": "decimal", "timestamp without time zone": "date", "integer": "int"}


def collection(types: Mapping[str, str], key: list[str]) -> dict[str, Any]:
    fields = {name: {"bsonType": _BSON.get(kind, "string")} for name, kind in types.items()}
    of_key = {"bsonType": "object", "required": key, "properties": {name: fields[name] for name in key}}
    rest = {name: field for name, field in fields.items() if name not in key}
    properties = {"_id": of_key if len(key) > 1 else fields[key[0]], **rest}
    return {
        "validator": {"$jsonSchema": {"required": ["_id"], "additionalProperties": False, "properties": properties}}
    }


def into_documents(types: Mapping[str, str], key: list[str]) -> dict[str, str]:
    found = columns(types, {"timestamp without time zone": lambda x: f"timezone('UTC', {x})"})
    own = {name: found.pop(name) for name in key}
    fields = ", ".join(f"'{name}': {sql}" for name, sql in own.items())
    return {"_id": "{" + fields + "}" if len(key) > 1 else own[key[0]], **found}


def out_of_documents(types: Mapping[str, str], key: list[str]) -> dict[str, str]:
    found = columns(types, {"timestamp without time zone": lambda x: f"timezone('UTC', {x})"})
    own = {name: f"x._id.{identifier(name)}" for name in key} if len(key) > 1 else {key[0]: "x._id"}
    return {**found, **own}


@pytest.mark.torture
@pytest.mark.skipif(not CHINOOK.is_dir(), reason="CROSSFADE_SAMPLES names no folder with chinook")
def test_chinook_by_mongodb(place: Place, tmp_path: Path) -> None:
    source, between, back = place(POSTGRESQL, "source"), place(MONGODB, "between"), place(POSTGRESQL, "back")
    schema, tables = chinook(source)
    validators = json.dumps({"collections": {table: collection(*of) for table, of in tables.items()}})
    there = {table: into_documents(*of) for table, of in tables.items()}
    moved(write(tmp_path / "there", "schema.json", validators, there), source, between, 15_607)
    again = {table: out_of_documents(*of) for table, of in tables.items()}
    moved(write(tmp_path / "back", "schema.sql", schema, again), between, back, 15_607)
    assert {table: rows_of(back, table) for table in tables} == {table: rows_of(source, table) for table in tables}


@pytest.mark.torture
@pytest.mark.skipif(not PAGILA.is_dir(), reason="CROSSFADE_SAMPLES names no folder with pagila")
def test_pagila(place: Place, tmp_path: Path) -> None:
    source, target = place(POSTGRESQL, "source"), place(POSTGRESQL, "target")
    schema = pagila(source)
    moved(project_of_rows(tmp_path / "p", source, schema), source, target, 46_273)
    with psycopg.connect(source) as connection:
        listed = (
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'm') AND relispopulated"
            " AND relnamespace = 'public'::regnamespace"
        )
        tables = [table for (table,) in connection.execute(listed.encode()).fetchall()]
    assert len(tables) == 22
    assert {table: rows_of(target, table) for table in tables} == {table: rows_of(source, table) for table in tables}


def pagila(url: str) -> str:
    """Fill a database with what pg_dump wrote. Return its schema, with everything that is in it."""
    text, at, schema = (PAGILA / "pagila.sql").read_text(), 0, ""
    with psycopg.connect(url) as connection:
        for block in re.finditer(r"^(COPY .*? FROM stdin);\n(.*?)^\\\.\n", text, re.DOTALL | re.MULTILINE):
            connection.execute(text[at : block.start()].encode())
            schema, at = schema + text[at : block.start()], block.end()
            with connection.cursor().copy(block[1].encode()) as copy:
                copy.write(block[2].encode())
        connection.execute(text[at:].encode())
    return re.sub(r"^(?:SET|SELECT pg_catalog).*?;\n", "", schema + text[at:], flags=re.MULTILINE)

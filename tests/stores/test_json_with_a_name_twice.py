"""JSON that a source keeps as text may have a name twice in an object; jsonb would keep its last value only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from row_project import SETTINGS, open_move

from scratch import PostgresScratch, create_database, drop_database

TWICE = '{"a":1,"a":2}'
ROWS = [(1, TWICE), (2, '{"a":1}')]
SCHEMA = "CREATE TABLE kept (id int PRIMARY KEY, own jsonb, whole jsonb);"
MAPPING = "SELECT k.id AS id, json_of(k.js) AS own, json_of(k) AS whole FROM kept AS k"


@pytest.fixture(params=["postgresql", "sqlite"])
def source(request: pytest.FixtureRequest, pg_db: PostgresScratch, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "s.db")) as file:
            file.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, js JSON)")
            file.executemany("INSERT INTO kept VALUES (?, ?)", ROWS)
            file.commit()
        yield f"sqlite:///{tmp_path / 's.db'}"
        return
    name = f"{pg_db.name}_source"
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        create_database(connection, name)
        url = f"{pg_db.url.rpartition('/')[0]}/{name}"
        with psycopg.connect(url) as own:
            own.execute("CREATE TABLE kept (id int PRIMARY KEY, js json)")
            own.cursor().executemany("INSERT INTO kept VALUES (%s, %s)", ROWS)
        yield url
        drop_database(connection, name)


def test_no_value_is_dropped(source: str, pg_db: PostgresScratch, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "mapping").mkdir(parents=True)
    (folder / "crossfade.toml").write_text(SETTINGS % 1)
    (folder / "schema.sql").write_text(SCHEMA)
    (folder / "mapping" / "kept.sql").write_text(MAPPING)
    with open_move(folder, source, pg_db.url) as move:
        move.survey()
        move.copy()
        assert [(one.reason, one.key) for one in move.quarantine()] == [("duplicate_key", '["1"]')]
        assert move.verify().equal
    assert pg_db.execute("SELECT id, whole::text FROM kept") == [(2, '{"id": 2, "js": {"a": 1}}')]

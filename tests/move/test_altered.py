"""A table that has got or lost a column since the survey: every command names it, before anything is written."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crossfade.errors import Stale
from crossfade.move import Move
from crossfade.project import load_project

SETTINGS = """
name = "p"
source.url = "sqlite:///s.db"
target.url = "sqlite:///t.db"
target.schema = "schema.sql"
[[discard]]
entity = "logs"
reason = "not needed"
"""
TABLES = """
CREATE TABLE users (id integer PRIMARY KEY, name text, city integer);
CREATE TABLE cities (id integer PRIMARY KEY, name text);
CREATE TABLE logs (id integer PRIMARY KEY);
INSERT INTO users VALUES (1, 'a', 1);
INSERT INTO cities VALUES (1, 'Rome');
INSERT INTO logs VALUES (1);
"""
SCHEMA = "CREATE TABLE users (id integer PRIMARY KEY, name text, city integer, of text);"
MAPPING = """SELECT u.id AS id, u.name AS name, u.city AS city, c.name AS of
FROM users AS u LEFT JOIN cities AS c ON c.id = u.city"""
LOOKED_UP = '[[discard]]\nentity = "cities"\nreason = "only looked up"\n'
NEW = "changed since the survey: the column 'nickname' of type varchar(9) is new"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mapping").mkdir()
    (tmp_path / "mapping" / "users.sql").write_text(MAPPING)
    (tmp_path / "crossfade.toml").write_text(SETTINGS + LOOKED_UP)
    (tmp_path / "schema.sql").write_text(SCHEMA)
    alter(tmp_path, TABLES)
    with Move(load_project(tmp_path)) as move:
        move.survey()
        assert [f for f in move.check() if f.severity == "fault"] == []
    return tmp_path


def alter(folder: Path, script: str) -> None:
    with closing(sqlite3.connect(folder / "s.db")) as connection:
        connection.executescript(script)


@pytest.mark.parametrize("table", ["users", "cities"])
def test_a_new_column_is_named_before_the_copy(folder: Path, table: str) -> None:
    alter(folder, f"ALTER TABLE {table} ADD COLUMN nickname varchar(9)")
    with Move(load_project(folder)) as move:
        (fault,) = [f for f in move.check() if f.severity == "fault"]
        assert (fault.kind, fault.place) == ("altered", table)
        assert NEW in fault.message
        assert "crossfade survey" in (fault.hint or "")
        with pytest.raises(Stale, match=rf"{table}: the column 'nickname' .* nothing was written"):
            move.copy()
    with closing(sqlite3.connect(folder / "t.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema WHERE name = 'users'").fetchall() == []


def test_a_new_column_is_named_after_the_copy(folder: Path) -> None:
    with Move(load_project(folder)) as move:
        assert move.copy().ok
    alter(folder, "ALTER TABLE users ADD COLUMN nickname varchar(9); ALTER TABLE users DROP COLUMN city")
    with Move(load_project(folder)) as move:
        status = move.status()
        assert not status.ok
        assert [f for f in status.faults if f"users has {NEW}; the column 'city' is gone (crossfade survey" in f]
        with pytest.raises(Stale, match="users has changed since the survey"):
            move.verify()


def test_a_table_that_is_discarded_as_a_whole_may_change(folder: Path) -> None:
    alter(folder, "ALTER TABLE logs ADD COLUMN nickname varchar(9)")
    with Move(load_project(folder)) as move:
        assert [f for f in move.check() if f.severity == "fault"] == []
        assert move.copy().ok


def test_a_survey_is_the_way_on(folder: Path) -> None:
    alter(folder, "ALTER TABLE users ADD COLUMN nickname varchar(9)")
    with Move(load_project(folder)) as move:
        move.survey()
        assert [(f.kind, f.place) for f in move.check() if f.severity == "fault"] == [("uncovered", "users.nickname")]

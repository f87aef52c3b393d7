"""A row that is to go excludes a new one, by a constraint that only the server can compare: neither waits for ever."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import shop
from outcome import open_move
from scratch import PostgresScratch, drop_database

SCHEMA = "CREATE TABLE stay (id int PRIMARY KEY, days int4range, EXCLUDE USING gist (days WITH &&));"
REFERRED = SCHEMA + "CREATE TABLE bill (id int PRIMARY KEY, stay int REFERENCES stay);"
MAPPING = {"stay": "SELECT s.id AS id, s.days AS days FROM stay AS s"}


@pytest.fixture
def target(pg_db: PostgresScratch) -> Iterator[PostgresScratch]:
    name = f"excluded_{secrets.token_hex(4)}"
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield PostgresScratch(name, pg_db.url.replace(pg_db.name, name))
        drop_database(connection, name)


@pytest.mark.parametrize(("old", "new"), [(4, 5), (5, 4)])
def test_it_goes_first(pg_db: PostgresScratch, target: PostgresScratch, tmp_path: Path, old: int, new: int) -> None:
    pg_db.execute("CREATE TABLE stay (id int PRIMARY KEY, days int4range)")
    pg_db.execute(f"INSERT INTO stay VALUES ({old}, '[1,5)'), (7, '[10,20)')")
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING)
    with open_move(folder, pg_db.url, target.url) as move:
        move.survey()
        move.copy()
    pg_db.execute(f"DELETE FROM stay WHERE id = {old}; INSERT INTO stay VALUES ({new}, '[2,6)')")
    with open_move(folder, pg_db.url, target.url) as move:
        move.repair()
        assert move.verify().equal
        assert list(move.quarantine()) == []
    assert target.execute("SELECT id FROM stay ORDER BY id") == sorted([(7,), (new,)])


@pytest.mark.parametrize("referring", [False, True])
def test_rows_that_may_refer_to_it_stay(
    pg_db: PostgresScratch, target: PostgresScratch, tmp_path: Path, referring: bool
) -> None:
    """A row that others refer to does not go first, as the target could delete those with it; they follow later."""
    pg_db.execute("CREATE TABLE stay (id int PRIMARY KEY, days int4range)")
    pg_db.execute("CREATE TABLE bill (id int PRIMARY KEY, stay int)")
    pg_db.execute("INSERT INTO stay VALUES (4, '[1,5)'), (8, '[50,60)')")
    pg_db.execute(f"INSERT INTO bill VALUES (1, {4 if referring else 8})")
    bill = {"bill": "SELECT b.id AS id, b.stay AS stay FROM bill AS b"}
    folder = shop.small_project(tmp_path / "p", REFERRED, {**MAPPING, **bill})
    with open_move(folder, pg_db.url, target.url) as move:
        move.survey()
        move.copy()
    pg_db.execute("DELETE FROM stay WHERE id = 4; INSERT INTO stay VALUES (5, '[2,6)'); UPDATE bill SET stay = 5")
    with open_move(folder, pg_db.url, target.url) as move:
        move.repair()
        assert move.verify().equal
        assert {e.state for e in move.quarantine()} <= {"retried"}
    assert target.execute("SELECT id FROM stay ORDER BY id") == [(5,), (8,)]
    assert target.execute("SELECT * FROM bill") == [(1, 5)]

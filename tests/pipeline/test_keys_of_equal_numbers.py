"""A key whose text alone changes (1.0 to 1.00, which are equal): a feed names both texts, and the row stays."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

import shop
from crossfade.move import Move
from outcome import counts_of, open_move
from scratch import PostgresScratch, drop_database

SOURCE = "CREATE TABLE item (id numeric PRIMARY KEY, tags text[] NOT NULL, v int NOT NULL)"
SCHEMA = """
CREATE TABLE item (id {kind} PRIMARY KEY, v int NOT NULL);
CREATE TABLE tag (item_id {kind} NOT NULL REFERENCES item (id), tag text PRIMARY KEY);
"""
MAPPING = {
    "item": "SELECT i.id AS id, i.v AS v FROM item AS i",
    "tag": "SELECT i.id AS item_id, t.tag AS tag FROM item AS i, unnest(i.tags) AS t(tag)",
}
OLD, NEW = '["1.0"]', '["1.00"]'


@dataclass(frozen=True)
class Moved:
    folder: Path
    source: str
    target: PostgresScratch

    def open(self) -> Move:
        return open_move(self.folder, self.source, self.target.url)

    def apply(self, keys: Sequence[str]) -> None:
        with self.open() as move:  # one reads in one snapshot
            move.repair(keys={"item": keys})


@pytest.fixture(params=["numeric", "numeric(10,3)"])
def moved(tmp_path: Path, pg_db: PostgresScratch, request: pytest.FixtureRequest) -> Iterator[Moved]:
    name = f"equal_{secrets.token_hex(4)}"
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    pg_db.execute(SOURCE)
    pg_db.execute("INSERT INTO item VALUES (1.0, '{a,b}', 1), (2, '{}', 1)")
    folder = shop.small_project(tmp_path / "p", SCHEMA.format(kind=request.param), MAPPING)
    made = Moved(folder, pg_db.url, PostgresScratch(name, pg_db.url.replace(pg_db.name, name)))
    with made.open() as move:
        move.survey()
        move.copy()
    yield made
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        drop_database(connection, name)


@pytest.mark.parametrize(
    "turns", [[[OLD, NEW]], [[OLD], [NEW]], [[NEW], [OLD]]], ids=["both", "old first", "new first"]
)
def test_a_key_whose_text_alone_changes(moved: Moved, pg_db: PostgresScratch, turns: list[list[str]]) -> None:
    target = moved.target
    pg_db.execute("UPDATE item SET id = 1.00, v = 2, tags = '{b,c}' WHERE id = 1")
    for keys in turns:
        moved.apply(keys)
        assert target.execute("SELECT id = 1, v FROM item ORDER BY id") == [(True, 2), (False, 1)]
        assert target.execute("SELECT tag FROM tag ORDER BY 1") == [("b",), ("c",)]
    with moved.open() as move:
        assert not [entry for entry in move.quarantine() if entry.state == "open"]
        assert counts_of(move.status()) == {"item": (2, 2, 0, 0)}
    pg_db.execute("DELETE FROM item WHERE id = 1")
    moved.apply([NEW])
    assert target.execute("SELECT v FROM item") == [(1,)]
    assert target.execute("SELECT tag FROM tag") == []

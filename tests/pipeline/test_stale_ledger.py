"""A row of a table with a ledger is deleted by others: its key is free for another record."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import shop
from outcome import counts_of, open_move
from scratch import PostgresScratch

SCHEMA = "CREATE TABLE notes (sku text, n int, PRIMARY KEY (sku, n));"
KEY = '[[discard]]\nentity = "orders"\npath = "_id"\nreason = "not needed"\n'
MAPPING = {"notes": "SELECT o.sku AS sku, o.n AS n FROM orders AS o"}


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_another_record_gets_its_key(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    source = shop.dump(tmp_path / "dump", {"orders": [{"_id": i, "sku": "a", "n": i // 2} for i in range(4)]})
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more=KEY)
    target = f"sqlite:///{tmp_path / 't.db'}"
    if kind == "postgresql":
        scratch: PostgresScratch = request.getfixturevalue("pg_db")
        target = scratch.url
    with open_move(folder, source, target) as move:
        move.survey()
        assert counts_of(move.copy()) == {"orders": (4, 2, 2, 0)}
        if kind == "postgresql":
            scratch.execute("DELETE FROM notes WHERE n = 1")
        else:
            with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as connection:
                connection.execute("DELETE FROM notes WHERE n = 1")
        assert sorted(r.outcome for r in move.retry()) == ["copied", "quarantined"]
        assert counts_of(move.status()) == {"orders": (4, 3, 1, 0)}
        assert not move.verify().equal  # the record whose row was deleted

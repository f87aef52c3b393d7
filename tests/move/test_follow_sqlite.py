"""A source is followed into a SQLite file: it has one writer at a time, and its driver ties connections to threads."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from bson import ObjectId

import shop
from crossfade.move import Move
from crossfade.records.bson.ejson import to_bson
from following import running, wait_for
from in_memory import fill, held
from outcome import open_move

SCHEMA = "CREATE TABLE people (id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL);"
MAPPING = {"people": "SELECT oid_text(p._id) AS id, p.name AS name FROM people AS p"}


def test_into_a_file(tmp_path: Path, new_memory: Callable[[], str]) -> None:
    folder, source, file = shop.small_project(tmp_path / "p", SCHEMA, MAPPING), new_memory(), tmp_path / "t.db"
    fill(source, "people", [{"_id": ObjectId(f"{n:024x}"), "name": f"p{n}"} for n in range(20)])

    def move() -> Move:
        return open_move(folder, source, f"sqlite:///{file}")

    def names() -> list[str]:
        with closing(sqlite3.connect(file)) as connection, connection:
            return [name for (name,) in connection.execute("SELECT name FROM people ORDER BY id")]

    with move() as own:
        own.survey()
    with running(move):
        for n in range(100):
            held(source).put("people", to_bson({"_id": ObjectId(f"{n % 30:024x}"), "name": f"q{n}"}))
        wait_for(lambda: "q99" in names() and len(names()) == 30)
        with move() as own:
            assert own.verify().equal

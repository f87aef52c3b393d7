"""Rows that the database itself changes, because they refer to a value that is updated."""

from __future__ import annotations

from pathlib import Path

import pytest

import shop
from outcome import open_move
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE notes (id int PRIMARY KEY, by_name text DEFAULT 'c' REFERENCES people (name) ON UPDATE %s);
"""
MAPPING = {
    "people": "SELECT p._id AS id, p.name AS name FROM people AS p",
    "notes": "SELECT n._id AS id, n.by AS by_name FROM notes AS n",
}
SWAPPED, IN_A_CIRCLE, PASSED_ON = {1: "b", 2: "a", 3: "c"}, {1: "b", 2: "c", 3: "a"}, {1: "d", 2: "a", 3: "c"}


@pytest.mark.parametrize(
    ("action", "names"), [("CASCADE", SWAPPED), ("SET NULL", IN_A_CIRCLE), ("SET DEFAULT", PASSED_ON)]
)
def test_their_records_are_compared_again(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, action: str, names: dict[int, str]
) -> None:
    mongo_db.db.people.insert_many([{"_id": n, "name": name} for n, name in enumerate("abc", 1)])
    mongo_db.db.notes.insert_many([{"_id": n, "by": name} for n, name in enumerate("aabc", 1)])
    folder = shop.small_project(tmp_path / "p", SCHEMA % action, MAPPING)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        for of, name in names.items():
            mongo_db.db.people.update_one({"_id": of}, {"$set": {"name": name}})
        move.repair()
        due = [(n, name) for n, name in enumerate("aabc", 1) if name in names.values()]
        assert pg_db.execute("SELECT id, by_name FROM notes ORDER BY id") == due
        assert move.verify().equal

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


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_a_value_that_changes_only_for_a_moment(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, action: str
) -> None:
    """Two swap another unique value; their names have spare values meanwhile, and others refer to those."""
    schema = f"""
    CREATE TABLE people (id int PRIMARY KEY, name text UNIQUE, email text NOT NULL UNIQUE);
    CREATE TABLE notes (id int PRIMARY KEY, by_name text UNIQUE REFERENCES people (name) ON UPDATE {action});
    CREATE TABLE marks (id int PRIMARY KEY, note text REFERENCES notes (by_name) ON UPDATE {action});
    """
    mapping = {
        "people": "SELECT p._id AS id, p.name AS name, p.email AS email FROM people AS p",
        "notes": MAPPING["notes"],
        "marks": "SELECT m._id AS id, m.by AS note FROM marks AS m",
    }
    mongo_db.db.people.insert_many([{"_id": n, "name": name, "email": name} for n, name in enumerate("ab", 1)])
    for entity in ("notes", "marks"):
        mongo_db.db[entity].insert_many([{"_id": n, "by": name} for n, name in enumerate("ab", 1)])
    folder = shop.small_project(tmp_path / "p", schema, mapping)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        for of, email in ((1, "b"), (2, "a")):
            mongo_db.db.people.update_one({"_id": of}, {"$set": {"email": email}})
        move.repair()
        assert pg_db.execute("SELECT email FROM people ORDER BY id") == [("b",), ("a",)]
        for table, column in (("notes", "by_name"), ("marks", "note")):
            assert pg_db.execute(f"SELECT id, {column} FROM {table} ORDER BY id") == [(1, "a"), (2, "b")]
        assert move.verify().equal

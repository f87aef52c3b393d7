"""References that the database finds although they are spelled or typed in another way than the row they refer to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import shop
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE hosts (id int PRIMARY KEY, name {parent} UNIQUE);
CREATE TABLE marks (id int PRIMARY KEY, host {child} REFERENCES hosts (name), note text);
"""
MAPPING = {
    "hosts": "SELECT h._id AS id, h.name AS name FROM hosts AS h",
    "marks": "SELECT m._id AS id, m.host AS host, m.note AS note FROM marks AS m",
}
CASES: dict[str, tuple[str, str, Any, Any, Any]] = {
    "plain": ("text", "text", "bob", "bob", "tom"),
    "inet": ("inet", "inet", "::1", "0:0:0:0:0:0:0:1", "::2"),
    "numeric": ("numeric", "numeric(9,2)", "1", "1.00", "2"),
    "text": ("text COLLATE nocase", "text COLLATE nocase", "bob", "Bob", "tom"),
    "int": ("numeric", "int", "1", 1, "2"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_child_that_changes(
    mongo_db: MongoScratch, request: pytest.FixtureRequest, tmp_path: Path, case: str
) -> None:
    target = f"sqlite:///{tmp_path / 't.db'}"
    if case != "text":
        scratch: PostgresScratch = request.getfixturevalue("pg_db")
        target = scratch.url
    parent, child, name, host, other = CASES[case]
    mongo_db.db.hosts.insert_one({"_id": 1, "name": name})
    mongo_db.db.marks.insert_many([{"_id": i, "host": host, "note": "a"} for i in range(3)])
    folder = shop.small_project(
        tmp_path / "p", SCHEMA.format(parent=parent, child=child), MAPPING, more="limits.stop_at = 1.0\n"
    )
    with open_move(folder, mongo_db.url, target) as move:
        move.survey()
        assert counts_of(move.copy()) == {"hosts": (1, 1, 0, 0), "marks": (3, 3, 0, 0)}
        mongo_db.db.marks.insert_one({"_id": 9, "host": host, "note": "a"})
        mongo_db.db.marks.update_one({"_id": 1}, {"$set": {"note": "b"}})
        move.repair()
        assert counts_of(move.status()) == {"hosts": (1, 1, 0, 0), "marks": (4, 4, 0, 0)}
        assert move.verify().equal
        if case == "text":  # SQLite compares, for Crossfade, by bytes, and does not enforce the reference
            return
        mongo_db.db.hosts.update_one({"_id": 1}, {"$set": {"name": other}})
        move.repair()
        assert counts_of(move.status()) == {"hosts": (1, 1, 0, 0), "marks": (4, 0, 4, 0)}
        mongo_db.db.hosts.update_one({"_id": 1}, {"$set": {"name": name}})
        move.repair()
        assert counts_of(move.status()) == {"hosts": (1, 1, 0, 0), "marks": (4, 4, 0, 0)}
        assert move.verify().equal

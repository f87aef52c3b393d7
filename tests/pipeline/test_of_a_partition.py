"""Indexes and foreign keys that only a partition of a table has."""

from __future__ import annotations

from pathlib import Path

import pytest

import shop
from outcome import HANGING, counts_of, open_move
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE places (id int PRIMARY KEY);
CREATE TABLE events (id int, year int, code text, place int, PRIMARY KEY (id, year)) PARTITION BY LIST (year);
CREATE TABLE events_old PARTITION OF events FOR VALUES IN (2023);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES IN (2024);
CREATE UNIQUE INDEX events_2024_code ON events_2024 (code);
CREATE TABLE notes (id int PRIMARY KEY, code text REFERENCES events_2024 (code) ON DELETE CASCADE);
ALTER TABLE events_2024 ADD CONSTRAINT events_2024_place FOREIGN KEY (place) REFERENCES places (id);
"""
MAPPING = {
    "places": "SELECT p._id AS id FROM places AS p",
    "notes": "SELECT n._id AS id, n.code AS code FROM notes AS n",
    "events": "SELECT e._id AS id, e.year AS year, e.code AS code, e.place AS place FROM events AS e",
}


@pytest.mark.parametrize("live", [False, True])
def test_rows_that_break_them(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, live: bool) -> None:
    if live:
        pg_db.execute(SCHEMA)
    mongo_db.db.places.insert_one({"_id": 1})
    mongo_db.db.events.insert_many(
        [
            {"_id": 1, "year": 2023, "code": "a", "place": 9},
            {"_id": 2, "year": 2023, "code": "a", "place": 1},
            {"_id": 3, "year": 2024, "code": "a", "place": 1},
            {"_id": 4, "year": 2024, "code": "a", "place": 1},
            {"_id": 5, "year": 2024, "code": "b", "place": 9},
        ]
    )
    mongo_db.db.notes.insert_many([{"_id": 1, "code": "a"}, {"_id": 2, "code": "b"}])
    folder = shop.small_project(tmp_path / "p", "" if live else SCHEMA, MAPPING, live=live)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        assert counts_of(move.copy()) == {"events": (5, 3, 2, 0), "notes": (2, 1, 1, 0), "places": (1, 1, 0, 0)}
        assert {e.reason for e in move.quarantine()} == {"unique", "foreign_key"}
        assert pg_db.execute("SELECT id FROM events ORDER BY 1") == [(1,), (2,), (3,)]
        assert move.verify().equal
        mongo_db.db.events.update_one({"_id": 4}, {"$set": {"code": "c"}})
        mongo_db.db.notes.update_one({"_id": 1}, {"$set": {"code": "c"}})
        move.repair()
        assert counts_of(move.status()) == {"events": (5, 4, 1, 0), "notes": (2, 1, 1, 0), "places": (1, 1, 0, 0)}
        mongo_db.db.events.update_one({"_id": 5}, {"$set": {"place": 1}})
        assert sorted(r.outcome for r in move.retry()) == ["copied", "copied"]
        assert move.verify().equal
        before = pg_db.execute(HANGING)
        move.forget(tables=["events"])
        assert counts_of(move.copy()) == {"events": (5, 5, 0, 0), "notes": (2, 2, 0, 0), "places": (1, 1, 0, 0)}
        assert pg_db.execute(HANGING) == before
        assert move.verify().equal
        mongo_db.db.events.delete_one({"_id": 4})  # a note refers to it: it must not go without being counted
        move.repair(keys={"events": ["4"]})
        assert counts_of(move.status()) == {"events": (4, 4, 0, 0), "notes": (2, 1, 1, 0), "places": (1, 1, 0, 0)}
        assert move.verify().equal

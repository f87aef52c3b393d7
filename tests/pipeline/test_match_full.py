"""A foreign key that is MATCH FULL: either all of its columns are NULL, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import shop
from outcome import balanced, counts_of, open_move, outcome
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE rooms (id int PRIMARY KEY, house int NOT NULL, number int NOT NULL, UNIQUE (house, number));
CREATE TABLE guests (
    id int PRIMARY KEY, house int, room int,
    CONSTRAINT guests_room FOREIGN KEY (house, room) REFERENCES rooms (house, number) MATCH FULL
);
CREATE TABLE bags (id int PRIMARY KEY, guest int NOT NULL REFERENCES guests (id));
"""
MAPPING = {
    "rooms": "SELECT r._id AS id, r.house AS house, r.number AS number FROM rooms AS r",
    "guests": "SELECT g._id AS id, g.house AS house, g.room AS room FROM guests AS g",
    "bags": "SELECT b._id AS id, b.guest AS guest FROM bags AS b",
}
GUESTS: list[dict[str, Any]] = [
    {"_id": 1, "house": 1, "room": 1},
    {"_id": 2, "house": 1, "room": None},
    {"_id": 3, "house": None, "room": 1},
    {"_id": 4, "house": None, "room": None},
    {"_id": 5, "house": 1, "room": 9},
]


@pytest.mark.parametrize("live", [False, True])
def test_rows_with_a_null_beside_a_value(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, live: bool
) -> None:
    """The constraint could not be created, and the copy never ended."""
    mongo_db.db.rooms.insert_one({"_id": 1, "house": 1, "number": 1})
    mongo_db.db.guests.insert_many(GUESTS)
    mongo_db.db.bags.insert_many([{"_id": i, "guest": i} for i in range(1, 6)])
    if live:
        pg_db.execute(SCHEMA)
    folder = shop.small_project(tmp_path / "p", "" if live else SCHEMA, MAPPING, live=live)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        status = move.copy()
        assert counts_of(status) == {"bags": (5, 2, 3, 0), "guests": (5, 2, 3, 0), "rooms": (1, 1, 0, 0)}
        balanced(status, outcome(pg_db.url, status))
        refused = {(e.entity, e.key): (e.reason, e.constraint) for e in move.quarantine()}
        assert (
            refused["guests", '{"$numberInt":"2"}']
            == refused["guests", '{"$numberInt":"3"}']
            == ("foreign_key", "guests_room")
        )
        mongo_db.db.guests.update_one({"_id": 2}, {"$set": {"room": 1}})
        assert sorted(r.outcome for r in move.retry()) == ["copied"] * 2 + ["quarantined"] * 4
        assert move.verify().equal
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        mongo_db.db.guests.update_one({"_id": 4}, {"$set": {"house": 1}})
        move.repair()
        assert counts_of(move.status())["guests"] == (5, 2, 3, 0)
        assert move.verify().equal

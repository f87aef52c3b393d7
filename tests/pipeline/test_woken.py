"""Records that wait for a value of another one come in when that is free, however either of them spells it."""

from __future__ import annotations

from pathlib import Path

import pytest

import shop
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE hosts (id int PRIMARY KEY, address inet UNIQUE, lease interval UNIQUE, price numeric UNIQUE);
CREATE TABLE marks (id int PRIMARY KEY, address inet REFERENCES hosts (address));
"""
MAPPING = {
    "hosts": "SELECT h._id AS id, h.address AS address, h.lease AS lease, h.price AS price FROM hosts AS h",
    "marks": "SELECT m._id AS id, m.address AS address FROM marks AS m",
}


def test_values_with_several_spellings(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    mongo_db.db.hosts.insert_many(
        [
            {"_id": 1, "address": "::1", "lease": "1 h", "price": "1"},
            {"_id": 2, "address": "0:0:0:0:0:0:0:1", "lease": "2 h", "price": "2"},
            {"_id": 3, "address": "::3", "lease": "60 min", "price": "3"},
        ]
    )
    mongo_db.db.marks.insert_many([{"_id": 1, "address": "0:0:0:0:0:0:0:4"}])
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more="limits.stop_at = 1.0\n")
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        assert counts_of(move.copy()) == {"hosts": (3, 1, 2, 0), "marks": (1, 0, 1, 0)}
        move.repair(keys={"hosts": ["2", "3"], "marks": ["1"]})  # it is noted what they wait for
        assert counts_of(move.status()) == {"hosts": (3, 1, 2, 0), "marks": (1, 0, 1, 0)}
        mongo_db.db.hosts.update_one({"_id": 1}, {"$set": {"address": "::4", "lease": "4 h"}})
        move.repair(keys={"hosts": ["1"]})
        assert counts_of(move.status()) == {"hosts": (3, 3, 0, 0), "marks": (1, 1, 0, 0)}
        assert move.verify().equal


@pytest.mark.parametrize("edited", [False, True])
def test_what_is_in_the_way_may_change(
    edited: bool, mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    """First another row has the unique value; when that is free, another one has the primary key."""
    mongo_db.db.hosts.insert_many([{"_id": n, "number": n, "label": "a"} for n in (1, 2)])
    mongo_db.db.guests.insert_one({"_id": 1, "number": 7, "label": "g"})
    schema = "CREATE TABLE rooms (number int PRIMARY KEY, label text UNIQUE, of int);"
    part = "SELECT r.number AS number, r.label AS label, r._id AS of FROM {} AS r"
    rooms = f"{part.format('hosts')} UNION ALL {part.format('guests')}"
    folder = shop.small_project(tmp_path / "p", schema, {"rooms": rooms}, more="limits.stop_at = 1.0\n")
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        move.repair(keys={"hosts": ["2"]})
        mongo_db.db.guests.update_one({"_id": 1}, {"$set": {"number": 2}})
        move.repair(keys={"guests": ["1"]})
        if edited:
            mongo_db.db.hosts.update_one({"_id": 2}, {"$set": {"label": "c"}})
            move.repair(keys={"hosts": ["2"]})
        mongo_db.db.hosts.update_one({"_id": 1}, {"$set": {"label": "b"}})
        move.repair(keys={"hosts": ["1"]})
        assert counts_of(move.status()) == {"hosts": (2, 1, 1, 0), "guests": (1, 1, 0, 0)}
        mongo_db.db.guests.update_one({"_id": 1}, {"$set": {"number": 3}})
        move.repair(keys={"guests": ["1"]})
        assert counts_of(move.status()) == {"hosts": (2, 2, 0, 0), "guests": (1, 1, 0, 0)}
        assert move.verify().equal


def test_a_value_that_an_index_holds_for_some_rows(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    """It is free when its row is none of these any more, too."""
    mongo_db.db.rooms.insert_many([{"_id": n, "label": "a", "closed": n == 3} for n in (1, 2, 3)])
    schema = """
    CREATE TABLE rooms (id int PRIMARY KEY, label text, closed bool);
    CREATE UNIQUE INDEX labels ON rooms (label) WHERE NOT closed;
    """
    mapping = {"rooms": "SELECT r._id AS id, r.label AS label, r.closed AS closed FROM rooms AS r"}
    folder = shop.small_project(tmp_path / "p", schema, mapping, more="limits.stop_at = 1.0\n")
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        move.repair(keys={"rooms": ["2"]})
        assert counts_of(move.status()) == {"rooms": (3, 2, 1, 0)}
        mongo_db.db.rooms.update_one({"_id": 1}, {"$set": {"closed": True}})
        move.repair(keys={"rooms": ["1"]})
        assert counts_of(move.status()) == {"rooms": (3, 3, 0, 0)}
        assert move.verify().equal

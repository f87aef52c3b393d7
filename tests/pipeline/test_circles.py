"""Rows that refer to each other by foreign keys that are not deferrable: a retry puts them in as the copy does."""

from __future__ import annotations

from pathlib import Path

import shop
from outcome import balanced, counts_of, open_move, outcome
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, age int NOT NULL, home text, friend int REFERENCES people (id));
CREATE TABLE homes (id text PRIMARY KEY, person int NOT NULL REFERENCES people (id), street text);
ALTER TABLE people ADD FOREIGN KEY (home) REFERENCES homes (id);
"""
MAPPING = {
    "people": "SELECT p._id AS id, as_int(p.age) AS age, p.home AS home, p.friend AS friend FROM people AS p",
    "homes": "SELECT h.id AS id, p._id AS person, h.street AS street FROM people AS p, unnest(p.homes) AS u(h)",
}


def test_records_whose_rows_refer_to_each_other(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    """They were refused for the row that they make themselves, each time."""
    mongo_db.db.people.insert_many(
        {
            "_id": i,
            "age": i if i < 2 else "?",
            "home": f"{i}/b" if i != 6 else "none",
            "friend": 7 - i if i > 1 else None,
            "homes": [{"id": f"{i}/{place}", "street": "s"} for place in "ab"],
        }
        for i in range(6 + 1)
    )
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more="limits.stop_at = 1.0\n")
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        assert counts_of(move.copy()) == {"people": (7, 2, 5, 0)}
        mongo_db.db.people.update_many({"age": "?"}, {"$set": {"age": 9}})
        assert sorted(r.outcome for r in move.retry()) == ["copied"] * 4 + ["quarantined"]
        status = move.status()
        assert counts_of(status) == {"people": (7, 6, 1, 0)}
        balanced(status, outcome(pg_db.url, status))
        assert pg_db.execute("SELECT home, friend FROM people WHERE id = 3") == [("3/b", 4)]
        assert move.verify().equal


def test_rows_of_one_table_from_two_branches(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    """The first branch makes rows that refer to those of the second."""
    schema = "CREATE TABLE people (id text PRIMARY KEY, age int NOT NULL, boss text REFERENCES people (id));"
    mapping = """
    SELECT p._id AS id, as_int(p.age) AS age, concat(p._id, 'b') AS boss FROM people AS p
    UNION ALL SELECT concat(p._id, 'b') AS id, as_int(p.age) AS age, NULL AS boss FROM people AS p
    """
    mongo_db.db.people.insert_many([{"_id": "x", "age": "?"}, {"_id": "y", "age": 1}])
    folder = shop.small_project(tmp_path / "p", schema, {"people": mapping}, more="limits.stop_at = 1.0\n")
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        assert counts_of(move.copy()) == {"people": (2, 1, 1, 0)}
        mongo_db.db.people.update_one({"_id": "x"}, {"$set": {"age": 9}})
        assert [r.outcome for r in move.retry()] == ["copied"]
        assert pg_db.execute("SELECT id, boss FROM people WHERE age = 9 ORDER BY id") == [("x", "xb"), ("xb", None)]
        assert move.verify().equal

"""`check` names what removes or rewrites records by itself, before anything is copied."""

from __future__ import annotations

from pathlib import Path

import shop
from crossfade.stores.contract import need
from crossfade.stores.open import open_store
from outcome import open_move
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE log (id int PRIMARY KEY);
CREATE TABLE said (text text);
CREATE UNLOGGED TABLE "Tokens" (id int PRIMARY KEY);
CREATE TABLE plain (id int PRIMARY KEY);
CREATE TABLE other (id int PRIMARY KEY);
CREATE RULE keep AS ON DELETE TO "Tokens" DO INSTEAD NOTHING;
CREATE RULE told AS ON UPDATE TO log DO ALSO INSERT INTO said VALUES ('X DO INSTEAD Y');
CREATE RULE off AS ON UPDATE TO plain DO ALSO NOTIFY log;
ALTER TABLE plain DISABLE RULE off;
CREATE RULE replica AS ON UPDATE TO plain DO ALSO NOTIFY log;
ALTER TABLE plain ENABLE REPLICA RULE replica;
CREATE RULE noted AS ON INSERT TO other DO ALSO INSERT INTO said VALUES (NEW.id::text);
"""
MAPPING = {
    "log": "SELECT l._id AS id FROM log AS l",
    "Tokens": "SELECT t._id AS id FROM tokens AS t",
    "plain": "SELECT p._id AS id FROM plain AS p",
    "other": "SELECT o._id AS id FROM other AS o",
}


def test_documents_into_rows(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    mongo_db.db.create_collection("log", capped=True, size=4096)
    mongo_db.db.tokens.create_index("until", name="old", expireAfterSeconds=60)
    for name in ("log", "tokens", "plain", "other"):
        mongo_db.db[name].insert_one({"_id": 1})
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        found = [f for f in move.check() if f.kind in ("vanishes", "rule")]
    assert all(f.severity == "note" and f.hint for f in found)
    said = {(f.kind, f.place): f.message for f in found}
    assert said.keys() == {
        ("vanishes", "log"),
        ("vanishes", "tokens"),
        ("vanishes", "Tokens"),
        ("rule", "Tokens"),
        ("rule", "log"),
        ("rule", "other"),
    }
    assert "capped" in said["vanishes", "log"]
    assert "old (60 s after until)" in said["vanishes", "tokens"]
    assert "unlogged" in said["vanishes", "Tokens"]
    assert "keep is for DELETE" in said["rule", "Tokens"]
    assert "ends with an error" in said["rule", "Tokens"]
    assert "runs too" in said["rule", "log"]
    assert "noted is for INSERT: it does not fire for rows that Crossfade writes" in said["rule", "other"]


ON_UPDATE = """
CREATE TABLE people (
    id int PRIMARY KEY, name text NOT NULL UNIQUE, lower_name text GENERATED ALWAYS AS (lower(name)) STORED UNIQUE
);
CREATE TABLE notes (
    id int PRIMARY KEY,
    person int REFERENCES people (id) ON UPDATE CASCADE,
    by_name text CONSTRAINT by_name REFERENCES people (name) ON UPDATE CASCADE,
    lower text CONSTRAINT by_lower REFERENCES people (lower_name) ON UPDATE CASCADE,
    plain text CONSTRAINT plain REFERENCES people (lower_name) ON DELETE CASCADE
);
"""


def test_rows_that_change_with_others_and_cannot_be_found(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    mongo_db.db.people.insert_one({"_id": 1, "name": "a"})
    mongo_db.db.notes.insert_one({"_id": 1, "by": "a"})
    mapping = {
        "people": "SELECT p._id AS id, p.name AS name FROM people AS p",
        "notes": "SELECT n._id AS id, n.by AS by_name FROM notes AS n",
    }
    folder = shop.small_project(tmp_path / "p", ON_UPDATE, mapping)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        found = [f for f in move.check() if f.kind == "on_update"]
    assert [(f.severity, f.place, f.message.split()[0]) for f in found] == [("note", "notes", "by_lower")]


def test_a_target_of_documents(mongo_db: MongoScratch) -> None:
    mongo_db.db.create_collection("log", capped=True, size=4096)
    mongo_db.db.tokens.create_index("until", name="old", expireAfterSeconds=60)
    mongo_db.db.plain.create_index("until")
    mongo_db.db.more.create_index("until", expireAfterSeconds=60)
    with open_store(mongo_db.url) as store:
        ddl = need(store.ddl, store, "be inspected")
        found = ddl.doubtful(ddl.live_schema(), ["log", "tokens", "plain"])
    assert sorted((f.kind, f.place) for f in found) == [("vanishes", "log"), ("vanishes", "tokens")]


def test_a_source_of_rows(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE UNLOGGED TABLE t (id int PRIMARY KEY)")
    pg_db.execute("CREATE TABLE good (id int PRIMARY KEY)")
    pg_db.execute("CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY LIST (id)")
    pg_db.execute("CREATE UNLOGGED TABLE part PARTITION OF parts DEFAULT")
    with open_store(pg_db.url) as store:
        found = need(store.inspector, store, "be inspected").doubtful(["good", "parts", "t"])
    assert [(f.kind, f.place) for f in found] == [("vanishes", "parts"), ("vanishes", "t")]
    assert [f.hint for f in found] == ["ALTER TABLE public.part SET LOGGED", "ALTER TABLE public.t SET LOGGED"]


def test_rules_of_a_source(pg_db: PostgresScratch) -> None:
    """A view is made by a rule, too, and a rule that is disabled or for replicas does not fire."""
    for table in ("t", "noted", "quiet"):
        pg_db.execute(f"CREATE TABLE {table} (id int PRIMARY KEY)")
    pg_db.execute("CREATE RULE notes AS ON UPDATE TO t DO ALSO INSERT INTO noted VALUES (OLD.id)")
    pg_db.execute("CREATE RULE keeps AS ON DELETE TO t DO INSTEAD NOTHING")
    pg_db.execute("CREATE RULE off AS ON DELETE TO quiet DO INSTEAD NOTHING")
    pg_db.execute("ALTER TABLE quiet DISABLE RULE off")
    pg_db.execute("CREATE VIEW v AS SELECT * FROM t")
    with open_store(pg_db.url) as store:
        found = need(store.inspector, store, "be inspected").doubtful(["t", "noted", "quiet", "v"])
    assert [(f.kind, f.place, "runs too" in f.message, "set aside" in f.message) for f in found] == [
        ("rule", "t", False, True),
        ("rule", "t", True, False),
    ]

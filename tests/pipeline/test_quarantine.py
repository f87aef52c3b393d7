"""Out of quarantine: after the mapping, the record or its parent was fixed, by a discard, or with a new copy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from bson import decode

import shop
from crossfade.errors import Misused, Refused, Stale
from crossfade.move import Move
from outcome import Shop, balanced, counts_of, open_move, outcome
from scratch import MongoScratch, PostgresScratch
from victim import killed_in

SCHEMA = """
CREATE TABLE owners (id int PRIMARY KEY, age int NOT NULL CHECK (age < 150), home int REFERENCES owners (id));
CREATE TABLE animals (id int PRIMARY KEY, owner int NOT NULL REFERENCES owners (id) ON DELETE CASCADE, tag text UNIQUE);
CREATE INDEX animals_owner ON animals (owner);
"""
MAPPING = {
    "owners": "SELECT o._id AS id, as_int(o.age) AS age, o.home AS home FROM owners AS o",
    "animals": "SELECT a._id AS id, a.owner AS owner, a.tag AS tag FROM animals AS a",
}
MENDED = "SELECT o._id AS id, coalesce(parse_int(o.age), 0) AS age, o.home AS home FROM owners AS o"


@dataclass
class Zoo:
    """Three owners and three animals; the second owner does not fit, and so its animal has to wait."""

    folder: Path
    source: MongoScratch
    target: PostgresScratch

    def move(self) -> Move:
        return open_move(self.folder, self.source.url, self.target.url)

    def check(self, move: Move) -> None:
        status = move.status()
        balanced(status, outcome(self.target.url, status))
        verdict = move.verify()
        assert verdict.equal
        assert verdict.balanced


@pytest.fixture
def zoo(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> Zoo:
    mongo_db.db.owners.insert_many([{"_id": 1, "age": 30, "home": 1}, {"_id": 2, "age": "40"}, {"_id": 3, "age": 50}])
    mongo_db.db.animals.insert_many([{"_id": i, "owner": i, "tag": f"t{i}"} for i in (1, 2, 3)])
    found = Zoo(shop.small_project(tmp_path / "zoo", SCHEMA, MAPPING), mongo_db, pg_db)
    with found.move() as move:
        move.survey()
        assert counts_of(move.copy()) == {"animals": (3, 2, 1, 0), "owners": (3, 2, 1, 0)}
        found.check(move)
    return found


def test_after_the_mapping_was_fixed_the_child_is_copied_with_its_parent(zoo: Zoo) -> None:
    (zoo.folder / "mapping" / "owners.sql").write_text(MENDED)
    with zoo.move() as move:
        tried = move.retry()
        assert sorted((r.entry.entity, r.outcome) for r in tried) == [("animals", "copied"), ("owners", "copied")]
        assert counts_of(move.status()) == {"animals": (3, 3, 0, 0), "owners": (3, 3, 0, 0)}
        assert {e.state for e in move.quarantine()} == {"retried"}
        zoo.check(move)
        assert move.retry() == []


def test_after_the_record_was_fixed(zoo: Zoo) -> None:
    zoo.source.db.owners.update_one({"_id": 2}, {"$set": {"age": 41}})
    with zoo.move() as move:
        child, parent = move.quarantine()
        assert [r.outcome for r in move.retry([child.id])] == ["quarantined"]
        assert [r.outcome for r in move.retry([parent.id[:8], parent.id])] == ["copied"]
        assert [r.outcome for r in move.retry([child.id])] == ["copied"]
        assert zoo.target.execute("SELECT age FROM owners WHERE id = 2") == [(41,)]
        zoo.check(move)


def test_after_the_parent_was_fixed(zoo: Zoo) -> None:
    """The animal goes to another owner: it comes in, and its old owner stays where it is."""
    zoo.source.db.animals.update_one({"_id": 2}, {"$set": {"owner": 3}})
    with zoo.move() as move:
        assert sorted(r.outcome for r in move.retry()) == ["copied", "quarantined"]
        assert counts_of(move.status()) == {"animals": (3, 3, 0, 0), "owners": (3, 2, 1, 0)}
        zoo.check(move)


def test_what_fails_again_says_why_it_does_now(zoo: Zoo) -> None:
    zoo.source.db.owners.update_one({"_id": 2}, {"$set": {"age": 400}})
    with zoo.move() as move:
        (tried,) = move.retry([e.id for e in move.quarantine() if e.entity == "owners"])
        assert (tried.outcome, tried.entry.reason) == ("quarantined", "check")
        entry, raw = move.quarantined_record(tried.entry.id)
        assert (entry.reason, entry.state, decode(raw)["age"]) == ("check", "open", 400)
        zoo.check(move)


def test_a_record_that_is_gone_stays_until_a_person_discards_it(zoo: Zoo) -> None:
    zoo.source.db.owners.delete_one({"_id": 2})
    with zoo.move() as move:
        ids = [e.id for e in move.quarantine() if e.entity == "owners"]
        assert [r.outcome for r in move.retry(ids)] == ["gone"]
        assert counts_of(move.status())["owners"] == (3, 2, 1, 0)
        with pytest.raises(Misused, match="reason"):
            move.discard(ids, " ")
        assert [(e.state, e.note) for e in move.discard([*ids, *ids], "he moved away")] == [
            ("discarded", "he moved away")
        ]
        assert move.discard(ids, "again") == []
        assert counts_of(move.status())["owners"] == (3, 2, 0, 1)
        assert move.status().entities[1].balanced


def test_a_discard_is_counted(zoo: Zoo) -> None:
    with zoo.move() as move:
        move.discard([e.id for e in move.quarantine()], "a test of it")
        assert counts_of(move.status()) == {"animals": (3, 2, 0, 1), "owners": (3, 2, 0, 1)}
        zoo.check(move)
        assert move.retry() == []
        assert not move.status().entities[0].reasons


def test_copy_again(shop_copy: Shop, pg_db: PostgresScratch) -> None:
    """A mapping that changed under a copy is refused; begun anew, nothing of the first is left."""
    assert killed_in("finish_chunk", 4, shop_copy.folder, shop_copy.source, pg_db.url)
    mapping = shop_copy.folder / "mapping" / "teams.sql"
    mapping.write_text(mapping.read_text().replace("t.name AS name", "upper(t.name) AS name"))
    (shop_copy.folder / "mapping" / "user_tags.sql").unlink()
    with (shop_copy.folder / "crossfade.toml").open("a") as settings:
        settings.write('\n[[discard]]\nentity = "users"\npath = "tags"\nreason = "nobody reads them"\n')
    with open_move(shop_copy.folder, shop_copy.source, pg_db.url) as move:
        with pytest.raises(Stale, match="a mapping or a discard has changed since the copy began, and 3 chunks"):
            move.copy()
        move.restart()
        assert not any(pg_db.execute(f"SELECT 1 FROM {t} LIMIT 1") for t in ("teams", "users", "user_tags", "likes"))
        assert counts_of(move.status())["users"] == (0, 0, 0, 0)
        status = move.copy()
        found = outcome(pg_db.url, status)
        balanced(status, found)
        assert found.tables["teams"]
        assert all(row[1] == row[1].upper() for row in found.tables["teams"])
        assert move.verify().equal
        with pytest.raises(Refused, match="created already"):
            move.restart()


def test_no_retry_between_the_constraints(zoo: Zoo, pg_db: PostgresScratch) -> None:
    pg_db.execute("DELETE FROM crossfade.step WHERE id LIKE 'validate %'")
    with zoo.move() as move, pytest.raises(Refused, match="2 constraints of the target do not exist yet"):
        move.retry()


def test_a_retried_record_may_leave_once_more(zoo: Zoo, pg_db: PostgresScratch) -> None:
    """Killed before the constraints were made: what retry brings in is held against them when they are."""
    pg_db.execute("ALTER TABLE animals DROP CONSTRAINT animals_owner_fkey, DROP CONSTRAINT animals_tag_key")
    pg_db.execute("ALTER TABLE owners DROP CONSTRAINT owners_home_fkey; DROP INDEX animals_owner")
    pg_db.execute("DELETE FROM crossfade.step WHERE id NOT LIKE 'table %'")
    pg_db.execute("UPDATE crossfade.move SET stage = 'copied'")
    with zoo.move() as move:
        (child,) = (e for e in move.quarantine() if e.entity == "animals")
        assert [r.outcome for r in move.retry([child.id])] == ["quarantined"]
        pg_db.execute("INSERT INTO owners VALUES (2, 40)")
        assert [r.outcome for r in move.retry([child.id])] == ["copied"]
        pg_db.execute("DELETE FROM owners WHERE id = 2")
        assert counts_of(move.copy())["animals"] == (3, 2, 1, 0)
        (again,) = (e for e in move.quarantine() if e.entity == "animals")
        assert (again.id, again.state, again.reason) == (child.id, "open", "foreign_key")
        zoo.check(move)

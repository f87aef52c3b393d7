"""Records that break a constraint of the target are removed completely, and independently of who copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bson import ObjectId, decode

import shop
from crossfade.errors import CrossfadeError
from crossfade_ids import uuid_of_object_id
from outcome import Outcome, Shop, balanced, counts_of, differences, open_move, outcome
from scratch import MongoScratch, PostgresScratch

NewTarget = Callable[[], PostgresScratch]


@pytest.mark.parametrize(("workers", "chunk_mb"), [(1, 8), (2, 0.002)])
def test_the_same_with_any_workers_and_chunks(
    shop_copy: Shop, undisturbed: Outcome, pg_db: PostgresScratch, workers: int, chunk_mb: float
) -> None:
    settings = shop_copy.folder / "crossfade.toml"
    settings.write_text(settings.read_text().replace("chunk_mb = 0.004", f"chunk_mb = {chunk_mb}"))
    with open_move(shop_copy.folder, shop_copy.source, pg_db.url, workers=workers) as move:
        status = move.copy()
        found = outcome(pg_db.url, status)
        balanced(status, found)
        assert (max(e.chunks for e in status.entities) > 1) == (chunk_mb < 1)
        assert differences(found, undisturbed) == []
        verdict = move.verify()
        assert verdict.equal
        assert verdict.balanced


def test_what_left_has_left_whole_and_for_a_reason(undisturbed: Outcome) -> None:
    rows = undisturbed.tables
    here = {name: {str(row[0]) for row in rows[name]} for name in ("teams", "users", "posts")}
    of_user = {str(row[0]) for row in rows["user_tags"]} | {str(row[1]) for row in rows["posts"]}
    holders = {str(row[1]) for row in rows["handles"]}
    parts = {"teams": [here["teams"], holders], "users": [here["users"], of_user, holders], "posts": [here["posts"]]}
    posts = {(str(row[1]), row[2]) for row in rows["posts"]}
    reasons = set()
    for entity, _key, reason, _detail, table, _column, _phase, raw, _state in undisturbed.quarantine:
        record = decode(raw)
        reasons.add((entity, reason))
        for part in parts.get(entity, []):
            assert uuid_of(record["_id"]) not in part, record
        if reason == "foreign_key":
            assert not all(parent in there for parent, there in parents(entity, record, here, posts)), (table, record)
    assert reasons >= {
        *(("teams", r) for r in ("unique", "foreign_key")),
        *(("users", r) for r in ("unique", "foreign_key", "check", "mapping_error")),
        *(("posts", r) for r in ("foreign_key", "too_long")),
        ("likes", "foreign_key"),
    }
    assert all(row[4] in ("", "true") for row in undisturbed.schema if row[0] == "constraint")


def parents(entity: str, record: dict[str, Any], here: dict[str, set[str]], posts: set[tuple[str, int]]) -> Any:
    """The keys that a record's rows refer to, each with those that are there."""
    match entity:
        case "teams":
            return [(uuid_of(record["parent"]), here["teams"])]
        case "users":
            invited = [(uuid_of(record["invitedBy"]), here["users"])] if record["invitedBy"] else []
            return [(uuid_of(record["team"]), here["teams"]), *invited]
        case "posts":
            return [(uuid_of(by), here["users"]) for by in (record["author"], *(c["by"] for c in record["comments"]))]
    return [
        (uuid_of(record["by"]), here["users"]),
        ((uuid_of(record["author"]), record["number"]), posts),
    ]


def uuid_of(oid: ObjectId) -> str:
    return str(uuid_of_object_id(oid.binary))


@pytest.mark.parametrize(
    ("before", "column", "after"),
    [
        ("", "mail text", "CREATE UNIQUE INDEX one_mail ON people (lower(mail));"),
        ("CREATE EXTENSION citext;", "mail citext UNIQUE", ""),
    ],
)
def test_the_least_key_stays(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, before: str, column: str, after: str
) -> None:
    """Of three with one address the first by its key stays, though it came last."""
    if before and not pg_db.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'citext'"):
        pytest.skip("the server has no extension citext")
    schema = f"{before} CREATE TABLE people (id int PRIMARY KEY, {column}); {after}"
    mapping = {"people": "SELECT p._id AS id, p.mail AS mail FROM people AS p"}
    addresses = {9: "a@b.c", 10: "A@b.C", 2: "A@B.C", 3: None, 4: None}
    mongo_db.db.people.insert_many([{"_id": i, "mail": mail} for i, mail in addresses.items()])
    with open_move(shop.small_project(tmp_path / "p", schema, mapping), mongo_db.url, pg_db.url) as move:
        move.survey()
        status = move.copy()
        assert pg_db.execute("SELECT id FROM people ORDER BY id") == [(2,), (3,), (4,)]
        assert counts_of(status) == {"people": (5, 3, 2, 0)}
        assert [e.reason for e in move.quarantine()] == ["unique", "unique"]
        assert move.verify().equal


@pytest.mark.parametrize("workers", [1, 2])
def test_who_has_a_primary_key(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, workers: int) -> None:
    """A chain: 1 and 2 want a, 2 and 3 want b, 3 and 4 want c. In the order of their keys: 1 and 3 have theirs."""
    schema = "CREATE TABLE names (name text PRIMARY KEY, who int); CREATE TABLE people (id int PRIMARY KEY);"
    mapping = {
        "people": "SELECT p._id AS id FROM people AS p",
        "names": "SELECT n.name AS name, p._id AS who FROM people AS p, unnest(p.names) AS n(name)",
    }
    pairs = [["a"], ["a", "b"], ["b", "c"], ["c"]]
    people = [{"_id": 10 * k + i, "names": [f"{n}{k}" for n in pairs[i]]} for k in range(8) for i in range(4)]
    mongo_db.db.people.insert_many(people)
    folder = shop.small_project(tmp_path / "p", schema, mapping, chunk_mb=0.0001)
    with open_move(folder, mongo_db.url, pg_db.url, workers=workers) as move:
        move.survey()
        status = move.copy()
        assert status.entities[0].chunks > 5
        chosen = sorted(10 * k + i for k in range(8) for i in winners([10 * k + i for i in range(4)]))
        assert [row[0] for row in pg_db.execute("SELECT id FROM people ORDER BY id")] == chosen
        balanced(status, outcome(pg_db.url, status))
        assert move.verify().equal
        assert not any(e.counts.copied != len(chosen) for e in status.entities)


def winners(ids: list[int]) -> list[int]:
    """Who of a chain comes in, by the text of the keys: each that does not touch one before it."""
    order = sorted(range(4), key=lambda i: f'{{"$numberInt":"{ids[i]}"}}')
    taken: list[int] = []
    for i in order:
        if not any(abs(i - j) == 1 for j in taken):
            taken.append(i)
    return taken


def test_a_target_without_foreign_keys_has_its_duplicates_cleared(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    schema = "CREATE TABLE people (id int PRIMARY KEY, mail text UNIQUE);"
    mapping = {"people": "SELECT p._id AS id, p.mail AS mail FROM people AS p"}
    mongo_db.db.people.insert_many([{"_id": 1, "mail": "a"}, {"_id": 2, "mail": "a"}])
    with open_move(shop.small_project(tmp_path / "p", schema, mapping), mongo_db.url, pg_db.url) as move:
        move.survey()
        assert counts_of(move.copy()) == {"people": (2, 1, 1, 0)}


def test_orphans_leave_a_sqlite_file_too(mongo_db: MongoScratch, tmp_path: Path) -> None:
    """There foreign keys stand in CREATE TABLE, and no step comes after the copy."""
    schema = """
        CREATE TABLE owners (id INTEGER PRIMARY KEY);
        CREATE TABLE pets (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL REFERENCES owners (id) ON DELETE CASCADE);
    """
    mapping = {
        "owners": "SELECT o._id AS id FROM owners AS o",
        "pets": "SELECT p._id AS id, p.owner AS owner FROM pets AS p",
    }
    mongo_db.db.owners.insert_many([{"_id": 1}])
    mongo_db.db.pets.insert_many([{"_id": 1, "owner": 1}, {"_id": 2, "owner": 7}])
    folder = shop.small_project(tmp_path / "p", schema, mapping)
    with open_move(folder, mongo_db.url, f"sqlite:///{tmp_path / 'pets.db'}", workers=2) as move:
        move.survey()
        assert counts_of(move.copy()) == {"owners": (1, 1, 0, 0), "pets": (2, 1, 1, 0)}
        assert [(e.key, e.reason) for e in move.quarantine()] == [('{"$numberInt":"2"}', "foreign_key")]
        mongo_db.db.pets.update_one({"_id": 2}, {"$set": {"owner": 8}})
        assert [r.outcome for r in move.retry()] == ["quarantined"]
        assert counts_of(move.status())["pets"] == (2, 1, 1, 0)
        mongo_db.db.pets.update_one({"_id": 2}, {"$set": {"owner": 1}})
        assert [r.outcome for r in move.retry()] == ["copied"]
        assert counts_of(move.status())["pets"] == (2, 2, 0, 0)
        assert move.verify().equal


def test_rows_that_are_not_the_moves_own_are_reported(
    new_target: NewTarget, mongo_db: MongoScratch, tmp_path: Path
) -> None:
    """Nobody's record made the row that breaks the constraint: it stays, and the copy says where it stopped."""
    target = new_target()
    schema = "CREATE TABLE people (id int PRIMARY KEY, mail text UNIQUE);"
    mapping = {"people": "SELECT p._id AS id, p.mail AS mail FROM people AS p"}
    mongo_db.db.people.insert_many([{"_id": 1, "mail": "a"}])
    with open_move(shop.small_project(tmp_path / "p", schema, mapping), mongo_db.url, target.url) as move:
        move.survey()
        move.apply_schema()
        with psycopg.connect(target.url) as connection:
            connection.execute("INSERT INTO people VALUES (90, 'a')")
        with pytest.raises(CrossfadeError, match=r"the step 'unique people\.people_mail_key' of the schema failed"):
            move.copy()
        target.execute("DELETE FROM people WHERE id = 90")
        assert counts_of(move.copy()) == {"people": (1, 1, 0, 0)}

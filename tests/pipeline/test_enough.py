"""A copy that loses too much of an entity stops early, says why, and resumes when it is fixed."""

from __future__ import annotations

from pathlib import Path

import pytest

import shop
from crossfade.errors import Refused, Stale, TooManyRefused
from crossfade.model.counts import Counts
from crossfade.model.events import Refusals
from crossfade.model.rejection import Rejection
from crossfade.pipeline.enough import Losses, StopAt, require_few
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch

WHY = Rejection(0, "unique", "d", "t", constraint="k")
SCHEMA = """
CREATE TABLE users (id int PRIMARY KEY, age int CHECK (age < 200), mail text UNIQUE);
CREATE TABLE posts (id int PRIMARY KEY, author int REFERENCES users (id));
"""
MAPPING = {
    "users": "SELECT u._id AS id, u.age AS age, u.mail AS mail FROM users AS u",
    "posts": "SELECT p._id AS id, p.author AS author FROM posts AS p",
}


def project(tmp_path: Path, share: float) -> Path:
    more = f"limits.stop_at = {share}\nlimits.stop_at_least = 5\n"
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.001, more=more)
    toml = folder / "crossfade.toml"
    toml.write_text(toml.read_text().replace("limits.quarantine = 1.0\n", ""))  # what may be there stops nothing
    return folder


def test_the_copy_stops_early_and_goes_on_when_the_records_are_fixed(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    mongo_db.db.users.insert_many([{"_id": i, "age": 900 if i % 2 else 20, "mail": f"{i}"} for i in range(200)])
    folder = project(tmp_path, 0.1)
    mongo_db.db.posts.insert_one({"_id": 1, "author": 0})
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        with pytest.raises(TooManyRefused) as stopped:
            move.copy()
        assert "of users" in stopped.value.message
        assert "check at users" in stopped.value.message
        status = {e.entity: e for e in move.status().entities}
        assert 5 <= status["users"].counts.quarantined < 100
        mongo_db.db.users.update_many({"age": 900}, {"$set": {"age": 90}})
        move.copy()
        move.retry()
        assert counts_of(move.status()) == {"posts": (1, 1, 0, 0), "users": (200, 200, 0, 0)}
        assert move.verify().equal


@pytest.mark.parametrize("broken", ["orphans", "duplicates"])
def test_a_constraint_that_most_rows_break_removes_none(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, broken: str
) -> None:
    same = broken == "duplicates"
    mongo_db.db.users.insert_many([{"_id": i, "age": 20, "mail": "m" if same else f"{i}"} for i in range(20)])
    mongo_db.db.posts.insert_many([{"_id": i, "author": i if same else 100 + i} for i in range(20)])
    with open_move(project(tmp_path, 0.5), mongo_db.url, pg_db.url) as move:
        move.survey()
        for _ in range(2):  # also when it is tried again
            with pytest.raises(TooManyRefused, match=r"users_mail_key|posts_author_fkey"):
                move.copy()
            assert counts_of(move.status()) == {"posts": (20, 20, 0, 0), "users": (20, 20, 0, 0)}
        assert move.quarantine() == []
    toml = tmp_path / "p" / "crossfade.toml"
    toml.write_text(toml.read_text().replace("limits.stop_at = 0.5", "limits.stop_at = 1"))
    with open_move(tmp_path / "p", mongo_db.url, pg_db.url) as move:
        status = move.copy()
        assert status.finished
        assert all(e.balanced for e in status.entities)
        assert {e.reason for e in move.quarantine()} == ({"unique", "foreign_key"} if same else {"foreign_key"})


def test_the_way_on_from_a_foreign_key_is_one_that_works(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    """Other constraints are made by then, and a copy does not begin again with them."""
    mongo_db.db.users.insert_many([{"_id": i, "age": 20, "mail": f"{i}"} for i in range(20)])
    mongo_db.db.posts.insert_many([{"_id": i, "author": 100 + i} for i in range(20)])
    folder = project(tmp_path, 0.5)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        with pytest.raises(TooManyRefused) as stopped:
            move.copy()
    (folder / "mapping" / "posts.sql").write_text("SELECT p._id AS id, p.author - 100 AS author FROM posts AS p")
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        with pytest.raises(Stale) as stale:
            move.copy()
        with pytest.raises(Refused) as restarted:
            move.restart()
        for refused in (stopped, stale, restarted):
            assert "crossfade reset, then crossfade run" in (refused.value.hint or "")
            assert "--restart" not in (refused.value.hint or "")
        assert move.reset()
        assert counts_of(move.copy()) == {"posts": (20, 20, 0, 0), "users": (20, 20, 0, 0)}


@pytest.mark.parametrize(
    ("lost", "of", "stops"), [(4, 5, False), (5, 50, False), (6, 50, True), (100, 1000, False), (101, 1000, True)]
)
def test_a_share_and_a_least_number(lost: int, of: int, stops: bool) -> None:
    assert StopAt(0.1, 5).reached(lost, of) == stops


def test_losses_name_the_most_frequent_cause() -> None:
    losses = Losses(StopAt(0.1, 5))
    losses.add("a", Counts(source=10, copied=8, quarantined=2), (Refusals("check", "t.c", 2, "c = 1"),))
    losses.add("b", Counts(source=100, copied=100), ())
    with pytest.raises(TooManyRefused, match=r"5 of the 20 records of a .*not_null at t\.d \(3\): NULL"):
        losses.add("a", Counts(source=10, copied=7, quarantined=3), (Refusals("not_null", "t.d", 3, "NULL"),))


def test_few_rows_pass() -> None:
    require_few(StopAt(0.1, 5), 4, WHY, {"t": 5})
    require_few(StopAt(1.0, 5), 50, WHY, {"t": 50})
    with pytest.raises(TooManyRefused):
        require_few(StopAt(0.1, 5), 50, WHY, {"t": 60})

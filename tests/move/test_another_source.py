"""A resumed copy reads from the source that it began with, and from no other."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bson import encode

import shop
from crossfade.errors import Stale
from crossfade.journal import journal
from crossfade.model.identity import SourceIdentity, changed
from crossfade.move import Move
from in_memory import fill
from outcome import open_move
from scratch import MongoScratch, PostgresScratch

SCHEMA = "CREATE TABLE things (id int PRIMARY KEY, v int);"
MAPPING = {"things": "SELECT t._id AS id, t.v AS v FROM things AS t"}
Opener = Callable[[str], Move]


@pytest.fixture
def opened(pg_db: PostgresScratch, tmp_path: Path) -> Opener:
    folder = shop.small_project(tmp_path / "project", SCHEMA, MAPPING)
    return lambda source: open_move(folder, source, pg_db.url)


@pytest.fixture
def in_memory(new_memory: Callable[[], str], tmp_path: Path) -> Opener:
    folder, target = shop.small_project(tmp_path / "in_memory", SCHEMA, MAPPING), new_memory()
    return lambda source: open_move(folder, source, target)


def things(count: int) -> list[dict[str, int]]:
    return [{"_id": n, "v": n} for n in range(count)]


def test_another_database_is_refused_by_all_that_read_and_told_by_status(
    new_memory: Callable[[], str], in_memory: Opener
) -> None:
    source, other = new_memory(), new_memory()
    fill(source, "things", things(5))
    fill(other, "things", things(5))
    with in_memory(source) as move:
        move.survey()
        assert move.copy().ok
    with in_memory(other) as move:
        for attempt in (move.copy, move.verify, move.retry, lambda: move.copy(source_moved=True)):
            with pytest.raises(Stale, match="different entities: things"):
                attempt()
        status = move.status()
        assert not status.ok
        assert any("different entities: things" in fault for fault in status.faults)
    with in_memory(source) as move:
        assert move.status().ok
        assert move.verify().equal


def test_a_collection_created_again_is_another_one(mongo_db: MongoScratch, opened: Opener) -> None:
    mongo_db.db.things.insert_many(things(5))
    with opened(mongo_db.url) as move:
        move.survey()
        move.copy()
    mongo_db.db.things.drop()
    mongo_db.db.things.insert_many(things(5))
    with opened(mongo_db.url) as move, pytest.raises(Stale, match="different entities: things"):
        move.copy()


def test_a_source_at_another_place_is_confirmed_once(mongo_db: MongoScratch, opened: Opener) -> None:
    mongo_db.db.things.insert_many(things(5))
    with opened(mongo_db.url) as move:
        move.survey()
        move.copy()
        with move.context.transaction() as tx:  # as if it had been elsewhere
            found = journal.find_identity(tx)
            assert found is not None
            assert list(found.parts) == ["things"]
            journal.set_source(tx, "mongodb://old/app", replace(found, places=("rs0/old.example.org:27017",)))
        with pytest.raises(Stale, match=r"at rs0/127\.0\.0\.1:\d+, and was at rs0/old\.example\.org:27017"):
            move.copy()
        assert not move.status().ok
        assert move.copy(source_moved=True).ok
        assert move.copy().ok
        assert move.status().source == mongo_db.url


def test_a_copy_that_starts_over_may_start_from_another(new_memory: Callable[[], str], in_memory: Opener) -> None:
    source, other = new_memory(), new_memory()
    fill(source, "things", things(5))
    fill(other, "things", things(7))
    with in_memory(source) as move:
        move.survey()
        move.apply_schema()
    with in_memory(other) as move:
        assert [e.counts.copied for e in move.copy().entities] == [7]


def test_a_dump_that_was_replaced_changed_or_moved(tmp_path: Path, opened: Opener) -> None:
    file = tmp_path / "app" / "things.bson"
    file.parent.mkdir()
    whole = b"".join(map(encode, things(2000)))
    file.write_bytes(whole)
    with opened(f"dump:{file.parent}") as move:
        move.survey()
        assert move.copy().ok
    elsewhere = tmp_path / "elsewhere"
    file.parent.rename(elsewhere)
    file = elsewhere / "things.bson"
    with opened(f"dump:{elsewhere}") as move:
        with pytest.raises(Stale, match="and was 'app'"):
            move.copy()
        assert move.copy(source_moved=True).ok
    written = file.stat().st_mtime_ns
    os.utime(file, ns=(written, written + 1))
    with opened(f"dump:{elsewhere}") as move:
        with pytest.raises(Stale, match="things was written since"):
            move.verify()
        assert move.copy(source_moved=True).ok
        assert move.verify().equal
    file.write_bytes(whole[: len(whole) // 2].replace(b"v", b"w"))
    with opened(f"dump:{elsewhere}") as move, pytest.raises(Stale, match="different entities: things"):
        move.copy(source_moved=True)


def test_what_counts_as_the_same() -> None:
    then = SourceIdentity("app", ("rs0/a:1", "rs0/b:1"), {"x": "1", "y": "2@5"})
    assert SourceIdentity.from_text(then.as_text()) == then
    assert changed(then, replace(then, places=("rs0/b:1", "rs0/c:1")), {"x", "y"}) is None
    assert changed(then, replace(then, parts={"x": "1", "y": "3@5"}), {"x"}) is None
    for now, other in (
        (replace(then, places=("rs0/c:1",)), ()),
        (replace(then, database="app2"), ()),
        (replace(then, parts={"x": "1", "y": "2@6"}), ()),
        (replace(then, parts={"x": "9", "y": "2@5"}, database="app2"), ("x",)),
        (replace(then, parts={"x": "1"}), ("y",)),
    ):
        found = changed(then, now, {"x", "y", "unknown"})
        assert found is not None
        assert found.other == other


def test_copy_again_reads_from_the_same_source(new_memory: Callable[[], str], in_memory: Opener) -> None:
    """Of a move of one entity nothing else tells where its rows came from; they are not removed either."""
    source, other = new_memory(), new_memory()
    fill(source, "things", things(5))
    fill(other, "things", things(3))
    with in_memory(source) as move:
        move.survey()
        move.copy()
    with in_memory(other) as move, pytest.raises(Stale):
        move.forget(tables=["things"])
    with in_memory(source) as move:
        assert move.verify().counts.source == 5
        move.forget(tables=["things"])  # and the run ends here
    with in_memory(other) as move, pytest.raises(Stale):
        move.copy()
    with in_memory(source) as move:
        move.copy()
        assert move.verify().equal


def test_an_entity_that_was_created_again_is_copied_again(mongo_db: MongoScratch, opened: Opener) -> None:
    mongo_db.db.things.insert_many(things(5))
    with opened(mongo_db.url) as move:
        move.survey()
        move.copy()
    mongo_db.db.things.drop()
    mongo_db.db.things.insert_many(things(3))
    with opened(mongo_db.url) as move:
        move.forget(entities=["things"])
        move.copy()
        assert (move.verify().equal, move.verify().counts.source) == (True, 3)

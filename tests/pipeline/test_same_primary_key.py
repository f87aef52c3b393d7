"""Records that want one primary key: whatever order they are loaded in, the first by its own key has it, and the
quarantine says the same of the others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

import shop
from crossfade.model.batch import Chunk
from crossfade.move import Move
from crossfade.pipeline import copy as chunks_of
from crossfade.pipeline import duplicate_keys, retry
from outcome import Outcome, balanced, open_move, outcome
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE TABLE orders (number int PRIMARY KEY, note text);
CREATE TABLE people (mail text PRIMARY KEY, id uuid NOT NULL);
CREATE TABLE labels (name text PRIMARY KEY);
CREATE TABLE aliases (alias text PRIMARY KEY, name text NOT NULL);
"""
MAPPING = {
    "orders": "SELECT o.number AS number, o.note AS note FROM orders AS o",
    "people": "SELECT p.mail AS mail, uuid_of(p._id) AS id FROM people AS p",
    "labels": "SELECT l.name AS name FROM labels AS l",
    "aliases": "SELECT a.alias AS alias, l.name AS name FROM labels AS l, unnest(l.aliases) AS a(alias)",
}
"""`orders`, `labels` and `aliases` are in the ledger, `people` has an owner column beside its key."""
DISCARDS = "".join(
    f'\n[[discard]]\nentity = "{entity}"\npath = "{path}"\nreason = "it is there for the test"\n'
    for entity, path in (("orders", "_id"), ("labels", "_id"), ("orders", "pad"), ("people", "pad"), ("labels", "pad"))
)
PAD = "." * 2000
COUNT = 40


def documents() -> dict[str, list[dict[str, Any]]]:
    some = random.Random(7)
    labels = [
        {
            "_id": i,
            "name": f"n{some.randrange(30)}",
            "aliases": [f"a{some.randrange(90)}" for _ in range(3)],
            "pad": PAD,
        }
        for i in range(COUNT)
    ]
    return {
        "orders": [{"_id": i, "number": some.randrange(25), "note": str(i), "pad": PAD} for i in range(COUNT)],
        "people": [{"_id": oid(i), "mail": f"p{some.randrange(25)}@x.org", "pad": PAD} for i in range(COUNT)],
        "labels": labels,
    }


def oid(number: int) -> ObjectId:
    return ObjectId(f"{number:024x}")


def wanted(entity: str, document: dict[str, Any]) -> list[Any]:
    if entity == "labels":
        return [("name", document["name"]), *(("alias", alias) for alias in document["aliases"])]
    return [document["number"] if entity == "orders" else document["mail"]]


def winners(entity: str, found: Sequence[dict[str, Any]]) -> set[Any]:
    """The keys of the records that come in: one after the other, each whose values are free."""
    taken: set[Any] = set()
    inside = set()
    for document in found:
        values = wanted(entity, document)
        if len(set(values)) == len(values) and taken.isdisjoint(values):
            taken.update(values)
            inside.add(document["_id"])
    return inside


@pytest.fixture
def move(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> Any:
    for entity, found in documents().items():
        mongo_db.db[entity].insert_many(found)
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.01, more=DISCARDS)
    with open_move(folder, mongo_db.url, pg_db.url) as opened:
        opened.survey()
        yield opened


def copied(move: Move, target: str) -> Outcome:
    status = move.copy()
    found = outcome(target, status)
    balanced(status, found)
    return found


def in_another_order(monkeypatch: pytest.MonkeyPatch, change: Callable[[list[Chunk]], None]) -> None:
    copy = chunks_of.copy

    def changed(work: Any, pending: Sequence[Chunk], *more: Any) -> None:
        chunks = list(pending)
        change(chunks)
        copy(work, chunks, *more)

    monkeypatch.setattr(chunks_of, "copy", changed)


def test_who_wins_and_what_is_said_of_the_others_does_not_depend_on_the_order_of_the_loads(
    move: Move, pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = copied(move, pg_db.url)
    for entity, all_of_it in documents().items():
        held = {row[1] for row in found.quarantine if row[0] == entity}
        inside = winners(entity, all_of_it)
        assert len(held) == COUNT - len(inside)
        assert found.counts[entity] == (COUNT, len(inside), len(held), 0)
    assert {int(note) for _, note in found.tables["orders"]} == winners("orders", documents()["orders"])
    assert all(row[2] == "unique" and (" is taken by " in row[3] or " two rows " in row[3]) for row in found.quarantine)
    assert move.verify().equal

    for change in (list[Chunk].reverse, random.Random(3).shuffle):
        move.reset()
        with monkeypatch.context() as patched:
            in_another_order(patched, change)
            again = copied(move, pg_db.url)
        assert again.tables == found.tables
        assert again.quarantine == found.quarantine


def test_a_run_that_ends_while_it_decides_is_decided_by_the_next(
    move: Move, pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = copied(move, pg_db.url)
    move.reset()
    put_in, calls = retry.put_in, iter([False, True])

    def stopped(*given: Any) -> Any:
        if next(calls, False):
            raise KeyboardInterrupt
        return put_in(*given)

    with monkeypatch.context() as patched:
        in_another_order(patched, list[Chunk].reverse)
        patched.setattr(duplicate_keys, "put_in", stopped)
        with pytest.raises(KeyboardInterrupt):
            move.copy()
    again = copied(move, pg_db.url)
    assert (again.tables, again.quarantine) == (found.tables, found.quarantine)


def test_records_that_lost_to_an_earlier_one_are_not_looked_at_again(
    move: Move, pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    put_in = retry.put_in

    def told(work: Any, entity: str, *more: Any) -> Any:
        tried.append(entity)
        return put_in(work, entity, *more)

    monkeypatch.setattr(duplicate_keys, "put_in", told)
    copied(move, pg_db.url)
    assert set(tried) == {"labels"}  # those make several rows

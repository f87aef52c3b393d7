"""Records are compared by lists of keys: whatever somebody did to a record or its rows is found, under its key, and
nothing else is.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import clan
from crossfade.journal.tables import LEDGER, QUARANTINE
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.runtime.sent_once import Once
from crossfade.runtime.session import close_sessions
from crossfade.stores.memory.database import Database, database, forget
from crossfade.stores.open import open_store
from crossfade.verify.chunk import Agreed
from crossfade.verify.listed import Listing, Unequal, compare_listed

GROUPS = {
    of: {"_id": of, "name": of.upper(), "slug": None, "lead": 1 if of == "a" else None, "handle": handle}
    for of, handle in (("a", "h"), ("b", None))
}
PEOPLE: dict[Any, clan.Document] = {
    of: {"_id": of, "email": f"e{of}", "age": age, "group": "ab"[of % 2], "boss": boss, "tags": tags, "handle": handle}
    for of, age, boss, tags, handle in (
        (1, "30", None, ["t"], "i"),
        (2, "31", 1, ["t", "u"], None),
        (3, "old", None, ["v"], "k"),  # quarantined
        (4, clan.HIDDEN, None, [], None),  # discarded
        (5, "50", 2, [], "l"),
    )
}
EVERY = {("groups", of) for of in GROUPS} | {("people", of) for of in (*PEOPLE, 9)}


class World:
    """A move that is finished, and copies of its target."""

    def __init__(self, folder: Path) -> None:
        self.url = f"memory://{secrets.token_hex(6)}"
        self.folder, self.template = folder, folder / "template.db"
        clan.surveyed(clan.project(folder / "p", self.url, f"sqlite:///{self.template}"), self.url)
        clan.fill(self.source, {"groups": GROUPS, "people": PEOPLE})
        self.move = Move(load_project(folder / "p"))
        self.move.copy()
        with closing(sqlite3.connect(self.template)) as there, there:
            there.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def fresh(self) -> None:
        """All as it was after the copy."""
        clan.fill(self.source, {"groups": GROUPS, "people": PEOPLE})
        self.file = self.folder / f"{secrets.token_hex(6)}.db"
        shutil.copy(self.template, self.file)
        self.work = clan.again(self.move.context.work, open_target=partial(open_store, f"sqlite:///{self.file}"))

    @property
    def source(self) -> Database:
        return database(self.url, BSON)

    def run(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def put(self, entity: str, *documents: dict[str, Any]) -> None:
        self.source.put(entity, *map(to_bson, documents))

    def findings(self, keys: Sequence[tuple[str, Any]] = sorted(EVERY, key=repr)) -> dict[tuple[str, Any], Unequal]:
        work, found = self.work, dict[tuple[str, Any], Unequal]()
        agreed = Once(Agreed(frozenset(work.tables), 100, names_all=True))
        for entity in ("groups", "people"):
            named = {clan.key(of): (entity, of) for name, of in keys if name == entity}
            result = compare_listed(work, Listing(entity, dict.fromkeys(named, ""), None, agreed))
            assert result.accounts.keys() == named.keys()
            found |= {named[key]: one for key, one in result.findings.items()}
        return found


@pytest.fixture(scope="module")
def one_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("listed"))
    yield made
    made.move.close()
    forget(made.url)


@pytest.fixture
def world(one_world: World) -> Iterator[World]:
    one_world.fresh()
    yield one_world
    close_sessions(one_world.work.token)


def test_what_was_copied_is_equal(world: World) -> None:
    assert world.findings() == {}


_TABLE = {LEDGER.name: "crossfade_ledger", QUARANTINE.name: "crossfade_quarantine"}

TARGET: dict[str, tuple[Sequence[str], set[tuple[str, Any]], set[str]]] = {
    "a value": (["UPDATE people SET email = 'zz' WHERE id = 1"], {("people", 1)}, {"changed"}),
    "a value of a lookup": (["UPDATE people SET group_name = 'q' WHERE id = 2"], {("people", 2)}, {"changed"}),
    "NULL": (["UPDATE people SET boss_id = NULL WHERE id = 2"], {("people", 2)}, {"changed"}),
    "a missing row": (["DELETE FROM tags WHERE tag = 'u'"], {("people", 2)}, {"missing"}),
    "a whole record": (["DELETE FROM people WHERE id = 5"], {("people", 5)}, {"missing"}),
    "a row more": (["INSERT INTO tags VALUES (5, 'x')"], {("people", 5)}, {"extra"}),
    "another key": (["UPDATE tags SET tag = 'x' WHERE tag = 'u'"], {("people", 2)}, {"missing", "extra"}),
    "another owner": (
        ["UPDATE tags SET person_id = 5 WHERE tag = 'u'"],
        {("people", 2), ("people", 5)},
        {"missing", "extra"},
    ),
    "two swapped": (
        [
            "UPDATE groups SET id = 'x' WHERE id = 'a'",
            "UPDATE groups SET id = 'a' WHERE id = 'b'",
            "UPDATE groups SET id = 'b' WHERE id = 'x'",
        ],
        {("groups", "a"), ("groups", "b")},
        {"changed"},
    ),
    "a row in the ledger": (["UPDATE handles SET holder = 'q' WHERE handle = 'l'"], {("people", 5)}, {"changed"}),
    "a row in the ledger is missing": (["DELETE FROM handles WHERE handle = 'h'"], {("groups", "a")}, {"missing"}),
    "the rows of another": (
        [f"UPDATE {_TABLE['ledger']} SET record_key = '{clan.key(1)}' WHERE row_key = '[\"l\"]'"],
        {("people", 5)},
        {"duplicate"},
    ),
    "rows of a record in quarantine": (
        ["INSERT INTO people VALUES (3, 'e3', 1, 'b', NULL, 'B')"],
        {("people", 3)},
        {"extra"},
    ),
    "rows of a discarded record": (["INSERT INTO tags VALUES (4, 'x')"], {("people", 4)}, {"extra"}),
    "rows of a record that never was": (["INSERT INTO tags VALUES (9, 'x')"], {("people", 9)}, {"extra"}),
}


@pytest.mark.parametrize("name", TARGET)
def test_what_somebody_did_to_the_target_is_found(world: World, name: str) -> None:
    statements, records, kinds = TARGET[name]
    world.run("PRAGMA foreign_keys = OFF", *statements)
    found = world.findings()
    assert found.keys() == records
    assert {d.kind for one in found.values() for d in one.differences} == kinds


def test_what_somebody_did_to_the_journal_is_found(world: World) -> None:
    world.run(f"DELETE FROM {_TABLE['quarantine']}")
    assert {who: one.uncounted is not None for who, one in world.findings().items()} == {("people", 3): True}


def test_a_record_in_quarantine_in_another_form(world: World) -> None:
    world.put("people", {**PEOPLE[3], "email": "other"})
    assert {who: one.altered is not None for who, one in world.findings().items()} == {("people", 3): True}


SOURCE: dict[str, tuple[Callable[[World], None], set[tuple[str, Any]]]] = {
    "changed": (lambda w: w.put("people", {**PEOPLE[1], "tags": []}), {("people", 1)}),
    "new": (lambda w: w.put("people", {**PEOPLE[1], "_id": 9, "email": "e9", "handle": None}), {("people", 9)}),
    "gone": (lambda w: w.source.remove("people", clan.key(2)), {("people", 2)}),
    "gone from quarantine": (lambda w: w.source.remove("people", clan.key(3)), {("people", 3)}),
    "gone after a discard": (lambda w: w.source.remove("people", clan.key(4)), set()),
    "to be discarded": (lambda w: w.put("people", {**PEOPLE[1], "age": clan.HIDDEN}), {("people", 1)}),
    "not discarded any more": (lambda w: w.put("people", {**PEOPLE[4], "age": "1"}), {("people", 4)}),
    "not to be read": (lambda w: w.put("people", {**PEOPLE[1], "age": 7}), {("people", 1)}),
    "looked up": (
        lambda w: w.put("groups", {**GROUPS["b"], "name": "new"}),
        {("groups", "b"), ("people", 1), ("people", 5)},
    ),
}


@pytest.mark.parametrize("name", SOURCE)
def test_what_the_source_did_and_nobody_applied_is_found(world: World, name: str) -> None:
    world.findings()  # what was looked up then is forgotten
    act, records = SOURCE[name]
    act(world)
    assert world.findings().keys() == records


def test_only_the_keys_that_are_listed_are_compared(world: World) -> None:
    world.run("DELETE FROM tags")
    assert world.findings([("people", 2), ("groups", "a")]).keys() == {("people", 2)}

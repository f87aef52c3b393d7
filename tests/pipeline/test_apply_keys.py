"""`apply` in state mode, after random changes of a source: what is in the target is what the source makes, whoever is
in quarantine is there for a reason that is true, and whoever could be in is.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import clan
from crossfade.errors import Unreachable
from crossfade.journal import dirty, journal
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.runtime.session import Work, close_sessions, session
from crossfade.stores.memory.database import database, forget
from crossfade.stores.open import open_store
from crossfade.stores.sqlite.target import SqliteWriter

KEYS = {"groups": st.sampled_from("abc"), "people": st.integers(1, 4)}
GROUP = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["A", "B"]),
        "slug": st.sampled_from([None, "s", "t"]),
        "lead": st.sampled_from([None, 1, 2, 3, 4]),
        "handle": st.sampled_from([None, None, "h", "i"]),
    }
)
PERSON = st.fixed_dictionaries(
    {
        "email": st.sampled_from("efg"),
        "age": st.sampled_from(["30", "31", "old", "99", "200"]),
        "group": st.sampled_from("abc"),
        "boss": st.sampled_from([None, None, 1, 2, 3, 4]),
        "tags": st.sampled_from([[], ["t"], ["t", "u"]]),
        "handle": st.sampled_from([None, None, "h", "i"]),
    }
)


class World:
    """A move that is finished with nothing in its source, and copies of its target."""

    def __init__(self, folder: Path) -> None:
        self.source = f"memory://{secrets.token_hex(6)}"
        self.folder = folder
        self.template = folder / "template.db"
        clan.surveyed(clan.project(folder / "p", self.source, f"sqlite:///{self.template}"), self.source)
        self.move = Move(load_project(folder / "p"))
        self.move.copy()
        self.work = self.move.context.work

    def target(self) -> tuple[Work, Path]:
        file = self.folder / f"{secrets.token_hex(6)}.db"
        with closing(sqlite3.connect(self.template)) as there, there:
            there.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self.template, file)
        return clan.again(self.work, open_target=partial(open_store, f"sqlite:///{file}")), file


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("clan"))
    Machine.world = made
    yield made
    made.move.close()
    forget(made.source)


def read(file: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as connection, connection:
        return connection.execute(sql).fetchall()


class Machine(RuleBasedStateMachine):
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.work, self.file = self.world.target()
        self.records: dict[str, dict[Any, clan.Document]] = {"groups": {}, "people": {}}
        self.changed: set[tuple[str, Any]] = set()
        clan.fill(database(self.world.source, BSON), self.records)

    def teardown(self) -> None:
        close_sessions(self.work.token)
        for left in self.file.parent.glob(self.file.name + "*"):
            left.unlink()

    def _touch(self, entity: str, of: Any) -> None:
        self.changed.add((entity, of))
        if entity == "groups":  # people look their group up
            self.changed |= {("people", p) for p, doc in self.records["people"].items() if doc["group"] == of}

    @rule(of=KEYS["groups"], doc=GROUP)
    def put_group(self, of: str, doc: clan.Document) -> None:
        self._put("groups", of, doc)

    @rule(of=KEYS["people"], doc=PERSON)
    def put_person(self, of: int, doc: clan.Document) -> None:
        self._put("people", of, doc)

    def _put(self, entity: str, of: Any, doc: clan.Document) -> None:
        self.records[entity][of] = {"_id": of, **doc}
        database(self.world.source, BSON).put(entity, to_bson(self.records[entity][of]))
        self._touch(entity, of)

    @rule(one=KEYS["people"], other=KEYS["people"])
    def swap_emails(self, one: int, other: int) -> None:
        people = self.records["people"]
        if one in people and other in people:
            mine, theirs = people[one], people[other]
            self._put("people", one, {**mine, "email": theirs["email"], "handle": theirs["handle"]})
            self._put("people", other, {**theirs, "email": mine["email"], "handle": mine["handle"]})

    @rule(entity=st.sampled_from(["groups", "people"]), data=st.data())
    def remove(self, entity: str, data: st.DataObject) -> None:
        of = data.draw(KEYS[entity])
        if of in self.records[entity]:
            del self.records[entity][of]
            database(self.world.source, BSON).remove(entity, clan.key(of))
            self._touch(entity, of)

    @rule()
    def apply(self) -> None:
        clan.apply(self.work, self.changed)
        self.changed.clear()
        found = clan.found_in(self.work, partial(read, self.file))
        clan.require_true(self.records, found)
        assert not clan.could_be_in(self.records, found)

    @rule()
    def apply_everything_again(self) -> None:
        """Nothing is written where all is as it should be."""
        self.apply()
        everyone = [(entity, of) for entity in self.records for of in self.records[entity]]
        assert all(not any(map(any, done.rows.values())) for done in clan.apply(self.work, everyone))

    @invariant()
    def foreign_keys_hold(self) -> None:
        assert read(self.file, "PRAGMA foreign_key_check") == []


def test_random_changes_on_sqlite(world: World) -> None:
    Machine.TestCase.settings = settings(
        max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
    )
    case: Callable[[], None] = Machine.TestCase().runTest
    case()


@pytest.mark.parametrize("point", ["before", "after"])
def test_a_commit_that_is_cut_off(world: World, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """Before the commit nothing is there; after it all is, although nobody heard of it: the next run finds either."""
    work, file = world.target()
    whole = SqliteWriter.transaction

    @contextmanager
    def cut(self: SqliteWriter) -> Iterator[Any]:
        with whole(self) as tx:
            yield tx
            if point == "before":
                raise Unreachable("the connection is lost")
        raise Unreachable("the connection is lost")

    records: dict[str, dict[Any, clan.Document]] = {
        "groups": {"a": {**clan.GROUP, "lead": None}},
        "people": {1: {**clan.PERSON, "handle": None}},
    }
    clan.fill(database(world.source, BSON), records)
    clan.put(work, [("groups", "a"), ("people", 1)])
    with session(work).transaction() as tx:
        todo = dirty.all_dirty(tx)
    with monkeypatch.context() as patched:
        patched.setattr(SqliteWriter, "transaction", cut)
        with pytest.raises(Unreachable):
            clan.apply_these(work, todo)
    assert len(read(file, "SELECT * FROM people")) == (point == "after")
    clan.apply_these(work, todo)
    clan.require_true(records, clan.found_in(work, partial(read, file)))
    close_sessions(work.token)


def test_an_entry_of_the_copy_is_tried_by_its_value_once_it_was_tried(tmp_path: Path) -> None:
    source = f"memory://{secrets.token_hex(6)}"
    clan.surveyed(clan.project(tmp_path / "p", source, f"sqlite:///{tmp_path / 't.db'}"), source)
    people = {1: {**clan.PERSON, "group": "c", "boss": None, "handle": None}}
    groups: dict[str, clan.Document] = {}
    with Move(load_project(tmp_path / "p")) as move:
        clan.fill(database(source, BSON), {"groups": groups, "people": people})
        move.copy()
        work = move.context.work
        tried = []
        for of in "abc":
            groups[of] = {"_id": of, "name": of, "slug": None, "lead": None, "handle": None}
            clan.fill(database(source, BSON), {"groups": groups, "people": people})
            tried.append(len(clan.apply(work, [("groups", of)])))
        # the first makes it known what the person waits for, the second is none of its business
        assert tried == [2, 1, 2]
        assert len(read(tmp_path / "t.db", "SELECT * FROM people")) == 1
    forget(source)


def test_a_record_that_wants_a_row_of_its_own_twice(world: World) -> None:
    """Also where the row is there already, and as it is to be."""
    work, file = world.target()
    group = {"_id": "a", "name": "A", "slug": None, "lead": None, "handle": None}
    for tags in (["t"], ["t", "t"]):
        people = {1: {**clan.PERSON, "boss": None, "tags": tags}}
        clan.fill(database(world.source, BSON), {"groups": {"a": group}, "people": people})
        clan.apply(work, [("groups", "a"), ("people", 1)])
    assert read(file, "SELECT * FROM tags") == read(file, "SELECT * FROM people") == []
    with session(work).transaction() as tx:
        assert [(e.entity, e.reason, e.table) for e in journal.entries(tx)] == [("people", "unique", "tags")]
    close_sessions(work.token)

"""`apply` in state mode under PostgreSQL's own foreign keys and constraints: random changes, two at once, and a commit
that fails.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import clan
from crossfade.journal import dirty
from crossfade.move import Move
from crossfade.project import load_project
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.runtime.again import again
from crossfade.runtime.session import Session, Work, close_sessions, session
from crossfade.stores.memory.database import Database, database, forget
from scratch import PostgresScratch


class World:
    """A finished move with nothing in its source, and what is in the source by now."""

    def __init__(self, folder: Path, pg: PostgresScratch) -> None:
        self.url, self.pg = f"memory://{secrets.token_hex(6)}", pg
        clan.surveyed(clan.project(folder / "p", self.url, pg.url, clan.POSTGRESQL), self.url)
        self.move = Move(load_project(folder / "p"))
        self.move.copy()
        self.work: Work = self.move.context.work
        self.records: dict[str, dict[Any, clan.Document]] = {"groups": {}, "people": {}}

    @property
    def source(self) -> Database:
        return database(self.url, BSON)

    def put(self, entity: str, of: Any, **fields: Any) -> tuple[str, Any]:
        self.records[entity][of] = {"_id": of, **fields}
        self.source.put(entity, to_bson(self.records[entity][of]))
        return entity, of

    def group(self, of: str, **fields: Any) -> tuple[str, Any]:
        return self.put("groups", of, **{"name": "A", "slug": None, "lead": None, "handle": None, **fields})

    def person(self, of: int, **fields: Any) -> tuple[str, Any]:
        plain = {"email": f"e{of}", "age": "30", "group": "a", "boss": None, "tags": ["t"], "handle": None}
        return self.put("people", of, **{**plain, **fields})

    def remove(self, entity: str, of: Any) -> tuple[str, Any]:
        del self.records[entity][of]
        self.source.remove(entity, clan.key(of))
        return entity, of

    def require_true(self) -> clan.Found:
        found = clan.found_in(self.work, self.pg.execute)
        clan.require_true(self.records, found)
        assert not clan.could_be_in(self.records, found)
        return found


@pytest.fixture
def world(tmp_path: Path, pg_db: PostgresScratch) -> Iterator[World]:
    made = World(tmp_path, pg_db)
    yield made
    made.move.close()
    forget(made.url)


def random_change(world: World, rng: random.Random) -> set[tuple[str, Any]]:
    people = world.records["people"]
    what = rng.randrange(10)
    if what < 3:
        of, free = rng.choice("abc"), [None, 1, 2, 3, 4]
        touched = {world.group(of, slug=rng.choice([None, "s", "t"]), lead=rng.choice(free), name=rng.choice("AB"))}
        return touched | {("people", p) for p, doc in people.items() if doc["group"] == of}
    if what < 7:
        return {
            world.person(
                rng.randrange(1, 5),
                email=rng.choice("efgh"),
                age=rng.choice(["30", "31", "old", "99", "200"]),
                group=rng.choice("abc"),
                boss=rng.choice([None, None, 1, 2, 3, 4]),
                tags=rng.choice([[], ["t"], ["t", "u"]]),
                handle=rng.choice([None, "h", "i"]),
            )
        }
    if what == 7 and len(people) > 1:
        one, other = rng.sample(sorted(people), 2)
        mine, theirs = people[one], people[other]
        fields = [{k: v for k, v in d.items() if k != "_id"} for d in (mine, theirs)]
        return {
            world.put("people", one, **{**fields[0], "email": theirs["email"]}),
            world.put("people", other, **{**fields[1], "email": mine["email"]}),
        }
    entity = rng.choice(["groups", "people"])
    if not world.records[entity]:
        return set()
    of = rng.choice(sorted(world.records[entity]))
    touched = {world.remove(entity, of)}
    return touched | ({("people", p) for p, d in people.items() if d["group"] == of} if entity == "groups" else set())


@pytest.mark.parametrize("seed", range(3))
def test_random_changes(world: World, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(12):
        changed: set[tuple[str, Any]] = set()
        for _ in range(rng.randrange(1, 5)):
            changed |= random_change(world, rng)
        clan.apply(world.work, changed)
        world.require_true()


def test_unique_values_change_hands(world: World) -> None:
    """No row is deleted for it: the tags of both, which would go with them, are as they were."""
    clan.apply(world.work, [world.group("a"), world.person(1, email="x"), world.person(2, email="y")])
    before = world.pg.execute("SELECT xmin::text, person_id FROM tags ORDER BY 2")
    assert not world.require_true().entries
    (done,) = clan.apply(world.work, [world.person(1, email="y"), world.person(2, email="x")])
    assert done.rows == {"people": (0, 2, 0)}
    assert world.pg.execute("SELECT xmin::text, person_id FROM tags ORDER BY 2") == before
    world.require_true()


def test_children_go_with_their_parent_and_come_back_with_it(world: World) -> None:
    clan.apply(world.work, [world.group("a"), world.person(1), world.person(2, boss=1)])
    clan.apply(world.work, [world.remove("groups", "a")])
    assert {reason for reason, _ in world.require_true().entries.values()} == {"foreign_key"}
    assert len(world.require_true().entries) == 2
    clan.apply(world.work, [world.group("a")])
    assert not world.require_true().entries


def test_the_holder_keeps_a_value_and_the_newcomer_gets_it_after_it(world: World) -> None:
    clan.apply(world.work, [world.group("a"), world.person(2, email="x")])
    clan.apply(world.work, [world.person(1, email="x")])
    assert list(world.require_true().entries) == [("people", 1)]
    clan.apply(world.work, [world.person(2, email="y")])
    assert not world.require_true().entries


def test_a_record_that_the_target_refuses_does_not_stop_the_others(world: World) -> None:
    clan.apply(world.work, [world.group("a"), *(world.person(n, age="200" if n % 3 == 0 else "20") for n in range(9))])
    assert sorted(of for _, of in world.require_true().entries) == [0, 3, 6]


def put(s: Session, changed: Collection[tuple[str, Any]]) -> None:
    with s.transaction() as tx:
        for entity in ("groups", "people"):
            dirty.put(tx, entity, [clan.key(of) for name, of in changed if name == entity])


def test_two_at_once_on_the_same_keys(world: World) -> None:
    """Each change is put into the journal after it was made; whoever reads first, the last state is in the target.

    Two that put in the same keys may wait for each other: the server ends one, which is done again, as a run does.
    """
    clan.apply(world.work, [world.group("a"), *(world.person(n) for n in range(1, 5))])
    stop, errors = threading.Event(), list[BaseException]()

    def applier() -> None:
        work = clan.again(world.work)
        try:
            while not stop.is_set():
                with session(work).transaction() as tx:
                    todo = dirty.all_dirty(tx)
                if todo:
                    again(partial(clan.apply_these, work, todo))
        except BaseException as error:
            errors.append(error)
        finally:
            close_sessions(work.token)

    threads = [threading.Thread(target=applier) for _ in range(2)]
    for thread in threads:
        thread.start()
    rng, s = random.Random(1), session(world.work)
    try:
        for _ in range(40):
            changed = random_change(world, rng)
            again(partial(put, s, changed))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not errors
    clan.apply(world.work, [])
    world.require_true()


def test_a_commit_that_fails_leaves_the_keys_to_be_applied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clan.apply(world.work, [world.group("a"), world.person(1)])
    changed = [world.person(1, email="new"), world.remove("groups", "a")]

    def cut(*arguments: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("crossfade.pipeline.apply_keys.note", cut)
        with pytest.raises(KeyboardInterrupt):
            clan.apply(world.work, changed)
    assert world.pg.execute("SELECT email FROM people") == [("e1",)]
    clan.apply(world.work, [])
    world.require_true()


def test_who_gave_way_for_nothing_is_taken_back_with_rows_that_refer_to_its_own(world: World) -> None:
    """The first to want an address has no group; so the second has it, and the third, with tags, has its boss."""
    clan.apply(world.work, [world.group("a"), world.person(2, email="y")])
    people = [world.person(1, email="x", group="none"), world.person(2, email="x"), world.person(3, boss=2)]
    clan.apply(world.work, people)
    assert list(world.require_true().entries) == [("people", 1)]


def test_whose_parent_gets_in_after_all_but_whose_value_is_taken_waits_for_the_value(world: World) -> None:
    """The first to want an address has no group; so the second has it, who is the boss of the third, and is there
    already. The fourth has the address that the third wants.
    """
    clan.apply(world.work, [world.group("a"), world.person(2, email="y")])
    people = [world.person(1, email="x", group="none"), world.person(2, email="x")]
    clan.apply(world.work, [*people, world.person(3, email="z", boss=2), world.person(4, email="z")])
    assert reasons(world.require_true()) == {1: "foreign_key", 3: "unique"}
    clan.apply(world.work, [world.person(4, email="free")])
    assert list(world.require_true().entries) == [("people", 1)]


def test_records_of_one_table_that_refer_to_each_other_and_were_read_one_after_the_other_go_in_together(
    world: World,
) -> None:
    """One waits for the other, which brings it into view later."""
    clan.apply(world.work, [world.group("a"), world.person(1, boss=2)])
    assert reasons(world.require_true()) == {1: "foreign_key"}
    clan.apply(world.work, [world.person(2, boss=3)])
    clan.apply(world.work, [world.person(3, boss=1)])
    assert not world.require_true().entries


def reasons(found: clan.Found) -> dict[Any, str]:
    return {of: reason for (_, of), (reason, _) in found.entries.items()}


def test_of_linked_records_only_the_refused_one_is_blamed(world: World) -> None:
    """What it refuses is not what is seen first: the handle that it is to have is somebody's until he gives it up."""
    clan.apply(world.work, [world.group("a"), world.person(10, handle="h"), world.person(3)])
    changed = [world.person(10), world.person(1, age="200", handle="h"), world.person(2, boss=1)]
    clan.apply(world.work, [*changed, world.person(3, boss=1), world.person(4, boss=3), world.person(5, boss=10)])
    waiting = dict.fromkeys([2, 3, 4], "foreign_key")
    assert reasons(world.require_true()) == {1: "check", **waiting}
    clan.apply(world.work, [world.person(1, age="20", handle="h")])
    assert not world.require_true().entries


def test_where_linked_records_exclude_each_other_one_of_each_pair_is_out(world: World) -> None:
    world.pg.execute("ALTER TABLE people ADD EXCLUDE (age WITH =) WHERE (age > 100)")
    clan.apply(world.work, [world.group("a")])
    ages = {1: "101", 2: "101", 3: "102", 4: "102", 5: "30"}
    clan.apply(world.work, [world.person(0), *(world.person(n, boss=0, age=age) for n, age in ages.items())])
    found = clan.found_in(world.work, world.pg.execute)
    assert reasons(found) == {2: "exclusion", 4: "exclusion"}
    assert {row[0] for row in found.tables["people"]} == {0, 1, 3, 5}

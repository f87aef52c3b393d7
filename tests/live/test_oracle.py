"""The oracle agrees with a copy of what the writers left, for every pair of databases; and it sees what is wrong."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import club
import pytest
from club_projects import write_project
from club_stores import Change, Effect, connect, read_target
from club_writers import Maker, Size, Writers, initial

from following import wait_for
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch

SIZE = Size(60)
Source = dict[str, dict[Any, club.Document]]


@pytest.fixture
def urls(request: pytest.FixtureRequest, pg_db: PostgresScratch) -> tuple[str, str]:
    """Of the source and of the target."""
    pair: str = request.param
    mongo_db: MongoScratch = request.getfixturevalue("mongo_db")
    return (mongo_db.url, pg_db.url) if pair == "mongodb-postgresql" else (pg_db.url, mongo_db.url)


@pytest.mark.parametrize("urls", ["mongodb-postgresql", "postgresql-mongodb"], indirect=True)
def test_a_copy_of_what_the_writers_left(urls: tuple[str, str], tmp_path: Path) -> None:
    source_url, target_url = urls
    rows = source_url.startswith("postgresql")
    source, state = connect(source_url), initial(1, SIZE, rows=rows)
    source.create(state)
    folder = write_project(tmp_path / "p", rows=rows, documents=not target_url.startswith("postgresql"))
    with open_move(folder, source_url, target_url) as move:
        move.survey()
        assert [finding for finding in move.check() if finding.severity == "fault"] == []
    writers = Writers(source_url, 1, SIZE, state, rows=rows, rate=2000)
    writers.start()
    wait_for(lambda: writers.written > 300)
    writers.stop()
    source.write([Change(plant) for plant in planted(rows=rows)])
    with open_move(folder, source_url, target_url) as move:
        counts = counts_of(move.copy())
    there = source.read()
    source.close()
    assert writers.lost(there) == []
    found = club.Found(*read_target(target_url), counts)
    assert club.faults(there, found) == []
    assert {"mapping_error", "unique", "foreign_key"} <= set(found.entries.values())


def planted(*, rows: bool) -> Iterator[list[Effect]]:
    """What cannot be in the target, for one reason each: what the writers leave of it is up to chance."""
    maker = Maker(random.Random("planted"), SIZE, rows, itertools.count(10**9))
    team = {"city": 0, "chief": None, "slug": None, "handle": None}  # of the writers' teams none is there for sure
    yield [Effect("teams", "t9001", {**maker.document("teams", "t9001"), **team})]
    for key, fields in ((9001, {"age": "old"}), (9002, {}), (9003, {"email": "e9002"})):
        plain = {"email": f"e{key}", "age": "7", "handle": None, "boss": None, "team": "t9001", "bio": None}
        yield [Effect("people", key, {**maker.document("people", key), **plain, **fields})]
    yield [Effect("orders", 9001, {**maker.document("orders", 9001), "person": 9004})]


def small() -> tuple[Source, club.Found]:
    """One city, one team, two people who want one address, an order of each, and what must come of them."""
    team = {"name": "A", "slug": "s", "city": 1, "chief": None, "handle": "h", "stamp": 2}
    person = {
        "email": "e",
        "age": "7",
        "team": "t1",
        "boss": None,
        "handle": None,
        "tags": ["x"],
        "bio": None,
        "stamp": 3,
    }
    order: club.Document = {"person": 1, "amount": 5, "stamp": 4, "lines": [{"sku": "a", "qty": 1}]}
    source: Source = {
        "cities": {1: {"name": "C", "stamp": 1}},
        "teams": {"t1": team},
        "people": {1: person, 2: {**person, "stamp": 5}},
        "orders": {1: order, 2: {**order, "person": 2}},
    }
    entries = {("people", 2): "unique", ("orders", 2): "foreign_key"}
    tables = {name: Counter[club.Row]() for name in club.TABLES}
    for entity, key in (("cities", 1), ("teams", "t1"), ("people", 1), ("orders", 1)):
        for table, rows in club.rows_of(source, (entity, key)).items():
            tables[table].update(rows)
    counts = {"cities": (1, 1, 0, 0), "teams": (1, 1, 0, 0), "people": (2, 1, 1, 0), "orders": (2, 1, 1, 0)}
    return source, club.Found(tables, entries, counts)


def test_what_is_right() -> None:
    source, found = small()
    assert club.faults(source, found) == []


Damage = Callable[[Source, club.Found], club.Found]


def with_table(found: club.Found, table: str, change: Callable[[Counter[club.Row]], None]) -> club.Found:
    rows = Counter(found.tables[table])
    change(rows)
    return replace(found, tables={**found.tables, table: +rows})


def without_row(source: Source, found: club.Found) -> club.Found:
    return with_table(found, "tags", lambda rows: rows.clear())


def twice(source: Source, found: club.Found) -> club.Found:
    return with_table(found, "lines", lambda rows: rows.update(list(rows)))


def stale_lookup(source: Source, found: club.Found) -> club.Found:
    source["cities"][1]["name"] = "D"
    return replace(found, tables={**found.tables, "cities": Counter([(1, "D", 1)])})


def stale_count(source: Source, found: club.Found) -> club.Found:
    source["people"][3] = {**source["people"][1], "age": club.HIDDEN, "stamp": 6}
    return replace(found, counts={**found.counts, "people": (3, 1, 1, 1)})


def lost_entry(source: Source, found: club.Found) -> club.Found:
    return replace(found, entries={("people", 2): "unique"})


def waits_for_ever(source: Source, found: club.Found) -> club.Found:
    source["people"][2]["email"] = "free"
    return found


def false_reason(source: Source, found: club.Found) -> club.Found:
    return replace(found, entries={**found.entries, ("people", 2): "check"})


def wrong_account(source: Source, found: club.Found) -> club.Found:
    return replace(found, counts={**found.counts, "people": (2, 2, 0, 0)})


@pytest.mark.parametrize(
    "damage",
    [without_row, twice, stale_lookup, stale_count, lost_entry, waits_for_ever, false_reason, wrong_account],
)
def test_what_is_wrong_is_seen(damage: Damage) -> None:
    source, found = small()
    assert club.faults(source, damage(source, found)) != []


def test_a_lost_write_is_seen(mongo_db: MongoScratch) -> None:
    source = connect(mongo_db.url)
    state = initial(1, SIZE, rows=False)
    source.create(state)
    writers = Writers(mongo_db.url, 1, SIZE, state, rows=False, rate=500, writers=1)
    writers.start()
    wait_for(lambda: writers.written > 10)
    writers.stop()
    (who, stamp), *_ = ((w, s) for w, s in writers.all[0].notes.acknowledged.items() if s is not None)
    mongo_db.db[who[0]].update_one({"_id": who[1]}, {"$set": {"stamp": 5}})
    assert [line for line in writers.lost(source.read()) if str(stamp) in line]
    source.close()

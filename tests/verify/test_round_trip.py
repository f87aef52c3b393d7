"""The proof by rebuilding: what was changed behind our back in the target is found, and the record is named."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from bson import ObjectId

import shop
from crossfade.model.target import TargetTable
from crossfade.move import Move
from crossfade.records.bson.ejson import to_bson
from crossfade.stores.contract import TargetTransaction, need
from following import running
from in_memory import fill, held
from outcome import open_move

SCHEMA = """
CREATE TABLE users (id uuid PRIMARY KEY, name text, age integer, tags text[]);
CREATE TABLE pets (user_id uuid NOT NULL REFERENCES users (id), position integer NOT NULL, name text,
                   PRIMARY KEY (user_id, position));
"""
MAPPING = {
    "users": "SELECT uuid_of(u._id) AS id, lower(u.name) AS name, u.age AS age, list_of(u.tags) AS tags"
    " FROM users AS u",
    "pets": "SELECT uuid_of(u._id) AS user_id, p.n AS position, p.pet.name AS name"
    " FROM users AS u, unnest(u.pets) WITH ORDINALITY AS p(pet, n)",
}
USERS: list[dict[str, Any]] = [
    {
        "_id": ObjectId(f"{n:024x}"),
        "name": f"Ann {n}" if n % 3 else f"bob {n}",
        "age": n,
        "tags": ["a", str(n)] if n % 2 else str(n),
        "pets": [{"name": f"p{n}", "fur": "red"} if n % 5 == 0 else {"name": f"p{n}"} for _ in range(n % 4)],
    }
    for n in range(40)
]
DISCARD = '\n[[discard]]\nentity = "users"\npath = "pets[].fur"\nreason = "nobody asks"\n'


@pytest.fixture
def move(tmp_path: Path, new_memory: Callable[[], str]) -> Move:
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.002)
    settings = folder / "crossfade.toml"
    settings.write_text(settings.read_text() + DISCARD)
    source = new_memory()
    fill(source, "users", USERS)
    opened = open_move(folder, source, new_memory())
    opened.survey()
    assert opened.copy().ok
    return opened


def test_a_sound_copy_is_proven_and_says_by_which_path(move: Move) -> None:
    with move:
        (whole,) = move.verify_round_trip()
        assert whole.equal
        assert (whole.records, whole.compared, whole.set_aside) == (40, 40, 0)
        assert whole.rebuilt + whole.kept == 40
        assert whole.rebuilt > 5
        assert whole.at_most is None
        (part,) = move.verify_round_trip(sample=10)
        assert (part.records, part.compared) == (40, 10)
        assert part.at_most is not None
        assert 0.25 < part.at_most < 0.27  # 1 - 0.05 ** (1 / 10)


def test_every_planted_corruption_is_found_at_its_record(move: Move) -> None:
    chance = random.Random(7)
    with move:
        tables = {table.name: table for table in move.schema.tables}
        writer = need(move.target.writer, move.target, "be written to")
        for n in chance.sample(range(1, 40), 8):
            with writer.transaction() as tx:
                undo = _corrupt(tx, tables, n, chance)
            (found,) = move.verify_round_trip()
            assert [key for key, _ in found.differ] == [key_of(n)]
            with writer.transaction() as tx:
                undo(tx)
        assert move.verify_round_trip()[0].equal


def test_while_others_write_what_differs_is_compared_until_it_rests(move: Move) -> None:
    source, target = move.source.url, move.target.url
    root = move.project.root
    move.close()
    stop = threading.Event()

    def write() -> None:
        for age in count():
            held(source).put("users", *(to_bson({**user, "age": age}) for user in USERS[:5]))
            if stop.wait(0.02):
                return

    def again() -> Move:
        return open_move(root, source, target)

    with running(again), again() as live:
        writer = threading.Thread(target=write)
        writer.start()
        try:
            (found,) = live.verify_round_trip()
            assert (found.records, found.compared) == (40, 40)
            assert {key for key, _ in found.differ} <= {key_of(n) for n in range(5)}
        finally:
            stop.set()
            writer.join()
        assert live.verify_round_trip()[0].equal
        with need(live.target.writer, live.target, "be written to").transaction() as tx:
            _corrupt(tx, {table.name: table for table in live.schema.tables}, 8, random.Random(1))
        assert [key for key, _ in live.verify_round_trip()[0].differ] == [key_of(8)]
    held(source).put("users", to_bson({**USERS[9], "age": 99}))
    with again() as stopped:
        assert [key for key, _ in stopped.verify_round_trip()[0].differ] == [key_of(8), key_of(9)]


def key_of(n: int) -> str:
    return f'{{"$oid":"{n:024x}"}}'


def _corrupt(
    tx: TargetTransaction, tables: dict[str, TargetTable], n: int, chance: random.Random
) -> Callable[[TargetTransaction], Any]:
    """Change one value of a user, or delete one of its rows; return what undoes it."""
    name = chance.choice(["users", "pets"]) if n % 4 else "users"
    table = tables[name]
    owner = pa.table({"id" if name == "users" else "user_id": pa.array([_uuid(n)], pa.binary(16))})
    rows = tx.owned(table, owner, [column.name for column in table.columns])
    before = rows.slice(0, 1)
    if name == "pets" and chance.random() < 0.5:
        tx.delete(table, before.select(list(table.primary_key)))
        return lambda tx: tx.load(table, before)
    column = chance.choice(["name", "age", "tags"]) if name == "users" else "name"
    value = {"name": "other", "age": 1000, "tags": ["other"]}[column]
    at = before.column_names.index(column)
    tx.update(table, before.set_column(at, column, pa.array([value], before.schema.field(column).type)))
    return lambda tx: tx.update(table, before)


def _uuid(n: int) -> bytes:
    digits = f"{n:024x}"
    return bytes.fromhex(f"{digits[:12]}8{digits[12:15]}8{digits[15:18]}{digits[18:]}cf01d0")


def test_before_the_copy_the_laws_are_tried_on_the_source_alone(tmp_path: Path, new_memory: Callable[[], str]) -> None:
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING)
    settings = folder / "crossfade.toml"
    settings.write_text(settings.read_text() + DISCARD)
    source = new_memory()
    fill(source, "users", USERS)
    with open_move(folder, source, new_memory()) as move:
        move.survey()
        (found,) = move.check_round_trip()
    assert (found.records, found.tried, found.broken) == (40, 40, [])
    assert found.alone.counts == {}
    assert found.exchanged > 0

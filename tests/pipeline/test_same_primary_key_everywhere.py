"""Records that want one primary key, in every target: the first by its own key has it, whatever order they are loaded
in.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_same_primary_key import COUNT, documents, in_another_order, winners

import shop
from crossfade.model.batch import Chunk
from crossfade.move import Move
from in_memory import fill
from outcome import open_move

SQL = """
CREATE TABLE orders (_id int PRIMARY KEY, owner int NOT NULL);
"""
IN_LEDGER = """
CREATE TABLE labels (_id text PRIMARY KEY, note text NOT NULL);
CREATE TABLE aliases (_id text PRIMARY KEY, note text NOT NULL);
"""
PRISMA = """
datasource db {
  provider = "mongodb"
  url      = env("TARGET_URL")
}
model Order {
  id    Int @id @map("_id")
  owner Int
  @@map("orders")
}
model Label {
  id   String @id @map("_id")
  note String
  @@map("labels")
}
model Alias {
  id   String @id @map("_id")
  note String
  @@map("aliases")
}
"""
MAPPING = {
    "orders": "SELECT o.number AS _id, o._id AS owner FROM orders AS o",
    "labels": "SELECT l.name AS _id, l.note AS note FROM labels AS l",
    "aliases": "SELECT a.alias AS _id, l.note AS note FROM labels AS l, unnest(l.aliases) AS a(alias)",
}
LEFT = {"orders": ("note", "pad"), "labels": ("_id", "pad")}


def discards(entity: str) -> str:
    return "".join(
        f'\n[[discard]]\nentity = "{entity}"\npath = "{path}"\nreason = "it is there for the test"\n'
        for path in LEFT[entity]
    )


@pytest.fixture(params=["memory", "sqlite", "mongodb", "standalone"])
def target(request: pytest.FixtureRequest, tmp_path: Path, new_memory: Callable[[], str]) -> Iterator[str]:
    if request.param == "standalone":
        yield request.getfixturevalue("standalone_db")
    elif request.param == "mongodb":
        yield request.getfixturevalue("mongo_db").url
    else:
        yield new_memory() if request.param == "memory" else f"sqlite:///{tmp_path / 't.db'}"


@pytest.fixture
def move(target: str, new_memory: Callable[[], str], tmp_path: Path) -> Iterator[Move]:
    source, entities, sql, mapping = new_memory(), list(LEFT), SQL + IN_LEDGER, MAPPING
    for entity in entities:
        fill(source, entity, [{**document, "note": str(document["_id"])} for document in documents()[entity]])
    folder = shop.small_project(tmp_path / "p", sql, mapping, chunk_mb=0.01, more="".join(map(discards, entities)))
    if target.startswith("mongodb"):
        settings = (folder / "crossfade.toml").read_text()
        (folder / "crossfade.toml").write_text(settings.replace("schema.sql", "schema.prisma"))
        (folder / "schema.prisma").write_text(PRISMA)
    with open_move(folder, source, target) as opened:
        opened.survey()
        yield opened


Said = tuple[str | None, str, str, str | None, str | None]


def copied(move: Move) -> dict[str, set[Said]]:
    """What the quarantine says of each record, by entity."""
    status = move.copy()
    assert all(e.balanced for e in status.entities)
    assert move.verify().equal
    found: dict[str, set[Said]] = {e.entity: set() for e in status.entities}
    for e in move.quarantine():
        found[e.entity].add((e.key, e.reason, e.detail, e.table, e.constraint))
    return found


def test_the_first_by_its_key_has_it(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    found = copied(move)
    for entity, held in found.items():
        out = set(range(COUNT)) - winners(entity, documents()[entity])
        assert {key for key, *_ in held} == {f'{{"$numberInt":"{number}"}}' for number in out}
        assert all(" is taken by " in detail or " two rows " in detail for _, _, detail, *_ in held)
    for change in (list[Chunk].reverse, random.Random(3).shuffle):
        move.reset()
        with monkeypatch.context() as patched:
            in_another_order(patched, change)
            assert copied(move) == found

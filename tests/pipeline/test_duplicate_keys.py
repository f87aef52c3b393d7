"""Exports may hold two documents with one `_id`: one is copied, every other is in quarantine, and none is mistaken for
another.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from bson import decode

import shop
from crossfade.journal import journal
from crossfade.stores.contract import TargetTransaction
from outcome import balanced, counts_of, open_move, outcome
from scratch import PostgresScratch

SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL UNIQUE, boss int REFERENCES people (id));
CREATE TABLE tags (person int REFERENCES people (id), tag text, PRIMARY KEY (person, tag));
"""
MAPPING = {
    "people": "SELECT p._id AS id, p.name AS name, p.boss AS boss FROM people AS p",
    "tags": "SELECT p._id AS person, t.tag AS tag FROM people AS p, unnest(p.tags) AS t(tag)",
}
PAD = """
[[discard]]
entity = "people"
path = "pad"
reason = "it is there so that the dump has more chunks than one"
"""


def person(number: int, name: str, boss: int | None = None, *tags: str) -> dict[str, object]:
    return {"_id": number, "name": name, "boss": boss, "tags": list(tags), "pad": "." * 9000}


@pytest.mark.parametrize(("workers", "chunk_mb"), [(1, 1), (2, 0.00015)])
def test_duplicate_keys(pg_db: PostgresScratch, tmp_path: Path, workers: int, chunk_mb: float) -> None:
    people = [
        person(1, "Ann", None, "a", "b"),
        person(2, "Bob", 1, "a"),
        person(1, "Ann the other", None, "b", "c"),
        person(3, "Cid", 99, "x"),  # this one leaves for its boss; its twin, below, never came in
        person(4, "Dan", 3),
        person(3, "Cid", 99, "x"),
        person(5, "Eve", 1),
        person(5, "Eve", 1),
        person(5, "Eve", 1),
        person(6, "Eve", 1),
    ]
    source = shop.dump(tmp_path / "dump", {"people": people})
    folder = shop.small_project(tmp_path / "people", SCHEMA, MAPPING, chunk_mb=chunk_mb, more=PAD)
    with open_move(folder, source, pg_db.url, workers=workers) as move:
        move.survey()
        status = move.copy()
        assert (status.entities[0].chunks > 3) == (workers > 1)
        found = outcome(pg_db.url, status)
        balanced(status, found)
        kept = {row[0]: row[1] for row in found.tables["people"]}
        assert set(kept) == {1, 2, 5}
        assert kept[1] in ("Ann", "Ann the other")
        assert {row[1] for row in found.tables["tags"] if row[0] == 1} == set("ab" if kept[1] == "Ann" else "bc")
        held = [decode(row[7]) for row in found.quarantine]
        copied = [p for p in people if kept.get(p["_id"]) == p["name"]]
        alike = Counter(str(p) for p in people)
        assert len(held) == len(people) - len(kept)
        left = alike - Counter(str(p) for p in {str(p): p for p in copied}.values())
        assert Counter(map(str, held)) == left
        verdict = move.verify()
        assert verdict.equal
        assert verdict.balanced

        before = counts_of(status)
        assert {r.outcome for r in move.retry()} == {"quarantined"}
        assert counts_of(move.status()) == before
        after = outcome(pg_db.url, move.status())
        assert after.tables == found.tables
        assert Counter(bytes(row[7]) for row in after.quarantine) == Counter(bytes(row[7]) for row in found.quarantine)


def test_duplicate_keys_are_decided_twice_if_a_run_ends_in_between(
    pg_db: PostgresScratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are in quarantine in the end, those that are the same to the byte as well."""
    people = [person(number, f"Eve {number}") for number in range(12) for _ in range(4)]
    source = shop.dump(tmp_path / "dump", {"people": people})
    set_stage = journal.set_stage

    def stopped(tx: TargetTransaction, stage: str) -> None:
        if stage == journal.COPIED:
            raise KeyboardInterrupt
        set_stage(tx, stage)

    with open_move(shop.small_project(tmp_path / "people", SCHEMA, MAPPING, more=PAD), source, pg_db.url) as move:
        move.survey()
        monkeypatch.setattr(journal, "set_stage", stopped)
        with pytest.raises(KeyboardInterrupt):
            move.copy()
        monkeypatch.undo()
        status = move.copy()
        found = outcome(pg_db.url, status)
        balanced(status, found)
        assert counts_of(status)["people"] == (48, 12, 36, 0)
        assert len(found.quarantine) == 36


def test_the_duplicate_is_copied_when_the_other_one_was_removed(pg_db: PostgresScratch, tmp_path: Path) -> None:
    people = [person(1, "Ann", 9), person(1, "Ann", None, "z"), person(2, "Bob")]
    source = shop.dump(tmp_path / "dump", {"people": people})
    with open_move(shop.small_project(tmp_path / "people", SCHEMA, MAPPING, more=PAD), source, pg_db.url) as move:
        move.survey()
        assert counts_of(move.copy())["people"] in ((3, 1, 2, 0), (3, 2, 1, 0))
        move.retry()
        status = move.status()
        balanced(status, outcome(pg_db.url, status))
        assert counts_of(status)["people"] == (3, 2, 1, 0)
        assert pg_db.execute("SELECT id, boss FROM people ORDER BY id") == [(1, None), (2, None)]
        assert pg_db.execute("SELECT * FROM tags") == [(1, "z")]
        assert move.verify().equal

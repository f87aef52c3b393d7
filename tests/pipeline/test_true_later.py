"""A record in quarantine says what is in its way now; if that is nothing, the run that follows tries it again."""

from __future__ import annotations

from pathlib import Path

import pytest

import shop
from crossfade.move import Move
from crossfade.pipeline import causes, follow
from crossfade.pipeline.causes import Explanations
from crossfade.runtime.session import Work
from following import running, state, wait_for
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch

SCHEMA = "CREATE TABLE rooms (id int PRIMARY KEY, label text UNIQUE, made_from int);"
MAPPING = {"rooms": "SELECT r.number AS id, r.label AS label, r._id AS made_from FROM rooms AS r"}
LENIENT = "limits.stop_at = 1.0\n"


def test_the_holder_of_a_value_changes(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    mongo_db.db.rooms.insert_many([{"_id": n, "number": n, "label": label} for n, label in enumerate("axa", 1)])
    with open_move(shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more=LENIENT), mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        assert _kept_by(move) == {"3": "1"}
        mongo_db.db.rooms.update_one({"_id": 1}, {"$set": {"label": "b"}})
        mongo_db.db.rooms.update_one({"_id": 2}, {"$set": {"label": "a"}})
        move.repair(keys={"rooms": ["1", "2", "3"]})
        assert counts_of(move.status()) == {"rooms": (3, 2, 1, 0)}
        assert _kept_by(move) == {"3": "2"}
        assert move.verify().equal


def _kept_by(move: Move) -> dict[str, str]:
    def number(key: str) -> str:
        return "".join(filter(str.isdigit, key.partition(":")[2]))

    return {number(e.key or ""): number(e.cause["kept_by"]["key"]) for e in move.quarantine() if e.cause is not None}


@pytest.mark.parametrize("is_fine", [True, False])
def test_nothing_is_in_the_way_any_more(
    is_fine: bool,
    mongo_db: MongoScratch,
    pg_db: PostgresScratch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A row of nobody had the value, and was deleted by hand: no change of the move tells of it. If it is an index of
    somebody else that the record breaks, it is not tried for ever.
    """
    mongo_db.db.rooms.insert_one({"_id": 1, "number": 1, "label": "a"})
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more=LENIENT)

    def move() -> Move:
        return open_move(folder, mongo_db.url, pg_db.url)

    with move() as own:
        own.survey()
    explain = causes.explain
    free: list[set[tuple[str, str]]] = []

    def delete_then_explain(work: Work) -> Explanations:
        pg_db.execute("DELETE FROM rooms WHERE id = 99")
        found = explain(work)
        free.append(found.free)
        return found

    with running(move):
        pg_db.execute(
            "INSERT INTO rooms VALUES (99, 'b')" if is_fine else "CREATE UNIQUE INDEX theirs ON rooms ((true))"
        )
        monkeypatch.setattr(follow, "TOLD_EVERY", 0.2)
        monkeypatch.setattr(causes, "explain", delete_then_explain)
        mongo_db.db.rooms.insert_one({"_id": 2, "number": 2, "label": "b"})
        if is_fine:
            wait_for(lambda: pg_db.execute("SELECT id FROM rooms ORDER BY id") == [(1,), (2,)])
        else:
            wait_for(lambda: len(free) == 1 + follow.TRIES)
        wait_for(lambda: sum((state(move) or pytest.fail("no state")).moving.values()) == 0)
    assert free[0]
    assert all(one == free[0] for one in free)
    with move() as own:
        assert counts_of(own.status()) == {"rooms": (2, 2, 0, 0) if is_fine else (2, 1, 1, 0)}
        assert own.verify().equal

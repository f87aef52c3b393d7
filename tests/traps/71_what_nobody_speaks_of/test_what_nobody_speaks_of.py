from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bson import encode
from trap import Trap, move_of, project_of

from crossfade.errors import Stale, Uncovered
from crossfade.model.counts import Counts
from crossfade.move import Move
from crossfade.testing.dump_writer import write_dump_folder

USERS = [{"_id": n, "email": f"U{n}@x.org", "name": f"user {n} ", "plan": "a", "state": "active"} for n in range(3)]
LOGS = [{"_id": n} for n in range(3168)]

DISCARD = """
[[discard]]
entity = "logs"
reason = "kept for ninety days"
[[discard]]
entity = "users"
path = "state"
reason = "it only decides"
"""


@pytest.fixture
def root(trap: Trap, tmp_path: Path) -> Path:
    root = project_of(trap, tmp_path)
    add(root, DISCARD)
    return root


def add(root: Path, text: str) -> None:
    file = root / "crossfade.toml"
    file.write_text(file.read_text() + text)


@pytest.fixture
def opened(root: Path, mongo_db: Any, pg_db: Any) -> Any:
    mongo_db.db.users.insert_many(USERS)
    mongo_db.db.logs.insert_many(LOGS)
    moves = []

    def open_move() -> Move:
        moves.append(move_of(root, mongo_db.url, pg_db.url))
        return moves[-1]

    yield open_move
    for move in moves:
        move.close()


def faults(move: Move) -> dict[str, str]:
    return {f.place: f.kind for f in move.check() if f.severity == "fault"}


def notes(move: Move) -> dict[str, str]:
    return {f.place: f.kind for f in move.check() if f.severity == "note"}


def test_what_is_discarded_as_a_whole_has_its_line(opened: Callable[[], Move], mongo_db: Any) -> None:
    move = opened()
    move.survey()
    status = move.copy()
    assert {e.entity: e.counts for e in status.entities} == {
        "logs": Counts(3168, 0, 0, 3168),
        "users": Counts(3, 3, 0, 0),
    }
    assert status.ok
    verdict = move.verify()
    assert verdict.outcome == "equal_and_complete"
    assert verdict.counts == Counts(3171, 3, 0, 3168)
    left = {(one.kind, one.what): (one.records, one.values) for one in move.left_behind(status)}
    assert left == {("entity", "logs"): (3168, None), ("path", "users.state"): (None, 3)}
    assert {(c.place, c.by, c.columns) for c in move.changed()} == {
        ("users.email", ("lower",), ("users.email",)),
        ("users.name", ("left", "trim"), ("users.name",)),
        ("users.plan", ("CASE",), ("users.plan",)),
    }

    mongo_db.db.logs.insert_one({"_id": -1})
    (logs, _) = move.verify().entities
    assert (logs.found, logs.recorded) == (Counts(3169, 0, 0, 3169), Counts(3168, 0, 0, 3168))
    assert logs.disagreements


def test_what_came_after_the_survey(opened: Callable[[], Move], mongo_db: Any) -> None:
    move = opened()
    move.survey()
    mongo_db.db.sessions.insert_many([{"_id": n} for n in range(500)])
    assert faults(move) == {"sessions": "unsurveyed"}
    with pytest.raises(Stale, match="sessions"):
        move.copy()


def test_what_came_after_the_copy(opened: Callable[[], Move], mongo_db: Any) -> None:
    move = opened()
    move.survey()
    move.copy()
    assert move.verify().outcome == "equal_and_complete"
    mongo_db.db.sessions.insert_many([{"_id": n} for n in range(500)])
    assert faults(move) == {"sessions": "unsurveyed"}
    assert not move.status().ok
    assert "500 records of sessions" in move.status().faults[0]
    verdict = move.verify()
    assert verdict.outcome == "not_equal"
    assert [(e.entity, e.found, e.uncounted) for e in verdict.entities if not e.balanced] == [
        ("sessions", Counts(500), 500)
    ]
    again = opened()
    again.survey()
    assert [e.entity for e in again.verify().entities if not e.balanced] == ["sessions"]


def test_what_is_discarded_need_not_be_surveyed(opened: Callable[[], Move], mongo_db: Any, root: Path) -> None:
    opened().survey()
    mongo_db.db.sessions.insert_many([{"_id": n} for n in range(500)])
    add(root, '[[discard]]\nentity = "sessions"\nreason = "they end by themselves"\n')
    move = opened()
    assert faults(move) == {}
    assert "sessions" not in notes(move)
    assert {e.entity: e.counts.discarded for e in move.copy().entities} == {"logs": 3168, "sessions": 500, "users": 0}
    assert move.verify().outcome == "equal_and_complete"


def test_what_entities_leaves_out_is_counted(opened: Callable[[], Move], root: Path) -> None:
    file = root / "crossfade.toml"
    file.write_text('entities = ["users"]\n' + file.read_text().replace('"logs"', '"users"\npath = "none"'))
    move = opened()
    move.survey()
    assert notes(move)["logs"] == "left_out"
    status = move.copy()
    assert status.ok
    assert "3,168 records of 1 entity: logs 3,168" in status.notes[0]
    assert [(one.what, one.records) for one in move.left_behind(status) if one.kind == "left_out"] == [("logs", 3168)]
    assert move.verify().outcome == "equal_and_complete"


def test_what_holds_no_records_is_named(opened: Callable[[], Move], mongo_db: Any) -> None:
    mongo_db.db.create_collection("recent", viewOn="users", pipeline=[])
    move = opened()
    move.survey()
    assert notes(move)["recent"] == notes(move)["system.views"] == "not_copied"
    status = move.copy()
    assert any(note.startswith("recent: ") for note in status.notes)
    assert {one.what for one in move.left_behind(status) if one.kind == "not_copied"} == {"recent", "system.views"}
    assert move.verify().outcome == "equal_and_complete"


def test_what_is_gone(opened: Callable[[], Move], mongo_db: Any) -> None:
    opened().survey()
    mongo_db.db.logs.drop()
    assert faults(opened()) == {"logs": "gone"}


def test_a_source_that_is_away_hides_nothing_else(opened: Callable[[], Move], root: Path, pg_db: Any) -> None:
    move = opened()
    move.survey()
    move.copy()
    with move_of(root, "dump:/nowhere", pg_db.url) as away:
        assert notes(away)["source"] == "source_not_seen"
        assert replace(away.status(), notes=()) == replace(move.status(), notes=())


UNREAD = ("heat", "gone", "x.bson.zst", "old.csv")


def test_what_of_a_dump_nobody_reads(root: Path, pg_db: Any, tmp_path: Path) -> None:
    metadata: dict[str, Any] = {"gone": {}, "heat": {"type": "timeseries"}, "recent": {"type": "view"}}
    folder = write_dump_folder(
        tmp_path / "dump", "shop", {"users": map(encode, USERS), "logs": map(encode, LOGS)}, metadata=metadata
    )
    (folder / "x.bson.zst").write_bytes(b"(\xb5/\xfd")
    (folder / "old.csv").write_text("id\n1\n")
    with move_of(root, f"dump:{folder}", pg_db.url) as move:
        move.survey()
        assert faults(move) == dict.fromkeys(UNREAD, "unread")
        assert notes(move)["recent"] == "not_copied"
        with pytest.raises(Uncovered):
            move.copy()
    for name in ("heat", "gone", "*.zst", "*.csv"):
        add(root, f'[[discard]]\nentity = "{name}"\nreason = "not needed"\n')
    with move_of(root, f"dump:{folder}", pg_db.url) as move:
        assert faults(move) == {}
        assert "stale_discard" not in notes(move).values()
        status = move.copy()
        assert {e.entity: e.counts for e in status.entities}["logs"] == Counts(3168, 0, 0, 3168)
        assert {one.what: one.records for one in move.left_behind(status) if one.kind == "entity"} == {
            "logs": 3168, **dict.fromkeys(UNREAD),
        }  # fmt: skip
        assert move.verify().outcome == "equal_and_complete"
        (folder / "late.bson.xz").write_bytes(b"x")
    with move_of(root, f"dump:{folder}", pg_db.url) as move:
        verdict = move.verify()
        assert (verdict.outcome, list(verdict.not_read)) == ("not_equal", ["late.bson.xz"])
        assert move.status().faults

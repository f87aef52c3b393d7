"""Records whose keys are moments, also those that Python's calendar does not have: in and out, and back."""

from __future__ import annotations

from pathlib import Path

from bson.datetime_ms import DatetimeMS

from outcome import open_move
from scratch import MongoScratch, PostgresScratch

FAR = 569_000_000_000_000  # milliseconds: the year 20001
SCHEMA = "CREATE TABLE events (id timestamptz PRIMARY KEY, n int UNIQUE)"
MAPPING = "SELECT e._id AS id, e.n AS n FROM events AS e"


def test_they_are_evicted_retried_and_repaired(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    near = [{"_id": DatetimeMS(i), "n": i} for i in range(5)]
    far = [{"_id": DatetimeMS(FAR + i), "n": i} for i in (3, 7, 8)]
    mongo_db.db.events.insert_many([*near, *far])
    (tmp_path / "mapping").mkdir()
    (tmp_path / "mapping" / "events.sql").write_text(MAPPING)
    (tmp_path / "schema.sql").write_text(SCHEMA)
    (tmp_path / "crossfade.toml").write_text(
        'source.url = "${SOURCE_URL}"\ntarget.url = "${TARGET_URL}"\ntarget.schema = "schema.sql"\n'
        "limits.quarantine = 1.0\n"
    )
    with open_move(tmp_path, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        assert [(one.reason, one.column) for one in move.quarantine()] == [("unique", "n")]
        assert move.verify().equal
        move.retry()
        assert [(one.reason, one.column) for one in move.quarantine()] == [("unique", "n")]
        pg_db.execute("DELETE FROM events WHERE n = 7")
        pg_db.execute("UPDATE events SET n = 80 WHERE n = 8")
        assert not move.verify().equal
        move.repair()
        assert move.verify().equal
    kept = "SELECT (extract(epoch FROM id) * 1000)::int8, n FROM events ORDER BY 1"
    assert pg_db.execute(kept) == [*((i, i) for i in range(5)), (FAR + 7, 7), (FAR + 8, 8)]

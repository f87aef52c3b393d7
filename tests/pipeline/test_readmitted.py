"""A run that is killed during readmission: waiting records are readmitted by the next run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import shop
from crossfade.pipeline import retry
from outcome import counts_of, open_move
from scratch import PostgresScratch
from target_sql import sql

SCHEMA = """
CREATE TABLE a_roots (id int PRIMARY KEY);
CREATE TABLE b_parents (id int PRIMARY KEY, code text UNIQUE, root int REFERENCES a_roots (id));
CREATE TABLE c_children (id int PRIMARY KEY, up int NOT NULL REFERENCES b_parents (id));
"""
MAPPING = {
    "a_roots": "SELECT r._id AS id FROM a_roots AS r",
    "b_parents": "SELECT p._id AS id, p.code AS code, p.root AS root FROM b_parents AS p",
    "c_children": "SELECT c._id AS id, c.up AS up FROM c_children AS c",
}
RECORDS: dict[str, Any] = {
    "a_roots": [{"_id": 1}],
    # the first leaves for its root, which frees the code for the second; that one's child has left before it comes
    "b_parents": [{"_id": 1, "code": "a", "root": 99}, {"_id": 2, "code": "a", "root": 1}],
    "c_children": [{"_id": n, "up": n} for n in (1, 2)],
}


def test_waiting_records_are_readmitted_after_a_kill(
    pg_db: PostgresScratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = shop.dump(tmp_path / "dump", RECORDS)
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING)

    def stop(work: Any, entity: str, ids: Any, how: Any) -> Any:
        if entity == "c_children":
            raise KeyboardInterrupt
        return put_in(work, entity, ids, how)

    put_in = retry.put_in
    with open_move(folder, source, pg_db.url) as move:
        move.survey()
        monkeypatch.setattr(retry, "put_in", stop)
        with pytest.raises(KeyboardInterrupt):
            move.copy()
        monkeypatch.undo()
        status = move.copy()
        assert counts_of(status) == {"a_roots": (1, 1, 0, 0), "b_parents": (2, 1, 1, 0), "c_children": (2, 1, 1, 0)}
        with move.context.transaction() as tx:
            assert [sql(tx, f"SELECT id FROM {table}") for table in MAPPING] == [[(1,)], [(2,)], [(2,)]]
        held = [e for e in move.quarantine() if e.state == "open"]
        why = {(e.entity, e.reason, tuple((e.cause or {})["values"].items())) for e in held}
        # of two reasons it is the one of a run that was not killed
        assert why == {
            ("b_parents", "foreign_key", (("root", "99"),)),
            ("c_children", "foreign_key", (("up", "1"),)),
        }

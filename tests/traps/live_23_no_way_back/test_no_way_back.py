"""Rows that documents cannot hold."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bson import ObjectId

import shop
from crossfade.move.round_trips import back_of, work_of
from crossfade.runtime.putting import putter
from crossfade.runtime.records import read
from crossfade.runtime.session import close_sessions, session
from crossfade.runtime.target_rows import rows_of
from crossfade.transform.put import Put
from outcome import open_move

SCHEMA = """
CREATE TABLE people (id text PRIMARY KEY, email text, initial text, town text, at timestamptz, kind text);
"""
MAPPING = {
    "people": "SELECT oid_text(p._id) AS id, lower(p.email) AS email, left(p.email, 1) AS initial, t.name AS town,"
    " p.at AS at, 'person' AS kind FROM people AS p LEFT JOIN towns AS t ON t._id = p.town",
}
DAY = datetime.datetime(2024, 5, 6)
IDS = [ObjectId(f"{n:024x}") for n in (1, 2)]
DISCARDS = """
[[discard]]
entity = "towns"
reason = "its names are in people"

[[discard]]
entity = "people"
path = "town"
reason = "its name is in people"
"""


@pytest.mark.parametrize(
    ("change", "column", "reason"),
    [
        ("at = '2024-05-06 07:08:09.123456+00'", None, "precision"),
        ("initial = 'z'", "initial", "no_way_back"),
        ("town = 'Rome'", "town", "no_way_back"),
        ("kind = 'robot'", "kind", "no_way_back"),
        ("email = 'ANN@X.ORG'", "email", "no_way_back"),
    ],
)
def test_a_record_that_cannot_hold_its_row_is_refused_and_stays(
    change: str, column: str | None, reason: str, tmp_path: Path, mongo_db: Any, pg_db: Any
) -> None:
    mongo_db.db.towns.insert_one({"_id": 1, "name": "Bonn"})
    people = [{"_id": i, "email": f"Ann{n}@x.org", "town": 1, "at": DAY} for n, i in enumerate(IDS)]
    mongo_db.db.people.insert_many(people)
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more=DISCARDS)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        assert move.copy().ok
        with psycopg.connect(pg_db.url, autocommit=True) as server:
            server.execute(f"UPDATE people SET {change} WHERE id = '{IDS[0]}'".encode())
            server.execute(f"UPDATE people SET email = 'bob@x.org', initial = 'b' WHERE id = '{IDS[1]}'".encode())
        old, result = put_all(move)
    assert [(one.row, one.column, one.reason) for one in result.refused] == [(0, column, reason)]
    assert result.records[0] == old[0]
    assert result.changed == {1}


def put_all(move: Any) -> tuple[Mapping[int, bytes], Put]:
    work = work_of(move.context)
    try:
        s = session(work)
        keys = [f'{{"$oid":"{one}"}}' for one in IDS]
        there = read(s, "people", keys)
        old = [there[key][0] for key in keys]
        put = putter(s, back_of(move.context), "people").put(old, rows_of(s, "people", keys))
        return dict(enumerate(old)), put
    finally:
        close_sessions(work.token)

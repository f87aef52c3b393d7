"""A login that may read what is moved, and nothing else, moves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import shop
from crossfade.testing import as_user
from outcome import open_move
from scratch import PostgresScratch
from scratch import role as login

SCHEMA = "CREATE TABLE users (id int PRIMARY KEY)"


@pytest.fixture
def reader(pg_db: PostgresScratch) -> Iterator[str]:
    with login(pg_db, "") as name:
        yield name


def test_of_tables(pg_db: PostgresScratch, reader: str, tmp_path: Path) -> None:
    pg_db.execute("CREATE TABLE users (id int PRIMARY KEY)")
    pg_db.execute("INSERT INTO users SELECT generate_series(1, 3)")
    pg_db.execute("CREATE TABLE others (id int PRIMARY KEY)")
    pg_db.execute("CREATE SCHEMA hidden CREATE TABLE more (id int PRIMARY KEY)")
    pg_db.execute(f"GRANT SELECT ON users TO {reader}")
    folder = shop.small_project(
        tmp_path / "p", f"{SCHEMA};", {"users": "SELECT u.id AS id FROM users AS u"}, more='\nentities = ["users"]\n'
    )
    _moved(folder, as_user(pg_db.url, reader, ""), tmp_path, {"others", "hidden.more"})


def _moved(folder: Path, source: str, tmp_path: Path, left: set[str]) -> None:
    with open_move(folder, source, f"sqlite:///{tmp_path / 't.db'}") as move:
        move.survey()
        found = move.check()
        assert not [one for one in found if one.severity == "fault"]
        out = {one.place: one.message for one in found if one.kind == "left_out"}
        assert left <= out.keys()
        assert all("could not be counted" in out[name] for name in left)
        move.apply_schema()
        move.copy()
        (users,) = move.status().entities
        assert (users.counts.source, users.counts.copied) == (3, 3)
        assert move.verify().equal

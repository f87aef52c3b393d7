"""A table that gets a column while it is followed halts alone, also if the run is started again after that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crossfade.move import Move
from crossfade.project import load_project
from following import running, state, wait_for
from scratch import PostgresScratch, scratch_postgresql

SETTINGS = """
name = "p"
source.url = "${SOURCE}"
target.url = "${TARGET}"
target.schema = "schema.sql"
"""
TABLE = "CREATE TABLE {} (id int PRIMARY KEY, name text)"
MAPPING = "SELECT t.id AS id, t.name AS name FROM {} AS t"


@pytest.fixture
def target(postgresql_url: str) -> Iterator[PostgresScratch]:
    with scratch_postgresql(postgresql_url) as scratch:
        yield scratch


@pytest.fixture
def move(pg_db: PostgresScratch, target: PostgresScratch, tmp_path: Path) -> Callable[[], Move]:
    (tmp_path / "mapping").mkdir()
    for table in ("halted", "other"):
        pg_db.execute(TABLE.format(table))
        pg_db.execute(f"INSERT INTO {table} VALUES (1, 'a')")
        (tmp_path / "mapping" / f"{table}.sql").write_text(MAPPING.format(table))
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    (tmp_path / "schema.sql").write_text(f"{TABLE.format('halted')};\n{TABLE.format('other')};")

    def opened() -> Move:
        return Move(load_project(tmp_path, {"SOURCE": pg_db.url, "TARGET": target.url}), workers=1)

    with opened() as one:
        one.survey()
    return opened


@pytest.mark.parametrize("again", [False, True], ids=["while it runs", "before it is started again"])
def test_the_others_go_on(
    again: bool, move: Callable[[], Move], pg_db: PostgresScratch, target: PostgresScratch
) -> None:
    def halts_alone() -> None:
        pg_db.execute("UPDATE halted SET name = 'b'")
        pg_db.execute("UPDATE other SET name = 'b'")
        wait_for(lambda: target.execute("SELECT name FROM other") == [("b",)])
        wait_for(lambda: (found := state(move)) is not None and found.halted)
        found = state(move)
        assert found is not None
        assert [one.entity for one in found.halted] == ["halted"]

    with running(move):
        if not again:
            pg_db.execute("ALTER TABLE halted ADD COLUMN more int")
            halts_alone()
    if again:
        pg_db.execute("ALTER TABLE halted ADD COLUMN more int")
        with running(move):
            halts_alone()
    with move() as one:
        assert [text for text in one.status().faults if "the column 'more' of type integer is new" in text]

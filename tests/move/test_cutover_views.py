"""Materialized views of the target are as new as its rows when it opens, not as old as the copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import shop
from crossfade.errors import CrossfadeError
from crossfade.move import Move
from cutover_times import PATIENT
from following import running, wait_for
from outcome import open_move
from scratch import PostgresScratch, scratch_postgresql

TABLE = "CREATE TABLE parts (id int PRIMARY KEY, of int NOT NULL)"
SCHEMA = f"""{TABLE};
CREATE MATERIALIZED VIEW shares AS SELECT id, 100 / of AS share FROM parts;
CREATE MATERIALIZED VIEW total AS SELECT sum(share) AS shares FROM shares;
"""
MAPPING = {"parts": "SELECT p.id AS id, p.of AS of FROM parts AS p"}


@pytest.fixture
def target(postgresql_url: str) -> Iterator[PostgresScratch]:
    with scratch_postgresql(postgresql_url) as scratch:
        yield scratch


def test_views_are_refreshed_before_the_target_opens(
    tmp_path: Path, pg_db: PostgresScratch, target: PostgresScratch
) -> None:
    pg_db.execute(TABLE)
    pg_db.execute("INSERT INTO parts VALUES (1, 2)")
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, more=f"[cutover]\n{PATIENT}")

    def move() -> Move:
        return open_move(folder, pg_db.url, target.url)

    with move() as own:
        own.survey()
    with running(move):
        assert target.execute("SELECT shares FROM total") == [(50,)]
        pg_db.execute("INSERT INTO parts VALUES (2, 0)")
        wait_for(lambda: target.execute("SELECT count(*) FROM parts") == [(2,)])
        with move() as own:
            assert own.verify().equal
            ready = own.plan_cutover()
            assert ready.ok, [gate for gate in ready.gates if not gate.holds]
            with pytest.raises(CrossfadeError, match="division by zero"):
                own.cutover(plan=ready.plan.digest)
        pg_db.execute("UPDATE parts SET of = 4 WHERE id = 2")  # the source is open
        wait_for(lambda: target.execute("SELECT of FROM parts WHERE id = 2") == [(4,)])
        with move() as own:
            own.cutover()
    assert target.execute("SELECT shares FROM total") == [(75,)]

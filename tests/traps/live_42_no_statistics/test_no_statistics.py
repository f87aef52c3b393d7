"""The planner's statistics of a target that was cut over."""

from __future__ import annotations

from typing import Any

from cutting_over import proven


def test_the_planner_knows_the_rows(live: Any) -> None:
    with proven(live) as move:
        move.cutover()
    assert live.rows("SELECT reltuples FROM pg_class WHERE oid = 'items'::regclass") == [(20,)]
    assert live.rows("SELECT attname FROM pg_stats WHERE tablename = 'items' ORDER BY 1") == [("id",), ("name",)]

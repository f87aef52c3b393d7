"""The same row, edited by an application of the old store and by one of the new store."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cutting_over import came_back, proven_with_way_back

EDIT = "UPDATE items SET name = %s WHERE id = 1"
STALE = psycopg.errors.ReadOnlySqlTransaction


@pytest.mark.torture
def test_one_side_is_in_charge(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(live.source, autocommit=True) as old, psycopg.connect(live.target.url, autocommit=True) as new:
        with proven_with_way_back(live, monkeypatch) as move:
            old.execute(EDIT, ["of the old side"])
            move.cutover()
        with pytest.raises(STALE):
            old.execute(EDIT, ["stale"])
        new.execute(EDIT, ["of the new side"])
        with came_back(live, [(1, "of the new side")]), live.move() as move:
            assert move.verify_back().equal
            with pytest.raises(STALE):
                old.execute(EDIT, ["stale"])
            assert move.rollback().stage == "source"
            with pytest.raises(STALE):
                new.execute(EDIT, ["stale"])
        assert old.execute("SELECT name FROM items WHERE id = 1").fetchall() == [("of the new side",)]

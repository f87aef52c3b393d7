"""A change on the new side is put back, and comes to nobody again."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cutting_over import came_back, proven_with_way_back

from crossfade.model.events import RecordsApplied


@pytest.mark.torture
def test_what_is_put_back_is_no_change(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with proven_with_way_back(live, monkeypatch) as move:
        move.cutover()
    with psycopg.connect(live.target.url, autocommit=True) as new:
        new.execute("UPDATE items SET name = 'new' WHERE id IN (1, 2)")
    before = live.rows("SELECT id, xmin::text FROM items ORDER BY id")
    with came_back(live, [(1, "new"), (2, "new"), (3, "old")]) as run, psycopg.connect(live.source) as old:
        slots = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
        assert old.execute(slots).fetchall() == [(0,)]  # nobody is told what is written here
    assert sum(event.updated for event in run.events if isinstance(event, RecordsApplied)) == 2
    assert live.rows("SELECT id, xmin::text FROM items ORDER BY id") == before

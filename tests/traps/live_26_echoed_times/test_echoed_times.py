"""Times that the old store sets by itself."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cutting_over import came_back, proven_with_way_back


def test_what_is_put_back_keeps_its_time(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with proven_with_way_back(live, monkeypatch) as move:
        move.cutover()
    with psycopg.connect(live.target.url, autocommit=True) as new:
        new.execute("UPDATE items SET name = 'new', updated_at = '2030-01-02 03:04:05.678901+00' WHERE id = 1")
        new.execute("INSERT INTO items VALUES (100, 'more', '2030-01-02 03:04:06+00')")
    with came_back(live, [(1, "new"), (100, "more")]), live.move() as move:
        proof = move.verify_back()
        assert (proof.equal, proof.set_aside) == (True, 0)
    query = "SELECT id, name, updated_at FROM items ORDER BY id"
    with psycopg.connect(live.source) as old:
        assert old.execute(query).fetchall() == live.rows(query)

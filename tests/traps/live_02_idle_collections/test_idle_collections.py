"""Others' collections are written; ours are not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from following import running, state, wait_for


def test_the_position_goes_on_without_changes_of_our_own(live: Any) -> None:
    with running(live.move):
        before = position_at(live)
        live.db.client[live.db.name + "_other"].noise.insert_many([{"n": n} for n in range(100)])
        wait_for(lambda: position_at(live) > before)
    live.db.items.update_one({"_id": 1}, {"$inc": {"n": 1}})
    with running(live.move):
        live.becomes("SELECT id, n FROM items ORDER BY 1", [(1, 1), (2, 0)])
    live.db.client.drop_database(live.db.name + "_other")
    live.require_equal()


def position_at(live: Any) -> datetime:
    found = state(live.move)
    assert found is not None
    assert found.position_at is not None
    return found.position_at

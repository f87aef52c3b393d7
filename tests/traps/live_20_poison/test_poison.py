"""A change that cannot be applied."""

from __future__ import annotations

from typing import Any

from following import running


def test_a_poison_record_stops_nothing_and_comes_back(live: Any) -> None:
    with running(live.move):
        live.db.items.update_one({"_id": 1}, {"$set": {"name": "much too long"}})
        live.db.items.update_one({"_id": 2}, {"$set": {"name": "good"}})
        live.becomes("SELECT id, name FROM items ORDER BY 1", [(2, "good"), (3, "n3")])
        with live.move() as move:
            assert [(e.reason, e.state) for e in move.quarantine()] == [("too_long", "open")]
        live.db.items.update_one({"_id": 1}, {"$set": {"name": "short"}})
        live.becomes("SELECT id, name FROM items WHERE id = 1", [(1, "short")])
    live.require_equal()

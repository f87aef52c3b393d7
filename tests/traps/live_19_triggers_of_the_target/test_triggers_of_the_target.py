"""The target's triggers are for its application."""

from __future__ import annotations

from typing import Any

from following import running


def test_triggers_do_not_fire_for_what_is_applied(live: Any) -> None:
    with running(live.move):
        live.db.items.update_one({"_id": 1}, {"$set": {"name": "changed"}})
        live.db.items.insert_one({"_id": 4, "name": "new"})
        live.becomes("SELECT id, name FROM items WHERE id IN (1, 4) ORDER BY 1", [(1, "changed"), (4, "new")])
    assert live.rows("SELECT what FROM audit") == []

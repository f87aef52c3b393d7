"""A field that no survey has seen halts its entity, until a mapping has it."""

from __future__ import annotations

from typing import Any

from following import running, state, wait_for

MAPPED = "SELECT i._id AS id, i.name AS name, i.color AS color FROM items AS i"


def test_a_new_field_halts_its_entity_until_it_is_mapped(live: Any) -> None:
    with running(live.move):
        live.db.items.update_one({"_id": 1}, {"$set": {"color": "red"}})
        wait_for(lambda: (found := state(live.move)) is not None and found.halted)
        live.db.items.update_one({"_id": 2}, {"$set": {"name": "waits"}})
        live.db.others.update_one({"_id": 2}, {"$set": {"name": "goes on"}})
        live.becomes("SELECT name FROM others WHERE id = 2", [("goes on",)])
        assert live.rows("SELECT name FROM items WHERE id = 2") == [("n2",)]
    (live.root / "mapping" / "items.sql").write_text(MAPPED)
    live.survey()
    with running(live.move):
        with live.move() as move:
            move.retry()
        rows = [(1, "n1", "red"), (2, "waits", None), (3, "n3", None)]
        live.becomes("SELECT id, name, color FROM items ORDER BY 1", rows)
    live.require_equal()

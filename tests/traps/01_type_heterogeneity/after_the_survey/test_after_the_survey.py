from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trap import rows

from crossfade.move import Move


def test_what_nobody_has_seen_before_is_quarantined(make_move: Callable[[], Move], mongo_db: Any, pg_db: Any) -> None:
    """The application writes on: a type and a path that the reviewed lock file does not know."""
    move = make_move()
    move.survey()
    mongo_db.db.products.insert_many([{"_id": 8, "price": True}, {"_id": 9, "sale": {"until": 1}}])
    status = move.copy()
    found = {(e.key, e.reason) for e in move.quarantine()}
    assert found == {('{"$numberInt":"8"}', "unseen_type"), ('{"$numberInt":"9"}', "unseen_path")}
    assert sorted(row["id"] or "" for row in rows(pg_db.url)["products"]) == list("1234567")
    assert all(e.balanced for e in status.entities)
    assert move.verify().equal

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trap import rows

from crossfade.move import Move


def test_a_new_key_is_copied_and_a_new_type_is_quarantined(
    make_move: Callable[[], Move], mongo_db: Any, pg_db: Any
) -> None:
    move = make_move()
    move.survey()
    assert [f for f in move.check() if f.severity == "fault"] == []
    mongo_db.db.accounts.insert_many(
        [
            {"_id": 8, "usage": {"2031-07": {"calls": 7}, "/s": {"calls": 8}, "$q": {"calls": 9}}},
            {"_id": 9, "usage": {"2024-01": {"calls": "many"}}},
            {"_id": 10, "usage": {"2024-01": {"calls": 1, "cost": 2}}},
        ]
    )
    move.copy()
    assert {(e.key, e.reason, e.detail.split(":")[0]) for e in move.quarantine()} == {
        ('{"$numberInt":"9"}', "unseen_type", "usage.{}.calls"),
        ('{"$numberInt":"10"}', "unseen_path", "usage.{}.cost"),
    }
    found = {row["id"]: (row["usage"], row["rest"]) for row in rows(pg_db.url)["accounts"]}
    assert found["8"] == ('{"$q": {"calls": 9}, "/s": {"calls": 8}, "2031-07": {"calls": 7}}', None)
    assert found["3"] == ("{}", '{"by": {"5f1d7f77bcf86cd799439011": 1}}')
    assert move.verify().equal

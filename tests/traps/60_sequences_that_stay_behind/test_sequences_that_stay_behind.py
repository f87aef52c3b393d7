from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crossfade.move import Move

ADD = "INSERT INTO orders (name) VALUES ('new') RETURNING id, no, back, shared"


def test_new_rows_go_on_after_the_copied(mongo_db: Any, pg_db: Any, make_move: Callable[[], Move]) -> None:
    move = make_move()
    move.survey()
    move.copy()
    assert pg_db.execute(ADD) == [(42, 72, -10, 500)]
    assert pg_db.execute("INSERT INTO others DEFAULT VALUES RETURNING id") == [(1,)]
    pg_db.execute("DELETE FROM orders WHERE name = 'new'")

    mongo_db.db.orders.update_one({"_id": 90}, {"$set": {"name": "c"}})
    assert [r.outcome for r in move.retry()] == ["copied"]
    assert pg_db.execute(ADD) == [(91, 73, -11, 501)]

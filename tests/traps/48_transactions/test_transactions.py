from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crossfade.model.events import ChunkCopied
from crossfade.move import Move


def pay(db: Any) -> None:
    with db.client.start_session() as session, session.start_transaction():
        db.items.update_one({"_id": 0}, {"$inc": {"n": -10}}, session=session)
        db.items.update_one({"_id": 39}, {"$inc": {"n": 10}}, session=session)


def test_half_a_transaction_is_found(mongo_db: Any, make_move: Callable[[], Move]) -> None:
    first = iter([1])
    move = make_move()
    move.survey()
    move.copy(lambda event: pay(mongo_db.db) if isinstance(event, ChunkCopied) and next(first, None) else None)
    verdict = move.verify()
    assert not verdict.equal
    assert [(d.kind, d.key, d.column) for t in verdict.tables for d in t.differences] == [("changed", "0", "n")]
    assert not verdict.rules_hold
    assert verdict.rules[0].rows == (("4010",),)


def test_a_transaction_that_is_not_committed_is_not_there(mongo_db: Any, make_move: Callable[[], Move]) -> None:
    db, move = mongo_db.db, make_move()
    with db.client.start_session() as session:
        session.start_transaction()
        db.items.update_one({"_id": 0}, {"$inc": {"n": -10}}, session=session)
        move.survey()
        move.copy()
        session.abort_transaction()
    verdict = move.verify()
    assert verdict.equal
    assert verdict.rules_hold

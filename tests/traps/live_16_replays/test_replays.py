"""The journal's position is set back: everything since is named once more."""

from __future__ import annotations

from typing import Any

from crossfade.journal import feed
from crossfade.model.events import RecordsApplied
from following import running, wait_for


def test_changes_that_are_named_again_change_nothing(live: Any) -> None:
    with running(live.move):
        pass
    began = noted(live)
    with running(live.move):
        for _ in range(5):
            live.db.items.update_one({"_id": 1}, {"$inc": {"n": 1}})
        live.db.items.delete_one({"_id": 2})
        live.becomes("SELECT id, n FROM items", [(1, 5)])
    with live.move() as move, move.context.transaction() as tx:
        feed.advance(tx, began.position, began.floor)
    with running(live.move) as run:
        wait_for(lambda: run.saw(RecordsApplied))
        applied = [one for one in run.events if isinstance(one, RecordsApplied)]
        assert sum(one.inserted + one.updated + one.deleted for one in applied) == 0
    assert live.rows("SELECT id, n FROM items") == [(1, 5)]
    live.require_equal()


def noted(live: Any) -> feed.FeedRecord:
    with live.move() as move, move.context.transaction() as tx:
        record = feed.find(tx)
    assert record is not None
    return record

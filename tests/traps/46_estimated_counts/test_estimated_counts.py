from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crossfade.model.events import CopyStarted, SurveyStarted
from crossfade.move import Move


def test_accounts_count_what_was_read(mongo_db: Any, make_move: Callable[[], Move]) -> None:
    events: list[Any] = []
    move = make_move()
    move.survey(events.append)
    mongo_db.db.items.insert_many([{"_id": n, "n": 0} for n in range(40, 45)])

    def listen(event: Any) -> None:
        events.append(event)
        if isinstance(event, CopyStarted):  # all chunks are planned, and their documents counted
            mongo_db.db.items.insert_many([{"_id": n, "n": 0} for n in range(45, 50)])

    (entity,) = move.copy(listen).entities
    assert [e.records for e in events if isinstance(e, (SurveyStarted, CopyStarted))] == [40, 45]
    assert (entity.counts.source, entity.counts.copied) == (50, 50)
    verdict = move.verify()
    assert verdict.equal
    assert verdict.entities[0].found.source == 50

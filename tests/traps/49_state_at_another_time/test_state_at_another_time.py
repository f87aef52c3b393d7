from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trap import rows

from crossfade.move import Move


def test_a_retry_reads_the_record_again(mongo_db: Any, pg_db: Any, make_move: Callable[[], Move]) -> None:
    items, move = mongo_db.db.items, make_move()
    move.survey()
    move.copy()
    assert len(move.quarantine()) == 3

    items.update_one({"_id": 2}, {"$set": {"n": 22}})
    items.delete_one({"_id": 3})
    outcomes = {r.entry.key: r.outcome for r in move.retry()}
    assert outcomes == {_key(2): "copied", _key(3): "gone", _key(4): "quarantined"}
    assert {row["id"]: row["n"] for row in rows(pg_db.url)["items"]} == {"1": "1", "2": "22"}
    (entity,) = move.status().entities
    assert (entity.counts.copied, entity.counts.quarantined, entity.balanced) == (2, 2, True)
    verdict = move.verify()
    assert verdict.differences == 0
    assert "no longer in the source" in " ".join(verdict.entities[0].disagreements)


def _key(number: int) -> str:
    return f'{{"$numberInt":"{number}"}}'

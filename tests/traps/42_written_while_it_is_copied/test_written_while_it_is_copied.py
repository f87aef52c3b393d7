from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crossfade.errors import Stale
from crossfade.model.events import ChunkCopied
from crossfade.move import Move
from crossfade.verify.verdict import Verdict

Write = Callable[[Any], object]


def copy_and_write(move: Move, items: Any, write: Write) -> Verdict:
    """Writes to the source as soon as its first chunk is copied."""
    first = iter([write])

    def listen(event: Any) -> None:
        if isinstance(event, ChunkCopied) and (now := next(first, None)):
            now(items)

    move.survey()
    assert move.copy(listen).stage == "finished"
    assert next(first, None) is None
    return move.verify()


def change(items: Any) -> None:
    items.update_many({"_id": {"$in": [0, 39]}}, {"$set": {"n": 7}})


def remove(items: Any) -> None:
    items.delete_many({"_id": {"$in": [0, 39]}})


def add(items: Any) -> None:
    items.insert_many([{"_id": -1, "n": 7}, {"_id": 40, "n": 7}])


@pytest.mark.parametrize(
    ("write", "kind", "record"), [(change, "changed", "0"), (remove, "extra", "0"), (add, "missing", "-1")]
)
def test_verification_says_no(
    write: Write, kind: str, record: str, mongo_db: Any, make_move: Callable[[], Move]
) -> None:
    verdict = copy_and_write(make_move(), mongo_db.db.items, write)
    assert not verdict.equal
    ((found,),) = [table.differences for table in verdict.tables]
    assert (found.kind, found.key) == (kind, record)


def test_a_new_collection_is_not_left_behind(mongo_db: Any, make_move: Callable[[], Move]) -> None:
    move = make_move()
    move.survey()
    mongo_db.db.late.insert_one({"_id": 1})
    with pytest.raises(Stale, match="new: late"):
        move.copy()


def test_what_the_survey_did_not_see_is_no_null(mongo_db: Any, make_move: Callable[[], Move]) -> None:
    move = make_move()
    move.survey()
    mongo_db.db.items.update_one({"_id": 5}, {"$set": {"n": "text"}})
    mongo_db.db.items.update_one({"_id": 6}, {"$set": {"more": 1}})
    move.copy()
    assert [(e.key, e.reason) for e in sorted(move.quarantine(), key=lambda entry: str(entry.key))] == [
        ('{"$numberInt":"5"}', "unseen_type"),
        ('{"$numberInt":"6"}', "unseen_path"),
    ]
    assert move.verify().equal

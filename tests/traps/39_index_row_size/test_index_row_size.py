from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from trap import rows

from crossfade.errors import CrossfadeError
from crossfade.move import Move


def test_an_index_without_room_loses_nothing(mongo_db: Any, pg_db: Any, make_move: Callable[[], Move]) -> None:
    move = make_move()
    move.survey()
    with pytest.raises(CrossfadeError) as failed:
        move.copy()
    assert "the step 'index pages_url' of the schema failed: index row" in failed.value.message
    assert "shorten the value in the source, and in the target" in (failed.value.hint or "")
    assert len(rows(pg_db.url)["pages"]) == 4

    mongo_db.db.pages.update_many({"_id": {"$gt": 1}}, [{"$set": {"url": {"$substrCP": ["$url", 0, 100]}}}])
    pg_db.execute("UPDATE pages SET url = left(url, 100) WHERE id > 1")
    again = make_move()
    assert again.copy().stage == "finished"
    assert again.verify().equal


def test_the_row_is_named(mongo_db: Any, pg_db: Any, make_move: Callable[[], Move]) -> None:
    move = make_move()
    mongo_db.db.pages.delete_one({"_id": 3})
    move.survey()
    with pytest.raises(CrossfadeError) as failed:
        move.copy()
    _, _, query = failed.value.message.splitlines()[0].partition("It is this one: ")
    assert [row[0] for row in pg_db.execute(query)] == [2]

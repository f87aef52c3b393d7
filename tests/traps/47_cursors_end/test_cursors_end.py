from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.cursor import RawBatchCursor
from trap import rows

from crossfade.errors import Unreachable
from crossfade.move import Move
from crossfade.runtime import again
from crossfade.stores.mongodb.source import MongoReader

DOCUMENTS = 30_000  # more than one reply


def test_a_cursor_that_ends_leaves_nothing_out(
    mongo_db: Any, pg_db: Any, make_move: Callable[[], Move], monkeypatch: pytest.MonkeyPatch
) -> None:
    move = make_move()
    mongo_db.db.items.insert_many([{"_id": n, "n": n} for n in range(2, DOCUMENTS + 1)])
    move.survey()
    with monkeypatch.context() as patched:
        patched.setattr(again, "PAUSES", (0.01, 0.01))
        patched.setattr(MongoReader, "_cursor", _killed_after_a_reply(mongo_db.db))
        with pytest.raises(Unreachable, match="closed the cursor while reading items") as ended:
            move.copy()
    assert "resumes where it stopped" in (ended.value.hint or "")
    assert rows(pg_db.url)["items"] == []

    (entity,) = move.copy().entities
    assert entity.counts.copied == DOCUMENTS
    assert move.verify().equal


def _killed_after_a_reply(db: Any) -> Callable[..., Any]:
    """As the server does it with a cursor that nobody asked for more for too long."""
    cursor_of = MongoReader._cursor

    class Killed(RawBatchCursor[Any]):
        def __next__(self) -> bytes:
            reply: bytes = self.next()
            if self.cursor_id:
                db.command("killCursors", "items", cursors=[self.cursor_id])
            return reply

    def cursor(reader: MongoReader, *arguments: Any, **options: Any) -> Any:
        found = cursor_of(reader, *arguments, **options)
        found.__class__ = Killed
        return found

    return cursor

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from threading import Event, Thread
from typing import Any

from trap import rows

from crossfade.model.events import ChunkCopied, CopyStarted
from crossfade.move import Move


@contextmanager
def growing(items: Any) -> Iterator[Thread]:
    """A thread, not started yet, that rewrites documents all the time, each time longer; their values stay."""
    stop = Event()

    def grow() -> None:
        for size in cycle(range(1, 5000, 500)):
            items.update_many({}, {"$set": {"pad": "x" * size}})
            if stop.wait(0.01):
                return

    thread = Thread(target=grow)
    try:
        yield thread
    finally:
        stop.set()
        thread.join()


def test_every_document_once(mongo_db: Any, pg_db: Any, make_move: Callable[[], Move]) -> None:
    move = make_move()
    items = mongo_db.db.items
    items.insert_many([{"_id": n, "n": 0, "pad": ""} for n in range(40, 300)])
    move.survey()
    with growing(items) as grower:
        status = move.copy(lambda event: grower.start() if isinstance(event, CopyStarted) else None)
    assert sum(e.chunks for e in status.entities) > 5
    assert [e.counts.copied for e in status.entities] == [300]
    assert sorted(int(str(row["id"])) for row in rows(pg_db.url)["items"]) == list(range(300))
    assert move.verify().equal


def test_a_document_under_another_key(mongo_db: Any, make_move: Callable[[], Move]) -> None:
    """From where the copy has not been yet to where it was already: it meets it in neither place."""
    items = mongo_db.db.items
    moved = iter([1])

    def listen(event: Any) -> None:
        if isinstance(event, ChunkCopied) and next(moved, None):
            items.delete_one({"_id": 299})
            items.insert_one({"_id": -1, "n": 0})

    move = make_move()
    items.insert_many([{"_id": n, "n": 0, "pad": ""} for n in range(40, 300)])
    move.survey()
    move.copy(listen)
    verdict = move.verify()
    assert not verdict.equal
    assert [(d.kind, d.key) for table in verdict.tables for d in table.differences] == [("missing", "-1")]

"""The target hangs while the application writes: the slot goes at its limit, and nothing is lost."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg
import pytest

from crossfade.model.events import FeedRemoved
from crossfade.stores.contract import PositionLost
from following import Run, follows, running, state, wait_for

SLOTS = "SELECT 1 FROM pg_replication_slots WHERE database = current_database()"
BULK = "SELECT pg_logical_emit_message(false, 'application', repeat('x', 1000000)) FROM generate_series(1, 20)"


def test_the_slot_is_removed_while_the_target_hangs(live: Any) -> None:
    run = Run(live.move)
    wait_for(lambda: follows(live.move))
    with closing(psycopg.connect(live.target.url)) as hanging:
        hanging.execute("LOCK TABLE crossfade.feed IN ACCESS EXCLUSIVE MODE")
        with psycopg.connect(live.source, autocommit=True) as source:
            source.execute("UPDATE items SET name = 'unseen' WHERE id = 1")

            def is_removed() -> bool:
                source.execute(BULK)
                return not source.execute(SLOTS).fetchall()

            wait_for(is_removed)
        wait_for(lambda: run.saw(FeedRemoved))
        assert not run.is_over
    with pytest.raises(PositionLost):
        run.ended()
    found = state(live.move)
    assert found is not None
    assert (found.state, found.running) == ("lost", False)
    assert "limits.backlog_gb" in (found.cause or "")
    with running(live.move):
        live.becomes("SELECT id, name FROM items ORDER BY 1", [(1, "unseen"), (2, "b")])
    live.require_equal()

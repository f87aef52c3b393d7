"""The feed hangs while nothing is written."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg
import pytest

from crossfade.model.events import FeedSilent, LagProven
from crossfade.pipeline import pulse
from following import running, state, wait_for


def test_a_feed_that_hangs_is_told_from_a_quiet_one(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "SILENT", 2.0)
    with running(live.move) as run:
        wait_for(lambda: run.saw(LagProven))
        with closing(psycopg.connect(live.target.url)) as hanging:
            hanging.execute("LOCK TABLE crossfade.dirty IN ACCESS EXCLUSIVE MODE")
            live.write("UPDATE items SET name = 'c' WHERE id = 1")
            wait_for(lambda: run.saw(FeedSilent))
            proven = len(run.saw(LagProven))
        wait_for(lambda: len(run.saw(LagProven)) > proven)
        live.becomes("SELECT id, name FROM items ORDER BY 1", [(1, "c"), (2, "b")])
    live.require_equal()
    assert state(live.move) is not None

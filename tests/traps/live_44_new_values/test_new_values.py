"""A name that is longer than the old column, written after the cutover."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cutting_over import proven

from crossfade.errors import Refused
from crossfade.pipeline import pulse
from following import Run, wait_for

LONG = "longer than ten"


def set_aside(live: Any) -> int:
    with live.move() as move:
        found = move.following()
    return 0 if found is None else sum(one[-1] for one in found.set_aside)


def test_what_would_be_lost_is_counted(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "SECONDS", 0.1)
    with live.move() as move:
        move.survey()
        move.invert()
    with proven(live) as move:
        move.cutover()
    with psycopg.connect(live.target.url, autocommit=True) as new:
        new.execute("INSERT INTO items VALUES (100, 'new')")
        new.execute("UPDATE items SET name = %s WHERE id = 7", [LONG])
    run = Run(live.move)
    wait_for(lambda: run.is_over or set_aside(live) == 1)
    with live.move() as move:
        assert move.verify_back().equal
        wait_for(lambda: move.following().lag_ms is not None)
        with pytest.raises(Refused):
            move.rollback()
    settings = live.root / "crossfade.toml"
    settings.write_text(settings.read_text() + "\n[rollback]\nset_aside = 1\n")
    with live.move() as move:
        assert move.rollback().stage == "source"
    run.ended()
    with psycopg.connect(live.source) as old:
        assert old.execute("SELECT name FROM items WHERE id IN (7, 100) ORDER BY id").fetchall() == [("old",), ("new",)]

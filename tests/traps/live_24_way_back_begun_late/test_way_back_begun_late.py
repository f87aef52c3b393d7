"""Writes from the first moment after the opening, long before anybody follows the target."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cutting_over import proven

from crossfade.pipeline import pulse
from crossfade.shift import plan as planning
from following import Run, wait_for


@pytest.mark.torture
def test_the_first_write_comes_back(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "SECONDS", 0.1)
    with live.move() as move:
        move.survey()
        move.invert()
    with proven(live) as move:
        steps = [step.name for step in move.cutover().steps]
    assert steps.index(planning.WAY_BACK) < steps.index(planning.FENCE) < steps.index(planning.OPEN)
    with psycopg.connect(live.target.url, autocommit=True) as new:
        new.execute("INSERT INTO items VALUES (100, 'first')")
        new.execute("DELETE FROM items WHERE id = 1")
    run = Run(live.move)
    with psycopg.connect(live.source, autocommit=True) as old:
        query = "SELECT id, name FROM items WHERE id IN (1, 100)"
        wait_for(lambda: run.is_over or old.execute(query).fetchall() == [(100, "first")])
    with live.move() as move:
        move.stop()
    run.ended()
